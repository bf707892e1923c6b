//! Rules in tables.

use serde_json::{Value, json};

use super::names;
use crate::assert::tests::{judged, told};
use crate::record::{Mark, Output};

#[test]
fn names_are_found_in_known_places_only() {
    let names = |output: Output| names::called(&output).into_iter().collect::<Vec<_>>().join(" ");
    for (output, expected) in [
        (
            json!({"tool_calls": [{"function": {"name": "a"}}, {"name": "b"}, {"function": {"name": "c"}, "name": "d"}]}),
            "a b c d",
        ),
        (json!({"tool_calls": []}), ""),
        (json!({"tool_calls": null, "functionCall": {"name": "a"}}), "a"),
        (json!({"tool_calls": [null, 5, "a", {"function": "a"}, {"function": {"name": 5}}]}), ""),
        (json!([{"function": {"name": "a"}, "name": "b"}, {"name": "c"}, {"functionCall": {"name": "d"}}]), "a c d"),
        (json!([{"type": "text", "text": "x"}, {"type": "tool_use", "name": "a"}, [{"name": "b"}], "c"]), "a"),
        (json!([{"functionCall": {}, "name": "a"}, {"functionCall": null, "name": "b"}]), "b"),
        (json!({"type": "tool_use", "name": "a"}), "a"),
        (json!({"functionCall": {"name": "a"}, "toolCall": {"functionCalls": [{"name": "b"}]}}), "a"),
        (json!({"toolCall": {"functionCalls": [{"name": "b"}, {"name": "a"}, {"name": "a"}]}}), "a b"),
        (json!({"name": "a"}), ""),
        (json!({"function_call": {"name": "a"}}), ""),
        (json!("[{\"name\": \"a\"}]"), "a"),
        (json!(5), ""),
    ] {
        assert_eq!(names(Output::Json(output.clone())), expected, "{output}");
        assert_eq!(names(Output::Text(output.to_string())), expected, "{output} as text");
    }
    for (text, expected) in [
        ("Let me look.\r\n  [{\"name\":\"a\"}]\t\r\nand\n{\"type\":\"tool_use\",\"name\":\"b\"}", "a b"),
        ("now: [{\"name\":\"a\"}]", ""),
        ("[{\"name\":\"a\"}] done", ""),
        ("x\n[\n{\"name\":\"a\"}\n]", ""),
        ("{\"broken\n[{\"name\":\"a\"}]", "a"),
    ] {
        assert_eq!(names(Output::Text(text.into())), expected, "{text}");
    }
}

fn verdict(assertion: &str, config: Value, output: Value) -> String {
    let output = match output {
        Value::String(text) => Output::Text(text),
        other => Output::Json(other),
    };
    let verdict = judged(assertion, config, output);
    let mark = match verdict.mark {
        Mark::Pass => 'P',
        Mark::Fail => 'F',
        Mark::Error => 'E',
    };
    format!("{mark} {}", verdict.reason)
}

fn tools() -> Value {
    let search = json!({"name": "search", "parameters": {"properties": {"q": {"type": "string"}}, "required": ["q"]}});
    let functions = [search, json!({"name": "now"}), json!({"name": "odd", "parameters": {"type": "strin"}})];
    let tools: Vec<Value> = functions.iter().map(|f| json!({"type": "function", "function": f})).collect();
    let own = json!({"type": "custom", "function": {"name": "own"}});
    let tools = [tools, vec![own]].concat();
    json!({"functions": functions, "tools": tools})
}

fn call(name: &str, arguments: &str) -> Value {
    json!({"name": name, "arguments": arguments})
}

#[test]
fn calls_are_checked_against_what_was_asked_with() {
    let rows = [
        (call("search", "{\"q\": \"x\"}"), "P"),
        (call("search", "{}"), "F the arguments of \"search\" do not fit its schema: \"q\" is a required property"),
        (
            call("search", "{\"q\": 1}"),
            "F the arguments of \"search\" do not fit its schema: at /q value is not of type \"string\"",
        ),
        (
            call("search", ""),
            "F what \"search\" is called with is no JSON (EOF while parsing a value at line 1 column 0): it is empty",
        ),
        (call("now", "{}"), "P"),
        (call("now", "{\"a\": 1}"), "F \"now\" takes no arguments, and it is called with \"{\"a\": 1}\""),
        (call("now", "[]"), "F \"now\" takes no arguments, and it is called with \"[]\""),
        (call("own", "{}"), "F it calls \"own\", which is none of \"search\", \"now\", \"odd\""),
    ];
    for (call, expected) in rows {
        for (kind, wish, output) in [
            ("is-valid-openai-tools-call", "be valid tool calls", json!([{"function": call}])),
            (
                "is-valid-openai-tools-call",
                "be valid tool calls",
                json!({"content": "x", "tool_calls": [{"function": call}]}),
            ),
            ("is-valid-openai-function-call", "be a valid function call", call.clone()),
            ("is-valid-function-call", "be a valid function call", json!({"content": "x", "function_call": call})),
        ] {
            let expected = match expected.strip_prefix("F ") {
                Some(came) => format!("F expected the output to {wish}, but {came}"),
                None => format!("P expected the output to {wish}: it holds"),
            };
            assert_eq!(verdict(&format!("{{type: {kind}}}"), tools(), output.clone()), expected, "{output}");
            let turned = verdict(&format!("{{type: not-{kind}}}"), tools(), output);
            assert_ne!(turned.chars().next(), expected.chars().next(), "{turned}");
        }
    }
}

