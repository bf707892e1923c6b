//! Comparisons and gates as JSON. Numbers that are none become `null`.

use serde_json::{Map, Value, json};

use super::{Compared, GateReport, Gated};
use crate::env::{Redactor, Whose};
use crate::stats::gate::Verdict;
use crate::stats::{Comparison, Party};

/// Comparisons: one as the object itself, several in a list.
pub fn json(all: &[Compared<'_>], redactor: &Redactor) -> String {
    let comparisons = all.iter().map(|compared| {
        let mut object = comparison(compared.comparison, redactor);
        if let (Value::Object(object), Some(gate)) = (&mut object, compared.decision) {
            object.insert("decision".into(), clean(tree(&gate.decision), redactor));
        }
        object
    });
    text(&one_or(comparisons.collect(), |list| json!({"schema": 1, "comparisons": list})))
}

/// Gates: one as the object itself, several in a list with the worst decision before it.
pub fn gate_json(all: &[Gated<'_>], redactor: &Redactor) -> String {
    let worst = all.iter().map(|gated| gated.gate.decision.decision).max().unwrap_or(Verdict::Invalid);
    let gates = all.iter().map(|gated| gate(gated, redactor));
    text(&one_or(gates.collect(), |list| json!({"schema": 1, "decision": worst, "gates": list})))
}

fn one_or(mut list: Vec<Value>, several: impl FnOnce(Vec<Value>) -> Value) -> Value {
    if list.len() == 1 { list.remove(0) } else { several(list) }
}

fn gate(gated: &Gated<'_>, redactor: &Redactor) -> Value {
    let GateReport { decision, baseline, candidate, policy, attempt, early, .. } = gated.gate;
    let told = json!({
        "schema": 1,
        "decision": decision.decision,
        "rule": decision.rule,
        "metric": decision.metric,
        "words": decision.words,
        "baseline": baseline,
        "candidate": candidate,
        "hashes": hashes(gated.gate),
        "attempt": attempt,
        "policy": null,
        "rules": decision.rules,
        "early": early,
        "comparison": null,
    });
    let mut told = clean(told, redactor);
    // Its keys are names of metrics, which the user gave.
    told["policy"] = redactor.clean_json(policy.clone(), Whose::Names);
    told["comparison"] = gated.comparison.map_or(Value::Null, |c| comparison(c, redactor));
    told
}

fn hashes(gate: &GateReport) -> Value {
    let hash = |party: &Party| tree(&party.prompt_hash);
    json!({
        "test_set": gate.test_set,
        "assertions": gate.checks,
        "baseline_prompt": gate.baseline.as_ref().map(hash),
        "candidate_prompt": hash(&gate.candidate),
        "policy": gate.policy_digest,
    })
}

fn comparison(comparison: &Comparison, redactor: &Redactor) -> Value {
    clean(tree(comparison), redactor)
}

/// Plain data, which always has a tree.
fn tree(value: &impl serde::Serialize) -> Value {
    serde_json::to_value(value).unwrap_or_else(|_| Map::new().into())
}

fn clean(value: Value, redactor: &Redactor) -> Value {
    redactor.clean_json(value, Whose::Ours)
}

fn text(value: &Value) -> String {
    format!("{value:#}\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::comparison::fixture::{comparison, gate, hostile};

    fn parsed(text: &str) -> Value {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn one_comparison_is_the_object_itself() {
        let (comparison, gate) = (comparison(), gate());
        let one = Compared { comparison: &comparison, changed: &[], changes: 0, decision: None };
        let plain = parsed(&json(&[one], &Redactor::default()));
        assert_eq!(plain, serde_json::to_value(&comparison).unwrap());
        let gated = parsed(&json(&[Compared { decision: Some(&gate), ..one }], &Redactor::default()));
        assert_eq!(gated["decision"]["decision"], "inconclusive");
        let two = parsed(&json(&[one, one], &Redactor::default()));
        assert_eq!(two, json!({"schema": 1, "comparisons": [plain, plain]}));
        assert_eq!(parsed(&json(&[], &Redactor::default()))["comparisons"], json!([]));
    }

    #[test]
    fn a_gate_says_what_it_was_made_on() {
        let (comparison, gate) = (comparison(), gate());
        let one = Gated { gate: &gate, comparison: Some(&comparison) };
        let told = parsed(&gate_json(&[one], &Redactor::default()));
        let keys: Vec<&str> = told.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(
            keys.join(" "),
            "schema decision rule metric words baseline candidate hashes attempt policy rules early comparison"
        );
        let hashes: Vec<&str> = told["hashes"].as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(hashes, ["test_set", "assertions", "baseline_prompt", "candidate_prompt", "policy"]);
        assert_eq!(told["hashes"]["baseline_prompt"], "hash-of-old");
        assert_eq!((&told["decision"], &told["comparison"]["n_paired"]), (&json!("inconclusive"), &json!(30)));
        let mut worse = gate.clone();
        worse.decision.decision = Verdict::Regression;
        let two = [one, Gated { gate: &worse, comparison: None }];
        let told = parsed(&gate_json(&two, &Redactor::default()));
        assert_eq!((&told["decision"], &told["gates"][1]["comparison"]), (&json!("regression"), &Value::Null));
    }

    #[test]
    fn no_number_is_none_and_no_secret_gets_out() {
        let (comparison, mut gate) = (hostile(), gate());
        gate.decision.words = "hunter2-hunter2".into();
        gate.decision.rules[0].value = Some(f64::NAN);
        gate.policy = json!({"hunter2-hunter2": "hunter2-hunter2"});
        let redactor = Redactor::default();
        redactor.learn("hunter2-hunter2");
        let one = Compared { comparison: &comparison, changed: &[], changes: 0, decision: Some(&gate) };
        for text in
            [json(&[one], &redactor), gate_json(&[Gated { gate: &gate, comparison: Some(&comparison) }], &redactor)]
        {
            parsed(&text);
            assert!(!text.contains("hunter2") && !text.contains("NaN") && !text.contains("inf"), "{text}");
        }
    }
}
