//! Ends our processes at every named point of a save and of a token refresh, starts again and compares.
//!
//! The points are those of `adapters::fault`: one that no run passes fails here, so none can be added untested.

#![cfg(debug_assertions)]

use codex_multi_auth::adapters::fault::POINTS;
use codex_multi_auth::base::Span;
use codex_multi_auth::formats::scenario::Scenario;
use serde_json::Value;

use crate::support::dirs::Home;
use crate::support::play::Play;
use crate::support::process::run;

const FAULT: &str = "CODEX_MULTI_AUTH_FAULT";

/// How a process ends that aborts.
const ABORTED: i32 = 134;

fn points(kind: &str) -> impl Iterator<Item = &'static str> {
    POINTS.into_iter().filter(move |point| point.starts_with(kind))
}

/// The refresh tokens of the pool, sorted.
fn refresh_tokens(home: &Home) -> Vec<String> {
    let pool = home.pool();
    let rows = pool["accounts"].as_array().expect("rows");
    let mut all: Vec<_> =
        rows.iter().filter_map(|row| row["refreshToken"].as_str().map(str::to_owned)).collect();
    all.sort();
    all
}

#[test]
fn a_save_that_is_killed_loses_nothing_and_the_next_one_works() {
    for point in points("save.") {
        let home = Home::with_samples(3);
        let before = refresh_tokens(&home);

        let killed = run(home.manager(&["switch", "2"]).env(FAULT, point));
        assert_eq!(killed.code(), ABORTED, "{point} was not passed\n{}", killed.stderr);
        let status = run(&mut home.manager(&["status", "--json"])).expect(0);
        let status: Value = serde_json::from_str(&status.stdout).expect("a document");
        run(&mut home.manager(&["switch", "3"])).expect(0);

        assert_eq!(status["accountCount"], 3, "{point}");
        assert!([0, 1].map(Value::from).contains(&status["activeIndex"]), "{point}: {status:#}");
        assert_eq!(refresh_tokens(&home), before, "{point}");
        assert_eq!(home.pool()["activeIndex"], 2, "{point}");
        assert_eq!(strays(&home), Vec::<String>::new(), "{point}");
    }
}

#[test]
fn a_save_that_fails_says_so_and_loses_nothing() {
    for error in ["ENOSPC", "EACCES", "EROFS", "EIO"] {
        for point in points("save.") {
            let home = Home::with_samples(3);
            let before = refresh_tokens(&home);

            let failed = run(home.manager(&["switch", "2", "--json"]).env(FAULT, format!("{point}={error}")));
            run(&mut home.manager(&["switch", "3"])).expect(0);

            assert!([0, 1].contains(&failed.code()), "{point} {error}: {}\n{}", failed.code(), failed.stderr);
            assert_eq!(refresh_tokens(&home), before, "{point} {error}");
            assert_eq!(home.pool()["activeIndex"], 2, "{point} {error}");
        }
    }
}

/// Temporary files of a save that nobody cleaned up.
fn strays(home: &Home) -> Vec<String> {
    let names = home.files().into_keys().map(|path| path.display().to_string());
    names.filter(|name| name.contains(".tmp") || name.contains(".rotate.")).collect()
}

#[test]
fn a_refresh_that_is_killed_never_sends_a_token_twice() {
    for point in points("refresh.") {
        let expired = |player: &mut codex_multi_auth::formats::scenario::Player| {
            player.token_left = Some(Span::hours(-1));
        };
        let play = Play::start(Scenario::pool(["one", "two"]).with("one", expired));
        let mut home = play.home();
        home.write_auth(&play.login("one"));
        home.put_program("codex", "#!/bin/sh\nexit 0\n");

        let killed = run(home.forwarder(&["exec", "hi"]).env(FAULT, point));
        assert_eq!(killed.code(), ABORTED, "{point} was not passed\n{}", killed.stderr);
        run(&mut home.forwarder(&["exec", "hi"])).expect(0);
        run(&mut home.forwarder(&["exec", "hi"])).expect(0);

        play.assert_no_violation();
        let held = refresh_tokens(&home);
        assert_eq!(held.len(), 2, "{point}: an account is gone");
        // Whose answer was never made durable: the token is lost to everybody, and only then.
        let lost = ["refresh.sent", "refresh.answered"].contains(&point);
        let newest = play.login("one").refresh;
        assert_eq!(held.contains(&newest), !lost, "{point}: the pool holds the newest token");
        // The preflight may refresh the other account, too: a pool written by the reference has no id tokens.
        let calls = play.backend().record().at("token");
        let asked = calls.iter().filter(|call| call.account.as_deref() == Some("one")).count();
        assert!(asked <= if lost { 1 } else { 2 }, "{point}: {asked} refreshes");
    }
}
