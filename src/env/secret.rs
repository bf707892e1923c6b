//! Secrets: a type that cannot print itself, and the one place that takes them out of texts.

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, OnceLock, RwLock};

use aho_corasick::{AhoCorasick, MatchKind};
use serde_json::Value;

/// A value that must not be shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Arc<str>);

impl Secret {
    pub(super) fn new(value: &str) -> Self {
        Self(value.into())
    }

    /// The value itself, for the one request that needs it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// Shorter values are not learnt: taking `true` or `1` out of every text would destroy it.
const SHORTEST: usize = 6;
const MARK: &str = "[redacted]";

/// Whether a secret was taken out of a text (or of a text that it quotes).
pub fn is_redacted(text: &str) -> bool {
    text.contains(MARK)
}

/// Removes every secret that was loaded from whatever leaves the process.
#[derive(Clone, Default)]
pub struct Redactor {
    /// Replaced whole by who learns, which is rare, so that who cleans holds no lock while it does.
    known: Arc<RwLock<Arc<Known>>>,
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl Redactor {
    /// Remembers a value (and the form it takes inside JSON text).
    pub fn learn(&self, value: &str) {
        let value = value.trim();
        if value.len() < SHORTEST {
            return;
        }
        let Ok(mut known) = self.known.write() else { return };
        let quoted = in_json(value);
        let mut new =
            [value, &quoted].into_iter().filter(|form| !known.forms.iter().any(|known| known == form)).peekable();
        if new.peek().is_none() {
            return;
        }
        let mut forms: Vec<String> = known.forms.iter().cloned().chain(new.map(str::to_owned)).collect();
        forms.dedup();
        forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
        *known = Arc::new(Known { forms, nets: OnceLock::new() });
    }

    /// The text without secrets.
    pub fn clean<'a>(&self, text: &'a str) -> Cow<'a, str> {
        match self.known() {
            None => Cow::Borrowed(MARK),
            Some(known) if known.may_be_in(text.as_bytes()) => known.taken_out_of(text),
            Some(_) => Cow::Borrowed(text),
        }
    }

    /// Whether no secret stands in a text, nor in any text that it quotes as JSON: [`Redactor::clean`]
    /// would change none of them.
    ///
    /// It may say no of a text that is clean, and never yes of one that is not.
    pub fn is_clean(&self, text: &[u8]) -> bool {
        self.known().is_some_and(|known| !known.may_be_in(text))
    }

    fn known(&self) -> Option<Arc<Known>> {
        self.known.read().ok().map(|known| Arc::clone(&known))
    }
}

/// The secrets of a moment.
#[derive(Default)]
struct Known {
    /// Each value as it is and as it stands in JSON text; the longest first, because one may begin
    /// another.
    forms: Vec<String>,
    /// Knotted when they are first needed: an environment is learnt name by name.
    nets: OnceLock<Option<Nets>>,
}

/// Automata that find in one walk over a text, however many secrets there are, that it holds none.
struct Nets {
    /// The shortest beginning of each form. Without one of them there is neither a whole secret nor
    /// one that was cut, so that most texts are walked over once.
    starts: AhoCorasick,
    /// Each form whole.
    forms: AhoCorasick,
}

impl Known {
    fn may_be_in(&self, text: &[u8]) -> bool {
        if self.forms.is_empty() {
            return false;
        }
        let nets = self.nets.get_or_init(|| Nets::of(&self.forms).ok());
        nets.as_ref().is_none_or(|nets| nets.catch(text))
    }

    fn taken_out_of<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut text = Cow::Borrowed(text);
        for secret in &self.forms {
            if text.contains(secret.as_str()) {
                text = Cow::Owned(text.replace(secret.as_str(), MARK));
            }
            if text.contains(CUT) {
                text = without_cut(text, secret);
            }
        }
        text
    }
}

impl Nets {
    fn of(forms: &[String]) -> Result<Self, aho_corasick::BuildError> {
        let starts: Vec<&str> = forms.iter().map(|form| shortest_start(form)).collect();
        Ok(Self { starts: net(&starts)?, forms: net(forms)? })
    }

    fn catch(&self, text: &[u8]) -> bool {
        self.starts.is_match(text) && (self.forms.is_match(text) || has_cut(text))
    }
}

/// An automaton over words, and over what each of them becomes in a JSON string. A form can be JSON
/// text already; the text that holds it, quoted once more, escapes it a second time.
fn net<T: AsRef<str>>(words: &[T]) -> Result<AhoCorasick, aho_corasick::BuildError> {
    let both = words.iter().flat_map(|word| [word.as_ref().to_owned(), in_json(word.as_ref())]);
    // Only with a leftmost rule does it skip ahead with vector instructions.
    AhoCorasick::builder().match_kind(MatchKind::LeftmostFirst).build(both)
}

