//! The narrow pane for a spare terminal.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::Widget;

use crate::app::screens::monitor::{status, turn_at};
use crate::app::screens::pane::{Off, Parts, Second, parts};
use crate::base::text::{clean, pad_left, truncate};
use crate::base::{Span, calendar};
use crate::domain::account::Account;
use crate::domain::facts::{TurnRow, TurnStatus};
use crate::domain::label::State;
use crate::domain::quota::snapshot::Snapshot;
use crate::domain::quota::window::Window;
use crate::view::pen::Pen;
use crate::view::scene::Scene;
use crate::view::screens::empty;
use crate::view::screens::frame::{keys, message, pill};
use crate::view::screens::monitor::turns::{note, tone};
use crate::view::widgets::gauge::Gauge;
use crate::view::widgets::sparkline::sparkline;
use crate::view::words::CUT;

/// Columns of the sparkline.
const LINE: usize = 28;

/// Draws the pane.
pub fn render(scene: &Scene, buffer: &mut Buffer) {
    head(scene, buffer);
    let skin = scene.skin;
    for area in [scene.layout.rule, scene.layout.floor] {
        let mut pen = Pen::new(buffer, area);
        let width = pen.width();
        pen.fill(0, 0, width, "─", skin.border());
    }
    keys(scene, buffer);
    let said = scene.ui.toasts.standing(scene.now).is_some() || scene.ui.undo_until.is_some();
    if said || !scene.world.checking.is_empty() {
        let _ = message(scene, buffer);
    } else {
        next(scene, buffer);
    }
    if !scene.world.loaded {
        return;
    }
    if scene.world.trouble.is_some() {
        empty::trouble(scene, buffer);
    } else if scene.world.roster.accounts.is_empty() {
        empty::render(scene, buffer);
    } else {
        body(scene, buffer);
    }
}

fn head(scene: &Scene, buffer: &mut Buffer) {
    let skin = scene.skin;
    let mut pen = Pen::new(buffer, scene.layout.tabs);
    let end = pen.width().saturating_sub(1);
    let clock = pen.put_right(end, 0, &scene.clock(scene.now), skin.dim());
    let mut pieces = pill(scene, scene.layout.kind);
    if let Some((word, _)) = pieces.last_mut()
        && word.ends_with("proxy on")
    {
        " proxy".clone_into(word);
    }
    if scene.world.setting.demo.is_some() {
        // The badge takes the place of the pill's word: the rate must stay in sight.
        pieces.truncate(1);
        pieces.insert(0, ("DEMO ".to_owned(), skin.warn()));
    }
    if let Some(key) = scene.in_use {
        pieces.push((format!("   {}", scene.short_name_of(Some(key))), skin.heading()));
    }
    pieces.push((format!("   {} req/min", scene.ui.monitor.sums.rate), skin.text()));
    let mut at = 1;
    for (text, style) in pieces {
        let room = usize::from(clock.saturating_sub(at + 1));
        at = pen.put(at, 0, &truncate(&text, room, CUT), style);
    }
}

fn next(scene: &Scene, buffer: &mut Buffer) {
    let accounts = scene.ui.accounts.order.iter().take(50);
    let soonest = accounts
        .filter_map(|index| Some((*index, scene.world.roster.accounts.get(*index)?)))
        .filter(|(_, account)| account.is_on())
        .flat_map(|(index, account)| {
            let windows = scene.quota(account).into_iter().flat_map(Snapshot::windows);
            windows
                .filter(|window| window.used.is_some_and(|used| used.rounded() > 0))
                .filter_map(move |window| Some((window.resets_at?, index, window.name()?)))
        })
        .filter(|(reset, _, _)| *reset > scene.now)
        .min();
    let Some((reset, index, window)) = soonest else { return };
    let Some(account) = scene.world.roster.accounts.get(index) else { return };
    let name = scene.short_name(account, index);
    let text = format!("next reset {} {window} {}", truncate(&name, 12, CUT), scene.near(reset));
    let mut pen = Pen::new(buffer, scene.layout.message);
    let room = usize::from(pen.width().saturating_sub(2));
    pen.put(1, 0, &truncate(&text, room, CUT), scene.skin.dim());
}

fn body(scene: &Scene, buffer: &mut Buffer) {
    let census = scene.ui.accounts.census;
    let small = |number: usize| u16::try_from(number).unwrap_or(u16::MAX);
    let out = small(census.waiting + census.sign_in + census.uncertain + census.held);
    let area = scene.layout.body;
    let parts = parts(area.height, small(census.ready), out, small(census.off));
    let mut row = 0;
    let first = first_shown(scene, usize::from(parts.accounts), &parts);
    for (place, index) in scene.ui.accounts.order.iter().enumerate().skip(first) {
        let Some(account) = scene.world.roster.accounts.get(*index) else { continue };
        if parts.off == Off::Dropped && !account.is_on() {
            continue;
        }
        let two = scene.state(account).is_usable() && parts.second == Second::Shown;
        let lines = if two { 2 } else { 1 };
        if row + lines > parts.accounts {
            break;
        }
        let mut pen = Pen::new(buffer, Rect::new(area.x, area.y + row, area.width, lines));
        entry(scene, &mut pen, place, *index, account);
        row += lines;
    }
    if parts.sparkline > 0 {
        let below = Rect::new(area.x, area.y + parts.accounts, area.width, area.height - parts.accounts);
        events(scene, below, buffer, parts.events);
    }
}

