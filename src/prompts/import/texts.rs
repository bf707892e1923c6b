//! A folder of texts: `NAME_v2.1.txt` is version 2.1.0 of NAME.

use std::path::Path;
use std::sync::LazyLock;

use regex::Regex;
use semver::Version;

use super::{Content, Found, Imports, Material, chat, name};
use crate::diag::Source;
use crate::prompts::sketch::Sketch;

const ENDINGS: [&str; 3] = ["txt", "md", "j2"];

static VERSION: LazyLock<Regex> = LazyLock::new(|| {
    #[expect(clippy::unwrap_used, reason = "a constant pattern, tested below")]
    Regex::new(r"^(?:(.*?)[-_. ])?[vV](\d+)(?:[._](\d+))?(?:[._](\d+))?$").unwrap()
});

pub(super) fn is(material: &Material<'_>) -> bool {
    matches!(material.content, Content::Folder(_))
}

pub(super) fn read(material: &Material<'_>, imports: &mut Imports) {
    let Content::Folder(names) = &material.content else { return };
    for file in names {
        let shown = Path::new(material.shown).join(file).to_string_lossy().into_owned();
        imports.offer_or_skip(&shown, text(material, file, &shown));
    }
}

fn text(material: &Material<'_>, file: &str, shown: &str) -> Result<Found, String> {
    let path = material.path.join(file);
    if path.is_dir() {
        return Err("a folder in a folder is not looked into; import it by itself".into());
    }
    let ending = path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    if !ENDINGS.contains(&ending.as_str()) {
        return Err(format!("it is no text: the endings of texts are {}", ENDINGS.join(", ")));
    }
    let source = Source::read(&path, shown)?;
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let (words, version) = split(&stem);
    let folder = material.path.file_name().unwrap_or_default().to_string_lossy();
    let name = name::slug(words.unwrap_or(&folder));
    let messages = chat::of_text(&content(source.text()), material.role)?;
    Ok(Found::new(name, version, shown, Sketch { messages, ..Sketch::default() }))
}

/// The text as a program reads it: the end of the last line belongs to the file and not to the prompt.
fn content(text: &str) -> String {
    let text = text.replace("\r\n", "\n");
    text.strip_suffix('\n').map(str::to_owned).unwrap_or(text)
}

/// Name and version of a file's stem; `v1` alone has no name.
fn split(stem: &str) -> (Option<&str>, Option<String>) {
    let Some(parts) = VERSION.captures(stem) else { return (Some(stem), None) };
    let number = |group: usize| parts.get(group).map_or(Some(0), |part| part.as_str().parse().ok());
    let (Some(major), Some(minor), Some(patch)) = (number(2), number(3), number(4)) else { return (Some(stem), None) };
    let name = parts.get(1).map(|part| part.as_str()).filter(|name| !name.is_empty());
    (name, Some(Version::new(major, minor, patch).to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stem_is_a_name_and_perhaps_a_version() {
        for (stem, name, version) in [
            ("customer_support_v1", Some("customer_support"), Some("1.0.0")),
            ("customer_support_v2.1", Some("customer_support"), Some("2.1.0")),
            ("NAME-v3", Some("NAME"), Some("3.0.0")),
            ("NAME_v1_2", Some("NAME"), Some("1.2.0")),
            ("a_v1.2.3", Some("a"), Some("1.2.3")),
            ("a_v01", Some("a"), Some("1.0.0")),
            ("v10", None, Some("10.0.0")),
            ("_v1", None, Some("1.0.0")),
            ("a_v1.2.3.4", Some("a_v1.2.3.4"), None),
            ("a_v99999999999999999999", Some("a_v99999999999999999999"), None),
            ("dev1", Some("dev1"), None),
            ("a", Some("a"), None),
        ] {
            assert_eq!(split(stem), (name, version.map(str::to_owned)), "{stem}");
        }
    }
}
