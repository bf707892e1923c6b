//! The terminal: what is printed, where, in which colour and width.

use std::io::{IsTerminal, Write};
use std::sync::OnceLock;

use super::exit::Failure;
use crate::diag::{Level, Problems, render};
use crate::env::{Env, Redactor};
pub(super) use crate::stats::words::thousands;

/// `--color`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Color {
    Auto,
    Always,
    Never,
}

/// A colour with a meaning.
#[derive(Debug, Clone, Copy)]
pub(super) enum Ink {
    Good,
    Bad,
    Odd,
    Strong,
    Dim,
}

impl Ink {
    fn code(self) -> &'static str {
        match self {
            Self::Good => "32",
            Self::Bad => "31;1",
            Self::Odd => "33",
            Self::Strong => "1",
            Self::Dim => "2",
        }
    }
}

/// More problems than this are only counted.
const MOST_PROBLEMS: usize = 50;
/// Width of a text that goes to no terminal.
const PIPE_WIDTH: usize = 120;

/// Where words go. Data to stdout, talk to stderr; secrets are taken out here.
#[derive(Debug)]
pub(super) struct Screen {
    color_out: bool,
    color_err: bool,
    pub(super) quiet: bool,
    pub(super) verbose: bool,
    /// Whether a person watches stderr.
    pub(super) live: bool,
    pub(super) width: usize,
    redactor: OnceLock<Redactor>,
    stdout_trouble: OnceLock<String>,
    /// Set when stdout carries a report: then everything for people goes to stderr.
    stdout_taken: std::sync::atomic::AtomicBool,
}

impl Screen {
    pub(super) fn new(color: Color, quiet: bool, verbose: bool, env: &Env) -> Self {
        let dumb = env.get("TERM") == Some("dumb");
        let plain = env.get("NO_COLOR").is_some() || dumb;
        let forced = env.get("CLICOLOR_FORCE").is_some_and(|v| v != "0");
        let wants = |terminal: bool| match color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => (terminal && !plain) || forced,
        };
        let live = std::io::stderr().is_terminal() && !dumb && env.get("CI").is_none();
        let columns = env.get("COLUMNS").and_then(|c| c.parse().ok());
        let terminal = console::Term::stdout().size_checked().map(|(_, width)| usize::from(width));
        Self {
            color_out: wants(std::io::stdout().is_terminal()),
            color_err: wants(std::io::stderr().is_terminal()),
            quiet,
            verbose,
            live,
            width: terminal.or(columns).unwrap_or(PIPE_WIDTH).clamp(40, 240),
            redactor: OnceLock::new(),
            stdout_trouble: OnceLock::new(),
            stdout_taken: std::sync::atomic::AtomicBool::new(false),
        }
    }

    /// From now on this environment's secrets are taken out of everything.
    pub(super) fn learn(&self, env: &Env) {
        let _ = self.redactor.set(env.redactor.clone());
    }

    /// A report goes to stdout: what is for people goes to stderr.
    pub(super) fn take_stdout(&self) {
        self.stdout_taken.store(true, std::sync::atomic::Ordering::Relaxed);
    }

    fn out_is_taken(&self) -> bool {
        self.stdout_taken.load(std::sync::atomic::Ordering::Relaxed)
    }

    /// Prints a line of data. A reader that has gone away is no error.
    pub(super) fn out(&self, line: &str) {
        if self.out_is_taken() {
            return self.err(line);
        }
        let line = self.clean(line);
        if let Err(error) = writeln!(std::io::stdout().lock(), "{line}")
            && error.kind() != std::io::ErrorKind::BrokenPipe
        {
            let _ = self.stdout_trouble.set(error.to_string());
        }
    }

    /// Prints JSON. What a terminal would obey is written as JSON's escapes, which say the same.
    pub(super) fn json(&self, value: &serde_json::Value) {
        let text = serde_json::to_string_pretty(value).unwrap_or_default();
        if !text.chars().any(|c| c != '\n' && is_unprintable(c)) {
            return self.out(&text);
        }
        let escaped =
            |c: char| if c != '\n' && is_unprintable(c) { format!("\\u{:04x}", u32::from(c)) } else { c.into() };
        self.out(&text.chars().map(escaped).collect::<String>());
    }

    /// Why stdout could not be written, when it could not (a full disk behind `> file`).
    pub(super) fn stdout_trouble(&self) -> Option<&str> {
        let _ = std::io::stdout().flush();
        self.stdout_trouble.get().map(String::as_str)
    }

    /// Prints a line of talk.
    pub(super) fn err(&self, line: &str) {
        let line = self.clean(line);
        let _ = writeln!(std::io::stderr().lock(), "{line}");
    }

    fn clean(&self, line: &str) -> String {
        self.redactor.get().map_or_else(|| line.to_owned(), |r| r.clean(line).into_owned())
    }

    /// Prints a sentence over as many lines as it takes, the first and the others with something before them.
    pub(super) fn wrapped(&self, first: &str, others: &str, text: &str) {
        let most = self.width.max(40);
        let mut line = first.to_owned();
        let mut empty = true;
        for word in text.split(' ') {
            let width = console::measure_text_width(&line) + 1 + console::measure_text_width(word);
            if !empty && width > most {
                self.out(line.trim_end());
                (line, empty) = (others.to_owned(), true);
            }
            if !empty {
                line.push(' ');
            }
            line += word;
            empty = false;
        }
        self.out(line.trim_end());
    }

    /// Text from outside on one line, at most `most` columns: secrets are taken out before it is cut.
    pub(super) fn line(&self, text: &str, most: usize) -> String {
        one_line(&self.clean(text), most)
    }

    /// Paints a word for stdout.
    pub(super) fn paint(&self, ink: Ink, text: &str) -> String {
        let on = if self.out_is_taken() { self.color_err } else { self.color_out };
        paint(on, ink, text)
    }

    /// Whether words for stdout are painted.
    pub(super) fn colored(&self) -> bool {
        if self.out_is_taken() { self.color_err } else { self.color_out }
    }

    pub(super) fn failure(&self, failure: &Failure) {
        if let Some(problem) = &failure.place {
            let clean = |text: &str| self.clean(text);
            return self.err(&render(problem, self.color_err, self.width, &clean));
        }
        self.err(&format!("{}: {}", paint(self.color_err, Ink::Bad, "error"), failure.message));
        if let Some(hint) = &failure.hint {
            self.err(&format!("{}: {hint}", paint(self.color_err, Ink::Strong, "hint")));
        }
    }

    pub(super) fn warning(&self, message: &str) {
        if !self.quiet {
            self.err(&format!("{}: {message}", paint(self.color_err, Ink::Odd, "warning")));
        }
    }

    pub(super) fn problems(&self, problems: &Problems) {
        let shown = problems.iter().filter(|p| !(self.quiet && p.level == Level::Warning));
        let clean = |text: &str| self.clean(text);
        for problem in shown.clone().take(MOST_PROBLEMS) {
            self.err(&format!("{}\n", render(problem, self.color_err, self.width, &clean)));
        }
        let hidden = shown.skip(MOST_PROBLEMS).count();
        if hidden > 0 {
            self.err(&format!("and {}\n", count(hidden as u64, "more problem")));
        }
        for (message, more) in problems.repeated().filter(|_| !self.quiet) {
            self.warning(&format!("{message} ({} elsewhere)", count(more as u64, "more time")));
        }
    }
}

