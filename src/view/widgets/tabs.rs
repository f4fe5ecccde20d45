//! The row of tabs. The open one is drawn in the colours of the selection, or in brackets without colour.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

use crate::app::geometry::title;
use crate::app::goal::Tab;
use crate::view::pen::Pen;
use crate::view::skin::Skin;

/// Tabs with their places.
pub struct Tabs<'a> {
    /// Each tab and its rectangle.
    pub places: &'a [(Tab, Rect)],
    /// The open one.
    pub open: Tab,
    /// Width of the screen, which decides the titles' length.
    pub screen: u16,
    /// How roles look.
    pub skin: &'a Skin,
}

impl Widget for &Tabs<'_> {
    fn render(self, _: Rect, buffer: &mut Buffer) {
        for (tab, place) in self.places {
            let mut pen = Pen::new(buffer, *place);
            let title = title(*tab, self.screen);
            if *tab != self.open {
                pen.put(1, 0, title, self.skin.text());
            } else if self.skin.is_coloured() {
                pen.put(0, 0, &format!(" {title} "), self.skin.selection());
            } else {
                pen.put(0, 0, &format!("[{title}]"), self.skin.selection());
            }
        }
    }
}
