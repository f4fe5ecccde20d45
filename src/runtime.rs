//! The loop, its services and its shells.

pub mod input;
pub mod screen;
pub mod terminal;
