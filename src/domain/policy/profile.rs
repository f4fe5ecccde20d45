//! How the requests of one project are routed (storage.md §9.4).

use std::collections::BTreeMap;

use crate::base::Moment;

/// Longest project name and budget key.
const NAME: usize = 80;

/// The rules of one project.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    /// The project's key.
    pub project_key: String,
    /// Its name for people.
    pub project_name: String,
    /// Its directory.
    pub identity_root: String,
    /// Accounts with one of these come first.
    pub preferred_tags: Vec<String>,
    /// Accounts with one of these come last.
    pub avoid_tags: Vec<String>,
    /// Only these models; empty = all.
    pub models_allowed: Vec<String>,
    /// Never these models.
    pub models_denied: Vec<String>,
    /// Weights by policy key, 0 … 10.
    pub weights: BTreeMap<String, f64>,
    /// The budget that counts.
    pub budget_key: Option<String>,
    /// When it was set.
    pub updated_at: Moment,
}

/// A project's name as it is kept.
pub fn name(text: Option<&str>) -> String {
    shortened(text).unwrap_or_else(|| "project".to_owned())
}

/// A budget key as a profile keeps it.
pub fn budget_key(text: Option<&str>) -> Option<String> {
    shortened(text)
}

/// Model names as they are kept: trimmed, lower-cased, sorted, each once.
pub fn models<'a>(texts: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut all: Vec<String> =
        texts.into_iter().map(|text| text.trim().to_lowercase()).filter(|text| !text.is_empty()).collect();
    all.sort();
    all.dedup();
    all
}

fn shortened(text: Option<&str>) -> Option<String> {
    let text = text.map(str::trim).filter(|text| !text.is_empty())?;
    Some(text.chars().take(NAME).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_a_default_and_a_length() {
        assert_eq!(name(None), "project");
        assert_eq!(name(Some(" my-app ")), "my-app");
        assert_eq!(name(Some(&"é".repeat(90))).chars().count(), 80);
        assert_eq!(budget_key(Some(" ")), None);
    }

    #[test]
    fn models_are_sorted_and_kept_once() {
        assert_eq!(models(["GPT-5.4", " a ", "gpt-5.4", ""]), ["a", "gpt-5.4"]);
    }
}
