//! The copies of the pool, and what the focused one would change.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::Widget;

use super::{rows_focused, rule};
use crate::app::screens::settings::places::Places;
use crate::base::calendar;
use crate::base::text::{clean, truncate, wrap};
use crate::domain::backup::{Backup, Comparison, Kind, PinFate, State};
use crate::view::pen::Pen;
use crate::view::scene::Scene;
use crate::view::widgets::scrollbar::Scrollbar;
use crate::view::words::{CUT, UNKNOWN};

/// Column of the name.
const NAME: u16 = 3;

/// Where the columns stand.
#[derive(Debug, Clone, Copy)]
struct Columns {
    /// End of the accounts.
    accounts: u16,
    /// End of the age.
    age: u16,
    /// End of the size; nothing on a narrow screen.
    size: Option<u16>,
    /// Begin of the state.
    state: u16,
}

impl Columns {
    fn of(panel: Rect) -> Self {
        if panel.width < 58 {
            return Self { accounts: 23, age: 28, size: None, state: 30 };
        }
        let shift = panel.width.saturating_sub(60).min(24);
        Self { accounts: 36 + shift, age: 41 + shift, size: Some(48 + shift), state: 50 + shift }
    }
}

/// Draws the list and the comparison.
pub(super) fn render(scene: &Scene, places: &Places, buffer: &mut Buffer) {
    let skin = scene.skin;
    let backups = &scene.ui.sheet.backups;
    let mut pen = Pen::new(buffer, places.panel);
    let columns = Columns::of(places.panel);
    pen.put(NAME, 0, "NAME", skin.dim());
    pen.put_right(columns.accounts, 0, if columns.size.is_some() { "ACCOUNTS" } else { "OF" }, skin.dim());
    pen.put_right(columns.age, 0, "AGE", skin.dim());
    if let Some(size) = columns.size {
        pen.put_right(size, 0, "SIZE", skin.dim());
    }
    pen.put(columns.state, 0, "STATE", skin.dim());
    let mut pen = Pen::new(buffer, places.list);
    if let Some(trouble) = &backups.trouble {
        for (row, line) in (0..).zip(wrap(&clean(trouble), usize::from(places.list.width.saturating_sub(4))))
        {
            pen.put(NAME, row, &line, skin.bad());
        }
        return;
    }
    if backups.rows().is_empty() {
        let text = if backups.list.is_some() { "no copies yet; a makes one" } else { "looking" };
        pen.put(NAME, 0, text, skin.dim());
        return;
    }
    for (row, (place, backup)) in
        (0..places.list.height).zip(backups.rows().iter().enumerate().skip(backups.offset))
    {
        line(scene, &mut pen, row, backup, columns);
        if place == backups.place {
            pen.put(1, row, "▸", skin.accent());
            if rows_focused(scene) {
                let all = pen.width();
                pen.paint(row, 0, all, skin.selection());
            }
        }
    }
    let bar = Scrollbar { offset: backups.offset, count: backups.rows().len(), style: skin.border() };
    (&bar).render(places.list, buffer);
    if let Some(backup) = backups.focused() {
        comparison(scene, backup, places.detail, buffer);
    }
}

fn line(scene: &Scene, pen: &mut Pen, row: u16, backup: &Backup, columns: Columns) {
    let skin = scene.skin;
    let bad = backup.unread().is_some();
    let text = if bad { skin.dim() } else { skin.text() };
    let room = usize::from(columns.accounts.saturating_sub(NAME + 4));
    pen.put(NAME, row, &truncate(&name(scene, backup), room, CUT), text);
    let figure = |text: String| if bad { UNKNOWN.to_owned() } else { text };
    let age = calendar::short(scene.now.since(backup.modified));
    pen.put_right(columns.accounts, row, &figure(backup.accounts.to_string()), text);
    pen.put_right(columns.age, row, &figure(coarse(&age)), text);
    if let Some(end) = columns.size {
        pen.put_right(end, row, &figure(size(backup.bytes)), text);
    }
    let (word, tone) = state(scene, backup);
    pen.put(columns.state, row, word, tone);
}

/// `2d03h` says more than a list of backups needs.
fn coarse(age: &str) -> String {
    let end = age.find(|c: char| c.is_ascii_alphabetic()).map_or(age.len(), |at| at + 1);
    age.get(..end).unwrap_or(age).to_owned()
}

fn size(bytes: u64) -> String {
    match bytes {
        0..1_024 => format!("{bytes} B"),
        1_024..1_048_576 => format!("{} K", bytes.div_ceil(1_024)),
        _ => format!("{} M", bytes.div_ceil(1_048_576)),
    }
}

