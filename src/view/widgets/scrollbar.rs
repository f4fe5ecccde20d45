//! Where in a long list the shown rows lie: a mark at the right edge, nothing when all rows are shown.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::Widget;

use crate::view::pen::Pen;

/// A bar at the right edge of its area.
pub struct Scrollbar {
    /// First row shown.
    pub offset: usize,
    /// All rows.
    pub count: usize,
    /// Style of the mark.
    pub style: Style,
}

impl Widget for &Scrollbar {
    fn render(self, area: Rect, buffer: &mut Buffer) {
        let room = usize::from(area.height);
        if self.count <= room || room == 0 {
            return;
        }
        let size = (room * room / self.count).max(1);
        let start = (self.offset * (room - size)).div_ceil(self.count - room).min(room - size);
        let mut pen = Pen::new(buffer, area);
        for row in start..start + size {
            pen.put(area.width.saturating_sub(1), u16::try_from(row).unwrap_or(u16::MAX), "█", self.style);
        }
    }
}
