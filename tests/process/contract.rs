//! The command line as its specification promises it. Where each acceptance test of commands.md §9.4 stands:
//!
//! | row | test |
//! |---|---|
//! | 1 help everywhere | [`every_command_explains_itself_and_touches_nothing`] |
//! | 2 one document, no secret | [`documents_of_a_full_home_fit_their_schemas`] and its three neighbours |
//! | 3 dry runs | [`a_dry_run_spends_no_token_and_writes_no_file`], `checkup`, `outlook` |
//! | 4 the nearer wait | `domain::quota::defer` (unit tests), `outlook` |
//! | 5 outcomes of a probe | `outlook`, `app::flows::check` (unit tests) |
//! | 6, 7 pause and pin | `pure::agreement`, `headless::every_reader_names_the_same_next_account` |
//! | 8 one total | `rules`, `usage` |
//! | 9 disable, then reset | [`resetting_after_a_disable_binds_nothing`] |
//! | 10 nothing left after `uninstall` | `uninstall` |
//! | 11 ten processes | `together`, `crash::pools` |
//! | 12 start-up, no escape bytes | `headless`, docs/benchmarks.md |
//! | 13 completions | [`completions_know_every_command_and_flag`] |
//! | 14 view commands | `views`; [`an_act_stays_on_the_normal_screen`] |
//! | 15 overrides, rehearsal | `headless::an_unsafe_override_ends_the_program_before_anything_is_read`, `demo` |

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use clap::{Command, CommandFactory as _};
use codex_multi_auth::cli::args::Cli;
use codex_multi_auth::domain::places::POOL_FILE;
use codex_multi_auth::formats::scenario::Scenario;
use serde_json::{Value, json};

use crate::support::dirs::Home;
use crate::support::play::Play;
use crate::support::process::{MANAGER, Ran, run};
use crate::support::pty::Terminal;
use crate::support::schema::{both, faults, shown_by};

/// Every command of the table with its words, the program itself first.
fn commands() -> Vec<Vec<String>> {
    fn walk(command: &Command, words: &[String], all: &mut Vec<Vec<String>>) {
        all.push(words.to_vec());
        for inner in command.get_subcommands().filter(|inner| inner.get_name() != "help") {
            walk(inner, &[words, &[inner.get_name().to_owned()]].concat(), all);
        }
    }
    let mut program = Cli::command();
    program.build();
    let mut all = Vec::new();
    walk(&program, &[], &mut all);
    // Everything behind `codex` is for the official CLI.
    all.retain(|words| words.first().is_none_or(|word| word != "codex"));
    all
}

#[test]
fn every_command_explains_itself_and_touches_nothing() {
    let play = Play::start(Scenario::pool(["one"]));
    let mut home = Home::new();
    home.set("CODEX_MULTI_AUTH_UPSTREAM_BASE_URL", play.backend().upstream_url());
    home.set("CODEX_MULTI_AUTH_AUTH_BASE_URL", play.backend().auth_url());
    let before = home.files();
    let commands = commands();
    assert!(commands.len() > 60, "{}", commands.len());

    for words in &commands {
        let words: Vec<&str> = words.iter().map(String::as_str).chain(["--help"]).collect();
        let ran = run(&mut home.manager(&words)).expect(0);
        assert!(ran.stdout.contains("Usage: "), "{words:?}\n{}", ran.stdout);
        assert_eq!(ran.stderr, "", "{words:?}");
    }

    assert_eq!(home.files(), before);
    assert_eq!(fs::read_dir(home.codex()).expect("a folder").count(), 0, "a folder was made");
    assert_eq!(play.backend().record().entries().len(), 0, "{}", play.story());
}

