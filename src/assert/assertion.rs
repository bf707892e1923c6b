//! One assertion of the config, compiled.

use std::fmt;
use std::mem::take;
use std::sync::Arc;

use super::family::contest::Contest;
use super::family::{graded, scripted};
use super::grade::{Findings, Tally, Word};
use super::kind::{Check, Finding, Kind, Part, Spec, Subject, Turned};
use super::panel::Panel;
use super::set::Set;
use super::setup::Setup;
use super::value::{self, Text};
use super::{computed, find, kinds, lacking, show};
use crate::content::{ContentId, Digest, digest_of};
use crate::diag::{Location, Problem, Problems, did_you_mean, is_script};
use crate::record::{Mark, Response, Verdict};
use crate::script::Transform;
use crate::template::Template;
use crate::yaml::{self, Key, Kind as Form, Node, Shape, Table};

const NUMBER: Shape = Shape::Num(f64::NEG_INFINITY, f64::INFINITY);

/// The keys of an assertion.
pub static ASSERTION: Table = Table {
    name: "an assertion",
    open: false,
    keys: &[
        Key::new("type", Shape::Text, "the kind, with `not-` before it to turn it round"),
        Key::new("value", Shape::Any, "what the kind compares with; texts are templates, file:// is followed"),
        Key::new("threshold", NUMBER, "the limit, for kinds that have one"),
        Key::new(
            "weight",
            Shape::Num(0.0, f64::INFINITY),
            "its weight in the score, 1 by default; with 0 it cannot fail",
        ),
        Key::new("metric", Shape::Text, "the named score it counts for; a template"),
        Key::new("alpha", Shape::Num(0.0, 1.0), "meteor: the weight of precision against recall, 0.9 by default"),
        Key::new("beta", Shape::Num(0.0, f64::INFINITY), "meteor: how fast the penalty for pieces grows, 3 by default"),
        Key::new("gamma", Shape::Num(0.0, 1.0), "meteor: the highest penalty for pieces, 0.5 by default"),
        Key::new("assert", Shape::List(&Shape::Object(&ASSERTION)), "the members of an assert-set"),
        Key::new("provider", Shape::Any, "the grader of this assertion: an id, a map, or a map of roles"),
        Key::new("rubricPrompt", Shape::Any, "what the grader reads, instead of our words: a text or messages"),
        Key::new("transform", Shape::Text, "a script that makes what is judged of the `output`"),
        Key::new("contextTransform", Shape::Text, "a script that finds the context in the `output`"),
        Key::new("config", Shape::Any, "what a script sees as `context.config`"),
    ],
};

/// A compiled assertion.
pub struct Assertion {
    /// As written, `not-` included.
    name: Arc<str>,
    kind: &'static Kind,
    negated: bool,
    pub(super) weight: f64,
    threshold: Option<f64>,
    pub(super) metric: Option<Text>,
    expected: Option<String>,
    /// Names of the variables its value and metric read.
    pub(super) reads: Vec<String>,
    at: Location,
    /// What it demands, files that it names included.
    digest: Digest,
    pub(super) check: Box<dyn Check>,
    transform: Option<Transform>,
}

impl fmt::Debug for Assertion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.name, self.at)
    }
}

/// Compiles the list under `assert`. Every mistake becomes a problem; what is returned is usable only
/// when none of them is an error.
pub fn compile(list: &Node, setup: &Setup<'_>, problems: &mut Problems) -> Vec<Assertion> {
    static SHAPE: Shape = Shape::List(&Shape::Object(&ASSERTION));
    if !list.is_null() {
        yaml::check(list, &SHAPE, "assert", setup.lenient, problems);
    }
    list.items().iter().filter_map(|node| compile_one(node, setup, false, problems)).collect()
}

/// The members of a set, whose shape was checked with the set.
pub(super) fn compile_members(list: &Node, setup: &Setup<'_>, problems: &mut Problems) -> Vec<Assertion> {
    list.items().iter().filter_map(|node| compile_one(node, setup, true, problems)).collect()
}

