//! Settings as every home stores them.

use std::collections::BTreeMap;
use std::sync::Arc;

use codex_multi_auth::adapters::store::DiskStore;
use codex_multi_auth::app::flows::config::Told;
use codex_multi_auth::app::outcome::{Body, Form, Outcome};
use codex_multi_auth::base::Span;
use codex_multi_auth::domain::problem::Exit;
use codex_multi_auth::domain::selection::Strategy;
use codex_multi_auth::domain::settings::edit::Edit;
use codex_multi_auth::domain::settings::report::Report;
use codex_multi_auth::domain::settings::resolve::resolve;
use codex_multi_auth::domain::settings::schema::{Row, Section, row, rows};
use codex_multi_auth::domain::settings::{Display, Layout, Settings};
use codex_multi_auth::formats::lossless::{Object, pretty};
use codex_multi_auth::formats::settings::{Content, Sources, find, value, write};
use codex_multi_auth::ports::store::Store as _;
use codex_multi_auth::report;
use serde_json::{Value, json};

use crate::support::staged::{Staged, Still, vectors};

async fn settings(id: &str) -> Settings {
    let staged = Staged::new(id);
    let store: DiskStore<Still> = staged.store();
    store.settings().await.unwrap()
}

/// The settings without the notes, which are for people.
fn quiet(settings: Settings) -> Settings {
    Settings { notes: Vec::new(), ..settings }
}

#[tokio::test]
async fn the_file_of_the_reference_is_read() {
    let found = settings("s01-settings-2.8.7").await;

    let expected = Settings {
        preemptive_primary: 10.0,
        strategy: Strategy::Sequential,
        theme: "blue".to_owned(),
        display: Display { ready_first: false, ..Display::default() },
        ..Settings::default()
    };
    assert_eq!(found, expected);
}

#[tokio::test]
async fn unknown_and_invalid_members_do_not_spoil_the_rest() {
    let found = settings("s02-unknown-and-invalid-keys").await;

    assert_eq!(found.fetch_timeout, Span::seconds(90));
    assert_eq!(found.quota_ttl, Span::minutes(1));
    assert_eq!(found.glyphs, "auto");
    assert_eq!(found.notes.len(), 3, "{:?}", found.notes);
}

#[tokio::test]
async fn damage_falls_back_to_the_backup_and_a_mark_is_no_damage() {
    let damaged = settings("s03-truncated-bak").await;
    let marked = settings("s04-bom").await;
    let array = settings("s11-settings-root-array").await;

    assert_eq!((damaged.fetch_timeout, damaged.theme.as_str()), (Span::seconds(70), "blue"));
    assert_eq!(damaged.notes.len(), 1);
    assert!(marked.notes.is_empty());
    assert_ne!(marked, Settings::default());
    assert_eq!(quiet(array.clone()), Settings::default());
    assert_eq!(array.notes.len(), 1);
}

#[tokio::test]
async fn the_flat_files_count_only_where_they_should() {
    let legacy = settings("s06-legacy-config-json").await;
    let given = settings("s09-config-path-env").await;
    let absent = settings("s10-config-path-env-absent").await;

    assert_eq!(legacy.fetch_timeout, Span::seconds(45));
    assert_eq!(given.fetch_timeout, Span::seconds(33));
    assert_eq!(absent.fetch_timeout, Span::seconds(70));
}

#[tokio::test]
async fn variables_win_and_are_clamped() {
    let found = settings("s12-env-overrides").await;

    assert_eq!(found.fetch_timeout, Span::seconds(1));
    assert_eq!(found.strategy, Strategy::Hybrid);
    assert_eq!(found.min_rotation_interval, Span::seconds(1));
    assert!((found.preemptive_primary - 100.0).abs() < f64::EPSILON);
    assert!(!found.session_affinity);
}

/// What `config explain --json` prints for a staged case.
async fn explained(id: &str) -> Value {
    let staged = Staged::new(id);
    let report = staged.store().config().await.unwrap();
    explanation(report)
}

fn explanation(report: Arc<Report>) -> Value {
    let body = Body::Config(Box::new(Told::Explained(report, None)));
    let outcome = Outcome { command: "config explain", exit: Exit::Ok, body };
    serde_json::from_str(&report::print(&outcome, Form::Json).out).unwrap()
}

