//! Programs that scripts need, and tests that do without them.

use prompteval::env::Env;
use prompteval::script::{Language, NODE, PYTHON, RUBY};

use crate::project::Project;

/// What in a config asks for a language.
const SIGNS: [(&str, &Language); 9] = [
    (".py", &PYTHON),
    ("type: python", &PYTHON),
    (".js", &NODE),
    (".mjs", &NODE),
    (".cjs", &NODE),
    (".ts", &NODE),
    (".rb", &RUBY),
    ("type: ruby", &RUBY),
    ("type: not-python", &PYTHON),
];

/// Whether this machine lacks a language that a config needs; says so.
///
/// # Panics
/// When `PROMPTEVAL_REQUIRE_TOOLS` names it.
pub fn lacks(config: &str, what: &str) -> bool {
    let env = Env::from_process();
    let needed = SIGNS.iter().filter(|(sign, _)| config.contains(sign)).map(|(_, language)| language);
    let Some(missing) = needed.filter(|language| language.program(&env).is_err()).map(|language| language.name).next()
    else {
        return false;
    };
    let required = env.get("PROMPTEVAL_REQUIRE_TOOLS").unwrap_or_default();
    assert!(!required.split_whitespace().any(|name| name == missing), "{missing} is required and not there");
    println!("skipped: {what} needs {missing}");
    true
}

/// A project that finds the programs of this machine.
pub fn with_programs(project: Project) -> Project {
    let env = Env::from_process();
    ["PATH", "HOME"].iter().fold(project, |project, name| project.env(name, env.get(name).unwrap_or_default()))
}
