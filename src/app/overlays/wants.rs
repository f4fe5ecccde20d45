//! What is wanted of one account: weight, pause, drain, name, tags and note, each changed at once.

use crate::domain::account::AccountKey;

/// The open panel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wants {
    /// Of whom.
    pub key: AccountKey,
    /// The row under the cursor, a place in [`Line::ALL`].
    pub place: usize,
}

/// One row of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    /// Preferred or not.
    Weight,
    /// No traffic.
    Pause,
    /// No new sessions.
    Drain,
    /// The user's own name for it.
    Label,
    /// Tags.
    Tags,
    /// A note.
    Note,
}

impl Line {
    /// All rows in their order.
    pub const ALL: [Self; 6] = [Self::Weight, Self::Pause, Self::Drain, Self::Label, Self::Tags, Self::Note];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Weight => "weight",
            Self::Pause => "pause",
            Self::Drain => "drain",
            Self::Label => "label",
            Self::Tags => "tags",
            Self::Note => "note",
        }
    }

    /// What it does, in a few words.
    pub const fn help(self) -> &'static str {
        match self {
            Self::Weight => "0 to 10; 1 is neutral, more is preferred",
            Self::Pause => "no traffic at all until you let it",
            Self::Drain => "no new sessions; those on it may finish",
            Self::Label => "your own name for it",
            Self::Tags => "words that routing profiles refer to",
            Self::Note => "anything you want to remember",
        }
    }
}

impl Wants {
    /// The panel of an account.
    pub const fn of(key: AccountKey) -> Self {
        Self { key, place: 0 }
    }

    /// The row under the cursor.
    pub fn line(&self) -> Line {
        Line::ALL.get(self.place).copied().unwrap_or(Line::Weight)
    }
}
