//! One refresh, from "are these tokens still the newest?" to "the new ones are safe".
//!
//! Order is everything here. Before the call: look for newer tokens in every place they may have appeared, take
//! the machine's turn, look again, make the intent durable. After it: make the answer durable, put it into the
//! pool, mirror it to `auth.json`, and only then forget the intent. A token is sent at most once; when its
//! answer is lost, the account is marked uncertain and never guessed about.

use std::io;

use bytes::Bytes;
use http::StatusCode;
use http::header::HeaderValue;

use crate::adapters::auth::call::{self, Answer};
use crate::adapters::auth::{Shared, TURN_WITHIN, intent, later, lease, lock};
use crate::adapters::disk::atomic;
use crate::adapters::fault;
use crate::base::{Moment, Secret, Span};
use crate::domain::account::{Account, AccountKey, Cooldown, CooldownReason, Credentials, Invalidation};
use crate::domain::change::Change;
use crate::domain::refresh::{
    BAD_ANSWERS, Intent, Outcome, Reason, Sentence, UNREADABLE, WRONG_IDENTITY, is_fatal, is_same_identity,
};
use crate::domain::settings::Settings;
use crate::domain::token;
use crate::formats::leases::Lease;
use crate::formats::{jwt, oauth_wire};
use crate::ports::home::Home;
use crate::ports::store::{Loaded, StoreError};
use crate::ports::upstream::UpstreamError;
use crate::ports::{Clock, Entropy, Store};

