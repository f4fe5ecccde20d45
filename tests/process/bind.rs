//! The persistent bind with its real router: made, used, cut off at every step, healed by whichever program starts
//! next, and taken back byte for byte.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use codex_multi_auth::formats::scenario::Scenario;
use rustix::process::{Pid, Signal};
use serde_json::Value;

use crate::support::dirs::Home;
use crate::support::play::Play;
use crate::support::process::{DEADLINE, Ran, bare, run};

mod leased;
mod services;

#[cfg(debug_assertions)]
const FAULT: &str = "CODEX_MULTI_AUTH_FAULT";

/// What the user had: every byte of it comes back.
const BEFORE: &str =
    "# mine\r\nmodel = 'gpt-5.5' # best\r\n\r\n[features]\r\nopenai_base_url = 'not this one'";

/// The points of a bind and an unbind, for the table of all points.
#[cfg(debug_assertions)]
pub(super) fn points() -> impl Iterator<Item = &'static str> {
    codex_multi_auth::adapters::fault::POINTS
        .iter()
        .copied()
        .filter(|point| point.starts_with("bind.") || point.starts_with("unbind."))
}

/// A home with two accounts, a login and a configuration; whatever router it starts ends with it.
struct Stage {
    home: Home,
    _play: Play,
}

impl Stage {
    fn with(config: Option<&str>) -> Self {
        let play = Play::start(Scenario::pool(["one", "two"]));
        let mut home = play.home();
        home.write_auth(&play.login("one"));
        home.put_program("codex", "#!/bin/sh\nexit 0\n");
        if let Some(config) = config {
            fs::write(home.codex().join("config.toml"), config).expect("writable");
        }
        Self { home, _play: play }
    }

    fn new() -> Self {
        Self::with(Some(BEFORE))
    }

    #[track_caller]
    fn manager(&self, words: &[&str]) -> Ran {
        run(&mut self.home.manager(words))
    }

    #[track_caller]
    fn json(&self, words: &[&str]) -> Value {
        let words: Vec<&str> = words.iter().copied().chain(["--json"]).collect();
        let ran = self.manager(&words).expect(0);
        serde_json::from_str(&ran.stdout).expect("a document")
    }

    fn config_path(&self) -> PathBuf {
        self.home.codex().join("config.toml")
    }

    fn config(&self) -> String {
        fs::read_to_string(self.config_path()).unwrap_or_default()
    }

    fn state(&self) -> Value {
        let text =
            fs::read(self.home.root().join("app-bind/runtime-rotation-app-bind.json")).expect("a state");
        serde_json::from_slice(&text).expect("JSON")
    }

    fn status_path(&self) -> PathBuf {
        self.home.root().join("app-bind/runtime-rotation-app-bind-status.json")
    }

    #[track_caller]
    fn bind(&self) {
        self.manager(&["rotation", "bind-app"]).expect(0);
    }

    #[track_caller]
    fn unbind(&self) {
        self.manager(&["rotation", "unbind-app"]).expect(0);
    }

    /// Processes that run as routers of this home.
    fn routers(&self) -> Vec<u32> {
        let here = self.home.root().display().to_string();
        let all = fs::read_dir("/proc").expect("Linux").filter_map(Result::ok);
        all.filter_map(|entry| entry.file_name().to_string_lossy().parse().ok())
            .filter(|pid| {
                let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
                let line = String::from_utf8_lossy(&line).into_owned();
                line.contains("__router") && line.contains(&here)
            })
            .collect()
    }

    /// Ends every router at once and waits until the system has forgotten it.
    fn kill_routers(&self) {
        for pid in self.routers() {
            kill(pid);
        }
        wait_until("the routers to be gone", || self.routers().is_empty());
    }

