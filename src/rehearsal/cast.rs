//! The sample accounts: six people in every state an account can be in.
//!
//! They stand in `scenarios/tour.toml`; this module gives them to those who want the people without the play.

use crate::formats::scenario::{Player, Scenario, ScenarioError};
use crate::rehearsal::scenario::built_in;

/// The accounts of the tour, in pool order.
///
/// # Errors
/// When the built-in file is broken, which a test rules out.
pub fn six() -> Result<Vec<Player>, ScenarioError> {
    Ok(Scenario::parse(built_in("tour").unwrap_or_default())?.accounts)
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::*;

    #[test]
    fn every_state_is_played_by_somebody() {
        let six = six().unwrap();
        let who = |wanted: fn(&Player) -> bool| {
            six.iter().filter(|player| wanted(player)).map(|player| player.name.as_str()).collect::<Vec<_>>()
        };

        assert_eq!(who(|player| player.row.current), ["alpha"]);
        assert_eq!(who(|player| player.primary.is_some_and(|window| window.used >= 100.0)), ["bravo"]);
        assert_eq!(who(|player| !player.row.enabled), ["charlie"]);
        assert_eq!(who(|player| player.row.cooling.is_some()), ["delta"]);
        assert_eq!(who(|player| player.row.invalidated.is_some()), ["echo"]);
        assert_eq!(who(|player| player.plan == "pro"), ["foxtrot"]);
    }
}
