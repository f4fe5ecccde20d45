//! The Forecast tab's own keys, from the table to what is asked and shown.

use codex_multi_auth::app::effect::{DesktopEffect, Effect, PeersEffect, StoreEffect, UpstreamEffect};
use codex_multi_auth::app::goal::{Choosing, Command, Entry, Forecasting, Named, Overlay as Runtime, Tab};
use codex_multi_auth::app::msg::{Msg, PeersMsg};
use codex_multi_auth::app::outcome::Form;
use codex_multi_auth::app::overlays::Overlay;
use codex_multi_auth::app::overlays::reasons::{About, Part};
use codex_multi_auth::app::screens::forecast::Which;
use codex_multi_auth::app::toasts::Shown;
use codex_multi_auth::app::{Model, update};
use codex_multi_auth::base::Span;
use codex_multi_auth::domain::account::{AccountKey, CooldownReason};
use codex_multi_auth::domain::change::Change;
use codex_multi_auth::report::print;

use crate::support::stage::{NOW, Stage, checked, key, press, six};

fn said(model: &Model) -> String {
    model.ui.toasts.history().next().map(Shown::text).unwrap_or_default()
}

fn parts(model: &Model) -> Vec<Part> {
    let Some(Overlay::Reasons(open)) = model.ui.overlays.last() else { panic!("no reasons are open") };
    open.parts(&model.ui.outlook, &model.world, NOW)
}

fn recommended(model: &Model) -> Option<&str> {
    model.ui.outlook.forecast.as_ref()?.recommended.as_ref().map(AccountKey::as_str)
}

fn unpinned() -> Stage {
    let mut stage = six();
    stage.roster.pin = None;
    stage.roster.active = Some(key("delta"));
    stage.peers.clear();
    stage
}

#[test]
fn enter_gives_the_reasons_of_the_focused_account_and_enter_again_opens_it() {
    let mut model = six().after("gfjj<enter>");

    let parts = parts(&model);
    assert!(matches!(&parts[0], Part::Account(key, _) if key.as_str() == "record:delta"), "{parts:?}");
    assert!(
        parts
            .iter()
            .any(|part| matches!(part, Part::Reason(one) if one.text.starts_with("cooldown remaining"))),
        "{parts:?}"
    );
    assert!(
        parts.iter().any(|part| matches!(part, Part::Engine(text)
            if text.starts_with(&format!("passed over: cooling-down:{}", CooldownReason::NetworkError.word())))),
        "{parts:?}"
    );
    assert!(
        parts.iter().any(|part| matches!(part, Part::Window(text) if text.starts_with("5h 28% left"))),
        "{parts:?}"
    );
    press(&mut model, NOW, "<enter>");
    assert_eq!(model.ui.tab, Tab::Accounts);
    assert_eq!(model.ui.detail.as_ref().map(|open| open.key.clone()), Some(key("delta")));
}

#[test]
fn x_gives_the_reasons_of_everybody_and_scrolls_no_further_than_they_go() {
    let mut model = six().after("gfx");

    let all = parts(&model);
    let accounts = all.iter().filter(|part| matches!(part, Part::Account(..))).count();
    assert_eq!(accounts, 6);
    press(&mut model, NOW, "<pgdn><pgdn><pgdn><pgdn><pgdn><pgdn><pgdn>");
    let Some(Overlay::Reasons(open)) = model.ui.overlays.last() else { panic!("closed by scrolling") };
    assert_eq!(open.about, About::All);
    assert!(open.offset < all.len(), "{} of {}", open.offset, all.len());
    press(&mut model, NOW, "x");
    assert!(model.ui.overlays.is_empty(), "the same key closes it");
}

#[test]
fn a_model_probe_asks_first_and_then_asks_every_account_for_that_model() {
    let mut model = six().after("gfmjjjj<enter>");
    let wanted = model.ui.outlook.model.clone().unwrap();

    assert_eq!(press(&mut model, NOW, "V<enter>"), [], "the safe answer is the focused one");
    let effects = press(&mut model, NOW, "Vy");
    assert!(!effects.is_empty());
    let mut probed = Vec::new();
    let mut effects = effects;
    while !effects.is_empty() {
        let mut more = Vec::new();
        for effect in effects {
            let Effect::Upstream(one) = effect else { continue };
            match one {
                UpstreamEffect::Usage(ticket, key) => {
                    let known = model.world.quota.get(&key).cloned().unwrap_or_default();
                    let answer =
                        codex_multi_auth::app::msg::UpstreamMsg::Usage(ticket, key, Box::new(Ok(known)));
                    more.extend(update(&mut model, NOW, Msg::Upstream(answer)));
                }
                UpstreamEffect::Probe(ticket, key, model_asked) => {
                    probed.push((key.clone(), model_asked));
                    let answer = codex_multi_auth::app::msg::UpstreamMsg::Probed(ticket, key, Ok(Vec::new()));
                    more.extend(update(&mut model, NOW, Msg::Upstream(answer)));
                }
            }
        }
        effects = more;
    }

    let names: Vec<&str> = probed.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(names, ["record:alpha", "record:bravo", "record:delta", "record:foxtrot"]);
    assert!(probed.iter().all(|(_, asked)| asked.as_deref() == Some(wanted.as_str())), "{probed:?}");
}

