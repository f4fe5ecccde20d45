//! The loop, its services and its shells.

pub mod input;
pub mod screen;
pub mod terminal;

use crate::app::goal::Goal;
use crate::app::options::Options;
use crate::domain::problem::Exit;

/// Does what the command line asked for and returns how the process ends.
pub fn run(_: Goal, _: Options) -> Exit {
    Exit::Failed
}
