//! Named rectangles, from the size alone: the view draws into them, paging measures them, the mouse finds them.

use ratatui::layout::{Position, Rect};

use crate::app::goal::Tab;

/// Narrower than this, or lower than [`MIN_HEIGHT`], only a line fits.
const MIN_WIDTH: u16 = 40;
const MIN_HEIGHT: u16 = 10;
/// The pane needs less.
const MIN_PANE_HEIGHT: u16 = 6;
/// From here on the full dashboard fits, below it is the pane.
const FULL_WIDTH: u16 = 60;
/// From here on a row has two windows and the list a strip.
const STRIP_WIDTH: u16 = 80;
/// From here on there is a side pane.
const SIDE_WIDTH: u16 = 120;
/// Lower than this the strip goes first.
const STRIP_HEIGHT: u16 = 20;
/// Lower than this the context line goes, too.
const CONTEXT_HEIGHT: u16 = 14;

/// What fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// One line with the size needed.
    TooSmall,
    /// The pane.
    Pane,
    /// One window per row, no strip.
    Narrow,
    /// List and strip.
    Medium,
    /// List and side pane.
    Wide,
}

/// Whether the person asked for the pane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// As much as fits.
    #[default]
    Full,
    /// The pane at any size.
    Pane,
}

/// The frame's parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// What fits.
    pub kind: Kind,
    /// The whole screen.
    pub screen: Rect,
    /// Tabs and health.
    pub tabs: Rect,
    /// The rule below them.
    pub rule: Rect,
    /// Where am I.
    pub context: Rect,
    /// The tab's own part, without the side pane.
    pub body: Rect,
    /// Side pane; empty when there is none. Its left edge is the divider.
    pub side: Rect,
    /// The lower rule.
    pub floor: Rect,
    /// Messages.
    pub message: Rect,
    /// Key hints.
    pub hints: Rect,
}

impl Layout {
    /// Parts of a screen of `width` by `height`.
    pub fn new(width: u16, height: u16, mode: Mode) -> Self {
        let screen = Rect::new(0, 0, width, height);
        let kind = kind(width, height, mode);
        let none = Rect::new(0, 0, 0, 0);
        let line = |y: u16| Rect::new(0, y, width, 1);
        let mut layout = Self {
            kind,
            screen,
            tabs: line(0),
            rule: line(1),
            context: none,
            body: none,
            side: none,
            floor: none,
            message: none,
            hints: none,
        };
        if kind == Kind::TooSmall {
            return layout;
        }
        layout.hints = line(height - 1);
        layout.message = line(height - 2);
        layout.floor = line(height - 3);
        let mut top = 2;
        if kind != Kind::Pane && height >= CONTEXT_HEIGHT {
            layout.context = line(2);
            top = 3;
        }
        layout.body = Rect::new(0, top, width, (height - 3).saturating_sub(top));
        layout
    }

    /// The same with a side pane of `width` cells, divider included, where the screen is wide enough.
    #[must_use]
    pub fn with_side(mut self, width: u16) -> Self {
        if self.kind == Kind::Wide {
            let left = self.screen.width.saturating_sub(width);
            self.side = Rect::new(left, self.body.y, width, self.body.height);
            self.body.width = left;
        }
        self
    }

    /// Width of the list's side pane, divider included: 43 columns of text, or 30 % up to 72.
    pub fn side_width(&self) -> u16 {
        let share = self.screen.width / 10 * 3 + self.screen.width % 10 * 3 / 10;
        share.clamp(43, 72) + 1
    }

    /// Whether the strip below a list fits.
    pub fn has_strip(&self) -> bool {
        self.kind == Kind::Medium && self.screen.height >= STRIP_HEIGHT
    }
}

