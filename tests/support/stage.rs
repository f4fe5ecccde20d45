//! A dashboard on stage: a model with the sample pool of the wireframes, driven by keys, its effects answered.

use std::collections::BTreeMap;
use std::sync::Arc;

use codex_multi_auth::app::effect::{
    AuthEffect, CodexEffect, DesktopEffect, Effect, Effects, PeersEffect, StoreEffect,
};
use codex_multi_auth::app::flows::serve::Announce;
use codex_multi_auth::app::goal::{Entry as Way, Goal};
use codex_multi_auth::app::input::{Click, Code, Input, Key, Mouse};
use codex_multi_auth::app::msg::{AuthMsg, CodexMsg, Mirrored, Msg, PeersMsg, StoreMsg, UpstreamMsg};
use codex_multi_auth::app::options::Form;
use codex_multi_auth::app::world::Setting;
use codex_multi_auth::app::{Boot, Model, init, update};
use codex_multi_auth::base::calendar::Zone;
use codex_multi_auth::base::{Moment, Percent, Span};
use codex_multi_auth::domain::account::{
    Account, AccountKey, Arrival, Cooldown, CooldownReason, Door, Invalidation, Switch,
};
use codex_multi_auth::domain::audit::{Action, Ending as AuditEnding};
use codex_multi_auth::domain::backup::{Backup, Comparison, Kind as Copied, PinFate, State};
use codex_multi_auth::domain::chance::seeded;
use codex_multi_auth::domain::chronicle::{Act as Done, Chronicle, Official, Point, Session};
use codex_multi_auth::domain::companion::{Action as Taking, Line, Match, Reason, Synced, Target};
use codex_multi_auth::domain::digest::sha256_hex;
use codex_multi_auth::domain::facts::{
    AccountPulse, AttemptRow, Peer, PeerStatus, ProxyPulse, SessionRow, TurnRow, TurnStatus, TurnTokens, Via,
};
use codex_multi_auth::domain::places::Places;
use codex_multi_auth::domain::policy::account::{Changed, key_for};
use codex_multi_auth::domain::pool::Pool;
use codex_multi_auth::domain::quota::snapshot::{Snapshot, Source};
use codex_multi_auth::domain::quota::window::Window;
use codex_multi_auth::domain::recovery::{Beside, Health, Loaded};
use codex_multi_auth::domain::refresh::Outcome as Refreshed;
use codex_multi_auth::domain::roster::Roster;
use codex_multi_auth::domain::selection::Ask;
use codex_multi_auth::domain::selection::replay::Kept;
use codex_multi_auth::domain::settings::edit::{Edit, with_twins};
use codex_multi_auth::domain::settings::report::{Report, Saved, Source as Origin};
use codex_multi_auth::domain::settings::schema::{Value, row};
use codex_multi_auth::domain::stock::{self, Found, Item};
use codex_multi_auth::domain::usage::entry::{Ending, Entry, Operation};
use codex_multi_auth::domain::usage::pricing::Prices;
use codex_multi_auth::domain::usage::reading::Reader;
use codex_multi_auth::domain::vault::{Act, Answer, Run, Source as Copy};
use codex_multi_auth::domain::workspace::Workspace;
use codex_multi_auth::report;

use super::logs::{bridged, examined, listed};

/// Sunday, 22 November 2026, 14:38 UTC: the moment of the wireframes.
pub(crate) const NOW: Moment = Moment::from_secs(1_795_358_280);

/// What the stage holds before the curtain rises.
#[derive(Debug, Clone)]
pub(crate) struct Stage {
    pub(crate) roster: Roster,
    pub(crate) quota: BTreeMap<AccountKey, Snapshot>,
    pub(crate) usage: Vec<Entry>,
    pub(crate) peers: Vec<PeerStatus>,
    pub(crate) demo: Option<&'static str>,
    pub(crate) config: Report,
    pub(crate) size: (u16, u16),
    pub(crate) way: Way,
}

pub(crate) fn key(name: &str) -> AccountKey {
    AccountKey::new(format!("record:{name}"))
}

