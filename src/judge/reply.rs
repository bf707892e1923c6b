//! Replies of graders, read leniently: whole, fenced, in prose, or nearly JSON.

use serde_json::{Deserializer, Map, Value};

use crate::diag::Source;
use crate::record::{Output, Response};
use crate::yaml;

/// So many braces of a reply are looked at.
const BRACES: usize = 200;

/// A grader's opinion.
#[derive(Debug, Clone, PartialEq)]
pub struct Opinion {
    /// Whether the answer passes; a grader with a custom rubric may leave it to the threshold.
    pub pass: Option<bool>,
    /// From 0 (not at all) to 1.
    pub score: f64,
    /// Its reason.
    pub reason: String,
}

/// Reads an opinion: `{"reason", "pass", "score"}`, each in any of the types that models write.
///
/// # Errors
/// What is wrong with the reply.
pub fn opinion(response: &Response) -> Result<Opinion, String> {
    one_word(response, &["pass", "score"])?;
    let map = object(response, &["pass", "score"])?;
    let pass = match map.get("pass") {
        None | Some(Value::Null) => None,
        Some(value) => Some(truth(value).ok_or_else(|| format!("`pass` is neither true nor false but {value}"))?),
    };
    let score = match map.get("score") {
        None | Some(Value::Null) => None,
        Some(value) => Some(number(value).ok_or_else(|| format!("`score` is no number but {value}"))?),
    };
    let score = match (pass, score) {
        (_, Some(score)) => score,
        (Some(pass), None) => f64::from(u8::from(pass)),
        (None, None) => return Err("it has neither `pass` nor `score`".into()),
    };
    Ok(Opinion { pass, score, reason: reason(&map) })
}

/// The category of a `factuality` reply: `{"category": "A"}`, or `(A)` as older prompts have it, with its
/// reason.
///
/// # Errors
/// When there is none, or several.
pub fn category(response: &Response) -> Result<(char, String), String> {
    let letter = |text: &str| {
        let text = text.trim().trim_matches(['(', ')', '.', ':', '"', '\'', '*']);
        let mut chars = text.chars();
        let first = chars.next().map(|c| c.to_ascii_uppercase()).filter(|c| ('A'..='E').contains(c))?;
        chars.next().is_none().then_some(first)
    };
    if let Ok(map) = object(response, &["category"]) {
        let found = map.get("category").and_then(Value::as_str).and_then(letter);
        return found.map(|c| (c, reason(&map))).ok_or_else(|| "`category` is none of A, B, C, D, E".into());
    }
    let text = response.output.text();
    if let Some(whole) = letter(&text) {
        return Ok((whole, String::new()));
    }
    let marked = ['A', 'B', 'C', 'D', 'E'].into_iter().filter(|c| text.contains(&format!("({c})")));
    let marked: Vec<char> = marked.collect();
    // "Not (A): it is D" names two. `A` alone is a word of English.
    let mut words = text.split(|c: char| !c.is_alphanumeric());
    let other = words.find_map(|w| "BCDE".chars().find(|c| w.len() == 1 && w.starts_with(*c) && !marked.contains(c)));
    match (&marked[..], other) {
        ([one], None) => Ok((*one, text.trim().to_owned())),
        ([], _) => Err("it names no category".into()),
        _ => Err("it names several categories".into()),
    }
}

/// Whether a reply ends with a yes or a no.
///
/// # Errors
/// When it ends with neither.
pub fn yes_or_no(response: &Response) -> Result<(bool, String), String> {
    if response.finish_reason.as_deref() == Some("length") {
        return Err("it is cut off".into());
    }
    let text = response.output.text();
    let last = text.trim().trim_end_matches(|c: char| c.is_ascii_punctuation() || c.is_whitespace());
    let word = last.rsplit(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    match word.to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok((true, text.trim().to_owned())),
        "n" | "no" => Ok((false, text.trim().to_owned())),
        _ => Err("it ends with neither Y nor N".into()),
    }
}

