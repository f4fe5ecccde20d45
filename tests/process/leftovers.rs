//! What the original package left: told, cleaned up when asked, its bind taken over or taken out, its sessions found
//! again, and nothing of it touched while it is in use.

#![expect(clippy::disallowed_methods, reason = "a test of real processes lives in real time")]

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::SystemTime;

use codex_multi_auth::formats::scenario::Scenario;
use serde_json::{Value, json};

use crate::support::dirs::Home;
use crate::support::play::Play;
use crate::support::process::run;
use crate::support::reference;

const BEFORE: &str =
    "# mine\nmodel = 'gpt-5.5' # best\ncli_auth_credentials_store = \"file\"\n\n\n[features]\nx = true\n";
const FIRST: &str = "0199b000-81c0-7800-8aa1-bbab2a035a01";
const SECOND: &str = "0199b000-81c0-7800-8aa1-bbab2a035a02";

struct Stage {
    home: Home,
    _play: Play,
}

impl Stage {
    fn new() -> Self {
        let play = Play::start(Scenario::pool(["one", "two"]));
        let mut home = play.home();
        home.write_auth(&play.login("one"));
        home.put_program("codex", "#!/bin/sh\nexit 0\n");
        home.write(&home.codex().join("config.toml"), BEFORE);
        Self { home, _play: play }
    }

    #[track_caller]
    fn told(&self, words: &[&str], code: i32) -> Value {
        let words: Vec<&str> = words.iter().copied().chain(["--json"]).collect();
        let ran = run(&mut self.home.manager(&words)).expect(code);
        serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}\n{}", ran.stdout))
    }

    /// The findings about the original package: key and details.
    #[track_caller]
    fn findings(&self) -> BTreeMap<String, String> {
        let ran = run(&mut self.home.manager(&["doctor", "--json"]));
        let told: Value = serde_json::from_str(&ran.stdout).expect("a document");
        let rows = told["checks"].as_array().expect("checks").iter();
        rows.filter(|row| row["key"].as_str().is_some_and(|key| key.starts_with("reference-")))
            .map(|row| {
                let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
                (text("key"), format!("{} | {}", text("message"), text("details")))
            })
            .collect()
    }

    #[track_caller]
    fn fix(&self) {
        let told = run(&mut self.home.manager(&["doctor", "--fix", "--yes", "--json"]));
        assert!([0, 4].contains(&told.code()), "{}\n{}", told.stdout, told.stderr);
    }

    fn config(&self) -> String {
        fs::read_to_string(self.home.codex().join("config.toml")).unwrap_or_default()
    }

    fn shadow(&self, name: &str) -> PathBuf {
        self.home.root().join("runtime-shadow-homes").join(format!("codex-multi-auth-runtime-home-{name}"))
    }

    fn session(&self, id: &str) -> PathBuf {
        self.home.codex().join(format!("sessions/2026/11/20/rollout-2026-11-20T10-00-00-{id}.jsonl"))
    }

    /// What stands outside the root.
    fn outside(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let ours = |path: &PathBuf| path.starts_with(".codex/multi-auth");
        self.home.files().into_iter().filter(|(path, _)| !ours(path)).collect()
    }
}

fn look(path: &Path) -> (Vec<u8>, SystemTime) {
    (fs::read(path).expect("there"), fs::metadata(path).expect("there").modified().expect("a time"))
}

/// A process with these words behind its name and this in its environment.
struct Alive(Child);

