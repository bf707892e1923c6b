//! Small runs for the tests of this room, and a reader for the XML it writes.

use std::collections::BTreeMap;
use std::sync::Arc;

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};
use serde_json::{Map, Value, json};

use super::Options;
use crate::diag::Location;
use crate::env::Redactor;
use crate::record::{
    CallFailure, CaseRef, Column, Ending, Mark, Outcome, Output, Reason, Response, RunHead, RunRecord, RunTail, Status,
    Usage, Verdict,
};

pub(super) fn options() -> Options {
    Options { redactor: Redactor::default(), strict: false }
}

pub(super) fn column(label: &str, provider: &str) -> Column {
    let [provider, label] = [provider, label].map(Arc::<str>::from);
    Column {
        provider_id: provider.clone(),
        provider,
        label,
        raw: "{{q}}".into(),
        prompt_hash: "abc123".into(),
        name: None,
        version: None,
        identity: None,
    }
}

/// Two columns.
pub(super) fn head() -> RunHead {
    let first = Column { version: Some("2.1.0".into()), ..column("support", "mock:echo") };
    RunHead {
        id: "run-1".into(),
        started_ms: 1_795_338_000_000,
        description: None,
        columns: vec![first, column("support", "mock:other")],
        cells: 4,
        cases: 2,
        repeat: 1,
        config: Arc::new(json!({"prompts": ["{{q}}"]})),
        config_path: "evalconfig.yaml".into(),
        tool_version: "0.0.0".into(),
        git: None,
    }
}

pub(super) fn tail(unrun: u64) -> RunTail {
    let ending = if unrun == 0 { Ending::Complete } else { Ending::Interrupted };
    RunTail { ending, finished_ms: 1_795_338_002_000, duration_ms: 2000, finished: 4, unrun }
}

pub(super) fn record(head: RunHead, outcomes: Vec<Outcome>, unrun: u64) -> RunRecord {
    let outcomes = outcomes.into_iter().map(Arc::new).collect();
    RunRecord { head: Some(Arc::new(head)), outcomes, tail: Some(Arc::new(tail(unrun))) }
}

/// A cell in words: green, with an answer, unless something else is said.
pub(super) struct Cell {
    outcome: Outcome,
    description: Option<Arc<str>>,
    vars: Map<String, Value>,
    metric: Option<String>,
}

pub(super) fn cell(id: &str) -> Cell {
    let case = CaseRef {
        id: id.into(),
        description: None,
        vars: Arc::default(),
        metadata: Arc::default(),
        inputs: crate::content::Digest::new([1; 16]),
        checks: crate::content::Digest::new([2; 16]),
        cluster: None,
        min_pass: None,
        asserts: true,
        at: at(7),
    };
    let usage = Usage { total: 10, prompt: 6, completion: 4, cached: 0, reasoning: 0 };
    let response = Response { usage: Some(usage), cost: Some(0.25), latency_ms: Some(1250), ..Response::default() };
    let outcome = Outcome {
        index: 0,
        cell: "cell-1".into(),
        request: "asked".into(),
        row: 0,
        column: 0,
        repeat: 0,
        case: Arc::new(case),
        prompt: "Say hello".into(),
        status: Status::Passed,
        score: 1.0,
        named: vec![],
        verdicts: vec![],
        response: Some(response),
        failure: None,
        attempts: 1,
        setbacks: Vec::new(),
        grading: crate::record::Spent::default(),
        asides: Vec::new(),
    };
    Cell { outcome, description: None, vars: Map::new(), metric: None }
}

fn at(line: u32) -> Location {
    Location { file: "evalconfig.yaml".into(), line, column: 5 }
}

impl Cell {
    pub(super) fn column(mut self, column: usize) -> Self {
        self.outcome.column = column;
        self
    }

    pub(super) fn repeat(mut self, repeat: u32) -> Self {
        self.outcome.repeat = repeat;
        self
    }

    pub(super) fn description(mut self, text: &str) -> Self {
        self.description = Some(text.into());
        self
    }

    pub(super) fn var(mut self, name: &str, value: &str) -> Self {
        self.vars.insert(name.to_owned(), value.into());
        self
    }

    pub(super) fn prompt(mut self, text: &str) -> Self {
        self.outcome.prompt = text.into();
        self
    }

    pub(super) fn output(mut self, text: &str) -> Self {
        if let Some(response) = &mut self.outcome.response {
            response.output = Output::Text(text.to_owned());
        }
        self
    }

    pub(super) fn named(mut self, name: &str, score: f64) -> Self {
        self.outcome.named.push((name.to_owned(), score));
        self
    }

