//! Signing in with the real binary: each way in, each way to fail, and nothing that was not asked for.
//!
//! Which test shows which row of the test list of the sign-in's specification (login.md §13):
//!
//! | row | shown by |
//! |---|---|
//! | 1 link | `adapters::login::authorize::…the_link_is_the_official_one`, `browser::the_link_asks_for_what…` |
//! | 2 wrong state, then right | `browser::at_a_terminal_the_browser_signs_in`, `net::login::what_is_no_callback…` |
//! | 3 two callbacks | `net::login::the_first_of_two_callbacks_counts…` |
//! | 4 refused | `browser::a_refusal_in_the_browser_ends…`, `wizard::a_refusal_in_the_browser_comes_back…` |
//! | 5 busy port | `browser::a_busy_first_port…`, `browser::when_both_ports_are_busy…`, `wizard::when_both_ports_are_busy…` |
//! | 6 `[::1]` | `net::login::a_browser_that_knows_only_ipv6_is_answered` |
//! | 7 pastes | `domain::login::paste`, `paste::a_script_pastes…`, `paste::a_bad_paste…`, `paste::every_end_of_a_paste…` |
//! | 8 device polls | `net::login::a_device_code_is_asked_after_exactly…`, `device::every_failure_of_a_device_code…` |
//! | 9 spellings | `formats::device_login::…pauses_and_ends_are_read_in_every_spelling` |
//! | 10 expiry | `net::login::a_code_nobody_typed…`, `device::a_code_that_nobody_types_runs_out`, `wizard::a_code_that_ran_out…` |
//! | 11 refusal codes | `domain::refresh::verdict`, `formats::oauth_wire::…the_code_is_found…`, `net::refresh::every_known_refusal…` |
//! | 12 no refresh token | `adapters::auth::renewal::…what_an_answer_leaves_out_is_kept` |
//! | 13 another identity | `net::refresh::tokens_of_somebody_else_are_kept_aside_and_never_merged` |
//! | 14 redaction | `base::redact::…secrets_in_running_text_disappear…` |
//! | 15 organisations | `identity::an_organisation_is_never_bound…`, `identity::an_organisation_the_reference_bound…` |
//! | 16 two workspaces | `identity::seats_of_a_workspace_and_workspaces_of_a_person_stay_apart` |
//! | 17 pin and generation | `identity::a_second_sign_in_updates_the_account_and_keeps_pin_and_generation` |
//! | 18 no terminal | `device::without_a_terminal…`, `device::the_scripted_face_at_a_terminal…` |
//! | 19 `BROWSER=none` | `browser::the_variable_that_allows_a_browser_wins` |
//! | 20 help | `arguments_that_cannot_be_meant_are_refused` |
//! | 21 `--json` | `device::with_json_stdout_is_one_document…` |
//! | 22 two runs | `paste::an_attempt_that_was_printed_is_completed_once`, `paste::a_printed_attempt_goes_stale…` |
//! | 23 `--org` | `identity::a_required_workspace_must_come_back`, `identity::at_a_terminal_another_workspace…` |
//! | 24 refresh request | `formats::oauth_wire::…the_request_is_the_recorded_one`, `identity::our_own_refresh_goes…` |
//! | 25 cut refresh | `net::refresh::a_cut_call_leaves_the_account_uncertain…`, `process::refresh::matrix` |
//! | 26 no revoke | `identity::signing_in_again_gives_the_official_file_the_new_session` |
//! | 27 other stores | `process::found::every_sign_in_is_found_judged_and_taken_over_once` |
//!
//! Every failure with its text and exit code: headless in `device` and `paste`, in lines on a terminal in `browser` and
//! `paste`, in the wizard in `wizard`; the five minutes nobody came in `net::login::nobody_comes_for_five_minutes`.

mod browser;
mod device;
mod identity;
mod paste;
mod secrets;
mod wizard;

use std::os::unix::fs::PermissionsExt as _;

use codex_multi_auth::formats::scenario::Scenario;
use pretty_assertions::assert_eq;
use serde_json::{Value, json};

use crate::support::dirs::Home;
use crate::support::play::Play;
use crate::support::process::{MANAGER, Ran, run};
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
fn old_scripts_see_a_cancelled_sign_in_as_success() {
    let (_play, home) = empty(&["one"]);

    let ran = run(&mut home.manager(&["login", "--json", "--exit-zero"])).expect(0);

    assert_eq!(document(&ran)["error"]["code"], "needs-terms");
}
