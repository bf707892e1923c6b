//! `prompteval prompt show`.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::measured::{Measured, metric};
use super::refused;
use crate::cli::args::{StoreArgs, TextOrJson};
use crate::cli::exit::{ExitStatus, Failure};
use crate::cli::figure;
use crate::cli::grid::{Grid, Step};
use crate::cli::history::hash;
use crate::cli::keep::{failed, shorter};
use crate::cli::project::RegistryArgs;
use crate::cli::screen::{Ink, Screen, count, thousands};
use crate::diag::Source;
use crate::env::Env;
use crate::prompts::{Card, Figure, Reference, Variation, card};
use crate::stats::trend::Point;
use crate::store::Store;

/// Lines of a message that are shown.
const MOST_LINES: usize = 40;
/// Longer lines are cut.
const LONGEST_LINE: usize = 1000;
/// What is said of a figure without a measurement.
const NEVER: &str = "never measured";
/// What a prompt does is always worth a row.
const PASS: [&str; 2] = ["pass", "pass_rate"];

/// What gives way where the terminal is narrow, in this order.
const STEPS: &[Step] = &[
    |grid, screen| grid.shorten("provider", 8, screen),
    |grid, screen| grid.shorten("variation", 12, screen),
    |grid, screen| grid.shorten("figure", 12, screen),
    |grid, screen| grid.shorten("run", 12, screen),
    |grid, _| grid.without("provider"),
    |grid, screen| grid.shorten("declared", 8, screen),
    |grid, _| grid.without("run"),
];

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct ShowCommand {
    /// The prompt, and which version of it; default: the draft, else the newest version
    #[arg(value_name = "NAME[@VERSION|@draft]")]
    name: String,
    /// For people, or everything as JSON
    #[arg(long, value_enum, default_value = "text")]
    format: TextOrJson,
    #[command(flatten)]
    registry: RegistryArgs,
    #[command(flatten)]
    store: StoreArgs,
}

/// A declared figure, of the prompt or of a variation.
struct Row<'a> {
    variation: Option<&'a str>,
    name: &'a str,
    declared: Option<&'a str>,
}

pub(super) fn show(command: &ShowCommand, env: &Env, cwd: &Path, screen: &Screen) -> Result<ExitStatus, Failure> {
    let card = read(command, env, cwd, screen)?;
    let rows = rows(&card);
    let store = Store::existing(&shorter(&command.store.folder(env, cwd), cwd), env.redactor.clone(), env.clock);
    let figures: BTreeSet<&str> = rows.iter().map(|row| row.name).collect();
    let measured = match store.map_err(failed)? {
        Some(store) => Measured::of(&store, &card.prompt.hash, &figures).map_err(failed)?,
        None => Measured::default(),
    };
    match command.format {
        TextOrJson::Json => screen.json(&json(&card, &rows, &measured)),
        TextOrJson::Text => tell(&card, &rows, &measured, screen),
    }
    Ok(ExitStatus::Success)
}

fn read(command: &ShowCommand, env: &Env, cwd: &Path, screen: &Screen) -> Result<Card, Failure> {
    let word = &command.name;
    let what = || format!("the prompt `{}` cannot be shown", screen.line(word, 60));
    let opened = command.registry.open(env, cwd, screen)?;
    let sources = opened.registry.sources();
    let reference = Reference::parse(word).map_err(|why| {
        Failure::new(ExitStatus::Usage, screen.line(&why, 200)).hint("write NAME, NAME@VERSION or NAME@draft")
    })?;
    let draft = Reference { version: "draft".to_owned(), ..reference.clone() };
    let is_open = !word.contains('@') && sources.registry.join(format!("{}.yaml", reference.name)).is_file();
    let at = Source::new("the command line", word.as_str()).span();
    card(if is_open { &draft } else { &reference }, &at, sources).map_err(|e| refused(e, &what(), screen))
}

