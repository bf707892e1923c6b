//! `experiments/NAME.yaml`: what is planned.

use std::collections::BTreeMap;
use std::path::Path;

use super::hash::PLACES;
use super::metric::{Aggregate, Direction, Metric, Role};
use super::namespace::Namespace;
use crate::diag::{Problem, Problems, Source, Span, did_you_mean};
use crate::yaml::{self, Key, Node, Shape, Table, check};

/// The folder of experiments, beside the registry's.
pub const FOLDER: &str = "experiments";
/// Places of a namespace, in basis points.
const STEP: u32 = 10;
/// Users at which the interval is tightest where nobody says.
const PLANNED: u64 = 1000;

const POINTS: Shape = Shape::Int(0, PLACES as u64);

static EXPERIMENT: Table = Table {
    name: "an experiment",
    open: false,
    keys: &[
        Key::new("key", Shape::Text, "what deals users out; default: the file's name. Never change it while it runs"),
        Key::new("prompt", Shape::Text, "the prompt whose versions are held against each other"),
        Key::new("description", Shape::Text, "what is tried, and why"),
        Key::new("owner", Shape::Text, "who answers for it"),
        Key::new("arms", Shape::List(&Shape::Object(&ARM)), "the versions and their shares"),
        Key::new(
            "coverage",
            Shape::Int(1, PLACES as u64),
            "how many of all users take part, in basis points; default: 10000",
        ),
        Key::new("success", Shape::List(&Shape::Object(&METRIC)), "metrics of which one has to improve"),
        Key::new("guardrails", Shape::List(&Shape::Object(&METRIC)), "metrics that must not get worse"),
        Key::new("planned_users", Shape::Int(100, 1_000_000_000), "users in all arms at its end; default: 1000"),
        Key::new("namespace", Shape::Object(&SPACE), "the part of a shared space that it has for itself"),
        Key::new("holdout", Shape::Object(&SPACE), "users that take part in nothing"),
        Key::new("forced", Shape::MapOf(&Shape::Scalar), "users and their arms, for testers; never analysed"),
    ],
};

static ARM: Table = Table {
    name: "an arm",
    open: false,
    keys: &[
        Key::new("name", Shape::Scalar, "its name; default: the version"),
        Key::new("version", Shape::Scalar, "a released version of the prompt"),
        Key::new("weight", POINTS, "its share in basis points; all together are 10000"),
        Key::new("control", Shape::Bool, "whether the others are held against it; default: the first arm"),
    ],
};

static METRIC: Table = Table {
    name: "a metric",
    open: false,
    keys: &[
        Key::new("metric", Shape::Text, "its name, as records have it"),
        Key::new("scale", Shape::List(&Shape::Num(f64::NEG_INFINITY, f64::INFINITY)), "both ends, such as [1, 5]"),
        Key::new("direction", Shape::Text, "`higher` (default) or `lower` is better"),
        Key::new("aggregate", Shape::Text, "what a user's values come to: `mean` (default), `any`, `last` or `sum`"),
        Key::new("margin", Shape::Num(0.0, f64::INFINITY), "how much worse a guardrail may be, in units of the metric"),
    ],
};

static SPACE: Table = Table {
    name: "a part of a space",
    open: false,
    keys: &[
        Key::new("name", Shape::Text, "the space"),
        Key::new("from", POINTS, "its first place, in basis points; default: 0"),
        Key::new("to", POINTS, "the place behind its last"),
    ],
};

/// An experiment as it is planned.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The file's name.
    pub name: String,
    /// What deals users out.
    pub key: String,
    /// The prompt.
    pub prompt: String,
    /// What is tried, and why.
    pub description: Option<String>,
    /// Who answers for it.
    pub owner: Option<String>,
    /// The versions.
    pub arms: Vec<PlannedArm>,
    /// Basis points of all users.
    pub coverage: u32,
    /// What is measured.
    pub metrics: Vec<Metric>,
    /// Users in all arms at its end.
    pub planned_users: u64,
    /// The part of a shared space that it has for itself.
    pub namespace: Option<Namespace>,
    /// Users that take part in nothing.
    pub holdout: Option<Namespace>,
    /// Users and their arms.
    pub forced: BTreeMap<String, String>,
}

