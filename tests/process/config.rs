//! `config` and `init-config` as they are typed, and saves that are cut or meet others.

use serde_json::Value;

use crate::support::dirs::Home;
use crate::support::process::{MANAGER, Ran, Running, run};
use crate::support::pty::Terminal;

/// Members no version knows, on every level.
const SHARED: &str =
    r#"{"version":1,"pluginConfig":{"fetchTimeoutMs":90000,"mine":{"a":[1]}},"future":{"x":1}}"#;

fn home() -> Home {
    let home = Home::new();
    home.write(&home.root().join("settings.json"), SHARED);
    home
}

fn stored(home: &Home) -> Value {
    let text = std::fs::read_to_string(home.root().join("settings.json")).expect("settings");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

#[track_caller]
fn document(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout)
        .unwrap_or_else(|error| panic!("{error}\n{}\n{}", ran.stdout, ran.stderr))
}

#[test]
fn a_value_is_set_read_explained_and_unset() {
    let home = home();
    let plain = |words: &[&str]| run(&mut home.manager(words)).expect(0).stdout;

    assert_eq!(plain(&["config", "set", "fetchTimeoutMs", "95s"]), "fetchTimeoutMs = 95000 (was 90000)\n");
    assert_eq!(plain(&["config", "get", "fetchTimeoutMs"]), "95000\n");
    assert!(
        plain(&["config", "explain", "fetchTimeoutMs"]).starts_with("fetchTimeoutMs = 95000 (unified)\n")
    );
    assert!(plain(&["config", "list"]).contains("fetchTimeoutMs"));
    assert!(plain(&["config", "unset", "fetchTimeoutMs"]).starts_with("fetchTimeoutMs = 60000 (default)"));
    assert_eq!(plain(&["config", "get", "fetchTimeoutMs"]), "60000\n");
    assert_eq!(plain(&["config", "path"]), format!("{}\n", home.root().join("settings.json").display()));

    let left = stored(&home);
    assert_eq!(left["pluginConfig"], serde_json::json!({ "mine": { "a": [1] } }));
    assert_eq!(left["future"]["x"], 1);
}

#[test]
fn the_document_of_a_change_has_the_promised_members() {
    let mut home = home();
    home.set("CODEX_AUTH_FETCH_TIMEOUT_MS", "2000");

    let ran = run(&mut home.manager(&["config", "set", "fetchTimeoutMs", "95000", "--json"])).expect(0);
    let told = document(&ran);

    for member in
        ["key", "value", "previous", "defaultValue", "source", "env", "locked", "range", "changed", "dryRun"]
    {
        assert!(told.get(member).is_some(), "{member}: {told:#}");
    }
    assert_eq!(
        (&told["value"], &told["locked"], &told["changed"]),
        (&2000.into(), &true.into(), &true.into())
    );
    assert!(told["notes"][0].as_str().is_some_and(|note| note.contains("CODEX_AUTH_FETCH_TIMEOUT_MS")));
    assert_eq!(stored(&home)["pluginConfig"]["fetchTimeoutMs"], 95_000);
}

#[test]
fn what_is_refused_is_refused_before_anything_is_touched() {
    let rows: [(&[&str], i32, &str); 7] = [
        (&["config", "set", "fetchTimeuotMs", "1"], 2, "unknown-setting"),
        (&["config", "get", "nothing"], 2, "unknown-setting"),
        (&["config", "explain", "nothing"], 2, "unknown-setting"),
        (&["config", "set", "fetchTimeoutMs", "5"], 2, "out-of-range"),
        (&["config", "set", "codexTuiGlyphMode", "emoji"], 2, "out-of-range"),
        (&["config", "edit"], 3, "needs-answer"),
        (&["config", "nothing"], 2, "unknown-command"),
    ];
    for (words, code, error) in rows {
        let home = home();
        let before = home.files();

        let ran = run(&mut home.manager(&[words, &["--json"]].concat())).expect(code);

        assert_eq!(document(&ran)["error"]["code"], error, "{words:?}");
        let after = home.files();
        assert!(after == before, "{words:?} touched {:?}", after.keys());
    }
}

