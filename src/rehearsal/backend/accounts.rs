//! The accounts of the back end: their sessions and their quota.
//!
//! A session is a family of refresh tokens. Each token is good once; the second use of one ends the family,
//! as the real endpoint does when it suspects theft.

use std::collections::HashMap;

use crate::base::{Moment, Percent, Secret, Span};
use crate::domain::digest::sha256_hex;
use crate::formats::fake::quota::{Standing, Window};
use crate::formats::fake::token::{self, Identity};
use crate::formats::fake::{hex_id, uuid};
use crate::formats::scenario::{Player, Quota};

/// One set of tokens that was given out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issued {
    /// The bearer.
    pub access: Secret,
    /// Single use.
    pub refresh: Secret,
    /// For `auth.json`.
    pub id_token: Secret,
    /// `exp` of the bearer.
    pub expires_at: Moment,
    /// `chatgpt_account_id`.
    pub account_id: String,
    /// The e-mail.
    pub email: String,
}

#[derive(Debug)]
pub(super) struct Accounts {
    members: Vec<Member>,
    access: HashMap<String, Access>,
    refresh: HashMap<String, Refresh>,
    serial: u64,
}

#[derive(Debug)]
pub(super) struct Member {
    pub(super) player: Player,
    pub(super) identity: Identity,
    primary: Option<Live>,
    secondary: Option<Live>,
    current: Option<Issued>,
    signed_out: bool,
}

#[derive(Debug, Clone, Copy)]
struct Live {
    quota: Quota,
    used: f64,
    reset_at: Option<Moment>,
}

#[derive(Debug)]
struct Access {
    index: usize,
    family: u64,
    expires_at: Moment,
    ended: bool,
}

#[derive(Debug)]
struct Refresh {
    index: usize,
    family: u64,
    state: RefreshState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RefreshState {
    Current,
    Spent,
    Ended,
}

/// What a bearer is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bearer {
    Valid(usize),
    Expired(usize),
    Ended(usize),
    Unknown,
    Missing,
}

impl Bearer {
    pub(super) fn index(self) -> Option<usize> {
        match self {
            Self::Valid(index) | Self::Expired(index) | Self::Ended(index) => Some(index),
            Self::Unknown | Self::Missing => None,
        }
    }
}

/// What a refresh came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refreshed {
    Renewed(Box<Issued>),
    Reused,
    Ended,
    Unknown,
}

impl Accounts {
    pub(super) fn new(players: Vec<Player>, now: Moment, salt: u64) -> Self {
        let mut accounts =
            Self { members: Vec::new(), access: HashMap::new(), refresh: HashMap::new(), serial: salt };
        for player in players {
            let left = player.token_left;
            let signed_out = player.signed_out;
            accounts.members.push(Member::new(player, now));
            let index = accounts.members.len() - 1;
            let issued = accounts.issue(index, now, left);
            if let Some(member) = accounts.members.get_mut(index) {
                member.current = issued;
            }
            if signed_out {
                accounts.end_all(index);
            }
        }
        accounts
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.members.iter().map(|member| member.player.name.clone()).collect()
    }

    pub(super) fn players(&self) -> Vec<Player> {
        self.members.iter().map(|member| member.player.clone()).collect()
    }

    pub(super) fn index_of(&self, name: &str) -> Option<usize> {
        self.members.iter().position(|member| member.player.name == name)
    }

    /// The first account of a workspace.
    pub(super) fn in_workspace(&self, id: &str) -> Option<String> {
        let member = self.members.iter().find(|member| member.identity.account_id == id)?;
        Some(member.player.name.clone())
    }

    pub(super) fn member(&self, index: usize) -> Option<&Member> {
        self.members.get(index)
    }

    pub(super) fn tokens(&self, name: &str) -> Option<Issued> {
        self.members.get(self.index_of(name)?)?.current.clone()
    }

    /// A new session.
    pub(super) fn issue(&mut self, index: usize, now: Moment, left: Option<Span>) -> Option<Issued> {
        let family = self.next();
        self.issue_in(family, index, now, left)
    }

    fn next(&mut self) -> u64 {
        self.serial = self.serial.wrapping_add(1);
        self.serial
    }

