//! Keys and mouse, from the table to what becomes of the pool.

use std::sync::Arc;

use codex_multi_auth::app::action::Action;
use codex_multi_auth::app::effect::{Effect, StoreEffect, UpstreamEffect};
use codex_multi_auth::app::goal::{Entry, Tab};
use codex_multi_auth::app::input::Input;
use codex_multi_auth::app::keys::hints::{Signs, hints};
use codex_multi_auth::app::keys::{Chord, Group, binds};
use codex_multi_auth::app::msg::{Msg, StoreMsg};
use codex_multi_auth::app::overlays::Overlay;
use codex_multi_auth::app::toasts::Shown;
use codex_multi_auth::app::ui::Ui;
use codex_multi_auth::app::{Model, update};
use codex_multi_auth::base::Span;
use codex_multi_auth::domain::account::{AccountKey, Switch};
use codex_multi_auth::domain::change::{Change, Pin};
use codex_multi_auth::domain::problem::Exit;
use codex_multi_auth::domain::recovery::{Beside, Health, Loaded};

use codex_multi_auth::domain::settings::edit::Edit;
use codex_multi_auth::domain::settings::schema::{Value, row};
use codex_multi_auth::domain::workspace::Workspace;

use crate::support::snap::{frame, skin, text};
use crate::support::stage::{NOW, checked, click, key, many, press, six, written};

fn said(model: &Model) -> String {
    model.ui.toasts.history().next().map(Shown::text).unwrap_or_default()
}

fn pin(model: &Model) -> Option<&str> {
    model.world.roster.pin.as_ref().map(AccountKey::as_str)
}

#[test]
fn keys_choose_pin_and_switch_accounts() {
    for (name, keys, pinned, active) in [
        ("a digit uses and pins the row", "2", Some("record:foxtrot"), "record:foxtrot"),
        ("s uses and pins the focus", "js", Some("record:foxtrot"), "record:foxtrot"),
        ("S uses without a pin", "jS", None, "record:foxtrot"),
        ("p takes the pin off", "p", None, "record:alpha"),
        ("p twice pins again", "pp", Some("record:alpha"), "record:alpha"),
        ("u takes the last act back", "2u", Some("record:alpha"), "record:alpha"),
        ("a waiting account may be chosen", "jjs", Some("record:delta"), "record:delta"),
        ("an account that is off asks first", "6", Some("record:alpha"), "record:alpha"),
        ("enter keeps the safe answer", "6<enter>", Some("record:alpha"), "record:alpha"),
        ("y is the act", "6y", Some("record:charlie"), "record:charlie"),
        ("the other answer is the act", "5<right><enter>", Some("record:echo"), "record:echo"),
        ("esc is the safe answer", "5<esc>", Some("record:alpha"), "record:alpha"),
        ("the palette runs what it shows", ":use foxtrot<enter>", Some("record:foxtrot"), "record:foxtrot"),
        ("digits follow the filter", "/fox<enter>1", Some("record:foxtrot"), "record:foxtrot"),
        ("the detail uses its account", "j<enter>s", Some("record:foxtrot"), "record:foxtrot"),
        ("the detail turns its page", "<enter><right>s", Some("record:foxtrot"), "record:foxtrot"),
        ("the pane has digits", "z2", Some("record:foxtrot"), "record:foxtrot"),
    ] {
        let model = six().after(keys);

        assert_eq!(pin(&model), pinned, "{name}");
        assert_eq!(model.world.roster.active.as_ref().unwrap().as_str(), active, "{name}");
    }
}

#[test]
fn switching_off_the_account_in_use_asks_and_names_the_successor() {
    for (keys, words) in [("pe", "goes to foxtrot@example.com"), ("e", "pinned: no request is served")] {
        let asked = six().after(keys);
        let Some(Overlay::Confirm(question)) = asked.ui.overlays.last() else { panic!("nothing was asked") };
        assert_eq!(question.title, "Switch off alpha@example.com?");
        assert!(question.paragraphs[0].contains(words), "{:?}", question.paragraphs);
    }
    let asked = six().after("e");
    assert_eq!(asked.world.roster.get(&key("alpha")).unwrap().switch, Switch::On);
    assert_eq!(six().after("ey").world.roster.get(&key("alpha")).unwrap().switch, Switch::Off);
    assert_eq!(six().after("eyu").world.roster.get(&key("alpha")).unwrap().switch, Switch::On);
}

