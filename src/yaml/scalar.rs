//! Plain scalars by the YAML 1.2 core schema (<https://yaml.org/spec/1.2.2/#103-core-schema>).

use std::sync::LazyLock;

use regex::Regex;
use serde_json::Number;

use super::Kind;

static FLOAT: LazyLock<Regex> = LazyLock::new(|| {
    #[expect(clippy::unwrap_used, reason = "a constant pattern, tested below")]
    Regex::new(r"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$").unwrap()
});

/// What a plain (unquoted) scalar means.
pub fn resolve(text: &str) -> Kind {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Kind::Null,
        "true" | "True" | "TRUE" => return Kind::Bool(true),
        "false" | "False" | "FALSE" => return Kind::Bool(false),
        _ => {}
    }
    number(text).map_or_else(|| Kind::Str(text.to_owned()), Kind::Num)
}

/// A word of letters, digits, `.`, `_` and `-` as a key or value: in quotes where it would be read as
/// something else than text.
pub fn plain_scalar(word: &str) -> String {
    if matches!(resolve(word), Kind::Str(_)) { word.to_owned() } else { format!("\"{word}\"") }
}

/// A number of the core schema. Infinities and NaN are left as text: JSON has no word for them.
pub fn number(text: &str) -> Option<Number> {
    let radix = |prefix: &str, radix| {
        let digits = text.strip_prefix(prefix)?;
        let digits = (!digits.starts_with(['+', '-'])).then_some(digits)?;
        u64::from_str_radix(digits, radix).ok().map(Number::from)
    };
    if !text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.')) {
        return None;
    }
    if let Some(found) = radix("0o", 8).or_else(|| radix("0x", 16)) {
        return Some(found);
    }
    if let Ok(n) = text.parse::<i64>() {
        return Some(Number::from(n));
    }
    if let Ok(n) = text.parse::<u64>() {
        return Some(Number::from(n));
    }
    if !FLOAT.is_match(text) {
        return None;
    }
    text.parse().ok().and_then(from_f64)
}

/// A float as a number; whole ones become integers, because a config has only one kind of number.
fn from_f64(x: f64) -> Option<Number> {
    #[expect(clippy::cast_possible_truncation, reason = "within ±2^53 and whole: exact")]
    if x.fract() == 0.0 && x.abs() < 9_007_199_254_740_992.0 {
        return Some(Number::from(x as i64));
    }
    Number::from_f64(x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn core_schema() {
        let shown = |text: &str| match resolve(text) {
            Kind::Null => "null".to_owned(),
            Kind::Bool(b) => b.to_string(),
            Kind::Num(n) => n.to_string(),
            Kind::Str(s) => format!("'{s}'"),
            _ => unreachable!(),
        };
        for (text, expected) in [
            ("yes", "'yes'"),
            ("on", "'on'"),
            ("0o17", "15"),
            ("0x1F", "31"),
            ("017", "17"),
            ("1_000", "'1_000'"),
            ("2024-01-01", "'2024-01-01'"),
            ("1e3", "1000"),
            ("12:30", "'12:30'"),
            ("1.0", "1"),
            ("-0", "0"),
            ("+5", "5"),
            ("++5", "'++5'"),
            ("+-5", "'+-5'"),
            ("0x+1", "'0x+1'"),
            (".5", "0.5"),
            ("-.5", "-0.5"),
            ("1.", "1"),
            (".", "'.'"),
            ("-", "'-'"),
            (".inf", "'.inf'"),
            ("1e999", "'1e999'"),
            ("18446744073709551616", "1.8446744073709552e+19"),
            ("2.10", "2.1"),
            ("NULL", "null"),
            ("tRue", "'tRue'"),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }
}
