//! A prompt file of the registry with all that it says beside the prompt.

use std::sync::Arc;

use serde_json::Value;

use super::freeze::Release;
use super::given::{Given, Sources};
use super::prompt::Prompt;
use super::registry::{self, Reference};
use super::version;
use crate::diag::{Problem, Source, Span};
use crate::yaml::Node;

/// A versioned prompt file, read for people.
#[derive(Debug, Clone)]
pub struct Card {
    /// The prompt, compiled.
    pub prompt: Prompt,
    /// The file's path as the user can open it.
    pub file: String,
    /// Whether it is the working draft.
    pub is_draft: bool,
    /// What it is for, or what changed.
    pub description: Option<String>,
    /// Who wrote it.
    pub author: Option<String>,
    /// A date.
    pub created: Option<String>,
    /// A date.
    pub last_modified: Option<String>,
    /// Role and template of each message.
    pub messages: Vec<(String, String)>,
    /// Whether the case's `input` follows as the user's message.
    pub input: bool,
    /// Figures that were declared for the prompt.
    pub performance: Vec<Figure>,
    /// Variants that were tried.
    pub variations: Vec<Variation>,
    /// What `prompt release` wrote into it.
    pub release: Option<Release>,
    /// What reaches the model: the value that the prompt's hash is of.
    pub content: Value,
    /// The file's text.
    pub source: Arc<Source>,
}

/// A variant that was tried.
#[derive(Debug, Clone)]
pub struct Variation {
    /// Its name.
    pub id: String,
    /// What is different.
    pub description: Option<String>,
    /// Figures that were declared for it.
    pub performance: Vec<Figure>,
}

/// A figure that somebody declared; nobody says how it was measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figure {
    /// Its name.
    pub name: String,
    /// Its value as it was written.
    pub declared: String,
}

/// Reads a prompt file of the registry. `at` is where the reference stands.
///
/// # Errors
/// When there is no such version, or the file is no prompt file.
pub fn card(reference: &Reference, at: &Span, sources: &Sources) -> Result<Card, Problem> {
    let found = registry::find(reference, at, sources)?;
    let prompt = found.prompt(&Given::default(), at)?;
    let node = &found.node;
    let (messages, input) = version::texts(node)?;
    let said = |key: &str| node.get(key).map(written);
    Ok(Card {
        prompt,
        is_draft: reference.is_draft(),
        description: said("description"),
        author: said("author"),
        created: said("created"),
        last_modified: said("last_modified"),
        messages,
        input,
        performance: figures(node),
        variations: node.get("variations").map(|list| list.items().iter().map(variation).collect()).unwrap_or_default(),
        release: Release::of(node),
        content: version::reaching(node)?,
        source: Arc::clone(node.span.source()),
        file: found.shown,
    })
}

fn variation(node: &Node) -> Variation {
    Variation {
        id: node.get("id").map(written).unwrap_or_default(),
        description: node.get("description").map(written),
        performance: figures(node),
    }
}

fn figures(node: &Node) -> Vec<Figure> {
    let entries = node.get("performance").map_or(&[][..], Node::entries);
    entries.iter().map(|entry| Figure { name: entry.key.clone(), declared: written(&entry.value) }).collect()
}

/// A scalar as it stands in the file: 4.50 stays 4.50.
fn written(node: &Node) -> String {
    node.as_str().map_or_else(|| node.span.text().trim().to_owned(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::Folder;

    fn read(text: &str, word: &str) -> Result<Card, Problem> {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("p")).unwrap();
        std::fs::write(dir.path().join("p.yaml"), text).unwrap();
        std::fs::write(dir.path().join("p/1.0.0.yaml"), text).unwrap();
        let sources = Sources { base: Folder::new(dir.path(), ""), registry: dir.path().to_owned() };
        card(&Reference::parse(word).unwrap(), &Source::new("arguments", word).span(), &sources)
    }

    #[test]
    fn figures_stay_as_they_were_written() {
        let text = "version: '1.0.0'\nsystem_prompt: 'a {{b}}'\ncreated: 2026-03-02\n\
            performance: {csat: 4.50, rate: 85%, quoted: '7 of 8'}\n\
            variations: [{id: 3, performance: {csat: 1e1}}]\n";
        let card = read(text, "p@draft").unwrap();
        let said: Vec<_> = card.performance.iter().map(|f| format!("{} {}", f.name, f.declared)).collect();
        assert_eq!(said, ["csat 4.50", "rate 85%", "quoted 7 of 8"]);
        let variation = &card.variations[0];
        assert_eq!((variation.id.as_str(), variation.performance[0].declared.as_str()), ("3", "1e1"));
        assert_eq!((card.created.as_deref(), card.file.as_str()), (Some("2026-03-02"), "p.yaml"));
        assert_eq!(card.messages, [("system".to_owned(), "a {{b}}".to_owned())]);
        assert!(card.input && card.is_draft && !read(text, "p@1.0.0").unwrap().is_draft);
    }

    #[test]
    fn a_version_that_is_none_is_said_with_those_that_are() {
        let problem = read("version: '1.0.0'\nsystem_prompt: a\n", "p@2.0.0").unwrap_err();
        assert_eq!(problem.hint.as_deref(), Some("released versions, oldest first: 1.0.0"));
    }
}
