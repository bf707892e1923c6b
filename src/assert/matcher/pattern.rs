//! One JavaScript pattern: compiled, with a guess of how badly it can backtrack.

use std::sync::Arc;

use regress::{Flags, Regex};

use super::guard;
use crate::assert::show::{self, Quoted};

/// More steps than this may take long enough to need a time limit.
const CHEAP: f64 = 3e7;

/// A compiled pattern.
#[derive(Debug)]
pub struct Pattern {
    text: String,
    regex: Arc<Regex>,
    growth: Growth,
}

/// How the time of a match may grow with the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Growth {
    /// As a power of its length.
    Power(i32),
    /// Without a useful bound: repeated repetitions, back references, look-around.
    Wild,
}

impl Pattern {
    /// Compiles; flags may stand at the start, as in `(?i)yes`.
    pub fn new(text: &str) -> Result<Self, String> {
        let (flags, body) = leading_flags(text);
        let regex = Regex::with_flags(&as_javascript(body), flags).map_err(|error| {
            let reason = show::line(&error.to_string().to_lowercase());
            format!("{} is no valid pattern: {reason}", Quoted(text))
        })?;
        Ok(Self { text: text.to_owned(), regex: Arc::new(regex), growth: growth(body) })
    }

    /// The pattern as written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it matches somewhere.
    ///
    /// # Errors
    /// When it takes too long.
    pub fn is_match(&self, text: &str) -> Result<bool, String> {
        if self.is_cheap(text.len()) {
            return Ok(self.regex.find(text).is_some());
        }
        guard::is_match(&self.regex, text).map_err(|reason| format!("the pattern {} {reason}", Quoted(&self.text)))
    }

    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    fn is_cheap(&self, length: usize) -> bool {
        match self.growth {
            Growth::Power(power) => (length as f64).powi(power) <= CHEAP,
            Growth::Wild => false,
        }
    }
}

/// `(?ims)` at the start, which JavaScript does not have and everyone writes.
fn leading_flags(text: &str) -> (Flags, &str) {
    let mut flags = Flags::default();
    let Some((letters, body)) = text.strip_prefix("(?").and_then(|rest| rest.split_once(')')) else {
        return (flags, text);
    };
    if letters.is_empty() || !letters.chars().all(|c| matches!(c, 'i' | 'm' | 's')) {
        return (flags, text);
    }
    flags.icase = letters.contains('i');
    flags.multiline = letters.contains('m');
    flags.dot_all = letters.contains('s');
    (flags, body)
}

/// What the engine reads otherwise than JavaScript does without flags: `\ud83d\ude00` becomes the one
/// character it means (texts are matched by characters here), and `\u{41}` a `u` forty-one times.
fn as_javascript(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len());
    let mut rest = pattern;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let pair = unit(rest).zip(rest.get(6..).and_then(unit));
        let joined = pair.and_then(|(high, low)| char::decode_utf16([high, low]).next()?.ok());
        if let Some(c) = joined.filter(|c| u32::from(*c) > 0xffff) {
            out.push(c);
            rest = &rest[12..];
        } else if rest.starts_with("\\u{") {
            rest = &rest[1..];
        } else {
            let step = rest.chars().take(2).map(char::len_utf8).sum();
            out.push_str(&rest[..step]);
            rest = &rest[step..];
        }
    }
    out.push_str(rest);
    out
}

fn unit(text: &str) -> Option<u16> {
    u16::from_str_radix(text.strip_prefix("\\u")?.get(..4)?, 16).ok()
}

/// What a group of a pattern has in it.
#[derive(Debug, Clone, Copy, Default)]
struct Inside {
    repeats: bool,
    choices: bool,
}

/// Reads a pattern only as far as repetitions and groups go; errs towards [`Growth::Wild`].
fn growth(pattern: &str) -> Growth {
    let bytes = pattern.as_bytes();
    let mut groups = vec![Inside::default()];
    let mut closed: Option<Inside> = None;
    let mut power = 1;
    let mut at = 0;
    while at < bytes.len() {
        let mut after = None;
        match bytes[at] {
            b'\\' if matches!(bytes.get(at + 1), Some(b'1'..=b'9' | b'k')) => return Growth::Wild,
            b'\\' => at += 1,
            b'[' => at = class_end(bytes, at),
            b'(' if is_look_around(&bytes[at..]) => return Growth::Wild,
            b'(' => {
                groups.push(Inside::default());
                at += usize::from(bytes.get(at + 1) == Some(&b'?'));
            }
            b')' => after = if groups.len() > 1 { groups.pop() } else { None },
            b'|' => mark(&mut groups, Inside { repeats: false, choices: true }),
            b'*' | b'+' | b'?' | b'{' => {
                let many = bytes[at] != b'?' && repeats_often(&bytes[at..]);
                if many && closed.is_some_and(|inside| inside.repeats || inside.choices) {
                    return Growth::Wild;
                }
                power += i32::from(many);
                mark(&mut groups, Inside { repeats: true, choices: false });
            }
            _ => {}
        }
        if let Some(inside) = after {
            mark(&mut groups, inside);
        }
        closed = after;
        at += 1;
    }
    Growth::Power(power)
}

