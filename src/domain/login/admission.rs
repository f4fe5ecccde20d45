//! A granted session taken into the pool (storage.md §5.5).
//!
//! Matching and merging happen on the roster as it stands under the lock, so a sign-in that raced with another
//! process still lands on the right row. The pin stays where it is; the generation grows.

use crate::base::Moment;
use crate::domain::account::{Account, AccountKey, Arrival, Credentials, Door, IdSource, Switch};
use crate::domain::identity::{self, Fallback, Person, record_id};
use crate::domain::model::Family;
use crate::domain::roster::Roster;
use crate::domain::workspace::Workspace;

/// A session that the provider granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignIn {
    /// The tokens with their claims.
    pub credentials: Credentials,
    /// Workspaces and organisations the tokens list, the session's own first.
    pub seats: Vec<Workspace>,
    /// When it was granted.
    pub at: Moment,
    /// Whether the account becomes the selected one.
    pub place: Place,
    /// How it came here.
    pub by: Door,
}

/// Whether a sign-in changes the selection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Place {
    /// Selected for every family, as the first account of a pool is.
    Active,
    /// The selection stays.
    #[default]
    Behind,
}

/// What a sign-in did to the pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admitted {
    /// A new account.
    Inserted,
    /// An account that was there got the new session.
    Updated,
    /// As updated, and the session brought a workspace the account did not know.
    Rebound,
}

impl Admitted {
    /// The word in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Inserted => "inserted",
            Self::Updated => "updated",
            Self::Rebound => "rebound",
        }
    }
}

impl SignIn {
    /// The record id it gets when it is new.
    pub fn new_key(&self) -> AccountKey {
        let claims = &self.credentials.claims;
        AccountKey::new(record_id(
            &self.at.millis().to_string(),
            claims.workspace_id.as_deref(),
            claims.email.as_deref(),
            self.credentials.refresh.expose(),
        ))
    }

    fn person(&self) -> Person {
        let claims = &self.credentials.claims;
        Person::new(
            claims.workspace_id.as_deref(),
            claims.email.as_deref(),
            Some(self.credentials.refresh.expose()),
        )
    }

    fn arrival(&self) -> Arrival {
        Arrival { at: self.at, by: self.by }
    }

    fn source(&self) -> IdSource {
        if self.credentials.id_token.is_some() { IdSource::IdToken } else { IdSource::Token }
    }
}

impl Roster {
    /// The account a session belongs to, if the pool has it.
    pub fn owner_of(&self, sign_in: &SignIn) -> Option<&Account> {
        let rows: Vec<Person> = self.accounts.iter().map(Person::of).collect();
        identity::find(&rows, &sign_in.person(), Fallback::Allowed).and_then(|index| self.accounts.get(index))
    }

    /// The record id under which a session stands after it was taken in.
    pub fn key_for(&self, sign_in: &SignIn) -> AccountKey {
        self.owner_of(sign_in).map_or_else(|| sign_in.new_key(), |account| account.key.clone())
    }

    /// What taking the session in would do.
    pub fn foresee(&self, sign_in: &SignIn) -> Admitted {
        let Some(owner) = self.owner_of(sign_in) else { return Admitted::Inserted };
        let knows = |seat: &Workspace| owner.workspaces.iter().any(|old| old.id == seat.id);
        if owner.workspaces.is_empty() || sign_in.seats.iter().all(knows) {
            Admitted::Updated
        } else {
            Admitted::Rebound
        }
    }

    /// Takes the session in.
    pub(in crate::domain) fn admit(&mut self, sign_in: &SignIn) {
        let key = self.key_for(sign_in);
        match self.get_mut(&key) {
            Some(account) => account.renew_by(sign_in),
            None => self.accounts.push(fresh(key.clone(), sign_in)),
        }
        if sign_in.place == Place::Active || self.active.is_none() {
            self.active = Some(key.clone());
            for family in Family::ALL {
                self.active_by_family.insert(family, key.clone());
            }
        }
        self.generation += 1;
    }
}

