//! Seats: the workspaces a login knows, and where upstream wants their traffic.

use crate::base::Moment;
use crate::domain::account::{Account, AccountKey};
use crate::domain::roster::Roster;

/// A workspace listed for a login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workspace {
    /// Workspace account id, or an `org-` id kept for information only.
    pub id: String,
    /// Display name.
    pub name: Option<String>,
    /// Whether it may be used.
    pub enabled: bool,
    /// When upstream said it is gone.
    pub disabled_at: Option<Moment>,
    /// Upstream's default.
    pub is_default: bool,
}

/// What routing discovery said about one account (codex-client.md §4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Routing {
    /// Origin (`scheme://host[:port]`) for all `backend-api` requests; `None` = no constraint.
    pub origin: Option<String>,
    /// Value of `x-openai-account-routing-override`; `None` = no header.
    pub over: Option<String>,
    /// When it was learnt.
    pub checked_at: Moment,
}

/// What choosing a workspace comes to. A sign-in belongs to one workspace (decisions.md D17, D21).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seat {
    /// The account sits there already.
    Own,
    /// Another account of the same person sits there.
    Held(AccountKey),
    /// Nobody of the pool is signed in to it: its id.
    Foreign(String),
    /// It is switched off or gone.
    Disabled,
    /// A platform organisation, kept for information.
    Informational,
    /// There is no such place.
    Unknown,
}

impl Workspace {
    /// Whether it is a platform organisation: never sent, never chosen.
    pub fn is_informational(&self) -> bool {
        self.id.starts_with("org-")
    }

    /// The name that people gave it; `None` where the stored one was made of the token it came with
    /// (storage.md §5.4). The end of the id that a stored name carries is left out.
    pub fn given_name(&self) -> Option<&str> {
        let name = self.name.as_deref()?;
        let name = name.split(" [id:").next().unwrap_or(name).trim();
        let made = ["Token account", "ID token account", ""];
        (!made.contains(&name)).then_some(name)
    }
}

/// Where the account's own workspace stands in its list.
pub fn own_seat(account: &Account) -> Option<usize> {
    let own = account.workspace_id();
    let found = account.workspaces.iter().position(|seat| own == Some(seat.id.as_str()));
    found.or_else(|| account.workspaces.get(account.current_workspace).map(|_| account.current_workspace))
}

/// What choosing the workspace at `place` comes to.
pub fn choose_seat(account: &Account, place: usize, roster: &Roster) -> Seat {
    let Some(seat) = account.workspaces.get(place) else { return Seat::Unknown };
    if account.workspace_id() == Some(seat.id.as_str()) {
        return Seat::Own;
    }
    if seat.is_informational() {
        return Seat::Informational;
    }
    if !seat.enabled {
        return Seat::Disabled;
    }
    let same_person = |other: &&Account| {
        let (ours, theirs) = (&account.credentials.claims.subject, &other.credentials.claims.subject);
        match (ours, theirs) {
            (Some(ours), Some(theirs)) => ours == theirs,
            _ => account.email.is_some() && account.email == other.email,
        }
    };
    let held = roster
        .accounts
        .iter()
        .filter(|other| other.key != account.key && other.workspace_id() == Some(seat.id.as_str()))
        .find(same_person);
    held.map_or_else(|| Seat::Foreign(seat.id.clone()), |other| Seat::Held(other.key.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seat(id: &str, enabled: bool) -> Workspace {
        Workspace { id: id.to_owned(), name: None, enabled, disabled_at: None, is_default: false }
    }

    #[test]
    fn only_a_name_that_people_gave_is_told() {
        for (stored, told) in [
            (None, None),
            (Some("Token account [id:abc123]"), None),
            (Some("ID token account [id:abc123]"), None),
            (Some("Acme (team, role:owner) [id:x1]"), Some("Acme (team, role:owner)")),
            (Some("Personal"), Some("Personal")),
        ] {
            let seat = Workspace { name: stored.map(str::to_owned), ..seat("ws-one", true) };
            assert_eq!(seat.given_name(), told, "{stored:?}");
        }
    }

    #[test]
    fn a_workspace_is_reached_through_the_account_that_sits_in_it() {
        let mut one = Account::sample("one");
        one.workspaces = vec![
            seat("ws-one", true),
            seat("ws-two", true),
            seat("ws-three", true),
            seat("ws-off", false),
            seat("org-x", true),
        ];
        let mut two = Account::sample("two");
        two.email.clone_from(&one.email);
        let mut stranger = Account::sample("three");
        stranger.credentials.claims.subject = Some("somebody else".to_owned());
        let roster = Roster { accounts: vec![one.clone(), two.clone(), stranger], ..Roster::default() };
        let of = |place| choose_seat(&one, place, &roster);

        assert_eq!(own_seat(&one), Some(0));
        assert_eq!(
            [of(0), of(1), of(2), of(3), of(4), of(5)],
            [
                Seat::Own,
                Seat::Held(two.key.clone()),
                Seat::Foreign("ws-three".to_owned()),
                Seat::Disabled,
                Seat::Informational,
                Seat::Unknown,
            ]
        );
    }
}
