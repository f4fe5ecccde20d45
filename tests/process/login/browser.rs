//! The browser flow: ports, pages, refusals, and when a browser is worth trying.

use std::io::Write as _;
use std::net::TcpListener;

use codex_multi_auth::formats::scenario::{Action, Endpoint, Rule};
use pretty_assertions::assert_eq;

use super::{at_a_terminal, calls, emails, empty, has_pool, sign_in};
use crate::support::browser::{Opener, Ports, agree, get, parameter};
use crate::support::process::run;

#[test]
fn at_a_terminal_the_browser_signs_in() {
    let _ports = Ports::take();
    let (play, mut home) = empty(&["one"]);
    let opener = Opener::install(&mut home);
    let mut terminal = at_a_terminal(&home, &["login", "--accept-terms"]);

    let callback = agree(&opener.wait());
    assert!(callback.starts_with("http://127.0.0.1:1455/auth/callback?code="), "{callback}");
    let wrong = callback.replace("state=", "state=x");
    assert_eq!((get(&wrong).status, get(&wrong).body.as_str()), (400, "State mismatch"));
    assert_eq!(get("http://127.0.0.1:1455/anything").status, 404);
    let page = get(&callback);

    assert_eq!(page.status, 200, "{}", page.body);
    assert!(page.body.contains("Sign-in complete"), "{}", page.body);
    for (name, value) in [
        ("content-type", "text/html; charset=utf-8"),
        ("x-frame-options", "DENY"),
        ("x-content-type-options", "nosniff"),
        ("cache-control", "no-store"),
        ("connection", "close"),
    ] {
        assert_eq!(page.header(name), Some(value));
    }
    assert!(page.header("content-security-policy").unwrap().starts_with("default-src 'none'"));
    assert_eq!(terminal.finish().exit_code(), 0, "{}", terminal.text());
    assert!(terminal.text().contains("Added account 1: one@example.com"), "{}", terminal.text());
    assert_eq!(emails(&home), ["one@example.com"]);
    assert_eq!(calls(&play, "/oauth/token"), 1);
    assert_eq!(calls(&play, "/oauth/revoke"), 0);
}

#[test]
fn the_link_asks_for_what_the_official_client_asks_for() {
    let (play, home) = empty(&["one"]);

    let first = run(&mut home.manager(&["login", "--print-url", "--accept-terms"])).expect(0).stdout;
    sign_in(&play, &home, "one");
    let later = run(&mut home.manager(&["login", "--print-url", "--org", "ws-1"])).expect(0).stdout;

    let names = |url: &str| -> Vec<String> {
        let query = url.trim().split_once('?').unwrap().1;
        query.split('&').map(|pair| pair.split_once('=').unwrap().0.to_owned()).collect()
    };
    let usual = [
        "response_type",
        "client_id",
        "redirect_uri",
        "scope",
        "code_challenge",
        "code_challenge_method",
        "state",
        "id_token_add_organizations",
        "codex_cli_simplified_flow",
        "originator",
    ];
    assert_eq!(names(&first), usual);
    assert_eq!(names(&later), [&usual[..], &["prompt", "allowed_workspace_id"]].concat());
    assert_eq!(parameter(first.trim(), "state").unwrap().len(), 43);
}

#[test]
fn a_refusal_in_the_browser_ends_the_attempt_at_once() {
    let _ports = Ports::take();
    for (message, code, words) in [
        ("The person said no", "login-denied", "the sign-in was refused: The person said no"),
        ("missing_codex_entitlement", "not-entitled", "this workspace has no access to Codex"),
    ] {
        let (play, mut home) = empty(&["one"]);
        let refuse =
            Action::Refuse { status: 400, code: "access_denied".to_owned(), message: message.to_owned() };
        play.backend().script(Rule::everywhere(Endpoint::Authorize, refuse));
        let opener = Opener::install(&mut home);
        let mut terminal = at_a_terminal(&home, &["login", "--accept-terms"]);

        let page = get(&agree(&opener.wait()));

        assert_eq!(page.status, 200, "{code}");
        assert!(page.body.contains(words), "{code}: {}", page.body);
        assert_eq!(terminal.finish().exit_code(), 1, "{code}: {}", terminal.text());
        assert!(terminal.text().contains(words), "{code}: {}", terminal.text());
        assert!(!has_pool(&home));
    }
}

#[test]
fn a_failed_exchange_is_told_in_the_browser_and_in_the_terminal() {
    let _ports = Ports::take();
    let refuse = |status: u16, code: &str, message: &str| Action::Refuse {
        status,
        code: code.to_owned(),
        message: message.to_owned(),
    };
    for (name, action, exit, words) in [
        ("a spent code", refuse(400, "invalid_grant", "The code has expired"), 1, "The code has expired"),
        ("trouble there", refuse(503, "oops", "Come back later"), 1, "Come back later"),
        ("no answer anybody can read", Action::Garbage, 1, "could not be read"),
        ("a lost connection", Action::Drop, 6, "could not be reached"),
    ] {
        let (play, mut home) = empty(&["one"]);
        play.backend().script(Rule::everywhere(Endpoint::Code, action));
        let opener = Opener::install(&mut home);
        let mut terminal = at_a_terminal(&home, &["login", "--accept-terms"]);

        let page = get(&agree(&opener.wait()));

        assert!(page.body.contains(words), "{name}: {}", page.body);
        assert_eq!(terminal.finish().exit_code(), exit, "{name}: {}", terminal.text());
        assert!(terminal.text().contains(words), "{name}: {}", terminal.text());
        assert_eq!(calls(&play, "/oauth/token"), 1, "{name}: a code is given up once");
        assert!(!has_pool(&home), "{name}");
    }
}

