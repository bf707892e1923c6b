//! Arguments.

use std::path::{Path, PathBuf};

use clap::{Parser, Subcommand};
use regex::Regex;

use super::baseline::RivalArgs;
use super::compare::CompareCommand;
use super::exit::{ExitStatus, Failure};
use super::gates::GateCommand;
use super::screen::Color;
use crate::suite::{Failing, Filter, GateOptions, Options};
use crate::transport::Caps;

/// Evaluate prompt versions: may this one ship?
#[derive(Debug, Parser)]
#[command(name = "prompteval", version, arg_required_else_help = true, max_term_width = 100)]
pub(super) struct Args {
    #[command(subcommand)]
    pub(super) command: Command,
    /// When to use colours
    #[arg(long, global = true, value_enum, default_value = "auto", hide_possible_values = false)]
    pub(super) color: Color,
    /// Say only what is wrong
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(super) quiet: bool,
    /// Say more: retries, and every failure in full
    #[arg(short, long, global = true)]
    pub(super) verbose: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run a suite: every prompt at every provider on every case
    #[command(visible_alias = "eval")]
    Run(Box<RunCommand>),
    /// Check a config and everything it names, without asking anybody
    Validate(Selection),
    /// Write a commented starter config
    Init(InitCommand),
    /// Explain an assertion kind, a provider or a report format; without a name, list them
    Explain {
        /// Its name, such as `contains-json`, `mock` or `junit`
        kind: Option<String>,
        /// Print the reference of all assertions as Markdown
        #[arg(long, conflicts_with = "kind")]
        markdown: bool,
    },
    /// Compare two runs: stored ones, reports, or versions of a prompt
    Compare(CompareCommand),
    /// May it ship? Decide about a stored run, or about reports
    Gate(GateCommand),
    /// Show a stored run again, or write reports of it
    Report(ReportCommand),
    /// List the stored runs, newest first
    History(HistoryCommand),
    /// Show how a prompt's versions did from run to run
    Trend(super::trend::TrendCommand),
    /// The prompts of the registry: drafts and released versions
    #[command(subcommand)]
    Prompt(super::prompt::PromptCommand),
    /// What labels such as `production` point to, and pointed to
    #[command(subcommand)]
    Label(super::labels::LabelCommand),
    /// Move a label to a version that passed
    Promote(super::promote::PromoteCommand),
    /// Move a label back to what was live before
    Rollback(super::rollback::RollbackCommand),
    /// Which versions were live at a moment?
    At(super::at::AtCommand),
    /// Who changed what, when and why: the log, and whether it holds
    #[command(subcommand)]
    Audit(super::audit::AuditCommand),
    /// Write all prompts of a label into one signed file, or verify one
    Bundle(super::bundle::BundleCommand),
    /// A/B tests: versions held against each other on real users
    #[command(subcommand)]
    Ab(super::ab::AbCommand),
    /// Look at the cache of answers, or empty it
    #[command(subcommand)]
    Cache(CacheCommand),
    /// Print the JSON Schema of the config, for editors
    Schema,
    /// Print a completion script
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

#[derive(Debug, clap::Args)]
pub(super) struct RunCommand {
    #[command(flatten)]
    pub(super) selection: Selection,
    /// Write a report; the format follows the name: .json, .jsonl, .junit.xml (repeatable)
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: Vec<PathBuf>,
    /// Show what would be asked, and about what it would cost, without asking
    #[arg(long, conflicts_with = "output")]
    pub(super) dry_run: bool,
    /// Refuse to run cells that nothing is asserted of
    #[arg(long)]
    pub(super) require_assertions: bool,
    /// Show no table of answers
    #[arg(long)]
    pub(super) no_table: bool,
    /// Show no progress bar
    #[arg(long)]
    pub(super) no_progress_bar: bool,
    /// What JUnit reports may hold: `rich`, or `strict` for Jenkins' xUnit plugin
    #[arg(long, value_name = "PROFILE", default_value = "rich", value_parser = ["rich", "strict"])]
    pub(super) junit_profile: String,
    /// Go on with a stored run (its id, or the beginning of it); without an id, the newest of this config
    #[arg(long, value_name = "ID", num_args = 0..=1, default_missing_value = "", conflicts_with_all = ["no_store", "dry_run"])]
    pub(super) resume: Option<String>,
    /// Go on, and ask again for cells that have no verdict
    #[arg(long, conflicts_with_all = ["no_store", "dry_run"])]
    pub(super) retry_errors: bool,
    /// Keep nothing: no history, no resuming, no cache
    #[arg(long, alias = "no-write")]
    pub(super) no_store: bool,
    /// Use no answers of earlier runs
    #[arg(long, conflicts_with_all = ["cache_only", "cassette"])]
    pub(super) no_cache: bool,
    /// Send nothing: an answer that is not in the cache (or on the cassette) is an error
    #[arg(long)]
    pub(super) cache_only: bool,
    /// Replay answers from this file of JSON lines, and record into it what it lacks
    #[arg(long, value_name = "FILE")]
    pub(super) cassette: Option<PathBuf>,
    /// US dollars that the run may cost
    #[arg(long, value_name = "DOLLARS", value_parser = dollars)]
    max_cost_usd: Option<f64>,
    /// Requests that the run may send, repeated ones counted
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    max_requests: Option<u64>,
    /// Tokens that the run may use
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    max_tokens: Option<u64>,
    #[command(flatten)]
    pub(super) rivals: RivalArgs,
    #[command(flatten)]
    pub(super) store: StoreArgs,
}

#[derive(Debug, clap::Args)]
pub(super) struct ReportCommand {
    /// The run (its id, or the beginning of it); default: the newest
    #[arg(value_name = "ID")]
    pub(super) id: Option<String>,
    /// Write a report; the format follows the name: .json, .jsonl, .junit.xml (repeatable)
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: Vec<PathBuf>,
    /// Show no table of answers
    #[arg(long)]
    pub(super) no_table: bool,
    /// What JUnit reports may hold: `rich`, or `strict` for Jenkins' xUnit plugin
    #[arg(long, value_name = "PROFILE", default_value = "rich", value_parser = ["rich", "strict"])]
    pub(super) junit_profile: String,
    #[command(flatten)]
    pub(super) store: StoreArgs,
}

/// Where runs and answers are kept.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct StoreArgs {
    /// Folder of the store; default: PROMPTEVAL_STORE, or .prompteval here
    #[arg(long, value_name = "FOLDER")]
    pub(super) store: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct HistoryCommand {
    #[command(subcommand)]
    pub(super) action: Option<HistoryAction>,
    /// How many
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20)]
    pub(super) limit: u32,
    /// For people, or everything as JSON
    #[arg(long, value_enum, default_value = "text")]
    pub(super) format: TextOrJson,
    #[command(flatten)]
    pub(super) store: StoreArgs,
}

