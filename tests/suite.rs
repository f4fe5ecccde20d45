//! The one integration crate: one link step, modules selected by name (`cargo test pure::`).
#![cfg(test)]