#[test]
fn a_slip_is_told_what_was_meant() {
    let ran = run(&mut Home::new().manager(&["config", "set", "fetchTimeuotMs", "1"])).expect(2);

    assert!(ran.stderr.contains("Did you mean fetchTimeoutMs?"), "{}", ran.stderr);
}

#[test]
fn a_dry_run_says_what_would_be_and_writes_nothing() {
    let home = home();
    let before = home.files();

    let ran =
        run(&mut home.manager(&["config", "set", "fetchTimeoutMs", "95s", "--dry-run", "--json"])).expect(0);

    let told = document(&ran);
    assert_eq!(
        (&told["value"], &told["changed"], &told["dryRun"]),
        (&95_000.into(), &true.into(), &true.into())
    );
    assert!(home.files() == before);
}

#[test]
fn what_is_wrong_is_named_by_file_line_and_key() {
    let home = home();
    home.write(
        &home.root().join("settings.json"),
        "{\"version\":1,\n\"pluginConfig\":{\"fetchTimeoutMs\":5,\"fetchTimeoutMS\":9}}",
    );
    let invalid = document(&run(&mut home.manager(&["config", "validate", "--json"])).expect(4));
    home.write(&home.root().join("settings.json"), "{\"version\":1,\n\"plug");
    let broken = document(&run(&mut home.manager(&["config", "validate", "--json"])).expect(4));
    let status = run(&mut home.manager(&["status"])).expect(5);
    let fine = run(&mut Home::new().manager(&["config", "validate"])).expect(0);

    let keys: Vec<&str> = invalid["problems"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|one| one["key"].as_str())
        .collect();
    assert_eq!(keys, ["fetchTimeoutMS", "fetchTimeoutMs"]);
    assert_eq!(broken["problems"][0]["line"], 2);
    assert!(broken["problems"][0]["file"].as_str().is_some_and(|file| file.ends_with("settings.json")));
    let said = format!("{}{}", status.stdout, status.stderr);
    assert_eq!(said.matches("settings.json ends too early").count(), 1, "{said}");
    assert!(fine.stdout.starts_with("All settings are valid"));
}

#[test]
fn a_damaged_file_is_told_beside_a_value_that_does_not_come_from_it() {
    let home = home();
    home.write(&home.root().join("settings.json"), "{\"version\":1,\n\"plug");

    for words in [["config", "get", "fetchTimeoutMs"].as_slice(), &["config", "list"]] {
        let ran = run(&mut home.manager(words)).expect(0);

        assert_eq!(
            ran.stderr.matches("settings.json ends too early").count(),
            1,
            "{words:?}: {}",
            ran.stderr
        );
    }
}

#[test]
fn a_section_that_is_no_object_is_named_and_never_lost_without_a_copy() {
    for (section, key, value) in [
        ("pluginConfig", "fetchTimeoutMs", "90000"),
        ("dashboardDisplaySettings", "menuShowLastUsed", "false"),
    ] {
        let home = home();
        let text = format!("{{\"version\":1,\"{section}\":[\"x\",1]}}");
        home.write(&home.root().join("settings.json"), &text);

        let invalid = document(&run(&mut home.manager(&["config", "validate", "--json"])).expect(4));
        let set = run(&mut home.manager(&["config", "set", key, value])).expect(0);

        assert_eq!(invalid["problems"][0]["key"], section, "{invalid:#}");
        assert!(set.stderr.contains("no object") && set.stderr.contains("quarantine"), "{}", set.stderr);
        let kept = std::fs::read_dir(home.root().join("quarantine")).expect("kept").flatten();
        assert!(kept.into_iter().any(|file| std::fs::read_to_string(file.path()).expect("text") == text));
    }
}

