//! Changing members of a settings document in its text.

use crate::domain::settings::edit::Edit;
use crate::domain::settings::schema::{Section, row, rows};
use crate::formats::lossless::{Object, ParseJsonError};
use crate::formats::settings::read::newer;
use crate::formats::settings::value;

/// The member with the settings of the dashboard's looks.
const DISPLAY: &str = "dashboardDisplaySettings";

/// The members that hold settings.
const SECTIONS: [&str; 2] = ["pluginConfig", DISPLAY];

/// Why a document is not changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// It is no JSON object.
    #[error("{0}")]
    Damaged(#[from] ParseJsonError),
    /// A newer version wrote it.
    #[error("was written by a newer version (format {0})")]
    Newer(u64),
}

/// Returns `settings.json` with these members changed, and nothing else; `None` = it says so already.
///
/// A document without runtime settings takes over those of `legacy`, the flat file that counted so far.
///
/// # Errors
/// When the text is no JSON object, or of a newer version.
pub fn unified(
    text: Option<&str>,
    edits: &[Edit],
    legacy: Option<&str>,
) -> Result<Option<String>, EditError> {
    let mut document = parsed(text)?;
    let mut plugin = document.object("pluginConfig").map(Object::into_owned).unwrap_or_default();
    let mut display = document.object("dashboardDisplaySettings").map(Object::into_owned).unwrap_or_default();
    let (had_plugin, had_display) = (plugin.to_text(), display.to_text());
    if document.object("pluginConfig").is_none_or(|object| object.is_empty())
        && let Some(flat) = legacy.and_then(|text| Object::parse(text).ok())
        && edits.iter().any(|edit| section(edit) != Section::Display)
    {
        plugin.fill_from(&flat);
    }
    for edit in edits {
        apply(edit, if section(edit) == Section::Display { &mut display } else { &mut plugin });
    }
    let mut changed = false;
    for (name, object, before) in
        [("pluginConfig", &plugin, had_plugin), ("dashboardDisplaySettings", &display, had_display)]
    {
        if object.to_text() != before {
            document.set_object(name, object);
            changed = true;
        }
    }
    Ok(changed.then(|| finished(&mut document)))
}

/// Returns a flat document with these members changed; display settings have no place in it.
///
/// # Errors
/// When the text is no JSON object.
pub fn flat(text: Option<&str>, edits: &[Edit]) -> Result<Option<String>, EditError> {
    let mut document = match text {
        Some(text) => Object::parse(text)?,
        None => Object::default(),
    };
    let before = document.to_text();
    for edit in edits.iter().filter(|edit| section(edit) != Section::Display) {
        apply(edit, &mut document);
    }
    let changed = document.to_text() != before || text.is_none();
    Ok(changed.then(|| document.to_pretty() + "\n"))
}

/// Returns `settings.json` with the display settings of the older `dashboard-settings.json` in it; `None` = it has
/// display settings of its own, or the older file holds nothing that can be used.
///
/// # Errors
/// When the text is no JSON object, or of a newer version.
pub fn with_dashboard(text: Option<&str>, dashboard: &str) -> Result<Option<String>, EditError> {
    let mut document = parsed(text)?;
    if document.has(DISPLAY) {
        return Ok(None);
    }
    let old = Object::parse(dashboard).ok();
    let Some(settings) = old.as_ref().and_then(|object| object.object("settings")) else {
        return Ok(None);
    };
    document.set_object("dashboardDisplaySettings", &settings);
    Ok(Some(finished(&mut document)))
}

/// The flat document that holds every runtime setting stored in `unified`, or in the flat file that stood for it.
pub fn copied(unified: Option<&str>, legacy: Option<&str>) -> String {
    let stored = unified.and_then(|text| Object::parse(text).ok());
    let plugin = stored.as_ref().and_then(|object| object.object("pluginConfig"));
    if let Some(plugin) = plugin {
        return plugin.to_pretty() + "\n";
    }
    let legacy = legacy.and_then(|text| Object::parse(text).ok());
    legacy.unwrap_or_default().to_pretty() + "\n"
}

/// Sections in which something else than an object stands; nothing at all (`null`) is none.
pub fn misshapen(text: &str) -> Vec<&'static str> {
    let Ok(document) = Object::parse(text) else { return Vec::new() };
    misshapen_in(&document)
}

/// The same, of a document that was read already.
pub(super) fn misshapen_in(document: &Object<'_>) -> Vec<&'static str> {
    let wrong = |name: &&str| {
        document.object(name).is_none() && document.raw(name).is_some_and(|raw| raw.trim() != "null")
    };
    SECTIONS.into_iter().filter(wrong).collect()
}

/// Sections that these edits would begin anew, although something stands there.
pub fn displaced(text: &str, edits: &[Edit]) -> Vec<&'static str> {
    let touched = |name: &&str| {
        edits
            .iter()
            .any(|edit| (section(edit) == Section::Display) == (*name == DISPLAY) && edit.to.is_some())
    };
    misshapen(text).into_iter().filter(touched).collect()
}

/// Whether a text can be a settings file of this version.
///
/// # Errors
/// When it is no JSON object, or of a newer version.
pub fn check(text: &str) -> Result<(), EditError> {
    parsed(Some(text)).map(|_| ())
}

fn parsed(text: Option<&str>) -> Result<Object<'_>, EditError> {
    let Some(text) = text else { return Ok(Object::default()) };
    let document = Object::parse(text)?;
    match newer(&document) {
        Some(version) => Err(EditError::Newer(version)),
        None => Ok(document),
    }
}

fn finished(document: &mut Object<'_>) -> String {
    if document.count("version") != Some(1) {
        document.set("version", 1);
    }
    document.to_pretty() + "\n"
}

fn section(edit: &Edit) -> Section {
    row(edit.key).map_or(Section::Ours, |row| row.section)
}

fn apply(edit: &Edit, object: &mut Object<'_>) {
    match &edit.to {
        Some(to) => {
            let raw = value::raw(to);
            if object.raw(edit.key) != Some(raw.as_str()) {
                object.set_raw(edit.key, raw);
            }
        }
        None => object.remove(edit.key),
    }
}

/// How many members of the table an object's text has.
pub fn known_members(text: &str) -> usize {
    Object::parse(text).map_or(0, |object| rows().filter(|row| object.has(row.key)).count())
}
