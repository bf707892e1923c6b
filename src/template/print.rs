//! Values of the engine as text.

use minijinja::value::{Value, ValueKind};
use minijinja::{Error, ErrorKind};

use crate::content::js_float;

/// A value as text: see [`super::print`], which does the same for JSON values.
pub fn text_of(value: &Value) -> String {
    match value.kind() {
        ValueKind::Undefined | ValueKind::None => String::new(),
        ValueKind::Bool => value.is_true().to_string(),
        ValueKind::Number if value.is_integer() => value.to_string(),
        ValueKind::Number => f64::try_from(value.clone()).map_or_else(|_| value.to_string(), js_float),
        ValueKind::Seq | ValueKind::Iterable => {
            let items: Vec<_> = value.try_iter().into_iter().flatten().map(|v| text_of(&v)).collect();
            items.join(",")
        }
        ValueKind::Map => json(value, None).unwrap_or_else(|_| value.to_string()),
        _ => value.as_str().map_or_else(|| value.to_string(), str::to_owned),
    }
}

/// A value as JSON.
pub fn json(value: &Value, indent: Option<usize>) -> Result<String, Error> {
    let broken = |e: serde_json::Error| Error::new(ErrorKind::BadSerialization, e.to_string());
    let value = serde_json::to_value(value).map_err(broken)?;
    let Some(width) = indent.filter(|w| *w > 0) else {
        return Ok(value.to_string());
    };
    let pad = vec![b' '; width.min(10)];
    let mut out = Vec::new();
    let format = serde_json::ser::PrettyFormatter::with_indent(&pad);
    let mut writer = serde_json::Serializer::with_formatter(&mut out, format);
    serde::Serialize::serialize(&value, &mut writer).map_err(broken)?;
    String::from_utf8(out).map_err(|e| Error::new(ErrorKind::BadSerialization, e.to_string()))
}
