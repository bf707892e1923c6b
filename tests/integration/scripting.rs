//! Scripts of the user through the binary: what they return, what they break, what they see.

use serde_json::{Value, json};

use crate::languages::{lacks, with_programs};
use crate::project::{Project, Ran};

/// Files that scripts of the tests live in.
const FILES: [(&str, &str); 9] = [
    (
        "a.js",
        "module.exports = (output, context) => output.includes(context.vars.name);\nmodule.exports.half = () => 0.5;\n",
    ),
    (
        "a.mjs",
        "export default async (output) => ({ pass: output.length > 3, score: 0.75, reason: 'long enough' });\nexport function no() { return false }\nexport const boom = () => { throw new Error('no way') };\n",
    ),
    ("a.cjs", "const own = (output) => output === 'hi Bob';\nmodule.exports = { own };\n"),
    ("b.js", "exports.get_assert = () => true;\nexports.get_value = () => ['hi', 'Bob'];\n"),
    ("a.ts", "export default (output: string): boolean => output.startsWith('hi');\n"),
    (
        "a.py",
        "import sys\n\ndef get_assert(output, context):\n    print('printed', output)\n    return context['vars']['name'] in output\n\n\
         def score(output, context):\n    return {'pass': True, 'score': 0.25, 'reason': 'a quarter', 'namedScores': {'tone': 0.5}}\n\n\
         def leave(output, context):\n    sys.exit(3)\n\n\
         def deep(output, context):\n    return deep(output, context)\n\n\
         async def later(output, context):\n    return True\n\n\
         def parts(output, context):\n    return {'pass_': True, 'score': 0.5, 'reason': 'in parts', 'named_scores': {'tone': 0.25},\n            'component_results': [{'pass_': True, 'score': 1, 'reason': 'first'}, {'pass_': False, 'score': 0, 'reason': 'second'}]}\n\n\
         def get_value(output, context):\n    return ['hi', context['vars']['name']]\n",
    ),
    (
        "a.rb",
        "def get_assert(output, context)\n  output.include?(context['vars']['name'])\nend\n\ndef third(output, context)\n  1.0 / 3\nend\n\n\
         def symbols(output, context)\n  { pass: true, score: 0.5, reason: 'by symbols', named_scores: { tone: 0.5 } }\nend\n",
    ),
    ("bad.py", "def get_assert(output, context:\n    return True\n"),
    ("bad.js", "export default (output) => { retur n }\n"),
];

fn project(config: &str) -> Project {
    let project = FILES.iter().fold(Project::new(), |project, (name, text)| project.file(name, text));
    with_programs(project.file("evalconfig.yaml", config))
}

/// A case that answers `hi Bob`, with these assertions.
fn suite(asserts: &str) -> String {
    format!(
        "prompts: ['hi {{{{name}}}}']\nproviders: [echo]\ntests:\n  - vars: {{name: Bob}}\n    assert:\n{asserts}\n"
    )
}

fn components(results: &[Value]) -> Vec<Value> {
    results[0]["gradingResult"]["componentResults"].as_array().unwrap().clone()
}

#[track_caller]
fn judged(ran: Ran, results: &[Value], rows: &[(&str, &str, f64, &str)], code: i32) {
    ran.code(code);
    let components = components(results);
    assert_eq!(components.len(), rows.len());
    for ((assertion, mark, score, reason), found) in rows.iter().zip(&components) {
        let came = if found["error"] == true { "error" } else { ["fail", "pass"][usize::from(found["pass"] == true)] };
        let words = found["reason"].as_str().unwrap();
        assert_eq!((came, &found["score"]), (*mark, &json!(score)), "{assertion}: {words}");
        assert!(words.contains(reason), "{assertion}: {words}");
    }
}

/// Runs all rows as assertions of one case. Rows whose language is not here are left out.
#[track_caller]
fn table(rows: &[(&str, &str, f64, &str)], code: i32) {
    let here: Vec<_> = rows.iter().filter(|(assertion, ..)| !lacks(assertion, assertion)).copied().collect();
    let asserts: String = here.iter().map(|(assertion, ..)| format!("      - {assertion}\n")).collect();
    let (ran, results) = project(&suite(&asserts)).results(&["--no-table"]);
    if here.len() == rows.len() {
        judged(ran, &results, &here, code);
    } else if !here.is_empty() {
        judged(Ran { code, ..ran }, &results, &here, code);
    }
}

