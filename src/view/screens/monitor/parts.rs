//! Sums, load, and what runs with which setting: only parts that exist are named.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

use crate::app::geometry::Kind;
use crate::base::text::{clean, truncate};
use crate::base::{Span, calendar};
use crate::domain::settings::BackgroundNetwork;
use crate::view::pen::Pen;
use crate::view::scene::Scene;
use crate::view::screens::accounts::side::{divider, inner};
use crate::view::widgets::chart::{Base, Chart};
use crate::view::widgets::rule::Rule;
use crate::view::widgets::sparkline::sparkline;
use crate::view::words::{CUT, UNKNOWN, count};

/// Columns of the load line: an hour in parts of two minutes and a bit.
const LINE: usize = 28;
/// Columns of the load chart.
const COLUMNS: u16 = 60;

/// Sums in one line, load in the next.
pub fn sums(scene: &Scene, area: Rect, buffer: &mut Buffer) {
    if area.height == 0 {
        return;
    }
    let skin = scene.skin;
    let sums = scene.ui.monitor.sums;
    let mut pen = Pen::new(buffer, area);
    let took = |span: Option<Span>| span.map_or_else(|| UNKNOWN.to_owned(), calendar::took);
    let text = format!(
        "turns {}   ok {}   rotated {}   failed {}   in flight {}",
        sums.turns, sums.ok, sums.rotated, sums.failed, sums.in_flight
    );
    let percentiles = format!("   p50 {}  p95 {}", took(sums.half), took(sums.most));
    let room = usize::from(pen.width().saturating_sub(2));
    let whole = format!("{text}{percentiles}");
    let said = if whole.len() > room { &text } else { &whole };
    pen.put(1, 0, &truncate(said, room, CUT), skin.text());
    let all = &scene.ui.figures.all;
    let chart = sparkline(&all.buckets(LINE, Span::hours(1), scene.now));
    let rate = format!("  {}/min", count(u64::from(sums.rate), "turn"));
    pen.run(1, 1, &[("now ", skin.dim()), (&chart, skin.accent()), (&rate, skin.text())]);
    let most = scene.world.settings.max_concurrent_requests;
    let right = format!("sessions {} of {most}  sockets {}", sums.sessions, sums.sockets);
    let end = pen.width().saturating_sub(2);
    pen.put_right(end, 1, &right, skin.text());
}

/// What runs, for people: a glyph, a name, a word.
fn known(scene: &Scene) -> Vec<(bool, &'static str, String)> {
    let settings = &scene.world.settings;
    let rotation = if settings.rotation { "on by setting" } else { "off by setting" };
    let proxies = scene.world.peers.len();
    let kinds: Vec<&str> = scene.world.peers.iter().map(|peer| peer.peer.kind.as_str()).take(3).collect();
    let proxies_text = if proxies == 0 {
        "none runs".to_owned()
    } else {
        format!("{proxies}: {}", clean(&kinds.join(", ")))
    };
    let background = match settings.background_network {
        BackgroundNetwork::On => "allowed",
        BackgroundNetwork::Ask => "off until asked for",
        BackgroundNetwork::Off => "off",
    };
    vec![
        (settings.rotation, "live rotation", rotation.to_owned()),
        (proxies > 0, "proxies", proxies_text),
        (true, "account sync", "watching the pool".to_owned()),
        (settings.background_network == BackgroundNetwork::On, "background", background.to_owned()),
    ]
}

/// The parts below the turns.
pub fn parts(scene: &Scene, area: Rect, buffer: &mut Buffer) {
    if area.height == 0 {
        return;
    }
    let skin = scene.skin;
    (&Rule { title: "parts", text: skin.heading(), line: skin.border() })
        .render(Rect { height: 1, ..area }, buffer);
    let mut pen = Pen::new(buffer, area);
    let mut row = 1;
    for pair in known(scene).chunks(2) {
        for (column, (on, name, text)) in [1u16, 40].into_iter().zip(pair) {
            part(scene, &mut pen, column, row, *on, name, text, 16);
        }
        row += 1;
    }
    let calls = calls(scene);
    pen.put(1, row, &format!("background calls: {calls}"), skin.dim());
}

#[expect(clippy::too_many_arguments, reason = "a part with its place")]
fn part(scene: &Scene, pen: &mut Pen, column: u16, row: u16, on: bool, name: &str, text: &str, gap: u16) {
    let skin = scene.skin;
    let (glyph, tone) = if on { ("●", skin.good()) } else { ("○", skin.dim()) };
    pen.run(column, row, &[(glyph, tone), (" ", tone), (name, skin.text())]);
    pen.put(column + 2 + gap, row, text, skin.dim());
}

fn calls(scene: &Scene) -> String {
    let calls = scene.world.background;
    format!(
        "{}, {}, {}",
        count(calls.limits, "limit check"),
        count(calls.refreshes, "refresh").replace("refreshs", "refreshes"),
        count(calls.probes, "probe")
    )
}

/// Requests of the last hour as a chart.
pub fn load(scene: &Scene, area: Rect, buffer: &mut Buffer) {
    if area.height == 0 {
        return;
    }
    let skin = scene.skin;
    let line = Rect { height: 1, width: area.width.saturating_sub(1), ..area };
    (&Rule { title: "load, last 60 min", text: skin.heading(), line: skin.border() }).render(line, buffer);
    let buckets = scene.ui.figures.all.buckets(usize::from(COLUMNS), Span::hours(1), scene.now);
    let times: Vec<(u16, String)> = (0u16..=3)
        .map(|third| {
            let back = Span::minutes(60 - 20 * i64::from(third));
            (third * COLUMNS / 3, if third == 3 { "now".to_owned() } else { scene.clock(scene.now - back) })
        })
        .collect();
    let below = Rect { y: area.y + 2, height: area.height.saturating_sub(2), ..area };
    (&Chart {
        buckets: &buckets,
        rows: 4,
        times: &times,
        base: Base::Bare,
        columns: skin.accent(),
        scale: skin.dim(),
    })
        .render(below, buffer);
}

