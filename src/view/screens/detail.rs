//! One account, opened: everything known about it, in two columns where they fit.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::Widget;

use crate::app::geometry::Kind;
use crate::app::screens::accounts::Accounts;
use crate::base::text::{clean, truncate, truncate_middle, wrap};
use crate::base::{Moment, Percent, Span, calendar};
use crate::domain::account::Account;
use crate::domain::quota::pace::elapsed;
use crate::domain::quota::snapshot::{Banked, Credits};
use crate::domain::quota::window::Window;
use crate::domain::refresh::words;
use crate::domain::workspace::own_seat;
use crate::view::pen::Pen;
use crate::view::scene::Scene;
use crate::view::screens::accounts::side::{divider, inner, recent, tail};
use crate::view::screens::accounts::strip::{forecast, token, used};
use crate::view::widgets::gauge::Gauge;
use crate::view::widgets::sparkline::sparkline;
use crate::view::words::{CUT, UNKNOWN, count, plan, tokens};

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
    Recent(usize),
}

/// Widest line of an advice.
const HELP: u16 = 58;

/// Column of the second half of a pair, as the wireframe has it.
const SECOND: u16 = 39;

/// Draws the opened account.
pub fn render(scene: &Scene, buffer: &mut Buffer) {
    let Some(detail) = &scene.ui.detail else { return };
    let Some(index) = scene.world.roster.index_of(&detail.key) else { return };
    let Some(account) = scene.world.roster.accounts.get(index) else { return };
    context(scene, buffer, account, index);
    let (mut lines, wide) = (Vec::new(), scene.layout.kind == Kind::Wide);
    let pairs = scene.layout.kind != Kind::Narrow && !wide;
    person(scene, account, index, pairs, &mut lines);
    limits(scene, account, &mut lines);
    routing(scene, account, &mut lines);
    if !wide {
        usage(scene, account, &mut lines);
    }
    let room = usize::from(scene.layout.body.height);
    let offset = detail.offset.min(lines.len().saturating_sub(room));
    let body = scene.layout.body;
    let mut pen = Pen::new(buffer, body);
    for (row, line) in (0..body.height).zip(lines.iter().skip(offset)) {
        place(scene, &mut pen, row, line);
    }
    if wide {
        beside(scene, account, buffer);
    }
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

fn person(scene: &Scene, account: &Account, index: usize, pairs: bool, lines: &mut Vec<Line>) {
    let text =
        |value: Option<&str>| value.map_or_else(|| UNKNOWN.to_owned(), |text| clean(text).into_owned());
    let quota_plan = scene.quota(account).and_then(|quota| quota.plan.as_deref());
    let own = own_seat(account);
    let seat = own.and_then(|place| account.workspaces.get(place));
    let mut workspace = seat.and_then(|seat| seat.name.as_deref()).map(|name| clean(name).into_owned());
    if let Some(tail) = tail(account) {
        workspace = Some(format!("{} {CUT}{tail}", workspace.unwrap_or_default()).trim().to_owned());
    }
    if account.workspaces.len() > 1 {
        let place = own.map_or(1, |place| place + 1);
        workspace = workspace.map(|name| format!("{name}  ({place} of {})", account.workspaces.len()));
    }
    let email = account.email.as_deref().map(|email| scene.masked(&clean(email)));
    let zone = &scene.world.setting.zone;
    let identity = [
        ("e-mail", email.unwrap_or_else(|| UNKNOWN.to_owned())),
        ("plan", plan(quota_plan.or_else(|| account.plan()), 20)),
        ("workspace", workspace.unwrap_or_else(|| UNKNOWN.to_owned())),
        ("label", text(account.label.as_deref())),
        ("added", calendar::date(account.added_at, zone)),
    ];
    let guarded = scene.world.settings.refresh_guardian && !scene.state(account).needs_person();
    let words = token(scene, account);
    let session = [
        (
            "token",
            words.strip_prefix("token ").unwrap_or(&words).split(':').next().unwrap_or_default().to_owned(),
        ),
        ("refresh", if guarded { "automatic" } else { "stopped" }.to_owned()),
        ("id token", if account.credentials.id_token.is_some() { "stored" } else { "none" }.to_owned()),
        ("last used", used(scene, account).trim_start_matches("used ").to_owned()),
        ("position", format!("{} in commands", index + 1)),
    ];
    lines.push(Line::Blank);
    if let Some(why) = stands_against(scene, account) {
        lines.push(Line::Alarm(why));
        let advice = words::advice(account).filter(|_| account.is_on());
        let room = usize::from(scene.layout.body.width.min(HELP));
        lines.extend(advice.iter().flat_map(|advice| wrap(advice.help, room)).map(Line::Note));
        lines.push(Line::Blank);
    }
    if pairs {
        lines.push(Line::Title("Identity", "Session".to_owned()));
        lines.extend(identity.into_iter().zip(session).map(|(left, right)| Line::Pairs([left, right])));
        lines.push(Line::Blank);
        return;
    }
    lines.push(Line::Title("Identity", String::new()));
    lines.extend(identity.into_iter().map(|(name, value)| Line::Pair(name, value)));
    lines.push(Line::Blank);
    lines.push(Line::Title("Session", String::new()));
    lines.extend(session.into_iter().map(|(name, value)| Line::Pair(name, value)));
    lines.push(Line::Blank);
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

fn routing(scene: &Scene, account: &Account, lines: &mut Vec<Line>) {
    let owned = |peer: &crate::domain::facts::PeerStatus| {
        peer.sessions.iter().filter(|session| session.account.as_ref() == Some(&account.key)).count()
    };
    let sessions: usize = scene.world.peers.iter().map(owned).sum();
    let pulse = scene.world.peers.iter().find_map(|peer| peer.pulse.accounts.get(&account.key));
    let pinned = scene.world.roster.pin.as_ref() == Some(&account.key);
    let policy = scene.world.policies.of(account).cloned().unwrap_or_default();
    let tags = if policy.tags.is_empty() { UNKNOWN.to_owned() } else { policy.tags.join(", ") };
    let weight = format!("{:.1}", policy.weight);
    if scene.layout.kind == Kind::Medium {
        let mut parts = vec![format!("weight {weight}"), format!("tags {tags}")];
        parts.push(format!("sessions here {sessions}"));
        parts.extend(pinned.then(|| "pinned by you".to_owned()));
        lines.push(Line::Pair("Routing", parts.join(" · ")));
        if let Some(note) = &policy.note {
            lines.push(Line::Pair("Note", clean(note).into_owned()));
        }
        return;
    }
    lines.push(Line::Title("Routing", String::new()));
    lines.push(Line::Pair("pin", format!("{}   weight {weight}", if pinned { "by you" } else { "none" })));
    let drain = if policy.drained { "on" } else { "off" };
    let paused = if policy.paused { "   paused" } else { "" };
    lines.push(Line::Pair("tags", format!("{tags}   drain {drain}{paused}")));
    lines.push(Line::Pair("sessions", format!("{sessions} here")));
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

fn usage(scene: &Scene, account: &Account, lines: &mut Vec<Line>) {
    let Some(tally) = scene.ui.figures.of_account(account) else {
        lines.push(Line::Pair("Last 24 h", "no requests".to_owned()));
        return;
    };
    let chart = sparkline(&tally.buckets(24, Span::hours(24), scene.now));
    let sums = format!(
        "{}  {} tokens  {}",
        count(tally.requests, "request"),
        tokens(tally.tokens),
        count(tally.failures, "error")
    );
    lines.push(Line::Spark(chart, sums));
    lines.push(Line::Blank);
    lines.push(Line::Title("Recent requests", String::new()));
    lines.extend(tally.recent.iter().map(|place| Line::Recent(*place)));
}

fn place(scene: &Scene, pen: &mut Pen, row: u16, line: &Line) {
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
        Line::Recent(place) => {
            if let Some(entry) = scene.world.usage.get(*place) {
                let area = pen.area();
                let part = Rect::new(area.x + 2, area.y + row, area.width.saturating_sub(2), 1);
                recent(scene, &mut pen.within(part), 0, entry);
            }
        }
    }
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

/// The right half of a wide screen: use against the clock, models, recent requests.
fn beside(scene: &Scene, account: &Account, buffer: &mut Buffer) {
    divider(scene, scene.layout.side, buffer);
    let skin = scene.skin;
    let mut pen = Pen::new(buffer, inner(scene.layout.side));
    let cells = pen.width().saturating_sub(20).min(46);
    let mut row = 1;
    for window in scene.quota(account).iter().flat_map(|quota| quota.windows()) {
        let (Some(spent), Some(passed)) = (window.used, elapsed(window, scene.now)) else { continue };
        let title = format!("{} used against an even pace", window.name().unwrap_or_default());
        pen.put(0, row, &title, skin.heading());
        for (line, name, share) in [(row + 2, "used", spent), (row + 3, "time", passed)] {
            pen.put(0, line, name, skin.dim());
            let area = pen.area();
            let place = Rect::new(area.x + 6, area.y + line, cells, 1).intersection(area);
            let tone = if name == "used" { skin.accent() } else { skin.dim() };
            (&Gauge { left: share, full: tone, empty: skin.border() }).render(place, pen.buffer());
            pen.put(6 + cells, line, &format!("{:>5}", format!("{}%", share.rounded())), skin.text());
        }
        row += 5;
    }
    let Some(tally) = scene.ui.figures.of_account(account) else {
        pen.put(0, row, "No requests in the last 24 h", skin.dim());
        return;
    };
    pen.put(0, row, "Last 24 h", skin.heading());
    let chart = sparkline(&tally.buckets(24, Span::hours(24), scene.now));
    let sums = format!(
        "   {}   {} tokens   {}",
        count(tally.requests, "request"),
        tokens(tally.tokens),
        count(tally.failures, "error")
    );
    pen.run(0, row + 2, &[(&chart, skin.accent()), (&sums, skin.text())]);
    row += 4;
    pen.put(0, row, "Models, last 24 h", skin.heading());
    row += 2;
    let mut models: Vec<(&String, &(u64, u64))> = tally.models.iter().collect();
    models.sort_by_key(|(_, used)| std::cmp::Reverse(used.0));
    for (model, (requests, used)) in models.into_iter().take(5) {
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
    row += 1;
    pen.put(0, row, "Recent requests", skin.heading());
    let rows = tally.recent.iter().filter_map(|place| scene.world.usage.get(*place));
    for (line, entry) in (row + 2..pen.height()).zip(rows) {
        recent(scene, &mut pen, line, entry);
    }
}
