//! Vectors as servers write them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// Lists may be nested so deep: a batch of texts, each of several tokens.
const DEEPEST: usize = 3;

/// A vector of finite numbers, at least one: a list of them, or base64 of little-endian 32-bit floats.
/// Of a matrix (a row for each token) it is the mean of the rows.
///
/// # Errors
/// What is wrong, in words that go on from "the answer of …".
pub(super) fn read(value: &Value) -> Result<Vec<f64>, String> {
    let vector = nested(value, DEEPEST)?;
    if vector.is_empty() {
        return Err("has an empty vector".to_owned());
    }
    match vector.iter().position(|x| !x.is_finite()) {
        None => Ok(vector),
        Some(at) => Err(format!("has a vector whose entry {at} is not finite")),
    }
}

fn nested(value: &Value, depth: usize) -> Result<Vec<f64>, String> {
    match value {
        Value::String(text) => encoded(text),
        Value::Array(rows) if depth > 1 && rows.first().is_some_and(Value::is_array) => {
            let rows = rows.iter().map(|row| nested(row, depth - 1)).collect::<Result<Vec<_>, _>>()?;
            mean(&rows)
        }
        Value::Array(numbers) => numbers.iter().enumerate().map(|(at, n)| number(n, at)).collect(),
        _ => Err("has a vector that is no list".to_owned()),
    }
}

fn number(value: &Value, at: usize) -> Result<f64, String> {
    value.as_f64().ok_or_else(|| format!("has a vector whose entry {at} is no number"))
}

fn encoded(text: &str) -> Result<Vec<f64>, String> {
    let bytes = STANDARD.decode(text.trim()).ok();
    let bytes = bytes.filter(|bytes| bytes.len() % 4 == 0).ok_or("has a vector that is no base64 of 32-bit floats")?;
    let (floats, _) = bytes.as_chunks();
    Ok(floats.iter().map(|float| f64::from(f32::from_le_bytes(*float))).collect())
}

#[expect(clippy::cast_precision_loss, reason = "a text has far fewer than 2^53 tokens")]
fn mean(rows: &[Vec<f64>]) -> Result<Vec<f64>, String> {
    let mut sum = rows.first().cloned().unwrap_or_default();
    for row in rows.iter().skip(1) {
        if row.len() != sum.len() {
            return Err("has a matrix with rows of different lengths".to_owned());
        }
        sum.iter_mut().zip(row).for_each(|(sum, x)| *sum += x);
    }
    Ok(sum.into_iter().map(|x| x / rows.len() as f64).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn reads_every_form() {
        for (value, expected) in [
            (json!([1, -0.5]), Ok(vec![1.0, -0.5])),
            (json!([[1.0, 2.0]]), Ok(vec![1.0, 2.0])),
            (json!([[1.0, 2.0], [3.0, 6.0]]), Ok(vec![2.0, 4.0])),
            (json!([[[1.0, 2.0], [3.0, 6.0]]]), Ok(vec![2.0, 4.0])),
            (json!("AACAPwAAAL8="), Ok(vec![1.0, -0.5])),
            (json!([]), Err("has an empty vector")),
            (json!(""), Err("has an empty vector")),
            (json!([[]]), Err("has an empty vector")),
            (json!([[[[1.0]]]]), Err("has a vector whose entry 0 is no number")),
            (json!([1.0, null]), Err("has a vector whose entry 1 is no number")),
            (json!([1.0, "2"]), Err("has a vector whose entry 1 is no number")),
            (json!([[1.0], 2.0]), Err("has a vector that is no list")),
            (json!([[1.0], [2.0, 3.0]]), Err("has a matrix with rows of different lengths")),
            (json!([[1e308], [1e308], [1e308]]), Err("has a vector whose entry 0 is not finite")),
            (json!("AACAfw=="), Err("has a vector whose entry 0 is not finite")),
            (json!("AADAfw=="), Err("has a vector whose entry 0 is not finite")),
            (json!("AACA"), Err("has a vector that is no base64 of 32-bit floats")),
            (json!("?"), Err("has a vector that is no base64 of 32-bit floats")),
            (json!({"a": 1}), Err("has a vector that is no list")),
            (json!(null), Err("has a vector that is no list")),
        ] {
            assert_eq!(read(&value), expected.map_err(str::to_owned), "{value}");
        }
    }
}