/// What is left, and in how many minutes the window starts anew.
pub(crate) fn window(minutes: u32, left: f64, reset: i64) -> Window {
    let used = Some(Percent::new(100.0 - left));
    Window { used, minutes: Some(minutes), resets_at: Some(NOW + Span::minutes(reset)), ..Window::default() }
}

pub(crate) fn quota(five: (f64, i64), seven: (f64, i64)) -> Snapshot {
    Snapshot {
        primary: Some(window(300, five.0, five.1)),
        secondary: Some(window(10_080, seven.0, seven.1)),
        plan: None,
        limit_id: None,
        credits: None,
        status: 200,
        model: None,
        at: NOW - Span::seconds(12),
        source: Source::Usage,
        ..Snapshot::default()
    }
}

fn account(name: &str, plan: &str, used: Span) -> Account {
    let mut account = Account::sample(name);
    account.credentials.claims.plan = Some(plan.to_owned());
    account.credentials.expires_at = Some(NOW + Span::days(8) + Span::hours(21));
    account.last_used = NOW - used;
    account.added_at = NOW - Span::days(29);
    account
}

/// The six accounts of the wireframes.
pub(crate) fn six() -> Stage {
    let mut alpha = account("alpha", "plus", Span::minutes(10));
    alpha.workspaces = vec![Workspace {
        id: "ws-alpha".to_owned(),
        name: Some("Personal".to_owned()),
        enabled: true,
        disabled_at: None,
        is_default: true,
    }];
    alpha.arrival = Some(Arrival { at: NOW - Span::days(29), by: Door::Browser });
    let bravo = account("bravo", "plus", Span::hours(1));
    let mut charlie = account("charlie", "business", Span::days(3));
    charlie.email = Some("charlie.with.a.very.long.name@example.com".to_owned());
    charlie.switch = Switch::Off;
    let mut delta = account("delta", "plus", Span::minutes(7));
    delta.cooldown = Some(Cooldown {
        until: NOW + Span::minutes(22) + Span::seconds(30),
        reason: Some(CooldownReason::NetworkError),
    });
    let mut echo = account("echo", "team", Span::hours(9));
    echo.invalidation =
        Some(Invalidation { at: NOW - Span::minutes(26), code: Some("refresh_token_reused".to_owned()) });
    let foxtrot = account("foxtrot", "pro", Span::hours(5));
    let week = 2 * 1_440 + 225;
    let quota = BTreeMap::from([
        (key("alpha"), quota((62.0, 79), (49.0, week))),
        (key("bravo"), quota((0.0, 92), (30.0, week))),
        (key("delta"), quota((28.0, 78), (80.0, week))),
        (key("echo"), quota((90.0, 78), (12.0, week))),
        (key("foxtrot"), quota((100.0, 300), (91.0, 5 * 1_440 + 670))),
    ]);
    let roster = Roster {
        accounts: vec![alpha, bravo, charlie, delta, echo, foxtrot],
        active: Some(key("alpha")),
        pin: Some(key("alpha")),
        pinned_at: Some(NOW - Span::minutes(7)),
        ..Roster::default()
    };
    Stage {
        roster,
        quota,
        usage: ledger(),
        peers: vec![proxy()],
        demo: None,
        config: config(),
        size: (80, 24),
        way: Way::default(),
    }
}

/// A pool of this many accounts that are all ready.
pub(crate) fn many(count: usize) -> Stage {
    let mut stage = six();
    stage.roster.accounts = (1..=count)
        .map(|number| {
            account(&format!("person{number:04}"), "plus", Span::minutes(i64::try_from(number).unwrap()))
        })
        .collect();
    stage.quota = stage
        .roster
        .accounts
        .iter()
        .zip(0u32..)
        .map(|(account, number)| {
            let left = f64::from(100 - number % 90);
            (account.key.clone(), quota((left, 79), (left, 2 * 1_440)))
        })
        .collect();
    stage.roster.active = stage.roster.accounts.first().map(|account| account.key.clone());
    stage.roster.pin = None;
    stage.peers.clear();
    stage.usage.clear();
    stage
}

fn hash(text: &str) -> String {
    format!("sha256:{}", sha256_hex(text))
}

