//! The experimental tab: staged features, none of which changes anything without a preview (dashboard.md §12.9).

use ratatui::layout::Rect;

use crate::app::geometry::{Kind, Layout};
use crate::domain::companion::Synced;
use crate::domain::problem::Problem;
use crate::domain::settings::schema::{Row, row};
use crate::domain::vault::Answer;

/// One feature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Item {
    /// Our accounts in the pool of the companion tool.
    #[default]
    Sync,
    /// A copy of the pool under a name.
    Save,
    /// A copy put back.
    Restore,
    /// Refreshing tokens ahead of their end.
    Guard,
    /// Serving the account endpoints as well.
    Intercept,
}

impl Item {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 5] = [Self::Sync, Self::Save, Self::Restore, Self::Guard, Self::Intercept];

    /// What it is called where there is room.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Sync => "Sync to oc-chatgpt-multi-auth",
            Self::Save => "Save a named backup",
            Self::Restore => "Restore a backup",
            Self::Guard => "Refresh guard",
            Self::Intercept => "Full interception",
        }
    }

    /// The setting it switches.
    pub fn switch(self) -> Option<&'static Row> {
        match self {
            Self::Guard => row("proactiveRefreshGuardian"),
            Self::Intercept => row("fullInterception"),
            Self::Sync | Self::Save | Self::Restore => None,
        }
    }

    /// The setting that its `-` and `+` change.
    pub fn dial(self) -> Option<&'static Row> {
        match self {
            Self::Guard => row("proactiveRefreshIntervalMs"),
            Self::Sync | Self::Save | Self::Restore | Self::Intercept => None,
        }
    }
}

/// What is known of the companion's pool.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Look {
    /// Nobody looked.
    #[default]
    Never,
    /// Somebody looks.
    Asked,
    /// What was found.
    Seen(Box<Synced>),
    /// Why nothing could be found out.
    Failed(String),
}

/// The tab's state.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Experimental {
    /// Which feature has the cursor.
    pub item: Item,
    /// The companion's pool.
    pub look: Look,
    /// Whether the preview is open: somebody asked for it.
    pub open: bool,
}

impl Experimental {
    /// Moves the cursor.
    pub fn step(&mut self, by: isize) {
        let place = Item::ALL.iter().position(|item| *item == self.item).unwrap_or(0);
        self.go(place.saturating_add_signed(by).min(Item::ALL.len() - 1));
    }

    /// Puts the cursor on a feature; further down there is none.
    pub fn go(&mut self, place: usize) {
        self.item = Item::ALL.get(place).copied().unwrap_or(self.item);
    }

    /// Takes an answer in that is about the companion's pool.
    pub fn hear(&mut self, answer: &Result<Answer, Problem>) {
        match answer {
            Ok(Answer::Synced(synced)) => self.look = Look::Seen(synced.clone()),
            Err(problem) if self.look == Look::Asked => self.look = Look::Failed(problem.what.clone()),
            Ok(_) | Err(_) => {}
        }
    }

    /// What was found.
    pub fn seen(&self) -> Option<&Synced> {
        match &self.look {
            Look::Seen(synced) => Some(synced),
            Look::Never | Look::Asked | Look::Failed(_) => None,
        }
    }
}

/// Where the parts of the tab stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Places {
    /// The features.
    pub list: Rect,
    /// The line between list and preview where they stand side by side; empty else.
    pub divider: Rect,
    /// The preview, its title first.
    pub preview: Rect,
}

/// Columns of the list where the preview stands beside it.
const LIST_WIDTH: u16 = 40;

/// Lines of one feature.
pub fn row_height(kind: Kind) -> u16 {
    if kind == Kind::Wide { 3 } else { 1 }
}

/// Parts of the tab for a layout.
pub fn places(layout: &Layout) -> Places {
    let body = layout.body;
    let rows = u16::try_from(Item::ALL.len()).unwrap_or(u16::MAX) * row_height(layout.kind);
    let list = Rect { y: body.y + 1, height: rows, ..body }.intersection(body);
    if layout.kind == Kind::Wide {
        let left = LIST_WIDTH.min(layout.screen.width);
        let rest = layout.screen.width - left;
        return Places {
            list: Rect { width: left, ..list },
            divider: Rect { x: left, width: rest.min(1), ..body },
            preview: Rect { x: left + rest.min(1), width: rest.saturating_sub(1), ..body },
        };
    }
    let below = list.bottom() + 1;
    let preview = Rect { y: below, height: body.bottom().saturating_sub(below), ..body };
    Places { list, divider: Rect::new(0, 0, 0, 0), preview }
}