#[tokio::test]
async fn the_explanation_is_the_one_of_the_original_and_more() {
    let staged = Staged::new("s12-env-overrides");
    let recorded = staged.case["reference_2_8_7"]["steps"][0]["result"].clone();

    let told = explained("s12-env-overrides").await;

    assert_eq!(told["storageKind"], recorded["storageKind"]);
    for theirs in recorded["entries"].as_array().unwrap() {
        let own = told["entries"].as_array().unwrap().iter().find(|own| own["key"] == theirs["key"]);
        let own = own.unwrap_or_else(|| panic!("{} is missing", theirs["key"]));
        let changed = matches!(theirs["key"].as_str().unwrap(), "streamStallTimeoutMs" | "codexTuiGlyphMode");
        for member in ["value", "defaultValue", "source", "envNames"] {
            let same = own[member] == theirs[member];
            assert!(same || (changed && member != "source"), "{}: {member}: {}", theirs["key"], own[member]);
        }
    }
}

#[test]
fn every_row_stands_in_the_explanation_and_on_the_page() {
    let told = explanation(Arc::default());
    let page = include_str!("../../docs/reference/settings.md");
    let keys: Vec<&str> =
        told["entries"].as_array().unwrap().iter().filter_map(|entry| entry["key"].as_str()).collect();

    for row in rows() {
        assert!(keys.contains(&row.key), "{}", row.key);
        assert!(page.contains(&format!("`{}`", row.key)), "{} is not on the page", row.key);
    }
}

#[test]
fn defaults_are_those_of_the_original_but_for_two() {
    let told = Report::default();
    let vector = vectors("settings-defaults.json");

    for section in ["pluginConfig", "dashboardDisplaySettings"] {
        for (key, theirs) in vector[section].as_object().unwrap() {
            let entry = told.entry(key).unwrap_or_else(|| panic!("{key} has no row"));
            let wanted = match key.as_str() {
                "streamStallTimeoutMs" => json!(300_000),
                "codexTuiGlyphMode" => json!("auto"),
                _ => theirs.clone(),
            };
            assert_eq!(value::json(&entry.value), wanted, "{key}");
            assert_eq!(entry.row.object(), section, "{key}");
        }
    }
}

#[test]
fn display_settings_are_normalised_like_the_original_does() {
    let defaults = vectors("settings-defaults.json")["dashboardDisplaySettings"].clone();
    for vector in vectors("dashboard-normalisation.json").as_array().unwrap() {
        let text = json!({ "version": 1, "dashboardDisplaySettings": vector["in"] }).to_string();
        let sources = Sources { unified: ("settings.json", Content::Text(&text)), ..Sources::default() };

        let report = resolve(find(&sources), &BTreeMap::new());

        for (key, default) in defaults.as_object().unwrap() {
            let wanted = vector["differsFromDefaultIn"].get(key).unwrap_or(default);
            assert_eq!(value::json(&report.entry(key).unwrap().value), *wanted, "{key} of {}", vector["in"]);
        }
    }
}

/// Some JSON value nobody knows, a few levels deep.
fn anything(rng: &mut fastrand::Rng, depth: u8) -> String {
    match rng.u8(0..if depth == 0 { 6 } else { 8 }) {
        0 => "null".to_owned(),
        1 => "true".to_owned(),
        2 => rng.i32(..).to_string(),
        3 => "1e400".to_owned(),
        4 => "0.10000000000000000001".to_owned(),
        5 => format!("\"{}\\u00e9\\n\"", rng.alphanumeric()),
        6 => {
            let list: Vec<String> = (0..rng.u8(0..4)).map(|_| anything(rng, depth - 1)).collect();
            format!("[{}]", list.join(" , "))
        }
        _ => {
            let members: Vec<String> =
                (0..rng.u8(0..4)).map(|at| format!("\"x{at}\" : {}", anything(rng, depth - 1))).collect();
            format!("{{{}}}", members.join(","))
        }
    }
}

fn section(rng: &mut fastrand::Rng, display: bool) -> String {
    let known: Vec<&Row> = rows().filter(|row| (row.section == Section::Display) == display).collect();
    let mut members: Vec<String> =
        (0..rng.u8(0..6)).map(|at| format!("\"unknown{at}\": {}", anything(rng, 3))).collect();
    for _ in 0..rng.u8(0..6) {
        let row = known[rng.usize(..known.len())];
        if !members.iter().any(|member| member.starts_with(&format!("\"{}\"", row.key))) {
            members.push(format!("\"{}\": {}", row.key, anything(rng, 2)));
        }
    }
    rng.shuffle(&mut members);
    format!("{{ {} }}", members.join(",\n"))
}

/// Every member by its path, values as laid out text.
fn members(text: &str) -> BTreeMap<String, String> {
    let object = Object::parse(text).unwrap();
    let mut all = BTreeMap::new();
    for (name, raw) in object.iter() {
        if let ("pluginConfig" | "dashboardDisplaySettings", Some(inner)) = (name, object.object(name)) {
            all.extend(inner.iter().map(|(key, raw)| (format!("{name}/{key}"), pretty(raw))));
        } else {
            all.insert(name.to_owned(), pretty(raw));
        }
    }
    all
}

