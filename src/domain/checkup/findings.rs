//! The findings, in the order in which they are shown: the pool, the official CLI, the accounts, then everything
//! around them.

mod accounts;
mod machine;
mod official;
mod reference;
mod storage;
mod stores;

use crate::domain::checkup::Finding;
use crate::domain::checkup::facts::Facts;

/// Judges what one look saw.
pub fn findings(facts: &Facts) -> Vec<Finding> {
    let mut all = Vec::new();
    storage::pool(facts, &mut all);
    official::findings(facts, &mut all);
    accounts::findings(facts, &mut all);
    storage::around(facts, &mut all);
    stores::findings(facts, &mut all);
    reference::findings(facts, &mut all);
    machine::findings(facts, &mut all);
    all
}

/// `1 account`, `3 accounts`.
fn count(number: usize, what: &str) -> String {
    counted(number, what, &format!("{what}s"))
}

/// `1 entry`, `3 entries`.
fn counted(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// Names, the first few of them.
fn some<T: ToString>(items: impl IntoIterator<Item = T>) -> String {
    /// More than these are a number.
    const SHOWN: usize = 5;
    let all: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
    let more = all.len().saturating_sub(SHOWN);
    let text = all.into_iter().take(SHOWN).collect::<Vec<_>>().join(", ");
    if more > 0 { format!("{text} and {more} more") } else { text }
}

#[cfg(test)]
mod tests;
