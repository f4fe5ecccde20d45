//! Arithmetic of the usage ledger.

pub mod entry;
pub mod pricing;
pub mod rollup;