#[test]
fn a_busy_first_port_is_asked_for_and_then_left_alone() {
    let _ports = Ports::take();
    let (play, mut home) = empty(&["one"]);
    let opener = Opener::install(&mut home);
    let holder = TcpListener::bind("127.0.0.1:1455").unwrap();
    let asked = std::thread::spawn(move || {
        let (mut stream, _) = holder.accept().unwrap();
        let mut bytes = [0; 512];
        let count = std::io::Read::read(&mut stream, &mut bytes).unwrap();
        stream.write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n").unwrap();
        (String::from_utf8_lossy(&bytes[..count]).into_owned(), holder)
    });
    let mut terminal = at_a_terminal(&home, &["login", "--accept-terms"]);

    let url = opener.wait();
    let callback = agree(&url);

    let (request, _holder) = asked.join().unwrap();
    assert!(request.starts_with("GET /cancel HTTP/1.1\r\n"), "{request}");
    assert_eq!(
        parameter(&url, "redirect_uri").as_deref(),
        Some("http%3A%2F%2F127.0.0.1%3A1457%2Fauth%2Fcallback")
    );
    assert!(callback.starts_with("http://127.0.0.1:1457/auth/callback"), "{callback}");
    assert_eq!(get(&callback).status, 200);
    assert_eq!(terminal.finish().exit_code(), 0, "{}", terminal.text());
    play.assert_no_violation();
}

#[test]
fn when_both_ports_are_busy_their_holder_is_named() {
    let _ports = Ports::take();
    let (_play, mut home) = empty(&["one"]);
    Opener::install(&mut home);
    let _holders = [1455, 1457].map(|port| TcpListener::bind(("127.0.0.1", port)).unwrap());

    let mut terminal = at_a_terminal(&home, &["login", "--accept-terms"]);

    assert_eq!(terminal.finish().exit_code(), 1, "{}", terminal.text());
    let text = terminal.text();
    let own = format!("(process {})", std::process::id());
    for words in ["1455 is held by ", "1457 is held by ", &own, "ss -lptn", "login --device-auth"] {
        assert!(text.contains(words), "{words}\n{text}");
    }
}

#[test]
fn another_sign_in_may_ask_for_the_port() {
    let _ports = Ports::take();
    let (_play, mut home) = empty(&["one"]);
    let opener = Opener::install(&mut home);
    let mut terminal = at_a_terminal(&home, &["login", "--accept-terms"]);
    opener.wait();

    assert_eq!(get("http://127.0.0.1:1455/cancel").status, 200);

    assert_eq!(terminal.finish().exit_code(), 3, "{}", terminal.text());
    assert!(terminal.text().contains("Cancelled"), "{}", terminal.text());
    assert!(!has_pool(&home));
    TcpListener::bind("127.0.0.1:1455").unwrap();
}

#[test]
fn an_interrupt_changes_nothing_and_frees_the_port() {
    let _ports = Ports::take();
    let (_play, mut home) = empty(&["one"]);
    let opener = Opener::install(&mut home);
    let mut terminal = at_a_terminal(&home, &["login", "--accept-terms"]);
    opener.wait();
    terminal.wait_for("Waiting 5 minutes");

    terminal.send("\u{3}");

    assert_eq!(terminal.finish().exit_code(), 130, "{}", terminal.text());
    assert!(!has_pool(&home));
    TcpListener::bind("127.0.0.1:1455").unwrap();
}

#[test]
fn the_variable_that_allows_a_browser_wins() {
    let _ports = Ports::take();
    let (_play, mut home) = empty(&["one"]);
    let opener = Opener::install(&mut home);
    home.set("CODEX_AUTH_NO_BROWSER", "0");
    home.set("BROWSER", "none");
    home.set("SSH_CONNECTION", "10.0.0.1 1 10.0.0.2 22");
    let mut terminal = at_a_terminal(&home, &["login", "--accept-terms"]);

    // `BROWSER=none` names no program, so the system's opener is used.
    let url = opener.wait();

    assert!(url.contains("/oauth/authorize?"), "{url}");
    terminal.send("\u{3}");
    assert_eq!(terminal.finish().exit_code(), 130);
}

#[test]
fn without_a_browser_to_see_a_terminal_gets_a_code_or_a_link() {
    for (name, value, words) in [
        ("SSH_CONNECTION", "10.0.0.1 1 10.0.0.2 22", "because this is an SSH session"),
        ("NOTHING", "1", "because there is no display"),
        ("BROWSER", "none", "copy its whole"),
        ("CODEX_AUTH_NO_BROWSER", "yes", "copy its whole"),
    ] {
        let (play, mut home) = empty(&["one"]);
        home.set(name, value);
        if name == "SSH_CONNECTION" {
            home.set("DISPLAY", ":0");
        }
        play.backend().pending_polls(1_000);
        let mut terminal = at_a_terminal(&home, &["login", "--accept-terms"]);

        terminal.wait_for(words);

        terminal.send("\u{3}");
        assert_eq!(terminal.finish().exit_code(), 130, "{name}");
    }
}

#[test]
fn a_setting_lets_another_sign_in_keep_its_port() {
    let _ports = Ports::take();
    let (_play, mut home) = empty(&["one"]);
    home.set("CODEX_MULTI_AUTH_LOGIN_PORT_HANDOVER", "0");
    let opener = Opener::install(&mut home);
    let holder = TcpListener::bind("127.0.0.1:1455").unwrap();
    holder.set_nonblocking(true).unwrap();
    let mut terminal = at_a_terminal(&home, &["login", "--accept-terms"]);

    let url = opener.wait();

    assert!(url.contains("1457"), "{url}");
    assert_eq!(holder.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock, "it was not even asked");
    terminal.send("\u{3}");
    assert_eq!(terminal.finish().exit_code(), 130);
}