/// A day of requests: a morning, an afternoon, and the last hour.
fn ledger() -> Vec<Entry> {
    let mut rows = Vec::new();
    for hour in (0..24i64).rev() {
        let load = [1, 1, 2, 3, 5, 7, 6, 3, 2, 1, 1, 1, 2, 4, 5, 3, 2, 1, 1, 1, 2, 3, 2, 1];
        let count = load[usize::try_from(23 - hour).unwrap()];
        for number in 0..count {
            let at = NOW - Span::hours(hour) - Span::minutes(3 + 6 * i64::from(number));
            rows.push(entry(at, ["alpha", "foxtrot"][usize::from(number % 3 == 0)], 200, 18_200));
        }
    }
    rows.push(Entry {
        failover: Some("rotated from bravo".to_owned()),
        ..entry(NOW - Span::minutes(3), "alpha", 429, 0)
    });
    rows.push(Entry {
        failover: Some("usage-limit".to_owned()),
        rotated_from: vec![hash("ws-bravo")],
        attempts: Some(2),
        ..entry(NOW - Span::seconds(80), "alpha", 200, 9_400)
    });
    rows.push(entry(NOW - Span::seconds(2), "alpha", 200, 18_200));
    rows.sort_by_key(|row| row.at);
    rows
}

fn entry(at: Moment, name: &str, status: u16, total: u64) -> Entry {
    Entry {
        id: "row".to_owned(),
        at,
        source: "runtime-proxy".to_owned(),
        operation: Operation::Responses,
        ending: if status == 200 { Ending::Success } else { Ending::Failure },
        model: Some(if total == 9_400 { "gpt-5" } else { "gpt-5-codex" }.to_owned()),
        project: None,
        account_hash: Some(hash(&format!("ws-{name}"))),
        email_hash: Some(hash(&format!("{name}@example.com"))),
        index: None,
        request: None,
        status: Some(status),
        error: None,
        took: Some(Span::seconds(6)),
        tokens: TurnTokens {
            input: total - total / 20,
            output: total / 20,
            cached: total / 2,
            reasoning: total / 100,
            total,
        },
        cost: None,
        attempts: Some(1),
        first_byte: None,
        bytes_out: None,
        session_hash: None,
        failover: None,
        rotated_from: Vec::new(),
        service_tier: None,
        token: None,
    }
}

/// The turns of the Monitor wireframe.
fn turns() -> Vec<TurnRow> {
    let row = |id: u64,
               back: i64,
               name: &str,
               model: &str,
               via,
               status,
               took: Option<i64>,
               session: &str,
               note: &str| TurnRow {
        id,
        at: NOW - Span::seconds(back),
        account: Some(key(name)),
        model: Some(model.to_owned()),
        via,
        status,
        took: took.map(Span::millis),
        first_byte: took.map(|took| Span::millis(took / 3)),
        tokens: took.filter(|took| *took > 1_000).map(|_| TurnTokens {
            input: 16_000,
            output: 2_200,
            cached: 12_000,
            reasoning: 900,
            total: 18_200,
        }),
        session: Some(session.to_owned()),
        turn: u32::try_from(id).unwrap(),
        note: note.to_owned(),
        attempts: vec![AttemptRow {
            account: key(name),
            verdict: "ok".to_owned(),
            first_byte: took.map(|took| Span::millis(took / 3)),
        }],
        bytes_out: 48_213,
    };
    let codex = "gpt-5-codex";
    let mut moved =
        row(10, 177, "alpha", codex, Via::Ws, TurnStatus::Ok, Some(7_700), "91bc", "moved from bravo");
    moved.attempts.insert(
        0,
        AttemptRow {
            account: key("bravo"),
            verdict: "limit".to_owned(),
            first_byte: Some(Span::millis(400)),
        },
    );
    vec![
        row(5, 534, "alpha", codex, Via::Ws, TurnStatus::Warm, Some(300), "3f2a", "socket opened"),
        row(6, 528, "alpha", codex, Via::Ws, TurnStatus::Ok, Some(5_000), "3f2a", ""),
        row(7, 425, "alpha", codex, Via::Ws, TurnStatus::Ok, Some(2_200), "3f2a", ""),
        row(8, 401, "delta", "gpt-5", Via::Http, TurnStatus::Net, None, "77d0", "reset, cooling 25m"),
        row(9, 260, "foxtrot", "gpt-5", Via::Http, TurnStatus::Ok, Some(12_900), "77d0", ""),
        row(
            11,
            178,
            "bravo",
            codex,
            Via::Ws,
            TurnStatus::Limit,
            Some(400),
            "91bc",
            "5h empty, 95m; reconnect",
        ),
        moved,
        row(12, 79, "alpha", codex, Via::Ws, TurnStatus::Ok, Some(3_800), "3f2a", ""),
        row(13, 6, "alpha", codex, Via::Ws, TurnStatus::Running, None, "3f2a", ""),
    ]
}

