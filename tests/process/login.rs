//! Signing in with the real binary: each way in, each way to fail, and nothing that was not asked for.

use std::io::Write as _;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use codex_multi_auth::formats::scenario::{Action, Endpoint, Rule, Scenario};
use pretty_assertions::assert_eq;
use serde_json::{Value, json};

use crate::support::browser::{Opener, Ports, agree, get, parameter};
use crate::support::dirs::Home;
use crate::support::play::Play;
use crate::support::process::{MANAGER, Ran, Running, run};
use crate::support::pty::Terminal;

/// A back end that knows these people, and a home without a pool that reaches it.
fn empty(names: &[&str]) -> (Play, Home) {
    let play = Play::start(Scenario::pool(names.iter().copied()));
    let home = bare(&play);
    (play, home)
}

fn bare(play: &Play) -> Home {
    let mut home = Home::new();
    home.set("CODEX_MULTI_AUTH_UPSTREAM_BASE_URL", play.backend().upstream_url());
    home.set("CODEX_MULTI_AUTH_AUTH_BASE_URL", play.backend().auth_url());
    home
}

/// Signs one person in by device code.
#[track_caller]
fn sign_in(play: &Play, home: &Home, name: &str) -> Value {
    play.backend().next_login(name);
    document(&run(&mut home.manager(&["login", "--json", "--accept-terms"])).expect(0))
}

#[track_caller]
fn document(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout)
        .unwrap_or_else(|error| panic!("{error}\n{}\n{}", ran.stdout, ran.stderr))
}

fn emails(home: &Home) -> Vec<String> {
    let pool = home.pool();
    let rows = pool["accounts"].as_array().cloned().unwrap_or_default();
    rows.iter().map(|row| row["email"].as_str().unwrap_or_default().to_owned()).collect()
}

fn has_pool(home: &Home) -> bool {
    home.root().join("openai-codex-accounts.json").exists()
}

fn calls(play: &Play, path: &str) -> usize {
    play.backend().record().entries().iter().filter(|entry| entry.path.ends_with(path)).count()
}

/// A terminal with a browser beside it.
fn at_a_terminal(home: &Home, words: &[&str]) -> Terminal {
    let mut environment = home.environment();
    // Lines instead of a screen; the wizard has tests of its own.
    environment.push(("CODEX_TUI_V2".to_owned(), "0".to_owned()));
    Terminal::start(MANAGER, words, &environment, (200, 50))
}

/// The wizard at a terminal.
fn at_the_wizard(home: &Home, words: &[&str]) -> Terminal {
    Terminal::start(MANAGER, words, &home.environment(), (100, 30))
}

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
fn the_terms_are_asked_for_once_and_only_before_the_first_account() {
    let (play, home) = empty(&["one", "two"]);

    let ran = run(&mut home.manager(&["login", "--json"])).expect(3);
    assert_eq!(document(&ran)["error"]["code"], "needs-terms");
    assert_eq!(document(&ran)["outcome"], "cancelled");
    assert!(!has_pool(&home));
    assert_eq!(calls(&play, "/usercode"), 0);

    sign_in(&play, &home, "one");
    let record = home.root().join("ext/acknowledged.json");
    let told: Value = serde_json::from_slice(&std::fs::read(&record).unwrap()).unwrap();
    assert_eq!((&told["by"], &told["version"]), (&json!("flag"), &json!(1)));
    assert_eq!(record.metadata().unwrap().permissions().mode() & 0o777, 0o600);

    play.backend().next_login("two");
    run(&mut home.manager(&["login", "--json"])).expect(0);
}

