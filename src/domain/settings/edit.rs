//! Changes of settings: what is to be stored, typed values read from words, and values as words.

use std::borrow::Cow;

use crate::domain::settings::report::Report;
use crate::domain::settings::schema::{Kind, Row, Unit, Value, Zero, row};

/// One change of the file.
#[derive(Debug, Clone, PartialEq)]
pub struct Edit {
    /// The key, as in the table.
    pub key: &'static str,
    /// What to store; `None` deletes the member, so that the default counts.
    pub to: Option<Value>,
}

impl Edit {
    /// Stores a value.
    pub const fn set(row: &'static Row, value: Value) -> Self {
        Self { key: row.key, to: Some(value) }
    }

    /// Deletes the member.
    pub const fn unset(row: &'static Row) -> Self {
        Self { key: row.key, to: None }
    }
}

/// The edits with the members that have to follow them: keys which mean one thing under two names.
pub fn with_twins(edits: &[Edit], report: &Report) -> Vec<Edit> {
    let mut all = Vec::with_capacity(edits.len() + 1);
    for edit in edits {
        all.push(edit.clone());
        let twin = match edit.key {
            // The layout's older name is stored wherever the layout is, as the original does.
            "menuLayoutMode" => row("menuShowDetailsForUnselectedRows").map(|twin| Edit {
                key: twin.key,
                to: edit.to.as_ref().map(|value| Value::Flag(*value == text("expanded-rows"))),
            }),
            "menuShowDetailsForUnselectedRows" => row("menuLayoutMode").map(|twin| Edit {
                key: twin.key,
                to: edit.to.as_ref().map(|value| {
                    text(if *value == Value::Flag(true) { "expanded-rows" } else { "compact-details" })
                }),
            }),
            // The original deletes words it does not know, so it is told only those it does (D28).
            "selectionStrategy" => row("schedulingStrategy").and_then(|twin| {
                let known = edit.to.as_ref().filter(|value| twin.accepts(value))?;
                Some(Edit { key: twin.key, to: Some(known.clone()) })
            }),
            "schedulingStrategy" => row("selectionStrategy").and_then(|twin| {
                report.entry(twin.key).filter(|entry| entry.present)?;
                Some(Edit { key: twin.key, to: edit.to.clone() })
            }),
            _ => None,
        };
        // What is asked for in the same breath wins over what would follow.
        all.extend(twin.filter(|twin| edits.iter().all(|edit| edit.key != twin.key)));
    }
    all
}

fn text(word: &str) -> Value {
    Value::Text(word.to_owned())
}

impl Row {
    /// Reads a value typed by a person: a word of the list, `on`, `90s`, `5m`, `12%`, `a,b`, or plain JSON-like text.
    ///
    /// # Errors
    /// What was expected, in words, when the text is none of this or out of bounds.
    pub fn parse(&self, given: &str) -> Result<Value, String> {
        let typed = given.trim();
        let lower = typed.to_ascii_lowercase();
        let value = match self.kind {
            Kind::Flag(_) => match lower.as_str() {
                "true" | "on" | "yes" | "1" => Some(Value::Flag(true)),
                "false" | "off" | "no" | "0" => Some(Value::Flag(false)),
                _ => None,
            },
            Kind::Number { unit, .. } => measured(&lower, unit).map(Value::Number),
            Kind::Word(_) => Some(text(unquoted(&lower))),
            Kind::Text(_) => Some(text(unquoted(typed))),
            Kind::List(_) => Some(Value::List(words(&lower))),
            Kind::Map => chains(typed).map(Value::Map),
        };
        value.filter(|value| self.accepts(value)).ok_or_else(|| self.expectation())
    }

