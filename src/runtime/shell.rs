//! The presenters: a full screen, its pages as lines, or one report.

pub mod dashboard;
pub mod headless;
pub mod plain;