/// An arm as it is planned.
#[derive(Debug, Clone)]
pub struct PlannedArm {
    /// Its name.
    pub name: String,
    /// The version.
    pub version: String,
    /// Basis points.
    pub weight: u32,
    /// Whether the others are held against it.
    pub control: bool,
    /// Where it stands in the file.
    pub at: Span,
}

impl Plan {
    /// Reads a file.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn read(path: &Path, shown: &str, name: &str) -> Result<Self, Problems> {
        let one = |problem: Problem| {
            let mut problems = Problems::new();
            problems.push(problem);
            problems
        };
        let source = Source::read(path, shown).map_err(|message| one(Problem::error(message)))?;
        let tree = yaml::parse(&source).map_err(one)?;
        let mut problems = Problems::new();
        check(&tree, &Shape::Object(&EXPERIMENT), "an experiment", false, &mut problems);
        let plan = Self::of(&tree, name, &mut problems);
        match plan {
            Some(plan) if !problems.has_errors() => Ok(plan),
            _ => Err(problems),
        }
    }

    fn of(tree: &Node, name: &str, problems: &mut Problems) -> Option<Self> {
        let text = |key: &str| tree.get(key).and_then(Node::as_str).map(str::to_owned);
        let arms = arms(tree, problems);
        let metrics = metrics(tree, problems);
        let forced = forced(tree, &arms, problems);
        let Some(prompt) = text("prompt") else {
            if tree.get("prompt").is_none() && tree.is_map() {
                let hint = "write prompt: NAME, a prompt of the registry";
                problems.push(Problem::error("an experiment needs a `prompt`").at(&tree.span).hint(hint));
            }
            return None;
        };
        let key = text("key").unwrap_or_else(|| name.to_owned());
        if key.is_empty() {
            problems.push(Problem::error("`key` is empty: all experiments would deal alike").at(&tree.span));
        }
        Some(Self {
            name: name.to_owned(),
            key,
            prompt,
            description: text("description"),
            owner: text("owner"),
            arms,
            coverage: points(tree, "coverage").unwrap_or(PLACES),
            metrics,
            planned_users: tree.get("planned_users").and_then(Node::as_u64).unwrap_or(PLANNED),
            namespace: space(tree, "namespace", problems),
            holdout: space(tree, "holdout", problems),
            forced,
        })
    }
}

fn points(node: &Node, key: &str) -> Option<u32> {
    node.get(key).and_then(Node::as_u64).and_then(|n| u32::try_from(n).ok())
}

fn arms(tree: &Node, problems: &mut Problems) -> Vec<PlannedArm> {
    let node = tree.get("arms");
    let list = node.map(Node::items).unwrap_or_default();
    let mut arms: Vec<PlannedArm> = list.iter().filter_map(|node| arm(node, problems)).collect();
    let at = node.map_or(&tree.span, |node| &node.span);
    if arms.len() == list.len() && arms.len() < 2 && tree.is_map() {
        problems.push(Problem::error("an experiment needs two arms or more").at(at));
    }
    let sum: u32 = arms.iter().map(|arm| arm.weight).sum();
    if arms.len() == list.len() && arms.len() > 1 && sum != PLACES {
        let hint = "weights are basis points: 5000 is half; `coverage` leaves users out of all arms";
        problems.push(
            Problem::error(format!("the weights of the arms are {sum} together, not {PLACES}")).at(at).hint(hint),
        );
    }
    match arms.iter().filter(|arm| arm.control).count() {
        0 => arms.first_mut().into_iter().for_each(|arm| arm.control = true),
        1 => {}
        _ => {
            let second = list.iter().filter(|node| node.get("control").and_then(Node::as_bool) == Some(true)).nth(1);
            let at = second.map_or(at, |node| &node.span);
            problems.push(Problem::error("only one arm can be the control").at(at));
        }
    }
    if arms.len() == list.len() && arms.iter().filter(|arm| arm.weight > 0).count() == 1 {
        problems.push(Problem::error("only one arm has a weight: there is nothing to compare").at(at));
    } else if let Some(arm) = arms.iter().find(|arm| arm.control && arm.weight == 0) {
        let message = format!("the control `{}` has no weight: nothing could be held against it", arm.name);
        problems.push(Problem::error(message).at(at).hint("another arm can be the `control`"));
    }
    for (n, arm) in arms.iter().enumerate() {
        if arms[..n].iter().any(|other| other.name == arm.name) {
            let at = list.get(n).filter(|_| arms.len() == list.len()).map_or(at, |node| &node.span);
            problems
                .push(Problem::error(format!("two arms are called `{}`", arm.name)).at(at).hint("give them a `name`"));
        }
    }
    arms
}

