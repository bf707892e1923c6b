//! What a node must look like: the table behind config errors, did-you-mean and the JSON Schema.

use super::{Kind, Node};
use crate::diag::{Problem, Problems, did_you_mean};

/// The form of a value.
#[derive(Debug, Clone, Copy)]
pub enum Shape {
    /// Anything.
    Any,
    /// Text.
    Text,
    /// Text or a number, read as text.
    Scalar,
    /// `true` or `false`.
    Bool,
    /// A whole number in a range, both ends included.
    Int(u64, u64),
    /// A number in a range, both ends included.
    Num(f64, f64),
    /// A list of one shape.
    List(&'static Shape),
    /// A map from any key to one shape.
    MapOf(&'static Shape),
    /// A map with known keys.
    Object(&'static Table),
    /// A map with known keys that another room checks when it compiles it.
    Elsewhere(&'static Table),
    /// The first whose kind of node fits.
    OneOf(&'static [Shape]),
}

/// A map with known keys.
#[derive(Debug)]
pub struct Table {
    /// What it is, as in "unknown key in a test".
    pub name: &'static str,
    /// Whether further keys are legal that somebody else knows; for editors only.
    pub open: bool,
    /// Its keys.
    pub keys: &'static [Key],
}

/// One key of a [`Table`].
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// Its name in the file.
    pub name: &'static str,
    /// What its value looks like.
    pub shape: Shape,
    /// One line for people.
    pub about: &'static str,
    /// Whether it does anything here.
    pub usage: Use,
}

/// Whether a key does anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// It is read.
    Read,
    /// It belongs to a part of promptfoo that this tool leaves out: accepted with a warning.
    Ignored,
    /// promptfoo gives it a meaning that changes results and that this version does not have: refused.
    Unsupported,
}

impl Key {
    /// A key that is read.
    pub const fn new(name: &'static str, shape: Shape, about: &'static str) -> Self {
        let usage = Use::Read;
        Self { name, shape, about, usage }
    }

    /// A key that is accepted and does nothing.
    pub const fn ignored(name: &'static str, about: &'static str) -> Self {
        let usage = Use::Ignored;
        Self { name, shape: Shape::Any, about, usage }
    }

    /// A key that is known but refused, because ignoring it would change verdicts.
    pub const fn unsupported(name: &'static str, about: &'static str) -> Self {
        let usage = Use::Unsupported;
        Self { name, shape: Shape::Any, about, usage }
    }
}

impl Shape {
    /// What a person would call it.
    pub fn describe(&self) -> String {
        match self {
            Self::Any => "a value".into(),
            Self::Text => "text".into(),
            Self::Scalar => "text or a number".into(),
            Self::Bool => "true or false".into(),
            Self::Int(min, u64::MAX) => format!("a whole number from {min}"),
            Self::Int(min, max) => format!("a whole number from {min} to {max}"),
            Self::Num(min, max) if max.is_infinite() && min.is_infinite() => "a number".into(),
            Self::Num(min, max) if max.is_infinite() => format!("a number from {min}"),
            Self::Num(min, max) => format!("a number from {min} to {max}"),
            Self::List(_) => "a list".into(),
            Self::MapOf(_) | Self::Object(_) | Self::Elsewhere(_) => "a map".into(),
            Self::OneOf(shapes) => {
                let names: Vec<_> = shapes.iter().map(Self::describe).collect();
                names.join(" or ")
            }
        }
    }

    fn fits(&self, node: &Node) -> bool {
        match (self, &node.kind) {
            (Self::Any | Self::Elsewhere(_), _)
            | (Self::Text, Kind::Str(_))
            | (Self::Scalar, Kind::Str(_) | Kind::Num(_) | Kind::Bool(_))
            | (Self::Bool, Kind::Bool(_))
            | (Self::List(_), Kind::Seq(_))
            | (Self::MapOf(_) | Self::Object(_), Kind::Map(_)) => true,
            (Self::Int(min, max), Kind::Num(n)) => n.as_u64().is_some_and(|n| (*min..=*max).contains(&n)),
            (Self::Num(min, max), Kind::Num(n)) => n.as_f64().is_some_and(|n| (*min..=*max).contains(&n)),
            (Self::OneOf(shapes), _) => shapes.iter().any(|s| s.fits(node)),
            _ => false,
        }
    }
}

/// Checks a tree against a shape, all mistakes at once. `what` names the value in messages.
pub fn check(node: &Node, shape: &Shape, what: &str, lenient: bool, problems: &mut Problems) {
    if !shape.fits(node) {
        let found = match &node.kind {
            Kind::Num(n) => format!("`{n}`"),
            Kind::Bool(b) => format!("`{b}`"),
            _ => node.kind_name().to_owned(),
        };
        problems.push(Problem::error(format!("`{what}` must be {}, found {found}", shape.describe())).at(&node.span));
        return;
    }
    match shape {
        Shape::List(inner) => node.items().iter().for_each(|n| check(n, inner, what, lenient, problems)),
        Shape::MapOf(inner) => {
            for entry in node.entries() {
                check(&entry.value, inner, &entry.key, lenient, problems);
            }
        }
        Shape::Object(table) => check_keys(node, table, lenient, problems),
        Shape::OneOf(shapes) => {
            if let Some(found) = shapes.iter().find(|s| s.fits(node)) {
                check(node, found, what, lenient, problems);
            }
        }
        _ => {}
    }
}

fn check_keys(node: &Node, table: &Table, lenient: bool, problems: &mut Problems) {
    for entry in node.entries() {
        let Some(key) = table.keys.iter().find(|k| k.name == entry.key) else {
            let names = table.keys.iter().filter(|k| k.usage == Use::Read).map(|k| k.name);
            let message = format!("unknown key `{}` in {}", entry.key, table.name);
            let problem = if lenient { Problem::warning(message) } else { Problem::error(message) };
            let hint = did_you_mean(&entry.key, names.clone())
                .unwrap_or_else(|| format!("known keys are {}", names.collect::<Vec<_>>().join(", ")));
            problems.push(problem.at(&entry.at).hint(hint));
            continue;
        };
        match key.usage {
            Use::Read if entry.value.is_null() => {}
            Use::Read => check(&entry.value, &key.shape, key.name, lenient, problems),
            Use::Ignored => {
                problems.push(Problem::warning(format!("`{}` is ignored: {}", key.name, key.about)).at(&entry.at));
            }
            Use::Unsupported => problems
                .push(Problem::error(format!("`{}` is not supported here: {}", key.name, key.about)).at(&entry.at)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::Source;
    use crate::yaml::parse;

    static TEST: Table = Table {
        name: "a test",
        open: false,
        keys: &[
            Key::new("threshold", Shape::Num(0.0, 1.0), "share"),
            Key::new("repeat", Shape::Int(1, 100), "times"),
            Key::new("vars", Shape::OneOf(&[Shape::Text, Shape::MapOf(&Shape::Any)]), "inputs"),
            Key::ignored("sharing", "there is no cloud"),
        ],
    };

    fn problems(text: &str) -> Vec<String> {
        let mut problems = Problems::new();
        let node = parse(&Source::new("t", text)).unwrap();
        check(&node, &Shape::Object(&TEST), "test", false, &mut problems);
        problems.iter().map(|p| p.message.clone() + p.hint.as_deref().map_or("", |_| " +hint")).collect()
    }

    #[test]
    fn names_every_mistake_at_once() {
        insta::assert_debug_snapshot!(problems("{treshold: 1, threshold: 2, repeat: 1.5, vars: 3, sharing: x}"), @r#"
        [
            "unknown key `treshold` in a test +hint",
            "`threshold` must be a number from 0 to 1, found `2`",
            "`repeat` must be a whole number from 1 to 100, found `1.5`",
            "`vars` must be text or a map, found `3`",
            "`sharing` is ignored: there is no cloud",
        ]
        "#);
    }

    #[test]
    fn null_counts_as_absent() {
        assert!(problems("{threshold: ~}").is_empty());
    }
}
