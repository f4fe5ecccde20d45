//! Making a bind, step by step, and taking every step back when a later one fails (forwarder.md §15.2, FW-35).

use std::future::Future;
use std::path::PathBuf;

use super::router::Raised;
use super::{BACKUP, Binder, Retired, disk, unchanged};
use crate::adapters::codex::config::{Becomes, Keep};
use crate::adapters::disk::atomic;
use crate::adapters::entropy::SystemEntropy;
use crate::adapters::fault;
use crate::adapters::startup::Service;
use crate::base::{Moment, Secret};
use crate::domain::bind::{self, Bind, LEASE, Mode, Obstacle, Original, Phase};
use crate::domain::launch::route::LEGACY_PROVIDER;
use crate::domain::problem::{Exit, Hint, Problem};
use crate::formats::app_bind;
use crate::formats::codex_config::bind::{self as key, Released};
use crate::formats::path_prefix::path_prefix;
use crate::ports::Entropy as _;

/// How a bind is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wish {
    /// How long it is to stand.
    pub mode: Mode,
    /// Whether the user agreed to replace a value of his own.
    pub replace: bool,
    /// Whether nothing is to be changed.
    pub dry_run: bool,
}

/// What a bind came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// The bind.
    pub bind: Bind,
    /// Whether anything changed.
    pub changed: bool,
    /// The port that somebody else had taken.
    pub moved_from: Option<u16>,
    /// Files that were written, or would be.
    pub files: Vec<PathBuf>,
    /// What else there is to say, a line each.
    pub notes: Vec<String>,
}

/// Why nothing was bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// The user's own value stands there: only after a yes.
    Theirs(String),
    /// Anything else; everything is as it was.
    Problem(Problem),
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

/// What stood there before the first step.
struct Prior {
    state: Option<Vec<u8>>,
    had_backup: bool,
    config: Option<Vec<u8>>,
    entry: Option<Vec<u8>>,
}

impl Binder {
    /// Binds. `ready` is asked once the router answers and before the key is written: lines for people, or why the
    /// bind is taken back.
    ///
    /// # Errors
    /// Everything is as it was then.
    pub async fn bind(
        &self,
        wish: Wish,
        at: Moment,
        ready: impl Future<Output = Result<Vec<String>, Problem>>,
    ) -> Result<Done, Refused> {
        let _lock = self.lock().await?;
        let config = self.config(&self.config_path());
        let mut text = config.text().map_err(|error| unchanged(&error))?;
        let mut current = self.current(&self.config_path()).map_err(|error| unchanged(&error))?;
        let theirs = self.legacy();
        if theirs.is_some() {
            text = self.without_legacy(&self.config_path(), text)?;
            current =
                Self::read_key(&self.config_path(), text.as_deref()).map_err(|error| unchanged(&error))?;
        }
        match bind::obstacle(current.value.as_deref(), current.provider.as_deref(), LEGACY_PROVIDER) {
            Some(Obstacle::Theirs(value)) if !wish.replace => return Err(Refused::Theirs(value)),
            Some(Obstacle::Theirs(_)) | None => {}
            Some(Obstacle::Provider(provider)) => return Err(other_provider(&provider).into()),
        }
        // The original package's bind goes first and for good: its router is gone when a later step fails.
        let retired =
            if theirs.is_some() { self.retire_locked(wish.dry_run, at).await? } else { Retired::default() };
        if theirs.is_some() && !wish.dry_run {
            text = config.text().map_err(|error| unchanged(&error))?;
        }
        let earlier = self.bind_of(&self.config_path());
        let mut wanted = self.planned(earlier.as_ref(), wish.mode, at);
        wanted.original = bind::original(
            current.raw.clone(),
            current.value.as_deref(),
            text.is_some(),
            earlier.as_ref().map(|bind| &bind.original),
        );
        let mut files = self.files(wish.mode);
        files.extend(retired.files.into_iter().filter(|file| *file != self.config_path()));
        let mut said = retired.notes;
        if theirs.is_some() {
            said.insert(0, "The bind of the original package is taken over".to_owned());
        }
        if wish.dry_run {
            said.extend(self.notes());
            return Ok(Done { bind: wanted, changed: false, moved_from: None, files, notes: said });
        }
        let prior = Prior {
            state: atomic::read(&self.state_path()).map_err(|error| disk(&self.state_path(), &error))?,
            had_backup: self.places.app_bind(BACKUP).exists(),
            config: text.clone().map(String::into_bytes),
            entry: atomic::read(&self.startup().entry(Service::Router)).ok().flatten(),
        };
        let asked = wanted.port;
        let mut raised = None;
        let steps = self.steps(&mut wanted, text.as_deref(), at, &mut raised, ready).await;
        let notes = match steps {
            Ok(notes) => notes,
            Err(problem) => {
                let problem = self.taken_back(&wanted, prior, raised, at, problem).await;
                return Err(problem.into());
            }
        };
        let moved_from = (asked != 0 && asked != wanted.port && earlier.is_some()).then_some(asked);
        said.extend(notes);
        Ok(Done { bind: wanted, changed: true, moved_from, files, notes: said })
    }