#[test]
fn members_nobody_knows_survive_any_number_of_saves_at_any_depth() {
    for seed in 0..300 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let before = format!(
            "{{\"future\": {}, \"pluginConfig\": {}, \"dashboardDisplaySettings\": {}, \"version\": 1}}",
            anything(&mut rng, 3),
            section(&mut rng, false),
            section(&mut rng, true)
        );
        let mut wanted = members(&before);
        let mut text = before.clone();
        for _ in 0..rng.u8(1..6) {
            let all: Vec<&'static Row> = rows().collect();
            let row = all[rng.usize(..all.len())];
            let path = format!("{}/{}", row.object(), row.key);
            let edit = if rng.bool() { Edit::set(row, row.default()) } else { Edit::unset(row) };
            match &edit.to {
                Some(to) => wanted.insert(path, pretty(&value::raw(to))),
                None => wanted.remove(&path),
            };
            if let Some(fresh) = write::unified(Some(&text), &[edit], None).unwrap() {
                text = fresh;
            }
        }

        assert_eq!(members(&text), wanted, "seed {seed}\n{before}");
    }
}

#[test]
fn a_preview_shows_what_a_save_would_and_leaves_locked_values_alone() {
    let env = BTreeMap::from([("CODEX_AUTH_FETCH_TIMEOUT_MS", "2000".to_owned())]);
    let report = resolve(find(&Sources::default()), &env);
    let set = |key: &str, text: &str| {
        let row = row(key).unwrap();
        Edit::set(row, row.parse(text).unwrap())
    };

    let settings = report.preview(&[
        set("fetchTimeoutMs", "9s"),
        set("menuShowDetailsForUnselectedRows", "on"),
        set("selectionStrategy", "sequential"),
        set("tuiTheme", "mono"),
    ]);

    assert_eq!(settings.fetch_timeout, Span::seconds(2));
    assert_eq!(settings.display.layout, Layout::Expanded);
    assert_eq!((settings.strategy, settings.theme.as_str()), (Strategy::Sequential, "mono"));
}

