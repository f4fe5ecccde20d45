//! The one call, and what each of its ends does to the account.
//!
//! The intent is durable before the token goes out; the answer is durable before anybody sees it. What became of
//! the token is remembered before the account shows it, so that a crash in between never frees the token again.

use bytes::Bytes;
use http::header::HeaderValue;

use crate::adapters::auth::call::{self, Answer};
use crate::adapters::auth::refresh::{Look, RefreshError, Stale};
use crate::adapters::auth::renewal::renewed;
use crate::adapters::auth::turnstile::Turn;
use crate::adapters::auth::{Shared, intent, later, lock};
use crate::adapters::disk::atomic;
use crate::adapters::fault;
use crate::base::{Moment, Span};
use crate::domain::account::{Account, Cooldown, CooldownReason, Invalidation};
use crate::domain::change::Change;
use crate::domain::refresh::{Intent, Outcome, Past, Reason, Sentence, WRONG_IDENTITY, is_same_identity};
use crate::domain::token;
use crate::formats::leases::Lease;
use crate::formats::oauth_wire;
use crate::ports::home::Home;
use crate::ports::store::Loaded;
use crate::ports::upstream::UpstreamError;
use crate::ports::{Clock, Entropy, Store};

impl<S: Store, H: Home, C: Clock, E: Entropy> Shared<S, H, C, E> {
    /// Spends the refresh token of `account`, once.
    pub(super) async fn spend(
        &self,
        account: &Account,
        reason: Reason,
        turn: &mut Turn<C>,
    ) -> Result<Outcome, RefreshError> {
        let token = &account.credentials.refresh;
        let started_at = self.clock.now();
        let entry = Intent { key: account.key.clone(), old_hash: token::hash(token), started_at };
        let body = Bytes::from(oauth_wire::refresh_body(token, reason));
        if self.stopping.is_cancelled() {
            return Ok(later("the program is ending"));
        }
        let written = intent::write(&self.intent, &entry).and_then(|()| fault::pass("refresh.intent"));
        if let Err(error) = written {
            intent::clear(&self.intent);
            return Err(error.into());
        }
        let answer = call::post(self, body, HeaderValue::from_static("application/json")).await;
        turn.called();
        match answer {
            Ok(answer) => self.judge(account, &entry, answer).await,
            Err(UpstreamError::Offline(why) | UpstreamError::Unreachable(why)) => {
                intent::clear(&self.intent);
                Ok(later(why))
            }
            Err(UpstreamError::TimedOut | UpstreamError::Cut(_) | UpstreamError::TooBig) => {
                self.note(started_at, |past| past.lose(&entry.old_hash, started_at));
                self.mark_uncertain(&entry).await?;
                Ok(Outcome::Uncertain { since: started_at })
            }
        }
    }

    async fn judge(
        &self,
        account: &Account,
        entry: &Intent,
        answer: Answer,
    ) -> Result<Outcome, RefreshError> {
        if answer.status.is_success() {
            return match oauth_wire::parse_granted(&answer.body) {
                Some(granted) => self.keep(account, entry, &granted, &answer.body).await,
                None => self.unreadable(account, entry).await,
            };
        }
        let now = self.clock.now();
        let refusal =
            oauth_wire::parse_refusal(answer.status.as_u16(), answer.retry_after(now), &answer.body);
        let outcome = match refusal.sentence() {
            Sentence::Dead { code } => return self.bury(account, entry, code).await,
            Sentence::Transient { wait } => Outcome::Transient { wait, why: refusal.words() },
            Sentence::Refused => Outcome::Refused { why: refusal.words() },
        };
        self.note(now, |past| past.try_again(&entry.old_hash, now));
        intent::clear(&self.intent);
        Ok(outcome)
    }

    /// A good status with an answer nobody can read has spent the token: it is in doubt like one whose answer
    /// never came (docs/decisions/005).
    async fn unreadable(&self, account: &Account, entry: &Intent) -> Result<Outcome, RefreshError> {
        let at = entry.started_at;
        if let Some(code) = self.note(at, |past| past.garble(&entry.old_hash, at)) {
            return self.bury(account, entry, code.to_owned()).await;
        }
        self.mark_uncertain(entry).await?;
        Ok(Outcome::Uncertain { since: at })
    }

    /// Marks the account and closes the journal. When the pool cannot be written the journal stays, and the next
    /// start marks it.
    pub(super) async fn mark_uncertain(&self, entry: &Intent) -> Result<(), RefreshError> {
        tracing::warn!(account = entry.key.short(), "a token refresh was cut; its outcome is unknown");
        fault::pass("verdict.lost")?;
        let change = Change::BecameUncertain { key: entry.key.clone(), at: entry.started_at };
        self.store.commit(vec![change]).await?;
        fault::pass("verdict.marked")?;
        intent::clear(&self.intent);
        Ok(())
    }

