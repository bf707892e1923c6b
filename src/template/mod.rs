//! Templates: minijinja that behaves as promptfoo's nunjucks does where suites depend on it.
//!
//! The commonest template is text with `{{name}}` in it; that one is split once and rendered without
//! an engine. Everything else goes through minijinja with the filters, methods and printing rules of
//! [`compat`]. Values of variables are data: a value may name other variables (`{{name}}`), and
//! nothing else inside a value is ever evaluated.

mod compat;
mod filters;
mod operators;
mod print;
mod rewrite;
mod scope;

pub use scope::{Scope, print};

use std::fmt;
use std::sync::{Arc, LazyLock};

use minijinja::{Environment, ErrorKind};

static ENGINE: LazyLock<Environment<'static>> = LazyLock::new(compat::environment);

/// What the engine calls every template.
const NAME: &str = "<template>";

/// A template whose syntax has been checked.
#[derive(Debug, Clone)]
pub struct Template {
    form: Form,
}

#[derive(Debug, Clone)]
enum Form {
    /// No template syntax at all.
    Plain(Arc<str>),
    /// Text and names of variables only.
    Simple(Arc<[Piece]>),
    /// Needs the engine: an engine that holds this one template, parsed.
    Full(Arc<Environment<'static>>),
}

#[derive(Debug)]
enum Piece {
    Text(String),
    Name(String),
}

/// Why a template cannot be parsed or rendered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateError {
    /// What is wrong.
    pub message: String,
    /// The line inside the template, from 1.
    pub line: Option<usize>,
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) if line > 1 => write!(f, "{} (line {line} of the template)", self.message),
            _ => f.write_str(&self.message),
        }
    }
}

impl From<minijinja::Error> for TemplateError {
    fn from(error: minijinja::Error) -> Self {
        let detail = error.detail().unwrap_or_default().to_owned();
        let message = match error.kind() {
            ErrorKind::OutOfFuel => "the template does not come to an end".to_owned(),
            ErrorKind::SyntaxError => format!("template syntax: {detail}"),
            kind if detail.is_empty() => kind.to_string(),
            kind => format!("{kind}: {detail}"),
        };
        // The place of a syntax error is a single mark: the message says more.
        let is_syntax = error.kind() == ErrorKind::SyntaxError;
        let place = error.range().zip(error.template_source()).filter(|_| !is_syntax);
        let expression = place.and_then(|(range, source)| source.get(range)).map(str::trim);
        let message = match expression.filter(|e| !e.is_empty() && e.len() < 80 && !e.contains("__")) {
            Some(expression) => format!("{message}, in `{expression}`"),
            None => message,
        };
        Self { message, line: error.line() }
    }
}

impl Template {
    /// Checks the syntax.
    ///
    /// # Errors
    /// When the text is no valid template.
    pub fn new(text: &str) -> Result<Self, TemplateError> {
        if !has_syntax(text) {
            return Ok(Self { form: Form::Plain(text.into()) });
        }
        if let Some(pieces) = simple(text) {
            return Ok(Self { form: Form::Simple(pieces.into()) });
        }
        let mut engine = ENGINE.clone();
        engine.add_template_owned(NAME, rewrite::rewrite(text).into_owned())?;
        // A filter that does not exist is found by trying; what depends on values is not judged here.
        if let Err(error) = engine.get_template(NAME)?.render(())
            && matches!(error.kind(), ErrorKind::UnknownFilter | ErrorKind::UnknownTest | ErrorKind::UnknownFunction)
        {
            return Err(error.into());
        }
        Ok(Self { form: Form::Full(Arc::new(engine)) })
    }

    /// The same for prompts: a text with an opening `{{`, `{%` or `{#` that nothing closes is no
    /// template but plain text (a prompt may talk about code).
    ///
    /// # Errors
    /// When the delimiters balance and the text is still no valid template.
    pub fn prompt(text: &str) -> Result<Self, TemplateError> {
        let balanced = [("{{", "}}"), ("{%", "%}"), ("{#", "#}")]
            .iter()
            .all(|(open, close)| text.matches(open).count() <= text.matches(close).count());
        if balanced { Self::new(text) } else { Ok(Self { form: Form::Plain(text.into()) }) }
    }

