//! State of the screens. They are plain structs: actions in, intents out; they never perform work.

pub mod accounts;
pub mod bridge;
pub mod detail;
pub mod experimental;
pub mod forecast;
pub mod logs;
pub mod monitor;
pub mod pane;
pub mod settings;
pub mod usage;
pub mod welcome;
