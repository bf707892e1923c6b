//! A draft as it is frozen: its text as it stands, with the version and a `release` of its own.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::version;
use crate::content::content_hash;
use crate::diag::{Problem, Source};
use crate::yaml::{self, Node};

/// What a frozen version says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Release {
    /// Hash of what reaches the model.
    pub content_sha256: String,
    /// The version it was made from.
    pub parent: Option<String>,
    /// Who released it.
    pub author: String,
    /// When, UTC.
    pub date: String,
    /// What changed, and why.
    pub description: String,
}

const MARK: &str = "# Frozen by `prompteval prompt release`. Not to be edited: release another version for a change.\n";

impl Release {
    /// What a frozen file says; nothing in files that were not released by this tool.
    pub(super) fn of(node: &Node) -> Option<Self> {
        let release = node.get("release")?;
        let text = |key: &str| release.get(key).and_then(Node::as_str).map(str::to_owned);
        Some(Self {
            content_sha256: text("content_sha256")?,
            parent: text("parent"),
            author: text("author").unwrap_or_default(),
            date: text("date").unwrap_or_default(),
            description: text("description").unwrap_or_default(),
        })
    }

    fn fields(&self) -> Map<String, Value> {
        let mut fields = Map::from_iter([("content_sha256".to_owned(), json!(self.content_sha256))]);
        fields.extend(self.parent.as_ref().map(|parent| ("parent".to_owned(), json!(parent))));
        for (key, value) in [("author", &self.author), ("date", &self.date), ("description", &self.description)] {
            fields.insert(key.to_owned(), json!(value));
        }
        fields
    }
}

/// The text of a frozen version. Comments and layout of the draft stay; where they leave no room for what
/// is added, the same is written as JSON, which is YAML too.
///
/// # Errors
/// When the draft is no prompt file.
pub fn freeze(draft: &Arc<Source>, version: &str, release: &Release) -> Result<String, Problem> {
    let node = yaml::parse(draft)?;
    let text = in_place(draft.text(), &node, version, release);
    let is = |text: &str| says(text, version, release);
    if is(&text) {
        return Ok(text);
    }
    let mut fields = match node.to_json() {
        Value::Object(fields) => fields,
        _ => Map::new(),
    };
    fields.insert("version".into(), version.into());
    fields.insert("release".into(), Value::Object(release.fields()));
    let text = serde_json::to_string_pretty(&fields).unwrap_or_default() + "\n";
    if is(&text) {
        return Ok(text);
    }
    Err(Problem::error("this draft does not keep its content when it is frozen").at(&node.span))
}

/// The hash of what reaches the model of a prompt file's text.
///
/// # Errors
/// When it is no prompt file.
pub fn content_of(draft: &Arc<Source>) -> Result<String, Problem> {
    version::reaching(&yaml::parse(draft)?).map(|content| content_hash(&content))
}

fn in_place(text: &str, node: &Node, version: &str, release: &Release) -> String {
    let at = node.get("version").map_or(0..0, scalar);
    let mut out = format!("{}\"{version}\"{}", &text[..at.start], &text[at.end..]);
    if !out.ends_with('\n') {
        out.push('\n');
    }
    out += "\n";
    out += MARK;
    out += "release:\n";
    for (key, value) in release.fields() {
        // A JSON text is a YAML text in double quotes.
        out += &format!("  {key}: {value}\n");
    }
    out
}

/// Where a version stands with its quotes: a span goes on over the comment behind it.
fn scalar(node: &Node) -> std::ops::Range<usize> {
    let (range, text) = (node.span.range(), node.span.text());
    let quotes = usize::from(text.starts_with(['"', '\'']));
    let value = node.as_str().unwrap_or_default();
    if text[quotes..].starts_with(value) { range.start..range.start + value.len() + 2 * quotes } else { range }
}

/// Whether a text reads as this version with this content.
fn says(text: &str, version: &str, release: &Release) -> bool {
    let Ok(node) = yaml::parse(&Source::new("<frozen>", text)) else { return false };
    let content = version::reaching(&node).map(|content| content_hash(&content));
    node.get("version").and_then(Node::as_str) == Some(version)
        && Release::of(&node).as_ref() == Some(release)
        && content.is_ok_and(|hash| hash == release.content_sha256)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frozen(draft: &str) -> Result<String, Problem> {
        let source = Source::new("p.yaml", draft);
        let content = version::reaching(&yaml::parse(&source)?)?;
        let release = Release {
            content_sha256: content_hash(&content),
            parent: Some("1.0.0".into()),
            author: "Ada \"the first\" <ada@example.com>".into(),
            date: "2026-11-22T10:00:00.000Z".into(),
            description: "two\nlines: and a #".into(),
        };
        freeze(&source, "2.0.0", &release)
    }

    #[test]
    fn comments_and_layout_stay() {
        let text = frozen("# why\nversion: '1.9.0' # next\nsystem_prompt: |-\n  a {{b}}\n\n  c").unwrap();
        insta::assert_snapshot!(text, @r#"
            # why
            version: "2.0.0" # next
            system_prompt: |-
              a {{b}}

              c

            # Frozen by `prompteval prompt release`. Not to be edited: release another version for a change.
            release:
              content_sha256: "c3fae95bbc148ba3c67d4fe87c4de2224d4cddac7ea867272915979a6d3a7ce2"
              parent: "1.0.0"
              author: "Ada \"the first\" <ada@example.com>"
              date: "2026-11-22T10:00:00.000Z"
              description: "two\nlines: and a #"
            "#);
    }

    #[test]
    fn whatever_the_form_of_a_draft_its_content_stays() {
        for draft in [
            "{version: '1.0.0', system_prompt: a, parameters: {seed: 3}}",
            "version: \"1.0.0\"\nsystem_prompt: a\n...\n",
            "---\r\nversion: \"1.0.0\"\r\nsystem_prompt: |\r\n  a\r\n  b\r\n",
            "version: \"1.0.0\"\nbase: &b hello 🌱\nsystem_prompt: *b\n",
            "version: \"1.0.0\"\nsystem_prompt: \"nul \\0 and \\u2028 end\"\n",
            "version: \"1.0.0\"\nsystem_prompt: |+\n  keep\n\n\n",
            "version: >-\n  1.0.0\nsystem_prompt: a",
            "system_prompt: a\nversion: 1.0.0",
        ] {
            let text = frozen(draft).unwrap_or_else(|e| panic!("{draft}: {}", e.message));
            assert!(text.contains("2.0.0"), "{draft}");
        }
        assert!(frozen("version: '1.0.0'\n\tsystem_prompt: a\n").is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_frozen_as_it_is(text in any::<String>(), flow in any::<bool>()) {
            let (open, close) = if flow { ("{", "}") } else { ("", "") };
            let comma = if flow { "," } else { "\n" };
            let draft = format!("{open}\"version\": \"1.0.0\"{comma}\"system_prompt\": {}{close}", json!(text));
            // YAML refuses some characters that JSON allows.
            if yaml::parse(&Source::new("p", draft.as_str())).is_ok() {
                prop_assert!(frozen(&draft).is_ok());
            }
        }
    }
}
