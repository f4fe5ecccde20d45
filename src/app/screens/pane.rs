//! The narrow pane for a spare terminal: it shows what the list shows, two lines for an account that can
//! serve, one for the others, and drops parts as it gets lower.

/// Lines of the pane's parts at a height.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parts {
    /// Lines for accounts.
    pub accounts: u16,
    /// Whether a usable account has a line for its second window.
    pub second: Second,
    /// Whether accounts that are off are listed.
    pub off: Off,
    /// Sparkline with its rule: 2 lines, or none.
    pub sparkline: u16,
    /// Lines for events.
    pub events: u16,
    /// The line that names the next reset.
    pub next: u16,
}

/// Whether second windows are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Second {
    /// Shown.
    Shown,
    /// Dropped.
    Dropped,
}

/// Whether accounts that are off are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Off {
    /// Shown.
    Shown,
    /// Dropped.
    Dropped,
}

/// Events shown when there is room.
const EVENTS: u16 = 5;

/// Divides `room` lines (between the upper rule and the lower one) among accounts (`usable` of two lines,
/// `waiting` and `off` of one), sparkline and events. What is dropped first: events, sparkline, second
/// windows, accounts that are off.
pub fn parts(room: u16, usable: u16, waiting: u16, off: u16) -> Parts {
    let full = usable.saturating_mul(2).saturating_add(waiting).saturating_add(off);
    let single = usable.saturating_add(waiting).saturating_add(off);
    let all = Parts {
        accounts: full.min(room),
        second: Second::Shown,
        off: Off::Shown,
        sparkline: 2,
        events: room.saturating_sub(full.saturating_add(2)),
        next: 0,
    };
    if full.saturating_add(2) < room {
        return Parts { events: all.events.max(1), ..all };
    }
    let quiet = Parts { sparkline: 0, events: 0, ..all };
    if full.saturating_add(2) == room {
        return Parts { events: 0, ..all };
    }
    if full <= room {
        return quiet;
    }
    if single <= room {
        return Parts { accounts: single, second: Second::Dropped, ..quiet };
    }
    Parts { accounts: room, second: Second::Dropped, off: Off::Dropped, ..quiet }
}

/// At most so many events are worth their lines.
pub const fn events(room: u16) -> u16 {
    if room < EVENTS { room } else { EVENTS }
}