    fn issue_in(&mut self, family: u64, index: usize, now: Moment, left: Option<Span>) -> Option<Issued> {
        let serial = self.next();
        let member = self.members.get(index)?;
        let life = member.player.token_life;
        let expires = now + left.unwrap_or(life);
        let issued_at = if left.is_some() { expires - life } else { now };
        let identity = &member.identity;
        let issued = Issued {
            access: token::access_token(identity, issued_at, expires, serial).into(),
            refresh: format!("rt_{}_{}", member.player.name, hex_id(serial, 40)).into(),
            id_token: token::id_token(identity, issued_at, issued_at + Span::hours(1), serial).into(),
            expires_at: Moment::from_secs(expires.secs()),
            account_id: identity.account_id.clone(),
            email: identity.email.clone(),
        };
        let access = Access { index, family, expires_at: issued.expires_at, ended: false };
        self.access.insert(issued.access.expose().to_owned(), access);
        let refresh = Refresh { index, family, state: RefreshState::Current };
        self.refresh.insert(issued.refresh.expose().to_owned(), refresh);
        Some(issued)
    }

    /// Gives a refresh token up for new tokens.
    pub(super) fn refresh(&mut self, token: &str, now: Moment) -> (Option<usize>, Refreshed) {
        let Some(held) = self.refresh.get_mut(token) else { return (None, Refreshed::Unknown) };
        let (index, family, state) = (held.index, held.family, held.state);
        let outcome = match state {
            RefreshState::Ended => Refreshed::Ended,
            RefreshState::Spent => {
                self.end_family(family);
                Refreshed::Reused
            }
            RefreshState::Current if self.members.get(index).is_some_and(|member| member.signed_out) => {
                Refreshed::Ended
            }
            RefreshState::Current => {
                held.state = RefreshState::Spent;
                match self.issue_in(family, index, now, None) {
                    Some(issued) => {
                        self.remember(index, &issued);
                        Refreshed::Renewed(Box::new(issued))
                    }
                    None => Refreshed::Unknown,
                }
            }
        };
        (Some(index), outcome)
    }

    pub(super) fn remember(&mut self, index: usize, issued: &Issued) {
        if let Some(member) = self.members.get_mut(index) {
            member.current = Some(issued.clone());
            member.signed_out = false;
        }
    }

    /// Whose refresh token it is.
    pub(super) fn owner_of(&self, refresh: &str) -> Option<usize> {
        self.refresh.get(refresh).map(|held| held.index)
    }

    /// Whether the refresh token was used before.
    pub(super) fn is_spent(&self, refresh: &str) -> bool {
        self.refresh.get(refresh).is_some_and(|held| held.state == RefreshState::Spent)
    }

    /// Revokes the session a refresh token belongs to.
    pub(super) fn revoke(&mut self, refresh: &str) -> Option<usize> {
        let held = self.refresh.get(refresh)?;
        let (index, family) = (held.index, held.family);
        self.end_family(family);
        Some(index)
    }

    fn end_family(&mut self, family: u64) {
        for held in self.refresh.values_mut().filter(|held| held.family == family) {
            held.state = RefreshState::Ended;
        }
        for held in self.access.values_mut().filter(|held| held.family == family) {
            held.ended = true;
        }
    }

    fn end_all(&mut self, index: usize) {
        for held in self.refresh.values_mut().filter(|held| held.index == index) {
            held.state = RefreshState::Ended;
        }
        for held in self.access.values_mut().filter(|held| held.index == index) {
            held.ended = true;
        }
        if let Some(member) = self.members.get_mut(index) {
            member.signed_out = true;
        }
    }

    pub(super) fn sign_out(&mut self, name: &str) {
        if let Some(index) = self.index_of(name) {
            self.end_all(index);
        }
    }

    pub(super) fn expire(&mut self, name: &str, until: Moment) {
        let Some(index) = self.index_of(name) else { return };
        for held in self.access.values_mut().filter(|held| held.index == index) {
            held.expires_at = held.expires_at.min(until);
        }
    }

    pub(super) fn bearer(&self, token: Option<&str>, now: Moment) -> Bearer {
        let Some(token) = token else { return Bearer::Missing };
        match self.access.get(token) {
            None => Bearer::Unknown,
            Some(held) if held.ended => Bearer::Ended(held.index),
            Some(held) if held.expires_at <= now => Bearer::Expired(held.index),
            Some(held) => Bearer::Valid(held.index),
        }
    }

    pub(super) fn standing(&self, index: usize, now: Moment) -> Option<Standing> {
        let member = self.members.get(index)?;
        Some(Standing {
            plan: member.player.plan.clone(),
            primary: member.primary.map(|live| live.window(now)),
            secondary: member.secondary.map(|live| live.window(now)),
            at: now,
        })
    }

    pub(super) fn spend(&mut self, index: usize, tokens: u64, now: Moment) {
        if let Some(member) = self.members.get_mut(index) {
            for live in [&mut member.primary, &mut member.secondary].into_iter().flatten() {
                live.spend(tokens, now);
            }
        }
    }

