//! Sign-ins found on this computer, before any of them is taken over (dashboard.md §12.2).

use std::collections::BTreeSet;

use crate::domain::found::{Find, Haul};

/// The open list.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Found {
    haul: Option<Haul>,
    chosen: BTreeSet<usize>,
    /// Cursor.
    pub place: usize,
    /// Why nothing could be looked at, if so.
    pub trouble: Option<String>,
}

impl Found {
    /// Takes in what was found; everything that can be taken over is chosen.
    pub fn fill(&mut self, haul: Haul) {
        self.chosen = haul.chosen.iter().copied().collect();
        self.place = haul.chosen.first().copied().unwrap_or(0);
        self.haul = Some(haul);
    }

    /// Whether the look has ended.
    pub fn is_filled(&self) -> bool {
        self.haul.is_some()
    }

    /// Every find.
    pub fn rows(&self) -> &[Find] {
        self.haul.as_ref().map(|haul| haul.finds.as_slice()).unwrap_or_default()
    }

    /// The find under the cursor.
    pub fn focused(&self) -> Option<&Find> {
        self.rows().get(self.place)
    }

    /// Whether a row is chosen.
    pub fn is_chosen(&self, place: usize) -> bool {
        self.chosen.contains(&place)
    }

    /// Moves the cursor.
    pub fn step(&mut self, by: isize) {
        let last = self.rows().len().saturating_sub(1);
        self.place = self.place.saturating_add_signed(by).min(last);
    }

    /// Chooses the row under the cursor, or no longer.
    pub fn toggle(&mut self) {
        if !self.focused().is_some_and(|find| find.state.is_selectable()) {
            return;
        }
        if !self.chosen.remove(&self.place) {
            self.chosen.insert(self.place);
        }
    }

    /// The chosen finds by file and place in it.
    pub fn chosen(&self) -> Vec<(String, usize)> {
        let all = self.chosen.iter().filter_map(|place| self.rows().get(*place));
        all.map(|find| (find.source.clone(), find.place)).collect()
    }
}