    /// Whether the address in the configuration answers.
    fn answers(&self) -> bool {
        let Some(url) = bound_url(&self.config()) else { return false };
        let rest = url.strip_prefix("http://127.0.0.1:").expect("loopback");
        let (port, rest) = rest.split_once('/').expect("a path");
        let secret = rest.split('/').next().expect("a secret");
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port.parse::<u16>().expect("a port"))) else {
            return false;
        };
        stream.set_read_timeout(Some(Duration::from_secs(5))).expect("possible");
        let head = format!("GET /{secret}/healthz HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n");
        let mut answer = String::new();
        stream.write_all(head.as_bytes()).is_ok()
            && stream.read_to_string(&mut answer).is_ok()
            && answer.starts_with("HTTP/1.1 200")
    }

    /// Nothing of a bind is left, and the configuration is the user's.
    #[track_caller]
    fn assert_unbound(&self, config: Option<&str>, when: &str) {
        assert_eq!(fs::read_to_string(self.config_path()).ok().as_deref(), config, "{when}: config.toml");
        assert!(!self.home.root().join("app-bind").exists(), "{when}: state is left");
        assert_eq!(self.routers(), Vec::<u32>::new(), "{when}: routers");
        let entry = self.home.path().join(".config/autostart/codex-multi-auth-router.desktop");
        assert!(!entry.exists(), "{when}: a start-up entry is left");
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        for pid in self.routers() {
            kill(pid);
        }
    }
}

fn kill(pid: u32) {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).expect("a pid");
    let _ = rustix::process::kill_process(pid, Signal::KILL);
}

#[expect(clippy::disallowed_methods, reason = "waits for another process, with a deadline")]
fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < DEADLINE, "waited too long for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The value of the key, when it is one of ours.
fn bound_url(config: &str) -> Option<String> {
    let line = config.lines().find(|line| line.starts_with("openai_base_url = \"http://127.0.0.1:"))?;
    Some(line.split('"').nth(1).expect("quoted").to_owned())
}

fn secret_of(url: &str) -> &str {
    url.split('/').nth(3).expect("a secret")
}

#[test]
fn a_bind_works_is_shown_without_its_secret_and_goes_without_a_trace() {
    let stage = Stage::new();
    let unbound = stage.json(&["rotation", "status"]);

    let bound = stage.manager(&["rotation", "bind-app"]).expect(0);
    let config = stage.config();
    let url = bound_url(&config).expect("a key of ours");
    let shown = stage.json(&["rotation", "status"]);
    let text = stage.manager(&["rotation"]).expect(0);
    let works = stage.answers();
    let status = fs::read_to_string(stage.status_path()).expect("a status");
    let unbinding = stage.manager(&["rotation", "unbind-app"]).expect(0);

    assert_eq!(unbound["bind"]["state"], "unbound");
    assert_eq!(config, BEFORE.replacen("best\r\n", &format!("best\r\nopenai_base_url = \"{url}\"\r\n"), 1));
    assert!(works);
    assert_eq!(shown["bind"]["state"], "bound", "{shown:#}");
    assert_eq!(shown["bind"]["mode"], "persistent");
    assert_eq!(shown["hosts"][0]["kind"], "router", "{shown:#}");
    let secret = secret_of(&url).to_owned();
    assert_eq!(secret.len(), 43);
    for said in [&bound.stdout, &bound.stderr, &shown.to_string(), &text.stdout, &status, &unbinding.stdout] {
        assert!(!said.contains(&secret), "{said}");
    }
    stage.assert_unbound(Some(BEFORE), "after the unbind");
}

#[test]
fn files_of_a_bind_are_for_their_owner_alone() {
    let stage = Stage::with(None);

    stage.bind();
    let modes = stage.home.modes(&stage.home.root().join("app-bind"));
    let config =
        stage.home.modes(&stage.home.codex()).into_iter().find(|(path, _)| path.ends_with("config.toml"));
    stage.unbind();

    assert!(modes.len() >= 4, "{modes:?}");
    assert_eq!(modes.iter().filter(|(_, mode)| mode & 0o077 != 0).count(), 0, "{modes:?}");
    assert_eq!(config.map(|(_, mode)| mode), Some(0o600));
    stage.assert_unbound(None, "a file that we made");
}

#[test]
fn edits_made_between_and_after_two_binds_survive_the_unbind() {
    let stage = Stage::new();
    stage.bind();
    let first = bound_url(&stage.config()).expect("bound");
    let edited = stage.config().replace("# mine", "# mine, and changed") + "\r\n[late]\r\nx = 1\r\n";
    fs::write(stage.config_path(), edited).expect("writable");

    stage.bind();
    let second = bound_url(&stage.config()).expect("bound");
    let works = stage.answers();
    fs::write(stage.config_path(), "top = true\r\n".to_owned() + &stage.config()).expect("writable");
    stage.unbind();

    assert_ne!(secret_of(&first), secret_of(&second), "an explicit bind brings a new secret");
    assert!(works, "the router that ran took the new secret over");
    let expected = BEFORE.replace("# mine", "# mine, and changed");
    stage.assert_unbound(Some(&format!("top = true\r\n{expected}\r\n[late]\r\nx = 1\r\n")), "edits");
}