/// How long somebody else's lease is waited for: a little more than it may live.
const LEASE_WITHIN: Span = Span::seconds(35);
const LEASE_POLL: Span = Span::millis(150);
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
            return Ok(outcome);
        }
        let mut turn = tokio::select! {
            () = self.stopping.cancelled() => return Ok(later("the program is ending")),
            turn = self.turnstile.enter(TURN_WITHIN) => turn?,
        };
        fault::pass("refresh.locked")?;
        self.settle().await?;
        let (account, held) = match self.claim(key, reason, &stale).await? {
            Claim::Found(outcome) => return Ok(outcome),
            Claim::Held(account, held) => (account, held),
        };
        turn.space().await;
        let outcome = self.spend(&account, reason, &mut turn).await;
        held.release();
        outcome
    }

    /// Looks for newer tokens everywhere, and for reasons not to make a call.
    async fn look(&self, key: &AccountKey, reason: Reason, stale: &Stale) -> Result<Look, RefreshError> {
        let mut loaded = self.store.load().await?;
        let Some(mut account) = loaded.roster.get(key).cloned() else {
            return Ok(Look::Found(Outcome::Missing));
        };
        if let Some(tokens) = self.usable(&account, reason, stale) {
            return Ok(Look::Found(Outcome::Adopted(Box::new(tokens))));
        }
        let settings = self.store.settings().await.unwrap_or_default();
        for source in [Source::Memory, Source::Result, Source::Official] {
            let Some(found) = self.newer(source, &loaded, &account, &settings).await else { continue };
            loaded = self.store.commit(vec![found]).await?;
            let Some(row) = loaded.roster.get(key).cloned() else { return Ok(Look::Found(Outcome::Missing)) };
            account = row;
            if let Some(tokens) = self.usable(&account, reason, stale) {
                return Ok(Look::Found(Outcome::Adopted(Box::new(tokens))));
            }
        }
        Ok(self.objection(&account, reason).map_or_else(|| Look::Spend(Box::new(account)), Look::Found))
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

    async fn newer(
        &self,
        source: Source,
        loaded: &Loaded,
        account: &Account,
        settings: &Settings,
    ) -> Option<Change> {
        let hash = token::hash(&account.credentials.refresh);
        let now = self.clock.now();
        match source {
            Source::Memory => {
                let tokens = lock(&self.memory).unsaved.get(&hash).cloned()?;
                Some(Change::Renewed { key: account.key.clone(), credentials: Box::new(tokens), at: now })
            }
            Source::Result => {
                let lease = lease::result_of(&self.leases, &hash).filter(|lease| is_news(account, lease))?;
                Some(adoption(account, &lease))
            }
            Source::Official if settings.adopt_official_tokens => {
                let changes = self.home.newer(&loaded.roster).await;
                changes
                    .into_iter()
                    .find(|change| matches!(change, Change::Renewed { key, .. } if *key == account.key))
            }
            Source::Official => None,
        }
    }

    /// Why this account's token must not be spent, if so.
    fn objection(&self, account: &Account, reason: Reason) -> Option<Outcome> {
        if account.credentials.refresh.is_blank() {
            return Some(Outcome::Missing);
        }
        let hash = token::hash(&account.credentials.refresh);
        if let Some(code) = lock(&self.memory).dead.get(&hash) {
            return Some(Outcome::Dead { code: code.clone() });
        }
        if let Some(Invalidation { code, .. }) = &account.invalidation {
            let code = code.as_deref().unwrap_or("token_invalidated");
            // An access token refused by the back end may still have a living refresh token; the user may try.
            if is_fatal(code) || reason != Reason::Forced {
                return Some(Outcome::Dead { code: code.to_owned() });
            }
        }
        let since = account.uncertain_since.filter(|_| reason != Reason::Forced)?;
        Some(Outcome::Uncertain { since })
    }

    /// Looks again now that nobody of ours can be at work, and takes the lease a running reference respects.
    async fn claim(&self, key: &AccountKey, reason: Reason, stale: &Stale) -> Result<Claim, RefreshError> {
        let mut waited = Span::ZERO;
        loop {
            let account = match self.look(key, reason, stale).await? {
                Look::Found(outcome) => return Ok(Claim::Found(outcome)),
                Look::Spend(account) => account,
            };
            let hash = token::hash(&account.credentials.refresh);
            if let Some(held) = lease::claim(&self.leases, &hash, &self.nonce(), self.clock.now())? {
                return Ok(Claim::Held(account, held));
            }
            if waited >= LEASE_WITHIN {
                return Ok(Claim::Found(later("another program is refreshing this account")));
            }
            self.clock.sleep(LEASE_POLL).await;
            waited = waited + LEASE_POLL;
        }
    }

    fn nonce(&self) -> String {
        let mut bytes = [0; 16];
        self.entropy.fill(&mut bytes);
        format!("{:032x}", u128::from_be_bytes(bytes))
    }

    /// Spends the refresh token of `account`, once.
    async fn spend(
        &self,
        account: &Account,
        reason: Reason,
        turn: &mut crate::adapters::auth::turnstile::Turn<C>,
    ) -> Result<Outcome, RefreshError> {
        let token = &account.credentials.refresh;
        let started_at = self.clock.now();
        let entry = Intent { key: account.key.clone(), old_hash: token::hash(token), started_at };
        let body = Bytes::from(oauth_wire::refresh_body(token, reason));
        if self.stopping.is_cancelled() {
            return Ok(later("the program is ending"));
        }
        let written = intent::write(&self.leases, &entry).and_then(|()| fault::pass("refresh.intent"));
        if let Err(error) = written {
            intent::clear(&self.leases);
            return Err(error.into());
        }
        let answer = call::post(self, body, HeaderValue::from_static("application/json")).await;
        turn.called();
        match answer {
            Ok(answer) => self.judge(account, &entry, answer).await,
            Err(UpstreamError::Unreachable(why)) => {
                intent::clear(&self.leases);
                Ok(later(why))
            }
            Err(UpstreamError::TimedOut | UpstreamError::Cut(_) | UpstreamError::TooBig) => {
                self.mark_uncertain(&entry).await?;
                Ok(Outcome::Uncertain { since: started_at })
            }
        }
    }

    /// Marks the account and closes the journal. When the pool cannot be written the journal stays, and the next
    /// start marks it.
    pub(super) async fn mark_uncertain(&self, entry: &Intent) -> Result<(), RefreshError> {
        tracing::warn!(account = entry.key.short(), "a token refresh was cut; its outcome is unknown");
        let change = Change::BecameUncertain { key: entry.key.clone(), at: entry.started_at };
        self.store.commit(vec![change]).await?;
        intent::clear(&self.leases);
        Ok(())
    }

    async fn judge(
        &self,
        account: &Account,
        entry: &Intent,
        answer: Answer,
    ) -> Result<Outcome, RefreshError> {
        if answer.status == StatusCode::OK {
            return match oauth_wire::parse_granted(&answer.body) {
                Some(granted) => self.keep(account, entry, &granted, &answer.body).await,
                None => self.unreadable(account, entry).await,
            };
        }
        let refusal = oauth_wire::parse_refusal(
            answer.status.as_u16(),
            answer.retry_after(self.clock.now()),
            &answer.body,
        );
        match refusal.sentence() {
            Sentence::Dead { code } => self.bury(account, entry, code).await,
            Sentence::Transient { wait } => {
                intent::clear(&self.leases);
                Ok(Outcome::Transient { wait, why: refusal.words() })
            }
            Sentence::Refused => {
                intent::clear(&self.leases);
                Ok(Outcome::Refused { why: refusal.words() })
            }
        }
    }

    async fn unreadable(&self, account: &Account, entry: &Intent) -> Result<Outcome, RefreshError> {
        let count = {
            let mut memory = lock(&self.memory);
            let count = memory.unreadable.entry(entry.old_hash.clone()).or_default();
            *count += 1;
            *count
        };
        if count >= BAD_ANSWERS {
            return self.bury(account, entry, UNREADABLE.to_owned()).await;
        }
        intent::clear(&self.leases);
        Ok(later("the token endpoint gave an answer nobody can read"))
    }

    /// The tokens are dead, unless pool or `auth.json` got newer ones meanwhile.
    async fn bury(&self, account: &Account, entry: &Intent, code: String) -> Result<Outcome, RefreshError> {
        lock(&self.memory).dead.insert(entry.old_hash.clone(), code.clone());
        let stale = Stale { token: account.credentials.access.clone(), named: true };
        if let Look::Found(Outcome::Adopted(tokens)) = self.look(&account.key, Reason::Forced, &stale).await?
        {
            intent::clear(&self.leases);
            return Ok(Outcome::Adopted(tokens));
        }
        self.invalidate(account, code.clone()).await?;
        intent::clear(&self.leases);
        Ok(Outcome::Dead { code })
    }

    async fn invalidate(&self, account: &Account, code: String) -> Result<(), RefreshError> {
        let now = self.clock.now();
        let rest = self.store.settings().await.unwrap_or_default().token_invalidation_cooldown;
        tracing::error!(account = account.key.short(), %code, "the account needs a new sign-in");
        let change = Change::Invalidated {
            key: account.key.clone(),
            invalidation: Invalidation { at: now, code: Some(code) },
            cooldown: Cooldown { until: now + rest, reason: Some(CooldownReason::AuthFailure) },
        };
        self.store.commit(vec![change]).await?;
        Ok(())
    }

    /// Makes new tokens safe: result file, pool, `auth.json`.
    async fn keep(
        &self,
        account: &Account,
        entry: &Intent,
        granted: &oauth_wire::Granted,
        body: &[u8],
    ) -> Result<Outcome, RefreshError> {
        let now = self.clock.now();
        let tokens = renewed(account, granted, now);
        if !is_same_identity(&account.credentials, &tokens) {
            return self.quarantine(account, entry, body).await;
        }
        let answer = Lease {
            token_hash: entry.old_hash.clone(),
            created_at: now,
            access: granted.access.clone(),
            refresh: tokens.refresh.clone(),
            expires: tokens.expires_at.unwrap_or(now + Span::hours(1)),
            id_token: granted.id_token.clone(),
        };
        let kept = fault::pass("refresh.answered")
            .and_then(|()| lease::keep(&self.leases, &answer))
            .and_then(|()| fault::pass("refresh.result"));
        let change =
            Change::Renewed { key: account.key.clone(), credentials: Box::new(tokens.clone()), at: now };
        let saved = self.store.commit(vec![change]).await;
        let loaded = match (kept, saved) {
            (_, Ok(loaded)) => loaded,
            (kept, Err(error)) => {
                if kept.is_err() {
                    lock(&self.memory).unsaved.insert(entry.old_hash.clone(), tokens);
                }
                // The journal stays: with the result file it leads back to these tokens, without it to "uncertain".
                return Err(error.into());
            }
        };
        fault::pass("refresh.saved")?;
        let row = loaded.roster.get(&account.key);
        if row.is_some_and(|row| row.credentials.refresh == account.credentials.refresh)
            && tokens.refresh != account.credentials.refresh
        {
            // The spent token must not stay in use; the result file keeps the new one until the pool takes it.
            return Ok(later("the pool did not take the new tokens"));
        }
        lock(&self.memory).unsaved.remove(&entry.old_hash);
        if let Some(row) = row {
            self.mirror(row, now).await;
        }
        fault::pass("refresh.mirrored")?;
        intent::clear(&self.leases);
        if granted.refresh.as_ref().is_none_or(|token| *token == account.credentials.refresh) {
            lease::forget(&self.leases, &entry.old_hash);
        }
        self.sweep(&loaded);
        fault::pass("refresh.cleared")?;
        Ok(Outcome::Renewed(Box::new(row.map_or(tokens, |row| row.credentials.clone()))))
    }

    /// Writes the tokens to `auth.json` when it holds this account; the pool has them, so trouble is only told.
    pub(super) async fn mirror(&self, row: &Account, at: Moment) {
        if let Err(why) = self.home.write_back(row, at).await {
            tracing::warn!(account = row.key.short(), %why, "auth.json could not be brought up to date");
        }
    }

    /// Removes lease results that have served.
    pub(super) fn sweep(&self, loaded: &Loaded) {
        let waiting = loaded
            .roster
            .accounts
            .iter()
            .map(|row| token::hash(&row.credentials.refresh))
            .collect::<Vec<_>>();
        lease::sweep(&self.leases, self.clock.now(), |hash| waiting.iter().any(|waits| waits == hash));
    }

    /// An answer with somebody else's tokens: kept aside for a person to look at, never merged.
    async fn quarantine(
        &self,
        account: &Account,
        entry: &Intent,
        body: &[u8],
    ) -> Result<Outcome, RefreshError> {
        let name = format!("{}-refresh-{}.json", self.clock.now().millis(), account.key.short());
        atomic::write(&self.quarantine.join(name), body)?;
        lock(&self.memory).dead.insert(entry.old_hash.clone(), WRONG_IDENTITY.to_owned());
        self.invalidate(account, WRONG_IDENTITY.to_owned()).await?;
        intent::clear(&self.leases);
        Ok(Outcome::Dead { code: WRONG_IDENTITY.to_owned() })
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

/// The tokens of a good answer to `account`'s refresh token.
fn renewed(account: &Account, granted: &oauth_wire::Granted, now: Moment) -> Credentials {
    let old = &account.credentials;
    let declared = granted.expires_in.map(|seconds| now + Span::seconds(seconds));
    fresh(old, &granted.access, granted.refresh.as_ref(), granted.id_token.as_ref(), declared)
}

/// The change that brings a kept answer into the pool.
pub(super) fn adoption(account: &Account, lease: &Lease) -> Change {
    let tokens = fresh(
        &account.credentials,
        &lease.access,
        Some(&lease.refresh),
        lease.id_token.as_ref(),
        Some(lease.expires),
    );
    Change::Renewed { key: account.key.clone(), credentials: Box::new(tokens), at: lease.created_at }
}

/// Whether a kept answer says more than the row. An endpoint that does not rotate refresh tokens leaves the same
/// hash behind, so there the access tokens are compared.
pub(super) fn is_news(row: &Account, lease: &Lease) -> bool {
    let tokens = &row.credentials;
    lease.refresh != tokens.refresh
        || (tokens.access.as_ref() != Some(&lease.access) && tokens.expires_at < Some(lease.expires))
}

fn fresh(
    old: &Credentials,
    access: &Secret,
    refresh: Option<&Secret>,
    id_token: Option<&Secret>,
    declared: Option<Moment>,
) -> Credentials {
    let mut claims = jwt::claims(Some(access.expose()), id_token.map(Secret::expose));
    // The answer to a token is newer than that token, however coarse the clock of its issuer.
    let after_old = old.claims.issued_at.map(|issued| issued + Span::millis(1));
    claims.issued_at = claims.issued_at.max(after_old);
    Credentials {
        refresh: refresh.unwrap_or(&old.refresh).clone(),
        access: Some(access.clone()),
        id_token: id_token.or(old.id_token.as_ref()).cloned(),
        expires_at: match (claims.expires_at, declared) {
            (Some(claimed), Some(declared)) => Some(claimed.min(declared)),
            (claimed, declared) => claimed.or(declared),
        },
        claims,
    }
}
