//! The end of a log, a looked-over machine and kept sessions, as the wireframes have them.

use std::sync::Arc;

use codex_multi_auth::app::Model;
use codex_multi_auth::app::checkup::{Act, Heard};
use codex_multi_auth::app::{bridge, history};
use codex_multi_auth::base::Span;
use codex_multi_auth::domain::bridge::{Access, Living};
use codex_multi_auth::domain::checkup::facts::{
    Answer, Config, Facts, FileFacts, MachineFacts, OfficialFacts, Paths, PoolFacts, Port, StoreFacts,
};
use codex_multi_auth::domain::checkup::repair::{Carried, Mended};
use codex_multi_auth::domain::client_token::{ClientToken, Reach};
use codex_multi_auth::domain::history::Session;
use codex_multi_auth::domain::log::{Level, Line, Tail};
use codex_multi_auth::domain::official::Login;
use codex_multi_auth::domain::recovery::Health;

use super::stage::{NOW, key};

fn line(back: i64, level: Level, part: &str, message: &str, fields: &[(&str, &str)]) -> Line {
    let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let (part, message) = (part.to_owned(), message.to_owned());
    Line { at: NOW - Span::millis(back), level, part, message, fields }
}

/// The lines of the wireframe, and one that matters less.
pub(crate) fn tail() -> Tail {
    let turn = |back, level, request, word: &str, name: &str, took, tokens, session, note: &str| {
        let who = key(name).short().to_owned();
        let fields = [
            ("request", request),
            ("account", who.as_str()),
            ("model", if name == "foxtrot" { "gpt-5" } else { "gpt-5-codex" }),
            ("via", "ws"),
            ("session", session),
            ("took_ms", took),
            ("tokens", tokens),
            ("note", note),
        ];
        line(back, level, "proxy", word, &fields)
    };
    let [bravo, alpha, echo] = ["bravo", "alpha", "echo"].map(|name| key(name).short().to_owned());
    let lines = vec![
        turn(1_588, Level::Info, "214", "ok", "alpha", "6200", "18200", "3f2a", ""),
        turn(78_910, Level::Info, "213", "ok", "alpha", "3800", "9400", "3f2a", ""),
        line(176_623, Level::Info, "proxy", "rotated: usage-limit", &[("from", &bravo), ("to", &alpha)]),
        turn(
            177_049,
            Level::Warn,
            "211",
            "limit",
            "bravo",
            "400",
            "0",
            "91bc",
            "5h window empty, back in 95m",
        ),
        turn(259_882, Level::Info, "210", "ok", "foxtrot", "12900", "31400", "77d0", ""),
        turn(400_996, Level::Warn, "209", "net", "delta", "0", "0", "77d0", "reset, cooling 25m"),
        line(500_000, Level::Debug, "proxy", "limits were observed", &[("account", &alpha)]),
        line(735_340, Level::Info, "sync", "the pool was changed, read anew", &[("accounts", "6")]),
        line(
            1_551_287,
            Level::Error,
            "auth",
            "the account needs a new sign-in",
            &[("account", &echo), ("code", "refresh_token_reused")],
        ),
        line(11_278_998, Level::Info, "proxy", "listening", &[("port", "4517")]),
    ];
    Tail { lines, trouble: None }
}

/// Kept sessions, one of them of the original package.
pub(crate) fn sessions() -> Vec<Session> {
    let session = |id: &str, thread: &str, minutes, provider: &str, folder: &str| Session {
        id: id.to_owned(),
        thread: thread.to_owned(),
        updated: NOW - Span::minutes(minutes),
        provider: Some(provider.to_owned()),
        originator: Some("codex_cli_rs".to_owned()),
        cwd: Some(format!("/home/me/src/{folder}")),
        cli_version: Some("0.169.0".to_owned()),
        path: format!("/home/me/.codex/sessions/2026/11/22/rollout-{id}.jsonl").into(),
        messages: vec![thread.to_owned(), "and run the tests".to_owned()],
    };
    vec![
        session("3f2a1c90-0000-7000-8000-000000000001", "fix the flaky login test", 1, "openai", "web-shop"),
        session("91bc77d0-0000-7000-8000-000000000002", "release notes", 3, "openai", "infra"),
        session("77d02b1e-0000-7000-8000-000000000003", "rename module", 1_500, "codex-multi-auth", "infra"),
    ]
}

