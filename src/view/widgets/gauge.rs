//! A bar that shows what is left.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::Widget;

use crate::base::Percent;
use crate::view::pen::Pen;

/// A bar as wide as its area.
pub struct Gauge {
    /// What is left.
    pub left: Percent,
    /// Style of the full part.
    pub full: Style,
    /// Style of the empty part.
    pub empty: Style,
}

impl Widget for &Gauge {
    fn render(self, area: Rect, buffer: &mut Buffer) {
        let mut pen = Pen::new(buffer, area);
        let full = self.left.cells(area.width);
        let at = pen.fill(0, 0, full, "█", self.full);
        pen.fill(at, 0, area.width - full, "░", self.empty);
    }
}
