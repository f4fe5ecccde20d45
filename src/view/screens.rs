//! The screens, each drawn into its part of the frame.

pub mod accounts;
pub mod detail;
pub mod empty;
pub mod experimental;
pub mod forecast;
pub mod frame;
pub mod logs;
pub mod monitor;
pub mod pane;
pub mod settings;
pub mod usage;
pub mod welcome;