/// The live proxy of the Monitor wireframe.
fn proxy() -> PeerStatus {
    let session = |id: &str, kind: &str, name: &str, via, turns, tokens, last: i64, in_turn| SessionRow {
        id: id.to_owned(),
        kind: kind.to_owned(),
        via,
        account: Some(key(name)),
        turns,
        tokens,
        since: NOW - Span::minutes(41),
        last: NOW - Span::seconds(last),
        in_turn,
        moved: None,
        rate: 0,
        is_pinned: false,
        title: None,
    };
    let mut release = session("91bc", "exec", "alpha", Via::Ws, 4, 48_100, 177, false);
    release.moved = Some((key("bravo"), NOW - Span::seconds(178), "5h window empty".to_owned()));
    (release.rate, release.title) = (1_200, Some("release notes".to_owned()));
    let mut login = session("3f2a", "tui", "alpha", Via::Ws, 12, 164_000, 0, true);
    (login.rate, login.is_pinned) = (4_100, true);
    login.title = Some("fix the flaky login test".to_owned());
    let rename = SessionRow {
        title: Some("rename module".to_owned()),
        ..session("77d0", "app", "foxtrot", Via::Http, 9, 88_000, 300, false)
    };
    let sessions = vec![rename, release, login];
    let health = |health| AccountPulse { health, bucket: 50.0, circuit: "closed", in_flight: 0 };
    let pulse = ProxyPulse {
        started_at: NOW - Span::hours(3) - Span::minutes(12),
        port: 4_517,
        total: 214,
        ok: 202,
        failed: 5,
        rotated: 7,
        in_flight: 1,
        sockets: 2,
        sessions: 3,
        last_account: Some(key("alpha")),
        last_account_at: Some(NOW - Span::seconds(6)),
        accounts: BTreeMap::from([(key("alpha"), health(98.0)), (key("delta"), health(61.0))]),
        ..ProxyPulse::default()
    };
    let peer = Peer {
        pid: 8_123,
        kind: "inline".to_owned(),
        port: 4_517,
        codex_home: "/home/me/.codex".to_owned(),
        socket: "/home/me/.codex/multi-auth/run/8123.sock".to_owned(),
        started_at: NOW - Span::hours(3) - Span::minutes(12),
    };
    PeerStatus { peer, pulse, turns: turns(), sessions }
}

impl Stage {
    /// At this size.
    pub(crate) fn sized(mut self, width: u16, height: u16) -> Self {
        self.size = (width, height);
        self
    }

    fn loaded(&self) -> Loaded {
        let health = if self.roster.accounts.is_empty() { Health::Empty } else { Health::Healthy };
        Loaded {
            roster: Arc::new(self.roster.clone()),
            health,
            beside: Beside::default(),
            recovery: None,
            revision: 1,
        }
    }

    /// Before anything was read.
    pub(crate) fn start(&self) -> Model {
        let setting = Setting {
            storage_path: "/home/me/.codex/multi-auth/openai-codex-accounts.json".to_owned(),
            project: None,
            here: None,
            here_root: None,
            codex_home: "/home/me/.codex".to_owned(),
            backups: "/home/me/.codex/multi-auth/backups".to_owned(),
            home: "/home/me".to_owned(),
            overrides: (None, None),
            demo: self.demo.map(str::to_owned),
            zone: Zone::utc(),
        };
        let boot = Boot {
            at: NOW,
            setting,
            seed: 1,
            pid: 1,
            announce: Announce::Text,
            size: self.size,
            remembered: String::new(),
            acknowledged: None,
        };
        init(Goal::Dashboard(self.way.clone()), boot).0
    }

