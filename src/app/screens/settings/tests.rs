use std::sync::Arc;

use super::*;
use crate::app::world::Setting;
use crate::base::Moment;
use crate::base::calendar::Zone;
use crate::domain::settings::schema::rows;

fn world() -> World {
    let setting = Setting {
        storage_path: "pool.json".to_owned(),
        project: None,
        here: None,
        here_root: None,
        codex_home: "home".to_owned(),
        backups: "backups".to_owned(),
        home: "home".to_owned(),
        overrides: (None, None),
        demo: None,
        zone: Zone::utc(),
    };
    World::new(setting, Moment::EPOCH)
}

#[expect(clippy::needless_pass_by_value, reason = "written in place by every caller")]
fn stored(world: &mut World, key: &str, value: Value) {
    let mut report = (*world.config).clone();
    for entry in report.entries.iter_mut().filter(|entry| entry.row.key == key) {
        entry.stored = Some(value.clone());
        entry.present = true;
        entry.value = value.clone();
    }
    world.settings = Arc::new(report.settings());
    world.config = Arc::new(report);
}

fn setting(key: &str) -> &'static Row {
    schema::row(key).unwrap()
}

#[test]
fn every_row_of_the_table_is_reachable_in_the_tab() {
    for row in rows() {
        let mut sheet = Sheet::default();

        sheet.find(row);

        assert_eq!(sheet.setting(), Some(row), "{}", row.key);
        let pages = Page::ALL.into_iter().filter(|page| page.holds(row)).count();
        assert_eq!(pages, 1, "{} stands in one group", row.key);
        assert!(
            page::found(row.key).iter().any(|line| line.row() == Some(row)),
            "{} is not found by its key",
            row.key
        );
    }
}

#[test]
fn a_value_that_goes_back_to_what_it_was_is_no_change() {
    let mut world = world();
    stored(&mut world, "menuShowLastUsed", Value::Flag(false));
    let mut sheet = Sheet::default();

    for (key, there, back) in [("menuShowLastUsed", true, false), ("menuShowStatusBadge", false, true)] {
        sheet.change(setting(key), Value::Flag(there), &world);
        assert_eq!(
            sheet.draft.edits(),
            [crate::domain::settings::edit::Edit::set(setting(key), Value::Flag(there))]
        );
        sheet.change(setting(key), Value::Flag(back), &world);
        assert!(!sheet.is_dirty(), "{key}");
    }
}

#[test]
fn reset_deletes_a_stored_member_and_forgets_an_unsaved_one() {
    let mut world = world();
    stored(&mut world, "menuShowLastUsed", Value::Flag(false));
    let mut sheet = Sheet::default();

    sheet.reset(setting("menuShowLastUsed"), &world);
    assert_eq!(
        sheet.draft.edits(),
        [crate::domain::settings::edit::Edit::unset(setting("menuShowLastUsed"))]
    );
    assert_eq!(sheet.draft.value(setting("menuShowLastUsed"), &world.config), Value::Flag(true));

    sheet.change(setting("menuShowStatusBadge"), Value::Flag(false), &world);
    sheet.reset(setting("menuShowStatusBadge"), &world);
    assert_eq!(sheet.draft.len(), 1);
}

#[test]
fn what_was_saved_and_what_changed_elsewhere_is_noticed() {
    let mut world = world();
    let mut sheet = Sheet::default();
    sheet.change(setting("menuShowLastUsed"), Value::Flag(false), &world);
    sheet.change(setting("toastDurationMs"), Value::Number(7_000.0), &world);

    stored(&mut world, "toastDurationMs", Value::Number(9_000.0));
    assert_eq!(sheet.contested(&world), [setting("toastDurationMs")]);

    stored(&mut world, "toastDurationMs", Value::Number(7_000.0));
    sheet.settle(&world);
    assert_eq!(sheet.draft.keys().collect::<Vec<_>>(), ["menuShowLastUsed"]);
}

