//! Values that a script makes: `value: file://x.js`.

use super::family::scripted::{self, VALUE};
use super::kind::{Asking, Check, Kind, Spec, Subject};
use super::panel::Panel;
use super::setup::{Pick, Setup};
use crate::diag::{Folder, Problem, Problems, Source};
use crate::judge::{Graders, Role};
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
    panel: Option<Panel>,
}

/// Graders that were picked when the config was read.
struct Picked(Graders);

impl Pick for Picked {
    fn pick(&self, _: &Node, _: &[Role], _: &mut Problems) -> Option<Graders> {
        Some(self.0)
    }
}

/// Reads the script; the kind reads its result later, for every answer.
pub(super) fn compile(spec: &Spec<'_>, problems: &mut Problems) -> Option<Box<dyn Check>> {
    let text = spec.value.and_then(Node::as_str)?;
    let script = match spec.setup.home.read(text, spec.at(), VALUE) {
        Ok(script) => script,
        Err(problem) => {
            problems.push(problem.or_at(spec.at()));
            return None;
        }
    };
    // Which graders are needed shows with any value.
    let sample = Node { span: spec.at().clone(), kind: Form::Str("sample".into()) };
    let mut found = Problems::new();
    let sampled = (spec.kind.compile)(&Spec { value: Some(&sample), ..*spec }, &mut found);
    // What is wrong with the value is not known yet; what is wrong beside it is.
    let place = spec.at().location();
    let beside = found.iter().filter(|problem| problem.at.as_ref().is_none_or(|at| at.location() != place));
    beside.for_each(|problem| problems.push(problem.clone()));
    if sampled.as_ref().is_some_and(|check| check.as_contest().is_some()) {
        let message = format!("`{}` cannot have a script as its value", spec.kind.name);
        problems.push(Problem::error(message).at(spec.at()));
    }
    let panel = sampled.and_then(|check| check.panel().map(|panel| Panel::new(panel.own, panel.roles.clone())));
    Some(Box::new(Computed {
        script,
        node: spec.node.clone(),
        kind: spec.kind,
        threshold: spec.threshold,
        negated: spec.negated,
        base: spec.setup.base.clone(),
        home: spec.setup.home.clone(),
        panel,
    }))
}

impl Computed {
    fn read(&self, value: &Node) -> Result<Box<dyn Check>, String> {
        let mut problems = Problems::new();
        let setup = Setup {
            base: &self.base,
            lenient: false,
            graders: &Picked(self.panel.as_ref().map(|panel| panel.own).unwrap_or_default()),
            home: &self.home,
        };
        let (node, kind, files) = (&self.node, self.kind, [value.span.source().clone()]);
        let (threshold, negated) = (self.threshold, self.negated);
        let spec = Spec { node, value: Some(value), threshold, negated, kind, setup: &setup, files: &files };
        let check = (kind.compile)(&spec, &mut problems);
        check.filter(|_| !problems.has_errors()).ok_or_else(|| {
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

    fn panel(&self) -> Option<&Panel> {
        self.panel.as_ref()
    }
}
