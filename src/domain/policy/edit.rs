//! Changes of budgets and routing profiles, as they are typed and as they are applied to what stands on disk.

use crate::base::Moment;
use crate::domain::policy::account;
use crate::domain::policy::budget::Limit;
use crate::domain::policy::profile::{self, Profile};

/// One change of the user's rules.
#[derive(Debug, Clone, PartialEq)]
pub enum RuleEdit {
    /// This budget in place of the one of the same key.
    Limit(Limit),
    /// No such budget.
    NoLimit(String),
    /// Other members of a project's profile.
    Profile(Project, ProfileEdit),
    /// No profile for the project of this key.
    NoProfile(String),
}

/// A project as a profile names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// Its key.
    pub key: String,
    /// Its name for people.
    pub name: String,
    /// Its directory, where it is known.
    pub root: Option<String>,
}

/// Members of a profile that change; an empty one is cleared.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ProfileEdit {
    /// Accounts with one of these tags come first.
    pub prefer: Option<Vec<String>>,
    /// Accounts with one of these tags come last.
    pub avoid: Option<Vec<String>>,
    /// Only these models.
    pub allow: Option<Vec<String>>,
    /// Never these models.
    pub deny: Option<Vec<String>>,
    /// Weights by policy key; `None` takes one away.
    pub weights: Vec<(String, Option<f64>)>,
    /// The budget that counts; an empty word takes it away.
    pub budget: Option<String>,
}

impl ProfileEdit {
    /// Whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The profile with these members.
    #[must_use]
    pub fn apply(&self, before: Option<&Profile>, project: &Project, at: Moment) -> Profile {
        let fresh = || Profile {
            project_key: project.key.clone(),
            project_name: profile::name(Some(&project.name)),
            identity_root: project.root.clone().unwrap_or_default(),
            preferred_tags: Vec::new(),
            avoid_tags: Vec::new(),
            models_allowed: Vec::new(),
            models_denied: Vec::new(),
            weights: std::collections::BTreeMap::new(),
            budget_key: None,
            updated_at: Moment::EPOCH,
        };
        let old = before.cloned();
        let mut new = before.cloned().unwrap_or_else(fresh);
        let tags = |texts: &Vec<String>| account::tags(texts.iter().map(String::as_str));
        let models = |texts: &Vec<String>| profile::models(texts.iter().map(String::as_str));
        if let Some(prefer) = &self.prefer {
            new.preferred_tags = tags(prefer);
        }
        if let Some(avoid) = &self.avoid {
            new.avoid_tags = tags(avoid);
        }
        if let Some(allow) = &self.allow {
            new.models_allowed = models(allow);
        }
        if let Some(deny) = &self.deny {
            new.models_denied = models(deny);
        }
        for (key, weight) in &self.weights {
            match weight {
                Some(weight) => {
                    new.weights.insert(key.clone(), account::weight(*weight));
                }
                None => {
                    new.weights.remove(key);
                }
            }
        }
        if let Some(key) = &self.budget {
            new.budget_key = profile::budget_key(Some(key));
        }
        if old.as_ref() != Some(&new) {
            new.updated_at = at;
        }
        new
    }
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::*;

    #[test]
    fn only_what_is_named_changes_and_an_empty_value_clears() {
        let project = Project { key: "shop-1".to_owned(), name: "shop".to_owned(), root: None };
        let list = |text: &str| Some(text.split(',').map(str::to_owned).collect::<Vec<_>>());
        let first = ProfileEdit {
            prefer: list("Work, work,home"),
            deny: list("O3"),
            weights: vec![("sha256:a".to_owned(), Some(99.0))],
            budget: Some("team".to_owned()),
            ..ProfileEdit::default()
        };
        let made = first.apply(None, &project, Moment::from_secs(1));
        assert_eq!(made.preferred_tags, ["home", "work"]);
        assert_eq!(
            (made.models_denied.as_slice(), made.weights["sha256:a"]),
            (["o3".to_owned()].as_slice(), 10.0)
        );

        let second = ProfileEdit {
            prefer: list(""),
            weights: vec![("sha256:a".to_owned(), None)],
            ..ProfileEdit::default()
        };
        let later = second.apply(Some(&made), &project, Moment::from_secs(2));
        let expected = Profile {
            preferred_tags: Vec::new(),
            weights: std::collections::BTreeMap::new(),
            updated_at: Moment::from_secs(2),
            ..made.clone()
        };
        assert_eq!(later, expected);
        assert_eq!(
            first.apply(Some(&made), &project, Moment::from_secs(9)),
            made,
            "nothing new keeps its moment"
        );
    }
}