fn paint(on: bool, ink: Ink, text: &str) -> String {
    if on { format!("\u{1b}[{}m{text}\u{1b}[0m", ink.code()) } else { text.to_owned() }
}

/// `1 case`, `64 cases`, `1,234 cells`.
pub(super) fn count(n: u64, noun: &str) -> String {
    format!("{} {noun}{}", thousands(n), if n == 1 { "" } else { "s" })
}

/// US dollars with as many digits as say something.
pub(super) fn dollars(cost: f64) -> String {
    if cost == 0.0 || cost >= 100.0 { format!("${cost:.2}") } else { format!("${cost:.4}") }
}

/// Text from outside on one line: no control characters, no runs of blanks, at most `most` columns.
fn one_line(text: &str, most: usize) -> String {
    let mut out = String::new();
    let mut blank = false;
    for c in text.chars().take(most * 4) {
        if c.is_whitespace() {
            blank = !out.is_empty();
            continue;
        }
        if std::mem::take(&mut blank) {
            out.push(' ');
        }
        out.push(if is_unprintable(c) { '\u{fffd}' } else { c });
    }
    console::truncate_str(&out, most, "…").into_owned()
}

/// Text from outside with its lines: nothing in it that a terminal would obey.
pub(super) fn legible(text: &str) -> String {
    text.chars()
        .map(|c| if c != '\n' && is_unprintable(c) { if c == '\t' { ' ' } else { '\u{fffd}' } } else { c })
        .collect()
}

/// Control characters, and the marks that turn the direction of a terminal's text.
fn is_unprintable(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_for_people() {
        assert_eq!(count(1, "case"), "1 case");
        assert_eq!(count(1_234_567, "cell"), "1,234,567 cells");
        assert_eq!(dollars(0.012_34), "$0.0123");
    }

    #[test]
    fn a_hostile_text_stays_on_its_line() {
        assert_eq!(one_line("a\u{1b}[31mb\r\n\t c\u{202e}d", 80), "a\u{fffd}[31mb c\u{fffd}d");
        assert_eq!(one_line("日本語のテキスト", 7), "日本語…");
    }
}