/// One assertion whose shape was checked.
pub(super) fn compile_one(node: &Node, setup: &Setup<'_>, member: bool, problems: &mut Problems) -> Option<Assertion> {
    if !node.is_map() {
        return None;
    }
    refuse_nulls(node, problems);
    let (name, kind, negated) = kind_of(node, problems)?;
    if !fits_here(node, kind, negated, member, problems) {
        return None;
    }
    warn_idle_keys(node, kind, problems);
    let metric = match node.get("metric").filter(|m| m.as_str().is_some()) {
        Some(metric) => Some(Text::template(metric.as_str().unwrap_or_default(), metric, problems)?),
        None => None,
    };
    let written = node.entry("value").map(|entry| &entry.value);
    let resolved = match written {
        Some(written) => value::resolve(written, setup, problems)?,
        None => value::Resolved::default(),
    };
    // A threshold of the wrong shape has its problem already; the kind shall not add that it is missing.
    let given = node.get("threshold").map(|t| t.as_f64().unwrap_or_default());
    let threshold = given.or(kind.default_threshold);
    let value = resolved.value.as_ref().or(written);
    let spec = Spec { node, value, threshold, negated, kind, setup, files: &resolved.files };
    let computed = written.is_some_and(value::is_scripted) && !scripted::KINDS.iter().any(|k| k.name == kind.name);
    let check = if computed { computed::compile(&spec, problems)? } else { (kind.compile)(&spec, problems)? };
    let transform = match node.get("transform") {
        Some(node) => Some(scripted::transform(node, "transform", setup.home, problems)?),
        None => None,
    };
    Some(Assertion {
        name: name.into(),
        kind,
        negated,
        weight: node.get("weight").and_then(Node::as_f64).unwrap_or(1.0),
        threshold: threshold.filter(|_| !kind.threshold.is_empty()),
        metric,
        expected: check.shown().or_else(|| value.filter(|_| !kind.value.is_empty()).and_then(shown)),
        reads: written
            .map(reads)
            .unwrap_or_default()
            .into_iter()
            .chain(check.panel().map(Panel::reads).unwrap_or_default())
            .collect(),
        at: node.location(),
        digest: scripts(node, setup).fold(digest(node, resolved.value.as_ref(), check.as_set()), Digest::and),
        check,
        transform,
    })
}

/// What an assertion demands: as it is written, and what stands in the files that it names.
fn digest(node: &Node, resolved: Option<&Node>, set: Option<&Set>) -> Digest {
    let mut id = ContentId::of("").with_digest(digest_of(&node.to_json()));
    if let Some(value) = resolved {
        id = id.with_digest(digest_of(&value.to_json()));
    }
    let members = set.map(Set::members_list).unwrap_or_default();
    members.iter().fold(id, |id, member| id.with_digest(member.digest)).digest()
}

/// Digests of the scripts and rubrics in files that an assertion names.
fn scripts<'a>(node: &'a Node, setup: &'a Setup<'_>) -> impl Iterator<Item = Digest> + 'a {
    let keys = ["value", "transform", "contextTransform", "rubricPrompt"].into_iter();
    let texts = keys.filter_map(|key| Some((key, node.get(key)?.as_str()?.trim().strip_prefix("file://")?)));
    let paths = texts.filter(|(key, path)| *key == "rubricPrompt" || is_script(path));
    paths.filter_map(|(_, path)| {
        let path = path.split_once(':').map_or(path, |(path, _)| path);
        let bytes = std::fs::read(setup.base.path().join(path)).ok()?;
        Some(ContentId::of(&String::from_utf8_lossy(&bytes)).digest())
    })
}

/// The variables that a value's templates read.
fn reads(value: &Node) -> Vec<String> {
    let names = |text: &str| Template::new(text).map(|t| t.names()).unwrap_or_default();
    value.one_or_many().iter().filter_map(Node::as_str).flat_map(names).collect()
}

/// A value as verdicts show it.
fn shown(value: &Node) -> Option<String> {
    match &value.kind {
        Form::Null => None,
        Form::Str(text) => Some(show::value(text)),
        _ => Some(show::value(&value.to_json().to_string())),
    }
}

/// `threshold:` without a number is a slip of the pen, not an absent key.
fn refuse_nulls(node: &Node, problems: &mut Problems) {
    for key in ["threshold", "weight", "metric", "alpha", "beta", "gamma"] {
        if let Some(entry) = node.entry(key).filter(|entry| entry.value.is_null()) {
            problems.push(Problem::error(format!("`{key}` has no value")).at(&entry.at));
        }
    }
}

fn kind_of<'a>(node: &'a Node, problems: &mut Problems) -> Option<(&'a str, &'static Kind, bool)> {
    let Some(entry) = node.entry("type").filter(|entry| !entry.value.is_null()) else {
        let names: Vec<_> = kinds().map(|kind| kind.name).collect();
        let hint = format!("known kinds are {}", names.join(", "));
        problems.push(Problem::error("an assertion needs a `type`").at(&node.span).hint(hint));
        return None;
    };
    // Anything but text has its problem already.
    let name = entry.value.as_str()?;
    let (bare, negated) = name.strip_prefix("not-").map_or((name, false), |bare| (bare, true));
    if let Some(kind) = find(bare) {
        return Some((name, kind, negated));
    }
    let problem = if lacking::is_known_elsewhere(bare) {
        lacking::problem(bare)
    } else {
        Problem::error(format!("unknown assertion kind `{name}`")).maybe_hint(suggest(bare, negated))
    };
    problems.push(problem.at(&entry.value.span));
    None
}

