//! Settings files: which document counts, what its members say, and how members are changed in its text.
//!
//! The sources of runtime settings are alternatives, not layers (settings.md §1.2). Reading never changes a
//! document; writing changes the members it is told to and leaves every other byte of meaning: unknown members
//! at any depth, and invalid values of other keys.

pub mod read;
pub mod template;
pub mod value;
pub mod write;

pub use crate::formats::settings::read::{Content, Sources, find};

#[cfg(test)]
mod tests;
