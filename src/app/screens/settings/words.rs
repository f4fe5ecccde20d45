//! Values in words where a row or a field shows them.

use crate::domain::settings::schema::{Kind, Row, Unit, Value, Zero};

/// Bounds from here on mean "no bound".
const NO_MOST: f64 = 1e9;

/// A value where plain words say more than the file's: `details pane`.
pub fn long(row: &Row, value: &Value) -> String {
    match (row.key, value) {
        ("menuLayoutMode", Value::Text(text)) if text == "expanded-rows" => "every row".to_owned(),
        ("menuLayoutMode", Value::Text(_)) => "details pane".to_owned(),
        _ => row.words(value),
    }
}

/// A value in a narrow column, as the file writes its words: `ready-first`, `details`.
pub fn short(row: &Row, value: &Value) -> String {
    match (row.kind, value) {
        (Kind::Word(_), Value::Text(text)) if !text.is_empty() => {
            text.trim_start_matches("compact-").trim_end_matches("-rows").to_owned()
        }
        _ => row.words(value),
    }
}

/// A value as the field offers it for editing: what is parsed back to the same value.
pub fn editable(row: &Row, value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        Value::Number(number) => {
            let words = row.words(value);
            let same = row.parse(&words).is_ok_and(|again| again == *value);
            if same { words } else { number.to_string() }
        }
        Value::Map(map) => {
            let chains: Vec<String> =
                map.iter().map(|(name, list)| format!("{name}={}", list.join(","))).collect();
            chains.join(";")
        }
        Value::Flag(_) | Value::List(_) => row.words(value),
    }
}

/// What is allowed, in words: `1s to 10m, by 5s`.
pub fn bounds(row: &Row) -> String {
    let Kind::Number { least, most, zero, unit, .. } = row.kind else {
        let expected = row.expectation();
        return expected.strip_prefix("expected ").unwrap_or(&expected).to_owned();
    };
    let figure = |number: f64| {
        if number.total_cmp(&0.0).is_eq() {
            if unit == Unit::Percent { "0%".to_owned() } else { "0".to_owned() }
        } else {
            row.words(&Value::Number(number))
        }
    };
    let off = if zero == Zero::TurnsOff { "off, or " } else { "" };
    let range = if most >= NO_MOST {
        format!("{off}at least {}", figure(least))
    } else {
        format!("{off}{} to {}", figure(least), figure(most))
    };
    if !row.offers.is_empty() {
        let offers: Vec<String> = row.offers.iter().map(|offer| figure(*offer)).collect();
        return format!("{range}, by keys {}", offers.join(" "));
    }
    if row.step > 0.0 { format!("{range}, by {}", figure(row.step)) } else { range }
}

/// Texts that a key press goes through.
pub fn suggestions(row: &Row) -> Option<&'static [&'static str]> {
    (row.key == "tuiTheme").then_some(&["", "green", "blue", "mono", "high-contrast", "light"])
}