#[test]
fn a_pool_that_is_there_already_gets_the_notice_instead() {
    let play = Play::start(Scenario::pool(["one"]));
    let home = play.home();
    home.forget_terms();

    let ran = run(&mut home.manager(&["login"])).expect(0);

    assert!(ran.stderr.contains("independent open-source project"), "{}", ran.stderr);
    let again = run(&mut home.manager(&["login"])).expect(0);
    assert!(!again.stderr.contains("independent open-source project"), "{}", again.stderr);
}

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
    let (play, mut home) = empty(&["one"]);
    let refuse = Action::Refuse {
        status: 400,
        code: "invalid_grant".to_owned(),
        message: "The code has expired".to_owned(),
    };
    play.backend().script(Rule::everywhere(Endpoint::Code, refuse));
    let opener = Opener::install(&mut home);
    let mut terminal = at_a_terminal(&home, &["login", "--accept-terms"]);

    let page = get(&agree(&opener.wait()));

    assert!(page.body.contains("The code has expired"), "{}", page.body);
    assert_eq!(terminal.finish().exit_code(), 1);
    assert!(terminal.text().contains("The code has expired"), "{}", terminal.text());
    assert!(!has_pool(&home));
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
fn what_the_browser_ended_on_may_be_pasted_while_it_is_waited_for() {
    let _ports = Ports::take();
    let (play, mut home) = empty(&["one"]);
    let opener = Opener::install(&mut home);
    let mut terminal = at_a_terminal(&home, &["login", "--accept-terms"]);
    let callback = agree(&opener.wait());
    let code = parameter(&callback, "code").unwrap();
    terminal.wait_for("Paste the address");

    terminal.send("\r");
    terminal.send(&format!("{code}\r"));
    terminal.wait_for("the state is missing");
    terminal.send(&format!("{code}#elsewhere\r"));
    terminal.wait_for("belongs to another attempt");
    terminal.send(&format!("{callback}\r"));

    assert_eq!(terminal.finish().exit_code(), 0, "{}", terminal.text());
    let written = String::from_utf8_lossy(&terminal.written()).into_owned();
    assert!(!written.contains(&code), "what was pasted was shown\n{written}");
    assert_eq!(emails(&home), ["one@example.com"]);
    play.assert_no_violation();
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
fn the_terms_are_asked_at_a_terminal_and_no_is_no() {
    let (play, home) = empty(&["one"]);
    let mut terminal = at_a_terminal(&home, &["login", "--device-auth"]);
    terminal.wait_for("Type y if you understand");
    terminal.send("n\r");
    assert_eq!(terminal.finish().exit_code(), 3, "{}", terminal.text());
    assert!(!home.root().join("ext/acknowledged.json").exists());

    let mut terminal = at_a_terminal(&home, &["login", "--device-auth"]);
    terminal.wait_for("Type y if you understand");
    terminal.send("y\r");
    assert_eq!(terminal.finish().exit_code(), 0, "{}", terminal.text());
    assert_eq!(emails(&home), ["one@example.com"]);
    play.assert_no_violation();
}

/// Starts a manual sign-in that reads from a pipe; the link it printed comes back with it.
#[track_caller]
fn manual(home: &Home) -> (Running, std::io::PipeWriter, String) {
    let (reader, writer) = std::io::pipe().unwrap();
    let mut command: Command = home.manager(&["login", "--manual", "--accept-terms"]);
    command.stdin(Stdio::from(reader));
    let mut running = Running::start(&mut command);
    // The command keeps a copy of the pipe's end until it is dropped.
    drop(command);
    let url = running.line();
    (running, writer, url)
}

#[test]
fn a_script_pastes_the_callback_through_a_pipe() {
    for form in ["url", "fragment", "query", "pair"] {
        let (play, home) = empty(&["one"]);
        let (running, mut writer, url) = manual(&home);
        let callback = agree(&url);
        let (code, state) = (parameter(&callback, "code").unwrap(), parameter(&callback, "state").unwrap());
        let text = match form {
            "url" => callback,
            "fragment" => format!("http://localhost:1455/auth/callback#code={code}&state={state}"),
            "query" => format!("?code={code}&state={state}"),
            _ => format!("{code}#{state}"),
        };

        writeln!(writer, "{text}").unwrap();

        let ran = running.finish().expect(0);
        assert!(ran.stdout.contains("Added account 1"), "{form}: {}", ran.stdout);
        play.assert_no_violation();
    }
}

#[test]
fn a_bad_paste_of_a_script_is_told_and_nothing_is_stored() {
    for (text, code, words) in [
        ("ac_0123456789\n", 1, "a code alone cannot be checked"),
        ("ac_0123456789#elsewhere\n", 1, "belongs to another attempt"),
        ("http://localhost:1455/auth/callback?error=access_denied\n", 1, "the sign-in was refused"),
        ("q\n", 3, "Cancelled"),
        ("\n", 3, "Cancelled"),
        ("", 3, "Cancelled"),
    ] {
        let (play, home) = empty(&["one"]);
        let (running, mut writer, _) = manual(&home);

        writer.write_all(text.as_bytes()).unwrap();
        drop(writer);

        let ran = running.finish().expect(code);
        assert!(ran.stderr.contains(words), "{text:?}: {}", ran.stderr);
        assert_eq!(calls(&play, "/oauth/token"), 0, "{text:?}");
        assert!(!has_pool(&home), "{text:?}");
    }
}

#[test]
fn an_attempt_that_was_printed_is_completed_once() {
    let (play, home) = empty(&["one"]);
    let printed =
        run(&mut home.manager(&["login", "--manual", "--print-url", "--json", "--accept-terms"])).expect(0);
    let printed = document(&printed);
    let url = printed["url"].as_str().unwrap().to_owned();
    let file = home.root().join("ext/login-attempt.json");
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let callback = agree(&url);

    let wrong = callback.replace("state=", "state=x");
    run(&mut home.manager(&["login", "--complete", &wrong])).expect(1);
    assert!(file.exists(), "a bad paste must not spend the attempt");
    let done = run(&mut home.manager(&["login", "--complete", &callback, "--json"])).expect(0);

    assert_eq!(document(&done)["outcome"], "inserted");
    assert!(!file.exists());
    let again = run(&mut home.manager(&["login", "--complete", &callback, "--json"])).expect(1);
    assert_eq!(document(&again)["error"]["code"], "login-timeout");
    play.assert_no_violation();
}

#[test]
fn a_printed_attempt_goes_stale_and_is_removed() {
    let (play, home) = empty(&["one"]);
    let url = run(&mut home.manager(&["login", "--print-url", "--accept-terms"])).expect(0).stdout;
    let callback = agree(url.trim());
    let file = home.root().join("ext/login-attempt.json");
    let mut kept: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    kept["created_at"] = json!(kept["created_at"].as_i64().unwrap() - 10 * 60 * 1000);
    std::fs::write(&file, kept.to_string()).unwrap();

    let ran = run(&mut home.manager(&["login", "--complete", &callback])).expect(1);

    assert!(ran.stderr.contains("older than 10 minutes"), "{}", ran.stderr);
    assert!(!file.exists());
    assert_eq!(calls(&play, "/oauth/token"), 0);
}

#[test]
fn a_callback_may_come_on_stdin() {
    let (_play, home) = empty(&["one"]);
    let url = run(&mut home.manager(&["login", "--print-url", "--accept-terms"])).expect(0).stdout;
    let callback = agree(url.trim());
    let (reader, mut writer) = std::io::pipe().unwrap();
    let mut command = home.manager(&["login", "--complete"]);
    command.stdin(Stdio::from(reader));
    let running = Running::start(&mut command);
    drop(command);

    writeln!(writer, "{callback}").unwrap();

    running.finish().expect(0);
    assert_eq!(emails(&home), ["one@example.com"]);
}

#[test]
fn a_second_sign_in_updates_the_account_and_keeps_pin_and_generation() {
    let (play, home) = empty(&["one", "two"]);
    sign_in(&play, &home, "one");
    sign_in(&play, &home, "two");
    run(&mut home.manager(&["switch", "2"])).expect(0);
    let before = home.pool();

    let told = sign_in(&play, &home, "one");

    let after = home.pool();
    assert_eq!(
        (&told["outcome"], &told["number"], &told["total"]),
        (&json!("updated"), &json!(1), &json!(2))
    );
    assert_eq!(after["pinnedAccountIndex"], 1);
    assert_eq!(after["activeIndex"], 1);
    let generation = |pool: &Value| pool["affinityGeneration"].as_u64().unwrap();
    assert_eq!(generation(&after), generation(&before) + 1);
    assert_ne!(after["accounts"][0]["refreshToken"], before["accounts"][0]["refreshToken"]);
    assert_eq!(after["accounts"][0]["recordId"], before["accounts"][0]["recordId"]);
    assert_eq!(home.auth()["tokens"]["account_id"], play.login("two").account_id);
    assert_eq!(calls(&play, "/oauth/revoke"), 0);
}

#[test]
fn signing_in_again_gives_the_official_file_the_new_session() {
    let (play, home) = empty(&["one", "two"]);
    sign_in(&play, &home, "one");
    sign_in(&play, &home, "two");
    let mut auth = home.auth();
    auth["later"] = json!({"kept": true});
    std::fs::write(home.codex().join("auth.json"), auth.to_string()).unwrap();

    sign_in(&play, &home, "one");

    let after = home.auth();
    assert_ne!(after["tokens"]["refresh_token"], auth["tokens"]["refresh_token"]);
    assert_eq!(after["tokens"]["refresh_token"], play.login("one").refresh);
    assert_eq!(after["later"], json!({"kept": true}));
    assert_eq!(calls(&play, "/oauth/revoke"), 0);
}

#[test]
fn an_account_signs_in_again_in_its_place_and_nobody_else_does() {
    let (play, home) = empty(&["one", "two"]);
    sign_in(&play, &home, "one");
    sign_in(&play, &home, "two");
    let before = home.pool();
    let relogin = ["account", "relogin", "one@example.com", "--json"];

    play.backend().next_login("one");
    let done = document(&run(&mut home.manager(&relogin)).expect(0));
    assert_eq!((&done["outcome"], &done["number"]), (&json!("updated"), &json!(1)), "{done:#}");
    assert_ne!(home.pool()["accounts"][0]["refreshToken"], before["accounts"][0]["refreshToken"]);
    assert_eq!(home.pool()["accounts"][1], before["accounts"][1]);

    play.backend().next_login("two");
    let other = document(&run(&mut home.manager(&relogin)).expect(1));
    assert_eq!(other["error"]["code"], "wrong-account", "{other:#}");
    assert_eq!(home.pool()["accounts"].as_array().map(Vec::len), Some(2));
    let nobody = document(&run(&mut home.manager(&["account", "relogin", "9", "--json"])).expect(2));
    assert_eq!(nobody["error"]["code"], "out-of-range");
    run(&mut home.manager(&["account", "relogin"])).expect(2);
}

#[test]
fn seats_of_a_workspace_and_workspaces_of_a_person_stay_apart() {
    let names = ["a1", "b1", "a2", "b2"];
    let mut scenario = Scenario::pool(names);
    for name in names {
        let (person, workspace) = name.split_at(1);
        scenario = scenario.with(name, |player| {
            player.email = format!("{person}@example.com");
            player.workspace = Some(format!("workspace {workspace}"));
        });
    }
    let play = Play::start(scenario);
    let home = bare(&play);

    for name in names {
        assert_eq!(sign_in(&play, &home, name)["outcome"], "inserted", "{name}");
    }
    assert_eq!(sign_in(&play, &home, "b1")["number"], 2);

    let pool = home.pool();
    let rows = pool["accounts"].as_array().unwrap();
    assert_eq!(rows.len(), 4);
    for (row, name) in rows.iter().zip(names) {
        assert_eq!(row["accountId"], play.login(name).account_id, "{name}");
        assert_eq!(row["refreshToken"], play.login(name).refresh, "{name}");
    }
}

#[test]
fn an_organisation_is_never_bound_and_never_sent() {
    let (play, home) = empty(&["one"]);

    sign_in(&play, &home, "one");
    run(&mut home.manager(&["check", "--json"])).expect(0);

    let row = home.pool()["accounts"][0].clone();
    assert_eq!(row["accountId"], play.login("one").account_id);
    assert_eq!(row["accountIdSource"], "id_token");
    let seats = row["workspaces"].as_array().unwrap();
    let is_org = |seat: &&Value| seat["id"].as_str().unwrap().starts_with("org-");
    assert!(seats.iter().any(|seat| is_org(&seat)), "the organisation is kept for information");
    assert!(seats.iter().filter(is_org).all(|seat| seat["enabled"] == false));
    assert!(!home.auth()["tokens"]["account_id"].as_str().unwrap().starts_with("org-"));
    for entry in play.backend().record().entries() {
        assert!(!entry.account_id.is_some_and(|id| id.starts_with("org-")), "{}", entry.path);
    }
    play.assert_no_violation();
}

#[test]
fn a_required_workspace_must_come_back() {
    let (play, home) = empty(&["one", "two"]);
    let wanted = play.login("two").account_id;
    play.backend().next_login("one");

    let ran = run(&mut home.manager(&["login", "--json", "--accept-terms", "--org", &wanted])).expect(1);

    let told = document(&ran);
    assert_eq!(told["error"]["code"], "wrong-workspace");
    assert!(!has_pool(&home), "nothing is stored");
    let kept: Vec<_> =
        std::fs::read_dir(home.root().join("quarantine")).unwrap().map(Result::unwrap).collect();
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0].metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let aside: Value = serde_json::from_slice(&std::fs::read(kept[0].path()).unwrap()).unwrap();
    assert_eq!(aside["accounts"][0]["refreshToken"], play.login("one").refresh);
    assert!(told["error"]["because"][0].as_str().unwrap().contains("quarantine"), "{told:#}");

    play.backend().next_login("two");
    run(&mut home.manager(&["login", "--json", "--org", &wanted, "--accept-terms"])).expect(0);
    assert_eq!(emails(&home), ["two@example.com"]);
}

