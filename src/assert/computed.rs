//! Values that a script makes: `value: file://x.js`.

use super::assertion::{Nobody, Setup};
use super::kind::{Asking, Check, Kind, Spec, Subject};
use super::scripted::{self, VALUE};
use crate::diag::{Folder, Problems, Source};
use crate::judge::Role;
use crate::script::{Home, Script};
use crate::yaml::{Kind as Form, Node};

/// An assertion whose value is known when there is an answer.
struct Computed {
    script: Script,
    node: Node,
    kind: &'static Kind,
    threshold: Option<f64>,
    negated: bool,
    base: Folder,
    home: Home,
    roles: Vec<Role>,
}

/// Reads the script; the kind reads its result later, for every answer.
pub(super) fn compile(spec: &Spec<'_>, problems: &mut Problems) -> Option<Box<dyn Check>> {
    let text = spec.value.and_then(Node::as_str)?;
    let script = match spec.setup.home.read(text, spec.at(), VALUE) {
        Ok(script) => script,
        Err(problem) => {
            problems.push(if problem.at.is_some() { problem } else { problem.at(spec.at()) });
            return None;
        }
    };
    // Which graders are needed shows with any value.
    let sample = Node { span: spec.at().clone(), kind: Form::Str("sample".into()) };
    let sampled = (spec.kind.compile)(&Spec { value: Some(&sample), ..*spec }, &mut Problems::new());
    let roles = sampled.map(|check| check.roles()).unwrap_or_default();
    Some(Box::new(Computed {
        script,
        node: spec.node.clone(),
        kind: spec.kind,
        threshold: spec.threshold,
        negated: spec.negated,
        base: spec.setup.base.clone(),
        home: spec.setup.home.clone(),
        roles,
    }))
}

impl Computed {
    fn read(&self, value: &Node) -> Result<Box<dyn Check>, String> {
        let mut problems = Problems::new();
        let setup = Setup { base: &self.base, lenient: false, graders: &Nobody, home: &self.home };
        let (node, kind, files) = (&self.node, self.kind, [value.span.source().clone()]);
        let (threshold, negated) = (self.threshold, self.negated);
        let spec = Spec { node, value: Some(value), threshold, negated, kind, setup: &setup, files: &files };
        let check = (kind.compile)(&spec, &mut problems);
        check.ok_or_else(|| {
            let said = problems.iter().map(|problem| problem.message.as_str()).collect::<Vec<_>>().join("; ");
            format!("the script's result cannot be the value: {said}")
        })
    }
}

impl Check for Computed {
    fn ask<'a>(&'a self, subject: &'a Subject<'a>) -> Option<Asking<'a>> {
        Some(Box::pin(async move {
            let returned = scripted::run(&self.script, subject, None).await?;
            let value = returned.into_value().ok_or("the script returned nothing, where a value was needed")?;
            let value = Node::from_json(&value, &Source::new("<script>", value.to_string()));
            let check = self.read(&value)?;
            match check.ask(subject) {
                Some(asking) => asking.await,
                None => check.check(subject),
            }
        }))
    }

    fn roles(&self) -> Vec<Role> {
        self.roles.clone()
    }
}
