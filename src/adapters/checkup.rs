//! `ports::Checkup` over the files of a root and of the official CLI.
//!
//! The look is bounded: it goes by the names of files we know, so that a root inside somebody else's folder costs
//! nothing more, and it never opens a file of logs or sessions.

mod files;
mod mend;

use std::fs::{File, TryLockError};
use std::path::Path;
use std::sync::Arc;

use crate::adapters::checkup::files::Files;
use crate::adapters::codex::config::ConfigFile;
use crate::adapters::disk::atomic;
use crate::adapters::env::Env;
use crate::adapters::platform;
use crate::adapters::shelf::Shelf;
use crate::adapters::store::DiskStore;
use crate::base::Moment;
use crate::domain::checkup::facts::{
    Config, Copy, Facts, FileFacts, MachineFacts, OfficialFacts, Paths, PoolFacts, Port, Positions,
    SettingsState, StoreFacts,
};
use crate::domain::checkup::repair::{Mended, Repair};
use crate::domain::inventory::{Pool, Role};
use crate::domain::model::Family;
use crate::domain::official::Login;
use crate::domain::places::Places;
use crate::domain::problem::Problem;
use crate::domain::recovery::Health;
use crate::domain::settings::report::{Storage, Trouble};
use crate::domain::shelf::Store as Shelved;
use crate::formats::codex_config;
use crate::formats::lossless::Object;
use crate::ports::home::Home;
use crate::ports::{Checkup, Clock, Store as _};

/// Looks at one root and one official home.
#[derive(Debug, Clone)]
pub struct Examiner<H, C> {
    store: DiskStore<C>,
    home: H,
    places: Arc<Places>,
    shelf: Shelf,
    config: ConfigFile,
    clock: C,
    may_set_store: bool,
}

impl<H: Home, C: Clock> Examiner<H, C> {
    /// An examiner of what `places` names.
    pub fn new(store: DiskStore<C>, home: H, places: &Arc<Places>, env: &Env, clock: C) -> Self {
        Self {
            store,
            home,
            shelf: Shelf::new(Arc::clone(places)),
            config: ConfigFile::new(Arc::clone(places)),
            places: Arc::clone(places),
            clock,
            may_set_store: env.enforce_file_auth_store.as_deref().map(str::trim) != Some("0"),
        }
    }

    fn paths(&self) -> Paths {
        Paths {
            pool: self.places.pool(),
            root: self.places.root().to_owned(),
            home: self.places.user_home().to_owned(),
            auth: self.places.auth_json().to_owned(),
            config: self.places.config_toml().to_owned(),
        }
    }

    async fn pool(&self) -> PoolFacts {
        let (roster, health, trouble) = match self.store.load().await {
            Ok(loaded) => (loaded.roster, loaded.health, None),
            Err(error) => (Arc::default(), Health::Corrupt, Some(Problem::from(error))),
        };
        let copy = if trouble.as_ref().is_some_and(|trouble| trouble.code == "storage-corrupt") {
            self.newest_copy().await
        } else {
            None
        };
        PoolFacts {
            roster,
            health,
            trouble,
            positions: self.positions(),
            copy,
            next: None,
            out_of_step: std::collections::BTreeMap::new(),
        }
    }

    /// Whether every position in the pool file points at one of its rows.
    fn positions(&self) -> Option<Positions> {
        let text = atomic::read_text(&self.places.pool()).ok()??;
        let top = Object::parse(&text).ok()?;
        let rows = top.list("accounts")?.len();
        let families = top.object("activeIndexByFamily").unwrap_or_default();
        let stored = ["activeIndex", "pinnedAccountIndex"].into_iter().filter_map(|name| top.number(name));
        let by_family = Family::ALL.into_iter().filter_map(|family| families.number(family.word()));
        let is_out = |position: f64| {
            position.fract() != 0.0 || position < 0.0 || top_count(position).is_none_or(|at| at >= rows)
        };
        let out = rows > 0 && stored.chain(by_family).any(is_out);
        Some(if out { Positions::OutOfRange } else { Positions::InRange })
    }

    /// The newest file that could take the pool's place, whoever made it.
    async fn newest_copy(&self) -> Option<Copy> {
        self.copies().await.into_iter().max_by_key(|copy| copy.at)
    }

    /// Every file with accounts that could take the pool's place.
    async fn copies(&self) -> Vec<Copy> {
        let inventory = self.store.inventory().await;
        let listed = inventory.files.into_iter().filter_map(|file| {
            let accounts = file.accounts.filter(|accounts| *accounts > 0 && file.valid)?;
            let is_copy = file.pool == Pool::Accounts && file.role != Role::Primary;
            is_copy.then_some(Copy { path: file.path, accounts, at: file.modified })
        });
        listed.chain(mend::copies(&self.places, self.clock.now())).collect()
    }

