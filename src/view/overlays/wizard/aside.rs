//! The left half of the wizard on wide screens: steps, ways, target and what listens.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::Widget;

use super::progress;
use crate::app::flows::login::{Standing, V6};
use crate::app::overlays::wizard::{Stage, Way, Wizard};
use crate::base::text::clean;
use crate::base::{Moment, Percent, Span, calendar};
use crate::domain::login::attempt::PATIENCE;
use crate::view::pen::Pen;
use crate::view::scene::Scene;
use crate::view::widgets::gauge::Gauge;

/// Columns of the left half, with the divider.
const WIDTH: u16 = 45;
const BAR: u16 = 26;

/// Draws it; returns what is left for the other half.
pub(super) fn render(scene: &Scene, wizard: &Wizard, body: Rect, buffer: &mut Buffer) -> Rect {
    let left = Rect { width: WIDTH.min(body.width), ..body };
    let mut side = Side { pen: Pen::new(buffer, left), scene, row: 1 };
    for row in 0..body.height {
        side.pen.put(WIDTH - 1, row, "│", scene.skin.border());
    }
    side.steps(wizard);
    side.ways(wizard);
    side.target(wizard);
    side.wait(wizard);
    Rect { x: body.x + left.width, width: body.width.saturating_sub(left.width), ..body }
}

struct Side<'a, 'b> {
    pen: Pen<'b>,
    scene: &'a Scene<'a>,
    row: u16,
}

impl Side<'_, '_> {
    fn line(&mut self, column: u16, text: &str, style: Style) {
        self.pen.put(column, self.row, text, style);
        self.row += 1;
    }

    fn steps(&mut self, wizard: &Wizard) {
        let skin = self.scene.skin;
        let (step, words) = progress(&wizard.stage);
        self.line(1, if wizard.again.is_some() { "Sign in again" } else { "Add account" }, skin.heading());
        self.row += 1;
        for (number, name) in [(1, "method"), (2, "sign in"), (3, "store")] {
            let (mark, style) = match number {
                _ if number < step => ("✓", skin.good()),
                _ if number == step => ("●", skin.accent()),
                _ => ("○", skin.dim()),
            };
            let name_style = if number == step { skin.text() } else { skin.dim() };
            self.pen.run(3, self.row, &[(mark, style), (" ", style), (name, name_style)]);
            let said = match (number, wizard.way) {
                (1, Some(way)) if step > 1 => way.name(),
                _ if number == step => words,
                _ => "",
            };
            self.pen.put(17, self.row, said, skin.text());
            self.row += 1;
        }
        self.row += 1;
        match &wizard.stage {
            Stage::Running(Standing::Browser(waiting)) => {
                self.countdown(waiting.since, waiting.since + PATIENCE);
            }
            Stage::Running(Standing::Device(code)) => self.countdown(code.since, code.deadline),
            Stage::Choose | Stage::Failed(_) | Stage::Stored(_) | Stage::Running(_) => self.row += 1,
        }
        self.row += 2;
    }

    fn countdown(&mut self, since: Moment, until: Moment) {
        let skin = self.scene.skin;
        let left = self.scene.now.until(until);
        let left = if left.is_over() { Span::ZERO } else { left };
        let share = |span: Span| u64::try_from(span.as_secs()).unwrap_or(0);
        let percent = Percent::of(share(left), share(since.until(until)).max(1));
        let area = self.pen.area();
        let place = Rect::new(area.x + 3, area.y + self.row, BAR, 1).intersection(area);
        (&Gauge { left: percent, full: skin.accent(), empty: skin.border() })
            .render(place, self.pen.buffer());
        let seconds = left.as_secs();
        let words = format!("  {}m {:02}s", seconds / 60, seconds % 60);
        self.line(3 + BAR, &words, skin.text());
    }

    fn ways(&mut self, wizard: &Wizard) {
        let skin = self.scene.skin;
        let offered = matches!(wizard.stage, Stage::Running(_));
        if !offered {
            return;
        }
        self.line(1, "Method", skin.heading());
        let names = ["1 browser", "2 paste a callback", "3 device code", "4 restore a backup"];
        for (place, name) in names.into_iter().enumerate() {
            let used = wizard.way.is_some_and(|way| Way::place(way) == place);
            self.pen.put(3, self.row, name, skin.text());
            self.line(24, if used { "(in use)" } else { "" }, skin.dim());
        }
        self.row += 1;
    }

    fn target(&mut self, wizard: &Wizard) {
        let skin = self.scene.skin;
        self.line(1, "Target", skin.heading());
        let world = self.scene.world;
        let pool = match &world.setting.project {
            Some(project) => format!("project {project}"),
            None => "global".to_owned(),
        };
        let workspace = wizard.workspace.clone().unwrap_or_else(|| "any".to_owned());
        let active = world.roster.active.as_ref().and_then(|key| world.named(key));
        let active = match active {
            Some(named) => format!("keep {}", self.scene.veiled(&clean(&named.label))),
            None => "the new account".to_owned(),
        };
        for (name, value) in [("pool", &pool), ("workspace", &workspace), ("make active", &active)] {
            self.pen.put(3, self.row, name, skin.dim());
            self.line(16, &clean(value), skin.text());
        }
        self.row += 1;
    }

    fn wait(&mut self, wizard: &Wizard) {
        let skin = self.scene.skin;
        match &wizard.stage {
            Stage::Running(Standing::Browser(waiting)) => {
                self.line(1, "Listener", skin.heading());
                let v6 = match waiting.v6 {
                    V6::Listening => ("● ", skin.good()),
                    V6::Absent => ("○ ", skin.dim()),
                };
                for ((mark, style), host) in [(("● ", skin.good()), "127.0.0.1"), (v6, "[::1]")] {
                    let address = format!("{host}:{}", waiting.port);
                    self.pen.run(3, self.row, &[(mark, style), (&address, skin.text())]);
                    self.row += 1;
                }
            }
            Stage::Running(Standing::Device(code)) => {
                self.line(1, "Polling", skin.heading());
                self.line(3, &format!("every {}", calendar::long(code.interval)), skin.text());
            }
            Stage::Choose | Stage::Failed(_) | Stage::Stored(_) | Stage::Running(_) => {}
        }
    }
}
