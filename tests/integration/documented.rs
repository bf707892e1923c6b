//! Configs of the documentation do what their pages say.

use std::path::Path;

use crate::languages::{lacks, with_programs};
use crate::project::Project;

const PAGES: [&str; 2] = [include_str!("../../docs/scripts.md"), include_str!("../../docs/graders.md")];
/// The blocks of a page whose first line is a comment with the name of a file.
fn files(page: &str) -> Vec<(&str, &str)> {
    let named = |block| {
        let (_, text): (_, &str) = str::split_once(block, '\n')?;
        let name = text.lines().next()?.trim_start_matches(['#', '/', ' ']);
        (Path::new(name).extension().is_some() && !name.contains(' ')).then_some((name, text))
    };
    page.split("```").skip(1).step_by(2).filter_map(named).collect()
}

#[test]
fn every_config_of_the_pages_runs_and_passes() {
    for page in PAGES {
        let files = files(page);
        let project = with_programs(Project::new());
        for (name, text) in &files {
            project.write(name, text);
        }
        let configs: Vec<_> = files.iter().filter(|(_, text)| text.contains("\nprompts:")).collect();
        assert!(configs.len() > 1);
        for (name, config) in configs {
            if !lacks(config, name) {
                project.run(&["run", "-c", name]).code(0).never_says("warning");
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
