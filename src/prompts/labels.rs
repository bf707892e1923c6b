//! Labels: which version of a prompt a word such as `production` means.
//!
//! `labels.yaml` has `NAME: {LABEL: "VERSION"}` for every prompt, and beside its labels the versions that
//! must not be used any more: `withdrawn: ["VERSION"]`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;

use semver::Version;

use crate::diag::{Problem, Source};
use crate::yaml::{self, Kind, Node, plain_scalar};

/// The file of all labels, in the registry's folder.
pub const LABELS_FILE: &str = "labels.yaml";

/// Beside the labels of a prompt: its versions that must not be used.
const WITHDRAWN: &str = "withdrawn";

const HEADER: &str =
    "# Moved by `prompteval promote` and `rollback`, each time with a line in audit.jsonl. Not to be edited.\n";

/// All labels of a registry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Labels {
    prompts: BTreeMap<String, Labelled>,
}

/// The labels of one prompt.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Labelled {
    /// The version that each points to.
    pub labels: BTreeMap<String, String>,
    /// Versions that must not be used any more.
    pub withdrawn: BTreeSet<String>,
}

/// Whether a word can be a label.
///
/// # Errors
/// Why not.
pub fn label_name(word: &str) -> Result<(), String> {
    let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c);
    let starts = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    if !word.starts_with(starts) || !word.chars().all(legal) || word.len() > 100 {
        return Err(format!(
            "`{word}` is no label: lower-case letters, digits, `.`, `_` and `-` make one, such as `production`"
        ));
    }
    if matches!(word, "latest" | "draft" | WITHDRAWN) {
        return Err(format!("`{word}` is reserved: it is never moved by hand"));
    }
    let digits = word.strip_prefix('v').unwrap_or(word);
    if Version::parse(digits).is_ok() || digits.chars().all(|c| c.is_ascii_digit() || c == '.') {
        return Err(format!("`{word}` looks like a version, and versions never move"));
    }
    Ok(())
}

impl Labels {
    /// The labels of a registry; none where there is no file.
    ///
    /// # Errors
    /// When the file is there and cannot be read, or says something else.
    pub fn read(registry: &Path) -> Result<Self, Problem> {
        let path = registry.join(LABELS_FILE);
        if !path.exists() {
            return Ok(Self::default());
        }
        Self::parse(&Source::read(&path, &path.to_string_lossy()).map_err(Problem::error)?)
    }

    /// Reads the file's text.
    ///
    /// # Errors
    /// When it is no YAML, or says something else than labels.
    pub fn parse(source: &Arc<Source>) -> Result<Self, Problem> {
        if let Some(labels) = written(source.text()) {
            return Ok(labels);
        }
        if let Some(at) = source.text().lines().position(|line| line.starts_with("<<<<<<<")) {
            let message = format!("line {} of `{}` has conflict marks of git", at + 1, source.name());
            return Err(Problem::error(message)
                .hint("`prompteval audit rebase` joins the logs of both branches, and writes the labels anew"));
        }
        let tree = yaml::parse(source)?;
        if !tree.is_map() && !tree.is_null() {
            return Err(Problem::error("the labels must be a map from prompts to their labels").at(&tree.span));
        }
        let mut all = Self::default();
        for prompt in tree.entries() {
            let labelled = all.prompts.entry(prompt.key.clone()).or_default();
            for entry in prompt.value.entries() {
                labelled.read(&entry.key, &entry.value)?;
            }
        }
        all.prompts.retain(|_, labelled| !labelled.is_empty());
        Ok(all)
    }

    /// The file's text: prompts and labels sorted, so that two branches that move different prompts do not
    /// come into each other's way.
    pub fn text(&self) -> String {
        let mut out = HEADER.to_owned();
        for (name, labelled) in &self.prompts {
            let _ = writeln!(out, "{}:", plain_scalar(name));
            for (label, version) in &labelled.labels {
                let _ = writeln!(out, "  {}: \"{version}\"", plain_scalar(label));
            }
            if !labelled.withdrawn.is_empty() {
                let list: Vec<String> = labelled.withdrawn.iter().map(|version| format!("\"{version}\"")).collect();
                let _ = writeln!(out, "  {WITHDRAWN}: [{}]", list.join(", "));
            }
        }
        out
    }

    /// What a label of a prompt points to.
    pub fn get(&self, prompt: &str, label: &str) -> Option<&str> {
        self.prompts.get(prompt)?.labels.get(label).map(String::as_str)
    }

    /// Whether a version was withdrawn.
    pub fn is_withdrawn(&self, prompt: &str, version: &str) -> bool {
        self.prompts.get(prompt).is_some_and(|labelled| labelled.withdrawn.contains(version))
    }

    /// All prompts that have labels or withdrawn versions.
    pub fn prompts(&self) -> &BTreeMap<String, Labelled> {
        &self.prompts
    }

