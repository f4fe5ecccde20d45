//! The built-in rehearsals, and finding a scenario by name or file.

use std::io;
use std::path::Path;

pub use crate::formats::scenario::{
    Action, Bench, Endpoint, Listed, Player, Quota, Row, Rule, Scenario, ScenarioError, Script, Traffic,
};

/// The built-in rehearsals (D35), the default first.
pub const BUILT_IN: [(&str, &str); 4] = [
    ("tour", include_str!("scenarios/tour.toml")),
    ("exhausted", include_str!("scenarios/exhausted.toml")),
    ("storm", include_str!("scenarios/storm.toml")),
    ("first-run", include_str!("scenarios/first-run.toml")),
];

/// Why a scenario cannot be played.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// Neither a built-in name nor a file.
    #[error("no rehearsal is called `{0}`, and no such file exists")]
    Unknown(String),
    /// The file cannot be read.
    #[error("`{path}` cannot be read")]
    Unreadable {
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file says something that means nothing.
    #[error("`{name}` is no scenario")]
    Invalid {
        /// The name or file.
        name: String,
        /// Why.
        #[source]
        source: ScenarioError,
    },
}

/// A built-in rehearsal by its name.
pub fn built_in(name: &str) -> Option<&'static str> {
    BUILT_IN.iter().find(|(it, _)| *it == name).map(|(_, text)| *text)
}

/// Finds a scenario by its built-in name, else as a file.
///
/// # Errors
/// When there is none, or it cannot be read.
pub fn find(name: &str) -> Result<Scenario, FindError> {
    let text = match built_in(name) {
        Some(text) => text.to_owned(),
        None if Path::new(name).exists() => std::fs::read_to_string(name)
            .map_err(|source| FindError::Unreadable { path: name.to_owned(), source })?,
        None => return Err(FindError::Unknown(name.to_owned())),
    };
    Scenario::parse(&text).map_err(|source| FindError::Invalid { name: name.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_rehearsal_can_be_read() {
        for (name, _) in BUILT_IN {
            assert!(find(name).is_ok(), "{name}: {:?}", find(name));
        }
    }

    #[test]
    fn an_unknown_name_is_said_to_be_unknown() {
        assert!(matches!(find("nothing-of-the-kind"), Err(FindError::Unknown(_))));
    }
}
