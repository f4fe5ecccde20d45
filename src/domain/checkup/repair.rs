//! What `doctor --fix` can do: each a change that is shown before it is made, and that nothing else needs.

use std::path::PathBuf;

use crate::domain::account::AccountKey;

/// An account with the name people know it by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patient {
    /// Record id.
    pub key: AccountKey,
    /// As lists show it.
    pub name: String,
}

/// Who an account is, by its own tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Whose.
    pub who: Patient,
    /// The e-mail to fill in.
    pub email: Option<String>,
    /// The workspace id to fill in.
    pub account_id: Option<String>,
}

/// One repair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Repair {
    /// Puts a good copy in the place of a pool nobody can read; the damaged file is kept in quarantine.
    Restore {
        /// The copy.
        from: PathBuf,
        /// Accounts in it.
        accounts: usize,
    },
    /// Takes the rights of other users off files and folders of ours.
    Tighten(Vec<PathBuf>),
    /// Removes what crashed programs left behind.
    Sweep(Vec<PathBuf>),
    /// Ends helpers of the original package that run for nobody.
    StopHelpers(Vec<u32>),
    /// Takes its bind out of the official configuration.
    Unbind {
        /// The configuration.
        path: PathBuf,
    },
    /// Removes what it left; sessions in it come to where they belong first.
    Retire {
        /// Files and folders.
        paths: Vec<PathBuf>,
        /// Sessions that are moved.
        sessions: usize,
    },
    /// Sets the official CLI's credential store to `file`.
    CredentialStore {
        /// Its configuration.
        path: PathBuf,
        /// The value now, as it is written there.
        from: Option<String>,
    },
    /// Puts positions in the pool file right that point past its end.
    ActiveIndex,
    /// Switches accounts off that hold the tokens of another one.
    SwitchOff(Vec<Patient>),
    /// Fills in e-mails from the tokens.
    Emails(Vec<Identity>),
    /// Fills in workspace ids from the tokens.
    Ids(Vec<Identity>),
    /// Switches the selected account on.
    SwitchOn(Patient),
    /// Brings the selected account's tokens up to date.
    Refresh(Patient),
    /// Writes the selected account into the official CLI's files.
    Mirror(Patient),
}

impl Repair {
    /// The action's word in JSON.
    pub const fn key(&self) -> &'static str {
        match self {
            Self::Restore { .. } => "restore",
            Self::Tighten(_) => "permissions",
            Self::Sweep(_) => "stale-files",
            Self::StopHelpers(_) => "reference-proxy",
            Self::Unbind { .. } => "reference-bind",
            Self::Retire { .. } => "reference-leftovers",
            Self::CredentialStore { .. } => "codex-auth-store",
            Self::ActiveIndex => "active-index",
            Self::SwitchOff(_) => "duplicate-refresh-token",
            Self::Emails(_) => "email-from-token",
            Self::Ids(_) => "account-id-from-token",
            Self::SwitchOn(_) => "enabled-accounts",
            Self::Refresh(_) => "doctor-refresh",
            Self::Mirror(_) => "codex-active-sync",
        }
    }

    /// Earlier ones make later ones possible: files, then accounts, then what is written from them.
    pub(super) const fn rank(&self) -> u8 {
        match self {
            Self::Restore { .. } => 0,
            Self::Tighten(_) => 1,
            Self::Sweep(_) => 2,
            Self::StopHelpers(_) => 3,
            Self::Unbind { .. } => 4,
            Self::Retire { .. } => 5,
            Self::CredentialStore { .. } => 6,
            Self::ActiveIndex => 7,
            Self::SwitchOff(_) => 8,
            Self::Emails(_) => 9,
            Self::Ids(_) => 10,
            Self::SwitchOn(_) => 11,
            Self::Refresh(_) => 12,
            Self::Mirror(_) => 13,
        }
    }

    /// What it does, for people, before it is done.
    pub fn preview(&self) -> String {
        match self {
            Self::Restore { from, accounts } => format!(
                "restore the pool from {} ({}); the damaged file goes into quarantine",
                from.display(),
                count(*accounts, "account")
            ),
            Self::Tighten(paths) => format!("make private: {}", list(paths.iter().map(|p| p.display()))),
            Self::Sweep(paths) => {
                format!("remove what crashed programs left: {}", list(paths.iter().map(|p| p.display())))
            }
            Self::StopHelpers(pids) => {
                format!("end helpers of the original package: {}", list(pids.iter()))
            }
            Self::Unbind { path } => {
                format!("take the original package's proxy out of {}", path.display())
            }
            Self::Retire { paths, sessions } => {
                let what = list(paths.iter().map(|path| path.display()));
                match sessions {
                    0 => format!("remove what the original package left: {what}"),
                    sessions => format!(
                        "move {} of the original package into the official folder, then remove what it left: {what}",
                        count(*sessions, "session")
                    ),
                }
            }
            Self::CredentialStore { path, from } => format!(
                "set `cli_auth_credentials_store = \"file\"` in {} instead of {}",
                path.display(),
                from.as_deref().unwrap_or("the default")
            ),
            Self::ActiveIndex => "put selected positions right that point past the last account".to_owned(),
            Self::SwitchOff(who) => format!("switch off duplicates: {}", list(who.iter().map(|p| &p.name))),
            Self::Emails(who) => format!("fill in e-mails: {}", list(who.iter().map(|one| &one.who.name))),
            Self::Ids(who) => format!("fill in workspace ids: {}", list(who.iter().map(|one| &one.who.name))),
            Self::SwitchOn(who) => format!("switch on {}", who.name),
            Self::Refresh(who) => format!("renew the tokens of {}", who.name),
            Self::Mirror(who) => format!("write {} into the official CLI's auth.json", who.name),
        }
    }
}

/// What became of a repair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Carried {
    /// Which.
    pub repair: Repair,
    /// What it left, or why it could not be done.
    pub result: Result<Mended, String>,
}

/// What a repair left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mended {
    /// It is done.
    Done,
    /// There was nothing to do any more.
    Nothing,
    /// It will be done later, or must not be done; why.
    Later(String),
}

fn list(items: impl Iterator<Item = impl ToString>) -> String {
    /// More than these are a number.
    const SHOWN: usize = 4;
    let all: Vec<String> = items.map(|item| item.to_string()).collect();
    let more = all.len().saturating_sub(SHOWN);
    let text = all.into_iter().take(SHOWN).collect::<Vec<_>>().join(", ");
    if more > 0 { format!("{text} and {more} more") } else { text }
}

fn count(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}
