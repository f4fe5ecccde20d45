//! One account, opened.

use crate::app::screens::monitor::short_name;
use crate::app::world::World;
use crate::base::Moment;
use crate::base::text::clean;
use crate::domain::account::{Account, AccountKey};
use crate::domain::audit::{Action, Ending};
use crate::domain::chronicle::Act;
use crate::domain::digest::sha256_hex;
use crate::domain::usage::entry::{Entry, Operation};

/// Events that are listed.
const EVENTS: usize = 12;
/// Two records of one act are not further apart.
const SAME: i64 = 2;

/// The opened account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detail {
    /// Which one.
    pub key: AccountKey,
    /// First line shown, when the screen is too low for all.
    pub offset: usize,
    /// What happened to it lately, newest first.
    pub events: Vec<Event>,
    /// Whether what is remembered of it must be read anew.
    pub stale: bool,
}

/// Something that happened to an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// When.
    pub at: Moment,
    /// What, in words.
    pub text: String,
    /// Whether it is trouble.
    pub mood: Mood,
}

/// How an event is to be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    /// The run of things.
    Calm,
    /// Something went wrong.
    Trouble,
}

impl Detail {
    /// The account, opened at its first line.
    pub fn of(key: AccountKey, world: &World) -> Self {
        let mut detail = Self { key, offset: 0, events: Vec::new(), stale: true };
        detail.recount(world);
        detail
    }

    /// Makes the list of events anew; not for every frame, because a ledger may be long.
    pub fn recount(&mut self, world: &World) {
        let Some(account) = world.roster.get(&self.key) else { return };
        let mut events = arrival(account);
        events.extend(pinned(account, world));
        let short = account.key.short();
        let acts = world.chronicle.acts.iter().rev().filter(|act| act.whose == short);
        let told = acts.filter_map(|act| told(act, &events)).take(EVENTS).collect::<Vec<_>>();
        events.extend(told);
        events.extend(requests(account, world));
        events.sort_by_key(|event| std::cmp::Reverse(event.at));
        events.truncate(EVENTS);
        self.events = events;
    }
}

fn calm(at: Moment, text: impl Into<String>) -> Event {
    Event { at, text: text.into(), mood: Mood::Calm }
}

fn trouble(at: Moment, text: impl Into<String>) -> Event {
    Event { at, text: text.into(), mood: Mood::Trouble }
}

fn arrival(account: &Account) -> Vec<Event> {
    let came = account.arrival.map(|came| calm(came.at, format!("signed in {}", came.by.told())));
    came.into_iter().collect()
}

fn pinned(account: &Account, world: &World) -> Option<Event> {
    let is_pinned = world.roster.pin.as_ref() == Some(&account.key);
    let at = world.roster.pinned_at.filter(|_| is_pinned)?;
    Some(calm(at, "pinned by you"))
}

/// What the log tells; `None` for what the account itself told already.
fn told(act: &Act, known: &[Event]) -> Option<Event> {
    let more = |name: &str| act.more.get(name).map(String::as_str).unwrap_or_default();
    let text = match act.action {
        Action::AccountAdd => "added".to_owned(),
        Action::AccountRemove => "deleted".to_owned(),
        Action::AccountSwitch => match more("reason") {
            "manual" => "chosen by you".to_owned(),
            "best" => "chosen as the best".to_owned(),
            "restore" => "chosen again by a restore".to_owned(),
            _ => "chosen".to_owned(),
        },
        Action::AccountChange => match (more("enabled"), more("member")) {
            ("on" | "off", _) => format!("switched {} by you", more("enabled")),
            (_, "label") => "renamed by you".to_owned(),
            _ => return None,
        },
        Action::AccountRefresh => "token refreshed".to_owned(),
        Action::AuthFailure => format!("sign-in refused: {}", clean(more("code")).replace('_', " ")),
        Action::AuthLogin => "signed in".to_owned(),
        Action::AccountExport | Action::AccountImport => return None,
    };
    let is_known = known.iter().any(|event| {
        let near = event.at.since(act.at).as_secs().abs() <= SAME;
        near && matches!(act.action, Action::AccountSwitch | Action::AccountAdd | Action::AuthLogin)
    });
    if is_known {
        return None;
    }
    Some(match act.ending {
        Ending::Success => calm(act.at, text),
        Ending::Failure => trouble(act.at, text),
    })
}

/// Requests that did not go as usual: moved here or away, refused, tried again.
fn requests(account: &Account, world: &World) -> Vec<Event> {
    let hash = |text: &str| format!("sha256:{}", sha256_hex(text));
    let own: Vec<String> = account
        .workspace_id()
        .map(hash)
        .into_iter()
        .chain(account.email.as_deref().map(|email| hash(&email.to_ascii_lowercase())))
        .collect();
    let is_own = |entry: &Entry| match (&entry.account_hash, &entry.email_hash) {
        (Some(id), _) => own.first() == Some(id),
        (None, Some(email)) => own.contains(email),
        (None, None) => false,
    };
    let name_of = |wanted: &str| {
        let found = world.roster.accounts.iter().find(|other| {
            other.workspace_id().is_some_and(|id| hash(id) == wanted)
                || other.email.as_deref().is_some_and(|email| hash(&email.to_ascii_lowercase()) == wanted)
        });
        found.map_or_else(|| "another account".to_owned(), |other| short_name(world, &other.key))
    };
    let rows = world.usage.iter().rev().filter(|entry| entry.operation == Operation::Responses);
    rows.filter_map(|entry| {
        let why = entry.failover.as_deref().map(|why| format!(" ({})", clean(why).replace('-', " ")));
        let why = why.unwrap_or_default();
        let model = entry.model.as_deref().map(|model| format!(" on {}", clean(model))).unwrap_or_default();
        if !is_own(entry) {
            let here = entry.rotated_from.iter().any(|from| own.contains(from));
            let to = entry.account_hash.as_deref().or(entry.email_hash.as_deref());
            return here
                .then(|| trouble(entry.at, format!("moved on to {}{why}", name_of(to.unwrap_or_default()))));
        }
        if let Some(from) = entry.rotated_from.last() {
            return Some(calm(entry.at, format!("rotated here from {}{why}", name_of(from))));
        }
        match entry.status {
            Some(status) if status >= 400 => Some(trouble(entry.at, format!("{status}{model}"))),
            Some(_) if entry.attempts.is_some_and(|sends| sends > 1) => {
                Some(calm(entry.at, format!("a short retry{model} worked")))
            }
            Some(_) | None => None,
        }
    })
    .take(EVENTS)
    .collect()
}

#[cfg(test)]
mod tests;