impl Alive {
    fn start(word: &str, variable: (&str, &Path)) -> Self {
        let child = Command::new("sh")
            // A shell that waits by itself: no child of its own outlives it.
            .args(["-c", "read line", word])
            .env(variable.0, variable.1)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn();
        Self(child.expect("a shell"))
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn everything_the_original_package_leaves_is_told_and_goes_when_asked_and_no_session_is_lost() {
    let stage = Stage::new();
    run(&mut stage.home.manager(&["status"]));
    let before = stage.outside();
    let (shadow, other) =
        (stage.shadow("Ab12Cd"), stage.home.temporary().join("codex-multi-auth-home-Xy34Zz"));
    let kept = reference::temporary_home(&stage.home, &shadow, Some(FIRST)).expect("a session");
    reference::temporary_home(&stage.home, &other, None);
    reference::scraps(&stage.home);
    reference::bind(&stage.home, Some(BEFORE), 9);
    let hook = format!("{}/hooks.json:stop:0:0", shadow.display());
    let hooked = format!("{}\n[hooks.state.\"{hook}\"]\ntrusted_hash = \"sha256:1\"\n", stage.config());
    stage.home.write(&stage.home.codex().join("config.toml"), &hooked);
    let session = fs::read(&kept).expect("there");

    let told = stage.findings();
    let tree = stage.home.files();
    stage.fix();
    let after = stage.findings();

    assert_eq!(
        told.keys().map(String::as_str).collect::<Vec<_>>(),
        ["reference-bind", "reference-leftovers", "reference-sessions"],
        "{told:#?}"
    );
    let left = &told["reference-leftovers"];
    for what in [
        "2 temporary Codex homes",
        "2 notes of a copy back",
        "1 app-server stand-in",
        "1 start-up entry",
        "1 launcher",
    ] {
        assert!(left.contains(what), "{what}: {left}");
    }
    assert!(tree.contains_key(Path::new(".codex/config.toml")), "looking changed nothing");
    assert_eq!(after.keys().map(String::as_str).collect::<Vec<_>>(), ["reference-sessions"], "{after:#?}");
    assert_eq!(stage.config(), BEFORE);
    assert!(!shadow.exists() && !other.exists());
    assert_eq!(fs::read(stage.session(FIRST)).expect("moved"), session);
    let more: Vec<_> = stage
        .outside()
        .into_iter()
        .filter(|(path, text)| before.get(path) != Some(text) && !path.starts_with(".codex/sessions"))
        .collect();
    assert!(more.is_empty(), "{more:?}");
}

#[test]
fn a_dry_run_changes_nothing_and_names_what_would_be_done() {
    let stage = Stage::new();
    reference::temporary_home(&stage.home, &stage.shadow("Ab12Cd"), Some(FIRST));
    reference::bind(&stage.home, Some(BEFORE), 9);
    run(&mut stage.home.manager(&["doctor", "--json"]));
    let before = stage.home.files();

    let told = run(&mut stage.home.manager(&["doctor", "--fix", "--dry-run", "--json"]));

    assert!(told.stdout.contains("move 1 session of the original package"), "{}", told.stdout);
    assert!(told.stdout.contains("take the original package's proxy out of"), "{}", told.stdout);
    let changed: Vec<_> =
        stage.home.files().into_iter().filter(|(path, text)| before.get(path) != Some(text)).collect();
    assert!(changed.is_empty(), "{changed:?}");
}

#[test]
fn a_bind_over_the_original_packages_takes_it_over_and_an_unbind_gives_the_users_file_back() {
    let stage = Stage::new();
    reference::bind(&stage.home, Some(BEFORE), 9);

    let status = stage.told(&["rotation", "status"], 0);
    let text = run(&mut stage.home.manager(&["rotation"])).expect(0);
    let bound = stage.told(&["rotation", "bind-app"], 0);
    let config = stage.config();
    let after = stage.told(&["rotation", "status"], 0);
    stage.told(&["rotation", "unbind-app"], 0);

    assert_eq!(status["bind"]["state"], "legacy");
    assert!(text.stdout.contains("rotation bind-app"), "{}", text.stdout);
    assert!(bound["notes"].to_string().contains("taken over"), "{bound:#}");
    assert!(
        config.contains("openai_base_url = \"http://127.0.0.1:") && !config.contains(reference::PROVIDER)
    );
    assert_eq!(after["bind"]["state"], "bound");
    assert_eq!(stage.config(), BEFORE);
    assert!(!stage.home.root().join("app-bind").exists());
}

#[test]
fn edits_made_while_the_original_package_was_bound_survive_and_a_file_it_made_goes() {
    let stage = Stage::new();
    reference::bind(&stage.home, Some(BEFORE), 9);
    let edited = stage.config().replace("# mine", "# mine, and more") + "\n[late]\na = 1\n";
    stage.home.write(&stage.home.codex().join("config.toml"), &edited);
    stage.told(&["rotation", "unbind-app"], 0);
    let survived = stage.config();

    fs::remove_file(stage.home.codex().join("config.toml")).expect("there");
    reference::bind(&stage.home, None, 9);
    stage.told(&["rotation", "unbind-app"], 0);

    assert_eq!(survived, BEFORE.replace("# mine", "# mine, and more") + "\n[late]\na = 1\n");
    assert!(!stage.home.codex().join("config.toml").exists());
}

#[test]
fn a_proxy_that_is_gone_and_that_nobody_looks_after_is_taken_out_by_the_next_start_of_each_program() {
    for forwarder in [false, true] {
        let stage = Stage::new();
        stage.home.write(&stage.home.codex().join("config.toml"), &reference::bound(BEFORE, 9));

        let healed = if forwarder {
            run(&mut stage.home.forwarder(&["doctor"]))
        } else {
            run(&mut stage.home.manager(&["status"]))
        };

        assert!(healed.stderr.contains("of the original package that is gone"), "{}", healed.stderr);
        assert_eq!(stage.config(), BEFORE, "forwarder: {forwarder}");
    }
}

#[test]
fn a_proxy_that_answers_or_has_its_state_is_left_to_whoever_asks() {
    let stage = Stage::new();
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let alive = reference::bound(BEFORE, listener.local_addr().expect("bound").port());
    stage.home.write(&stage.home.codex().join("config.toml"), &alive);

    let first = run(&mut stage.home.manager(&["status"]));
    let untouched = stage.config();
    drop(listener);
    reference::bind(&stage.home, Some(BEFORE), 9);
    let kept = stage.config();
    run(&mut stage.home.manager(&["status"]));

    assert_eq!(untouched, alive, "{}", first.stderr);
    assert_eq!(stage.config(), kept);
}

#[test]
fn a_temporary_home_in_use_stays_with_everything_in_it() {
    let stage = Stage::new();
    let shadow = stage.shadow("Ab12Cd");
    reference::temporary_home(&stage.home, &shadow, Some(FIRST));
    let using = Alive::start("codex", ("CODEX_HOME", &shadow));

    let told = stage.findings();
    stage.fix();
    let stays = shadow.join("config.toml").exists();
    drop(using);
    stage.home.write(&shadow.join("log/new.log"), "written just now");
    stage.fix();
    let stays_warm = shadow.join("config.toml").exists();
    reference::age(&shadow);
    stage.fix();

    assert!(told["reference-leftovers"].contains("uses it"), "{told:#?}");
    assert!(stays && stays_warm);
    assert!(!shadow.exists());
    assert!(stage.session(FIRST).exists());
}

#[test]
fn a_running_helper_is_ended_only_when_its_own_token_is_on_its_command_line() {
    for (word, ends) in [(reference::TOKEN, true), ("another-program", false)] {
        let stage = Stage::new();
        let shadow = stage.shadow("Ab12Cd");
        reference::temporary_home(&stage.home, &shadow, None);
        let mut helper = Alive::start(word, ("NOTHING", Path::new("x")));
        let pid = helper.0.id();
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_millis();
        let status = json!({
            "version": 1, "kind": "codex-app-runtime-rotation-helper", "state": "running", "pid": pid,
            "identityToken": reference::TOKEN, "startedAt": u64::try_from(now).expect("fits"),
        });
        let path = stage.home.root().join(format!("runtime-rotation-app-helper.{pid}.json"));
        stage.home.write(&path, &status.to_string());

        let told = stage.findings();
        let ran = run(&mut stage.home.manager(&["doctor", "--fix", "--yes", "--json"]));
        let is_gone = helper.0.try_wait().expect("ours").is_some();

        assert!(told.contains_key("reference-proxy"), "{told:#?}");
        assert!(told["reference-leftovers"].contains("of the original package runs"), "{told:#?}");
        assert_eq!(is_gone, ends, "{word}: {}", ran.stdout);
        if !ends {
            assert!(shadow.exists(), "nothing goes while it may run");
        }
    }
}

#[test]
fn sessions_are_listed_filed_anew_and_put_back_byte_for_byte_wherever_they_lay() {
    let stage = Stage::new();
    let stranded = reference::temporary_home(&stage.home, &stage.shadow("Ab12Cd"), Some(FIRST)).expect("one");
    let filed = stage.session(SECOND);
    stage.home.write(&filed, &reference::rollout(SECOND));
    reference::age(&stage.home.codex().join("sessions"));
    let before = [look(&stranded), look(&filed)];

    let dry = stage.told(&["history", "migrate", "--dry-run"], 0);
    let moved = stage.told(&["history", "migrate", "--yes"], 0);
    let listed = stage.told(&["history", "--provider", "openai"], 0);
    let undone = stage.told(&["history", "migrate", "--undo", "--yes"], 0);

    assert_eq!((&dry["found"], &dry["rescued"]), (&json!(2), &json!(1)));
    assert_eq!((&moved["rewritten"], &moved["rescued"]), (&json!(2), &json!(1)), "{moved:#}");
    assert_eq!(listed["count"], 2);
    assert_eq!((&undone["undone"], &undone["rescued"]), (&json!(true), &json!(1)));
    assert_eq!([look(&stranded), look(&filed)], before);
    assert!(!stage.session(FIRST).exists());
}