fn arm(node: &Node, problems: &mut Problems) -> Option<PlannedArm> {
    let mut lacks = |key: &str, hint: &str| {
        // Whatever stands there was called wrong already.
        if node.get(key).is_none() && node.is_map() {
            problems.push(Problem::error(format!("an arm needs a `{key}`")).at(&node.span).hint(hint));
        }
    };
    let Some(version) = node.get("version").and_then(as_written) else {
        lacks("version", "a released version of the prompt, such as version: '2.0.0'");
        return None;
    };
    let Some(weight) = points(node, "weight") else {
        lacks("weight", "in basis points: 5000 is half");
        return None;
    };
    let version = version.strip_prefix('v').unwrap_or(&version).to_owned();
    let name = node.get("name").and_then(as_written).unwrap_or_else(|| version.clone());
    let control = node.get("control").and_then(Node::as_bool).unwrap_or(false);
    Some(PlannedArm { name, version, weight, control, at: node.span.clone() })
}

/// A text, or a number as it stands in the file: 2.10 is not 2.1.
fn as_written(node: &Node) -> Option<String> {
    let number = || node.as_f64().map(|_| node.span.text().trim().to_owned());
    node.as_str().map(str::to_owned).or_else(number)
}

fn metrics(tree: &Node, problems: &mut Problems) -> Vec<Metric> {
    let mut metrics: Vec<Metric> = Vec::new();
    for (key, role) in [("success", Role::Success), ("guardrails", Role::Guardrail)] {
        for node in tree.get(key).map(Node::items).unwrap_or_default() {
            let Some(metric) = metric(node, role, problems) else { continue };
            if metrics.iter().any(|known| known.name == metric.name) {
                problems.push(Problem::error(format!("`{}` is measured twice", metric.name)).at(&node.span));
            }
            metrics.push(metric);
        }
    }
    if !metrics.iter().any(|metric| metric.role == Role::Success) && !problems.has_errors() {
        let hint = "write success: [{metric: csat, scale: [1, 5]}]";
        problems.push(Problem::error("an experiment needs a metric that is to improve").at(&tree.span).hint(hint));
    }
    metrics
}

fn metric(node: &Node, role: Role, problems: &mut Problems) -> Option<Metric> {
    let Some(name) = node.get("metric").and_then(Node::as_str) else {
        if node.get("metric").is_none() {
            let hint = "write {metric: csat, scale: [1, 5]}";
            problems.push(Problem::error("a metric needs a name: `metric`").at(&node.span).hint(hint));
        }
        return None;
    };
    if let Some(why) = unusable(name) {
        let at = node.get("metric").map_or(&node.span, |node| &node.span);
        problems.push(Problem::error(format!("`{name}` cannot be a metric: {why}")).at(at));
    }
    let direction = word(node, "direction", &[("higher", Direction::Higher), ("lower", Direction::Lower)], problems);
    let kinds =
        [("mean", Aggregate::Mean), ("any", Aggregate::Any), ("last", Aggregate::Last), ("sum", Aggregate::Sum)];
    let aggregate = word(node, "aggregate", &kinds, problems);
    let margin = node.get("margin").and_then(Node::as_f64);
    if let (Some(entry), Role::Success) = (node.entry("margin"), role) {
        problems.push(Problem::error("only guardrails have a `margin`").at(&entry.at));
    }
    let scale = match node.get("scale") {
        Some(node) => Some(scale(node, problems)?),
        None => None,
    };
    let metric = Metric { name: name.to_owned(), role, scale, direction, aggregate, margin };
    if role == Role::Guardrail {
        guarded(&metric, node, problems);
    }
    Some(metric)
}

