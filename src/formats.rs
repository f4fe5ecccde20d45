//! Every byte shape that leaves or enters the process.

pub mod control;
pub mod events;
pub mod frames;
pub mod headers;
pub mod intake;
pub mod openai;
pub mod registry;
pub mod sse;
pub mod theme;