#[test]
#[expect(clippy::type_complexity, reason = "a table of one test")]
fn the_policy_for_unsupported_models_is_found_under_all_its_names() {
    let old = "CODEX_AUTH_FALLBACK_UNSUPPORTED_MODEL";
    let new = "CODEX_AUTH_UNSUPPORTED_MODEL_POLICY";
    // Stored members, variables, the policy, where it comes from, whether an older name is told.
    let rows: [(&str, &[(&'static str, &str)], &str, &str, bool); 8] = [
        ("{}", &[], "strict", "default", false),
        (r#"{"unsupportedCodexPolicy":"Fallback"}"#, &[], "fallback", "unified", false),
        (r#"{"fallbackOnUnsupportedCodexModel":true}"#, &[], "fallback", "unified", true),
        (r#"{"unsupportedCodexPolicy":"strict"}"#, &[(old, "1")], "strict", "unified", false),
        ("{}", &[(old, "1")], "fallback", "env", true),
        (r#"{"fallbackOnUnsupportedCodexModel":true}"#, &[(old, "0")], "strict", "env", true),
        (r#"{"unsupportedCodexPolicy":"strict"}"#, &[(new, "FALLBACK")], "fallback", "env", false),
        (r#"{"unsupportedCodexPolicy":"fallback"}"#, &[(new, "fallback")], "fallback", "unified", false),
    ];
    for (stored, env, policy, source, older) in rows {
        let text = format!("{{\"pluginConfig\":{stored}}}");
        let sources = Sources { unified: ("settings.json", Content::Text(&text)), ..Sources::default() };
        let env = env.iter().map(|(name, text)| (*name, (*text).to_owned())).collect();

        let report = resolve(find(&sources), &env);

        let entry = report.entry("unsupportedCodexPolicy").unwrap();
        assert_eq!(value::json(&entry.value), policy, "{stored} {env:?}");
        assert_eq!(entry.source.word(), source, "{stored} {env:?}");
        assert_eq!(
            value::json(&report.entry("fallbackOnUnsupportedCodexModel").unwrap().value),
            policy == "fallback"
        );
        assert_eq!(report.problems.len(), usize::from(older), "{stored} {env:?}");
    }
}

#[test]
fn the_fallback_chain_is_read_as_the_plugin_host_compares_it() {
    let text = r#"{"pluginConfig":{"unsupportedCodexFallbackChain":
        {" OpenAI/GPT-5.3-Codex-xhigh ":["openai/gpt-5.2-HIGH","  "],"x":[]}}}"#;
    let sources = Sources { unified: ("settings.json", Content::Text(text)), ..Sources::default() };

    let report = resolve(find(&sources), &BTreeMap::new());

    let chain = value::json(&report.entry("unsupportedCodexFallbackChain").unwrap().value);
    assert_eq!(chain, json!({ "gpt-5.3-codex": ["gpt-5.2"] }));
}

#[test]
fn typed_values_are_read_as_people_write_them() {
    let rows = [
        ("fetchTimeoutMs", "90s", Some(json!(90_000))),
        ("fetchTimeoutMs", "1e3", Some(json!(1_000))),
        ("fetchTimeoutMs", "2m", Some(json!(120_000))),
        ("fetchTimeoutMs", "999", None),
        ("fetchTimeoutMs", "soon", None),
        ("requestDeadlineMs", "0", Some(json!(0))),
        ("requestDeadlineMs", "5s", None),
        ("preemptiveQuotaRemainingPercent5h", "12%", Some(json!(12))),
        ("usageLedgerMaxBytes", "2 MiB", Some(json!(2_097_152))),
        ("sessionAffinity", "off", Some(json!(false))),
        ("sessionAffinity", "maybe", None),
        ("codexTuiGlyphMode", "ASCII", Some(json!("ascii"))),
        ("codexTuiGlyphMode", "emoji", None),
        ("menuStatuslineFields", "status, limits", Some(json!(["status", "limits"]))),
        ("menuStatuslineFields", "[\"status\"]", Some(json!(["status"]))),
        ("menuStatuslineFields", "status,status", None),
        ("menuStatuslineFields", "", None),
        ("unsupportedCodexFallbackChain", "a=b,c;d=e", Some(json!({ "a": ["b", "c"], "d": ["e"] }))),
        ("egressProxy", "socks5://127.0.0.1:1080", Some(json!("socks5://127.0.0.1:1080"))),
        ("egressProxy", "", Some(Value::Null)),
        ("egressProxy", "127.0.0.1:1080", None),
    ];
    for (key, text, wanted) in rows {
        let row = row(key).unwrap();
        let read = row.parse(text).ok();

        assert_eq!(read.as_ref().map(value::json), wanted, "{key} {text:?}");
        if let Some(read) = read {
            assert!(!row.words(&read).is_empty());
        }
    }
}

#[tokio::test]
async fn a_newer_file_is_read_and_not_written() {
    let staged = Staged::new("s01-settings-2.8.7");
    let path = staged.places().settings();
    let text = r#"{"version":2,"pluginConfig":{"toastDurationMs":9000}}"#;
    std::fs::write(&path, text).unwrap();
    let store = staged.store();

    let report = store.config().await.unwrap();
    let refused = store.configure(vec![Edit::unset(row("toastDurationMs").unwrap())]).await.unwrap_err();

    assert_eq!(report.settings().toast_duration, Span::seconds(9));
    assert_eq!((report.problems.len(), refused.code), (1, "storage-newer"));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
}

#[tokio::test]
async fn a_created_flat_file_is_announced_and_a_damaged_file_is_kept_aside() {
    let flat = Staged::new("s10-config-path-env-absent");
    let broken = Staged::new("s05-truncated-alone-save");
    let edit = || vec![Edit::set(row("schedulingStrategy").unwrap(), settings_value("sequential"))];

    let created = flat.store().configure(edit()).await.unwrap();
    let rebuilt = broken.store().configure(edit()).await.unwrap();

    assert!(created.notes[0].contains("was created with 1 settings"), "{:?}", created.notes);
    assert!(rebuilt.notes[0].contains("begun anew"), "{:?}", rebuilt.notes);
    assert!(!broken.places().root().join("settings.json.bak").exists());
}

fn settings_value(word: &str) -> codex_multi_auth::domain::settings::schema::Value {
    codex_multi_auth::domain::settings::schema::Value::Text(word.to_owned())
}

#[tokio::test]
async fn who_watches_the_settings_hears_of_a_change_on_disk() {
    let staged = Staged::new("s01-settings-2.8.7");
    let (here, elsewhere) = (staged.store(), staged.store());
    let known = here.config().await.unwrap();
    let waiting = tokio::spawn(async move { here.reconfigured(&known).await });

    elsewhere
        .configure(vec![Edit::set(
            row("toastDurationMs").unwrap(),
            row("toastDurationMs").unwrap().parse("9s").unwrap(),
        )])
        .await
        .unwrap();
    let news = tokio::time::timeout(std::time::Duration::from_secs(5), waiting).await.unwrap().unwrap();

    assert_eq!(news.settings().toast_duration, Span::seconds(9));
}
