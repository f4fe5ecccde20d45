//! The official CLI: finding it, running it, its files.

pub mod child;
pub mod config;
pub mod deferred;
pub mod find;
pub mod home;
pub mod refile;
pub mod rescue;
pub mod sessions;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use crate::adapters::disk::atomic;
use crate::base::Moment;
use crate::domain::launch::LaunchPlan;
use crate::domain::problem::Problem;
use crate::formats::official_cli::{Alive, parse_alive, print_alive};
use crate::ports::codex::{Codex, Ended, Official};

/// Rows kept in the preflight's memory.
const REMEMBERED: usize = 64;

/// The official CLI on this machine.
#[derive(Debug, Clone)]
pub struct OfficialCli {
    search: Arc<find::Search>,
    alive: PathBuf,
    found: Arc<Mutex<Option<Official>>>,
}

impl OfficialCli {
    /// Looks where `search` says and remembers live accounts in `alive` (`cache/preflight.json`).
    pub fn new(search: find::Search, alive: PathBuf) -> Self {
        Self { search: Arc::new(search), alive, found: Arc::default() }
    }
}

impl Codex for OfficialCli {
    async fn find(&self) -> Result<Official, Problem> {
        let known = self.found.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(official) = known {
            return Ok(official);
        }
        let search = Arc::clone(&self.search);
        let official = tokio::task::spawn_blocking(move || find::find(&search))
            .await
            .map_err(|_| find::missing("the search was interrupted"))??;
        *self.found.lock().unwrap_or_else(PoisonError::into_inner) = Some(official.clone());
        Ok(official)
    }

    async fn launch(&self, plan: LaunchPlan) -> Result<Ended, Problem> {
        child::run(&plan).await
    }

    async fn was_alive(&self, workspace: &str, token_hash: &str, since: Moment) -> bool {
        self.rows()
            .iter()
            .any(|row| row.account_id == workspace && row.token_hash == token_hash && row.checked_at >= since)
    }

    async fn is_alive(&self, workspace: &str, token_hash: &str, at: Moment) {
        let mut rows = self.rows();
        rows.retain(|row| row.account_id != workspace);
        rows.insert(
            0,
            Alive { account_id: workspace.to_owned(), token_hash: token_hash.to_owned(), checked_at: at },
        );
        rows.truncate(REMEMBERED);
        // A memory that cannot be kept costs one request at the next launch, nothing else.
        let _ = atomic::write(&self.alive, print_alive(&rows).as_bytes());
    }
}

impl OfficialCli {
    fn rows(&self) -> Vec<Alive> {
        match atomic::read(&self.alive) {
            Ok(Some(bytes)) => std::str::from_utf8(&bytes).map(parse_alive).unwrap_or_default(),
            Ok(None) | Err(_) => Vec::new(),
        }
    }
}