    /// The tokens are dead, unless pool or `auth.json` got newer ones meanwhile.
    async fn bury(&self, account: &Account, entry: &Intent, code: String) -> Result<Outcome, RefreshError> {
        let now = self.clock.now();
        self.note(now, |past| past.bury(&entry.old_hash, &code, now));
        fault::pass("verdict.dead")?;
        let stale = Stale::named(account.credentials.access.clone());
        if let Look::Found(Outcome::Adopted(tokens)) = self.look(&account.key, Reason::Forced, &stale).await?
        {
            intent::clear(&self.intent);
            return Ok(Outcome::Adopted(tokens));
        }
        self.invalidate(account, code.clone()).await?;
        fault::pass("verdict.buried")?;
        intent::clear(&self.intent);
        Ok(Outcome::Dead { code })
    }

    /// Shows in the pool that the account needs a sign-in.
    pub(super) async fn invalidate(&self, account: &Account, code: String) -> Result<(), RefreshError> {
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

    /// Makes new tokens safe: result file, pool, memory of the spent one, `auth.json`.
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
            .and_then(|()| self.leases.keep(&answer))
            .and_then(|()| fault::pass("refresh.result"));
        let change =
            Change::Renewed { key: account.key.clone(), credentials: Box::new(tokens.clone()), at: now };
        let saved = self.store.commit(vec![change]).await;
        let loaded = match (kept, saved) {
            (_, Ok(loaded)) => loaded,
            (kept, Err(error)) => {
                if kept.is_err() {
                    lock(&self.unsaved).insert(entry.old_hash.clone(), answer);
                    // Another file system may still have room; from there it is adopted like any other.
                    let row = Account { credentials: tokens, ..account.clone() };
                    self.mirror(&row, now).await;
                }
                // The journal stays: with the result file it leads back to these tokens, without it to "uncertain".
                return Err(error.into());
            }
        };
        fault::pass("refresh.saved")?;
        let row = loaded.roster.get(&account.key);
        let rotates = tokens.refresh != account.credentials.refresh;
        if rotates && row.is_some_and(|row| row.credentials.refresh == account.credentials.refresh) {
            // The spent token must not stay in use; the result file keeps the new one until the pool takes it.
            return Ok(later("the pool did not take the new tokens"));
        }
        lock(&self.unsaved).remove(&entry.old_hash);
        self.note(
            now,
            |past| {
                if rotates { past.spend(&entry.old_hash, now) } else { past.acquit(&entry.old_hash) }
            },
        );
        fault::pass("refresh.remembered")?;
        if let Some(row) = row {
            self.mirror(row, now).await;
        }
        fault::pass("refresh.mirrored")?;
        intent::clear(&self.intent);
        if !rotates {
            self.leases.forget(&entry.old_hash);
        }
        self.sweep(&loaded).await;
        fault::pass("refresh.cleared")?;
        Ok(Outcome::Renewed(Box::new(row.map_or(tokens, |row| row.credentials.clone()))))
    }

    /// Writes the tokens to `auth.json` when it holds this account; the pool has them, so trouble is only told.
    /// Until it is written the official CLI would spend the old token once more, so it is tried again, here and at
    /// the next start.
    pub(super) async fn mirror(&self, row: &Account, at: Moment) {
        for pause in [Span::millis(50), Span::millis(200), Span::ZERO] {
            let Err(why) = self.home.write_back(row, at).await else { return };
            tracing::warn!(account = row.key.short(), %why, "auth.json could not be brought up to date");
            self.clock.sleep(pause).await;
        }
    }

    /// Removes lease files that have served.
    pub(super) async fn sweep(&self, loaded: &Loaded) {
        let past = self.memory.recall();
        let mut adopted = Vec::new();
        for lease in self.leases.results() {
            let hash = token::hash(&lease.refresh);
            let is_held = loaded.roster.accounts.iter().any(|row| row.credentials.refresh == lease.refresh);
            // A result for another pool of this root is known by what is remembered of its tokens.
            let is_known = past.is_spent(&lease.token_hash) || past.of(&hash).is_some();
            if is_held || is_known || self.store.owner_of_refresh(&hash).await.is_some() {
                adopted.push(lease.token_hash);
            }
        }
        self.leases.sweep(self.clock.now(), |lease| adopted.contains(&lease.token_hash));
    }

    /// An answer with somebody else's tokens: kept aside for a person to look at, never merged.
    async fn quarantine(
        &self,
        account: &Account,
        entry: &Intent,
        body: &[u8],
    ) -> Result<Outcome, RefreshError> {
        let now = self.clock.now();
        let name = format!("{}-refresh-{}.json", now.millis(), account.key.short());
        atomic::write(&self.quarantine.join(name), body)?;
        fault::pass("verdict.aside")?;
        self.note(now, |past| past.bury(&entry.old_hash, WRONG_IDENTITY, now));
        self.invalidate(account, WRONG_IDENTITY.to_owned()).await?;
        intent::clear(&self.intent);
        Ok(Outcome::Dead { code: WRONG_IDENTITY.to_owned() })
    }

    /// Remembers what became of a token, on disk or, where that fails, in this process.
    pub(super) fn note<T>(&self, at: Moment, change: impl Fn(&mut Past) -> T) -> T {
        match self.memory.note(at, &change) {
            Ok(answer) => answer,
            Err(error) => {
                tracing::warn!(%error, "what became of a token could not be written down");
                change(&mut lock(&self.past))
            }
        }
    }
}