    async fn steps(
        &self,
        wanted: &mut Bind,
        text: Option<&str>,
        at: Moment,
        raised: &mut Option<Raised>,
        ready: impl Future<Output = Result<Vec<String>, Problem>>,
    ) -> Result<Vec<String>, Problem> {
        let state = self.state_path();
        let failed = |error: std::io::Error| disk(&state, &error);
        let backup = self.places.app_bind(BACKUP);
        if !backup.exists() {
            let copy = app_bind::print_backup(&wanted.config, text, at);
            atomic::write(&backup, copy.as_bytes()).map_err(|error| disk(&backup, &error))?;
        }
        if wanted.port == 0 {
            wanted.port = super::router::free_port().map_err(failed)?;
        }
        self.save(wanted).map_err(failed)?;
        fault::pass("bind.state").map_err(failed)?;
        *raised = Some(self.raise(wanted).await?);
        fault::pass("bind.router").map_err(failed)?;
        let mut notes = ready.await?;
        notes.extend(self.notes());
        self.write_key(wanted, at).await?;
        fault::pass("bind.key").map_err(failed)?;
        match wanted.mode {
            Mode::Persistent => {
                let words = vec![
                    super::ROUTER_WORD.to_owned(),
                    "--state".to_owned(),
                    state.to_string_lossy().into_owned(),
                ];
                let (startup, program) = (self.startup().clone(), self.program.clone());
                let installed =
                    tokio::task::spawn_blocking(move || startup.install(Service::Router, &program, &words))
                        .await;
                installed.map_err(|_| interrupted())?.map_err(|error| {
                    Problem::new("startup-failed", Exit::Failed, "the start-up entry could not be written")
                        .because(error.to_string())
                })?;
                wanted.lease_until = None;
            }
            Mode::Leased => {
                self.startup().remove(Service::Router).map_err(failed)?;
                wanted.lease_until = Some(at + LEASE);
            }
        }
        fault::pass("bind.startup").map_err(failed)?;
        wanted.phase = Phase::Bound;
        self.save(wanted).map_err(failed)?;
        Ok(notes)
    }

    /// Writes the key of `wanted`, and nothing else.
    pub(super) async fn write_key(&self, wanted: &Bind, at: Moment) -> Result<(), Problem> {
        let url = wanted.url();
        let written = self
            .config(&wanted.config)
            .alter(Keep::First, at, |text| {
                let (text, _) = key::bound(text, Some(&wanted.original), url.expose())?;
                Ok((Becomes::Text(text), ()))
            })
            .await;
        written.map(|_| ()).map_err(|error| unchanged(&error))
    }

