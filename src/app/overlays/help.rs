//! The keys of the screen below, grouped, filtered, scrolled.

use crate::app::field::Field;
use crate::app::keys::{Entry, Scope, Table, help};

/// The open help.
#[derive(Debug, Clone, PartialEq)]
pub struct Help {
    /// What it is the help of.
    pub title: &'static str,
    /// Scopes of the screen below.
    pub scopes: Vec<Scope>,
    /// First line shown.
    pub offset: usize,
    /// The filter while it is typed.
    pub filter: Option<Field>,
    /// The filter.
    pub needle: String,
    keys: Table,
}

impl Help {
    /// Help for the screen with these scopes.
    pub fn of(title: &'static str, scopes: Vec<Scope>, keys: Table) -> Self {
        Self { title, scopes, offset: 0, filter: None, needle: String::new(), keys }
    }

    /// The lines that match the filter.
    pub fn entries(&self) -> Vec<Entry> {
        let needle = self.needle.to_lowercase();
        let mut entries = help(&self.keys, &self.scopes);
        entries.retain(|entry| {
            needle.is_empty()
                || entry.label.to_lowercase().contains(&needle)
                || entry.keys.to_lowercase().contains(&needle)
        });
        entries
    }
}