impl Account {
    fn renew_by(&mut self, sign_in: &SignIn) {
        let claims = &sign_in.credentials.claims;
        // Ids of the reference's own binding stay as it wrote them: it matches by them, we send the claim (D17).
        let bound_by_hand =
            matches!(self.id_source, IdSource::Org | IdSource::Manual) && self.account_id.is_some();
        if let (Some(claim), false) = (&claims.workspace_id, bound_by_hand) {
            self.account_id = Some(claim.clone());
            self.id_source = sign_in.source();
        }
        if let Some(email) = &claims.email {
            self.email = Some(email.clone());
        }
        self.credentials = sign_in.credentials.clone().inheriting(&self.credentials);
        self.switch = Switch::On;
        self.invalidation = None;
        self.uncertain_since = None;
        self.last_used = sign_in.at;
        self.arrival = Some(sign_in.arrival());
        self.reseat(sign_in);
    }

    /// The new list, with what is known of each seat kept, and the current one followed by its id.
    fn reseat(&mut self, sign_in: &SignIn) {
        let current = self.workspaces.get(self.current_workspace).map(|seat| seat.id.clone());
        let old = std::mem::take(&mut self.workspaces);
        self.workspaces = sign_in
            .seats
            .iter()
            .map(|seat| match old.iter().find(|known| known.id == seat.id) {
                Some(known) => {
                    Workspace { enabled: known.enabled, disabled_at: known.disabled_at, ..seat.clone() }
                }
                None => seat.clone(),
            })
            .collect();
        let at = |wanted: &dyn Fn(&Workspace) -> bool| self.workspaces.iter().position(wanted);
        self.current_workspace = current
            .and_then(|id| at(&|seat| seat.id == id))
            .or_else(|| at(&|seat| seat.is_default))
            .or_else(|| at(&|seat| seat.enabled))
            .unwrap_or(0);
    }
}

