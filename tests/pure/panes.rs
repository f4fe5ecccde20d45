//! Keys of the panes: budgets, bridge, profiles, logs. What each asks the loop for, and what it asks the person first.

use std::collections::BTreeMap;
use std::sync::Arc;

use codex_multi_auth::app::goal::Tab;
use codex_multi_auth::app::msg::{Msg, StoreMsg};
use codex_multi_auth::app::overlays::Overlay;
use codex_multi_auth::app::screens::logs::Pane;
use codex_multi_auth::app::screens::monitor::Follow;
use codex_multi_auth::app::toasts::Shown;
use codex_multi_auth::app::{Model, update};
use codex_multi_auth::domain::log::Level;
use codex_multi_auth::domain::policy::budget::{Limit, Window};
use codex_multi_auth::domain::policy::compose::{Governance, Rules};
use codex_multi_auth::domain::policy::profile::Profile;

use crate::support::logs::tail;
use crate::support::stage::{NOW, Stage, nobody_else, press, six};

/// Two budgets and a profile.
pub(super) fn ruled() -> Governance {
    let limit = |key: &str, window, requests, tokens| Limit {
        key: key.to_owned(),
        window,
        requests,
        tokens,
        cost: None,
        updated_at: NOW,
    };
    let profile = Profile {
        project_key: "web-shop-1a2b".to_owned(),
        project_name: "web-shop".to_owned(),
        identity_root: "/home/me/src/web-shop".to_owned(),
        preferred_tags: vec!["work".to_owned()],
        avoid_tags: Vec::new(),
        models_allowed: Vec::new(),
        models_denied: Vec::new(),
        weights: BTreeMap::new(),
        budget_key: Some("global".to_owned()),
        updated_at: NOW,
    };
    let budgets = [
        limit("global", Window::Day, Some(400), None),
        limit("model:gpt-5", Window::Week, Some(1), Some(50_000_000)),
    ];
    let rules = Rules {
        profiles: BTreeMap::from([(profile.project_key.clone(), profile)]),
        budgets: budgets.into_iter().map(|limit| (limit.key.clone(), limit)).collect(),
        ..Rules::default()
    };
    Governance { rules, tally: Arc::default() }
}

/// A dashboard with these rules, after these keys.
pub(super) fn governed(stage: &Stage, keys: &str) -> Model {
    let mut model = stage.open();
    update(&mut model, NOW, Msg::Store(StoreMsg::Ruled(Ok(Arc::new(ruled())))));
    update(&mut model, NOW, Msg::Log(Box::new(tail())));
    press(&mut model, NOW, keys);
    nobody_else(&mut model);
    model
}

fn said(model: &Model) -> String {
    model.ui.toasts.history().next().map(Shown::text).unwrap_or_default()
}

#[test]
fn each_key_of_a_pane_asks_for_what_it_is_there_for() {
    for (name, before, keys, wanted) in [
        ("a budget is set as it is typed", "gub", "a<enter>", "Rule(Ticket"),
        ("a budget is edited", "gubj", "e<enter>", "model:gpt-5"),
        ("enter edits, too", "gub", "<enter><enter>", "requests: Some(400)"),
        ("a budget is deleted after a question", "gub", "dy", "NoLimit(\"global\")"),
        ("the table is exported", "gu", "e<enter>", "Save(Outcome"),
        ("a key of the bridge is made", "gmb", "aeditor<enter>", "label: Some(\"editor\")"),
        ("a key is shown once and copied", "gmbaeditor<enter>", "y", "Copy("),
        ("a key is rotated after a question", "gmb", "ry", "Rotate(\"1\")"),
        ("a key is revoked after a question", "gmbj", "dy", "Revoke(\"2\")"),
        ("a running bridge is stopped", "gmb", " ", "Bridge(Ticket"),
        ("snippets are asked for", "gmb", "i", "Integrations("),
        ("the address is copied", "gmb", "y", "Copy("),
        ("cooldowns are cleared after a question", "gm", "xy", "Recovered"),
        ("rotation is switched after a question", "gm", "ty", "Configure("),
        ("the app is bound after a question", "gm", "By", "Rotation(Ticket"),
        ("flagged accounts are tried", "ga", "v", "Vault("),
        ("everything is looked at", "gl", "D", "Peers(Next("),
        ("a session is read", "gls", "<enter>", "History(Ticket"),
        ("a line is copied", "gl", "y", "Copy("),
        ("an id is copied", "gls", "y", "Copy("),
        ("a session is resumed after a question", "gls", "oy", "Exit(Ok)"),
    ] {
        let mut model = governed(&six(), before);
        let effects = format!("{:?}", press(&mut model, NOW, keys));

        assert!(effects.contains(wanted), "{name}: {effects}");
    }
}