/// Why records could not name a metric.
fn unusable(name: &str) -> Option<&'static str> {
    const COLUMNS: [&str; 8] = ["user", "metric", "value", "event", "time", "segment", "arm", "experiment"];
    match name {
        "exposed" => Some("users who are exposed are called so"),
        name if name.trim() != name || name.is_empty() => Some("it is empty, or begins or ends with a blank"),
        name if name.contains(['=', '\n']) => Some("records are written metric=value"),
        name if COLUMNS.contains(&name) => Some("a column of every file is called so"),
        _ => None,
    }
}

/// A guardrail must be one that can be held, and broken.
fn guarded(metric: &Metric, node: &Node, problems: &mut Problems) {
    let Metric { name, margin, .. } = metric;
    let Some(margin) = margin.filter(|margin| *margin > 0.0) else {
        let hint = "such as margin: 0.02; without one only what is better could hold it";
        let message = format!("the guardrail `{name}` does not say how much worse it may be");
        return problems.push(Problem::error(message).at(&node.span).hint(hint));
    };
    if let Some(scale) = metric.bounds().filter(|scale| margin >= scale.high - scale.low) {
        let message = format!(
            "a margin of {margin} is all of the scale {} to {}: `{name}` guards nothing",
            scale.low, scale.high
        );
        let at = node.get("margin").map_or(&node.span, |node| &node.span);
        problems.push(Problem::error(message).at(at).hint("in units of the metric: 0.02 of a rate are two points"));
    }
}

fn scale(node: &Node, problems: &mut Problems) -> Option<[f64; 2]> {
    let ends: Vec<f64> = node.items().iter().filter_map(Node::as_f64).collect();
    match ends[..] {
        [low, high] if low < high => Some([low, high]),
        _ => {
            problems.push(
                Problem::error("a scale is its two ends, the lower one first").at(&node.span).hint("such as [1, 5]"),
            );
            None
        }
    }
}

fn word<T: Copy + Default>(node: &Node, key: &str, words: &[(&str, T)], problems: &mut Problems) -> T {
    let Some(given) = node.get(key) else { return T::default() };
    let text = given.as_str().unwrap_or_default();
    if let Some((_, value)) = words.iter().find(|(word, _)| *word == text) {
        return *value;
    }
    let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
    let hint = did_you_mean(text, known.iter().copied()).unwrap_or_else(|| format!("one of {}", known.join(", ")));
    problems.push(Problem::error(format!("`{text}` is no {key}")).at(&given.span).hint(hint));
    T::default()
}

fn space(tree: &Node, key: &str, problems: &mut Problems) -> Option<Namespace> {
    let node = tree.get(key)?;
    let Some(name) = node.get("name").and_then(Node::as_str).filter(|name| !name.is_empty()) else {
        problems.push(Problem::error(format!("a {key} needs a `name`")).at(&node.span));
        return None;
    };
    let (from, to) = (points(node, "from").unwrap_or(0), points(node, "to").unwrap_or(0));
    if from >= to {
        let hint = "such as from: 0, to: 5000 for one half";
        problems.push(Problem::error(format!("this {key} is empty: it ends at {to}")).at(&node.span).hint(hint));
    }
    if from % STEP != 0 || to % STEP != 0 {
        let hint = "such as from: 0, to: 250 for 2.5 %";
        problems
            .push(Problem::error(format!("a {key} goes in steps of {STEP} basis points")).at(&node.span).hint(hint));
    }
    Some(Namespace { name: name.to_owned(), from, to })
}

fn forced(tree: &Node, arms: &[PlannedArm], problems: &mut Problems) -> BTreeMap<String, String> {
    let mut forced = BTreeMap::new();
    for entry in tree.get("forced").map(Node::entries).unwrap_or_default() {
        let arm = entry.value.as_str().map_or_else(|| entry.value.span.text().to_owned(), str::to_owned);
        if !arms.iter().any(|known| known.name == arm) {
            let hint = did_you_mean(&arm, arms.iter().map(|arm| arm.name.as_str()));
            problems.push(Problem::error(format!("no arm is called `{arm}`")).at(&entry.value.span).maybe_hint(hint));
        }
        forced.insert(entry.key.clone(), arm);
    }
    forced
}