#[test]
fn what_scripts_return_is_their_verdict() {
    table(
        &[
            ("{type: javascript, value: 'output === \"hi Bob\"'}", "pass", 1.0, "returned true"),
            ("{type: javascript, value: 'context.vars.name.length / 4'}", "pass", 0.75, "it returned 0.75"),
            ("{type: javascript, value: 'output.length / 10', threshold: 0.6}", "pass", 0.6, "0.6"),
            ("{type: javascript, value: '({pass: true, score: 0.3, reason: \"so so\"})'}", "pass", 0.3, "so so"),
            (
                "{type: javascript, value: \"const n = 6;\\nreturn output.length === n;\\n\"}",
                "pass",
                1.0,
                "returned true",
            ),
            ("{type: javascript, value: '(() => /b[o]b/i.test(output))()'}", "pass", 1.0, "returned true"),
            ("{type: javascript, value: 'context.prompt === `hi ${context.vars.name}`'}", "pass", 1.0, "returned true"),
            (
                "{type: javascript, value: 'context.config.least < output.length', config: {least: 3}}",
                "pass",
                1.0,
                "true",
            ),
            (
                "{type: javascript, value: 'context.provider.id + context.test.vars.name === \"echoBob\"'}",
                "pass",
                1.0,
                "true",
            ),
            (
                "{type: javascript, value: 'context.providerResponse.output === output && !!context.metadata'}",
                "pass",
                1.0,
                "true",
            ),
            ("{type: javascript, value: '(async () => ({pass: true}))()'}", "pass", 1.0, "pass: true"),
            ("{type: javascript, value: '({pass: true, score: 7})'}", "pass", 7.0, "score: 7"),
            ("{type: not-javascript, value: 'output.length > 99'}", "pass", 1.0, "returned false"),
            ("{type: javascript, value: 'file://a.js'}", "pass", 1.0, "returned true"),
            ("{type: javascript, value: 'file://a.js:half'}", "pass", 0.5, "0.5"),
            ("{type: javascript, value: 'file://b.js'}", "pass", 1.0, "returned true"),
            ("{type: contains-all, value: 'file://b.js:get_value'}", "pass", 1.0, "Bob"),
            ("{type: javascript, value: 'file://a.mjs'}", "pass", 0.75, "long enough"),
            ("{type: javascript, value: 'file://a.cjs:own'}", "pass", 1.0, "returned true"),
            ("{type: python, value: 'len(output) == 6'}", "pass", 1.0, "returned true"),
            ("{type: python, value: \"n = 6\\nreturn len(output) / n\\n\"}", "pass", 1.0, "it returned 1"),
            ("{type: python, value: 'file://a.py'}", "pass", 1.0, "returned true"),
            ("{type: python, value: 'file://a.py:score'}", "pass", 0.25, "a quarter"),
            ("{type: python, value: 'file://a.py:later'}", "pass", 1.0, "returned true"),
            ("{type: python, value: '\"TRUE\"'}", "pass", 1.0, "returned true"),
            ("{type: python, value: '\"0.5\"'}", "pass", 0.5, "it returned 0.5"),
            ("{type: python, value: 'json.dumps({\"pass\": True, \"score\": 0.4})'}", "pass", 0.4, "score: 0.4"),
            ("{type: ruby, value: 'file://a.rb:symbols'}", "pass", 0.5, "by symbols"),
            ("{type: ruby, value: 'file://a.rb:third'}", "pass", 1.0 / 3.0, "more than 0"),
            ("{type: ruby, value: 'output.length == 6'}", "pass", 1.0, "returned true"),
            ("{type: ruby, value: 'file://a.rb'}", "pass", 1.0, "returned true"),
            ("{type: icontains-all, value: 'file://a.py'}", "pass", 1.0, "Bob"),
        ],
        0,
    );
}

