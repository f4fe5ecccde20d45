//! The Elm core: model, messages, effects, flows and screens. Pure.

pub mod effect;
pub mod flows;
pub mod goal;
pub mod input;
pub mod intent;
pub mod model;
pub mod msg;
pub mod options;
pub mod outcome;
pub mod sub;
pub mod ui;
pub mod undo;
pub mod update;
pub mod world;

pub use model::{Boot, Model};
pub use update::{briefing, init, subscriptions, update};
