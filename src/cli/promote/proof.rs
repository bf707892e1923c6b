//! What a promotion rests on: a run of exactly this content, decided about anew.

use std::path::PathBuf;
use std::sync::Arc;

use super::rules::Withdrawn;
use super::{Missing, Promotion, Wanted};
use crate::audit::Evidence as Proof;
use crate::cli::args::Selection;
use crate::cli::compare::{play, store};
use crate::cli::evidence::{Archive, Evidence};
use crate::cli::exit::{ExitStatus, Failure};
use crate::cli::keep::failed;
use crate::cli::rivals::{Aim, Matched, Rivals};
use crate::cli::screen::count;
use crate::content::sha256;
use crate::env::format_time;
use crate::plan::Expected;
use crate::record::Ending;
use crate::stats::Question;
use crate::stats::gate::{Policy, Verdict};
use crate::store::Store;
use crate::suite::{GateOptions, NAMES, Options, Suite};

/// Runs that are looked at when nobody says which.
const MOST_RUNS: usize = 20;
/// Clocks of two machines may differ by this: 5 minutes, in milliseconds.
const SKEW_MS: u64 = 300_000;

/// Decides what evidence is worth.
pub(super) struct Prover<'a> {
    promotion: &'a Promotion<'a>,
    suite: Suite,
    policy: Policy,
    store: Option<Store>,
}

type Weighed = Result<Proof, Vec<Missing>>;

impl<'a> Prover<'a> {
    /// Loads the suite and the gate that the label asks for.
    pub(super) fn open(promotion: &'a Promotion<'a>) -> Result<Self, Failure> {
        let (cwd, screen, env) = (promotion.cwd, promotion.screen, &promotion.opened.env);
        let config = promotion.policy.suite.clone();
        if config.is_none() && !NAMES.iter().any(|name| cwd.join(name).is_file()) {
            let message = format!("nothing says by which cases {} is judged", promotion.command.how.to);
            let hint =
                format!("name a suite in prompteval.yaml: labels: {{{}: {{suite: FILE}}}}", promotion.command.how.to);
            return Err(Failure::new(ExitStatus::Usage, message).hint(hint));
        }
        let selection = Selection::of(config, false);
        let gate = GateOptions { policy: promotion.policy.gate.clone(), on: Some(true) };
        let options = Options { gate, offline: true, ..selection.options(cwd)? };
        let (suite, env) = crate::cli::load(&selection, &options, env, cwd, screen)?;
        let policy = suite.gate.as_ref().map(|gate| gate.policy.clone()).unwrap_or_default();
        let store = store(&promotion.command.how.store, &env, cwd)?;
        Ok(Self { promotion, suite, policy, store })
    }

    /// What a version rests on, or what is missing.
    pub(super) fn prove(&self, wanted: &Wanted, withdrawn: Option<&Withdrawn>) -> Result<Weighed, Failure> {
        if let Some(word) = &self.promotion.command.how.evidence {
            let registry = self.promotion.opened.registry.folder();
            let archive = Archive {
                store: self.store.as_ref(),
                registry,
                cwd: self.promotion.cwd,
                prompt: None,
                baseline: false,
            };
            return self.weigh(&archive.find(word)?, wanted, withdrawn);
        }
        let mut first = None;
        for run in self.runs(wanted.frozen.content())? {
            let weighed = self.weigh(&run, wanted, withdrawn)?;
            // A run of other cases is no word on these; of those that judged these, the newest counts.
            let foreign = weighed.as_ref().is_err_and(|missing| missing.iter().any(|missing| missing.foreign));
            if !foreign {
                return Ok(weighed);
            }
            first.get_or_insert(weighed);
        }
        Ok(first.unwrap_or_else(|| Err(vec![self.never(wanted)])))
    }

    /// Stored runs of a content that came to their end, newest first.
    fn runs(&self, content: &str) -> Result<Vec<Evidence>, Failure> {
        let Some(store) = &self.store else { return Ok(Vec::new()) };
        let mut of = |run: &crate::store::StoredRun| {
            let complete = run.tail.as_ref().is_some_and(|tail| tail.ending == Ending::Complete);
            complete && run.head.columns.iter().any(|column| &*column.prompt_hash == content)
        };
        let runs = store.runs(MOST_RUNS, &mut of).map_err(failed)?;
        Ok(runs.into_iter().map(|run| Evidence::of_run(store, run)).collect())
    }

