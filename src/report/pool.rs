//! What several reports derive from the same facts: who is in use, which markers an account carries, what
//! needs attention. One place, so that no two reports disagree.

use crate::app::outcome::Facts;
use crate::base::{Moment, calendar};
use crate::domain::account::{Account, AccountKey};
use crate::domain::label::{self, Current, State};
use crate::domain::presence;
use crate::domain::problem::{Exit, Hint, Problem};
use crate::domain::recovery::Health;
use crate::domain::refresh::{WRONG_IDENTITY, words};
use crate::domain::selection::explain::{Candidate, Decision, Rule};

/// The account that live proxies served last, with its position.
pub(super) fn in_use(facts: &Facts) -> Option<(usize, &Account)> {
    position(facts, presence::in_use(facts.peers.iter().map(|peer| &peer.pulse), facts.at)?)
}

/// An account with its 0-based position.
pub(super) fn position<'a>(facts: &'a Facts, key: &AccountKey) -> Option<(usize, &'a Account)> {
    facts.roster.accounts.iter().enumerate().find(|(_, account)| account.key == *key)
}

/// The engine's answer: position, account, rule.
pub(super) fn next(facts: &Facts) -> Option<(usize, &Account, &Decision)> {
    let decision = facts.next.as_ref()?;
    let (index, account) = position(facts, decision.chosen.as_ref()?)?;
    Some((index, account, decision))
}

/// Why the engine answers as it does, in words.
pub(super) const fn rule_text(decision: &Decision) -> &'static str {
    match (decision.rule, decision.strategy) {
        (Rule::Forced, _) => "forced for this run",
        (Rule::Pin, _) => "pinned by switch",
        (Rule::Affinity, _) => "the session stays on its account",
        (Rule::Policy, _) => "the only account the policies allow",
        (Rule::Strategy, strategy) => strategy.reason(),
    }
}

/// One row of a listing, derived.
pub(super) struct Row<'a> {
    /// 1-based stored position.
    pub number: usize,
    /// The account.
    pub account: &'a Account,
    /// `Account N (…)`.
    pub label: String,
    /// Contract markers.
    pub markers: Vec<String>,
    /// The one state.
    pub state: State,
    /// As the engine saw it.
    pub candidate: Option<&'a Candidate>,
    /// Whether the pin names it.
    pub pinned: bool,
}

impl Row<'_> {
    /// When it becomes usable by itself.
    pub(super) fn usable_at(&self) -> Option<Moment> {
        self.candidate
            .and_then(|candidate| candidate.skip.as_ref())
            .and_then(|skip| skip.until)
            .or(self.state.until())
    }

    /// Why the engine passes it over.
    pub(super) fn reason(&self) -> Option<&str> {
        self.candidate.and_then(|candidate| candidate.skip.as_ref()).map(|skip| skip.reason.as_str())
    }
}

/// All rows in stored order.
pub(super) fn rows(facts: &Facts) -> Vec<Row<'_>> {
    each(facts).collect()
}

/// The same, one after the other.
pub(super) fn each(facts: &Facts) -> impl Iterator<Item = Row<'_>> {
    let running = in_use(facts).map(|(index, _)| index);
    let active = facts.roster.active.as_ref().and_then(|key| position(facts, key)).map(|(index, _)| index);
    let current = running.or(active);
    let candidates = facts.next.as_ref().map_or(&[][..], |decision| decision.candidates.as_slice());
    facts.roster.accounts.iter().enumerate().map(move |(index, account)| {
        let is_current = if current == Some(index) { Current::Yes } else { Current::No };
        let quota = facts.quota.get(&account.key);
        let pinned = facts.roster.pin.as_ref() == Some(&account.key);
        Row {
            number: index + 1,
            account,
            label: label::account_label(account, index + 1),
            markers: markers(facts, account, place(index, running, active), pinned),
            state: State::of(account, quota, facts.policies.rein(account), is_current, facts.at),
            candidate: candidates
                .get(index)
                .filter(|candidate| candidate.key == account.key)
                .or_else(|| candidates.iter().find(|candidate| candidate.key == account.key)),
            pinned,
        }
    })
}

/// What the current markers of a position are.
fn place(index: usize, running: Option<usize>, active: Option<usize>) -> &'static [&'static str] {
    let is_active = active == Some(index);
    match running {
        None if is_active => &["current"],
        Some(used) if used == index && is_active => &["current"],
        Some(used) if used == index => &["in-use"],
        Some(_) if is_active => &["selected"],
        None | Some(_) => &[],
    }
}

/// Whether a stored limit of Codex, or the last answer of upstream, holds the account back now.
pub(super) fn is_limited(facts: &Facts, account: &Account) -> bool {
    let at = facts.at;
    let is_stored = account
        .limits
        .iter()
        .any(|(bucket, until)| *until > at && (bucket == "codex" || bucket.starts_with("codex:")));
    let is_refused = |quota: &&crate::domain::quota::snapshot::Snapshot| {
        quota.status == 429 && (quota.is_exhausted(at) || quota.windows().next().is_none())
    };
    is_stored || facts.quota.get(&account.key).is_some_and(|quota| is_refused(&quota))
}

