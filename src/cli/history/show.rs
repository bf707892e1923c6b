//! Everything known of one run.

use std::path::Path;

use serde_json::{Value, json};

use super::facts::{self, gate, hash, rate_json};
use crate::cli::args::TextOrJson;
use crate::cli::exit::{ExitStatus, Failure};
use crate::cli::keep::failed;
use crate::cli::report::again;
use crate::cli::screen::{Ink, Screen, count, thousands};
use crate::cli::summary::{graders, judged, spent};
use crate::env::format_time;
use crate::record::{Column, Ending};
use crate::stats::{Tally, Total};
use crate::store::{GateLine, RunLine, Store, StoreError, StoredRun};

/// A run, what its cells come to, and what was decided about it.
struct Told {
    run: StoredRun,
    tally: Tally,
    gates: Vec<(GateLine, u32)>,
    under_way: bool,
}

pub(super) fn show(
    store: &Store,
    id: Option<&str>,
    format: TextOrJson,
    cwd: &Path,
    screen: &Screen,
) -> Result<ExitStatus, Failure> {
    let told = Told::of(store, id).map_err(failed)?;
    match format {
        TextOrJson::Json => screen.json(&told.json()),
        TextOrJson::Text => told.show(cwd, screen),
    }
    Ok(ExitStatus::Success)
}

impl Told {
    fn of(store: &Store, id: Option<&str>) -> Result<Self, StoreError> {
        let run = store.run(id)?;
        let mut tally = Tally::new(run.head.columns.len());
        store.replay(&run, &mut |outcome| {
            tally.add(&outcome);
            Ok(())
        })?;
        let gates = store.gates_of(&run.head.id)?;
        let tries = |gate: GateLine| store.tries(&gate).map(|tries| (gate, tries));
        let gates = gates.into_iter().map(tries).collect::<Result<_, _>>()?;
        let under_way = store.is_under_way(&run.head.id);
        Ok(Self { run, tally, gates, under_way })
    }

    /// As the list has it.
    fn line(&self) -> RunLine {
        let (head, all) = (&self.run.head, &self.tally.all);
        RunLine {
            name: head.id.to_string(),
            started_ms: head.started_ms,
            ending: self.run.tail.as_ref().map(|tail| word(tail.ending)),
            config_path: head.config_path.to_string(),
            description: head.description.as_deref().map(str::to_owned),
            cells: head.cells,
            passed: all.passed,
            failed: all.failed,
            errored: all.errored,
            columns: head.columns.clone(),
            tool_version: head.tool_version.to_string(),
            git: head.git.clone(),
            summary: self.run.summary,
            gates: Vec::new(),
        }
    }

    fn json(&self) -> Value {
        let head = &self.run.head;
        let mut all = facts::json(&self.line(), self.under_way);
        let columns = head.columns.iter().zip(&self.tally.columns).map(|(column, total)| column_json(column, total));
        all.insert("durationMs".into(), json!(self.run.tail.as_ref().map(|tail| tail.duration_ms)));
        all.insert("cases".into(), head.cases.into());
        all.insert("repeat".into(), head.repeat.into());
        all.insert("columns".into(), columns.collect());
        all.insert("gates".into(), self.gates.iter().map(gate_json).collect());
        all.into()
    }

    fn show(&self, cwd: &Path, screen: &Screen) {
        self.show_head(screen);
        for (column, total) in self.run.head.columns.iter().zip(&self.tally.columns) {
            show_column(column, total, screen);
        }
        if !self.gates.is_empty() {
            screen.out(&format!("\n{}", screen.paint(Ink::Strong, "gate")));
        }
        for (gate, tries) in &self.gates {
            self.show_gate(gate, *tries, screen);
        }
        self.hints(cwd, screen);
    }

    fn show_head(&self, screen: &Screen) {
        let head = &self.run.head;
        let line = |what: &str, text: &str| {
            let text = screen.line(text, screen.width.saturating_sub(15));
            screen.out(&format!("  {} {text}", screen.paint(Ink::Dim, &format!("{what:<12}"))));
        };
        screen.out(&screen.paint(Ink::Strong, &format!("run {}", screen.line(&head.id, 60))));
        line("when", &self.when());
        line("config", &head.config_path);
        if let Some(description) = &head.description {
            line("description", description);
        }
        line("git", &self.git());
        line("tool", &format!("prompteval {}", head.tool_version));
        line("ended", &self.ended());
    }

    fn when(&self) -> String {
        let began = format_time(self.run.head.started_ms).chars().take(19).collect::<String>().replace('T', " ");
        #[expect(clippy::cast_precision_loss, reason = "seconds for people")]
        let took = self.run.tail.as_ref().map(|tail| tail.duration_ms as f64 / 1000.0);
        took.map_or_else(|| format!("{began} UTC"), |seconds| format!("{began} UTC, took {seconds:.1} s"))
    }

