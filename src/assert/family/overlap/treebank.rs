//! Words as the Penn Treebank counts them: `don't` is `do n't`, and punctuation stands alone.
//!
//! The rules are those of the treebank's own script (R. MacIntyre, `tokenizer.sed`, 1995) as promptfoo has
//! them through js-rouge 3.2: numbers such as `1,000` and acronyms such as `U.S.` stay whole, a double quote
//! opens or closes by what stands around it, and only the last full stop of the text ends a sentence.
//! Left out is js-rouge's rule for quotes after a footnote mark in superscript letters.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use regex::Regex;

use crate::assert::matcher::commas::is_space;

/// Words that are two, and where they part.
const CONTRACTIONS: [(&str, &str); 10] = [
    ("can", "not"),
    ("d", "'ye"),
    ("gim", "me"),
    ("gon", "na"),
    ("got", "ta"),
    ("lem", "me"),
    ("more", "'n"),
    ("wan", "na"),
    ("'t", "is"),
    ("'t", "was"),
];

#[expect(clippy::unwrap_used, reason = "a constant list of short words")]
static CONTRACTED: LazyLock<AhoCorasick> = LazyLock::new(|| {
    let words = CONTRACTIONS.map(|(first, second)| format!("{first}{second}"));
    AhoCorasick::builder().ascii_case_insensitive(true).build(words).unwrap()
});

#[expect(clippy::unwrap_used, reason = "three constant marks")]
static QUOTES: LazyLock<AhoCorasick> = LazyLock::new(|| AhoCorasick::new(["``", "''", "\""]).unwrap());

/// Sets of characters, by Unicode's names for them.
struct Classes {
    after_break: Regex,
    after_sign: Regex,
    quotable: Regex,
    decimal: Regex,
    in_word: Regex,
}

#[expect(clippy::unwrap_used, reason = "constant patterns")]
static CLASSES: LazyLock<Classes> = LazyLock::new(|| {
    let class = |pattern| Regex::new(pattern).unwrap();
    Classes {
        after_break: class(r"[ \p{Ps}<]"),
        after_sign: class(r"[ \p{P}<]"),
        quotable: class(r"[\p{L}\p{N}\p{Sc}\p{Ps}]"),
        decimal: class(r"\p{Nd}"),
        in_word: class(r"[\p{ID_Continue}\x{200c}\x{200d}]"),
    }
});

/// Tells the characters of a class.
fn of(class: &Regex) -> impl Fn(char) -> bool {
    move |c| class.is_match(c.encode_utf8(&mut [0; 4]))
}

/// A text ready to be cut: single spaces, and each double quote a word of its own.
pub struct Treebank(String);

impl Treebank {
    /// Prepares a text. The time is linear in its length.
    pub fn new(text: &str) -> Self {
        Self(set_quotes_apart(&single_spaced(text)))
    }

    /// Its words. An empty text has none.
    pub fn words(&self) -> Vec<&str> {
        let mut words = Vec::new();
        for piece in pieces(&self.0) {
            for part in parts(piece) {
                cut_contractions(part, &mut words);
            }
        }
        words
    }
}

fn single_spaced(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    // JavaScript's white space, and the one that only js-rouge counts.
    for word in text.split(|c| is_space(c) || c == '\u{85}').filter(|word| !word.is_empty()) {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}

/// A double quote and what stands around it.
struct Quote<'a> {
    before: &'a str,
    mark: &'a str,
    after: &'a str,
    /// The next double quote, in whatever form.
    next: Option<&'a str>,
}

impl Quote<'_> {
    /// Whether it opens a quotation.
    fn opens(&self, inside: bool) -> bool {
        if self.mark == "``" {
            return true;
        }
        // JavaScript sees half of a character beyond U+FFFF here, which is in no class.
        let last = self.before.chars().next_back().filter(|c| c.len_utf16() == 1);
        let at_start = self.before.is_empty();
        let after_sign = at_start || last.is_some_and(of(&CLASSES.after_sign)) || self.before.ends_with("``");
        let dangling = self.after.is_empty() && !at_start && !last.is_some_and(of(&CLASSES.after_break));
        let after_sentence = matches!(last, Some('.' | '!' | '?'));
        !inside && after_sign && !dangling && !after_sentence && (self.mark == "\"" || self.pairs())
    }

    /// Whether two single quotes are more than a stray closing: something quotable follows, and then another pair.
    fn pairs(&self) -> bool {
        let quotable = self.after.chars().next().is_some_and(of(&CLASSES.quotable));
        !self.before.is_empty() && quotable && self.next == Some("''")
    }
}

fn set_quotes_apart(text: &str) -> String {
    let marks: Vec<_> = QUOTES.find_iter(text).map(|found| found.range()).collect();
    let mut out = String::with_capacity(text.len() + 4 * marks.len());
    let (mut from, mut inside) = (0, false);
    for (n, mark) in marks.iter().enumerate() {
        let next = marks.get(n + 1).map(|next| &text[next.clone()]);
        let quote = Quote { before: &text[..mark.start], mark: &text[mark.clone()], after: &text[mark.end..], next };
        inside = quote.opens(inside);
        out.push_str(&text[from..mark.start]);
        out.push_str(if inside { " `` " } else { " '' " });
        from = mark.end;
    }
    out.push_str(&text[from..]);
    out
}

