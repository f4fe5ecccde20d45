//! The outside world behind the ports: files, network, processes, clock.

pub mod clock;
pub mod entropy;
pub mod upstream;
