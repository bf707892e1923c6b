//! JSON objects inside prose.

use serde_json::{Deserializer, Value};

/// How much text may be read again before the search is given up.
const WORK: usize = 64 << 20;

/// Walks over the outermost JSON objects of a text, until `found` says that one will do.
///
/// # Errors
/// When the text is made so that the search would take too long.
pub fn any_object(text: &str, mut found: impl FnMut(&Value) -> bool) -> Result<bool, String> {
    let mut at = 0;
    let mut work = 0;
    // Opening braces that are known to begin nothing, in order.
    let mut broken: Vec<usize> = Vec::new();
    while let Some(open) = text[at..].find('{').map(|i| at + i) {
        at = open + 1;
        if !may_open(&text[at..]) || broken.binary_search(&open).is_ok() {
            continue;
        }
        let mut values = Deserializer::from_str(&text[open..]).into_iter::<Value>();
        match values.next() {
            Some(Ok(value)) => {
                if found(&value) {
                    return Ok(true);
                }
                at = open + values.byte_offset();
            }
            // A broken object may hold whole ones. Those that are open where it breaks, break there too.
            Some(Err(error)) => {
                let end = open + offset(&error, &text[open..]);
                work += end - open;
                broken = unclosed(text, open, end);
            }
            None => return Ok(false),
        }
        if work > WORK {
            return Err("the output has too many unfinished JSON objects to look through".into());
        }
    }
    Ok(false)
}

/// An object goes on with a key or ends at once: most braces of prose are told apart here.
fn may_open(rest: &str) -> bool {
    matches!(rest.trim_start_matches([' ', '\t', '\n', '\r']).bytes().next(), Some(b'"' | b'}'))
}

/// How far the parser came.
fn offset(error: &serde_json::Error, text: &str) -> usize {
    if error.is_eof() {
        return text.len();
    }
    let line = match error.line() {
        0 | 1 => 0,
        line => text.match_indices('\n').nth(line - 2).map_or(text.len(), |(i, _)| i + 1),
    };
    (line + error.column()).min(text.len())
}

/// The braces that are open at the end of a stretch of JSON.
fn unclosed(text: &str, start: usize, end: usize) -> Vec<usize> {
    let mut open = Vec::new();
    let (mut quoted, mut escaped) = (false, false);
    for (i, byte) in text.as_bytes()[start..end].iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'{' if !quoted => open.push(start + i),
            b'}' if !quoted => drop(open.pop()),
            _ => {}
        }
    }
    open
}

#[cfg(test)]
mod tests {
    use super::*;

    fn objects(text: &str) -> Vec<String> {
        let mut all = Vec::new();
        any_object(text, |value| {
            all.push(value.to_string());
            false
        })
        .unwrap();
        all
    }

    #[test]
    fn finds_the_outermost_objects() {
        for (text, expected) in [
            ("x {\"a\":1} y {\"b\":{}}", &["{\"a\":1}", "{\"b\":{}}"][..]),
            ("{\"a\":\"}\"}", &["{\"a\":\"}\"}"]),
            ("[{\"a\":1}, 2]", &["{\"a\":1}"]),
            ("{\"x\":[{\"ok\":1}", &["{\"ok\":1}"]),
            ("{name} ${x} {a: 1}", &[]),
            ("[1,2] 3 \"s\"", &[]),
            ("{}", &["{}"]),
            ("{\"a\": \"see {\"b\":1}\"}", &["{\"b\":1}"]),
            ("{\"a\":1,\n\"b\":{\"c\":2},\n oops {\"d\":3}", &["{\"c\":2}", "{\"d\":3}"]),
        ] {
            assert_eq!(objects(text), expected, "{text}");
        }
    }

    #[test]
    fn a_megabyte_of_braces_is_looked_through() {
        assert!(objects(&"{".repeat(1 << 20)).is_empty());
        assert!(any_object(&"{\"a\":".repeat(1 << 17), |_| false).is_ok());
        assert!(any_object(&"{\n\"a\":[{},".repeat(1 << 16), |_| false).is_ok());
    }
}