    /// Nothing was ever run.
    fn never(&self, wanted: &Wanted) -> Missing {
        let content: String = wanted.frozen.content().chars().take(12).collect();
        let what = format!("no stored run has the content of {} ({content})", wanted.title());
        Missing::new(what).remedy(self.command(wanted))
    }

    /// The command that would produce evidence.
    fn command(&self, wanted: &Wanted) -> String {
        let asked = self.suite.plan.columns.iter().any(|column| &*column.prompt.hash == wanted.frozen.content());
        let config = &self.suite.plan.config_path;
        if asked {
            return format!("prompteval run -c {config}{}", self.with_policy());
        }
        format!(
            "put registry://{} under `prompts:` of {config}, and: prompteval run -c {config}{}",
            wanted.title(),
            self.with_policy()
        )
    }

    fn with_policy(&self) -> String {
        self.promotion.policy.gate.as_ref().map(|path| format!(" --policy {}", path.display())).unwrap_or_default()
    }

    /// What a run is worth for a version.
    fn weigh(&self, run: &Evidence, wanted: &Wanted, withdrawn: Option<&Withdrawn>) -> Result<Weighed, Failure> {
        let columns = run.with_content(wanted.frozen.content());
        let id = &run.head.id;
        if columns.is_empty() {
            let what = format!("the run {id} did not ask {}: no prompt in it has its content", wanted.title());
            return Ok(Err(vec![Missing::new(what).remedy(self.command(wanted))]));
        }
        let mut missing = self.formal(run, wanted, withdrawn, &columns);
        if run.ending != Some(Ending::Complete) || run.unrun() > 0 {
            return Ok(Err(missing));
        }
        let matched = self.decide(run, wanted, &columns)?;
        let matched = match matched {
            Ok(matched) => matched,
            Err(reason) => {
                missing.push(reason);
                return Ok(Err(missing));
            }
        };
        if withdrawn.is_some() && remembered(run, &columns)? {
            let what = format!("answers of the run {id} are from the cache, and may be older than the withdrawal");
            missing.push(Missing::new(what).remedy(format!("{} --no-cache", self.command(wanted))));
        }
        missing.extend(self.cases(run, wanted, &matched));
        for matched in &matched {
            missing.extend(self.verdict(run, wanted, matched));
        }
        if missing.is_empty() && !wanted.is_first() {
            missing.extend(self.stored(run, wanted, &columns)?);
        }
        Ok(if missing.is_empty() { Ok(self.proof(run, wanted, &matched)?) } else { Err(missing) })
    }

    /// What is wrong with a run before anybody looks at its answers.
    fn formal(
        &self,
        run: &Evidence,
        wanted: &Wanted,
        withdrawn: Option<&Withdrawn>,
        columns: &[usize],
    ) -> Vec<Missing> {
        let id = &run.head.id;
        let again = |what: String| Missing::new(what).remedy(self.command(wanted));
        let mut all = Vec::new();
        if run.ending != Some(Ending::Complete) || run.unrun() > 0 {
            all.push(again(format!(
                "the run {id} did not come to its end: {} of {} cells have an outcome",
                run.finished, run.head.cells
            )));
        }
        let (now, ended) = (self.promotion.who.clock.now_millis(), run.ended_ms);
        let age = now.saturating_sub(ended);
        if age > self.promotion.policy.max_age_ms {
            let days = |ms: u64| format!("{:.1} days", std::time::Duration::from_millis(ms).as_secs_f64() / 86_400.0);
            let most = days(self.promotion.policy.max_age_ms);
            all.push(again(format!(
                "the run {id} is {} old, and {} allows {most}",
                days(age),
                self.promotion.command.how.to
            )));
        }
        if ended > now.saturating_add(SKEW_MS) {
            all.push(again(format!("the run {id} ended at {}, which is yet to come", format_time(ended))));
        }
        if let Some(withdrawn) = withdrawn.filter(|withdrawn| format_time(ended) <= withdrawn.time) {
            let what = format!(
                "{} was withdrawn at {} ({}), and the run {id} is older",
                wanted.title(),
                withdrawn.time,
                withdrawn.reason
            );
            all.push(again(what));
        }
        for at in columns {
            let column = &run.head.columns[*at];
            let target = self.suite.plan.targets.iter().find(|target| target.label == column.provider);
            if target.is_some_and(|target| column.identity.as_ref() != Some(&target.identity)) {
                let what = format!("the run {id} asked {} with other settings than the suite has now", column.provider);
                all.push(again(what));
            }
        }
        for target in &self.suite.plan.targets {
            let asked = |at: &usize| {
                run.head.columns[*at].provider == target.label && run.head.columns[*at].provider_id == target.id
            };
            if !columns.iter().any(asked) {
                all.push(again(format!("the run {id} did not ask {} at {}", wanted.title(), target.label)));
            }
        }
        all
    }

