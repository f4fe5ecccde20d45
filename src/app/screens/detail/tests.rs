use std::collections::BTreeMap;
use std::sync::Arc;

use super::*;
use crate::app::world::Setting;
use crate::base::Span;
use crate::base::calendar::Zone;
use crate::domain::account::{Arrival, Door};
use crate::domain::chronicle::Chronicle;
use crate::domain::roster::Roster;
use crate::domain::usage::entry::Ending as End;

const NOW: Moment = Moment::from_secs(1_000_000);

fn world() -> World {
    let setting = Setting {
        storage_path: String::new(),
        project: None,
        here: None,
        here_root: None,
        codex_home: String::new(),
        backups: String::new(),
        home: String::new(),
        overrides: (None, None),
        demo: None,
        zone: Zone::utc(),
    };
    let mut world = World::new(setting, NOW);
    let mut alpha = Account::sample("alpha");
    alpha.arrival = Some(Arrival { at: NOW - Span::days(2), by: Door::Browser });
    let roster = Roster {
        accounts: vec![alpha, Account::sample("bravo")],
        pin: Some(AccountKey::new("record:alpha")),
        pinned_at: Some(NOW - Span::minutes(7)),
        ..Roster::default()
    };
    world.roster = Arc::new(roster);
    world
}

fn act(minutes: i64, action: Action, more: &[(&str, &str)]) -> Act {
    Act {
        at: NOW - Span::minutes(minutes),
        whose: "alpha".to_owned(),
        action,
        ending: if action == Action::AuthFailure { Ending::Failure } else { Ending::Success },
        more: more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
    }
}

fn entry(minutes: i64, name: &str, status: u16, change: impl FnOnce(&mut Entry)) -> Entry {
    let mut entry = Entry {
        id: String::new(),
        at: NOW - Span::minutes(minutes),
        source: "runtime-proxy".to_owned(),
        operation: Operation::Responses,
        ending: End::Success,
        model: Some("gpt-5".to_owned()),
        project: None,
        account_hash: Some(format!("sha256:{}", sha256_hex(format!("ws-{name}")))),
        email_hash: None,
        index: None,
        request: None,
        status: Some(status),
        error: None,
        took: None,
        tokens: crate::domain::facts::TurnTokens::default(),
        cost: None,
        attempts: Some(1),
        first_byte: None,
        bytes_out: None,
        session_hash: None,
        failover: None,
        rotated_from: Vec::new(),
        service_tier: None,
        token: None,
    };
    change(&mut entry);
    entry
}

fn events(world: &World) -> Vec<(i64, String)> {
    let detail = Detail::of(AccountKey::new("record:alpha"), world);
    detail.events.into_iter().map(|event| (NOW.since(event.at).as_secs() / 60, event.text)).collect()
}

#[test]
fn log_and_ledger_are_told_together_newest_first() {
    let mut world = world();
    let hash = |name: &str| format!("sha256:{}", sha256_hex(format!("ws-{name}")));
    world.chronicle = Arc::new(Chronicle {
        acts: vec![
            act(300, Action::AccountRefresh, &[]),
            act(200, Action::AccountChange, &[("enabled", "off")]),
            act(100, Action::AuthFailure, &[("code", "refresh_token_reused")]),
            // The pin's own line: the account told it already.
            act(7, Action::AccountSwitch, &[("reason", "manual")]),
            Act { whose: "bravo".to_owned(), ..act(1, Action::AccountRefresh, &[]) },
        ],
        ..Chronicle::default()
    });
    world.usage = Arc::new(vec![
        entry(50, "alpha", 200, |row| {
            row.rotated_from = vec![hash("bravo")];
            row.failover = Some("usage-limit".to_owned());
        }),
        entry(40, "alpha", 429, |_| {}),
        entry(30, "bravo", 200, |row| row.rotated_from = vec![hash("alpha")]),
        entry(20, "alpha", 200, |row| row.attempts = Some(2)),
        entry(10, "alpha", 200, |_| {}),
    ]);

    let told = events(&world);

    let expected = [
        (7, "pinned by you"),
        (20, "a short retry on gpt-5 worked"),
        (30, "moved on to bravo"),
        (40, "429 on gpt-5"),
        (50, "rotated here from bravo (usage limit)"),
        (100, "sign-in refused: refresh token reused"),
        (200, "switched off by you"),
        (300, "token refreshed"),
        (2_880, "signed in by browser"),
    ];
    assert_eq!(told, expected.map(|(minutes, text)| (minutes, text.to_owned())));
}

#[test]
fn a_pool_of_old_that_says_nothing_has_no_events() {
    let mut world = world();
    let mut roster = (*world.roster).clone();
    roster.accounts[0].arrival = None;
    roster.pinned_at = None;
    world.roster = Arc::new(roster);

    assert_eq!(events(&world), []);
    assert_eq!(world.chronicle.figures, BTreeMap::new());
}
