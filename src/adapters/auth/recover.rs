//! What a crash in the middle of a refresh left behind, brought in order (runtime.md DB-37).
//!
//! Only under the machine's turn: a journal entry then belongs to nobody alive.

use std::path::Path;

use crate::adapters::auth::lease::Leases;
use crate::adapters::auth::refresh::RefreshError;
use crate::adapters::auth::renewal::{adoption, is_news};
use crate::adapters::auth::{Shared, intent, lock};
use crate::adapters::fault;
use crate::adapters::vault::reread;
use crate::base::Span;
use crate::domain::account::Account;
use crate::domain::change::Change;
use crate::domain::found::newer_for;
use crate::domain::official::Login;
use crate::domain::refresh::past::{Fate, Trace};
use crate::domain::refresh::{Intent, Settlement};
use crate::domain::roster::Roster;
use crate::domain::token;
use crate::formats::extension::Extension;
use crate::formats::found::origin_of;
use crate::formats::leases::Lease;
use crate::ports::home::Home;
use crate::ports::store::Loaded;
use crate::ports::{Clock, Entropy, Store};

/// As runtime.md DB-38 has it.
const LOOK_AGAIN: Span = Span::seconds(60);
/// How often answers that no file took are tried again.
const TRY_AGAIN: Span = Span::seconds(2);

impl<S: Store, H: Home, C: Clock, E: Entropy> Shared<S, H, C, E> {
    /// Settles the journal, adopts kept answers, and what the official client got by itself.
    pub(super) async fn recover(&self) {
        let settled = self.settle_alone().await;
        let adopted = self.adopt().await;
        if let Err(error) = settled.and(adopted).and(self.bring_home().await) {
            tracing::warn!(%error, "an interrupted token refresh could not be settled yet");
        }
    }

    /// Takes a token that was exchanged out of `auth.json`: the write that should have done it failed, and the
    /// official CLI would spend it once more.
    async fn bring_home(&self) -> Result<(), RefreshError> {
        let Login::ChatGpt(login) = self.home.login().await else { return Ok(()) };
        let Some(refresh) = &login.refresh else { return Ok(()) };
        let loaded = self.store.load().await?;
        let Some(row) = loaded.roster.accounts.iter().find(|row| login.is(row)) else { return Ok(()) };
        if row.credentials.refresh != *refresh && self.memory.recall().is_spent(&token::hash(refresh)) {
            self.mirror(row, self.clock.now()).await;
        }
        Ok(())
    }

    async fn settle_alone(&self) -> Result<(), RefreshError> {
        if intent::read(&self.intent).is_none() && !self.leases.has_results() {
            return Ok(());
        }
        // Whoever holds the turn settles the journal himself.
        let Ok(_turn) = self.turnstile.enter(Span::ZERO).await else { return Ok(()) };
        self.settle().await
    }

    /// Newer tokens of the official CLI's files that may be taken over, as changes.
    pub(super) async fn official(&self, roster: &Roster) -> Vec<Change> {
        let mut newer = self.home.newer(roster).await;
        if !newer.is_empty() {
            let past = self.memory.recall();
            newer.retain(|change| {
                let Change::Renewed { credentials, .. } = change else { return false };
                !past.is_spent(&token::hash(&credentials.refresh))
            });
        }
        newer
    }

    /// Newer tokens in the file of another program from which the account was imported: whoever keeps that file may
    /// have rotated the token since, and the old one is good for nothing then (login.md §14). Read only.
    pub(super) fn origin(&self, loaded: &Loaded, account: &Account) -> Option<Change> {
        let text = std::fs::read_to_string(&self.extension).ok()?;
        let source = origin_of(Extension::parse(&text).record_text(&account.key)?)?;
        let finds = reread(Path::new(&source));
        let at = self.clock.now();
        let tokens = newer_for(&finds, account, &loaded.roster, at)?;
        if self.memory.recall().is_spent(&token::hash(&tokens.refresh)) {
            return None;
        }
        Some(Change::Renewed { key: account.key.clone(), credentials: Box::new(tokens), at })
    }

    /// Adopts newer tokens of `auth.json`; says whether there were any.
    pub(super) async fn adopt(&self) -> Result<bool, RefreshError> {
        if self.home.is_signed_out().await {
            return Ok(false);
        }
        let loaded = self.store.load().await?;
        let mut newer = self.official(&loaded.roster).await;
        newer.retain(|change| replaces_a_spent_token(&loaded.roster, change));
        if newer.is_empty() {
            return Ok(false);
        }
        self.store.commit(newer).await?;
        fault::pass("adopt.saved")?;
        Ok(true)
    }

    /// A while after a call was cut the official client may have got new tokens for the account.
    pub(super) async fn look_again_later(&self) {
        tokio::select! {
            () = self.stopping.cancelled() => {}
            () = self.clock.sleep(LOOK_AGAIN) => {
                if let Err(error) = self.adopt().await {
                    tracing::warn!(%error, "auth.json could not be looked at again");
                }
            }
        }
    }

