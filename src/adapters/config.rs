//! The settings files on this system: reading them into one report, and saving edits.
//!
//! Reading never fails: what cannot be read becomes a problem of the report and defaults. Saving never drops
//! what it does not understand, and takes the machine-wide lock of the settings.

mod save;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use crate::adapters::disk::atomic;
use crate::domain::places::Places;
use crate::domain::settings::display::BUILT_IN_THEMES;
use crate::domain::settings::report::{Report, Trouble};
use crate::domain::settings::resolve::resolve;
use crate::domain::settings::schema::Value;
use crate::formats::settings::{Content, Sources, find};

pub(super) use save::{migrate, put, save};

/// What was read, and what is to be done about it.
#[derive(Debug)]
pub(super) struct Read {
    /// Every setting.
    pub(super) report: Report,
    /// Whether a file was busy; another try may find more.
    pub(super) busy: bool,
    /// Whether the older display settings still have to be moved into `settings.json`.
    pub(super) migrates: bool,
}

/// The files that settings are read from, in the order they count.
pub(super) fn files(places: &Places) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = places.config_path().map(Path::to_path_buf).into_iter().collect();
    all.extend([places.settings(), backup(places), dashboard(places)]);
    all.extend(places.legacy_configs());
    all
}

/// Reads the settings of a root once.
pub(super) fn read(places: &Places, env: &BTreeMap<&'static str, String>) -> Read {
    read_with(places, env, None)
}

/// The same, as if `draft` stood in the file that changes are written to.
pub(super) fn read_with(places: &Places, env: &BTreeMap<&'static str, String>, draft: Option<&str>) -> Read {
    let mut unified = File::read(&places.settings());
    let mut flat = places.config_path().map(File::read);
    if let (Some(draft), target) = (draft, flat.as_mut().unwrap_or(&mut unified)) {
        target.text = Some(draft.to_owned());
        target.error = None;
    }
    let spare = File::read(&backup(places));
    let older = File::read(&dashboard(places));
    let legacy = places
        .legacy_configs()
        .into_iter()
        // What lies below a file is not there, whatever the system calls it.
        .filter(|path| path.symlink_metadata().is_ok())
        .map(|path| File::read(&path))
        .find(|file| file.content() != Content::Missing);
    let found = find(&Sources {
        flat: flat.as_ref().map(|file| (file.name.as_str(), file.content())),
        unified: (&unified.name, unified.content()),
        backup: spare.content(),
        legacy: legacy.as_ref().map(|file| (file.name.as_str(), file.content())),
        dashboard: older.content(),
    });
    let has_own =
        matches!(unified.content(), Content::Text(text) if text.contains("\"dashboardDisplaySettings\""));
    let busy = [Some(&unified), flat.as_ref(), legacy.as_ref()].into_iter().flatten().any(|file| file.busy);
    let mut report = resolve(found, env);
    look_for_theme(places, &mut report);
    Read { report, busy, migrates: older.content() != Content::Missing && !has_own }
}

/// A theme that is neither built in nor a file is named, because the screen only falls back to green.
fn look_for_theme(places: &Places, report: &mut Report) {
    let Some(entry) = report.entry("tuiTheme") else { return };
    let Value::Text(name) = &entry.value else { return };
    let name = name.trim();
    let file = places.root().join("themes").join(format!("{name}.toml"));
    if name.is_empty() || BUILT_IN_THEMES.contains(&name) || (!name.contains(['/', '\\']) && file.is_file()) {
        return;
    }
    let message =
        format!("tuiTheme {name} is no theme; green is used, themes are files like {}", file.display());
    report.problems.push(Trouble { key: Some("tuiTheme".to_owned()), ..Trouble::new(message) });
}

fn backup(places: &Places) -> PathBuf {
    places.root().join("settings.json.bak")
}

fn dashboard(places: &Places) -> PathBuf {
    places.root().join("dashboard-settings.json")
}

/// A file as it was found.
struct File {
    name: String,
    text: Option<String>,
    error: Option<String>,
    busy: bool,
}

impl File {
    fn read(path: &Path) -> Self {
        let name = path.display().to_string();
        match atomic::read_text(path) {
            Ok(text) => Self { name, text, error: None, busy: false },
            Err(error) => Self { name, text: None, busy: is_busy(&error), error: Some(words(&error)) },
        }
    }

    fn content(&self) -> Content<'_> {
        match (&self.text, &self.error) {
            (Some(text), _) => Content::Text(text),
            (None, Some(error)) => Content::Unreadable(error),
            (None, None) => Content::Missing,
        }
    }
}

fn words(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_lowercase()
}

/// Whether the next moment may be better: `EAGAIN`, `EBUSY`; on Windows a sharing or lock violation.
fn is_busy(error: &io::Error) -> bool {
    let codes: &[i32] = if cfg!(windows) { &[32, 33] } else { &[11, 16] };
    error.raw_os_error().is_some_and(|code| codes.contains(&code))
}
