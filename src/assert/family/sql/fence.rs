//! Code blocks in Markdown.

/// A block that has begun.
struct Open<'t> {
    mark: char,
    length: usize,
    is_sql: bool,
    lines: Vec<&'t str>,
}

/// The closed blocks between fences without a language, or with `sql`. Fences stand on lines of their own,
/// at most three characters of white space before them.
pub fn blocks(text: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut open: Option<Open<'_>> = None;
    for line in lines(text) {
        match (&mut open, fence(line)) {
            (None, Some((mark, length, info))) => {
                let is_sql = info.is_empty() || info.eq_ignore_ascii_case("sql");
                open = Some(Open { mark, length, is_sql, lines: Vec::new() });
            }
            (None, None) => {}
            (Some(block), Some((mark, length, ""))) if mark == block.mark && length >= block.length => {
                if block.is_sql {
                    blocks.push(block.lines.join("\n").trim().to_owned());
                }
                open = None;
            }
            (Some(block), _) => block.lines.push(line),
        }
    }
    blocks
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line)).flat_map(|line| line.split('\r'))
}

/// The character and length of a fence, and what stands behind it.
fn fence(line: &str) -> Option<(char, usize, &str)> {
    let rest = line.trim_start_matches([' ', '\t']);
    let mark = rest.chars().next().filter(|c| matches!(c, '`' | '~'))?;
    let info = rest.trim_start_matches(mark);
    let length = rest.len() - info.len();
    (line.len() - rest.len() <= 3 && length >= 3).then(|| (mark, length, info.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_found() {
        for (text, expected) in [
            ("a\n```sql\nb\n```\nc\n```\nd\n```", &["b", "d"][..]),
            ("```SQL \r\na\r\nb\r\n```\r\n", &["a\nb"]),
            ("~~~sql\na\n```\n~~~~", &["a\n```"]),
            ("````\na\n```\n````", &["a\n```"]),
            ("   ```\na\n   ```", &["a"]),
            ("    ```\na\n    ```", &[]),
            ("```mysql\na\n```\n```\nb\n```", &["b"]),
            ("```\n```", &[""]),
            ("```sql a```", &[]),
            ("```sql\na", &[]),
            ("```sql\na\n``` b\n```", &["a\n``` b"]),
        ] {
            assert_eq!(blocks(text), expected, "{text}");
        }
    }
}
