//! One person, several of their own ChatGPT accounts, one official Codex CLI.
//!
//! The program is an Elm loop: a model, a pure `update`, and pure projections of the model. The floors
//! below may import downwards only; `docs/architecture.md` says who may know whom and `tests/pure/floors.rs`
//! holds the code to it.

pub mod adapters;
pub mod app;
pub mod base;
pub mod cli;
pub mod domain;
pub mod formats;
pub mod forward;
pub mod ports;
pub mod proxy;
pub mod rehearsal;
pub mod report;
pub mod runtime;
pub mod view;
