//! How an account is named and in which one state it is shown (dashboard.md §11.4): the same words on every
//! screen and in JSON, first match wins, so two faces can never disagree about an account.

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::base::{Moment, Percent, Span};
use crate::domain::account::Account;
use crate::domain::model::Family;
use crate::domain::policy::account::Rein;
use crate::domain::quota::snapshot::Snapshot;

/// At or below this share of its tighter window an account counts as low.
pub const LOW: f64 = 15.0;

/// A refusal without any declared reset is believed as long as a quota answer may stay in the cache.
const BARE_REFUSAL: Span = Span::minutes(30);

/// The one state of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Switched off by the user.
    Off,
    /// The tokens are dead: only a new sign-in helps.
    SignIn,
    /// A refresh was cut and its outcome is unknown.
    Uncertain,
    /// A rest until a known moment.
    Cooling(Moment),
    /// A window is exhausted or upstream refuses; until when, if that is known.
    Empty(Option<Moment>),
    /// The user's policy: no traffic.
    Paused,
    /// The user's policy: no new sessions.
    Draining,
    /// Serves now, or is the one selected while nothing serves.
    InUse,
    /// Usable, with little left.
    Low,
    /// Usable.
    Ready,
}

/// Whether an account is the one in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Current {
    /// It is.
    Yes,
    /// It is not.
    No,
}

impl State {
    /// The state of an account with its newest quota and its policy at `at`.
    pub fn of(account: &Account, quota: Option<&Snapshot>, rein: Rein, current: Current, at: Moment) -> Self {
        if !account.is_on() {
            return Self::Off;
        }
        if account.invalidation.is_some() || account.credentials.is_missing() {
            return Self::SignIn;
        }
        if account.uncertain_since.is_some() {
            return Self::Uncertain;
        }
        if let Some(rest) = account.cooling_until(at) {
            return Self::Cooling(rest.until);
        }
        if let Some(Gone(until)) = exhausted(account, quota, at) {
            return Self::Empty(until);
        }
        match rein {
            Rein::Paused | Rein::PausedAndDrained => return Self::Paused,
            Rein::Drained => return Self::Draining,
            Rein::Free => {}
        }
        if current == Current::Yes {
            return Self::InUse;
        }
        if is_low(quota, at) { Self::Low } else { Self::Ready }
    }

    /// The word on screen and in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::SignIn => "sign in",
            Self::Uncertain => "uncertain",
            Self::Cooling(_) => "cooling",
            Self::Empty(_) => "empty",
            Self::Paused => "paused",
            Self::Draining => "draining",
            Self::InUse => "in use",
            Self::Low => "low",
            Self::Ready => "ready",
        }
    }

    /// When the state ends by itself, if that is known.
    pub const fn until(self) -> Option<Moment> {
        match self {
            Self::Cooling(until) | Self::Empty(Some(until)) => Some(until),
            Self::Off
            | Self::SignIn
            | Self::Uncertain
            | Self::Empty(None)
            | Self::Paused
            | Self::Draining
            | Self::InUse
            | Self::Low
            | Self::Ready => None,
        }
    }

    /// Whether the account can serve the next request.
    pub const fn is_usable(self) -> bool {
        matches!(self, Self::InUse | Self::Low | Self::Ready)
    }

    /// Whether the account comes back by itself.
    pub const fn is_waiting(self) -> bool {
        matches!(self, Self::Cooling(_) | Self::Empty(_))
    }

    /// Whether a person has to act.
    pub const fn needs_person(self) -> bool {
        matches!(self, Self::SignIn | Self::Uncertain)
    }

    /// Place in the ready-first order: usable, waiting, out.
    pub const fn rank(self) -> u8 {
        match self {
            Self::InUse | Self::Low | Self::Ready => 0,
            Self::Cooling(_) | Self::Empty(_) => 2,
            Self::Off | Self::SignIn | Self::Uncertain | Self::Paused | Self::Draining => 3,
        }
    }
}

/// Whether usable quota has run low at `at`.
pub fn is_low(quota: Option<&Snapshot>, at: Moment) -> bool {
    quota.and_then(|snapshot| snapshot.tightest(at)).is_some_and(|left| left.value() <= LOW)
}

/// Nothing is left, until then if that is known.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Gone(Option<Moment>);

