//! Kinds that are the user's own code: `javascript`.

use super::grading;
use super::kind::{Asking, Check, Example, Kind, Spec, Subject};
use super::prepared::{InUse, Prepared};
use super::value::Text;
use crate::diag::{Problem, Problems};
use crate::script::{Arg, Returned, Script, Transform};
use crate::yaml::Node;

/// The family's rows.
pub static KINDS: &[Kind] = &[Kind {
    name: "javascript",
    about: "the script returns true, a number above 0 (or at least `threshold`), or a map whose `pass` is true; \
            it sees `output` and `context`",
    value: "a script: one line is an expression, several lines are a function's body with `return`",
    threshold: "the least number that is enough",
    score: "1 or 0, the number, or the map's `score`",
    default_threshold: None,
    negatable: true,
    passes: Example::new("{\"total\": 12}", "{type: javascript, value: 'JSON.parse(output).total > 10'}"),
    fails: Example::new("{\"total\": 9}", "{type: javascript, value: 'JSON.parse(output).total > 10'}"),
    compile,
}];

/// What scripts are called with.
pub(super) const PARAMETERS: &[&str] = &["output", "context"];

struct Scripted {
    script: Prepared<Script>,
    threshold: Option<f64>,
    /// The assertion's `config`, as JSON with what goes before it in the context.
    config: Option<String>,
}

fn compile(spec: &Spec<'_>, problems: &mut Problems) -> Option<Box<dyn Check>> {
    let text = Text::of_value_not_empty(spec, false, problems)?;
    let script = Prepared::new(text, inline, spec, problems)?;
    let config = spec.node.get("config").map(|node| node.to_json().to_string());
    Some(Box::new(Scripted { script, threshold: spec.threshold, config }))
}

fn inline(text: &str) -> Result<Script, String> {
    Script::read(text, PARAMETERS).map_err(|error| format!("this is no valid JavaScript: {error}"))
}

impl Check for Scripted {
    fn names_scores(&self) -> bool {
        true
    }

    fn ask<'a>(&'a self, subject: &'a Subject<'a>) -> Option<Asking<'a>> {
        Some(Box::pin(async move {
            let script = self.script.get(subject.scope)?;
            let (script, expected) = match &script {
                InUse::Ready(script) => (*script, None),
                InUse::Fresh(script, shown) => (script, Some(shown.clone())),
            };
            let returned = run(script, subject, self.config.as_deref()).await?;
            let finding = grading::finding(returned, self.threshold)?;
            Ok(finding.expecting(expected))
        }))
    }
}

/// Runs a script on an answer.
pub(super) async fn run(script: &Script, subject: &Subject<'_>, config: Option<&str>) -> Result<Returned, String> {
    let context = if script.may_read("context") { context(subject, config) } else { String::new() };
    let context = if context.is_empty() { Arg::Nothing } else { Arg::Json(&context) };
    let args = [subject.argument(), context];
    script.run(&args).await.map_err(|error| error.to_string())
}

/// The transform under a key of the config.
pub fn transform(node: &Node, name: &'static str, problems: &mut Problems) -> Option<Transform> {
    match Script::read(node.as_str()?, PARAMETERS) {
        Ok(script) => Some(Transform::new(script, name)),
        Err(error) => {
            problems.push(Problem::error(format!("this is no valid JavaScript: {error}")).at(&node.span));
            None
        }
    }
}

/// The context of an answer, the assertion's `config` in it.
pub(super) fn context(subject: &Subject<'_>, config: Option<&str>) -> String {
    let base = match subject.asked {
        Some(asked) => asked.context().to_string(),
        None => serde_json::json!({"vars": subject.scope.vars()}).to_string(),
    };
    match (config, base.strip_suffix('}')) {
        (Some(config), Some(open)) => format!("{open},\"config\":{config}}}"),
        _ => base,
    }
}

impl<'a> Subject<'a> {
    /// The output as a script's argument: text as it is, anything else as JSON.
    fn argument(&self) -> Arg<'a> {
        match &self.response.output {
            crate::record::Output::Text(text) => Arg::Text(text),
            crate::record::Output::Json(_) => Arg::Json(self.text),
        }
    }
}