/// The nearest kind, `not-` kept.
pub(super) fn suggest(bare: &str, negated: bool) -> Option<String> {
    if !negated {
        return did_you_mean(bare, kinds().map(|kind| kind.name));
    }
    let names: Vec<String> = kinds().filter(|k| k.negatable).map(|k| format!("not-{}", k.name)).collect();
    did_you_mean(&format!("not-{bare}"), names.iter().map(String::as_str))
}

fn fits_here(node: &Node, kind: &Kind, negated: bool, member: bool, problems: &mut Problems) -> bool {
    let is_set = kind.name == "assert-set";
    let place = node.entry("type").map_or(&node.span, |entry| &entry.value.span);
    let before = problems.len();
    if negated && !kind.negatable {
        problems.push(Problem::error(format!("`{}` cannot be negated", kind.name)).at(place));
    }
    if member && matches!(kind.name, "select-best" | "max-score") {
        let problem = Problem::error(format!("`{}` cannot stand inside a set", kind.name)).at(place);
        problems.push(problem.hint("it needs all answers of the case: write it beside the set"));
    }
    if member && is_set {
        let hint = "put its assertions into the outer set";
        problems.push(Problem::error("an `assert-set` cannot stand inside another").at(place).hint(hint));
    }
    if let Some(entry) = node.entry("transform").filter(|_| matches!(kind.name, "select-best" | "max-score")) {
        let message =
            format!("`{}` holds the answers as they are against each other: it has no `transform`", kind.name);
        problems.push(Problem::error(message).at(&entry.at).hint("write it under `options` of the test"));
    }
    if let Some(entry) = node.entry("transform").filter(|_| is_set) {
        let problem = Problem::error("`transform` belongs to the members of an `assert-set`").at(&entry.at);
        problems.push(problem.hint("or to `options` of the test, for all assertions"));
    }
    for (key, owner) in [("assert", "assert-set"), ("alpha", "meteor"), ("beta", "meteor"), ("gamma", "meteor")] {
        if let Some(entry) = node.entry(key).filter(|_| kind.name != owner) {
            let message = format!("`{key}` belongs to `{owner}`, not to `{}`", kind.name);
            problems.push(Problem::error(message).at(&entry.at));
        }
    }
    problems.len() == before
}

fn warn_idle_keys(node: &Node, kind: &Kind, problems: &mut Problems) {
    for key in ["provider", "rubricPrompt"] {
        if let Some(entry) = node.entry(key).filter(|_| !graded::asks(kind)) {
            let message = format!("`{key}` does nothing for `{}`: it asks no grader", kind.name);
            problems.push(Problem::warning(message).at(&entry.at));
        }
    }
    for (key, meaning) in [("value", kind.value), ("threshold", kind.threshold)] {
        if let Some(entry) = node.entry(key).filter(|_| meaning.is_empty()) {
            problems.push(Problem::warning(format!("`{key}` does nothing for `{}`", kind.name)).at(&entry.at));
        }
    }
}

impl Assertion {
    /// The kind as written, `not-` included.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Its threshold, or its kind's.
    pub fn threshold(&self) -> Option<f64> {
        self.threshold
    }