fn mark(groups: &mut [Inside], what: Inside) {
    if let Some(group) = groups.last_mut() {
        group.repeats |= what.repeats;
        group.choices |= what.choices;
    }
}

fn is_look_around(rest: &[u8]) -> bool {
    [&b"(?="[..], b"(?!", b"(?<=", b"(?<!"].iter().any(|start| rest.starts_with(start))
}

fn class_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while at < bytes.len() && bytes[at] != b']' {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    at
}

/// Whether a quantifier lets its piece match a great number of times.
fn repeats_often(rest: &[u8]) -> bool {
    const FEW: u32 = 10;
    if rest[0] != b'{' {
        return true;
    }
    let inner: Vec<u8> = rest[1..].iter().copied().take_while(|b| *b != b'}').collect();
    let inner = String::from_utf8_lossy(&inner);
    match inner.split_once(',') {
        Some((_, most)) => most.trim().parse().map_or(most.is_empty(), |most: u32| most > FEW),
        None => inner.parse().is_ok_and(|times: u32| times > FEW),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_which_patterns_backtrack() {
        for (pattern, expected) in [
            ("abc", Growth::Power(1)),
            (r"#\d{5}", Growth::Power(1)),
            ("a.*b.*c", Growth::Power(3)),
            ("(foo|bar)", Growth::Power(1)),
            ("(?:foo|bar) x+", Growth::Power(2)),
            ("[+*(]+", Growth::Power(2)),
            ("(a+)+$", Growth::Wild),
            ("((a+))*", Growth::Wild),
            ("(a|a)*b", Growth::Wild),
            (r"(a)\1", Growth::Wild),
            ("foo(?=bar)", Growth::Wild),
            ("(a?){30}", Growth::Wild),
        ] {
            assert_eq!(growth(pattern), expected, "{pattern}");
        }
    }

    #[test]
    fn flags_and_surrogates() {
        assert!(Pattern::new("(?i)HELLO").unwrap().is_match("hello").unwrap());
        assert!(Pattern::new("(?s)a.b").unwrap().is_match("a\nb").unwrap());
        assert!(!Pattern::new("(?:a)b").unwrap().is_match("AB").unwrap());
        assert_eq!(as_javascript(r"x\ud83d\ude00\\ud83d"), "x😀\\\\ud83d");
    }

    #[test]
    fn reads_the_old_syntax() {
        for (pattern, text, expected) in [
            (r"^\u{3}$", "uuu", true),
            (r"^[\u{3}]$", "{", true),
            (r"^\cA$", "\u{1}", true),
            (r"^\c$", "\\c", true),
            (r"^\k<x>$", "k<x>", true),
            (r"^\8$", "8", true),
            (r"^\0$", "\0", true),
            (r"^(?=a)*a$", "a", true),
            (r"^a{2$", "a{2", true),
            (r"^[^]$", "\n", true),
            (r"^\p{L}$", "p{L}", true),
            (r"^\_$", "_", true),
            (r"^.$", "\u{2028}", false),
            (r"^\s$", "\u{feff}", true),
            (r"^\s$", "\u{85}", false),
            (r"^[\d-x]$", "-", true),
            (r"^(?:(a)|b)\1$", "b", true),
            (r"^\x4$", "x4", true),
            (r"^\12$", "\n", true),
        ] {
            let pattern = Pattern::new(pattern).unwrap();
            assert_eq!(pattern.is_match(text), Ok(expected), "{} on {text:?}", pattern.text());
        }
    }

    #[test]
    fn a_pattern_that_explodes_is_an_error() {
        let error = Pattern::new("^(a+)+$").unwrap().is_match(&("a".repeat(40) + "b")).unwrap_err();
        assert!(error.contains("2 seconds"), "{error}");
    }

    proptest::proptest! {
        #[test]
        fn never_panics(pattern in r"[ab()\[\]{}*+?|\\^$,0-9u]{0,16}", text in "[ab]{0,6}") {
            if let Ok(pattern) = Pattern::new(&pattern) {
                let _ = growth(pattern.text());
                let _ = pattern.regex.find(&text);
            }
        }
    }
}
