//! The wizard at a terminal: every way in, every failure, every way out.

use std::net::TcpListener;

use codex_multi_auth::base::Span;
use codex_multi_auth::formats::scenario::{Action, Endpoint, Rule};
use pretty_assertions::assert_eq;

use super::{at_the_wizard, calls, emails, empty, has_pool};
use crate::support::browser::{Opener, Ports, agree, get, parameter};
use crate::support::process::MANAGER;
use crate::support::pty::Terminal;

#[test]
fn the_dashboard_adds_the_first_account_with_four_keys() {
    let _ports = Ports::take();
    let (play, mut home) = empty(&["one"]);
    let opener = Opener::install(&mut home);
    let mut terminal = Terminal::start(MANAGER, &[""; 0], &home.environment(), (100, 30));
    terminal.wait_for("Before you start");
    terminal.send("y");
    terminal.wait_for("Welcome. Add the first");
    terminal.send("1");
    let callback = agree(&opener.wait());
    terminal.wait_for("waiting for the browser");

    assert_eq!(get(&callback).status, 200);

    terminal.wait_for("New account 1: one@example.com");
    terminal.send("\r");
    terminal.wait_for("1 account  1 ready");
    terminal.send("q");
    assert_eq!(terminal.finish().exit_code(), 0, "{}", terminal.text());
    assert_eq!(emails(&home), ["one@example.com"]);
    assert_eq!(home.auth()["tokens"]["account_id"], play.login("one").account_id);
    let written = String::from_utf8_lossy(&terminal.written()).into_owned();
    assert!(!written.contains(&parameter(&callback, "code").unwrap()));
    TcpListener::bind("127.0.0.1:1455").unwrap();
}

#[test]
fn the_wizard_gives_the_port_back_when_it_is_left() {
    let _ports = Ports::take();
    let (_play, mut home) = empty(&["one"]);
    let opener = Opener::install(&mut home);
    let mut terminal = Terminal::start(MANAGER, &[""; 0], &home.environment(), (100, 30));
    terminal.wait_for("Before you start");
    terminal.send("y");
    terminal.wait_for("Welcome. Add the first");
    terminal.send("1");
    opener.wait();
    terminal.wait_for("waiting for the browser");

    terminal.send("\u{1b}");

    terminal.wait_for("Welcome. Add the first");
    TcpListener::bind("127.0.0.1:1455").unwrap();
    terminal.send("q");
    assert_eq!(terminal.finish().exit_code(), 0);
    assert!(!has_pool(&home));
}

#[test]
fn a_sign_in_at_a_terminal_opens_the_wizard_and_ends_with_it() {
    let (play, home) = empty(&["one"]);
    play.backend().pending_polls(1);
    let mut terminal = at_the_wizard(&home, &["login", "--device-auth", "--accept-terms"]);

    terminal.wait_for("Type this code");
    assert_eq!(terminal.finish().exit_code(), 0, "{}", terminal.text());

    assert!(terminal.text().contains("Added account 1: one@example.com"), "{}", terminal.text());
    assert_eq!(emails(&home), ["one@example.com"]);
    play.assert_no_violation();
}

#[test]
fn leaving_the_wizard_or_the_terms_is_a_cancelled_sign_in() {
    for (words, shown, keys) in [
        (&["login", "--manual", "--accept-terms"][..], "Open this address", "\u{1b}"),
        (&["login", "--manual"][..], "Before you start", "n"),
        (&["login"][..], "Before you start", "\r"),
        (&["login", "--accept-terms"][..], "Welcome. Add the first", "q"),
    ] {
        let (play, home) = empty(&["one"]);
        let mut terminal = at_the_wizard(&home, words);
        terminal.wait_for(shown);
        terminal.send(keys);

        assert_eq!(terminal.finish().exit_code(), 3, "{words:?}: {}", terminal.text());
        assert!(!has_pool(&home), "{words:?}");
        assert_eq!(calls(&play, "/oauth/token"), 0, "{words:?}");
    }
}

#[test]
fn a_callback_pasted_into_the_wizard_signs_in() {
    let (_play, mut home) = empty(&["one"]);
    home.set("CODEX_AUTH_NO_BROWSER", "1");
    let mut terminal = Terminal::start(MANAGER, &["login", "--accept-terms"], &home.environment(), (110, 40));
    terminal.wait_for("Open this address");
    let url = terminal.look(|screen| {
        let text = screen.contents();
        let lines = text.lines().map(str::trim).skip_while(|line| !line.starts_with("http://127.0.0.1"));
        lines.take_while(|line| !line.is_empty()).collect::<String>()
    });
    let callback = agree(&url);
    let code = parameter(&callback, "code").unwrap();

    terminal.send("p");
    terminal.wait_for("paste here");
    terminal.send(&format!("\u{1b}[200~{code}\u{1b}[201~"));
    terminal.send("\r");
    terminal.wait_for("the state is missing");
    terminal.send("p");
    terminal.wait_for("paste here");
    terminal.send(&format!("\u{1b}[200~{callback}\u{1b}[201~"));
    terminal.send("\r");
    terminal.wait_for("New account 1: one@example.com");
    terminal.send("\rq");

    assert_eq!(terminal.finish().exit_code(), 0, "{}", terminal.text());
    assert_eq!(emails(&home), ["one@example.com"]);
    let written = String::from_utf8_lossy(&terminal.written()).into_owned();
    assert!(!written.contains(&code));
}

