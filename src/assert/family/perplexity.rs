//! Kinds about how sure the model was: `perplexity`, `perplexity-score`.

use super::measure::{as_float, show_number};
use super::overlap;
use crate::assert::kind::{Check, Example, Finding, Kind, Sentence, Spec, Subject, Turned};
use crate::diag::Problems;

/// The family's rows.
pub static KINDS: &[Kind] = &[
    Kind {
        name: "perplexity",
        about: "the model was sure enough of its words; without log probabilities an error",
        value: "",
        threshold: "the highest perplexity, e to the mean negative log probability of a token: 1 is certainty",
        score: "1 or 0",
        default_threshold: None,
        negatable: true,
        passes: Example::with("{\"logProbs\": [-0.1, -0.3]}", "{type: perplexity, threshold: 1.5}"),
        fails: Example::with("{\"logProbs\": [-2.1, -0.3]}", "{type: perplexity, threshold: 1.5}"),
        compile: |spec, problems| compile(spec, Measure::Perplexity, problems),
    },
    Kind {
        name: "perplexity-score",
        about: "the model was sure enough of its words, as a score; without log probabilities an error",
        value: "",
        threshold: "the lowest 1 / (1 + perplexity), above 0 to 0.5: 0.5 is certainty",
        score: "1 / (1 + perplexity); with `not-` what is missing to 1",
        default_threshold: None,
        negatable: true,
        passes: Example::with("{\"logProbs\": [-0.1, -0.3]}", "{type: perplexity-score, threshold: 0.4}"),
        fails: Example::with("{\"logProbs\": [-2.1, -0.3]}", "{type: perplexity-score, threshold: 0.4}"),
        compile: |spec, problems| compile(spec, Measure::Score, problems),
    },
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Measure {
    Perplexity,
    Score,
}

struct Sureness {
    measure: Measure,
    threshold: f64,
    sentence: Sentence,
}

fn compile(spec: &Spec<'_>, measure: Measure, problems: &mut Problems) -> Option<Box<dyn Check>> {
    let threshold = spec.needs_threshold(problems)?;
    if measure == Measure::Score {
        overlap::warn_out_of_reach(spec, threshold, problems);
    }
    Some(Box::new(Sureness { measure, threshold, sentence: spec.about("the answer") }))
}

/// The perplexity of an answer, 1 or more: e to the mean negative log probability (natural) of its tokens.
fn perplexity(subject: &Subject<'_>) -> Result<f64, String> {
    let logs = subject.response.log_probs.as_deref().unwrap_or_default();
    if logs.is_empty() {
        return Err(
            "the answer came without log probabilities; ask for them with the provider's `logprobs: true`".into()
        );
    }
    Ok((-logs.iter().sum::<f64>() / as_float(logs.len())).exp())
}

impl Check for Sureness {
    fn check(&self, subject: &Subject<'_>) -> Result<Finding, String> {
        let perplexity = perplexity(subject)?;
        let threshold = show_number(self.threshold);
        if self.measure == Measure::Perplexity {
            let wish = format_args!("have a perplexity of at most {threshold}");
            let came = format_args!("it has {}", show_number(perplexity));
            return Ok(self.sentence.finding(perplexity <= self.threshold, wish, came));
        }
        let score = 1.0 / (1.0 + perplexity);
        let wish = format_args!("have a perplexity score of at least {threshold}");
        let finding =
            self.sentence.finding(score >= self.threshold, wish, format_args!("it has {}", show_number(score)));
        Ok(Finding { score, turned: Turned::Rest, ..finding })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::assert::tests::{answer, rated};
    use crate::record::{Mark, Response};

    fn judge(assertion: &str, log_probs: Option<Vec<f64>>) -> (Mark, f64, String) {
        let response = Response { log_probs, ..answer("hi") };
        let verdict = rated(&format!("[{assertion}]"), None, &json!({}), &response).verdicts.remove(0);
        (verdict.mark, verdict.score, verdict.reason)
    }

    #[test]
    fn measures_how_sure_the_model_was() {
        let halves = Some(vec![-0.5, -0.5]);
        let score = 1.0 / (1.0 + 0.5_f64.exp());
        for (assertion, mark, expected) in [
            ("{type: perplexity, threshold: 1.65}", Mark::Pass, 1.0),
            ("{type: perplexity, threshold: 1.64}", Mark::Fail, 0.0),
            ("{type: not-perplexity, threshold: 1.65}", Mark::Fail, 0.0),
            ("{type: perplexity-score, threshold: 0.3}", Mark::Pass, score),
            ("{type: not-perplexity-score, threshold: 0.3}", Mark::Fail, 1.0 - score),
        ] {
            let got = judge(assertion, halves.clone());
            assert_eq!(got.0, mark, "{assertion}: {}", got.2);
            assert!((got.1 - expected).abs() < 1e-12, "{assertion}: {}", got.1);
        }
        insta::assert_snapshot!(judge("{type: perplexity, threshold: 1.5}", Some(vec![0.0, -4.0])).2, @"expected the answer to have a perplexity of at most 1.5, but it has 7.38905609893065");
    }

    #[test]
    fn without_log_probabilities_there_is_no_verdict() {
        for kind in ["perplexity", "not-perplexity", "perplexity-score", "not-perplexity-score"] {
            for none in [None, Some(Vec::new())] {
                assert_eq!(judge(&format!("{{type: {kind}, threshold: 0.5}}"), none).0, Mark::Error, "{kind}");
            }
        }
    }
}
