//! The forwarder around a stand-in for the official CLI: arguments and environment as promised, exit codes and
//! signals passed on, nothing left behind.
//!
//! Where each row of forwarder.md §29 is shown (`lib` = unit tests of the library, the rest below `tests/`; *genuine*
//! = with the official client, skipped with a printed line where it or tmux is absent):
//!
//! | # | Row | Shown by |
//! |---|---|---|
//! | 1 | grammar of arguments | lib `domain::launch::{grammar, own, route}`; `process::arguments` |
//! | 2 | our pair first, the rest unchanged, for every shape | lib `domain::launch::inject::our_pair_stands_first_for_every_launch_shape`; `the_child_gets_one_setting_first…`; genuine `process::real::{front_ends, screen}` |
//! | 3 | home, key, refresh address, nested use | `the_child_gets_one_setting_first…`, `nothing_is_left_behind`; lib `domain::launch::inject` (no process test starts a forwarder inside a session) |
//! | 4 | exit codes | `exit_codes_are_passed_on` (Windows' own codes: by its CI job only) |
//! | 5 | INT, TERM, HUP, KILL | `an_interrupt_without_a_terminal…`, `a_relayed_signal…`, `a_second_request_to_end…`, `a_killed_forwarder_leaves_no_child_and_no_secret`; genuine `front_ends::signals_in_the_middle_of_a_turn…` |
//! | 6 | Ctrl-Z, `fg`, a usable terminal | `terminal`; genuine `screen::a_stopped_screen_comes_back_and_goes_on` |
//! | 7 | streams unbuffered, whole, flat memory | `standard_input_and_output_are_the_childs` (the descriptors are inherited, nothing of ours could buffer or split; no test times the first line or writes a gibibyte) |
//! | 8 | `--account` | `a_forced_account_that_cannot_be…`; lib `forward::a_plan_names_the_forced_account_by_its_record`, `forward::a_plan_is_refused_before_anything_starts` |
//! | 9 | no proxy, no child | `a_launch_without_a_readable_pool_starts_no_child`; lib `forward::a_plan_is_refused_before_anything_starts` (no test takes all ports away) |
//! | 10 | preflight matrix | lib `forward`; genuine `forwarded::a_dead_official_login_is_replaced…`; `process::shared` for two sessions |
//! | 11 | `login` and `logout` | `login_and_logout_need_a_yes…`; lib `forward::a_failed_login_leaves_the_file_as_it_was`; genuine `login` |
//! | 12 | skip rules, old CLI, `provider` | lib `domain::launch::{route, inject}`; `a_provider_of_the_users_own_is_left_alone…` |
//! | 13 | editor of `config.toml` | lib `formats::codex_config::{bind, edit}`: 500 random files each, in every run |
//! | 14 | bind, step by step | `process::bind`, `process::bind::leased` |
//! | 15 | never a recycled pid | `process::bind::an_unbind_never_signals_a_pid…` |
//! | 16 | leftovers, migration, undo | `process::{leftovers, history}`; genuine `front_ends::sessions_of_the_original_package…` |
//! | 17 | first run | `process::chores::a_set_up_asks…`; crashed and concurrent claims: no test, the marker is written once, at the end |
//! | 18 | uninstall | `process::uninstall` |
//! | 19 | peer check | `net::proxy::entrance` |
//! | 20 | L1, calls of a launch | `cargo bench --bench ratios -- L1`; `the_only_call_of_a_launch_is_the_preflight…`; memory: figure P8 |

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::time::{Duration, Instant};

use codex_multi_auth::formats::scenario::Scenario;
use rustix::process::Signal;

use crate::support::dirs::{Home, Login};
use crate::support::play::Play;
use crate::support::process::{DEADLINE, Ran, Running, run};

mod terminal;

/// Prints its arguments, one per line, then the variables a launch may touch.
const TELLING: &str = "#!/bin/sh\n\
    for arg in \"$@\"; do printf 'arg %s\\n' \"$arg\"; done\n\
    env | grep -E '^(CODEX|NO_PROXY|no_proxy|RUST_LOG)' | sort | sed 's/^/env /'\n";

