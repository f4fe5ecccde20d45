//! What surrounds every screen: tabs and health above, messages and keys below.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::widgets::Widget;

use crate::app::field::window;
use crate::app::geometry::{Kind, PRODUCT, needed, tabs};
use crate::app::goal::Tab;
use crate::app::keys::hints::{Signs, hints_of};
use crate::app::overlays::Overlay;
use crate::app::screens::logs::Pane;
use crate::app::screens::monitor::Rows;
use crate::app::screens::settings::{Page, Side};
use crate::app::toasts::{Level, Shown};
use crate::app::ui::{Touched, badge};
use crate::base::calendar;
use crate::base::text::truncate;
use crate::domain::label::State;
use crate::domain::places::POOL_FILE;
use crate::view::pen::Pen;
use crate::view::scene::Scene;
use crate::view::screens::{experimental, logs, settings};
use crate::view::skin::Glyphs;
use crate::view::widgets::hints::Hints;
use crate::view::widgets::spinner::spinner;
use crate::view::widgets::tabs::Tabs;
use crate::view::words::CUT;

/// Draws tabs, rules and hints; the message line is drawn after the screen.
pub fn render(scene: &Scene, buffer: &mut Buffer) {
    head(scene, buffer);
    let line = scene.skin.border();
    let mut pen = Pen::new(buffer, scene.layout.rule);
    let width = pen.width();
    pen.fill(0, 0, width, "─", line);
    if scene.layout.side.width > 0 && has_side(scene) {
        pen.put(scene.layout.side.x, 0, "┬", line);
    }
    let mut pen = Pen::new(buffer, scene.layout.floor);
    pen.fill(0, 0, width, "─", line);
    keys(scene, buffer);
}

/// Whether the open screen uses the side pane.
fn has_side(scene: &Scene) -> bool {
    let bare = scene.world.trouble.is_some() || scene.world.roster.accounts.is_empty();
    match scene.ui.tab {
        Tab::Monitor => !scene.ui.bridge.open,
        Tab::Usage => true,
        Tab::Logs => scene.ui.logs.pane == Pane::Lines,
        Tab::Experimental | Tab::Settings => false,
        Tab::Accounts | Tab::Forecast => !bare && scene.world.loaded,
    }
}

/// The last line.
pub fn keys(scene: &Scene, buffer: &mut Buffer) {
    let area = scene.layout.hints;
    let signs = if scene.skin.glyphs() == Glyphs::Ascii { Signs::Ascii } else { Signs::Unicode };
    let scopes = scene.ui.scopes(scene.world);
    let hints = hints_of(&scene.ui.keys, &scopes, signs, scene.ui.answers(), usize::from(area.width));
    (&Hints { hints: &hints, skin: scene.skin }).render(area, buffer);
}

fn head(scene: &Scene, buffer: &mut Buffer) {
    let skin = scene.skin;
    let wide = scene.layout.kind == Kind::Wide;
    let places = tabs(&scene.layout, badge(scene.world));
    let mut pen = Pen::new(buffer, scene.layout.tabs);
    let end = pen.width().saturating_sub(1);
    if wide {
        let after = pen.put(0, 0, PRODUCT, skin.heading());
        if scene.world.setting.demo.is_some() {
            pen.put(after, 0, "DEMO", skin.warn());
        }
    }
    let taken = places.last().map_or(0, |(_, place)| place.right());
    let cells = |pieces: &[(String, Style)]| -> usize {
        pieces.iter().map(|(text, _)| crate::base::text::width(text)).sum()
    };
    let pieces = if wide {
        let room = usize::from(end.saturating_sub(taken + 1));
        health(scene).into_iter().find(|pieces| cells(pieces) <= room).unwrap_or_default()
    } else if scene.world.setting.demo.is_some() {
        demo_pill(scene)
    } else {
        pill(scene, scene.layout.kind)
    };
    let width = cells(&pieces);
    let start = end.saturating_sub(u16::try_from(width).unwrap_or(u16::MAX)).max(taken + 1);
    let pieces: Vec<(&str, Style)> = pieces.iter().map(|(text, style)| (text.as_str(), *style)).collect();
    pen.run(start, 0, &pieces);
    (&Tabs { places: &places, open: scene.ui.tab, screen: scene.layout.screen.width, skin })
        .render(scene.layout.tabs, buffer);
}

