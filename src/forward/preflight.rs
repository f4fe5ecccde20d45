//! Is the account in `auth.json` alive? (forwarder.md §7, FW-61)
//!
//! The client checks it before its first turn and refuses every turn when that fails, so a dead one is
//! replaced before the launch. Limited is fine: it only has to be signed in. An answer nobody can get is no
//! verdict: the launch goes on and says so. No lock is held over a network call; every write is dropped when
//! the file has become another one meanwhile, and the look begins anew, at most twice.

use std::time::Duration;

use crate::base::{Moment, Span};
use crate::domain::account::{Account, AccountKey, Credentials, IdSource, Switch, Tokens};
use crate::domain::launch::environment::{AUTO_SYNC, FORCE_FILE_STORE};
use crate::domain::model::Family;
use crate::domain::official::{ChatGpt, Login, Stamp, Written};
use crate::domain::problem::{Exit, Hint, Problem};
use crate::domain::refresh::{Outcome, Reason};
use crate::domain::roster::Roster;
use crate::domain::token;
use crate::forward::{Audience, Desk, closed};
use crate::ports::question::Choice;
use crate::ports::upstream::ReadError;
use crate::ports::{Auth as _, Clock as _, Codex, Home, Ports, Question, Store as _, Upstream as _};

/// Everything together.
const BUDGET: Duration = Duration::from_secs(8);
/// One network call.
const CALL: Duration = Duration::from_secs(5);
/// The client refreshes a token with less left by itself.
const FRESH: Span = Span::minutes(5);
/// Accounts tried as a replacement.
const REPLACEMENTS: usize = 3;
/// The file may change under us this often.
const ATTEMPTS: usize = 3;

/// Whether files may be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Writes {
    /// As far as the rules go.
    Allowed,
    /// `…_AUTO_SYNC_ON_STARTUP=0`, or a launch that is only described: look and say.
    Forbidden,
}

enum Verdict {
    Alive(Box<Account>),
    Dead(String),
    Unknown(Box<Account>, String),
}

enum Step {
    Launch,
    Again,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Owner {
    Pool,
    Foreign,
}

impl<P: Ports, H: Home, C: Codex, Q: Question> Desk<P, H, C, Q> {
    /// Checks, repairs or replaces the login the official CLI would use; returns lines for stderr.
    ///
    /// # Errors
    /// When the login is unusable and nothing replaces it, or the answer needs a person.
    pub async fn preflight(&self) -> Result<Vec<String>, Problem> {
        if self.env.denies(FORCE_FILE_STORE) && self.is_elsewhere().await {
            return Ok(Vec::new());
        }
        let writes = if self.env.denies(AUTO_SYNC) { Writes::Forbidden } else { Writes::Allowed };
        self.look(writes).await
    }

    /// Whether the login is kept where we neither read nor write.
    async fn is_elsewhere(&self) -> bool {
        let config = self.home.config(None).await.unwrap_or_default();
        config.credentials_store.is_some_and(|store| store != "file")
    }

    pub(super) async fn look(&self, writes: Writes) -> Result<Vec<String>, Problem> {
        let mut notes = Vec::new();
        match tokio::time::timeout(BUDGET, self.attempts(writes, &mut notes)).await {
            Ok(Ok(())) => Ok(notes),
            Ok(Err(problem)) => Err(closed(problem)),
            Err(_) => {
                self.hint(&mut notes, "the login in auth.json could not be checked in time".to_owned());
                Ok(notes)
            }
        }
    }

    async fn attempts(&self, writes: Writes, notes: &mut Vec<String>) -> Result<(), Problem> {
        for _ in 0..ATTEMPTS {
            if matches!(self.once(writes, notes).await?, Step::Launch) {
                return Ok(());
            }
        }
        self.hint(notes, "auth.json keeps changing; it is used as it is".to_owned());
        Ok(())
    }

