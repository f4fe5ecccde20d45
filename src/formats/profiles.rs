//! `routing-profiles.json` (storage.md §9.4).

use std::collections::BTreeMap;

use crate::base::Moment;
use crate::domain::policy::account;
use crate::domain::policy::profile::{self, Profile};
use crate::domain::shelf::Entries;
use crate::formats::lossless::{self, Object, ParseJsonError};
use crate::formats::policies::whole;
use crate::formats::shelf;

/// Profiles by project key.
pub type Profiles = BTreeMap<String, Profile>;

/// Reads the store.
///
/// # Errors
/// When it is no JSON object of version 1.
pub fn read(text: &str) -> Result<Entries<Profiles>, ParseJsonError> {
    let top = shelf::open(text)?;
    let mut found = Entries::<Profiles>::default();
    let profiles = top.object("profiles");
    if top.has("profiles") && profiles.is_none() {
        return Err(ParseJsonError { detail: "has no list of profiles".to_owned() });
    }
    for (key, raw) in profiles.iter().flat_map(Object::iter) {
        match Object::parse(raw) {
            Ok(entry) => {
                found.value.insert(key.to_owned(), read_profile(key, &entry));
            }
            Err(_) => found.odd.push(format!("the profile of `{key}` cannot be read")),
        }
    }
    Ok(found)
}

/// The text with one project's profile set, or removed.
///
/// # Errors
/// When the old text cannot be read.
pub fn set(text: Option<&str>, key: &str, profile: Option<&Profile>) -> Result<String, ParseJsonError> {
    let mut top = shelf::open_or_new(text)?;
    shelf::change_entry(&mut top, "profiles", key, |mut entry| {
        let profile = profile?;
        entry.set("projectKey", &profile.project_key);
        entry.set("projectName", &profile.project_name);
        entry.set("identityRoot", &profile.identity_root);
        entry.set("preferredTags", &profile.preferred_tags);
        entry.set("avoidTags", &profile.avoid_tags);
        entry.set("modelAllowlist", &profile.models_allowed);
        entry.set("modelDenylist", &profile.models_denied);
        let mut weights = Object::default();
        for (key, weight) in &profile.weights {
            weights.set_raw(key, whole(*weight));
        }
        entry.set_object("accountWeightByKey", &weights);
        entry.set("budgetKey", &profile.budget_key);
        entry.set("updatedAt", profile.updated_at.millis());
        Some(entry)
    });
    Ok(shelf::print(&top))
}

fn read_profile(key: &str, entry: &Object<'_>) -> Profile {
    let tags = |name| account::tags(shelf::texts(entry, name).iter().map(String::as_str));
    let models = |name| profile::models(shelf::texts(entry, name).iter().map(String::as_str));
    let weights = entry.object("accountWeightByKey").unwrap_or_default();
    let weight = |(key, raw): (&str, &str)| {
        let weight = lossless::number(raw).map(account::weight)?;
        key.starts_with("sha256:").then(|| (key.to_owned(), weight))
    };
    Profile {
        project_key: key.to_owned(),
        project_name: profile::name(entry.text("projectName").as_deref()),
        identity_root: entry.text("identityRoot").unwrap_or_default(),
        preferred_tags: tags("preferredTags"),
        avoid_tags: tags("avoidTags"),
        models_allowed: models("modelAllowlist"),
        models_denied: models("modelDenylist"),
        weights: weights.iter().filter_map(weight).collect(),
        budget_key: profile::budget_key(entry.text("budgetKey").as_deref()),
        updated_at: Moment::from_millis(entry.millis("updatedAt").unwrap_or(0)),
    }
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::*;

    #[test]
    fn a_profile_survives_a_round_trip_and_strangers_stay() {
        let profile = Profile {
            project_key: "app-1".into(),
            project_name: "app".into(),
            identity_root: "/src/app".into(),
            preferred_tags: vec!["work".into()],
            avoid_tags: Vec::new(),
            models_allowed: Vec::new(),
            models_denied: vec!["gpt-5.4".into()],
            weights: [("sha256:a".to_owned(), 2.5)].into(),
            budget_key: Some("team:daily".into()),
            updated_at: Moment::from_millis(5),
        };
        let old = r#"{"version":1,"later":true,"profiles":{"app-1":{"mine":1},"other":{}}}"#;

        let text = set(Some(old), "app-1", Some(&profile)).unwrap();

        assert_eq!(read(&text).unwrap().value["app-1"], profile);
        assert!(
            text.contains("\"later\"") && text.contains("\"mine\"") && text.contains("\"other\""),
            "{text}"
        );
        assert_eq!(read(&set(Some(&text), "app-1", None).unwrap()).unwrap().value.len(), 1);
    }

    #[test]
    fn a_store_of_another_shape_is_damaged() {
        for text in ["[]", "{\"version\":1,\"profiles\":3}", "{"] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