/// A machine on which little is wrong: one file that others may read.
fn facts(model: &Model) -> Facts {
    Facts {
        at: NOW,
        paths: Paths::default(),
        pool: PoolFacts {
            roster: Arc::clone(&model.world.roster),
            health: Health::Healthy,
            trouble: None,
            positions: None,
            copy: None,
            next: Some(key("alpha")),
            out_of_step: std::collections::BTreeMap::new(),
        },
        files: FileFacts {
            size: Some(Ok(14_000)),
            copies: 5,
            loose: vec!["/home/me/.codex/multi-auth/settings.json".into()],
            locking: Some(Ok(())),
            free: Some(80_000_000_000),
            ..FileFacts::default()
        },
        official: OfficialFacts {
            has_auth: false,
            login: Login::Absent,
            config: Config::Read { store: Some("file".to_owned()), base_url: None, provider: None },
            may_set_store: true,
            may_write: true,
            program: Some(Ok("/usr/bin/codex 0.169.0".to_owned())),
        },
        stores: StoreFacts::default(),
        machine: MachineFacts {
            proxies: vec![(8_123, "inline".to_owned(), 4_517, Answer::Given)],
            descriptors: Some(65_536),
            login_port: Some(Port::Free),
            ..MachineFacts::default()
        },
    }
}

/// What looking and mending come to.
pub(crate) fn examined(model: &Model, act: Act) -> Option<Heard> {
    match act {
        Act::Examine => Some(Heard::Examined(Box::new(facts(model)))),
        Act::Carry(repairs) => {
            let done = |repair| Carried { repair, result: Ok(Mended::Done) };
            Some(Heard::Carried(repairs.into_iter().map(done).collect()))
        }
        Act::Ask(_) | Act::Paths | Act::Rotate(_) => None,
    }
}

/// What listing sessions comes to.
pub(crate) fn listed(act: &history::Act) -> Option<history::Heard> {
    matches!(act, history::Act::List(_)).then(|| history::Heard::Listed(Ok(sessions())))
}

/// The bridge and the keys of its clients.
pub(crate) fn bridged(order: &bridge::Order) -> Option<bridge::Heard> {
    let reach = |models: &[&str]| Reach {
        scopes: Vec::new(),
        models: models.iter().map(|model| (*model).to_owned()).collect(),
        expires_at: None,
    };
    let token = |id: &str, label: &str, models: &[&str]| ClientToken {
        id: id.to_owned(),
        label: label.to_owned(),
        prefix: "cma_local_Q2x".to_owned(),
        hash: "sha256:00".to_owned(),
        created_at: NOW - Span::days(3),
        last_used: Some(NOW - Span::minutes(4)),
        revoked_at: None,
        reach: reach(models),
    };
    match order {
        bridge::Order::Status => Some(bridge::Heard::Standing(bridge::Standing {
            living: Some(Living { pid: 9_001, port: 4_600, access: Access::Keyed }),
            tokens: (2, 1),
            port: 4_600,
            changed: bridge::Changed::No,
        })),
        bridge::Order::List => {
            let old = ClientToken { revoked_at: Some(NOW - Span::days(1)), ..token("3", "old editor", &[]) };
            let all = vec![old, token("1", "editor", &[]), token("2", "ci", &["gpt-5-codex"])];
            Some(bridge::Heard::Tokens(all, NOW))
        }
        bridge::Order::Create(_) => {
            let plain = "cma_local_shown-once-and-never-again".into();
            Some(bridge::Heard::Minted(token("4", "new one", &[]), plain))
        }
        bridge::Order::Start { .. }
        | bridge::Order::Stop
        | bridge::Order::Rotate(_)
        | bridge::Order::Revoke(_)
        | bridge::Order::Integrations(_) => None,
    }
}
