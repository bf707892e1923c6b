//! XML 1.0 that every parser takes, whatever a model said.
//!
//! XML 1.0 has no way at all to write most control characters, U+FFFE and U+FFFF: they become
//! U+FFFD. Line breaks and tabs in an attribute, and carriage returns everywhere, are written as
//! references, because a parser turns the raw ones into something else. There is no CDATA: escaped
//! text has no `]]>` to fall over. Tags are written by `quick-xml`; the escapes are ours, because its
//! own leave those characters and line breaks as they are.

use std::borrow::Cow;
use std::io::{self, Write};

use quick_xml::Writer;
use quick_xml::events::attributes::Attribute;
use quick_xml::events::{BytesEnd, BytesStart, BytesText, Event};
use quick_xml::name::QName;

/// The first line of a document.
pub(super) const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

/// The byte that U+FFFE and U+FFFF begin with, and nothing that stands inside a character.
const FIRST_OF_FFFE: u8 = 0xEF;

/// Attributes: names that are ours, values that are anybody's.
pub(super) type Attributes<'a> = [(&'a str, &'a str)];

/// `<name a="b">`
pub(super) fn open(out: &mut dyn Write, name: &str, attributes: &Attributes<'_>) -> io::Result<()> {
    Writer::new(out).write_event(Event::Start(tag(name, attributes)))
}

/// `<name a="b"/>`
pub(super) fn empty(out: &mut dyn Write, name: &str, attributes: &Attributes<'_>) -> io::Result<()> {
    Writer::new(out).write_event(Event::Empty(tag(name, attributes)))
}

/// `</name>`
pub(super) fn close(out: &mut dyn Write, name: &str) -> io::Result<()> {
    Writer::new(out).write_event(Event::End(BytesEnd::new(name)))
}

/// Text between tags.
pub(super) fn text(out: &mut dyn Write, text: &str) -> io::Result<()> {
    Writer::new(out).write_event(Event::Text(BytesText::from_escaped(escape(text, Place::Text))))
}

/// The character as XML 1.0 can say it.
pub(super) fn legal(c: char) -> char {
    match c {
        '\t' | '\n' | '\r' => c,
        '\0'..='\u{1F}' | '\u{FFFE}' | '\u{FFFF}' => char::REPLACEMENT_CHARACTER,
        _ => c,
    }
}

fn tag<'a>(name: &'a str, attributes: &Attributes<'_>) -> BytesStart<'a> {
    let mut tag = BytesStart::new(name);
    for (key, value) in attributes {
        // What is escaped already is not escaped again.
        tag.push_attribute(Attribute { key: QName(key), value: escape(value, Place::Attribute) });
    }
    tag
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Place {
    Text,
    Attribute,
}

/// The text with what cannot stand at this place written otherwise. All between is taken over piece
/// by piece: most texts have little of it.
fn escape(text: &str, place: Place) -> Cow<'_, str> {
    let mut safe = String::new();
    let mut taken = 0;
    for at in (0..text.len()).filter(|at| is_odd(text.as_bytes()[*at])) {
        if let Some((instead, length)) = instead(&text[at..], place) {
            safe.push_str(&text[taken..at]);
            safe.push_str(instead);
            taken = at + length;
        }
    }
    if taken == 0 {
        return Cow::Borrowed(text);
    }
    safe.push_str(&text[taken..]);
    Cow::Owned(safe)
}

/// Whether a character that begins with this byte may have to be written otherwise.
fn is_odd(byte: u8) -> bool {
    byte < b' ' || matches!(byte, b'&' | b'<' | b'>' | b'"' | FIRST_OF_FFFE)
}

/// What is written for the first character of a text, and how many bytes that one has; nothing for
/// one that can stand as it is.
fn instead(text: &str, place: Place) -> Option<(&'static str, usize)> {
    let c = text.chars().next()?;
    let instead = match c {
        '&' => "&amp;",
        '<' => "&lt;",
        '>' => "&gt;",
        '\r' => "&#13;",
        '"' if place == Place::Attribute => "&quot;",
        '\n' if place == Place::Attribute => "&#10;",
        '\t' if place == Place::Attribute => "&#9;",
        illegal if legal(illegal) != illegal => "\u{FFFD}",
        _ => return None,
    };
    Some((instead, c.len_utf8()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture::{Element, parse};
    use proptest::prelude::*;

    fn round(value: &str) -> Element {
        let mut out = Vec::new();
        open(&mut out, "a", &[("b", value)]).unwrap();
        text(&mut out, value).unwrap();
        close(&mut out, "a").unwrap();
        parse(&out)
    }

    fn legal_text(value: &str) -> String {
        value.chars().map(legal).collect()
    }

    #[test]
    fn hostile_text_comes_back_as_it_was_or_replaced() {
        let read = round("NUL\0 BEL\u{7} ESC\u{1b}[31m \u{FFFE}\u{FFFF} ]]> <&\"'> \t|\n|\r\n|");
        let expected = "NUL\u{FFFD} BEL\u{FFFD} ESC\u{FFFD}[31m \u{FFFD}\u{FFFD} ]]> <&\"'> \t|\n|\r\n|";
        assert_eq!((read.text.as_str(), read.get("b")), (expected, expected));
    }

    /// The rule as it is read aloud: character by character.
    fn escaped(text: &str, place: Place) -> String {
        let one = |c: char| match (c, place) {
            ('&', _) => "&amp;".to_owned(),
            ('<', _) => "&lt;".to_owned(),
            ('>', _) => "&gt;".to_owned(),
            ('\r', _) => "&#13;".to_owned(),
            ('"', Place::Attribute) => "&quot;".to_owned(),
            ('\n', Place::Attribute) => "&#10;".to_owned(),
            ('\t', Place::Attribute) => "&#9;".to_owned(),
            (other, _) => legal(other).to_string(),
        };
        text.chars().map(one).collect()
    }

    proptest! {
        #[test]
        fn pieces_are_escaped_as_characters_are(value in "[\\x00-\\x7E\u{FF00}-\u{FFFF}éa\u{10FFFF}]{0,40}") {
            for place in [Place::Text, Place::Attribute] {
                prop_assert_eq!(escape(&value, place), escaped(&value, place));
            }
        }

        #[test]
        fn any_string_is_well_formed_and_comes_back(value in any::<String>()) {
            let read = round(&value);
            let expected = legal_text(&value);
            prop_assert_eq!(read.get("b"), expected.as_str());
            prop_assert_eq!(read.text, expected);
        }

        #[test]
        fn any_hostile_string_too(value in "[\\x00-\\x20<>&\"'\\]\u{FFFD}-\u{FFFF}a\u{10FFFF}]{0,40}") {
            prop_assert_eq!(round(&value).text, legal_text(&value));
        }
    }
}
