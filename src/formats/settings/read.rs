//! Which document counts, and what its members say.

use crate::domain::settings::report::{Storage, Trouble, near};
use crate::domain::settings::resolve::Found;
use crate::domain::settings::schema::{Section, row, rows};
use crate::formats::lossless::Object;
use crate::formats::settings::{value, write};

/// A file as it was found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Content<'a> {
    /// There is none.
    #[default]
    Missing,
    /// Its text.
    Text(&'a str),
    /// It is there and cannot be read; the system's words.
    Unreadable(&'a str),
}

/// The files there are, with their paths.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sources<'a> {
    /// `CODEX_MULTI_AUTH_CONFIG_PATH`, when it is set.
    pub flat: Option<(&'a str, Content<'a>)>,
    /// `settings.json`.
    pub unified: (&'a str, Content<'a>),
    /// `settings.json.bak`; used when the former is damaged.
    pub backup: Content<'a>,
    /// The first legacy flat file that exists.
    pub legacy: Option<(&'a str, Content<'a>)>,
    /// `dashboard-settings.json`; used while `settings.json` has no display settings.
    pub dashboard: Content<'a>,
}

/// Whether the unified document is the file, its backup, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Sound,
    Missing,
    Damaged,
}

/// Finds the members of the table, and what is wrong with the documents.
pub fn find(sources: &Sources<'_>) -> Found {
    let mut found = Found { target: sources.unified.0.to_owned(), ..Found::default() };
    let (unified, state) = unified(sources, &mut found.problems);
    take_display(&mut found, sources, &unified);
    if let Some((path, content)) = sources.flat {
        path.clone_into(&mut found.target);
        if content != Content::Missing {
            flat(&mut found, path, content);
            return found;
        }
    }
    if let Some(object) = unified.object("pluginConfig") {
        take(&mut found, &object, |section| section != Section::Display);
        found.storage = Storage::Unified;
        found.path = Some(sources.unified.0.to_owned());
        return found;
    }
    if let Some((path, content)) = sources.legacy {
        found.problems.push(Trouble::of(
            path,
            format!("{path} is an old place for settings; the next change moves them to settings.json"),
        ));
        flat(&mut found, path, content);
        return found;
    }
    if state != State::Missing {
        found.path = Some(sources.unified.0.to_owned());
        // A file without runtime settings is not a file that cannot be read.
        found.storage = if state == State::Damaged { Storage::Unreadable } else { Storage::Unified };
    }
    found
}

fn unified<'a>(sources: &Sources<'a>, problems: &mut Vec<Trouble>) -> (Object<'a>, State) {
    let (path, content) = sources.unified;
    let error = match content {
        Content::Missing => return (Object::default(), State::Missing),
        Content::Text(text) => match Object::parse(text) {
            Ok(object) => {
                if let Some(version) = newer(&object) {
                    let message = format!(
                        "{path} was written by a newer version (format {version}): it is read as far as it is \
                         understood and not changed"
                    );
                    problems.push(Trouble::of(path, message));
                }
                for name in write::misshapen_in(&object) {
                    let message = format!("{name} in {path} is no object: nothing in it counts");
                    problems.push(Trouble { key: Some(name.to_owned()), ..Trouble::of(path, message) });
                }
                return (object, State::Sound);
            }
            Err(error) => error,
        },
        Content::Unreadable(error) => {
            let message = format!("{path} cannot be read ({error}); defaults are used");
            problems.push(Trouble::of(path, message));
            return (Object::default(), State::Damaged);
        }
    };
    let backup = if let Content::Text(text) = sources.backup { Object::parse(text).ok() } else { None };
    let instead = if backup.is_some() { "settings.json.bak is used" } else { "defaults are used" };
    problems.push(Trouble { line: error.line(), ..Trouble::of(path, format!("{path} {error}; {instead}")) });
    match backup {
        Some(object) => (object, State::Sound),
        None => (Object::default(), State::Damaged),
    }
}

/// The format version of a document that a newer program wrote.
pub fn newer(object: &Object<'_>) -> Option<u64> {
    object.count("version").filter(|version| *version > 1)
}

fn flat(found: &mut Found, path: &str, content: Content<'_>) {
    found.path = Some(path.to_owned());
    let (line, error) = match content {
        Content::Text(text) => match Object::parse(text) {
            Ok(object) => {
                take(found, &object, |section| section != Section::Display);
                found.storage = Storage::File;
                return;
            }
            Err(error) => (error.line(), error.detail),
        },
        Content::Unreadable(error) => (None, format!("cannot be read ({error})")),
        Content::Missing => (None, "is missing".to_owned()),
    };
    found.storage = Storage::Unreadable;
    found.problems.push(Trouble { line, ..Trouble::of(path, format!("{path} {error}; defaults are used")) });
}

fn take_display(found: &mut Found, sources: &Sources<'_>, unified: &Object<'_>) {
    if let Some(object) = unified.object("dashboardDisplaySettings") {
        take(found, &object, |section| section == Section::Display);
    } else if let Content::Text(text) = sources.dashboard
        && let Some(object) = Object::parse(text).ok().as_ref().and_then(|object| object.object("settings"))
    {
        take(found, &object, |section| section == Section::Display);
    }
}

/// Takes the members of the table, and names those that look like a slip.
fn take(found: &mut Found, object: &Object<'_>, wanted: impl Fn(Section) -> bool) {
    for (name, _) in object.iter().filter(|(name, _)| row(name).is_none()) {
        if let Some(meant) = near(name) {
            let message = format!("{name} is no setting and is kept as it is; did you mean {meant}?");
            found.problems.push(Trouble { key: Some(name.to_owned()), ..Trouble::new(message) });
        }
    }
    for row in rows().filter(|row| wanted(row.section)) {
        if let Some(raw) = object.raw(row.key) {
            found.members.insert(row.key, value::given(raw));
        }
    }
}
