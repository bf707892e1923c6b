//! `prompteval promote`.

mod approvals;
mod proof;
mod rules;

use std::path::{Path, PathBuf};

use super::args::StoreArgs;
use super::exit::{ExitStatus, Failure};
use super::project::{Opened, RegistryArgs};
use super::screen::{Ink, Screen};
use super::signing;
use crate::audit::{Entry, Event, Evidence, Head, Shown};
use crate::env::Env;
use crate::prompts::{label_name, without_v};
use crate::registry::{Frozen, LabelPolicy, Move, RegistryError, Trouble, Who};
use proof::Prover;

#[derive(Debug, clap::Args)]
pub(super) struct PromoteCommand {
    /// The prompt and its version; several as NAME@VERSION, which move together or not at all
    #[arg(value_name = "NAME VERSION", required = true)]
    what: Vec<String>,
    #[command(flatten)]
    how: How,
    /// Move it although something is missing; the log says so for ever
    #[arg(long = "override", requires = "reason", requires = "approver")]
    anyway: bool,
    /// Append the signed checkpoint to this file
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,
    /// What an experiment says beside the run.
    #[arg(skip)]
    experiment: Option<Proved>,
}

/// What an experiment says of a version.
#[derive(Debug, Clone)]
pub(super) struct Proved {
    pub(super) shown: Shown,
    /// Why that is not enough.
    pub(super) lacking: Option<String>,
}

impl PromoteCommand {
    /// A promotion of one version that an experiment speaks for.
    pub(super) fn shown(prompt: &str, version: &str, by: Proved, how: How) -> Self {
        let what = vec![prompt.to_owned(), version.to_owned()];
        Self { what, how, anyway: false, checkpoint: None, experiment: Some(by) }
    }
}

/// How a version is promoted, whoever speaks for it.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct How {
    /// The label that is to point to it
    #[arg(long, value_name = "LABEL")]
    pub(super) to: String,
    /// What it rests on: a stored run, or a report (.json); default: the newest run of this content
    #[arg(long, value_name = "RUN|FILE")]
    evidence: Option<String>,
    /// Who else agrees (repeatable)
    #[arg(long, value_name = "NAME")]
    approver: Vec<String>,
    /// Why
    #[arg(short = 'm', long, visible_alias = "message", value_name = "TEXT")]
    reason: Option<String>,
    /// Decide only: move nothing, log nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    pub(super) registry: RegistryArgs,
    #[command(flatten)]
    pub(super) store: StoreArgs,
}

/// Something that stands in the way.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Missing {
    /// What, in words.
    what: String,
    /// The command, or what else would help.
    remedy: Option<String>,
    /// Whether it is that a run judged other cases, so that another run may have judged these.
    foreign: bool,
}

impl Missing {
    fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), remedy: None, foreign: false }
    }

    fn remedy(self, remedy: impl Into<String>) -> Self {
        Self { remedy: Some(remedy.into()), ..self }
    }
}

/// A version that is to be live.
struct Wanted {
    frozen: Frozen,
    /// What the label points to now.
    from: Option<Frozen>,
    /// Whether it must not be used any more, as it stands.
    withdrawn: bool,
    evidence: Option<Evidence>,
}

impl Wanted {
    fn title(&self) -> String {
        format!("{}@{}", self.frozen.name, self.frozen.version)
    }

    /// Whether only the absolute rules count: nothing is live, or the same content is.
    fn is_first(&self) -> bool {
        self.from.as_ref().is_none_or(|from| from.content() == self.frozen.content())
    }

    fn moved(&self, label: &str) -> Move {
        Move {
            prompt: self.frozen.name.clone(),
            label: label.to_owned(),
            from: self.from.as_ref().map(|from| from.version.clone()),
            to: self.frozen.version.clone(),
            author: Some(self.frozen.release.author.clone()).filter(|author| !author.is_empty()),
            content_sha256: self.frozen.content().to_owned(),
            withdrawn: self.withdrawn,
            evidence: self.evidence.clone(),
        }
    }
}

