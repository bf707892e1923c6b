//! Words as `gleu` and `meteor` cut them: white space separates, full stops at the end are dropped.

use crate::assert::matcher::commas::is_space;

/// The words of a text without the white space around it. A blank text is one empty word, as in promptfoo.
pub fn trimmed(text: &str) -> impl Iterator<Item = &str> {
    split(text.trim_matches(is_space))
}

/// The words of a text; white space at its ends makes an empty word there, as in promptfoo.
pub fn split(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let (word, after) = match rest?.split_once(is_space) {
            Some((word, after)) => (word, Some(after.trim_start_matches(is_space))),
            None => (rest?, None),
        };
        rest = after;
        Some(word.trim_end_matches('.'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_as_javascript_does() {
        let bars = |words: Vec<&str>| words.join("|");
        for (text, plain, without_space) in [
            ("a b.. c.", "a|b|c", "a|b|c"),
            (" a \n b ", "|a|b|", "a|b"),
            ("", "", ""),
            ("...", "", ""),
            (". a", "|a", "|a"),
        ] {
            assert_eq!(bars(split(text).collect()), plain, "{text}");
            assert_eq!(bars(trimmed(text).collect()), without_space, "{text}");
        }
        assert_eq!(split("").count(), 1);
    }
}
