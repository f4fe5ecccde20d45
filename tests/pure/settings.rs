//! Settings as every home stores them.

use codex_multi_auth::adapters::store::DiskStore;
use codex_multi_auth::base::Span;
use codex_multi_auth::domain::selection::Strategy;
use codex_multi_auth::domain::settings::{Display, Settings};
use codex_multi_auth::ports::store::Store as _;

use crate::support::staged::{Staged, Still};

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