/// The first whole number of a reply.
pub fn index(response: &Response) -> Option<usize> {
    let text = response.output.text();
    let start = text.find(|c: char| c.is_ascii_digit())?;
    if text[..start].ends_with('-') {
        return None;
    }
    text[start..].split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// How many items of a list carry a mark, and how many there are: `{"KEY": [{"MARK": true}, …]}`.
///
/// # Errors
/// When there is no such list.
pub fn marks(response: &Response, key: &str, mark: &str) -> Result<(usize, usize), String> {
    let map = object(response, &[key])?;
    let list = map.get(key).and_then(Value::as_array).ok_or_else(|| format!("`{key}` is no list"))?;
    let marks: Option<Vec<bool>> = list.iter().map(|item| item.get(mark).and_then(truth)).collect();
    let marks = marks.ok_or_else(|| format!("an item of `{key}` has no `{mark}` that is true or false"))?;
    Ok((marks.iter().filter(|mark| **mark).count(), marks.len()))
}

/// A list of texts: `{"KEY": ["…", …]}`, or one text.
///
/// # Errors
/// When there is none.
pub fn texts(response: &Response, key: &str) -> Result<Vec<String>, String> {
    let map = object(response, &[key])?;
    match map.get(key) {
        Some(Value::Array(list)) => {
            let texts: Option<Vec<String>> = list.iter().map(|v| v.as_str().map(str::to_owned)).collect();
            texts.ok_or_else(|| format!("`{key}` holds something else than texts"))
        }
        Some(Value::String(text)) => Ok(vec![text.clone()]),
        _ => Err(format!("`{key}` is no list of texts")),
    }
}

/// The first object of a reply that has one of these keys.
fn object(response: &Response, keys: &[&str]) -> Result<Map<String, Value>, String> {
    let fits = |value: Value| match value {
        Value::Object(map) if keys.iter().any(|key| map.contains_key(*key)) => Some(map),
        _ => None,
    };
    if let Output::Json(value) = &response.output {
        return fits(value.clone()).ok_or_else(|| lacks(keys));
    }
    let text = response.output.text();
    let text = text.trim();
    if text.is_empty() {
        return Err("it is empty".into());
    }
    let whole = serde_json::from_str(text).ok().and_then(fits);
    whole.or_else(|| scan(text, fits)).ok_or_else(|| {
        if text.contains('{') { format!("{} in proper JSON", lacks(keys)) } else { "it holds no JSON".into() }
    })
}

/// A reply may quote what it judges: of two words that differ nobody knows which one is meant.
fn one_word(response: &Response, keys: &[&str]) -> Result<(), String> {
    let Output::Text(text) = &response.output else { return Ok(()) };
    let said = |value: Value| Some(keys.iter().map(|key| value.get(*key).cloned()).collect::<Vec<_>>());
    let said = |value: Value| said(value).filter(|words| words.iter().any(Option::is_some));
    let mut found: Vec<Vec<Option<Value>>> = Vec::new();
    for (at, _) in text.match_indices('{').take(BRACES) {
        let value = Deserializer::from_str(&text[at..]).into_iter::<Value>().next().and_then(Result::ok);
        found.extend(value.and_then(said));
    }
    if found.windows(2).any(|pair| pair[0] != pair[1]) { Err("it holds several opinions".into()) } else { Ok(()) }
}

fn lacks(keys: &[&str]) -> String {
    format!("it has no {}", keys.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(" and no "))
}

/// Looks behind every brace: strict JSON first, then what YAML reads as well (single quotes, bare keys,
/// a comma too many), which models write now and then.
fn scan(text: &str, fits: impl Fn(Value) -> Option<Map<String, Value>>) -> Option<Map<String, Value>> {
    let braces: Vec<usize> = text.match_indices('{').map(|(at, _)| at).take(BRACES).collect();
    let strict = |at: &usize| {
        let value = Deserializer::from_str(&text[*at..]).into_iter::<Value>().next()?.ok()?;
        fits(value)
    };
    braces.iter().find_map(strict).or_else(|| {
        let lenient = |at: &usize| {
            let end = text.rfind('}').filter(|end| end > at)?;
            let node = yaml::parse(&Source::new("<reply>", &text[*at..=end])).ok()?;
            fits(node.to_json())
        };
        braces.iter().take(3).find_map(lenient)
    })
}

fn reason(map: &Map<String, Value>) -> String {
    map.get("reason").and_then(Value::as_str).unwrap_or_default().trim().to_owned()
}

fn truth(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(truth) => Some(*truth),
        Value::Number(number) => match number.as_f64() {
            Some(1.0) => Some(true),
            Some(0.0) => Some(false),
            _ => None,
        },
        Value::String(word) => match word.trim().to_ascii_lowercase().as_str() {
            "true" | "yes" | "pass" | "y" | "passed" => Some(true),
            "false" | "no" | "fail" | "n" | "failed" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

fn number(value: &Value) -> Option<f64> {
    let number = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        Value::Bool(truth) => Some(f64::from(u8::from(*truth))),
        _ => None,
    };
    number.filter(|number| number.is_finite())
}