#[test]
fn a_pinned_account_that_cannot_serve_is_told_until_that_ends() {
    let told = "nobody serves: alpha is pinned and off; p on it unpins";
    for (keys, is_told) in [("ey", true), ("eyp", false), ("eye", false)] {
        let mut model = six().sized(100, 30).after(keys);
        // What was said about the act itself has had its time.
        update(&mut model, NOW + Span::minutes(1), Msg::Ticked);

        let shown = text(&frame(&model, (100, 30), &skin("green")));
        assert_eq!(shown.contains(told), is_told, "{keys}\n{shown}");
    }
}

#[test]
fn switching_another_account_off_is_done_at_once_and_can_be_undone() {
    let mut model = six().after("je");

    assert_eq!(model.world.roster.get(&key("foxtrot")).unwrap().switch, Switch::Off);
    assert_eq!(said(&model), "foxtrot@example.com is off");
    press(&mut model, NOW + Span::seconds(7), "u");
    assert_eq!(model.world.roster.get(&key("foxtrot")).unwrap().switch, Switch::On);
}

#[test]
fn undo_is_refused_after_its_time_and_after_a_foreign_change() {
    let mut late = six().after("2");
    press(&mut late, NOW + Span::seconds(9), "u");
    assert_eq!(pin(&late), Some("record:foxtrot"));

    let mut changed = six().after("2");
    let mut roster = (*changed.world.roster).clone();
    roster.generation += 7;
    let loaded = Loaded {
        roster: Arc::new(roster),
        health: Health::Healthy,
        beside: Beside::default(),
        recovery: None,
        revision: 99,
    };
    update(&mut changed, NOW, Msg::Store(StoreMsg::Loaded(Ok(loaded))));
    press(&mut changed, NOW, "u");
    assert_eq!(pin(&changed), Some("record:foxtrot"));
    assert!(said(&changed).contains("nothing was undone"), "{}", said(&changed));
}

#[test]
fn the_ways_out_are_q_and_ctrl_c_twice_and_never_esc() {
    for (name, keys, exit) in [
        ("q quits from a tab", "q", Some(Exit::Ok)),
        ("q goes back from a detail", "<enter>q", None),
        ("q closes a filter", "/a<enter>q", None),
        ("q after that quits", "/a<enter>qq", Some(Exit::Ok)),
        ("q in a field is a letter", "/q", None),
        ("esc never quits", "<esc><esc><esc>", None),
        ("one ctrl-c does not quit", "<ctrl-c>", None),
        ("two do", "<ctrl-c><ctrl-c>", Some(Exit::Signal(2))),
        ("ctrl-c closes an overlay first", "?<ctrl-c>", None),
        ("q leaves the pane", "zq", Some(Exit::Ok)),
    ] {
        assert_eq!(six().after(keys).exit, exit, "{name}");
    }
}

#[test]
fn two_interrupts_far_apart_do_not_quit() {
    let mut model = six().after("<ctrl-c>");

    press(&mut model, NOW + Span::seconds(3), "<ctrl-c>");

    assert_eq!(model.exit, None);
}