    /// A Python f-string's grammar: `{name}` is a variable, `{{` and `}}` are braces.
    ///
    /// # Errors
    /// When a brace is left open or something other than a name stands between them.
    pub fn f_string(text: &str) -> Result<Self, TemplateError> {
        let broken = |message: String| TemplateError { message, line: None };
        let mut pieces = vec![];
        let mut literal = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            literal.push_str(&rest[..at]);
            let (brace, after) = rest[at..].split_at(1);
            if let Some(doubled) = after.strip_prefix(brace) {
                literal.push_str(brace);
                rest = doubled;
                continue;
            }
            let end = after.find('}').filter(|_| brace == "{");
            let end = end
                .ok_or_else(|| broken(format!("a single `{brace}` in an f-string; write it twice to mean a brace")))?;
            let name = after[..end].trim();
            if !is_name(name) {
                return Err(broken(format!("`{{{name}}}` is not the name of a variable")));
            }
            pieces.push(Piece::Text(std::mem::take(&mut literal)));
            pieces.push(Piece::Name(name.to_owned()));
            rest = &after[end + 1..];
        }
        pieces.push(Piece::Text(literal + rest));
        Ok(Self { form: Form::Simple(pieces.into()) })
    }

    /// Whether rendering can fail.
    pub fn can_fail(&self) -> bool {
        matches!(self.form, Form::Full(_))
    }

    /// The text, when rendering changes nothing.
    pub fn fixed(&self) -> Option<&str> {
        match &self.form {
            Form::Plain(text) => Some(text),
            _ => None,
        }
    }

    /// Fills in the variables. A variable that is not there renders as nothing.
    ///
    /// # Errors
    /// When a filter or an operator does not fit its values, or the template does not end.
    pub fn render(&self, scope: &Scope) -> Result<String, TemplateError> {
        match &self.form {
            Form::Plain(text) => Ok(text.to_string()),
            Form::Simple(pieces) => {
                let mut out = String::new();
                for piece in pieces.iter() {
                    match piece {
                        Piece::Text(text) => out.push_str(text),
                        Piece::Name(name) => scope.print(name, &mut out),
                    }
                }
                Ok(out)
            }
            Form::Full(engine) => Ok(engine.get_template(NAME)?.render(scope.context())?),
        }
    }

    /// The names of the variables it reads.
    pub fn names(&self) -> Vec<String> {
        match &self.form {
            Form::Plain(_) => Vec::new(),
            Form::Simple(pieces) => pieces
                .iter()
                .filter_map(|p| match p {
                    Piece::Name(name) => Some(name.clone()),
                    Piece::Text(_) => None,
                })
                .collect(),
            Form::Full(engine) => {
                let template = engine.get_template(NAME);
                let mut names: Vec<_> =
                    template.map(|t| t.undeclared_variables(false).into_iter().collect()).unwrap_or_default();
                names.retain(|name: &String| !is_global(name));
                names.sort();
                names
            }
        }
    }
}

/// Whether a name is the engine's own (`range`, `dict`, …).
fn is_global(name: &str) -> bool {
    ENGINE.globals().any(|(global, _)| global == name)
}

/// Whether a text has anything for a template engine.
pub fn has_syntax(text: &str) -> bool {
    text.contains("{{") || text.contains("{%") || text.contains("{#")
}

/// Splits a text whose only syntax is `{{ name }}`.
fn simple(text: &str) -> Option<Vec<Piece>> {
    if text.contains("{%") || text.contains("{#") {
        return None;
    }
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(open) = rest.find("{{") {
        let close = open + rest[open..].find("}}")?;
        let name = rest[open + 2..close].trim();
        if !is_name(name) || rest[close + 2..].starts_with('}') {
            return None;
        }
        pieces.push(Piece::Text(rest[..open].to_owned()));
        pieces.push(Piece::Name(name.to_owned()));
        rest = &rest[close + 2..];
    }
    pieces.push(Piece::Text(rest.to_owned()));
    Some(pieces)
}

