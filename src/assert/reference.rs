//! The reference of all kinds, in Markdown, made from their tables.

use super::{ASSERTION, Example, Kind, kinds};
use crate::yaml::Use;

const HEAD: &str = "# Assertions

An assertion is a map with a `type` in the list under `assert` of a test or of `defaultTest`. `prompteval explain NAME`
shows what stands here about one kind; `prompteval explain --markdown` writes this page.

`not-` before a kind turns its verdict round: what passed fails, with score 0, and what failed passes, with score 1,
unless the kind says otherwise. What cannot be evaluated is an error, with `not-` as well, and never a pass or a failure.

";

/// A page with a section for every kind.
pub fn reference() -> String {
    let mut page = HEAD.to_owned();
    page += "## Keys of an assertion\n\n| Key | Meaning |\n|---|---|\n";
    for key in ASSERTION.keys.iter().filter(|key| key.usage == Use::Read) {
        page += &format!("| `{}` | {} |\n", key.name, cell(key.about));
    }
    page += "\n## Kinds\n\n";
    let names: Vec<_> = kinds().map(|kind| format!("[{0}](#{0})", kind.name)).collect();
    page += &format!("{}.\n", names.join(" · "));
    for kind in kinds() {
        page += &section(kind);
    }
    page
}

fn section(kind: &Kind) -> String {
    let mut text = format!("\n### {}\n\nPasses when {}.\n\n| | |\n|---|---|\n", kind.name, kind.about);
    let threshold = match kind.default_threshold {
        Some(default) => format!("{}; {default} by default", kind.threshold),
        None => kind.threshold.to_owned(),
    };
    let negation = if kind.negatable { "yes" } else { "no" };
    let rows = [("`value`", kind.value), ("`threshold`", &threshold), ("score", kind.score), ("`not-`", negation)];
    for (name, meaning) in rows.iter().filter(|(_, meaning)| !meaning.is_empty()) {
        text += &format!("| {name} | {} |\n", cell(meaning));
    }
    text + "\n```yaml\n" + &example("passes", &kind.passes) + "\n" + &example("fails", &kind.fails) + "```\n"
}

/// An assertion under the answer that it judges.
fn example(word: &str, example: &Example) -> String {
    let answer = if example.response.is_empty() { example.output } else { example.response };
    let answer = answer.lines().map(|line| format!("#   {line}").trim_end().to_owned() + "\n").collect::<String>();
    let reply = |line: &str| format!("#   {line}\n");
    let replies = example.grader.lines().map(reply).collect::<String>();
    let grader = if replies.is_empty() { String::new() } else { format!("# where the grader replies\n{replies}") };
    format!("# {word} on\n{answer}{grader}- {}\n", example.assertion)
}

/// A text that may stand in a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `PROMPTEVAL_BLESS=1 cargo test --lib reference` writes the page anew.
    #[test]
    #[expect(clippy::disallowed_methods, reason = "who develops asks for the page by a variable")]
    fn the_page_is_as_the_tables_are() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/assertions.md");
        if std::env::var("PROMPTEVAL_BLESS").is_ok() {
            std::fs::write(&path, reference()).unwrap();
        }
        let page = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(page == reference(), "docs/assertions.md is out of date: run this test with PROMPTEVAL_BLESS=1");
    }

    #[test]
    fn examples_in_several_lines_are_comments() {
        let text = example("passes", &Example::new("a\n\nb", "{type: contains, value: a}"));
        assert_eq!(text, "# passes on\n#   a\n#\n#   b\n- {type: contains, value: a}\n");
    }
}
