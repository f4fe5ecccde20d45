//! The official CLI's side of the host: its files, and launches through the proxy.

use std::ffi::OsString;
use std::io::{IsTerminal as _, Write as _};

use crate::adapters::attach;
use crate::adapters::codex::find::Search;
use crate::adapters::codex::{OfficialCli, deferred};
use crate::adapters::env;
use crate::adapters::question::{Asking, TerminalQuestion};
use crate::adapters::{SystemHome, SystemPorts};
use crate::app::msg::{Mirrored, Planned};
use crate::domain::account::{Account, AccountKey};
use crate::domain::launch::Through;
use crate::domain::official::{Login, Written};
use crate::domain::places::Places;
use crate::domain::problem::Problem;
use crate::domain::roster::Roster;
use crate::forward::{Audience, Desk};
use crate::ports::{Auth as _, Clock as _, Home as _, Peers as _, Store as _};
use crate::runtime::host::{Asks, Host};

/// `auth.json` may change under a selection this often.
const ATTEMPTS: usize = 3;

/// The forwarder's desk over the real adapters.
pub type RealDesk = Desk<SystemPorts, SystemHome, OfficialCli, TerminalQuestion>;

/// Where the official CLI is looked for.
pub fn search(places: &Places, env: &env::Env) -> Search {
    Search {
        named: env.real_codex_bin.clone(),
        path: env.path.clone().map(OsString::from),
        prefixes: env.npm_prefixes.iter().map(std::path::PathBuf::from).collect(),
        own: std::env::current_exe().ok(),
        cache: places.official_cache(),
    }
}

impl Host {
    fn desk(&self) -> RealDesk {
        let person = std::io::stderr().is_terminal();
        Desk {
            ports: self.ports.clone(),
            home: self.home.clone(),
            codex: self.official.clone(),
            question: TerminalQuestion {
                face: match self.asks {
                    Asks::Person => Asking::Allowed,
                    Asks::Nobody => Asking::Never,
                },
            },
            env: env::inherited(),
            audience: if person { Audience::Person } else { Audience::Script },
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION"),
        }
    }

    /// Decides about a launch.
    ///
    /// # Errors
    /// What ends it before it begins.
    pub async fn plan(&self, args: Vec<OsString>) -> Result<Planned, Problem> {
        // Looking at the registry sweeps what a killed forwarder left there.
        self.peers.list().await;
        self.desk().plan(&args).await
    }

    /// Checks, repairs or replaces the login the official CLI would use.
    ///
    /// # Errors
    /// When nothing usable is to be had.
    pub async fn preflight(&self) -> Result<Vec<String>, Problem> {
        self.desk().preflight().await
    }

    /// Runs the child; polled on the main thread.
    ///
    /// # Errors
    /// When it cannot be started.
    pub async fn launch(&self, args: Vec<OsString>, through: Option<Through>) -> Result<i32, Problem> {
        let tell = |line: String| {
            let _ = writeln!(std::io::stderr().lock(), "{line}");
        };
        self.desk().launch(&args, through.as_ref(), tell).await
    }

    /// Writes the selected account into the official CLI's files, unless a forwarded session of that home
    /// still runs on a live account: then it waits for the end of the last one (forwarder.md §7.3).
    pub async fn mirror(&self, key: &AccountKey) -> Mirrored {
        let mut mirrored = Mirrored::Failed("auth.json keeps changing".to_owned());
        for _ in 0..ATTEMPTS {
            // What the official client got by itself goes into the pool before its file goes.
            self.auth.adopt().await;
            let login = self.home.login().await;
            let roster = match self.store.load().await {
                Ok(loaded) => loaded.roster,
                Err(error) => return Mirrored::Failed(Problem::from(error).what),
            };
            let Some(account) = roster.get(key) else {
                deferred::forget(&self.places);
                return Mirrored::Skipped("the account is gone".to_owned());
            };
            if is_alive(&login, &roster) && self.is_in_session().await {
                return match deferred::keep(&self.places, key) {
                    Ok(()) => Mirrored::Deferred,
                    Err(error) => Mirrored::Failed(error.to_string()),
                };
            }
            let Some(answer) = self.write(account).await else { continue };
            mirrored = answer;
            break;
        }
        // What went wrong is tried again at the end of the next session.
        if !matches!(mirrored, Mirrored::Failed(_)) {
            deferred::forget(&self.places);
        }
        mirrored
    }

    /// `None` when the file became another one meanwhile.
    async fn write(&self, account: &Account) -> Option<Mirrored> {
        let other = self.other_store().await;
        Some(match (self.home.select(account, self.consent, self.clock.now()).await, other) {
            (Ok(Written::Done | Written::Unchanged), Some(store)) => Mirrored::WrittenBeside(store),
            (Ok(Written::Done), None) => Mirrored::Written,
            (Ok(Written::Unchanged), None) => Mirrored::Unchanged,
            (Ok(Written::Changed), _) => return None,
            (Ok(Written::Skipped(why)), _) => Mirrored::Skipped(why),
            (Err(why), _) => Mirrored::Failed(why),
        })
    }

    /// Where the official CLI keeps its login, when that is not the file.
    async fn other_store(&self) -> Option<String> {
        let config = self.home.config(None).await.ok()?;
        config.credentials_store.filter(|store| store != "file")
    }

    /// After the last forwarded session of this home: writes the selection that waited for it.
    pub async fn settle_selection(&self) {
        if let Some(key) = deferred::waiting(&self.places)
            && !self.is_in_session().await
        {
            self.mirror(&key).await;
        }
    }

    async fn is_in_session(&self) -> bool {
        let home = self.home.path();
        self.peers
            .list()
            .await
            .iter()
            .any(|peer| matches!(peer.kind.as_str(), "inline" | attach::KIND) && peer.codex_home == home)
    }
}

/// Whether the login in `auth.json` is, as far as the pool knows, one that running clients can go on with.
fn is_alive(login: &Login, roster: &Roster) -> bool {
    let Login::ChatGpt(login) = login else { return false };
    let known = roster.accounts.iter().find(|account| login.is(account));
    known.is_none_or(|account| account.invalidation.is_none() && account.uncertain_since.is_none())
}
