//! One finished cell as JSON: an element of `results.results[]`, or a line of JSONL.

use std::borrow::Cow;

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::content::Digest;
use crate::diag::Location;
use crate::env::{Redactor, Whose};
use crate::record::{CallFailure, CaseRef, Column, Mark, Named, Outcome, Response, Spent, Status, Usage, Verdict};

/// Promptfoo's words for a result, and ours after them.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Item<'a> {
    id: &'a str,
    test_idx: u64,
    prompt_idx: usize,
    repeat_index: u32,
    prompt_id: &'a str,
    provider: Provider<'a>,
    prompt: Prompt<'a>,
    vars: &'a Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    test_case: TestCase<'a>,
    response: Answer<'a>,
    success: bool,
    score: f64,
    failure_reason: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<&'a CallFailure>,
    grading_result: Option<Grading<'a>>,
    named_scores: Scores<'a>,
    latency_ms: u64,
    cost: f64,
    token_usage: Usage,
    attempts: u32,
    location: Place<'a>,
}

#[derive(Serialize)]
struct Provider<'a> {
    id: &'a str,
    label: &'a str,
}

#[derive(Serialize)]
struct Prompt<'a> {
    raw: Cow<'a, str>,
    label: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'a str>,
}

/// The case, so that a reader needs no second file.
#[derive(Serialize)]
struct TestCase<'a> {
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    vars: &'a Map<String, Value>,
    metadata: &'a Map<String, Value>,
    inputs: Digest,
    checks: Digest,
    #[serde(skip_serializing_if = "Option::is_none")]
    cluster: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    min_pass: Option<u32>,
}

/// What came back: an answer, or the word that none did.
#[derive(Serialize)]
struct Answer<'a> {
    #[serde(flatten)]
    response: Option<&'a Response>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Grading<'a> {
    pass: bool,
    score: f64,
    reason: &'a str,
    named_scores: Scores<'a>,
    component_results: Components<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tokens_used: Option<Usage>,
    #[serde(skip_serializing_if = "Option::is_none")]
    spent: Option<Spent>,
}

#[derive(Serialize)]
struct Component<'a> {
    pass: bool,
    score: f64,
    reason: &'a str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    error: bool,
    assertion: Assertion<'a>,
}

#[derive(Serialize)]
struct Assertion<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    threshold: Option<f64>,
    weight: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    metric: Option<&'a str>,
    line: Place<'a>,
}

/// Verdicts as promptfoo's component results.
struct Components<'a>(&'a [Verdict]);

impl Serialize for Components<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(component))
    }
}

/// Scores by name, which is there once. One that is no number becomes `null`, which JSON can say.
struct Scores<'a>(&'a Named);

impl Serialize for Scores<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, score)| (name, score)))
    }
}

/// A place as `file:line:column`.
struct Place<'a>(&'a Location);

impl Serialize for Place<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self.0)
    }
}

/// Makes cells into lines, one after the other.
pub(super) struct Lines {
    redactor: Redactor,
    /// The line, in room that the next one uses again.
    line: Vec<u8>,
}

impl Lines {
    /// Lines without what this redactor knows.
    pub(super) fn new(redactor: Redactor) -> Self {
        Self { redactor, line: Vec::new() }
    }

    /// The cell as one line of JSON, without its newline and without secrets.
    ///
    /// Most lines hold no secret, and a line whose bytes hold none needs no look at its parts: every
    /// text stands in it as JSON writes it, and the redactor knows its secrets in that form too.
    pub(super) fn of(&mut self, outcome: &Outcome, column: &Column) -> serde_json::Result<&[u8]> {
        let why = why(outcome);
        let item = item(outcome, column, why.as_deref());
        self.line.clear();
        serde_json::to_writer(&mut self.line, &item)?;
        if !self.redactor.is_clean(&self.line) {
            self.line.clear();
            serde_json::to_writer(&mut self.line, &cleaned(&item, &self.redactor)?)?;
        }
        Ok(&self.line)
    }
}

/// The cell without secrets, looked at text by text.
fn cleaned(item: &Item<'_>, redactor: &Redactor) -> serde_json::Result<Value> {
    Ok(redactor.clean_json(serde_json::to_value(item)?, Whose::Ours))
}

/// Why a cell is not green. Unlike [`Outcome::reason`] it always has a word for one that is not.
pub(super) fn why(outcome: &Outcome) -> Option<Cow<'_, str>> {
    match (outcome.reason(), outcome.status) {
        (Some(reason), _) => Some(reason.into()),
        (None, Status::Passed) => None,
        (None, Status::Failed) => Some(outcome.too_little().into()),
        (None, Status::Errored) => Some("there is no verdict".into()),
    }
}

