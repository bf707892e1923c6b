//! Labels: which version of a prompt a word such as `production` means.

use std::path::Path;

use crate::diag::{Problem, Source};
use crate::yaml;

/// The file of all labels, in the registry's folder.
const FILE: &str = "labels.yaml";

/// The version that a label of a prompt points to: `NAME: {LABEL: VERSION}`.
///
/// # Errors
/// When the file is there and cannot be read.
pub fn labelled(registry: &Path, name: &str, label: &str) -> Result<Option<String>, Problem> {
    let path = registry.join(FILE);
    if !path.exists() {
        return Ok(None);
    }
    let source = Source::read(&path, &path.to_string_lossy()).map_err(Problem::error)?;
    let tree = yaml::parse(&source)?;
    let Some(version) = tree.get(name).and_then(|labels| labels.get(label)) else { return Ok(None) };
    let text = version.as_str().map(str::to_owned);
    let problem = || Problem::error(format!("the label `{label}` of `{name}` is no text")).at(&version.span);
    text.map(Some).ok_or_else(|| problem().hint("write the version in quotes"))
}
