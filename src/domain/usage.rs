//! Arithmetic of the usage ledger.

pub mod entry;
pub mod meter;
pub mod period;
pub mod pricing;
pub mod reading;
pub mod rollup;
pub mod tally;
pub mod window;
