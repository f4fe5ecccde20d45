//! The loop, its services and its shells.

pub mod engine;
pub mod host;
pub mod input;
pub mod listen;
pub mod perform;
pub mod screen;
pub mod services;
pub mod shell;
pub mod terminal;
