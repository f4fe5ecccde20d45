//! `ports::Vault` over the files of a root: backups, transfers, deletions, the flagged pool.
//!
//! Whatever changes the pool runs as one edit under its lock, on the pool as it stands on disk; the copy that an
//! act makes first is part of the edit, so an act without its copy never happens.

mod companion;
pub(in crate::adapters) mod flagged;
mod found;
mod list;
pub(in crate::adapters) mod named;
mod remove;
mod transfer;

pub(in crate::adapters) use found::reread;

use crate::adapters::audit::append;
use crate::adapters::store::DiskStore;
use crate::domain::audit;
use crate::domain::backup;
use crate::domain::problem::Problem;
use crate::domain::roster::Roster;
use crate::domain::vault::{Act, Answer, Run, Source};
use crate::ports::Clock;
use crate::ports::store::StoreError;
use crate::ports::vault::Vault;

impl<C: Clock> Vault for DiskStore<C> {
    async fn carry_out(&self, act: Act) -> Result<Answer, Problem> {
        let answer = self.perform(act).await?;
        self.looking(move |pool| {
            if let Some(record) = audit::of_answer(&answer, pool.now())
                && pool.settings().audit_log
            {
                append(pool.places(), &[record]);
            }
            Ok(answer)
        })
        .await
    }
}

impl<C: Clock> DiskStore<C> {
    async fn perform(&self, act: Act) -> Result<Answer, Problem> {
        match act {
            Act::List | Act::Verify(None) => {
                self.looking(|pool| Ok(Answer::Listed(list::all(pool.places(), pool.now())?))).await
            }
            Act::Verify(Some(source)) => {
                self.looking(move |pool| {
                    Ok(Answer::Listed(vec![list::find(pool.places(), &source, pool.now())?]))
                })
                .await
            }
            Act::Compare(source) => {
                self.looking(move |pool| {
                    let found = list::find(pool.places(), &source, pool.now())?;
                    let text = list::text(&found.path)?;
                    let comparison = list::open(&found.path, &text, pool.now(), |copy| {
                        match pool.open(|pool, _| backup::compare(copy.roster(), pool.roster())) {
                            // Nothing of a ruin is kept in the pool, so everything comes from the copy.
                            Err(StoreError::Corrupt { .. }) => {
                                Ok(backup::compare(copy.roster(), &Roster::default()))
                            }
                            compared => Ok(compared?),
                        }
                    })?;
                    Ok(Answer::Compared(Box::new((found, comparison))))
                })
                .await
            }
            Act::Create(name) => self.locked(move |pool| transfer::create(pool, name.as_ref())).await,
            Act::Delete(source) => self.locked(move |pool| transfer::delete(pool, &source)).await,
            Act::Restore(source) => self.locked(move |pool| transfer::restore(pool, &source)).await,
            Act::Export(path, existing) => {
                // Whoever cannot make the lock cannot write the pool either, and accounts have to be rescued from
                // a home that is read only: the export then only looks.
                let lock = match self.lock(&self.places().pool_lock()).await {
                    Ok(lock) => Some(lock),
                    Err(StoreError::Io { .. }) => None,
                    Err(error) => return Err(error.into()),
                };
                self.looking(move |pool| {
                    let _lock = lock;
                    transfer::export(pool, &path, existing)
                })
                .await
            }
            Act::Import(source, run) => self.import(source, run).await,
            Act::Scan(from, choice, run @ Run::Dry) => {
                self.looking(move |pool| found::take_over(pool, &from, &choice, run)).await
            }
            Act::Scan(from, choice, run @ Run::Real) => {
                self.locked(move |pool| found::take_over(pool, &from, &choice, run)).await
            }
            Act::Remove(key) => self.locked(move |pool| remove::one(pool, &key)).await,
            Act::PutBack(kept) => self.locked(move |pool| remove::put_back(pool, &kept)).await,
            Act::Clear(copies) => self.locked(move |pool| remove::all(pool, copies)).await,
            Act::Refill(refill) => self.locked(move |pool| remove::refill(pool, &refill)).await,
            Act::Flagged => self.with_flagged(flagged::list).await,
            Act::Unflag(keys) => self.with_flagged(move |store| flagged::unflag(store, &keys)).await,
            Act::Flag(whom) => self.flag(whom).await,
            Act::Reclaim(reclaim) => self.reclaim(*reclaim).await,
            Act::Sync(Run::Dry) => self.looking(companion::preview).await,
            Act::Sync(Run::Real) => self.locked(companion::apply).await,
        }
    }

    /// The file is read before the lock is taken: it may lie on a slow disk, or be no file at all.
    async fn import(&self, source: Source, run: Run) -> Result<Answer, Problem> {
        let file = self.looking(move |pool| transfer::incoming(pool, &source)).await?;
        match run {
            Run::Dry => self.looking(move |pool| transfer::preview(pool, &file)).await,
            Run::Real => self.locked(move |pool| transfer::import(pool, &file)).await,
        }
    }
}