/// What a wide screen tells at the right of the tabs: proxies, accounts and the time, the fullest form first.
fn health(scene: &Scene) -> Vec<Vec<(String, Style)>> {
    let skin = scene.skin;
    let (ready, total) = (scene.ui.accounts.census.ready, scene.ui.accounts.census.total);
    let accounts = (format!("   {ready} ready / {total}"), skin.text());
    let clock = (format!("   {}", calendar::clock(scene.now, &scene.world.setting.zone)), skin.dim());
    let (full, brief) = (pill(scene, Kind::Wide), pill(scene, Kind::Medium));
    vec![
        [full, vec![accounts.clone(), clock.clone()]].concat(),
        [brief.clone(), vec![accounts.clone(), clock]].concat(),
        [brief.clone(), vec![accounts]].concat(),
        brief,
    ]
}

/// The health of this root's proxies in a glyph and a word.
pub fn pill(scene: &Scene, kind: Kind) -> Vec<(String, Style)> {
    let skin = scene.skin;
    let Some(first) = scene.world.peers.first() else {
        if !scene.world.looked {
            return Vec::new();
        }
        let rest = if scene.world.settings.rotation { "no session" } else { "rotation off" };
        return vec![("○".to_owned(), skin.dim()), (format!(" {rest}"), skin.text())];
    };
    let is_bound = scene.world.peers.iter().any(|peer| peer.pulse.port != 0);
    if !is_bound {
        return vec![("! proxy".to_owned(), skin.bad())];
    }
    let word = if kind == Kind::Wide {
        let more = scene.world.peers.len() - 1;
        let others = if more > 0 { format!(" +{more}") } else { String::new() };
        format!(" proxy 127.0.0.1:{}{others}", first.peer.port)
    } else {
        " proxy on".to_owned()
    };
    vec![("●".to_owned(), skin.good()), (word, skin.text())]
}

/// In a rehearsal the badge stands where the pill's first word was.
fn demo_pill(scene: &Scene) -> Vec<(String, Style)> {
    let skin = scene.skin;
    let (glyph, style, word) =
        if scene.world.peers.is_empty() { ("○", skin.dim(), " off") } else { ("●", skin.good(), " on") };
    vec![("DEMO ".to_owned(), skin.warn()), (glyph.to_owned(), style), (word.to_owned(), skin.text())]
}

/// The message line; returns the caret when the filter is being typed.
pub fn message(scene: &Scene, buffer: &mut Buffer) -> Option<Position> {
    let (skin, area) = (scene.skin, scene.layout.message);
    if let Some(field) = &scene.ui.typing {
        let room = Rect::new(area.x + 3, area.y, area.width.saturating_sub(4), 1).intersection(area);
        let (text, caret) = window(field, room);
        let mut pen = Pen::new(buffer, area);
        pen.run(1, 0, &[("/ ", skin.accent()), (&text, skin.text())]);
        return Some(Position::new(room.x + caret, area.y));
    }
    let mut pen = Pen::new(buffer, area);
    let end = pen.width().min(80).saturating_sub(1);
    let undo = scene.ui.undo_until.filter(|until| *until > scene.now);
    let mut room = pen.width().saturating_sub(2);
    if let Some(until) = undo {
        let left = scene.now.until(until).as_secs_ceil();
        let text = format!("u undo {left}s");
        let start = pen.put_right(end, 0, &text, skin.dim());
        pen.put(start, 0, "u", skin.accent());
        room = start.saturating_sub(3);
    }
    if let Some(shown) = scene.ui.toasts.standing(scene.now) {
        toast(scene, &mut pen, shown, room);
        return None;
    }
    if !scene.world.checking.is_empty() && scene.world.settings.display.fetching {
        let waiting = scene.world.checking.len();
        let text = format!(" checking limits, {waiting} to go");
        pen.run(1, 0, &[(spinner(scene.now), skin.accent()), (&text, skin.text())]);
        pen.put_right(end, 0, "esc cancels", skin.dim());
        return None;
    }
    if let Some(text) = held(scene) {
        pen.run(
            1,
            0,
            &[("! ", skin.warn()), (&truncate(&text, usize::from(room.saturating_sub(2)), CUT), skin.text())],
        );
        return None;
    }
    if let Some(text) = quiet(scene) {
        pen.put(1, 0, &truncate(&text, usize::from(room), CUT), skin.dim());
    }
    None
}