    fn git(&self) -> String {
        match &self.run.head.git {
            Some(git) if git.dirty => format!("{}, with changes that are not committed", git.commit),
            Some(git) => git.commit.to_string(),
            None => facts::UNKNOWN.to_owned(),
        }
    }

    fn ended(&self) -> String {
        let word = match &self.run.tail {
            Some(tail) => word(tail.ending),
            None if self.under_way => "under way".to_owned(),
            None => "broken off".to_owned(),
        };
        format!("{word}, {} of {} finished", thousands(self.run.finished), count(self.run.head.cells, "cell"))
    }

    fn show_gate(&self, gate: &GateLine, tries: u32, screen: &Screen) {
        let open = gate.decision == "promote";
        let word = screen.paint(if open { Ink::Good } else { Ink::Bad }, &screen.line(&gate.decision, 24));
        let baseline = if gate.baseline.is_empty() { "nothing".to_owned() } else { self.name(&gate.baseline) };
        let pair = format!("{} against {baseline} at {}", self.name(&gate.candidate), gate.provider);
        let tries = if tries > 1 { format!(", one of {tries} tries") } else { ", the only try".to_owned() };
        screen.out(&format!("  {word}  {}{tries}", screen.line(&pair, screen.width.saturating_sub(24))));
        let policy: String = gate.policy.chars().take(12).collect();
        let why = format!("{} ({} UTC, policy {policy})", gate.rule, facts::when(gate.decided_ms));
        screen.out(&format!("    {}", screen.line(&why, screen.width.saturating_sub(4))));
        let body: Value = serde_json::from_str(&gate.body).unwrap_or_default();
        if let Some(words) = body["gate"]["decision"]["words"].as_str() {
            screen.wrapped("    ", "    ", &screen.line(words, 600));
        }
    }

    /// What a prompt is called in this run, else its hash.
    fn name(&self, prompt_hash: &str) -> String {
        let column = self.run.head.columns.iter().find(|column| &*column.prompt_hash == prompt_hash);
        column.map_or_else(|| hash(prompt_hash), |column| column.label.to_string())
    }

    fn hints(&self, cwd: &Path, screen: &Screen) {
        let id = &self.run.head.id;
        screen.err(&format!("hint: `prompteval report {id}` shows its answers, and with -o FILE writes a report"));
        let ended = self.run.tail.as_ref().map(|tail| tail.ending);
        if !self.under_way && !matches!(ended, Some(Ending::Complete | Ending::Decided)) {
            let again = screen.line(&again(&self.run, cwd), 400);
            screen.err(&format!("hint: `prompteval run {again}` goes on with it"));
        }
    }
}

fn word(ending: Ending) -> String {
    serde_json::to_value(ending).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default()
}

fn show_column(column: &Column, total: &Total, screen: &Screen) {
    let label = screen.line(&column.label, screen.width.saturating_sub(24).max(20));
    let provider = screen.paint(Ink::Dim, &screen.line(&column.provider, 40));
    screen.out(&format!("\n{}  {provider}", screen.paint(Ink::Strong, &label)));
    let content = format!("content {}", hash(&column.prompt_hash));
    let version = match (&column.name, &column.version) {
        (Some(name), Some(version)) => format!("{name}@{version} · {content}"),
        (Some(name), None) => format!("{name} · {content}"),
        (None, _) => content,
    };
    screen.out(&format!("  {}", screen.line(&version, screen.width.saturating_sub(2))));
    screen.out(&format!("  {}", judged(total, screen)));
    screen.out(&format!("  {}", spent(total)));
    if let Some(graders) = graders(total) {
        screen.out(&format!("  {graders}"));
    }
}

fn column_json(column: &Column, total: &Total) -> Value {
    let latency = total.latency([0.5, 0.95]).map(|[p50, p95]| json!({"p50": p50, "p95": p95}));
    json!({
        "provider": column.provider,
        "providerId": column.provider_id,
        "prompt": facts::prompt(column),
        "passed": total.passed,
        "failed": total.failed,
        "errored": total.errored,
        "passRate": rate_json(total.passed, total.failed),
        "meanScore": total.mean_score(),
        "tokenUsage": total.usage,
        "costUsd": total.cost,
        "grading": Some(total.grading).filter(|spent| spent.requests > 0),
        "cached": total.cached,
        "latencyMs": latency,
    })
}

/// A decision with what it rests on.
fn gate_json((line, tries): &(GateLine, u32)) -> Value {
    let mut value = gate(line);
    value["tries"] = (*tries).into();
    value["body"] = serde_json::from_str(&line.body).unwrap_or_else(|_| line.body.as_str().into());
    value
}
