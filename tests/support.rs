//! Starters and assertions that more than one group of tests uses.

pub(crate) mod backend;
pub(crate) mod browser;
pub(crate) mod client;
pub(crate) mod dice;
pub(crate) mod dirs;
pub(crate) mod fakes;
pub(crate) mod logs;
pub(crate) mod mux;
pub(crate) mod origin;
pub(crate) mod play;
pub(crate) mod process;
pub(crate) mod pty;
pub(crate) mod reference;
pub(crate) mod rows;
pub(crate) mod schema;
pub(crate) mod snap;
pub(crate) mod stage;
pub(crate) mod staged;
pub(crate) mod stand;
pub(crate) mod svg;
pub(crate) mod tls;
pub(crate) mod wire;
