//! What needs neither sockets nor processes.

mod agreement;
mod cases;
mod commands;
mod experimental;
mod floors;
mod governance;
mod keys;
mod machines;
mod moves;
mod outlook;
mod panes;
mod pictures;
mod reference;
mod rows;
mod screens;
mod selection;
mod sessions;
mod settings;
mod sheet;
mod storage;
mod strategies;
mod torture;
pub(crate) mod turns;
mod vectors;
mod wizard;
