//! The laws of the house (`ARCHITECTURE.md`), checked by reading the sources.

#![expect(clippy::unwrap_used, reason = "a test may stop where it fails")]

use std::fs;
use std::path::{Path, PathBuf};

/// The floors, lowest first. A room may import rooms of lower floors only.
const FLOORS: &[&[&str]] = &[
    &["diag", "env", "content"],
    &["record", "yaml", "template"],
    &["stats", "store", "audit", "script", "judge"],
    &["prompts", "experiment", "provider", "assert", "report"],
    &["plan", "transport", "registry"],
    &["suite", "run"],
    &["cli"],
];

const LONGEST_FILE: usize = 400;
const LONGEST_FUNCTION: usize = 60;
const LONGEST_MAIN: usize = 20;
const GRAB_BAGS: &[&str] = &["utils", "util", "types", "errors", "error", "common", "helpers", "misc"];

struct Source {
    /// Path below `src`, with `/`.
    name: String,
    text: String,
}

fn sources() -> Vec<Source> {
    fn walk(folder: &Path, all: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, all);
            } else if path.extension().is_some_and(|e| e == "rs") {
                all.push(path);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    walk(&root, &mut paths);
    paths.sort();
    let name = |path: &Path| path.strip_prefix(&root).unwrap().to_string_lossy().replace('\\', "/");
    let all: Vec<Source> =
        paths.iter().map(|p| Source { name: name(p), text: fs::read_to_string(p).unwrap() }).collect();
    let tests: Vec<String> = all.iter().flat_map(Source::test_files).collect();
    all.into_iter().filter(|s| !tests.contains(&s.name)).collect()
}

impl Source {
    /// The room, or `None` for `main.rs` and `lib.rs`.
    fn room(&self) -> Option<&str> {
        let first = self.name.split('/').next()?;
        (first != self.name).then_some(first)
    }

    /// Files that this one declares as tests.
    fn test_files(&self) -> Vec<String> {
        let folder = match self.name.strip_suffix("/mod.rs") {
            Some(folder) => folder,
            None => self.name.trim_end_matches(".rs"),
        };
        let declared = self.text.split("#[cfg(test)]\nmod ").skip(1);
        let names = declared.filter_map(|rest| rest.lines().next()?.strip_suffix(';'));
        names.map(|name| format!("{folder}/{name}.rs")).collect()
    }

    /// Lines of code: no comments, no blank lines, no tests at the end of the file.
    fn code(&self) -> Vec<&str> {
        let body = self.text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
        body.lines().filter(|line| !line.trim().is_empty() && !line.trim().starts_with("//")).collect()
    }

    fn imports(&self) -> Vec<(usize, String)> {
        let mut found = Vec::new();
        for (number, line) in self.text.lines().enumerate() {
            if line.trim_start().starts_with("//") {
                continue;
            }
            for (at, _) in line.match_indices("crate::") {
                let rest = &line[at + "crate::".len()..];
                if rest.starts_with('{') {
                    let names = rest.trim_start_matches('{').split(['}', ';']).next().unwrap_or_default();
                    let rooms = names.split(',').map(|n| n.trim().split("::").next().unwrap_or_default().to_owned());
                    found.extend(rooms.map(|room| (number + 1, room)));
                } else {
                    let room: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                    found.push((number + 1, room));
                }
            }
        }
        found
    }
}

fn floor(room: &str) -> Option<usize> {
    FLOORS.iter().position(|rooms| rooms.contains(&room))
}

#[test]
fn imports_go_down_only() {
    let mut broken = Vec::new();
    for source in sources() {
        let Some(room) = source.room() else { continue };
        let own = floor(room).unwrap_or_else(|| panic!("the room `{room}` stands on no floor: add it to FLOORS"));
        for (line, target) in source.imports() {
            if target == room {
                continue;
            }
            match floor(&target) {
                Some(floor) if floor < own => {}
                Some(_) => broken.push(format!("src/{}:{line}: {room} → {target}", source.name)),
                None => broken.push(format!("src/{}:{line}: `crate::{target}` is no room", source.name)),
            }
        }
    }
    assert!(broken.is_empty(), "arrows that go up or sideways:\n{}", broken.join("\n"));
}

#[test]
fn files_and_functions_are_short() {
    let mut broken = Vec::new();
    for source in sources() {
        let code = source.code();
        let limit = if source.name == "main.rs" { LONGEST_MAIN } else { LONGEST_FILE };
        if code.len() > limit {
            broken.push(format!("src/{}: {} lines of code", source.name, code.len()));
        }
        broken.extend(long_functions(&code).into_iter().map(|f| format!("src/{}: {f}", source.name)));
    }
    assert!(broken.is_empty(), "too long:\n{}", broken.join("\n"));
}

/// Functions are found by their indentation, which rustfmt guarantees.
fn long_functions(code: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for (start, line) in code.iter().enumerate() {
        let indent = line.len() - line.trim_start().len();
        let words = line.trim_start();
        let is_function = ["fn ", "pub fn ", "async fn ", "pub async fn ", "const fn ", "pub const fn "]
            .iter()
            .any(|prefix| words.replace("pub(super) ", "pub ").replace("pub(crate) ", "pub ").starts_with(prefix));
        if !is_function {
            continue;
        }
        let close = format!("{}}}", " ".repeat(indent));
        let length = code[start..].iter().position(|l| *l == close).unwrap_or(0);
        if length > LONGEST_FUNCTION {
            found.push(format!("{} has {length} lines", words.split('(').next().unwrap_or(words)));
        }
    }
    found
}

#[test]
fn files_are_named_after_a_noun() {
    let bags: Vec<String> = sources()
        .into_iter()
        .filter(|s| s.name.split('/').any(|part| GRAB_BAGS.contains(&part.trim_end_matches(".rs"))))
        .map(|s| s.name)
        .collect();
    assert!(bags.is_empty(), "grab bags: {bags:?}");
}

#[test]
fn only_the_front_prints() {
    let mut broken = Vec::new();
    for source in sources() {
        if matches!(source.room(), Some("cli") | None) {
            continue;
        }
        for word in ["println!(", "print!(", "eprintln!(", "eprint!(", "dbg!("] {
            if source.code().iter().any(|line| line.contains(word)) {
                broken.push(format!("src/{}: {word}", source.name));
            }
        }
    }
    assert!(broken.is_empty(), "printing below cli: {broken:?}");
}

#[test]
fn sql_network_and_environment_have_their_rooms() {
    let rules: &[(&str, &[&str])] = &[
        ("reqwest", &["provider"]),
        ("rusqlite", &["store"]),
        ("std::env::var", &["env"]),
        ("TcpStream", &[]),
        ("#[allow(", &[]),
        ("unsafe {", &[]),
    ];
    let mut broken = Vec::new();
    for source in sources() {
        let code = source.code().join("\n");
        for (word, rooms) in rules {
            let at_home = source.room().is_some_and(|room| rooms.contains(&room));
            if code.contains(word) && !at_home {
                broken.push(format!("src/{}: {word}", source.name));
            }
        }
    }
    assert!(broken.is_empty(), "not at home: {broken:?}");
}
