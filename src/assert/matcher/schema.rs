//! JSON Schema: draft-07 unless the schema names another, formats checked, nothing fetched.

use jsonschema::{Draft, Validator};
use serde_json::{Map, Value, json};

use super::formats;
use crate::assert::show;
use crate::diag::{Source, did_you_mean};
use crate::yaml;

/// A compiled schema.
#[derive(Debug)]
pub struct Schema {
    validator: Validator,
    remarks: Vec<String>,
}

/// Keywords whose value is a schema.
const ONE: [&str; 9] =
    ["additionalItems", "additionalProperties", "contains", "else", "if", "items", "not", "propertyNames", "then"];
/// Keywords whose value is a list of schemas.
const MANY: [&str; 4] = ["allOf", "anyOf", "items", "oneOf"];
/// Keywords whose value is a map of schemas.
const NAMED: [&str; 5] = ["$defs", "definitions", "dependencies", "patternProperties", "properties"];
/// The other keywords of draft-07, and OpenAPI's `nullable`.
const PLAIN: [&str; 31] = [
    "$comment",
    "$id",
    "$ref",
    "$schema",
    "const",
    "contentEncoding",
    "contentMediaType",
    "default",
    "description",
    "enum",
    "examples",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "format",
    "id",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minItems",
    "minLength",
    "minProperties",
    "minimum",
    "multipleOf",
    "nullable",
    "pattern",
    "readOnly",
    "required",
    "title",
    "type",
    "uniqueItems",
];
/// Keywords that draft-07 would silently pass over although they mean something since.
const LATER: [&str; 11] = [
    "$anchor",
    "$dynamicAnchor",
    "$dynamicRef",
    "dependentRequired",
    "dependentSchemas",
    "maxContains",
    "minContains",
    "prefixItems",
    "unevaluatedItems",
    "unevaluatedProperties",
    "contentSchema",
];

impl Schema {
    /// From the text of a config value, which is JSON or YAML.
    pub fn from_text(text: &str) -> Result<Self, String> {
        let node = yaml::parse(&Source::new("<schema>", text))
            .map_err(|problem| format!("the schema cannot be read: {}", problem.message))?;
        if !node.is_map() && node.as_bool() != Some(false) {
            return Err(format!("a schema is a map, found {}", node.kind_name()));
        }
        Self::new(node.to_json())
    }

    /// From a value.
    pub fn new(mut schema: Value) -> Result<Self, String> {
        let draft7 = schema.get("$schema").is_none_or(|s| s.as_str().is_some_and(|s| s.contains("draft-07")));
        let mut remarks = Vec::new();
        if draft7 {
            adapt(&mut schema, &mut remarks)?;
        }
        let mut options = jsonschema::options().should_validate_formats(true).should_ignore_unknown_formats(false);
        if draft7 {
            options = options.with_draft(Draft::Draft7);
        }
        let validator = formats::register(options).offline().build(&schema).map_err(|error| {
            let place = error.instance_path().as_str();
            let place = if place.is_empty() { String::new() } else { format!(" at {place}") };
            format!("this is no valid JSON Schema{place}: {}", show::line(&error.to_string()))
        })?;
        Ok(Self { validator, remarks })
    }

    /// What looks odd in the schema and is passed over.
    pub fn remarks(&self) -> &[String] {
        &self.remarks
    }

    /// What is wrong with a value, the first thing of it.
    pub fn complaint(&self, value: &Value) -> Option<String> {
        if self.validator.is_valid(value) {
            return None;
        }
        let error = self.validator.iter_errors(value).next()?;
        let place = error.instance_path().as_str();
        let what = show::line(&error.masked().to_string());
        Some(if place.is_empty() { what } else { format!("at {} {what}", show::line(place)) })
    }
}

/// Rewrites what draft-07 does not know (`nullable`, number formats) and remarks on unknown keywords.
fn adapt(schema: &mut Value, remarks: &mut Vec<String>) -> Result<(), String> {
    let Value::Object(map) = schema else { return Ok(()) };
    for key in map.keys() {
        remark(key, remarks)?;
    }
    if map.get("enum").and_then(Value::as_array).is_some_and(Vec::is_empty) {
        return Err("an empty `enum` allows nothing".into());
    }
    allow_null(map);
    bound_integers(map);
    for (key, value) in map.iter_mut() {
        let key = key.as_str();
        if let Value::Array(items) = value
            && MANY.contains(&key)
        {
            items.iter_mut().try_for_each(|item| adapt(item, remarks))?;
        } else if ONE.contains(&key) {
            adapt(value, remarks)?;
        } else if let Value::Object(members) = value
            && NAMED.contains(&key)
        {
            members.values_mut().try_for_each(|member| adapt(member, remarks))?;
        }
    }
    Ok(())
}

fn remark(key: &str, remarks: &mut Vec<String>) -> Result<(), String> {
    if LATER.contains(&key) {
        return Err(format!(
            "`{key}` is not part of draft-07, the default; say `$schema: https://json-schema.org/draft/2020-12/schema` \
             in the schema to use it"
        ));
    }
    let mut known = ONE.iter().chain(&MANY).chain(&NAMED).chain(&PLAIN).copied();
    if known.clone().any(|k| k == key) || key == "writeOnly" {
        return Ok(());
    }
    let hint = did_you_mean(key, known.by_ref()).map_or_else(String::new, |hint| format!("; {hint}"));
    remarks.push(format!("`{key}` is no keyword of JSON Schema draft-07 and checks nothing{hint}"));
    Ok(())
}

/// `{type: string, nullable: true}` is `{type: [string, "null"]}`.
fn allow_null(schema: &mut Map<String, Value>) {
    if schema.get("nullable") != Some(&Value::Bool(true)) {
        return;
    }
    match schema.get_mut("type") {
        Some(Value::Array(types)) if !types.contains(&json!("null")) => types.push(json!("null")),
        Some(single @ Value::String(_)) => *single = json!([single.take(), "null"]),
        _ => {}
    }
}

/// Formats that bound numbers; a validator asks formats about texts only.
fn bound_integers(schema: &mut Map<String, Value>) {
    let bounds = match schema.get("format").and_then(Value::as_str) {
        Some("int32") => json!({"type": "integer", "minimum": i32::MIN, "maximum": i32::MAX}),
        Some("int64") => json!({"type": "integer"}),
        _ => return,
    };
    schema.shift_remove("format");
    let rule = json!({"anyOf": [{"not": {"type": "number"}}, bounds]});
    match schema.get_mut("allOf") {
        Some(Value::Array(all)) => all.push(rule),
        // A wrong `allOf` stays, so that the validator can complain about it.
        Some(_) => {}
        None => {
            schema.insert("allOf".into(), json!([rule]));
        }
    }
}
