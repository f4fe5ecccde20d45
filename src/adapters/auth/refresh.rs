//! One refresh, from "are these tokens still the newest?" to "the new ones are safe".
//!
//! Order is everything here. Before the call: look for newer tokens in every place they may have appeared, take
//! the machine's turn, look again, make the intent durable. After it: make the answer durable, put it into the
//! pool, mirror it to `auth.json`, and only then forget the intent. A token is sent at most once; when its
//! answer is lost, the account is marked uncertain and never guessed about.

use std::io;

use crate::adapters::auth::renewal::{adoption, is_news};
use crate::adapters::auth::{Shared, TURN_WITHIN, later, lease, lock};
use crate::adapters::fault;
use crate::base::{Moment, Secret, Span};
use crate::domain::account::{Account, AccountKey, Credentials, Invalidation};
use crate::domain::change::Change;
use crate::domain::login::device::budget;
use crate::domain::login::limit::{Act, TooMany};
use crate::domain::refresh::past::{Ask, Bar, Others};
use crate::domain::refresh::{Outcome, Reason, is_fatal};
use crate::domain::roster::Roster;
use crate::domain::token;
use crate::ports::home::Home;
use crate::ports::store::{Loaded, StoreError};
use crate::ports::{Clock, Entropy, Store};

/// Tokens with more than this left are not due by themselves.
const NOT_DUE: Span = Span::minutes(5);

/// Whether a look found an answer, or an account whose token has to be spent.
pub(super) enum Look {
    Found(Outcome),
    Spend(Box<Account>),
}

/// What the caller holds against the stored access token.
pub(super) struct Stale {
    token: Option<Secret>,
    /// Whether the caller named the token or merely asked.
    named: bool,
}

impl Stale {
    /// The caller has seen this very token fail.
    pub(super) fn named(token: Option<Secret>) -> Self {
        Self { token, named: true }
    }
}

impl<S: Store, H: Home, C: Clock, E: Entropy> Shared<S, H, C, E> {
    /// Runs one refresh.
    pub(super) async fn refresh(&self, key: &AccountKey, reason: Reason, stale: Option<Secret>) -> Outcome {
        self.try_refresh(key, reason, stale).await.unwrap_or_else(|error| later(error.to_string()))
    }

    async fn try_refresh(
        &self,
        key: &AccountKey,
        reason: Reason,
        stale: Option<Secret>,
    ) -> Result<Outcome, RefreshError> {
        let named = stale.is_some();
        // What is stored now is what somebody without a token of his own is unhappy with.
        let token = match stale {
            Some(token) => Some(token),
            None => self.store.load().await?.roster.get(key).and_then(|row| row.credentials.access.clone()),
        };
        let stale = Stale { token, named };
        if let Look::Found(outcome) = self.look(key, reason, &stale).await? {
            return self.show(key, outcome).await;
        }
        let mut turn = tokio::select! {
            () = self.stopping.cancelled() => return Ok(later("the program is ending")),
            turn = self.turnstile.enter(TURN_WITHIN) => turn?,
        };
        fault::pass("refresh.locked")?;
        self.settle().await?;
        let (account, held) = match self.claim(key, reason, &stale).await? {
            Claim::Found(outcome) => return self.show(key, outcome).await,
            Claim::Held(account, held) => (account, held),
        };
        let spent = async {
            fault::pass("refresh.leased")?;
            turn.space().await;
            self.spend(&account, reason, &mut turn).await
        };
        let outcome = spent.await;
        held.release();
        if matches!(outcome, Ok(Outcome::Transient { .. } | Outcome::Refused { .. })) {
            lock(&self.attempts).note(&Act::failure(key.as_str()), self.clock.now());
        }
        outcome
    }

    /// What stands against sending an account's token is shown in the pool, even when it was another pool, or a
    /// copy of this one, that learnt it.
    async fn show(&self, key: &AccountKey, outcome: Outcome) -> Result<Outcome, RefreshError> {
        let loaded = self.store.load().await?;
        let Some(account) = loaded.roster.get(key).filter(|account| account.invalidation.is_none()) else {
            return Ok(outcome);
        };
        match &outcome {
            Outcome::Dead { code } => self.invalidate(account, code.clone()).await?,
            Outcome::Uncertain { since } if account.uncertain_since.is_none() => {
                let change = Change::BecameUncertain { key: key.clone(), at: *since };
                self.store.commit(vec![change]).await?;
            }
            Outcome::Uncertain { .. }
            | Outcome::Renewed(_)
            | Outcome::Adopted(_)
            | Outcome::Transient { .. }
            | Outcome::Refused { .. }
            | Outcome::Missing => {}
        }
        Ok(outcome)
    }

    /// Looks for newer tokens everywhere, and for reasons not to make a call.
    pub(super) async fn look(
        &self,
        key: &AccountKey,
        reason: Reason,
        stale: &Stale,
    ) -> Result<Look, RefreshError> {
        let mut loaded = self.store.load().await?;
        let Some(mut account) = loaded.roster.get(key).cloned() else {
            return Ok(Look::Found(Outcome::Missing));
        };
        if let Some(tokens) = self.usable(&account, reason, stale) {
            return Ok(Look::Found(Outcome::Adopted(Box::new(tokens))));
        }
        for source in [Source::Memory, Source::Result, Source::Official, Source::Origin] {
            let Some(found) = self.newer(source, &loaded, &account).await else { continue };
            loaded = self.store.commit(vec![found]).await?;
            fault::pass("adopt.saved")?;
            let Some(row) = loaded.roster.get(key).cloned() else { return Ok(Look::Found(Outcome::Missing)) };
            account = row;
            if let Some(tokens) = self.usable(&account, reason, stale) {
                return Ok(Look::Found(Outcome::Adopted(Box::new(tokens))));
            }
        }
        Ok(self
            .objection(&loaded.roster, &account, reason)
            .map_or_else(|| Look::Spend(Box::new(account)), Look::Found))
    }