    async fn files(&self, at: Moment) -> FileFacts {
        let copies = self.copies().await.len();
        let roster = self.store.load().await.map(|loaded| loaded.roster).unwrap_or_default();
        let places = Arc::clone(&self.places);
        let looked = tokio::task::spawn_blocking(move || {
            let files = Files::new(&places, at);
            let root = places.root();
            let size = match std::fs::metadata(places.pool()) {
                Ok(meta) if meta.is_dir() => Some(Err("a folder stands in its place".to_owned())),
                Ok(meta) => Some(std::fs::File::open(places.pool()).map(|_| meta.len()).map_err(words)),
                Err(error)
                    if matches!(
                        error.kind(),
                        std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory
                    ) =>
                {
                    None
                }
                Err(error) => Some(Err(words(error))),
            };
            FileFacts {
                copies: 0,
                size,
                unwritable: files.unwritable(),
                reset_since: files.reset_since(),
                loose: files.loose(),
                foreign: files.foreign(),
                leftovers: files.leftovers(),
                unclaimed_results: files.unclaimed_results(&roster),
                quarantine: files.quarantine(),
                locking: files.lock().map(|lock| can_lock(&lock)),
                free: platform::free_space(files::existing(root)),
                legacy: files.legacy(),
                from_the_future: files.ahead_of_time(),
            }
        });
        FileFacts { copies, ..looked.await.unwrap_or_default() }
    }

    async fn official(&self) -> OfficialFacts {
        let settings = self.store.settings().await.unwrap_or_default();
        let login = self.home.login().await;
        OfficialFacts {
            has_auth: self.places.auth_json().exists() || !matches!(login, Login::Absent),
            login,
            config: self.configuration(),
            may_set_store: self.may_set_store,
            may_write: settings.codex_cli_sync,
            program: None,
        }
    }

    fn configuration(&self) -> Config {
        let bytes = match atomic::read(self.places.config_toml()) {
            Ok(None) => return Config::Absent,
            Ok(Some(bytes)) => bytes,
            Err(error) => return Config::Unreadable(words(error)),
        };
        let Ok(text) = String::from_utf8(bytes) else {
            return Config::Unreadable("it is no UTF-8 text".to_owned());
        };
        match codex_config::facts(&text, None) {
            Ok(facts) => Config::Read {
                store: facts.credentials_store,
                base_url: facts.openai_base_url,
                provider: facts.model_provider,
            },
            Err(why) => Config::Unreadable(why),
        }
    }

    async fn stores(&self) -> StoreFacts {
        let report = self.store.config().await.unwrap_or_default();
        let faults = report.entries.iter().filter_map(|entry| {
            let problem = entry.problem()?;
            Some(format!("{}: {problem}", entry.row.key))
        });
        let look = |store| (store, self.shelf.state(store).map_err(|error| error.to_string()));
        StoreFacts {
            settings: report.problems.iter().map(said).collect(),
            settings_state: match report.storage {
                Storage::Unreadable => SettingsState::Unreadable,
                Storage::Unified | Storage::File | Storage::Missing => SettingsState::Readable,
            },
            faults: faults.collect(),
            shelf: Shelved::ALL.into_iter().map(look).collect(),
        }
    }

    async fn machine(&self, at: Moment) -> MachineFacts {
        let places = Arc::clone(&self.places);
        let reference = tokio::task::spawn_blocking(move || Files::new(&places, at).helpers());
        MachineFacts {
            reference: reference.await.unwrap_or_default(),
            leftovers: Vec::new(),
            bound: None,
            misfiled: 0,
            proxies: Vec::new(),
            overrides: (None, None),
            descriptors: platform::descriptors(),
            login_port: Some(match std::net::TcpListener::bind(("127.0.0.1", 1455)) {
                Ok(_) => Port::Free,
                Err(_) => Port::Taken,
            }),
            has_keychain: cfg!(target_os = "macos"),
        }
    }
}

impl<H: Home, C: Clock> Checkup for Examiner<H, C> {
    async fn examine(&self) -> Facts {
        let at = self.clock.now();
        Facts {
            at,
            paths: self.paths(),
            pool: self.pool().await,
            files: self.files(at).await,
            official: self.official().await,
            stores: self.stores().await,
            machine: self.machine(at).await,
        }
    }

    async fn mend(&self, repair: &Repair) -> Result<Mended, String> {
        self.carry_out(repair).await
    }
}

fn top_count(position: f64) -> Option<usize> {
    format!("{position:.0}").parse().ok()
}

/// Whether the file system locks files, tried on a lock that is there: a look makes no file and writes to none.
fn can_lock(lock: &Path) -> Result<(), String> {
    let file = File::open(lock).map_err(words)?;
    match file.try_lock_shared() {
        Ok(()) | Err(TryLockError::WouldBlock) => Ok(()),
        Err(TryLockError::Error(error)) => Err(words(error)),
    }
}

fn said(trouble: &Trouble) -> String {
    let line = trouble.line.map(|line| format!(" line {line}")).unwrap_or_default();
    match &trouble.file {
        Some(file) => format!("{file}{line}: {}", trouble.message),
        None => trouble.message.clone(),
    }
}

fn words(error: impl std::fmt::Display) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_lowercase()
}

#[cfg(test)]
mod tests;
