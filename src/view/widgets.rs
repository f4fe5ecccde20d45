//! Reusable pieces; none of them knows the model.

pub mod chart;
pub mod gauge;
pub mod hints;
pub mod modal;
pub mod rule;
pub mod scrollbar;
pub mod sparkline;
pub mod spinner;
pub mod tabs;
