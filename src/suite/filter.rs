//! Which cells to take.

use std::collections::HashSet;

use regex::Regex;
use serde_json::{Map, Value};

use crate::content::content_hash;
use crate::plan::{Case, Target};
use crate::prompts::Prompt;
use crate::record::CaseRef;

/// The filters of the command line. Order for tests: metadata, failing, pattern, first n.
#[derive(Debug, Default, Clone)]
pub struct Filter {
    /// `--filter-pattern`, on a test's description or id.
    pub pattern: Option<Regex>,
    /// `--filter-providers`, on id or label.
    pub providers: Option<Regex>,
    /// `--filter-prompts`, on id or label.
    pub prompts: Option<Regex>,
    /// `--filter-metadata key=value`; all must hold.
    pub metadata: Vec<(String, String)>,
    /// `--filter-failing`.
    pub failing: Option<Failing>,
    /// `-n`.
    pub first: Option<u64>,
}

impl Filter {
    /// Whether it leaves tests out.
    pub(super) fn narrows_tests(&self) -> bool {
        self.pattern.is_some() || !self.metadata.is_empty() || self.failing.is_some() || self.first.is_some()
    }

    /// Whether any filter is set.
    pub fn is_set(&self) -> bool {
        self.pattern.is_some()
            || self.providers.is_some()
            || self.prompts.is_some()
            || !self.metadata.is_empty()
            || self.failing.is_some()
            || self.first.is_some()
    }

    pub(super) fn takes_prompt(&self, prompt: &Prompt) -> bool {
        let names = [Some(&*prompt.label), prompt.id.as_deref()];
        self.prompts.as_ref().is_none_or(|p| names.iter().flatten().any(|name| p.is_match(name)))
    }

    pub(super) fn takes_target(&self, target: &Target) -> bool {
        self.providers.as_ref().is_none_or(|p| p.is_match(&target.id) || p.is_match(&target.label))
    }

    pub(super) fn takes_case(&self, case: &Case) -> bool {
        let reference = &case.reference;
        let names = [reference.description.as_deref(), Some(&*reference.id)];
        self.metadata.iter().all(|(key, value)| holds(&reference.metadata, key, value))
            && self.failing.as_ref().is_none_or(|f| f.takes(reference))
            && self.pattern.as_ref().is_none_or(|p| names.iter().flatten().any(|name| p.is_match(name)))
    }
}

/// Whether a metadata value contains a text, or a list of them has one that does.
fn holds(metadata: &Map<String, Value>, key: &str, wanted: &str) -> bool {
    let text = |v: &Value| v.as_str().map_or_else(|| v.to_string(), str::to_owned);
    match metadata.get(key) {
        Some(Value::Array(items)) => items.iter().any(|v| text(v).contains(wanted)),
        Some(value) => text(value).contains(wanted),
        None => false,
    }
}

/// The cases that did not pass in an earlier report.
#[derive(Debug, Clone)]
pub struct Failing {
    /// Ids of cases; reports of other tools have none.
    ids: HashSet<String>,
    vars: HashSet<String>,
}

impl Failing {
    /// Reads a JSON report.
    ///
    /// # Errors
    /// When the text is no report.
    pub fn from_report(text: &str) -> Result<Self, String> {
        let report: Value = serde_json::from_str(text).map_err(|e| format!("it is not JSON: {e}"))?;
        let list = report.pointer("/results/results").or_else(|| report.pointer("/results")).and_then(Value::as_array);
        let list = list.ok_or("it has no results.results")?;
        let failed: Vec<&Value> = list.iter().filter(|r| r.get("success") != Some(&Value::Bool(true))).collect();
        let id = |r: &&Value| r.pointer("/testCase/id").and_then(Value::as_str).map(str::to_owned);
        Ok(Self {
            ids: failed.iter().filter_map(id).collect(),
            vars: failed.iter().filter_map(|r| r.get("vars")).map(content_hash).collect(),
        })
    }

    fn takes(&self, case: &CaseRef) -> bool {
        self.ids.contains(&*case.id) || self.vars.contains(&content_hash(&Value::Object((*case.vars).clone())))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::diag::Source;

    #[test]
    fn metadata_matches_parts_and_list_items() {
        let Value::Object(metadata) = json!({"topic": "refund", "tags": ["slow", "vip"], "level": 3}) else {
            unreachable!()
        };
        for (key, value, expected) in [
            ("topic", "ref", true),
            ("topic", "ship", false),
            ("tags", "vip", true),
            ("level", "3", true),
            ("none", "", false),
        ] {
            assert_eq!(holds(&metadata, key, value), expected, "{key}={value}");
        }
    }

    fn case(id: &str, vars: &Value) -> CaseRef {
        CaseRef {
            id: id.into(),
            description: None,
            vars: Arc::new(vars.as_object().unwrap().clone()),
            metadata: Arc::default(),
            inputs: crate::content::Digest::default(),
            checks: crate::content::Digest::default(),
            cluster: None,
            min_pass: None,
            asserts: true,
            at: Source::new("c", "").span().location(),
        }
    }

    #[test]
    fn failing_knows_cases_by_their_vars() {
        let report = json!({"results": {"results": [
            {"vars": {"a": 1, "b": 2}, "success": false}, {"vars": {"a": 2}, "success": true},
        ]}});
        let failing = Failing::from_report(&report.to_string()).unwrap();
        assert!(failing.takes(&case("x", &json!({"b": 2, "a": 1}))));
        assert!(!failing.takes(&case("x", &json!({"a": 2}))));
        let redacted = json!({"results": [{"testCase": {"id": "x"}, "vars": {"a": "[redacted]"}, "success": false}]});
        assert!(Failing::from_report(&redacted.to_string()).unwrap().takes(&case("x", &json!({"a": "secret"}))));
        assert!(Failing::from_report("{}").is_err());
    }
}
