//! Sign-ins found elsewhere on this computer (login.md §14), and which of them may be taken over.
//!
//! Freshness is judged without the network: the newest of what the file says, what its token says and when it was
//! written. A refresh token is good once, so of several copies of one account only the newest is worth taking.

use crate::base::Moment;
use crate::domain::account::{Account, AccountKey, Credentials, Door};
use crate::domain::login::admission::{Place, SignIn};
use crate::domain::roster::Roster;
use crate::domain::vault::Run;
use crate::domain::workspace::Workspace;

/// What a file looked like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shape {
    /// `auth.json` of the official CLI, or a copy of it.
    Official,
    /// One flat object per account.
    Flat,
    /// A pool of ours or of the reference.
    Pool,
    /// Some other list of accounts.
    List,
}

impl Shape {
    /// The word in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Official => "auth-json",
            Self::Flat => "flat",
            Self::Pool => "pool",
            Self::List => "list",
        }
    }
}

/// What may become of a find.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Nobody in the pool has this account.
    New,
    /// The pool has the account with older tokens.
    Newer,
    /// The pool has it, and nothing here is newer.
    AlreadyHere,
    /// Another find of the same account is newer.
    StaleCopy,
    /// An API key or another kind of login.
    NotChatGpt,
    /// Nobody can read it.
    Unreadable,
}

impl State {
    /// The word in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Newer => "newer",
            Self::AlreadyHere => "already-here",
            Self::StaleCopy => "stale-copy",
            Self::NotChatGpt => "not-chatgpt",
            Self::Unreadable => "unreadable",
        }
    }

    /// The words on a screen.
    pub const fn title(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Newer => "newer tokens",
            Self::AlreadyHere => "already here",
            Self::StaleCopy => "stale copy",
            Self::NotChatGpt => "no sign-in",
            Self::Unreadable => "unreadable",
        }
    }

    /// Whether it can be taken over.
    pub const fn is_selectable(self) -> bool {
        matches!(self, Self::New | Self::Newer)
    }
}

/// One sign-in in one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Find {
    /// The file.
    pub source: String,
    /// Its place in the file, for files that hold several.
    pub place: usize,
    /// What the file looked like.
    pub shape: Shape,
    /// The tokens; `None` for what is no sign-in.
    pub credentials: Option<Credentials>,
    /// Workspaces the tokens list.
    pub seats: Vec<Workspace>,
    /// The newest time that speaks for it.
    pub fresh_at: Option<Moment>,
    /// What may become of it.
    pub state: State,
    /// Whose it is in the pool; after a take-over, whose it became.
    pub key: Option<AccountKey>,
}

impl Find {
    /// Something that is no sign-in.
    pub fn unusable(source: String, shape: Shape, state: State) -> Self {
        Self {
            source,
            place: 0,
            shape,
            credentials: None,
            seats: Vec::new(),
            fresh_at: None,
            state,
            key: None,
        }
    }

    /// How people call its account.
    pub fn label(&self) -> Option<&str> {
        self.credentials.as_ref()?.claims.email.as_deref()
    }

    /// Its workspace.
    pub fn workspace(&self) -> Option<&str> {
        self.credentials.as_ref()?.claims.workspace_id.as_deref()
    }

    /// The session as a pool takes it in.
    pub fn sign_in(&self, at: Moment, place: Place) -> Option<SignIn> {
        let (credentials, seats) = (self.credentials.clone()?, self.seats.clone());
        Some(SignIn { credentials, seats, at, place, by: Door::Import })
    }

    fn is_same_person(&self, other: &Self) -> bool {
        let (Some(own), Some(theirs)) = (&self.credentials, &other.credentials) else { return false };
        if own.refresh == theirs.refresh {
            return true;
        }
        let (own, theirs) = (&own.claims, &theirs.claims);
        own.workspace_id.is_some()
            && own.workspace_id == theirs.workspace_id
            && own.email == theirs.email
            && own.email.is_some()
    }
}

/// What a look found, and what was taken over.
#[derive(Debug, Clone, PartialEq)]
pub struct Haul {
    /// Whether anything could be written.
    pub run: Run,
    /// Every find, in the order of the places looked at.
    pub finds: Vec<Find>,
    /// Which of them were chosen: `finds` positions.
    pub chosen: Vec<usize>,
    /// New accounts.
    pub imported: usize,
    /// Accounts of the pool now.
    pub total: usize,
}