    /// Whether a value may be stored under this key as it is.
    pub fn accepts(&self, value: &Value) -> bool {
        match (self.kind, value) {
            (Kind::Flag(_), Value::Flag(_)) => true,
            (Kind::Number { .. }, Value::Number(number)) => self.bounded(*number).total_cmp(number).is_eq(),
            (Kind::Word(words), Value::Text(text)) => !text.is_empty() && words.contains(&text.as_str()),
            (Kind::Text(_), Value::Text(text)) => self.key != "egressProxy" || is_egress(text),
            (Kind::List(words), Value::List(list)) => {
                !list.is_empty()
                    && list.iter().enumerate().all(|(at, word)| {
                        words.contains(&word.as_str()) && list.iter().take(at).all(|other| other != word)
                    })
            }
            (Kind::Map, Value::Map(map)) => map
                .iter()
                .all(|(name, list)| !name.trim().is_empty() && list.iter().all(|v| !v.trim().is_empty())),
            (
                Kind::Flag(_)
                | Kind::Number { .. }
                | Kind::Word(_)
                | Kind::Text(_)
                | Kind::List(_)
                | Kind::Map,
                _,
            ) => false,
        }
    }

    /// A number inside the bounds of this row.
    pub fn bounded(&self, given: f64) -> f64 {
        match self.kind {
            Kind::Number { zero: Zero::TurnsOff, .. } if given <= 0.0 => 0.0,
            Kind::Number { least, most, .. } => given.clamp(least, most),
            Kind::Flag(_) | Kind::Word(_) | Kind::Text(_) | Kind::List(_) | Kind::Map => given,
        }
    }

    /// What values the key takes, in words.
    pub fn expectation(&self) -> String {
        match self.kind {
            Kind::Flag(_) => "expected true or false".to_owned(),
            Kind::Number { least, most, zero, unit, .. } => {
                let off = if zero == Zero::TurnsOff { "0 or " } else { "" };
                let unit = match unit {
                    Unit::Millis => " (milliseconds, or like 90s, 5m, 2h)",
                    Unit::Bytes => " (bytes)",
                    Unit::Percent => " (percent)",
                    Unit::Count => "",
                };
                if most >= 1e9 {
                    format!("expected {off}a number of at least {least}{unit}")
                } else {
                    format!("expected {off}a number from {least} to {most}{unit}")
                }
            }
            Kind::Word(words) => {
                let words: Vec<&str> = words.iter().copied().filter(|word| !word.is_empty()).collect();
                format!("expected {}", words.join(", "))
            }
            Kind::Text(_) if self.key == "egressProxy" => {
                "expected an address that begins with http://, https:// or socks5://".to_owned()
            }
            Kind::Text(_) => "expected text".to_owned(),
            Kind::List(words) => {
                format!("expected some of {}, each once, with commas between", words.join(", "))
            }
            Kind::Map => "expected models with lists of models, like a=b,c;d=e".to_owned(),
        }
    }

    /// A value of this row as a person reads it: `on`, `5m`, `12%`, `ready first`, `unset`.
    pub fn words(&self, value: &Value) -> String {
        match (value, self.kind) {
            (Value::Flag(true), _) => "on".to_owned(),
            (Value::Flag(false), _) => "off".to_owned(),
            (Value::Number(number), Kind::Number { zero: Zero::TurnsOff, .. }) if *number <= 0.0 => {
                "off".to_owned()
            }
            (Value::Number(number), Kind::Number { unit: Unit::Millis, .. }) => waited(*number),
            (Value::Number(number), Kind::Number { unit: Unit::Percent, .. }) => format!("{number}%"),
            (Value::Number(number), Kind::Number { unit: Unit::Bytes, .. }) => sized(*number),
            (Value::Number(number), _) => number.to_string(),
            (Value::Text(text), _) if text.is_empty() => "unset".to_owned(),
            (Value::Text(text), Kind::Word(_)) => text.replace('-', " "),
            (Value::Text(text), _) => veiled(text).into_owned(),
            (Value::List(list), _) => list.join(", "),
            (Value::Map(map), _) if map.is_empty() => "none".to_owned(),
            (Value::Map(map), _) => {
                let chains: Vec<String> =
                    map.iter().map(|(name, list)| format!("{name} = {}", list.join(", "))).collect();
                chains.join("; ")
            }
        }
    }
}

impl Value {
    /// The value for a message.
    pub fn shown(&self) -> String {
        match self {
            Self::Flag(flag) => flag.to_string(),
            Self::Number(number) => number.to_string(),
            Self::Text(text) => veiled(text).into_owned(),
            Self::List(list) => list.join(", "),
            Self::Map(map) => {
                let names: Vec<&str> = map.iter().map(|(name, _)| name.as_str()).collect();
                names.join(", ")
            }
        }
    }
}

