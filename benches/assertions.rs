//! What an assertion's verdict costs.

#![expect(clippy::unwrap_used, reason = "a bench may stop where it fails")]

mod harness;

use std::hint::black_box;

use futures::FutureExt;
use prompteval::assert::{Assertion, Nobody, Setup, Subject, compile, grade};
use prompteval::diag::{Folder, Problems, Source};
use prompteval::env::{Clock, Env};
use prompteval::record::{Output, Response};
use prompteval::script::{Home, WorkerEnv};
use prompteval::template::Scope;
use prompteval::yaml;
use serde_json::json;

const TIMES: usize = 2_000;
const PROSE: &str = "Thank you for your patience. Your order #12345 has left our house this morning, and the parcel \
    service expects to be with you on Thursday between nine and noon. Here it is once more: {\"order\": 12345, \
    \"day\": \"Thursday\"}. Should it be late, answer this letter and we will look into it.";
const JSON: &str =
    r#"{"order": 12345, "day": "Thursday", "items": [{"name": "lamp", "price": 12.5}, {"name": "rug"}]}"#;

/// A kind, the answer it judges, and its config.
const KINDS: [(&str, &str, &str); 20] = [
    ("equals", JSON, "{type: equals, value: '{{json}}'}"),
    ("contains", PROSE, "{type: contains, value: look into it}"),
    ("contains, a template", PROSE, "{type: contains, value: '{{word}}'}"),
    ("contains, failing", PROSE, "{type: contains, value: nowhere}"),
    ("icontains", PROSE, "{type: icontains, value: LOOK INTO IT}"),
    ("contains-all", PROSE, "{type: contains-all, value: [order, parcel, Thursday, letter]}"),
    ("starts-with", PROSE, "{type: starts-with, value: Thank}"),
    ("regex", PROSE, r"{type: regex, value: '#\d{5} has .* morning'}"),
    ("is-json", JSON, "{type: is-json}"),
    ("is-json, with a schema", JSON, "{type: is-json, value: {required: [order], properties: {day: {type: string}}}}"),
    ("contains-json", PROSE, "{type: contains-json}"),
    ("word-count", PROSE, "{type: word-count, value: {min: 2, max: 99}}"),
    ("levenshtein", PROSE, "{type: levenshtein, value: Thank you for your patience. It is late., threshold: 300}"),
    ("rouge-n", PROSE, "{type: rouge-n, value: Thank you for your patience. It is late.}"),
    ("bleu", PROSE, "{type: bleu, value: Thank you for your patience. It is late.}"),
    ("is-xml", "<a><b>1</b><c d='2'/></a>", "{type: is-xml, value: a.b}"),
    ("is-sql", "SELECT a, b FROM orders WHERE day = 'Thursday'", "{type: is-sql}"),
    ("javascript", PROSE, "{type: javascript, value: 'output.includes(\"parcel\") && output.length < 500'}"),
    ("javascript, context", PROSE, "{type: javascript, value: 'output.includes(context.vars.word)'}"),
    (
        "javascript, a map",
        PROSE,
        "{type: javascript, value: '({pass: true, score: output.length / 1000, reason: \"ok\"})'}",
    ),
];

fn main() {
    let vars = json!({"word": "parcel", "json": JSON});
    let scope = Scope::new(vars.as_object().unwrap());
    for (name, output, config) in KINDS {
        let assertions = compiled(config);
        let response = Response { output: Output::Text(output.to_owned()), ..Response::default() };
        let subject = Subject::plain(&response, output, &scope);
        let nanos = harness::each(TIMES, || {
            for _ in 0..TIMES {
                black_box(grade(&assertions, None, black_box(&subject)).now_or_never());
            }
        });
        harness::row(name, nanos, "verdict");
    }
}

fn compiled(config: &str) -> Vec<Assertion> {
    let mut problems = Problems::new();
    let node = yaml::parse(&Source::new("bench.yaml", format!("[{config}]"))).unwrap();
    let folder = Folder::new("/nonexistent", "");
    let home = Home::new(&folder, WorkerEnv::new(Env::new([].into(), Clock::fixed(0)), ""));
    let setup = Setup { base: &Folder::new("/nonexistent", ""), lenient: false, graders: &Nobody, home: &home };
    let assertions = compile(&node, &setup, &mut problems);
    assert!(!problems.has_errors() && assertions.len() == 1, "{config} does not compile");
    assertions
}