#[test]
fn at_a_terminal_another_workspace_may_be_kept() {
    for (answer, code) in [("y\r", 0), ("n\r", 1)] {
        let (play, home) = empty(&["one", "two"]);
        let wanted = play.login("two").account_id;
        play.backend().next_login("one");
        let words = ["login", "--device-auth", "--accept-terms", "--org", &wanted];
        let mut terminal = at_a_terminal(&home, &words);
        terminal.wait_for("Keep this one?");

        terminal.send(answer);

        assert_eq!(terminal.finish().exit_code(), code, "{answer:?}: {}", terminal.text());
        assert_eq!(has_pool(&home), code == 0);
    }
}

#[test]
fn arguments_that_cannot_be_meant_are_refused() {
    for words in [
        &["login", "--org", "org-123"][..],
        &["login", "--org="],
        &["login", "--org", "--json"],
        &["login", "--device-auth", "--manual"],
        &["login", "--device-auth", "--no-browser"],
        &["login", "--print-url", "--complete", "x"],
        &["login", "--no-such-flag"],
        &["login", "extra"],
    ] {
        let home = Home::new();

        let ran = run(&mut home.manager(words)).expect(2);

        assert!(!ran.stderr.is_empty() || words.contains(&"--json"), "{words:?}");
        assert!(!has_pool(&home));
    }
    let help = run(&mut Home::new().manager(&["login", "--help"])).expect(0);
    for word in ["--device-auth", "--manual", "--org", "--print-url", "--complete", "--accept-terms"] {
        assert!(help.stdout.contains(word), "{word}\n{}", help.stdout);
    }
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
    play.backend().device_life(codex_multi_auth::base::Span::seconds(2));
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
fn old_scripts_see_a_cancelled_sign_in_as_success() {
    let (_play, home) = empty(&["one"]);

    let ran = run(&mut home.manager(&["login", "--json", "--exit-zero"])).expect(0);

    assert_eq!(document(&ran)["error"]["code"], "needs-terms");
}

#[test]
fn a_rehearsal_signs_in_without_terms_and_leaves_nothing() {
    let home = Home::for_demo();

    let ran = run(&mut home.manager(&["--demo=first-run", "login", "--json"])).expect(0);

    assert_eq!(document(&ran)["outcome"], "inserted");
    assert!(home.files().is_empty(), "{:?}", home.files().keys());
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

/// Files whose purpose is to hold tokens.
const VAULTS: [&str; 4] = ["openai-codex-accounts.json", "auth.json", "ext/accounts.json", "snapshots/"];

#[test]
fn codes_verifiers_and_tokens_appear_nowhere() {
    let (play, mut home) = empty(&["one"]);
    home.set("RUST_LOG", "trace");
    home.set("CODEX_MULTI_AUTH_DEBUG", "1");
    home.set("ENABLE_PLUGIN_REQUEST_LOGGING", "1");
    let mut said = Vec::new();
    let mut hear = |ran: Ran| {
        said.push(("what was said".to_owned(), format!("{}{}", ran.stdout, ran.stderr).into_bytes()));
        ran
    };
    let url = hear(run(&mut home.manager(&["login", "--print-url", "--accept-terms"])).expect(0)).stdout;
    let kept = std::fs::read(home.root().join("ext/login-attempt.json")).unwrap();
    let kept: Value = serde_json::from_slice(&kept).unwrap();
    let verifier = kept["verifier"].as_str().unwrap().to_owned();
    let callback = agree(url.trim());
    let code = parameter(&callback, "code").unwrap();
    assert!(!url.contains(&verifier));

    hear(run(&mut home.manager(&["login", "--complete", &callback.replace("state=", "state=x")])).expect(1));
    hear(run(&mut home.manager(&["login", "--complete", &callback])).expect(0));
    hear(run(&mut home.manager(&["login", "--complete", &callback])).expect(1));
    let first = play.login("one");
    hear(run(&mut home.manager(&["login", "--json"])).expect(0));
    hear(run(&mut home.manager(&["login", "--json", "--org", "elsewhere"])).expect(1));
    hear(run(&mut home.manager(&["status", "--json"])).expect(0));

    let second = play.login("one");
    let mut marks = vec![("code", code), ("verifier", verifier)];
    for login in [first, second] {
        marks.extend([("access", login.access), ("id", login.id_token), ("refresh", login.refresh)]);
    }
    let files = home.files().into_iter().map(|(path, bytes)| (path.display().to_string(), bytes));
    let open = files.filter(|(path, _)| !VAULTS.iter().any(|vault| path.contains(vault)));
    // A session that nobody asked for is put aside with its tokens; that is what the folder is for.
    said.extend(open.filter(|(path, _)| !path.contains("quarantine/")));
    let found: Vec<String> = said
        .iter()
        .flat_map(|(place, bytes)| {
            let is_there = |mark: &str| bytes.windows(mark.len()).any(|window| window == mark.as_bytes());
            let hits = marks.iter().filter(move |(_, mark)| is_there(mark));
            hits.map(move |(kind, _)| format!("{kind} in {place}")).collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(found, Vec::<String>::new());
}