#[test]
fn what_fails_is_told_from_what_breaks() {
    table(
        &[
            ("{type: javascript, value: 'output.length > 99'}", "fail", 0.0, "returned false"),
            ("{type: javascript, value: '0.2', threshold: 0.5}", "fail", 0.2, "at least 0.5"),
            ("{type: javascript, value: 'undefined'}", "fail", 0.0, "returned nothing"),
            (
                "{type: javascript, value: '({pass: true, score: 0.3})', threshold: 0.5}",
                "fail",
                0.3,
                "below the threshold 0.5",
            ),
            ("{type: javascript, value: '({pass: false, score: 1})'}", "fail", 1.0, "pass: false"),
            ("{type: javascript, value: '({pass: \"yes\"})'}", "error", 0.0, "needs `pass` (true or false)"),
            ("{type: not-javascript, value: 'undefined'}", "fail", 0.0, "returned nothing"),
            ("{type: not-javascript, value: 'output.foo.bar'}", "error", 0.0, "cannot read property"),
            ("{type: javascript, value: 'Promise.reject(new Error(\"late\"))'}", "error", 0.0, "Error: late"),
            ("{type: javascript, value: 'new Promise(() => {})'}", "error", 0.0, "a promise that nothing resolves"),
            ("{type: javascript, value: '(function f() { return f() })()'}", "error", 0.0, "its calls never return"),
            ("{type: not-javascript, value: 'true'}", "fail", 0.0, "it must not hold, and it does"),
            ("{type: javascript, value: 'output.foo.bar'}", "error", 0.0, "cannot read property 'bar' of undefined"),
            ("{type: javascript, value: '\"what\"'}", "error", 0.0, "it returned \"what\""),
            ("{type: javascript, value: 'NaN'}", "error", 0.0, "NaN"),
            ("{type: javascript, value: 'for (;;) ;'}", "error", 0.0, "took too long and was stopped"),
            ("{type: javascript, value: 'file://a.mjs:no'}", "fail", 0.0, "returned false"),
            ("{type: javascript, value: 'file://a.mjs:boom'}", "error", 0.0, "no way (a.mjs:3)"),
            ("{type: python, value: 'file://a.py:leave'}", "error", 0.0, "a.py"),
            ("{type: python, value: 'file://a.py:deep'}", "error", 0.0, "RecursionError"),
            ("{type: python, value: '1 / 0'}", "error", 0.0, "ZeroDivisionError"),
            ("{type: python, value: 'len(output) > 99'}", "fail", 0.0, "returned false"),
            ("{type: python, value: None}", "fail", 0.0, "returned nothing"),
            ("{type: python, value: 'float(\"nan\")'}", "error", 0.0, "JSON cannot hold"),
            ("{type: ruby, value: nil}", "fail", 0.0, "returned nothing"),
            ("{type: ruby, value: exit 3}", "error", 0.0, "the script ended its process (exit code 3)"),
            ("{type: contains-all, value: 'file://a.rb:third'}", "error", 0.0, "list"),
            ("{type: ruby, value: 'raise \"stop\"'}", "error", 0.0, "stop"),
            ("{type: ruby, value: 'file://a.rb:third', threshold: 0.5}", "fail", 1.0 / 3.0, "at least 0.5"),
        ],
        101,
    );
}

#[test]
fn parts_of_a_verdict_stand_under_it() {
    let config = suite(
        "      - {type: python, value: 'file://a.py:parts'}
      - {type: javascript, value: '({pass: true, score: 1, reason: \"whole\", namedScores: {length: 0.1}, componentResults: [{pass: true, score: 1, reason: \"third\"}]})'}",
    );
    if lacks(&config, "a verdict in parts") {
        return;
    }
    let (ran, results) = project(&config).results(&["--no-table"]);
    ran.code(0);
    let said: Vec<_> = components(&results).iter().map(|c| (c["reason"].clone(), c["pass"] == true)).collect();
    let expected = [("in parts", true), ("first", true), ("second", false), ("whole", true), ("third", true)];
    assert_eq!(said, expected.map(|(reason, pass)| (json!(reason), pass)));
    assert_eq!(results[0]["namedScores"], json!({"tone": 0.25, "length": 0.1}));
    // The mean is that of the assertions; their parts do not count.
    assert_eq!(results[0]["score"], json!(0.75));
}

