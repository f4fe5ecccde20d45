//! The link of a sign-in: whole where it fits, because some terminals have no clipboard.

use super::{Page, TEXT};
use crate::base::text::{clean, truncate};
use crate::view::words::CUT;

/// Where a link that does not fit is to be had.
const WHOLE: &str = "The whole link in a shell: codex-multi-auth login --manual --print-url";

/// How much of a link is on the screen.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    Whole,
    Cut,
}

impl Page<'_, '_> {
    /// A link, whole where it fits above `below` further lines: some terminals have no clipboard.
    pub(super) fn link(&mut self, url: &str, below: usize) -> Shown {
        let room = self.room();
        self.gap();
        let url = clean(url);
        let letters: Vec<char> = url.chars().collect();
        let lines =
            letters.chunks(room.max(1)).map(|line| line.iter().collect::<String>()).collect::<Vec<_>>();
        let free = usize::from(self.pen.height().saturating_sub(self.row)).saturating_sub(below + 1);
        let most = if lines.len() <= free { lines.len() } else { 1 };
        for (place, line) in lines.iter().take(most).enumerate() {
            let cut = place + 1 == most && lines.len() > most;
            let text = if cut {
                format!("{}{CUT}", truncate(line, room.saturating_sub(1), ""))
            } else {
                line.clone()
            };
            self.pen.put(TEXT, self.row, &text, self.scene.skin.accent());
            self.row += 1;
        }
        self.gap();
        if most == lines.len() { Shown::Whole } else { Shown::Cut }
    }

    /// Says where the whole link is, when it was cut.
    pub(super) fn offer_whole(&mut self, shown: Shown) {
        if shown == Shown::Cut {
            self.offer(WHOLE);
        }
    }
}