fn fresh(key: AccountKey, sign_in: &SignIn) -> Account {
    let claims = &sign_in.credentials.claims;
    let own = |seat: &Workspace| claims.workspace_id.as_ref() == Some(&seat.id);
    let seats = &sign_in.seats;
    let current =
        seats.iter().position(own).or_else(|| seats.iter().position(|seat| seat.enabled)).unwrap_or(0);
    Account {
        key,
        account_id: claims.workspace_id.clone(),
        id_source: sign_in.source(),
        label: None,
        email: claims.email.clone(),
        credentials: sign_in.credentials.clone(),
        switch: Switch::On,
        added_at: sign_in.at,
        last_used: sign_in.at,
        switch_reason: None,
        limits: std::collections::BTreeMap::new(),
        cooldown: None,
        invalidation: None,
        uncertain_since: None,
        workspaces: seats.clone(),
        current_workspace: current,
        routing: None,
        arrival: Some(sign_in.arrival()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Secret;
    use crate::domain::account::{Claims, Invalidation, Tokens};
    use crate::domain::change::Change;

    const AT: Moment = Moment::from_secs(5_000);

    fn seat(id: &str) -> Workspace {
        Workspace {
            id: id.to_owned(),
            name: None,
            enabled: !id.starts_with("org-"),
            disabled_at: None,
            is_default: false,
        }
    }

    fn sign_in(workspace: &str, email: &str, refresh: &str) -> SignIn {
        SignIn {
            credentials: Credentials {
                refresh: Secret::new(refresh),
                access: Some(Secret::new(format!("at-{refresh}"))),
                id_token: Some(Secret::new(format!("id-{refresh}"))),
                expires_at: Some(Moment::from_secs(9_000)),
                claims: Claims {
                    workspace_id: Some(workspace.to_owned()),
                    email: Some(email.to_owned()),
                    ..Claims::default()
                }
                .into(),
                tokens: Tokens::Here,
            },
            seats: vec![seat(workspace)],
            at: AT,
            place: Place::Behind,
            by: Door::Device,
        }
    }

    fn take(roster: &mut Roster, sign_in: &SignIn) -> Admitted {
        let outcome = roster.foresee(sign_in);
        roster.apply(&Change::SignedIn(Box::new(sign_in.clone())));
        outcome
    }

    #[test]
    fn seats_of_one_workspace_and_workspaces_of_one_person_are_four_accounts() {
        let mut roster = Roster::default();
        for (workspace, email, refresh) in
            [("w1", "a@x.io", "r1"), ("w1", "b@x.io", "r2"), ("w2", "a@x.io", "r3"), ("w2", "b@x.io", "r4")]
        {
            assert_eq!(take(&mut roster, &sign_in(workspace, email, refresh)), Admitted::Inserted);
        }

        assert_eq!(roster.accounts.len(), 4);
        assert_eq!(take(&mut roster, &sign_in("w2", "a@x.io", "r5")), Admitted::Updated);
        assert_eq!(roster.accounts.len(), 4);
        assert_eq!(roster.accounts.get(2).unwrap().credentials.refresh, Secret::new("r5"));
    }

    #[test]
    fn the_first_account_becomes_active_and_later_ones_stand_behind() {
        let mut roster = Roster::default();
        take(&mut roster, &sign_in("w1", "a@x.io", "r1"));
        let first = roster.active.clone();

        take(&mut roster, &sign_in("w2", "b@x.io", "r2"));

        assert_eq!(first, Some(roster.accounts.first().unwrap().key.clone()));
        assert_eq!(roster.active, first);
        let chosen = SignIn { place: Place::Active, ..sign_in("w2", "b@x.io", "r3") };
        take(&mut roster, &chosen);
        assert_eq!(roster.active, Some(roster.accounts.get(1).unwrap().key.clone()));
    }

    #[test]
    fn a_sign_in_keeps_the_pin_and_raises_the_generation() {
        let mut roster = Roster { accounts: vec![Account::sample("home")], ..Roster::default() };
        roster.pin = Some(AccountKey::new("record:home"));
        roster.generation = 7;

        take(&mut roster, &sign_in("w9", "new@x.io", "r1"));

        assert_eq!(roster.pin, Some(AccountKey::new("record:home")));
        assert_eq!(roster.generation, 8);
    }

    #[test]
    fn a_second_sign_in_repairs_the_account_and_keeps_what_is_known() {
        let mut account = Account::sample("home");
        account.invalidation = Some(Invalidation { at: AT, code: None });
        account.uncertain_since = Some(AT);
        account.switch = Switch::Off;
        account.label = Some("mine".to_owned());
        account.workspaces = vec![Workspace { enabled: false, disabled_at: Some(AT), ..seat("ws-home") }];
        let mut roster = Roster { accounts: vec![account], ..Roster::default() };
        let mut again = sign_in("ws-home", "home@example.com", "r-new");
        again.seats.push(seat("org-1"));

        assert_eq!(take(&mut roster, &again), Admitted::Rebound);

        let account = roster.accounts.first().unwrap();
        assert!(account.is_on() && account.invalidation.is_none() && account.uncertain_since.is_none());
        assert_eq!(account.label.as_deref(), Some("mine"));
        assert_eq!(account.last_used, AT);
        assert_eq!(account.workspaces.iter().map(|seat| seat.enabled).collect::<Vec<_>>(), [false, false]);
    }

    #[test]
    fn an_id_the_reference_bound_stays_in_the_row_and_the_claim_is_sent() {
        let mut account = Account::sample("home");
        account.account_id = Some("org-7".to_owned());
        account.id_source = IdSource::Org;
        let mut roster = Roster { accounts: vec![account], ..Roster::default() };

        assert_eq!(take(&mut roster, &sign_in("ws-home", "home@example.com", "r2")), Admitted::Updated);

        let account = roster.accounts.first().unwrap();
        assert_eq!(account.account_id.as_deref(), Some("org-7"));
        assert_eq!(account.workspace_id(), Some("ws-home"));
    }
}
