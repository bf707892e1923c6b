//! From a test as it is written to cases.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use serde_json::{Map, Value};

use super::case_options::CaseOptions;
use super::defaults::Defaults;
use super::graders::Jury;
use super::keys::TEST;
use super::targets::texts;
use super::vars::{self, Trust};
use crate::assert::{self, Assertion, Scoring};
use crate::content::{ContentId, Digest, case_hash, digest_of};
use crate::diag::{Folder, Problem, Problems, Span};
use crate::judge::Grading;
use crate::plan::Case;
use crate::record::{CaseRef, Output};
use crate::script::Script;
use crate::template::{Scope, Template};
use crate::yaml::{Kind, Node, Shape, check};

/// Makes cases of tests.
pub(super) struct Builder {
    pub(super) base: Folder,
    pub(super) defaults: Defaults,
    pub(super) lenient: bool,
    pub(super) jury: Arc<Jury>,
    /// Whether the command line says how often cases are asked: it beats the tests.
    pub(super) repeat_is_given: bool,
}

/// A test that has been read, before its variables are chosen.
pub(super) struct Draft {
    pub(super) id: Option<String>,
    pub(super) description: Option<String>,
    pub(super) vars: Map<String, Value>,
    pub(super) own: Vec<Assertion>,
    pub(super) threshold: Option<f64>,
    pub(super) metadata: Map<String, Value>,
    pub(super) options: CaseOptions,
    /// What a case without a description is called; not part of what identifies it.
    pub(super) name: Option<String>,
    pub(super) trust: Trust,
    pub(super) prompts: Option<Arc<[String]>>,
    pub(super) providers: Option<Arc<[String]>>,
    pub(super) recorded: Option<Output>,
    pub(super) cluster: Option<String>,
    pub(super) min_pass: Option<u32>,
    pub(super) scoring: Option<Arc<Scoring>>,
    pub(super) at: Span,
}

impl Draft {
    /// A test without anything, whose options are those of the defaults.
    pub(super) fn new(at: &Span, options: &CaseOptions, trust: Trust) -> Self {
        Self {
            id: None,
            description: None,
            vars: Map::new(),
            own: Vec::new(),
            threshold: None,
            metadata: Map::new(),
            options: options.clone(),
            name: None,
            trust,
            prompts: None,
            providers: None,
            recorded: None,
            cluster: None,
            min_pass: None,
            scoring: None,
            at: at.clone(),
        }
    }
}

/// Keeps case ids unique.
#[derive(Default)]
pub(super) struct Ids {
    seen: HashMap<u64, u32, BuildHasherDefault<Itself>>,
}

/// The keys are hashes already.
#[derive(Default)]
struct Itself(u64);

impl Hasher for Itself {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |hash, byte| hash.rotate_left(8) ^ u64::from(*byte));
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

impl Ids {
    /// How often an id has come, this time included.
    fn count(&mut self, id: &str) -> u32 {
        let mut hasher = DefaultHasher::new();
        id.hash(&mut hasher);
        let count = self.seen.entry(hasher.finish()).or_default();
        *count += 1;
        *count
    }
}

