//! `options` of a test.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::keys::OPTIONS;
use crate::assert;
use crate::diag::Problems;
use crate::judge::{Grading, Role, Rubric};
use crate::provider::{PARAMETERS, check_parameters};
use crate::script::{Manner, Script, Transform};
use crate::yaml::{Kind, Node, Shape, check};

/// What `options` say; a test's are put over those of `defaultTest`.
#[derive(Debug, Default, Clone)]
pub(super) struct CaseOptions {
    pub(super) prefix: String,
    pub(super) suffix: String,
    pub(super) no_defaults: bool,
    pub(super) no_expansion: bool,
    pub(super) repeat: Option<u32>,
    pub(super) transform: Option<Arc<Transform>>,
    pub(super) transform_vars: Option<Arc<Script>>,
    pub(super) store_as: Option<Arc<str>>,
    pub(super) alone: bool,
    pub(super) grading: Grading,
    /// Parameters set over the provider's.
    pub(super) parameters: Map<String, Value>,
}

impl CaseOptions {
    /// Puts a map of options over these.
    pub(super) fn over(&mut self, node: &Node, setup: &assert::Setup<'_>, problems: &mut Problems) {
        let lenient = setup.lenient;
        let (parameters, rest): (Vec<_>, Vec<_>) =
            node.entries().iter().cloned().partition(|e| PARAMETERS.contains(&e.key.as_str()));
        let rest = Node { span: node.span.clone(), kind: Kind::Map(rest) };
        check(&rest, &Shape::Object(&OPTIONS), "options", lenient, problems);
        let parameters: Map<String, Value> = parameters.into_iter().map(|e| (e.key, e.value.to_json())).collect();
        check_parameters(&parameters, &node.span, lenient, problems);
        self.parameters.extend(parameters);
        let text = |key: &str| rest.get(key).and_then(Node::as_str);
        let flag = |key: &str| rest.get(key).and_then(Node::as_bool);
        self.affixes(text("prefix"), text("suffix"));
        self.scripts(&rest, setup, problems);
        self.grading(&rest, setup, problems);
        self.no_defaults = flag("disableDefaultAsserts").unwrap_or(self.no_defaults);
        self.alone = flag("disableConversationVar").unwrap_or(self.alone);
        self.store_as = text("storeOutputAs").map(Into::into).or(self.store_as.take());
        self.no_expansion = flag("disableVarExpansion").unwrap_or(self.no_expansion);
        let repeat = rest.get("repeat").and_then(Node::as_u64).and_then(|n| u32::try_from(n).ok());
        self.repeat = repeat.or(self.repeat);
    }

    fn scripts(&mut self, node: &Node, setup: &assert::Setup<'_>, problems: &mut Problems) {
        for name in ["postprocess", "transform"] {
            if let Some(transform) = node.get(name).and_then(|node| assert::transform(node, name, setup.home, problems))
            {
                self.transform = Some(Arc::new(transform));
            }
        }
        if let Some((node, text)) = node.get("transformVars").and_then(|node| Some((node, node.as_str()?))) {
            let manner = Manner { inline: None, parameters: &["vars", "context"], defaults: &["get_vars", "default"] };
            match setup.home.read(text, &node.span, manner) {
                Ok(script) => self.transform_vars = Some(Arc::new(script)),
                Err(problem) => problems.push(problem.or_at(&node.span)),
            }
        }
    }

    fn grading(&mut self, node: &Node, setup: &assert::Setup<'_>, problems: &mut Problems) {
        if let Some(node) = node.get("provider").filter(|node| !node.is_null())
            && let Some(graders) = setup.graders.pick(node, &Role::ALL, problems)
        {
            self.grading.graders = graders.over(self.grading.graders);
        }
        if let Some(node) = node.get("rubricPrompt").filter(|node| !node.is_null()) {
            match assert::rubric_prompt(node, setup.base).and_then(|node| Rubric::read(&node)) {
                Ok(rubric) => {
                    rubric.warn_if_blind(node, problems);
                    self.grading.rubric = Some(Arc::new(rubric));
                }
                Err(problem) => problems.push(problem),
            }
        }
        let weights = &mut self.grading.weights;
        for (name, weight) in [
            ("subset", &mut weights.subset),
            ("superset", &mut weights.superset),
            ("agree", &mut weights.agree),
            ("disagree", &mut weights.disagree),
            ("differButFactual", &mut weights.differ_but_factual),
        ] {
            let given = node.get("factuality").and_then(|map| map.get(name)?.as_f64());
            *weight = given.unwrap_or(*weight);
        }
    }

    /// Sets the texts around the prompt, where they are given.
    pub(super) fn affixes(&mut self, prefix: Option<&str>, suffix: Option<&str>) {
        if let Some(prefix) = prefix {
            prefix.clone_into(&mut self.prefix);
        }
        if let Some(suffix) = suffix {
            suffix.clone_into(&mut self.suffix);
        }
    }
}