fn kind(width: u16, height: u16, mode: Mode) -> Kind {
    let pane = mode == Mode::Pane || width < FULL_WIDTH;
    let lowest = if pane { MIN_PANE_HEIGHT } else { MIN_HEIGHT };
    if width < MIN_WIDTH || height < lowest {
        return Kind::TooSmall;
    }
    if pane {
        return Kind::Pane;
    }
    if width < STRIP_WIDTH {
        return Kind::Narrow;
    }
    if width < SIDE_WIDTH { Kind::Medium } else { Kind::Wide }
}

/// The size that is needed at least, in words.
pub fn needed(mode: Mode) -> (u16, u16) {
    (MIN_WIDTH, if mode == Mode::Pane { MIN_PANE_HEIGHT } else { MIN_HEIGHT })
}

/// Product name in front of the tabs of a wide screen.
pub const PRODUCT: &str = " codex-multi-auth ";

/// The rectangles of the tabs, each with a blank on both sides for the brackets; `badge` cells follow the
/// product's name.
pub fn tabs(layout: &Layout, badge: u16) -> Vec<(Tab, Rect)> {
    let mut x = if layout.kind == Kind::Wide { 18 + badge } else { 0 };
    Tab::ALL
        .into_iter()
        .map(|tab| {
            let width = u16::try_from(title(tab, layout.screen.width).len()).unwrap_or(0) + 2;
            let area = Rect::new(x, layout.tabs.y, width, 1).intersection(layout.screen);
            x += width;
            (tab, area)
        })
        .collect()
}

/// A tab's title: four letters below 72 columns.
pub fn title(tab: Tab, width: u16) -> &'static str {
    let title = tab.title();
    if width < 72 { title.get(..4).unwrap_or(title) } else { title }
}

/// Whether a cell lies in a rectangle.
pub fn hits(area: Rect, column: u16, row: u16) -> bool {
    area.contains(Position::new(column, row))
}

/// The first row to show so that `cursor` is among `room` of `count` rows, moving as little as possible.
pub fn scrolled(offset: usize, cursor: usize, room: usize, count: usize) -> usize {
    let last = count.saturating_sub(room);
    let lowest = (cursor + 1).saturating_sub(room);
    offset.clamp(lowest, lowest.max(cursor)).min(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_depends_on_width_and_height() {
        for (width, height, mode, kind) in [
            (140, 40, Mode::Full, Kind::Wide),
            (80, 24, Mode::Full, Kind::Medium),
            (60, 20, Mode::Full, Kind::Narrow),
            (59, 18, Mode::Full, Kind::Pane),
            (40, 20, Mode::Full, Kind::Pane),
            (40, 6, Mode::Full, Kind::Pane),
            (30, 8, Mode::Full, Kind::TooSmall),
            (80, 9, Mode::Full, Kind::TooSmall),
            (80, 9, Mode::Pane, Kind::Pane),
            (1, 1, Mode::Full, Kind::TooSmall),
            (0, 0, Mode::Pane, Kind::TooSmall),
        ] {
            assert_eq!(Layout::new(width, height, mode).kind, kind, "{width}x{height}");
        }
    }

    #[test]
    fn the_parts_never_overlap_and_fill_the_height() {
        for width in [40, 60, 80, 120, 140, 200] {
            for height in 10..50 {
                let layout = Layout::new(width, height, Mode::Full);
                let layout = layout.with_side(layout.side_width());
                let rows = layout.tabs.height
                    + layout.rule.height
                    + layout.context.height
                    + layout.body.height
                    + layout.floor.height
                    + layout.message.height
                    + layout.hints.height;
                assert_eq!(rows, height, "{width}x{height}");
                assert_eq!(layout.body.width + layout.side.width, width);
            }
        }
    }

    #[test]
    fn scrolling_moves_as_little_as_possible() {
        assert_eq!(scrolled(0, 3, 5, 10), 0);
        assert_eq!(scrolled(0, 5, 5, 10), 1);
        assert_eq!(scrolled(4, 2, 5, 10), 2);
        assert_eq!(scrolled(9, 9, 5, 10), 5);
        assert_eq!(scrolled(3, 0, 5, 0), 0);
    }
}
