//! The bind's one key in the text of `config.toml`: put in, and taken out again so that every byte the user has is as
//! it would be without us.

use super::edit::{self, EditError, Wanted};
use super::facts;
use crate::domain::bind::{self, KEY, Original, Release};
use crate::domain::launch::route::LEGACY_PROVIDER;

/// The key as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Current {
    /// Source text of the value.
    pub raw: Option<String>,
    /// The value, when it is a string.
    pub value: Option<String>,
    /// `model_provider` at top level.
    pub provider: Option<String>,
}

impl Current {
    /// Whether a value of our shape stands there.
    pub fn is_ours(&self) -> bool {
        self.value.as_deref().is_some_and(bind::is_ours)
    }

    /// Whether the reference's provider is the active one.
    pub fn is_legacy(&self) -> bool {
        self.provider.as_deref() == Some(LEGACY_PROVIDER)
    }
}

/// Reads the key.
///
/// # Errors
/// When the text is no TOML or the key holds a table.
pub fn current(text: &str) -> Result<Current, EditError> {
    let raw = edit::source(text, KEY)?;
    let facts = facts(text, None).map_err(EditError::NotToml)?;
    Ok(Current { raw, value: facts.openai_base_url, provider: facts.model_provider })
}

/// Whether a text may hold a value of ours at all, without parsing it.
pub fn may_hold(text: &str) -> bool {
    text.contains("/backend-api/codex") && text.contains(KEY)
}

/// The text with the key, and what to note as the original.
///
/// # Errors
/// When the text cannot be changed safely.
pub fn bound(
    text: Option<&str>,
    earlier: Option<&Original>,
    url: &str,
) -> Result<(String, Original), EditError> {
    let body = text.unwrap_or_default();
    let current = current(body)?;
    let original = bind::original(current.raw, current.value.as_deref(), text.is_some(), earlier);
    Ok((edit::apply(body, KEY, Wanted::Text(url))?.text, original))
}

/// What an unbind makes of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Released {
    /// This text.
    Text(String),
    /// The file goes: we made it, and nothing else is in it.
    Gone,
    /// Nothing: the key is the user's by now, or gone.
    Left,
}

/// The text without us.
///
/// # Errors
/// When the text cannot be changed safely.
pub fn released(text: &str, original: &Original) -> Result<Released, EditError> {
    if bind::release(current(text)?.value.as_deref()) == Release::Leave {
        return Ok(Released::Left);
    }
    let wanted = original.raw.as_deref().map_or(Wanted::Absent, Wanted::Source);
    let text = edit::apply(text, KEY, wanted)?.text;
    if !original.existed && text.trim_start_matches('\u{feff}').is_empty() {
        return Ok(Released::Gone);
    }
    Ok(Released::Text(text))
}

#[cfg(test)]
mod tests;
