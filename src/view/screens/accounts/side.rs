//! The focused account in the side pane of a wide screen.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::Widget;

use super::strip::{forecast, identity, seat_name, token};
use crate::base::text::{truncate, truncate_middle};
use crate::base::{Span, calendar};
use crate::domain::account::Account;
use crate::domain::quota::window::Window;
use crate::domain::usage::entry::Entry;
use crate::view::pen::Pen;
use crate::view::scene::Scene;
use crate::view::widgets::gauge::Gauge;
use crate::view::widgets::sparkline::sparkline;
use crate::view::words::{CUT, count, tokens};

/// Draws the pane with its divider.
pub fn render(scene: &Scene, area: Rect, buffer: &mut Buffer) {
    divider(scene, area, buffer);
    let Some((index, account)) = scene.ui.accounts.focused(scene.world) else { return };
    let skin = scene.skin;
    let inner = inner(area);
    let mut pen = Pen::new(buffer, inner);
    let room = usize::from(inner.width);
    pen.put(0, 0, &truncate_middle(&scene.name(account, index), room, CUT), skin.heading());
    let tail = tail(account).filter(|_| seat_name(account).is_some());
    let workspace = tail.map(|tail| format!(" · workspace {CUT}{tail}")).unwrap_or_default();
    let whole = format!("{}{workspace}", identity(scene, account));
    pen.put(0, 1, &truncate(&whole, room, CUT), skin.text());
    let mut row = 3;
    for (name, value) in facts(scene, account, index) {
        pen.put(0, row, name, skin.dim());
        pen.put(11, row, &truncate(&value, room.saturating_sub(11), CUT), skin.text());
        row += 1;
    }
    row += 1;
    let quota = scene.quota(account);
    if quota.is_none() {
        pen.put(0, row, "no data yet: press c to check the limits", skin.dim());
        row += 2;
    }
    for window in quota.iter().flat_map(|quota| quota.windows()) {
        let old = quota.is_some_and(|quota| scene.is_old(quota.at));
        row = window_lines(scene, &mut pen, row, window, if old { skin.dim() } else { skin.text() }, old);
    }
    if let Some(quota) = quota.filter(|quota| scene.is_old(quota.at)) {
        pen.put(0, row, &format!("seen {}", scene.ago(quota.at)), skin.dim());
        row += 2;
    }
    usage(scene, &mut pen, row, account);
}

/// The part beside the divider.
pub fn inner(area: Rect) -> Rect {
    Rect::new(area.x + 2, area.y, area.width.saturating_sub(3), area.height).intersection(area)
}

/// The line between list and pane.
pub fn divider(scene: &Scene, area: Rect, buffer: &mut Buffer) {
    let mut pen = Pen::new(buffer, area);
    for row in 0..area.height {
        pen.put(0, row, "│", scene.skin.border());
    }
}

/// The last letters of the workspace's id.
pub fn tail(account: &Account) -> Option<String> {
    let id = account.workspace_id()?;
    let start = id.char_indices().rev().nth(3).map_or(0, |(at, _)| at);
    id.get(start..).map(str::to_owned)
}

fn facts(scene: &Scene, account: &Account, index: usize) -> Vec<(&'static str, String)> {
    let state = scene.state(account);
    let mut words = state.word().to_owned();
    if scene.in_use == Some(&account.key) && state.is_usable() {
        let by = if scene.world.peers.is_empty() { "" } else { " by the proxy" };
        words = format!("in use{by}");
    }
    if let Some(until) = state.until() {
        words = format!("{words} until {} ({})", scene.near(until), calendar::long(scene.now.until(until)));
    }
    if let Some(reason) = account.cooling_until(scene.now).and_then(|rest| rest.reason) {
        words = format!("{words}, {}", reason.word().replace('-', " "));
    }
    if scene.world.roster.pin.as_ref() == Some(&account.key) {
        words = format!("{words}, pinned");
    }
    let token = token(scene, account);
    let token = token.strip_prefix("token ").map_or(token.clone(), str::to_owned);
    let refresh =
        if scene.world.settings.refresh_guardian && !state.needs_person() { ", auto-refresh" } else { "" };
    let used = if account.last_used == crate::base::Moment::EPOCH {
        "never".to_owned()
    } else {
        scene.ago(account.last_used)
    };
    let added = calendar::day(account.added_at, &scene.world.setting.zone);
    let mut facts = vec![
        ("state", words),
        ("token", format!("{token}{refresh}")),
        ("last used", format!("{used}   added {added}")),
    ];
    if scene.world.settings.quick_switch_visible_row && scene.ui.accounts.place != index {
        facts.push(("position", format!("{} in commands", index + 1)));
    }
    facts
}

