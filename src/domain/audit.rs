//! The user's record of who changed what: one line per mutation of pools, tokens and official files
//! (storage.md §9.12). No secret is ever in it; addresses are masked when a line is printed.

use crate::base::Moment;
use crate::domain::account::{Account, AccountKey, SwitchReason};
use crate::domain::change::Change;
use crate::domain::roster::Roster;
use crate::domain::vault::{Answer, Run, Taking};

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// When.
    pub at: Moment,
    /// What was done.
    pub action: Action,
    /// E-mail of the account concerned, unmasked here.
    pub actor: Option<String>,
    /// What it was done to: `account 1a2b3c4d`, `pool`, a path.
    pub resource: String,
    /// How it ended.
    pub ending: Ending,
    /// More, by name.
    pub more: Vec<(&'static str, String)>,
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// An account came.
    AccountAdd,
    /// An account went.
    AccountRemove,
    /// Another account was selected, pinned or unpinned.
    AccountSwitch,
    /// An account was switched on or off, or named.
    AccountChange,
    /// Tokens were renewed.
    AccountRefresh,
    /// The pool was written to a file.
    AccountExport,
    /// Another pool was taken in.
    AccountImport,
    /// A person signed in.
    AuthLogin,
    /// A sign-in was refused.
    AuthFailure,
}

impl Action {
    /// The action behind a word of the log.
    pub fn from_word(word: &str) -> Option<Self> {
        [
            Self::AccountAdd,
            Self::AccountRemove,
            Self::AccountSwitch,
            Self::AccountChange,
            Self::AccountRefresh,
            Self::AccountExport,
            Self::AccountImport,
            Self::AuthLogin,
            Self::AuthFailure,
        ]
        .into_iter()
        .find(|action| action.word() == word)
    }

    /// The word in the log.
    pub const fn word(self) -> &'static str {
        match self {
            Self::AccountAdd => "account.add",
            Self::AccountRemove => "account.remove",
            Self::AccountSwitch => "account.switch",
            Self::AccountChange => "account.change",
            Self::AccountRefresh => "account.refresh",
            Self::AccountExport => "account.export",
            Self::AccountImport => "account.import",
            Self::AuthLogin => "auth.login",
            Self::AuthFailure => "auth.failure",
        }
    }
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// As wished.
    Success,
    /// Not at all.
    Failure,
}

impl Ending {
    /// The word in the log.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
        }
    }
}

/// Whether a change is the user's or the server's decision, rather than what a proxy notes all the time.
pub fn is_noted(change: &Change) -> bool {
    !matches!(
        change,
        Change::Identified { .. }
            | Change::BecameUncertain { .. }
            | Change::Limited { .. }
            | Change::Cooled { .. }
            | Change::Recovered { .. }
            | Change::Used { .. }
            | Change::WorkspaceSwitched { .. }
            | Change::CursorMoved { .. }
            | Change::RoutingLearnt { .. }
    )
}

/// The entries of changes that were saved. What a proxy notes all the time (last use, rests, limits, cursors) is
/// no entry: nobody decided it.
pub fn of_changes(changes: &[Change], before: &Roster, after: &Roster, at: Moment) -> Vec<Record> {
    let account = |key: &AccountKey| after.get(key).or_else(|| before.get(key));
    let about = |action, key: &AccountKey, more: Vec<(&'static str, String)>| {
        Some(record(at, action, account(key), format!("account {}", key.short()), more))
    };
    let entry = |change: &Change| match change {
        Change::Added(added) => about(Action::AccountAdd, &added.key, Vec::new()),
        Change::Reinstated { account, .. } => about(Action::AccountAdd, &account.key, Vec::new()),
        Change::Removed { key } => about(Action::AccountRemove, key, Vec::new()),
        Change::Selected { key, reason, .. } => about(Action::AccountSwitch, key, why(*reason)),
        Change::SelectionRestored { active: Some(key), .. } => {
            about(Action::AccountSwitch, key, why(SwitchReason::Restore))
        }
        Change::Unpinned | Change::SelectionRestored { active: None, .. } => {
            Some(record(at, Action::AccountSwitch, None, "pool".to_owned(), vec![("pin", "none".to_owned())]))
        }
        Change::Switched { key, switch } => {
            let word = if *switch == crate::domain::account::Switch::On { "on" } else { "off" };
            about(Action::AccountChange, key, vec![("enabled", word.to_owned())])
        }
        Change::Relabelled { key, .. } => {
            about(Action::AccountChange, key, vec![("member", "label".to_owned())])
        }
        Change::Renewed { key, .. } => about(Action::AccountRefresh, key, Vec::new()),
        Change::Invalidated { key, invalidation, .. } => {
            let code = invalidation.code.clone().unwrap_or_default();
            let mut entry = about(Action::AuthFailure, key, vec![("code", code)])?;
            entry.ending = Ending::Failure;
            Some(entry)
        }
        Change::Cleared { .. } => {
            let count = before.accounts.len().to_string();
            Some(record(at, Action::AccountRemove, None, "pool".to_owned(), vec![("accounts", count)]))
        }
        Change::SignedIn(sign_in) => {
            let mut entry = record(at, Action::AuthLogin, None, "pool".to_owned(), Vec::new());
            entry.actor.clone_from(&sign_in.credentials.claims.email);
            Some(entry)
        }
        Change::Identified { .. }
        | Change::BecameUncertain { .. }
        | Change::Limited { .. }
        | Change::Cooled { .. }
        | Change::Recovered { .. }
        | Change::Used { .. }
        | Change::WorkspaceSwitched { .. }
        | Change::CursorMoved { .. }
        | Change::RoutingLearnt { .. } => None,
    };
    changes.iter().filter_map(entry).collect()
}