#[test]
fn keys_move_between_screens() {
    for (keys, tab, detail) in [
        ("<tab>", Tab::Forecast, false),
        ("<tab><tab>", Tab::Usage, false),
        ("<tab><tab><tab>", Tab::Monitor, false),
        ("<tab><tab><tab><tab>", Tab::Settings, false),
        ("<tab><tab><tab><tab><tab>", Tab::Experimental, false),
        ("<tab><tab><tab><tab><tab><tab>", Tab::Logs, false),
        ("<tab><tab><tab><tab><tab><tab><tab>", Tab::Accounts, false),
        ("gl", Tab::Logs, false),
        ("<alt-7>", Tab::Logs, false),
        ("F", Tab::Logs, false),
        ("ge", Tab::Experimental, false),
        ("<alt-6>", Tab::Experimental, false),
        ("gu", Tab::Usage, false),
        ("<alt-3>", Tab::Usage, false),
        ("<left>", Tab::Logs, false),
        ("gs<shift-tab>", Tab::Monitor, false),
        ("gs", Tab::Settings, false),
        ("<alt-5>", Tab::Settings, false),
        ("gf", Tab::Forecast, false),
        ("gf<enter>", Tab::Forecast, false),
        ("gf<enter><enter>", Tab::Accounts, true),
        ("gfx<esc>", Tab::Forecast, false),
        ("b", Tab::Forecast, false),
        ("gm", Tab::Monitor, false),
        ("gmga", Tab::Accounts, false),
        ("<alt-2>", Tab::Forecast, false),
        ("<alt-4>", Tab::Monitor, false),
        ("<right>", Tab::Forecast, false),
        ("<enter>", Tab::Accounts, true),
        ("<enter><esc>", Tab::Accounts, false),
        ("<enter><tab>", Tab::Forecast, true),
        ("gx<tab>", Tab::Forecast, false),
    ] {
        let model = six().after(keys);

        assert_eq!((model.ui.tab, model.ui.detail.is_some()), (tab, detail), "{keys}");
    }
}

#[test]
fn the_cursor_follows_its_account() {
    let mut model = six().after("j");
    assert_eq!(model.ui.accounts.cursor, Some(key("foxtrot")));

    press(&mut model, NOW, "o");
    assert_eq!(model.ui.accounts.cursor, Some(key("foxtrot")), "after another order");

    let mut roster = (*model.world.roster).clone();
    roster.accounts.retain(|account| account.key != key("alpha"));
    let loaded = |roster| Loaded {
        roster: Arc::new(roster),
        health: Health::Healthy,
        beside: Beside::default(),
        recovery: None,
        revision: 50,
    };
    update(&mut model, NOW, Msg::Store(StoreMsg::Loaded(Ok(loaded(roster.clone())))));
    assert_eq!(model.ui.accounts.cursor, Some(key("foxtrot")), "after another account is gone");

    roster.accounts.retain(|account| account.key != key("foxtrot"));
    update(&mut model, NOW, Msg::Store(StoreMsg::Loaded(Ok(loaded(roster)))));
    assert!(model.ui.accounts.cursor.is_some_and(|cursor| cursor != key("foxtrot")), "after its own is gone");
}

#[test]
fn checking_asks_as_many_at_a_time_as_the_settings_say_and_tells_the_result() {
    let mut stage = six();
    stage.config = written(&stage.config, &[Edit::set(row("parallelProbing").unwrap(), Value::Flag(true))]);
    let mut model = stage.open();

    let effects = press(&mut model, NOW, "C");
    let asked = |effects: &[Effect]| {
        effects.iter().filter(|effect| matches!(effect, Effect::Upstream(UpstreamEffect::Usage(..)))).count()
    };
    assert_eq!(asked(&effects), 2);
    assert_eq!(model.world.checking.len(), 4, "off and signed-out accounts are not asked");
    checked(&mut model, NOW, &effects);

    assert_eq!(said(&model), "limits checked, 4 of 4 answered");
    assert!(model.world.checking.is_empty());
}

#[test]
fn esc_cancels_a_running_check() {
    let model = six().after("C<esc>");

    assert!(model.world.checking.is_empty());
}

#[test]
fn an_open_dashboard_asks_the_network_for_nothing_by_itself() {
    let mut model = six().open();
    let mut effects = Vec::new();

    for minute in 0..60 {
        effects.extend(update(&mut model, NOW + Span::minutes(minute), Msg::Ticked));
    }

    assert!(
        !effects.iter().any(|effect| matches!(effect, Effect::Upstream(_) | Effect::Auth(_))),
        "{effects:?}"
    );
}

/// The focus on a backup in the middle of the list.
const BACKUPS: &str = "gsG<up><up><up><up><right>jj";

