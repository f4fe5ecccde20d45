//! The last line: keys and what they do.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

use crate::app::keys::hints::Hint;
use crate::view::pen::Pen;
use crate::view::skin::Skin;

/// The hints with their places.
pub struct Hints<'a> {
    /// What to name.
    pub hints: &'a [Hint],
    /// How roles look.
    pub skin: &'a Skin,
}

impl Widget for &Hints<'_> {
    fn render(self, area: Rect, buffer: &mut Buffer) {
        let mut pen = Pen::new(buffer, area);
        for hint in self.hints {
            let column = u16::try_from(hint.column).unwrap_or(u16::MAX);
            let after = pen.put(column, 0, &hint.keys, self.skin.accent());
            if !hint.word.is_empty() {
                pen.put(after + 1, 0, &hint.word, self.skin.dim());
            }
        }
    }
}
