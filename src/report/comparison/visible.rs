//! Characters that cannot be seen, or that turn the text around them.

/// What stands for such a character; nothing for any other. Line breaks and tabs are seen by what they do.
pub(super) fn stand_in(c: char) -> Option<String> {
    match c {
        '\n' | '\t' => None,
        '\u{0}'..='\u{1f}' => char::from_u32(0x2400 + u32::from(c)).map(String::from),
        '\u{7f}' => Some('\u{2421}'.into()),
        c if c.is_control() || is_format(c) => Some(format!("[U+{:04X}]", u32::from(c))),
        _ => None,
    }
}

/// Marks of direction, blanks without width, and tags. The joiners that scripts and emoji need stay.
fn is_format(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_is_shown() {
        let shown = |text: &str| text.chars().map(|c| stand_in(c).unwrap_or_else(|| c.into())).collect::<String>();
        assert_eq!(shown("a\n\tb\u{1b}[31m\u{7f}\u{85}"), "a\n\tb␛[31m␡[U+0085]");
        assert_eq!(shown("\u{202e}x\u{2066}\u{200b}👩\u{200d}💻"), "[U+202E]x[U+2066][U+200B]👩\u{200d}💻");
    }
}
