//! A question that is answered by typing.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use crate::app::field::window;
use crate::app::overlays::ask::Ask;
use crate::base::text::{clean, width, wrap};
use crate::view::pen::Pen;
use crate::view::scene::Scene;
use crate::view::widgets::modal::{Modal, centred, room};

/// Draws the question; returns the caret.
pub fn render(scene: &Scene, ask: &Ask, buffer: &mut Buffer) -> Option<Position> {
    let skin = scene.skin;
    let screen = scene.layout.screen;
    let wanted = 62.min(screen.width.saturating_sub(2));
    let text = usize::from(wanted.saturating_sub(6));
    let mut lines: Vec<String> = Vec::new();
    for paragraph in &ask.paragraphs {
        lines.extend(wrap(&scene.veiled(&clean(paragraph)), text));
        lines.push(String::new());
    }
    let wrong = ask.wrong.as_ref().map(|wrong| wrap(&clean(wrong), text)).unwrap_or_default();
    let height = lines.len() + wrong.len() + usize::from(!wrong.is_empty()) + 5;
    let height = u16::try_from(height).unwrap_or(u16::MAX).min(scene.layout.floor.y);
    let area = centred(room(&scene.layout), wanted, height);
    let inner = Modal { title: ask.title, note: "⏎ do it · esc keep" }.frame(area, buffer, skin);
    let mut pen = Pen::new(buffer, inner);
    let last = inner.height.saturating_sub(2);
    let mut row = 1;
    for line in lines.iter().take(usize::from(last.saturating_sub(1))) {
        pen.put(2, row, line, skin.text());
        row += 1;
    }
    let start = 2 + u16::try_from(width(ask.label)).unwrap_or(0) + 1;
    let field = Rect::new(inner.x + start + 2, inner.y + row, inner.width.saturating_sub(start + 4), 1);
    let field = field.intersection(inner);
    let (shown, caret) = window(&ask.field, field);
    pen.put(2, row, ask.label, skin.dim());
    pen.run(start, row, &[("› ", skin.accent()), (&shown, skin.text())]);
    let at = Position::new(field.x + caret, field.y);
    for (place, line) in (row + 2..).zip(&wrong) {
        pen.put(2, place, line, skin.bad());
    }
    Some(at)
}