/// Says that it stands, then waits for a signal or the end of its input.
const WAITING: &str = "#!/bin/sh\n\
    trap 'echo interrupted; exit 41' INT\n\
    trap 'echo ended; exit 42' TERM\n\
    trap 'echo hung up; exit 43' HUP\n\
    echo ready\n\
    while :; do sleep 0.05; done\n";

fn play() -> Play {
    Play::start(Scenario::pool(["one", "two"]))
}

fn home(play: &Play, script: &str) -> Home {
    let mut home = play.home();
    home.write_auth(&play.login("one"));
    home.put_program("codex", script);
    home
}

#[expect(clippy::disallowed_methods, reason = "waits for another process, with a deadline")]
fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < DEADLINE, "waited too long for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn lines<'a>(ran: &'a Ran, kind: &str) -> Vec<&'a str> {
    ran.stdout.lines().filter_map(|line| line.strip_prefix(kind)?.strip_prefix(' ')).collect()
}

#[test]
fn the_child_gets_one_setting_first_and_its_own_arguments_after_it() {
    let play = play();
    let home = home(&play, TELLING);

    let ran =
        run(&mut home.forwarder(&["exec", "a b", "--account", "2", "-c", "x=\"y\"", "--", "--account", "1"]));

    let ran = ran.expect(0);
    let args = lines(&ran, "arg");
    assert_eq!(args.first(), Some(&"-c"));
    let base = args.get(1).copied().unwrap_or_default();
    let secret = base
        .strip_prefix("openai_base_url=\"http://127.0.0.1:")
        .and_then(|rest| rest.strip_suffix("/backend-api/codex\""))
        .and_then(|rest| rest.split_once('/'))
        .map(|(_, secret)| secret.to_owned());
    assert!(secret.as_ref().is_some_and(|secret| secret.len() >= 32), "{base}");
    assert_eq!(args.get(2..), Some(&["exec", "a b", "-c", "x=\"y\"", "--", "--account", "1"][..]));
    let env = lines(&ran, "env");
    assert!(
        env.iter().any(|line| line.starts_with("CODEX_REFRESH_TOKEN_URL_OVERRIDE=http://127.0.0.1:")),
        "{env:?}"
    );
    assert!(env.iter().any(|line| line.starts_with("CODEX_MULTI_AUTH_SESSION=")), "{env:?}");
    assert!(
        !env.iter().any(|line| line.starts_with("CODEX_HOME") || line.starts_with("NO_PROXY")),
        "{env:?}"
    );
    assert!(!ran.stderr.contains(&secret.unwrap_or_default()), "{}", ran.stderr);
}

#[test]
fn a_launch_without_requests_is_passed_through_unchanged() {
    let play = play();
    let home = home(&play, TELLING);

    for words in [&["--version"][..], &["doctor"], &["login", "status"], &["exec", "--help"]] {
        let ran = run(&mut home.forwarder(words)).expect(0);
        assert_eq!(lines(&ran, "arg"), words);
        assert_eq!(ran.stderr, "", "{words:?}");
    }
    assert_eq!(play.backend().record().entries().len(), 0);
}

#[test]
fn a_provider_of_the_users_own_is_left_alone_with_one_line() {
    let play = play();
    let home = home(&play, TELLING);
    std::fs::write(home.codex().join("config.toml"), "model_provider = \"azure\"\n").unwrap();

    let ran = run(&mut home.forwarder(&["exec", "hi"])).expect(0);

    assert_eq!(lines(&ran, "arg"), ["exec", "hi"]);
    assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
    assert!(ran.stderr.contains("config.toml sets model_provider to azure"), "{}", ran.stderr);
}

