//! The readings of whole documents, as typed settings.

use std::collections::BTreeMap;

use crate::base::Span;
use crate::domain::selection::Strategy;
use crate::domain::settings::Settings;
use crate::domain::settings::resolve::resolve;
use crate::formats::settings::read::{Content, Sources, find};

fn read(sources: &Sources<'_>) -> Settings {
    resolve(find(sources), &BTreeMap::new()).settings()
}

fn from_file(text: &str) -> Settings {
    read(&Sources { unified: ("settings.json", Content::Text(text)), ..Sources::default() })
}

fn from_env(pairs: &[(&'static str, &str)]) -> Settings {
    let env = pairs.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    resolve(find(&Sources::default()), &env).settings()
}

#[test]
fn nothing_stored_means_defaults() {
    assert_eq!(read(&Sources::default()), Settings::default());
}

#[test]
fn a_bad_member_is_named_and_its_neighbours_count() {
    let settings = from_file(
        r#"{"version":1,"pluginConfig":{"fetchTimeoutMs":5,"codexTuiGlyphMode":"emoji",
           "connectTimeoutMs":1,"sessionAffinity":"no","toastDurationMs":7000}}"#,
    );

    assert_eq!(settings.fetch_timeout, Span::seconds(60));
    assert_eq!(settings.glyphs, "auto");
    assert_eq!(settings.connect_timeout, Span::millis(500));
    assert!(settings.session_affinity);
    assert_eq!(settings.toast_duration, Span::seconds(7));
    assert_eq!(settings.notes.len(), 4);
}

#[test]
fn variables_win_are_clamped_and_bad_ones_are_named() {
    let settings = from_env(&[
        ("CODEX_AUTH_FETCH_TIMEOUT_MS", "10"),
        ("CODEX_AUTH_SCHEDULING_STRATEGY", "SEQUENTIAL"),
        ("CODEX_AUTH_PREEMPTIVE_QUOTA_5H_REMAINING_PCT", "250"),
        ("CODEX_AUTH_MIN_ROTATION_INTERVAL_MS", "1e3"),
        ("CODEX_AUTH_SESSION_AFFINITY", "No"),
        ("CODEX_TUI_V2", "maybe"),
    ]);

    assert_eq!(settings.fetch_timeout, Span::seconds(1));
    assert_eq!(settings.strategy, Strategy::Sequential);
    assert!((settings.preemptive_primary - 100.0).abs() < f64::EPSILON);
    assert_eq!(settings.min_rotation_interval, Span::seconds(1));
    assert!(!settings.session_affinity);
    assert!(!settings.plain);
    assert_eq!(settings.notes.len(), 3);
}

#[test]
fn the_legacy_switch_is_read_only_when_the_new_one_says_nothing() {
    let both = |new, old| {
        from_env(&[("CODEX_MULTI_AUTH_SYNC_CODEX_CLI", new), ("CODEX_AUTH_SYNC_CODEX_CLI", old)])
            .codex_cli_sync
    };

    assert!(both("1", "0"));
    assert!(!both("maybe", "0"));
}

#[test]
fn the_old_stall_timeout_counts_as_unset_only_in_a_file() {
    let stored = from_file(r#"{"pluginConfig":{"streamStallTimeoutMs":45000}}"#);
    let given = from_env(&[("CODEX_AUTH_STREAM_STALL_TIMEOUT_MS", "45000")]);

    assert_eq!(stored.stream_stall, Span::seconds(300));
    assert_eq!(given.stream_stall, Span::seconds(45));
}

#[test]
fn sources_are_alternatives_and_damage_falls_back_to_the_backup() {
    let unified = r#"{"pluginConfig":{"toastDurationMs":2000}}"#;
    let config = read(&Sources {
        flat: Some(("alt.json", Content::Text(r#"{"maxClientSockets":9}"#))),
        unified: ("settings.json", Content::Text(unified)),
        ..Sources::default()
    });
    let damaged = read(&Sources {
        unified: ("settings.json", Content::Text("{\"x")),
        backup: Content::Text(unified),
        ..Sources::default()
    });
    let marked = from_file(&format!("\u{feff}{unified}"));

    assert_eq!((config.max_client_sockets, config.toast_duration), (9, Span::seconds(5)));
    assert_eq!(damaged.toast_duration, Span::seconds(2));
    assert_eq!(damaged.notes.len(), 1);
    assert_eq!(marked.toast_duration, Span::seconds(2));
}

#[test]
fn the_new_theme_and_strategy_win_over_the_old_keys() {
    let settings = from_file(
        r#"{"dashboardDisplaySettings":{"uiThemePreset":"blue","menuQuotaTtlMs":1},
            "pluginConfig":{"tuiTheme":"mono","schedulingStrategy":"hybrid","selectionStrategy":"sequential"}}"#,
    );

    assert_eq!(settings.theme, "mono");
    assert_eq!(settings.strategy, Strategy::Sequential);
    assert_eq!(settings.quota_ttl, Span::minutes(1));
}
