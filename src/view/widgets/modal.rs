//! A box over the screen, with a title in its upper edge and a note in its lower one.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::base::text::{truncate_middle, width};
use crate::view::pen::Pen;
use crate::view::skin::Skin;

/// A box.
pub struct Modal<'a> {
    /// Title; empty for none.
    pub title: &'a str,
    /// Note at the right of the lower edge; empty for none.
    pub note: &'a str,
}

impl Modal<'_> {
    /// Clears the area, draws the box and returns what is inside.
    pub fn frame(&self, area: Rect, buffer: &mut Buffer, skin: &Skin) -> Rect {
        let mut pen = Pen::new(buffer, area);
        pen.clear();
        let (right, bottom) = (area.width.saturating_sub(1), area.height.saturating_sub(1));
        let line = skin.border();
        for row in [0, bottom] {
            pen.fill(0, row, area.width, "─", line);
        }
        for row in 1..bottom {
            pen.put(0, row, "│", line);
            pen.put(right, row, "│", line);
        }
        for (column, row, corner) in [(0, 0, "┌"), (right, 0, "┐"), (0, bottom, "└"), (right, bottom, "┘")]
        {
            pen.put(column, row, corner, line);
        }
        let room = usize::from(area.width.saturating_sub(6));
        let title = truncate_middle(self.title, room, "…");
        if width(&title) > 0 {
            pen.run(2, 0, &[(" ", line), (&title, skin.heading()), (" ", line)]);
        }
        if width(self.note) > 0 && width(self.note) <= room {
            pen.put_right(right.saturating_sub(1), bottom, &format!(" {} ", self.note), skin.dim());
        }
        Rect::new(area.x + 1, area.y + 1, area.width.saturating_sub(2), area.height.saturating_sub(2))
            .intersection(area)
    }
}

/// Where boxes may stand: between the context line and the lower rule, or anywhere when that is too low.
pub fn room(layout: &crate::app::geometry::Layout) -> Rect {
    if layout.body.height < 8 {
        Rect { height: layout.floor.y, ..layout.screen }
    } else {
        Rect { width: layout.screen.width, ..layout.body }
    }
}

/// A box of `width` by `height` in the middle of `screen`, kept off its edges as far as it fits.
pub fn centred(screen: Rect, width: u16, height: u16) -> Rect {
    let (width, height) = (width.min(screen.width), height.min(screen.height));
    let x = screen.x + (screen.width - width) / 2;
    let y = screen.y + (screen.height - height) / 2;
    Rect::new(x, y, width, height)
}