/// All figures that were declared; the share that passes also where nobody declared it.
fn rows(card: &Card) -> Vec<Row<'_>> {
    let mut all = Vec::new();
    if !card.performance.iter().any(|figure| PASS.contains(&figure.name.as_str())) {
        all.push(Row { variation: None, name: PASS[0], declared: None });
    }
    all.extend(card.performance.iter().map(|figure| Row::of(None, figure)));
    for variation in &card.variations {
        all.extend(variation.performance.iter().map(|figure| Row::of(Some(&variation.id), figure)));
    }
    all
}

impl<'a> Row<'a> {
    fn of(variation: Option<&'a str>, figure: &'a Figure) -> Self {
        Self { variation, name: &figure.name, declared: Some(&figure.declared) }
    }

    fn json(&self, measured: &Measured) -> Value {
        let point = |point: &Point| Value::from(figure::json(point));
        json!({
            "variation": self.variation,
            "figure": self.name,
            "declared": self.declared,
            "metric": metric(self.name),
            "measured": measured.points(self.name).iter().map(point).collect::<Vec<_>>(),
        })
    }
}

fn json(card: &Card, rows: &[Row<'_>], measured: &Measured) -> Value {
    let prompt = &card.prompt;
    let message = |(role, content): &(String, String)| json!({"role": role, "content": content});
    let variation = |one: &Variation| json!({"id": one.id, "description": one.description, "performance": figures(&one.performance)});
    json!({
        "schema": 1,
        "name": prompt.name,
        "version": prompt.version,
        "draft": card.is_draft,
        "file": card.file,
        "contentHash": prompt.hash,
        "description": card.description,
        "author": card.author,
        "created": card.created,
        "lastModified": card.last_modified,
        "variables": variables(card),
        "parameters": &*prompt.parameters,
        "messages": card.messages.iter().map(message).collect::<Vec<_>>(),
        "inputFollows": card.input,
        "performance": figures(&card.performance),
        "variations": card.variations.iter().map(variation).collect::<Vec<_>>(),
        "everRun": measured.ever,
        "measured": rows.iter().map(|row| row.json(measured)).collect::<Vec<_>>(),
    })
}

fn figures(all: &[Figure]) -> Value {
    all.iter().map(|figure| (figure.name.clone(), figure.declared.as_str().into())).collect::<Map<_, Value>>().into()
}

/// The variables that a case must have.
fn variables(card: &Card) -> Vec<String> {
    let mut all = card.prompt.variables();
    if card.input {
        all.push("input".to_owned());
        all.sort();
        all.dedup();
    }
    all
}

fn tell(card: &Card, rows: &[Row<'_>], measured: &Measured, screen: &Screen) {
    tell_head(card, screen);
    for (role, text) in &card.messages {
        tell_message(role, text, screen);
    }
    if card.input {
        screen.out(&format!("\n{}\n  {}", screen.paint(Ink::Strong, "user"), "the case's `input`"));
    }
    if !card.variations.is_empty() {
        screen.out(&format!("\n{}", screen.paint(Ink::Strong, "variations")));
    }
    for variation in &card.variations {
        let words = [Some(variation.id.as_str()), variation.description.as_deref()];
        let words = words.into_iter().flatten().collect::<Vec<_>>().join(": ");
        screen.out(&format!("  {}", screen.line(&words, LONGEST_LINE)));
    }
    screen.out("");
    match (measured.runs, measured.ever) {
        (false, _) => screen.out("no runs are stored"),
        (true, false) => screen.out("this content has never been run"),
        (true, true) => {}
    }
    let about = screen.paint(Ink::Dim, "measured of exactly this content");
    if measured.ever || rows.iter().any(|row| row.declared.is_some()) {
        screen.out(&format!("{}  {about}", screen.paint(Ink::Strong, "performance")));
        grid(rows, measured, screen).fitting(STEPS, screen).show(screen);
    }
}

fn tell_head(card: &Card, screen: &Screen) {
    let prompt = &card.prompt;
    let line = |what: &str, text: Option<&str>| {
        let Some(text) = text.filter(|text| !text.is_empty()) else { return };
        let what = screen.paint(Ink::Dim, &format!("{what:<13}"));
        screen.out(&format!("  {what} {}", screen.line(text, LONGEST_LINE)));
    };
    let title =
        format!("{}@{}", prompt.name.as_deref().unwrap_or_default(), prompt.version.as_deref().unwrap_or_default());
    let draft = if card.is_draft { "  draft" } else { "" };
    screen.out(&format!("{}{draft}", screen.paint(Ink::Strong, &screen.line(&title, 80))));
    line("file", Some(&card.file));
    line("content", Some(&hash(&prompt.hash)));
    line("description", card.description.as_deref());
    line("author", card.author.as_deref());
    if let Some(release) = &card.release {
        line("released", Some(&format!("{} by {}", release.date, release.author)));
        line("why", Some(&release.description));
        line("made from", release.parent.as_deref());
    }
    line("created", card.created.as_deref());
    line("last modified", card.last_modified.as_deref());
    line("variables", Some(&variables(card).join(", ")));
    let parameters = Value::Object((*prompt.parameters).clone()).to_string();
    line("parameters", Some(&parameters).filter(|_| !prompt.parameters.is_empty()).map(String::as_str));
}

fn tell_message(role: &str, text: &str, screen: &Screen) {
    screen.out(&format!("\n{}", screen.paint(Ink::Strong, &screen.line(role, 40))));
    for line in text.lines().take(MOST_LINES) {
        let indent = line.chars().take_while(|c| *c == ' ').count().min(40);
        let shown = format!("  {}{}", " ".repeat(indent), screen.line(line, LONGEST_LINE));
        screen.out(shown.trim_end());
    }
    let hidden = text.lines().count().saturating_sub(MOST_LINES);
    if hidden > 0 {
        screen.out(&format!("  and {}; --format json has all of them", count(hidden as u64, "more line")));
    }
}

/// A line a figure and provider; one without a point where nothing was measured.
fn lines<'a>(rows: &'a [Row<'a>], measured: &'a Measured) -> Vec<(&'a Row<'a>, Option<&'a Point>)> {
    let mut all = Vec::new();
    for row in rows {
        let points = measured.points(row.name);
        all.extend(points.iter().map(|point| (row, Some(point))));
        all.extend(points.is_empty().then_some((row, None)));
    }
    all
}

fn grid(rows: &[Row<'_>], measured: &Measured, screen: &Screen) -> Grid {
    let lines = lines(rows, measured);
    let cells = |cell: &dyn Fn(&Row<'_>, Option<&Point>) -> String| {
        lines.iter().map(|(row, point)| cell(row, *point)).collect::<Vec<_>>()
    };
    let known = |text: &dyn Fn(&Point) -> String| cells(&|_, point| point.map(text).unwrap_or_default());
    let mut grid = Grid::default();
    grid.words("variation", cells(&|row, _| screen.line(row.variation.unwrap_or_default(), 30)));
    grid.words("figure", cells(&|row, _| screen.line(row.name, 30)));
    grid.words("declared", cells(&|row, _| screen.line(row.declared.unwrap_or("–"), 20)));
    grid.words("measured", cells(&|row, point| told(row, point)));
    grid.numbers("n", known(&|point| thousands(point.measured.cases)));
    grid.words("provider", known(&|point| screen.line(&point.of.provider, 30)));
    grid.words("run", known(&|point| screen.line(&point.of.run, 40)));
    grid.without_idle("figure", str::is_empty);
    grid
}

fn told(row: &Row<'_>, point: Option<&Point>) -> String {
    point.map_or_else(|| NEVER.to_owned(), |point| figure::figure(metric(row.name), &point.measured))
}
