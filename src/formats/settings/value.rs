//! Values of settings as JSON.

use serde_json::{Map, Number, Value as Json};

use crate::domain::settings::resolve::Given;
use crate::domain::settings::schema::Value;
use crate::formats::lossless::{self, Object};

/// What a raw member says.
pub fn given(raw: &str) -> Given {
    Given { raw: raw.to_owned(), value: read(raw) }
}

fn read(raw: &str) -> Option<Value> {
    if let Some(flag) = lossless::flag(raw) {
        return Some(Value::Flag(flag));
    }
    if let Some(number) = lossless::number(raw) {
        return Some(Value::Number(number));
    }
    if let Some(text) = lossless::text(raw) {
        return Some(Value::Text(text));
    }
    if let Some(list) = lossless::list(raw) {
        return Some(Value::List(list.into_iter().filter_map(lossless::text).collect()));
    }
    let object = Object::parse(raw).ok()?;
    let mut map = Vec::new();
    for (name, raw) in object.iter() {
        let list: Option<Vec<String>> = lossless::list(raw)?.into_iter().map(lossless::text).collect();
        map.push((name.to_owned(), list?));
    }
    Some(Value::Map(map))
}

/// A value as JSON; an unset word or text is `null`, whole numbers have no fraction.
pub fn json(value: &Value) -> Json {
    match value {
        Value::Flag(flag) => Json::Bool(*flag),
        Value::Number(number) => number_json(*number),
        Value::Text(text) if text.is_empty() => Json::Null,
        Value::Text(text) => Json::String(text.clone()),
        Value::List(list) => Json::from(list.clone()),
        Value::Map(map) => {
            let members: Map<String, Json> =
                map.iter().map(|(name, list)| (name.clone(), Json::from(list.clone()))).collect();
            Json::Object(members)
        }
    }
}

/// A value as the text of a stored member; an emptied text is stored as empty.
pub fn raw(value: &Value) -> String {
    match value {
        Value::Text(text) => lossless::quoted(text),
        Value::Flag(_) | Value::Number(_) | Value::List(_) | Value::Map(_) => json(value).to_string(),
    }
}

/// The three numbers JSON has no words for are written as such.
fn number_json(number: f64) -> Json {
    if number.is_nan() {
        return Json::from("NaN");
    }
    if number.is_infinite() {
        return Json::from(if number > 0.0 { "Infinity" } else { "-Infinity" });
    }
    // `5` and not `5.0`: Rust writes a whole float without its fraction.
    let whole: Option<Number> = number.to_string().parse::<i64>().ok().map(Number::from);
    whole.or_else(|| Number::from_f64(number)).map_or(Json::Null, Json::Number)
}
