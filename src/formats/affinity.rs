//! `<root>/runtime-affinity.json`: which account serves which session, so that a later process keeps the ownership
//! of threads (runtime.md DB-41), and the goals of threads the back end keeps none for (§21). Session keys are hashes; the file names no client.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::base::Moment;
use crate::domain::account::AccountKey;
use crate::domain::selection::SessionKey;
use crate::domain::selection::affinity::{Bond, Moved};

#[derive(Serialize, Deserialize)]
struct Document {
    version: u32,
    sessions: BTreeMap<String, Row>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    goals: Vec<Goal>,
}

#[derive(Serialize, Deserialize)]
struct Goal {
    session: String,
    goal: Option<String>,
}

/// What a proxy remembers of threads.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Memory {
    /// Which account serves which session.
    pub bonds: BTreeMap<SessionKey, Bond>,
    /// Goals the client set, newest last.
    pub goals: Vec<(SessionKey, Option<String>)>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    record_id: String,
    updated_at: i64,
    #[serde(default)]
    turns: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    turn_state_owner: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    compaction_owner: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    stripped_up_to: BTreeMap<String, String>,
    #[serde(default)]
    moved: bool,
    #[serde(default)]
    since: i64,
    #[serde(default)]
    cached_tokens: u64,
    #[serde(default)]
    reasoned: bool,
}

/// The file's text.
pub fn print<'a>(
    bonds: impl Iterator<Item = (&'a SessionKey, &'a Bond)>,
    goals: &[(SessionKey, Option<String>)],
) -> String {
    let text = |key: &AccountKey| key.as_str().to_owned();
    let sessions = bonds
        .map(|(session, bond)| {
            let row = Row {
                record_id: text(&bond.owner),
                updated_at: bond.at.millis(),
                turns: bond.turns,
                turn_state_owner: bond.turn_state.as_ref().map(text),
                compaction_owner: bond.compaction.as_ref().map(text),
                stripped_up_to: bond.stripped.iter().map(|(key, item)| (text(key), item.clone())).collect(),
                moved: bond.moved == Moved::Once,
                since: bond.since.millis(),
                cached_tokens: bond.cached,
                reasoned: bond.reasoned,
            };
            (session.as_str().to_owned(), row)
        })
        .collect();
    let goals = goals
        .iter()
        .map(|(session, goal)| Goal { session: session.as_str().to_owned(), goal: goal.clone() })
        .collect();
    serde_json::to_string(&Document { version: 1, sessions, goals }).unwrap_or_default()
}

/// Reads the file; anything unreadable is an empty memory.
pub fn parse(text: &str) -> Memory {
    let Ok(document) = serde_json::from_str::<Document>(text) else { return Memory::default() };
    if document.version != 1 {
        return Memory::default();
    }
    let goals =
        document.goals.into_iter().map(|row| (SessionKey::from_hash(row.session), row.goal)).collect();
    let bonds = document
        .sessions
        .into_iter()
        .map(|(session, row)| {
            let bond = Bond {
                owner: AccountKey::new(row.record_id),
                at: Moment::from_millis(row.updated_at),
                turns: row.turns,
                turn_state: row.turn_state_owner.map(AccountKey::new),
                compaction: row.compaction_owner.map(AccountKey::new),
                stripped: row
                    .stripped_up_to
                    .into_iter()
                    .map(|(key, item)| (AccountKey::new(key), item))
                    .collect(),
                moved: if row.moved { Moved::Once } else { Moved::Never },
                since: Moment::from_millis(row.since),
                cached: row.cached_tokens,
                // A file of an earlier version does not say; a session that spoke then had thought, too.
                reasoned: row.reasoned || (row.since == 0 && row.turns > 0),
            };
            (SessionKey::from_hash(session), bond)
        })
        .collect();
    Memory { bonds, goals }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bonds_and_goals_survive_the_file() {
        let bond = Bond {
            owner: AccountKey::new("a"),
            at: Moment::from_millis(9),
            turns: 3,
            turn_state: Some(AccountKey::new("b")),
            compaction: None,
            stripped: BTreeMap::from([(AccountKey::new("a"), "rs_1".to_owned())]),
            moved: Moved::Once,
            since: Moment::from_millis(4),
            cached: 12_000,
            reasoned: true,
        };
        let bonds = BTreeMap::from([(SessionKey::of("s"), bond)]);

        let goals = vec![(SessionKey::of("t"), Some("ship it".to_owned())), (SessionKey::of("s"), None)];

        assert_eq!(parse(&print(bonds.iter(), &goals)), Memory { bonds: bonds.clone(), goals });
        assert!(!print(bonds.iter(), &[]).contains("goals"));
        assert_eq!(parse("{"), Memory::default());
        assert_eq!(parse("{\"version\":2,\"sessions\":{}}"), Memory::default());
    }
}
