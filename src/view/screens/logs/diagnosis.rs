//! What `doctor` finds, the worst first, and what would be mended.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::Widget;

use crate::app::screens::logs::Health;
use crate::base::text::{clean, truncate, wrap};
use crate::domain::checkup::{Finding, Severity};
use crate::view::pen::Pen;
use crate::view::scene::Scene;
use crate::view::screens::accounts::side::{divider, inner};
use crate::view::widgets::rule::Rule;
use crate::view::words::CUT;

/// Two columns below the lines.
pub fn below(scene: &Scene, area: Rect, buffer: &mut Buffer) {
    if area.height < 2 {
        return;
    }
    let skin = scene.skin;
    let title = match &scene.ui.logs.health {
        Health::Never | Health::Asked => "diagnosis".to_owned(),
        Health::Seen(diagnosis, _) if diagnosis.open.is_empty() => "diagnosis".to_owned(),
        Health::Seen(diagnosis, _) => format!("diagnosis · safe repairs: {}", diagnosis.open.len()),
    };
    let line = Rect { height: 1, ..area };
    (&Rule { title: &title, text: skin.heading(), line: skin.border() }).render(line, buffer);
    let area = Rect { y: area.y + 1, height: area.height - 1, ..area };
    let mut pen = Pen::new(buffer, area);
    if let Some(text) = unseen(scene) {
        pen.put(2, 0, text, skin.dim());
        return;
    }
    let findings = scene.ui.logs.findings();
    let half = pen.width() / 2;
    let rows = usize::from(area.height.saturating_sub(1));
    let room = usize::from(half.saturating_sub(5));
    let shown = if findings.len() > rows * 2 { rows * 2 - 1 } else { rows * 2 };
    for (place, finding) in findings.iter().take(shown).enumerate() {
        let column = if place < rows { 2 } else { half + 1 };
        let row = u16::try_from(place % rows.max(1)).unwrap_or(0);
        one(scene, &mut pen, column, row, finding, room);
    }
    if findings.len() > shown {
        let text = format!("{} more; doctor lists all", findings.len() - shown);
        let row = u16::try_from(rows.saturating_sub(1)).unwrap_or(0);
        pen.put(half + 1, row, &truncate(&text, room + 2, CUT), skin.dim());
    }
}

/// The same beside the lines, with what would be mended.
pub fn side(scene: &Scene, area: Rect, buffer: &mut Buffer) {
    divider(scene, area, buffer);
    let skin = scene.skin;
    let mut pen = Pen::new(buffer, inner(area));
    let room = usize::from(pen.width());
    pen.put(0, 1, "Diagnosis", skin.heading());
    if let Some(text) = unseen(scene) {
        pen.put(0, 3, text, skin.dim());
        return;
    }
    let Health::Seen(diagnosis, at) = &scene.ui.logs.health else { return };
    pen.put(21, 1, &format!("ran {}", scene.ago(*at)), skin.dim());
    let findings = scene.ui.logs.findings();
    // The repairs and the bundle below keep their place.
    let most = usize::from(pen.height().saturating_sub(16)).max(3);
    let mut row = 3;
    for finding in findings.iter().take(most) {
        one(scene, &mut pen, 0, row, finding, room.saturating_sub(2));
        row += 1;
    }
    if findings.len() > most {
        pen.put(2, row, &format!("{} more; doctor lists all", findings.len() - most), skin.dim());
        row += 1;
    }
    row += 1;
    pen.put(0, row, &format!("Safe repairs available: {}", diagnosis.open.len()), skin.heading());
    row += 1;
    for (number, repair) in diagnosis.open.iter().take(4).enumerate() {
        let text = format!("{} {}", number + 1, clean(&repair.preview()));
        pen.put(0, row, &truncate(&scene.veiled(&text), room, CUT), skin.text());
        row += 1;
    }
    if !diagnosis.open.is_empty() {
        row += 1;
        pen.put(0, row, "F applies them after a preview", skin.dim());
        row += 1;
    }
    row += 1;
    pen.put(0, row, "Bundle", skin.heading());
    let text = "e shows a masked report for a bug report, and writes it (no tokens, no e-mails)";
    for (line, words) in (row + 1..).zip(wrap(text, room)) {
        pen.put(0, line, &words, skin.dim());
    }
}

fn unseen(scene: &Scene) -> Option<&'static str> {
    match &scene.ui.logs.health {
        Health::Never | Health::Asked => Some("everything is being looked at"),
        Health::Seen(..) => None,
    }
}

fn one(scene: &Scene, pen: &mut Pen, column: u16, row: u16, finding: &Finding, room: usize) {
    let (sign, style) = sign(scene, finding.severity);
    pen.put(column, row, sign, style);
    let text = scene.veiled(&clean(&finding.message));
    pen.put(column + 2, row, &truncate(&text, room, CUT), scene.skin.text());
}

fn sign(scene: &Scene, severity: Severity) -> (&'static str, Style) {
    match severity {
        Severity::Ok => ("✓", scene.skin.good()),
        Severity::Info => ("·", scene.skin.dim()),
        Severity::Warn => ("!", scene.skin.warn()),
        Severity::Error => ("×", scene.skin.bad()),
    }
}
