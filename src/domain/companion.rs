//! The pool of the companion tool `oc-chatgpt-multi-auth`: where it is, and what taking our accounts there would change.
//!
//! One way, from our pool to theirs, by the rules of storage.md §12: a newer account of ours replaces theirs, an unknown
//! one is added, whatever only they have stays, and so does their selection.

use std::cmp::Reverse;
use std::path::PathBuf;

use crate::base::{Moment, Span};
use crate::domain::account::Account;
use crate::domain::vault::Run;

/// A clock that far ahead says nothing about which of two rows is newer.
const AHEAD: Span = Span::hours(24);

/// What a look into one place said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Evidence {
    /// It holds a pool, its journal or a copy of it.
    pub accounts: bool,
    /// The tool has left traces there.
    pub signals: bool,
}

/// Where the companion's pool is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// In this folder.
    Found(PathBuf),
    /// In several that look alike: nobody guesses.
    Ambiguous(Vec<PathBuf>),
    /// Nowhere.
    Missing,
}

impl Target {
    /// The word in JSON.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Found(_) => "found",
            Self::Ambiguous(_) => "ambiguous",
            Self::Missing => "none",
        }
    }

    /// Chooses among the usual places: one with accounts, else one with traces of the tool.
    pub fn among(looked: &[(PathBuf, Evidence)]) -> Self {
        let of = |is: fn(&Evidence) -> bool| -> Vec<PathBuf> {
            looked.iter().filter(|(_, found)| is(found)).map(|(path, _)| path.clone()).collect()
        };
        for mut found in [of(|found| found.accounts), of(|found| found.signals)] {
            match found.len() {
                0 => {}
                1 => return found.pop().map_or(Self::Missing, Self::Found),
                _ => return Self::Ambiguous(found),
            }
        }
        Self::Missing
    }
}

/// By what an account of ours was recognised there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Match {
    /// Workspace id and e-mail are the same.
    IdAndEmail,
    /// The id is, nobody else there has it, and the e-mails do not contradict.
    Id,
    /// The e-mail is, and the row there names no id.
    Email,
    /// The refresh token is, and the row there names nobody.
    Token,
}

impl Match {
    /// The words on screen and in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::IdAndEmail => "id + e-mail",
            Self::Id => "id",
            Self::Email => "e-mail",
            Self::Token => "token",
        }
    }
}

/// Why a row is passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// There is nothing to sign in with.
    NoToken,
    /// Another row of the same list has the same id and is newer.
    TwinId,
    /// …the same e-mail.
    TwinEmail,
    /// …the same refresh token.
    TwinToken,
    /// Theirs is as new, or newer.
    Older,
}

impl Reason {
    /// The reference's word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::NoToken => "invalid-refresh-token",
            Self::TwinId => "duplicate-account-id",
            Self::TwinEmail => "duplicate-email",
            Self::TwinToken => "duplicate-refresh-token",
            Self::Older => "unchanged-or-older-than-destination",
        }
    }

    /// In words.
    pub const fn text(self) -> &'static str {
        match self {
            Self::NoToken => "nothing to sign in with",
            Self::TwinId | Self::TwinEmail | Self::TwinToken => "a newer row says the same",
            Self::Older => "older than there",
        }
    }
}

/// What becomes of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// It is new there.
    Add,
    /// Ours is newer and replaces theirs.
    Update(Match),
    /// Nothing is done with ours.
    Skip(Reason, Option<Match>),
    /// Only they have it.
    Keep,
}

impl Action {
    /// The word in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Update(_) => "update",
            Self::Skip(..) => "skip",
            Self::Keep => "keep",
        }
    }

    /// By what it was recognised.
    pub const fn matched(self) -> Option<Match> {
        match self {
            Self::Update(matched) => Some(matched),
            Self::Skip(_, matched) => matched,
            Self::Add | Self::Keep => None,
        }
    }

    /// Why it is passed over.
    pub const fn reason(self) -> Option<Reason> {
        match self {
            Self::Skip(reason, _) => Some(reason),
            Self::Add | Self::Update(_) | Self::Keep => None,
        }
    }
}

/// One line of the plan; positions are 0-based.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// What is done.
    pub action: Action,
    /// Which of ours.
    pub here: Option<usize>,
    /// Which of theirs.
    pub there: Option<usize>,
}

/// What a look at the companion's pool found, or what was done to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Synced {
    /// Whether it was to be written.
    pub run: Run,
    /// Where.
    pub target: Target,
    /// The pool file there and how many accounts it holds; `None` when there is none yet.
    pub existing: Option<usize>,
    /// Line by line, in the order of our pool, then of theirs.
    pub rows: Vec<Line>,
    /// The copy of their pool from before.
    pub backup: Option<PathBuf>,
    /// Whether anything was written.
    pub changed: bool,
    /// When it was looked at.
    pub at: Moment,
}

/// One account of the preview.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What becomes of it.
    pub action: Action,
    /// Label, else e-mail, else `Account N`.
    pub label: String,
    /// When it was last used here.
    pub here: Option<Moment>,
    /// …and there.
    pub there: Option<Moment>,
}

impl Synced {
    /// How many lines do what `word` says.
    pub fn count(&self, word: &str) -> usize {
        self.rows.iter().filter(|line| line.action.word() == word).count()
    }

    /// Whether anything would be, or was, written.
    pub fn has_news(&self) -> bool {
        self.rows.iter().any(|line| matches!(line.action, Action::Add | Action::Update(_)))
    }
}

