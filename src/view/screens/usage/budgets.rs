//! Budgets: how much of each is used, and until when.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::Widget;

use crate::app::geometry::Kind;
use crate::base::Percent;
use crate::base::text::{clean, truncate};
use crate::domain::policy::compose::Evaluation;
use crate::view::pen::Pen;
use crate::view::scene::Scene;
use crate::view::widgets::gauge::Gauge;
use crate::view::widgets::rule::Rule;
use crate::view::words::{CUT, tokens};

/// A share from which a budget is worth a word.
const WARNING: f64 = 80.0;

/// One limit of a budget: its word, what was used and what may be, and the share in percent.
fn limits(one: &Evaluation) -> Vec<(&'static str, String, f64)> {
    let limit = &one.limit;
    let share = |used: f64, most: f64| if most > 0.0 { used / most * 100.0 } else { 100.0 };
    #[expect(clippy::cast_precision_loss, reason = "a share of a bar needs no more digits")]
    let float = |count: u64| count as f64;
    let requests = limit.requests.map(|most| {
        let used = one.used.requests + one.running;
        ("requests", format!("{used} / {most}"), share(float(used), float(most)))
    });
    let used = one.used.tokens;
    let spent = limit.tokens.map(|most| {
        ("tokens", format!("{} / {}", tokens(used), tokens(most)), share(float(used), float(most)))
    });
    let cost = limit
        .cost
        .map(|most| ("cost", format!("${:.2} / ${most:.2}", one.used.cost), share(one.used.cost, most)));
    [requests, spent, cost].into_iter().flatten().collect()
}

fn tone(scene: &Scene, share: f64) -> Style {
    if share >= 100.0 {
        return scene.skin.bad();
    }
    if share >= WARNING { scene.skin.warn() } else { scene.skin.good() }
}

/// `82%  warning`, or when it begins anew.
fn state(scene: &Scene, one: &Evaluation, share: f64) -> String {
    if share >= 100.0 {
        return format!("{share:.0}%  used up until {}", scene.near(one.ends));
    }
    if share >= WARNING {
        return format!("{share:.0}%  warning");
    }
    format!("resets {}", scene.near(one.ends))
}

/// The list of the pane.
pub(super) fn render(scene: &Scene, buffer: &mut Buffer) {
    let usage = &scene.ui.usage;
    let skin = scene.skin;
    let body = scene.layout.body;
    let mut pen = Pen::new(buffer, body);
    if let Some(why) = &scene.world.rule_trouble {
        let room = usize::from(pen.width().saturating_sub(4));
        pen.put(3, 1, &truncate(&clean(why), room, CUT), skin.bad());
        return;
    }
    if usage.budgets.is_empty() {
        pen.put(3, 1, "no budget is set: a sets one", skin.dim());
        pen.put(
            3,
            3,
            "a budget stops requests once its window has used it up, never a running turn",
            skin.dim(),
        );
        return;
    }
    let narrow = scene.layout.kind == Kind::Narrow;
    pen.put(3, 0, "BUDGET", skin.dim());
    pen.put(22, 0, "WINDOW", skin.dim());
    pen.put(30, 0, "LIMIT", skin.dim());
    if !narrow {
        pen.put(40, 0, "USED", skin.dim());
    }
    let mut row = 1;
    for (place, one) in usage.budgets.iter().enumerate().skip(usage.budget_offset) {
        for (number, (word, used, share)) in limits(one).into_iter().enumerate() {
            if number == 0 {
                let key = clean(&one.limit.key);
                pen.put(3, row, &truncate(&scene.masked(&key), 18, CUT), skin.text());
                pen.put(22, row, one.limit.window.word(), skin.text());
            }
            pen.put(30, row, word, skin.text());
            let mut column = 40;
            if !narrow {
                let area = Rect::new(body.x + 40, body.y + row, 10, 1).intersection(body);
                bar(scene, pen.buffer(), area, share);
                column = 52;
            }
            let room = usize::from(pen.width().saturating_sub(column + 1));
            let text = format!("{used}  {}", state(scene, one, share));
            pen.put(column, row, &truncate(&text, room, CUT), tone(scene, share));
            if place == usage.budget_place && number == 0 {
                pen.put(1, row, "▸", skin.accent());
                let width = pen.width();
                pen.paint(row, 0, width, skin.selection());
            }
            row += 1;
        }
    }
}

fn bar(scene: &Scene, buffer: &mut Buffer, area: Rect, share: f64) {
    let used = Percent::new(share.clamp(0.0, 100.0));
    (&Gauge { left: used, full: tone(scene, share), empty: scene.skin.dim() }).render(area, buffer);
}

/// The first budgets below the table, with their rule.
pub(super) fn strip(scene: &Scene, area: Rect, buffer: &mut Buffer) {
    if area.height < 2 || scene.ui.usage.budgets.is_empty() {
        return;
    }
    let skin = scene.skin;
    let title = Rect { height: 1, ..area };
    (&Rule { title: "budgets", text: skin.heading(), line: skin.border() }).render(title, buffer);
    let inside = Rect { y: area.y + 1, height: area.height - 1, ..area };
    let mut pen = Pen::new(buffer, inside);
    let lines = scene
        .ui
        .usage
        .budgets
        .iter()
        .flat_map(|one| limits(one).into_iter().map(move |(word, used, share)| (one, word, used, share)));
    for (row, (one, word, used, share)) in (0..inside.height).zip(lines) {
        pen.put(2, row, one.limit.window.word(), skin.text());
        pen.put(9, row, word, skin.text());
        let area = Rect::new(inside.x + 19, inside.y + row, 20, 1).intersection(inside);
        bar(scene, pen.buffer(), area, share);
        let about =
            if one.limit.key == "global" { String::new() } else { format!("   {}", clean(&one.limit.key)) };
        let text = format!("{used}   {}{}", state(scene, one, share), scene.masked(&about));
        let room = usize::from(pen.width().saturating_sub(42));
        pen.put(41, row, &truncate(&text, room, CUT), tone(scene, share));
    }
}

/// The same in the side pane; returns the row after it.
pub(super) fn side(scene: &Scene, pen: &mut Pen, mut row: u16) -> u16 {
    let skin = scene.skin;
    pen.put(2, row, "Budgets", skin.heading());
    row += 1;
    if scene.ui.usage.budgets.is_empty() {
        pen.put(2, row, "none set (b, then a)", skin.dim());
        return row + 2;
    }
    let room = usize::from(pen.width().saturating_sub(4));
    for one in scene.ui.usage.budgets.iter().take(2) {
        for (word, used, share) in limits(one).into_iter().take(2) {
            let about = if one.limit.key == "global" {
                String::new()
            } else {
                format!(" · {}", clean(&one.limit.key))
            };
            let title = format!("{} · {word}{}", one.limit.window.word(), scene.masked(&about));
            pen.put(2, row, &truncate(&title, room, CUT), skin.text());
            let area = pen.area();
            let line = Rect::new(area.x + 3, area.y + row + 1, 20, 1).intersection(area);
            bar(scene, pen.buffer(), line, share);
            pen.put(25, row + 1, &truncate(&used, room.saturating_sub(23), CUT), tone(scene, share));
            pen.put(3, row + 2, &truncate(&state(scene, one, share), room, CUT), skin.dim());
            row += 4;
        }
    }
    row
}