    pub(super) fn score(mut self, score: f64) -> Self {
        self.outcome.score = score;
        self
    }

    /// The metric of the verdicts that follow.
    pub(super) fn metric(mut self, name: &str) -> Self {
        self.metric = Some(name.to_owned());
        self
    }

    /// An assertion fails.
    pub(super) fn fails(self, reason: &str) -> Self {
        self.verdict(Mark::Fail, Status::Failed, reason)
    }

    /// An assertion cannot be judged.
    pub(super) fn unjudged(self, reason: &str) -> Self {
        self.verdict(Mark::Error, Status::Errored, reason)
    }

    /// The score is too low, though no assertion failed.
    pub(super) fn below_threshold(mut self, score: f64) -> Self {
        self.outcome.status = Status::Failed;
        self.score(score)
    }

    /// The provider does not answer.
    pub(super) fn errors(mut self, message: &str) -> Self {
        self.outcome.status = Status::Errored;
        self.outcome.response = None;
        self.outcome.failure = Some(CallFailure::new(Reason::Unreachable, message).hint("is it running?"));
        self.score(0.0)
    }

    fn verdict(mut self, mark: Mark, status: Status, reason: &str) -> Self {
        self.outcome.status = status;
        self.outcome.verdicts.push(Verdict {
            kind: "contains".into(),
            mark,
            score: 0.0,
            reason: reason.to_owned(),
            metric: self.metric.clone(),
            weight: 1.0,
            expected: Some("yes".to_owned()),
            threshold: None,
            at: at(9),
            depth: 0,
        });
        self.score(0.0)
    }

    pub(super) fn done(mut self) -> Outcome {
        if let Some(case) = Arc::get_mut(&mut self.outcome.case) {
            case.description = self.description;
            case.vars = Arc::new(self.vars);
        }
        self.outcome
    }
}

/// An element as a reader of the report sees it.
#[derive(Debug, Default)]
pub(super) struct Element {
    pub(super) name: String,
    pub(super) attributes: BTreeMap<String, String>,
    pub(super) text: String,
    pub(super) children: Vec<Element>,
}

impl Element {
    /// An attribute; empty when it is missing.
    pub(super) fn get(&self, name: &str) -> &str {
        self.attributes.get(name).map_or("", String::as_str)
    }

    /// All elements of a name below this one.
    pub(super) fn all(&self, name: &str) -> Vec<&Element> {
        let mut found: Vec<_> = Vec::new();
        for child in &self.children {
            found.extend((child.name == name).then_some(child));
            found.extend(child.all(name));
        }
        found
    }

    /// The first of them.
    pub(super) fn find(&self, name: &str) -> &Element {
        self.all(name)[0]
    }
}

/// Reads a document, and insists on what a lenient reader would let through.
pub(super) fn parse(bytes: &[u8]) -> Element {
    let text = std::str::from_utf8(bytes).unwrap();
    assert!(!text.contains("]]>") && text.chars().all(|c| super::xml::legal(c) == c), "not XML 1.0: {text:?}");
    let mut reader = Reader::from_str(text);
    let mut open = vec![Element::default()];
    loop {
        match reader.read_event().unwrap() {
            Event::Start(tag) => open.push(element(&tag)),
            Event::Empty(tag) => open.last_mut().unwrap().children.push(element(&tag)),
            Event::End(_) => {
                let closed = open.pop().unwrap();
                open.last_mut().unwrap().children.push(closed);
            }
            Event::Text(text) => open.last_mut().unwrap().text.push_str(&text.xml10_content()),
            Event::GeneralRef(name) => open.last_mut().unwrap().text.push_str(&reference(&name)),
            Event::Decl(_) => {}
            Event::Eof => break,
            other => panic!("unexpected {other:?}"),
        }
    }
    assert_eq!(open.len(), 1, "an element is not closed");
    open.remove(0).children.remove(0)
}

fn element(tag: &BytesStart<'_>) -> Element {
    let attributes = tag.attributes().map(|attribute| {
        let attribute = attribute.unwrap();
        let value = attribute.normalized_value(XmlVersion::Implicit1_0).unwrap();
        (attribute.key.as_ref().to_owned(), value.into_owned())
    });
    Element { name: tag.name().as_ref().to_owned(), attributes: attributes.collect(), ..Element::default() }
}

fn reference(name: &quick_xml::events::BytesRef<'_>) -> String {
    match name.resolve_char_ref().unwrap() {
        Some(c) => c.to_string(),
        None => quick_xml::escape::resolve_xml_entity(name).unwrap().to_owned(),
    }
}
