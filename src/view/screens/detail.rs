//! One account, opened: everything known about it, in two columns where they fit.

mod beside;
mod person;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::Widget;

use crate::app::geometry::Kind;
use crate::app::screens::accounts::Accounts;
use crate::app::screens::detail::{Detail, Event, Mood};
use crate::base::text::{clean, truncate, truncate_middle, wrap};
use crate::base::{Moment, Percent, Span, calendar};
use crate::domain::account::Account;
use crate::domain::quota::snapshot::{Banked, Credits};
use crate::domain::quota::window::Window;
use crate::domain::refresh::words;
use crate::domain::usage::rollup::Tally;
use crate::view::pen::Pen;
use crate::view::scene::Scene;
use crate::view::screens::accounts::strip::forecast;
use crate::view::widgets::gauge::Gauge;
use crate::view::widgets::sparkline::sparkline;
use crate::view::words::{CUT, UNKNOWN, count, tokens};

/// A line of the screen before it is placed.
enum Line {
    Blank,
    Title(&'static str, String),
    Pair(&'static str, String),
    Pairs([(&'static str, String); 2]),
    Bar(Window, Percent, Moment),
    Two(String, String),
    Note(String),
    Alarm(String),
    Spark(String, String),
    Event(usize),
}

/// Widest line of an advice.
const HELP: u16 = 58;

/// Stands in the last line when there are lines below it.
const MORE: &str = " ↓ more";

/// Column of the second half of a pair, as the wireframe has it.
const SECOND: u16 = 39;

/// Draws the opened account.
pub fn render(scene: &Scene, buffer: &mut Buffer) {
    let Some(detail) = &scene.ui.detail else { return };
    let Some(index) = scene.world.roster.index_of(&detail.key) else { return };
    let Some(account) = scene.world.roster.accounts.get(index) else { return };
    context(scene, buffer, account, index);
    let (mut lines, kind) = (Vec::new(), scene.layout.kind);
    alarm(scene, account, &mut lines);
    person::lines(scene, account, index, &mut lines);
    if kind == Kind::Wide {
        routing(scene, account, &mut lines);
        limits(scene, account, &mut lines);
    } else {
        limits(scene, account, &mut lines);
        routing(scene, account, &mut lines);
        usage(scene, account, &mut lines);
        events(detail, &mut lines);
    }
    let body = scene.layout.body;
    let room = usize::from(body.height);
    let offset = detail.offset.min(lines.len().saturating_sub(room));
    let mut pen = Pen::new(buffer, body);
    for (row, line) in (0..body.height).zip(lines.iter().skip(offset)) {
        place(scene, &mut pen, row, line, detail);
    }
    if lines.len() > offset + room {
        let end = pen.width().saturating_sub(1);
        pen.put_right(end, body.height.saturating_sub(1), MORE, scene.skin.dim());
    }
    if kind == Kind::Wide {
        beside::render(scene, account, detail, buffer);
    }
}

/// What has to be known before anything else, and what helps.
fn alarm(scene: &Scene, account: &Account, lines: &mut Vec<Line>) {
    lines.push(Line::Blank);
    let Some(why) = stands_against(scene, account) else { return };
    lines.push(Line::Alarm(why));
    let advice = words::advice(account).filter(|_| account.is_on());
    let room = usize::from(scene.layout.body.width.min(HELP));
    lines.extend(advice.iter().flat_map(|advice| wrap(advice.help, room)).map(Line::Note));
    lines.push(Line::Blank);
}

fn context(scene: &Scene, buffer: &mut Buffer, account: &Account, index: usize) {
    let skin = scene.skin;
    let state = scene.state(account);
    let mut words = state.word().to_owned();
    if let Some(until) = state.until() {
        words = format!("{words} {}", calendar::short(scene.now.until(until)));
    }
    if scene.world.roster.pin.as_ref() == Some(&account.key) {
        words = format!("{words} · pinned");
    }
    let mut pen = Pen::new(buffer, scene.layout.context);
    let end = pen.width().saturating_sub(1);
    let tone = scene.tone(account, state);
    let start = pen.put_right(end, 0, &format!("{} {words}", Scene::glyph(state)), tone);
    let number = Accounts::number(scene.world, scene.ui.accounts.place, index);
    let room = usize::from(start.saturating_sub(16));
    let name = truncate_middle(&scene.name(account, index), room, CUT);
    pen.run(
        1,
        0,
        &[("‹ ", skin.accent()), ("Accounts / ", skin.dim()), (&format!("{number} {name}"), skin.heading())],
    );
}

/// What a person has to know before anything else.
fn stands_against(scene: &Scene, account: &Account) -> Option<String> {
    if let Some(invalidation) = account.invalidation.as_ref().filter(|_| account.is_on()) {
        let code = invalidation.code.as_ref().map(|code| format!(": {}", clean(code).replace('_', " ")));
        return Some(format!(
            "needs a new sign-in since {}{}",
            scene.near(invalidation.at),
            code.unwrap_or_default()
        ));
    }
    let cut = account.uncertain_since?;
    Some(format!("a refresh was cut at {}: nobody knows whether it counted", scene.near(cut)))
}

fn limits(scene: &Scene, account: &Account, lines: &mut Vec<Line>) {
    let Some(quota) = scene.quota(account) else {
        lines.push(Line::Title("Limits", String::new()));
        lines.push(Line::Note("no data yet: press c to check".to_owned()));
        lines.push(Line::Blank);
        return;
    };
    let word = if scene.is_old(quota.at) { "seen" } else { "checked" };
    lines.push(Line::Title("Limits", format!("{word} {}", scene.ago(quota.at))));
    let roomy = scene.layout.kind == Kind::Wide;
    for window in quota.windows() {
        let Some(left) = window.left(scene.now) else {
            lines.push(Line::Note(format!("{}  no data", window.name().unwrap_or_default())));
            continue;
        };
        let seen = quota.seen(window);
        lines.push(Line::Bar(*window, left, seen));
        if roomy {
            let mut tail = forecast(scene, window).map(|words| format!(" · {words}")).unwrap_or_default();
            if window.seen.is_some() {
                tail = format!(" · seen {}", scene.ago(seen));
            }
            lines.push(Line::Note(format!("    {}{tail}", when(scene, window, seen))));
            lines.push(Line::Blank);
        }
    }
    for extra in &quota.extra {
        let name = extra.name.as_deref().unwrap_or(&extra.id);
        for window in extra.windows() {
            let Some(left) = window.left(scene.now) else { continue };
            let length = window.name().unwrap_or_default();
            let when = when(scene, window, extra.at);
            lines.push(Line::Note(format!("{}  {length} {}% left  {when}", clean(name), left.rounded())));
        }
    }
    let banked = quota.banked.map(|banked| banked_words(scene, banked));
    let credits = quota.credits.as_ref().map(|credits| format!("credits {}", credit_words(credits)));
    if banked.is_some() || credits.is_some() {
        lines.push(Line::Two(banked.unwrap_or_default(), credits.unwrap_or_default()));
    }
    lines.push(Line::Blank);
}

fn credit_words(credits: &Credits) -> String {
    match (credits.unlimited, credits.has, &credits.balance) {
        (true, _, _) => "unlimited".to_owned(),
        (false, true, Some(balance)) => clean(balance).into_owned(),
        (false, true, None) => "some".to_owned(),
        (false, false, _) => "none".to_owned(),
    }
}

/// Granted resets that can still be used: `extra resets 1, expires 24 Nov`.
fn banked_words(scene: &Scene, banked: Banked) -> String {
    match banked.expires_at.filter(|_| banked.available > 0) {
        Some(end) => format!(
            "extra resets {}, expires {}",
            banked.available,
            calendar::day(end, &scene.world.setting.zone)
        ),
        None if banked.available == 0 => "extra resets none".to_owned(),
        None => format!("extra resets {}", banked.available),
    }
}

/// When a window starts anew: `resets 15:57  in 1h 19m`.
fn when(scene: &Scene, window: &Window, seen: Moment) -> String {
    if let Some(reset) = window.was_reset(seen, scene.now) {
        return format!("reset {}, not read since", scene.near(reset));
    }
    match window.resets_at.filter(|reset| *reset > scene.now) {
        Some(_) if window.used.is_some_and(|used| used.rounded() == 0) => "not started".to_owned(),
        Some(reset) => {
            format!("resets {}  in {}", scene.near(reset), calendar::long(scene.now.until(reset)))
        }
        None => "no reset known".to_owned(),
    }
}

/// When the pin was set, as far as that is known.
fn since(scene: &Scene, lead: &str) -> String {
    scene.world.roster.pinned_at.map(|at| format!("{lead}{}", scene.near(at))).unwrap_or_default()
}

/// How it stands: `in use by the proxy`, `cooling until 15:01`.
fn state_words(scene: &Scene, account: &Account) -> String {
    let state = scene.state(account);
    let serves = scene.in_use == Some(&account.key) && state.is_usable();
    if serves && !scene.world.peers.is_empty() {
        return "in use by the proxy".to_owned();
    }
    let until = state.until().map(|until| format!(" until {}", scene.near(until)));
    format!("{}{}", state.word(), until.unwrap_or_default())
}

fn routing(scene: &Scene, account: &Account, lines: &mut Vec<Line>) {
    let all = scene.world.peers.iter().flat_map(|peer| &peer.sessions);
    let own: Vec<_> = all.filter(|session| session.account.as_ref() == Some(&account.key)).collect();
    let (sessions, oldest) = (own.len(), own.iter().map(|session| session.since).min());
    let pulse = scene.world.peers.iter().find_map(|peer| peer.pulse.accounts.get(&account.key));
    let pinned = scene.world.roster.pin.as_ref() == Some(&account.key);
    let policy = scene.world.policies.of(account).cloned().unwrap_or_default();
    let tags = if policy.tags.is_empty() { UNKNOWN.to_owned() } else { policy.tags.join(", ") };
    let weight = format!("{:.1}", policy.weight);
    if scene.layout.kind == Kind::Medium {
        let mut parts = vec![format!("weight {weight}"), format!("tags {tags}")];
        parts.push(format!("sessions here {sessions}"));
        parts.extend(pinned.then(|| format!("pinned by you{}", since(scene, " "))));
        lines.push(Line::Pair("Routing", parts.join(" · ")));
        if let Some(note) = &policy.note {
            lines.push(Line::Pair("Note", clean(note).into_owned()));
        }
        return;
    }
    lines.push(Line::Title("Routing", String::new()));
    lines.push(Line::Pair("state", state_words(scene, account)));
    let pin = if pinned { format!("by you{}", since(scene, " at ")) } else { "none".to_owned() };
    lines.push(Line::Pair("pin", format!("{pin}   weight {weight}")));
    let drain = if policy.drained { "on" } else { "off" };
    let paused = if policy.paused { "   paused" } else { "" };
    lines.push(Line::Pair("tags", format!("{tags}   drain {drain}{paused}")));
    let oldest = oldest.map(|since| format!(", oldest {}", calendar::short(since.until(scene.now))));
    lines.push(Line::Pair("sessions", format!("{sessions} bound here{}", oldest.unwrap_or_default())));
    if let Some(note) = &policy.note {
        lines.push(Line::Pair("note", clean(note).into_owned()));
    }
    if let Some(pulse) = pulse {
        lines.push(Line::Pair("health", format!("{:.0} of 100", pulse.health)));
        lines.push(Line::Pair("circuit", pulse.circuit.to_owned()));
        lines.push(Line::Pair("in flight", pulse.in_flight.to_string()));
    }
    lines.push(Line::Blank);
}

/// The last day in one line; its requests stand in the Usage tab, what was out of the ordinary below.
fn usage(scene: &Scene, account: &Account, lines: &mut Vec<Line>) {
    let Some(tally) = scene.ui.figures.of_account(account) else {
        lines.push(Line::Pair("Last 24 h", "no requests".to_owned()));
        return;
    };
    let chart = sparkline(&tally.buckets(24, Span::hours(24), scene.now));
    lines.push(Line::Spark(chart, sums(tally)));
}

/// Requests, tokens and errors of a day.
fn sums(tally: &Tally) -> String {
    format!(
        "{}  {} tokens  {}",
        count(tally.requests, "request"),
        tokens(tally.tokens),
        count(tally.failures, "error")
    )
}

/// What happened lately, below everything else.
fn events(detail: &Detail, lines: &mut Vec<Line>) {
    if detail.events.is_empty() {
        return;
    }
    lines.push(Line::Blank);
    lines.extend((0..detail.events.len()).map(Line::Event));
}

fn place(scene: &Scene, pen: &mut Pen, row: u16, line: &Line, detail: &Detail) {
    let skin = scene.skin;
    let end = pen.width().saturating_sub(1);
    match line {
        Line::Blank => {}
        Line::Title(title, right) => {
            pen.put(1, row, title, skin.heading());
            if right == "Session" {
                pen.put(SECOND, row, right, skin.heading());
            } else {
                pen.put_right(end.min(75), row, right, skin.dim());
            }
        }
        Line::Pair(name, value) => pair(pen, 1, row, name, value, end, skin.dim(), skin.text()),
        Line::Pairs([left, right]) => {
            pair(pen, 2, row, left.0, &left.1, SECOND - 1, skin.dim(), skin.text());
            pair(pen, SECOND + 1, row, right.0, &right.1, end, skin.dim(), skin.text());
        }
        Line::Bar(window, left, seen) => bar(scene, pen, row, (window, *left, *seen)),
        Line::Two(left, right) => {
            pen.put(2, row, &truncate(left, 36, CUT), skin.dim());
            let column = if left.is_empty() { 2 } else { SECOND + 1 };
            pen.put(column, row, &truncate(right, usize::from(end.saturating_sub(column)), CUT), skin.dim());
        }
        Line::Note(text) => {
            pen.put(2, row, &truncate(text, usize::from(end.saturating_sub(2)), CUT), skin.dim());
        }
        Line::Alarm(text) => {
            pen.put(1, row, &truncate(text, usize::from(end.saturating_sub(1)), CUT), skin.bad());
        }
        Line::Spark(chart, sums) => {
            pen.put(1, row, "Last 24 h", skin.dim());
            let after = pen.put(14, row, chart, skin.accent());
            pen.put(
                after + 3,
                row,
                &truncate(sums, usize::from(end.saturating_sub(after + 3)), CUT),
                skin.text(),
            );
        }
        Line::Event(place) => {
            if *place == 0 {
                pen.put(1, row, "Last events", skin.dim());
            }
            if let Some(event) = detail.events.get(*place) {
                happened(scene, pen, (14, row), event);
            }
        }
    }
}

/// `14:25 rotated here from bravo (usage limit)`
fn happened(scene: &Scene, pen: &mut Pen, (column, row): (u16, u16), event: &Event) {
    let skin = scene.skin;
    let after = pen.put(column, row, &scene.near(event.at), skin.dim());
    let start = after.max(column + 5) + 1;
    let tone = if event.mood == Mood::Trouble { skin.warn() } else { skin.text() };
    let room = usize::from(pen.width().saturating_sub(start + 1));
    pen.put(start, row, &truncate(&scene.veiled(&event.text), room, CUT), tone);
}

#[expect(clippy::too_many_arguments, reason = "a name and a value with their places and styles")]
fn pair(pen: &mut Pen, column: u16, row: u16, name: &str, value: &str, end: u16, dim: Style, text: Style) {
    let column = if column == 1 && name.chars().next().is_some_and(char::is_lowercase) { 2 } else { column };
    pen.put(column, row, name, dim);
    let start = if name.chars().next().is_some_and(char::is_uppercase) { 14 } else { column + 11 };
    pen.put(start, row, &truncate(value, usize::from(end.saturating_sub(start)), CUT), text);
}

fn bar(scene: &Scene, pen: &mut Pen, row: u16, (window, left, seen): (&Window, Percent, Moment)) {
    let skin = scene.skin;
    let old = scene.is_old(seen) || window.was_reset(seen, scene.now).is_some();
    let (tone, plain) = if old { (skin.dim(), skin.dim()) } else { (scene.left_tone(left), skin.text()) };
    let wide = scene.layout.kind == Kind::Wide;
    let room = pen.width();
    let cells = if wide { room.saturating_sub(24).min(45) } else { room.saturating_sub(47).min(32) };
    let name = window.name().unwrap_or_else(|| "?".to_owned());
    let start = 4 + u16::try_from(name.len().max(2)).unwrap_or(2);
    pen.put(2, row, &name, skin.dim());
    let area = pen.area();
    let place = Rect::new(area.x + start, area.y + row, cells, 1).intersection(area);
    (&Gauge { left, full: tone, empty: skin.border() }).render(place, pen.buffer());
    let text = format!("{:>5} left", format!("{}%", left.rounded()));
    let after = pen.put(start + cells, row, &text, plain);
    if !wide {
        let room = usize::from(pen.width().saturating_sub(after + 4));
        pen.put(after + 3, row, &truncate(&when(scene, window, seen), room, CUT), plain);
    }
}
