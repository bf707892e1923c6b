//! A comparison as one page that needs nothing but itself: no scripts, nothing from elsewhere.

use std::fmt::Write as _;

use super::Compared;
use super::chart::{Chart, Mark, WIDTH};
use super::view::{Case, Gate, Names, Row, View};
use super::visible::stand_in;
use crate::env::Redactor;
use crate::report::diff::Piece;
use crate::stats::Better;

const HEAD: &str = "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
    <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
    <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
    <meta name=\"referrer\" content=\"no-referrer\">\n<title>";

/// Comparisons as a page.
pub fn html(all: &[Compared<'_>], redactor: &Redactor) -> String {
    let mut page = Page::begin("Comparison of prompts");
    for compared in all {
        page.view(&View::of(compared, redactor));
    }
    page.end()
}

/// HTML in the making. What is ours is static; anything else is escaped on its way in, so that no text
/// can be taken for markup, inside an element or an attribute.
#[derive(Default)]
pub(in crate::report) struct Page(String);

impl Page {
    /// A page with this title.
    pub(in crate::report) fn begin(title: &str) -> Self {
        let mut page = Self::default();
        page.ours(HEAD).text(title).ours("</title>\n<style>\n").ours(include_str!("page.css"));
        page.ours("</style>\n</head>\n<body>\n<main>\n");
        page
    }

    /// The whole page.
    pub(in crate::report) fn end(mut self) -> String {
        self.ours("</main>\n</body>\n</html>\n");
        self.0
    }

    /// A figure of ours, whose texts are escaped in it.
    pub(in crate::report) fn figure(&mut self, svg: &str) -> &mut Self {
        self.0.push_str("<figure>");
        self.0.push_str(svg);
        self.ours("</figure>\n")
    }

    pub(in crate::report) fn ours(&mut self, markup: &'static str) -> &mut Self {
        self.0.push_str(markup);
        self
    }

    pub(in crate::report) fn text(&mut self, text: &str) -> &mut Self {
        for c in text.replace("\r\n", "\n").chars() {
            match c {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                _ => match stand_in(c) {
                    Some(shown) => self.0.push_str(&shown),
                    None => self.0.push(c),
                },
            }
        }
        self
    }

    /// A text from outside in an element: it cannot turn the text around it.
    fn word(&mut self, text: &str) -> &mut Self {
        self.ours("<bdi>").text(text).ours("</bdi>")
    }

    fn number(&mut self, number: f64) -> &mut Self {
        _ = write!(self.0, "{number:.1}");
        self
    }

    fn view(&mut self, view: &View) {
        self.ours("<h1>").word(&view.candidate).ours(" against ").word(&view.baseline).ours("</h1>\n");
        if let Some(gate) = &view.gate {
            self.gate(gate);
        }
        for sentence in [&view.sentence, &view.dropped].into_iter().flatten() {
            self.ours("<p>").text(sentence).ours("</p>\n");
        }
        if let Some(chart) = &view.chart {
            self.chart(chart, &view.confidence);
        }
        self.changed(view);
        self.names("Fixed", &view.fixed);
        self.names("Broken", &view.broken);
        self.table(view);
    }

    fn gate(&mut self, gate: &Gate) {
        self.ours("<p class=\"gate ").ours(gate.verdict.word()).ours("\"><strong>").text(&gate.word());
        self.ours("</strong> – ").text(&gate.words);
        if let Some(early) = &gate.early {
            self.ours(" <span class=\"soft\">").text(early).ours("</span>");
        }
        self.ours("</p>\n");
    }

    fn changed(&mut self, view: &View) {
        if view.changed.is_empty() {
            return;
        }
        self.ours("<h2>Changed cases</h2>\n");
        for case in &view.changed {
            self.case(case);
        }
        if view.hidden > 0 {
            self.ours("<p class=\"soft\">and ").text(&view.hidden.to_string()).ours(" more</p>\n");
        }
    }

    fn case(&mut self, case: &Case) {
        let class = match case.better {
            Some(true) => "better",
            Some(false) => "worse",
            None => "soft",
        };
        self.ours("<section class=\"case\">\n<h3>").word(&case.id).ours("</h3>\n");
        if let Some(description) = &case.description {
            self.ours("<div>").word(description).ours("</div>\n");
        }
        self.ours("<div><span class=\"").ours(class).ours("\">").ours(case.ended.0).ours(" → ").ours(case.ended.1);
        self.ours("</span>");
        if let Some(reason) = &case.reason {
            self.ours(": ").word(reason);
        }
        self.ours("</div>\n<div class=\"sides\">\n");
        if case.has_before {
            self.side("Baseline", &case.pieces, |piece| !matches!(piece, Piece::Added(_)));
        }
        self.side("Candidate", &case.pieces, |piece| !matches!(piece, Piece::Removed(_)));
        self.ours("</div>\n</section>\n");
    }

    fn side(&mut self, title: &'static str, pieces: &[Piece], shown: fn(&Piece) -> bool) {
        self.ours("<div><span class=\"soft\">").ours(title).ours("</span>\n<pre dir=\"auto\">");
        for piece in pieces.iter().filter(|piece| shown(piece)) {
            match piece {
                Piece::Same(text) => self.text(text),
                Piece::Removed(text) => self.ours("<del>").text(text).ours("</del>"),
                Piece::Added(text) => self.ours("<ins>").text(text).ours("</ins>"),
            };
        }
        self.ours("</pre></div>\n");
    }

    fn names(&mut self, title: &'static str, names: &Names) {
        if names.all == 0 {
            return;
        }
        self.ours("<p><strong>").ours(title).ours("</strong> (").text(&names.all.to_string()).ours("): ");
        for (n, id) in names.listed.iter().enumerate() {
            self.ours(if n > 0 { ", " } else { "" }).word(id);
        }
        if let Some(more) = names.more() {
            self.ours(" ").text(&more);
        }
        self.ours("</p>\n");
    }

    fn table(&mut self, view: &View) {
        self.ours("<h2>Metrics</h2>\n");
        if view.rows.is_empty() {
            self.ours("<p>Nothing was compared.</p>\n");
            return;
        }
        self.ours("<div class=\"wide\"><table>\n<thead><tr><th>metric</th><th>baseline</th><th>candidate</th>");
        self.ours("<th>difference</th><th>").text(&view.confidence).ours(" % interval</th>");
        self.ours("<th>p (corrected)</th><th>verdict</th></tr></thead>\n<tbody>\n");
        for row in &view.rows {
            self.row(row);
        }
        self.ours("</tbody>\n</table></div>\n");
    }

    fn row(&mut self, row: &Row) {
        self.ours("<tr><td>").word(&row.metric).ours("</td>");
        for cell in [&row.baseline, &row.candidate, &row.difference, &row.interval, &row.p] {
            self.ours("<td>").text(cell).ours("</td>");
        }
        let class = match row.verdict {
            Better::Better => "better",
            Better::Worse => "worse",
            Better::NoClearDifference => "soft",
        };
        self.ours("<td class=\"").ours(class).ours("\">").ours(row.verdict_words).ours("</td></tr>\n");
    }

    /// The difference of `pass` on a line, with zero and what the gate lets it lose.
    fn chart(&mut self, chart: &Chart, confidence: &str) {
        self.ours("<svg viewBox=\"0 0 ").number(WIDTH).ours(" 84\" role=\"img\">\n<title>Difference of pass ");
        self.text(&chart.difference.words).ours(" pp, ").text(confidence).ours(" % interval ");
        self.text(&chart.low.words).ours(" to ").text(&chart.high.words).ours(" pp</title>\n");
        self.upright("", &chart.zero);
        if let Some(margin) = &chart.margin {
            self.upright(" class=\"margin\"", margin).label(" class=\"limit\"", margin, "80", " limit");
        }
        self.ours("<line x1=\"0\" y1=\"42\" x2=\"").number(WIDTH).ours("\" y2=\"42\"/>\n<line class=\"ci\" x1=\"");
        self.number(chart.low.x).ours("\" y1=\"42\" x2=\"").number(chart.high.x).ours("\" y2=\"42\"/>\n<circle cx=\"");
        self.number(chart.difference.x).ours("\" cy=\"42\" r=\"6\"/>\n");
        self.label("", &chart.difference, "30", " pp").label("", &chart.low, "62", "").label("", &chart.high, "62", "");
        self.label("", &chart.zero, "12", "").ours("</svg>\n");
    }

    fn upright(&mut self, class: &'static str, at: &Mark) -> &mut Self {
        self.ours("<line").ours(class).ours(" x1=\"").number(at.x).ours("\" y1=\"16\" x2=\"").number(at.x);
        self.ours("\" y2=\"68\"/>\n")
    }

    fn label(&mut self, class: &'static str, at: &Mark, y: &'static str, after: &'static str) -> &mut Self {
        self.ours("<text").ours(class).ours(" x=\"").number(at.x).ours("\" y=\"").ours(y).ours("\">");
        self.text(&at.words).ours(after).ours("</text>\n")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::report::comparison::fixture::{changed, comparison, gate, hostile};

    #[test]
    fn a_page_in_full() {
        let (comparison, gate) = (comparison(), gate());
        let changed = changed("Refunds take 14 days.", "Refunds take 30 days.");
        let one = Compared { comparison: &comparison, changed: &changed[..1], changes: 4, decision: Some(&gate) };
        let page = html(&[one], &Redactor::default());
        assert!(
            page.contains("default-src 'none'; style-src 'unsafe-inline'") && page.contains("prefers-color-scheme")
        );
        let body = page.split_once("<main>").unwrap().1.split_once("</main>").unwrap().0;
        insta::assert_snapshot!(body, @r#"
        <h1><bdi>new</bdi> against <bdi>old</bdi></h1>
        <p class="gate inconclusive"><strong>INCONCLUSIVE</strong> – 30 cases: 3 fixed, 1 broken. Difference +6.7 pp; could be up to 5.5 pp worse; limit 5.0. NOT SHOWN. About 477 cases would show it 4 times in 5 if it is really as good.</p>
        <p>candidate 29/30 passed (96.7 %, 95 % CI 83.3-99.4), baseline 27/30 (90.0 %, 74.4-96.5). On the same 30 cases: 3 fixed, 1 broken, 26 unchanged. Difference +6.7 pp, 95 % CI [-8.7, +23.1], p = 0.37. No clear difference. At this rate of change about 3,603 cases would show a 2 pp difference (80 % power).</p>
        <svg viewBox="0 0 360.0 84" role="img">
        <title>Difference of pass +6.7 pp, 95 % interval -8.7 to +23.1 pp</title>
        <line x1="112.0" y1="16" x2="112.0" y2="68"/>
        <line class="margin" x1="64.8" y1="16" x2="64.8" y2="68"/>
        <text class="limit" x="64.8" y="80">-5.0 limit</text>
        <line x1="0" y1="42" x2="360.0" y2="42"/>
        <line class="ci" x1="30.0" y1="42" x2="330.0" y2="42"/>
        <circle cx="174.8" cy="42" r="6"/>
        <text x="174.8" y="30">+6.7 pp</text>
        <text x="30.0" y="62">-8.7</text>
        <text x="330.0" y="62">+23.1</text>
        <text x="112.0" y="12">0.0</text>
        </svg>
        <h2>Changed cases</h2>
        <section class="case">
        <h3><bdi>c0</bdi></h3>
        <div><span class="better">failed → passed</span>: <bdi>expected &quot;yes&quot;</bdi></div>
        <div class="sides">
        <div><span class="soft">Baseline</span>
        <pre dir="auto">Refunds take <del>14</del> days.</pre></div>
        <div><span class="soft">Candidate</span>
        <pre dir="auto">Refunds take <ins>30</ins> days.</pre></div>
        </div>
        </section>
        <p class="soft">and 3 more</p>
        <p><strong>Fixed</strong> (3): <bdi>c0</bdi>, <bdi>c1</bdi>, <bdi>c2</bdi></p>
        <p><strong>Broken</strong> (1): <bdi>c3</bdi></p>
        <h2>Metrics</h2>
        <div class="wide"><table>
        <thead><tr><th>metric</th><th>baseline</th><th>candidate</th><th>difference</th><th>95 % interval</th><th>p (corrected)</th><th>verdict</th></tr></thead>
        <tbody>
        <tr><td><bdi>pass</bdi></td><td>90.0 %</td><td>96.7 %</td><td>+6.7 pp</td><td>[-8.7, +23.1] pp</td><td>0.37 (0.63)</td><td class="soft">no clear difference</td></tr>
        <tr><td><bdi>score</bdi></td><td>0.900</td><td>0.967</td><td>+0.067</td><td>[-0.087, +0.231]</td><td>0.32 (0.63)</td><td class="soft">no clear difference</td></tr>
        <tr><td><bdi>latency</bdi></td><td>–</td><td>–</td><td>no variation</td><td>–</td><td>–</td><td class="soft">–</td></tr>
        <tr><td><bdi>tokens</bdi></td><td>–</td><td>–</td><td>no variation</td><td>–</td><td>–</td><td class="soft">–</td></tr>
        <tr><td><bdi>cost</bdi></td><td>–</td><td>–</td><td>no variation</td><td>–</td><td>–</td><td class="soft">–</td></tr>
        </tbody>
        </table></div>
        "#);
    }

    #[test]
    fn hostile_words_stay_words() {
        let (comparison, gate) = (hostile(), gate());
        let evil = "<script>alert(1)</script>\" onload='x' </pre></style> &lt; \u{202e}\u{2066}\u{0}\u{1b}[31m\r\nnext";
        let changed = changed(evil, &evil.replace("next", "<b>"));
        let one = Compared { comparison: &comparison, changed: &changed, changes: 4, decision: Some(&gate) };
        let redactor = Redactor::default();
        redactor.learn("hunter2-hunter2");
        let page = html(&[one, one], &redactor);
        for word in [
            "<script", "<img", "<b>", "onload='", "hunter2", "NaN", "inf\"", "\u{202e}", "\u{2066}", "\u{0}", "\u{1b}",
            "http:", "url(",
        ] {
            assert!(!page.contains(word), "{word:?}: {page}");
        }
        assert!(
            page.contains("&lt;script&gt;alert(1)") && page.contains("&amp;lt; [U+202E][U+2066]␀␛[31m\n"),
            "{page}"
        );
        assert_eq!((page.matches("<style>").count(), page.matches("</style>").count()), (1, 1));
        let count = |tag: &str| page.matches(tag).count();
        for tag in ["pre", "del", "ins", "bdi", "section", "div", "span", "p", "td", "svg"] {
            let open = count(&format!("<{tag}>")) + count(&format!("<{tag} "));
            assert_eq!(open, count(&format!("</{tag}>")), "{tag}");
        }
    }

    #[test]
    fn the_drawing_holds_zero_the_interval_and_the_margin() {
        let comparison = comparison();
        let chart = Chart::of(&comparison.metrics[0], Some(-0.05)).unwrap();
        let places = [chart.low.x, chart.margin.unwrap().x, chart.zero.x, chart.difference.x, chart.high.x];
        assert!(places.iter().all(|x| (0.0..=WIDTH).contains(x)) && chart.zero.x < chart.difference.x, "{places:?}");
        assert!(Chart::of(&hostile().metrics[0], None).is_none());
    }

    proptest! {
        #[test]
        fn no_text_is_markup(text in any::<String>()) {
            let mut page = Page::default();
            page.text(&text);
            let forbidden = ['<', '>', '"', '\'', '\u{202e}', '\0', '\u{1b}'];
            prop_assert!(!page.0.contains(forbidden));
        }
    }
}
