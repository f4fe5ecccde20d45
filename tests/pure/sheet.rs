//! The settings tab and the backups, by keys: what is changed, asked, written and refused.

use std::sync::Arc;

use codex_multi_auth::app::effect::{Effect, Effects, StoreEffect};
use codex_multi_auth::app::goal::Tab;
use codex_multi_auth::app::msg::{Msg, StoreMsg};
use codex_multi_auth::app::overlays::Overlay;
use codex_multi_auth::app::toasts::Shown;
use codex_multi_auth::app::{Model, update};
use codex_multi_auth::domain::problem::{Exit, Problem};
use codex_multi_auth::domain::settings::edit::Edit;
use codex_multi_auth::domain::settings::schema::{Value, row};
use codex_multi_auth::domain::vault::{Act, Copies, Existing, Run, Source};

use crate::support::stage::{NOW, key, press, six, written};

fn said(model: &Model) -> String {
    model.ui.toasts.history().next().map(Shown::text).unwrap_or_default()
}

fn flag(key: &str, to: bool) -> Edit {
    Edit::set(row(key).unwrap(), Value::Flag(to))
}

fn configured(effects: &Effects) -> Vec<Edit> {
    let edits = effects.iter().filter_map(|effect| {
        if let Effect::Store(StoreEffect::Configure(_, edits)) = effect { Some(edits.clone()) } else { None }
    });
    edits.flatten().collect()
}

fn acts(effects: &Effects) -> Vec<Act> {
    let acts = effects.iter().filter_map(|effect| {
        if let Effect::Store(StoreEffect::Vault(_, act)) = effect { Some((**act).clone()) } else { None }
    });
    acts.filter(Act::writes).collect()
}

const BACKUPS: &str = "gsG<up><up><up><up><right>";

#[test]
fn saving_writes_the_changed_keys_and_no_others() {
    let mut model = six().after("gs<right><space>jj<space>");

    let effects = press(&mut model, NOW, "s");

    assert_eq!(configured(&effects), [flag("menuShowLastUsed", false), flag("menuShowStatusBadge", false)]);
    assert!(!model.ui.sheet.is_dirty());
    assert_eq!(said(&model), "2 settings saved");
    assert!(!model.world.settings.display.status);
}

#[test]
fn nothing_is_written_before_it_is_saved_and_drop_leaves_everything_as_it_was() {
    let mut model = six().open();

    let effects = press(&mut model, NOW, "gs<right><space><esc><left><enter>");

    assert_eq!(configured(&effects), []);
    assert!(!model.ui.sheet.is_dirty());
    assert!(model.world.settings.display.status);
}

#[test]
fn leaving_with_unsaved_changes_asks_and_goes_on_after_the_answer() {
    for (keys, tab, dirty, saved) in [
        ("ga", Tab::Settings, true, 0),
        ("ga<esc>", Tab::Settings, true, 0),
        ("ga<enter>", Tab::Settings, true, 0),
        ("<tab><tab>", Tab::Experimental, true, 0),
        ("gay", Tab::Accounts, false, 1),
        ("ga<right><enter>", Tab::Accounts, false, 1),
        ("gm<left><enter>", Tab::Monitor, false, 0),
    ] {
        let mut model = six().after("gs<right><space>");
        let effects = press(&mut model, NOW, keys);

        assert_eq!((model.ui.tab, model.ui.sheet.is_dirty()), (tab, dirty), "{keys}");
        assert_eq!(configured(&effects).len(), saved, "{keys}");
    }
    assert_eq!(six().after("gs<right><space>q").exit, None);
    assert_eq!(six().after("gs<right><space>q<left><enter>").exit, Some(Exit::Ok));
    assert_eq!(six().after("gs<right>q").exit, Some(Exit::Ok));
}

#[test]
fn a_setting_that_a_variable_holds_is_not_changed_and_the_variable_is_named() {
    let mut model = six().after("gs/fetchTimeoutMs<enter>");

    for keys in ["+", "-", "<space>", "<enter>", "r"] {
        press(&mut model, NOW, keys);
        assert!(!model.ui.sheet.is_dirty(), "{keys}");
        assert!(said(&model).contains("CODEX_AUTH_FETCH_TIMEOUT_MS"), "{keys}: {}", said(&model));
    }
}