#[test]
fn templates_go_to_stdout_or_to_a_path_that_is_not_replaced_unasked() {
    let home = Home::new();
    let path = home.work().join("deep/config.json");
    let path = path.to_str().expect("a path");

    let printed = run(&mut home.manager(&["init-config"])).expect(0);
    run(&mut home.manager(&["config", "template", "minimal", "--write", path])).expect(0);
    let refused = run(&mut home.manager(&["init-config", "legacy", "--write", path, "--json"])).expect(3);
    run(&mut home.manager(&["init-config", "legacy", "--write", path, "--yes"])).expect(0);
    let last = run(&mut home.manager(&["init-config", "--write", path, "--stdout"])).expect(0);

    let modern: Value = serde_json::from_str(&printed.stdout).expect("a document");
    assert_eq!(modern["plugin"][0], "codex-multi-auth");
    assert_eq!(document(&refused)["error"]["code"], "needs-yes");
    let written: Value = serde_json::from_str(&std::fs::read_to_string(path).expect("a file")).expect("JSON");
    assert_eq!(written["provider"]["openai"]["models"].as_object().map(serde_json::Map::len), Some(39));
    assert_eq!(last.stdout, printed.stdout);
}

#[test]
fn settings_that_many_set_at_once_are_all_kept() {
    let home = home();
    let keys = [
        ("fetchTimeoutMs", "61s"),
        ("toastDurationMs", "6s"),
        ("menuSortPinCurrent", "on"),
        ("tuiTheme", "mono"),
        ("sessionAffinity", "off"),
        ("uiAccentColor", "cyan"),
    ];

    let runs: Vec<Running> =
        keys.iter().map(|(key, to)| Running::start(&mut home.manager(&["config", "set", key, to]))).collect();
    for running in runs {
        running.finish().expect(0);
    }

    for (key, to) in keys {
        let told = document(&run(&mut home.manager(&["config", "get", key, "--json"])).expect(0));
        assert_eq!(told["source"], "unified", "{key} {to}");
    }
    assert_eq!(stored(&home)["pluginConfig"]["mine"]["a"][0], 1);
}

#[test]
fn a_running_proxy_obeys_a_changed_strategy() {
    let home = Home::with_samples(2);
    let mut serve = Running::start(&mut home.manager(&["serve", "--json"]));
    serve.line();
    let strategy = || {
        let told = document(&run(&mut home.manager(&["why-selected", "--json"])));
        (told["source"].clone(), told["strategy"].clone())
    };
    assert_eq!(strategy(), ("proxy".into(), "hybrid".into()));

    run(&mut home.manager(&["config", "set", "selectionStrategy", "sequential"])).expect(0);

    let obeyed = (0..100).any(|_| strategy() == ("proxy".into(), "sequential".into()));
    serve.signal(rustix::process::Signal::TERM);
    serve.finish();
    assert!(obeyed, "the proxy went on with the old strategy");
}

#[cfg(debug_assertions)]
#[test]
fn a_save_that_is_cut_anywhere_leaves_the_old_or_the_new_settings() {
    use codex_multi_auth::adapters::fault::POINTS;

    let points = POINTS.iter().filter(|point| point.starts_with("settings.") || point.starts_with("disk."));
    for point in points {
        for end in ["", "=ENOSPC", "=EACCES", "=EROFS", "=EIO"] {
            let home = home();

            let set = ["config", "set", "fetchTimeoutMs", "95s"];
            let cut = run(home.manager(&set).env("CODEX_MULTI_AUTH_FAULT", format!("{point}{end}")));
            let left = stored(&home);
            let after =
                document(&run(&mut home.manager(&["config", "get", "fetchTimeoutMs", "--json"])).expect(0));
            run(&mut home.manager(&["config", "set", "toastDurationMs", "6s"])).expect(0);

            let wanted: &[i32] = if end.is_empty() { &[134] } else { &[0, 1] };
            assert!(wanted.contains(&cut.code()), "{point}{end}: {}\n{}", cut.code(), cut.stderr);
            assert!([90_000, 95_000].contains(&after["value"].as_i64().expect("a number")), "{point}{end}");
            assert_eq!(left["future"]["x"], 1, "{point}{end}");
            let now = stored(&home);
            assert_eq!(now["pluginConfig"]["mine"]["a"][0], 1, "{point}{end}");
            assert_eq!(now["pluginConfig"]["toastDurationMs"], 6_000, "{point}{end}");
        }
    }
}

