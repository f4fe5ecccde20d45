//! Documents against schemas: as much of JSON Schema as `docs/schema/` uses, and the schema a document shows.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

/// What of a document does not fit its schema, a line each.
pub(crate) fn faults(schema: &Value, document: &Value) -> Vec<String> {
    let mut found = Vec::new();
    check(schema, document, "$", &mut found);
    found
}

fn check(schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    if let Some(wanted) = schema.get("const")
        && wanted != value
    {
        found.push(format!("{at} is {value}, not {wanted}"));
    }
    let types = types_of(schema);
    if !types.is_empty() && !types.iter().any(|wanted| is(value, wanted)) {
        found.push(format!("{at} is {}, not {}", kind(value), types.join(" or ")));
        return;
    }
    if let Some(members) = value.as_object() {
        for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if !members.contains_key(name) {
                found.push(format!("{at}.{name} is missing"));
            }
        }
        for (name, member) in members {
            if let Some(schema) = schema["properties"].get(name) {
                check(schema, member, &format!("{at}.{name}"), found);
            }
        }
    }
    if let (Some(list), Some(items)) = (value.as_array(), schema.get("items")) {
        for (place, item) in list.iter().enumerate() {
            check(items, item, &format!("{at}[{place}]"), found);
        }
    }
}

fn types_of(schema: &Value) -> Vec<String> {
    let wanted = &schema["type"];
    let many = wanted.as_array().into_iter().flatten();
    wanted.as_str().into_iter().chain(many.filter_map(Value::as_str)).map(str::to_owned).collect()
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn is(value: &Value, wanted: &str) -> bool {
    kind(value) == wanted || (wanted == "number" && value.is_number())
}

/// The schema that a document shows: every member it has, open to more.
pub(crate) fn shown_by(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let properties: Map<String, Value> =
                members.iter().map(|(name, member)| (name.clone(), shown_by(member))).collect();
            let required: Vec<&String> = members.keys().collect();
            json!({
                "type": "object",
                "properties": properties,
                "required": required,
            })
        }
        Value::Array(list) => {
            let mut schema = json!({ "type": "array" });
            if let Some(items) = list.iter().map(shown_by).reduce(|one, other| both(&one, &other)) {
                schema["items"] = items;
            }
            schema
        }
        // What is not known yet can be anything once it is.
        Value::Null => json!({}),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => json!({ "type": kind(value) }),
    }
}

/// A schema that fits whatever one of two fits.
pub(crate) fn both(one: &Value, other: &Value) -> Value {
    let mut joined = one.as_object().cloned().unwrap_or_default();
    if one == &json!({}) && other.get("type").is_some() {
        return both(&json!({ "type": "null" }), other);
    }
    if other == &json!({}) && one.get("type").is_some() {
        return both(one, &json!({ "type": "null" }));
    }
    let types: BTreeSet<String> = types_of(one).into_iter().chain(types_of(other)).collect();
    let types: Vec<&String> =
        types.iter().filter(|word| *word != "integer" || !types.contains("number")).collect();
    match types.as_slice() {
        [] => {}
        [only] => {
            joined.insert("type".to_owned(), json!(only));
        }
        _ => {
            joined.insert("type".to_owned(), json!(types));
        }
    }
    let names = |schema: &Value| -> BTreeSet<String> {
        schema["required"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect()
    };
    let objects = (one.get("properties").is_some(), other.get("properties").is_some());
    if objects == (true, true) {
        let required: Vec<String> = names(one).intersection(&names(other)).cloned().collect();
        joined.insert("required".to_owned(), json!(required));
        let mut properties = one["properties"].as_object().cloned().unwrap_or_default();
        for (name, schema) in other["properties"].as_object().into_iter().flatten() {
            let merged = properties.get(name).map_or_else(|| schema.clone(), |known| both(known, schema));
            properties.insert(name.clone(), merged);
        }
        joined.insert("properties".to_owned(), Value::Object(properties));
    } else if objects == (false, true) {
        for name in ["properties", "required"] {
            joined.insert(name.to_owned(), other[name].clone());
        }
    }
    match (one.get("items"), other.get("items")) {
        (Some(one), Some(other)) => {
            joined.insert("items".to_owned(), both(one, other));
        }
        (None, Some(other)) => {
            joined.insert("items".to_owned(), other.clone());
        }
        (_, None) => {}
    }
    Value::Object(joined)
}

#[test]
fn a_schema_fits_the_document_it_was_made_from_and_no_other() {
    let document = json!({ "a": 1, "b": [{ "c": null }, { "c": "x", "d": 1.5 }], "e": {} });
    let schema = shown_by(&document);

    assert_eq!(faults(&schema, &document), Vec::<String>::new());
    for (other, fault) in [
        (json!({ "a": 1, "b": [], "f": 0 }), "$.e is missing"),
        (json!({ "a": "1", "b": [], "e": {} }), "$.a is string, not integer"),
        (json!({ "b": [], "e": {} }), "$.a is missing"),
        (json!({ "a": 1, "b": [{ "c": 2 }], "e": {} }), "$.b[0].c is integer, not null or string"),
    ] {
        assert_eq!(faults(&schema, &other), [fault]);
    }
}