#[test]
fn a_typed_value_is_taken_when_it_is_allowed_and_explained_when_not() {
    let typed = |text: &str| {
        let clear = "<backspace>".repeat(12);
        six().after(&format!("gs/connectTimeoutMs<enter><enter>{clear}{text}<enter>"))
    };

    let good = typed("20s");
    assert_eq!(
        good.ui.sheet.draft.edits(),
        [Edit::set(row("connectTimeoutMs").unwrap(), Value::Number(20_000.0))]
    );
    for bad in ["soon", "5", "2h"] {
        let refused = typed(bad);
        let typing = refused.ui.sheet.typing.as_ref().expect("the field stays open");
        assert!(
            typing.wrong.as_ref().is_some_and(|wrong| wrong.contains("500")),
            "{bad}: {:?}",
            typing.wrong
        );
        assert!(!refused.ui.sheet.is_dirty(), "{bad}");
    }
}

#[test]
fn a_change_elsewhere_meanwhile_is_told_and_other_keys_are_left_alone() {
    let mut model = six().after("gs<right><space>");
    let elsewhere = [flag("menuShowStatusBadge", false), flag("menuShowCurrentBadge", false)];
    let report = written(&model.world.config, &elsewhere[1..]);

    update(&mut model, NOW, Msg::Store(StoreMsg::Settings(Arc::new(report.clone()))));
    let effects = press(&mut model, NOW, "s");
    assert_eq!(configured(&effects), [flag("menuShowStatusBadge", false)], "only what was changed here");

    let mut contested = six().after("gs/sortMode<enter>+");
    let other = [Edit::set(row("menuSortMode").unwrap(), Value::Text("ready-first".to_owned()))];
    let report = written(&contested.world.config, &other);
    update(&mut contested, NOW, Msg::Store(StoreMsg::Settings(Arc::new(report))));
    assert!(
        contested.ui.toasts.history().any(|shown| shown.text().contains("menuSortMode changed elsewhere"))
    );
    assert!(contested.ui.sheet.is_dirty());
}

#[test]
fn a_refused_save_keeps_the_changes_and_says_why() {
    let mut model = six().after("gs<right><space>");
    let effects = update(&mut model, NOW, codex_input('s'));
    let ticket = effects.iter().find_map(|effect| {
        if let Effect::Store(StoreEffect::Configure(ticket, _)) = effect { Some(*ticket) } else { None }
    });
    let problem =
        Problem::new("write-failed", Exit::Failed, "settings.json cannot be written: the disk is full");

    update(&mut model, NOW, Msg::Store(StoreMsg::Configured(ticket.unwrap(), Err(problem))));

    assert!(model.ui.sheet.is_dirty());
    assert!(model.world.settings.display.status, "what was expected is taken back");
    assert!(said(&model).contains("the disk is full"));
}

#[test]
fn what_became_of_a_damaged_file_is_told_with_the_save() {
    let mut model = six().after("gs<right><space>");
    let effects = update(&mut model, NOW, codex_input('s'));
    let ticket = effects.iter().find_map(|effect| {
        if let Effect::Store(StoreEffect::Configure(ticket, _)) = effect { Some(*ticket) } else { None }
    });
    let report = written(&model.world.config, &[flag("menuShowStatusBadge", false)]);
    let notes = vec!["settings.json was damaged: it was begun anew".to_owned()];
    let saved = codex_multi_auth::domain::settings::report::Saved { report: Arc::new(report), notes };

    update(&mut model, NOW, Msg::Store(StoreMsg::Configured(ticket.unwrap(), Ok(saved))));

    assert!(said(&model).contains("begun anew"), "{}", said(&model));
}

#[test]
fn a_pool_that_cannot_be_read_is_never_promised_a_backup() {
    for (code, offered) in [("storage-corrupt", true), ("storage-newer", false)] {
        let mut model = six().after(BACKUPS);
        let trouble = Problem::new(code, Exit::Failed, "the pool cannot be used");
        update(&mut model, NOW, Msg::Store(StoreMsg::Loaded(Err(trouble))));

        press(&mut model, NOW, "<enter>");

        let shown = format!("{:?}", model.ui.overlays);
        assert_eq!(!model.ui.overlays.is_empty(), offered, "{code}");
        assert_eq!(shown.contains("kept in quarantine"), offered, "{code}: {shown}");
        assert!(!shown.contains("backed up"), "{code}: {shown}");
    }
}

fn codex_input(letter: char) -> Msg {
    use codex_multi_auth::app::input::{Input, Key};
    Msg::Input(Input::Key(Key::char(letter)))
}