    /// After everything was read.
    pub(crate) fn open(&self) -> Model {
        let mut model = self.start();
        for message in [
            Msg::Store(StoreMsg::Settings(Arc::new(self.config.clone()))),
            Msg::Store(StoreMsg::Loaded(Ok(self.loaded()))),
            Msg::Store(StoreMsg::Quota(self.quota.clone())),
            Msg::Store(StoreMsg::Usage(self.usage.clone())),
            Msg::Peers(PeersMsg::Seen(self.peers.clone())),
        ] {
            let effects = update(&mut model, NOW, message);
            let asked = effects.into_iter().filter(|effect| {
                matches!(effect, Effect::Store(StoreEffect::Vault(..) | StoreEffect::Sum(..)))
            });
            answer(&mut model, NOW, asked.collect());
        }
        model
    }

    /// The open dashboard after these keys.
    pub(crate) fn after(&self, keys: &str) -> Model {
        let mut model = self.open();
        press(&mut model, NOW, keys);
        model
    }
}

/// Presses keys written one after the other; names stand in angle brackets (`<esc>`, `<ctrl-c>`).
pub(crate) fn press(model: &mut Model, at: Moment, keys: &str) -> Effects {
    let mut all = Effects::new();
    let mut rest = keys;
    while let Some(first) = rest.chars().next() {
        let (key, after) = match rest.strip_prefix('<').and_then(|rest| rest.split_once('>')) {
            Some((name, after)) => (named(name), after),
            None => (Key::char(first), &rest[first.len_utf8()..]),
        };
        rest = after;
        let effects = update(model, at, Msg::Input(Input::Key(key)));
        all.extend(effects.clone());
        answer(model, at, effects);
    }
    all
}

fn named(name: &str) -> Key {
    match name {
        "enter" => Key::plain(Code::Enter),
        "esc" => Key::plain(Code::Esc),
        "tab" => Key::plain(Code::Tab),
        "shift-tab" => Key::plain(Code::BackTab),
        "up" => Key::plain(Code::Up),
        "down" => Key::plain(Code::Down),
        "left" => Key::plain(Code::Left),
        "right" => Key::plain(Code::Right),
        "home" => Key::plain(Code::Home),
        "end" => Key::plain(Code::End),
        "pgup" => Key::plain(Code::PageUp),
        "pgdn" => Key::plain(Code::PageDown),
        "space" => Key::char(' '),
        "backspace" => Key::plain(Code::Backspace),
        _ => match name.split_once('-') {
            Some(("ctrl", letter)) => Key::ctrl(letter.chars().next().unwrap()),
            Some(("alt", letter)) => Key::alt(letter.chars().next().unwrap()),
            _ => panic!("no key is called {name}"),
        },
    }
}

/// Clicks a cell.
pub(crate) fn click(model: &mut Model, at: Moment, column: u16, row: u16) -> Effects {
    let effects = update(model, at, Msg::Input(Input::Mouse(Mouse { click: Click::Press, column, row })));
    answer(model, at, effects.clone());
    effects
}

/// Answers effects as a healthy store, token endpoint and home would; the usage endpoint stays silent.
pub(crate) fn answer(model: &mut Model, at: Moment, effects: Effects) {
    for effect in effects {
        let Some(message) = answered(model, effect) else { continue };
        let more = update(model, at, message);
        answer(model, at, more);
    }
}

