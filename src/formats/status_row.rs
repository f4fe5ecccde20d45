//! One account in the document of `status` and `list`.
//!
//! A pool may hold thousands of accounts, so rows are written one after the other from what is borrowed, and the
//! document never stands in memory as a tree.

use serde::Serialize;
use serde_json::Value;

/// The members of a row, in their order.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StatusRow<'a> {
    /// 0-based stored position.
    pub index: usize,
    /// 1-based stored position.
    pub number: usize,
    /// Record id.
    pub account_ref: &'a str,
    /// `Account N (…)`.
    pub label: &'a str,
    /// Whether the user lets it take part.
    pub enabled: bool,
    /// Whether it is the current one.
    pub current: bool,
    /// Contract markers.
    pub markers: &'a [String],
    /// Epoch milliseconds.
    pub last_used: Option<i64>,
    /// Why the engine passes it over.
    pub reason: Option<&'a str>,
    /// Word of its state.
    pub state: &'a str,
    /// `quota{…}`.
    pub quota: Option<Value>,
    /// Whether the pin names it.
    pub pinned: bool,
    /// Its policy.
    pub policy: Option<Value>,
    /// Epoch milliseconds.
    pub next_usable_at: Option<i64>,
}

impl StatusRow<'_> {
    /// The row as a tree.
    pub fn to_value(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    /// Appends the row as an element of a list that is a member of the document, two spaces per level.
    pub fn print(&self, out: &mut String) {
        let text = serde_json::to_string_pretty(self).unwrap_or_default();
        // Strings hold no line ends of their own in JSON.
        let mut lines = text.lines();
        if let Some(first) = lines.next() {
            out.push_str("    ");
            out.push_str(first);
        }
        for line in lines {
            out.push_str("\n    ");
            out.push_str(line);
        }
    }
}