    async fn once(&self, writes: Writes, notes: &mut Vec<String>) -> Result<Step, Problem> {
        let roster = self.ports.store().load().await?.roster;
        match self.home.login().await {
            Login::Absent => self.replace(&roster, None, "no login", None, writes, notes).await,
            Login::Unreadable { path, detail } => {
                Err(Problem::new("storage-unreadable", Exit::Failed, format!("{path} cannot be read"))
                    .because(detail)
                    .hint(Hint::Say("The file was left as it is".to_owned())))
            }
            // Somebody's other login was dealt with when the launch was planned.
            Login::Other { .. } => Ok(Step::Launch),
            Login::ChatGpt(login) => self.chatgpt(&login, &roster, writes, notes).await,
        }
    }

    async fn chatgpt(
        &self,
        login: &ChatGpt,
        roster: &Roster,
        writes: Writes,
        notes: &mut Vec<String>,
    ) -> Result<Step, Problem> {
        let now = self.ports.clock().now();
        let newer = self.home.newer(roster).await;
        let adopted;
        let roster = if newer.is_empty() {
            roster
        } else {
            adopted = self.ports.store().commit(newer).await?.roster;
            &*adopted
        };
        if !login.is_sound() && writes == Writes::Allowed {
            match self.home.repair(&login.stamp, now).await {
                Ok(Written::Done | Written::Changed) => return Ok(Step::Again),
                Ok(Written::Unchanged) => {}
                Ok(Written::Skipped(why)) | Err(why) => {
                    self.hint(notes, format!("auth.json was not repaired: {why}"));
                }
            }
        }
        let Some(account) = roster.accounts.iter().find(|account| login.is(account)) else {
            return self.foreign(login, roster, writes, notes).await;
        };
        if writes == Writes::Allowed
            && let Err(why) = self.home.write_back(account, now).await
        {
            self.hint(notes, format!("auth.json was not brought up to date: {why}"));
        }
        match self.verdict(account, Owner::Pool, writes).await {
            Verdict::Alive(_) => Ok(Step::Launch),
            Verdict::Unknown(_, why) => {
                self.hint(notes, format!("the login in auth.json could not be checked: {why}"));
                Ok(Step::Launch)
            }
            Verdict::Dead(why) => {
                let old = self.named(roster, account);
                let old = format!("{old} ({why})");
                self.replace(roster, Some(&login.stamp), &old, Some(&account.key), writes, notes).await
            }
        }
    }

    /// A login that is not in the pool stays as long as it lives, and goes only with a yes.
    async fn foreign(
        &self,
        login: &ChatGpt,
        roster: &Roster,
        writes: Writes,
        notes: &mut Vec<String>,
    ) -> Result<Step, Problem> {
        let why = match self.verdict(&visitor(login), Owner::Foreign, writes).await {
            Verdict::Alive(_) => {
                self.hint(notes, format!("auth.json holds {}, which is not in the pool", login.name()));
                return Ok(Step::Launch);
            }
            Verdict::Unknown(_, why) => {
                self.hint(notes, format!("the login in auth.json could not be checked: {why}"));
                return Ok(Step::Launch);
            }
            Verdict::Dead(why) => why,
        };
        let name = match self.audience {
            Audience::Person => login.name(),
            Audience::Script => "an account that is not in the pool".to_owned(),
        };
        let old = format!("{name} ({why})");
        if writes == Writes::Forbidden {
            return self.replace(roster, Some(&login.stamp), &old, None, writes, notes).await;
        }
        let lines = vec![format!("auth.json holds {old}; Codex cannot start with it.")];
        let choices = vec![
            Choice { letter: 'r', text: "replace it by an account of the pool (the old file is kept)" },
            Choice { letter: 'c', text: "cancel" },
        ];
        match self.question.ask(lines, choices).await {
            Some('r') => self.replace(roster, Some(&login.stamp), &old, None, writes, notes).await,
            Some(_) => Err(Problem::new("cancelled", Exit::Cancelled, "cancelled; auth.json is as it was")),
            None => {
                let number = order(roster, None, self.ports.clock().now())
                    .first()
                    .and_then(|account| roster.index_of(&account.key))
                    .map_or(1, |index| index + 1);
                Err(Problem::new("needs-answer", Exit::Cancelled, format!("auth.json holds {old}"))
                    .because("it is not in the pool, so it is not replaced without asking")
                    .hint(Hint::Run(format!("switch {number}"))))
            }
        }
    }

