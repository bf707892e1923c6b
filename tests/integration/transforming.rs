//! What scripts make of answers, of metrics and of whole cases, through the binary.

use std::path::Path;

use serde_json::{Value, json};

use crate::languages::{lacks, with_programs};
use crate::project::Project;
use crate::server::{Server, answer};

const KEY: &str = "planted-0123456789";

/// Files that scripts of the tests live in.
const FILES: [(&str, &str); 3] = [
    (
        "a.js",
        "module.exports = (output) => `${output}|js`;
module.exports.vars = (vars) => ({ name: vars.name.trim() });
module.exports.score = (scores) => ({ pass: scores.a > 0.5, score: scores.a, reason: 'by js' });
module.exports.nothing = () => {};
module.exports.boom = () => { throw new Error('no way') };
",
    ),
    (
        "a.py",
        "import os, sys

def get_transform(output, context):
    print('noise')
    return output + '|py'

def get_vars(vars, context):
    return {'name': vars['name'].strip()}

def get_score(scores, context):
    return {'pass': True, 'score': 0.25, 'reason': 'by py, of %d' % len(context['componentResults'])}

def boom(output, context):
    raise ValueError('no way')

def leave(output, context):
    sys.exit(3)

def sources(output, context):
    return ['Paris is the capital.']

def tell(output, context):
    raise ValueError('the key is ' + os.environ['MY_KEY'])
",
    ),
    (
        "a.rb",
        "def get_transform(output, context)
  output + '|rb'
end

def get_vars(vars, context)
  { name: vars['name'].strip }
end

def get_score(scores, context)
  { pass: false, score: 0.75, reason: 'by rb' }
end
",
    ),
];

fn project(config: &str) -> Project {
    let project = FILES.iter().fold(Project::new(), |project, (name, text)| project.file(name, text));
    with_programs(project.file("evalconfig.yaml", config))
}