/// Commands with what they are called with; their document's schema has the name of the words before the first dash.
const DOCUMENTS: &[&[&str]] = &[
    &["status"],
    &["list"],
    &["status", "--line"],
    &["check"],
    &["switch", "1"],
    &["unpin"],
    &["workspace", "1"],
    &["best", "--dry-run"],
    &["forecast"],
    &["forecast", "--live", "--explain"],
    &["why-selected"],
    &["why-selected", "--last"],
    &["report"],
    &["report", "--live"],
    &["verify-flagged", "--dry-run"],
    &["doctor"],
    &["doctor", "--fix", "--dry-run"],
    &["fix", "--dry-run"],
    &["verify", "--paths"],
    &["usage"],
    &["usage", "rotate"],
    &["models"],
    &["monitor"],
    &["budget", "list"],
    &["budget", "limit", "global", "--window", "day", "--requests", "5"],
    &["budget", "check", "global"],
    &["budget", "remove", "global"],
    &["profile", "list"],
    &["profile", "show"],
    &["rotation", "status"],
    &["rotation", "bind-app", "--dry-run"],
    &["rotation", "unbind-app", "--dry-run"],
    &["rotation", "reset-rate-limits", "--dry-run"],
    &["rotation", "service", "status"],
    &["bridge", "status"],
    &["bridge", "list"],
    &["bridge", "token", "create", "--label", "x"],
    &["integrations"],
    &["history", "list"],
    &["history", "migrate", "--dry-run"],
    &["config", "list"],
    &["config", "get", "tuiTheme"],
    &["config", "set", "tuiTheme", "blue"],
    &["config", "unset", "tuiTheme"],
    &["config", "explain"],
    &["config", "validate"],
    &["config", "path"],
    &["config", "template"],
    &["backup", "create", "mine"],
    &["backup", "list"],
    &["export"],
    &["import", "--scan", "--dry-run"],
    &["account", "tag", "1", "work"],
    &["account", "pause", "1"],
    &["account", "disable", "1"],
    &["account", "label", "1", "home"],
    &["account", "policy", "list"],
    &["account", "remove", "1", "--yes"],
    &["flagged", "list"],
    &["sync", "preview"],
    &["features"],
    &["uninstall", "--dry-run"],
];

/// Where the schema of a command's document stands.
fn schema_of(words: &[&str]) -> PathBuf {
    let name: Vec<&str> = words.iter().copied().take_while(|word| !word.starts_with('-')).collect();
    let name = match name.as_slice() {
        [
            group @ ("account" | "budget" | "config" | "history" | "bridge" | "backup" | "profile"),
            word,
            ..,
        ] => {
            format!("{group}-{word}")
        }
        ["usage" | "rotation" | "sync" | "flagged", _, ..] => name.join("-"),
        ["status"] if words.contains(&"--line") => "status-line".to_owned(),
        [word, ..] => (*word).to_owned(),
        [] => panic!("no command"),
    };
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schema").join(format!("{name}.json"))
}

/// The one document of a run.
#[track_caller]
fn document(ran: &Ran, words: &[&str]) -> Value {
    let mut documents = serde_json::Deserializer::from_str(&ran.stdout).into_iter::<Value>();
    let first = documents.next().and_then(Result::ok);
    let first = first.unwrap_or_else(|| panic!("{words:?}: no document\n{}\n{}", ran.stdout, ran.stderr));
    assert!(documents.next().is_none(), "{words:?}: more than one document\n{}", ran.stdout);
    first
}

/// Runs every command in a home of its own, and looks at its document.
fn check_documents(mut home: impl FnMut() -> Home, secrets: &[String]) {
    let mut wrong = String::new();
    let mut fresh: BTreeMap<PathBuf, Value> = BTreeMap::new();
    for words in DOCUMENTS {
        let home = home();
        let ran = run(&mut home.manager(&[words, &["--json"][..]].concat()));
        let said = format!("{}{}", ran.stdout, ran.stderr);
        for secret in secrets {
            assert!(!said.contains(secret.as_str()), "{words:?} told a secret\n{said}");
        }
        assert!(!said.contains('\u{1b}'), "{words:?}: {said:?}");
        if words.first() == Some(&"report") {
            assert!(!said.contains("person1@") && !said.contains("one@"), "{words:?} named a person\n{said}");
        }
        let document = document(&ran, words);
        assert_eq!(document["schemaVersion"], 1, "{words:?}");
        let refused = document["ok"] == json!(false);
        assert_eq!(refused, !matches!(ran.code(), 0 | 4), "{words:?}: {}\n{document:#}", ran.code());
        if refused {
            let error = &document["error"];
            assert!(error["code"].is_string() && error["message"].is_string(), "{words:?}: {document:#}");
        }
        let path = schema_of(words);
        let stored: Option<Value> = fresh
            .get(&path)
            .cloned()
            .or_else(|| fs::read(&path).ok().and_then(|text| serde_json::from_slice(&text).ok()));
        let found =
            stored.as_ref().map_or_else(|| vec!["no schema".to_owned()], |one| faults(one, &document));
        // A refusal may leave out everything but why.
        let bare = refused && document.as_object().is_some_and(|members| members.len() <= 4);
        if bare {
            continue;
        }
        if !found.is_empty() {
            writeln!(wrong, "{words:?}: {}", found.join("\n  ")).expect("a string");
        }
        let shown = shown_by(&document);
        let title = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": format!("codex-multi-auth {} --json", document["command"].as_str().unwrap_or_default()),
        });
        let base = stored.unwrap_or_else(|| both(&title, &shown));
        fresh.insert(path, both(&base, &shown));
    }
    propose(&fresh);
    assert!(wrong.is_empty(), "read the schemas in target/schema and copy them into docs/schema\n{wrong}");
}

