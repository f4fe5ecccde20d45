//! One row per turn, newest first.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::app::geometry::Kind;
use crate::app::screens::monitor::{status, turn_at, via};
use crate::base::calendar;
use crate::base::text::{clean, truncate, truncate_middle};
use crate::domain::facts::{TurnRow, TurnStatus};
use crate::view::pen::Pen;
use crate::view::scene::Scene;
use crate::view::words::{CUT, UNKNOWN, tokens};

/// Where the columns stand and how wide the cut ones are.
struct Columns {
    account: u16,
    model: u16,
    via: u16,
    status: u16,
    took: u16,
    tokens: Option<u16>,
    note: Option<u16>,
}

impl Columns {
    fn of(scene: &Scene) -> Self {
        match scene.layout.kind {
            Kind::Wide => Self {
                account: 11,
                model: 23,
                via: 38,
                status: 45,
                took: 58,
                tokens: Some(67),
                note: Some(70),
            },
            Kind::Medium => {
                Self { account: 11, model: 21, via: 35, status: 41, took: 53, tokens: None, note: Some(55) }
            }
            Kind::Narrow | Kind::Pane | Kind::TooSmall => {
                Self { account: 11, model: 22, via: 37, status: 43, took: 57, tokens: None, note: None }
            }
        }
    }
}

/// Column titles.
pub fn header(scene: &Scene, area: Rect, buffer: &mut Buffer) {
    let columns = Columns::of(scene);
    let style = scene.skin.dim();
    let mut pen = Pen::new(buffer, area);
    pen.put(1, 0, "TIME", style);
    pen.put(columns.account, 0, "ACCOUNT", style);
    pen.put(columns.model, 0, "MODEL", style);
    pen.put(columns.via, 0, "VIA", style);
    pen.put(columns.status, 0, "STATUS", style);
    pen.put_right(columns.took, 0, "TOOK", style);
    if let Some(end) = columns.tokens {
        pen.put_right(end, 0, "TOKENS", style);
    }
    if let Some(note) = columns.note {
        pen.put(note, 0, "NOTE", style);
    }
}

/// The rows in sight.
pub fn rows(scene: &Scene, area: Rect, buffer: &mut Buffer) {
    let columns = Columns::of(scene);
    let monitor = &scene.ui.monitor;
    for line in 0..area.height {
        let place = monitor.offset + usize::from(line);
        let Some(turn) = monitor.order.get(place).and_then(|row| turn_at(scene.world, *row)) else { break };
        let mut pen = Pen::new(buffer, Rect::new(area.x, area.y + line, area.width, 1));
        row(scene, &mut pen, &columns, turn);
        if place == monitor.place {
            pen.put(0, 0, "▸", scene.skin.accent());
            let width = pen.width();
            pen.paint(0, 0, width, scene.skin.selection());
        }
    }
}

fn row(scene: &Scene, pen: &mut Pen, columns: &Columns, turn: &TurnRow) {
    let skin = scene.skin;
    let room = |from: u16, to: u16| usize::from(to.saturating_sub(from + 1));
    pen.put(1, 0, &calendar::clock_seconds(turn.at, &scene.world.setting.zone), skin.dim());
    let account = scene.short_name_of(turn.account.as_ref());
    pen.put(columns.account, 0, &truncate(&account, room(columns.account, columns.model), CUT), skin.text());
    let model = turn.model.as_deref().map_or(UNKNOWN.into(), clean);
    pen.put(columns.model, 0, &truncate_middle(&model, room(columns.model, columns.via), CUT), skin.text());
    pen.put(columns.via, 0, via(turn.via), skin.dim());
    pen.put(columns.status, 0, &status(&turn.status), tone(scene, &turn.status));
    let took = match (turn.took, &turn.status) {
        (Some(span), _) => calendar::took(span),
        (None, TurnStatus::Running) => calendar::short(scene.now.since(turn.at)),
        (None, _) => UNKNOWN.to_owned(),
    };
    pen.put_right(columns.took, 0, &took, skin.text());
    if let Some(end) = columns.tokens {
        let used = turn.tokens.map_or_else(|| UNKNOWN.to_owned(), |used| tokens(used.total));
        pen.put_right(end, 0, &used, skin.text());
    }
    if let Some(column) = columns.note {
        let end = pen.width() - 1;
        pen.put(column, 0, &truncate(&note(turn), usize::from(end.saturating_sub(column)), CUT), skin.dim());
    }
}

/// Session and turn, or what happened.
pub fn note(turn: &TurnRow) -> String {
    let said = clean(&turn.note).into_owned();
    let Some(session) = &turn.session else { return said };
    let session = clean(session);
    if said.is_empty() {
        if turn.turn == 0 {
            format!("session {session}")
        } else {
            format!("session {session}, turn {}", turn.turn)
        }
    } else if matches!(turn.status, TurnStatus::Limit | TurnStatus::Net | TurnStatus::Status(_)) {
        // What went wrong matters more than whose it was; the turn's own view names the session.
        said
    } else {
        format!("{session}, {said}")
    }
}

/// The tone of an end.
pub fn tone(scene: &Scene, status: &TurnStatus) -> Style {
    match status {
        TurnStatus::Running => scene.skin.accent(),
        TurnStatus::Ok => scene.skin.good(),
        TurnStatus::Warm | TurnStatus::Gone => scene.skin.dim(),
        TurnStatus::Limit | TurnStatus::Status(429) => scene.skin.warn(),
        TurnStatus::Status(code) if *code < 400 => scene.skin.good(),
        TurnStatus::Status(_) | TurnStatus::Cut | TurnStatus::Net => scene.skin.bad(),
    }
}
