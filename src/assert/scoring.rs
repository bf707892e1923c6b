//! A script that makes the whole of an answer's verdicts: `assertScoringFunction`.

use std::sync::Arc;

use serde_json::{Value, json};

use super::grade::Grade;
use super::grading::{self, Tongue};
use super::kind::Finding;
use crate::diag::{Location, Problems};
use crate::record::{Mark, Status, Verdict};
use crate::script::{Arg, Home, Manner, Returned, Script};
use crate::yaml::Node;

const NAME: &str = "assertScoringFunction";
const MANNER: Manner = Manner { inline: None, parameters: &["namedScores", "context"], defaults: &["get_score"] };

/// The script, and where it stands.
#[derive(Debug)]
pub struct Scoring {
    script: Script,
    at: Location,
}

impl Scoring {
    /// Reads the script.
    pub fn read(node: &Node, home: &Home, problems: &mut Problems) -> Option<Self> {
        match home.read(node.as_str()?, &node.span, MANNER) {
            Ok(script) => Some(Self { script, at: node.location() }),
            Err(problem) => {
                problems.push(problem.or_at(&node.span));
                None
            }
        }
    }

    /// Its digest, for what is compared by a gate.
    pub fn digest(&self) -> crate::content::Digest {
        self.script.digest()
    }

    /// What the script makes of the verdicts. Where one of them is missing there is nothing to make.
    ///
    /// # Errors
    /// When the script comes to no verdict.
    pub async fn find(&self, grade: &Grade, threshold: Option<f64>) -> Option<Result<Finding, String>> {
        if grade.status == Status::Errored {
            return None;
        }
        let named: serde_json::Map<String, Value> =
            grade.named.iter().map(|(name, score)| (name.clone(), json!(score))).collect();
        let part = |v: &Verdict| {
            let assertion = json!({"type": &*v.kind, "metric": v.metric, "weight": v.weight});
            json!({"pass": v.mark == Mark::Pass, "score": v.score, "reason": v.reason, "assertion": assertion})
        };
        let parts: Vec<Value> = grade.verdicts.iter().map(part).collect();
        let context = json!({"threshold": threshold, "componentResults": parts, "score": grade.score});
        let (named, context) = (Value::from(named).to_string(), context.to_string());
        let returned = self.script.run(&[Arg::Json(&named), Arg::Json(&context)]).await;
        let tongue =
            if self.script.language().is_some_and(|l| l.name != "node") { Tongue::Other } else { Tongue::JavaScript };
        // A map says itself whether it passes, and its script sees the threshold.
        let least = |returned: &Returned| threshold.filter(|_| !matches!(returned, Returned::Value(Value::Object(_))));
        let found = |returned: Returned| grading::finding(returned.clone(), least(&returned), tongue);
        Some(returned.map_err(|error| error.to_string()).and_then(found))
    }

    /// The grade with the script's word in place of the sum.
    pub fn apply(&self, grade: Grade, found: Result<Finding, String>) -> Grade {
        let Grade { mut named, mut verdicts, .. } = grade;
        let (status, mark, score, reason) = match found {
            Ok(finding) => {
                named.extend(finding.named);
                let (status, mark) =
                    if finding.pass { (Status::Passed, Mark::Pass) } else { (Status::Failed, Mark::Fail) };
                (status, mark, finding.score, finding.reason)
            }
            Err(reason) => (Status::Errored, Mark::Error, 0.0, reason),
        };
        let verdict = Verdict {
            kind: Arc::from(NAME),
            mark,
            score,
            reason,
            metric: None,
            weight: 1.0,
            expected: None,
            threshold: None,
            at: self.at.clone(),
            depth: 0,
        };
        // First, since its word is the one that counts.
        verdicts.insert(0, verdict);
        Grade { status, score, named, verdicts }
    }
}
