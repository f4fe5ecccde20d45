//! A callback that is pasted: at a terminal, through a pipe, and in two runs.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use pretty_assertions::assert_eq;
use serde_json::{Value, json};

use super::{at_a_terminal, calls, document, emails, empty, has_pool};
use crate::support::browser::{Opener, Ports, agree, parameter};
use crate::support::dirs::Home;
use crate::support::process::{Running, run};

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
    let mut offline = home.manager(&["login", "--complete", &callback]);
    run(offline.env("CODEX_MULTI_AUTH_AUTH_BASE_URL", "http://127.0.0.1:9")).expect(6);
    assert!(file.exists(), "what reached nobody must not spend the attempt");
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
fn every_end_of_a_paste_at_a_terminal_has_its_words_and_its_code() {
    let again = "ac_0123456789\r";
    for (name, keys, code, words) in [
        ("three bad ones", &[again, again, again][..], 1, "the pasted text is not the whole callback"),
        ("another attempt's", &["ac_0123456789#x\r", "c#y\r", "c#z\r"], 1, "belongs to another attempt"),
        (
            "a refusal",
            &["http://localhost:1455/auth/callback?error=access_denied\r"],
            1,
            "the sign-in was refused: access_denied",
        ),
        ("q", &["Q\r"], 3, "Cancelled: nothing was stored"),
        ("nothing", &["\r"], 3, "Cancelled: nothing was stored"),
        ("the end of the input", &["\u{4}"], 3, "Cancelled: nothing was stored"),
    ] {
        let (play, home) = empty(&["one"]);
        let mut terminal = at_a_terminal(&home, &["login", "--manual", "--accept-terms"]);
        terminal.wait_for("/oauth/authorize?");

        for (place, line) in keys.iter().enumerate() {
            terminal.send(line);
            if place + 1 < keys.len() {
                let count = place + 1;
                terminal
                    .wait_until("told", |screen| screen.contents().matches("\nthe pasted ").count() >= count);
            }
        }

        assert_eq!(terminal.finish().exit_code(), code, "{name}: {}", terminal.text());
        assert!(terminal.text().contains(words), "{name}: {}", terminal.text());
        assert_eq!((calls(&play, "/oauth/token"), has_pool(&home)), (0, false), "{name}");
    }
}
