//! What a crash in the middle of a refresh left behind, brought in order (runtime.md DB-37).
//!
//! Only under the machine's turn: a journal entry then belongs to nobody alive.

use crate::adapters::auth::refresh::{RefreshError, adoption, is_news};
use crate::adapters::auth::{Shared, intent, lease};
use crate::base::Span;
use crate::domain::account::Account;
use crate::domain::change::Change;
use crate::domain::refresh::{Intent, Settlement};
use crate::domain::roster::Roster;
use crate::domain::token;
use crate::formats::leases::Lease;
use crate::ports::home::Home;
use crate::ports::{Clock, Entropy, Store};

/// As runtime.md DB-38 has it.
const LOOK_AGAIN: Span = Span::seconds(60);

impl<S: Store, H: Home, C: Clock, E: Entropy> Shared<S, H, C, E> {
    /// Settles the journal, adopts kept answers, and what the official client got by itself.
    pub(super) async fn recover(&self) {
        let settled = self.settle_alone().await;
        let adopted = self.adopt().await;
        if let Err(error) = settled.and(adopted) {
            tracing::warn!(%error, "an interrupted token refresh could not be settled yet");
        }
    }

    async fn settle_alone(&self) -> Result<(), RefreshError> {
        if intent::read(&self.leases).is_none() && !lease::has_results(&self.leases) {
            return Ok(());
        }
        // Whoever holds the turn settles the journal himself.
        let Ok(_turn) = self.turnstile.enter(Span::ZERO).await else { return Ok(()) };
        self.settle().await
    }

    /// Adopts newer tokens of `auth.json`.
    pub(super) async fn adopt(&self) -> Result<(), RefreshError> {
        if !self.store.settings().await.unwrap_or_default().adopt_official_tokens {
            return Ok(());
        }
        let loaded = self.store.load().await?;
        let mut newer = self.home.newer(&loaded.roster).await;
        newer.retain(|change| replaces_a_spent_token(&loaded.roster, change));
        if !newer.is_empty() {
            self.store.commit(newer).await?;
        }
        Ok(())
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

    /// The same under a turn that is held already.
    pub(super) async fn settle(&self) -> Result<(), RefreshError> {
        let entry = intent::read(&self.leases);
        if entry.is_none() && !lease::has_results(&self.leases) {
            return Ok(());
        }
        let loaded = self.store.load().await?;
        let kept = kept(&self.leases, &loaded.roster);
        let loaded = if kept.is_empty() {
            loaded
        } else {
            let changes = kept.iter().map(|(row, lease)| adoption(row, lease)).collect::<Vec<Change>>();
            let loaded = self.store.commit(changes).await?;
            for (row, _) in &kept {
                tracing::info!(account = row.key.short(), "adopted the tokens of an interrupted refresh");
                if let Some(row) = loaded.roster.get(&row.key) {
                    self.mirror(row, self.clock.now()).await;
                }
            }
            loaded
        };
        self.sweep(&loaded);
        let Some(entry) = entry else { return Ok(()) };
        let row = loaded.roster.get(&entry.key);
        let row_hash = row.map(|row| token::hash(&row.credentials.refresh));
        let is_adopted = kept.iter().any(|(row, _)| row.key == entry.key);
        if is_adopted || entry.settle(row_hash.as_deref()) == Settlement::Clear {
            // The crash may have come between pool and `auth.json`.
            if let Some(row) = row.filter(|_| !is_adopted) {
                self.mirror(row, self.clock.now()).await;
            }
            intent::clear(&self.leases);
            return Ok(());
        }
        self.settle_lost(&loaded.roster, &entry).await
    }

    /// The answer is lost, but the official client may have got newer tokens since.
    async fn settle_lost(&self, roster: &Roster, entry: &Intent) -> Result<(), RefreshError> {
        let newer = self.home.newer(roster).await;
        let adopted = newer
            .into_iter()
            .find(|change| matches!(change, Change::Renewed { key, .. } if *key == entry.key));
        match adopted {
            Some(change) => {
                self.store.commit(vec![change]).await?;
                intent::clear(&self.leases);
                Ok(())
            }
            None => self.mark_uncertain(entry).await,
        }
    }
}

/// Only another refresh token means that the stored one is spent; anything less can wait for a real change,
/// because looking should write nothing.
fn replaces_a_spent_token(roster: &Roster, change: &Change) -> bool {
    let Change::Renewed { key, credentials, .. } = change else { return false };
    roster.get(key).is_some_and(|row| row.credentials.refresh != credentials.refresh)
}

/// Rows whose refresh token was spent by a call whose answer was kept.
fn kept(folder: &std::path::Path, roster: &Roster) -> Vec<(Account, Lease)> {
    let answer = |row: &Account| {
        let lease = lease::result_of(folder, &token::hash(&row.credentials.refresh))?;
        is_news(row, &lease).then(|| (row.clone(), lease))
    };
    roster.accounts.iter().filter_map(answer).collect()
}
