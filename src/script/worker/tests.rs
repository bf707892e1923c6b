//! Real programs run real scripts, also those that nobody wants. Languages that are not installed are
//! skipped, unless `PROMPTEVAL_REQUIRE_TOOLS` names them.

mod node;
mod ruby;

use std::collections::HashSet;
use std::fs;
use std::path::PathBuf;

use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::env::Env;

const PARAMETERS: &[&str] = &["output", "context"];
/// Long enough for any machine.
const AMPLE: Duration = Duration::from_secs(60);
/// For what never ends.
const SHORT: Duration = Duration::from_millis(300);
const OUTPUT: &[Arg<'_>] = &[Arg::Text("hello"), Arg::Json("{\"vars\":{\"n\":1}}")];

/// A folder with scripts in it.
struct Scene {
    folder: TempDir,
    language: &'static Language,
    workers: Workers,
}

impl Scene {
    /// Nothing where the language is not installed.
    #[expect(clippy::print_stdout, reason = "a test that is skipped says why")]
    fn new(language: &'static Language) -> Option<Self> {
        let env = Env::from_process();
        if let Err(error) = language.program(&env) {
            let required = env.get("PROMPTEVAL_REQUIRE_TOOLS").unwrap_or_default();
            assert!(!required.split_whitespace().any(|name| name == language.name), "{error}");
            println!("skipped: {error}");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let workers = Workers::new(1, surroundings(&folder));
        Some(Self { folder, language, workers })
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    fn file(&self, name: &str, text: &str, function: Option<&str>) -> Foreign {
        Foreign::file(&self.write(name, text), name, function, &["get_assert"])
    }

    fn inline(&self, text: &str) -> Foreign {
        Foreign::inline(self.language, text, "the assertion", PARAMETERS)
    }

    async fn run(&self, text: &str) -> Result<Value, ScriptError> {
        self.workers.call(&self.inline(text), OUTPUT, AMPLE).await
    }
}

fn surroundings(folder: &TempDir) -> WorkerEnv {
    WorkerEnv { memory: 256 << 20, result: 1 << 20, load: AMPLE, ..WorkerEnv::new(Env::from_process(), folder.path()) }
}

/// What is expected of a script: a value, or trouble with words that its error shows.
type Expected<'a> = Result<Value, (Trouble, &'a str)>;

fn assert_expected(text: &str, result: &Result<Value, ScriptError>, expected: &Expected<'_>) {
    match (result, expected) {
        (Ok(value), Ok(expected)) => assert_eq!(value, expected, "{text}"),
        (Err(error), Err((trouble, words))) => {
            assert_eq!(error.trouble, *trouble, "{text}: {error}");
            assert!(error.to_string().contains(words), "{text}: {error:?}");
        }
        _ => panic!("{text}: {result:?} is not {expected:?}"),
    }
}

#[tokio::test]
async fn python_runs_lines_and_bodies() {
    let Some(scene) = Scene::new(&PYTHON) else { return };
    for (text, expected) in [
        ("output == 'hello'", json!(true)),
        ("  len(output) / 2  ", json!(2.5)),
        ("return context['vars']['n']", json!(1)),
        ("import re; bool(re.match('h', output))", json!(true)),
        ("json.loads('[1]')", json!([1])),
        ("if output:\n    return {'pass': True, 'score': 0.5}\nreturn False", json!({"pass": true, "score": 0.5})),
        ("\n    x = 1\n    return x\n", json!(1)),
        ("text = '''a\nb'''\nreturn text", json!("a\nb")),
        ("import asyncio\nawait asyncio.sleep(0)\nreturn 'later'", json!("later")),
        ("async def f():\n    return 3\nreturn f()", json!(3)),
        ("None", Value::Null),
        ("'\u{e4}\u{1f600}'", json!("\u{e4}\u{1f600}")),
        ("input() if False else __import__('sys').stdin.read()", json!("")),
        ("print('to nobody') or 1", json!(1)),
        ("__import__('os').getcwd() != ''", json!(true)),
    ] {
        assert_expected(text, &scene.run(text).await, &Ok(expected));
    }
}

#[tokio::test]
async fn python_survives_what_scripts_do() {
    let Some(scene) = Scene::new(&PYTHON) else { return };
    let mut pids = HashSet::new();
    for (text, trouble, words) in [
        ("1 / 0", Trouble::Thrown, "ZeroDivisionError: division by zero (the assertion)"),
        ("x = 1\nraise KeyError(x)\nreturn 2", Trouble::Thrown, "KeyError: 1 (line 2 of the assertion)"),
        ("import json\nreturn json.loads('x')", Trouble::Thrown, "(line 2 of the assertion)"),
        (
            "print('seen')\nraise ValueError()\nreturn 1",
            Trouble::Thrown,
            "ValueError (line 2 of the assertion); it printed: seen",
        ),
        ("output.(", Trouble::Syntax, "SyntaxError: invalid syntax"),
        ("x = 1\ny = (\nreturn 1", Trouble::Syntax, "(line 2 of the assertion)"),
        ("x = output\nx == 'hello'", Trouble::Syntax, "it returns nothing: end it with `return`"),
        ("float('nan')", Trouble::NoResult, "JSON"),
        ("{1, 2}", Trouble::NoResult, "a `set` is no JSON"),
        ("object()", Trouble::NoResult, "a `object` is no JSON"),
        ("10 ** 400", Trouble::NoResult, "number out of range"),
        ("'\\ud800'", Trouble::NoResult, "surrogates"),
        ("x = []\nx.append(x)\nreturn x", Trouble::NoResult, "Circular"),
        ("x = []\nfor _ in range(200): x = [x]\nreturn x", Trouble::NoResult, "recursion limit"),
        ("'x' * (50 << 20)", Trouble::TooLarge, "it returned 52428802 bytes; 1048576 are the most"),
        ("f = lambda: f()\nreturn f()", Trouble::Thrown, "RecursionError"),
        ("exit()", Trouble::Died, "the script ended its process (exit code 0)"),
        ("import sys; sys.exit(3)", Trouble::Died, "(exit code 3)"),
        (
            "print('last words', flush=True) or __import__('os')._exit(4)",
            Trouble::Died,
            "(exit code 4) (the assertion); it printed: last words",
        ),
        ("import os\nos.closerange(0, 100)\nreturn 1", Trouble::Died, "the script ended its process"),
        ("[print('x' * 1000) for _ in range(100000)] and 1 / 0", Trouble::Thrown, "xxx"),
    ] {
        let result = scene.run(text).await;
        assert_expected(text, &result, &Err((trouble, words)));
        assert!(result.unwrap_err().stderr.unwrap_or_default().len() <= 4096, "{text}");
        pids.insert(scene.run("__import__('os').getpid()").await.unwrap().to_string());
    }
    assert_eq!(pids.len(), 5, "only who lost its process gets another");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn memory_is_bounded() {
    if let Some(scene) = Scene::new(&PYTHON) {
        let result = scene.run("x = []\nwhile True: x.append('x' * 10_000_000)\nreturn 1").await;
        assert_expected("python", &result, &Err((Trouble::TooLarge, "MemoryError (line 2 of the assertion)")));
        assert_eq!(scene.run("1").await.unwrap(), 1);
    }
    if let Some(scene) = Scene::new(&RUBY) {
        let result = scene.run("x = []\nloop { x << 'x' * 10_000_000 }").await;
        assert_expected("ruby", &result, &Err((Trouble::TooLarge, "NoMemoryError")));
        assert_eq!(scene.run("1").await.unwrap(), 1);
    }
    if let Some(scene) = Scene::new(&NODE) {
        let text = "export default () => { for (const x = []; ; ) x.push(new Array(1e6).fill(x)) }";
        let result = scene.workers.call(&scene.file("a.mjs", text, None), OUTPUT, AMPLE).await;
        assert_expected("node", &result, &Err((Trouble::Died, "heap out of memory")));
    }
}

#[tokio::test]
async fn what_never_ends_is_ended() {
    let Some(scene) = Scene::new(&PYTHON) else { return };
    for text in [
        "while True: pass\nreturn 1",
        "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nwhile True: pass\nreturn 1",
        "import time\ntime.sleep(1000)\nreturn 1",
        "import asyncio\nawait asyncio.sleep(1000)\nreturn 1",
        "print('x', flush=True)\nwhile True: print('x' * 1000)\nreturn 1",
        "try:\n  while True: pass\nexcept BaseException: pass\nreturn 1",
    ] {
        let result = scene.workers.call(&scene.inline(text), OUTPUT, SHORT).await;
        assert_expected(text, &result, &Err((Trouble::TimedOut, "took longer than 300ms and was stopped")));
        assert_eq!(scene.run("1").await.unwrap(), 1, "after {text}");
    }
    let endless = scene.inline("while True: pass");
    let endless = [&endless; 4].map(|script| scene.workers.call(script, OUTPUT, Duration::from_millis(1)));
    let results = futures::future::join_all(endless).await;
    assert!(results[3].as_ref().unwrap_err().to_string().contains("it returns nothing"), "{results:?}");
}

#[tokio::test]
async fn a_script_that_always_takes_too_long_is_given_up() {
    let Some(scene) = Scene::new(&PYTHON) else { return };
    let endless = scene.inline("while True: pass\nreturn 1");
    for words in ["was stopped", "was stopped", "was stopped", "is not run again"] {
        let result = scene.workers.call(&endless, OUTPUT, Duration::from_millis(50)).await;
        assert_expected("endless", &result, &Err((Trouble::TimedOut, words)));
    }
}

/// Whether a process is there; what has ended and is not yet collected is not.
#[cfg(target_os = "linux")]
fn lives(pid: &Value) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    !status.is_empty() && !status.contains(") Z")
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn children_end_with_their_process() {
    let Some(scene) = Scene::new(&PYTHON) else { return };
    let child = "import subprocess\nreturn subprocess.Popen(['sleep', '1000']).pid";
    let first = scene.run(child).await.unwrap();
    let late = scene.workers.call(&scene.inline("while True: pass\nreturn 1"), OUTPUT, SHORT).await;
    assert_eq!(late.unwrap_err().trouble, Trouble::TimedOut);
    let second = scene.run(child).await.unwrap();
    assert!(lives(&second));
    scene.workers.shut_down().await;
    for pid in [first, second] {
        let gone = async {
            while lives(&pid) {
                tokio::task::yield_now().await;
            }
        };
        assert!(tokio::time::timeout(AMPLE, gone).await.is_ok(), "{pid}");
    }
    assert_eq!(scene.run("1").await.unwrap_err().message, "the run is over");
}

#[cfg(unix)]
#[tokio::test]
async fn a_fork_does_not_answer() {
    let Some(scene) = Scene::new(&PYTHON) else { return };
    for n in 0..10 {
        let text = format!("import os\nos.fork()\nreturn {n}");
        assert_eq!(scene.run(&text).await.unwrap(), n);
    }
}

#[tokio::test]
async fn a_process_that_ends_between_calls_is_replaced() {
    let Some(scene) = Scene::new(&PYTHON) else { return };
    let first = scene.run("__import__('os').getpid()").await.unwrap();
    let leaver = "import os, threading\nthreading.Timer(0, lambda: os._exit(1)).start()\nreturn 1";
    // The thread may be faster than the answer.
    scene.run(leaver).await.ok();
    let next = async {
        loop {
            match scene.run("__import__('os').getpid()").await {
                Ok(pid) if pid != first => return,
                _ => {}
            }
        }
    };
    tokio::time::timeout(AMPLE, next).await.unwrap();
}

#[tokio::test]
async fn nothing_is_kept_between_calls_of_inline_code() {
    let Some(scene) = Scene::new(&PYTHON) else { return };
    let text = "global seen\nfirst = 'seen' not in globals()\nseen = 1\noutput = 2\nreturn first";
    for _ in 0..2 {
        assert_eq!(scene.run(text).await.unwrap(), true);
    }
}

#[tokio::test]
async fn python_files_are_modules() {
    let Some(scene) = Scene::new(&PYTHON) else { return };
    scene.write("beside.py", "def twice(text):\n    return text * 2\n");
    scene.write("json.py", "raise ImportError('not this one')");
    let text = "import beside\ncalls = 0\n\
        def get_assert(output, context):\n    global calls\n    calls += 1\n    return [calls, beside.twice(output)]\n\
        async def later(output, context):\n    return context['vars']\n\
        class Judge:\n    @staticmethod\n    def rule(output, context):\n        return True\n\
        def fails(output, context):\n    return [][1]\n";
    for (function, expected) in [
        (None, Ok(json!([1, "hellohello"]))),
        (None, Ok(json!([2, "hellohello"]))),
        (Some("later"), Ok(json!({"n": 1}))),
        (Some("Judge.rule"), Ok(json!(true))),
        (Some("fails"), Err((Trouble::Thrown, "IndexError: list index out of range (checks.py:14)"))),
        (
            Some("absent"),
            Err((Trouble::Missing, "there is no function absent (it has get_assert, later, Judge, fails)")),
        ),
    ] {
        let result = scene.workers.call(&scene.file("checks.py", text, function), OUTPUT, AMPLE).await;
        assert_expected(function.unwrap_or("-"), &result, &expected);
    }
    for (name, text, words) in [
        ("broken.py", "def get_assert(:", "SyntaxError: invalid syntax (broken.py:1)"),
        (
            "imports.py",
            "\nimport not_there_at_all",
            "ModuleNotFoundError: No module named 'not_there_at_all' (imports.py:2)",
        ),
        ("leaves.py", "exit(5)", "the script ended its process (exit code 5) (leaves.py)"),
    ] {
        let error = scene.workers.call(&scene.file(name, text, None), OUTPUT, AMPLE).await.unwrap_err();
        assert_eq!(error.to_string(), words);
    }
}

#[test]
fn mistakes_are_found_without_running() {
    let Some(scene) = Scene::new(&PYTHON) else { return };
    let witness = scene.folder.path().join("ran").to_string_lossy().into_owned();
    let running = format!("open({witness:?}, 'w')\ndef get_assert(output, context): pass\n");
    let table = [
        (scene.inline("output == 1"), Ok(Value::Null)),
        (scene.inline("output =="), Err((Trouble::Syntax, "SyntaxError: invalid syntax (the assertion)"))),
        (scene.inline("x = 1\nx"), Err((Trouble::Syntax, "end it with `return`"))),
        (scene.file("runs.py", &running, None), Ok(Value::Null)),
        (
            scene.file("runs.py", &running, Some("other")),
            Err((Trouble::Missing, "no function other (it has get_assert)")),
        ),
        (scene.file("dynamic.py", "from os.path import *", Some("join")), Ok(Value::Null)),
        (scene.file("bad.py", "x = 1\n  y = 2", None), Err((Trouble::Syntax, "unexpected indent (bad.py:2)"))),
        (scene.file("empty.py", "", None), Err((Trouble::Missing, "no function get_assert (it has none)"))),
        (
            Foreign::file(&scene.folder.path().join("x.py"), "x.py", None, &[]),
            Err((Trouble::Missing, "no file `x.py`")),
        ),
        (scene.file("plain.txt", "hi", None), Err((Trouble::Missing, "`plain.txt` may not be run"))),
    ];
    let scripts: Vec<Foreign> = table.iter().map(|(script, _)| script.clone()).collect();
    let found = check(&scripts, &surroundings(&scene.folder));
    for ((script, expected), result) in table.iter().zip(found) {
        assert_expected(script.name(), &result.map(|()| Value::Null), expected);
    }
    assert!(!scene.folder.path().join("ran").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn thousands_of_calls_share_a_few_processes() {
    let Some(scene) = Scene::new(&PYTHON) else { return };
    let workers = Workers::new(4, surroundings(&scene.folder));
    let script = scene.inline("[output, __import__('os').getpid()]");
    let calls = (0..2000).map(|n| {
        let (workers, script) = (workers.clone(), script.clone());
        tokio::spawn(async move { (n, workers.call(&script, &[Arg::Json(&n.to_string()), Arg::Nothing], AMPLE).await) })
    });
    let mut pids = HashSet::new();
    for call in futures::future::join_all(calls).await {
        let (n, result) = call.unwrap();
        let result = result.unwrap();
        assert_eq!(result[0], n);
        pids.insert(result[1].to_string());
    }
    assert!((1..=4).contains(&pids.len()), "{pids:?}");
    workers.shut_down().await;
}

#[tokio::test]
async fn large_arguments_arrive_and_a_call_may_be_given_up() {
    let Some(scene) = Scene::new(&PYTHON) else { return };
    let large = "x".repeat(4 << 20);
    let args = [Arg::Text(&large), Arg::Nothing];
    assert_eq!(scene.workers.call(&scene.inline("len(output)"), &args, AMPLE).await.unwrap(), large.len());
    let stuck = scene.inline("while True: pass\nreturn 1");
    let call = scene.workers.call(&stuck, &args, AMPLE);
    assert!(tokio::time::timeout(Duration::from_millis(1), call).await.is_err());
    assert_eq!(scene.run("1").await.unwrap(), 1);
}

#[tokio::test]
async fn a_program_that_is_no_python_says_so() {
    let Some(scene) = Scene::new(&PYTHON) else { return };
    let program = |name: &str| Env::from_process().with([("PROMPTEVAL_PYTHON".to_owned(), name.to_owned())]);
    let env = WorkerEnv { env: program("false"), ..surroundings(&scene.folder) };
    let error = Workers::new(1, env).call(&scene.inline("1"), OUTPUT, AMPLE).await.unwrap_err();
    assert_eq!(error.trouble, Trouble::Died);
    assert!(error.message.contains("did not start: it ended its process (exit code 1)"), "{error}");
    let env = WorkerEnv { env: program("no-such-python"), ..surroundings(&scene.folder) };
    let error = Workers::new(1, env).call(&scene.inline("1"), OUTPUT, AMPLE).await.unwrap_err();
    assert_eq!(error.message, "PROMPTEVAL_PYTHON names `no-such-python`, which cannot be run");
}

#[cfg(unix)]
#[tokio::test]
async fn executables_print_their_result() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let workers = Workers::new(2, surroundings(&folder));
    let long = "x".repeat(3 << 20);
    for (text, output, expected) in [
        ("printf '%s|%s\\n\\n' \"$1\" \"$2\"", "a b", Ok(json!("a b|{\"vars\":{\"n\":1}}"))),
        ("cat; pwd | wc -l", "", Ok(json!("1"))),
        ("echo no >&2; exit 3", "", Err((Trouble::Died, "(exit code 3) (it.sh); it printed: no"))),
        ("kill -9 $$", "", Err((Trouble::Died, "signal: 9"))),
        ("sleep 1000", "", Err((Trouble::TimedOut, "took longer than 300ms and was stopped (it.sh)"))),
        ("trap '' TERM; while :; do :; done", "", Err((Trouble::TimedOut, "was stopped"))),
        ("head -c 50000000 /dev/zero", "", Err((Trouble::TooLarge, "more than 1048576 bytes"))),
        ("head -c 50000000 /dev/zero >&2; echo fine", "", Ok(json!("fine"))),
        ("printf '\\377'", "", Err((Trouble::NoResult, "no UTF-8"))),
        ("echo", "a\0b", Err((Trouble::NoResult, "NUL"))),
        ("echo", &long, Err((Trouble::TooLarge, "too long for arguments"))),
    ] {
        let path = folder.path().join("it.sh");
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        let script = Foreign::file(&path, "it.sh", None, &[]);
        assert_eq!(workers.check(std::slice::from_ref(&script)).await, [Ok(())]);
        let limit = if text.contains("sleep") || text.contains("trap") { SHORT } else { AMPLE };
        let result = workers.call(&script, &[Arg::Text(output), OUTPUT[1]], limit).await;
        assert_expected(text, &result, &expected);
    }
}
