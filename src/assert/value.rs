//! Values: texts that may be templates, and `file://` references.

use std::borrow::Cow;
use std::sync::Arc;

use super::{Setup, Spec};
use crate::content::js_number;
use crate::diag::{Problem, Problems, Source, Span, is_script};
use crate::template::{Scope, Template};
use crate::yaml::{self, Kind as Form, Node};

/// A text of the config: fixed, or a template over the case's variables.
#[derive(Debug)]
pub enum Text {
    /// Known now.
    Fixed(String),
    /// Known when an answer is judged.
    Template(Template),
}

impl Text {
    /// A text, or a problem with its template.
    pub fn read(text: &str, node: &Node, spec: &Spec<'_>, problems: &mut Problems) -> Option<Self> {
        if spec.literal(node) {
            return Some(Self::Fixed(text.to_owned()));
        }
        Self::template(text, node, problems)
    }

    /// A text that may always be a template.
    pub fn template(text: &str, node: &Node, problems: &mut Problems) -> Option<Self> {
        match Template::new(text) {
            Ok(template) => Some(match template.fixed() {
                Some(fixed) => Self::Fixed(fixed.to_owned()),
                None => Self::Template(template),
            }),
            Err(error) => {
                let message = format!("this is no valid template: {error}");
                let hint = "braces that are meant literally go between {% raw %} and {% endraw %}";
                problems.push(Problem::error(message).at(&node.span).hint(hint));
                None
            }
        }
    }

    /// A string or, where the kind takes them, a number; anything else is a problem.
    pub fn of_value(spec: &Spec<'_>, numbers: bool, problems: &mut Problems) -> Option<Self> {
        let Some(node) = spec.value else {
            problems.push(spec.wrong_value());
            return None;
        };
        match &node.kind {
            Form::Str(text) => Self::read(text, node, spec, problems),
            Form::Num(number) if numbers => Some(Self::Fixed(js_number(number))),
            _ => {
                problems.push(spec.wrong_value());
                None
            }
        }
    }

    /// The same, refusing an empty text.
    pub fn of_value_not_empty(spec: &Spec<'_>, numbers: bool, problems: &mut Problems) -> Option<Self> {
        let text = Self::of_value(spec, numbers, problems)?;
        if text.fixed() == Some("") {
            problems.push(spec.wrong_value());
            return None;
        }
        Some(text)
    }

    /// The text, when no variable is needed.
    pub fn fixed(&self) -> Option<&str> {
        match self {
            Self::Fixed(text) => Some(text),
            Self::Template(_) => None,
        }
    }

    /// The text with the variables filled in, where an empty one says nothing.
    ///
    /// # Errors
    /// When the template cannot be rendered, or renders to nothing.
    pub fn render_some(&self, scope: &Scope) -> Result<Cow<'_, str>, String> {
        let text = self.render(scope)?;
        if text.trim().is_empty() { Err("the value is empty for this case".into()) } else { Ok(text) }
    }

    /// The text with the variables filled in.
    ///
    /// # Errors
    /// When the template cannot be rendered.
    pub fn render(&self, scope: &Scope) -> Result<Cow<'_, str>, String> {
        match self {
            Self::Fixed(text) => Ok(Cow::Borrowed(text)),
            Self::Template(template) => {
                template.render(scope).map(Cow::Owned).map_err(|e| format!("the value cannot be rendered: {e}"))
            }
        }
    }
}

/// A value with its `file://` references followed, and the files they led to.
#[derive(Debug, Default)]
pub struct Resolved {
    /// The value, where it differs from what stands in the config.
    pub value: Option<Node>,
    /// The files.
    pub files: Vec<Arc<Source>>,
}

/// Follows `file://` in a value, or in the items of a list. `None`: there was a problem.
pub fn resolve(value: &Node, setup: &Setup<'_>, problems: &mut Problems) -> Option<Resolved> {
    let mut resolved = Resolved::default();
    if is_scripted(value) {
        return Some(resolved);
    }
    if let Some(path) = reference(value) {
        resolved.value = Some(load(path, value, setup, &mut resolved.files, problems)?);
    } else if value.items().iter().any(|item| reference(item).is_some()) {
        let mut list = Vec::with_capacity(value.items().len());
        for item in value.items() {
            list.push(match reference(item) {
                Some(path) => load(path, item, setup, &mut resolved.files, problems)?,
                None => item.clone(),
            });
        }
        resolved.value = Some(Node { span: value.span.clone(), kind: Form::Seq(list) });
    }
    Some(resolved)
}

/// Whether a value is a script, whose result is the value.
pub fn is_scripted(value: &Node) -> bool {
    reference(value).is_some_and(is_script)
}

fn reference(node: &Node) -> Option<&str> {
    node.as_str()?.strip_prefix("file://")
}

fn load(
    path: &str,
    at: &Node,
    setup: &Setup<'_>,
    files: &mut Vec<Arc<Source>>,
    problems: &mut Problems,
) -> Option<Node> {
    match read(path, &at.span, setup, files) {
        Ok(node) => Some(node),
        Err(problem) => {
            problems.push(problem.or_at(&at.span));
            None
        }
    }
}

fn read(path: &str, at: &Span, setup: &Setup<'_>, files: &mut Vec<Arc<Source>>) -> Result<Node, Problem> {
    if is_script(path) {
        return Err(Problem::error(format!("a script (`{path}`) can be the whole value, not an item of it")));
    }
    let file = setup.base.file(path);
    let tree = file.ends(&["json", "yaml", "yml"]);
    if !tree && !file.ends(&["txt"]) {
        return Err(Problem::error(format!("`{path}` is no file that a value can be read from"))
            .hint("values come from .json, .yaml, .yml and .txt files"));
    }
    if !file.path.is_file() {
        return Err(setup.base.missing("file", path, at));
    }
    let source = file.read(at)?;
    files.push(Arc::clone(&source));
    if tree {
        return yaml::parse(&source);
    }
    Ok(Node { span: source.span(), kind: Form::Str(source.text().trim().to_owned()) })
}
