//! `defaultTest`: what every test inherits.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::build::small;
use super::case_options::CaseOptions;
use super::targets::texts;
use super::{Options, vars};
use crate::assert::{self, Assertion, Scoring};
use crate::diag::Problems;
use crate::yaml::Node;

/// The parts of `defaultTest`.
#[derive(Debug, Default)]
pub(super) struct Defaults {
    pub(super) vars: Map<String, Value>,
    pub(super) assertions: Arc<[Assertion]>,
    pub(super) threshold: Option<f64>,
    pub(super) min_pass: Option<u32>,
    pub(super) scoring: Option<Arc<Scoring>>,
    pub(super) metadata: Map<String, Value>,
    pub(super) options: CaseOptions,
    pub(super) prompts: Option<Arc<[String]>>,
    pub(super) providers: Option<Arc<[String]>>,
}

/// Reads `defaultTest`, the config's `metadata` and the command line's `--var`.
pub(super) fn read(root: &Node, setup: &assert::Setup<'_>, options: &Options, problems: &mut Problems) -> Defaults {
    let mut defaults = Defaults::default();
    if let Some(Value::Object(metadata)) = root.get("metadata").map(Node::to_json) {
        defaults.metadata = metadata;
    }
    if let Some(node) = root.get("defaultTest") {
        fill(&mut defaults, node, setup, problems);
    }
    for (name, value) in &options.vars {
        defaults.vars.insert(name.clone(), Value::from(value.as_str()));
    }
    defaults
}

fn fill(defaults: &mut Defaults, node: &Node, setup: &assert::Setup<'_>, problems: &mut Problems) {
    if let Some(node) = node.get("vars") {
        defaults.vars = vars::read(node, setup.base, vars::Trust::Config, problems);
    }
    if let Some(list) = node.get("assert") {
        defaults.assertions = assert::compile(list, setup, problems).into();
    }
    if let Some(Value::Object(metadata)) = node.get("metadata").map(Node::to_json) {
        defaults.metadata.extend(metadata);
    }
    defaults.threshold = node.get("threshold").and_then(Node::as_f64);
    defaults.min_pass = small(node.get("min_pass"));
    let scoring = node.get("assertScoringFunction");
    defaults.scoring = scoring.and_then(|node| Scoring::read(node, setup.home, problems)).map(Arc::new);
    if let Some(node) = node.get("options") {
        defaults.options.over(node, setup, problems);
    }
    defaults.prompts = node.get("prompts").map(|list| texts(list).collect());
    defaults.providers = node.get("providers").map(|list| texts(list).collect());
}
