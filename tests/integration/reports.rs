//! Reports on disk.

use crate::project::Project;

const CONFIG: &str = "prompts: [{label: p, raw: '{{x}}'}]\nproviders: [echo]\ntests:\n  - {description: good, vars: {x: a}, assert: [{type: equals, value: a}]}\n  - {description: bad, vars: {x: b}, assert: [{type: equals, value: a, metric: m}]}\n";

#[test]
fn an_output_that_cannot_be_written_is_found_before_the_run() {
    let project = Project::with(CONFIG);
    project.run(&["run", "-o", "missing/r.json"]).code(2).says("missing").says("hint:");
    project.run(&["run", "-o", "r.docx"]).code(2).says(".json");
    project.run(&["run", "-o", "."]).code(2);
}

#[test]
fn all_formats_are_written_and_nothing_else_is_left() {
    let project = Project::with(CONFIG);
    project.run(&["run", "-o", "r.json", "-o", "r.jsonl", "-o", "r.junit.xml"]).code(100).says("wrote ");
    let mut names: Vec<String> =
        std::fs::read_dir(project.path()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, [".prompteval", "evalconfig.yaml", "r.json", "r.jsonl", "r.junit.xml"]);
    let report = project.json("r.json");
    assert_eq!(report["results"]["version"], 3);
    assert_eq!(report["results"]["prompts"][0]["metrics"]["testPassCount"], 1);
    assert_eq!(report["results"]["results"][1]["namedScores"]["m"], 0.0);
    let line = report["results"]["results"][1]["gradingResult"]["componentResults"][0]["assertion"]["line"].clone();
    assert_eq!(line, "evalconfig.yaml:5:47");
    assert_eq!(project.read("r.jsonl").lines().count(), 2);
    let junit = project.read("r.junit.xml");
    assert!(junit.contains("line=\"5\"") && junit.contains("evalconfig.yaml"), "{junit}");
}

#[test]
fn the_same_outcomes_make_the_same_bytes() {
    let project = Project::with(CONFIG);
    let once = |name: &str| {
        project.run(&["run", "-o", name, "-j", "8"]).code(100);
        let mut report = project.json(name);
        for key in ["evalId", "metadata"] {
            report[key] = 0.into();
        }
        for key in ["timestamp", "stats"] {
            report["results"][key] = 0.into();
        }
        report.to_string()
    };
    assert_eq!(once("a.json"), once("b.json"));
}

#[test]
fn a_report_on_stdout_is_alone_there() {
    let ran = Project::with(CONFIG).run(&["run", "-o", "-"]).code(100);
    let report: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(report["results"]["stats"]["failures"], 1);
    assert!(ran.err.contains("2 cells: 1 passed, 1 failed"));
}

#[test]
fn quiet_says_one_line_and_failures_point_at_the_config() {
    let project = Project::with(CONFIG);
    let quiet = project.run(&["run", "-q"]).code(100);
    assert_eq!(quiet.out.lines().count(), 1, "{}", quiet.out);
    assert_eq!(quiet.err, "");
    project.run(&["run"]).code(100).says("evalconfig.yaml:5:47").says("expected");
}

#[test]
fn colour_is_never_forced_on_a_pipe() {
    let project = Project::with(CONFIG);
    project.run(&["run"]).code(100).never_says("\u{1b}[");
    project.run(&["run", "--color", "always"]).code(100).says("\u{1b}[");
}

#[test]
fn a_report_never_overwrites_what_the_suite_is_made_of() {
    let project = Project::with("prompts: ['{{x}}']\nproviders: [echo]\ntests: file://d.jsonl\n")
        .file("d.jsonl", "{\"vars\":{\"x\":\"a\"}}\n");
    project.run(&["run", "-o", "d.jsonl"]).code(2).says("would overwrite");
    project.run(&["run", "-o", "./evalconfig.yaml"]).code(2);
    project.run(&["run", "-o", "r.json", "-o", "r.json"]).code(2).says("named twice");
    assert!(project.read("d.jsonl").contains("vars"));
}

#[test]
fn a_full_disk_under_one_report_spares_the_other() {
    if !std::path::Path::new("/dev/full").exists() {
        println!("skipped: this system has no /dev/full");
        return;
    }
    let tests: String = (0..300).map(|n| format!("  - {{vars: {{x: '{n}'}}}}\n")).collect();
    let project = Project::with(&format!("prompts: ['{{{{x}}}}']\nproviders: [echo]\ntests:\n{tests}"));
    project.run(&["run", "-o", "/dev/full", "-o", "r.json"]).code(1).says("cannot write the report `/dev/full`");
    assert_eq!(project.json("r.json")["results"]["results"].as_array().unwrap().len(), 300);
    project.run(&["run", "-o", "/dev/full"]).code(1).says("cannot write the report `/dev/full`");
}
