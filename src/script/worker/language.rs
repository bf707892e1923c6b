//! The languages of scripts that run in processes of their own.

use std::path::{Path, PathBuf};

use crate::env::Env;
use crate::script::trouble::{ScriptError, Trouble};

/// A language that scripts may be written in.
#[derive(Debug)]
pub struct Language {
    /// What people call it.
    pub name: &'static str,
    /// How its files end.
    pub endings: &'static [&'static str],
    /// Environment variables that name the program, the first one first.
    variables: &'static [&'static str],
    /// What the program is called, the likeliest first.
    programs: &'static [&'static str],
    /// How its scripts run.
    pub(super) start: Start,
    /// Whether mistakes can be found before a script is called. Node has to import it for that.
    pub(super) checks: bool,
}

/// How scripts of a language run.
#[derive(Debug)]
pub(super) enum Start {
    /// In a process that runs many: `flags` make the program run the text that comes after them, for this
    /// many bytes of memory.
    Worker { flags: fn(u64) -> Vec<String>, shim: &'static str },
    /// In a process for each call.
    Once,
}

/// Python, inline and in files.
pub static PYTHON: Language = Language {
    name: "python",
    endings: &["py"],
    variables: &["PROMPTEVAL_PYTHON", "PROMPTFOO_PYTHON"],
    programs: &["python3", "python"],
    start: Start::Worker { flags: |_| vec!["-c".to_owned()], shim: include_str!("shim.py") },
    checks: true,
};

/// JavaScript and TypeScript in files, with everything that Node.js has.
pub static NODE: Language = Language {
    name: "node",
    endings: &["js", "mjs", "cjs", "ts", "mts", "cts"],
    variables: &["PROMPTEVAL_NODE"],
    programs: &["node", "nodejs"],
    start: Start::Worker { flags: node_flags, shim: include_str!("shim.mjs") },
    checks: true,
};

/// Ruby, inline and in files.
pub static RUBY: Language = Language {
    name: "ruby",
    endings: &["rb"],
    variables: &["PROMPTEVAL_RUBY", "PROMPTFOO_RUBY"],
    programs: &["ruby"],
    start: Start::Worker { flags: |_| vec!["-e".to_owned()], shim: include_str!("shim.rb") },
    checks: true,
};

/// Any other file that can be run: its arguments are those of the call, its output is the result.
pub static EXECUTABLE: Language =
    Language { name: "executable", endings: &[], variables: &[], programs: &[], start: Start::Once, checks: false };

pub(super) static LANGUAGES: [&Language; 4] = [&PYTHON, &NODE, &RUBY, &EXECUTABLE];

fn node_flags(memory: u64) -> Vec<String> {
    vec![format!("--max-old-space-size={}", memory >> 20), "--input-type=module".to_owned(), "-e".to_owned()]
}

impl Language {
    /// The language of a file, by its ending.
    pub fn of(path: &Path) -> &'static Self {
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        LANGUAGES.into_iter().find(|language| language.endings.contains(&ending)).unwrap_or(&EXECUTABLE)
    }

    /// The program that runs it.
    ///
    /// # Errors
    /// When it is not installed; says what to do.
    pub fn program(&self, env: &Env) -> Result<PathBuf, ScriptError> {
        let missing = |message| Err(ScriptError::new(Trouble::Missing, message));
        let said = self.variables.iter().find_map(|name| Some((name, env.get(name)?)));
        if let Some((variable, word)) = said {
            let found = find(word, env);
            return found.map_or_else(|| missing(format!("{variable} names `{word}`, which cannot be run")), Ok);
        }
        if let Some(program) = self.programs.iter().find_map(|name| find(name, env)) {
            return Ok(program);
        }
        let Some(variable) = self.variables.first() else { return Ok(PathBuf::new()) };
        let sought: Vec<String> = self.programs.iter().map(|name| format!("`{name}`")).collect();
        let (name, sought) = (self.name, sought.join(" or "));
        missing(format!("no {sought} on the PATH: install {name}, or say where it is with {variable}"))
    }
}

/// Where a program is. A path is relative to where we are, not to where it will run.
fn find(word: &str, env: &Env) -> Option<PathBuf> {
    if Path::new(word).components().count() > 1 {
        return std::path::absolute(word).ok().filter(|path| can_run(path));
    }
    let folders = std::env::split_paths(env.get("PATH")?);
    let files = folders.flat_map(|folder| [word.to_owned(), format!("{word}.exe")].map(|name| folder.join(name)));
    files.filter_map(|file| std::path::absolute(file).ok()).find(|file| can_run(file))
}

/// Whether a file may be run.
#[cfg(unix)]
pub(super) fn can_run(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    path.metadata().is_ok_and(|about| about.is_file() && about.permissions().mode() & 0o111 != 0)
}

/// Whether a file may be run: elsewhere its ending says so, to the system.
#[cfg(not(unix))]
pub(super) fn can_run(path: &Path) -> bool {
    path.is_file()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::env::Clock;

    fn program(variables: &[(&str, &str)]) -> Result<PathBuf, String> {
        let vars = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        PYTHON.program(&Env::new(vars.collect::<BTreeMap<_, _>>(), Clock::real())).map_err(|error| error.to_string())
    }

    #[test]
    fn files_tell_their_language() {
        for (file, name) in
            [("a.py", "python"), ("a.mts", "node"), ("x/a.cjs", "node"), ("a.rb", "ruby"), ("a.sh", "executable")]
        {
            assert_eq!(Language::of(Path::new(file)).name, name, "{file}");
        }
    }

    #[test]
    fn a_missing_program_is_said_with_a_way_out() {
        assert_eq!(
            program(&[("PATH", "/nowhere")]).unwrap_err(),
            "no `python3` or `python` on the PATH: install python, or say where it is with PROMPTEVAL_PYTHON"
        );
        assert_eq!(
            program(&[("PROMPTFOO_PYTHON", "/nowhere/python")]).unwrap_err(),
            "PROMPTFOO_PYTHON names `/nowhere/python`, which cannot be run"
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_variable_names_the_program() {
        let variables = [("PATH", "/nowhere"), ("PROMPTEVAL_PYTHON", "/bin/sh"), ("PROMPTFOO_PYTHON", "/nowhere")];
        assert_eq!(program(&variables).unwrap(), Path::new("/bin/sh"));
    }
}