    /// Decides anew: against what is live, in this run or in one with the same cases.
    fn decide(
        &self,
        run: &Evidence,
        wanted: &Wanted,
        columns: &[usize],
    ) -> Result<Result<Vec<Matched>, Missing>, Failure> {
        let head = Arc::new(run.head.clone());
        let Some(live) = wanted.from.as_ref().filter(|_| !wanted.is_first()) else {
            return play(Rivals::within(head, columns, self.aim()), run).map(Ok);
        };
        let first = run.with_content(live.content());
        let provider = |at: &usize| &run.head.columns[*at].provider;
        if columns.iter().all(|at| first.iter().any(|live| provider(live) == provider(at))) {
            let both: Vec<usize> = first.iter().chain(columns).copied().collect();
            return play(Rivals::within(head, &both, self.aim()).only(columns), run).map(Ok);
        }
        for mut other in self.runs(live.content())? {
            other.columns = other.with_content(live.content());
            let other = Arc::new(other);
            let Ok(rivals) = Rivals::against(Arc::clone(&head), columns, &other, self.aim()) else { continue };
            let alike = rivals.baselines().all(|(column, facts)| {
                let expected = self.expected(wanted, &run.head.columns[column].provider);
                expected.is_some_and(|expected| (expected.test_set, expected.checks) == (facts.test_set, facts.checks))
            });
            if alike {
                return play(rivals, run).map(Ok);
            }
        }
        let what = format!("no stored run judged {}@{}, which is live, by these cases", live.name, live.version);
        let config = &self.suite.plan.config_path;
        let both = format!(
            "put registry://{}@{} under `prompts:` of {config}, before {}, and run it",
            live.name,
            live.version,
            wanted.title()
        );
        Ok(Err(Missing::new(what).remedy(both)))
    }

    fn aim(&self) -> Aim {
        Aim { policy: Some(self.policy.clone()), question: Question::default(), early: false }
    }

    /// What the suite asks of this content at a provider; of a content that it does not name, what it asks of
    /// all others alike.
    fn expected(&self, wanted: &Wanted, provider: &str) -> Option<&Expected> {
        let plan = &self.suite.plan;
        let here = || plan.columns.iter().zip(&plan.expected).filter(|(column, _)| &*column.target.label == provider);
        let own = here().find(|(column, _)| &*column.prompt.hash == wanted.frozen.content());
        if let Some((_, expected)) = own {
            return Some(expected);
        }
        let (_, first) = here().next()?;
        let same = |expected: &Expected| (expected.test_set, expected.checks) == (first.test_set, first.checks);
        here().all(|(_, expected)| same(expected)).then_some(first)
    }

    /// Whether the run judged the suite's cases by the suite's assertions.
    fn cases(&self, run: &Evidence, wanted: &Wanted, matched: &[Matched]) -> Option<Missing> {
        let gates = matched.iter().filter_map(|matched| matched.gate.as_ref());
        let foreign = gates.into_iter().find(|gate| {
            let expected = self.expected(wanted, &gate.candidate.provider);
            expected.is_none_or(|expected| (expected.test_set, expected.checks) != (gate.test_set, gate.checks))
        })?;
        let what = format!(
            "the run {} judged {} by other cases or assertions than {} has now",
            run.head.id, foreign.candidate.prompt, self.suite.plan.config_path
        );
        Some(Missing { foreign: true, ..Missing::new(what).remedy(self.command(wanted)) })
    }

    /// What the gate says, decided now.
    fn verdict(&self, run: &Evidence, wanted: &Wanted, matched: &Matched) -> Option<Missing> {
        let Some(gate) = &matched.gate else { return Some(Missing::new("no gate decided about it")) };
        if matched.errored > 0 {
            let what = format!("{} of the run {} have no verdict", count(matched.errored, "cell"), run.head.id);
            return Some(Missing::new(what).remedy(format!(
                "prompteval run -c {} --resume {} --retry-errors",
                self.suite.plan.config_path, run.head.id
            )));
        }
        // A first version has nothing to be held against; a gate without absolute rules asks no more of it
        // than a complete run.
        let bare = wanted.is_first() && !self.policy.is_absolute();
        if gate.decision.decision == Verdict::Pass || bare {
            return None;
        }
        let live =
            wanted.from.as_ref().map(|live| format!(" against {}, which is live", live.version)).unwrap_or_default();
        let what = format!("the gate is closed at {}{live}: {}", gate.candidate.provider, gate.decision.words);
        Some(Missing::new(what).remedy(format!("prompteval gate --candidate {} explains it rule by rule", run.head.id)))
    }

