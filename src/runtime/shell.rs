//! The presenters: a full screen, or lines.

pub mod dashboard;
pub mod headless;
