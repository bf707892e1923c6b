//! Short texts for reasons: one line, visible control characters, never megabytes.

use std::fmt;

/// How much of an output a reason quotes.
const EXCERPT: usize = 120;
/// How much of a value a reason quotes.
const EXPECTED: usize = 200;
/// How much of an expected value a verdict has.
const VALUE: usize = 1000;
/// How much of a script's or a grader's words.
const REASON: usize = 1000;

/// A text in quotes, shortened, on one line.
#[derive(Debug, Clone, Copy)]
pub struct Quoted<'a>(pub &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        write_line(self.0, EXCERPT, f)?;
        f.write_str("\"")
    }
}

/// The words for an output that was not as expected.
#[derive(Debug, Clone, Copy)]
pub struct ItIs<'a>(pub &'a str);

impl fmt::Display for ItIs<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("it is empty");
        }
        write!(f, "it is {}", Quoted(self.0))
    }
}

/// The first of several texts, in quotes.
#[derive(Debug, Clone, Copy)]
pub struct Few<I>(pub I);

impl<'a, I: Iterator<Item = &'a str> + Clone> fmt::Display for Few<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MOST: usize = 4;
        for (i, text) in self.0.clone().take(MOST).enumerate() {
            write!(f, "{}{}", if i > 0 { ", " } else { "" }, Quoted(text))?;
        }
        match self.0.clone().skip(MOST).count() {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

/// An expected value for a verdict, as it is; who shows it makes it harmless.
pub fn value(text: &str) -> String {
    match text.char_indices().nth(VALUE) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// An expected value for a reason.
pub fn expected(text: &str) -> String {
    let mut out = String::with_capacity(text.len().min(EXPECTED));
    // Writing to a String does not fail.
    let _ = write_line(text, EXPECTED, &mut out);
    out
}

/// Somebody else's words about an answer: longer, but on one line.
pub fn reason(text: &str) -> String {
    let mut out = String::with_capacity(text.len().min(REASON));
    let _ = write_line(text.trim(), REASON, &mut out);
    out
}

/// A message of another tool, shortened, on one line.
pub fn line(text: &str) -> String {
    expected(text)
}

fn write_line(text: &str, most: usize, out: &mut impl fmt::Write) -> fmt::Result {
    let end = text.char_indices().nth(most).map_or(text.len(), |(end, _)| end);
    let (head, cut) = (&text[..end], end < text.len());
    let mut from = 0;
    for (at, c) in head.char_indices().filter(|(_, c)| hidden(*c)) {
        out.write_str(&head[from..at])?;
        write!(out, "{}", c.escape_debug())?;
        from = at + c.len_utf8();
    }
    out.write_str(&head[from..])?;
    if cut { out.write_str("…") } else { Ok(()) }
}

/// Characters that break a line, move the cursor or turn the direction of writing.
fn hidden(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_on_one_line() {
        assert_eq!(Quoted("a\nb \u{1b}[31m").to_string(), r#""a\nb \u{1b}[31m""#);
        assert_eq!(Quoted(&"é".repeat(500)).to_string().chars().count(), 123);
        assert_eq!(ItIs("").to_string(), "it is empty");
    }
}
