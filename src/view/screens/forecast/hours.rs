//! The coming hours: one bar per account, and how long the pool lasts.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::Widget;

use crate::app::geometry::Kind;
use crate::base::text::truncate;
use crate::base::{Moment, Span, calendar};
use crate::domain::forecast::timeline::{Cell, Note, Reset, Runway};
use crate::domain::quota::window::Window;
use crate::view::pen::Pen;
use crate::view::scene::Scene;
use crate::view::widgets::rule::Rule;
use crate::view::words::{CUT, count};

/// Where bars begin.
const BARS: u16 = 10;

/// Draws rule, hours and bars; below them, where there is room, the legend and the pool's own future.
pub(super) fn render(scene: &Scene, area: Rect, buffer: &mut Buffer) {
    let futures = &scene.ui.outlook.futures;
    if area.height < 3 || futures.is_empty() {
        return;
    }
    let skin = scene.skin;
    let wide = scene.layout.kind == Kind::Wide;
    let title = if wide { "timeline" } else { "next six hours" };
    (&Rule { title, text: skin.heading(), line: skin.border() })
        .render(Rect { height: 1, width: area.width.saturating_sub(u16::from(wide)), ..area }, buffer);
    let mut pen = Pen::new(buffer, area);
    let top = if wide { 2 } else { 1 };
    let cells = futures.first().map_or(0, |line| line.cells.len());
    ticks(scene, &mut pen, top, cells);
    let last = if wide { area.height.saturating_sub(4) } else { area.height };
    let mut row = top + 1;
    for line in futures {
        if row >= last {
            break;
        }
        let name = scene.short_name_of(Some(&line.key));
        pen.put(1, row, &truncate(&name, usize::from(BARS - 2), CUT), skin.text());
        let mut column = BARS;
        for cell in &line.cells {
            let (glyph, tone) = glyph(scene, *cell);
            column = pen.put(column, row, glyph, tone);
        }
        let gap = if wide { 3 } else { 2 };
        let room = usize::from(pen.width().saturating_sub(column + gap + 1));
        pen.put(column + gap, row, &truncate(&note(scene, line.note), room, CUT), skin.dim());
        row += 1;
    }
    if wide && row + 3 <= area.height {
        let legend = [
            ("█", skin.good(), " usable   "),
            ("▒", skin.warn(), " below 15%   "),
            ("░", skin.dim(), " not usable   "),
            ("·", skin.dim(), " unknown"),
        ];
        let mut column = 1;
        for (glyph, tone, text) in legend {
            column = pen.run(column, row + 1, &[(glyph, tone), (text, skin.dim())]);
        }
        if let Some(text) = pool(scene) {
            pen.put(
                1,
                row + 3,
                &truncate(&text, usize::from(pen.width().saturating_sub(2)), CUT),
                skin.text(),
            );
        }
    }
}

fn glyph(scene: &Scene, cell: Cell) -> (&'static str, Style) {
    let skin = scene.skin;
    match cell {
        Cell::Usable => ("█", skin.good()),
        Cell::Low => ("▒", skin.warn()),
        Cell::Closed => ("░", skin.dim()),
        Cell::Unknown => ("·", skin.dim()),
    }
}

/// `now` and the full hours above the bars.
fn ticks(scene: &Scene, pen: &mut Pen, row: u16, cells: usize) {
    let wide = scene.layout.kind == Kind::Wide;
    let each = if wide { Span::minutes(6) } else { Span::minutes(10) };
    pen.put(BARS, row, "now", scene.skin.dim());
    let zone = &scene.world.setting.zone;
    let mut free = BARS + 4;
    let mut before = calendar::clock(scene.now, zone);
    let mut moment = scene.now;
    for column in (BARS..).take(cells) {
        let clock = calendar::clock(moment, zone);
        let is_full_hour = clock.get(..2) != before.get(..2);
        before = clock;
        moment = moment + each;
        let hour = before.get(..2).unwrap_or_default();
        if is_full_hour && column >= free {
            let text = if wide { format!("{hour}:00") } else { format!("{hour}h") };
            free = pen.put(column, row, &text, scene.skin.dim()) + 1;
        }
    }
}

fn note(scene: &Scene, note: Note) -> String {
    match note {
        Note::Off => "switched off".to_owned(),
        Note::HeldBack => "held back by you".to_owned(),
        Note::NeedsSignIn => "needs sign-in".to_owned(),
        Note::Uncertain => "uncertain sign-in".to_owned(),
        Note::CoolingUntil(until) => format!("cooling until {}", near(scene, until)),
        Note::ResetsAt(None) => "empty, reset unknown".to_owned(),
        Note::ResetsAt(Some(reset)) => reset_text(scene, reset),
        Note::EmptyAt(at) => format!("empty at {}", near(scene, at)),
        Note::Full => "full".to_owned(),
        Note::Lasts(None) => "lasts".to_owned(),
        Note::Lasts(Some(reset)) if scene.layout.kind == Kind::Wide => {
            format!("lasts; {}", reset_text(scene, reset).replace("reset ", ""))
        }
        Note::Lasts(Some(reset)) => format!("lasts; {}", reset_text(scene, reset)),
        Note::NoFigures => "no figures yet".to_owned(),
    }
}

fn reset_text(scene: &Scene, reset: Reset) -> String {
    let window = Window { minutes: reset.minutes, ..Window::default() };
    let name = window.name().map(|name| format!("{name} ")).unwrap_or_default();
    format!("{name}reset {}", near(scene, reset.at))
}

fn near(scene: &Scene, at: Moment) -> String {
    calendar::near(at, scene.now, &scene.world.setting.zone)
}

/// What becomes of the pool at the present pace.
pub(super) fn pool(scene: &Scene) -> Option<String> {
    let rate = scene.ui.figures.all.within(Span::hours(1), scene.now);
    let pace = format!("at the present pace ({}/h)", count(u64::from(rate), "request"));
    Some(match scene.ui.outlook.runway? {
        Runway::Dry => "nobody can serve now".to_owned(),
        Runway::DryAt(at) => {
            format!(
                "{pace} the pool runs dry at {} ({})",
                near(scene, at),
                calendar::long(scene.now.until(at))
            )
        }
        Runway::Lasts => format!("{pace} the pool does not run dry within a week"),
        Runway::Unknown => "no pace is known yet".to_owned(),
    })
}
