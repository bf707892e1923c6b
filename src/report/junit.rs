//! JUnit XML for CI servers.
//!
//! Every reader of JUnit reads something else, so this writes what all of them take: suites are
//! named and never nested, a red case has one `failure` or `error` with `message` and `type`, and a
//! body that begins with the message again. Details a whole suite shares are properties of the
//! suite; none stand on a case, where they would run into the readers' limits.

use std::io::{self, Write};

use super::naming::{self, Names};
use super::redact::Words;
use super::suite::{Counts, Suite};
use super::testcase::{Attempt, Case, Style, seconds};
use super::{Format, Options, Report, broken, xml};
use crate::env::format_time;
use crate::record::{Column, Outcome, RunHead, RunTail, Status};

pub(super) static JUNIT: Format = Format {
    name: "junit",
    endings: &[".junit.xml", ".xml"],
    about: "JUnit XML: a suite per prompt and provider, a case per test",
    open: |options| Box::new(Junit::new(options)),
};

const TOOL: &str = "prompteval";
const LONGEST_PROPERTY: usize = 1024;

struct Junit {
    style: Style,
    timestamp: String,
    suites: Vec<Suite>,
}

impl Junit {
    fn new(options: Options) -> Self {
        let style = Style { words: Words::new(options.redactor), strict: options.strict };
        Self { style, timestamp: String::new(), suites: Vec::new() }
    }
}

impl Report for Junit {
    fn start(&mut self, _: &mut dyn Write, head: &RunHead) -> io::Result<()> {
        self.timestamp = format_time(head.started_ms);
        if self.style.strict {
            // The schema's pattern has neither a fraction nor a zone.
            self.timestamp.truncate("2026-11-22T09:00:00".len());
        }
        let names = naming::columns(&head.columns, &self.style.words);
        let with_names = head.columns.iter().zip(names);
        self.suites =
            with_names.map(|(column, names)| Suite::new(names, properties(column, head, &self.style.words))).collect();
        Ok(())
    }

    fn cell(&mut self, _: &mut dyn Write, outcome: &Outcome) -> io::Result<()> {
        let suite = self.suites.get_mut(outcome.column);
        suite
            .ok_or_else(|| broken("an outcome stands in a column that the run does not have"))?
            .take(outcome, &self.style)
    }

    fn finish(&mut self, out: &mut dyn Write, tail: &RunTail) -> io::Result<()> {
        for suite in &mut self.suites {
            suite.close(&self.style)?;
        }
        if tail.unrun > 0 {
            self.suites.push(unrun(tail.unrun, &self.style)?);
        }
        let Counts { tests, failures, errors, .. } =
            self.suites.iter().map(Suite::counts).fold(Counts::default(), Counts::and);
        let [tests, failures, errors] = [tests, failures, errors].map(|n| n.to_string());
        let time = seconds(tail.duration_ms);
        out.write_all(xml::DECLARATION.as_bytes())?;
        let attributes =
            [("name", TOOL), ("tests", &tests), ("failures", &failures), ("errors", &errors), ("time", &time)];
        xml::open(out, "testsuites", &attributes)?;
        out.write_all(b"\n")?;
        for suite in &mut self.suites {
            suite.write(out, &self.timestamp)?;
        }
        out.write_all(b"</testsuites>\n")
    }
}

fn properties(column: &Column, head: &RunHead, words: &Words) -> Vec<(&'static str, String)> {
    let version = column.version.as_deref().map(|version| ("prompt.version", version));
    let rest = [
        ("prompt.hash", &*column.prompt_hash),
        ("provider.id", &*column.provider_id),
        ("prompteval.version", &*head.tool_version),
    ];
    version
        .into_iter()
        .chain(rest)
        .map(|(name, value)| (name, words.line(value, LONGEST_PROPERTY).into_owned()))
        .collect()
}