fn answered(model: &Model, effect: Effect) -> Option<Msg> {
    if let Effect::Store(StoreEffect::Commit(ticket, changes)) = effect {
        let mut roster = (*model.world.roster).clone();
        for change in &changes {
            roster.apply(change);
        }
        // The optimistic guess is in the roster already; applying twice changes only the counter.
        roster.generation = model.world.roster.generation;
        let revision = model.world.revision + 1;
        let loaded = Loaded {
            roster: Arc::new(roster),
            health: Health::Healthy,
            beside: Beside::default(),
            recovery: None,
            revision,
        };
        return Some(Msg::Store(StoreMsg::Committed(ticket, Ok(loaded))));
    }
    if let Effect::Store(StoreEffect::Configure(ticket, edits)) = effect {
        let saved = Saved { report: Arc::new(written(&model.world.config, &edits)), notes: Vec::new() };
        return Some(Msg::Store(StoreMsg::Configured(ticket, Ok(saved))));
    }
    if let Effect::Store(StoreEffect::Policy(ticket, key, edit)) = effect {
        let account = model.world.roster.get(&key)?;
        let name = key_for(account, &model.world.roster)?;
        let mut policies = (*model.world.policies).clone();
        let before = policies.0.remove(&name).unwrap_or_default();
        let after = edit.apply(before.clone(), NOW);
        let changed = if after == before { Changed::No } else { Changed::Yes };
        policies.0.insert(name, after);
        return Some(Msg::Store(StoreMsg::PolicySet(ticket, Ok((policies, changed)))));
    }
    if let Effect::Store(StoreEffect::Vault(ticket, act)) = effect {
        return kept(&act).map(|answer| Msg::Store(StoreMsg::Vault(ticket, Box::new(Ok(answer)))));
    }
    if let Effect::Store(StoreEffect::Sum(ticket, query)) = effect {
        let prices = Prices::default();
        let mut reader = Reader::new(&query, &prices);
        for row in model.world.usage.iter() {
            reader.add(&row.glance(), b"");
        }
        let summed = Ok((reader.finish(2_202_010), None));
        return Some(Msg::Store(StoreMsg::Summed(ticket, Box::new(summed))));
    }
    if let Effect::Store(StoreEffect::Chronicle) = effect {
        return Some(Msg::Store(StoreMsg::Chronicle(Box::new(chronicle(&model.world.roster)))));
    }
    if let Effect::Checkup(ticket, act) = effect {
        return examined(model, act).map(|heard| Msg::Checkup(ticket, heard));
    }
    if let Effect::Bridge(ticket, order) = effect {
        return bridged(&order).map(|heard| Msg::Bridge(ticket, heard));
    }
    if let Effect::History(ticket, act) = effect {
        return listed(&act).map(|heard| Msg::History(ticket, heard));
    }
    if let Effect::Desktop(DesktopEffect::Tell(outcome)) = effect {
        let printed = report::print(&outcome, Form::Text);
        return Some(Msg::Worded(outcome, printed.out + &printed.err));
    }
    if let Effect::Store(StoreEffect::Stock) = effect {
        return Some(Msg::Store(StoreMsg::Stock(stock())));
    }
    if let Effect::Peers(PeersEffect::Recall(ticket, name)) = effect {
        let found = recalled(model, &name).map(Box::new);
        return Some(Msg::Peers(PeersMsg::Recalled(ticket, name, found)));
    }
    if let Effect::Auth(AuthEffect::Refresh(ticket, key, _)) = effect {
        return Some(Msg::Auth(AuthMsg::Refreshed(ticket, key, Refreshed::Missing)));
    }
    let Effect::Codex(CodexEffect::Mirror(ticket, _)) = effect else { return None };
    Some(Msg::Codex(CodexMsg::Mirrored(ticket, Mirrored::Written)))
}

/// The proxy of the stage answers nobody: what waits for its choice goes on without it.
pub(crate) fn nobody_else(model: &mut Model) {
    let waiting: Vec<_> = model.flows.running().map(|(ticket, _)| ticket).collect();
    for ticket in waiting {
        let effects = update(model, NOW, Msg::Peers(PeersMsg::Next(ticket, None)));
        answer(model, NOW, effects);
    }
}

