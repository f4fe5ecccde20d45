//! The model as a terminal frame.

pub mod skin;
pub mod theme;