    /// Puts everything back as it was, and adds to the problem what could not be.
    async fn taken_back(
        &self,
        wanted: &Bind,
        prior: Prior,
        raised: Option<Raised>,
        at: Moment,
        mut problem: Problem,
    ) -> Problem {
        let restored = self
            .config(&wanted.config)
            .alter(Keep::First, at, |text| {
                let before = prior.config.as_deref().map(String::from_utf8_lossy);
                let earlier = Original { raw: None, existed: before.is_some() };
                let bound = key::bound(before.as_deref(), Some(&earlier), wanted.url().expose());
                let ours = bound.ok().map(|(text, _)| text);
                let becomes = match (text, &before) {
                    (None, _) => Becomes::Same,
                    // Nobody else wrote into it meanwhile: the very bytes.
                    (Some(text), Some(before)) if Some(text) == ours.as_deref() => {
                        Becomes::Text(before.to_string())
                    }
                    (Some(text), before) => {
                        let was = before.as_deref().map(key::current).transpose()?.unwrap_or_default();
                        let original = Original { raw: was.raw, existed: before.is_some() };
                        match key::released(text, &original)? {
                            Released::Text(text) => Becomes::Text(text),
                            Released::Gone => Becomes::Gone,
                            Released::Left => Becomes::Same,
                        }
                    }
                };
                Ok((becomes, ()))
            })
            .await;
        if let Err(error) = restored {
            problem = problem.because(format!("config.toml could not be put back: {error}"));
        }
        if let Some(Raised::Started(mut child)) = raised {
            self.stop(&wanted.identity).await;
            // It is our child: it has to be fetched, or its pid stays taken.
            let _ = child.kill();
            let _ = child.wait();
        }
        let entry = self.startup().entry(Service::Router);
        let outcome = match &prior.entry {
            Some(bytes) => atomic::write(&entry, bytes),
            None => self.startup().remove(Service::Router).map(|_| ()),
        };
        if let Err(error) = outcome {
            problem = problem.because(format!("{}: {error}", entry.display()));
        }
        let outcome = match &prior.state {
            Some(bytes) => atomic::write(&self.state_path(), bytes),
            None if prior.had_backup => atomic::remove(&self.state_path()),
            None => self.forget(),
        };
        if let Err(error) = outcome {
            problem = problem.because(format!("{}: {error}", self.state_path().display()));
        }
        problem
    }

    /// The bind of exactly this file.
    pub(super) fn bind_of(&self, config: &std::path::Path) -> Option<Bind> {
        self.known().filter(|bind| bind.config == config)
    }

    fn planned(&self, earlier: Option<&Bind>, mode: Mode, at: Moment) -> Bind {
        let mut random = [0; 32];
        SystemEntropy.fill(&mut random);
        // An explicit bind always brings a new secret: what held the old one has to be restarted anyway.
        let secret = path_prefix(&random);
        Bind {
            mode,
            phase: Phase::Binding,
            port: earlier.map_or(0, |bind| bind.port),
            secret,
            config: self.config_path(),
            original: Original::default(),
            owner: Self::me(),
            lease_until: Some(at + LEASE),
            identity: earlier.map_or_else(|| hex(24), |bind| bind.identity.clone()),
            client_key: earlier.map_or_else(|| Secret::new(hex(32)), |bind| bind.client_key.clone()),
            created_at: earlier.map_or(at, |bind| bind.created_at),
            updated_at: at,
        }
    }

    fn files(&self, mode: Mode) -> Vec<PathBuf> {
        let entry = (mode == Mode::Persistent).then(|| self.startup().entry(Service::Router));
        [
            self.config_path(),
            self.state_path(),
            self.status_path(),
            self.log_path(),
            self.places.app_bind(BACKUP),
        ]
        .into_iter()
        .chain(entry)
        .collect()
    }

    /// What a person should know about this bind.
    fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if self.home() != self.places.codex_home() {
            notes.push(format!(
                "The desktop app reads {}, so that home is bound, not CODEX_HOME",
                self.home().display()
            ));
        }
        for name in std::fs::read_dir(self.home()).into_iter().flatten().flatten() {
            let name = name.file_name().to_string_lossy().into_owned();
            let Some(profile) = name.strip_suffix(".config.toml").filter(|profile| !profile.is_empty())
            else {
                continue;
            };
            let Ok(current) = self.current(&self.home().join(&name)) else { continue };
            if current.raw.is_some()
                || current.provider.as_deref().is_some_and(|provider| provider != "openai")
            {
                notes.push(format!(
                    "The profile {profile} has an address or provider of its own, which wins over the bind"
                ));
            }
        }
        notes.sort();
        notes
    }
}

/// Random hex digits, two for each byte.
fn hex(bytes: usize) -> String {
    use std::fmt::Write as _;

    let mut random = vec![0; bytes];
    SystemEntropy.fill(&mut random);
    random.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn other_provider(provider: &str) -> Problem {
    Problem::new(
        "bind-other-provider",
        Exit::Failed,
        "config.toml uses another provider, so a bind would have no effect",
    )
    .because(format!("model_provider = \"{provider}\""))
    .hint(Hint::Say("Remove `model_provider` from it to use your accounts there".to_owned()))
}

fn interrupted() -> Problem {
    Problem::new("internal", Exit::Failed, "the work was interrupted")
}
