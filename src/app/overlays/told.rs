//! What a command said, to be read on the screen: the same words that it prints without one.

use crate::app::action::Action;
use crate::app::outcome::Outcome;
use crate::base::text::{width as width_of, wrap};

/// Widest text that is pleasant to read, its frame included.
pub const WIDEST: u16 = 120;

/// The open text.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// What it is the answer to; copied as a document.
    pub outcome: Box<Outcome>,
    /// Its lines.
    pub lines: Vec<String>,
    /// First line shown.
    pub offset: usize,
}

impl Told {
    /// The text of an outcome on a screen of this width, at its beginning.
    pub fn of(outcome: Box<Outcome>, text: &str, width: u16) -> Self {
        let room = usize::from(WIDEST.min(width.saturating_sub(2)).saturating_sub(4)).max(1);
        let mut lines = Vec::new();
        for line in text.lines() {
            // What fits keeps its columns.
            if width_of(line) <= room { lines.push(line.to_owned()) } else { lines.extend(wrap(line, room)) }
        }
        Self { outcome, lines, offset: 0 }
    }

    /// Moves; whether the action was a movement.
    pub fn scroll(&mut self, action: Action, room: usize) -> bool {
        let Some(by) = action.steps(room) else { return false };
        let last = self.lines.len().saturating_sub(room);
        self.offset = self.offset.saturating_add_signed(by).min(last);
        true
    }
}

/// Lines of it on a screen of this height.
pub fn room(height: u16) -> usize {
    usize::from(height.saturating_sub(8).max(3))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::outcome::Body;
    use crate::domain::problem::Exit;

    #[test]
    fn it_scrolls_no_further_than_there_are_lines() {
        let outcome = Outcome { command: "check", exit: Exit::Ok, body: Body::Silent };
        let mut told = Told::of(Box::new(outcome), "a\n\nthis line is too long for the screen\n", 30);

        assert_eq!(told.lines, ["a", "", "this line is too long", "for the screen"]);

        assert!(told.scroll(Action::PageDown, 3));
        assert_eq!((told.lines.len(), told.offset), (4, 1));
        assert!(told.scroll(Action::First, 3) && told.offset == 0);
        assert!(!told.scroll(Action::Copy, 3));
    }
}