/// What is remembered of the sample pool: how alpha's five hours were used, and what was done to it.
fn chronicle(roster: &Roster) -> Chronicle {
    if roster.get(&key("alpha")).is_none_or(|alpha| alpha.arrival.is_none()) {
        return Chronicle::default();
    }
    let used =
        [(290, 1.0), (250, 4.0), (215, 9.0), (170, 14.0), (130, 21.0), (80, 27.0), (45, 33.0), (0, 38.0)];
    let points = used.map(|(back, used)| Point {
        at: NOW - Span::minutes(back),
        minutes: 300,
        used: Percent::new(used),
    });
    let act = |at: Moment, action, more: &[(&str, &str)]| Done {
        at,
        whose: "alpha".to_owned(),
        action,
        ending: AuditEnding::Success,
        more: more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
    };
    Chronicle {
        figures: BTreeMap::from([(key("alpha"), points.to_vec())]),
        acts: vec![
            act(NOW - Span::days(1), Action::AccountChange, &[("member", "label")]),
            act(NOW - Span::minutes(326), Action::AccountRefresh, &[]),
        ],
        official: Some(Official { key: key("alpha"), session: Session::Same }),
    }
}

/// The decision of a turn as the log has it: who would serve it now; every other turn is not in the log any more.
fn recalled(model: &Model, name: &str) -> Option<Kept> {
    let id: u64 = name.split_once('-')?.1.parse().ok()?;
    let world = &model.world;
    let mut pool = Pool::new(Arc::clone(&world.roster), Arc::clone(&world.settings), NOW);
    for (key, snapshot) in &world.quota {
        pool.note_quota(key, snapshot.clone());
    }
    id.is_multiple_of(2).then(|| pool.recall(id, &Ask::plain(), None, NOW, &mut seeded(0)).unwrap())
}

/// The usage endpoint answers a running check of one account.
pub(crate) fn checked(model: &mut Model, at: Moment, effects: &Effects) {
    for effect in effects {
        if let Effect::Upstream(codex_multi_auth::app::effect::UpstreamEffect::Usage(ticket, key)) = effect {
            let snapshot = Snapshot { at, ..quota((50.0, 60), (50.0, 600)) };
            let more = update(
                model,
                at,
                Msg::Upstream(UpstreamMsg::Usage(*ticket, key.clone(), Box::new(Ok(snapshot)))),
            );
            checked(model, at, &more);
        }
        if let Effect::Store(StoreEffect::Load) = effect {
            let loaded = Loaded {
                roster: Arc::clone(&model.world.roster),
                health: Health::Healthy,
                beside: Beside::default(),
                recovery: None,
                revision: model.world.revision,
            };
            update(model, at, Msg::Store(StoreMsg::Loaded(Ok(loaded))));
        }
    }
}

/// The settings as they stand once these edits are in the file.
pub(crate) fn written(before: &Report, edits: &[Edit]) -> Report {
    let mut report = before.clone();
    for edit in with_twins(edits, before) {
        for entry in report.entries.iter_mut().filter(|entry| entry.row.key == edit.key) {
            entry.stored.clone_from(&edit.to);
            entry.present = edit.to.is_some();
            if entry.locked.is_none() {
                entry.value = edit.to.clone().unwrap_or_else(|| entry.default.clone());
                entry.source = if edit.to.is_some() { Origin::Unified } else { Origin::Default };
            }
        }
    }
    report
}

/// Settings as the wireframes have them: one member in the file, one variable.
pub(crate) fn config() -> Report {
    let mut report =
        Report { target: "/home/me/.codex/multi-auth/settings.json".to_owned(), ..Report::default() };
    report = written(&report, &[Edit::set(row("menuSortEnabled").unwrap(), Value::Flag(true))]);
    for entry in &mut report.entries {
        if entry.row.key == "fetchTimeoutMs" {
            entry.value = Value::Number(30_000.0);
            entry.locked = Some("CODEX_AUTH_FETCH_TIMEOUT_MS");
            entry.source = Origin::Variable("CODEX_AUTH_FETCH_TIMEOUT_MS");
        }
    }
    report
}

/// Files and folders as they are found on a machine in use.
fn stock() -> Vec<Item> {
    let places = Places::under("/home/me/.codex/multi-auth", "/home/me/.codex");
    stock::places(&places)
        .into_iter()
        .zip(0u64..)
        .map(|((what, path, holds), number)| {
            let found = match number {
                0 | 8 | 9 => Found::Folder(12, Some(0o40_700)),
                2 | 6 => Found::Missing,
                5 => Found::File(14_000, Some(0o100_644)),
                _ => Found::File(900 + number * 4_000, Some(0o100_600)),
            };
            Item { what, path: path.display().to_string(), holds, found }
        })
        .collect()
}