#[test]
fn what_asks_first_does_nothing_without_a_yes() {
    for (before, key) in [
        ("gub", "d"),
        ("gmb", "r"),
        ("gmb", "d"),
        ("gm", "x"),
        ("gm", "t"),
        ("gm", "B"),
        ("gls", "o"),
        ("gs<down><down><down><down><down><down><down><down><down><right>", "d"),
    ] {
        for no in ["<esc>", "n", "<enter>", "<ctrl-c>"] {
            let mut model = governed(&six(), before);
            press(&mut model, NOW, key);
            let asked = matches!(model.ui.overlays.last(), Some(Overlay::Confirm(_)));
            assert!(asked, "{before}{key} asks nothing");
            let effects = press(&mut model, NOW, no);

            assert_eq!(effects, [], "{before}{key}{no}");
            assert!(model.ui.overlays.is_empty() && model.exit.is_none(), "{before}{key}{no}");
        }
    }
}

#[test]
fn profiles_are_made_edited_and_deleted_in_the_settings() {
    let page = "gs<down><down><down><down><down><down><down><down><down><right>";
    for (keys, wanted) in
        [("a<enter>", "prefer"), ("<enter><enter>", "web-shop-1a2b"), ("dy", "NoProfile(\"web-shop-1a2b\")")]
    {
        let mut model = governed(&six(), page);
        let before = model.ui.overlays.len();
        let effects = format!("{:?}", press(&mut model, NOW, keys));

        let told = said(&model);
        assert!(effects.contains(wanted) || !told.is_empty(), "{keys}: {before} {effects} {told}");
    }
}

#[test]
fn the_lines_of_the_log_are_chosen_found_and_followed() {
    let lines = |keys: &str| governed(&six(), &format!("gl{keys}")).ui.logs;

    assert_eq!(lines("").order.len(), 9, "debug lines matter less");
    assert_eq!((lines("l").level, lines("l").order.len()), (Level::Warn, 3));
    assert_eq!((lines("ll").level, lines("ll").order.len()), (Level::Error, 1));
    assert_eq!(lines("llll").order.len(), 10, "every line");
    assert_eq!(lines("p").part.as_deref(), Some("auth"));
    assert_eq!(lines("pp").part.as_deref(), Some("proxy"));
    assert_eq!(lines("pppp").part, None, "all parts again");
    assert_eq!(lines("/bravo<enter>").place, 2);
    assert_eq!(lines("/bravo<enter>n").place, 3);
    assert_eq!(lines("/bravo<enter>nn").place, 2, "around the end");
    assert_eq!(lines("/bravo<enter>N").place, 3);
    assert_eq!(lines("j").follow, Follow::Off, "whoever moves wants to read");
    assert_eq!(lines("jf").follow, Follow::On);
    assert_eq!(lines("jf").place, 0);
    assert_eq!(lines("s").pane, Pane::Sessions);
    assert_eq!(lines("s<esc>").pane, Pane::Lines);
    assert_eq!(lines("s/release<enter>").session_order.len(), 1);
}

#[test]
fn safe_repairs_show_their_plan_and_are_carried_out_only_after_a_yes() {
    let mut model = governed(&Stage { peers: Vec::new(), ..six() }, "F");

    assert_eq!(model.ui.tab, Tab::Logs);
    let Some(Overlay::Confirm(question)) = model.ui.overlays.last() else { panic!("nothing was asked") };
    assert!(question.paragraphs[0].contains("make private"), "{:?}", question.paragraphs);
    let refused = format!("{:?}", press(&mut model, NOW, "n"));
    assert!(!refused.contains("Carry("), "{refused}");

    let mut model = governed(&Stage { peers: Vec::new(), ..six() }, "F");
    let done = format!("{:?}", press(&mut model, NOW, "y"));
    assert!(done.contains("Carry("), "{done}");
}

#[test]
fn a_bridge_and_a_bind_are_left_alone_in_a_rehearsal() {
    for keys in ["gmb ", "gmt", "gmB", "glso"] {
        let mut model = governed(&Stage { demo: Some("tour"), ..six() }, &keys[..keys.len() - 1]);
        let effects = press(&mut model, NOW, &keys[keys.len() - 1..]);

        assert_eq!(effects, [], "{keys}");
        assert!(
            model.ui.overlays.is_empty() && said(&model).contains("rehearsal"),
            "{keys}: {}",
            said(&model)
        );
    }
}

#[test]
fn a_rehearsal_writes_only_below_its_own_home() {
    for (path, fits) in
        [("/home/me/usage.csv", true), ("/usage.csv", false), ("usage.csv", false), ("~/../x", false)]
    {
        let mut model = governed(&Stage { demo: Some("tour"), ..six() }, "gue");
        let clear = "<backspace>".repeat(40);
        let effects = format!("{:?}", press(&mut model, NOW, &format!("{clear}{path}<enter>")));

        assert_eq!(effects.contains("Save("), fits, "{path}: {effects}");
    }
}
