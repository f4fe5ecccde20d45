//! The Elm core: model, messages, effects, flows and screens. Pure.

pub mod action;
pub mod background;
pub mod bridge;
pub mod briefing;
pub mod checkup;
pub mod effect;
pub mod field;
pub mod flows;
pub mod geometry;
pub mod goal;
pub mod history;
pub mod input;
pub mod intent;
pub mod keys;
pub mod lines;
pub mod model;
pub mod msg;
pub mod options;
pub mod outcome;
pub mod overlays;
pub mod rotation;
pub mod rulewords;
pub mod screens;
pub mod sub;
pub mod threshold;
pub mod toasts;
pub mod ui;
pub mod undo;
pub mod update;
pub mod world;

pub use briefing::briefing;
pub use model::{Boot, Model};
pub use update::{init, subscriptions, update};
