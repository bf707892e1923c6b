//! One result becomes an outcome again.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::fields::{Fields, score};
use super::head::Summary;
use crate::content::{Digest, case_hash};
use crate::diag::Location;
use crate::record::{
    CallFailure, CaseRef, Column, Mark, Named, Outcome, Output, Reason, Response, Status, Usage, Verdict,
};

/// More columns than any matrix has: a number beyond it is no column.
pub(super) const MOST_COLUMNS: usize = 10_000;

/// Makes outcomes of results, and remembers what they say of the run.
pub(super) struct Maker {
    /// How many outcomes were made.
    pub(super) count: u64,
    columns: BTreeMap<usize, Column>,
    /// Hashes of the cases' ids.
    cases: HashSet<u64>,
    /// How often a case came in a column, where the report does not number its repeats.
    came: HashMap<(u64, usize), u32>,
    repeat: u32,
    /// Where things stand of which the report does not say it.
    here: Location,
    /// The case of the result before: repeats and columns share it.
    last: Option<Arc<CaseRef>>,
}

impl Maker {
    pub(super) fn new(path: &Path) -> Self {
        Self {
            count: 0,
            columns: BTreeMap::new(),
            cases: HashSet::new(),
            came: HashMap::new(),
            repeat: 0,
            here: Location { file: path.display().to_string().into(), line: 1, column: 1 },
            last: None,
        }
    }

    pub(super) fn summary(self) -> Summary {
        let cases = self.cases.len() as u64;
        Summary { finished: self.count, cases, repeat: self.repeat, columns: self.columns }
    }

    /// The outcome, or the name of what it lacks.
    pub(super) fn outcome(&mut self, item: Map<String, Value>) -> Result<Outcome, String> {
        let mut item = Fields::of(Value::Object(item));
        let column = item.count("promptIdx").and_then(|n| usize::try_from(n).ok());
        let column = column.filter(|n| *n < MOST_COLUMNS).ok_or("a `promptIdx`")?;
        let mut prompt = item.take("prompt");
        self.columns.entry(column).or_insert_with(|| column_of(&mut item, prompt.as_mut()));
        let mut grading = item.take("gradingResult").map(Fields::of);
        let asserts = grading.as_ref().is_none_or(|grading| grading.has_items("componentResults"));
        let case = self.case(&mut item, asserts);
        let verdicts = grading.as_mut().map(|grading| verdicts(grading, &case.at)).unwrap_or_default();
        let error = item.shown("error");
        let status = status(&mut item, grading.as_mut(), error.as_deref());
        let response = response(&mut item);
        let failure = failure(&mut item, status, &verdicts, error);
        let id = hash(&case.id);
        self.cases.insert(id);
        let repeat = item.small("repeatIndex").unwrap_or_else(|| self.next_repeat(id, column));
        self.repeat = self.repeat.max(repeat.saturating_add(1));
        self.count += 1;
        Ok(Outcome {
            index: self.count - 1,
            cell: item.text("id").unwrap_or_default().into(),
            request: "".into(),
            row: item.count("testIdx").unwrap_or(0),
            column,
            repeat,
            case,
            prompt: prompt.and_then(raw).unwrap_or_default().into(),
            status,
            score: item.score("score"),
            named: named(item.map("namedScores").or_else(|| grading?.map("namedScores"))),
            verdicts,
            response,
            failure,
            attempts: item.small("attempts").unwrap_or(1),
            setbacks: Vec::new(),
            grading: crate::record::Spent::default(),
            asides: Vec::new(),
        })
    }

    fn next_repeat(&mut self, case: u64, column: usize) -> u32 {
        let times = self.came.entry((case, column)).or_default();
        *times = times.saturating_add(1);
        *times - 1
    }

    fn case(&mut self, item: &mut Fields, asserts: bool) -> Arc<CaseRef> {
        let mut test = item.fields("testCase");
        let description = test.text("description").or_else(|| item.text("description"));
        let mut vars = item.map("vars").or_else(|| test.map("vars")).unwrap_or_default();
        // What promptfoo adds while it runs; not an input.
        vars.shift_remove("_conversation");
        let id = test.shown("id").unwrap_or_else(|| case_hash(description.as_deref(), &vars)[..10].to_owned());
        let digest = |text: Option<String>| text.and_then(|text| text.parse().ok()).unwrap_or_default();
        let (inputs, checks): (Digest, Digest) = (digest(test.text("inputs")), digest(test.text("checks")));
        if let Some(last) = self
            .last
            .as_ref()
            .filter(|last| (&*last.id, last.inputs, last.checks, &*last.vars) == (&*id, inputs, checks, &vars))
        {
            return Arc::clone(last);
        }
        let case = Arc::new(CaseRef {
            id: id.into(),
            description: description.map(Into::into),
            vars: Arc::new(vars),
            metadata: Arc::new(test.map("metadata").unwrap_or_default()),
            asserts,
            at: item.text("location").and_then(|text| location(&text)).unwrap_or_else(|| self.here.clone()),
            inputs,
            checks,
            cluster: test.shown("cluster").map(Into::into),
            min_pass: test.small("min_pass"),
        });
        self.last = Some(Arc::clone(&case));
        case
    }
}

fn hash(id: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    hasher.finish()
}

