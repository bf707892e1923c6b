//! Whether files, labels and log agree.

use std::collections::{BTreeMap, BTreeSet};

use super::replay::{apply, replay};
use super::session::Registry;
use super::trouble::RegistryError;
use crate::audit::{Checkpoint, Event, Examined, Finding, Kind, examine};
use crate::content::sha256;
use crate::diag::io_reason;
use crate::prompts::{LABELS_FILE, Labels, names, versions};

/// What is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// `NAME@VERSION`.
    pub version: String,
    /// What is wrong, in words.
    pub words: String,
}

/// The first move that left from where the label was not: it was decided about labels that somebody edited.
/// Entries of another branch left from where the label was there.
fn jump(examined: &Examined) -> Option<Finding> {
    let mut labels = Labels::default();
    for sealed in &examined.entries {
        for change in sealed.entry.changes().filter(|_| sealed.entry.event.moves() && sealed.rebased.is_empty()) {
            let (Some(prompt), Some(label)) = (change.prompt.as_deref(), change.label.as_deref()) else { continue };
            let (was, said) = (labels.get(prompt, label), change.from.as_deref());
            if was != said {
                let point = |version: Option<&str>| version.unwrap_or("nothing").to_owned();
                let words = format!(
                    "entry {} moves {label} of {prompt} from {}, and it pointed to {}",
                    sealed.seq,
                    point(said),
                    point(was)
                );
                return Some(Finding { kind: Kind::Labels, line: None, words });
            }
        }
        apply(&mut labels, &sealed.entry);
    }
    None
}

impl Registry {
    /// Reads the whole log, given checkpoints of it, and holds the labels to it.
    ///
    /// # Errors
    /// When files cannot be read.
    pub fn audit(&self, checkpoints: &[Checkpoint]) -> Result<Examined, RegistryError> {
        // A change that is under way, or was broken off, is brought to its end first, where that is allowed.
        let _quiet = self.log().path().exists().then(|| self.lock());
        self.examined(checkpoints)
    }

    /// The same for whoever keeps the others out already.
    pub(super) fn examined(&self, checkpoints: &[Checkpoint]) -> Result<Examined, RegistryError> {
        let log = self.log();
        let bytes = log.bytes().map_err(|e| RegistryError::io(&e, "read", log.path()))?;
        let mut examined = examine(&bytes, checkpoints);
        if examined.findings.iter().all(|finding| finding.kind == Kind::Torn) {
            let jump = jump(&examined);
            let found = self.labels_differ(&examined)?;
            examined.findings.extend(jump.into_iter().chain(found));
        }
        Ok(examined)
    }

    /// Whether the labels are what the log says, to the byte.
    pub(super) fn labels_differ(&self, examined: &Examined) -> Result<Option<Finding>, RegistryError> {
        let path = self.folder().join(LABELS_FILE);
        let text = match std::fs::read(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            read => read.map_err(|e| RegistryError::io(&e, "read", &path))?,
        };
        let told = replay(examined.said());
        let expected = if told.prompts().is_empty() && text.is_empty() { String::new() } else { told.text() };
        if text == expected.as_bytes() {
            return Ok(None);
        }
        let finding = |line: Option<u64>, words: String| Ok(Some(Finding { kind: Kind::Labels, line, words }));
        let (mut ours, mut theirs) = (expected.lines(), text.split(|byte| *byte == b'\n'));
        let mut line = 1;
        loop {
            let (expected, found) = (ours.next(), theirs.next().filter(|line| !line.is_empty()));
            if expected.map(str::as_bytes) != found || expected.is_none() {
                let found = found.map_or("nothing".into(), String::from_utf8_lossy);
                let words = format!(
                    "`{LABELS_FILE}` has `{}` where the log gives `{}`",
                    found.trim(),
                    expected.unwrap_or("nothing").trim()
                );
                return finding(Some(line), words);
            }
            line += 1;
        }
    }

    /// Recomputes the hashes of all released versions, or of one prompt's, and holds them to the log. Gives
    /// how many are right, and what is wrong.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn verify(&self, only: Option<&str>) -> Result<(u64, Vec<Fault>), RegistryError> {
        let needles = ["\"event\":\"release\"".to_owned()];
        let mut released: BTreeMap<(String, String), (String, String)> = BTreeMap::new();
        for sealed in self.entries(&needles)?.into_iter().filter(|sealed| sealed.entry.event == Event::Release) {
            for change in sealed.entry.changes() {
                let text = |value: &Option<String>| value.clone().unwrap_or_default();
                let key = (text(&change.prompt), text(&change.version));
                released.insert(key, (text(&change.content_sha256), text(&change.file_sha256)));
            }
        }
        let mut all: BTreeSet<(String, String)> = released.keys().cloned().collect();
        for name in names(self.folder()) {
            all.extend(versions(self.folder(), &name).into_iter().map(|version| (name.clone(), version.to_string())));
        }
        let (mut right, mut faults) = (0, Vec::new());
        for (name, version) in all.into_iter().filter(|(name, _)| only.is_none_or(|only| only == name)) {
            match self.fault(&name, &version, released.get(&(name.clone(), version.clone()))) {
                Some(words) => faults.push(Fault { version: format!("{name}@{version}"), words }),
                None => right += 1,
            }
        }
        Ok((right, faults))
    }

    fn fault(&self, name: &str, version: &str, said: Option<&(String, String)>) -> Option<String> {
        let path = self.folder().join(name).join(format!("{version}.yaml"));
        let Some((content, file)) = said else {
            return Some("the log knows nothing of its release".into());
        };
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) => return Some(format!("it was released, and its file cannot be read: {}", io_reason(&error))),
        };
        let card = match self.card(name, version) {
            Ok(card) => card,
            Err(error) => return Some(error.message),
        };
        if card.prompt.hash.as_ref() != content {
            return Some("its content is not what was released".into());
        }
        (sha256(&bytes) != *file).then(|| "its file was edited; what reaches the model is the same".into())
    }
}
