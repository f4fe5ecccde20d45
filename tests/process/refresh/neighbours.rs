//! Several programs on one root and one `auth.json`: dashboard, proxy, headless commands and the official CLI.

#![expect(clippy::disallowed_methods, reason = "a test of real processes lives in real time")]

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use codex_multi_auth::base::Span;
use codex_multi_auth::formats::scenario::{Action, Endpoint, Rule};
use serde_json::{Value, json};

use super::Stage;
use crate::support::dirs::Login;
use crate::support::process::{DEADLINE, MANAGER, Running, run};
use crate::support::pty::Terminal;

/// A proxy of a home, and the address of its refresh endpoint.
fn serve(stage: &Stage) -> (Running, String) {
    let mut proxy = Running::start(&mut stage.home.manager(&["serve", "--json"]));
    let line: Value = serde_json::from_str(&proxy.line()).expect("one document");
    let url = line["refreshUrl"].as_str().expect("an address").to_owned();
    (proxy, url)
}

/// What the official client posts to get new tokens; the answer's status and body.
fn ask(url: &str, refresh: &str) -> (u16, Value) {
    let (host, path) = url.trim_start_matches("http://").split_once('/').expect("a path");
    let body = json!({ "client_id": "c", "grant_type": "refresh_token", "refresh_token": refresh,
        "refresh_reason": "proactive_expiry" })
    .to_string();
    let mut stream = TcpStream::connect(host).expect("a proxy");
    write!(
        stream,
        "POST /{path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
         connection: close\r\n\r\n{body}",
        body.len()
    )
    .expect("sent");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("an answer");
    let status = text.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status");
    let body = text.split_once("\r\n\r\n").map(|(_, body)| body).unwrap_or_default();
    let document = body.find('{').and_then(|begin| {
        let end = body.rfind('}')?;
        serde_json::from_str(body.get(begin..=end)?).ok()
    });
    (status, document.unwrap_or_default())
}