/// What a result says of its column. In older reports provider and prompt are texts.
fn column_of(item: &mut Fields, prompt: Option<&mut Value>) -> Column {
    let provider = item.take("provider").unwrap_or_default();
    let mut prompt = prompt.map(|prompt| Fields::of(prompt.clone())).unwrap_or_default();
    let (id, label) = match provider {
        Value::String(id) => (Some(id), None),
        other => {
            let mut provider = Fields::of(other);
            (provider.text("id"), provider.text("label"))
        }
    };
    let id: Arc<str> = id.or_else(|| label.clone()).unwrap_or_default().into();
    Column {
        provider: label.map_or_else(|| Arc::clone(&id), Into::into),
        provider_id: id,
        label: prompt.text("label").unwrap_or_default().into(),
        raw: "".into(),
        prompt_hash: item.text("promptId").unwrap_or_default().into(),
        name: prompt.text("name").map(Into::into),
        version: prompt.text("version").map(Into::into),
        identity: None,
    }
}

fn raw(prompt: Value) -> Option<String> {
    match prompt {
        Value::String(text) => Some(text),
        other => Fields::of(other).shown("raw"),
    }
}

fn status(item: &mut Fields, grading: Option<&mut Fields>, error: Option<&str>) -> Status {
    let unjudged = grading.is_none() && error.is_some_and(|error| !error.is_empty());
    if item.count("failureReason") == Some(2) || unjudged {
        return Status::Errored;
    }
    let passed = item.flag("success").or_else(|| grading?.flag("pass"));
    if passed == Some(true) { Status::Passed } else { Status::Failed }
}

/// The answer; nothing where none came. What it does not say of itself the result may say.
fn response(item: &mut Fields) -> Option<Response> {
    let mut answer = item.take("response").map(Fields::of)?;
    if !answer.has("output") {
        return None;
    }
    let output = match answer.take("output").unwrap_or_default() {
        Value::String(text) => Output::Text(text),
        other => Output::Json(other),
    };
    let cached = answer.flag("cached").unwrap_or(false);
    let usage = answer.map("tokenUsage").map(usage);
    let outer = item.map("tokenUsage").map(self::usage).filter(|usage| usage.total > 0);
    // The time of an answer from memory is not the provider's.
    let waited = item.count("latencyMs").filter(|ms| *ms > 0 && !cached);
    Some(Response {
        output,
        usage: usage.or(outer),
        cost: answer.number("cost").or_else(|| item.number("cost").filter(|cost| *cost > 0.0)),
        latency_ms: answer.count("latencyMs").or(waited),
        finish_reason: answer.text("finishReason"),
        is_refusal: answer.flag("isRefusal").unwrap_or(false),
        reasoning: answer.text("reasoning"),
        log_probs: answer.take("logProbs").and_then(|logs| serde_json::from_value(logs).ok()),
        model: answer.text("model"),
        guardrails: answer.take("guardrails"),
        metadata: answer.take("metadata"),
        raw: None,
        cached,
    })
}

fn usage(map: Map<String, Value>) -> Usage {
    let mut map = Fields::of(Value::Object(map));
    let mut details = map.fields("completionDetails");
    let mut count = |key| map.count(key).unwrap_or(0);
    Usage {
        total: count("total"),
        prompt: count("prompt"),
        completion: count("completion"),
        cached: count("cached"),
        reasoning: map.count("reasoning").or_else(|| details.count("reasoning")).unwrap_or(0),
    }
}

/// Why there is no verdict, where no assertion says it.
fn failure(item: &mut Fields, status: Status, verdicts: &[Verdict], error: Option<String>) -> Option<CallFailure> {
    let known = item.take("failure").and_then(|failure| serde_json::from_value(failure).ok());
    if known.is_some() || status != Status::Errored || verdicts.iter().any(|v| v.mark == Mark::Error) {
        return known;
    }
    Some(CallFailure::new(Reason::Server, error.unwrap_or_else(|| "there is no verdict".into())))
}

fn named(scores: Option<Map<String, Value>>) -> Named {
    scores.unwrap_or_default().into_iter().map(|(name, value)| (name, score(&value))).collect()
}

fn verdicts(grading: &mut Fields, at: &Location) -> Vec<Verdict> {
    let mut all = Vec::new();
    add_verdicts(grading, at, 0, &mut all);
    all
}

/// Sets before their members.
fn add_verdicts(grading: &mut Fields, at: &Location, depth: u8, all: &mut Vec<Verdict>) {
    for component in grading.list("componentResults") {
        let mut component = Fields::of(component);
        all.push(verdict(&mut component, at, depth));
        add_verdicts(&mut component, at, depth.saturating_add(1), all);
    }
}

fn verdict(component: &mut Fields, at: &Location, depth: u8) -> Verdict {
    let mut assertion = component.fields("assertion");
    let mark = match (component.flag("error"), component.flag("pass")) {
        (Some(true), _) => Mark::Error,
        (_, Some(true)) => Mark::Pass,
        _ => Mark::Fail,
    };
    Verdict {
        kind: assertion.text("type").unwrap_or_default().into(),
        mark,
        score: component.score("score"),
        reason: component.text("reason").unwrap_or_default(),
        metric: assertion.text("metric"),
        weight: assertion.number("weight").unwrap_or(1.0),
        expected: assertion.shown("value"),
        threshold: assertion.number("threshold"),
        at: assertion.text("line").and_then(|line| location(&line)).unwrap_or_else(|| at.clone()),
        depth,
    }
}

/// `file:line:column`.
fn location(text: &str) -> Option<Location> {
    let mut parts = text.rsplitn(3, ':');
    let (column, line) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    Some(Location { file: parts.next()?.into(), line, column })
}