    /// The prompts that have a label, with what it points to.
    pub fn under<'a>(&'a self, label: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        let one = move |(name, labelled): (&'a String, &'a Labelled)| {
            labelled.labels.get(label).map(|version| (name.as_str(), version.as_str()))
        };
        self.prompts.iter().filter_map(one)
    }

    /// Moves a label; without a version, it is taken away.
    pub fn set(&mut self, prompt: &str, label: &str, version: Option<&str>) {
        self.change(prompt, |labelled| {
            match version {
                Some(version) => labelled.labels.insert(label.to_owned(), version.to_owned()),
                None => labelled.labels.remove(label),
            };
        });
    }

    /// Withdraws a version, or lets it be used again.
    pub fn withdraw(&mut self, prompt: &str, version: &str, withdrawn: bool) {
        self.change(prompt, |labelled| {
            if withdrawn {
                labelled.withdrawn.insert(version.to_owned());
            } else {
                labelled.withdrawn.remove(version);
            }
        });
    }

    fn change(&mut self, prompt: &str, how: impl FnOnce(&mut Labelled)) {
        let labelled = self.prompts.entry(prompt.to_owned()).or_default();
        how(labelled);
        if labelled.is_empty() {
            self.prompts.remove(prompt);
        }
    }
}

impl Labelled {
    fn is_empty(&self) -> bool {
        self.labels.is_empty() && self.withdrawn.is_empty()
    }

    fn read(&mut self, key: &str, value: &Node) -> Result<(), Problem> {
        let version = |node: &Node| {
            let text = node.as_str().filter(|text| Version::parse(text).is_ok());
            let problem = || Problem::error(format!("`{}` is no version", node.span.text())).at(&node.span);
            text.map(str::to_owned).ok_or_else(|| problem().hint("write it in quotes, such as \"2.1.0\""))
        };
        match &value.kind {
            Kind::Seq(items) if key == WITHDRAWN => {
                self.withdrawn = items.iter().map(version).collect::<Result<_, _>>()?;
            }
            _ => {
                label_name(key).map_err(|why| Problem::error(why).at(&value.span))?;
                self.labels.insert(key.to_owned(), version(value)?);
            }
        }
        Ok(())
    }
}

/// Reads a text that has exactly the form it is written in, as nearly all have, without a tree.
fn written(text: &str) -> Option<Labels> {
    let mut labels = Labels::default();
    let mut prompt: Option<&mut Labelled> = None;
    let quoted = |text: &str| {
        let version = text.strip_prefix('"')?.strip_suffix('"')?;
        Version::parse(version).is_ok().then(|| version.to_owned())
    };
    for line in text.strip_prefix(HEADER)?.lines() {
        let Some(inner) = line.strip_prefix("  ") else {
            prompt = Some(labels.prompts.entry(line.strip_suffix(':')?.trim_matches('"').to_owned()).or_default());
            continue;
        };
        let (key, value) = inner.split_once(": ")?;
        let labelled = prompt.as_mut()?;
        if key == WITHDRAWN {
            let list = value.strip_prefix('[')?.strip_suffix(']')?;
            labelled.withdrawn = list.split(", ").map(quoted).collect::<Option<_>>()?;
        } else {
            let key = key.trim_matches('"');
            label_name(key).ok()?;
            labelled.labels.insert(key.to_owned(), quoted(value)?);
        }
    }
    // Whatever was not understood as it was meant comes out as another text.
    (labels.text() == text).then_some(labels)
}

/// The version that a label of a prompt points to.
///
/// # Errors
/// When the file of labels is there and cannot be read.
pub fn labelled(registry: &Path, name: &str, label: &str) -> Result<Option<String>, Problem> {
    Ok(Labels::read(registry)?.get(name, label).map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Labels, Problem> {
        Labels::parse(&Source::new("labels.yaml", text))
    }

    #[test]
    fn the_text_is_read_back_as_it_was_written_and_as_others_write_it() {
        let mut labels = Labels::default();
        labels.set("b", "production", Some("2.0.0-rc.1+x"));
        labels.set("null", "1up", Some("1.0.0"));
        labels.set("null", "staging", Some("1.10.0"));
        labels.withdraw("null", "1.9.0", true);
        labels.set("gone", "x", Some("1.0.0"));
        labels.set("gone", "x", None);
        insta::assert_snapshot!(labels.text(), @r#"
        # Moved by `prompteval promote` and `rollback`, each time with a line in audit.jsonl. Not to be edited.
        b:
          production: "2.0.0-rc.1+x"
        "null":
          1up: "1.0.0"
          staging: "1.10.0"
          withdrawn: ["1.9.0"]
        "#);
        assert!(written(&labels.text()).is_some());
        assert_eq!(parse(&labels.text()).unwrap(), labels);
        let other =
            "{b: {production: '2.0.0-rc.1+x'}, \"null\": {withdrawn: ['1.9.0'], staging: '1.10.0', 1up: '1.0.0'}}\n";
        assert_eq!(parse(other).unwrap(), labels);
        assert_eq!(labels.under("staging").collect::<Vec<_>>(), [("null", "1.10.0")]);
        assert_eq!(parse("").unwrap(), Labels::default());
    }

    #[test]
    fn what_is_no_label_is_refused() {
        for (text, says) in [
            ("p: {production: 2.10}", "`2.10` is no version"),
            ("p: {latest: '1.0.0'}", "reserved"),
            ("p: {2.0.0: '1.0.0'}", "looks like a version"),
            ("p: {v3: '1.0.0'}", "looks like a version"),
            ("p: {Prod: '1.0.0'}", "is no label"),
            ("[1]", "must be a map"),
            ("p:\n<<<<<<< HEAD\n  a: '1.0.0'\n", "line 2 of `labels.yaml` has conflict marks"),
        ] {
            let problem = parse(text).unwrap_err();
            assert!(problem.message.contains(says), "{text}: {}", problem.message);
        }
        assert!(label_name("vip").is_ok() && label_name("prod-a.1_x").is_ok());
    }
}