impl Builder {
    /// The assert room's view of this builder.
    pub(super) fn assert_setup(&self) -> assert::Setup<'_> {
        assert::Setup { base: &self.base, lenient: self.lenient, graders: &*self.jury, home: &self.jury.home }
    }

    /// Reads a test that is written as a map.
    pub(super) fn draft(
        &self,
        node: &Node,
        name: Option<String>,
        trust: Trust,
        problems: &mut Problems,
    ) -> Option<Draft> {
        let before = problems.errors();
        check(node, &Shape::Object(&TEST), "a test", self.lenient, problems);
        if !node.is_map() {
            return None;
        }
        let mut draft = Draft::new(&node.span, &self.defaults.options, trust);
        draft.id = node.get("id").map(|n| text_of_id(n, trust));
        draft.name = name;
        draft.description = node.get("description").and_then(Node::as_str).map(Into::into);
        if let Some(vars) = node.get("vars") {
            draft.vars = vars::read(vars, &self.base, trust, problems);
        }
        if let Some(list) = node.get("assert") {
            draft.own = assert::compile(list, &self.assert_setup(), problems);
        }
        draft.threshold = node.get("threshold").and_then(Node::as_f64);
        if let Some(Value::Object(metadata)) = node.get("metadata").map(Node::to_json) {
            draft.metadata = metadata;
        }
        if let Some(options) = node.get("options") {
            draft.options.over(options, &self.assert_setup(), problems);
        }
        draft.cluster = node.get("cluster").map(|n| text_of_id(n, trust));
        draft.min_pass = small(node.get("min_pass"));
        let scoring = node.get("assertScoringFunction");
        draft.scoring = scoring.and_then(|n| Scoring::read(n, &self.jury.home, problems)).map(Arc::new);
        draft.prompts = node.get("prompts").map(|list| texts(list).collect());
        draft.providers = node.get("providers").map(|list| texts(list).collect());
        draft.recorded = node.get("providerOutput").map(|n| match &n.kind {
            Kind::Str(text) => Output::Text(text.clone()),
            _ => Output::Json(n.to_json()),
        });
        (problems.errors() == before).then_some(draft)
    }

    /// The cases of a test: one, or one for each combination of its lists of values.
    pub(super) fn cases(
        &self,
        mut draft: Draft,
        test: u64,
        ids: &mut Ids,
        problems: &mut Problems,
    ) -> Vec<(Case, Span)> {
        refuse_environment(&draft, problems);
        let options = std::mem::take(&mut draft.options);
        let maps = self.maps(std::mem::take(&mut draft.vars), &options, &draft.at, problems);
        let demands = self.demands(&mut draft, &options, problems);
        let metadata = Arc::new(merged(&self.defaults.metadata, draft.metadata));
        let parameters = Arc::new(options.parameters);
        let cluster: Option<Arc<str>> = draft.cluster.as_deref().map(Into::into);
        let several = maps.len() > 1;
        let at = draft.at.location();
        let mut cases = Vec::with_capacity(maps.len());
        for (n, map) in maps.into_iter().enumerate() {
            let hash = case_hash(None, &map);
            let id = id(draft.id.as_deref(), draft.description.as_deref(), &map, &hash);
            let id = if several && draft.id.is_some() { format!("{id}/{}", n + 1) } else { id };
            let id = unique(id, draft.id.is_some(), ids, &draft.at, problems);
            let inputs = inputs(&hash, &options.prefix, &options.suffix, &parameters);
            let reference = CaseRef {
                inputs,
                id: id.into(),
                description: draft.description.as_deref().or(draft.name.as_deref()).map(Into::into),
                vars: Arc::new(map),
                metadata: Arc::clone(&metadata),
                asserts: demands.asserts,
                at: at.clone(),
                checks: demands.checks,
                cluster: cluster.clone(),
                min_pass: demands.min_pass,
            };
            let case = Case {
                test,
                scope: Scope::new(&reference.vars),
                reference: Arc::new(reference),
                shared: Arc::clone(&demands.shared),
                own: Arc::clone(&demands.own),
                threshold: demands.threshold,
                prefix: options.prefix.clone(),
                suffix: options.suffix.clone(),
                prompts: draft.prompts.clone().or_else(|| self.defaults.prompts.clone()),
                providers: draft.providers.clone().or_else(|| self.defaults.providers.clone()),
                parameters: Arc::clone(&parameters),
                transform: options.transform.clone(),
                scoring: demands.scoring.clone(),
                store_as: options.store_as.clone(),
                alone: options.alone,
                grading: Arc::clone(&demands.grading),
                recorded: draft.recorded.clone(),
                repeat: options.repeat.filter(|_| !self.repeat_is_given),
            };
            cases.push((case, draft.at.clone()));
        }
        cases
    }
}

/// What the cases of a test are judged by.
struct Demands {
    shared: Arc<[Assertion]>,
    own: Arc<[Assertion]>,
    threshold: Option<f64>,
    min_pass: Option<u32>,
    grading: Arc<Grading>,
    scoring: Option<Arc<Scoring>>,
    checks: Digest,
    /// Whether an answer can fail at all.
    asserts: bool,
}

impl Builder {
    fn demands(&self, draft: &mut Draft, options: &CaseOptions, problems: &mut Problems) -> Demands {
        let own: Arc<[Assertion]> = std::mem::take(&mut draft.own).into();
        let shared = if options.no_defaults { Arc::from([]) } else { Arc::clone(&self.defaults.assertions) };
        let threshold = draft.threshold.or(self.defaults.threshold);
        let min_pass = draft.min_pass.or(self.defaults.min_pass);
        let scoring = draft.scoring.clone().or_else(|| self.defaults.scoring.clone());
        let mut grading = options.grading.clone();
        let all = || shared.iter().chain(own.iter());
        let judging = self.jury.complete(&mut grading.graders, all(), problems).into_iter();
        let judging = judging.chain(grading.digest());
        let judging = judging.chain(scoring.as_ref().map(|scoring| scoring.digest()));
        let judging = judging.chain(options.transform.as_ref().map(|transform| transform.digest()));
        let checks = checks(all(), threshold, min_pass, judging);
        let asserts = scoring.is_some() || can_fail(all(), threshold);
        Demands { grading: Arc::new(grading), shared, own, threshold, min_pass, scoring, checks, asserts }
    }

