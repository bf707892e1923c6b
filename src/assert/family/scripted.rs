//! Kinds that are the user's own code: `javascript`, `python`, `ruby`.

use crate::assert::grading::{self, Tongue};
use crate::assert::kind::{Asking, Check, Example, Kind, Spec, Subject};
use crate::assert::show;
use crate::assert::value::Text;
use crate::diag::{Problem, Problems, Span};
use crate::record::Output;
use crate::script::{Arg, Home, Language, Manner, PYTHON, RUBY, Returned, Script, Transform};
use crate::yaml::Node;

/// The family's rows.
pub static KINDS: &[Kind] = &[
    Kind {
        name: "javascript",
        about: "the script returns true, a number above 0 (or at least `threshold`), or a map whose `pass` is true; \
                it sees `output` and `context`",
        value: "a script: one line is an expression, several lines are a function's body with `return`; or a \
                file://x.js, perhaps with :function, which node runs",
        threshold: "the least number that is enough",
        score: "1 or 0, the number, or the map's `score`",
        default_threshold: None,
        negatable: true,
        passes: Example::new("{\"total\": 12}", "{type: javascript, value: 'JSON.parse(output).total > 10'}"),
        fails: Example::new("{\"total\": 9}", "{type: javascript, value: 'JSON.parse(output).total > 10'}"),
        compile: |spec, problems| compile(spec, JAVASCRIPT, problems),
    },
    Kind {
        name: "python",
        passes: Example::new("12", "{type: python, value: 'int(output) > 10'}"),
        fails: Example::new("9", "{type: python, value: 'int(output) > 10'}"),
        compile: |spec, problems| compile(spec, Manner { inline: Some(&PYTHON), ..JAVASCRIPT }, problems),
        ..foreign(
            "a script as for javascript, in Python; or a file://x.py, whose get_assert is called unless :function \
                   names another",
        )
    },
    Kind {
        name: "ruby",
        passes: Example::new("12", "{type: ruby, value: 'output.to_i > 10'}"),
        fails: Example::new("9", "{type: ruby, value: 'output.to_i > 10'}"),
        compile: |spec, problems| compile(spec, Manner { inline: Some(&RUBY), ..JAVASCRIPT }, problems),
        ..foreign(
            "a script as for javascript, in Ruby; or a file://x.rb, whose get_assert is called unless :function \
                   names another",
        )
    },
];

const fn foreign(value: &'static str) -> Kind {
    Kind {
        name: "",
        about: "as javascript, in a process of that language that serves all assertions; texts such as \"true\" or \
                \"0.5\" count as what they say",
        value,
        threshold: "the least number that is enough",
        score: "1 or 0, the number, or the map's `score`",
        default_threshold: None,
        negatable: true,
        passes: Example::new("", ""),
        fails: Example::new("", ""),
        compile: |_, _| None,
    }
}

/// What assertions are called with.
const JAVASCRIPT: Manner = Manner { inline: None, parameters: &["output", "context"], defaults: &["get_assert"] };
/// What makes a value is called with.
pub(in crate::assert) const VALUE: Manner = Manner { defaults: &["get_value", "get_assert"], ..JAVASCRIPT };
/// What transforms are called with.
const TRANSFORM: Manner = Manner { defaults: &["get_transform"], ..JAVASCRIPT };

struct Scripted {
    source: Source,
    tongue: Tongue,
    threshold: Option<f64>,
    /// The assertion's `config`, as JSON.
    config: Option<String>,
}

/// A script that is ready, or one that a template makes for each case.
enum Source {
    Ready(Script),
    Late { text: Text, home: Home, manner: Manner, at: Span },
}

fn compile(spec: &Spec<'_>, manner: Manner, problems: &mut Problems) -> Option<Box<dyn Check>> {
    let text = Text::of_value_not_empty(spec, false, problems)?;
    let language = manner.inline;
    let home = spec.setup.home;
    let source = match text.fixed() {
        None => {
            warn_of_late_code(spec, language, problems);
            Source::Late { text, home: home.clone(), manner, at: spec.at().clone() }
        }
        Some(fixed) => match home.read(fixed, spec.at(), manner).and_then(|script| fits(script, language)) {
            Ok(script) => {
                warn_of_nothing(&script, spec.at(), problems);
                Source::Ready(script)
            }
            Err(problem) => {
                problems.push(problem.or_at(spec.at()));
                return None;
            }
        },
    };
    let tongue = if language.is_none() { Tongue::JavaScript } else { Tongue::Other };
    let config = spec.node.get("config").map(|node| node.to_json().to_string());
    Some(Box::new(Scripted { source, tongue, threshold: spec.threshold, config }))
}