fn window_lines(scene: &Scene, pen: &mut Pen, row: u16, window: &Window, text: Style, old: bool) -> u16 {
    let skin = scene.skin;
    pen.put(0, row, &window.name().unwrap_or_else(|| "?".to_owned()), skin.dim());
    let Some(left) = window.left(scene.now) else {
        pen.put(4, row, "no data", skin.dim());
        return row + 2;
    };
    let tone = if old { skin.dim() } else { scene.left_tone(left) };
    let area = pen.area();
    let bar = area.width.saturating_sub(14).min(40);
    let place = Rect::new(area.x + 4, area.y + row, bar, 1).intersection(area);
    (&Gauge { left, full: tone, empty: skin.border() }).render(place, pen.buffer());
    pen.put(4 + bar, row, &format!("{:>5}", format!("{}%", left.rounded())), text);
    let reset = match window.resets_at.filter(|reset| *reset > scene.now) {
        Some(_) if window.used.is_some_and(|used| used.rounded() == 0) => "not started".to_owned(),
        Some(reset) => {
            format!("resets {} · in {}", scene.near(reset), calendar::long(scene.now.until(reset)))
        }
        None => "no reset ahead".to_owned(),
    };
    pen.put(4, row + 1, &reset, text);
    let Some(forecast) = forecast(scene, window) else { return row + 3 };
    pen.put(4, row + 2, &forecast, skin.dim());
    row + 4
}

fn usage(scene: &Scene, pen: &mut Pen, mut row: u16, account: &Account) {
    let skin = scene.skin;
    pen.put(0, row, "last 24 h", skin.dim());
    let Some(tally) = scene.ui.figures.of_account(account) else {
        pen.put(0, row + 1, "no requests", skin.dim());
        return;
    };
    pen.put(0, row + 1, &sparkline(&tally.buckets(24, Span::hours(24), scene.now)), skin.accent());
    let sums = format!(
        "{}   {} tokens   {}",
        count(tally.requests, "request"),
        tokens(tally.tokens),
        count(tally.failures, "error")
    );
    pen.put(0, row + 2, &sums, skin.text());
    row += 4;
    pen.put(0, row, "recent", skin.dim());
    let rows = tally.recent.iter().filter_map(|place| scene.world.usage.get(*place));
    for (line, entry) in (row + 1..pen.height()).zip(rows) {
        recent(scene, pen, line, entry);
    }
}

/// One request: `14:28  200  gpt-5-codex        18.2k`.
pub fn recent(scene: &Scene, pen: &mut Pen, row: u16, entry: &Entry) {
    let skin = scene.skin;
    let status = entry.status.map_or_else(|| "–".to_owned(), |status| status.to_string());
    let good = entry.status.is_some_and(|status| (100..400).contains(&status));
    let tone = if good { skin.text() } else { skin.warn() };
    pen.put(0, row, &scene.clock(entry.at), skin.dim());
    pen.put(7, row, &status, tone);
    let what = match (&entry.failover, &entry.model) {
        (Some(why), _) if !good => crate::base::text::clean(why).into_owned(),
        (_, Some(model)) => crate::base::text::clean(model).into_owned(),
        (_, None) => String::new(),
    };
    pen.put(12, row, &truncate(&what, 18, CUT), skin.text());
    if entry.tokens.total > 0 {
        pen.put_right(36, row, &tokens(entry.tokens.total), skin.text());
    }
}