/// A value as it may be shown: the password of an address is masked, and nothing else is changed.
pub fn veiled(text: &str) -> Cow<'_, str> {
    let Some((scheme, rest)) = text.split_once("://") else { return Cow::Borrowed(text) };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    match authority.rsplit_once('@').and_then(|(user, host)| Some((user.split_once(':')?.0, host))) {
        Some((user, host)) => Cow::Owned(format!("{scheme}://{user}:***@{host}{path}")),
        None => Cow::Borrowed(text),
    }
}

fn unquoted(text: &str) -> &str {
    text.strip_prefix('"').and_then(|inside| inside.strip_suffix('"')).unwrap_or(text)
}

fn measured(text: &str, unit: Unit) -> Option<f64> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == '%');
    // `1e3` ends in a digit, so an exponent never looks like a unit.
    let factor = match (unit, text.get(digits.len()..)?.trim()) {
        (_, "") | (Unit::Millis, "ms") | (Unit::Percent, "%") | (Unit::Bytes, "b") => 1.0,
        (Unit::Millis, "s") => 1_000.0,
        (Unit::Millis, "m" | "min") => 60_000.0,
        (Unit::Millis, "h") => 3_600_000.0,
        (Unit::Millis, "d") => 86_400_000.0,
        (Unit::Bytes, "k" | "kb" | "kib") => 1_024.0,
        (Unit::Bytes, "m" | "mb" | "mib") => 1_048_576.0,
        (Unit::Millis | Unit::Percent | Unit::Bytes | Unit::Count, _) => return None,
    };
    digits.trim().replace('_', "").parse::<f64>().ok().map(|number| number * factor).filter(|n| n.is_finite())
}

fn words(text: &str) -> Vec<String> {
    let inside = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    inside.split(',').map(|word| unquoted(word.trim()).to_owned()).filter(|word| !word.is_empty()).collect()
}

/// `a=b,c;d=e`; nothing or `{}` is the empty map.
fn chains(text: &str) -> Option<Vec<(String, Vec<String>)>> {
    let text = if text == "{}" { "" } else { text };
    text.split(';')
        .map(str::trim)
        .filter(|chain| !chain.is_empty())
        .map(|chain| {
            let (name, list) = chain.split_once('=')?;
            Some((name.trim().to_owned(), words(list)))
        })
        .collect()
}

fn is_egress(text: &str) -> bool {
    let text = text.trim();
    text.is_empty()
        || ["http://", "https://", "socks5://", "socks5h://"].iter().any(|scheme| {
            text.len() >= scheme.len()
                && text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
                && text.len() > scheme.len()
        })
}

fn waited(ms: f64) -> String {
    for (factor, name) in [(86_400_000.0, "d"), (3_600_000.0, "h"), (60_000.0, "m"), (1_000.0, "s")] {
        let whole: f64 = ms / factor;
        if whole >= 1.0 && whole.fract() == 0.0 {
            return format!("{whole}{name}");
        }
    }
    format!("{ms}ms")
}

fn sized(bytes: f64) -> String {
    for (factor, name) in [(1_048_576.0, "MiB"), (1_024.0, "KiB")] {
        let whole: f64 = bytes / factor;
        if whole >= 1.0 && whole.fract() == 0.0 {
            return format!("{whole} {name}");
        }
    }
    format!("{bytes} bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_of_an_address_is_masked_and_nothing_else() {
        for (given, shown) in [
            ("http://u:geheim@127.0.0.1:3128", "http://u:***@127.0.0.1:3128"),
            ("socks5://u:a@b:c@host:1/x?y@z", "socks5://u:***@host:1/x?y@z"),
            ("http://u@host:1", "http://u@host:1"),
            ("https://host/a:b@c", "https://host/a:b@c"),
            ("u:p@host", "u:p@host"),
            ("", ""),
        ] {
            assert_eq!(veiled(given), shown, "{given}");
        }
    }
}