    /// Tries until answers that no file took are safe; once more when the program ends.
    pub(super) async fn rescue(&self) {
        loop {
            let waiting: Vec<Lease> = lock(&self.unsaved).values().cloned().collect();
            if waiting.is_empty() {
                return;
            }
            let is_last = self.stopping.is_cancelled();
            for lease in waiting {
                // The result file is enough: every load of the pool adopts it.
                match self.leases.keep(&lease) {
                    Ok(()) => drop(lock(&self.unsaved).remove(&lease.token_hash)),
                    Err(error) => tracing::error!(%error, "new tokens cannot be saved; free some disk space"),
                }
            }
            if is_last || lock(&self.unsaved).is_empty() {
                return;
            }
            tokio::select! {
                () = self.stopping.cancelled() => {}
                () = self.clock.sleep(TRY_AGAIN) => {}
            }
        }
    }

    /// The same under a turn that is held already.
    pub(super) async fn settle(&self) -> Result<(), RefreshError> {
        let entry = intent::read(&self.intent);
        if entry.is_none() && !self.leases.has_results() {
            return Ok(());
        }
        let loaded = self.store.load().await?;
        let kept = kept(&self.leases, &loaded.roster);
        let loaded = if kept.is_empty() {
            loaded
        } else {
            let changes = kept.iter().map(|(row, lease)| adoption(row, lease)).collect::<Vec<Change>>();
            let loaded = self.store.commit(changes).await?;
            fault::pass("adopt.saved")?;
            for (row, _) in &kept {
                tracing::info!(account = row.key.short(), "adopted the tokens of an interrupted refresh");
                if let Some(row) = loaded.roster.get(&row.key) {
                    self.mirror(row, self.clock.now()).await;
                }
            }
            loaded
        };
        if let Some(entry) = entry {
            self.close(&loaded.roster, &entry, &kept).await?;
        }
        self.sweep(&loaded).await;
        Ok(())
    }

    /// Closes the journal entry of a call nobody works on any more.
    async fn close(
        &self,
        roster: &Roster,
        entry: &Intent,
        kept: &[(Account, Lease)],
    ) -> Result<(), RefreshError> {
        let row = roster.get(&entry.key);
        let row_hash = row.map(|row| token::hash(&row.credentials.refresh));
        let is_adopted = kept.iter().any(|(row, _)| row.key == entry.key);
        let now = self.clock.now();
        if !is_adopted && entry.settle(row_hash.as_deref()) == Settlement::Uncertain {
            return self.settle_lost(roster, entry).await;
        }
        let hash = &entry.old_hash;
        match row_hash {
            Some(current) if current != *hash => self.note(now, |past| past.spend(hash, now)),
            // The account is gone; should its token come back with a backup, it is in doubt.
            None => self.note_lost(entry),
            Some(_) => {}
        }
        // The crash may have come between pool and `auth.json`.
        if let Some(row) = row.filter(|_| !is_adopted) {
            self.mirror(row, now).await;
        }
        intent::clear(&self.intent);
        Ok(())
    }

    /// The answer is lost, but the official client may have got newer tokens since.
    async fn settle_lost(&self, roster: &Roster, entry: &Intent) -> Result<(), RefreshError> {
        let newer = self.official(roster).await;
        let adopted = newer
            .into_iter()
            .find(|change| matches!(change, Change::Renewed { key, .. } if *key == entry.key));
        if let Some(change) = adopted {
            self.store.commit(vec![change]).await?;
            intent::clear(&self.intent);
            return Ok(());
        }
        let past = self.memory.recall();
        if let (Some(Trace { fate: Fate::Dead(code), .. }), Some(row)) =
            (past.of(&entry.old_hash), roster.get(&entry.key))
        {
            self.invalidate(row, code.clone()).await?;
            intent::clear(&self.intent);
            return Ok(());
        }
        self.note_lost(entry);
        self.mark_uncertain(entry).await
    }

    /// Counts a lost answer once, however often its journal entry is found.
    fn note_lost(&self, entry: &Intent) {
        let at = entry.started_at;
        self.note(at, |past| {
            if past.of(&entry.old_hash).is_none_or(|trace| trace.at < at) {
                past.lose(&entry.old_hash, at);
            }
        });
    }
}

/// Only another refresh token means that the stored one is spent; anything less can wait for a real change,
/// because looking should write nothing.
fn replaces_a_spent_token(roster: &Roster, change: &Change) -> bool {
    let Change::Renewed { key, credentials, .. } = change else { return false };
    roster.get(key).is_some_and(|row| row.credentials.refresh != credentials.refresh)
}

/// Rows whose refresh token was spent by a call whose answer was kept.
fn kept(leases: &Leases, roster: &Roster) -> Vec<(Account, Lease)> {
    let answer = |row: &Account| {
        let lease = leases.result_of(&token::hash(&row.credentials.refresh))?;
        is_news(row, &lease).then(|| (row.clone(), lease))
    };
    roster.accounts.iter().filter_map(answer).collect()
}
