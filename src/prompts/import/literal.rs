//! Texts that are no templates, or templates of another language, as templates of ours.

use serde_json::Map;

use super::is_name;
use crate::prompts::sketch::Format;
use crate::template::{Scope, has_syntax};

/// The language in which texts without variables are written with the least ado.
pub fn format_of(texts: &[&str]) -> Format {
    if texts.iter().any(|text| has_syntax(text)) { Format::FString } else { Format::Jinja }
}

/// A template that renders as the text itself.
pub fn literal(text: &str, format: Format) -> Result<String, String> {
    let forms = match format {
        Format::Jinja => vec![text.to_owned(), format!("{{% raw %}}{text}{{% endraw %}}")],
        Format::FString => vec![text.replace('{', "{{").replace('}', "}}")],
    };
    let nothing = Scope::new(&Map::new());
    let renders = |form: &String| {
        let template = format.compile(form).ok()?;
        Some(template.names().is_empty() && template.render(&nothing).is_ok_and(|rendered| rendered == text))
    };
    let found = forms.into_iter().find(|form| renders(form).unwrap_or_default());
    found.ok_or_else(|| "a message without variables holds what a template would read as its own syntax".to_owned())
}

/// Mustache that has variables and nothing else, as jinja.
pub fn mustache(text: &str) -> Result<String, String> {
    let refused = |what: &str| Err(format!("mustache is taken with plain variables only, and this has `{what}`"));
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        let (inner, close) = match after.strip_prefix('{') {
            Some(inner) => (inner, "}}}"),
            None => (after, "}}"),
        };
        let Some((name, after)) = inner.split_once(close) else { return refused("{{") };
        if !is_name(name.trim()) {
            return refused(&format!("{{{{{name}}}}}"));
        }
        let form = format!("{{{{{}}}}}", name.trim());
        let reads =
            Format::Jinja.compile(&form).is_ok_and(|template| template.names().iter().any(|n| n == name.trim()));
        if !reads || after.starts_with('}') {
            return refused(&format!("{{{{{name}}}}}"));
        }
        out += before;
        out += &form;
        rest = after;
    }
    let jinja = out + rest;
    match ["{%", "{#"].into_iter().find(|syntax| jinja.contains(syntax)) {
        Some(syntax) => refused(syntax),
        None => Ok(jinja),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn mustache_with_plain_variables_is_jinja() {
        for (text, expected) in [
            ("Hi {{ name }}, {{{text}}}!", Ok("Hi {{name}}, {{text}}!")),
            ("{a} }} b", Ok("{a} }} b")),
            ("{{#list}}x{{/list}}", Err("{{#list}}")),
            ("{{a.b}}", Err("{{a.b}}")),
            ("{{a", Err("`{{`")),
            ("{{true}}", Err("{{true}}")),
            ("{{a}}} b", Err("{{a}}")),
            ("{% if %}", Err("{%")),
        ] {
            match (mustache(text), expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found, expected),
                (Err(why), Err(expected)) => assert!(why.contains(expected), "{text}: {why}"),
                (found, _) => panic!("{text}: {found:?}"),
            }
        }
    }

    proptest! {
        #[test]
        fn a_literal_renders_as_itself(text in "[ab{}%# \n]{0,12}", f_string in any::<bool>()) {
            let format = if f_string { Format::FString } else { Format::Jinja };
            let vars = json!({"a": 1, "b": 2, "ab": 3});
            let scope = Scope::new(vars.as_object().unwrap_or(&Map::<String, Value>::new()));
            if let Ok(template) = literal(&text, format) {
                let rendered = format.compile(&template).and_then(|t| t.render(&scope)).map_err(|e| TestCaseError::fail(e.to_string()))?;
                prop_assert_eq!(rendered, text);
            } else {
                prop_assert!(!f_string);
            }
        }
    }
}
