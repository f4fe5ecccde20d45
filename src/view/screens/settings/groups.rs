//! The list of groups.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::geometry::Kind;
use crate::app::screens::settings::{GroupLine, Page, Side};
use crate::view::pen::Pen;
use crate::view::scene::Scene;

/// Draws the groups that fit.
pub(super) fn render(scene: &Scene, area: Rect, buffer: &mut Buffer) {
    let skin = scene.skin;
    let sheet = &scene.ui.sheet;
    let list = Page::list();
    let count = list.len();
    let mut pen = Pen::new(buffer, area);
    for (row, line) in (0..area.height).zip(list.into_iter().skip(sheet.group_offset)) {
        match line {
            GroupLine::Blank => {}
            GroupLine::Heading(title) => {
                pen.put(2, row, title, skin.heading());
            }
            GroupLine::Page(page) => {
                let (full, short) = page.titles();
                let title = if scene.layout.kind == Kind::Wide { full } else { short };
                let open = page == sheet.page && sheet.needle.is_empty();
                if open {
                    pen.put(0, row, "▸", skin.accent());
                }
                pen.put(2, row, title, if open { skin.accent() } else { skin.text() });
                if open && sheet.side == Side::Groups {
                    let width = pen.width();
                    pen.paint(row, 0, width, skin.selection());
                }
            }
        }
    }
    let last = area.height.saturating_sub(1);
    let edge = area.width.saturating_sub(1);
    if sheet.group_offset > 0 {
        pen.put(edge, 0, "↑", skin.dim());
    }
    if sheet.group_offset + usize::from(area.height) < count {
        pen.put(edge, last, "↓", skin.dim());
    }
}