#[test]
fn a_model_is_looked_ahead_for_on_its_own_limits() {
    let mut stage = unpinned();
    let best = recommended(&stage.after("gf")).unwrap().to_owned();
    let account = stage.roster.accounts.iter_mut().find(|one| one.key.as_str() == best).unwrap();
    account.limits.insert("gpt-5.2:gpt-5.5".to_owned(), NOW + Span::hours(2));

    let mut model = stage.after("gf");
    assert_eq!(recommended(&model), Some(best.as_str()), "another model is not limited");
    for _ in 0..20 {
        let place = model.ui.outlook.model.as_deref();
        if place == Some("gpt-5.5") {
            break;
        }
        press(&mut model, NOW, "mj<enter>");
    }

    assert_eq!(model.ui.outlook.model.as_deref(), Some("gpt-5.5"));
    assert!(recommended(&model).is_some_and(|next| next != best), "{:?}", recommended(&model));
    assert!(said(&model).ends_with("looking ahead for gpt-5.5"), "{}", said(&model));
}

#[test]
fn a_running_proxy_is_asked_about_the_model_and_its_answer_can_be_left_out() {
    let mut model = six().after("gf");
    let effects = press(&mut model, NOW, "mG<enter>");
    let asked = effects.iter().find_map(|effect| {
        let Effect::Peers(PeersEffect::Next(ticket, ask)) = effect else { return None };
        Some((*ticket, ask.clone()))
    });
    let (ticket, ask) = asked.expect("the proxy is asked");
    assert_eq!(ask.model, model.ui.outlook.model);

    let mut answer = model.world.foresee(NOW);
    answer.chosen = Some(key("foxtrot"));
    update(&mut model, NOW, Msg::Peers(PeersMsg::Next(ticket, Some(answer))));
    assert_eq!(recommended(&model), Some("record:foxtrot"));

    press(&mut model, NOW, "r");
    assert_eq!(model.ui.outlook.overlay, Runtime::Off);
    assert_eq!(recommended(&model), Some("record:alpha"), "the files say: pinned");
    press(&mut model, NOW, "r");
    assert_eq!(recommended(&model), Some("record:foxtrot"), "the proxy's answer counts again");
}

#[test]
fn l_explains_the_last_decision_and_says_so_when_there_is_none() {
    let mut model = six().after("gfl");
    assert_eq!(model.ui.outlook.which, Which::Last);
    assert_eq!(
        model.ui.outlook.last(&model.world).map(|turn| turn.id),
        Some(12),
        "the newest that has ended"
    );
    press(&mut model, NOW, "l");
    assert_eq!(model.ui.outlook.which, Which::Next);

    let model = Stage { peers: Vec::new(), ..six() }.after("gfl");
    assert_eq!(model.ui.outlook.which, Which::Next);
    assert!(said(&model).contains("no running proxy has decided anything yet"), "{}", said(&model));
}

#[test]
fn the_ranking_is_copied_as_the_document_of_the_command() {
    let mut model = six().after("gf");
    let effects = press(&mut model, NOW, "y");
    let [Effect::Desktop(DesktopEffect::CopyReport(outcome))] = effects.as_slice() else {
        panic!("{effects:?}")
    };

    let document: serde_json::Value = serde_json::from_str(&print(outcome, Form::Json).out).unwrap();
    assert_eq!(document["command"], "forecast");
    assert_eq!(document["accounts"].as_array().map(Vec::len), Some(6));
    assert_eq!(document["explanation"]["considered"][0]["number"], 1);
}

#[test]
fn b_elsewhere_shows_the_choice_first_and_enter_uses_it() {
    let mut model = unpinned().after("jb");
    let best = recommended(&model).unwrap().to_owned();

    assert_eq!(model.ui.tab, Tab::Forecast);
    assert!(model.ui.outlook.focused().is_some_and(|one| one.key.as_str() == best), "the choice is focused");
    let effects = press(&mut model, NOW, "<enter>");
    assert!(
        effects.iter().any(|effect| matches!(effect, Effect::Store(StoreEffect::Commit(_, changes))
            if matches!(changes.first(), Some(Change::Selected { key, .. }) if key.as_str() == best))),
        "{effects:?}"
    );

    let mut model = unpinned().after("bj");
    assert_eq!(press(&mut model, NOW, "<enter>"), [], "away from the choice enter explains");
    assert!(matches!(model.ui.overlays.last(), Some(Overlay::Reasons(_))));
    let mut model = unpinned().after("b<esc>");
    assert_eq!(press(&mut model, NOW, "<enter>"), [], "esc keeps everything as it is");
}

#[test]
fn commands_open_the_tab_as_they_were_asked() {
    let asked = Forecasting {
        explain: true,
        overlay: Runtime::Off,
        model: Some(Named { requested: "gpt-5".to_owned(), name: "gpt-5.5".to_owned() }),
        ..Forecasting::default()
    };
    let way = |command| Entry { tab: Some(Tab::Forecast), pane: false, command: Some(command) };

    let model = Stage { way: way(Command::Forecast(asked)), ..six() }.open();
    assert_eq!(model.ui.outlook.model.as_deref(), Some("gpt-5.5"));
    assert_eq!(model.ui.outlook.overlay, Runtime::Off);
    assert!(matches!(model.ui.overlays.last(), Some(Overlay::Reasons(open)) if open.about == About::All));

    let model = Stage { way: way(Command::Best(Choosing::default())), ..six() }.open();
    assert!(model.ui.outlook.offers(), "enter uses the choice");
}

#[test]
fn a_check_that_needs_no_question_leaves_nobody_being_asked() {
    let mut model = six().after("jjjj");
    let focused = model.ui.focused(&model.world).map(|account| account.key.clone());
    assert_eq!(focused, Some(key("echo")), "it must sign in again: nothing is asked about it");

    press(&mut model, NOW, "c");
    let effects = update(&mut model, NOW, Msg::Ticked);
    checked(&mut model, NOW, &effects);

    assert_eq!(model.world.checking, Vec::<AccountKey>::new());
}