/// Writes schemas that fit what was seen here and by the neighbours of this test.
fn propose(schemas: &BTreeMap<PathBuf, Value>) {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/schema");
    fs::create_dir_all(&folder).expect("writable");
    for (path, schema) in schemas {
        let target = folder.join(path.file_name().expect("a name"));
        let there: Option<Value> = fs::read(&target).ok().and_then(|text| serde_json::from_slice(&text).ok());
        let joined = there.map_or_else(|| schema.clone(), |there| both(&there, schema));
        let text = format!("{}\n", serde_json::to_string_pretty(&joined).expect("JSON"));
        fs::write(target, text).expect("writable");
    }
}

const FULL: &str = r#"
title = "contract"
[[account]]
name = "one"
[[account]]
name = "two"
[[account]]
name = "three"
"#;

#[test]
fn documents_of_a_full_home_fit_their_schemas() {
    let play = Play::start(Scenario::parse(FULL).expect("a scenario"));
    let logins = ["one", "two", "three"].map(|name| play.login(name));
    let secrets: Vec<String> =
        logins.iter().flat_map(|login| [login.access.clone(), login.refresh.clone()]).collect();

    check_documents(|| furnished(&play), &secrets);
}

/// A pool with workspaces, a flagged account, limits, a budget, a kept session.
fn furnished(play: &Play) -> Home {
    let home = play.home();
    home.write_auth(&play.login("one"));
    let mut pool = home.pool();
    let id = pool["accounts"][0]["accountId"].clone();
    pool["accounts"][0]["workspaces"] = json!([
        { "id": id, "name": "Personal", "enabled": true, "isDefault": true },
        { "id": "ws-other", "name": "Team", "enabled": false, "disabledAt": 1_790_000_000_000_i64 },
    ]);
    pool["accounts"][1]["rateLimitResetTimes"] = json!({ "codex": 4_000_000_000_000_i64 });
    pool["pinnedAccountIndex"] = json!(0);
    let mut dead = pool["accounts"][2].clone();
    dead["flaggedAt"] = json!(1_790_000_000_000_i64);
    dead["flaggedReason"] = json!("token-invalid");
    home.write(&home.root().join(POOL_FILE), &pool.to_string());
    let flagged = json!({ "version": 1, "accounts": [dead] }).to_string();
    home.write(&home.root().join("openai-codex-flagged-accounts.json"), &flagged);
    let budgets = json!({
        "version": 1,
        "limits": { "global": { "key": "global", "window": "day", "maxRequests": 9, "updatedAt": 1_790_000_000_000_i64 } },
    });
    home.write(&home.root().join("budget-guards.json"), &budgets.to_string());
    let session = concat!(
        r#"{"timestamp":"2026-01-02T03:04:05.000Z","type":"session_meta","payload":{"id":"0199a213-81c0-7800-8aa1-bbab2a035a53","cwd":"/w","originator":"codex_cli_rs","cli_version":"0.169.0","model_provider":"openai"}}"#,
        "\n",
        r#"{"timestamp":"2026-01-02T03:04:06.000Z","type":"event_msg","payload":{"type":"user_message","message":"hello"}}"#,
        "\n"
    );
    let name = "sessions/2026/01/02/rollout-2026-01-02T03-04-05-0199a213-81c0-7800-8aa1-bbab2a035a53.jsonl";
    home.write(&home.codex().join(name), session);
    home
}

#[test]
fn documents_of_an_empty_home_fit_their_schemas() {
    check_documents(Home::new, &[]);
}

#[test]
fn documents_of_a_damaged_home_fit_their_schemas() {
    let damaged = || {
        let home = Home::with_samples(1);
        home.write(&home.root().join(POOL_FILE), "{\"version\":3,\"acc");
        home
    };

    check_documents(damaged, &[]);
}