#[test]
fn sort_and_layout_keys_are_settings_and_hold_at_once() {
    let mut model = six().open();

    let effects = press(&mut model, NOW, "o");
    assert_eq!(
        configured(&effects),
        [Edit::set(row("menuSortMode").unwrap(), Value::Text("manual".to_owned()))]
    );
    assert_eq!(model.ui.accounts.order, [0, 1, 2, 3, 4, 5]);

    press(&mut model, NOW, "l");
    assert_eq!(model.ui.accounts.row_height(), 2);
    press(&mut model, NOW, "l");
    assert_eq!(model.ui.accounts.row_height(), 1);
}

#[test]
fn a_backup_is_merged_first_replaced_second_and_kept_by_default() {
    let source = || Source::File("/home/me/.codex/multi-auth/backups/weekly.json".into());
    for (keys, act) in [
        ("<enter><enter>", None),
        ("<enter><esc>", None),
        ("<enter>y", Some(Act::Import(source(), Run::Real))),
        ("<enter><right><enter>", Some(Act::Import(source(), Run::Real))),
        ("<enter><right><right><enter>", Some(Act::Restore(source()))),
    ] {
        let mut model = six().after(BACKUPS);
        let effects = press(&mut model, NOW, keys);

        assert_eq!(acts(&effects), act.into_iter().collect::<Vec<_>>(), "{keys}");
    }
    assert!(
        six().after(&format!("{BACKUPS}G<enter>")).ui.overlays.is_empty(),
        "a damaged copy is not offered"
    );
}

#[test]
fn backups_are_made_deleted_exported_and_imported_after_their_questions() {
    let acted = |keys: &str| {
        let mut model = six().after(BACKUPS);
        acts(&press(&mut model, NOW, keys))
    };

    assert!(
        matches!(&acted("abefore-trip<enter>")[..], [Act::Create(Some(name))] if name.as_str() == "before-trip")
    );
    assert_eq!(acted("aa/b<enter>"), []);
    assert_eq!(acted("ax<esc>"), []);
    assert_eq!(acted("dy"), [Act::Delete(Source::Named("weekly".to_owned()))]);
    assert_eq!(acted("d<enter>"), []);
    assert_eq!(acted("jjjd"), [], "a snapshot is not deleted by hand");
    assert_eq!(acted("x<enter>"), [Act::Export("/home/me/codex-accounts.json".into(), Existing::Kept)]);
    assert_eq!(
        acted("i~/old.json<enter>"),
        [Act::Import(Source::File("/home/me/old.json".into()), Run::Real)]
    );
    assert_eq!(acted("i<enter>"), []);
}

#[test]
fn an_account_is_deleted_after_a_yes_and_all_of_them_after_a_word() {
    for (keys, act) in [
        ("jd<enter>", None),
        ("jd<esc>", None),
        ("jdy", Some(Act::Remove(key("foxtrot")))),
        ("j<enter>dy", Some(Act::Remove(key("foxtrot")))),
        ("j<enter>Dy", Some(Act::Remove(key("foxtrot")))),
        (":delete fox<enter>y", Some(Act::Remove(key("foxtrot")))),
        ("DD<enter>", None),
        ("DDdelete<enter>", None),
        ("DDDELETE<enter>", Some(Act::Clear(Copies::Kept))),
        (":delete all<enter>DELETE<enter>", Some(Act::Clear(Copies::Kept))),
        ("DDDELETE<esc>", None),
    ] {
        let mut model = six().open();
        let effects = press(&mut model, NOW, keys);

        assert_eq!(acts(&effects), act.into_iter().collect::<Vec<_>>(), "{keys}");
    }
}

#[test]
fn an_empty_pool_offers_the_newest_backup() {
    let mut stage = six();
    stage.roster.accounts.clear();
    stage.roster.active = None;
    stage.roster.pin = None;
    let mut model = stage.open();

    press(&mut model, NOW, "h");
    assert_eq!(model.ui.sheet.backups.best().map(|backup| backup.name.as_str()), Some(".bak"));
    press(&mut model, NOW, "b<enter>");

    assert_eq!(model.ui.tab, Tab::Settings);
    assert!(matches!(model.ui.overlays.last(), Some(Overlay::Confirm(_))));
}

#[test]
fn reset_takes_a_setting_or_its_group_back() {
    let mut model = six().after("gs/menuSortEnabled<enter>r");
    assert_eq!(model.ui.sheet.draft.edits(), [Edit::unset(row("menuSortEnabled").unwrap())]);

    press(&mut model, NOW, "<esc><left><enter>");
    press(&mut model, NOW, "<esc><right><space>R");
    assert_eq!(model.ui.sheet.draft.edits(), [Edit::unset(row("menuSortEnabled").unwrap())]);
}