#[derive(Debug, Subcommand)]
pub(super) enum HistoryAction {
    /// Show all that is known of one run
    Show {
        /// The run (its id, or the beginning of it); default: the newest
        #[arg(value_name = "ID")]
        id: Option<String>,
        /// For people, or everything as JSON
        #[arg(long, value_enum, default_value = "text")]
        format: TextOrJson,
        #[command(flatten)]
        store: StoreArgs,
    },
    /// List the cases that passed sometimes and failed sometimes, with the same prompt and provider
    Flaky(super::history::FlakyCommand),
    /// Take out all runs but the newest
    Prune {
        /// How many stay
        #[arg(long, value_name = "N")]
        keep: u32,
        #[command(flatten)]
        store: StoreArgs,
    },
}

/// `--format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum TextOrJson {
    Text,
    Json,
}

#[derive(Debug, Subcommand)]
pub(super) enum CacheCommand {
    /// How many answers there are, and from when
    Stats {
        #[command(flatten)]
        store: StoreArgs,
    },
    /// Forget all answers; stored runs keep theirs as evidence
    Clear {
        #[command(flatten)]
        store: StoreArgs,
    },
}

impl RunCommand {
    /// Whether an earlier run goes on.
    pub(super) fn resumes(&self) -> bool {
        self.resume.is_some() || self.retry_errors
    }

    /// What the command line says about the config.
    pub(super) fn options(&self, cwd: &Path) -> Result<Options, Failure> {
        if self.cache_only && self.no_store && self.cassette.is_none() {
            let failure = usage("--cache-only with --no-store has nothing to answer from".into());
            return Err(failure.hint("name a --cassette, or leave --no-store out"));
        }
        let caps = Caps { cost_usd: self.max_cost_usd, requests: self.max_requests, tokens: self.max_tokens };
        let gate = self.rivals.options();
        Ok(Options { caps, offline: self.cache_only, gate, ..self.selection.options(cwd)? })
    }
}

fn dollars(text: &str) -> Result<f64, String> {
    let number = text.trim_start_matches('$').parse().ok().filter(|n: &f64| n.is_finite() && *n >= 0.0);
    number.ok_or_else(|| "write US dollars, such as 2.50".to_owned())
}

