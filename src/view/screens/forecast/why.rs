//! Why an account stands where it stands: points and reasons, below the list or beside it.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget;

use crate::app::goal::Overlay;
use crate::app::screens::forecast::Which;
use crate::app::screens::monitor::status;
use crate::base::text::{clean, truncate};
use crate::domain::account::Account;
use crate::domain::facts::TurnRow;
use crate::domain::forecast::{Availability, Prospect};
use crate::domain::label::State;
use crate::domain::selection::explain::Rule;
use crate::view::pen::Pen;
use crate::view::scene::Scene;
use crate::view::screens::accounts::side::{divider, inner};
use crate::view::widgets::rule::Rule as Line;
use crate::view::words::{CUT, UNKNOWN, count};

/// The reasons below the list.
pub(super) fn below(scene: &Scene, area: Rect, buffer: &mut Buffer) {
    let Some(prospect) = scene.ui.outlook.focused().filter(|_| area.height > 1) else { return };
    let skin = scene.skin;
    if last(scene, area, buffer) {
        return;
    }
    let title = title(scene, prospect);
    (&Line { title: &title, text: skin.heading(), line: skin.border() })
        .render(Rect { height: 1, ..area }, buffer);
    let mut pen = Pen::new(buffer, area);
    let room = area.height - 1;
    let _ = reasons(scene, &mut pen, prospect, 1, room);
}

/// The last decision instead of the next one, when that is wanted; whether it was drawn.
fn last(scene: &Scene, area: Rect, buffer: &mut Buffer) -> bool {
    let outlook = &scene.ui.outlook;
    let Some(turn) = outlook.last(scene.world).filter(|_| outlook.which == Which::Last) else { return false };
    let skin = scene.skin;
    let served =
        turn.account.as_ref().map_or_else(|| "nobody".to_owned(), |key| scene.short_name_of(Some(key)));
    let title = format!("last decision, {}: {served}", scene.ago(turn.at));
    (&Line { title: &title, text: skin.heading(), line: skin.border() })
        .render(Rect { height: 1, ..area }, buffer);
    let mut pen = Pen::new(buffer, area);
    decided(scene, &mut pen, turn, 1);
    true
}

/// The request and its attempts; returns the row below.
fn decided(scene: &Scene, pen: &mut Pen, turn: &TurnRow, row: u16) -> u16 {
    let skin = scene.skin;
    let room = usize::from(pen.width().saturating_sub(3));
    let model = turn.model.as_deref().map_or(UNKNOWN.into(), clean);
    let note = if turn.note.is_empty() { String::new() } else { format!(" · {}", clean(&turn.note)) };
    let request = format!("request {} · {model} · {}{note}", turn.id, status(&turn.status));
    pen.put(2, row, &truncate(&request, room, CUT), skin.text());
    let mut row = row + 1;
    for (place, attempt) in turn.attempts.iter().enumerate() {
        let name = scene.short_name_of(Some(&attempt.account));
        let text = format!("{}. {name}: {}", place + 1, clean(&attempt.verdict));
        pen.put(2, row, &truncate(&text, room, CUT), skin.dim());
        row += 1;
    }
    row
}

fn title(scene: &Scene, prospect: &Prospect) -> String {
    let name = scene.short_name_of(Some(&prospect.key));
    match prospect.availability {
        _ if prospect.is_selected => format!("why {name} is first"),
        Availability::Ready => format!("why {name} is not first"),
        Availability::Delayed => format!("why {name} waits"),
        Availability::Unavailable => format!("why {name} is out"),
    }
}

/// Points and reasons from `row` on; returns the row below the last.
fn reasons(scene: &Scene, pen: &mut Pen, prospect: &Prospect, row: u16, most: u16) -> u16 {
    let skin = scene.skin;
    let width = usize::from(pen.width().saturating_sub(8));
    let mut row = row;
    for reason in prospect.reasons.iter().take(usize::from(most)) {
        let tone = match reason.points {
            ..0 => skin.good(),
            0 => skin.dim(),
            1.. => skin.warn(),
        };
        pen.put_right(5, row, &points(reason.points), tone);
        pen.put(7, row, &truncate(&clean(&reason.text), width, CUT), skin.text());
        row += 1;
    }
    row
}

/// Points with a sign that has its own width.
pub(in crate::view) fn points(points: i16) -> String {
    if points < 0 { format!("−{}", points.unsigned_abs()) } else { points.to_string() }
}

/// The most telling reason in a few words.
pub(super) fn short(scene: &Scene, account: &Account, prospect: &Prospect) -> String {
    match scene.state(account) {
        State::Off => return "switched off by you".to_owned(),
        State::Paused => return "paused by you".to_owned(),
        State::Draining => return "drained by you".to_owned(),
        State::SignIn => {
            let code = account.invalidation.as_ref().and_then(|dead| dead.code.as_deref());
            return code.map_or_else(|| "signed out".to_owned(), |code| code.replace('_', " "));
        }
        State::Uncertain => return "a refresh was cut".to_owned(),
        State::Cooling(_) => {
            let reason = account.cooling_until(scene.now).and_then(|rest| rest.reason);
            return reason.map_or_else(|| "cooldown".to_owned(), |reason| reason.word().replace('-', " "));
        }
        State::Empty(_) => {
            let snapshot = scene.quota(account);
            let empty = snapshot.and_then(|snapshot| {
                snapshot.windows().find(|window| window.is_exhausted(snapshot.at, scene.now))?.name()
            });
            return empty.map_or_else(|| "rate limited".to_owned(), |name| format!("{name} window empty"));
        }
        State::InUse | State::Low | State::Ready => {}
    }
    let heaviest = prospect.reasons.iter().max_by_key(|reason| reason.points);
    match heaviest.filter(|reason| reason.points > 0) {
        Some(reason) => clean(&reason.text).into_owned(),
        None if prospect.is_current => "in use, windows fine".to_owned(),
        None => "idle, windows fine".to_owned(),
    }
}

