//! The right half of a wide screen: use over time, use against the clock, models, what happened.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::Widget;

use super::{happened, sums};
use crate::app::screens::detail::Detail;
use crate::base::text::{clean, truncate};
use crate::base::{Moment, Percent, Span, calendar};
use crate::domain::account::Account;
use crate::domain::chronicle::{BACK, columns};
use crate::domain::quota::pace::elapsed;
use crate::domain::quota::window::Window;
use crate::view::pen::Pen;
use crate::view::scene::Scene;
use crate::view::screens::accounts::side::{divider, inner};
use crate::view::widgets::chart::{Base, Chart, SCALE};
use crate::view::widgets::gauge::Gauge;
use crate::view::widgets::sparkline::sparkline;
use crate::view::words::{CUT, tokens};

/// Longest window that has a chart, in minutes.
const CHARTED: u32 = 300;
/// Lines of the chart's columns, and its widest.
const LINES: u16 = 5;
const CELLS: u16 = 36;
/// Most models that are listed.
const MODELS: usize = 4;

/// Draws it.
pub(super) fn render(scene: &Scene, account: &Account, detail: &Detail, buffer: &mut Buffer) {
    divider(scene, scene.layout.side, buffer);
    let mut pen = Pen::new(buffer, inner(scene.layout.side));
    let mut row = 1;
    for window in scene.quota(account).iter().flat_map(|quota| quota.windows()) {
        row = match chart(scene, account, window, &mut pen, row) {
            Some(next) => next,
            None => pace(scene, window, &mut pen, row),
        };
    }
    row = day(scene, account, &mut pen, row);
    if detail.events.is_empty() {
        return;
    }
    pen.put(0, row, "Events", scene.skin.heading());
    for (line, event) in (row + 2..pen.height()).zip(&detail.events) {
        happened(scene, &mut pen, (0, line), event);
    }
}

/// How much of a short window was used when; `None` without figures of several moments.
fn chart(scene: &Scene, account: &Account, window: &Window, pen: &mut Pen, row: u16) -> Option<u16> {
    let minutes = window.minutes.filter(|minutes| *minutes <= CHARTED)?;
    let known = scene.world.chronicle.figures.get(&account.key)?;
    if known.iter().filter(|point| point.minutes == minutes).count() < 2 {
        return None;
    }
    let cells = CELLS.min(pen.width().saturating_sub(SCALE + 2));
    let buckets = columns(known, minutes, usize::from(cells), scene.now);
    let skin = scene.skin;
    let name = window.name().unwrap_or_default();
    pen.put(0, row, &format!("{name} used, last 5 hours"), skin.heading());
    let clock = |at: Moment| calendar::clock(at, &scene.world.setting.zone);
    let half = scene.now - Span::millis(BACK.as_millis() / 2);
    let times =
        [(0, clock(scene.now - BACK)), (cells / 2, clock(half)), (cells.saturating_sub(3), "now".to_owned())];
    let chart = Chart {
        buckets: &buckets,
        rows: LINES,
        times: &times,
        base: Base::Line,
        columns: skin.accent(),
        scale: skin.dim(),
    };
    let area = pen.area();
    let place = Rect::new(area.x, area.y + row + 2, area.width, LINES + 2).intersection(area);
    (&chart).render(place, pen.buffer());
    Some(row + LINES + 5)
}

/// Use against the clock: `−18%` is a window that lasts.
fn pace(scene: &Scene, window: &Window, pen: &mut Pen, row: u16) -> u16 {
    let (Some(spent), Some(passed)) = (window.used, elapsed(window, scene.now)) else { return row };
    let skin = scene.skin;
    let cells = pen.width().saturating_sub(20).min(46);
    let title = format!("{} used against an even pace", window.name().unwrap_or_default());
    pen.put(0, row, &title, skin.heading());
    let mut end = 0;
    for (line, name, share) in [(row + 2, "used", spent), (row + 3, "time", passed)] {
        pen.put(0, line, name, skin.dim());
        let area = pen.area();
        let place = Rect::new(area.x + 6, area.y + line, cells, 1).intersection(area);
        let tone = if name == "used" { skin.accent() } else { skin.dim() };
        (&Gauge { left: share, full: tone, empty: skin.border() }).render(place, pen.buffer());
        end = pen.put(6 + cells, line, &format!("{:>5}", format!("{}%", share.rounded())), skin.text());
    }
    let apart = i16::from(spent.rounded()) - i16::from(passed.rounded());
    let sign = if apart < 0 { "−" } else { "+" };
    let tone = if apart > 5 { skin.warn() } else { skin.dim() };
    pen.put(end + 3, row + 3, &format!("{sign}{}%", apart.abs()), tone);
    row + 5
}

fn day(scene: &Scene, account: &Account, pen: &mut Pen, mut row: u16) -> u16 {
    let skin = scene.skin;
    let Some(tally) = scene.ui.figures.of_account(account) else {
        pen.put(0, row, "No requests in the last 24 h", skin.dim());
        return row + 2;
    };
    pen.put(0, row, "Last 24 h", skin.heading());
    let chart = sparkline(&tally.buckets(24, Span::hours(24), scene.now));
    pen.run(0, row + 2, &[(&chart, skin.accent()), ("   ", skin.text()), (&sums(tally), skin.text())]);
    row += 4;
    pen.put(0, row, "Models, last 24 h", skin.heading());
    row += 2;
    let mut models: Vec<(&String, &(u64, u64))> = tally.models.iter().collect();
    models.sort_by_key(|(_, used)| std::cmp::Reverse(used.0));
    for (model, (requests, used)) in models.into_iter().take(MODELS) {
        pen.put(0, row, &truncate(&clean(model), 15, CUT), skin.text());
        let share = Percent::of(*requests, tally.requests);
        let area = pen.area();
        let place = Rect::new(area.x + 16, area.y + row, 24, 1).intersection(area);
        (&Gauge { left: share, full: skin.accent(), empty: Style::new().fg(ratatui::style::Color::Reset) })
            .render(Rect { width: share.cells(24), ..place }, pen.buffer());
        pen.put_right(46, row, &requests.to_string(), skin.text());
        pen.put_right(54, row, &tokens(*used), skin.text());
        row += 1;
    }
    row + 1
}
