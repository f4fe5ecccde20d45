//! A question with two answers.

use ratatui::buffer::Buffer;

use crate::app::overlays::confirm::Confirm;
use crate::base::text::{clean, width, wrap};
use crate::view::pen::Pen;
use crate::view::scene::Scene;
use crate::view::widgets::modal::{Modal, centred, room};
use crate::view::words::CUT;

/// Draws the question.
pub fn render(scene: &Scene, question: &Confirm, buffer: &mut Buffer) {
    let skin = scene.skin;
    let screen = scene.layout.screen;
    let wanted = 58.min(screen.width.saturating_sub(2));
    let text = usize::from(wanted.saturating_sub(6));
    let mut lines: Vec<String> = Vec::new();
    for paragraph in &question.paragraphs {
        for line in paragraph.split('\n') {
            lines.extend(wrap(&scene.veiled(&clean(line)), text));
        }
        lines.push(String::new());
    }
    if let Some(secret) = &question.secret {
        lines.extend(wrap(secret.expose(), text));
        lines.push(String::new());
    }
    let height = u16::try_from(lines.len() + 5).unwrap_or(u16::MAX).min(scene.layout.floor.y);
    let area = centred(room(&scene.layout), wanted, height);
    let inner = Modal { title: &scene.veiled(&question.title), note: "" }.frame(area, buffer, skin);
    let mut pen = Pen::new(buffer, inner);
    let answers = inner.height.saturating_sub(2);
    let shown = usize::from(answers.saturating_sub(1));
    // The last line is the blank above the answers.
    let hidden = lines.len().saturating_sub(shown + 1);
    if hidden > 0 {
        lines.truncate(shown.saturating_sub(2));
        lines.push(format!("{CUT} and {} more lines", hidden + 2));
    }
    for (row, line) in (1..answers).zip(&lines) {
        pen.put(2, row, line, skin.text());
    }
    let mut column = inner.width.saturating_sub(answer_width(question)) / 2;
    for (answer, name) in question.answers() {
        let focused = question.focus == answer;
        let text = if focused { format!("[ {name} ]") } else { format!("  {name}  ") };
        let style = if focused { skin.selection() } else { skin.text() };
        column = pen.put(column, answers, &text, style) + 4;
    }
}

fn answer_width(question: &Confirm) -> u16 {
    let cells: usize = question.answers().iter().map(|(_, name)| width(name) + 8).sum();
    u16::try_from(cells.saturating_sub(4)).unwrap_or(u16::MAX)
}