/// The first account to show so that the cursor is in sight.
fn first_shown(scene: &Scene, room: usize, parts: &Parts) -> usize {
    let list = &scene.ui.accounts;
    let mut used = 0;
    let mut first = list.place;
    for place in (0..=list.place).rev() {
        let Some(account) = list.at(scene.world, place) else { break };
        let two = scene.state(account).is_usable() && parts.second == Second::Shown;
        used += if two { 2 } else { 1 };
        if used > room {
            break;
        }
        first = place;
    }
    first
}

fn entry(scene: &Scene, pen: &mut Pen, place: usize, index: usize, account: &Account) {
    let skin = scene.skin;
    let state = scene.state(account);
    let tone = scene.tone(account, state);
    let focused = place == scene.ui.accounts.place;
    if focused {
        pen.put(0, 0, "▸", skin.accent());
    }
    pen.put(1, 0, Scene::glyph(state), tone);
    pen.put(2, 0, &truncate(&scene.short_name(account, index), 9, CUT), skin.text());
    let windows: Vec<Window> =
        scene.quota(account).iter().flat_map(|quota| quota.windows()).copied().collect();
    if state.is_usable() {
        for (row, window) in (0..pen.height()).zip(&windows) {
            usable(scene, pen, row, window);
        }
        if windows.is_empty() {
            pen.put(12, 0, "no data", skin.dim());
        }
    } else {
        waiting(scene, pen, state, tone, &windows);
    }
    if focused {
        let width = pen.width();
        pen.paint(0, 0, width, skin.selection());
    }
}

fn usable(scene: &Scene, pen: &mut Pen, row: u16, window: &Window) {
    let skin = scene.skin;
    pen.put(12, row, &truncate(&window.name().unwrap_or_default(), 3, CUT), skin.dim());
    let Some(left) = window.left(scene.now) else { return };
    let area = pen.area();
    let place = Rect::new(area.x + 15, area.y + row, 10, 1).intersection(area);
    (&Gauge { left, full: scene.left_tone(left), empty: skin.border() }).render(place, pen.buffer());
    pen.put(25, row, &pad_left(&format!("{}%", left.rounded()), 5), skin.text());
    pen.put_right(37, row, &scene.reset(window), skin.text());
}

/// State and the tighter window of an account that cannot serve.
fn waiting(scene: &Scene, pen: &mut Pen, state: State, tone: Style, windows: &[Window]) {
    let skin = scene.skin;
    let until = state.until().map(|end| calendar::short(scene.now.until(end)));
    let words = match (state, &until) {
        (State::Cooling(_), Some(wait)) => format!("cooling {wait}"),
        _ => state.word().to_owned(),
    };
    pen.put(12, 0, &truncate(&words, 13, CUT), tone);
    if state == State::Off {
        return;
    }
    let left = |window: &Window| window.left(scene.now).map_or(101.0, crate::base::Percent::value);
    let Some(tighter) = windows.iter().min_by(|one, other| left(one).total_cmp(&left(other))) else { return };
    if let Some(left) = tighter.left(scene.now) {
        pen.put(25, 0, &pad_left(&format!("{}%", left.rounded()), 5), skin.dim());
        pen.put_right(37, 0, &scene.reset(tighter), skin.dim());
    }
}

/// Sparkline and the newest turns.
fn events(scene: &Scene, area: Rect, buffer: &mut Buffer, count: u16) {
    let skin = scene.skin;
    let mut pen = Pen::new(buffer, area);
    let width = pen.width();
    pen.fill(0, 0, width, "─", skin.border());
    let chart = sparkline(&scene.ui.figures.all.buckets(LINE, Span::hours(1), scene.now));
    pen.run(1, 1, &[(&chart, skin.accent()), ("  last 60m", skin.dim())]);
    let turns = scene.ui.monitor.order.iter().filter_map(|row| turn_at(scene.world, *row));
    for (row, turn) in (2..2 + count).zip(turns) {
        event(scene, &mut pen, row, turn);
    }
}

fn event(scene: &Scene, pen: &mut Pen, row: u16, turn: &TurnRow) {
    let skin = scene.skin;
    let account = scene.short_name_of(turn.account.as_ref());
    pen.put(1, row, &scene.clock(turn.at), skin.dim());
    pen.put(7, row, &truncate(&status(&turn.status), 5, CUT), tone(scene, &turn.status));
    let after = pen.put(13, row, &truncate(&account, 10, CUT), skin.text()).max(22);
    let tail = match turn.took {
        Some(took) => calendar::took(took),
        None if turn.status == TurnStatus::Running => calendar::short(scene.now.since(turn.at)),
        None => clean(&note(turn)).into_owned(),
    };
    let room = usize::from(pen.width().saturating_sub(after + 2));
    pen.put(after + 1, row, &truncate(&tail, room, CUT), skin.dim());
}
