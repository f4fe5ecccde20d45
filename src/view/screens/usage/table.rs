//! One row per group, most tokens first.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

use crate::app::geometry::Kind;
use crate::base::Percent;
use crate::base::text::{clean, truncate, truncate_middle};
use crate::domain::usage::reading::{Bucket, By};
use crate::view::pen::Pen;
use crate::view::scene::Scene;
use crate::view::widgets::gauge::Gauge;
use crate::view::widgets::rule::Rule;
use crate::view::words::{CUT, UNKNOWN, tokens};

/// Where columns end and how their titles stand.
struct Columns {
    room: usize,
    requests: u16,
    input: u16,
    output: Option<u16>,
    cached: u16,
    failed: u16,
    bar: Option<(u16, u16)>,
    share: u16,
    titles: &'static str,
}

impl Columns {
    fn of(scene: &Scene) -> Self {
        match scene.layout.kind {
            Kind::Wide => Self {
                room: 25,
                requests: 33,
                input: 44,
                output: Some(54),
                cached: 62,
                failed: 69,
                bar: Some((72, 18)),
                share: 95,
                titles: "                    REQ    TOKENS IN     OUT   CACHED   ERR   SHARE",
            },
            Kind::Medium => Self {
                room: 21,
                requests: 28,
                input: 37,
                output: Some(46),
                cached: 53,
                failed: 59,
                bar: Some((62, 11)),
                share: 78,
                titles: "              REQ   TOKENS IN   OUT    CACHED  ERR  SHARE",
            },
            Kind::Narrow | Kind::Pane | Kind::TooSmall => Self {
                room: 19,
                requests: 27,
                input: 37,
                output: None,
                cached: 46,
                failed: 51,
                bar: None,
                share: 58,
                titles: "              REQ  TOKENS IN   CACHED  ERR  SHARE",
            },
        }
    }
}

/// Column titles.
pub(super) fn header(scene: &Scene, area: Rect, buffer: &mut Buffer) {
    let mut pen = Pen::new(buffer, area);
    let title = scene.ui.usage.by.word().to_uppercase();
    let titles = format!("{title:<7}{}", Columns::of(scene).titles);
    pen.put(3, 0, &titles, scene.skin.dim());
}

/// The rows in sight.
pub(super) fn rows(scene: &Scene, area: Rect, buffer: &mut Buffer) {
    let usage = &scene.ui.usage;
    if usage.order.is_empty() {
        let text = match &usage.reading {
            None if usage.trouble.is_some() => "the ledger could not be read".to_owned(),
            None => "reading the ledger …".to_owned(),
            Some(_) if !usage.filter.is_empty() => {
                format!("nothing holds '{}'; esc clears the filter", clean(&usage.filter))
            }
            Some(_) => "nothing was used in that time; w looks further back".to_owned(),
        };
        let mut pen = Pen::new(buffer, area);
        let room = usize::from(pen.width().saturating_sub(4));
        pen.put(3, 0, &truncate(&text, room, CUT), scene.skin.dim());
        return;
    }
    for line in 0..area.height {
        let place = usage.offset + usize::from(line);
        let Some((key, bucket)) = usage.order.get(place).and_then(|key| Some((key, usage.bucket(key)?)))
        else {
            break;
        };
        let mut pen = Pen::new(buffer, Rect::new(area.x, area.y + line, area.width, 1));
        row(scene, &mut pen, &name(scene, key, usage.by), bucket);
        if place == usage.place {
            pen.put(1, 0, "▸", scene.skin.accent());
            let width = pen.width();
            pen.paint(0, 0, width, scene.skin.selection());
        }
    }
}

/// A group as the table names it.
fn name(scene: &Scene, key: &str, by: By) -> String {
    let usage = &scene.ui.usage;
    match by {
        By::Account => match usage.names.get(key) {
            Some(name) => scene.masked(name),
            // Enough of its hash to tell it apart.
            None => match key.strip_prefix("sha256:").and_then(|hash| hash.get(..10)) {
                Some(short) => format!("gone {short}"),
                None => clean(key).into_owned(),
            },
        },
        By::Project if key == "global" => "(none)".to_owned(),
        By::Model | By::Project | By::Outcome | By::Day | By::Hour => clean(key).into_owned(),
    }
}

fn row(scene: &Scene, pen: &mut Pen, name: &str, bucket: &Bucket) {
    let columns = Columns::of(scene);
    let skin = scene.skin;
    pen.put(3, 0, &truncate_middle(name, columns.room, CUT), skin.text());
    pen.put_right(columns.requests, 0, &bucket.requests.to_string(), skin.text());
    pen.put_right(columns.input, 0, &tokens(bucket.tokens.input), skin.text());
    if let Some(end) = columns.output {
        pen.put_right(end, 0, &tokens(bucket.tokens.output), skin.text());
    }
    let cached = if bucket.tokens.input == 0 {
        UNKNOWN.to_owned()
    } else {
        format!("{}%", Percent::of(bucket.tokens.cached, bucket.tokens.input).rounded())
    };
    pen.put_right(columns.cached, 0, &cached, skin.text());
    let tone = if bucket.failures > 0 { skin.warn() } else { skin.dim() };
    pen.put_right(columns.failed, 0, &bucket.failures.to_string(), tone);
    let all = scene.ui.usage.reading.as_ref().map_or(0, |reading| reading.totals.tokens.total);
    let share = Percent::of(bucket.tokens.total, all);
    if let Some((start, width)) = columns.bar {
        let area = pen.area();
        let bar = Rect::new(area.x + start, area.y, width, 1).intersection(area);
        let gauge = Gauge { left: share, full: skin.accent(), empty: skin.dim() };
        (&gauge).render(bar, pen.buffer());
    }
    pen.put_right(columns.share, 0, &format!("{}%", share.rounded()), skin.text());
}

/// The sum of all rows.
pub(super) fn total(scene: &Scene, area: Rect, buffer: &mut Buffer) {
    let Some(reading) = &scene.ui.usage.reading else { return };
    if area.height == 0 || scene.ui.usage.order.is_empty() {
        return;
    }
    let columns = Columns::of(scene);
    let totals = &reading.totals;
    let style = scene.skin.dim();
    let mut pen = Pen::new(buffer, area);
    pen.put(3, 0, "total", style);
    pen.put_right(columns.requests, 0, &totals.requests.to_string(), style);
    pen.put_right(columns.input, 0, &tokens(totals.tokens.input), style);
    if let Some(end) = columns.output {
        pen.put_right(end, 0, &tokens(totals.tokens.output), style);
    }
    if totals.tokens.input > 0 {
        let cached = Percent::of(totals.tokens.cached, totals.tokens.input).rounded();
        pen.put_right(columns.cached, 0, &format!("{cached}%"), style);
    }
    pen.put_right(columns.failed, 0, &totals.failures.to_string(), style);
}

/// The same requests by model; by account where the table shows models.
pub(super) fn beside(scene: &Scene, area: Rect, buffer: &mut Buffer) {
    if area.height < 2 {
        return;
    }
    let usage = &scene.ui.usage;
    let by = if usage.by == By::Model { By::Account } else { By::Model };
    let title = format!("by {}", by.word());
    let rule = Rule { title: &title, text: scene.skin.dim(), line: scene.skin.border() };
    (&rule).render(Rect { height: 1, width: area.width.saturating_sub(1), ..area }, buffer);
    for (line, (key, bucket)) in (1..area.height).zip(usage.beside(by)) {
        let mut pen = Pen::new(buffer, Rect::new(area.x, area.y + line, area.width, 1));
        row(scene, &mut pen, &name(scene, key, by), bucket);
    }
}
