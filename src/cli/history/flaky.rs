//! Cases that cannot make up their mind.

use serde_json::{Value, json};

use super::facts;
use crate::cli::args::{StoreArgs, TextOrJson};
use crate::cli::exit::{ExitStatus, Failure};
use crate::cli::grid::{Grid, Step};
use crate::cli::keep::failed;
use crate::cli::screen::{Screen, count, thousands};
use crate::cli::table;
use crate::record::Column;
use crate::stats::flaky::{Flaky, Undecided};
use crate::store::Store;

/// More cases than this are only counted.
const MOST: usize = 50;

/// What gives way where the terminal is narrow, in this order.
const STEPS: &[Step] = &[
    |grid, screen| grid.shorten("case", 24, screen),
    |grid, screen| grid.shorten("provider", 8, screen),
    |grid, screen| grid.shorten("prompt", 8, screen),
    |grid, _| grid.without("runs"),
    |grid, screen| grid.shorten("case", 12, screen),
    |grid, _| grid.without("provider"),
    |grid, screen| grid.shorten("place", 12, screen),
];

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct FlakyCommand {
    /// Look at the newest N runs
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// For people, or everything as JSON
    #[arg(long, value_enum, default_value = "text")]
    format: TextOrJson,
    #[command(flatten)]
    pub(super) store: StoreArgs,
}

pub(super) fn flaky(store: &Store, command: &FlakyCommand, screen: &Screen) -> Result<ExitStatus, Failure> {
    let mut runs = store.runs(command.limit as usize, &mut |_| true).map_err(failed)?;
    runs.reverse();
    let mut flaky = Flaky::default();
    for run in &runs {
        flaky.begin();
        let look = store.replay(run, &mut |outcome| {
            flaky.add(&run.head, &outcome);
            Ok(())
        });
        look.map_err(failed)?;
    }
    let (runs, observations) = (flaky.runs, flaky.observations);
    let cases = flaky.end();
    match command.format {
        TextOrJson::Json => screen.json(&json!({
            "schema": 1,
            "runs": runs,
            "observations": observations,
            "cases": cases.iter().map(json).collect::<Vec<_>>(),
        })),
        TextOrJson::Text => show(&cases, &format!("{} in {}", verdicts(observations), count(runs, "run")), screen),
    }
    Ok(ExitStatus::Success)
}

fn verdicts(n: u64) -> String {
    count(n, "verdict") + if n == 1 { " on a new answer" } else { " on new answers" }
}

fn show(cases: &[Undecided], over: &str, screen: &Screen) {
    if cases.is_empty() {
        screen.out(&format!("no case passed sometimes and failed sometimes: {over}"));
        return;
    }
    let some = count(cases.len() as u64, "case");
    screen.out(&format!("{some} passed sometimes and failed sometimes: {over}\n"));
    let shown = &cases[..cases.len().min(MOST)];
    grid(shown, screen).fitting(STEPS, screen).show(screen);
    if cases.len() > MOST {
        let more = count((cases.len() - MOST) as u64, "more case");
        screen.out(&format!("{more} not shown; --format json has all of them"));
    }
}

fn grid(cases: &[Undecided], screen: &Screen) -> Grid {
    let cells = |cell: &dyn Fn(&Undecided) -> String| cases.iter().map(cell).collect::<Vec<_>>();
    let mut grid = Grid::default();
    grid.words("case", cells(&|one| table::name(&one.case, 0, 48, screen)));
    grid.words("prompt", cells(&|one| screen.line(&prompt(&one.column), 40)));
    grid.words("provider", cells(&|one| screen.line(&one.column.provider, 30)));
    grid.words("passed", cells(&|one| format!("{} of {}", thousands(one.passed), thousands(one.observed))));
    grid.numbers("runs", cells(&|one| thousands(one.runs)));
    grid.words("place", cells(&|one| screen.line(&one.case.at.to_string(), 60)));
    grid
}

fn prompt(column: &Column) -> String {
    match (&column.name, &column.version) {
        (Some(name), Some(version)) => format!("{name}@{version}"),
        _ => column.label.to_string(),
    }
}

fn json(one: &Undecided) -> Value {
    json!({
        "id": one.case.id,
        "description": one.case.description,
        "prompt": facts::prompt(&one.column),
        "provider": one.column.provider,
        "passed": one.passed,
        "observed": one.observed,
        "runs": one.runs,
        "at": one.case.at.to_string(),
    })
}