#[test]
fn an_address_of_the_users_own_is_replaced_only_when_told_to_and_comes_back() {
    let before = "'openai_base_url' = 'https://gateway.example' # ours\n";
    let stage = Stage::with(Some(before));

    let refused = stage.manager(&["rotation", "bind-app", "--json"]).expect(3);
    let untouched = stage.config();
    stage.manager(&["rotation", "bind-app", "--replace"]).expect(0);
    let works = stage.answers();
    stage.unbind();

    let refused: Value = serde_json::from_str(&refused.stdout).expect("a document");
    assert_eq!(refused["error"]["code"], "needs-answer");
    assert!(refused["error"]["hint"].as_str().is_some_and(|hint| hint.contains("--replace")), "{refused}");
    assert_eq!(untouched, before);
    assert!(!works, "the key is quoted, so the helper must not see it");
    stage.assert_unbound(Some(before), "after the unbind");
}

#[test]
fn what_cannot_be_bound_is_refused_and_left_as_it_is() {
    for (config, code) in
        [("model_provider = 'azure'\n", "bind-other-provider"), ("a = [\n", "config-unparsable")]
    {
        let stage = Stage::with(Some(config));

        let refused = stage.manager(&["rotation", "bind-app", "--json"]).expect(1);

        let refused: Value = serde_json::from_str(&refused.stdout).expect("a document");
        assert_eq!(refused["error"]["code"], code);
        stage.assert_unbound(Some(config), code);
    }
}

#[test]
fn a_dry_run_names_the_files_and_touches_none() {
    let stage = Stage::new();
    stage.manager(&["status"]);
    let before = stage.home.files();

    let told = stage.json(&["rotation", "bind-app", "--dry-run"]);
    let untold = stage.json(&["rotation", "unbind-app", "--dry-run"]);

    assert_eq!(told["changed"], false);
    let files = told["files"].as_array().expect("files");
    assert!(
        files.iter().any(|file| file.as_str().is_some_and(|file| file.ends_with("config.toml"))),
        "{told:#}"
    );
    assert_eq!(untold["files"].as_array().map(Vec::len), Some(0));
    let locks = |path: &Path| path.components().any(|part| part.as_os_str() == "locks");
    let changed: Vec<_> = stage
        .home
        .files()
        .into_iter()
        .filter(|(path, text)| !locks(path) && before.get(path) != Some(text))
        .collect();
    assert!(changed.is_empty(), "{changed:?}");
}

#[cfg(debug_assertions)]
#[test]
fn a_bind_that_is_killed_at_any_step_is_taken_back_by_the_next_start_of_each_program() {
    for point in points().filter(|point| point.starts_with("bind.")) {
        for forwarder in [false, true] {
            let stage = Stage::new();
            let killed = run(stage.home.manager(&["rotation", "bind-app"]).env(FAULT, point));
            assert_eq!(killed.code(), 134, "{point} was not passed\n{}", killed.stderr);

            let healed = if forwarder {
                run(&mut stage.home.forwarder(&["doctor"]))
            } else {
                stage.manager(&["status", "--json"])
            };

            assert!(healed.stderr.contains("was taken back"), "{point}: {}", healed.stderr);
            stage.assert_unbound(Some(BEFORE), point);
            stage.bind();
            assert!(stage.answers(), "{point}: a bind afterwards");
            stage.unbind();
            stage.assert_unbound(Some(BEFORE), point);
        }
    }
}

#[cfg(debug_assertions)]
#[test]
fn an_unbind_that_is_killed_at_any_step_is_finished_by_the_next_start() {
    for point in points().filter(|point| point.starts_with("unbind.")) {
        let stage = Stage::new();
        stage.bind();
        let killed = run(stage.home.manager(&["rotation", "unbind-app"]).env(FAULT, point));
        assert_eq!(killed.code(), 134, "{point} was not passed\n{}", killed.stderr);

        stage.manager(&["status"]);

        stage.assert_unbound(Some(BEFORE), point);
    }
}

