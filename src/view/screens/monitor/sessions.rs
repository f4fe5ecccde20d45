//! One row per running conversation, and the focused one below.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

use crate::app::geometry::Kind;
use crate::app::screens::monitor::{session_at, via};
use crate::base::text::{clean, truncate};
use crate::base::{Span, calendar};
use crate::domain::facts::SessionRow;
use crate::view::pen::Pen;
use crate::view::scene::Scene;
use crate::view::widgets::rule::Rule;
use crate::view::words::{CUT, UNKNOWN, tokens};

/// Column titles.
pub fn header(scene: &Scene, area: Rect, buffer: &mut Buffer) {
    let style = scene.skin.dim();
    let mut pen = Pen::new(buffer, area);
    pen.put(3, 0, "ID", style);
    pen.put(9, 0, "KIND", style);
    pen.put(15, 0, "ACCOUNT", style);
    pen.put_right(32, 0, "TURNS", style);
    pen.put_right(41, 0, "TOK/MIN", style);
    pen.put(43, 0, "LAST", style);
    if scene.layout.kind != Kind::Narrow {
        pen.put(50, 0, "TITLE", style);
    }
}

/// The rows in sight.
pub fn rows(scene: &Scene, area: Rect, buffer: &mut Buffer) {
    let monitor = &scene.ui.monitor;
    for line in 0..area.height {
        let place = monitor.session_offset + usize::from(line);
        let Some(session) = monitor.session_order.get(place).and_then(|row| session_at(scene.world, *row))
        else {
            break;
        };
        let mut pen = Pen::new(buffer, Rect::new(area.x, area.y + line, area.width, 1));
        row(scene, &mut pen, session);
        if place == monitor.session_place {
            pen.put(1, 0, "▸", scene.skin.accent());
            let width = pen.width();
            pen.paint(0, 0, width, scene.skin.selection());
        }
    }
}

fn row(scene: &Scene, pen: &mut Pen, session: &SessionRow) {
    let skin = scene.skin;
    pen.put(3, 0, &truncate(&clean(&session.id), 5, CUT), skin.text());
    pen.put(9, 0, &truncate(&clean(&session.kind), 5, CUT), skin.text());
    let account = scene.short_name_of(session.account.as_ref());
    if session.is_pinned {
        pen.put(15, 0, &truncate(&account, 6, CUT), skin.text());
        pen.put(22, 0, "pin", skin.accent());
    } else {
        pen.put(15, 0, &truncate(&account, 11, CUT), skin.text());
    }
    pen.put_right(32, 0, &session.turns.to_string(), skin.text());
    pen.put_right(41, 0, &tokens(session.rate), skin.text());
    let last = scene.now.since(session.last);
    let (text, style) = if session.in_turn {
        ("turn".to_owned(), skin.accent())
    } else if last < Span::seconds(5) {
        ("now".to_owned(), skin.text())
    } else {
        (calendar::short(last), skin.dim())
    };
    pen.put(43, 0, &text, style);
    if scene.layout.kind != Kind::Narrow {
        let room = usize::from(pen.width().saturating_sub(51));
        let title = session.title.as_deref().map_or(UNKNOWN.into(), clean);
        pen.put(50, 0, &truncate(&title, room, CUT), skin.dim());
    }
}

fn moved(scene: &Scene, session: &SessionRow) -> String {
    session.moved.as_ref().map_or_else(
        || UNKNOWN.to_owned(),
        |(from, at, why)| {
            let why = clean(why);
            let why = if why.is_empty() { String::new() } else { format!(": {why}") };
            format!("{} from {}{why}", scene.clock(*at), scene.short_name_of(Some(from)))
        },
    )
}

/// The focused session in a few lines.
pub fn focused(scene: &Scene, area: Rect, buffer: &mut Buffer) {
    let Some((peer, session)) = scene.ui.monitor.focused_session(scene.world) else { return };
    if area.height == 0 {
        return;
    }
    let skin = scene.skin;
    (&Rule { title: &clean(&session.id), text: skin.heading(), line: skin.border() }).render(
        Rect { height: 1, width: area.width - u16::from(scene.layout.kind == Kind::Wide), ..area },
        buffer,
    );
    let mut pen = Pen::new(buffer, area);
    let room = usize::from(pen.width().saturating_sub(2));
    let pid = scene.world.peers.get(peer).map(|peer| peer.peer.pid).unwrap_or_default();
    let open = calendar::long(scene.now.since(session.since));
    let first = format!("{}, seen for {open} · proxy pid {pid}", via(session.via));
    pen.put(1, 1, &truncate(&first, room, CUT), skin.text());
    let account = scene.short_name_of(session.account.as_ref());
    let is_pinned = session.account.is_some() && scene.world.roster.pin == session.account;
    let pinned = if is_pinned || session.is_pinned { ", pinned by you" } else { "" };
    let state = if session.in_turn { "a turn runs" } else { "waits for the next prompt" };
    let facts = [
        ("account", format!("{account}{pinned}")),
        ("last move", moved(scene, session)),
        ("use", format!("{} turns, {} tokens", session.turns, tokens(session.tokens))),
        ("now", state.to_owned()),
    ];
    for (row, (name, value)) in (2u16..).zip(facts) {
        pen.put(1, row, name, skin.dim());
        pen.put(12, row, &truncate(&value, room.saturating_sub(11), CUT), skin.text());
    }
}
