//! A comparison as Markdown, fit for a comment on a pull request.

use std::fmt::Write as _;

use super::Compared;
use super::view::{Case, Gate, Names, Row, View};
use super::visible::stand_in;
use crate::env::Redactor;
use crate::report::diff::Piece;
use crate::stats::Better;

/// Where comments are kept, they may be so long, with room for what stands around the cases.
const LONGEST: usize = 40_000;
/// What is shown of a text on both sides of a change, in characters.
const AROUND: usize = 120;
/// What is shown of a changed text.
const CHANGE: usize = 600;

/// Comparisons as Markdown.
pub fn markdown(all: &[Compared<'_>], redactor: &Redactor) -> String {
    let mut page = Page::default();
    for compared in all {
        write(&mut page, &View::of(compared, redactor));
    }
    page.0
}

/// Markdown in the making. What is ours is static; anything else is escaped on its way in, so that no
/// text can be taken for markup.
#[derive(Default)]
pub(in crate::report) struct Page(String);

impl Page {
    /// The whole page.
    pub(in crate::report) fn end(self) -> String {
        self.0
    }

    pub(in crate::report) fn ours(&mut self, markup: &'static str) -> &mut Self {
        self.0.push_str(markup);
        self
    }

    pub(in crate::report) fn text(&mut self, text: &str) -> &mut Self {
        let text = text.replace("\r\n", "\n");
        let mut rest = text.chars().peekable();
        while let Some(c) = rest.next() {
            self.char(c, rest.peek().copied());
        }
        self
    }

    fn char(&mut self, c: char, next: Option<char>) {
        match (c, next) {
            ('&', _) => self.0.push_str("&amp;"),
            ('<', _) => self.0.push_str("&lt;"),
            ('>', _) => self.0.push_str("&gt;"),
            ('\n', _) => self.0.push_str("<br>"),
            ('\t', _) => self.0.push(' '),
            // These would call people, link issues and make addresses into links.
            ('@', _) | ('#', Some('0'..='9')) | (':', Some('/')) => _ = write!(self.0, "\\{c}&#8203;"),
            ('.', _) if ends_with_www(&self.0) => self.0.push_str("&#8203;."),
            ('\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '$' | '#' | '!', _) => self.0.extend(['\\', c]),
            _ => match stand_in(c) {
                Some(shown) => self.0.push_str(&shown.replace('[', "\\[").replace(']', "\\]")),
                None => self.0.push(c),
            },
        }
    }

    /// A text between marks that take no blanks at their inner sides.
    fn marked(&mut self, mark: &'static str, text: &str) {
        let core = text.trim();
        let start = text.len() - text.trim_start().len();
        let end = if core.is_empty() { "" } else { &text[start + core.len()..] };
        self.text(&text[..start]).gap().ours(mark);
        if core.is_empty() {
            self.ours("␣")
        } else {
            self.text(core)
        };
        self.ours(mark).text(end).gap();
    }

    /// A text that may follow marks, whose blank is there already.
    fn after_marks(&mut self, text: &str) {
        let blank = self.0.ends_with(' ') && text.starts_with(' ');
        self.text(if blank { &text[1..] } else { text });
    }

    /// A blank, unless there is one: beside it marks are always marks.
    fn gap(&mut self) -> &mut Self {
        if !self.0.ends_with([' ', '\n']) {
            self.0.push(' ');
        }
        self
    }
}

fn ends_with_www(text: &str) -> bool {
    let start = text.len().saturating_sub(3);
    text.get(start..).is_some_and(|end| end.eq_ignore_ascii_case("www"))
}

fn write(page: &mut Page, view: &View) {
    page.ours("### ").text(&view.candidate).ours(" against ").text(&view.baseline).ours("\n\n");
    if let Some(gate) = &view.gate {
        decision(page, gate);
    }
    for sentence in [&view.sentence, &view.dropped].into_iter().flatten() {
        page.text(sentence).ours("\n\n");
    }
    table(page, view);
    names(page, "Fixed", &view.fixed);
    names(page, "Broken", &view.broken);
    changed(page, view);
}

fn decision(page: &mut Page, gate: &Gate) {
    page.ours("**").text(&gate.word()).ours("** – ").text(&gate.words);
    if let Some(early) = &gate.early {
        page.ours(" ").text(early);
    }
    page.ours("\n\n");
}

fn table(page: &mut Page, view: &View) {
    if view.rows.is_empty() {
        page.ours("Nothing was compared.\n\n");
        return;
    }
    page.ours("| metric | baseline | candidate | difference | ").text(&view.confidence);
    page.ours(" % interval | p (corrected) | verdict |\n|---|---:|---:|---:|---:|---:|---|\n");
    for row in &view.rows {
        table_row(page, row);
    }
    page.ours("\n");
}

fn table_row(page: &mut Page, row: &Row) {
    for cell in [&row.metric, &row.baseline, &row.candidate, &row.difference, &row.interval, &row.p] {
        page.ours("| ").text(cell).ours(" ");
    }
    let bold = if row.verdict == Better::NoClearDifference { "" } else { "**" };
    page.ours("| ").ours(bold).ours(row.verdict_words).ours(bold).ours(" |\n");
}

fn names(page: &mut Page, title: &'static str, names: &Names) {
    if names.all == 0 {
        return;
    }
    page.ours("**").ours(title).ours("** (").text(&names.all.to_string()).ours("): ");
    for (n, id) in names.listed.iter().enumerate() {
        page.ours(if n > 0 { ", " } else { "" }).text(id);
    }
    if let Some(more) = names.more() {
        page.ours(" ").text(&more);
    }
    page.ours("\n\n");
}

fn changed(page: &mut Page, view: &View) {
    if view.changed.is_empty() {
        return;
    }
    let mut hidden = view.hidden;
    page.ours("<details><summary>Changed cases (");
    page.text(&(hidden + view.changed.len() as u64).to_string()).ours(")</summary>\n\n");
    for each in &view.changed {
        let before = page.0.len();
        case(page, each);
        // One long case may not push out the rest.
        if page.0.len() > LONGEST {
            page.0.truncate(before);
            hidden += 1;
        }
    }
    if hidden > 0 {
        page.ours("and ").text(&hidden.to_string()).ours(" more\n\n");
    }
    page.ours("</details>\n\n");
}

fn case(page: &mut Page, case: &Case) {
    page.ours("**").text(case.id.trim()).ours("** ");
    if let Some(description) = &case.description {
        page.ours("(").text(description).ours(") ");
    }
    page.ours("– ").ours(case.ended.0).ours(" → ").ours(case.ended.1);
    if let Some(reason) = &case.reason {
        page.ours(": ").text(reason);
    }
    page.ours("\n\n> ").ours(if case.has_before { "changes: " } else { "candidate: " });
    for piece in &case.pieces {
        match piece {
            Piece::Same(text) => page.after_marks(&shortened(text, AROUND, AROUND)),
            Piece::Removed(text) => page.marked("~~", &shortened(text, CHANGE, AROUND)),
            Piece::Added(text) => page.marked("**", &shortened(text, CHANGE, AROUND)),
        }
    }
    page.0.truncate(page.0.trim_end().len());
    page.ours("\n\n");
}

/// The beginning and the end of a text that is longer than both.
fn shortened(text: &str, start: usize, end: usize) -> String {
    let all = text.chars().count();
    if all <= start + end + 1 {
        return text.to_owned();
    }
    let head = text.chars().take(start);
    head.chain(" … ".chars()).chain(text.chars().skip(all - end)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::comparison::fixture::{changed, comparison, gate, hostile};

    fn told(output: (&str, &str)) -> String {
        let (comparison, gate) = (comparison(), gate());
        let changed = changed(output.0, output.1);
        let one = Compared { comparison: &comparison, changed: &changed, changes: 9, decision: Some(&gate) };
        markdown(&[one], &Redactor::default())
    }

    #[test]
    fn a_comment_in_full() {
        insta::assert_snapshot!(told(("Refunds take 14 days.", "Refunds take 30 days.")), @r#"
        ### new against old

        **INCONCLUSIVE** – 30 cases: 3 fixed, 1 broken. Difference +6.7 pp; could be up to 5.5 pp worse; limit 5.0. NOT SHOWN. About 477 cases would show it 4 times in 5 if it is really as good.

        candidate 29/30 passed (96.7 %, 95 % CI 83.3-99.4), baseline 27/30 (90.0 %, 74.4-96.5). On the same 30 cases: 3 fixed, 1 broken, 26 unchanged. Difference +6.7 pp, 95 % CI \[-8.7, +23.1\], p = 0.37. No clear difference. At this rate of change about 3,603 cases would show a 2 pp difference (80 % power).

        | metric | baseline | candidate | difference | 95 % interval | p (corrected) | verdict |
        |---|---:|---:|---:|---:|---:|---|
        | pass | 90.0 % | 96.7 % | +6.7 pp | \[-8.7, +23.1\] pp | 0.37 (0.63) | no clear difference |
        | score | 0.900 | 0.967 | +0.067 | \[-0.087, +0.231\] | 0.32 (0.63) | no clear difference |
        | latency | – | – | no variation | – | – | – |
        | tokens | – | – | no variation | – | – | – |
        | cost | – | – | no variation | – | – | – |

        **Fixed** (3): c0, c1, c2

        **Broken** (1): c3

        <details><summary>Changed cases (9)</summary>

        **c3** – passed → failed: expected "yes"

        > changes: Refunds take ~~14~~ **30** days.

        **c2** – passed → no verdict: gone

        > changes: ~~Refunds take 14 days.~~

        **c0** – failed → passed: expected "yes"

        > changes: Refunds take ~~14~~ **30** days.

        **c1** – not at hand → passed

        > candidate: Refunds take 30 days.

        and 5 more

        </details>
        "#);
    }

    #[test]
    fn hostile_words_break_nothing() {
        let (comparison, gate) = (hostile(), gate());
        let evil = "a|b **x** `<script>`\n\n</details>\n# big\n@all #12 https://x.y www.x.y ![i](u) \u{202e}\u{1b}[31m";
        let changed = changed(evil, &evil.replace("big", "~~small~~ "));
        let one = Compared { comparison: &comparison, changed: &changed, changes: 4, decision: Some(&gate) };
        let redactor = Redactor::default();
        redactor.learn("hunter2-hunter2");
        let text = markdown(&[one], &redactor);
        for word in [
            "<script", "<img", "hunter2", "NaN", "inf", "\u{202e}", "\u{1b}", "`<", " @all", "://", "www.", "![",
            "\n# ",
        ] {
            assert!(!text.replace("\\`", "").contains(word), "{word}: {text}");
        }
        assert_eq!((text.matches("<details>").count(), text.matches("</details>").count()), (1, 1));
        let bars = |line: &str| line.replace("\\|", "").matches('|').count();
        let table: Vec<usize> = text.lines().filter(|line| line.starts_with('|')).map(bars).collect();
        assert!(table.len() > 3 && table.iter().all(|n| *n == 8), "{table:?}");
    }

    #[test]
    fn many_names_and_long_answers_are_cut_short() {
        let mut comparison = comparison();
        comparison.metrics[0].fixed = (0..25).map(|n| format!("case-{n}").into()).collect();
        comparison.metrics[0].broken = (0..25).map(|n| format!("{n}{}", "x".repeat(9_000)).into()).collect();
        let long = |word: &str| format!("{word} ").repeat(20_000);
        let changed = changed(&long("a"), &long("b"));
        let one = Compared { comparison: &comparison, changed: &changed, changes: 4, decision: None };
        let text = markdown(&[one], &Redactor::default());
        assert!(text.contains("case-19 and 5 more") && !text.contains("case-20"), "{text}");
        assert!(text.len() < 12_000, "{}", text.len());
    }

    #[test]
    fn marks_stand_beside_blanks() {
        let mut page = Page::default();
        page.text("x").marked("**", " a* ");
        page.marked("~~", "\n");
        page.after_marks(" y");
        assert_eq!(page.0, "x **a\\*** <br> ~~␣~~ y");
    }
}
