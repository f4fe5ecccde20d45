//! The one integration crate: one link step, modules selected by name (`cargo test pure::`).
#![cfg(test)]
#![expect(
    clippy::case_sensitive_file_extension_comparisons,
    reason = "the names are written by the program itself"
)]

mod net;
mod process;
mod pure;
mod support;