/// The rows of a table whose language is here.
fn here<T: Copy>(rows: &[(&'static str, T)]) -> Vec<(&'static str, T)> {
    rows.iter().filter(|(script, _)| !lacks(script, script)).copied().collect()
}

#[test]
fn what_a_transform_makes_is_judged_and_one_that_fails_costs_its_own_cell() {
    let rows = here(&[
        ("name: Bob}, options: {transform: 'output + \"!\"'", Ok("\"hi Bob!\"")),
        ("name: Bob}, options: {postprocess: 'output + \"!\"'", Ok("\"hi Bob!\"")),
        (
            "name: Bob}, options: {transform: \"const n = output.length;\\nreturn `${n} ${context.vars.name} ${context.prompt}`;\\n\"",
            Ok("\"6 Bob hi Bob\""),
        ),
        ("name: Bob}, options: {transform: '({greeting: output})'", Ok("{\"greeting\": \"hi Bob\"}")),
        ("name: Bob}, options: {transform: 'output.split(\" \")'", Ok("[\"hi\", \"Bob\"]")),
        ("name: Bob}, options: {transform: 'output.length'", Ok("6")),
        ("name: Bob}, options: {transform: 'output === \"\"'", Ok("false")),
        ("name: Bob}, options: {transform: '\"\"'", Ok("\"\"")),
        ("name: Bob}, options: {transform: '(async () => output + \"!\")()'", Ok("\"hi Bob!\"")),
        ("name: Bob}, options: {transform: 'file://a.js'", Ok("\"hi Bob|js\"")),
        ("name: Bob}, options: {transform: 'file://a.py'", Ok("\"hi Bob|py\"")),
        ("name: Bob}, options: {transform: 'file://a.rb'", Ok("\"hi Bob|rb\"")),
        ("name: ' Bob '}, options: {transformVars: '({name: vars.name.trim()})'", Ok("\"hi Bob\"")),
        ("name: ' Bob '}, options: {transformVars: '({name: context.vars.name.trim()})'", Ok("\"hi Bob\"")),
        ("name: ' Bob '}, options: {transformVars: 'file://a.js:vars'", Ok("\"hi Bob\"")),
        ("name: ' Bob '}, options: {transformVars: 'file://a.py'", Ok("\"hi Bob\"")),
        ("name: ' Bob '}, options: {transformVars: 'file://a.rb'", Ok("\"hi Bob\"")),
        ("name: Bob}, options: {transform: 'output.a.b'", Err("cannot read property 'b' of undefined")),
        ("name: Bob}, options: {transform: 'null'", Err("it returned nothing")),
        ("name: Bob}, options: {transform: 'undefined'", Err("it returned nothing")),
        ("name: Bob}, options: {transform: 'file://a.js:nothing'", Err("it returned nothing")),
        ("name: Bob}, options: {transform: 'file://a.js:boom'", Err("Error: no way (a.js:5)")),
        ("name: Bob}, options: {transform: 'file://a.py:boom'", Err("ValueError: no way (a.py:14)")),
        ("name: Bob}, options: {transform: 'file://a.py:leave'", Err("the script ended its process (exit code 3)")),
    ]);
    let cases = rows.iter().map(|(case, _)| {
        format!("  - {{vars: {{{case}}}, assert: [{{type: javascript, value: 'context.providerResponse.output === \"hi Bob\"'}}]}}\n")
    });
    let config = format!("prompts: ['hi {{{{name}}}}']\nproviders: [echo]\ntests:\n{}", cases.collect::<String>());
    let (ran, results) = project(&config).results(&["--no-table"]);
    ran.code(101);
    assert_eq!(results.len(), rows.len());
    for ((case, expected), found) in rows.iter().zip(&results) {
        let response = &found["response"];
        match expected {
            Ok(output) => {
                let output: Value = serde_json::from_str(output).unwrap();
                let raw = if output == "hi Bob" { Value::Null } else { json!("hi Bob") };
                assert_eq!((&response["output"], &response["raw"]), (&output, &raw), "{case}: {found}");
                assert_eq!(found["success"], true, "{case}: {found}");
            }
            Err(words) => {
                let said = found["error"].as_str().unwrap_or_else(|| panic!("{case}: {found}"));
                assert!(said.starts_with("the `transform` failed: ") && said.contains(words), "{case}: {said}");
                assert_eq!((&found["failureReason"], &response["output"]), (&json!(2), &json!("hi Bob")), "{case}");
            }
        }
    }
}

#[test]
fn a_transform_of_an_assertion_is_its_own() {
    let config = "
prompts: ['hi {{name}}']
providers: [{id: echo, transform: 'file://a.js'}]
defaultTest: {options: {transform: 'file://a.py'}}
tests:
  - vars: {name: Bob}
    assert:
      - {type: equals, value: 'hi Bob|js|py'}
      - {type: equals, value: 'hi Bob|js|py|rb', transform: 'file://a.rb'}
      - {type: assert-set, assert: [{type: equals, value: 12, transform: output.length}, {type: equals, value: 'hi Bob|js|py'}]}
  - vars: {name: Ann}
    assert:
      - {type: contains, value: Ann, transform: output.a.b}
      - {type: contains, value: Ann}
";
    if lacks(config, "transforms in three languages") {
        return;
    }
    let (ran, results) = project(config).results(&["--no-table"]);
    ran.code(101);
    assert_eq!((&results[0]["success"], &results[0]["error"]), (&json!(true), &Value::Null));
    let verdicts = results[1]["gradingResult"]["componentResults"].as_array().unwrap();
    assert_eq!((&verdicts[0]["error"], &verdicts[1]["pass"]), (&json!(true), &json!(true)));
    let said = verdicts[0]["reason"].as_str().unwrap();
    assert!(said.starts_with("the `transform` failed: TypeError: "), "{said}");
}

/// A provider whose answers are the server's, transformed twice.
const MARKED: &str = "
prompts: ['hi {{name}}']
providers: [{id: 'openai:m', transform: 'output + \"<a>\"', config: {apiBaseUrl: 'URL', apiKey: k-0123456789, maxRetries: 0}}]
tests:
  - {vars: {name: Bob}, options: {transform: 'output + \"<b>\"'}, assert: [{type: contains, value: fine}]}
";

#[test]
fn an_answer_is_transformed_once_however_often_it_is_read() {
    let server = Server::start(|_, _| answer("fine"));
    let config = MARKED.replace("URL", &server.url());
    let project = project(&config);
    let judged = |args: &[&str], output: &str, requests: usize| {
        project.run(&[args, &["-o", "r.json"]].concat()).code(0);
        let found = project.json("r.json")["results"]["results"][0]["response"].clone();
        assert_eq!((&found["output"], &found["raw"]), (&json!(output), &json!("fine")), "{args:?}");
        assert_eq!(server.requests(), requests, "{args:?}");
    };
    judged(&["run"], "fine<a><b>", 1);
    judged(&["run"], "fine<a><b>", 1);
    judged(&["run", "--resume"], "fine<a><b>", 1);
    judged(&["run", "--resume", "--no-cache"], "fine<a><b>", 1);
    judged(&["run", "--cassette", "tape.jsonl"], "fine<a><b>", 2);
    judged(&["run", "--cassette", "tape.jsonl"], "fine<a><b>", 2);
    judged(&["report"], "fine<a><b>", 2);
    // Another transform makes another output of the same answer, which is not asked for again.
    project.write("evalconfig.yaml", config.replace("<b>", "<c>"));
    judged(&["run", "--resume", "--no-cache"], "fine<a><c>", 2);
    judged(&["run"], "fine<a><c>", 2);
    judged(&["report"], "fine<a><c>", 2);
}

#[test]
fn an_answer_outlives_the_transform_that_failed_on_it() {
    let server = Server::start(|_, _| answer("fine"));
    let good = MARKED.replace("URL", &server.url());
    let project = project(&good.replace("output + \"<b>\"", "output.a.b"));
    project.run(&["run", "--no-table", "--no-cache"]).code(101).says("the `transform` failed: TypeError");
    project.write("evalconfig.yaml", &good);
    project.run(&["run", "--no-table", "--no-cache", "--resume"]).code(0);
    assert_eq!(server.requests(), 1);
}

#[test]
fn mistakes_of_what_makes_outputs_are_found_before_anything_is_asked() {
    let server = Server::start(|_, _| answer("fine"));
    let rows = here(&[
        ("options: {transform: 'output.('}", "this is no valid JavaScript"),
        ("options: {transform: 'file://nowhere.py'}", "no file `nowhere.py`"),
        ("options: {transform: 'file://a.py:nope'}", "there is no function nope (it has get_transform"),
        ("options: {transform: 'file://evalconfig.yaml'}", "`evalconfig.yaml` is no script"),
        ("options: {transformVars: 'vars.('}", "this is no valid JavaScript"),
        ("options: {transformVars: '5'}", "the `transformVars` failed: it must return a map of variables"),
        ("options: {transformVars: 'vars.a.b'}", "the `transformVars` failed: TypeError"),
        ("options: {transformVars: 'file://a.js:nope'}", "there is no function nope (it has vars, score"),
        ("assertScoringFunction: 'scores.('", "this is no valid JavaScript"),
        ("assertScoringFunction: 'file://nowhere.rb'", "no file `nowhere.rb`"),
        ("assertScoringFunction: 'file://a.js:nope'", "there is no function nope (it has vars, score"),
    ]);
    for (mistake, words) in rows {
        let config = MARKED.replace("URL", &server.url()).replace("options: {transform: 'output + \"<b>\"'}", mistake);
        project(&config).run(&["run"]).code(2).says(words).says("evalconfig.yaml:5:").says("nothing was requested");
    }
    assert_eq!(server.requests(), 0);
}

#[test]
fn what_is_kept_for_later_cases_is_what_was_judged() {
    let config = "
prompts: ['{{say}}']
providers: [{id: echo, transform: 'file://a.js'}]
tests:
  - {vars: {say: one}, options: {storeOutputAs: first, transform: 'file://a.py'}, assert: [{type: equals, value: 'one|js|py'}]}
  - {vars: {say: 'after {{first}}'}, assert: [{type: equals, value: 'after {{first}}|js'}, {type: contains, value: 'one|js|py'}]}
";
    if lacks(config, "transforms in two languages") {
        return;
    }
    project(config).run(&["run", "--no-table"]).code(0);
    let broken = project(&config.replace("file://a.py", "file://a.py:boom"));
    let (ran, results) = broken.results(&["--no-table"]);
    ran.code(101);
    let said = results[1]["error"].as_str().unwrap();
    assert!(said.starts_with("not asked: the earlier case ") && said.ends_with(" has no answer"), "{said}");
}

#[test]
fn a_context_is_found_by_a_file() {
    let server = Server::start(|_, body| {
        let text = body["messages"][0]["content"].as_str().unwrap();
        answer(if text.contains("Paris is the capital.") { "{\"sentences\": [{\"attributed\": true}]}" } else { "no" })
    });
    let config = "
prompts: ['say {{x}}']
providers: [echo]
defaultTest:
  options: {provider: {id: 'openai:judge', config: {apiBaseUrl: 'URL', apiKey: k-0123456789, maxRetries: 0}}}
tests: [{vars: {x: Paris}, assert: [{type: context-recall, value: so, contextTransform: 'file://a.py:sources', threshold: 0.9}]}]
";
    if !lacks(config, "a contextTransform in Python") {
        project(&config.replace("URL", &server.url())).run(&["run", "--no-table"]).code(0);
        assert_eq!(server.requests(), 1);
    }
}

const DERIVED: &str = "
prompts: ['{{said}}', '{{said}}{{said}}']
providers: [echo]
defaultTest:
  assert:
    - {type: javascript, value: output.length, metric: size, weight: 2}
    - {type: javascript, value: '({pass: true, score: 1, namedScores: {tone: 0.5}})'}
derivedMetrics:
  - {name: mean, value: size / __count}
  - {name: twice, value: mean * 2}
  - {name: root, value: 'sqrt(size ^ 2)'}
  - {name: most, value: 'tone > 1 ? max(tone, 3) : min(tone, -1)'}
  - {name: lost, value: size / 0}
tests: [{vars: {said: aa}}, {vars: {said: bbbb}}]
";

#[test]
fn derived_metrics_are_reckoned_for_each_column() {
    let project = Project::with(DERIVED);
    project.run(&["run", "--no-table", "-o", "r.json"]).code(0);
    let columns = project.json("r.json")["results"]["prompts"].clone();
    for (column, size) in [(0, 12.0), (1, 24.0)] {
        let mut named = columns[column]["metrics"]["namedScores"].clone();
        named.as_object_mut().unwrap().values_mut().for_each(|value| *value = json!(value.as_f64()));
        // A division by zero has no value.
        let expected = json!({
            "size": size, "tone": 1.0, "mean": size / 2.0, "twice": size, "root": size, "most": -1.0
        });
        assert_eq!(named, expected);
    }
}

#[test]
fn a_formula_that_cannot_be_reckoned_is_a_mistake_of_the_config() {
    for (formula, words) in [
        ("size +", "this formula cannot be read"),
        ("size; 1", "it must be one expression"),
        ("sise / 2", "the formula reads `sise`, which is no metric of this suite"),
        ("twice + 1", "the formula reads `twice`, which is no metric of this suite"),
        ("file://a.js", "this formula cannot be read"),
    ] {
        // No script here, which might name a metric that nobody knows of.
        let config = format!(
            "prompts: [hi]
providers: [echo]
derivedMetrics:
  - {{name: first, value: '{formula}'}}
  - {{name: twice, value: size * 2}}
tests: [{{assert: [{{type: contains, value: hi, metric: size}}]}}]
"
        );
        project(&config).run(&["run"]).code(2).says(words).says("evalconfig.yaml:4:").says("nothing was requested");
    }
}

#[test]
fn scores_of_ones_own_come_to_verdicts() {
    // Passed, failed or without a verdict; the score; words of the reason.
    let rows = here(&[
        ("description: by the function of all tests", (0, 0.7, "by all")),
        ("assertScoringFunction: 'file://a.js:score'", (0, 0.7, "by js")),
        ("assertScoringFunction: 'file://a.py'", (0, 0.25, "by py, of 2")),
        ("assertScoringFunction: 'file://a.rb'", (1, 0.75, "by rb")),
        (
            "threshold: 0.3, assertScoringFunction: \"const least = Math.min(...Object.values(namedScores));\\nreturn { pass: least >= context.threshold, score: context.score, reason: `least ${least}` };\\n\"",
            (1, 0.35, "least 0"),
        ),
        ("assertScoringFunction: namedScores.a", (0, 0.7, "it returned 0.7")),
        ("assertScoringFunction: namedScores.a < 0", (1, 0.0, "the script returned false")),
        ("assertScoringFunction: undefined", (1, 0.0, "the script returned nothing")),
        ("assertScoringFunction: '\"fine\"'", (2, 0.0, "it returned \"fine\"")),
        ("assertScoringFunction: namedScores.b.c.d", (2, 0.0, "cannot read property 'd' of undefined")),
        ("assertScoringFunction: 'file://a.py:boom'", (2, 0.0, "ValueError: no way (a.py:14)")),
    ]);
    let cases = rows.iter().map(|(case, _)| format!("  - {{vars: {{x: hi}}, {case}}}\n")).collect::<String>();
    let config = format!(
        "prompts: ['{{{{x}}}}']\nproviders: [echo]\ndefaultTest:\n  assertScoringFunction: '({{pass: namedScores.a > 0.5, score: namedScores.a, reason: \"by all\"}})'\n  assert: [{{type: javascript, value: '0.7', metric: a}}, {{type: contains, value: zzz, metric: b}}]\ntests:\n{cases}"
    );
    let (ran, results) = project(&config).results(&["--no-table"]);
    ran.code(101);
    for ((case, (mark, score, words)), found) in rows.iter().zip(&results) {
        let verdicts = found["gradingResult"]["componentResults"].as_array().unwrap();
        assert_eq!((&found["failureReason"], &found["score"]), (&json!(mark), &json!(score)), "{case}: {found}");
        assert_eq!((verdicts.len(), &verdicts[0]["assertion"]["type"]), (3, &json!("assertScoringFunction")), "{case}");
        assert!(verdicts[0]["reason"].as_str().unwrap().contains(words), "{case}: {}", verdicts[0]);
    }
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[test]
fn a_key_is_taken_out_of_whatever_scripts_make() {
    // Put together, so that the config does not hold it.
    let told = "`planted-${\"0123456789\"}`";
    let rows = [
        "description: parts and metrics of a verdict",
        "options: {transform: 'TOLD'}",
        "options: {transform: '({said: TOLD})'}",
        "options: {transform: '({[TOLD]: 1})'}",
        "options: {transform: '(() => { throw new Error(TOLD) })()'}",
        "options: {transform: 'file://a.py:tell'}",
        "options: {transformVars: '({x: TOLD})'}",
        "assertScoringFunction: '({pass: false, score: 0, reason: TOLD})'",
    ];
    let rows = rows.iter().filter(|case| !lacks(case, case));
    let cases: String = rows.map(|case| format!("  - {{vars: {{x: hi}}, {case}}}\n")).collect();
    let config = format!(
        "prompts: ['{{{{x}}}}']
providers: [echo, {{id: 'openai:m', config: {{apiKey: '{{{{env.MY_KEY}}}}', apiBaseUrl: 'http://127.0.0.1:1'}}}}]
defaultTest:
  assert:
    - {{type: equals, value: zzz}}
    - {{type: javascript, value: '({{pass: true, score: 1, namedScores: {{[TOLD]: 1}}, componentResults: [{{pass: false, score: 0, reason: TOLD}}]}})'}}
tests:
{cases}"
    );
    let project = project(&config.replace("TOLD", told)).env("MY_KEY", KEY);
    let reports = ["-v", "-o", "r.json", "-o", "r.jsonl", "-o", "r.xml"];
    let only = ["--filter-providers", "echo"];
    project.run(&[&["run"], &only[..], &reports[..]].concat()).code(101).never_says(KEY).says("[redacted]");
    project.run(&["report", "-v"]).code(0).never_says(KEY).says("[redacted]");
    let left = files(project.path());
    assert!(left.iter().any(|path| path.ends_with("prompteval.db")), "{left:?}");
    for path in left {
        let bytes = std::fs::read(&path).unwrap();
        assert!(!bytes.windows(KEY.len()).any(|window| window == KEY.as_bytes()), "{}", path.display());
    }
}