/// The entry of an act of the vault; `None` for one that only looked.
pub fn of_answer(answer: &Answer, at: Moment) -> Option<Record> {
    if matches!(answer, Answer::Imported(imported) if imported.run == Run::Dry) {
        return None;
    }
    let pool = |action, more| Some(record(at, action, None, "pool".to_owned(), more));
    match answer {
        Answer::Created(backup) => {
            let more = vec![("accounts", backup.accounts.to_string())];
            Some(record(at, Action::AccountExport, None, backup.path.display().to_string(), more))
        }
        Answer::Exported(path, accounts) => {
            let more = vec![("accounts", accounts.to_string())];
            Some(record(at, Action::AccountExport, None, path.display().to_string(), more))
        }
        Answer::Deleted(backup) => {
            Some(record(at, Action::AccountRemove, None, backup.path.display().to_string(), Vec::new()))
        }
        Answer::Restored(restored) => pool(
            Action::AccountImport,
            vec![("restored", restored.from.name.clone()), ("replaced", restored.replaced.to_string())],
        ),
        Answer::Imported(imported) if imported.rows.iter().any(|row| row.action != Taking::Skipped) => pool(
            Action::AccountImport,
            vec![("imported", imported.added.to_string()), ("skipped", imported.skipped.to_string())],
        ),
        Answer::Found(found) if found.0.run == Run::Real && !found.0.chosen.is_empty() => {
            pool(Action::AccountImport, vec![("imported", found.0.imported.to_string())])
        }
        Answer::Removed(removed) => {
            let resource = format!("account {}", removed.kept.key.short());
            Some(record(at, Action::AccountRemove, None, resource, Vec::new()))
        }
        Answer::Cleared(cleared) => {
            pool(Action::AccountRemove, vec![("accounts", cleared.accounts.to_string())])
        }
        Answer::Pool(_) => pool(Action::AccountAdd, vec![("brought", "back".to_owned())]),
        Answer::MovedToFlagged(moved) => {
            pool(Action::AccountRemove, vec![("flagged", moved.0.len().to_string())])
        }
        Answer::Synced(synced) if synced.changed => {
            let more = vec![("accounts", (synced.count("add") + synced.count("update")).to_string())];
            Some(record(at, Action::AccountExport, None, "companion pool".to_owned(), more))
        }
        Answer::Listed(_)
        | Answer::Compared(_)
        | Answer::Imported(_)
        | Answer::Found(_)
        | Answer::Flagged(_)
        | Answer::Synced(_) => None,
    }
}

fn why(reason: SwitchReason) -> Vec<(&'static str, String)> {
    vec![("reason", reason.word().to_owned())]
}

fn record(
    at: Moment,
    action: Action,
    account: Option<&Account>,
    resource: String,
    more: Vec<(&'static str, String)>,
) -> Record {
    let actor = account.and_then(|account| account.email.clone());
    Record { at, action, actor, resource, ending: Ending::Success, more }
}
