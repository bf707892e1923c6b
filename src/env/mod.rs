//! The edges of the world: environment variables, the clock, git, and secrets.
//!
//! The process environment is read once, here; everyone else is handed an [`Env`].

mod clock;
mod git;
mod random;
mod secret;
mod tree;

pub use clock::{Clock, format_time, parse_time};
pub use git::{git, git_author};
pub use random::random_bytes;
pub use secret::{Redactor, Secret, is_redacted};
pub use tree::Whose;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// What a run may know of the machine it runs on.
#[derive(Debug, Clone)]
pub struct Env {
    vars: Arc<BTreeMap<String, String>>,
    /// The clock.
    pub clock: Clock,
    /// What must never be shown.
    pub redactor: Redactor,
}

impl Env {
    /// The environment of this process.
    pub fn from_process() -> Self {
        let vars =
            std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?))).collect();
        Self::new(vars, Clock::real())
    }

    /// An environment made of these variables.
    pub fn new(vars: BTreeMap<String, String>, clock: Clock) -> Self {
        let redactor = Redactor::default();
        for (name, value) in &vars {
            learn_by_name(&redactor, name, value);
        }
        Self { vars: Arc::new(vars), clock, redactor }
    }

    /// A variable, when it is set and not empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.vars.get(name).map(String::as_str).filter(|v| !v.is_empty())
    }

    /// All variables.
    pub fn vars(&self) -> &BTreeMap<String, String> {
        &self.vars
    }

    /// A variable that holds a secret; its value is redacted from now on.
    pub fn secret(&self, name: &str) -> Option<Secret> {
        self.get(name).map(|value| self.hide(value))
    }

    /// Makes a secret of a value.
    pub fn hide(&self, value: &str) -> Secret {
        self.redactor.learn(value);
        Secret::new(value)
    }

    /// The same environment with these variables over it.
    #[must_use]
    pub fn with(&self, over: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut vars = (*self.vars).clone();
        for (name, value) in over {
            learn_by_name(&self.redactor, &name, &value);
            vars.insert(name, value);
        }
        Self { vars: Arc::new(vars), ..self.clone() }
    }

    /// The same environment with what a `.env` file adds; variables that are already set win.
    ///
    /// # Errors
    /// When the file cannot be read or a line is no `NAME=value`.
    pub fn with_dotenv(&self, path: &Path) -> Result<Self, String> {
        let bytes = std::fs::read(path).map_err(|e| e.kind().to_string())?;
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
        let lines = dotenvy::from_read_iter(bytes);
        let mut added = BTreeMap::new();
        for (n, pair) in lines.enumerate() {
            let (name, value) = pair.map_err(|e| reason(&e, n + 1))?;
            if self.get(&name).is_none() {
                added.insert(name, value);
            }
        }
        Ok(self.with(added))
    }
}

/// What is wrong with an env file, without the line itself: it may hold a secret.
fn reason(error: &dotenvy::Error, entry: usize) -> String {
    match error {
        dotenvy::Error::Io(e) => e.kind().to_string(),
        dotenvy::Error::LineParse(_, at) => format!("entry {entry} is no NAME=value (character {at})"),
        _ => format!("entry {entry} cannot be read"),
    }
}

/// Learns a variable's value when its name says that it is a secret. Hiding `SORT_KEY=subject` or the
/// path in `SSH_AUTH_SOCK` would take ordinary words out of every text.
fn learn_by_name(redactor: &Redactor, name: &str, value: &str) {
    let path = Path::new(value);
    let place = ["_FILE", "_PATH", "_DIR"].iter().any(|end| name.to_uppercase().ends_with(end));
    let ordinary = place || name.starts_with("GIT_CONFIG_KEY_") || (path.is_absolute() && path.exists());
    let word = value.len() < 12 && !value.contains(|c: char| c.is_ascii_digit());
    let strong =
        ["API_KEY", "APIKEY", "SECRET", "TOKEN", "PASS", "PWD"].iter().any(|w| name.to_uppercase().contains(w));
    if sounds_secret(name) && !ordinary && (strong || !word) {
        redactor.learn(value);
    }
}

/// Whether the value under a name (of a variable, a header, a config key) should be hidden even
/// before anyone uses it as a secret.
pub fn sounds_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace(['-', '.', ' '], "_");
    // `apiKeyEnvar: MY_KEY` names a variable, and a shell keeps its folder in `PWD`: no secrets.
    if name.ends_with("envar") || matches!(name.as_str(), "pwd" | "oldpwd") {
        return false;
    }
    let words: Vec<&str> = name.split('_').collect();
    let whole =
        ["key", "auth", "pw", "pwd", "pass", "passwd", "token", "secret", "cookie", "credential", "credentials"];
    let part = ["apikey", "authorization", "password", "secret", "accesskey", "privatekey"];
    words.iter().any(|word| whole.contains(word))
        || part.iter().any(|part| name.replace('_', "").contains(part))
        || name.ends_with("token")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(pairs: &[(&str, &str)]) -> Env {
        let vars = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Env::new(vars, Clock::fixed(0))
    }

    #[test]
    fn an_empty_variable_counts_as_unset() {
        assert_eq!(env(&[("A", "")]).get("A"), None);
    }

    #[test]
    fn values_of_secret_sounding_names_are_redacted_unasked() {
        let env = env(&[("OPENAI_API_KEY", "sk-1234567890"), ("HOME", "/root/place")]);
        assert_eq!(env.redactor.clean("sk-1234567890 in /root/place"), "[redacted] in /root/place");
        let ordinary =
            self::env(&[("SORT_KEY", "category"), ("SSH_AUTH_SOCK", "/"), ("GIT_CONFIG_KEY_0", "user.name.of.mine")]);
        assert_eq!(ordinary.redactor.clean("category / user.name.of.mine"), "category / user.name.of.mine");
    }

    #[test]
    fn secret_sounding_names() {
        for name in
            ["OPENAI_API_KEY", "OPENAI_KEY", "apiKey", "X-Auth", "GATEWAY_PW", "DB_PASS", "accessToken", "Cookie"]
        {
            assert!(sounds_secret(name), "{name}");
        }
        for name in
            ["PWD", "OLDPWD", "MAX_TOKENS", "OPENAI_MAX_TOKENS", "HOME", "key_word_count_max", "author", "keyboard"]
        {
            assert_eq!(sounds_secret(name), name.starts_with("key_"), "{name}");
        }
    }

    #[test]
    fn a_broken_env_file_is_not_quoted() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(".env");
        std::fs::write(&path, "A=1\nOPENAI_API_KEY=sk-live-abc trailing words\n").unwrap();
        let error = env(&[]).with_dotenv(&path).unwrap_err();
        assert!(error.contains("entry 2") && !error.contains("sk-live"), "{error}");
    }

    #[test]
    fn dotenv_adds_but_never_overrides() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(".env");
        std::fs::write(&path, "A=file\nB=\"two words\"\n# talk\n").unwrap();
        let env = env(&[("A", "process")]).with_dotenv(&path).unwrap();
        assert_eq!((env.get("A"), env.get("B")), (Some("process"), Some("two words")));
    }
}