fn item<'a>(outcome: &'a Outcome, column: &'a Column, why: Option<&'a str>) -> Item<'a> {
    let (case, response) = (&*outcome.case, outcome.response.as_ref());
    let description = case.description.as_deref();
    Item {
        id: &outcome.cell,
        test_idx: outcome.row,
        prompt_idx: outcome.column,
        repeat_index: outcome.repeat,
        prompt_id: &column.prompt_hash,
        provider: Provider { id: &column.provider_id, label: &column.provider },
        prompt: prompt(outcome, column),
        vars: &case.vars,
        description,
        test_case: test_case(case),
        response: Answer { response, error: outcome.failure.as_ref().map(|f| f.message.as_str()) },
        success: outcome.status == Status::Passed,
        score: outcome.score,
        failure_reason: failure_reason(outcome.status),
        error: why,
        failure: outcome.failure.as_ref(),
        grading_result: response.map(|_| grading(outcome, why)),
        named_scores: Scores(&outcome.named),
        latency_ms: response.and_then(|r| r.latency_ms).unwrap_or(0),
        cost: response.and_then(|r| r.cost).unwrap_or(0.0),
        token_usage: response.and_then(|r| r.usage).unwrap_or_default(),
        attempts: outcome.attempts,
        location: Place(&case.at),
    }
}

fn prompt<'a>(outcome: &'a Outcome, column: &'a Column) -> Prompt<'a> {
    Prompt {
        raw: compact(&outcome.prompt),
        label: &column.label,
        name: column.name.as_deref(),
        version: column.version.as_deref(),
    }
}

fn test_case(case: &CaseRef) -> TestCase<'_> {
    TestCase {
        id: &case.id,
        description: case.description.as_deref(),
        vars: &case.vars,
        metadata: &case.metadata,
        inputs: case.inputs,
        checks: case.checks,
        cluster: case.cluster.as_deref(),
        min_pass: case.min_pass,
    }
}

/// Promptfoo's numbers for it.
fn failure_reason(status: Status) -> u8 {
    match status {
        Status::Passed => 0,
        Status::Failed => 1,
        Status::Errored => 2,
    }
}

fn grading<'a>(outcome: &'a Outcome, why: Option<&'a str>) -> Grading<'a> {
    let green = if outcome.verdicts.is_empty() { "nothing was asserted" } else { "every assertion that counts holds" };
    Grading {
        pass: outcome.status == Status::Passed,
        score: outcome.score,
        reason: why.unwrap_or(green),
        named_scores: Scores(&outcome.named),
        component_results: Components(&outcome.verdicts),
        tokens_used: Some(outcome.grading.tokens).filter(|usage| *usage != Usage::default()),
        spent: Some(outcome.grading).filter(|spent| *spent != Spent::default()),
    }
}

fn component(verdict: &Verdict) -> Component<'_> {
    Component {
        pass: verdict.mark == Mark::Pass,
        score: verdict.score,
        reason: &verdict.reason,
        error: verdict.mark == Mark::Error,
        assertion: Assertion {
            kind: &verdict.kind,
            value: verdict.expected.as_deref(),
            threshold: verdict.threshold,
            weight: verdict.weight,
            metric: verdict.metric.as_deref(),
            line: Place(&verdict.at),
        },
    }
}