    /// Uses the first window up.
    pub(super) fn exhaust(&mut self, index: usize, now: Moment, resets_in: Option<Span>) {
        let Some(member) = self.members.get_mut(index) else { return };
        let Some(live) = member.primary.as_mut().or(member.secondary.as_mut()) else { return };
        if live.used < 100.0 || live.is_over(now) {
            let reset = resets_in.map_or_else(|| live.window(now).reset_at, |wait| now + wait);
            live.used = 100.0;
            live.reset_at = Some(reset);
        }
    }
}

impl Member {
    fn new(player: Player, now: Moment) -> Self {
        let number = |name: &str| {
            let hash = sha256_hex(name);
            hash.get(..15).and_then(|hex| u64::from_str_radix(hex, 16).ok()).unwrap_or(0)
        };
        let identity = Identity {
            subject: format!("user-{}", hex_id(number(&player.name), 24)),
            email: player.email.clone(),
            account_id: uuid(number(player.workspace.as_ref().unwrap_or(&player.name))),
            plan: player.plan.clone(),
        };
        let live = |quota: Quota| Live {
            quota,
            used: quota.used,
            reset_at: quota.resets_in.map(|wait| Moment::from_secs((now + wait).secs())),
        };
        let signed_out = player.signed_out;
        Self {
            identity,
            primary: player.primary.map(live),
            secondary: player.secondary.map(live),
            current: None,
            signed_out,
            player,
        }
    }
}

impl Live {
    fn is_over(self, now: Moment) -> bool {
        self.reset_at.is_some_and(|reset| reset <= now)
    }

    /// A window that nobody uses shows its full length ahead, like the real one.
    fn window(self, now: Moment) -> Window {
        let fresh = now + Span::minutes(self.quota.minutes);
        let (used, reset_at) = match self.reset_at {
            Some(reset_at) if reset_at > now => (self.used, reset_at),
            Some(_) => (0.0, fresh),
            None => (self.used, fresh),
        };
        Window { used, minutes: self.quota.minutes, reset_at }
    }

    fn spend(&mut self, tokens: u64, now: Moment) {
        if self.is_over(now) {
            self.used = 0.0;
            self.reset_at = None;
        }
        if self.reset_at.is_none() {
            self.reset_at = Some(Moment::from_secs((now + Span::minutes(self.quota.minutes)).secs()));
        }
        self.used = (self.used + Percent::of(tokens, self.quota.tokens).value()).min(100.0);
    }
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::*;

    const NOW: Moment = Moment::from_secs(1_795_360_000);

    fn one() -> (Accounts, Issued) {
        let accounts = Accounts::new(vec![Player::named("one")], NOW, 1);
        let issued = accounts.tokens("one").unwrap();
        (accounts, issued)
    }

    #[test]
    fn a_refresh_token_is_good_once_and_its_second_use_ends_the_session() {
        let (mut accounts, first) = one();

        let (_, renewed) = accounts.refresh(first.refresh.expose(), NOW);
        let Refreshed::Renewed(second) = renewed else { panic!("{renewed:?}") };
        let (_, reused) = accounts.refresh(first.refresh.expose(), NOW);
        let (_, after) = accounts.refresh(second.refresh.expose(), NOW);

        assert_eq!((reused, after), (Refreshed::Reused, Refreshed::Ended));
        assert_eq!(accounts.bearer(Some(second.access.expose()), NOW), Bearer::Ended(0));
    }

    #[test]
    fn another_login_survives_the_end_of_the_first_session() {
        let (mut accounts, first) = one();
        let other = accounts.issue(0, NOW, None).unwrap();

        accounts.revoke(first.refresh.expose());

        assert_eq!(accounts.bearer(Some(other.access.expose()), NOW), Bearer::Valid(0));
    }

    #[test]
    fn quota_goes_down_by_use_and_begins_anew_after_its_reset() {
        let (mut accounts, _) = one();

        accounts.spend(0, 200_000, NOW);
        let used = accounts.standing(0, NOW).unwrap().primary.unwrap().used;
        let later = accounts.standing(0, NOW + Span::hours(2)).unwrap().primary.unwrap().used;

        assert_eq!((used, later), (15.0, 0.0));
    }

    #[test]
    fn an_exhausted_account_stays_so_until_the_reset_it_declared() {
        let (mut accounts, _) = one();

        accounts.exhaust(0, NOW, Some(Span::minutes(30)));
        accounts.exhaust(0, NOW + Span::minutes(10), Some(Span::minutes(30)));

        let window = accounts.standing(0, NOW + Span::minutes(20)).unwrap().exhausted().unwrap();
        assert_eq!(window.reset_at, NOW + Span::minutes(30));
        assert_eq!(accounts.standing(0, NOW + Span::minutes(31)).unwrap().exhausted(), None);
    }
}