#[cfg(debug_assertions)]
#[test]
fn a_bind_whose_step_fails_leaves_everything_as_it_was() {
    for point in points().filter(|point| point.starts_with("bind.")) {
        let stage = Stage::new();
        let failed = run(stage.home.manager(&["rotation", "bind-app"]).env(FAULT, format!("{point}=EIO")));

        assert_eq!(failed.code(), 1, "{point}: {}", failed.stderr);
        stage.assert_unbound(Some(BEFORE), point);

        // Over a bind that stands, the old one stands again.
        stage.bind();
        let (config, state) = (stage.config(), stage.state());
        let failed = run(stage.home.manager(&["rotation", "bind-app"]).env(FAULT, format!("{point}=ENOSPC")));
        assert_eq!(failed.code(), 1, "{point}: {}", failed.stderr);
        assert_eq!((stage.config(), stage.state()), (config, state), "{point}");
        wait_until("the router to take the old secret over", || stage.answers());
    }
}

#[test]
fn two_binds_at_once_make_one() {
    let stage = Stage::new();
    let both: Vec<_> = (0..2)
        .map(|_| crate::support::process::Running::start(&mut stage.home.manager(&["rotation", "bind-app"])))
        .collect();

    let codes: Vec<i32> = both.into_iter().map(|one| one.finish().code()).collect();

    assert!(codes.contains(&0) && codes.iter().all(|code| [0, 1].contains(code)), "{codes:?}");
    assert_eq!(stage.config().matches("openai_base_url = \"http").count(), 1);
    assert!(stage.answers());
    assert_eq!(stage.routers().len(), 1);
    stage.unbind();
    stage.assert_unbound(Some(BEFORE), "after both");
}

#[test]
fn a_dead_router_runs_again_at_the_next_start_of_each_program() {
    for forwarder in [false, true] {
        let stage = Stage::new();
        stage.bind();
        let config = stage.config();
        stage.kill_routers();

        let healed =
            if forwarder { run(&mut stage.home.forwarder(&["doctor"])) } else { stage.manager(&["status"]) };

        assert!(healed.stderr.contains("runs again"), "{}", healed.stderr);
        assert_eq!(stage.config(), config);
        assert!(stage.answers());
        // A second death within the minute is not answered with another start.
        stage.kill_routers();
        assert_eq!(stage.json(&["rotation", "status"])["bind"]["state"], "bound-down");
        stage.unbind();
        stage.assert_unbound(Some(BEFORE), "after the unbind");
    }
}

#[test]
fn a_dead_router_goes_with_its_bind_when_rotation_is_off() {
    let stage = Stage::new();
    stage.bind();
    stage.kill_routers();

    let healed = run(stage.home.manager(&["status"]).env("CODEX_MULTI_AUTH_RUNTIME_ROTATION_PROXY", "0"));

    assert!(healed.stderr.contains("was taken back"), "{}", healed.stderr);
    stage.assert_unbound(Some(BEFORE), "rotation off");
}

#[test]
fn a_port_that_somebody_else_took_is_given_up_and_the_key_follows() {
    let stage = Stage::new();
    stage.bind();
    let port = u16::try_from(stage.state()["port"].as_u64().expect("a port")).expect("a port");
    stage.kill_routers();
    let mut holder = None;
    wait_until("the port to be free again", || {
        holder = TcpListener::bind(("127.0.0.1", port)).ok();
        holder.is_some()
    });

    let healed = stage.manager(&["status"]);

    assert!(healed.stderr.contains(&format!("port {port} is taken")), "{}", healed.stderr);
    assert!(stage.answers());
    assert_ne!(stage.state()["port"].as_u64(), Some(u64::from(port)));
    drop(holder);
    stage.unbind();
    stage.assert_unbound(Some(BEFORE), "after the unbind");
}

#[test]
fn an_orphaned_key_is_removed_after_a_copy() {
    let secret = "o".repeat(43);
    let orphan = format!("a = 1\nopenai_base_url = \"http://127.0.0.1:9/{secret}/backend-api/codex\"\n[t]\n");
    for forwarder in [false, true] {
        let stage = Stage::with(Some(&orphan));

        let healed =
            if forwarder { run(&mut stage.home.forwarder(&["doctor"])) } else { stage.manager(&["status"]) };

        assert!(healed.stderr.contains("was removed from"), "{}", healed.stderr);
        assert!(!healed.stderr.contains(&secret));
        assert_eq!(stage.config(), "a = 1\n[t]\n");
        let copies = fs::read_dir(stage.home.root().join("backups-official")).expect("copies");
        let copies: Vec<_> =
            copies.map(|copy| fs::read_to_string(copy.expect("one").path()).expect("text")).collect();
        assert_eq!(copies, std::slice::from_ref(&orphan));
    }
}

