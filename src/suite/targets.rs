//! Entries of `providers:`.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::keys::PROVIDER;
use super::settings::Settings;
use super::{Options, environment};
use crate::assert;
use crate::content::content_hash;
use crate::diag::{Folder, Problem, Problems};
use crate::env::Env;
use crate::plan::Target;
use crate::provider::{self, Price, Setup, Timeouts};
use crate::record::Origin;
use crate::script::Home;
use crate::template::print;
use crate::yaml::{Entry, Kind, Node, Shape, check, file_reference, include, read_tree};

/// How often a request is repeated when the config does not say.
const DEFAULT_RETRIES: u32 = 6;

/// Reads providers.
pub(super) struct Reader<'a> {
    pub(super) base: &'a Folder,
    pub(super) home: &'a Home,
    pub(super) env: &'a Env,
    pub(super) settings: &'a Settings,
    pub(super) options: &'a Options,
}

impl Reader<'_> {
    /// The providers of a config.
    pub(super) fn load(&self, root: &Node, problems: &mut Problems) -> Vec<Arc<Target>> {
        let mut all = Vec::new();
        let (providers, targets) = (root.get("providers"), root.get("targets"));
        if let (Some(_), Some(second)) = (providers, targets) {
            problems.push(Problem::error("`providers` and `targets` are two names of one thing").at(&second.span));
        }
        match providers.or(targets) {
            None => problems.push(
                Problem::error("the config has no `providers`")
                    .at(&root.span.source().at(0..0))
                    .hint("name at least one, such as openai:gpt-4o-mini; `mock` and `echo` need no network"),
            ),
            Some(node) => {
                if node.one_or_many().is_empty() {
                    problems.push(Problem::error("`providers` is empty").at(&node.span));
                }
                node.one_or_many().iter().for_each(|entry| self.entry(entry, &mut all, problems));
            }
        }
        unique_labels(&mut all, problems);
        all.into_iter().map(Arc::new).collect()
    }

    pub(super) fn entry(&self, node: &Node, all: &mut Vec<Target>, problems: &mut Problems) {
        match &node.kind {
            Kind::Str(word) => match file_reference(word) {
                Some(path) if self.base.file(path).ends(&["yaml", "yml", "json"]) => {
                    self.file(path, node, all, problems);
                }
                _ => self.build(word, node, None, all, problems),
            },
            Kind::Map(_) if node.get("id").is_some() => {
                let before = problems.errors();
                check(node, &Shape::Object(&PROVIDER), "a provider", self.options.lenient, problems);
                if let (true, Some(id)) = (problems.errors() == before, node.get("id")) {
                    self.build(id.as_str().unwrap_or_default(), id, Some(node), all, problems);
                }
            }
            // The form `{ "openai:gpt-4o": {config, label, …} }`.
            Kind::Map(entries) if entries.len() == 1 && entries[0].value.is_map() => {
                let inner = &entries[0].value;
                let before = problems.errors();
                check(inner, &Shape::Object(&PROVIDER), "a provider", self.options.lenient, problems);
                if problems.errors() == before {
                    let id = Node { span: entries[0].at.clone(), kind: Kind::Str(entries[0].key.clone()) };
                    let word = inner.get("id").and_then(Node::as_str).unwrap_or(&entries[0].key).to_owned();
                    self.build(&word, &id, Some(inner), all, problems);
                }
            }
            _ => problems.push(
                Problem::error("a provider needs an `id`")
                    .at(&node.span)
                    .hint("write - id: openai:gpt-4o-mini, with label and config beside it"),
            ),
        }
    }

    fn file(&self, path: &str, node: &Node, all: &mut Vec<Target>, problems: &mut Problems) {
        let file = self.base.file(path);
        if !file.path.is_file() {
            problems.push(self.base.missing("file", path, &node.span));
            return;
        }
        match read_tree(&file, &node.span) {
            Ok(mut tree) => {
                environment::learn_secrets(&tree, self.env);
                environment::fill(&mut tree, self.env, problems);
                tree.one_or_many().iter().for_each(|entry| self.entry(entry, all, problems));
            }
            Err(problem) => problems.push(problem),
        }
    }

    fn build(&self, id: &str, at: &Node, given: Option<&Node>, all: &mut Vec<Target>, problems: &mut Problems) {
        let get = |key: &str| given.and_then(|node| node.get(key));
        let number = |key: &str| get(key).and_then(Node::as_u64);
        let null = Node { span: at.span.clone(), kind: Kind::Null };
        let mut config = match include(get("config").unwrap_or(&null), self.base) {
            Ok(config) => config,
            Err(problem) => return problems.push(problem),
        };
        environment::learn_secrets(&config, self.env);
        environment::fill(&mut config, self.env, problems);
        environment::refuse_unset(&config, problems);
        for node in [Some(at), get("label")].into_iter().flatten() {
            environment::refuse_unset(node, problems);
        }
        let env = self.env.with(get("env").map(Node::entries).unwrap_or_default().iter().map(variable));
        let kind = provider::find(id, &at.span);
        let built = match kind {
            Ok((kind, rest)) => {
                let price = get("price").and_then(|node| price(node, problems));
                let setup = Setup {
                    id,
                    rest,
                    at: &at.span,
                    config: &config,
                    price,
                    timeouts: self.timeouts(given),
                    env: &env,
                    base: self.base.path(),
                    offline: self.options.offline,
                };
                provider::build(kind, &setup, self.options.lenient, problems)
            }
            Err(problem) => return problems.push(problem),
        };
        let Some(built) = built else { return };
        let delay = number("delay").unwrap_or(self.settings.delay_ms);
        let width = self.width(number("max_concurrency"), delay);
        let label: Arc<str> = get("label").and_then(Node::as_str).unwrap_or(id).into();
        let target = Target {
            id: id.into(),
            origin: Arc::new(origin(id, &label, built.identity())),
            label,
            identity: content_hash(built.identity()).into(),
            provider: built,
            width,
            retries: retries(&config).unwrap_or(DEFAULT_RETRIES),
            delay: Duration::from_millis(delay),
            rpm: number("rpm"),
            tpm: number("tpm"),
            has_timeout: number("timeout_ms")
                .or(number("first_byte_timeout_ms"))
                .or(self.settings.timeout_ms)
                .is_some(),
            at: at.span.clone(),
            transform: get("transform").and_then(|node| assert::transform(node, "transform", self.home, problems)),
            prompts: get("prompts").map(|list| texts(list).collect()),
        };
        all.push(target);
    }

    /// Limits of the provider beat those of the run.
    fn timeouts(&self, given: Option<&Node>) -> Timeouts {
        let millis = |key: &str| given?.get(key)?.as_u64().map(Duration::from_millis);
        let default = Timeouts::default();
        let of_run = self.settings.timeout_ms.map(Duration::from_millis);
        Timeouts {
            connect: millis("connect_timeout_ms").unwrap_or(default.connect),
            first_byte: millis("first_byte_timeout_ms"),
            idle: millis("idle_timeout_ms").unwrap_or(default.idle),
            total: millis("timeout_ms").or(of_run).unwrap_or(default.total),
        }
    }

    /// The command line beats the provider's own width; a delay means one after the other.
    fn width(&self, own: Option<u64>, delay: u64) -> usize {
        if delay > 0 {
            return 1;
        }
        let own = own.and_then(|n| usize::try_from(n).ok());
        self.options.width.or(own).unwrap_or(self.settings.width)
    }
}