#[test]
fn every_key_that_help_names_does_something() {
    let screens = [
        "jjj",
        "jjj<enter>jj",
        "gfjjj",
        "gmjjj",
        "gmsj",
        "zjjj",
        "gsjj",
        "gs/timeout<enter>jj+",
        BACKUPS,
        "gsG<right>",
    ];
    for before in screens {
        let base = many_turns(before);
        let scopes = base.ui.scopes(&base.world);
        for bind in binds().filter(|bind| scopes.contains(&bind.scope) && bind.group != Group::Hidden) {
            // Nothing to take back, nowhere to go back to from a tab.
            if matches!(bind.action, Action::Undo | Action::Back)
                || matches!(bind.action, Action::UseRow(7..))
            {
                continue;
            }
            for chord in bind.keys {
                let mut model = base.clone();
                let keys = match *chord {
                    Chord::One(key) => vec![key],
                    Chord::Two(leader, key) => vec![leader, key],
                };
                let mut effects = Vec::new();
                for key in keys {
                    effects.extend(update(&mut model, NOW, Msg::Input(Input::Key(key))));
                }
                let stays = bind.action == Action::Go(model.ui.tab);
                assert!(
                    !effects.is_empty() || stays || model.ui != base.ui || model.exit.is_some(),
                    "{} ({}) does nothing after {before}",
                    chord.name(),
                    bind.label
                );
            }
        }
    }
}

fn many_turns(before: &str) -> Model {
    let mut stage = six();
    stage.roster.accounts.extend(many(8).roster.accounts);
    stage.after(before)
}

#[test]
fn the_mouse_focuses_opens_and_presses() {
    let mut model = six().open();

    click(&mut model, NOW, 20, 5);
    assert_eq!(model.ui.accounts.cursor, Some(key("foxtrot")), "a row is focused");
    click(&mut model, NOW + Span::millis(200), 20, 5);
    assert!(model.ui.detail.is_some(), "a double click opens");
    press(&mut model, NOW, "<esc>");
    click(&mut model, NOW + Span::seconds(5), 12, 0);
    assert_eq!(model.ui.tab, Tab::Forecast, "a tab is opened");

    let scopes = model.ui.scopes(&model.world);
    let help = hints(&scopes, Signs::Unicode, None, 80)
        .into_iter()
        .find(|hint| hint.action == Action::Help)
        .unwrap();
    click(&mut model, NOW + Span::seconds(9), u16::try_from(help.column).unwrap(), 23);
    assert!(matches!(model.ui.overlays.last(), Some(Overlay::Help(_))), "a hint is pressed");
}

#[test]
fn a_paste_goes_into_the_field_and_nowhere_else() {
    let mut model = six().after("/");
    update(&mut model, NOW, Msg::Input(Input::Pasted("fox\nq".to_owned())));
    assert_eq!(model.ui.filter(), "fox q");

    let mut idle = six().open();
    update(&mut idle, NOW, Msg::Input(Input::Pasted("q2e".to_owned())));
    assert_eq!((idle.exit, pin(&idle)), (None, Some("record:alpha")));
}

#[test]
fn what_the_screens_remember_opens_them_again() {
    let mut model = six().open();
    let effects = press(&mut model, NOW, "hgm");
    let remembered = effects.iter().rev().find_map(|effect| {
        let Effect::Store(StoreEffect::Remember(text)) = effect else { return None };
        Some(text.clone())
    });

    let again = Ui::new(&Entry::default(), (80, 24), &remembered.unwrap());

    assert_eq!((again.tab, again.clock), (Tab::Monitor, model.ui.clock));
}

#[test]
fn the_page_of_keys_is_current() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = codex_multi_auth::app::keys::page();

    if std::fs::read_to_string(root.join("docs/reference/keys.md")).unwrap_or_default() != page {
        std::fs::write(root.join("target/keys.md"), page).unwrap();
        panic!("docs/reference/keys.md is not current: copy target/keys.md over it");
    }
}

