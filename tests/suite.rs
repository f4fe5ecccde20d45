//! The one integration crate: one link step, modules selected by name (`cargo test pure::`).
#![cfg(test)]

mod net;
mod process;
mod pure;
mod support;