/// The choice and its reasons beside the list.
pub(super) fn side(scene: &Scene, area: Rect, buffer: &mut Buffer) {
    divider(scene, area, buffer);
    let outlook = &scene.ui.outlook;
    let Some(forecast) = &outlook.forecast else { return };
    let skin = scene.skin;
    let mut pen = Pen::new(buffer, inner(area));
    let room = usize::from(pen.width());
    let best = forecast
        .selected()
        .map_or_else(|| "nobody".to_owned(), |selected| scene.short_name_of(Some(&selected.key)));
    let words = truncate(&best, room.saturating_sub(11), CUT);
    pen.run(0, 1, &[("Best next: ", skin.heading()), (&words, skin.accent())]);
    pen.put(0, 2, &truncate(&forecast.reason, room, CUT), skin.text());
    let Some(prospect) = outlook.focused() else { return };
    let turn = outlook.last(scene.world).filter(|_| outlook.which == Which::Last);
    let mut row = match turn {
        Some(turn) => {
            let served = scene.short_name_of(turn.account.as_ref());
            let title = format!("last decision, {}: {served}", scene.ago(turn.at));
            pen.put(0, 4, &truncate(&title, room, CUT), skin.heading());
            decided(scene, &mut pen, turn, 5) + 1
        }
        None => next(scene, &mut pen, prospect),
    };
    row = runner_up(scene, &mut pen, row);
    row = selector(scene, &mut pen, row);
    limits(scene, &mut pen, row);
}

/// Points and reasons of the focused account; returns the row below.
fn next(scene: &Scene, pen: &mut Pen, prospect: &Prospect) -> u16 {
    let skin = scene.skin;
    let room = usize::from(pen.width());
    pen.put(0, 4, &truncate(&title(scene, prospect), room, CUT), skin.heading());
    let row = reasons(scene, pen, prospect, 5, 9);
    pen.put(0, row, "───", skin.border());
    let level = format!("{} risk (never below 0)", prospect.level.word());
    pen.put_right(5, row + 1, &prospect.risk.to_string(), skin.text());
    pen.put(7, row + 1, &level, skin.text());
    row + 3
}

fn runner_up(scene: &Scene, pen: &mut Pen, row: u16) -> u16 {
    let skin = scene.skin;
    let Some(forecast) = &scene.ui.outlook.forecast else { return row };
    let Some(second) = forecast.runner_up() else { return row };
    let name = scene.short_name_of(Some(&second.key));
    pen.run(0, row, &[("Runner-up: ", skin.heading()), (&name, skin.text())]);
    let sessions: usize = scene.world.peers.iter().map(|peer| peer.sessions.len()).sum();
    let text = if sessions == 0 {
        format!("risk {}", second.risk)
    } else {
        let sessions = count(u64::try_from(sessions).unwrap_or(u64::MAX), "running session");
        format!("risk {}, would move {sessions}", second.risk)
    };
    pen.put(0, row + 1, &truncate(&text, usize::from(pen.width()), CUT), skin.dim());
    row + 3
}

fn selector(scene: &Scene, pen: &mut Pen, row: u16) -> u16 {
    let skin = scene.skin;
    let Some(decision) = &scene.ui.outlook.decision else { return row };
    let by = if scene.world.peers.is_empty() || scene.ui.outlook.overlay == Overlay::Off {
        "Selector would pick"
    } else {
        "The running proxy would pick"
    };
    pen.put(0, row, by, skin.heading());
    let text = match &decision.chosen {
        None => "nobody now".to_owned(),
        Some(key) => {
            let name = scene.short_name_of(Some(key));
            let why = match decision.rule {
                Rule::Forced => "because it was asked for".to_owned(),
                Rule::Pin => "because it is pinned".to_owned(),
                Rule::Affinity => "because the session is there".to_owned(),
                Rule::Policy => "because only it is allowed".to_owned(),
                Rule::Strategy => format!("by the {} strategy", decision.strategy.word()),
            };
            format!("{name}, {why}")
        }
    };
    pen.put(0, row + 1, &truncate(&text, usize::from(pen.width()), CUT), skin.text());
    row + 3
}

fn limits(scene: &Scene, pen: &mut Pen, row: u16) {
    let skin = scene.skin;
    pen.put(0, row, "Limits", skin.heading());
    let newest = scene.world.quota.values().map(|snapshot| snapshot.at).max();
    let known = scene.world.roster.accounts.iter().filter(|one| scene.quota(one).is_some()).count();
    let checked = newest.map_or_else(
        || "never".to_owned(),
        |at| format!("{}, {known} of {} known", scene.ago(at), scene.world.roster.accounts.len()),
    );
    for (line, (name, value)) in (1..).zip([
        ("source", "usage endpoint, spends nothing"),
        ("checked", checked.as_str()),
        ("probe", "on demand (V), spends"),
    ]) {
        pen.put(0, row + line, name, skin.dim());
        pen.put(11, row + line, value, skin.text());
    }
}