#[test]
fn documents_of_an_offline_home_fit_their_schemas() {
    // The endpoints of such a home are closed ports.
    let secrets = ["rt_person1".to_owned(), "rt_person2".to_owned()];

    check_documents(|| Home::with_samples(2), &secrets);
}

/// The key sets that must stay (commands.md §4), by schema and path.
const KEPT: [(&str, &[&str], &[&str]); 9] = [
    (
        "status",
        &[],
        &[
            "storagePath",
            "storageHealth",
            "accountCount",
            "activeIndex",
            "pinnedAccountIndex",
            "recommendedIndex",
            "recommendationReason",
            "runtimeInUseIndex",
            "accounts",
        ],
    ),
    (
        "status",
        &["accounts", "[]"],
        &["index", "label", "enabled", "current", "markers", "lastUsed", "reason"],
    ),
    (
        "forecast",
        &[],
        &[
            "command",
            "model",
            "liveProbe",
            "runtimeOverlay",
            "summary",
            "recommendation",
            "probeErrors",
            "accounts",
        ],
    ),
    (
        "forecast",
        &["accounts", "[]"],
        &[
            "index",
            "label",
            "isCurrent",
            "selected",
            "availability",
            "riskScore",
            "riskLevel",
            "waitMs",
            "reasons",
        ],
    ),
    (
        "report",
        &[],
        &[
            "command",
            "generatedAt",
            "storagePath",
            "storageHealth",
            "model",
            "modelSelection",
            "liveProbe",
            "liveProbeBudget",
            "accounts",
            "activeIndex",
            "forecast",
            "runtimeOverlay",
            "runtime",
            "runtimeSnapshotLoadError",
        ],
    ),
    ("doctor", &[], &["command", "storagePath", "summary", "checks", "fix"]),
    ("doctor", &["checks", "[]"], &["key", "severity", "message"]),
    ("why-selected", &[], &["command", "mode", "ok", "selected", "candidates"]),
    (
        "fix",
        &[],
        &[
            "command",
            "dryRun",
            "liveProbe",
            "model",
            "changed",
            "summary",
            "recommendation",
            "recommendedSwitchCommand",
            "reports",
        ],
    ),
];

#[test]
fn a_schema_asks_for_the_members_that_scripts_of_the_original_read() {
    for (name, path, keys) in KEPT {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("docs/schema/{name}.json"));
        let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let mut schema: &Value = &serde_json::from_str(&text).expect("JSON");
        for step in path {
            schema = if *step == "[]" { &schema["items"] } else { &schema["properties"][*step] };
        }
        let properties = schema["properties"].as_object().unwrap_or_else(|| panic!("{name} {path:?}"));
        for key in keys {
            assert!(properties.contains_key(*key), "{name} {path:?}: {key}");
        }
    }
}

#[test]
fn a_dry_run_spends_no_token_and_writes_no_file() {
    let play = Play::start(
        Scenario::parse("title = \"due\"\n[[account]]\nname = \"one\"\ntoken_left = \"-1h\"\n[[account]]\nname = \"two\"\n")
            .expect("a scenario"),
    );
    for words in [
        &["fix", "--dry-run"][..],
        &["verify-flagged", "--dry-run"],
        &["doctor", "--fix", "--dry-run"],
        &["best", "--dry-run"],
    ] {
        let home = furnished_two(&play);
        let before = besides_locks(&home);

        run(&mut home.manager(&[words, &["--json"][..]].concat()));

        assert!(besides_locks(&home) == before, "{words:?} changed {:?}", home.files().keys());
    }
    let asked: Vec<_> = play
        .backend()
        .record()
        .entries()
        .into_iter()
        .filter(|one| one.path.contains("/oauth/token"))
        .collect();
    assert!(asked.is_empty(), "{}", play.story());
}

/// What stands in a home besides the empty files that processes wait at.
fn besides_locks(home: &Home) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = home.files();
    files.retain(|path, _| !path.to_string_lossy().contains("/locks/"));
    files
}

fn furnished_two(play: &Play) -> Home {
    let home = play.home();
    let mut dead = home.pool()["accounts"][0].clone();
    dead["flaggedAt"] = json!(1_790_000_000_000_i64);
    let flagged = json!({ "version": 1, "accounts": [dead] }).to_string();
    home.write(&home.root().join("openai-codex-flagged-accounts.json"), &flagged);
    home
}