fn markers(facts: &Facts, account: &Account, place: &[&str], pinned: bool) -> Vec<String> {
    let at = facts.at;
    let mut markers: Vec<String> = place.iter().map(|word| (*word).to_owned()).collect();
    if pinned {
        markers.push("pinned".to_owned());
    }
    if !account.is_on() {
        markers.push("disabled".to_owned());
    }
    if account.invalidation.is_some() {
        markers.push("token-invalid — re-login needed".to_owned());
    }
    if has_strange_tokens(account) {
        markers.push("wrong identity in the last refresh".to_owned());
    }
    if account.uncertain_since.is_some() {
        markers.push("uncertain".to_owned());
    }
    if is_limited(facts, account) {
        markers.push("rate-limited".to_owned());
    }
    if facts.quota.get(&account.key).is_some_and(|quota| quota.is_exhausted(at)) {
        markers.push("quota-exhausted".to_owned());
    }
    if let Some(rest) = account.cooling_until(at) {
        let reason = rest.reason.map_or("unknown", crate::domain::account::CooldownReason::word);
        markers.push(format!("cooldown:{} ({reason})", calendar::long(at.until(rest.until))));
    }
    markers
}

/// What a listing's exit code is about, when it is not 0.
pub(super) fn concern(facts: &Facts, exit: Exit) -> Option<Problem> {
    if facts.trouble.is_some() {
        return facts.trouble.clone();
    }
    match exit {
        Exit::Ok | Exit::Signal(_) | Exit::Child(_) => None,
        Exit::NoAccounts => Some(
            Problem::new("no-accounts", exit, empty_sentence(facts))
                .hint(Hint::Run("login".to_owned()))
                .hint(Hint::Run("--demo".to_owned())),
        ),
        Exit::Attention => Some(attention(facts)),
        Exit::Failed | Exit::Usage | Exit::Cancelled | Exit::Network => Some(
            Problem::new("storage-corrupt", exit, "the account pool cannot be read")
                .because(facts.storage_path.clone()),
        ),
    }
}

fn has_strange_tokens(account: &Account) -> bool {
    account
        .invalidation
        .as_ref()
        .is_some_and(|invalidation| invalidation.code.as_deref() == Some(WRONG_IDENTITY))
}

fn attention(facts: &Facts) -> Problem {
    let exit = Exit::Attention;
    let label = |account: &Account| {
        let number = position(facts, &account.key).map_or(0, |(index, _)| index + 1);
        label::name(account, number).into_owned()
    };
    let nobody = facts.next.as_ref().is_some_and(|next| next.chosen.is_none());
    let pin = facts.roster.pin.as_ref().and_then(|pin| facts.roster.get(pin));
    if nobody && let Some(account) = pin {
        return Problem::new(
            "pin-unusable",
            exit,
            format!("the pinned account {} cannot serve now", label(account)),
        )
        .hint(Hint::Run("unpin".to_owned()));
    }
    if nobody {
        return Problem::new("nothing-selectable", exit, "no account can serve the next request")
            .hint(Hint::Run("why-selected".to_owned()));
    }
    let on = || facts.roster.accounts.iter().filter(|account| account.is_on());
    let dead = || on().filter(|account| account.invalidation.is_some());
    // Somebody else's tokens are the one thing that no routine explains: they are told first.
    let strange = dead().find(|account| has_strange_tokens(account));
    let troubled = strange.or_else(|| dead().next()).map(|account| ("needs-login", account)).or_else(|| {
        on().find(|account| account.uncertain_since.is_some()).map(|account| ("account-uncertain", account))
    });
    if let Some((code, account)) = troubled
        && let Some(advice) = words::advice(account)
    {
        let what = format!("{} {}", label(account), advice.what);
        return Problem::new(code, exit, what).hint(Hint::Say(advice.help.to_owned()));
    }
    Problem::new("checks-failed", exit, "something needs attention")
}

/// The one sentence of an empty pool.
pub(super) fn empty_sentence(facts: &Facts) -> &'static str {
    if facts.trouble.as_ref().is_some_and(|trouble| trouble.code == "storage-newer") {
        return "The account pool was written by a newer version.";
    }
    // Nothing is known of what cannot be read, so it is not called damaged.
    if is_out_of_reach(facts) {
        return "The account pool cannot be reached, and nothing replaces it.";
    }
    match facts.health {
        Health::Healthy | Health::Empty => "No accounts configured.",
        Health::IntentionalReset => "No accounts configured: all of them were deleted on purpose.",
        Health::Recoverable => "No accounts could be read, but a journal or backup holds some.",
        Health::Corrupt => "The account pool appears corrupted, and nothing replaces it.",
    }
}

/// Whether the pool could not be read at all, be it damaged or not.
fn is_out_of_reach(facts: &Facts) -> bool {
    facts.trouble.as_ref().is_some_and(|trouble| trouble.code == "storage-unreadable")
}

/// Storage health for people: what nobody could look into is not called corrupt.
pub(super) fn health_word(facts: &Facts) -> &'static str {
    if is_out_of_reach(facts) { "unreadable" } else { facts.health.word() }
}