#[test]
fn exit_codes_are_passed_on() {
    let play = play();
    for (script, code) in [
        ("#!/bin/sh\nexit 0\n", 0),
        ("#!/bin/sh\nexit 7\n", 7),
        ("#!/bin/sh\nexit 255\n", 255),
        ("#!/bin/sh\nkill -KILL $$\n", 137),
        ("#!/bin/sh\nkill -INT $$\n", 130),
        ("#!/bin/sh\nkill -ABRT $$\n", 134),
    ] {
        let home = home(&play, script);

        let both = [&mut home.forwarder(&["exec", "hi"]), &mut home.manager(&["codex", "doctor"])].map(run);

        assert_eq!(both.map(|ran| ran.code()), [code, code], "{script}");
    }
}

#[test]
fn a_relayed_signal_is_the_forwarders_own_end() {
    let play = play();
    let home = home(&play, WAITING);
    for (signal, said, code) in [(Signal::TERM, "ended", 143), (Signal::HUP, "hung up", 129)] {
        let mut running = Running::start(&mut home.forwarder(&["exec", "hi"]));
        assert_eq!(running.line(), "ready");

        running.signal(signal);

        assert_eq!(running.line(), said);
        assert_eq!(running.finish().code(), code, "{signal:?}");
    }
}

#[test]
fn an_interrupt_without_a_terminal_reaches_the_child() {
    let play = play();
    let home = home(&play, WAITING);
    let mut running = Running::start(&mut home.forwarder(&["exec", "hi"]));
    assert_eq!(running.line(), "ready");

    running.signal(Signal::INT);

    assert_eq!(running.line(), "interrupted");
    assert_eq!(running.finish().code(), 41);
}

#[test]
fn a_second_request_to_end_is_final() {
    let play = play();
    let stubborn = "#!/bin/sh\ntrap 'echo no' TERM\necho ready\nwhile :; do sleep 0.05; done\n";
    let home = home(&play, stubborn);
    let mut running = Running::start(&mut home.forwarder(&["exec", "hi"]));
    assert_eq!(running.line(), "ready");

    running.signal(Signal::TERM);
    assert_eq!(running.line(), "no");
    running.signal(Signal::TERM);

    assert_eq!(running.finish().code(), 143);
}

#[test]
fn standard_input_and_output_are_the_childs() {
    let play = play();
    let home = home(&play, "#!/bin/sh\nhead -c 5\necho \"on stderr\" >&2\n");
    let input = home.path().join("input");
    std::fs::write(&input, "12345678").unwrap();
    let mut command = home.forwarder(&["exec", "-"]);
    command.stdin(std::fs::File::open(&input).unwrap());

    let ran = run(&mut command).expect(0);

    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("12345", "on stderr\n"));
}

#[test]
fn nothing_is_left_behind() {
    let play = play();
    let home = home(&play, "#!/bin/sh\nexit 3\n");
    std::fs::write(home.codex().join("config.toml"), "model = \"gpt-5.5\" # mine\r\n").unwrap();
    run(&mut home.forwarder(&["exec", "hi"])).expect(3);
    let before = home.files();

    run(&mut home.forwarder(&["exec", "hi"])).expect(3);

    let after = home.files();
    // The runtime snapshot is the pool's own memory of the last proxy, a lock names who held it last, and the log of the
    // day goes on; nothing else may differ.
    let snapshot = std::path::Path::new(".codex/multi-auth/runtime-observability.json");
    let changed: Vec<_> = after
        .iter()
        .filter(|(path, bytes)| *path != snapshot && before.get(*path) != Some(bytes))
        .map(|(path, _)| path)
        .filter(|path| {
            !path.components().any(|part| part.as_os_str() == "locks" || part.as_os_str() == "logs")
        })
        .collect();
    assert!(before.keys().eq(after.keys()), "{:?}", after.keys());
    assert!(changed.is_empty(), "{changed:?}");
    assert!(
        !after.keys().any(|path| path.components().any(|part| part.as_os_str() == "run")),
        "{:?}",
        after.keys()
    );
    assert_eq!(after[std::path::Path::new(".codex/config.toml")], b"model = \"gpt-5.5\" # mine\r\n");
}

