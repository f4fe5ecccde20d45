//! The focused account in five lines below the list.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

use super::row::plan_of;
use super::side::tail;
use crate::base::text::{clean, truncate};
use crate::base::{Span, calendar};
use crate::domain::account::Account;
use crate::domain::label::State;
use crate::domain::quota::pace::{Outlook, outlook, pace};
use crate::domain::quota::window::Window;
use crate::domain::workspace::Workspace;
use crate::view::pen::Pen;
use crate::view::scene::Scene;
use crate::view::widgets::gauge::Gauge;
use crate::view::widgets::rule::Rule;
use crate::view::widgets::sparkline::sparkline;
use crate::view::words::{CUT, count, plan, tokens};

/// Cells of a window's bar.
const BAR: u16 = 20;

/// Draws the strip.
pub fn render(scene: &Scene, area: Rect, buffer: &mut Buffer) {
    let Some((index, account)) = scene.ui.accounts.focused(scene.world) else { return };
    if area.height == 0 {
        return;
    }
    let skin = scene.skin;
    let display = &scene.world.settings.display;
    let wanted = |field: &str| display.fields.iter().any(|known| known == field);
    let name = scene.name(account, index);
    (&Rule { title: &name, text: skin.heading(), line: skin.border() })
        .render(Rect { height: 1, ..area }, buffer);
    let mut pen = Pen::new(buffer, area);
    let right = session(scene, account);
    let end = pen.width().saturating_sub(1);
    let start = pen.put_right(end, 1, &right, skin.dim());
    let room = usize::from(start.saturating_sub(3));
    let mut who = identity(scene, account);
    if scene.world.roster.pin.as_ref() == Some(&account.key) {
        who.push_str(" · pinned");
    } else if scene.world.roster.active.as_ref() == Some(&account.key) && scene.in_use != Some(&account.key) {
        who.push_str(" · selected");
    }
    if !display.status && wanted("status") {
        who = format!("{who} · {}", scene.state_shown(account).word());
    }
    pen.put(1, 1, &truncate(&who, room, CUT), skin.text());
    let quota = scene.quota(account).filter(|_| display.limits && wanted("limits"));
    let windows: Vec<Window> = quota.iter().flat_map(|quota| quota.windows()).copied().collect();
    if windows.is_empty() && scene.quota(account).is_none() {
        pen.put(1, 2, "no data yet: press c to check the limits", skin.dim());
    }
    let label = windows.iter().filter_map(Window::name).map(|name| name.len()).max().unwrap_or(2);
    for (row, window) in (2u16..4).zip(&windows) {
        let observed = quota.map_or(scene.now, |quota| quota.at);
        line(scene, &mut pen, row, window, label, observed);
    }
    if let Some(tally) = scene.ui.figures.of_account(account) {
        let chart = sparkline(&tally.buckets(24, Span::hours(24), scene.now));
        let sums = format!(
            "  {} · {} tokens · {}",
            count(tally.requests, "request"),
            tokens(tally.tokens),
            count(tally.failures, "error")
        );
        pen.run(1, 4, &[("24h ", skin.dim()), (&chart, skin.accent()), (&sums, skin.text())]);
    } else {
        pen.run(1, 4, &[("24h ", skin.dim()), ("no requests", skin.dim())]);
    }
}

fn line(
    scene: &Scene,
    pen: &mut Pen,
    row: u16,
    window: &Window,
    label: usize,
    observed: crate::base::Moment,
) {
    let skin = scene.skin;
    let old = scene.is_old(observed);
    let label_width = u16::try_from(label).unwrap_or(2);
    pen.put(1, row, &window.name().unwrap_or_else(|| "?".to_owned()), skin.dim());
    let Some(left) = window.left(scene.now) else {
        pen.put(2 + label_width, row, "no data", skin.dim());
        return;
    };
    let tone = if old { skin.dim() } else { scene.left_tone(left) };
    let area = pen.area();
    let bar = Rect::new(area.x + 2 + label_width, area.y + row, BAR, 1).intersection(area);
    (&Gauge { left, full: tone, empty: skin.border() }).render(bar, pen.buffer());
    let text = if old { skin.dim() } else { skin.text() };
    let at = pen.put(2 + label_width + BAR, row, &format!("{:>5}", format!("{}%", left.rounded())), text);
    let resets = resets(scene, window);
    pen.put(at + 2, row, &resets, text);
    let mut tail = forecast(scene, window).unwrap_or_default();
    if old {
        tail = format!("seen {}", scene.ago(observed));
    }
    let room = usize::from(pen.width().saturating_sub(at + 26));
    pen.put(at + 26, row, &truncate(&tail, room, CUT), skin.dim());
}