/// What a text becomes inside a JSON string.
fn in_json(text: &str) -> String {
    let quoted = Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

/// The least of a secret that is recognised when the rest was cut off.
fn shortest_start(secret: &str) -> &str {
    let end = (SHORTEST..secret.len()).find(|n| secret.is_char_boundary(*n));
    &secret[..end.unwrap_or(secret.len())]
}

fn has_cut(text: &[u8]) -> bool {
    let mut mark = [0; 4];
    let mark = CUT.encode_utf8(&mut mark).as_bytes();
    text.windows(mark.len()).any(|window| window == mark)
}

/// What stands where a text was cut.
const CUT: char = '…';

/// Takes out the beginning of a secret that was cut off by an ellipsis.
fn without_cut<'a>(text: Cow<'a, str>, secret: &str) -> Cow<'a, str> {
    let mut out = String::new();
    let mut rest = &*text;
    while let Some(at) = rest.find(CUT) {
        let head = &rest[..at];
        let cuts = (SHORTEST..secret.len()).rev().filter(|n| secret.is_char_boundary(*n));
        let found = cuts.map(|n| &secret[..n]).find(|start| head.ends_with(start));
        out.push_str(&head[..head.len() - found.map_or(0, str::len)]);
        out.push_str(if found.is_some() { MARK } else { "" });
        out.push(CUT);
        rest = &rest[at + CUT.len_utf8()..];
    }
    out.push_str(rest);
    if out == *text { text } else { Cow::Owned(out) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::Index;

    #[test]
    fn takes_secrets_out_longest_first_and_in_json_form() {
        let redactor = Redactor::default();
        for secret in ["hunter2", "hunter22", "pass\"word", "1"] {
            redactor.learn(secret);
        }
        assert_eq!(redactor.clean("hunter22 hunter2 1"), "[redacted] [redacted] 1");
        assert_eq!(redactor.clean(r#"{"k":"pass\"word"}"#), r#"{"k":"[redacted]"}"#);
        assert!(matches!(redactor.clean("nothing"), Cow::Borrowed("nothing")));
    }

    #[test]
    fn knows_a_secret_that_was_cut() {
        let redactor = Redactor::default();
        redactor.learn("sk-proj-aaaabbbb");
        assert_eq!(redactor.clean("it is \"sk-proj-aa…\" x"), "it is \"[redacted]…\" x");
        assert_eq!(redactor.clean("sk-pr… and more…"), "sk-pr… and more…");
    }

    #[test]
    fn never_prints_itself() {
        let redactor = Redactor::default();
        redactor.learn("hunter2");
        assert_eq!(format!("{:?} {redactor:?}", Secret::new("hunter2")), "[redacted] [redacted]");
    }

    #[test]
    fn knows_at_a_glance_what_is_clean() {
        let redactor = Redactor::default();
        assert!(redactor.is_clean("sk-\"aaaa and more…".as_bytes()));
        redactor.learn("sk-\"aaaabbbb");
        for (text, clean) in [
            ("nothing", true),
            ("a text that was cut…", true),
            ("sk-\"aaaa is where it begins", true),
            ("sk-\"aaaa…", false),
            ("it is sk-\"aaaabbbb", false),
            (r#""it is sk-\"aaaabbbb""#, false),
            (r#""{\"key\": \"sk-\\\"aaaabbbb\"}""#, false),
            (r#""{\"key\": \"sk-\\\"aaaa…\"}""#, false),
        ] {
            assert_eq!(redactor.is_clean(text.as_bytes()), clean, "{text}");
        }
    }

    #[test]
    fn what_is_learnt_later_is_taken_out_too() {
        let redactor = Redactor::default();
        let twin = redactor.clone();
        assert_eq!(redactor.clean("hunter2"), "hunter2");
        twin.learn("hunter2");
        assert_eq!(redactor.clean("hunter2"), MARK);
    }

    /// Few letters, so that pieces of secrets meet by chance; all kinds of escapes among them.
    const SECRET: &str = r#"[ab"\\\n\x01é…]{5,9}"#;
    const NOISE: &str = r#"[ab"\\\n\x01é…]{0,4}"#;

    /// Texts with secrets, pieces of them and their JSON forms strewn in.
    fn texts() -> impl Strategy<Value = (Vec<String>, String)> {
        let secrets = vec(SECRET, 1..4);
        let piece = (any::<Index>(), 0..10_usize, 0..3_usize, NOISE);
        (secrets, vec(piece, 0..6)).prop_map(|(secrets, pieces)| {
            let text = pieces.into_iter().map(|(which, most, depth, noise)| {
                let start: String = which.get(&secrets).chars().take(most).collect();
                (0..depth).fold(start, |text, _| in_json(&text)) + &noise
            });
            let text = text.collect();
            (secrets, text)
        })
    }

    proptest! {
        #[test]
        fn a_glance_changes_nothing((secrets, text) in texts()) {
            let redactor = Redactor::default();
            for secret in &secrets {
                redactor.learn(secret);
            }
            let slow = redactor.known().unwrap().taken_out_of(&text).into_owned();
            prop_assert_eq!(redactor.clean(&text), slow.as_str());
            if redactor.is_clean(text.as_bytes()) || redactor.is_clean(in_json(&text).as_bytes()) {
                prop_assert_eq!(slow, text);
            }
        }
    }
}
