//! What can only be known when every case has been seen: counts, references, templates that fail.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde_json::Value;

use crate::assert::{self, Assertion};
use crate::content::Digest;
use crate::diag::{Problem, Problems, Span, did_you_mean};
use crate::plan::{CONVERSATION, Case, Expected, Plan, Target, render};
use crate::prompts::Prompt;
use crate::stats::gate::means;

/// After so many errors reading stops: the rest would only be more of the same.
pub(super) const MOST_PROBLEMS: usize = 50;

pub(super) struct Checks {
    /// All prompts and providers of the config: a filter must not make a right config wrong.
    prompts: Vec<Arc<Prompt>>,
    targets: Vec<Arc<Target>>,
    names: HashSet<String>,
    references: HashSet<String>,
    /// Variables that assertions read, and the first place of each.
    asserted: HashMap<String, String>,
    /// Rubrics that were looked through.
    rubrics: HashSet<Digest>,
    fallible: Vec<bool>,
    /// Names of cases that the gate asks for.
    wanted: Vec<String>,
}

impl Checks {
    pub(super) fn new(
        plan: &mut Plan,
        prompts: Vec<Arc<Prompt>>,
        targets: Vec<Arc<Target>>,
        wanted: Vec<String>,
    ) -> Self {
        plan.expected = vec![Expected::default(); plan.columns.len()];
        Self {
            prompts,
            targets,
            names: HashSet::new(),
            references: HashSet::new(),
            asserted: HashMap::new(),
            rubrics: HashSet::new(),
            wanted,
            fallible: plan.columns.iter().map(|c| c.prompt.can_fail()).collect(),
        }
    }

    /// Checks one case against the columns it runs in.
    pub(super) fn case(&mut self, case: &Case, at: &Span, plan: &mut Plan, problems: &mut Problems) {
        for name in case.scope.vars().keys() {
            if !self.names.contains(name) {
                self.names.insert(name.clone());
            }
        }
        // The shared assertions are the same for every case: the first one tells.
        let shared = if plan.case_count == 0 { &*case.shared } else { &[] };
        for assertion in shared.iter().chain(case.own.iter()) {
            for metric in assertion.metrics() {
                let metric = metric.map(str::to_owned);
                if !plan.metrics.contains(&metric) {
                    plan.metrics.insert(metric);
                }
            }
            for name in assertion.reads() {
                if !self.asserted.contains_key(name) {
                    self.asserted.insert(name.to_owned(), format!("assertion at {}", assertion.location()));
                }
            }
        }
        self.read_rubric(case);
        missing(case, at, plan, problems);
        self.check_references(case, at, problems);
        if let Some(name) = &case.store_as {
            plan.stores = true;
            self.names.insert(name.to_string());
        }
        let columns: Vec<usize> = plan.columns_of(case).collect();
        let wrapped = !(case.prefix.is_empty() && case.suffix.is_empty());
        for &column in columns.iter().filter(|c| self.fallible[**c] || wrapped) {
            let prompt = &plan.columns[column].prompt;
            if let Err(error) = render(prompt, case, &case.scope, &plan.environment) {
                problems.push(
                    Problem::error(format!("the prompt `{}` cannot be rendered for this case: {error}", prompt.label))
                        .at(at),
                );
            }
        }
        if columns.is_empty() && !self.runs_somewhere(case) && problems.errors() == 0 {
            let problem = Problem::error("this test runs with no prompt at any provider").at(at);
            problems.push(problem.hint("its `prompts` and `providers` and those of the providers leave nothing"));
        }
        if let Some(contest) = case.assertions().find(|a| a.is_contest()).filter(|_| columns.len() == 1) {
            let message = format!("`{}` holds answers against each other, and this test has only one", contest.name());
            problems.push(Problem::error(message).at(at).hint("it needs two prompts or two providers"));
        }
        let mut all = case.assertions();
        if all.any(|a| &**a.name() == "max-score") && case.assertions().all(Assertion::is_contest) {
            let problem = Problem::error("`max-score` has nothing to go by: this test has no other assertion");
            problems.push(problem.at(at).hint("write the assertions whose scores it holds against each other"));
        }
        let repeats = u64::from(case.repeat.unwrap_or(plan.repeat).max(1));
        let cells = columns.len() as u64 * repeats;
        self.expect(case, &columns, repeats, at, plan, problems);
        plan.case_count += u64::from(cells > 0);
        plan.cells += cells;
        plan.unasserted += if case.reference.asserts { 0 } else { cells };
    }