#[test]
fn choosing_an_order_turns_sorting_on_and_the_preview_follows() {
    let mut world = world();
    stored(&mut world, "menuSortEnabled", Value::Flag(false));
    stored(&mut world, "menuSortMode", Value::Text("manual".to_owned()));
    let mut sheet = Sheet::default();

    sheet.change(setting("menuSortMode"), Value::Text("ready-first".to_owned()), &world);

    let display = sheet.previewed(&world).display;
    assert!(display.sorted && display.ready_first);
    assert_eq!(sheet.draft.len(), 2);
}

#[test]
fn the_older_name_of_the_layout_shows_where_it_will_go() {
    let world = world();
    let mut sheet = Sheet::default();

    sheet.change(setting("menuLayoutMode"), Value::Text("expanded-rows".to_owned()), &world);

    let twin = sheet.draft.value(setting("menuShowDetailsForUnselectedRows"), &world.config);
    assert_eq!((twin, sheet.draft.len()), (Value::Flag(true), 1));
}

#[test]
fn keys_move_a_value_along_its_words_and_steps() {
    for (key, from, by, to) in [
        ("menuSortMode", "ready-first", 1, Some("manual")),
        ("menuSortMode", "manual", 1, Some("ready-first")),
        ("codexTuiGlyphMode", "auto", -1, Some("unicode")),
        ("tuiTheme", "", 1, Some("green")),
        ("tuiTheme", "mine", 1, Some("")),
        ("egressProxy", "", 1, None),
    ] {
        let moved = moved(setting(key), &Value::Text(from.to_owned()), by);
        assert_eq!(moved, to.map(|to| Value::Text(to.to_owned())), "{key} {from}");
    }
    for (key, from, by, to) in [
        ("menuQuotaTtlMs", 300_000.0, 1, Some(600_000.0)),
        ("menuQuotaTtlMs", 600_000.0, 1, None),
        ("menuQuotaTtlMs", 70_000.0, -1, Some(60_000.0)),
        ("fetchTimeoutMs", 60_000.0, 1, Some(65_000.0)),
        ("fetchTimeoutMs", 1_000.0, -1, None),
        ("wsPingIntervalMs", 5_000.0, -1, Some(0.0)),
        ("wsPingIntervalMs", 0.0, 1, Some(5_000.0)),
        ("wsPingIntervalMs", 0.0, -1, None),
    ] {
        assert_eq!(moved(setting(key), &Value::Number(from), by), to.map(Value::Number), "{key} {from}");
    }
}

#[test]
fn what_the_field_offers_is_taken_back_unchanged() {
    for row in rows() {
        let value = row.default();
        // An empty text stands for a missing member, which is not typed but reset.
        if value == Value::Text(String::new()) || value == Value::Map(Vec::new()) {
            continue;
        }
        assert_eq!(row.parse(&words::editable(row, &value)), Ok(value), "{}", row.key);
    }
}

#[test]
fn bounds_are_told_in_the_words_of_the_values() {
    for (key, text) in [
        ("fetchTimeoutMs", "at least 1s, by 5s"),
        ("preemptiveQuotaRemainingPercent5h", "0% to 100%, by 1%"),
        ("wsPingIntervalMs", "off, or 5s to 2m, by 5s"),
        ("menuQuotaTtlMs", "1m to 30m, by keys 1m 5m 10m"),
    ] {
        assert_eq!(words::bounds(setting(key)), text, "{key}");
    }
}

#[test]
fn the_cursor_passes_headings_in_both_directions() {
    let mut sheet = Sheet::default();
    sheet.search("account".to_owned());

    assert_eq!(sheet.place, 1);
    sheet.go(0);
    assert_eq!(sheet.place, 1);
    sheet.go(usize::MAX);
    assert!(sheet.lines[sheet.place].is_reachable());
    for place in (0..sheet.lines.len()).rev() {
        sheet.go(place);
        assert!(sheet.lines[sheet.place].is_reachable());
    }
}

#[test]
fn two_words_of_the_account_list_share_a_row_on_a_medium_screen_only() {
    let lines = Page::AccountList.sheet(Fold::Closed);
    let last = |kind| rows_of(&lines, kind).last().copied().unwrap();

    assert_eq!(last(Screen::Medium) + 1, last(Screen::Wide));
    assert_eq!(last(Screen::Wide), lines.len() - 1);
}
