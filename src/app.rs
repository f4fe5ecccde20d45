//! The Elm core: model, messages, effects, flows and screens. Pure.

pub mod effect;
pub mod flows;
pub mod goal;
pub mod input;
pub mod intent;
pub mod msg;
pub mod outcome;
pub mod sub;
pub mod undo;
pub mod world;
