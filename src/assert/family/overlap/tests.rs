//! The metrics against independent implementations (`fixtures/text-metrics/make.py` says which); the kinds.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Metric, Weights};
use crate::assert::family::measure::as_float;
use crate::assert::matcher::distance::levenshtein;
use crate::assert::tests::{answer, rated, told};
use crate::record::{Mark, Verdict};

const WEIGHTS: Weights = Weights { alpha: 0.9, beta: 3.0, gamma: 0.5 };

fn score(name: &str, output: &str, references: &[&str]) -> Option<f64> {
    let metric = match name {
        "rouge-n" => return Metric::Rouge.score(output, &references[..1]).ok(),
        "levenshtein" => return levenshtein(output, references[0], usize::MAX).unwrap().map(as_float),
        "bleu" => Metric::Bleu,
        "gleu" => Metric::Gleu,
        _ => Metric::Meteor(WEIGHTS),
    };
    metric.score(output, references).ok()
}

#[test]
fn agrees_with_nltk_rouge_score_and_rapidfuzz() {
    let pairs: Vec<Value> = serde_json::from_str(include_str!("../../../../fixtures/text-metrics/pairs.json")).unwrap();
    let mut checked: BTreeMap<&str, usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    for pair in &pairs {
        let output = pair["output"].as_str().unwrap();
        let references: Vec<_> = pair["references"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        for name in ["rouge-n", "bleu", "gleu", "meteor", "levenshtein"] {
            let (expected, got) = (pair[name].as_f64(), score(name, output, &references));
            let agree =
                expected.is_some() == got.is_some() && (expected.unwrap_or(0.0) - got.unwrap_or(0.0)).abs() <= 1e-9;
            if !agree {
                wrong.push(format!("{name} {expected:?} {got:?} {output:?} {references:?}"));
            }
            let literal = !pair["differs"].as_array().unwrap().iter().any(|other| other == name);
            *checked.entry(name).or_default() += usize::from(literal && expected.is_some());
        }
    }
    assert!(wrong.is_empty(), "{} differ\n{}", wrong.len(), wrong.join("\n"));
    // By the definition of the literature; the rest is checked by promptfoo's.
    assert!(checked.values().all(|count| *count >= 300), "{checked:?}");
}

fn verdict(assertion: &str, output: &str) -> Verdict {
    rated(&format!("[{assertion}]"), None, &json!({"name": "Ann", "empty": ""}), &answer(output)).verdicts.remove(0)
}

#[test]
fn scores_by_degrees_both_ways() {
    for (kind, value, output, score) in [
        ("rouge-n", "the cat sat there", "the cat sat down", 0.75),
        ("rouge-n", "'Hello {{name}}'", "hello ann!", 0.8),
        ("rouge-n", "'{{empty}}'", "x", 0.0),
        ("bleu", "one two three", "one two three", 1.0),
        ("bleu", "x", " ", 0.0),
        ("gleu", "[a dog, the quick brown fox]", "The quick brown cat.", 0.6),
        ("gleu", "['{{name}}', b]", "ann", 1.0),
        ("meteor", "a cat", "A cat", 0.9375),
        ("meteor", "the cat was down, alpha: 0.5, beta: 1, gamma: 0.1", "the cat sat down", 0.7),
        ("meteor", "dogs running", "cats", 0.0),
    ] {
        let plain = verdict(&format!("{{type: {kind}, threshold: 0.7, value: {value}}}"), output);
        let turned = verdict(&format!("{{type: not-{kind}, threshold: 0.7, value: {value}}}"), output);
        assert!((plain.score - score).abs() < 1e-9, "{kind} {value}: {}", plain.score);
        assert!((turned.score - (1.0 - score)).abs() < 1e-9, "not-{kind} {value}: {}", turned.score);
        let (good, bad) = if score >= 0.7 { (Mark::Pass, Mark::Fail) } else { (Mark::Fail, Mark::Pass) };
        assert_eq!((plain.mark, turned.mark), (good, bad), "{kind} {value}");
    }
    for kind in ["gleu", "not-gleu", "meteor", "not-meteor"] {
        assert_eq!(verdict(&format!("{{type: {kind}, value: a}}"), "").mark, Mark::Error, "{kind}");
    }
}

#[test]
fn says_what_was_reached_and_what_is_wrong() {
    let reason = |assertion, output| verdict(assertion, output).reason;
    insta::assert_snapshot!(reason("{type: rouge-n, value: the cat sat there}", "the dog ran"), @r#"expected the output to have a ROUGE-1 F1 of at least 0.75 with "the cat sat there", but it has 0.2857: it is "the dog ran""#);
    insta::assert_snapshot!(reason("{type: not-bleu, value: [a, b, c]}", "c"), @r#"expected the output not to have a BLEU score of at least 0.5 with "a" or one of 2 more texts, but it has 1.0000: it is "c""#);
    insta::assert_snapshot!(reason("{type: gleu, value: the quick brown fox, threshold: 0.60001}", "the quick brown cat"), @r#"expected the output to have a GLEU score of at least 0.60001 with "the quick brown fox", but it has 0.6000: it is "the quick brown cat""#);
    insta::assert_snapshot!(reason("{type: meteor, value: a}", ""), @"the output is empty: `meteor` says nothing about it");
    insta::assert_snapshot!(told("
- {type: rouge-n, value: [a, b]}
- {type: bleu, value: [a, 5]}
- {type: gleu, value: []}
- {type: gleu, value: 5}
- {type: meteor, value: a, alpha: 2}
- {type: bleu, value: a, gamma: 0}
- {type: not-bleu, value: a, threshold: 75}
- {type: perplexity}
"), @r"
    error: `alpha` must be a number from 0 to 1, found `2`
     --> c.yaml:6:35
      |
    6 | - {type: meteor, value: a, alpha: 2}
      |                                   ^
    error: `rouge-n` needs text as its `value`, found a list
     --> c.yaml:2:26
      |
    2 | - {type: rouge-n, value: [a, b]}
      |                          ^^^^^^
    error: an item of `bleu` must be text, found a number
     --> c.yaml:3:27
      |
    3 | - {type: bleu, value: [a, 5]}
      |                           ^
    error: the list of `gleu` has no texts
     --> c.yaml:4:23
      |
    4 | - {type: gleu, value: []}
      |                       ^^
    error: `gleu` needs text or a list of texts as its `value`, found a number
     --> c.yaml:5:23
      |
    5 | - {type: gleu, value: 5}
      |                       ^
    error: `gamma` belongs to `meteor`, not to `bleu`
     --> c.yaml:7:26
      |
    7 | - {type: bleu, value: a, gamma: 0}
      |                          ^^^^^
    warning: every answer passes `threshold` 75: the score is from 0 to 1
     --> c.yaml:8:41
      |
    8 | - {type: not-bleu, value: a, threshold: 75}
      |                                         ^^
    error: `perplexity` needs a `threshold`: the highest perplexity, e to the mean negative log probability of a token: 1 is certainty
     --> c.yaml:9:3
      |
    9 | - {type: perplexity}
      |   ^^^^^^^^^^^^^^^^^^
    hint: for example {type: perplexity, threshold: 1.5}
    ");
}

#[test]
fn long_texts_are_compared_in_linear_time() {
    let words = "the quick \"brown\" fox's jumps, running. ".repeat(3_000);
    for text in [words, "\"".repeat(100_000), "'".repeat(100_000), "y".repeat(100_000), "\0.,--".repeat(20_000)] {
        for metric in [Metric::Rouge, Metric::Bleu, Metric::Gleu, Metric::Meteor(WEIGHTS)] {
            assert!(metric.score(&text, &[&text]).unwrap() > 0.49, "{}", metric.name());
        }
    }
}
