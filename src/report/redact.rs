//! Texts of reports, without secrets.
//!
//! They are cleaned before anything is escaped, shortened or made a name of: a secret that was cut in
//! two or had its dots replaced would no longer be recognised. JSON is cleaned by the redactor itself.

use std::borrow::Cow;

use crate::env::Redactor;

/// Texts for people, without secrets and in a shape that fits.
#[derive(Debug, Clone)]
pub(super) struct Words {
    redactor: Redactor,
}

impl Words {
    /// Words without what this redactor knows.
    pub(super) fn new(redactor: Redactor) -> Self {
        Self { redactor }
    }

    /// A text on one line of at most `most` characters.
    pub(super) fn line<'a>(&self, text: &'a str, most: usize) -> Cow<'a, str> {
        let clean = self.redactor.clean(text);
        // As most texts are: no more bytes than characters are allowed, and nothing to trim.
        if clean.len() <= most && !clean.contains(['\n', '\r']) && clean.trim().len() == clean.len() {
            return clean;
        }
        let parts = clean.split(['\n', '\r']).map(str::trim).filter(|part| !part.is_empty());
        let line = parts.collect::<Vec<_>>().join(" ");
        Cow::Owned(match line.char_indices().nth(most) {
            None => line,
            Some(_) => line.chars().take(most.saturating_sub(1)).chain(['…']).collect(),
        })
    }

    /// A text of at most `most` bytes, and a word about what is missing.
    pub(super) fn block<'a>(&self, text: &'a str, most: usize) -> Cow<'a, str> {
        match self.redactor.clean(text) {
            Cow::Borrowed(text) => cut(text, most),
            Cow::Owned(text) => Cow::Owned(cut(&text, most).into_owned()),
        }
    }
}

/// The first `most` bytes, whole characters only, and a word about the rest.
pub(super) fn cut(text: &str, most: usize) -> Cow<'_, str> {
    if text.len() <= most {
        return Cow::Borrowed(text);
    }
    let end = (0..=most).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0);
    Cow::Owned(format!("{}…[truncated {} bytes]", &text[..end], text.len() - end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn knows(secret: &str) -> Redactor {
        let redactor = Redactor::default();
        redactor.learn(secret);
        redactor
    }

    #[test]
    fn cutting_comes_after_cleaning() {
        let words = Words::new(knows("secret-word"));
        assert_eq!(words.block("a secret-word", 8), "a [redac…[truncated 4 bytes]");
        assert_eq!(words.line("a\r\n  secret-word\tb", 99), "a [redacted]\tb");
        assert_eq!(words.line("éééé", 3), "éé…");
        assert_eq!(cut("ééé", 3), "é…[truncated 4 bytes]");
    }
}