#[test]
fn a_dead_login_is_replaced_before_the_child_starts() {
    let play = Play::start(Scenario::pool(["one", "two"]).with("one", |one| one.deactivated = true));
    let home = home(&play, "#!/bin/sh\nexit 0\n");

    let ran = run(&mut home.forwarder(&["exec", "hi"])).expect(0);

    assert_eq!(home.auth()["tokens"]["account_id"], play.login("two").account_id.as_str());
    assert!(ran.stderr.contains("it holds account 2 now"), "{}", ran.stderr);
    play.assert_no_violation();
}

#[test]
fn no_live_account_ends_with_what_to_do() {
    let play = Play::start(
        Scenario::pool(["one", "two"])
            .with("one", |one| one.deactivated = true)
            .with("two", |two| two.deactivated = true),
    );
    let home = home(&play, "#!/bin/sh\necho started\n");

    let ran = run(&mut home.forwarder(&["exec", "hi"])).expect(4);

    assert_eq!(ran.stdout, "");
    assert!(ran.stderr.contains("CODEX_MULTI_AUTH_RUNTIME_ROTATION_PROXY=0"), "{}", ran.stderr);
}

#[test]
fn a_forced_account_that_cannot_be_is_refused_before_the_child() {
    let play = play();
    let home = home(&play, "#!/bin/sh\necho started\n");

    for (words, code) in [
        (&["--account", "9", "exec", "hi"][..], 2),
        (&["exec", "--account"], 2),
        (&["--account=nobody", "exec"], 2),
        (&["--account", "1", "--oss", "exec"], 2),
    ] {
        let ran = run(&mut home.forwarder(words)).expect(code);
        assert_eq!(ran.stdout, "", "{words:?}");
        assert!(!ran.stderr.is_empty(), "{words:?}");
        assert!(!ran.stderr.contains('@'), "an e-mail on a pipe: {}", ran.stderr);
    }
}

#[test]
fn login_and_logout_need_a_yes_and_then_revoke_nothing() {
    let play = play();
    let script = "#!/bin/sh\ntest -e \"$HOME/.codex/auth.json\" && echo there || echo gone\nexit 1\n";
    let home = home(&play, script);
    let before = home.auth();

    let refused = run(&mut home.forwarder(&["login"])).expect(3);
    let failed = run(&mut home.forwarder(&["login", "--yes"])).expect(1);
    let after = home.auth();
    let out = run(&mut home.forwarder(&["logout", "--yes"])).expect(1);

    assert!(refused.stdout.is_empty() && refused.stderr.contains("--yes"), "{}", refused.stderr);
    assert_eq!((failed.stdout.as_str(), out.stdout.as_str()), ("gone\n", "gone\n"));
    assert_eq!(after, before);
    assert!(!home.codex().join("auth.json").exists());
    let kept = home.files().into_keys().filter(|path| path.to_string_lossy().contains("backups-official"));
    assert_eq!(kept.count(), 1);
}

#[test]
fn a_described_launch_starts_nothing_and_shows_no_prefix() {
    let play = play();
    let home = home(&play, "#!/bin/sh\necho started\n");

    let ran = run(&mut home.forwarder(&["--print-launch", "exec", "hi"])).expect(0);

    assert!(!ran.stdout.contains("started"), "{}", ran.stdout);
    assert!(ran.stdout.contains("http://127.0.0.1:<port>/<secret>/backend-api/codex"), "{}", ran.stdout);
    assert!(ran.stdout.contains("preflight: the login in auth.json is alive"), "{}", ran.stdout);
}

#[test]
fn words_of_the_manager_are_answered_here_and_others_are_not() {
    let home = {
        let mut home = Home::new();
        home.write_pool(&[Login::sample(1)]);
        home.put_program("codex", TELLING);
        home
    };

    let ours = run(&mut home.forwarder(&["multi", "auth", "status", "--json"])).expect(0);
    let theirs = run(&mut home.forwarder(&["auth", "token"])).expect(0);

    assert!(ours.stdout.contains("\"command\": \"status\""), "{}", ours.stdout);
    assert_eq!(lines(&theirs, "arg"), ["auth", "token"]);
}