/// A prompt that is JSON (a list of messages) without its indentation, as promptfoo's reports have it.
fn compact(prompt: &str) -> Cow<'_, str> {
    if !prompt.starts_with(['[', '{']) {
        return Cow::Borrowed(prompt);
    }
    serde_json::from_str::<Value>(prompt).map_or(Cow::Borrowed(prompt), |value| Cow::Owned(value.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Output;
    use crate::report::fixture::{cell, head};
    use proptest::prelude::*;
    use serde_json::json;

    fn parsed(outcome: &Outcome) -> Value {
        let mut lines = Lines::new(Redactor::default());
        serde_json::from_slice(lines.of(outcome, &head().columns[outcome.column]).unwrap()).unwrap()
    }

    /// The line as it is, and as it is when every part of it is looked at.
    fn both(outcome: &Outcome, redactor: &Redactor) -> (String, String) {
        let column = &head().columns[outcome.column];
        let mut lines = Lines::new(redactor.clone());
        let line = String::from_utf8(lines.of(outcome, column).unwrap().to_vec()).unwrap();
        let why = why(outcome);
        let item = item(outcome, column, why.as_deref());
        (line, cleaned(&item, redactor).unwrap().to_string())
    }

    #[test]
    fn a_failed_cell_in_full() {
        let outcome = cell("refund")
            .description("asks for money")
            .var("q", "back?")
            .output("No.")
            .named("tone", 0.5)
            .fails("expected \"yes\"")
            .done();
        let item = parsed(&outcome);
        let lines: Vec<_> = item.as_object().unwrap().iter().map(|(key, value)| format!("{key}: {value}")).collect();
        insta::assert_snapshot!(lines.join("\n"), @r#"
        id: "cell-1"
        testIdx: 0
        promptIdx: 0
        repeatIndex: 0
        promptId: "abc123"
        provider: {"id":"mock:echo","label":"mock:echo"}
        prompt: {"raw":"Say hello","label":"support","version":"2.1.0"}
        vars: {"q":"back?"}
        description: "asks for money"
        testCase: {"id":"refund","description":"asks for money","vars":{"q":"back?"},"metadata":{},"inputs":"01010101010101010101010101010101","checks":"02020202020202020202020202020202"}
        response: {"output":"No.","tokenUsage":{"total":10,"prompt":6,"completion":4,"cached":0},"cost":0.25,"latencyMs":1250,"cached":false}
        success: false
        score: 0.0
        failureReason: 1
        error: "expected \"yes\""
        gradingResult: {"pass":false,"score":0.0,"reason":"expected \"yes\"","namedScores":{"tone":0.5},"componentResults":[{"pass":false,"score":0.0,"reason":"expected \"yes\"","assertion":{"type":"contains","value":"yes","weight":1.0,"line":"evalconfig.yaml:9:5"}}]}
        namedScores: {"tone":0.5}
        latencyMs: 1250
        cost: 0.25
        tokenUsage: {"total":10,"prompt":6,"completion":4,"cached":0}
        attempts: 1
        location: "evalconfig.yaml:7:5"
        "#);
    }

    #[test]
    fn a_cell_without_an_answer_has_no_grading() {
        let item = parsed(&cell("a").errors("nobody answers").done());
        assert_eq!((&item["gradingResult"], &item["failureReason"]), (&Value::Null, &json!(2)));
        assert_eq!(
            (&item["error"], &item["response"]),
            (&json!("nobody answers"), &json!({"error": "nobody answers"}))
        );
        assert_eq!(item["failure"]["reason"], "unreachable");
    }

    #[test]
    fn an_assertion_that_could_not_be_judged_is_an_error_with_an_answer() {
        let item = parsed(&cell("a").output("x").unjudged("the grader is silent").done());
        assert_eq!((&item["failureReason"], &item["error"]), (&json!(2), &json!("the grader is silent")));
        let component = &item["gradingResult"]["componentResults"][0];
        assert_eq!((&component["pass"], &component["error"]), (&json!(false), &json!(true)));
    }

    #[test]
    fn a_score_that_is_no_number_is_null() {
        let item = parsed(&cell("a").named("odd", f64::NAN).score(f64::INFINITY).done());
        assert_eq!((&item["score"], &item["namedScores"]), (&Value::Null, &json!({"odd": null})));
    }

    #[test]
    fn a_line_is_the_same_whichever_way_it_is_made() {
        let numbers = json!({"f": 1.0, "z": -0.0, "big": u64::MAX, "neg": i64::MIN, "tiny": 5e-324, "e": 1e300});
        let mut structured = cell("a").done();
        structured.response.as_mut().unwrap().output = Output::Json(json!({"b": numbers, "a": [null, true, "é…"]}));
        structured.response.as_mut().unwrap().cost = Some(f64::NAN);
        let plenty = cell("a\"b").column(1).description("d").var("q", "\u{1}\n\\").named("x", 0.1).named("y", f64::NAN);
        for outcome in [
            structured,
            plenty.metric("x").fails("no \"7\"").done(),
            cell("a").prompt("[ {\"role\": \"user\"} ]").output("").done(),
            cell("a").errors("nobody answers").done(),
            cell("a").unjudged("the grader is silent").score(f64::INFINITY).done(),
        ] {
            for secret in ["", "nowhere to be found", "user", "nobody", "18446744073709551615", "success"] {
                let redactor = Redactor::default();
                redactor.learn(secret);
                let (line, slow) = both(&outcome, &redactor);
                assert_eq!(line, slow, "{secret}");
            }
        }
    }

    /// Few letters, so that a secret stands in a text by chance; all kinds of escapes among them.
    const SECRET: &str = r#"[ab1"\\\n\x01é…]{6,8}"#;
    const NOISE: &str = r#"[ab1"\\\n\x01é…]{0,12}"#;

    proptest! {
        #[test]
        fn no_secret_is_overlooked(
            secret in SECRET,
            noise in NOISE,
            depth in 0..3_usize,
            most in 0..9_usize,
        ) {
            let redactor = Redactor::default();
            redactor.learn(&secret);
            let start: String = secret.chars().take(most).collect();
            let text = (0..depth).fold(start, |text, _| Value::from(text).to_string()) + &noise;
            for outcome in [
                cell("a").var("q", &text).done(),
                cell("a").var(&text, "v").done(),
                cell("a").named(&text, 1.0).fails(&text).done(),
                cell(&text).output(&text).done(),
            ] {
                let (line, slow) = both(&outcome, &redactor);
                prop_assert_eq!(line, slow);
            }
        }
    }

    #[test]
    fn a_red_cell_always_says_why() {
        let item = parsed(&cell("a").below_threshold(0.25).done());
        assert!(item["error"].as_str().unwrap().contains("0.25"), "{item}");
        assert_eq!(item["gradingResult"]["reason"], item["error"]);
    }
}
