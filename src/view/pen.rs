//! Writing into a buffer within a rectangle: nothing is drawn outside it, whatever is asked.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::base::text::width;

/// A pen over an area.
pub struct Pen<'b> {
    buffer: &'b mut Buffer,
    area: Rect,
}

impl<'b> Pen<'b> {
    /// A pen that stays within `area`.
    pub fn new(buffer: &'b mut Buffer, area: Rect) -> Self {
        let area = area.intersection(buffer.area);
        Self { buffer, area }
    }

    /// The area.
    pub fn area(&self) -> Rect {
        self.area
    }

    /// Columns of the area.
    pub fn width(&self) -> u16 {
        self.area.width
    }

    /// Rows of the area.
    pub fn height(&self) -> u16 {
        self.area.height
    }

    /// Writes at a column and row of the area; returns the column after the text.
    pub fn put(&mut self, column: u16, row: u16, text: &str, style: Style) -> u16 {
        if row >= self.area.height || column >= self.area.width {
            return column;
        }
        let room = usize::from(self.area.width - column);
        let (x, y) = (self.area.x + column, self.area.y + row);
        if text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
            return column + self.type_out(x, y, text, room, style);
        }
        let (end, _) = self.buffer.set_stringn(x, y, text, room, style);
        end - self.area.x
    }

    /// Plain letters take one cell each: no need to look for clusters, and most text is plain.
    fn type_out(&mut self, x: u16, y: u16, text: &str, room: usize, style: Style) -> u16 {
        let mut at = x;
        for letter in text.chars().take(room) {
            if let Some(cell) = self.buffer.cell_mut((at, y)) {
                cell.set_char(letter).set_style(style);
            }
            at += 1;
        }
        at - x
    }

    /// Writes text that ends before `end`; returns its first column.
    pub fn put_right(&mut self, end: u16, row: u16, text: &str, style: Style) -> u16 {
        let start = end.saturating_sub(u16::try_from(width(text)).unwrap_or(u16::MAX));
        self.put(start, row, text, style);
        start
    }

    /// Writes pieces one after the other; returns the column after the last.
    pub fn run(&mut self, column: u16, row: u16, pieces: &[(&str, Style)]) -> u16 {
        pieces.iter().fold(column, |column, (text, style)| self.put(column, row, text, *style))
    }

    /// Fills a row from a column on with one glyph.
    pub fn fill(&mut self, column: u16, row: u16, count: u16, glyph: &str, style: Style) -> u16 {
        let end = column.saturating_add(count).min(self.area.width);
        if row < self.area.height {
            for x in column..end {
                if let Some(cell) = self.buffer.cell_mut((self.area.x + x, self.area.y + row)) {
                    cell.set_symbol(glyph).set_style(style);
                }
            }
        }
        end.max(column)
    }

    /// Gives cells a style, keeping their text.
    pub fn paint(&mut self, row: u16, column: u16, count: u16, style: Style) {
        if row < self.area.height {
            let area = Rect::new(self.area.x + column, self.area.y + row, count, 1);
            self.buffer.set_style(area.intersection(self.area), style);
        }
    }

    /// Blanks the area.
    pub fn clear(&mut self) {
        for y in self.area.top()..self.area.bottom() {
            for x in self.area.left()..self.area.right() {
                if let Some(cell) = self.buffer.cell_mut((x, y)) {
                    cell.reset();
                }
            }
        }
    }

    /// A pen over part of the area.
    pub fn within(&mut self, part: Rect) -> Pen<'_> {
        let area = part.intersection(self.area);
        Pen { buffer: self.buffer, area }
    }

    /// The buffer, for widgets.
    pub fn buffer(&mut self) -> &mut Buffer {
        self.buffer
    }
}