/// Whether the account cannot be used for want of quota.
fn exhausted(account: &Account, quota: Option<&Snapshot>, at: Moment) -> Option<Gone> {
    let stored = limited_until(account, at).map(|until| Gone(Some(until)));
    let windows =
        quota.filter(|snapshot| snapshot.is_exhausted(at)).map(|snapshot| Gone(snapshot.exhausted_until(at)));
    let refused = quota.and_then(|snapshot| refused_until(snapshot, at)).map(|until| Gone(Some(until)));
    stored.max(windows).or(refused)
}

/// Limits of the family of key-less questions, whole or of one model.
fn is_plain(bucket: &str) -> bool {
    let family = Family::Codex.word();
    bucket == family || bucket.strip_prefix(family).is_some_and(|rest| rest.starts_with(':'))
}

/// When the last stored limit lifts that binds questions without a model at `at`.
pub fn limited_until(account: &Account, at: Moment) -> Option<Moment> {
    let limits = account.limits.iter().filter(|(bucket, until)| is_plain(bucket) && **until > at);
    limits.map(|(_, until)| *until).max()
}

/// The end of a cached 429 that still counts at `at`.
pub fn refused_until(snapshot: &Snapshot, at: Moment) -> Option<Moment> {
    if snapshot.status != 429 {
        return None;
    }
    let resets: Vec<Moment> = snapshot.windows().filter_map(|window| window.resets_at).collect();
    let end = resets.iter().min().copied().unwrap_or(snapshot.at + BARE_REFUSAL);
    (end > at).then_some(end)
}

/// What is left of the tighter window, for sorting: a missing figure sorts last.
pub fn left_for_sorting(quota: Option<&Snapshot>, at: Moment) -> i16 {
    quota.and_then(|snapshot| snapshot.tightest(at)).map_or(-1, |left| i16::from(Percent::rounded(left)))
}

/// Whether a label is one that the original package made of a token: it ends with `[id:…]`.
pub fn is_built_in(label: &str) -> bool {
    let inside = label.trim_end().strip_suffix(']').and_then(|text| text.rsplit_once(" [id:"));
    inside.is_some_and(|(name, id)| !name.is_empty() && !id.is_empty() && id.len() <= 6)
}

/// Label, else e-mail, else `Account N`.
pub fn name(account: &Account, number: usize) -> Cow<'_, str> {
    given(account.label.as_deref())
        .or_else(|| given(account.email.as_deref()))
        .map_or_else(|| Cow::Owned(format!("Account {number}")), Cow::Borrowed)
}

/// As [`name`], but an e-mail only up to its `@`: for narrow columns.
pub fn short_name(account: &Account, number: usize) -> Cow<'_, str> {
    match name(account, number) {
        Cow::Borrowed(name) => Cow::Borrowed(name.split_once('@').map_or(name, |(local, _)| local)),
        owned @ Cow::Owned(_) => owned,
    }
}

/// `Account N (label, [workspace], e-mail, id:…)`: the label of commands.md §1.4, for printed text.
pub fn account_label(account: &Account, number: usize) -> String {
    let label = given(account.label.as_deref());
    let workspace = account
        .workspaces
        .get(account.current_workspace)
        .and_then(|seat| given(seat.name.as_deref()))
        .filter(|name| Some(*name) != label);
    let id = given(account.account_id.as_deref()).map(|id| {
        let start = id.char_indices().rev().nth(5).map_or(0, |(at, _)| at);
        id.get(start..).unwrap_or(id)
    });
    let mut text = String::with_capacity(64);
    let _ = write!(text, "Account {number}");
    let bare = text.len();
    let parts =
        [("", label, ""), ("[", workspace, "]"), ("", given(account.email.as_deref()), ""), ("id:", id, "")];
    for (before, part, after) in parts {
        let Some(part) = part else { continue };
        let is_first = text.len() == bare;
        text.push_str(if is_first { " (" } else { ", " });
        // By itself an id needs no word before it.
        text.push_str(if is_first && before == "id:" { "" } else { before });
        text.push_str(part);
        text.push_str(after);
    }
    if text.len() > bare {
        text.push(')');
    }
    text
}

