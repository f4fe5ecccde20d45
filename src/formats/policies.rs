//! `account-policies.json` (storage.md §9.3).

use crate::base::Moment;
use crate::domain::policy::account::{self, AccountPolicy, Policies};
use crate::domain::shelf::Entries;
use crate::formats::lossless::{self, Object, ParseJsonError};
use crate::formats::shelf;

/// Reads the store.
///
/// # Errors
/// When it is no JSON object of version 1.
pub fn read(text: &str) -> Result<Entries<Policies>, ParseJsonError> {
    let top = shelf::open(text)?;
    let mut found = Entries::<Policies>::default();
    let accounts = top.object("accounts");
    if top.has("accounts") && accounts.is_none() {
        return Err(ParseJsonError { detail: "has no list of accounts".to_owned() });
    }
    for (key, raw) in accounts.iter().flat_map(Object::iter) {
        if !key.starts_with("sha256:") {
            found.odd.push(format!("`{key}` is no account key: its policy is not applied"));
            continue;
        }
        let Ok(entry) = Object::parse(raw) else {
            found.odd.push(format!("the policy of `{key}` cannot be read"));
            continue;
        };
        for name in ["paused", "drained"] {
            if entry.has(name) && entry.flag(name).is_none() {
                found.odd.push(format!("`{name}` of `{key}` is neither true nor false"));
            }
        }
        found.value.0.insert(key.to_owned(), policy(&entry));
    }
    Ok(found)
}

/// The text with one account's policy set, or removed.
///
/// # Errors
/// When the old text cannot be read.
pub fn set(text: Option<&str>, key: &str, policy: Option<&AccountPolicy>) -> Result<String, ParseJsonError> {
    let mut top = shelf::open_or_new(text)?;
    shelf::change_entry(&mut top, "accounts", key, |mut entry| {
        let policy = policy?;
        entry.set("accountKey", key);
        entry.set("tags", &policy.tags);
        entry.set_raw("weight", whole(policy.weight));
        entry.set("paused", policy.paused);
        entry.set("drained", policy.drained);
        entry.set("note", &policy.note);
        entry.set("updatedAt", policy.updated_at.millis());
        Some(entry)
    });
    Ok(shelf::print(&top))
}

fn policy(entry: &Object<'_>) -> AccountPolicy {
    let tags = shelf::texts(entry, "tags");
    AccountPolicy {
        tags: account::tags(tags.iter().map(String::as_str)),
        weight: entry.number("weight").map_or(1.0, account::weight),
        paused: entry.flag("paused").unwrap_or(false),
        drained: entry.flag("drained").unwrap_or(false),
        note: entry.text("note").as_deref().and_then(account::note),
        updated_at: Moment::from_millis(entry.millis("updatedAt").unwrap_or(0)),
    }
}

/// A number as JavaScript writes it: without a fraction when it has none.
pub(super) fn whole(value: f64) -> String {
    let text = value.to_string();
    if lossless::number(&text).is_some() { text } else { "1".to_owned() }
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::*;

    #[test]
    fn a_policy_is_set_in_its_place_and_strangers_stay() {
        let old = r#"{"version":1,"extra":1.50,"accounts":{"sha256:b":{"mine":[1],"weight":3},"odd":7}}"#;
        let policy = AccountPolicy { weight: 2.5, paused: true, ..AccountPolicy::default() };

        let text = set(Some(old), "sha256:b", Some(&policy)).unwrap();
        let gone = set(Some(&text), "sha256:b", None).unwrap();

        assert!(text.contains("1.50") && text.contains("\"odd\": 7") && text.contains("\"mine\""), "{text}");
        assert_eq!(read(&text).unwrap().value.0["sha256:b"], policy);
        assert!(gone.contains("\"odd\": 7") && read(&gone).unwrap().value.is_empty(), "{gone}");
        assert!(set(Some("[]"), "sha256:b", None).is_err());
    }

    #[test]
    fn a_new_store_is_what_the_reference_writes() {
        let policy = AccountPolicy {
            tags: vec!["work".into()],
            weight: 3.0,
            note: Some("main".into()),
            updated_at: Moment::from_millis(5),
            ..AccountPolicy::default()
        };

        assert_eq!(
            set(None, "sha256:a", Some(&policy)).unwrap(),
            r#"{
  "version": 1,
  "accounts": {
    "sha256:a": {
      "accountKey": "sha256:a",
      "tags": [
        "work"
      ],
      "weight": 3,
      "paused": false,
      "drained": false,
      "note": "main",
      "updatedAt": 5
    }
  }
}
"#
        );
    }

    #[test]
    fn what_is_passed_over_is_named() {
        let text =
            r#"{"version":1,"accounts":{"plain":{"paused":true},"sha256:a":{"paused":"yes"},"sha256:b":3}}"#;

        let found = read(text).unwrap();

        assert_eq!(found.value.0.keys().collect::<Vec<_>>(), ["sha256:a"]);
        assert_eq!(found.odd.len(), 3);
        for text in ["", "[]", "{\"version\":2}", "{}", "{\"version\":1,\"accounts\":[]}"] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