#[test]
fn a_program_that_is_missing_is_told_before_anything_is_asked() {
    for (assertion, program) in [
        ("{type: python, value: 'True'}", "no `python3` or `python` on the PATH: install python"),
        ("{type: python, value: 'file://a.py'}", "PROMPTEVAL_PYTHON"),
        ("{type: javascript, value: 'file://a.js'}", "no `node` or `nodejs` on the PATH: install node"),
        ("{type: ruby, value: 'true'}", "no `ruby` on the PATH: install ruby"),
    ] {
        let empty = Project::new().file("a.py", "").file("a.js", "").env("PATH", "/nonexistent");
        empty.write("evalconfig.yaml", suite(&format!("      - {assertion}")));
        empty.run(&["run"]).code(2).says(program).says("evalconfig.yaml:6:").says("nothing was requested");
        // What runs inside the binary misses nothing.
        empty.write("evalconfig.yaml", suite("      - {type: javascript, value: 'true'}"));
        empty.run(&["run", "--no-table"]).code(0);
    }
}

#[test]
fn typescript_runs_where_node_reads_it() {
    let config = suite("      - {type: javascript, value: 'file://a.ts'}");
    if lacks(&config, "TypeScript") {
        return;
    }
    let ran = project(&config).run(&["run", "--no-table"]);
    match ran.code {
        0 => {}
        _ => drop(ran.code(2).says("cannot read TypeScript: node 22.18 or newer can")),
    }
}

#[test]
fn mistakes_are_found_before_anything_is_asked() {
    for (assertion, words) in [
        ("{type: javascript, value: 'output.('}", "this is no valid JavaScript"),
        ("{type: javascript, value: '(output) => true'}", "this script is a function, and nothing calls it"),
        ("{type: javascript, value: 'file://nowhere.js'}", "no file `nowhere.js`"),
        ("{type: javascript, value: 'file://a.mjs:nope'}", "there is no function nope (it has boom, no)"),
        ("{type: javascript, value: 'file://a.cjs'}", "no default export that is a function (it has own)"),
        ("{type: javascript, value: 'file://bad.js'}", "SyntaxError"),
        ("{type: javascript, value: 'file://a.txt'}", "no file `a.txt`"),
        ("{type: python, value: 'file://a.js'}", "`python` cannot run a file of node"),
        ("{type: python, value: 'file://a.py:nope'}", "nope"),
        ("{type: python, value: 'file://bad.py'}", "SyntaxError"),
        ("{type: python, value: 'len(output'}", "SyntaxError"),
        ("{type: ruby, value: 'output.('}", "ruby"),
    ] {
        if lacks(assertion, assertion) {
            continue;
        }
        let project = project(&suite(&format!("      - {assertion}")));
        project
            .run(&["run", "-o", "r.json"])
            .code(2)
            .says(words)
            .says("evalconfig.yaml:6:")
            .says("nothing was requested");
        assert!(!project.exists("r.json"), "{assertion}");
    }
}

#[test]
fn slips_are_warned_of() {
    for (assertion, words) in [
        ("{type: javascript, value: \"const n = 3;\\noutput.length > n\\n\"}", "this script never returns anything"),
        ("{type: python, value: '\"{{name}}\" in output'}", "a quote in one breaks it, and its text runs as code"),
    ] {
        if !lacks(assertion, assertion) {
            project(&suite(&format!("      - {assertion}"))).run(&["validate"]).code(0).says(words);
        }
    }
}

#[test]
fn what_a_script_does_to_its_world_ends_with_it() {
    table(
        &[
            (
                "{type: javascript, value: '(() => { globalThis.left = 1; String.prototype.includes = () => true; return true })()'}",
                "pass",
                1.0,
                "",
            ),
            (
                "{type: javascript, value: 'typeof left === \"undefined\" && !output.includes(\"zzz\")'}",
                "pass",
                1.0,
                "",
            ),
            (
                "{type: javascript, value: '(() => { output = \"changed\"; context.vars.name = \"changed\"; return true })()'}",
                "pass",
                1.0,
                "",
            ),
            ("{type: javascript, value: 'output === \"hi Bob\" && context.vars.name === \"Bob\"'}", "pass", 1.0, ""),
            (
                "{type: python, value: \"global left\\nleft = 1\\ncontext['vars']['name'] = ''\\nreturn True\\n\"}",
                "pass",
                1.0,
                "",
            ),
            (
                "{type: python, value: \"'left' not in globals() and context['vars']['name'] == 'Bob'\"}",
                "pass",
                1.0,
                "",
            ),
        ],
        0,
    );
}