fn given(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::account::{AccountKey, Cooldown, Credentials, IdSource, Invalidation, Switch};
    use crate::domain::quota::snapshot::Source;
    use crate::domain::quota::window::Window;
    use std::collections::BTreeMap;

    const NOW: Moment = Moment::from_secs(1_000_000);

    fn account() -> Account {
        Account {
            key: AccountKey::new("record:aa"),
            account_id: None,
            id_source: IdSource::Token,
            label: None,
            email: Some("alpha@example.com".to_owned()),
            credentials: Credentials { refresh: "rt".into(), ..Credentials::default() },
            switch: Switch::On,
            added_at: Moment::EPOCH,
            last_used: Moment::EPOCH,
            switch_reason: None,
            limits: BTreeMap::new(),
            cooldown: None,
            invalidation: None,
            uncertain_since: None,
            workspaces: Vec::new(),
            current_workspace: 0,
            routing: None,
            arrival: None,
        }
    }

    fn used(percent: f64, reset: Span) -> Snapshot {
        let window = Window {
            used: Some(Percent::new(percent)),
            minutes: Some(300),
            resets_at: Some(NOW + reset),
            ..Window::default()
        };
        Snapshot {
            primary: Some(window),
            secondary: None,
            plan: None,
            limit_id: None,
            credits: None,
            status: 200,
            model: None,
            at: NOW,
            source: Source::Usage,
            ..Snapshot::default()
        }
    }

    #[test]
    fn the_first_matching_state_wins() {
        let hour = Span::hours(1);
        let rest = Cooldown { until: NOW + hour, reason: None };
        let invalidation = Invalidation { at: NOW, code: None };
        let limit = |bucket: &str| BTreeMap::from([(bucket.to_owned(), NOW + hour)]);
        let off = Account { switch: Switch::Off, invalidation: Some(invalidation.clone()), ..account() };
        let dead = Account { invalidation: Some(invalidation), cooldown: Some(rest), ..account() };
        let cut = Account { uncertain_since: Some(NOW), ..account() };
        let resting = Account { cooldown: Some(rest), ..account() };
        let refused = Snapshot { status: 429, ..used(40.0, hour) };

        for (name, account, quota, state) in [
            ("off before sign in", off, None, State::Off),
            ("sign in before cooling", dead, None, State::SignIn),
            ("uncertain", cut, None, State::Uncertain),
            ("cooling before empty", resting, Some(used(100.0, hour)), State::Cooling(NOW + hour)),
            ("an exhausted window", account(), Some(used(100.0, hour)), State::Empty(Some(NOW + hour))),
            ("a reset that passed", account(), Some(used(100.0, Span::ZERO)), State::InUse),
            (
                "a stored limit",
                Account { limits: limit("codex"), ..account() },
                None,
                State::Empty(Some(NOW + hour)),
            ),
            ("another family's limit", Account { limits: limit("gpt-5.2"), ..account() }, None, State::InUse),
            ("a cached 429", account(), Some(refused), State::Empty(Some(NOW + hour))),
            ("little left", account(), Some(used(90.0, hour)), State::InUse),
        ] {
            assert_eq!(State::of(&account, quota.as_ref(), Rein::Free, Current::Yes, NOW), state, "{name}");
        }
        assert_eq!(State::of(&account(), Some(&used(90.0, hour)), Rein::Free, Current::No, NOW), State::Low);
        assert_eq!(State::of(&account(), None, Rein::Free, Current::No, NOW), State::Ready);
    }

    #[test]
    fn a_name_made_of_a_token_is_told_from_one_of_the_users_own() {
        for (label, built_in) in [
            ("Token account [id:abc123]", true),
            ("Acme (team, role:owner) [id:x1]", true),
            ("work", false),
            ("[id:abc123]", false),
            ("work [id:something long]", false),
        ] {
            assert_eq!(is_built_in(label), built_in, "{label}");
        }
    }

    #[test]
    fn names_fall_back_from_label_to_address_to_position() {
        let labelled = Account { label: Some("  home ".to_owned()), ..account() };
        let bare = Account { email: None, ..account() };

        assert_eq!(name(&labelled, 1), "home");
        assert_eq!(name(&account(), 1), "alpha@example.com");
        assert_eq!(short_name(&account(), 1), "alpha");
        assert_eq!(name(&bare, 3), "Account 3");
    }

    #[test]
    fn the_printed_label_names_what_is_known() {
        let known = Account { account_id: Some("0123456789ab".to_owned()), ..account() };
        let bare = Account { email: None, ..known.clone() };

        assert_eq!(account_label(&known, 2), "Account 2 (alpha@example.com, id:6789ab)");
        assert_eq!(account_label(&bare, 2), "Account 2 (6789ab)");
        assert_eq!(account_label(&Account { account_id: None, ..bare }, 2), "Account 2");
    }
}