/// When a window starts anew: `resets 15:57 (1h19m)`, `resets Tue 18:23`.
pub fn resets(scene: &Scene, window: &Window) -> String {
    let Some(reset) = window.resets_at else { return "no reset known".to_owned() };
    if reset <= scene.now {
        return "was reset".to_owned();
    }
    if window.used.is_some_and(|used| used.rounded() == 0) {
        return "not started".to_owned();
    }
    let ahead = scene.now.until(reset);
    let near = scene.near(reset);
    if ahead < Span::hours(24) {
        format!("resets {near} ({})", calendar::short(ahead))
    } else {
        format!("resets {near}")
    }
}

/// Use against the clock and what becomes of it: `36% under pace, lasts`.
pub fn forecast(scene: &Scene, window: &Window) -> Option<String> {
    if window.left(scene.now)?.value() <= 0.0 {
        return Some("used up".to_owned());
    }
    let pace = pace(window, scene.now)?.words();
    Some(match outlook(window, scene.now)? {
        Outlook::Lasts => format!("{pace}, lasts"),
        Outlook::EmptyAt(end) => {
            format!("{}, empty {}", pace.replace(" over pace", " over"), scene.near(end))
        }
    })
}

/// Plan and workspace: `Plus · Personal`, `Plus · workspace …f3a9` where it has no name.
pub fn identity(scene: &Scene, account: &Account) -> String {
    let mut parts = vec![plan(plan_of(scene, account), 12)];
    let name = seat_name(account).map(|name| clean(name).into_owned());
    parts.extend(name.or_else(|| tail(account).map(|tail| format!("workspace {CUT}{tail}"))));
    parts.join(" · ")
}

/// The name that people gave to the workspace in use.
pub fn seat_name(account: &Account) -> Option<&str> {
    account.workspaces.get(account.current_workspace).and_then(Workspace::given_name)
}

/// Token, refresh and use: `token 8d 21h · auto-refresh · used 10m ago`.
fn session(scene: &Scene, account: &Account) -> String {
    let mut parts = vec![token(scene, account)];
    let is_dead = account.invalidation.is_some() || scene.state(account).needs_person();
    if scene.world.settings.refresh_guardian && !is_dead {
        parts.push("auto-refresh".to_owned());
    }
    let display = &scene.world.settings.display;
    if display.last_used && display.fields.iter().any(|field| field == "last-used") {
        parts.push(used(scene, account));
    }
    parts.join(" · ")
}

/// How the tokens stand.
pub fn token(scene: &Scene, account: &Account) -> String {
    // Switched off, it still needs a sign-in before it can serve.
    let is_dead_too = scene.state(account) == State::Off && account.invalidation.is_some();
    match if is_dead_too { State::SignIn } else { scene.state(account) } {
        State::SignIn => {
            let code = account.invalidation.as_ref().and_then(|invalidation| invalidation.code.as_deref());
            return match code {
                Some(code) => format!("needs a new sign-in: {}", code.replace('_', " ")),
                None => "needs a new sign-in".to_owned(),
            };
        }
        State::Uncertain => return "a refresh was cut: outcome unknown".to_owned(),
        State::Off
        | State::Paused
        | State::Draining
        | State::Cooling(_)
        | State::Empty(_)
        | State::InUse
        | State::Low
        | State::Ready => {}
    }
    match account.credentials.expires_at {
        _ if account.credentials.access.is_none() => "token at next use".to_owned(),
        Some(end) if end <= scene.now => "token due".to_owned(),
        Some(end) if scene.now.until(end) > Span::days(365) => "token valid".to_owned(),
        Some(end) => format!("token {}", calendar::long(scene.now.until(end))),
        None => "token of unknown age".to_owned(),
    }
}

/// When the account was last used.
pub fn used(scene: &Scene, account: &Account) -> String {
    if account.last_used == crate::base::Moment::EPOCH {
        return "never used".to_owned();
    }
    format!("used {}", scene.ago(account.last_used))
}