/// All that a promotion is decided by.
struct Promotion<'a> {
    command: &'a PromoteCommand,
    opened: &'a Opened,
    policy: LabelPolicy,
    who: Who,
    cwd: &'a Path,
    screen: &'a Screen,
}

pub(super) fn promote(command: &PromoteCommand, env: &Env, cwd: &Path, screen: &Screen) -> Result<ExitStatus, Failure> {
    label_name(&command.how.to).map_err(|why| Failure::new(ExitStatus::Usage, why))?;
    let asked = asked(&command.what)?;
    command.excused()?;
    let opened = &command.how.registry.existing(env, cwd, screen)?;
    if let Some(hint) = opened.project.meant(&command.how.to) {
        let message = format!("prompteval.yaml knows no label {}", command.how.to);
        return Err(Failure::new(ExitStatus::Usage, message).hint(hint));
    }
    // Nothing is decided on labels or a log that do not hold.
    drop(opened.registry.lock_sound()?);
    let policy = opened.project.label(&command.how.to);
    let who = Who::here(&opened.env, cwd);
    let promotion = Promotion { command, opened, policy, who, cwd, screen };
    let mut wanted = promotion.wanted(&asked)?;
    wanted.retain(|wanted| !promotion.is_there(wanted));
    if wanted.is_empty() {
        return Ok(ExitStatus::Success);
    }
    let mut missing: Vec<Missing> = approvals::missing(&promotion, &wanted).into_iter().collect();
    missing.extend(promotion.prove(&mut wanted)?);
    if let Some(Proved { shown, lacking }) = &command.experiment {
        missing.extend(lacking.clone().map(Missing::new));
        for wanted in &mut wanted {
            wanted.evidence.get_or_insert_default().experiment = Some(shown.clone());
        }
    }
    if !missing.is_empty() && !command.anyway {
        return Ok(promotion.refuse(&wanted, &missing));
    }
    promotion.carry_out(&wanted, &missing)
}

impl PromoteCommand {
    /// Whether an override says why and who agreed: blanks do not.
    fn excused(&self) -> Result<(), Failure> {
        let lacks = |what: &str, hint: &str| {
            Err(Failure::new(ExitStatus::Usage, format!("an override has to say {what}")).hint(hint))
        };
        match (self.anyway, self.reason(), self.approvers().is_empty()) {
            (true, None, _) => lacks("why", "add -m \"why it cannot wait\""),
            (true, _, true) => lacks("who agreed", "add --approver NAME"),
            _ => Ok(()),
        }
    }

    fn reason(&self) -> Option<&str> {
        self.how.reason.as_deref().map(str::trim).filter(|reason| !reason.is_empty())
    }

    /// Who agrees; blanks are nobody.
    fn approvers(&self) -> Vec<&str> {
        self.how.approver.iter().map(|name| name.trim()).filter(|name| !name.is_empty()).collect()
    }
}

/// Names and versions as they were asked for.
fn asked(what: &[String]) -> Result<Vec<(String, String)>, Failure> {
    let pairs: Option<Vec<(String, String)>> = match what {
        [name, version] if !name.contains('@') && !version.contains('@') => Some(vec![(name.clone(), version.clone())]),
        all => all.iter().map(|word| word.split_once('@').map(|(a, b)| (a.to_owned(), b.to_owned()))).collect(),
    };
    let usage = |message: String| Failure::new(ExitStatus::Usage, message);
    let pairs = pairs.ok_or_else(|| {
        usage(format!("`{}` does not say which version", what.join(" ")))
            .hint("write NAME VERSION, or NAME@VERSION for each of several")
    })?;
    let twice = pairs.iter().enumerate().find(|(n, (name, _))| pairs[..*n].iter().any(|(other, _)| other == name));
    match twice {
        Some((_, (name, _))) => Err(usage(format!("`{name}` is named twice"))),
        None => Ok(pairs.into_iter().map(|(name, version)| (name, without_v(&version).to_owned())).collect()),
    }
}

