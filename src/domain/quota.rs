//! What is left of an account's windows, learnt from headers, frames and the usage endpoint.

pub mod defer;
pub mod pace;
pub mod relief;
pub mod snapshot;
pub mod window;