#[test]
fn an_edited_file_is_checked_before_it_counts_and_a_refused_text_is_kept() {
    let mut home = home();
    home.put_program("good", "#!/bin/sh\nsed 's/90000/91000/' \"$1\" > \"$1.new\" && mv \"$1.new\" \"$1\"\n");
    home.put_program("bad", "#!/bin/sh\nsed 's/90000/5/' \"$1\" > \"$1.new\" && mv \"$1.new\" \"$1\"\n");
    home.put_program("gone", "#!/bin/sh\nexit 1\n");
    let mut edited = |editor: &str| {
        home.set("EDITOR", editor);
        let mut terminal = Terminal::start(MANAGER, &["config", "edit"], &home.environment(), (100, 30));
        let code = terminal.finish().exit_code();
        (code, terminal.settled())
    };

    let (refused, why) = edited("bad");
    let (cancelled, _) = edited("gone");
    let (unchanged, _) = edited("true");
    let (done, said) = edited("good");

    assert_eq!((refused, cancelled, unchanged, done), (2, 3, 0, 0), "{why}\n{said}");
    assert!(why.contains("fetchTimeoutMs: 5") && why.contains("Your text is kept in"), "{why}");
    assert_eq!(stored(&home)["pluginConfig"]["fetchTimeoutMs"], 91_000);
    assert_eq!(stored(&home)["future"]["x"], 1);
    let drafts: Vec<_> =
        home.files().into_keys().filter(|path| path.display().to_string().contains("edit-")).collect();
    assert_eq!(drafts.len(), 1, "only the refused text is left: {drafts:?}");
}

#[test]
fn plain_mode_opens_no_screen() {
    for (name, value, setting) in [("CODEX_TUI_V2", "0", "{}"), ("LANG", "C", r#"{"tuiPlain":true}"#)] {
        let mut home = Home::with_samples(2);
        home.set(name, value);
        home.write(&home.root().join("settings.json"), &format!("{{\"pluginConfig\":{setting}}}"));

        let mut terminal = Terminal::start(MANAGER, &[""; 0], &home.environment(), (100, 30));
        terminal.wait_for("person1@example.com");
        terminal.send("q\r");
        terminal.finish();

        let written = String::from_utf8_lossy(&terminal.written()).into_owned();
        assert!(!written.contains("[?1049h"), "{name}: {written}");
    }
}

#[test]
fn on_a_terminal_an_explanation_opens_the_settings_with_the_cursor_on_the_key() {
    let home = Home::with_samples(2);
    let mut terminal =
        Terminal::start(MANAGER, &["config", "explain", "fetchTimeoutMs"], &home.environment(), (140, 40));

    terminal.wait_for("key fetchTimeoutMs");
    terminal.send("q");

    assert!(terminal.finish().success());
}

#[test]
fn a_theme_nobody_has_is_named() {
    let home = Home::new();
    let ran = run(&mut home.manager(&["config", "set", "tuiTheme", "grene"])).expect(0);
    run(&mut home.manager(&["config", "validate"])).expect(4);
    home.write(&home.root().join("themes/grene.toml"), "");
    run(&mut home.manager(&["config", "validate"])).expect(0);

    assert!(ran.stderr.contains("grene is no theme"), "{}", ran.stderr);
}

#[test]
fn the_password_of_an_egress_proxy_is_kept_and_never_printed() {
    const ADDRESS: &str = "http://me:geheim@127.0.0.1:3128";
    let home = Home::new();
    let set = run(&mut home.manager(&["config", "set", "egressProxy", ADDRESS])).expect(0);

    let mut ran = vec![set];
    for words in [
        &["config", "get", "egressProxy"][..],
        &["config", "get", "egressProxy", "--json"],
        &["config", "explain", "egressProxy"],
        &["config", "explain", "--json"],
        &["config", "list"],
        &["config", "set", "egressProxy", ADDRESS, "--json"],
        &["config", "unset", "egressProxy", "--dry-run"],
    ] {
        ran.push(run(&mut home.manager(words)).expect(0));
    }
    ran.push(run(&mut home.manager(&["config", "set", "egressProxy", "ftp://me:geheim@x"])).expect(2));

    for ran in &ran {
        assert!(!ran.stdout.contains("geheim") && !ran.stderr.contains("geheim"), "{ran:?}");
        assert!(ran.stdout.contains("me:***@") || ran.stderr.contains("me:***@"), "{ran:?}");
    }
    assert_eq!(stored(&home)["pluginConfig"]["egressProxy"], ADDRESS);
}