    /// The stored tokens, when they are others than the caller's and still run.
    fn usable(&self, account: &Account, reason: Reason, stale: &Stale) -> Option<Credentials> {
        let now = self.clock.now();
        let tokens = &account.credentials;
        let is_other = tokens.access.is_some() && tokens.access != stale.token;
        let runs = |at| tokens.expires_at.is_none_or(|end| end > at);
        // Without an id token the official client cannot be served: those who ask early ask for it.
        let is_early = !stale.named
            && tokens.access.is_some()
            && tokens.id_token.is_some()
            && matches!(reason, Reason::ProactiveExpiry | Reason::Scheduled)
            && tokens.expires_at.is_some_and(|end| end > now + NOT_DUE);
        ((is_other && runs(now)) || is_early).then(|| tokens.clone())
    }

    async fn newer(&self, source: Source, loaded: &Loaded, account: &Account) -> Option<Change> {
        let hash = token::hash(&account.credentials.refresh);
        let kept = match source {
            Source::Memory => lock(&self.unsaved).get(&hash).cloned(),
            Source::Result => self.leases.result_of(&hash),
            Source::Official => {
                let changes = self.official(&loaded.roster).await;
                return changes
                    .into_iter()
                    .find(|change| matches!(change, Change::Renewed { key, .. } if *key == account.key));
            }
            Source::Origin => return self.origin(loaded, account),
        };
        kept.filter(|lease| is_news(account, lease)).map(|lease| adoption(account, &lease))
    }

    /// Why this account's token must not be spent, if so.
    fn objection(&self, roster: &Roster, account: &Account, reason: Reason) -> Option<Outcome> {
        let token = &account.credentials.refresh;
        // A later version keeps its tokens in the system's keyring and leaves such a marker.
        if token.is_blank() || token.expose().starts_with("keychain:") {
            return Some(Outcome::Missing);
        }
        let ask = Ask { reason, others: Others::beside(roster, &account.key), at: self.clock.now() };
        let bar = self.bar(&token::hash(token), account.uncertain_since, ask);
        if let Some(Bar::Dead(code)) = bar {
            return Some(Outcome::Dead { code });
        }
        if let Some(Invalidation { code, .. }) = &account.invalidation {
            let code = code.as_deref().unwrap_or("token_invalidated");
            // An access token refused by the back end may still have a living refresh token; the user may try.
            if is_fatal(code) || reason != Reason::Forced {
                return Some(Outcome::Dead { code: code.to_owned() });
            }
        }
        let since = || self.memory.recall().of(&token::hash(token)).map_or(ask.at, |trace| trace.at);
        bar.map(|_| Outcome::Uncertain { since: account.uncertain_since.unwrap_or_else(since) })
    }

    /// Looks again now that nobody of ours can be at work, and takes the lease a running reference respects.
    async fn claim(&self, key: &AccountKey, reason: Reason, stale: &Stale) -> Result<Claim, RefreshError> {
        let mut waited = Span::ZERO;
        loop {
            let account = match self.look(key, reason, stale).await? {
                Look::Found(outcome) => return Ok(Claim::Found(outcome)),
                Look::Spend(account) => account,
            };
            // Whoever hammers an endpoint that refuses is told how long the minute still takes.
            let allowed = lock(&self.attempts).check(&Act::failure(key.as_str()), self.clock.now());
            if let Err(TooMany { wait }) = allowed {
                let why = format!("five refreshes failed within a minute, wait {}", budget(wait));
                return Ok(Claim::Found(Outcome::Transient { wait, why }));
            }
            let hash = token::hash(&account.credentials.refresh);
            if let Some(held) = self.leases.claim(&hash, &self.nonce(), self.clock.now())? {
                return Ok(Claim::Held(account, held));
            }
            let rules = self.leases.rules;
            if waited >= rules.wait {
                return Ok(Claim::Found(later("another program is refreshing this account")));
            }
            self.clock.sleep(rules.poll).await;
            waited = waited + rules.poll;
        }
    }

    fn bar(&self, hash: &str, uncertain_since: Option<Moment>, ask: Ask) -> Option<Bar> {
        let here = lock(&self.past).bar(hash, None, ask);
        here.or_else(|| self.memory.recall().bar(hash, uncertain_since, ask))
    }

    fn nonce(&self) -> String {
        let mut bytes = [0; 16];
        self.entropy.fill(&mut bytes);
        format!("{:032x}", u128::from_be_bytes(bytes))
    }
}

enum Claim {
    Found(Outcome),
    Held(Box<Account>, lease::Held),
}

/// Where newer tokens may have appeared, in the order of trust.
#[derive(Clone, Copy)]
enum Source {
    Memory,
    Result,
    Official,
    Origin,
}

/// Why a refresh ended on our side.
#[derive(Debug, thiserror::Error)]
pub(super) enum RefreshError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Files(#[from] io::Error),
    #[error(transparent)]
    Lock(#[from] crate::adapters::disk::lock::LockError),
}
