//! The experimental tab by keys: nothing is written without a preview and a question.

use codex_multi_auth::app::effect::{Effect, Effects, StoreEffect};
use codex_multi_auth::app::goal::Tab;
use codex_multi_auth::app::msg::{Msg, StoreMsg};
use codex_multi_auth::app::overlays::Overlay;
use codex_multi_auth::app::overlays::ask::Purpose;
use codex_multi_auth::app::screens::experimental::Item;
use codex_multi_auth::app::toasts::Shown;
use codex_multi_auth::app::{Model, update};
use codex_multi_auth::domain::companion::Synced;
use codex_multi_auth::domain::problem::Exit;
use codex_multi_auth::domain::settings::edit::Edit;
use codex_multi_auth::domain::settings::schema::{Value, row};
use codex_multi_auth::domain::vault::{Act, Answer, Run};

use crate::support::stage::{NOW, press, six, synced};

fn said(model: &Model) -> String {
    model.ui.toasts.history().next().map(Shown::text).unwrap_or_default()
}

fn acts(effects: &Effects) -> Vec<Act> {
    let acts = effects.iter().filter_map(|effect| {
        if let Effect::Store(StoreEffect::Vault(_, act)) = effect { Some((**act).clone()) } else { None }
    });
    acts.collect()
}

fn hear(model: &mut Model, seen: Synced) {
    let message = StoreMsg::Vault(model.flows.ticket(), Box::new(Ok(Answer::Synced(Box::new(seen)))));
    update(model, NOW, Msg::Store(message));
}

#[test]
fn opening_the_tab_looks_once_and_enter_looks_again() {
    let mut model = six().open();

    let opened = acts(&press(&mut model, NOW, "ge"));
    assert!(opened.contains(&Act::Sync(Run::Dry)), "{opened:?}");
    assert!(
        !acts(&press(&mut model, NOW, "jk")).contains(&Act::Sync(Run::Dry)),
        "moving about looks at nothing"
    );
    assert!(!model.ui.experimental.open);
    assert_eq!(acts(&press(&mut model, NOW, "<enter>")), [Act::Sync(Run::Dry)]);
    assert!(model.ui.experimental.open);
}

#[test]
fn what_was_not_previewed_cannot_be_applied_and_what_was_is_asked_about() {
    let mut model = six().after("ge");

    assert_eq!(acts(&press(&mut model, NOW, "A")), [Act::Sync(Run::Dry)], "the first press shows it");
    assert!(model.ui.overlays.is_empty());
    assert_eq!(acts(&press(&mut model, NOW, "A")), [], "the second asks");
    assert!(matches!(model.ui.overlays.last(), Some(Overlay::Confirm(_))));
    assert_eq!(acts(&press(&mut model, NOW, "<enter>")), [], "the focused answer is the safe one");
    let done = acts(&press(&mut model, NOW, "Ay"));
    assert_eq!(done, [Act::Sync(Run::Real)]);
}

#[test]
fn nothing_new_is_said_and_not_asked_about() {
    let mut model = six().after("ge<enter>");
    hear(&mut model, Synced { rows: Vec::new(), ..synced() });

    assert_eq!(acts(&press(&mut model, NOW, "A")), []);

    assert!(model.ui.overlays.is_empty());
    assert!(said(&model).contains("nothing is newer"), "{}", said(&model));
}

#[test]
fn the_guard_is_changed_in_a_draft_that_is_saved_or_asked_about() {
    let mut model = six().after("ge4 +");
    let edits = model.ui.sheet.draft.edits();
    assert_eq!(edits.len(), 2);
    assert!(edits.contains(&Edit::set(row("proactiveRefreshGuardian").unwrap(), Value::Flag(false))));

    press(&mut model, NOW, "gs");
    assert_eq!((model.ui.tab, model.ui.sheet.is_dirty()), (Tab::Settings, true), "the settings share it");
    press(&mut model, NOW, "gega");
    assert!(matches!(model.ui.overlays.last(), Some(Overlay::Confirm(_))), "leaving both asks");
    press(&mut model, NOW, "<esc>");
    let effects = press(&mut model, NOW, "s");
    let saved = effects.iter().any(|effect| matches!(effect, Effect::Store(StoreEffect::Configure(..))));
    assert!(saved && !model.ui.sheet.is_dirty());
}

#[test]
fn digits_and_arrows_choose_and_each_feature_opens_what_it_says() {
    for (keys, item) in [
        ("", Item::Sync),
        ("3", Item::Restore),
        ("jj", Item::Restore),
        ("G", Item::Intercept),
        ("9", Item::Sync),
    ] {
        assert_eq!(six().after(&format!("ge{keys}")).ui.experimental.item, item, "{keys}");
    }
    let named = six().after("ge2<enter>");
    assert!(matches!(named.ui.overlays.last(), Some(Overlay::Ask(ask)) if ask.purpose == Purpose::NewBackup));
    assert_eq!(six().after("ge3<enter>").ui.tab, Tab::Settings);
    let off = six().after("ge5<enter>");
    assert!(off.ui.sheet.draft.holds(row("fullInterception").unwrap()));
}

#[test]
fn keys_that_do_nothing_here_say_so() {
    for (keys, part) in [("1 ", "nothing to switch"), ("1+", "interval"), ("1y", "no preview")] {
        let model = six().after(&format!("ge{keys}"));
        assert!(said(&model).contains(part), "{keys}: {}", said(&model));
    }
}

#[test]
fn esc_closes_the_preview_first_and_q_leaves() {
    let mut model = six().after("ge<enter>");
    press(&mut model, NOW, "<esc>");
    assert_eq!((model.ui.tab, model.ui.experimental.open), (Tab::Experimental, false));
    press(&mut model, NOW, "q");
    assert_eq!(model.exit, Some(Exit::Ok));
}
