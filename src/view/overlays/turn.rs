//! One turn: its attempts with account and verdict each, times, tokens, sizes, and who would have served it otherwise;
//! never a body.

mod decision;

use ratatui::buffer::Buffer;

use crate::app::screens::monitor::{TurnId, status, turn, via};
use crate::base::calendar;
use crate::base::text::{clean, truncate};
use crate::domain::facts::TurnRow;
use crate::view::pen::Pen;
use crate::view::scene::Scene;
use crate::view::screens::monitor::turns::tone;
use crate::view::widgets::modal::{Modal, centred, room};
use crate::view::words::{CUT, UNKNOWN, count, tokens};

/// Draws the turn.
pub fn render(scene: &Scene, id: TurnId, buffer: &mut Buffer) {
    let screen = scene.layout.screen;
    let width = 64.min(screen.width.saturating_sub(2));
    let Some(turn) = turn(scene.world, id) else {
        let area = centred(room(&scene.layout), width, 5);
        let inner = Modal { title: "Turn", note: "" }.frame(area, buffer, scene.skin);
        let mut pen = Pen::new(buffer, inner);
        pen.put(2, 1, "this turn is no longer listed by its proxy", scene.skin.dim());
        return;
    };
    let decided = decision::lines(scene, id);
    let more = turn.attempts.len() + if decided.is_empty() { 0 } else { decided.len() + 1 };
    let notes = if turn.note.is_empty() { 11 } else { 12 };
    let height = u16::try_from(more).unwrap_or(u16::MAX).saturating_add(notes).min(scene.layout.floor.y);
    let area = centred(room(&scene.layout), width, height);
    let title = format!("Turn at {}", calendar::clock_seconds(turn.at, &scene.world.setting.zone));
    let inner = Modal { title: &title, note: "esc close" }.frame(area, buffer, scene.skin);
    let mut pen = Pen::new(buffer, inner);
    let row = facts(scene, &mut pen, turn);
    if !decided.is_empty() {
        decision::draw(scene, &mut pen, row + 2, &decided);
    }
}

/// Returns the last row used.
fn facts(scene: &Scene, pen: &mut Pen, turn: &TurnRow) -> u16 {
    let skin = scene.skin;
    let span = |span: Option<crate::base::Span>| span.map_or_else(|| UNKNOWN.to_owned(), calendar::took);
    let model = turn.model.as_deref().map_or(UNKNOWN.into(), clean);
    let session = match &turn.session {
        Some(session) if turn.turn > 0 => format!("{}, turn {}", clean(session), turn.turn),
        Some(session) => clean(session).into_owned(),
        None => UNKNOWN.to_owned(),
    };
    let used = turn.tokens.map_or_else(
        || UNKNOWN.to_owned(),
        |used| {
            format!(
                "{} ({} in, {} cached, {} out, {} reasoning)",
                tokens(used.total),
                tokens(used.input),
                tokens(used.cached),
                tokens(used.output),
                tokens(used.reasoning)
            )
        },
    );
    let rows = [
        ("account", scene.short_name_of(turn.account.as_ref())),
        ("model", model.into_owned()),
        ("session", session),
        ("status", format!("{} over {}", status(&turn.status), via(turn.via))),
        ("times", format!("first event {}, end {}", span(turn.first_byte), span(turn.took))),
        ("sizes", format!("{} bytes; {used}", turn.bytes_out)),
        ("note", clean(&turn.note).into_owned()),
    ];
    let room = usize::from(pen.width().saturating_sub(14));
    let mut row = 0;
    for (name, value) in rows.into_iter().filter(|(_, value)| !value.is_empty()) {
        row += 1;
        let style = if name == "status" { tone(scene, &turn.status) } else { skin.text() };
        pen.put(2, row, name, skin.dim());
        pen.put(12, row, &truncate(&value, room, CUT), style);
    }
    row += 2;
    let tries = u64::try_from(turn.attempts.len()).unwrap_or(u64::MAX);
    pen.put(2, row, &count(tries, "attempt"), skin.heading());
    for attempt in &turn.attempts {
        row += 1;
        pen.put(2, row, &truncate(&scene.short_name_of(Some(&attempt.account)), 16, CUT), skin.text());
        pen.put(20, row, &truncate(&clean(&attempt.verdict), 22, CUT), skin.text());
        pen.put_right(54, row, &span(attempt.first_byte), skin.dim());
    }
    row
}
