//! What the small stores have in common: an object of version 1, changed member by member, two spaces and a final
//! newline. A wrong version is no empty store but one we cannot read.

use crate::formats::lossless::{Object, ParseJsonError};

/// The version all of them have.
const VERSION: f64 = 1.0;

/// Reads a store's object.
///
/// # Errors
/// When it is no JSON object of version 1.
pub(super) fn open(text: &str) -> Result<Object<'_>, ParseJsonError> {
    let object = Object::parse(text)?;
    if object.number("version") == Some(VERSION) {
        return Ok(object);
    }
    Err(ParseJsonError { detail: "has another version than 1".to_owned() })
}

/// The store to be changed; a new one where there is none.
///
/// # Errors
/// When there is one that cannot be read.
pub(super) fn open_or_new(text: Option<&str>) -> Result<Object<'_>, ParseJsonError> {
    let Some(text) = text else {
        let mut object = Object::default();
        object.set("version", 1);
        return Ok(object);
    };
    open(text)
}

/// The store's text.
pub(super) fn print(object: &Object<'_>) -> String {
    object.to_pretty() + "\n"
}

/// The strings of a list member; others are passed over.
pub(super) fn texts(object: &Object<'_>, name: &str) -> Vec<String> {
    let all = object.list(name).unwrap_or_default();
    all.into_iter().filter_map(super::lossless::text).collect()
}

/// Changes one member of a map member, keeping everything else of both; `None` removes it.
pub(super) fn change_entry(
    object: &mut Object<'_>,
    map: &str,
    key: &str,
    change: impl FnOnce(Object<'static>) -> Option<Object<'static>>,
) {
    let mut entries = object.object(map).unwrap_or_default().into_owned();
    let old = entries.object(key).map(Object::into_owned).unwrap_or_default();
    match change(old) {
        Some(entry) => entries.set_object(key, &entry),
        None => entries.remove(key),
    }
    object.set_object(map, &entries);
}