#[test]
fn a_value_the_user_put_in_place_of_ours_is_left_by_the_unbind() {
    let stage = Stage::new();
    stage.bind();
    let url = bound_url(&stage.config()).expect("bound");
    let theirs = stage.config().replace(&url, "https://gateway.example");
    fs::write(stage.config_path(), &theirs).expect("writable");

    let told = stage.manager(&["rotation", "unbind-app"]).expect(0);

    assert!(told.stdout.contains("is left as it is"), "{}", told.stdout);
    stage.assert_unbound(Some(&theirs), "theirs");
}

#[test]
fn an_unbind_never_signals_a_pid_that_is_another_process_by_now() {
    let stage = Stage::new();
    stage.bind();
    let identity = stage.state()["identityToken"].as_str().expect("a token").to_owned();
    stage.kill_routers();
    // Its words are right and its start is not; then its start is right and its words are not.
    let named = format!("exec -a 'x {identity}' sleep 600");
    for (words, start_is_right) in [(vec!["-c", named.as_str()], false), (vec!["-c", "exec sleep 600"], true)]
    {
        let mut other = bare("/bin/bash").args(words).spawn().expect("bash");
        let started = if start_is_right { start_of(other.id()) } else { 1_000 };
        let status = serde_json::json!({
            "version": 1, "kind": "codex-app-runtime-rotation-router", "state": "running",
            "pid": other.id(), "startedAt": started, "identityToken": identity,
        });
        fs::create_dir_all(stage.status_path().parent().expect("a folder")).expect("writable");
        fs::write(stage.status_path(), status.to_string()).expect("writable");

        let told = stage.manager(&["rotation", "unbind-app"]).expect(0);

        let lives = other.try_wait().expect("ours").is_none();
        other.kill().expect("ours");
        other.wait().expect("ours");
        assert!(lives, "it was signalled: {}", told.stdout);
        assert!(told.stdout.contains("was left alone"), "{}", told.stdout);
        stage.assert_unbound(Some(BEFORE), "another process");
        stage.bind();
        stage.kill_routers();
    }
}

/// When a process began, as our programs read it.
fn start_of(pid: u32) -> i64 {
    codex_multi_auth::adapters::peers::process_start(pid).expect("it lives").millis()
}

#[test]
fn a_router_without_a_usable_state_says_so_and_takes_no_port() {
    let stage = Stage::new();
    let state = stage.home.root().join("app-bind/runtime-rotation-app-bind.json");
    for text in ["{", "{\"bindVersion\":2,\"kind\":\"openai_base_url\",\"host\":\"0.0.0.0\",\"port\":1}"] {
        stage.home.write(&state, text);

        let ran = run(&mut stage.home.manager(&["__router", "--state", &state.display().to_string()]));

        assert_eq!(ran.code(), 1, "{}", ran.stdout);
        let status: Value =
            serde_json::from_slice(&fs::read(stage.status_path()).expect("a status")).expect("JSON");
        assert_eq!(status["state"], "error");
    }
}

#[test]
fn a_router_ends_well_when_told_to_and_says_so() {
    for (signal, code) in [(Signal::TERM, 0), (Signal::HUP, 0), (Signal::INT, 130)] {
        let stage = Stage::new();
        stage.bind();
        let state = stage.home.root().join("app-bind/runtime-rotation-app-bind.json");
        stage.kill_routers();
        let mut command = stage.home.manager(&["__router", "--state", &state.display().to_string()]);
        let router = crate::support::process::Running::start(&mut command);
        wait_until("the router", || stage.answers());

        router.signal(signal);
        let ran = router.finish();

        assert_eq!(ran.code(), code, "{signal:?}: {}", ran.stderr);
        let status: Value =
            serde_json::from_slice(&fs::read(stage.status_path()).expect("a status")).expect("JSON");
        assert_eq!(status["state"], "stopped", "{signal:?}");
        stage.unbind();
    }
}

#[test]
fn a_forwarded_launch_rotates_all_the_same_while_the_home_is_bound() {
    let stage = Stage::new();
    stage.bind();

    let ran = run(&mut stage.home.forwarder(&["exec", "--print-launch", "hi"])).expect(0);

    assert!(!ran.stdout.contains("No rotation"), "{}", ran.stdout);
    assert!(ran.stdout.contains("openai_base_url"), "{}", ran.stdout);
    stage.unbind();
}
