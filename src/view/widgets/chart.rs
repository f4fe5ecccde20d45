//! Columns over time with a scale at the left and times below.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::Widget;

use crate::view::pen::Pen;
use crate::view::widgets::sparkline::bars;

/// Cells of the scale, its line included.
pub const SCALE: u16 = 5;

/// Whether a line separates the columns from the times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Base {
    /// It does.
    Line,
    /// The times stand directly below.
    Bare,
}

/// A chart: `rows` lines of columns, then the base, then the times.
pub struct Chart<'a> {
    /// Values, oldest first.
    pub buckets: &'a [u32],
    /// Lines of columns.
    pub rows: u16,
    /// Column and text of each time.
    pub times: &'a [(u16, String)],
    /// What lies below.
    pub base: Base,
    /// Style of the columns.
    pub columns: Style,
    /// Style of scale and times.
    pub scale: Style,
}

impl Widget for &Chart<'_> {
    fn render(self, area: Rect, buffer: &mut Buffer) {
        let mut pen = Pen::new(buffer, area);
        let top = ceiling(self.buckets.iter().copied().max().unwrap_or(0), self.rows);
        let unit = top / u32::from(self.rows.max(1));
        for (row, text) in (0u16..).zip(bars(self.buckets, top, self.rows)) {
            let value = unit * u32::from(self.rows - 1 - row);
            pen.put_right(SCALE - 2, row, &value.to_string(), self.scale);
            pen.put(SCALE - 1, row, "│", self.scale);
            pen.put(SCALE, row, &text, self.columns);
        }
        let mut below = self.rows;
        if self.base == Base::Line {
            pen.put(SCALE - 1, below, "└", self.scale);
            let length = u16::try_from(self.buckets.len()).unwrap_or(u16::MAX);
            pen.fill(SCALE, below, length, "─", self.scale);
            below += 1;
        }
        for (column, text) in self.times {
            pen.put(SCALE + column, below, text, self.scale);
        }
    }
}

/// The next value above `highest` that `rows` lines divide evenly.
fn ceiling(highest: u32, rows: u16) -> u32 {
    let rows = u32::from(rows.max(1));
    let unit = highest.div_ceil(rows).max(1);
    let mut round = 1;
    loop {
        for factor in [1, 2, 5] {
            if round * factor >= unit {
                return round * factor * rows;
            }
        }
        let Some(next) = round.checked_mul(10).filter(|next| next.checked_mul(5 * rows).is_some()) else {
            return highest;
        };
        round = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_ends_at_a_round_number() {
        for (highest, rows, top) in [(0, 4, 4), (3, 4, 4), (9, 4, 20), (58, 4, 80), (u32::MAX, 4, u32::MAX)] {
            assert_eq!(ceiling(highest, rows), top, "{highest}");
        }
    }
}