    /// Whether the run's own gate, with these rules, was open. A report holds outcomes and no decision: it is
    /// decided about here alone.
    fn stored(&self, run: &Evidence, wanted: &Wanted, columns: &[usize]) -> Result<Option<Missing>, Failure> {
        let (Some(store), None) = (&self.store, run.file()) else { return Ok(None) };
        let lines = store.gates_of(&run.head.id).map_err(failed)?;
        let policy = self.policy.digest().to_string();
        for at in columns {
            let provider = &run.head.columns[*at].provider;
            let own = |line: &&crate::store::GateLine| {
                line.candidate == wanted.frozen.content() && line.provider == **provider
            };
            let of_policy = lines.iter().filter(own).rfind(|line| line.policy == policy);
            let remedy = format!(
                "prompteval gate --candidate {} -c {}{}",
                run.head.id,
                self.suite.plan.config_path,
                self.with_policy()
            );
            let what = match of_policy {
                Some(line) if line.decision == Verdict::Pass.word() => continue,
                // That nothing could be decided is no word against it: an older run may have one for it.
                Some(line) if line.decision == Verdict::Invalid.word() => {
                    let what = format!("the gate of the run {} had nothing to decide on at {provider}", run.head.id);
                    return Ok(Some(Missing { foreign: true, ..Missing::new(what).remedy(remedy) }));
                }
                Some(line) => format!("the gate of the run {} decided `{}` at {provider}", run.head.id, line.decision),
                None if lines.iter().any(|line| own(&line)) => {
                    format!(
                        "the run {} was decided about by other rules than those of {} now",
                        run.head.id, self.promotion.command.how.to
                    )
                }
                None => format!("no gate decided about {} in the run {}", wanted.title(), run.head.id),
            };
            return Ok(Some(Missing::new(what).remedy(remedy)));
        }
        Ok(None)
    }

    fn proof(&self, run: &Evidence, wanted: &Wanted, matched: &[Matched]) -> Result<Proof, Failure> {
        let report = run.file().map(|path: &std::path::Path| -> Result<String, Failure> {
            let bytes = std::fs::read(self.promotion.cwd.join(PathBuf::from(path)));
            bytes.map(|bytes| sha256(&bytes)).map_err(|e| Failure::new(ExitStatus::Failed, e.to_string()))
        });
        let gates = || matched.iter().filter_map(|matched| matched.gate.as_ref());
        let first = gates().next();
        let sum = |digest: &dyn Fn(&Matched) -> crate::content::Digest| {
            matched.iter().map(digest).reduce(crate::content::Digest::and).unwrap_or_default().to_string()
        };
        let baseline = first.and_then(|gate| gate.baseline.as_ref());
        Ok(Proof {
            run: run.head.id.to_string(),
            ended: Some(format_time(run.ended_ms)),
            report_sha256: report.transpose()?,
            results: sum(&|matched| matched.results),
            test_set: first.map(|gate| gate.test_set.to_string()).unwrap_or_default(),
            assertions: first.map(|gate| gate.checks.to_string()).unwrap_or_default(),
            policy: self.policy.digest().to_string(),
            providers: gates().map(|gate| gate.candidate.provider.to_string()).collect(),
            baseline_run: baseline.map(|party| party.run.to_string()),
            baseline_content_sha256: wanted
                .from
                .as_ref()
                .filter(|_| baseline.is_some())
                .map(|from| from.content().to_owned()),
            decision: Verdict::Pass.word().to_owned(),
            experiment: None,
        })
    }
}

/// Whether some answers of these columns are from the cache.
fn remembered(run: &Evidence, columns: &[usize]) -> Result<bool, Failure> {
    let mut any = false;
    run.replay(&mut |outcome| {
        let cached = outcome.response.as_ref().is_some_and(|response| response.cached);
        any |= cached && columns.contains(&outcome.column);
    })?;
    Ok(any)
}