impl Promotion<'_> {
    /// The versions, each as it was released; one that was edited is refused, and the refusal is logged.
    fn wanted(&self, asked: &[(String, String)]) -> Result<Vec<Wanted>, Failure> {
        let labels = self.opened.registry.labels()?;
        let mut all = Vec::new();
        for (name, version) in asked {
            let from = labels.get(name, &self.command.how.to);
            let step = (name.as_str(), from, version.as_str());
            let both: Vec<&str> = from.into_iter().chain([version.as_str()]).collect();
            self.opened.registry.look_up(name, &both)?;
            let frozen = self.intact(version, step)?;
            let from = from.map(|from| self.intact(from, step)).transpose()?;
            let withdrawn = labels.is_withdrawn(name, version);
            all.push(Wanted { frozen, from, withdrawn, evidence: None });
        }
        Ok(all)
    }

    /// A version of a prompt whose label is to go a step.
    fn intact(&self, version: &str, (name, from, to): (&str, Option<&str>, &str)) -> Result<Frozen, Failure> {
        self.opened.registry.frozen(name, version).map_err(|error| {
            if error.trouble == Trouble::Integrity && !self.command.how.dry_run {
                let moved = Move {
                    prompt: name.to_owned(),
                    label: self.command.how.to.clone(),
                    from: from.map(str::to_owned),
                    to: to.to_owned(),
                    author: None,
                    content_sha256: String::new(),
                    withdrawn: false,
                    evidence: None,
                };
                self.log_refusal(&[moved], vec![error.message.clone()]);
            }
            Failure::from(error)
        })
    }

    /// Whether a label points there already.
    fn is_there(&self, wanted: &Wanted) -> bool {
        let is = wanted.from.as_ref().is_some_and(|from| from.version == wanted.frozen.version);
        if is {
            self.screen.out(&format!(
                "{} of {} points to {} already",
                self.command.how.to, wanted.frozen.name, wanted.frozen.version
            ));
        }
        is
    }

    /// Finds what the moves rest on, and says what is missing.
    fn prove(&self, wanted: &mut [Wanted]) -> Result<Vec<Missing>, Failure> {
        let withdrawn = rules::withdrawn(self, wanted)?;
        if !self.policy.gated {
            let word = |wanted: &Wanted| format!("{} is withdrawn", wanted.title());
            return Ok(wanted
                .iter()
                .zip(withdrawn)
                .filter_map(|(w, at)| {
                    at.map(|_| {
                        Missing::new(word(w))
                            .remedy("promote it under a label that asks for evidence first, or release another version")
                    })
                })
                .collect());
        }
        let prover = Prover::open(self)?;
        let mut missing = Vec::new();
        for (wanted, withdrawn) in wanted.iter_mut().zip(withdrawn) {
            match prover.prove(wanted, withdrawn.as_ref())? {
                Ok(evidence) => wanted.evidence = Some(evidence),
                Err(reasons) => missing.extend(reasons),
            }
        }
        Ok(missing)
    }

    /// Says what is missing, and logs that it was.
    fn refuse(&self, wanted: &[Wanted], missing: &[Missing]) -> ExitStatus {
        let titles: Vec<String> = wanted.iter().map(Wanted::title).collect();
        let word = self.screen.paint(Ink::Bad, "refused");
        let stay = if titles.len() == 1 { "stays" } else { "stay" };
        self.screen.out(&format!("{word}: {} {stay} away from {}", titles.join(", "), self.command.how.to));
        for missing in missing {
            self.screen.wrapped("  missing  ", "           ", &self.screen.line(&missing.what, 600));
            if let Some(remedy) = &missing.remedy {
                self.screen.wrapped("    try    ", "           ", remedy);
            }
        }
        if !self.command.how.dry_run {
            let moves: Vec<Move> = wanted.iter().map(|wanted| wanted.moved(&self.command.how.to)).collect();
            self.log_refusal(&moves, missing.iter().map(|missing| missing.what.clone()).collect());
        }
        ExitStatus::GateClosed
    }

    /// A refusal is an event too; that it cannot be logged does not make it less of one.
    fn log_refusal(&self, moves: &[Move], missing: Vec<String>) {
        let entry = self.entry(moves, Event::Denied, missing);
        let logged = self.opened.registry.lock().and_then(|mut session| session.note(&entry));
        if let Err(error) = logged {
            self.screen.warning(&format!("the refusal could not be logged: {}", error.message));
        }
    }

    fn entry(&self, moves: &[Move], event: Event, missing: Vec<String>) -> Entry {
        Entry {
            approvers: self.command.approvers().into_iter().map(str::to_owned).collect(),
            reason: self.command.reason().map(str::to_owned),
            missing,
            ..Move::entry(moves, event, &self.who)
        }
    }

    /// Moves the labels.
    fn carry_out(&self, wanted: &[Wanted], missing: &[Missing]) -> Result<ExitStatus, Failure> {
        let moves: Vec<Move> = wanted.iter().map(|wanted| wanted.moved(&self.command.how.to)).collect();
        if self.command.how.dry_run {
            self.tell(&moves, "would be promoted", Ink::Good);
            return Ok(ExitStatus::Success);
        }
        // Whoever cannot sign finds out before anything was moved.
        let key = signing::key(&self.opened.env, self.screen)?;
        let event = if missing.is_empty() { Event::Promote } else { Event::Override };
        let entry = self.entry(&moves, event, missing.iter().map(|missing| missing.what.clone()).collect());
        let head = self.moved(&moves, &entry)?;
        let (word, ink) = if missing.is_empty() { ("promoted", Ink::Good) } else { ("OVERRIDDEN", Ink::Bad) };
        self.tell(&moves, word, ink);
        for missing in missing {
            self.screen.wrapped("  without  ", "           ", &self.screen.line(&missing.what, 600));
        }
        let file = self.command.checkpoint.clone().or_else(|| self.opened.project.checkpoints.clone());
        let file = file.map(|path| self.cwd.join(path));
        let registry = &self.opened.registry;
        signing::checkpoint(registry, &head, Some(&key), file.as_deref(), (&self.opened.env, self.screen))?;
        Ok(ExitStatus::Success)
    }

    fn moved(&self, moves: &[Move], entry: &Entry) -> Result<Head, Failure> {
        let done = self.opened.registry.lock_sound().and_then(|mut session| session.promote(moves, entry));
        done.map_err(|error: RegistryError| {
            if matches!(error.trouble, Trouble::Conflict | Trouble::Integrity) {
                self.log_refusal(moves, vec![error.message.clone()]);
            }
            error.into()
        })
    }

    fn tell(&self, moves: &[Move], word: &str, ink: Ink) {
        let word = self.screen.paint(ink, word);
        for moved in moves {
            let from = moved.from.as_deref().unwrap_or("nothing");
            self.screen.out(&format!("{word} {} {}: {from} → {}", moved.prompt, moved.label, moved.to));
            let Some(evidence) = moved.evidence.as_ref().filter(|_| !self.screen.quiet) else { continue };
            if let Some(Shown { name, phase, arm, verdict, .. }) = &evidence.experiment {
                self.screen.out(&format!("  on the experiment {name}, phase {phase}: {arm} is {verdict}"));
            }
            if evidence.run.is_empty() {
                continue;
            }
            let against = match &evidence.baseline_run {
                None => "by its absolute rules alone".to_owned(),
                Some(run) if *run == evidence.run => format!("against {from}"),
                Some(run) => format!("against {from} in run {run}"),
            };
            self.screen.out(&format!("  on run {}, decided anew {against}", self.screen.line(&evidence.run, 60)));
        }
    }
}
