//! `budget-guards.json` (storage.md §9.5).

use std::collections::BTreeMap;

use crate::base::Moment;
use crate::domain::policy::budget::{self, Limit, Window};
use crate::domain::shelf::Entries;
use crate::formats::lossless::{self, Object, ParseJsonError};
use crate::formats::shelf;

/// Budgets by key.
pub type Budgets = BTreeMap<String, Limit>;

/// Reads the store. A limit that makes no sense is named, because without it more may be used than was meant.
///
/// # Errors
/// When it is no JSON object of version 1.
pub fn read(text: &str) -> Result<Entries<Budgets>, ParseJsonError> {
    let top = shelf::open(text)?;
    let mut found = Entries::<Budgets>::default();
    let limits = top.object("limits");
    if top.has("limits") && limits.is_none() {
        return Err(ParseJsonError { detail: "has no list of limits".to_owned() });
    }
    for (name, raw) in limits.iter().flat_map(Object::iter) {
        let entry = Object::parse(raw).unwrap_or_default();
        let window = entry.text("window").as_deref().and_then(Window::from_word);
        let (Some(key), Some(window)) = (budget::key(name), window) else {
            found.odd.push(format!("the budget `{name}` has no window and is not applied"));
            continue;
        };
        let limit = Limit {
            requests: entry.number("maxRequests").filter(|limit| *limit > 0.0).and_then(up),
            tokens: entry.number("maxTokens").filter(|limit| *limit > 0.0).and_then(up),
            cost: entry.number("maxCostUsd").filter(|limit| *limit > 0.0),
            updated_at: Moment::from_millis(entry.millis("updatedAt").unwrap_or(0)),
            key: key.clone(),
            window,
        };
        for (member, is_read) in [
            ("maxRequests", limit.requests.is_some()),
            ("maxTokens", limit.tokens.is_some()),
            ("maxCostUsd", limit.cost.is_some()),
        ] {
            if entry.raw(member).is_some_and(|raw| raw != "null") && !is_read {
                found.odd.push(format!("`{member}` of the budget `{name}` is no positive number"));
            }
        }
        found.value.insert(key, limit);
    }
    Ok(found)
}

/// The text with one budget set, or removed.
///
/// # Errors
/// When the old text cannot be read.
pub fn set(text: Option<&str>, key: &str, limit: Option<&Limit>) -> Result<String, ParseJsonError> {
    let mut top = shelf::open_or_new(text)?;
    // The same budget under a spelling of before would count beside the new one.
    let same: Vec<String> = top
        .object("limits")
        .iter()
        .flat_map(Object::iter)
        .filter(|(name, _)| *name != key && budget::key(name).as_deref() == Some(key))
        .map(|(name, _)| name.to_owned())
        .collect();
    for name in same {
        shelf::change_entry(&mut top, "limits", &name, |_| None);
    }
    shelf::change_entry(&mut top, "limits", key, |mut entry| {
        let limit = limit?;
        entry.set("key", key);
        entry.set("window", limit.window.word());
        let mut put = |name: &str, value: Option<String>| match value {
            Some(value) => entry.set_raw(name, value),
            None => entry.remove(name),
        };
        put("maxRequests", limit.requests.map(|value| value.to_string()));
        put("maxTokens", limit.tokens.map(|value| value.to_string()));
        put("maxCostUsd", limit.cost.map(|value| value.to_string()));
        entry.set("updatedAt", limit.updated_at.millis());
        Some(entry)
    });
    Ok(shelf::print(&top))
}

/// The whole number that reaches a limit exactly when the limit itself does.
fn up(limit: f64) -> Option<u64> {
    lossless::count(&format!("{:.0}", limit.ceil()))
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::*;

    #[test]
    fn a_budget_survives_a_round_trip_and_replaces_other_spellings() {
        let limit = Limit {
            key: "team-daily-".into(),
            window: Window::Month,
            requests: None,
            tokens: Some(1_000),
            cost: Some(12.5),
            updated_at: Moment::from_millis(5),
        };
        let old = r#"{"version":1,"mine":1,"limits":{"Team Daily!":{"window":"day","maxRequests":5},"team-daily-":{"x":1,"maxRequests":9}}}"#;

        let text = set(Some(old), "team-daily-", Some(&limit)).unwrap();

        assert_eq!(read(&text).unwrap().value.into_values().collect::<Vec<_>>(), [limit]);
        assert!(
            text.contains("\"x\": 1") && text.contains("\"mine\"") && !text.contains("maxRequests"),
            "{text}"
        );
        assert!(read(&set(Some(&text), "team-daily-", None).unwrap()).unwrap().value.is_empty());
    }

    #[test]
    fn a_limit_that_makes_no_sense_is_named() {
        let text = r#"{"version":1,"limits":{"a":{"window":"day","maxRequests":-1,"maxTokens":"9","maxCostUsd":null},"b":{"window":"year"},"c":{"window":"hour","maxRequests":0.5}}}"#;

        let found = read(text).unwrap();

        assert_eq!(found.odd.len(), 3, "{:?}", found.odd);
        assert!(!found.value["a"].is_binding());
        assert_eq!(found.value["c"].requests, Some(1));
    }
}
