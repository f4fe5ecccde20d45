//! Who the account is, and how its session stands.

use super::Line;
use crate::app::geometry::Kind;
use crate::base::text::clean;
use crate::base::{Span, calendar};
use crate::domain::account::Account;
use crate::domain::chronicle::Session;
use crate::domain::settings::BackgroundNetwork;
use crate::domain::workspace::own_seat;
use crate::view::scene::Scene;
use crate::view::screens::accounts::side::tail;
use crate::view::screens::accounts::strip::{token, used};
use crate::view::words::{CUT, UNKNOWN, plan};

type Facts = Vec<(&'static str, String)>;

/// The lines of both, side by side where they fit.
pub(super) fn lines(scene: &Scene, account: &Account, index: usize, lines: &mut Vec<Line>) {
    let (identity, session) = (identity(scene, account), session(scene, account, index));
    if scene.layout.kind == Kind::Medium {
        lines.push(Line::Title("Identity", "Session".to_owned()));
        lines.extend(identity.into_iter().zip(session).map(|(left, right)| Line::Pairs([left, right])));
        lines.push(Line::Blank);
        return;
    }
    for (title, facts) in [("Identity", identity), ("Session", session)] {
        lines.push(Line::Title(title, String::new()));
        lines.extend(facts.into_iter().map(|(name, value)| Line::Pair(name, value)));
        lines.push(Line::Blank);
    }
}

fn identity(scene: &Scene, account: &Account) -> Facts {
    let told = |value: Option<String>| value.unwrap_or_else(|| UNKNOWN.to_owned());
    let quota_plan = scene.quota(account).and_then(|quota| quota.plan.as_deref());
    let email = account.email.as_deref().map(|email| scene.masked(&clean(email)));
    let mut facts = vec![
        ("e-mail", told(email)),
        ("plan", plan(quota_plan.or_else(|| account.plan()), 20)),
        ("workspace", told(workspace(scene, account))),
    ];
    let is_medium = scene.layout.kind == Kind::Medium;
    if !is_medium {
        let id = account.workspace_id().map(|id| format!("{}   (y copies)", short(&clean(id))));
        facts.push(("account id", told(id)));
    }
    facts.push(("label", told(account.label.as_deref().map(|label| clean(label).into_owned()))));
    if !is_medium {
        let added = calendar::date(account.added_at, &scene.world.setting.zone);
        let last = used(scene, account);
        facts.push(("added", format!("{added}   {}", last.replacen("used", "last used", 1))));
    }
    facts
}

/// `Personal …f3a9  (1 of 2)`
fn workspace(scene: &Scene, account: &Account) -> Option<String> {
    let own = own_seat(account);
    let seat = own.and_then(|place| account.workspaces.get(place));
    let mut name = seat.and_then(|seat| seat.given_name()).map(|name| clean(name).into_owned());
    if let Some(tail) = tail(account) {
        name = Some(format!("{} {CUT}{tail}", name.unwrap_or_default()).trim().to_owned());
    }
    let all = account.workspaces.len();
    if all < 2 {
        return name;
    }
    let place = own.map_or(1, |place| place + 1);
    let key = if scene.layout.kind == Kind::Wide { ", w lists them" } else { "" };
    name.map(|name| format!("{name}  ({place} of {all}{key})"))
}

/// `7d1c2b…f3a9`
fn short(id: &str) -> String {
    let letters: Vec<char> = id.chars().collect();
    if letters.len() <= 16 {
        return id.to_owned();
    }
    let head: String = letters.iter().take(6).collect();
    let tail: String = letters.iter().skip(letters.len() - 4).collect();
    format!("{head}{CUT}{tail}")
}

fn session(scene: &Scene, account: &Account, index: usize) -> Facts {
    let mut facts = vec![("token", tokens(scene, account)), ("refresh", refresh(scene, account))];
    let stored = if account.credentials.id_token.is_some() { "stored" } else { "none" };
    let official = scene.world.chronicle.official.as_ref().filter(|official| official.key == account.key);
    let official = official.map(|official| match official.session {
        Session::Same => "   official CLI  in sync",
        Session::Differs => "   official CLI  another session",
    });
    let official = official.filter(|_| scene.layout.kind != Kind::Medium);
    facts.push(("id token", format!("{stored}{}", official.unwrap_or_default())));
    // Nobody knows how an older version's accounts, or another program's, came to be signed in.
    let arrival = account.arrival.map(|came| {
        let zone = &scene.world.setting.zone;
        let is_today = calendar::date(came.at, zone) == calendar::date(scene.now, zone);
        let day = if is_today { scene.near(came.at) } else { calendar::day(came.at, zone) };
        format!("{day} {}", came.by.told())
    });
    facts.push(("signed in", arrival.unwrap_or_else(|| UNKNOWN.to_owned())));
    if scene.layout.kind != Kind::Medium {
        facts.push(("position", format!("{} in commands", index + 1)));
    }
    facts
}

/// `8d 21h left`, with the moment where there is room.
fn tokens(scene: &Scene, account: &Account) -> String {
    let words = token(scene, account);
    let words = words.strip_prefix("token ").unwrap_or(&words);
    let words = words.split(':').next().unwrap_or_default().to_owned();
    let ends = account.credentials.expires_at.filter(|end| {
        let left = scene.now.until(*end);
        !left.is_over() && left <= Span::days(365) && account.credentials.access.is_some()
    });
    let Some(end) = ends.filter(|_| !scene.state(account).needs_person()) else { return words };
    let at = if scene.layout.kind == Kind::Medium {
        String::new()
    } else {
        let zone = &scene.world.setting.zone;
        format!(" ({} {})", calendar::day(end, zone), calendar::clock(end, zone))
    };
    format!("{words} left{at}")
}

/// Whether somebody renews the tokens by themselves, and when next.
fn refresh(scene: &Scene, account: &Account) -> String {
    let settings = &scene.world.settings;
    if scene.state(account).needs_person() || !account.is_on() {
        return "stopped".to_owned();
    }
    let watched = !scene.world.peers.is_empty() || settings.background_network == BackgroundNetwork::On;
    if !settings.refresh_guardian || !watched {
        return "when it is used next".to_owned();
    }
    let due = account.credentials.expires_at.filter(|end| scene.now.until(*end) <= Span::days(365));
    match due.map(|end| end - settings.refresh_buffer) {
        Some(due) if due > scene.now => format!("automatic, next {}", scene.near(due)),
        Some(_) => "automatic, due now".to_owned(),
        None => "automatic".to_owned(),
    }
}