/// What stands between spaces and signs, and the signs.
fn pieces(text: &str) -> Vec<&str> {
    let stop = last_stop(text);
    let mut pieces = Vec::new();
    let (mut from, mut at) = (0, 0);
    while at < text.len() {
        let length = sign(text, at, stop);
        if length == 0 {
            at += 1;
            continue;
        }
        pieces.extend([&text[from..at], &text[at..at + length]]);
        at += length;
        from = at;
    }
    pieces.push(&text[from..]);
    pieces.retain(|piece| !piece.is_empty() && *piece != " ");
    pieces
}

/// The length of the sign at a byte, 0 where a word goes on.
fn sign(text: &str, at: usize, stop: Option<usize>) -> usize {
    let rest = &text.as_bytes()[at..];
    match rest[0] {
        b'.' if rest.starts_with(b"...") => 3,
        b'.' => usize::from(stop == Some(at)),
        b'-' if rest.starts_with(b"--") => 2,
        b':' | b',' => usize::from(!text[at + 1..].starts_with(of(&CLASSES.decimal))),
        other => usize::from(b" ;@#$%&?![](){}<>".contains(&other)),
    }
}

/// The full stop that ends the text, but for closing brackets and quotes; not that of an acronym.
fn last_stop(text: &str) -> Option<usize> {
    let before = text.trim_end_matches([']', ')', '}', '>', '\'', ' ']).strip_suffix('.')?;
    let acronym = match before.as_bytes() {
        [.., c, a, b'.', b] => letters(*a, *b) && !c.is_ascii_alphanumeric() && *c != b'_',
        [a, b'.', b] => letters(*a, *b),
        _ => false,
    };
    (!before.is_empty() && !before.ends_with('.') && !acronym).then_some(before.len())
}

fn letters(a: u8, b: u8) -> bool {
    a.is_ascii_alphabetic() && b.is_ascii_alphabetic()
}

/// A word, what it is short for (`'s`, `n't`), and an apostrophe at its end.
fn parts(word: &str) -> impl Iterator<Item = &str> {
    let closes = word.len() > 1 && word.ends_with('\'') && !word.ends_with("''");
    let (word, apostrophe) = word.split_at(word.len() - usize::from(closes));
    let (word, possessive) = cut_ending(word, &["'s", "'m", "'d"]);
    let (word, verb) = cut_ending(word, &["'ll", "'re", "'ve", "n't"]);
    [word, verb, possessive, apostrophe].into_iter().filter(|part| !part.is_empty())
}

fn cut_ending<'a>(word: &'a str, endings: &[&str]) -> (&'a str, &'a str) {
    let ending = endings.iter().find(|ending| word.ends_with(**ending));
    word.split_at(word.len() - ending.map_or(0, |ending| ending.len()))
}

fn cut_contractions<'a>(word: &'a str, words: &mut Vec<&'a str>) {
    let mut from = 0;
    for found in CONTRACTED.find_iter(word) {
        let (first, second) = CONTRACTIONS[found.pattern().as_usize()];
        let (before, after) = (&word[from..found.start()], &word[found.end()..]);
        let inside = before.ends_with(of(&CLASSES.in_word)) || after.starts_with(of(&CLASSES.in_word));
        // `wanna` parts only at the end of a word.
        if inside || (first == "wan" && !after.is_empty()) {
            continue;
        }
        let middle = found.end() - second.len();
        words.extend(
            [before, &word[found.start()..middle], &word[middle..found.end()]].iter().filter(|w| !w.is_empty()),
        );
        from = found.end();
    }
    words.extend(Some(&word[from..]).filter(|rest| !rest.is_empty()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_like_the_treebank() {
        for (text, words) in [
            ("they'll don't we're I've", "they|'ll|do|n't|we|'re|I|'ve"),
            ("it's ann's dogs' o'clock", "it|'s|ann|'s|dogs|'|o'clock"),
            ("I cannot, gonna wanna gimme", "I|can|not|,|gon|na|wan|na|gim|me"),
            ("x-cannot wanna/ 'tis d'ye more'n uncannot", "x-|can|not|wanna/|'t|is|d|'ye|more|'n|uncannot"),
            ("he said \"hello there\" to me", "he|said|``|hello|there|''|to|me"),
            ("\"", "``"),
            ("a \"b\".", "a|``|b|''|."),
            ("done.\" \"next\"", "done.|''|``|next|''"),
            ("so ''quoted'' here", "so|``|quoted|''|here"),
            ("5'' x", "5|''|x"),
            ("'single' quotes", "'single|'|quotes"),
            ("\u{201c}smart\u{201d}", "\u{201c}smart\u{201d}"),
            ("in 2024, 1,000 at 10:30: 3.14 50% $5", "in|2024|,|1,000|at|10:30|:|3.14|50|%|$|5"),
            ("one. two.) ", "one.|two|.|)"),
            ("in the u.s. wait... what.... a--b---c", "in|the|u.s.|wait|...|what|...|.|a|--|b|--|-c"),
            ("in the u.s.", "in|the|u.s."),
            ("i met u. smith jr.", "i|met|u.|smith|jr|."),
            ("a\u{85}b\u{a0}c\u{feff}d", "a|b|c|d"),
            ("你好，世界。", "你好，世界。"),
            ("[x](y)<z>{w}?!", "[|x|]|(|y|)|<|z|>|{|w|}|?|!"),
            ("", ""),
            (" \n", ""),
            (".", "."),
            ("...", "..."),
        ] {
            assert_eq!(Treebank::new(text).words().join("|"), words, "{text}");
        }
    }
}