    /// The words for the graders of a case read variables too.
    fn read_rubric(&mut self, case: &Case) {
        let Some(rubric) = case.grading.rubric.as_ref().filter(|_| case.assertions().any(|a| a.graded() > 0)) else {
            return;
        };
        if !self.rubrics.insert(rubric.digest()) {
            return;
        }
        let place = rubric.location().map(|at| format!("rubric at {at}")).unwrap_or_default();
        for name in rubric.names().into_iter().filter(|name| !assert::PUT_IN.contains(&name.as_str())) {
            self.asserted.entry(name).or_insert_with(|| place.clone());
        }
    }

    fn expect(
        &self,
        case: &Case,
        columns: &[usize],
        repeats: u64,
        at: &Span,
        plan: &mut Plan,
        problems: &mut Problems,
    ) {
        for &column in columns {
            plan.expected[column].add(&case.reference);
        }
        let named = self.wanted.iter().filter(|name| means(name, &case.reference));
        plan.named.extend(named.cloned());
        if let Some(most) = case.reference.min_pass.filter(|n| u64::from(*n) > repeats) {
            let message = format!("`min_pass` asks for {most} passes, and the case is asked {repeats} times");
            problems.push(Problem::error(message).at(at).hint("raise `repeat`, or lower min_pass"));
        }
    }

    fn runs_somewhere(&self, case: &Case) -> bool {
        self.targets.is_empty()
            || self.prompts.is_empty()
            || self.targets.iter().any(|target| self.prompts.iter().any(|prompt| case.runs_in(prompt, target)))
    }

    fn check_references(&mut self, case: &Case, at: &Span, problems: &mut Problems) {
        for reference in case.prompts.iter().flat_map(|refs| refs.iter()) {
            self.refer_to_prompt(reference, at, problems);
        }
        for reference in case.providers.iter().flat_map(|refs| refs.iter()) {
            if !self.targets.iter().any(|t| t.answers_to(reference)) {
                let labels: Vec<_> = self.targets.iter().map(|t| t.label.to_string()).collect();
                self.unknown("provider", reference, &labels, at, problems);
            }
        }
    }

    fn refer_to_prompt(&mut self, reference: &str, at: &Span, problems: &mut Problems) {
        if !self.prompts.iter().any(|p| p.answers_to(reference)) {
            let labels: Vec<_> = self.prompts.iter().map(|p| p.label.to_string()).collect();
            self.unknown("prompt", reference, &labels, at, problems);
        }
    }

    /// Told once for each name.
    fn unknown(&mut self, what: &str, name: &str, labels: &[String], at: &Span, problems: &mut Problems) {
        if labels.is_empty() || !self.references.insert(format!("{what} {name}")) {
            return;
        }
        let hint = did_you_mean(name, labels.iter().map(String::as_str))
            .unwrap_or_else(|| format!("known labels: {}", labels.join(", ")));
        problems.push(Problem::error(format!("no {what} is called `{name}`")).at(at).hint(hint));
    }

    /// What providers refer to, and variables that prompts read and no case has.
    pub(super) fn finish(mut self, plan: &Plan, problems: &mut Problems) {
        for target in self.targets.clone() {
            for reference in target.prompts.iter().flatten() {
                self.refer_to_prompt(reference, &target.at, problems);
            }
        }
        if plan.cells == 0 {
            return;
        }
        let mut asserted: Vec<_> = self.asserted.iter().filter(|(name, _)| !self.names.contains(*name)).collect();
        asserted.sort();
        for (name, place) in asserted {
            let hint = did_you_mean(name, self.names.iter().map(String::as_str));
            let message = format!("the {place} reads `{name}`, which no test sets: it renders as nothing");
            problems.push(Problem::warning(message).maybe_hint(hint));
        }
        for prompt in &plan.prompts {
            for name in prompt.variables() {
                if ["env", CONVERSATION].contains(&&*name) || self.names.contains(&name) {
                    continue;
                }
                let hint = did_you_mean(&name, self.names.iter().map(String::as_str));
                let message =
                    format!("the prompt `{}` reads `{name}`, which no test sets: it renders as nothing", prompt.label);
                problems.push(Problem::warning(message).at(&prompt.at).maybe_hint(hint));
            }
        }
    }
}

/// Variables that a grader is to read and the case does not have. What an earlier case stores comes later.
fn missing(case: &Case, at: &Span, plan: &Plan, problems: &mut Problems) {
    let vars = case.scope.vars();
    let blank = |name: &str| match vars.get(name) {
        None | Some(Value::Null) => true,
        Some(value) => value.as_str().is_some_and(|text| text.trim().is_empty()),
    };
    for assertion in case.assertions().filter(|_| !plan.stores) {
        let Some(name) = assertion.needs().into_iter().find(|name| blank(name)) else { continue };
        let message = format!("`{}` needs the variable `{name}`, and this case has none", assertion.name());
        let hint = match name {
            "context" => "write it under `vars`, or find it in the answer with `contextTransform`",
            _ => "write it under `vars`",
        };
        problems.push(Problem::error(message).at(at).hint(hint));
    }
}