/// Waits until the pool's first account holds this token.
fn wait_for_token(stage: &Stage, refresh: &str) {
    let begun = std::time::Instant::now();
    while stage.held()[0] != refresh {
        assert!(begun.elapsed() < DEADLINE, "the pool never took {refresh}: {:?}", stage.held());
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

/// Newer tokens of the first account, as the official CLI would have got them by itself.
fn renewed(stage: &Stage) -> Login {
    let newer = stage.play.backend().issue("one").expect("an account");
    Login {
        access: newer.access.expose().to_owned(),
        refresh: newer.refresh.expose().to_owned(),
        id_token: newer.id_token.expose().to_owned(),
        ..stage.play.login("one")
    }
}

#[test]
fn dashboard_proxy_and_commands_at_once_make_one_call_for_one_expired_token() {
    let stage = Stage::new();
    stage.play.backend().script(Rule::on("one", Endpoint::Token, Action::Slow { delay: Span::millis(400) }));
    let old = stage.held()[0].clone();
    let (proxy, url) = serve(&stage);
    let mut dashboard = Terminal::start(MANAGER, &[""; 0], &stage.home.environment(), (100, 30));
    dashboard.wait_for(&stage.play.login("one").email);

    let clients: Vec<_> = (0..2)
        .map(|_| {
            let (url, old) = (url.clone(), old.clone());
            std::thread::spawn(move || ask(&url, &old))
        })
        .collect();
    let commands = [["switch", "1"], ["check", "1"], ["switch", "1"]]
        .map(|words| Running::start(&mut stage.home.manager(&words)));
    dashboard.send("s");
    let answers: Vec<_> = clients.into_iter().map(|client| client.join().expect("an answer")).collect();
    for command in commands {
        let ran = command.finish();
        assert!([0, 4].contains(&ran.code()), "{}\n{}", ran.stdout, ran.stderr);
    }
    dashboard.settled();
    dashboard.send("q");
    assert!(dashboard.finish().success());
    proxy.signal(rustix::process::Signal::TERM);
    proxy.finish().expect(143);

    let calls = stage.play.backend().record().at("token");
    let of_one = calls.iter().filter(|call| call.account.as_deref() == Some("one")).count();
    assert_eq!(of_one, 1, "{}", stage.play.story());
    let newest = stage.newest();
    assert_eq!((&stage.held()[0], &stage.mirrored()), (&newest[0], &newest[0]));
    for (status, body) in answers {
        assert_eq!((status, &body["refresh_token"]), (200, &json!(newest[0])));
    }
    stage.play.assert_no_violation();
}

#[test]
fn what_the_official_cli_renews_is_taken_over_while_a_proxy_or_a_dashboard_runs() {
    let stage = Stage::new();
    let (proxy, url) = serve(&stage);
    let first = renewed(&stage);

    stage.home.write_auth(&first);
    wait_for_token(&stage, &first.refresh);
    let served = ask(&url, &first.refresh);
    proxy.signal(rustix::process::Signal::TERM);
    proxy.finish().expect(143);

    let mut dashboard = Terminal::start(MANAGER, &[""; 0], &stage.home.environment(), (100, 30));
    dashboard.wait_for(&first.email);
    std::thread::sleep(std::time::Duration::from_secs(1));
    let second = renewed(&stage);
    stage.home.write_auth(&second);
    wait_for_token(&stage, &second.refresh);
    dashboard.send("q");
    assert!(dashboard.finish().success());

    assert_eq!((served.0, &served.1["access_token"]), (200, &json!(first.access)));
    assert_eq!(stage.calls(), 0);
    stage.play.assert_no_violation();
}

#[test]
fn an_older_login_in_auth_json_never_replaces_a_newer_one() {
    let stage = Stage::new();
    let old = stage.play.login("one");
    stage.start();
    let newest = stage.newest();
    let (proxy, _) = serve(&stage);

    stage.home.write_auth(&old);
    run(&mut stage.home.manager(&["switch", "2"])).expect(0);
    proxy.signal(rustix::process::Signal::TERM);
    proxy.finish().expect(143);

    assert_eq!(stage.held()[0], newest[0]);
    stage.play.assert_no_violation();
}

#[test]
fn tokens_the_official_cli_got_are_taken_over_before_a_switch_moves_its_login_away() {
    let stage = Stage::new();
    let newer = renewed(&stage);
    stage.home.write_auth(&newer);

    run(&mut stage.home.manager(&["switch", "2"])).expect(0);

    assert_eq!(stage.held()[0], newer.refresh);
    assert_eq!(stage.mirrored(), stage.newest()[1]);
    assert!(!stage.home.root().join("backups-official").exists(), "the pool holds it: no copy is needed");
}

#[test]
fn somebody_elses_api_key_goes_only_with_a_yes_and_a_copy_of_it_stays() {
    let stage = Stage::new();
    let path = stage.home.codex().join("auth.json");
    let key = r#"{"auth_mode":"apikey","OPENAI_API_KEY":"sk-of-a-person","mine":1}"#;
    std::fs::write(&path, key).expect("writable");

    let asked = run(&mut stage.home.manager(&["switch", "2", "--json"])).expect(0);
    let left = std::fs::read_to_string(&path).expect("there");
    run(&mut stage.home.manager(&["switch", "2", "--yes"])).expect(0);

    let said: Value = serde_json::from_str(&asked.stdout).expect("a document");
    assert_eq!((left.as_str(), &said["synced"]), (key, &json!(false)));
    assert_eq!(stage.mirrored(), stage.newest()[1]);
    assert_eq!(stage.home.auth()["OPENAI_API_KEY"], Value::Null);
    assert_eq!(stage.home.auth()["mine"], 1);
    let copies = std::fs::read_dir(stage.home.root().join("backups-official")).expect("copies");
    let kept: Vec<_> =
        copies.flatten().map(|copy| std::fs::read_to_string(copy.path()).expect("text")).collect();
    assert_eq!(kept, [key]);
}

#[test]
fn a_switched_off_sync_neither_takes_nor_writes() {
    let mut stage = Stage::new();
    stage.home.set("CODEX_MULTI_AUTH_SYNC_CODEX_CLI", "0");
    stage.home.set("CODEX_AUTH_PER_PROJECT_ACCOUNTS", "0");
    let newer = renewed(&stage);
    stage.home.write_auth(&newer);
    let before = (stage.held(), stage.home.auth());

    run(&mut stage.home.manager(&["switch", "2"])).expect(0);

    assert_eq!(stage.held()[0], before.0[0]);
    assert_eq!(stage.home.auth(), before.1);
}

/// A client that only waits until its input ends.
const WAITING: &str = "#!/bin/sh\necho started\nexec cat >/dev/null\n";

/// A forwarded session that runs until it is told to end.
fn session(stage: &mut Stage) -> Running {
    stage.home.put_program("codex", WAITING);
    let mut command = stage.home.forwarder(&["exec", "hi"]);
    command.stdin(std::process::Stdio::piped());
    let mut running = Running::start(&mut command);
    assert_eq!(running.line(), "started");
    running
}

#[test]
fn a_switch_during_a_session_is_written_when_the_last_session_has_ended() {
    for end in [rustix::process::Signal::TERM, rustix::process::Signal::KILL] {
        let mut stage = Stage::new();
        let running = session(&mut stage);

        let switched = run(&mut stage.home.manager(&["switch", "2", "--json"])).expect(0);
        let said: Value = serde_json::from_str(&switched.stdout).expect("a document");
        let during = stage.mirrored();
        running.signal(end);
        running.finish();
        if end == rustix::process::Signal::KILL {
            // Nobody was left to write it: the end of the next session does.
            stage.home.put_program("codex", "#!/bin/sh\nexit 0\n");
            run(&mut stage.home.forwarder(&["exec", "hi"])).expect(0);
        }

        assert_eq!((&said["syncDeferred"], &said["synced"]), (&json!(true), &json!(false)), "{end:?}");
        assert_eq!(during, stage.newest()[0], "{end:?}");
        assert_eq!(stage.mirrored(), stage.newest()[1], "{end:?}");
        stage.play.assert_no_violation();
    }
}

#[test]
fn a_login_kept_in_a_keyring_is_named_and_its_setting_stays() {
    let stage = Stage::new();
    let config = stage.home.codex().join("config.toml");
    std::fs::write(&config, "cli_auth_credentials_store = \"keyring\"\n").expect("writable");

    let switched = run(&mut stage.home.manager(&["switch", "2"])).expect(0);

    assert!(switched.stderr.contains("`keyring`"), "{}", switched.stderr);
    assert_eq!(stage.mirrored(), stage.newest()[1]);
    assert_eq!(
        std::fs::read_to_string(&config).expect("there"),
        "cli_auth_credentials_store = \"keyring\"\n"
    );
}

#[test]
fn a_linked_login_stays_a_link_and_its_target_is_written() {
    let stage = Stage::new();
    let (link, target) = (stage.home.codex().join("auth.json"), stage.home.path().join("elsewhere.json"));
    std::fs::rename(&link, &target).expect("ours");
    std::os::unix::fs::symlink(&target, &link).expect("ours");

    assert_eq!(super::outcome(&stage.start()), "renewed");

    assert!(std::fs::symlink_metadata(&link).expect("there").file_type().is_symlink());
    let text = std::fs::read_to_string(&target).expect("there");
    assert!(text.contains(&stage.newest()[0]), "{text}");
}
