//! Something is under way: four frames a second, told from the time.

use crate::base::Moment;

const FRAMES: [&str; 4] = ["◐", "◓", "◑", "◒"];

/// The frame at a moment.
pub fn spinner(at: Moment) -> &'static str {
    let frame = usize::try_from(at.millis().div_euclid(250).rem_euclid(4)).unwrap_or(0);
    FRAMES.get(frame).copied().unwrap_or("·")
}
