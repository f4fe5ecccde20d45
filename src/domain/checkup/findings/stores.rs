//! Settings and the small stores. A damaged one that limits something is an error: what it limits would be lifted.

use crate::domain::checkup::Finding;
use crate::domain::checkup::facts::{Facts, SettingsState};
use crate::domain::checkup::findings::{count, counted, some};
use crate::domain::shelf::{State, Store};

pub(super) fn findings(facts: &Facts, all: &mut Vec<Finding>) {
    let stores = &facts.stores;
    all.push(match stores.settings_state {
        SettingsState::Unreadable => Finding::error("settings", "Settings cannot be read: defaults count")
            .details(stores.settings.join("; "))
            .hint(
                "Mend the file or put settings.json.bak in its place; the damaged one is kept before a write",
            ),
        SettingsState::Readable if stores.settings.is_empty() => {
            Finding::ok("settings", "Settings can be read")
        }
        SettingsState::Readable => Finding::warn("settings", "Something is odd about the settings")
            .details(stores.settings.join("; ")),
    });
    if !stores.faults.is_empty() {
        all.push(
            Finding::warn(
                "setting-values",
                format!("{} not used as they stand", count(stores.faults.len(), "value")),
            )
            .details(stores.faults.join("; ")),
        );
    }
    for (store, state) in &stores.shelf {
        if let Some(finding) = of_store(*store, state) {
            all.push(finding);
        }
    }
}

fn of_store(store: Store, state: &Result<State, String>) -> Option<Finding> {
    let (key, title, file) = (key(store), store.title(), store.file());
    let severe = |message: String| {
        if store.is_binding() { Finding::error(key, message) } else { Finding::warn(key, message) }
    };
    Some(match state {
        Err(why) => severe(format!("The {title} cannot be read: {why}")),
        Ok(State::Damaged { detail }) => {
            let finding = severe(format!("The {title} are damaged: {file} {detail}"));
            if store.is_binding() {
                finding.hint("What it said does not count until it is mended; the next change keeps a copy in quarantine")
            } else {
                finding.hint("It is begun anew with the next write; a copy is kept in quarantine")
            }
        }
        Ok(State::Whole { odd }) if !odd.is_empty() => Finding::warn(
            key,
            format!("{} of the {title} do not count", counted(odd.len(), "entry", "entries")),
        )
        .details(some(odd)),
        Ok(State::Whole { .. }) => Finding::ok(key, format!("The {title} can be read")),
        Ok(State::Absent) => return None,
    })
}

const fn key(store: Store) -> &'static str {
    match store {
        Store::Policies => "account-policies",
        Store::Profiles => "routing-profiles",
        Store::Budgets => "budget-guards",
        Store::ClientTokens => "local-client-tokens",
        Store::Quota => "quota-cache",
        Store::Observability => "runtime-observability",
        Store::FirstRun => "first-run-setup",
        Store::UpdateCheck => "update-check",
    }
}