#[test]
fn what_is_no_call_is_told() {
    let good = json!({"function": call("now", "{}")});
    let rows = [
        (json!([]), "F expected the output to be valid tool calls, but it has no tool calls: it is \"[]\""),
        (
            json!({"tool_calls": null}),
            "F expected the output to be valid tool calls, but it has no tool calls: it is \"{\"tool_calls\":null}\"",
        ),
        (
            json!([good, {"function": {"name": "now"}}]),
            "F expected the output to be valid tool calls, but call 2 has no `name` and `arguments` as texts: it is \"[{\"function\":{\"name\":\"now\",\"arguments\":\"{}\"}},{\"function\":{\"name\":\"now\"}}]\"",
        ),
        (
            json!("[{\"function\": {\"name\": \"now\"}}]"),
            "F expected the output to be valid tool calls, but it is text and calls nothing: it is \"[{\"function\": {\"name\": \"now\"}}]\"",
        ),
        (json!("MCP Tool Result (now): 12"), "P expected the output to be valid tool calls: it holds"),
        (
            json!("MCP Tool Result (now): 12\nMCP Tool Error (x): gone"),
            "F expected the output to be valid tool calls, but the tool failed: \"MCP Tool Error (x): gone\"",
        ),
        (
            json!([{"function": call("odd", "{}")}]),
            "E the parameters of \"odd\" cannot be used: this is no valid JSON Schema at /type: \"strin\" is not valid under any of the schemas listed in the 'anyOf' keyword",
        ),
    ];
    for (output, expected) in rows {
        assert_eq!(verdict("{type: is-valid-openai-tools-call}", tools(), output), expected);
    }
    let text = verdict("{type: is-valid-function-call}", tools(), json!("MCP Tool Result"));
    assert_eq!(
        text,
        "F expected the output to be a valid function call, but it is text and calls nothing: it is \"MCP Tool Result\""
    );
}

#[test]
fn without_tools_there_is_nothing_to_turn_round() {
    for config in [json!({}), json!({"tools": []}), json!({"functions": [{"name": "now"}]})] {
        for kind in ["is-valid-openai-tools-call", "not-is-valid-openai-tools-call"] {
            let found = verdict(&format!("{{type: {kind}}}"), config.clone(), json!([{"function": call("now", "{}")}]));
            assert_eq!(found, "F the provider was asked without `tools`, so there is nothing to check calls against");
        }
    }
    let talk = verdict("{type: not-is-valid-openai-tools-call}", json!({}), json!("hello"));
    assert!(talk.starts_with('P'), "{talk}");
}

#[test]
fn f1_says_what_was_missing_and_what_was_too_much() {
    let called = json!([{"name": "b"}, {"name": "c"}, {"name": "d"}]);
    for (assertion, expected) in [
        (
            "{type: tool-call-f1, value: 'a, b'}",
            "F expected the F1 score of the tool calls to be at least 1, but it is 0.4 (precision 0.333, recall 0.5); not called: \"a\"; not expected: \"c\", \"d\"",
        ),
        (
            "{type: not-tool-call-f1, value: [a, b], threshold: 0.4}",
            "F expected the F1 score of the tool calls not to be at least 0.4, but it is 0.4 (precision 0.333, recall 0.5); not called: \"a\"; not expected: \"c\", \"d\"",
        ),
        (
            "{type: tool-call-f1, value: 'b,c,d,', threshold: 0.85}",
            "P expected the F1 score of the tool calls to be at least 0.85: it holds",
        ),
        ("{type: tool-call-f1, value: '{{no}}'}", "E the list of expected tools is empty"),
        (
            "{type: tool-call-f1, value: '{{no}},'}",
            "F expected the F1 score of the tool calls to be at least 1, but it is 0 (precision 0, recall 0); not called: \"\"; not expected: \"b\", \"c\", \"d\"",
        ),
    ] {
        assert_eq!(verdict(assertion, json!({}), called.clone()), expected, "{assertion}");
    }
}

#[test]
fn slips_in_the_config_are_told() {
    for (assertion, expected) in [
        ("{type: tool-call-f1, value: 'a,b,'}", "one of the expected names is empty, and no call has such a name"),
        ("{type: tool-call-f1, value: [a, '']}", "is there a comma too many?"),
        (
            "{type: tool-call-f1, value: ''}",
            "needs a list of names, or one text with commas as its `value`, but it is empty",
        ),
        ("{type: tool-call-f1, value: [[a]]}", "must be text or a number, found a list"),
        ("{type: tool-call-f1, value: [a, '{{b}}', 5]}", ""),
        ("{type: guardrails, config: {purpose: redteam}}", "write `not-guardrails` where the guardrails should flag"),
        ("{type: guardrails, config: {purpose: chat}}", ""),
    ] {
        let told = told(&format!("[{assertion}]"));
        assert!(told.contains(expected) && expected.is_empty() == told.is_empty(), "{assertion}: {told}");
    }
}
