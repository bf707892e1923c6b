//! `prompteval compare`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::args::StoreArgs;
use super::baseline::prompt;
use super::evidence::{Archive, Evidence, told};
use super::exit::{ExitStatus, Failure};
use super::keep::{failed, shorter};
use super::rivals::{Aim, Ended, Matched, Rivals};
use super::screen::Screen;
use super::verdict;
use crate::env::Env;
use crate::report::{Compared, comparison};
use crate::stats::Question;
use crate::store::Store;

#[derive(Debug, clap::Args)]
pub(super) struct CompareCommand {
    /// The baseline: a report, a stored run, `latest`, NAME@VERSION; with #PROMPT one prompt of it
    #[arg(value_name = "A")]
    baseline: String,
    /// The candidate, likewise; without it, A's first prompt is compared with its others
    #[arg(value_name = "B")]
    candidate: Option<String>,
    /// How to tell it
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// The difference that "cases needed" is about, as a share of the scale
    #[arg(long, value_name = "SHARE", default_value_t = 0.02, value_parser = share)]
    detect: f64,
    /// Two-sided confidence of the intervals
    #[arg(long, value_name = "SHARE", default_value_t = 0.95, value_parser = share)]
    confidence: f64,
    /// Folder of the prompt registry; default: `registry:` of the config here, else prompts
    #[arg(long, value_name = "FOLDER")]
    registry: Option<PathBuf>,
    #[command(flatten)]
    store: StoreArgs,
}

/// `--format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    Text,
    Json,
    Markdown,
    Html,
}

/// A share between nothing and everything.
pub(super) fn share(text: &str) -> Result<f64, String> {
    let found = text.parse().ok().filter(|share: &f64| *share > 0.0 && *share < 1.0);
    found.ok_or_else(|| "write a share between 0 and 1, such as 0.95 for 95 %".to_owned())
}

pub(super) fn compare(command: &CompareCommand, env: &Env, cwd: &Path, screen: &Screen) -> Result<ExitStatus, Failure> {
    let env = &env.with_dotenv(&cwd.join(".env")).unwrap_or_else(|_| env.clone());
    screen.learn(env);
    let store = store(&command.store, env, cwd)?;
    let registry = match &command.registry {
        Some(folder) => cwd.join(folder),
        None => crate::suite::registry(cwd, env).map_err(told)?,
    };
    let archive = Archive { store: store.as_ref(), registry: &registry, cwd, prompt: None, baseline: true };
    let baseline = archive.find(&command.baseline)?;
    let prompt = prompt(&baseline.head.columns).map(str::to_owned);
    let archive = Archive { prompt: prompt.as_deref(), baseline: false, ..archive };
    let candidate = command.candidate.as_deref().map(|word| archive.find(word)).transpose()?;
    let question = Question { confidence: command.confidence, detect: command.detect, ..Question::default() };
    let aim = Aim { question, ..Aim::default() };
    let matched = matched(baseline, candidate, aim)?;
    if matched.is_empty() {
        let message = "there is nothing to compare: this is a single prompt";
        return Err(Failure::new(ExitStatus::Usage, message).hint("name another run, report or version as B"));
    }
    print(&matched, command.format, env, screen);
    let any = matched.iter().filter_map(|matched| matched.comparison.as_ref()).any(|found| found.n_paired > 0);
    if any {
        return Ok(ExitStatus::Success);
    }
    let failure = Failure::new(ExitStatus::Nothing, "nothing was compared: no case is in both and was judged in both");
    Err(failure.hint("cases are paired by id, and only where their inputs and assertions are the same"))
}

/// Compares what is meant.
pub(super) fn matched(baseline: Evidence, candidate: Option<Evidence>, aim: Aim) -> Result<Vec<Matched>, Failure> {
    let (rivals, played) = match candidate {
        Some(candidate) if candidate.is(&baseline) => {
            let mut columns = baseline.columns.clone();
            columns.extend(candidate.columns.iter().filter(|c| !baseline.columns.contains(c)));
            (Rivals::within(Arc::new(candidate.head.clone()), &columns, aim), candidate)
        }
        Some(candidate) => {
            let head = Arc::new(candidate.head.clone());
            (Rivals::against(head, &candidate.columns, &Arc::new(baseline), aim)?, candidate)
        }
        None => (Rivals::within(Arc::new(baseline.head.clone()), &baseline.columns, aim), baseline),
    };
    play(rivals, &played)
}

/// Takes a finished run through comparisons.
pub(super) fn play(mut rivals: Rivals, run: &Evidence) -> Result<Vec<Matched>, Failure> {
    run.replay(&mut |outcome| {
        rivals.add(&outcome);
    })?;
    rivals.finish(Ended { ending: run.ending, finished: run.finished, unrun: run.unrun() })
}

pub(super) fn print(matched: &[Matched], format: Format, env: &Env, screen: &Screen) {
    let compared: Vec<Compared<'_>> = matched.iter().filter_map(Matched::compared).collect();
    let page = match format {
        Format::Text => None,
        Format::Json => Some(comparison::json(&compared, &env.redactor)),
        Format::Markdown => Some(comparison::markdown(&compared, &env.redactor)),
        Format::Html => Some(comparison::html(&compared, &env.redactor)),
    };
    // Without a baseline there is nothing to draw, but a decision all the same.
    match page.filter(|_| !compared.is_empty() || matched.is_empty()) {
        Some(page) => screen.out(page.trim_end()),
        None => matched.iter().for_each(|matched| verdict::show(matched, screen)),
    }
}

/// The store, where there is one.
pub(super) fn store(args: &StoreArgs, env: &Env, cwd: &Path) -> Result<Option<Store>, Failure> {
    let folder = shorter(&args.folder(env, cwd), cwd);
    Store::existing(&folder, env.redactor.clone(), env.clock).map_err(failed)
}
