//! The whole state of the program.

use std::collections::{BTreeMap, BTreeSet};

use crate::app::background::Background;
use crate::app::flows::serve::Announce;
use crate::app::flows::{Flows, Ticket};
use crate::app::goal::Goal;
use crate::app::input::Focus;
use crate::app::outcome::Outcome;
use crate::app::threshold::Threshold;
use crate::app::ui::Ui;
use crate::app::undo::Undo;
use crate::app::world::{Setting, World};
use crate::base::{Moment, Span};
use crate::domain::problem::Exit;
use crate::domain::terms::Acknowledged;

/// What is given when the program starts.
#[derive(Debug, Clone, PartialEq)]
pub struct Boot {
    /// Now.
    pub at: Moment,
    /// Facts of this process.
    pub setting: Setting,
    /// Seed of the model's own randomness.
    pub seed: u64,
    /// This process.
    pub pid: u32,
    /// How `serve` announces itself.
    pub announce: Announce,
    /// Terminal size, columns and rows.
    pub size: (u16, u16),
    /// What the screens remembered from the last run.
    pub remembered: String,
    /// What is on record of the acknowledgement.
    pub acknowledged: Option<Acknowledged>,
}

/// The model.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    /// Why the program runs.
    pub goal: Goal,
    /// What is known.
    pub world: World,
    /// Screens, overlays, toasts.
    pub ui: Ui,
    /// What stands before the first frame.
    pub threshold: Threshold,
    /// What runs.
    pub flows: Flows,
    /// What was asked without being asked for.
    pub background: Background,
    /// The offer to take the last act back.
    pub undo: Option<Undo>,
    /// What the command that started the program ended with.
    pub outcome: Option<Outcome>,
    /// Set when the program is to end.
    pub exit: Option<Exit>,
    /// The time of the last message.
    pub now: Moment,
    /// Whether the terminal has the focus.
    pub focus: Focus,
    /// Grows with every change that services must hear of.
    pub revision: u64,
    /// Seed of the model's own randomness.
    pub seed: u64,
    /// `--timeout`: how long a command may ask around.
    pub limit: Option<Span>,
    /// The flow whose outcome is the program's.
    pub(super) entry: Option<Ticket>,
    /// What taking back would mean, by the flow that is acting.
    pub(super) pending: BTreeMap<Ticket, Undo>,
    /// Flows whose outcome is shown although nobody started the program for it.
    pub(super) shows: BTreeSet<Ticket>,
    /// The session the official CLI goes on with once the dashboard has closed.
    pub resume: Option<String>,
    /// What was said about the settings.
    pub(super) told: BTreeSet<String>,
}
