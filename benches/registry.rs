//! What a large registry costs: 10,000 prompts with 20 versions each, all in the log.
//!
//! The commands are run as a user runs them; their CPU time is what the system counts for them. With a folder
//! as its argument (`cargo bench --bench registry -- FOLDER`) it only builds the registry there.

#![expect(clippy::unwrap_used, reason = "a bench may stop where it fails")]

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use prompteval::audit::{Actor, Change, Entry, Event, FILE, Head};
use prompteval::content::{content_hash, sha256};
use prompteval::prompts::{LABELS_FILE, Labels};
use serde_json::json;

const PROMPTS: usize = 10_000;
const VERSIONS: usize = 20;
const ROUNDS: usize = 20;

fn main() {
    if let Some(folder) = std::env::args().nth(1).filter(|word| !word.starts_with('-')) {
        return build(Path::new(&folder));
    }
    let folder = tempfile::tempdir().unwrap();
    build(folder.path());
    fs::write(folder.path().join("prompteval.yaml"), "labels: {production: {gated: false}}\n").unwrap();
    // The first command reads the whole log once.
    run(folder.path(), &["promote", "p00000", "1.1.0", "--to", "production"]);
    row("prompt list", 5, || run(folder.path(), &["prompt", "list"]));
    row("prompt list --format json", 5, || run(folder.path(), &["prompt", "list", "--format", "json"]));
    for (what, prompt) in [("promote, released early in the log", "p00003"), ("promote, released late", "p09998")] {
        let mut version = 0;
        row(what, ROUNDS, || {
            version = (version + 1) % VERSIONS;
            run(folder.path(), &["promote", prompt, &format!("1.{version}.0"), "--to", "production"]);
        });
    }
    row("rollback", 5, || run(folder.path(), &["rollback", "p09998", "-m", "bench"]));
    row("at", 3, || run(folder.path(), &["at", "2026-11-01T10:00Z", "p00003"]));
    row("audit verify", 3, || run(folder.path(), &["audit", "verify"]));
}

/// Runs a command, and stops where it fails.
fn run(folder: &Path, args: &[&str]) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_prompteval"));
    command.args(args).current_dir(folder).env("XDG_CONFIG_HOME", folder).stdout(Stdio::null()).stderr(Stdio::piped());
    let output = command.output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
}

#[expect(clippy::print_stdout, clippy::cast_precision_loss, reason = "a bench prints what it found")]
fn row(what: &str, times: usize, mut work: impl FnMut()) {
    let before = children_ms();
    for _ in 0..times {
        work();
    }
    println!("{what:<44} {:>8.1} ms of CPU", (children_ms() - before) as f64 / times as f64);
}

/// CPU time of ended children, in milliseconds: the fields `cutime` and `cstime` of proc(5), in ticks of 10 ms.
fn children_ms() -> u64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    fields[13..15].iter().map(|ticks| ticks.parse::<u64>().unwrap() * 10).sum()
}

/// The folder as the commands would leave it.
fn build(folder: &Path) {
    let root = folder.join("prompts");
    fs::create_dir_all(&root).unwrap();
    let mut log = std::io::BufWriter::new(fs::File::create(root.join(FILE)).unwrap());
    let mut head = None;
    let mut labels = Labels::default();
    for prompt in 0..PROMPTS {
        let name = format!("p{prompt:05}");
        fs::create_dir(root.join(&name)).unwrap();
        for version in 0..VERSIONS {
            let change = release(&root, &name, version);
            enter(&mut log, &mut head, Event::Release, change);
        }
        let to = Some("1.0.0".to_owned());
        let change = Change {
            prompt: Some(name.clone()),
            version: to.clone(),
            label: Some("production".into()),
            to,
            ..Change::default()
        };
        enter(&mut log, &mut head, Event::Promote, change);
        labels.set(&name, "production", Some("1.0.0"));
        fs::write(root.join(format!("{name}.yaml")), text(VERSIONS)).unwrap();
    }
    log.flush().unwrap();
    fs::write(root.join(LABELS_FILE), labels.text()).unwrap();
}

fn text(version: usize) -> String {
    format!(
        "version: \"1.{version}.0\"\nsystem_prompt: |-\n  You answer questions about {{{{topic}}}}.\n  Take {version} sentences.\nuser_prompt: \"{{{{input}}}}\"\n"
    )
}

fn release(root: &Path, name: &str, version: usize) -> Change {
    let file = text(version);
    fs::write(root.join(name).join(format!("1.{version}.0.yaml")), &file).unwrap();
    let system = format!("You answer questions about {{{{topic}}}}.\nTake {version} sentences.");
    let content = json!({
        "messages": [{"role": "system", "content": system}, {"role": "user", "content": "{{input}}"}],
        "input": false, "parameters": {}, "template_format": "jinja",
    });
    Change {
        prompt: Some(name.to_owned()),
        version: Some(format!("1.{version}.0")),
        content_sha256: Some(content_hash(&content)),
        file_sha256: Some(sha256(file.as_bytes())),
        author: Some("Ada <ada@example.com>".into()),
        ..Change::default()
    }
}

fn enter(log: &mut impl Write, head: &mut Option<Head>, event: Event, change: Change) {
    let entry = Entry {
        time: "2026-10-01T10:00:00.000Z".into(),
        event,
        actor: Actor { os_user: Some("ada".into()), git_author: Some("Ada <ada@example.com>".into()), ci: None },
        approvers: Vec::new(),
        change,
        also: Vec::new(),
        reason: Some("what changed, and why, in a sentence of usual length".into()),
        missing: Vec::new(),
        tool: "0.1.0".into(),
        git: None,
    };
    let (line, next) = entry.seal(head.as_ref()).unwrap();
    log.write_all(&line).unwrap();
    log.write_all(b"\n").unwrap();
    *head = Some(next);
}