/// Judges every find against the pool and against the others.
pub fn judge(finds: &mut [Find], roster: &Roster, at: Moment) {
    for place in 0..finds.len() {
        let Some(find) = finds.get(place) else { continue };
        let Some(sign_in) = find.sign_in(at, Place::Behind) else { continue };
        let beaten = finds.iter().enumerate().any(|(other, rival)| {
            other != place && find.is_same_person(rival) && (rival.fresh_at, place) > (find.fresh_at, other)
        });
        let owner = roster.owner_of(&sign_in);
        let state = match owner {
            Some(account) if !is_newer(find, account) => State::AlreadyHere,
            _ if beaten => State::StaleCopy,
            Some(_) => State::Newer,
            None => State::New,
        };
        let key = owner.map(|account| account.key.clone());
        if let Some(find) = finds.get_mut(place) {
            find.state = state;
            find.key = key;
        }
    }
}

/// The newest tokens that a look at an imported account's source shows for it; `None` when the account's own are as
/// new, or when the file holds somebody else by now.
pub fn newer_for(finds: &[Find], account: &Account, roster: &Roster, at: Moment) -> Option<Credentials> {
    let is_own = |find: &&Find| {
        let sign_in = find.sign_in(at, Place::Behind);
        let owner = sign_in.as_ref().and_then(|sign_in| roster.owner_of(sign_in));
        owner.is_some_and(|owner| owner.key == account.key)
    };
    let newer = finds.iter().filter(is_own).filter(|find| is_newer(find, account));
    newer.max_by_key(|find| find.fresh_at)?.credentials.clone()
}

/// Whether a find has newer tokens than the pool: by what both tokens say, and only without that by other times.
fn is_newer(find: &Find, account: &Account) -> bool {
    let Some(own) = &find.credentials else { return false };
    let theirs = &account.credentials;
    if own.refresh == theirs.refresh {
        return false;
    }
    match (own.claims.issued_at, theirs.claims.issued_at) {
        (Some(own), Some(theirs)) => own > theirs,
        _ => match (own.expires_at, theirs.expires_at) {
            (Some(own), Some(theirs)) => own > theirs,
            _ => find.fresh_at > Some(account.last_used.max(account.added_at)),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::account::Account;

    fn find(name: &str, refresh: &str, hour: i64) -> Find {
        let mut credentials = Account::sample(name).credentials;
        credentials.refresh = crate::base::Secret::from(refresh);
        credentials.claims.issued_at = Some(Moment::from_secs(hour * 3_600));
        Find {
            credentials: Some(credentials),
            fresh_at: Some(Moment::from_secs(hour * 3_600)),
            ..Find::unusable(format!("/{refresh}"), Shape::Official, State::New)
        }
    }

    fn pool(name: &str, refresh: &str, hour: i64) -> Roster {
        let mut account = Account::sample(name);
        account.credentials = find(name, refresh, hour).credentials.unwrap();
        Roster { accounts: vec![account], ..Roster::default() }
    }

    #[test]
    fn a_source_is_asked_only_about_its_own_account_and_only_for_newer_tokens() {
        let roster = pool("alpha", "pool", 5);
        let alpha = roster.accounts.first().unwrap();
        for (name, finds, expected) in [
            ("newer", vec![find("alpha", "later", 6)], Some("later")),
            ("of several the newest", vec![find("alpha", "a", 6), find("alpha", "b", 7)], Some("b")),
            ("older", vec![find("alpha", "earlier", 4)], None),
            ("the same", vec![find("alpha", "pool", 6)], None),
            ("somebody else", vec![find("zulu", "later", 6)], None),
        ] {
            let newer = newer_for(&finds, alpha, &roster, Moment::EPOCH);

            assert_eq!(newer.as_ref().map(|tokens| tokens.refresh.expose()), expected, "{name}");
        }
    }

    #[test]
    fn only_the_newest_copy_of_an_account_can_be_taken() {
        let mut finds = [
            find("zulu", "old", 1),
            find("zulu", "new", 3),
            find("yank", "one", 2),
            find("alpha", "pool", 9),
        ];

        judge(&mut finds, &pool("alpha", "pool", 9), Moment::EPOCH);

        let states: Vec<State> = finds.iter().map(|find| find.state).collect();
        assert_eq!(states, [State::StaleCopy, State::New, State::New, State::AlreadyHere]);
    }

    #[test]
    fn two_equal_copies_leave_the_first() {
        let mut finds = [find("zulu", "same", 1), find("zulu", "same", 1)];

        judge(&mut finds, &Roster::default(), Moment::EPOCH);

        assert_eq!(finds.map(|find| find.state), [State::New, State::StaleCopy]);
    }

    #[test]
    fn newer_tokens_of_an_account_of_the_pool_are_worth_taking_and_older_ones_are_not() {
        let mut finds = [find("alpha", "later", 9)];
        judge(&mut finds, &pool("alpha", "pool", 5), Moment::EPOCH);
        assert_eq!(finds[0].state, State::Newer);

        let mut finds = [find("alpha", "earlier", 1)];
        judge(&mut finds, &pool("alpha", "pool", 5), Moment::EPOCH);
        assert_eq!(finds[0].state, State::AlreadyHere);
    }
}
