//! Lists written as one text: `red, "green, dark", blue`.

/// Splits a text at its commas. A field may stand in double quotes, inside which `""` and a backslash
/// escape; other fields are trimmed; empty fields are left out.
///
/// # Errors
/// When a quote is not closed, or text follows a closing quote.
pub fn split(text: &str) -> Result<Vec<String>, String> {
    let mut fields = Vec::new();
    let mut rest = text;
    loop {
        let start = rest.trim_start_matches(is_space);
        let (field, after) = match start.strip_prefix('"') {
            Some(quoted) => quoted_field(quoted)?,
            None => plain_field(rest),
        };
        if !field.is_empty() {
            fields.push(field);
        }
        match after {
            Some(more) => rest = more,
            None => return Ok(fields),
        }
    }
}

fn plain_field(text: &str) -> (String, Option<&str>) {
    let (field, after) = text.split_once(',').map_or((text, None), |(f, a)| (f, Some(a)));
    (field.trim_matches(is_space).to_owned(), after)
}

/// The field after its opening quote, and what follows the next comma.
fn quoted_field(text: &str) -> Result<(String, Option<&str>), String> {
    let mut field = String::new();
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' if chars.next_if(|(_, next)| *next == '"').is_some() => field.push('"'),
            '"' => return after_quote(&text[at + 1..]).map(|after| (field, after)),
            // A backslash protects a quote or itself; before anything else it is a backslash.
            '\\' => match chars.next_if(|(_, next)| matches!(next, '"' | '\\')) {
                Some((_, escaped)) => field.push(escaped),
                None => field.push('\\'),
            },
            _ => field.push(c),
        }
    }
    Err("the list has a double quote that is not closed".into())
}

fn after_quote(text: &str) -> Result<Option<&str>, String> {
    let rest = text.trim_start_matches(is_space);
    if rest.is_empty() {
        return Ok(None);
    }
    rest.strip_prefix(',').map(Some).ok_or_else(|| "the list has text after a closing double quote".into())
}

/// White space as JavaScript has it: with U+FEFF, without U+0085.
pub fn is_space(c: char) -> bool {
    c == '\u{feff}' || (c.is_whitespace() && c != '\u{85}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_like_a_csv_row() {
        for (text, expected) in [
            ("a,b", &["a", "b"][..]),
            (" a , b c ", &["a", "b c"]),
            ("a,,b,", &["a", "b"]),
            (",", &[]),
            (r#""a,b",c"#, &["a,b", "c"]),
            (r#" "a" , c"#, &["a", "c"]),
            (r#""say ""hi""",x"#, &[r#"say "hi""#, "x"]),
            (r#""say \"hi\"",x"#, &[r#"say "hi""#, "x"]),
            (r#"it"s,b"#, &[r#"it"s"#, "b"]),
            ("a\nb", &["a\nb"]),
        ] {
            assert_eq!(split(text).unwrap(), expected, "{text}");
        }
        assert!(split("\"a").is_err());
        assert!(split("\"a\"b,c").is_err());
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in "[a,\"\\\\ \n\u{feff}é]{0,24}") {
            let _ = split(&text);
        }
    }
}