fn toast(scene: &Scene, pen: &mut Pen, shown: &Shown, room: u16) {
    let skin = scene.skin;
    let tone = match shown.toast.level {
        Level::Info => skin.dim(),
        Level::Done => skin.good(),
        Level::Warn => skin.warn(),
        Level::Error => skin.bad(),
    };
    let text = truncate(&scene.veiled(&shown.text()), usize::from(room.saturating_sub(2)), CUT);
    pen.run(1, 0, &[(shown.toast.level.glyph(), tone), (" ", skin.text()), (&text, skin.text())]);
}

/// Nobody serves because the pinned account cannot: said until it ends.
fn held(scene: &Scene) -> Option<String> {
    let roster = &scene.world.roster;
    let account = roster.get(roster.pin.as_ref()?)?;
    let word = match scene.state(account) {
        State::Off => "off",
        State::Paused => "paused",
        State::SignIn => "signed out",
        State::Empty(_) => "empty",
        State::Uncertain | State::Cooling(_) | State::Draining | State::InUse | State::Low | State::Ready => {
            return None;
        }
    };
    let name = scene.short_name_of(Some(&account.key));
    Some(format!("nobody serves: {name} is pinned and {word}; p on it unpins"))
}

/// What is worth saying when nothing happened.
fn quiet(scene: &Scene) -> Option<String> {
    if let (Some(demo), Touched::No) = (&scene.world.setting.demo, scene.ui.touched) {
        return Some(format!("rehearsal '{demo}': nothing here is real, nothing is kept"));
    }
    if let Some(Overlay::Help(_)) = scene.ui.overlays.last() {
        return Some("the same actions exist as commands: codex-multi-auth --help".to_owned());
    }
    match (scene.ui.tab, scene.ui.monitor.rows) {
        (Tab::Accounts, _) if scene.ui.detail.is_some() => {
            let limit = calendar::long(scene.world.settings.quota_ttl);
            Some(format!("figures older than {limit} are shown dim, with their age"))
        }
        (Tab::Forecast, _) => {
            let since = scene.ui.outlook.since?;
            Some(format!("recommendation unchanged for {}", calendar::short(scene.now.since(since))))
        }
        (Tab::Monitor, _) if scene.ui.bridge.open => {
            Some("keys are kept as hashes; a key itself is shown once, when it is made".to_owned())
        }
        (Tab::Monitor, Rows::Sessions) => Some("a running turn is never cut by a switch".to_owned()),
        (Tab::Accounts, _) if scene.world.recovery.is_some() => {
            let recovery = scene.world.recovery.as_ref()?;
            let file = recovery.path.rsplit(['/', '\\']).next().unwrap_or_default();
            let end = file.strip_prefix(POOL_FILE).unwrap_or(file);
            Some(format!("{POOL_FILE} was damaged: read from {end}, copy in quarantine/"))
        }
        (Tab::Settings, _) if scene.ui.sheet.page == Page::Backups && scene.ui.sheet.needle.is_empty() => {
            Some("merge is offered first; the pool as it is now is backed up before either".to_owned())
        }
        (Tab::Settings, _) if scene.ui.sheet.side == Side::Rows && settings::rows::told(scene).is_some() => {
            settings::rows::told(scene)
        }
        (Tab::Settings, _) => Some("changes are previewed now and written only when you save".to_owned()),
        (Tab::Experimental, _) => experimental::quiet(scene),
        (Tab::Logs, _) => Some(logs::quiet(scene)),
        (Tab::Accounts | Tab::Monitor | Tab::Usage, _) => None,
    }
}

/// The one line of a screen on which nothing fits.
pub fn too_small(scene: &Scene, buffer: &mut Buffer) {
    let (width, height) = needed(scene.ui.mode);
    let mut pen = Pen::new(buffer, scene.layout.screen);
    let room = usize::from(pen.width());
    let needed = format!("{width}x{height} needed");
    let texts = [format!("terminal too small: {needed}, q quits"), format!("too small: {needed}"), needed];
    let fits = texts.iter().find(|text| text.len() <= room).or(texts.last());
    let text = fits.map(|text| truncate(text, room, CUT)).unwrap_or_default();
    pen.put(0, 0, &text, scene.skin.text());
}