    /// The variables of each case: those of the test over the defaults, lists of values expanded, transformed.
    fn maps(
        &self,
        own: Map<String, Value>,
        options: &CaseOptions,
        at: &Span,
        problems: &mut Problems,
    ) -> Vec<Map<String, Value>> {
        let all = merged(&self.defaults.vars, own);
        let maps = if options.no_expansion { Ok(vec![all]) } else { vars::combinations(all) };
        let maps = maps.unwrap_or_else(|message| {
            problems.push(Problem::error(message).at(at));
            Vec::new()
        });
        transformed(maps, options.transform_vars.as_deref(), at, problems)
    }
}

/// The variables with what `transformVars` says put over them.
fn transformed(
    maps: Vec<Map<String, Value>>,
    script: Option<&Script>,
    at: &Span,
    problems: &mut Problems,
) -> Vec<Map<String, Value>> {
    let Some(script) = script else { return maps };
    let over = |mut vars: Map<String, Value>| match script.map(&vars) {
        Ok(more) => {
            vars.extend(more);
            Some(vars)
        }
        Err(error) => {
            problems.push(Problem::error(format!("the `transformVars` failed: {error}")).at(at));
            None
        }
    };
    maps.into_iter().filter_map(over).collect()
}

/// A number of repeats.
pub(super) fn small(node: Option<&Node>) -> Option<u32> {
    node.and_then(Node::as_u64).and_then(|n| u32::try_from(n).ok())
}

/// What a case asks.
fn inputs(hash: &str, prefix: &str, suffix: &str, parameters: &Arc<Map<String, Value>>) -> Digest {
    let id = ContentId::of(hash).with(prefix).with(suffix);
    if parameters.is_empty() {
        return id.digest();
    }
    id.with_digest(digest_of(&Value::Object((**parameters).clone()))).digest()
}

/// What a case demands.
fn checks<'a>(
    all: impl Iterator<Item = &'a Assertion>,
    threshold: Option<f64>,
    min_pass: Option<u32>,
    judging: impl Iterator<Item = Digest>,
) -> Digest {
    let id = judging.fold(ContentId::of("checks"), ContentId::with_digest);
    let id = all.fold(id, |id, assertion| id.with_digest(assertion.digest()));
    let id = id.with(&threshold.map(|t| t.to_string()).unwrap_or_default());
    id.with(&min_pass.map(|n| n.to_string()).unwrap_or_default()).digest()
}

/// The id as it is written: `007` stays `007`.
fn text_of_id(node: &Node, trust: Trust) -> String {
    match node.as_str() {
        Some(text) => text.to_owned(),
        None if trust == Trust::Config => node.span.text().to_owned(),
        None => node.to_json().to_string(),
    }
}

/// The text around a prompt is a template, but a row's is written by whoever wrote the dataset.
fn refuse_environment(draft: &Draft, problems: &mut Problems) {
    if draft.trust == Trust::Config {
        return;
    }
    let texts = [&draft.options.prefix, &draft.options.suffix];
    for text in texts.into_iter().filter(|text| !text.is_empty()) {
        let reads = Template::prompt(text).is_ok_and(|t| t.names().iter().any(|name| name == "env"));
        if reads {
            problems.push(Problem::error("a row of a dataset cannot read the environment").at(&draft.at));
        }
    }
}

/// Whether a cell with these assertions can fail at all.
fn can_fail<'a>(mut assertions: impl Iterator<Item = &'a Assertion>, threshold: Option<f64>) -> bool {
    assertions.any(Assertion::counts) && threshold.is_none_or(|t| t > 0.0)
}

fn merged(under: &Map<String, Value>, over: Map<String, Value>) -> Map<String, Value> {
    if under.is_empty() {
        return over;
    }
    let mut all = under.clone();
    all.extend(over);
    all
}

/// The given id, or one made from what identifies a case: its inputs, whose hash this is, and what it is called.
fn id(given: Option<&str>, description: Option<&str>, vars: &Map<String, Value>, hash: &str) -> String {
    let beginning = |hash: &str| hash.chars().take(10).collect();
    match (given, description) {
        (Some(id), _) => id.to_owned(),
        (None, None) => beginning(hash),
        (None, description) => beginning(&case_hash(description, vars)),
    }
}

fn unique(id: String, given: bool, ids: &mut Ids, at: &Span, problems: &mut Problems) -> String {
    let count = ids.count(&id);
    if count == 1 {
        return id;
    }
    if given {
        problems.push(
            Problem::error(format!("two tests have the id `{id}`")).at(at).hint("give each test an id of its own"),
        );
    }
    format!("{id}-{count}")
}
