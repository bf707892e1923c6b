//! Signs of HTML in a text, each worth points. The patterns and points are those of promptfoo.

use std::sync::LazyLock;

use regex::Regex;

/// So many points make HTML.
pub const ENOUGH: u32 = 2;

/// White space of JavaScript.
const SPACE: &str = r"[\t\n\x0B\x0C\r \u{a0}\u{1680}\u{2000}-\u{200a}\u{2028}\u{2029}\u{202f}\u{205f}\u{3000}\u{feff}]";

/// A pattern, and what its first match is worth. An opening and a closing tag are enough together.
const SIGNS: [(&str, u32); 8] = [
    // An opening tag.
    (r"<[a-zA-Z][a-zA-Z0-9-]*(?:\s[^>]*)?>", 1),
    // A closing tag.
    (r"</[a-zA-Z][a-zA-Z0-9-]*\s*>", 1),
    // An element that is empty.
    (r"<[a-zA-Z][a-zA-Z0-9-]*(?:\s[^>]*)?/>", 1),
    // A character by name or number.
    (r"&(?:[a-zA-Z]+|#[0-9]+|#x[0-9a-fA-F]+);", 1),
    // The declaration of a page.
    (r"<![Dd][Oo][Cc][Tt][Yy][Pp][Ee]\s+[Hh][Tt][Mm][Ll]", 2),
    // A comment without two dashes inside.
    (r"<!--[^-]*(?:-[^-]+)*-->", 1),
    // An attribute in quotes.
    (r#"\s[a-zA-Z-]+=\s*["'][^"']*["']"#, 1),
    // The beginning of a tag that everybody knows.
    (
        concat!(
            r"(?i-u)<(html|head|body|div|span|p|a|img|h[1-6]|ul|ol|li|table|tr|td|th|form|input|button|script|",
            r"style|link|meta|br|hr)\b"
        ),
        2,
    ),
];

static COMPILED: LazyLock<Vec<(Regex, u32)>> = LazyLock::new(|| {
    let compile = |(pattern, points): &(&str, u32)| Some((Regex::new(&pattern.replace(r"\s", SPACE)).ok()?, *points));
    SIGNS.iter().filter_map(compile).collect()
});

/// The points of a text. Takes time in proportion to its length.
pub fn points(text: &str) -> u32 {
    COMPILED.iter().filter(|(sign, _)| sign.is_match(text)).map(|(_, points)| points).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_are_worth_points() {
        assert_eq!(COMPILED.len(), SIGNS.len());
        for (text, expected) in [
            ("", 0),
            ("a < b, c > d", 0),
            ("<x>", 1),
            ("</x>", 1),
            ("<x>y</x>", 2),
            ("<x/>", 1),
            ("<x />", 2),
            ("<x k='1'/>", 3),
            ("&lt; &#60; &#x3c;", 1),
            ("<!doctype\u{feff}HTML>", 2),
            ("<!-- a-b -->", 1),
            ("<!-- a--b -->", 0),
            ("x <a then", 2),
            ("x <abc then", 0),
            ("<aé", 2),
            ("<\u{17f}pan", 0),
        ] {
            assert_eq!(points(text), expected, "{text}");
        }
    }
}