/// Which config, and which part of it.
#[derive(Debug, Default, clap::Args)]
pub(super) struct Selection {
    /// Config file or folder; default: evalconfig.yaml or promptfooconfig.yaml here (repeatable)
    #[arg(short, long, value_name = "PATH", num_args = 1..)]
    config: Vec<PathBuf>,
    /// Requests under way at once, for each provider
    #[arg(short = 'j', long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    max_concurrency: Option<u32>,
    /// Ask each case this often
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    repeat: Option<u32>,
    /// Grader of model-graded assertions, where the config names none
    #[arg(long, value_name = "PROVIDER")]
    grader: Option<String>,
    /// Only tests whose description or id matches this regular expression
    #[arg(long, value_name = "REGEX")]
    filter_pattern: Option<String>,
    /// Only providers whose id or label matches
    #[arg(long, value_name = "REGEX", visible_alias = "filter-targets")]
    filter_providers: Option<String>,
    /// Only prompts whose id or label matches
    #[arg(long, value_name = "REGEX")]
    filter_prompts: Option<String>,
    /// Only tests whose metadata has this value (repeatable, all must hold)
    #[arg(long, value_name = "KEY=VALUE")]
    filter_metadata: Vec<String>,
    /// Only tests that did not pass in this JSON report
    #[arg(long, value_name = "FILE")]
    filter_failing: Option<PathBuf>,
    /// Only the first N tests
    #[arg(short = 'n', long, value_name = "N")]
    filter_first_n: Option<u64>,
    /// A variable of every test (repeatable)
    #[arg(long, value_name = "NAME=VALUE")]
    var: Vec<String>,
    /// Describe this run
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// Read environment variables from this file instead of .env (repeatable)
    #[arg(long, value_name = "FILE", visible_alias = "env-path")]
    env_file: Vec<PathBuf>,
    /// Unknown keys in the config are warnings
    #[arg(long)]
    lenient: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct InitCommand {
    /// Where to write it
    #[arg(value_name = "FOLDER", default_value = ".")]
    pub(super) folder: PathBuf,
    /// Overwrite what is there
    #[arg(long)]
    pub(super) force: bool,
}

impl Selection {
    /// Files with environment variables, and whether they must be there.
    pub(super) fn env_files(&self, cwd: &Path) -> Vec<(PathBuf, bool)> {
        if self.env_file.is_empty() {
            return vec![(cwd.join(".env"), false)];
        }
        self.env_file.iter().map(|path| (cwd.join(path), true)).collect()
    }

    pub(super) fn options(&self, cwd: &Path) -> Result<Options, Failure> {
        Ok(Options {
            configs: self.config.clone(),
            lenient: self.lenient,
            description: self.description.clone(),
            repeat: self.repeat,
            width: self.max_concurrency.map(|n| n as usize),
            vars: pairs("--var", &self.var)?,
            filter: Filter {
                pattern: regex("--filter-pattern", self.filter_pattern.as_deref())?,
                providers: regex("--filter-providers", self.filter_providers.as_deref())?,
                prompts: regex("--filter-prompts", self.filter_prompts.as_deref())?,
                metadata: pairs("--filter-metadata", &self.filter_metadata)?,
                failing: self.filter_failing.as_ref().map(|path| failing(&cwd.join(path), path)).transpose()?,
                first: self.filter_first_n,
            },
            cwd: cwd.to_owned(),
            caps: Caps::default(),
            offline: false,
            grader: self.grader.clone(),
            gate: GateOptions::default(),
        })
    }

    /// The folder of the (first) config.
    pub(super) fn folder(&self, cwd: &Path) -> PathBuf {
        let Some(first) = self.config.first().map(|path| cwd.join(path)) else { return cwd.to_owned() };
        if first.is_dir() { first } else { first.parent().unwrap_or(cwd).to_owned() }
    }

    /// A whole config.
    pub(super) fn of(config: Option<PathBuf>, lenient: bool) -> Self {
        Self { config: config.into_iter().collect(), lenient, ..Self::default() }
    }

    /// Whether a filter leaves prompts or providers out.
    pub(super) fn narrows_columns(&self) -> bool {
        self.filter_prompts.is_some() || self.filter_providers.is_some()
    }

    /// Whether the command line says which config.
    pub(super) fn names_config(&self) -> bool {
        !self.config.is_empty()
    }

    /// The filters that are set, as the user wrote them.
    pub(super) fn filters(&self) -> String {
        let mut all = Vec::new();
        let mut say = |flag: &str, value: Option<String>| {
            all.extend(value.map(|v| format!("{flag} `{v}`")));
        };
        say("--filter-pattern", self.filter_pattern.clone());
        say("--filter-providers", self.filter_providers.clone());
        say("--filter-prompts", self.filter_prompts.clone());
        say("--filter-failing", self.filter_failing.as_ref().map(|p| p.display().to_string()));
        say("-n", self.filter_first_n.map(|n| n.to_string()));
        for pair in &self.filter_metadata {
            say("--filter-metadata", Some(pair.clone()));
        }
        all.join(" and ")
    }
}

fn usage(message: String) -> Failure {
    Failure::new(ExitStatus::Usage, message)
}

fn regex(flag: &str, text: Option<&str>) -> Result<Option<Regex>, Failure> {
    text.map(Regex::new).transpose().map_err(|e| {
        let text = text.unwrap_or_default();
        let reason = e.to_string();
        let reason = reason.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
        usage(format!("`{text}` is no regular expression ({flag}): {reason}"))
            .hint("escape characters such as ( [ * + with a backslash")
    })
}

fn pairs(flag: &str, list: &[String]) -> Result<Vec<(String, String)>, Failure> {
    let pair = |text: &String| match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err(usage(format!("`{text}` is no pair ({flag})")).hint("write name=value")),
    };
    list.iter().map(pair).collect()
}

fn failing(path: &Path, shown: &Path) -> Result<Failing, Failure> {
    let name = shown.display();
    let text = std::fs::read_to_string(path)
        .map_err(|e| usage(format!("cannot read `{name}`: {}", crate::diag::io_reason(&e))))?;
    Failing::from_report(&text).map_err(|reason| {
        usage(format!("`{name}` is no report: {reason}")).hint("--filter-failing takes a JSON report written with -o")
    })
}
