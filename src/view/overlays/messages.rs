//! Past messages, the focused one in full below.

use ratatui::buffer::Buffer;

use crate::app::geometry::Kind;
use crate::app::overlays::messages::{Messages, room as rows_for};
use crate::app::toasts::{Level, Shown};
use crate::base::calendar;
use crate::base::text::{truncate, wrap};
use crate::view::pen::Pen;
use crate::view::scene::Scene;
use crate::view::widgets::modal::{Modal, centred, room};
use crate::view::words::CUT;

/// Draws the history.
pub fn render(scene: &Scene, open: Messages, buffer: &mut Buffer) {
    let skin = scene.skin;
    let screen = scene.layout.screen;
    let rows = u16::try_from(rows_for(screen.height)).unwrap_or(3);
    let wide = scene.layout.kind == Kind::Wide;
    let width = if wide { 108 } else { 76 }.min(screen.width.saturating_sub(2));
    let area = centred(room(&scene.layout), width, rows + 6);
    let count = scene.ui.toasts.history().len();
    let last = (open.offset + usize::from(rows)).min(count);
    let note = if count == 0 { String::new() } else { format!("{last} of {count}") };
    let inner = Modal { title: "Messages", note: &note }.frame(area, buffer, skin);
    let mut pen = Pen::new(buffer, inner);
    if count == 0 {
        pen.put(3, 1, "nothing was said yet", skin.dim());
        return;
    }
    let shown = scene.ui.toasts.history().enumerate().skip(open.offset);
    for (row, (place, message)) in (1..=rows).zip(shown) {
        line(scene, &mut pen, row, message, wide);
        if place == open.place {
            pen.put(1, row, "▸", skin.accent());
            let width = pen.width();
            pen.paint(row, 0, width, skin.selection());
        }
    }
    if let Some(message) = scene.ui.toasts.history().nth(open.place) {
        more(scene, &mut pen, rows + 2, message);
    }
}

fn line(scene: &Scene, pen: &mut Pen, row: u16, message: &Shown, wide: bool) {
    let skin = scene.skin;
    let level = message.toast.level;
    let tone = match level {
        Level::Info => skin.dim(),
        Level::Done => skin.good(),
        Level::Warn => skin.warn(),
        Level::Error => skin.bad(),
    };
    let end = pen.width().saturating_sub(2);
    pen.put(3, row, &calendar::clock_seconds(message.at, &scene.world.setting.zone), skin.dim());
    let mut column = pen.put(12, row, level.glyph(), tone) + 1;
    let mut until = end;
    if wide {
        pen.put(column, row, level.word(), tone);
        column += 8;
        until = end.saturating_sub(14);
        pen.put(until + 2, row, message.toast.from, skin.dim());
    }
    let room = usize::from(until.saturating_sub(column));
    pen.put(column, row, &truncate(&scene.veiled(&message.text()), room, CUT), skin.text());
}

/// The focused message whole, with what belongs to it.
fn more(scene: &Scene, pen: &mut Pen, mut row: u16, message: &Shown) {
    let skin = scene.skin;
    let room = usize::from(pen.width().saturating_sub(6));
    let command =
        message.toast.command.as_ref().map(|command| format!("command: codex-multi-auth {command}"));
    let whole = (crate::base::text::width(&message.toast.text) > room).then(|| message.toast.text.clone());
    let mut lines: Vec<String> = whole.into_iter().collect();
    lines.extend(message.toast.more.iter().cloned());
    lines.extend(command);
    if lines.is_empty() {
        lines.push(format!("from {}", message.toast.from));
    }
    for text in lines.iter().flat_map(|line| wrap(&scene.veiled(line), room)) {
        pen.put(3, row, &text, skin.dim());
        row += 1;
    }
}