#[test]
fn transforms_follow_one_another() {
    let config = "
prompts: ['hi {{name}}']
providers: [{id: echo, transform: 'output + \" 1\"'}]
defaultTest:
  options: {transform: 'output + \" 2\"', transformVars: '({name: vars.name.trim()})'}
tests:
  - {vars: {name: ' Bob '}, assert: [{type: equals, value: 'hi Bob 1 2'}, {type: equals, value: '[hi Bob 1 2]', transform: '`[${output}]`'}]}
  - {vars: {name: Ann}, options: {transform: 'output + \" 3\"'}, assert: [{type: equals, value: hi Ann 1 3}]}
  - {vars: {name: Eve}, options: {transform: '({greeting: output})'}, assert: [{type: javascript, value: output.greeting === 'hi Eve 1'}]}
";
    let project = project(config);
    project.run(&["run", "--no-table", "-o", "r.json"]).code(0);
    let result = project.json("r.json")["results"]["results"][0]["response"].clone();
    assert_eq!((&result["output"], &result["raw"]), (&json!("hi Bob 1 2"), &json!("hi Bob")));
    // What came out of the cache or the store is what came, and is transformed once.
    project.run(&["run", "--no-table"]).code(0);
    project.run(&["run", "--no-table", "--resume"]).code(0);
    let broken = config.replace("output + \\\" 2\\\"", "output.a.b").replace("'output + \" 2\"'", "output.a.b");
    let (ran, results) = project.file("evalconfig.yaml", &broken).results(&["--no-table"]);
    ran.code(101).says("cannot read property 'b' of undefined");
    assert_eq!((&results[0]["failureReason"], &results[2]["success"]), (&json!(2), &json!(true)));
}

#[test]
fn a_key_that_a_script_tells_is_taken_out() {
    let config = "
prompts: ['hi {{name}}']
providers: [{id: 'openai:m', config: {apiKey: '{{env.MY_KEY}}', apiBaseUrl: 'http://127.0.0.1:1'}}]
tests:
  - vars: {name: Bob}
    providerOutput: hi
    assert: [{type: javascript, value: '({pass: false, score: 0, reason: `the key is planted-${\"0123456789\"}`})'}]
";
    let project = project(config).env("MY_KEY", "planted-0123456789");
    project.run(&["run", "--no-table", "-o", "r.json", "-o", "r.xml"]).code(100).never_says("planted-0123456789");
    for report in ["r.json", "r.xml"] {
        assert!(!project.read(report).contains("planted-0123456789"), "{report}");
    }
}

#[test]
fn a_key_at_the_edge_of_what_is_quoted_is_taken_out_whole() {
    let config = "
prompts: ['hi {{name}}']
providers: [{id: 'openai:m', config: {apiKey: '{{env.MY_KEY}}', apiBaseUrl: 'http://127.0.0.1:1'}}]
tests: [{vars: {name: Bob}, providerOutput: hi, assert: [{type: python, value: 'file://leak.py'}]}]
";
    if lacks(config, "what a script prints") {
        return;
    }
    for more in [4060, 4076, 4090, 9000, 20_000] {
        let script = format!(
            "import os\ndef get_assert(output, context):\n    print('y' * 5000 + 'planted-0123456789-abcdefghijklmnop' + 'x' * {more})\n    raise ValueError('no')\n"
        );
        let project = project(config).file("leak.py", &script).env("MY_KEY", "planted-0123456789-abcdefghijklmnop");
        project.run(&["run", "--no-table", "-o", "r.json"]).code(101).never_says("hijklmnop").says("xxxx");
        assert!(!project.read("r.json").contains("hijklmnop"), "{more}");
    }
}
