//! A page of headings, texts, lists and figures, as HTML that needs nothing but itself or as Markdown.

use std::io;

use super::chart::Chart;
use super::comparison::{HtmlPage, MarkdownPage};

/// A part of a page.
#[derive(Debug, Clone)]
pub enum Block {
    /// A heading below the title.
    Heading(String),
    /// A paragraph.
    Text(String),
    /// One line each.
    List(Vec<String>),
    /// A chart; Markdown has none.
    Figure(Chart),
}

/// A page.
#[derive(Debug, Clone)]
pub struct Document {
    /// Its title.
    pub title: String,
    /// What stands below it.
    pub blocks: Vec<Block>,
}

impl Document {
    /// The page as HTML: no scripts, nothing from elsewhere, every text escaped.
    ///
    /// # Errors
    /// When a chart cannot be drawn.
    pub fn html(&self) -> io::Result<String> {
        let mut page = HtmlPage::begin(&self.title);
        page.ours("<h1>").text(&self.title).ours("</h1>\n");
        for block in &self.blocks {
            match block {
                Block::Heading(text) => page.ours("<h2>").text(text).ours("</h2>\n"),
                Block::Text(text) => page.ours("<p>").text(text).ours("</p>\n"),
                Block::List(items) => {
                    page.ours("<ul>\n");
                    for item in items {
                        page.ours("<li>").text(item).ours("</li>\n");
                    }
                    page.ours("</ul>\n")
                }
                Block::Figure(chart) => page.figure(&chart.svg()?),
            };
        }
        Ok(page.end())
    }

    /// The page as Markdown.
    pub fn markdown(&self) -> String {
        let mut page = MarkdownPage::default();
        page.ours("# ").text(&self.title).ours("\n");
        for block in &self.blocks {
            match block {
                Block::Heading(text) => page.ours("\n## ").text(text).ours("\n"),
                Block::Text(text) => page.ours("\n").text(text).ours("\n"),
                Block::List(items) => {
                    page.ours("\n");
                    for item in items {
                        page.ours("- ").text(item).ours("\n");
                    }
                    &mut page
                }
                Block::Figure(_) => &mut page,
            };
        }
        page.end()
    }
}
