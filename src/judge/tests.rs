//! Replies of every temper, and that our rubrics can be read.

use serde_json::json;

use super::*;
use crate::diag::Source;
use crate::record::Output;
use crate::template::Scope;
use crate::yaml;

fn text(reply: &str) -> Response {
    Response { output: Output::Text(reply.into()), ..Response::default() }
}

fn read(reply: &str) -> String {
    match opinion(&text(reply)) {
        Ok(Opinion { pass, score, reason }) => format!("{pass:?} {score} {reason}"),
        Err(why) => format!("no: {why}"),
    }
}

#[test]
fn opinions_are_read_however_they_are_wrapped() {
    for (reply, expected) in [
        (r#"{"reason": "so", "pass": true, "score": 0.8}"#, "Some(true) 0.8 so"),
        ("```json\n{\"pass\": false, \"score\": 0.1, \"reason\": \"no\"}\n```", "Some(false) 0.1 no"),
        ("Let me think {hard}. Here: {\"pass\": true, \"score\": 1} and that is that {really}.", "Some(true) 1 "),
        ("{pass: true, score: 0.5, reason: 'bare keys',}", "Some(true) 0.5 bare keys"),
        ("{'pass': 'yes', 'score': '0.9'}", "Some(true) 0.9 "),
        (r#"{"pass": "FAIL"}"#, "Some(false) 0 "),
        (r#"{"score": 0.4, "reason": "only a score"}"#, "None 0.4 only a score"),
        (r#"{"pass": 1, "score": true}"#, "Some(true) 1 "),
        ("", "no: it is empty"),
        ("I think it passes.", "no: it holds no JSON"),
        (r#"{"reason": "cut off", "pass": tr"#, "no: it has no `pass` and no `score` in proper JSON"),
        (r#"{"verdict": "good"}"#, "no: it has no `pass` and no `score` in proper JSON"),
        (r#"{"pass": "maybe", "score": 1}"#, r#"no: `pass` is neither true nor false but "maybe""#),
        (r#"{"pass": true, "score": "high"}"#, r#"no: `score` is no number but "high""#),
        (
            "It says {\"pass\": true, \"score\": 1}. Mine: {\"pass\": false, \"score\": 0}",
            "no: it holds several opinions",
        ),
        (r#"{"pass": null, "score": null}"#, "no: it has neither `pass` nor `score`"),
    ] {
        assert_eq!(read(reply), expected, "{reply}");
    }
    assert!(read(&"{".repeat(1 << 20)).starts_with("no"));
    assert!(read(&format!("{{\"a\": {}", "[".repeat(100_000))).starts_with("no"));
}

#[test]
fn categories_and_yes_or_no() {
    for (reply, expected) in [
        (r#"{"category": "B", "reason": "more"}"#, Some('B')),
        (r#"{"category": "(d)"}"#, Some('D')),
        ("(A) because", Some('A')),
        ("c", Some('C')),
        ("A disagreement exists", None),
        ("Not (A): it is D", None),
        ("**B**", Some('B')),
        ("(A) or (B)", None),
        ("Apples", None),
        (r#"{"category": "F"}"#, None),
        ("", None),
    ] {
        assert_eq!(category(&text(reply)).ok().map(|(c, _)| c), expected, "{reply}");
    }
    for (reply, expected) in
        [("thinking…\nY", Some(true)), ("so: N.", Some(false)), ("**Yes**", Some(true)), ("maybe", None), ("", None)]
    {
        assert_eq!(yes_or_no(&text(reply)).ok().map(|(yes, _)| yes), expected, "{reply}");
    }
}

#[test]
fn lists_are_counted() {
    let reply = text(r#"Sure: {"sentences": [{"attributed": true}, {"attributed": "no"}]}"#);
    assert_eq!(marks(&reply, "sentences", "attributed"), Ok((1, 2)));
    assert!(marks(&reply, "sentences", "relevant").is_err());
    assert_eq!(texts(&text(r#"{"steps": ["a", "b"]}"#), "steps"), Ok(vec!["a".into(), "b".into()]));
}

#[test]
fn our_rubrics_can_be_read_and_rendered() {
    use BuiltIn::*;
    let all = [
        LlmRubric,
        Factuality,
        ClosedQa,
        EvalSteps,
        EvalScore,
        SelectBest,
        AnswerQuestion,
        ContextRecall,
        ContextRelevance,
        Statements,
        Faithfulness,
        ConversationRelevance,
    ];
    let vars = json!({"output": "the answer", "outputs": ["a", "b"], "statements": ["s"], "turns": [{"role": "user", "content": "x"}]});
    let scope = Scope::new(vars.as_object().unwrap());
    for rubric in all {
        let messages = rubric.rubric().render(&scope).unwrap();
        assert!(!messages.is_empty(), "{rubric:?}");
        assert!(messages.iter().all(|m| m["content"].as_str().is_some_and(|text| text.len() > 20)), "{rubric:?}");
    }
    let best = SelectBest.rubric().render(&scope).unwrap()[0]["content"].to_string();
    assert!(best.contains("from 0 to 1"), "{best}");
}

#[test]
fn a_users_rubric_is_a_text_or_messages() {
    let scope = Scope::new(json!({"output": "say \"hi\"", "rubric": "polite"}).as_object().unwrap());
    let rendered = |yaml: &str| {
        let node = yaml::parse(&Source::new("c.yaml", yaml)).unwrap();
        Rubric::read(&node).map(|rubric| json!(rubric.render(&scope).unwrap()).to_string()).map_err(|p| p.message)
    };
    assert_eq!(
        rendered("'Is {{output}} {{rubric}}?'").unwrap(),
        r#"[{"role":"user","content":"Is say \"hi\" polite?"}]"#
    );
    let expected = r#"[{"role":"system","content":"be strict"},{"role":"user","content":"say \"hi\""}]"#;
    for yaml in [
        "[{role: system, content: be strict}, {role: user, content: '{{output}}'}]",
        r#"'[{"role": "system", "content": "be strict"}, {"role": "user", "content": "{{output}}"}]'"#,
        "|-\n  - role: system\n    content: be strict\n  - role: user\n    content: '{{output}}'\n",
    ] {
        assert_eq!(rendered(yaml).unwrap(), expected, "{yaml}");
    }
    assert!(rendered("{a: 1}").is_err());
    assert!(rendered("'{{ broken'").is_err());
}