#[test]
fn the_forecast_uses_whom_it_recommends_and_says_when_nothing_changes() {
    let mut stage = six();
    stage.roster.pin = None;
    stage.roster.active = Some(key("delta"));
    stage.peers.clear();
    let mut model = stage.after("gf");
    let best = model.ui.outlook.forecast.as_ref().and_then(|forecast| forecast.recommended.clone());

    let effects = press(&mut model, NOW, "b");
    let chosen = effects.iter().find_map(|effect| {
        let Effect::Store(StoreEffect::Commit(_, changes)) = effect else { return None };
        let Some(Change::Selected { key, pin, .. }) = changes.first() else { return None };
        Some((key.clone(), *pin))
    });
    assert!(best.is_some());
    assert_eq!(chosen, best.clone().map(|best| (best, Pin::Clear)));

    stage.roster.active = best;
    let mut model = stage.after("gf");
    assert_eq!(press(&mut model, NOW, "b"), []);
    assert!(said(&model).ends_with("is selected already"), "{}", said(&model));
}

/// What is wanted of an account, in words.
fn wanted(model: &Model, name: &str) -> String {
    let account = model.world.roster.get(&key(name)).unwrap();
    let policy = model.world.policies.of(account).cloned().unwrap_or_default();
    format!(
        "{} {}{}{} {}",
        policy.weight,
        policy.tags.join("+"),
        if policy.paused { " paused" } else { "" },
        if policy.drained { " drained" } else { "" },
        policy.note.unwrap_or_default()
    )
}

#[test]
fn what_is_wanted_of_an_account_is_changed_on_its_own_keys_and_taken_back() {
    for (name, keys, expected) in [
        ("tags", "<enter>tHome, work<enter>", "1 home+work "),
        ("tags are replaced", "<enter>ta<enter>t<backspace>b<enter>", "1 b "),
        ("tags are taken back", "<enter>ta<enter>u", "1  "),
        ("a note", "<enter>nmine<enter>", "1  mine"),
        ("a note is taken back", "nmine<enter>u", "1  "),
        ("more weight", "P++", "2  "),
        ("less weight", "P-", "0.5  "),
        ("a typed weight", "P<enter><backspace>2.25<enter>", "2.25  "),
        ("a weight that is none is asked for again", "P<enter>9<enter><esc>", "1  "),
        ("weight is taken back where it was changed", "P+u", "1  "),
        ("pause", "Pj ", "1  paused "),
        ("pause and its end", "Pj  ", "1   "),
        ("drain by enter", "Pjj<enter>", "1  drained "),
        ("esc changes nothing", "P<esc>", "1  "),
    ] {
        let model = six().after(keys);
        let said = wanted(&model, "alpha");
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(words(&said), words(expected), "{name}");
    }
}

#[test]
fn a_label_is_given_and_taken_back() {
    let label = |keys: &str| six().after(keys).world.roster.accounts[0].label.clone();

    assert_eq!(label("Pjjj<enter>home<enter>").as_deref(), Some("home"));
    assert_eq!(label("Pjjj<enter>home<enter><esc>u"), None);
}

#[test]
fn refreshing_all_asks_first_and_spends_one_refresh_each() {
    let mut model = six().open();
    assert_eq!(
        press(&mut model, NOW, "R<enter>").iter().filter(|effect| matches!(effect, Effect::Auth(_))).count(),
        0
    );

    let effects = press(&mut model, NOW, "Ry");

    assert!(effects.iter().any(|effect| matches!(effect, Effect::Auth(_))), "{effects:?}");
}

#[test]
fn another_workspace_is_reached_through_the_account_that_sits_in_it() {
    let mut stage = six();
    let seat = |id: &str| Workspace {
        id: id.to_owned(),
        name: None,
        enabled: true,
        disabled_at: None,
        is_default: false,
    };
    stage.roster.accounts[0].workspaces = vec![seat("ws-alpha"), seat("ws-foxtrot"), seat("ws-far")];
    stage.roster.accounts[5].email = stage.roster.accounts[0].email.clone();

    assert_eq!(pin(&stage.after("wj<enter>")), Some("record:foxtrot"));
    assert_eq!(pin(&stage.after("w<enter>")), Some("record:alpha"));
    assert!(said(&stage.after("wjj<enter>")).contains("login --org ws-far"));
    assert!(said(&six().after("jw")).contains("no workspace is listed"));
}
