//! Numbers as JavaScript prints them.

use serde_json::Number;

/// `Number::toString` of ECMAScript (<https://tc39.es/ecma262/#sec-numeric-types-number-tostring>):
/// the shortest digits that read back, an exponent from 1e21 and below 1e-6. Whole numbers of the
/// config beyond 2^53 keep all their digits.
pub fn js_number(number: &Number) -> String {
    if number.is_i64() || number.is_u64() {
        return number.to_string();
    }
    number.as_f64().map_or_else(|| number.to_string(), js_float)
}

/// The same for a float.
pub fn js_float(x: f64) -> String {
    if x.is_nan() {
        return "NaN".into();
    }
    if x.is_infinite() {
        return if x > 0.0 { "Infinity".into() } else { "-Infinity".into() };
    }
    if x == 0.0 {
        return "0".into();
    }
    let size = x.abs();
    if (1e-6..1e21).contains(&size) {
        return format!("{x}");
    }
    let text = format!("{x:e}");
    match text.split_once('e') {
        Some((digits, exponent)) if !exponent.starts_with('-') => format!("{digits}e+{exponent}"),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_as_javascript() {
        for (x, expected) in [
            (42.0, "42"),
            (-0.0, "0"),
            (0.1 + 0.2, "0.30000000000000004"),
            (1e21, "1e+21"),
            (1.5e300, "1.5e+300"),
            (123_456_789_012_345_680_000.0, "123456789012345680000"),
            (1e-7, "1e-7"),
            (0.000_001, "0.000001"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-Infinity"),
        ] {
            assert_eq!(js_float(x), expected);
        }
    }
}
