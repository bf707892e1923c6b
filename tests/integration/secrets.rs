//! Secrets are nowhere in what a run leaves.

use std::path::Path;

use crate::project::Project;
use crate::server::{Reply, Server, completion};

const KEY: &str = "sk-planted-key-0123456789";
const HEADER: &str = "hdr-planted-9876543210";
const PASSWORD: &str = "url-planted-5555555555";
const QUERY: &str = "query-planted-4444444444";
const TOKEN: &str = "env-planted-7777777777";
const COOKIE: &str = "cookie-planted-6666666666";

fn files(folder: &Path, all: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files(&path, all) } else { all.push(path) }
    }
}

/// Everything the tool wrote: not the config nor the environment file.
fn left(project: &Project) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    files(project.path(), &mut all);
    let name = |path: &Path| path.strip_prefix(project.path()).unwrap().display().to_string();
    let all = all.into_iter().map(|path| (name(&path), std::fs::read(&path).unwrap()));
    all.filter(|(name, _)| name != "evalconfig.yaml" && name != ".env").collect()
}

fn assert_clean(what: &str, bytes: &[u8]) {
    for secret in [KEY, HEADER, PASSWORD, QUERY, TOKEN, COOKIE] {
        let found = bytes.windows(secret.len()).position(|window| window == secret.as_bytes());
        assert_eq!(found, None, "{secret} in {what}");
    }
}

#[test]
fn planted_secrets_are_in_nothing_that_a_run_leaves() {
    let all = [KEY, HEADER, PASSWORD, QUERY, TOKEN].join(" ");
    let server = Server::start(move |n, _| match n % 4 {
        // The server repeats what it was sent, in errors and in answers.
        0 => Reply::Http(
            500,
            "retry-after-ms: 1\r\nset-cookie: s=cookie-planted-6666666666\r\n",
            format!("{{\"error\":\"{all}\"}}"),
        ),
        1 => Reply::Http(400, "", format!("<html>{all}")),
        2 => Reply::Http(200, "x-token: cookie-planted-6666666666\r\n", completion(&format!("ok {all}"))),
        _ => Reply::Http(200, "", completion("ok")),
    });
    let url = server.url().replace("http://", &format!("http://me:{PASSWORD}@"));
    let config = format!(
        "prompts: ['{{{{x}}}} {{{{env.MY_TOKEN}}}}']\nproviders:\n  - id: openai:m\n    config:\n      apiBaseUrl: '{url}?api_key={QUERY}'\n      headers: {{X-Api-Key: {HEADER}}}\n\
         defaultTest:\n  assert: [{{type: contains, value: '{KEY}'}}, {{type: contains, value: '{{{{env.MY_TOKEN}}}}'}}]\n\
         tests:\n  - {{vars: {{x: a, y: '{KEY}'}}, metadata: {{'{TOKEN}': 1}}}}\n  - vars: {{x: b}}\n  - vars: {{x: c}}\n  - vars: {{x: d}}\n"
    );
    let project = Project::with(&config).file(".env", &format!("OPENAI_API_KEY={KEY}\nMY_TOKEN={TOKEN}\n"));
    let reports = ["-o", "r.json", "-o", "r.jsonl", "-o", "r.junit.xml", "-v", "-j", "1"];
    let runs = [
        [&["run"], &reports[..]].concat(),
        [&["run", "--resume", "--retry-errors"], &reports[..]].concat(),
        [&["run", "--cassette", "tape.jsonl"], &reports[..]].concat(),
        vec!["history", "--format", "json"],
        vec!["history", "show"],
        vec!["report", "-v"],
        vec!["report", "-v", "-o", "again.json", "-o", "again.junit.xml"],
    ];
    for args in runs {
        let ran = project.run(&args);
        assert!([0, 100, 101].contains(&ran.code), "{}{}", ran.out, ran.err);
        assert_clean("stdout", ran.out.as_bytes());
        assert_clean("stderr", ran.err.as_bytes());
        let left = left(&project);
        assert!(left.iter().any(|(name, _)| name.ends_with("prompteval.db")), "{args:?}");
        for (name, bytes) in &left {
            assert_clean(name, bytes);
        }
    }
    assert!(project.read("tape.jsonl").contains("[redacted]"));
    // Who reads a run again need not know its secrets.
    let keyless = std::fs::rename(project.path().join(".env"), project.path().join("env.gone"));
    keyless.unwrap();
    for args in [&["report", "-v"][..], &["history", "show"], &["history"]] {
        let ran = project.run(args).code(0);
        assert_clean("stdout", ran.out.as_bytes());
        assert_clean("stderr", ran.err.as_bytes());
    }
    assert!(server.heads().iter().all(|head| head.contains(KEY) || head.contains(PASSWORD) || head.contains("Basic")));
}