    /// Puts a live account of the pool into `auth.json`.
    async fn replace(
        &self,
        roster: &Roster,
        seen: Option<&Stamp>,
        old: &str,
        dead: Option<&AccountKey>,
        writes: Writes,
        notes: &mut Vec<String>,
    ) -> Result<Step, Problem> {
        if writes == Writes::Forbidden {
            notes.push(format!("auth.json holds {old}; it was left as it is"));
            return Ok(Step::Launch);
        }
        let now = self.ports.clock().now();
        let mut refusals = Vec::new();
        let mut fallback = None;
        for account in order(roster, dead, now).into_iter().take(REPLACEMENTS) {
            match self.verdict(account, Owner::Pool, writes).await {
                Verdict::Alive(account) => return self.write(roster, seen, old, &account, notes).await,
                Verdict::Unknown(account, _) => {
                    fallback.get_or_insert(account);
                }
                Verdict::Dead(why) => refusals.push(format!("{}: {why}", self.named(roster, account))),
            }
        }
        // Nobody could be asked: an account that is not known to be dead beats one that is.
        if let Some(account) = fallback {
            return self.write(roster, seen, old, &account, notes).await;
        }
        let mut problem = Problem::new(
            "needs-login",
            Exit::Attention,
            format!("auth.json holds {old}, and no account of the pool can take its place"),
        );
        for why in refusals {
            problem = problem.because(why);
        }
        Err(problem)
    }

    async fn write(
        &self,
        roster: &Roster,
        seen: Option<&Stamp>,
        old: &str,
        account: &Account,
        notes: &mut Vec<String>,
    ) -> Result<Step, Problem> {
        let new = self.named(roster, account);
        match self.home.replace(seen, account, self.ports.clock().now()).await {
            Ok(Written::Done) => {
                notes.push(format!("auth.json held {old}; it holds {new} now"));
                Ok(Step::Launch)
            }
            Ok(Written::Unchanged) => Ok(Step::Launch),
            Ok(Written::Changed) => Ok(Step::Again),
            Ok(Written::Skipped(why)) | Err(why) => {
                Err(Problem::new("storage-unreadable", Exit::Failed, format!("auth.json holds {old}"))
                    .because(format!("{new} could not be written into it: {why}")))
            }
        }
    }

    /// Whether the back end lets this account in; its tokens are brought up to date first.
    async fn verdict(&self, account: &Account, owner: Owner, writes: Writes) -> Verdict {
        let now = self.ports.clock().now();
        if account.invalidation.is_some() {
            return Verdict::Dead("signed out".to_owned());
        }
        let mut account = account.clone();
        let is_due = account.needs_refresh(now, FRESH);
        if owner == Owner::Foreign && is_due {
            return Verdict::Unknown(
                Box::new(account),
                "its token has run out; Codex refreshes it by itself".to_owned(),
            );
        }
        let lacks_id = owner == Owner::Pool && account.credentials.id_token.is_none();
        let mut refreshed = false;
        if (is_due || lacks_id) && owner == Owner::Pool && writes == Writes::Allowed {
            refreshed = true;
            if let Err(verdict) = self.renew(&mut account, Reason::ProactiveExpiry, now).await {
                return verdict;
            }
        }
        loop {
            if self.was_alive(&account, now).await {
                return Verdict::Alive(Box::new(account));
            }
            let answer = tokio::time::timeout(CALL, self.ports.upstream().routing(&account)).await;
            match answer {
                Ok(Ok(_)) => {
                    self.remember(&account, now).await;
                    return Verdict::Alive(Box::new(account));
                }
                Ok(Err(ReadError::Refused))
                    if owner == Owner::Pool && !refreshed && writes == Writes::Allowed =>
                {
                    refreshed = true;
                    if let Err(verdict) = self.renew(&mut account, Reason::UnauthorizedRecovery, now).await {
                        return verdict;
                    }
                }
                Ok(Err(ReadError::Refused)) => return Verdict::Dead("its sign-in was refused".to_owned()),
                Ok(Err(ReadError::Unavailable(why))) => return Verdict::Dead(why),
                Ok(Err(ReadError::NoToken)) => return Verdict::Dead("it has no usable token".to_owned()),
                Ok(Err(other @ (ReadError::Status(_) | ReadError::Invalid(_) | ReadError::Transport(_)))) => {
                    return Verdict::Unknown(Box::new(account), other.to_string());
                }
                Err(_) => return Verdict::Unknown(Box::new(account), "no answer in time".to_owned()),
            }
        }
    }