#[test]
fn the_only_call_of_a_launch_is_the_preflight_and_the_next_launch_makes_none() {
    let play = play();
    let mut home = home(&play, "#!/bin/sh\necho started\n");
    // Calls to any other place would have to come through here.
    let egress = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    egress.set_nonblocking(true).unwrap();
    let egress_url = format!("http://{}", egress.local_addr().unwrap());
    for name in ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY"] {
        home.set(name, egress_url.clone());
    }
    let asked = || {
        let entries = play.backend().record().entries();
        play.backend().record().clear();
        entries.into_iter().map(|entry| format!("{} {}", entry.method, entry.path)).collect::<Vec<_>>()
    };

    let first = run(&mut home.forwarder(&["exec", "hi"])).expect(0);
    let once = asked();
    for words in [&["exec", "hi"][..], &["resume", "--last"], &["hi"]] {
        run(&mut home.forwarder(words)).expect(0);
    }
    let after = asked();

    assert_eq!(first.stdout, "started\n");
    assert_eq!(once, ["GET /backend-api/wham/accounts/check"]);
    assert_eq!(after, Vec::<String>::new());
    assert_eq!(egress.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
}

#[test]
fn a_killed_forwarder_leaves_no_child_and_no_secret() {
    let play = play();
    let script = "#!/bin/sh\nprintf '%s\\n' \"$2\"\necho $$\nwhile :; do sleep 0.05; done\n";
    let home = home(&play, script);
    let mut running = Running::start(&mut home.forwarder(&["exec", "hi"]));
    let base = running.line();
    let secret = base.split('/').nth(3).expect("a prefix").to_owned();
    let child = running.line();

    running.signal(Signal::KILL);
    running.finish();

    wait_until("the child to be gone", || !Path::new("/proc").join(&child).exists());
    let holding: Vec<_> = home
        .files()
        .into_iter()
        .filter(|(_, bytes)| bytes.windows(secret.len()).any(|part| part == secret.as_bytes()))
        .map(|(path, _)| path)
        .collect();
    assert!(secret.len() >= 32 && holding.is_empty(), "{holding:?}");
    // What a killed proxy leaves in the registry goes with the next start.
    run(&mut home.manager(&["status", "--json"]));
    let run = home.root().join("run");
    let left: Vec<_> = std::fs::read_dir(run).into_iter().flatten().filter_map(Result::ok).collect();
    assert!(left.iter().all(|entry| entry.file_name() == "decisions.jsonl"), "{left:?}");
}

#[test]
fn a_launch_without_a_readable_pool_starts_no_child() {
    let play = play();
    let home = home(&play, "#!/bin/sh\necho started\n");
    std::fs::write(home.root().join("openai-codex-accounts.json"), "{ no pool").unwrap();

    let refused = run(&mut home.forwarder(&["exec", "hi"])).expect(1);
    let off =
        run(home.forwarder(&["exec", "hi"]).env("CODEX_MULTI_AUTH_RUNTIME_ROTATION_PROXY", "0")).expect(0);

    assert_eq!((refused.stdout.as_str(), off.stdout.as_str()), ("", "started\n"));
    assert!(refused.stderr.contains("CODEX_MULTI_AUTH_RUNTIME_ROTATION_PROXY=0"), "{}", refused.stderr);
}

#[test]
fn a_missing_official_cli_names_the_ways_out() {
    let home = Home::with_samples(1);

    let ran = run(home.forwarder(&["exec", "hi"]).env("PATH", home.work())).expect(1);

    for part in ["was not found", "npm install -g @openai/codex", "CODEX_MULTI_AUTH_REAL_CODEX_BIN"] {
        assert!(ran.stderr.contains(part), "{}", ran.stderr);
    }
}
