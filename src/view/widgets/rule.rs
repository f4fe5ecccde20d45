//! A horizontal line with a title in it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::Widget;

use crate::base::text::{truncate_middle, width};
use crate::view::pen::Pen;

/// A titled line.
pub struct Rule<'a> {
    /// The title; empty for a bare line.
    pub title: &'a str,
    /// Style of the title.
    pub text: Style,
    /// Style of the line.
    pub line: Style,
}

impl Widget for &Rule<'_> {
    fn render(self, area: Rect, buffer: &mut Buffer) {
        let mut pen = Pen::new(buffer, area);
        pen.fill(0, 0, area.width, "─", self.line);
        let room = usize::from(area.width.saturating_sub(4));
        let title = truncate_middle(self.title, room, "…");
        if width(&title) > 0 {
            pen.run(1, 0, &[(" ", self.line), (&title, self.text), (" ", self.line)]);
        }
    }
}
