//! Choosing the model to look ahead for: limits are kept per family of models, so another model may have another
//! next account.

use crate::domain::model::table::{ALL, Profile};

/// The open list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ForModel {
    /// The row under the cursor; the first one is any model.
    pub place: usize,
}

impl ForModel {
    /// The list with the cursor on the model that is looked ahead for now.
    pub fn on(model: Option<&str>) -> Self {
        let place = ALL.iter().position(|profile| Some(profile.name) == model).map_or(0, |place| place + 1);
        Self { place }
    }

    /// How many rows there are.
    pub const fn count() -> usize {
        ALL.len() + 1
    }

    /// The model of a row; `None` = any.
    pub fn model(row: usize) -> Option<&'static Profile> {
        ALL.get(row.checked_sub(1)?)
    }
}