    /// Refreshes through the pool's one owner; `Err` is the verdict when that decides it.
    async fn renew(&self, account: &mut Account, reason: Reason, now: Moment) -> Result<(), Verdict> {
        let stale = account.credentials.access.clone();
        match self.ports.auth().refresh(&account.key, reason, stale).await {
            Outcome::Renewed(credentials) | Outcome::Adopted(credentials) => {
                let id_token = account.credentials.id_token.take();
                account.credentials = *credentials;
                account.credentials.id_token = account.credentials.id_token.take().or(id_token);
                Ok(())
            }
            Outcome::Dead { code } => Err(Verdict::Dead(format!("signed out: {code}"))),
            Outcome::Uncertain { .. } => {
                Err(Verdict::Dead("its last refresh was cut and its outcome is unknown".to_owned()))
            }
            Outcome::Missing => Err(Verdict::Dead("it has no refresh token".to_owned())),
            Outcome::Refused { why } | Outcome::Transient { why, .. } => {
                if reason == Reason::ProactiveExpiry && !account.needs_refresh(now, Span::ZERO) {
                    return Ok(());
                }
                Err(Verdict::Unknown(Box::new(account.clone()), why))
            }
        }
    }

    async fn was_alive(&self, account: &Account, now: Moment) -> bool {
        let (Some(workspace), Some(access)) = (account.workspace_id(), &account.credentials.access) else {
            return false;
        };
        let memory =
            self.ports.store().settings().await.map_or(Span::ZERO, |settings| settings.preflight_cache);
        self.codex.was_alive(workspace, &token::hash(access), now - memory).await
    }

    async fn remember(&self, account: &Account, now: Moment) {
        if let (Some(workspace), Some(access)) = (account.workspace_id(), &account.credentials.access) {
            self.codex.is_alive(workspace, &token::hash(access), now).await;
        }
    }

    /// A line only a person needs.
    fn hint(&self, notes: &mut Vec<String>, line: String) {
        if self.audience == Audience::Person {
            notes.push(line);
        }
    }
}

/// The order in which accounts are tried: the selected one, then those that could serve, then the others
/// that could at least sign in.
fn order<'a>(roster: &'a Roster, dead: Option<&AccountKey>, now: Moment) -> Vec<&'a Account> {
    let active = roster.active_of(Family::Codex).map(|account| account.key.clone());
    let mut accounts: Vec<&Account> = roster
        .accounts
        .iter()
        .filter(|account| account.is_on() && account.invalidation.is_none() && Some(&account.key) != dead)
        .filter(|account| account.workspace_id().is_some() && account.has_usable_workspace())
        .collect();
    accounts.sort_by_key(|account| {
        let rests = account.cooling_until(now).is_some()
            || account.limited_until(Family::Codex, None, now).is_some()
            || account.uncertain_since.is_some();
        (active.as_ref() != Some(&account.key), rests)
    });
    accounts
}

/// The file's login as an account, for one check.
fn visitor(login: &ChatGpt) -> Account {
    Account {
        key: AccountKey::new("auth.json"),
        account_id: login.account_id.clone(),
        id_source: IdSource::IdToken,
        label: None,
        email: login.claims.email.clone(),
        credentials: Credentials {
            refresh: login.refresh.clone().unwrap_or_default(),
            access: login.access.clone(),
            id_token: login.id_token.clone(),
            expires_at: login.claims.expires_at,
            claims: login.claims.clone().into(),
            tokens: Tokens::Here,
        },
        switch: Switch::On,
        added_at: Moment::EPOCH,
        last_used: Moment::EPOCH,
        switch_reason: None,
        limits: std::collections::BTreeMap::new(),
        cooldown: None,
        invalidation: None,
        uncertain_since: None,
        workspaces: Vec::new(),
        current_workspace: 0,
        routing: None,
        arrival: None,
    }
}