    /// Its row.
    pub fn kind(&self) -> &'static Kind {
        self.kind
    }

    /// The digest of what it demands.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Where it stands.
    pub fn location(&self) -> &Location {
        &self.at
    }

    /// Itself, where it needs all answers of a case.
    pub(super) fn as_contest(&self) -> Option<&dyn Contest> {
        self.check.as_contest()
    }

    /// How many findings there are of it.
    pub(super) fn words_count(&self) -> usize {
        self.check.as_set().map_or(1, |set| set.members_list().len())
    }

    /// Whether it needs all answers of a case.
    pub fn is_contest(&self) -> bool {
        self.as_contest().is_some()
    }

    /// What its check says, or those of its members.
    pub(super) fn words<'a>(&'a self, subject: &'a Subject<'a>, words: &mut Vec<Word<'a>>) {
        match self.check.as_set() {
            Some(set) => words.extend(set.members_list().iter().map(|member| member.word(subject))),
            None => words.push(self.word(subject)),
        }
    }

    fn word<'a>(&'a self, subject: &'a Subject<'a>) -> Word<'a> {
        match &self.transform {
            Some(transform) => Word::Coming(Box::pin(self.word_on_another(transform, subject))),
            None => self.word_on(subject),
        }
    }

    /// The word on what a transform makes of the answer.
    async fn word_on_another(&self, transform: &Transform, subject: &Subject<'_>) -> Result<Finding, String> {
        let context = scripted::context(subject, None);
        let output = transform.apply(&subject.response.output, &context).await?;
        let response = Response { output, ..subject.response.clone() };
        let subject = Subject { response: &response, text: &response.output.text(), ..*subject };
        self.word_on(&subject).settle().await
    }

    fn word_on<'a>(&'a self, subject: &'a Subject<'a>) -> Word<'a> {
        match self.check.ask(subject) {
            Some(asking) => Word::Coming(asking),
            None => Word::Known(self.check.check(subject)),
        }
    }

    /// Judges, at the top.
    pub(super) fn judge_into(
        &self,
        subject: &Subject<'_>,
        found: &mut Findings,
        tally: &mut Tally,
        verdicts: &mut Vec<Verdict>,
    ) {
        if let Some(set) = self.check.as_set() {
            set.judge(self, subject, found, tally, verdicts);
        } else {
            self.judge(subject, 0, found, tally, verdicts);
        }
    }

    /// Judges one that has no members.
    pub(super) fn judge(
        &self,
        subject: &Subject<'_>,
        depth: u8,
        found: &mut Findings,
        tally: &mut Tally,
        verdicts: &mut Vec<Verdict>,
    ) {
        let mut found = found.next().unwrap_or_else(|| Err("it was not evaluated".into()));
        let (named, parts) = match &mut found {
            Ok(finding) => (take(&mut finding.named), take(&mut finding.parts)),
            Err(_) => Default::default(),
        };
        let verdict = self.verdict(subject, depth, found);
        tally.add(&verdict);
        tally.add_scores(&verdict, &named);
        let parts: Vec<Verdict> = parts.into_iter().map(|part| self.part(part, depth + 1)).collect();
        verdicts.push(verdict);
        verdicts.extend(parts);
    }

    /// A part of a finding as a verdict under it, which counts for nothing by itself.
    fn part(&self, part: Part, depth: u8) -> Verdict {
        Verdict {
            kind: Arc::clone(&self.name),
            mark: if part.pass { Mark::Pass } else { Mark::Fail },
            score: part.score,
            reason: part.reason,
            metric: None,
            weight: self.weight,
            expected: None,
            threshold: None,
            at: self.at.clone(),
            depth: depth.saturating_add(part.depth),
        }
    }

    /// The verdict for a finding: turned round for `not-`, forced to pass by a weight of 0.
    pub(super) fn verdict(&self, subject: &Subject<'_>, depth: u8, found: Result<Finding, String>) -> Verdict {
        let metric = self.metric.as_ref().map(|metric| metric.render(subject.scope)).transpose();
        let found = found.and_then(|finding| metric.map(|metric| (finding, metric)));
        let mut verdict = Verdict {
            kind: Arc::clone(&self.name),
            mark: Mark::Error,
            score: 0.0,
            reason: String::new(),
            metric: None,
            weight: self.weight,
            expected: None,
            threshold: self.threshold,
            at: self.at.clone(),
            depth,
        };
        match found {
            Ok((finding, metric)) => {
                let pass = finding.pass != (self.negated && finding.turned != Turned::Void);
                verdict.score = match finding.turned {
                    Turned::Binary if self.negated => f64::from(u8::from(pass)),
                    Turned::Rest if self.negated => (1.0 - finding.score).clamp(0.0, 1.0),
                    _ => finding.score,
                };
                // A weight of 0 makes an assertion an observer. promptfoo does not extend this to sets.
                let forced = self.weight == 0.0 && self.check.as_set().is_none();
                verdict.mark = if pass || forced { Mark::Pass } else { Mark::Fail };
                // Who speaks of an answer does not know that the word was turned round.
                let quoted = self.check.panel().is_some() || self.check.names_scores();
                let blind = self.negated && !pass && quoted && finding.turned != Turned::Void;
                verdict.reason = finding.reason;
                if blind {
                    verdict.reason.insert_str(0, "it must not hold, and it does: ");
                }
                verdict.metric = metric.filter(|m| !m.is_empty()).map(std::borrow::Cow::into_owned);
                verdict.expected = finding.expected.or_else(|| self.expected.clone());
            }
            Err(reason) => {
                verdict.reason = reason;
                verdict.expected.clone_from(&self.expected);
            }
        }
        verdict
    }
}