fn state(scene: &Scene, backup: &Backup) -> (&'static str, Style) {
    let skin = scene.skin;
    match (&backup.state, backup.kind) {
        (State::Damaged(_), _) => ("damaged", skin.bad()),
        (State::Newer(_), _) => ("newer", skin.bad()),
        (State::Empty, _) => ("empty", skin.warn()),
        (State::Good, Kind::Hourly | Kind::Daily) => ("snapshot", skin.dim()),
        (State::Good, Kind::Named | Kind::Rotating) => ("good", skin.good()),
    }
}

/// `weekly`, `hourly 22 Nov 14:00`, `daily  21 Nov`, `automatic .bak`.
pub fn name(scene: &Scene, backup: &Backup) -> String {
    let zone = &scene.world.setting.zone;
    match backup.kind {
        Kind::Named => clean(&backup.name).into_owned(),
        Kind::Hourly => {
            let day = calendar::day(backup.modified, zone);
            format!("hourly {day} {}:00", hour(&calendar::clock(backup.modified, zone)))
        }
        Kind::Daily => format!("daily  {}", calendar::day(backup.modified, zone)),
        Kind::Rotating => format!("automatic {}", clean(&backup.name)),
    }
}

fn hour(clock: &str) -> &str {
    clock.split(':').next().unwrap_or(clock)
}

/// The focused copy against the pool.
fn comparison(scene: &Scene, backup: &Backup, area: Rect, buffer: &mut Buffer) {
    if area.height == 0 {
        return;
    }
    let skin = scene.skin;
    rule(scene, area, &format!("{} against the pool now", name(scene, backup)), buffer);
    let mut pen = Pen::new(buffer, area);
    let room = usize::from(pen.width().saturating_sub(2));
    if let Some(why) = backup.unread() {
        for (row, text) in (1..area.height).zip(wrap(&clean(&why), room)) {
            pen.put(1, row, &text, skin.bad());
        }
        return;
    }
    match scene.ui.sheet.backups.comparison() {
        None if backup.is_good() => {
            pen.put(1, 1, "comparing", skin.dim());
        }
        None => {
            pen.put(1, 1, "it holds no account", skin.dim());
        }
        Some(Err(why)) => {
            for (row, text) in (1..area.height).zip(wrap(&clean(why), room)) {
                pen.put(1, row, &text, skin.bad());
            }
        }
        Some(Ok(found)) => facts(scene, &mut pen, found),
    }
}

fn facts(scene: &Scene, pen: &mut Pen, found: &Comparison) {
    let skin = scene.skin;
    let all = usize::from(pen.width());
    let mut row = 1;
    let mut say = |pen: &mut Pen, name: &str, text: &str, tail: &str| {
        pen.put(1, row, name, skin.dim());
        let room = all.saturating_sub(13 + if tail.is_empty() { 0 } else { tail.len() + 2 });
        let after = pen.put(12, row, &truncate(text, room, CUT), skin.text());
        pen.put(after + 2, row, tail, skin.dim());
        row += 1;
    };
    let names = |names: &[String], short: bool| {
        let shown: Vec<String> = names
            .iter()
            .map(|name| {
                let name = clean(name);
                let name = if short {
                    name.split('@').next().unwrap_or(&name).to_owned()
                } else {
                    name.into_owned()
                };
                scene.veiled(&name)
            })
            .collect();
        if shown.is_empty() { "none".to_owned() } else { shown.join(", ") }
    };
    say(pen, "same", &names(&found.same, true), "");
    say(
        pen,
        "only here",
        &names(&found.only_here, true),
        if found.only_here.is_empty() { "" } else { "gone if replaced" },
    );
    say(
        pen,
        "only there",
        &names(&found.only_there, false),
        if found.only_there.is_empty() { "" } else { "would come back" },
    );
    let tokens = match (found.older_tokens, found.newer_tokens) {
        (0, 0) if found.same.is_empty() => "no account is in both".to_owned(),
        (0, 0) => "as old as the pool's".to_owned(),
        (0, newer) => format!("{newer} newer than the pool's"),
        (older, 0) => format!("{older} older than the pool's: the newer ones stay"),
        (older, newer) => format!("{older} older than the pool's, {newer} newer: the newer ones stay"),
    };
    let from = found.tokens_from.map(|at| format!("newest from {}", scene.ago(at))).unwrap_or_default();
    let from = if tokens.len() + from.len() + 16 < all { from } else { String::new() };
    say(pen, "tokens", &tokens, &from);
    let pin = match &found.pin {
        PinFate::None => "nothing is pinned".to_owned(),
        PinFate::Stays(name) => {
            format!("none in the backup; {} stays pinned", names(std::slice::from_ref(name), true))
        }
        PinFate::Lost(name) => {
            format!("{} is not in it: replacing unpins", names(std::slice::from_ref(name), true))
        }
    };
    say(pen, "pin", &pin, "");
}