/// Several lines without a `return` are an easy slip: elsewhere the last line often counts.
fn warn_of_nothing(script: &Script, at: &Span, problems: &mut Problems) {
    if script.is_uncalled() {
        let problem = Problem::error("this script is a function, and nothing calls it").at(at);
        problems.push(problem.hint("write its body alone: `output` and `context` are there"));
    } else if script.returns_nothing() {
        let problem = Problem::warning("this script never returns anything").at(at);
        problems.push(problem.hint("several lines are the body of a function: end them with `return …`"));
    }
}

/// What a template writes into code is code, in a language that may do anything.
fn warn_of_late_code(spec: &Spec<'_>, language: Option<&Language>, problems: &mut Problems) {
    let text = spec.value.and_then(Node::as_str).unwrap_or_default();
    if language.is_none() || text.trim().starts_with("file://") {
        return;
    }
    let message = "a template writes variables into this script: a quote in one breaks it, and its text runs as code";
    problems.push(Problem::warning(message).at(spec.at()).hint("read context[\"vars\"][\"NAME\"] in the script"));
}

/// A `python` with a JavaScript file is a slip.
fn fits(script: Script, language: Option<&'static Language>) -> Result<Script, Problem> {
    let wanted = language.map_or("node", |language| language.name);
    match script.language() {
        Some(found) if found.name != wanted => {
            let kind = if wanted == "node" { "javascript" } else { wanted };
            let message = format!("`{kind}` cannot run a file of {}", found.name);
            Err(Problem::error(message)
                .hint(format!("write `type: {}`", if found.name == "node" { "javascript" } else { found.name })))
        }
        _ => Ok(script),
    }
}

impl Source {
    fn script(&self, subject: &Subject<'_>) -> Result<Script, String> {
        match self {
            Self::Ready(script) => Ok(script.clone()),
            Self::Late { text, home, manner, at } => {
                let text = text.render(subject.scope)?;
                home.read(&text, at, *manner).map_err(|problem| problem.message)
            }
        }
    }
}

impl Check for Scripted {
    fn names_scores(&self) -> bool {
        true
    }

    fn ask<'a>(&'a self, subject: &'a Subject<'a>) -> Option<Asking<'a>> {
        Some(Box::pin(async move {
            let script = self.source.script(subject)?;
            let returned = run(&script, subject, self.config.as_deref()).await?;
            grading::finding(returned, self.threshold, self.tongue)
        }))
    }
}

/// Runs a script on an answer.
pub(in crate::assert) async fn run(
    script: &Script,
    subject: &Subject<'_>,
    config: Option<&str>,
) -> Result<Returned, String> {
    let context = if script.may_read("context") { context(subject, config) } else { String::new() };
    let context = if context.is_empty() { Arg::Nothing } else { Arg::Json(&context) };
    let args = [subject.argument(), context];
    script.run(&args).await.map_err(|error| show::reason(&error.to_string()))
}

/// The transform under a key of the config.
pub fn transform(node: &Node, name: &'static str, home: &Home, problems: &mut Problems) -> Option<Transform> {
    match home.read(node.as_str()?, &node.span, TRANSFORM) {
        Ok(script) => {
            warn_of_nothing(&script, &node.span, problems);
            Some(Transform::new(script, name))
        }
        Err(problem) => {
            problems.push(problem.or_at(&node.span));
            None
        }
    }
}

/// The context of an answer, the assertion's `config` in it.
pub(in crate::assert) fn context(subject: &Subject<'_>, config: Option<&str>) -> String {
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
            Output::Text(text) => Arg::Text(text),
            Output::Json(_) => Arg::Json(self.text),
        }
    }
}