/// Copies of the pool as the wireframe has them.
pub(crate) fn backups() -> Vec<Backup> {
    let backup = |name: &str, kind, accounts, bytes, age, state| Backup {
        name: name.to_owned(),
        path: format!("/home/me/.codex/multi-auth/backups/{name}.json").into(),
        kind,
        accounts,
        bytes,
        modified: NOW - age,
        state,
    };
    let damaged = State::Damaged("line 1, column 7: a comma is missing".to_owned());
    vec![
        backup("weekly", Copied::Named, 6, 14_000, Span::days(2), State::Good),
        backup("before-reset", Copied::Named, 6, 14_000, Span::days(9), State::Good),
        backup("old-laptop", Copied::Named, 2, 5_000, Span::days(90), State::Good),
        backup("hourly-20261122T14", Copied::Hourly, 6, 14_000, Span::minutes(38), State::Good),
        backup("daily-20261121T00", Copied::Daily, 6, 14_000, Span::hours(30), State::Good),
        backup(".bak", Copied::Rotating, 6, 14_000, Span::minutes(12), State::Good),
        backup(".bak.1", Copied::Rotating, 0, 900, Span::minutes(40), damaged),
    ]
}

/// The companion's pool as the wireframe has it.
pub(crate) fn synced() -> Synced {
    let used = |ago: Option<Span>| ago.map(|ago| NOW - ago);
    let line = |action, name: &str, here, there| Line {
        action,
        label: format!("{name}@example.com"),
        here: used(here),
        there: used(there),
    };
    let both = Some(Match::IdAndEmail);
    Synced {
        run: Run::Dry,
        target: Target::Found("/home/me/.opencode".into()),
        existing: Some(6),
        rows: vec![
            line(Taking::Update(Match::IdAndEmail), "alpha", Some(Span::minutes(10)), Some(Span::days(3))),
            line(Taking::Update(Match::IdAndEmail), "bravo", Some(Span::hours(1)), Some(Span::days(9))),
            line(Taking::Update(Match::Email), "delta", Some(Span::days(1)), Some(Span::days(2))),
            line(Taking::Skip(Reason::Older, both), "echo", Some(Span::days(40)), Some(Span::days(2))),
            line(Taking::Add, "foxtrot", Some(Span::hours(2)), None),
            line(Taking::Add, "golf", Some(Span::days(1)), None),
            line(Taking::Keep, "zulu", None, Some(Span::days(5))),
        ],
        backup: None,
        changed: false,
        at: NOW,
    }
}

/// What the keeper of backups answers to questions; acts stay unanswered.
fn kept(act: &Act) -> Option<Answer> {
    let found = |source: &Copy| {
        let all = backups();
        all.into_iter().find(|backup| match source {
            Copy::Named(name) => backup.name == *name,
            Copy::File(path) => backup.path == *path,
        })
    };
    if *act == Act::Sync(Run::Dry) {
        return Some(Answer::Synced(Box::new(synced())));
    }
    if *act == Act::List {
        return Some(Answer::Listed(backups()));
    }
    if let Act::Verify(Some(source)) = act {
        return Some(Answer::Listed(found(source).into_iter().collect()));
    }
    let Act::Compare(source) = act else { return None };
    let names = |names: &[&str]| names.iter().map(|name| format!("{name}@example.com")).collect();
    let comparison = Comparison {
        same: names(&["alpha", "bravo", "delta", "echo", "foxtrot"]),
        only_here: names(&["charlie"]),
        only_there: names(&["golf"]),
        older_tokens: 5,
        newer_tokens: 0,
        tokens_from: Some(NOW - Span::days(2)),
        pin: PinFate::Stays("alpha@example.com".to_owned()),
    };
    found(source).map(|backup| Answer::Compared(Box::new((backup, comparison))))
}