fn variable(entry: &Entry) -> (String, String) {
    let mut text = String::new();
    print(&entry.value.to_json(), &mut text);
    (entry.key.clone(), text)
}

/// What scripts may know of a provider: its names and its parameters.
fn origin(id: &str, label: &str, identity: &Value) -> Origin {
    let config = ["body", "config"].iter().find_map(|part| identity.get(*part));
    Origin { id: id.into(), label: label.into(), config: config.cloned().unwrap_or_default() }
}

fn price(node: &Node, problems: &mut Problems) -> Option<Price> {
    let of = |key: &str| node.get(key).and_then(Node::as_f64);
    let price = of("input").zip(of("output")).map(|(input, output)| Price::per_million(input, output));
    if price.is_none() {
        problems.push(Problem::error("a price needs both `input` and `output`").at(&node.span));
    }
    price
}

fn retries(config: &Node) -> Option<u32> {
    config.get("maxRetries").and_then(Node::as_u64).map(|n| u32::try_from(n).unwrap_or(u32::MAX))
}

/// The texts of a list.
pub(super) fn texts(list: &Node) -> impl Iterator<Item = String> {
    list.items().iter().filter_map(Node::as_str).map(str::to_owned)
}

/// Two providers that look the same in a report would be mixed up by every reader of it.
fn unique_labels(all: &mut [Target], problems: &mut Problems) {
    for i in 1..all.len() {
        let label = Arc::clone(&all[i].label);
        let taken = |label: &str| all[..i].iter().any(|target| &*target.label == label);
        if !taken(&label) {
            continue;
        }
        if *label == *all[i].id {
            let free = (2..=all.len() + 2).map(|n| format!("{label} #{n}")).find(|l| !taken(l));
            all[i].label = free.unwrap_or_default().into();
        } else {
            let problem = Problem::error(format!("two providers have the label `{label}`"));
            problems.push(problem.at(&all[i].at).hint("give each provider a label of its own"));
        }
    }
}
