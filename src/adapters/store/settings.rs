//! The settings of a root: one cached report, saved edits, and news when the files change.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{DiskStore, Shared, Stamp, stamp, unreadable};
use crate::adapters::config;
use crate::adapters::disk::atomic;
use crate::adapters::disk::watch::Watch;
use crate::adapters::store::snapshots::Keep;
use crate::base::Span;
use crate::domain::problem::{Exit, Problem};
use crate::domain::settings::Settings;
use crate::domain::settings::edit::Edit;
use crate::domain::settings::report::{Report, Saved};
use crate::formats::settings::write;
use crate::ports::Clock;
use crate::ports::store::StoreError;

/// How long a busy file is waited for (settings.md §1.5).
const PATIENCE: Span = Span::millis(500);
const PAUSE: Span = Span::millis(25);
/// After a change is noticed; the promise is half a second.
const DEBOUNCE: Span = Span::millis(100);
const POLL: Span = Span::millis(400);
/// How often a save that met a busy file is tried again, and the first pause; doubled each time.
const TRIES: u32 = 4;
const FIRST: Span = Span::millis(50);

/// A settings file on its way through an editor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    path: PathBuf,
    before: Option<Vec<u8>>,
    /// What the editor shows first.
    pub text: String,
}

/// What was read last, by the stamps of the files it was read from.
pub(super) type Known = (Vec<Stamp>, Arc<Report>, Arc<Settings>);

impl<C: Clock> DiskStore<C> {
    /// Every setting with its value and source, read anew when a file changed.
    ///
    /// # Errors
    /// When the reading itself broke off; what is wrong with the files stands in the report.
    pub async fn config(&self) -> Result<Arc<Report>, StoreError> {
        let mut waited = Span::ZERO;
        loop {
            let shared = Arc::clone(&self.shared);
            let (report, busy) = self
                .blocking(move || {
                    let (report, busy, migrates) = shared.report();
                    if migrates && shared.forbidden.get().is_none() && config::migrate(&shared.places).is_ok()
                    {
                        let (report, busy, _) = shared.report();
                        return Ok::<_, StoreError>((report, busy));
                    }
                    Ok((report, busy))
                })
                .await?;
            if !busy || waited >= PATIENCE {
                return Ok(report);
            }
            self.clock.sleep(PAUSE).await;
            waited = waited + PAUSE;
        }
    }

    /// Saves edits; one ordered change of the files, whatever other programs do meanwhile.
    ///
    /// # Errors
    /// `unknown-setting` and `out-of-range` before anything is touched; else what kept the files from being
    /// written. What was there is intact then.
    pub async fn configure(&self, edits: Vec<Edit>) -> Result<Saved, Problem> {
        let report = self.config().await?;
        let edits = report.checked(&edits)?;
        let mut pause = FIRST;
        for left in (0..TRIES).rev() {
            match self.save_settings(edits.clone()).await {
                Err(StoreError::Io { code: Some(code), .. }) if is_passing(&code) && left > 0 => {
                    self.clock.sleep(pause).await;
                    pause = pause + pause;
                }
                Err(error) => return Err(trouble(error)),
                Ok(notes) => return Ok(Saved { report: self.config().await?, notes }),
            }
        }
        Err(StoreError::Contended { path: self.shared.places.settings().display().to_string() }.into())
    }

    /// The text of the file that changes are written to, for an editor.
    ///
    /// # Errors
    /// When it cannot be read, or a newer version wrote it.
    pub async fn settings_draft(&self) -> Result<Draft, Problem> {
        let shared = Arc::clone(&self.shared);
        let draft: Result<Draft, StoreError> = self
            .blocking(move || {
                let places = &shared.places;
                let flat = places.config_path().map(Path::to_path_buf);
                let is_flat = flat.is_some();
                let path = flat.unwrap_or_else(|| places.settings());
                let before = atomic::read(&path).map_err(|error| unreadable(&path, &error))?;
                let text = match &before {
                    Some(bytes) => String::from_utf8_lossy(bytes).into_owned(),
                    None if is_flat => "{}\n".to_owned(),
                    None => "{\n  \"version\": 1,\n  \"pluginConfig\": {}\n}\n".to_owned(),
                };
                Ok(Draft { path, before, text })
            })
            .await;
        draft.map_err(trouble)
    }