/// Whether a word is a variable's name and no literal or operator.
fn is_name(word: &str) -> bool {
    const WORDS: [&str; 11] = ["true", "false", "none", "True", "False", "None", "not", "and", "or", "in", "is"];
    word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !WORDS.contains(&word)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn scope() -> Scope {
        let Value::Object(vars) = json!({
            "s": "banana split & co", "n": 2.55, "lst": [3, 1, 2], "o": {"k": 1, "h": "<b>"},
            "name": "Ann", "whole": 2.0, "nothing": null, "yes": true, "js": "{\"x\": [1, 2]}",
        }) else {
            unreachable!()
        };
        Scope::new(&vars)
    }

    fn rendered(text: &str) -> String {
        match Template::new(text).and_then(|t| t.render(&scope())) {
            Ok(text) => text,
            Err(error) => format!("ERR {error}"),
        }
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "a table")]
    fn renders_as_nunjucks_does() {
        for (text, expected) in [
            ("{{ x | default('dd') }}", "dd"),
            ("{{ n | round(1) }}", "2.6"),
            ("{{ o | dump }}", r#"{"k":1,"h":"<b>"}"#),
            ("{{ s | title }}", "Banana Split & Co"),
            ("{{ s | replace('a','b') }}", "bbnbnb split & co"),
            ("{{ lst | length }}", "3"),
            ("{{ s.length }}", "17"),
            ("{{ s.toUpperCase() }}", "BANANA SPLIT & CO"),
            ("{{ 'a' if n > 1 else 'b' }}", "a"),
            ("{{ n === 2.55 }}", "true"),
            ("{{ o.k ~ s }}", "1banana split & co"),
            ("{{ 7 // 2 }}", "3"),
            ("{{ missing.foo }}", ""),
            ("{{ missing.foo.bar }}|{{ missing }}", "|"),
            ("{{ lst | sort | join('-') }}", "1-2-3"),
            ("{{ s | truncate(3) }}", "ban..."),
            ("{{ true }}{{ none }}{{ null }}{{ nothing }}", "true"),
            ("{{ s | urlencode }}", "banana%20split%20%26%20co"),
            ("{{ 1 in lst }}", "true"),
            ("{{ lst }}", "3,1,2"),
            ("{{ '<b>' | escape }}", "&lt;b&gt;"),
            ("{{ 0.1 + 0.2 }}", "0.30000000000000004"),
            ("A{%- if name == 'Ann' -%}B{%- endif -%} ", "AB"),
            ("A {{- whole + 1 -}} ", "A3"),
            ("{% if name ~ 'a' == 'zz' %}wrong{% endif %}{{ name ~ 'a' == 'Anna' }}", "true"),
            ("{{ name ~ yes ~ lst ~ 4/2 ~ nothing }}", "Anntrue3,1,22"),
            (
                "{% for i in lst %}{{ loop.index }}/{{ loop.length }}{% if loop.index == loop.length %}.{% endif %}{% endfor %}",
                "1/32/33/3.",
            ),
            ("{% if nothing == null and missing == none and not (name == null) %}y{% endif %}", "y"),
            ("{{ '5' * 2 }} {{ 2 * 3 - 1 }} {{ 2 * whole * 3 }}", "10 5 12"),
            ("{{ 1 + '1' }}", "11"),
            ("{% set q = 1 %}{{ q + '1' }}", "11"),
            ("{{ name + whole + 1 }}", "Ann21"),
            ("{{ 1 + 2 + name }}", "3Ann"),
            ("{{ '5' + 3 if n == '2.55' else 'no' }}", "53"),
            ("{{ whole === '2' }}{{ whole == '2' }}{{ whole != '2' }}", "falsetruefalse"),
            ("{% if lst[0 + 1] == 1 and not (s == 'x') %}y{% endif %}", "y"),
            ("{{ [1] + [2] }}{{ lst | join('+' + '-') }}", "1,23+-1+-2"),
            ("{{ 10 / 4 }}", "2.5"),
            ("{{ 10 / 5 }}{{ whole }}", "22"),
            ("{{ lst | batch(2) | dump }}", "[[3,1],[2]]"),
            ("{{ range(3) | join(',') }}", "0,1,2"),
            ("{% for k, v in o %}{{k}}={{v}};{% endfor %}", "k=1;h=<b>;"),
            ("{{ s if s }}", "banana split & co"),
            ("{{ n | int }}", "2"),
            ("{{ '3' | int + 1 }}", "4"),
            ("{{ not s }}", "false"),
            ("{% raw %}{{x}}{% endraw %}", "{{x}}"),
            ("{# c #}z", "z"),
            ("a\n{%- if true %} b {%- endif %}", "a b"),
            ("{{ [1,2,3] | sum }}", "6"),
            ("{{ s | wordcount }}", "4"),
            ("{{ {'a':1} | dump(2) }}", "{\n  \"a\": 1\n}"),
            ("{{ s.includes('nan') }}", "true"),
            ("{{ lst.join('-') }}", "3-1-2"),
            ("{{ (js | load).x[1] }}", "2"),
            ("{{ '{{name}}' }}", "{{name}}"),
            ("line\n", "line\n"),
            ("{{ name }}\n", "Ann\n"),
            ("{{ 'a===b.length' }}", "a===b.length"),
        ] {
            assert_eq!(rendered(text), expected, "{text}");
        }
    }

    #[test]
    fn a_loop_without_end_is_an_error() {
        let text = "{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}";
        assert!(rendered(text).contains("does not come to an end"));
    }

    #[test]
    fn errors_say_what_and_where() {
        assert!(rendered("{{ s | nosuch }}").contains("nosuch"));
        assert!(rendered("a\n{{ s | }}").contains("line 2"));
    }

    #[test]
    fn values_are_data() {
        let Value::Object(vars) = json!({
            "a": "{{b}}!", "b": "{{ c }}", "c": "deep", "env_reader": "{{ env.HOME }}",
            "looper": "{% for x in range(3) %}x{% endfor %}", "filter": "{{ c | upper }}",
            "bomb0": "{{bomb1}}".repeat(200), "bomb1": "{{bomb2}}".repeat(200), "bomb2": "{{bomb3}}".repeat(200),
            "bomb3": "{{bomb4}}".repeat(200), "bomb4": "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        }) else {
            unreachable!()
        };
        let scope = Scope::new(&vars);
        let shown = |text: &str| Template::new(text).unwrap().render(&scope).unwrap();
        assert_eq!(shown("{{a}}"), "deep!");
        assert_eq!(shown("{{env_reader}} {{filter}}"), "{{ env.HOME }} {{ c | upper }}");
        assert_eq!(shown("{{looper}}"), "{% for x in range(3) %}x{% endfor %}");
        assert!(shown("{{bomb0}}").len() < 20_000_000);
    }

    #[test]
    fn an_unbalanced_prompt_is_plain_text() {
        let prompt = Template::prompt("if (x) {{ return").unwrap();
        assert_eq!(prompt.fixed(), Some("if (x) {{ return"));
        assert!(Template::prompt("{{ a b }}").is_err());
    }

    #[test]
    fn reads_f_strings() {
        let shown = |text: &str| Template::f_string(text).and_then(|t| t.render(&scope()));
        assert_eq!(shown("{name}: {{\"a\": {whole}}}").unwrap(), "Ann: {\"a\": 2}");
        for bad in ["{name", "a } b", "{name!r}", "{a.b}", "{}"] {
            assert!(shown(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn knows_its_names() {
        assert_eq!(Template::new("{{a}} {{ b }}").unwrap().names(), ["a", "b"]);
        assert_eq!(Template::new("{% if a %}{{ b.c | upper }}{% endif %}").unwrap().names(), ["a", "b"]);
    }
}
