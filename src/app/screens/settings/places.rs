//! Where the parts of the tab stand, from the size and the open group alone.

use ratatui::layout::Rect;

use crate::app::geometry::{Kind, Layout};
use crate::app::screens::settings::page::Page;

/// Column of the divider between groups and rows.
const DIVIDER: u16 = 19;
/// The same on a wide screen.
const WIDE_DIVIDER: u16 = 22;
/// Lines above the rows: the group's title and a blank.
const HEAD: u16 = 2;
/// Lower than this the explanation is one line.
const LOW: u16 = 15;

/// The parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Places {
    /// Groups.
    pub groups: Rect,
    /// Divider, one column.
    pub divider: Rect,
    /// Everything right of the divider.
    pub panel: Rect,
    /// Rows.
    pub list: Rect,
    /// The focused row in words, below the rows.
    pub detail: Rect,
    /// Preview of the account list; empty when there is none.
    pub preview: Rect,
}

/// Divides the body for a group with `count` lines.
pub fn places(layout: &Layout, page: Page, count: usize) -> Places {
    let body = Rect { width: layout.screen.width, ..layout.body };
    let wide = layout.kind == Kind::Wide;
    let at = if wide { WIDE_DIVIDER } else { DIVIDER };
    // The blank line below the context has a divider where the rule above has its joint.
    let blank = u16::from(layout.context.height > 0).min(body.height);
    let inner = Rect { y: body.y + blank, height: body.height - blank, ..body };
    let divider = if wide { Rect { x: at, width: 1, ..body } } else { Rect { x: at, width: 1, ..inner } };
    let panel = Rect { x: at + 1, width: body.width.saturating_sub(at + 1), ..inner }.intersection(inner);
    let groups = Rect { width: at, ..inner };
    let rows =
        |from: u16, height: u16| Rect::new(panel.x, panel.y + from, panel.width, height).intersection(panel);
    let none = Rect::new(panel.x, panel.y, 0, 0);
    let parts = |list, detail, preview| Places { groups, divider, panel, list, detail, preview };
    let room = panel.height.saturating_sub(HEAD);
    let count = u16::try_from(count).unwrap_or(u16::MAX).max(1);
    if page == Page::Backups {
        // Titles, rows, a blank; then the comparison: its rule and five lines.
        let below = if panel.height > 13 { 8 } else { 6 };
        let list = rows(1, panel.height.saturating_sub(below + 2).min(18));
        let from = list.height + 2;
        return parts(list, rows(from, panel.height.saturating_sub(from)), none);
    }
    if !page.is_sheet() {
        return parts(rows(HEAD, room), none, none);
    }
    if wide {
        let (detail, preview) = if page.has_preview() { (2, 6) } else { (3, 0) };
        let list = rows(HEAD, count.min(room.saturating_sub(2 + detail + preview)));
        let from = HEAD + list.height + 1;
        let preview = if preview > 0 { rows(from + detail + 1, preview) } else { none };
        return parts(list, rows(from, detail), preview);
    }
    // A low screen explains in one line, unless the rows leave more than they need.
    let low = panel.height < LOW && (page.has_preview() || room < count + 5);
    let detail = if low {
        1
    } else if page.has_preview() {
        3
    } else {
        4
    };
    let list = rows(HEAD, room.saturating_sub(detail + 1).min(if low { u16::MAX } else { count.max(11) }));
    let last = rows(panel.height.saturating_sub(1), 1);
    if low {
        return parts(list, last, none);
    }
    if page.has_preview() {
        return parts(list, last, rows(panel.height.saturating_sub(3), 1));
    }
    parts(list, rows(panel.height.saturating_sub(4), 4), none)
}
