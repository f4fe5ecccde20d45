//! Below the list of a wide screen: what the pool has left, who comes back when, and the requests of a day.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

use crate::base::text::width;
use crate::base::{Moment, Span};
use crate::domain::quota::pace::{Outlook, outlook};
use crate::view::pen::Pen;
use crate::view::scene::Scene;
use crate::view::widgets::chart::{Base, Chart};
use crate::view::widgets::gauge::Gauge;
use crate::view::widgets::rule::Rule;

/// Where the values of the pool panel begin.
const VALUE: u16 = 18;
/// Cells of the capacity bar.
const BAR: u16 = 35;
/// Columns of the chart: a day in parts of 25 minutes and a bit.
const COLUMNS: u16 = 56;
/// Accounts whose resets are worth looking at; a list of thousands must not cost a frame.
const LOOKED_AT: usize = 200;

/// What the pool has left.
pub fn pool(scene: &Scene, area: Rect, buffer: &mut Buffer) {
    if area.height == 0 {
        return;
    }
    let skin = scene.skin;
    title(scene, "pool", area, buffer);
    let mut pen = Pen::new(buffer, area);
    pen.put(1, 2, "capacity left", skin.dim());
    let capacity = &scene.ui.accounts.capacity;
    if capacity.is_empty() {
        pen.put(VALUE, 2, "no data yet: press C to check the limits of all", skin.dim());
    }
    for (row, window) in (2u16..4).zip(capacity) {
        pen.put(VALUE, row, &window.window, skin.text());
        let place = Rect::new(area.x + VALUE + 4, area.y + row, BAR, 1).intersection(area);
        (&Gauge { left: window.left, full: scene.left_tone(window.left), empty: skin.border() })
            .render(place, pen.buffer());
        let mut text = format!("{:>5}", format!("{}%", window.left.rounded()));
        if row == 2 {
            text = format!("{text} over {} of {} accounts", window.over, scene.ui.accounts.census.total);
        }
        pen.put(VALUE + 4 + BAR, row, &text, skin.text());
    }
    pen.put(1, 5, "next resets", skin.dim());
    let mut at = VALUE;
    for text in next_resets(scene) {
        if usize::from(at) + width(&text) + 1 > usize::from(pen.width()) {
            break;
        }
        at = pen.put(at, 5, &text, skin.text()) + 3;
    }
    if at == VALUE {
        pen.put(VALUE, 5, "none known", skin.dim());
    }
    pen.put(1, 6, "at this pace", skin.dim());
    pen.put(VALUE, 6, &prospect(scene), skin.text());
}

fn title(scene: &Scene, text: &str, area: Rect, buffer: &mut Buffer) {
    let skin = scene.skin;
    let line = Rect { height: 1, width: area.width.saturating_sub(1), ..area };
    (&Rule { title: text, text: skin.heading(), line: skin.border() }).render(line, buffer);
}

/// Who comes back when, the soonest first.
fn next_resets(scene: &Scene) -> Vec<String> {
    let mut coming: Vec<(Moment, String)> = Vec::new();
    for (index, account) in scene.world.roster.accounts.iter().enumerate().take(LOOKED_AT) {
        if !account.is_on() {
            continue;
        }
        let name = || scene.short_name(account, index);
        if let Some(rest) = account.cooling_until(scene.now) {
            coming.push((rest.until, format!("{} cools", name())));
        }
        let soonest = scene
            .quota(account)
            .iter()
            .flat_map(|quota| quota.windows())
            .filter(|window| window.used.is_some_and(|used| used.rounded() > 0))
            .filter_map(|window| Some((window.resets_at?, window.name()?)))
            .filter(|(reset, _)| *reset > scene.now)
            .min();
        coming.extend(soonest.map(|(reset, window)| (reset, format!("{} {window}", name()))));
    }
    coming.sort();
    coming.into_iter().take(8).map(|(when, text)| format!("{text} {}", scene.near(when))).collect()
}

/// Whether the accounts that can serve last until their windows start anew.
fn prospect(scene: &Scene) -> String {
    let mut soonest: Option<(Moment, String)> = None;
    let mut known = false;
    for (index, account) in scene.world.roster.accounts.iter().enumerate().take(LOOKED_AT) {
        if !scene.state(account).is_usable() {
            continue;
        }
        for window in scene.quota(account).iter().flat_map(|quota| quota.windows()) {
            let Some(outlook) = outlook(window, scene.now) else { continue };
            known = true;
            if let Outlook::EmptyAt(end) = outlook
                && soonest.as_ref().is_none_or(|(first, _)| end < *first)
            {
                let window = window.name().unwrap_or_default();
                soonest = Some((end, format!("{} {window}", scene.short_name(account, index))));
            }
        }
    }
    match (soonest, known) {
        (Some((end, who)), _) => format!("{who} is empty {}; nobody is before that", scene.near(end)),
        (None, true) => "every account in service lasts past its next reset".to_owned(),
        (None, false) => "not enough known yet".to_owned(),
    }
}

/// The requests of a day.
pub fn requests(scene: &Scene, area: Rect, buffer: &mut Buffer) {
    if area.height == 0 {
        return;
    }
    title(scene, "requests, all accounts, last 24 h", area, buffer);
    let buckets = scene.ui.figures.all.buckets(usize::from(COLUMNS), Span::hours(24), scene.now);
    let times: Vec<(u16, String)> = (0u16..=4)
        .map(|quarter| {
            let back = Span::hours(24 - 6 * i64::from(quarter));
            let text = if quarter == 4 { "now".to_owned() } else { scene.clock(scene.now - back) };
            (quarter * COLUMNS / 4, text)
        })
        .collect();
    let below = Rect { y: area.y + 2, height: area.height.saturating_sub(2), ..area };
    (&Chart {
        buckets: &buckets,
        rows: 4,
        times: &times,
        base: Base::Line,
        columns: scene.skin.accent(),
        scale: scene.skin.dim(),
    })
        .render(below, buffer);
}
