//! What it costs to render a prompt.

#![expect(clippy::unwrap_used, reason = "a bench may stop where it fails")]

mod harness;

use std::hint::black_box;

use prompteval::template::{Scope, Template};
use serde_json::json;

const TIMES: usize = 10_000;

const TEMPLATES: [(&str, &str); 5] = [
    ("plain text", "You are a kind assistant. Answer in one sentence, and say when you do not know."),
    ("one variable", "You are a kind assistant. Answer in one sentence: {{question}}"),
    ("a filter", "You are a kind assistant. Answer in one sentence: {{ question | upper }}"),
    ("a condition", "Answer{% if formal %} formally{% else %} briefly{% endif %}: {{question}}"),
    ("a loop over ten", "Answer by these rules:{% for rule in rules %}\n{{ loop.index }}. {{ rule }}{% endfor %}"),
];

fn main() {
    let rules: Vec<String> = (0..10).map(|n| format!("rule {n} of the house")).collect();
    let vars = json!({"question": "where is my order, please?", "formal": true, "rules": rules});
    let scope = Scope::new(vars.as_object().unwrap());
    for (name, text) in TEMPLATES {
        let template = Template::new(text).unwrap();
        let nanos = harness::each(TIMES, || {
            for _ in 0..TIMES {
                black_box(template.render(black_box(&scope)).unwrap());
            }
        });
        harness::row(&format!("render, {name}"), nanos, "render");
    }
}