/// A red suite for the cells that were never asked: a run that stopped early is not green.
fn unrun(count: u64, style: &Style) -> io::Result<Suite> {
    let message = if count == 1 { "1 cell was not run".to_owned() } else { format!("{count} cells were not run") };
    let name = format!("[unrun] {message}");
    let details = "The run ended before its plan did, so this report says nothing about them.".to_owned();
    let attempt = Attempt { status: Status::Errored, latency_ms: 0, message, kind: "not-run".to_owned(), details };
    let names = Names { suite: TOOL.to_owned(), class: TOOL.to_owned() };
    let mut suite = Suite::new(names, vec![("unrun", count.to_string())]);
    suite.put(&Case::nowhere(name, attempt), style)?;
    Ok(suite)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture::{Cell, Element, cell, head, options, parse, record};
    use std::collections::HashSet;

    fn text(cells: Vec<Cell>, unrun: u64, strict: bool) -> String {
        let outcomes = cells.into_iter().map(Cell::done).collect();
        let options = Options { strict, ..options() };
        String::from_utf8(crate::report::render(&JUNIT, &record(head(), outcomes, unrun), options).unwrap()).unwrap()
    }

    fn read(cells: Vec<Cell>) -> Element {
        parse(text(cells, 0, false).as_bytes())
    }

    #[test]
    fn a_small_run_in_full() {
        let cells = vec![
            cell("refund")
                .description("asks for money")
                .var("q", "back?")
                .output("No.")
                .fails("expected \"yes\", got \"No.\""),
            cell("hello").output("Hi"),
            cell("hello").column(1).errors("nobody answers"),
        ];
        insta::assert_snapshot!(text(cells, 0, false), @r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <testsuites name="prompteval" tests="3" failures="1" errors="1" time="2.000">
          <testsuite name="support 2.1.0 @ mock:echo" tests="2" failures="1" errors="0" skipped="0" time="2.500" timestamp="2026-11-22T09:00:00.000Z">
            <properties>
              <property name="prompt.version" value="2.1.0"/>
              <property name="prompt.hash" value="abc123"/>
              <property name="provider.id" value="mock:echo"/>
              <property name="prompteval.version" value="0.0.0"/>
            </properties>
            <testcase name="[refund] asks for money" classname="support.2_1_0.mock_echo" time="1.250" file="evalconfig.yaml" line="7">
              <failure message="expected &quot;yes&quot;, got &quot;No.&quot;" type="contains">expected "yes", got "No."
        at evalconfig.yaml:9:5

        assertions:
        failed: contains (evalconfig.yaml:9:5): expected "yes", got "No."

        prompt:
        Say hello

        vars:
        q: back?

        output:
        No.</failure>
            </testcase>
            <testcase name="[hello]" classname="support.2_1_0.mock_echo" time="1.250" file="evalconfig.yaml" line="7"/>
          </testsuite>
          <testsuite name="support @ mock:other" tests="1" failures="0" errors="1" skipped="0" time="0.000" timestamp="2026-11-22T09:00:00.000Z">
            <properties>
              <property name="prompt.hash" value="abc123"/>
              <property name="provider.id" value="mock:other"/>
              <property name="prompteval.version" value="0.0.0"/>
            </properties>
            <testcase name="[hello]" classname="support.mock_other" time="0.000" file="evalconfig.yaml" line="7">
              <error message="nobody answers" type="unreachable">nobody answers
        at evalconfig.yaml:7:5

        error:
        unreachable: nobody answers
        hint: is it running?

        prompt:
        Say hello</error>
            </testcase>
          </testsuite>
        </testsuites>
        "#);
    }

    #[test]
    fn whatever_a_model_says_the_file_is_well_formed() {
        let hostile = "NUL\0 BEL\u{7} ESC\u{1b}[31m \u{FFFE} ]]> <b>&\"' \ttab\r\nline";
        let root = read(vec![
            cell(hostile).description(hostile).var(hostile, hostile).prompt(hostile).output(hostile).fails(hostile),
        ]);
        let failure = root.find("failure");
        let expected = "NUL\u{FFFD} BEL\u{FFFD} ESC\u{FFFD}[31m \u{FFFD} ]]> <b>&\"' \ttab line";
        assert_eq!(failure.get("message"), expected);
        assert_eq!(failure.text.lines().next(), Some(expected));
        assert!(failure.text.contains("]]> <b>&\"' \ttab\r\nline"), "{:?}", failure.text);
    }

    #[test]
    fn what_each_consumer_needs_is_there() {
        let root = read(vec![
            cell("a").fails("no"),
            cell("a").column(1),
            cell("b").errors("gone"),
            cell("b").column(1).fails("no"),
        ]);
        let suites = root.all("testsuite");
        assert!(suites.iter().all(|s| !s.get("name").is_empty() && s.all("testsuite").is_empty()));
        let cases = root.all("testcase");
        let keys: HashSet<_> = cases.iter().map(|c| (c.get("classname"), c.get("name"))).collect();
        assert_eq!((cases.len(), keys.len(), suites.len()), (4, 4, 2));
        for red in root.all("failure").into_iter().chain(root.all("error")) {
            assert!(!red.get("message").is_empty() && !red.get("type").is_empty());
            assert_eq!(red.text.lines().next(), Some(red.get("message")));
        }
        let counts = |e: &Element| ["tests", "failures", "errors"].map(|k| e.get(k).to_owned());
        assert_eq!(counts(&root), ["4", "2", "1"]);
        assert_eq!(
            (counts(suites[0]), counts(suites[1])),
            (["2", "1", "1"].map(String::from), ["2", "1", "0"].map(String::from))
        );
    }

    #[test]
    fn repeats_are_one_case_and_the_worst_decides() {
        let repeats = |id: &'static str| (0..4).map(move |n| cell(id).repeat(n));
        let mut cells: Vec<_> = repeats("a").collect();
        cells[1] = cell("a").repeat(1).fails("first");
        cells[3] = cell("a").repeat(3).errors("gone");
        cells.extend(repeats("b"));
        let root = read(cells);
        let cases = root.all("testcase");
        assert_eq!((cases.len(), cases[1].children.len()), (2, 0));
        assert_eq!(cases[0].children.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(), ["error", "rerunFailure"]);
        assert!(root.find("error").text.starts_with("gone\nrepeat 4 of 4; 2 of 4 did not pass\n"), "{root:?}");
        assert!(root.find("stackTrace").text.starts_with("first\nrepeat 2 of 4;"));
        assert_eq!((root.get("tests"), root.get("errors"), root.get("failures")), ("2", "1", "0"));
    }

    #[test]
    fn the_strict_profile_leaves_out_what_jenkins_refuses() {
        let cells =
            || vec![cell("a").repeat(0).fails("one"), cell("a").repeat(1).fails("two"), cell("b").errors("gone")];
        let root = parse(text(cells(), 3, true).as_bytes());
        assert_eq!(root.attributes.keys().collect::<Vec<_>>(), ["errors", "failures", "name", "tests", "time"]);
        assert!(root.all("testsuite").iter().all(|s| s.get("timestamp") == "2026-11-22T09:00:00"));
        for case in root.all("testcase") {
            assert_eq!(case.attributes.keys().collect::<Vec<_>>(), ["classname", "name", "time"]);
            assert!(case.children.iter().all(|c| c.name == "failure" || c.name == "error") && case.children.len() < 2);
        }
        let failure = &root.find("failure").text;
        assert!(failure.starts_with("one\nrepeat 1 of 2") && failure.contains("\n\ntwo\nrepeat 2 of 2"), "{failure}");
    }

    #[test]
    fn a_run_that_stopped_early_is_red() {
        let root = parse(text(vec![cell("a")], 3, false).as_bytes());
        let last = root.all("testsuite")[2];
        assert_eq!((last.get("name"), root.get("errors"), root.get("tests")), ("prompteval", "1", "2"));
        assert_eq!(last.find("testcase").get("name"), "[unrun] 3 cells were not run");
        let property = last.find("property");
        assert_eq!((property.get("name"), property.get("value")), ("unrun", "3"));
    }

    #[test]
    fn long_texts_keep_their_place() {
        let long = "é".repeat(100_000);
        let root = read(vec![cell("a").prompt(&long).output(&long).var("v", &long).fails(&long)]);
        let failure = root.find("failure");
        assert_eq!(failure.get("message").chars().count(), 1024);
        assert!(failure.text.len() < 65 * 1024 && failure.text.contains("\noutput:\né"));
        assert_eq!(failure.text.matches("…[truncated ").count(), 4);
    }
}