/// What taking ours there would do.
pub fn plan(here: &[Account], there: &[Account], at: Moment) -> Vec<Step> {
    let (ours, theirs) = (Side::of(here, at), Side::of(there, at));
    let mut met = vec![false; there.len()];
    let mut steps = Vec::with_capacity(here.len() + there.len());
    for (place, account) in here.iter().enumerate() {
        let mut step = Step { action: Action::Add, here: Some(place), there: None };
        if let Some(reason) = ours.passed.get(place).copied().flatten() {
            step.action = Action::Skip(reason, None);
        } else if let Some((other, matched)) = theirs.find(account, &met) {
            if let Some(met) = met.get_mut(other) {
                *met = true;
            }
            let is_newer = there.get(other).is_some_and(|other| age(account, at) > age(other, at));
            step.there = Some(other);
            step.action =
                if is_newer { Action::Update(matched) } else { Action::Skip(Reason::Older, Some(matched)) };
        } else if theirs.has_token(account) {
            // Somebody else's row there holds this very token: a second one would only spend it twice.
            step.action = Action::Skip(Reason::TwinToken, None);
        }
        steps.push(step);
    }
    let rest = met.iter().enumerate().filter(|(_, met)| !**met);
    steps.extend(rest.map(|(place, _)| Step { action: Action::Keep, here: None, there: Some(place) }));
    steps
}

/// What orders two rows of one person: last use, then when it was added.
fn age(account: &Account, at: Moment) -> (Moment, Moment) {
    let ordinary = |moment: Moment| if moment > at + AHEAD { at } else { moment };
    (ordinary(account.last_used), ordinary(account.added_at))
}

/// The rows of one pool, with those that stand back behind a newer one of the same person.
struct Side<'a> {
    rows: &'a [Account],
    passed: Vec<Option<Reason>>,
}

impl<'a> Side<'a> {
    fn of(rows: &'a [Account], at: Moment) -> Self {
        let mut passed = vec![None; rows.len()];
        let mut order: Vec<usize> = (0..rows.len()).collect();
        // The newest first; of equal ones the first.
        order.sort_by_key(|place| Reverse(rows.get(*place).map(|row| age(row, at))));
        let mut kept: Vec<&Account> = Vec::new();
        for place in order {
            let Some(row) = rows.get(place) else { continue };
            let reason = if token(row).is_empty() {
                Some(Reason::NoToken)
            } else {
                kept.iter().find_map(|other| twin(other, row))
            };
            match reason {
                None => kept.push(row),
                Some(_) => {
                    if let Some(slot) = passed.get_mut(place) {
                        *slot = reason;
                    }
                }
            }
        }
        Self { rows, passed }
    }

    /// Who of these the account is.
    fn find(&self, account: &Account, met: &[bool]) -> Option<(usize, Match)> {
        let open = |place: usize| {
            self.passed.get(place).is_some_and(Option::is_none) && met.get(place).is_some_and(|met| !met)
        };
        let first = |is: &dyn Fn(&Account) -> bool| {
            let mut rows = self.rows.iter().enumerate();
            rows.find(|(place, row)| open(*place) && is(row)).map(|(place, _)| place)
        };
        let (own_id, own_email) = (id(account), email(account));
        if own_id.is_some() && own_email.is_some() {
            let found = first(&|row| id(row) == own_id && email(row) == own_email);
            if let Some(place) = found {
                return Some((place, Match::IdAndEmail));
            }
        }
        if own_id.is_some() {
            let mut with_id = self.rows.iter().enumerate();
            let mut with_id = with_id.by_ref().filter(|(place, row)| {
                id(row) == own_id && self.passed.get(*place).is_some_and(Option::is_none)
            });
            let (only, second) = (with_id.next(), with_id.next());
            if let (Some((place, row)), None) = (only, second)
                && open(place)
                && agree(own_email, email(row))
            {
                return Some((place, Match::Id));
            }
        }
        if own_email.is_some()
            && let Some(place) = first(&|row| id(row).is_none() && email(row) == own_email)
        {
            return Some((place, Match::Email));
        }
        let same_token =
            |row: &Account| id(row).is_none() && email(row).is_none() && token(row) == token(account);
        first(&same_token).map(|place| (place, Match::Token))
    }

    fn has_token(&self, account: &Account) -> bool {
        self.rows.iter().any(|row| token(row) == token(account))
    }
}

/// Whether two rows of one list are one person's, and by what. Two workspaces of one e-mail are two.
fn twin(kept: &Account, row: &Account) -> Option<Reason> {
    let same = |a: Option<&str>, b: Option<&str>| a.is_some() && a == b;
    if same(id(kept), id(row)) && agree(email(kept), email(row)) {
        return Some(Reason::TwinId);
    }
    if same(email(kept), email(row)) && agree(id(kept), id(row)) {
        return Some(Reason::TwinEmail);
    }
    (token(kept) == token(row)).then_some(Reason::TwinToken)
}

/// Whether two values are the same as far as both are known.
fn agree(a: Option<&str>, b: Option<&str>) -> bool {
    a.zip(b).is_none_or(|(a, b)| a == b)
}

fn id(account: &Account) -> Option<&str> {
    account.account_id.as_deref().map(str::trim).filter(|id| !id.is_empty())
}

fn email(account: &Account) -> Option<&str> {
    account.email.as_deref().map(str::trim).filter(|email| !email.is_empty())
}

fn token(account: &Account) -> &str {
    account.credentials.refresh.expose().trim()
}

#[cfg(test)]
mod tests;