/// The side pane: proxy, sessions, cooldowns, circuits, parts, background calls.
pub fn side(scene: &Scene, area: Rect, buffer: &mut Buffer) {
    divider(scene, area, buffer);
    let skin = scene.skin;
    let mut pen = Pen::new(buffer, inner(area));
    let mut row = proxy(scene, &mut pen, 1);
    pen.run(0, row, &[("Sessions", skin.heading()), (" (s lists)", skin.dim())]);
    row += 1;
    let order = &scene.ui.monitor.session_order;
    let sessions: Vec<_> =
        order.iter().filter_map(|row| crate::app::screens::monitor::session_at(scene.world, *row)).collect();
    let shown = if pen.height() > 30 { 6 } else { 3 };
    for session in sessions.iter().take(shown) {
        let account = scene.short_name_of(session.account.as_ref());
        pen.put(0, row, &truncate(&clean(&session.id), 6, CUT), skin.text());
        pen.put(7, row, crate::app::screens::monitor::via(session.via), skin.dim());
        pen.put_right(22, row, &count(u64::from(session.turns), "turn"), skin.text());
        pen.put(25, row, &truncate(&account, 12, CUT), skin.text());
        row += 1;
    }
    if sessions.is_empty() {
        pen.put(0, row, "none", skin.dim());
        row += 1;
    }
    row = waiting(scene, &mut pen, row + 1);
    pen.put(0, row, "Parts", skin.heading());
    row += 1;
    for (on, name, text) in known(scene) {
        part(scene, &mut pen, 0, row, on, name, &text, 18);
        row += 1;
    }
    row += 1;
    pen.put(0, row, "Background calls", skin.heading());
    pen.put(0, row + 1, &calls(scene), skin.text());
}

fn proxy(scene: &Scene, pen: &mut Pen, mut row: u16) -> u16 {
    let skin = scene.skin;
    pen.put(0, row, "Proxy", skin.heading());
    row += 1;
    let Some(first) = scene.world.peers.first() else {
        pen.run(0, row, &[("○ ", skin.dim()), ("none runs", skin.text())]);
        return row + 2;
    };
    let sums = scene.ui.monitor.sums;
    let up = calendar::long(scene.now.since(first.pulse.started_at));
    let took = |span: Option<Span>| span.map_or_else(|| UNKNOWN.to_owned(), calendar::took);
    pen.run(0, row, &[("● ", skin.good()), ("running", skin.text())]);
    pen.put(17, row, &format!("127.0.0.1:{}", first.peer.port), skin.text());
    let pairs = [
        (format!("pid {}", first.peer.pid), format!("up {up}")),
        (format!("turns {}", sums.turns), format!("in flight {}", sums.in_flight)),
        (format!("ok {}", sums.ok), format!("failed {}  rotated {}", sums.failed, sums.rotated)),
        (format!("p50 {}", took(sums.half)), format!("p95 {}", took(sums.most))),
    ];
    for (left, right) in pairs {
        row += 1;
        pen.put(0, row, &left, skin.text());
        pen.put(17, row, &right, skin.text());
    }
    if let Some(error) = &first.pulse.last_error {
        row += 1;
        let room = usize::from(pen.width());
        pen.put(0, row, &truncate(&format!("last error: {}", clean(error)), room, CUT), skin.warn());
    }
    row + 2
}

/// Accounts that wait, and circuits that are not closed.
fn waiting(scene: &Scene, pen: &mut Pen, mut row: u16) -> u16 {
    let skin = scene.skin;
    pen.put(0, row, "Waiting", skin.heading());
    row += 1;
    let start = row;
    for (index, account) in scene.world.roster.accounts.iter().enumerate().take(200) {
        let state = scene.state(account);
        if !state.is_waiting() || row >= start + 5 {
            continue;
        }
        let why = match account.cooling_until(scene.now).and_then(|rest| rest.reason) {
            Some(reason) => reason.word().replace('-', " "),
            None => "limit".to_owned(),
        };
        pen.put(0, row, &truncate(&scene.short_name(account, index), 10, CUT), skin.text());
        pen.put(11, row, &why, skin.dim());
        let left =
            state.until().map_or_else(|| UNKNOWN.to_owned(), |end| calendar::long(scene.now.until(end)));
        pen.put_right(36, row, &left, skin.text());
        row += 1;
    }
    if row == start {
        pen.put(0, row, "nobody", skin.dim());
        row += 1;
    }
    let open: Vec<String> = scene
        .world
        .peers
        .iter()
        .flat_map(|peer| &peer.pulse.accounts)
        .filter(|(_, pulse)| pulse.circuit != "closed")
        .map(|(key, pulse)| format!("{} {}", scene.short_name_of(Some(key)), pulse.circuit))
        .collect();
    row += 1;
    pen.put(0, row, "Circuits", skin.heading());
    let text = if open.is_empty() { "all closed".to_owned() } else { open.join(", ") };
    pen.put(0, row + 1, &truncate(&text, usize::from(pen.width()), CUT), skin.text());
    if scene.layout.kind == Kind::Wide { row + 3 } else { row + 2 }
}
