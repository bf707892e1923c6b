//! Configs of the documentation do what their pages say.

use std::path::Path;

use prompteval::env::Env;
use prompteval::script::{Language, NODE, PYTHON, RUBY};

use crate::project::Project;

const PAGES: [&str; 2] = [include_str!("../../docs/scripts.md"), include_str!("../../docs/graders.md")];
/// What in a config asks for a language.
const SIGNS: [(&str, &Language); 5] =
    [(".py", &PYTHON), ("type: python", &PYTHON), (".mjs", &NODE), (".rb", &RUBY), ("type: ruby", &RUBY)];

/// The blocks of a page whose first line is a comment with the name of a file.
fn files(page: &str) -> Vec<(&str, &str)> {
    let named = |block| {
        let (_, text): (_, &str) = str::split_once(block, '\n')?;
        let name = text.lines().next()?.trim_start_matches(['#', '/', ' ']);
        (Path::new(name).extension().is_some() && !name.contains(' ')).then_some((name, text))
    };
    page.split("```").skip(1).step_by(2).filter_map(named).collect()
}

/// A language that a config needs and this machine lacks.
fn lacks(config: &str, env: &Env) -> Option<&'static str> {
    let needed = SIGNS.iter().filter(|(sign, _)| config.contains(sign)).map(|(_, language)| language);
    let missing = needed.filter(|language| language.program(env).is_err()).map(|language| language.name).next()?;
    let required = env.get("PROMPTEVAL_REQUIRE_TOOLS").unwrap_or_default();
    assert!(!required.split_whitespace().any(|name| name == missing), "{missing} is required and not there");
    Some(missing)
}

#[test]
fn every_config_of_the_pages_runs_and_passes() {
    let env = Env::from_process();
    for page in PAGES {
        let files = files(page);
        let project = ["PATH", "HOME"]
            .iter()
            .fold(Project::new(), |project, name| project.env(name, env.get(name).unwrap_or_default()));
        for (name, text) in &files {
            project.write(name, text);
        }
        let configs: Vec<_> = files.iter().filter(|(_, text)| text.contains("\nprompts:")).collect();
        assert!(configs.len() > 1);
        for (name, config) in configs {
            match lacks(config, &env) {
                Some(language) => println!("skipped: {name} needs {language}"),
                None => drop(project.run(&["run", "-c", name]).code(0).never_says("warning")),
            }
        }
    }
}

#[test]
fn derived_metrics_are_those_of_the_page() {
    let page = PAGES[0];
    let (_, config) = files(page).into_iter().find(|(name, _)| *name == "derived.yaml").unwrap();
    let shown = page.lines().find(|line| line.starts_with("metrics: ")).unwrap();
    Project::with(config).run(&["run"]).code(0).says(shown);
}