/// What the back end does, what the small screen says of it, and how the program ends when it is left then.
#[test]
fn every_failure_is_told_on_a_small_screen_with_ways_to_go_on() {
    let refuse = |status: u16, code: &str, message: &str| Action::Refuse {
        status,
        code: code.to_owned(),
        message: message.to_owned(),
    };
    for (name, rule, exit, words) in [
        (
            "no device codes",
            Rule::everywhere(Endpoint::Device, refuse(404, "not_found", "nothing here")),
            1,
            "device codes are not enabled",
        ),
        (
            "refused",
            Rule::everywhere(Endpoint::Device, refuse(400, "bad", "No codes today")),
            1,
            "No codes today",
        ),
        (
            "over",
            Rule::everywhere(Endpoint::Device, refuse(410, "gone", "The code is gone")).skip(1),
            1,
            "The code is gone",
        ),
        ("unreadable", Rule::everywhere(Endpoint::Device, Action::Garbage), 1, "could not be"),
        ("exchange", Rule::everywhere(Endpoint::Code, refuse(500, "oops", "It broke")), 1, "It broke"),
        ("lost", Rule::everywhere(Endpoint::Code, Action::Drop), 6, "could not be"),
    ] {
        let (play, home) = empty(&["one"]);
        play.backend().script(rule);
        let words_of_it = ["login", "--device-auth", "--accept-terms"];
        let mut terminal = Terminal::start(MANAGER, &words_of_it, &home.environment(), (60, 20));

        terminal.wait_for("Try again, another way, or go back");
        let shown = terminal.text();
        terminal.send("\u{1b}");

        assert!(shown.contains(words), "{name}: {shown}");
        assert!(shown.contains("5  Take over sign-ins"), "{name}: {shown}");
        assert_eq!(terminal.finish().exit_code(), exit, "{name}: {}", terminal.text());
        assert!(!has_pool(&home), "{name}");
    }
}

#[test]
fn a_code_that_ran_out_may_be_asked_for_anew_with_one_key() {
    let (play, home) = empty(&["one"]);
    play.backend().device_life(Span::seconds(1));
    play.backend().pending_polls(1_000);
    let mut terminal = at_the_wizard(&home, &["login", "--device-auth", "--accept-terms"]);
    terminal.wait_for("was not entered within 1 second");

    play.backend().device_life(Span::minutes(15));
    play.backend().pending_polls(0);
    terminal.send("3");

    assert_eq!(terminal.finish().exit_code(), 0, "{}", terminal.text());
    assert_eq!(emails(&home), ["one@example.com"]);
}

#[test]
fn a_refusal_in_the_browser_comes_back_to_the_wizard() {
    let _ports = Ports::take();
    let (play, mut home) = empty(&["one"]);
    let refuse = Action::Refuse {
        status: 400,
        code: "access_denied".to_owned(),
        message: "missing_codex_entitlement".to_owned(),
    };
    play.backend().script(Rule::everywhere(Endpoint::Authorize, refuse).once());
    let opener = Opener::install(&mut home);
    let mut terminal = at_the_wizard(&home, &["login", "--accept-terms"]);
    terminal.wait_for("Welcome. Add the first");
    terminal.send("1");

    let page = get(&agree(&opener.wait()));

    assert!(page.body.contains("no access to Codex"), "{}", page.body);
    terminal.wait_for("Ask the administrator of the workspace");
    opener.forget();
    terminal.send("1");
    assert_eq!(get(&agree(&opener.wait())).status, 200);
    terminal.wait_for("New account 1: one@example.com");
    terminal.send("\r");
    terminal.wait_for("1 account  1 ready");
    terminal.send("q");
    assert_eq!(terminal.finish().exit_code(), 0, "{}", terminal.text());
}

#[test]
fn when_both_ports_are_busy_the_wizard_names_the_holder_and_offers_a_code() {
    let _ports = Ports::take();
    let (_play, mut home) = empty(&["one"]);
    home.set("CODEX_MULTI_AUTH_LOGIN_PORT_HANDOVER", "0");
    Opener::install(&mut home);
    let _holders = [1455, 1457].map(|port| TcpListener::bind(("127.0.0.1", port)).unwrap());
    let mut terminal = Terminal::start(MANAGER, &["login", "--accept-terms"], &home.environment(), (80, 24));
    terminal.wait_for("Welcome. Add the first");
    terminal.send("1");

    terminal.wait_for("1457 is held by");

    let shown = terminal.text();
    assert!(shown.contains(&format!("(process {})", std::process::id())), "{shown}");
    terminal.send("3");
    terminal.wait_for("New account 1: one@example.com");
    terminal.send("\rq");
    assert_eq!(terminal.finish().exit_code(), 0, "{}", terminal.text());
}