#[test]
fn resetting_after_a_disable_binds_nothing() {
    let home = Home::with_samples(2);
    let config = home.codex().join("config.toml");
    home.write(&config, "# mine\nmodel = \"gpt-5\"\n");
    run(&mut home.manager(&["rotation", "disable"])).expect(0);

    run(&mut home.manager(&["rotation", "reset-runtime", "--json"])).expect(0);

    assert_eq!(fs::read_to_string(&config).expect("there"), "# mine\nmodel = \"gpt-5\"\n");
    let bound: Vec<_> =
        besides_locks(&home).into_keys().filter(|path| path.to_string_lossy().contains("app-bind")).collect();
    assert!(bound.is_empty(), "{bound:?}");
}

#[test]
fn completions_know_every_command_and_flag() {
    let home = Home::new();
    for shell in ["bash", "zsh", "fish", "powershell"] {
        let script = run(&mut home.manager(&["completions", shell])).expect(0).stdout;
        let mut program = Cli::command();
        program.build();
        for command in program.get_subcommands().filter(|command| !command.is_hide_set()) {
            assert!(script.contains(command.get_name()), "{shell}: {}", command.get_name());
            for flag in
                command.get_arguments().filter(|arg| !arg.is_hide_set()).filter_map(|arg| arg.get_long())
            {
                assert!(script.contains(flag), "{shell}: {} --{flag}", command.get_name());
            }
        }
    }
}

#[test]
fn an_act_stays_on_the_normal_screen() {
    for words in
        [&["switch", "1"][..], &["unpin"], &["account", "pause", "1"], &["config", "set", "tuiTheme", "blue"]]
    {
        let home = Home::with_samples(2);
        let mut terminal = Terminal::start(MANAGER, words, &home.environment(), (80, 24));

        terminal.finish();

        let written = String::from_utf8_lossy(&terminal.written()).into_owned();
        assert!(!written.contains("\u{1b}[?1049h"), "{words:?}: {written:?}");
        assert!(!written.trim().is_empty(), "{words:?}");
    }
}

#[test]
fn chosen_members_of_a_document_are_printed_alone() {
    let home = Home::with_samples(2);

    let ran = run(&mut home.manager(&["status", "--fields", "accounts.label,next"])).expect(0);

    let document = document(&ran, &["status"]);
    let names: Vec<&String> = document.as_object().expect("an object").keys().collect();
    assert_eq!(names, ["command", "schemaVersion", "ok", "accounts", "next"]);
    assert_eq!(document["accounts"][1].as_object().expect("an object").len(), 1);
}

#[test]
fn manual_pages_are_printed_and_written() {
    let home = Home::new();
    let folder = home.work().join("man");

    let whole = run(&mut home.manager(&["man"])).expect(0).stdout;
    run(&mut home.manager(&["man", "--out", &folder.to_string_lossy()])).expect(0);

    assert!(whole.starts_with(".TH \"CODEX-MULTI-AUTH\" \"1\""), "{}", &whole[..80]);
    let page = fs::read_to_string(folder.join("codex-multi-auth-status.1")).expect("a page");
    assert!(page.contains(".SH EXIT STATUS"), "{page}");
}

#[test]
fn a_deadline_ends_a_survey_that_nobody_answers() {
    // A listener that never answers, as a network does that swallows packets.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let mut home = Home::with_samples(2);
    let address = format!("http://{}/backend-api", silent.local_addr().expect("an address"));
    home.set("CODEX_MULTI_AUTH_UPSTREAM_BASE_URL", address);

    let ran = run(&mut home.manager(&["check", "--timeout", "1", "--json"])).expect(6);

    let document = document(&ran, &["check"]);
    assert_eq!(document["summary"]["unknown"], 2, "{document:#}");
    assert!(ran.stdout.contains("--timeout"), "{document:#}");
}

#[test]
fn a_shape_is_refused_where_there_are_no_rows() {
    let home = Home::with_samples(2);

    let json = run(&mut home.manager(&["status", "--format", "json"])).expect(0);
    let rows = run(&mut home.manager(&["status", "--format", "csv"])).expect(2);
    let usage = run(&mut home.manager(&["usage", "--format", "csv"])).expect(0);

    assert_eq!(document(&json, &["status"])["accountCount"], 2);
    assert!(rows.stderr.contains("only `usage` has rows"), "{}", rows.stderr);
    assert!(usage.stdout.starts_with("key,requests,"), "{}", usage.stdout);
}
