//! The device-code flow, headless: each answer of the service and what it ends in.

use std::net::TcpListener;

use codex_multi_auth::base::Span;
use codex_multi_auth::formats::scenario::{Action, Endpoint, Rule};
use pretty_assertions::assert_eq;
use serde_json::json;

use super::{at_the_wizard, calls, document, emails, empty, has_pool};
use crate::support::browser::Opener;
use crate::support::dirs::Home;
use crate::support::process::run;

#[test]
fn without_a_terminal_one_person_signs_in_by_device_code() {
    let (play, mut home) = empty(&["one", "two"]);
    let opener = Opener::install(&mut home);
    play.backend().pending_polls(1);

    let ran = run(&mut home.manager(&["login", "--accept-terms"])).expect(0);

    assert!(ran.stdout.contains("/codex/device"), "{}", ran.stdout);
    assert!(ran.stdout.contains("\nCode: "), "{}", ran.stdout);
    assert!(ran.stdout.contains("Added account 1: one@example.com\nTotal: 1\n"), "{}", ran.stdout);
    assert!(
        ran.stderr.contains("good for 15 minutes") && ran.stderr.contains("Never give it"),
        "{}",
        ran.stderr
    );
    assert_eq!(emails(&home), ["one@example.com"]);
    assert_eq!(calls(&play, "/usercode"), 1);
    assert_eq!(opener.opened(), None);
    assert_eq!(home.auth()["tokens"]["account_id"], play.login("one").account_id);
    play.assert_no_violation();
}

#[test]
fn with_json_stdout_is_one_document_and_the_code_goes_to_stderr() {
    let (play, home) = empty(&["one"]);

    let ran = run(&mut home.manager(&["login", "--json", "--accept-terms"])).expect(0);

    let document = document(&ran);
    assert_eq!(document["command"], "login");
    assert_eq!((&document["ok"], &document["outcome"]), (&json!(true), &json!("inserted")));
    assert_eq!((&document["number"], &document["total"]), (&json!(1), &json!(1)));
    assert!(document["accountRef"].as_str().unwrap().starts_with("record:"), "{document:#}");
    assert_eq!(document["workspace"], play.login("one").account_id);
    assert!(ran.stderr.contains("/codex/device") && ran.stderr.contains("Code: "), "{}", ran.stderr);
}

#[test]
fn every_failure_of_a_device_code_has_its_words_and_its_code() {
    let refuse = |status: u16, code: &str, message: &str| Action::Refuse {
        status,
        code: code.to_owned(),
        message: message.to_owned(),
    };
    for (name, rule, exit, code, words) in [
        (
            "disabled",
            Rule::everywhere(Endpoint::Device, refuse(404, "not_found", "nothing here")),
            1,
            "device-login-disabled",
            "not enabled on this server",
        ),
        (
            "refused",
            Rule::everywhere(Endpoint::Device, refuse(400, "bad", "No codes today")),
            1,
            "login-denied",
            "No codes today",
        ),
        (
            "fatal poll",
            Rule::everywhere(Endpoint::Device, refuse(410, "gone", "The code is gone")).skip(1),
            1,
            "login-denied",
            "The code is gone",
        ),
        (
            "garbage",
            Rule::everywhere(Endpoint::Device, Action::Garbage),
            1,
            "invalid-response",
            "could not be read",
        ),
        (
            "exchange",
            Rule::everywhere(Endpoint::Code, refuse(500, "oops", "Something broke")),
            1,
            "server-error",
            "Something broke",
        ),
        (
            "exchange garbage",
            Rule::everywhere(Endpoint::Code, Action::Garbage),
            1,
            "invalid-response",
            "could not be read",
        ),
        ("dropped", Rule::everywhere(Endpoint::Code, Action::Drop), 6, "network", "could not be reached"),
    ] {
        let (play, home) = empty(&["one"]);
        play.backend().script(rule);

        let ran = run(&mut home.manager(&["login", "--json", "--accept-terms"])).expect(exit);

        let told = document(&ran);
        assert_eq!(told["error"]["code"], code, "{name}: {told:#}");
        assert_eq!((&told["ok"], &told["outcome"]), (&json!(false), &json!("failed")), "{name}");
        assert!(told["error"]["message"].as_str().unwrap().contains(words), "{name}: {told:#}");
        assert!(!has_pool(&home), "{name}");
    }
}

#[test]
fn a_code_that_nobody_types_runs_out() {
    let (play, home) = empty(&["one"]);
    play.backend().device_life(Span::seconds(2));
    play.backend().pending_polls(1_000);

    let ran = run(&mut home.manager(&["login", "--accept-terms"])).expect(1);

    assert!(ran.stderr.contains("not entered within 2 seconds"), "{}", ran.stderr);
}

#[test]
fn an_unreachable_service_is_a_network_failure() {
    let (_play, mut home) = empty(&["one"]);
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    home.set("CODEX_MULTI_AUTH_AUTH_BASE_URL", format!("http://127.0.0.1:{closed}"));

    let ran = run(&mut home.manager(&["login", "--json", "--accept-terms"])).expect(6);

    assert_eq!(document(&ran)["error"]["code"], "network");
}

#[test]
fn a_rehearsal_signs_in_without_terms_and_leaves_nothing() {
    let home = Home::for_demo();

    let ran = run(&mut home.manager(&["--demo=first-run", "login", "--json"])).expect(0);

    assert_eq!(document(&ran)["outcome"], "inserted");
    assert!(home.files().is_empty(), "{:?}", home.files().keys());
}

#[test]
fn the_scripted_face_at_a_terminal_starts_no_browser_and_no_screen() {
    let (play, mut home) = empty(&["one"]);
    let opener = Opener::install(&mut home);
    let mut terminal = at_the_wizard(&home, &["login", "--headless", "--accept-terms"]);

    assert_eq!(terminal.finish().exit_code(), 0, "{}", terminal.text());

    let shown = terminal.text();
    assert!(shown.contains("Code: ") && shown.contains("Added account 1: one@example.com"), "{shown}");
    let written = String::from_utf8_lossy(&terminal.written()).into_owned();
    assert!(!written.contains("\u{1b}[?1049h"), "no other screen is opened\n{written}");
    assert_eq!((opener.opened(), calls(&play, "/usercode")), (None, 1));
}