    /// Puts an edited text in the place of the draft it was made from.
    ///
    /// # Errors
    /// `settings-unreadable` when it is no settings file, `out-of-range` when it holds a value that is not taken
    /// and was not there before, `pool-changed` when the file is another one by now.
    pub async fn put_settings(&self, draft: Draft, text: String) -> Result<Saved, Problem> {
        let known = self.config().await?;
        let lock = self.lock(&self.shared.places.lock("settings")).await?;
        let (shared, at) = (Arc::clone(&self.shared), self.clock.now());
        let notes = self
            .blocking(move || {
                let report = config::read_with(&shared.places, &shared.env, Some(&text)).report;
                if let Some(problem) = objection(&text, &report, &known) {
                    return Ok(Err(problem));
                }
                config::put(&shared.places, &draft.path, draft.before.as_deref(), &text, at, &lock).map(Ok)
            })
            .await??;
        Ok(Saved { report: self.config().await?, notes })
    }

    async fn save_settings(&self, edits: Vec<Edit>) -> Result<Vec<String>, StoreError> {
        let lock = self.lock(&self.shared.places.lock("settings")).await?;
        let (shared, at) = (Arc::clone(&self.shared), self.clock.now());
        self.blocking(move || config::save(&shared.places, &edits, at, &lock)).await
    }

    /// Ends when the settings are other ones than `known`, with the new report.
    pub async fn reconfigured(&self, known: &Report) -> Arc<Report> {
        loop {
            let mut waiter = self.shared.settings_watch().waiter();
            if let Ok(report) = self.config().await
                && *report != *known
            {
                return report;
            }
            waiter.hint(DEBOUNCE, POLL).await;
        }
    }
}

/// A failure of the settings' own files, by the settings' own word.
fn trouble(error: StoreError) -> Problem {
    let problem = Problem::from(error);
    let code = if problem.code == "storage-unreadable" { "settings-unreadable" } else { problem.code };
    Problem { code, ..problem }
}

/// Why an edited text does not become the settings.
fn objection(text: &str, report: &Report, known: &Report) -> Option<Problem> {
    if let Err(error) = write::check(text) {
        return Some(Problem::new("settings-unreadable", Exit::Failed, format!("the text {error}")));
    }
    if let Some(name) = write::misshapen(text).first() {
        let what = format!("{name} in the text is no object");
        return Some(Problem::new("settings-unreadable", Exit::Failed, what));
    }
    let faults = |report: &Report| -> Vec<String> {
        let all = report.entries.iter();
        all.flat_map(|entry| {
            let stored = entry.faults.iter().filter(|fault| fault.variable.is_none());
            stored.map(|fault| format!("{}: {}, {}", entry.row.key, fault.given, fault.why))
        })
        .collect()
    };
    let old = faults(known);
    let fresh: Vec<String> = faults(report).into_iter().filter(|fault| !old.contains(fault)).collect();
    if fresh.is_empty() {
        return None;
    }
    let problem = Problem::new("out-of-range", Exit::Usage, "the text holds values that are not taken");
    Some(fresh.into_iter().fold(problem, Problem::because))
}

/// Another program holds the file for a moment. On Windows a file that is open elsewhere is refused, too.
fn is_passing(code: &str) -> bool {
    matches!(code, "EBUSY" | "EAGAIN" | "ENOTEMPTY") || cfg!(windows) && matches!(code, "EPERM" | "EACCES")
}

impl Shared {
    /// The report, whether a file was busy, and whether the older display settings still have to be moved.
    fn report(&self) -> (Arc<Report>, bool, bool) {
        let stamps: Vec<Stamp> = config::files(&self.places).iter().map(|path| stamp(path)).collect();
        if let Some((known, report, _)) = &self.state().settings
            && *known == stamps
        {
            return (Arc::clone(report), false, false);
        }
        let read = config::read(&self.places, &self.env);
        let report = Arc::new(read.report);
        // A report of a busy moment is not remembered, so the next one looks again.
        if !read.busy {
            let typed = Arc::new(report.settings());
            self.state().settings = Some((stamps, Arc::clone(&report), typed));
        }
        (report, read.busy, read.migrates)
    }

    /// The typed settings.
    pub(super) fn settings(&self) -> Arc<Settings> {
        let (report, _, _) = self.report();
        if let Some((_, known, settings)) = &self.state().settings
            && Arc::ptr_eq(known, &report)
        {
            return Arc::clone(settings);
        }
        Arc::new(report.settings())
    }

    /// How many snapshots of the pool stay.
    pub(super) fn keep(&self) -> Keep {
        let (hourly, daily) = self.settings().snapshots;
        Keep { hourly, daily }
    }

    fn settings_watch(&self) -> &Watch {
        self.settings_watch.get_or_init(|| {
            let files = config::files(&self.places);
            let mut directories: Vec<_> =
                files.iter().filter_map(|path| path.parent().map(std::path::Path::to_path_buf)).collect();
            directories.sort();
            directories.dedup();
            let names = files
                .iter()
                .filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned()))
                .collect();
            Watch::new(&directories, names)
        })
    }
}
