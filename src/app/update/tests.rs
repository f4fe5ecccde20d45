use pretty_assertions::assert_eq;

use std::collections::BTreeMap;

use super::*;
use crate::app::effect::{AuthEffect, CodexEffect, UpstreamEffect};
use crate::app::flows::serve::Announce;
use crate::app::goal::{Forwarding, Listing, Serving};
use crate::app::input::Input;
use crate::app::msg::{CodexMsg, Mirrored, PeersMsg, Planned};
use crate::app::world::Setting;
use crate::base::Percent;
use crate::base::calendar::Zone;
use crate::domain::account::{Account, SwitchReason};
use crate::domain::launch::Through;
use crate::domain::problem::Problem;
use crate::domain::quota::snapshot::Source;
use crate::domain::quota::window::Window;
use crate::domain::recovery::{Beside, Health, Loaded};
use crate::domain::refresh::Reason;
use crate::domain::roster::Roster;
use crate::domain::settings::BackgroundNetwork;
use crate::domain::survey::{Kind, Unread};
use crate::domain::terms::{self, Acknowledged};

const NOW: Moment = Moment::from_secs(1_790_000_000);

fn start(goal: Goal) -> (Model, Effects) {
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
    let boot = Boot {
        at: NOW,
        setting,
        seed: 1,
        pid: 7,
        announce: Announce::Json,
        size: (80, 24),
        remembered: String::new(),
        acknowledged: Some(Acknowledged { at: NOW, revision: terms::REVISION, by: terms::By::Flag }),
    };
    init(goal, boot)
}

fn roster(names: &[&str]) -> Roster {
    Roster { accounts: names.iter().map(|name| Account::sample(name)).collect(), ..Roster::default() }
}

fn loaded(roster: Roster, revision: u64) -> Loaded {
    let health = if roster.accounts.is_empty() { Health::Empty } else { Health::Healthy };
    Loaded { roster: roster.into(), health, beside: Beside::default(), recovery: None, revision }
}

/// Hears everything a start asks for.
fn settle(model: &mut Model, roster: Roster) -> Effects {
    let mut effects = update(model, NOW, Msg::Store(StoreMsg::Settings(std::sync::Arc::default())));
    effects.extend(update(model, NOW, Msg::Store(StoreMsg::Loaded(Ok(loaded(roster, 1))))));
    effects.extend(update(model, NOW, Msg::Store(StoreMsg::Quota(BTreeMap::new()))));
    effects.extend(update(model, NOW, Msg::Store(StoreMsg::Usage(Vec::new()))));
    effects.extend(update(model, NOW, Msg::Peers(PeersMsg::Seen(Vec::new()))));
    effects
}

fn key(name: &str) -> AccountKey {
    Account::sample(name).key
}

#[test]
fn a_switch_commits_first_then_tells_the_proxies_and_mirrors() {
    let (mut model, _) = start(Goal::Run(Command::Switch("two".to_owned())));

    let effects = settle(&mut model, roster(&["one", "two"]));

    let ticket = Ticket(1);
    let change = Change::Selected { key: key("two"), reason: SwitchReason::Manual, pin: Pin::Set, at: NOW };
    assert_eq!(effects, [Effect::Store(StoreEffect::Commit(ticket, vec![change.clone()]))]);

    let mut chosen = roster(&["one", "two"]);
    chosen.apply(&change);
    let effects = update(&mut model, NOW, Msg::Store(StoreMsg::Committed(ticket, Ok(loaded(chosen, 2)))));

    assert_eq!(
        effects,
        [Effect::Peers(PeersEffect::Reload), Effect::Codex(CodexEffect::Mirror(ticket, key("two")))]
    );

    let effects = update(&mut model, NOW, Msg::Codex(CodexMsg::Mirrored(ticket, Mirrored::Written)));

    assert_eq!(effects, [Effect::Exit(Exit::Ok)]);
    assert!(matches!(model.outcome.map(|outcome| outcome.body), Some(Body::Switched(_))));
}

#[test]
fn a_switch_to_an_account_whose_token_is_due_refreshes_it_before_mirroring() {
    let (mut model, _) = start(Goal::Run(Command::Switch("1".to_owned())));
    let mut pool = roster(&["one"]);
    pool.accounts[0].credentials.expires_at = Some(NOW + Span::minutes(1));
    settle(&mut model, pool.clone());

    let effects = update(&mut model, NOW, Msg::Store(StoreMsg::Committed(Ticket(1), Ok(loaded(pool, 2)))));

    assert_eq!(
        effects,
        [
            Effect::Peers(PeersEffect::Reload),
            Effect::Auth(AuthEffect::Refresh(Ticket(1), key("one"), Reason::ProactiveExpiry))
        ]
    );
}

#[test]
fn a_switch_that_names_nobody_changes_nothing_and_ends_as_a_usage_error() {
    let (mut model, _) = start(Goal::Run(Command::Switch("zoe".to_owned())));

    let effects = settle(&mut model, roster(&["one"]));

    assert_eq!(effects, [Effect::Exit(Exit::Usage)]);
}

#[test]
fn a_failed_commit_is_the_outcome_of_a_switch() {
    let (mut model, _) = start(Goal::Run(Command::Switch("1".to_owned())));
    settle(&mut model, roster(&["one"]));
    let problem = Problem::new("disk-full", Exit::Failed, "no space");

    let effects = update(&mut model, NOW, Msg::Store(StoreMsg::Committed(Ticket(1), Err(problem.clone()))));

    assert_eq!(effects, [Effect::Exit(Exit::Failed)]);
    assert_eq!(model.outcome.map(|outcome| outcome.body), Some(Body::Problem(problem)));
}

#[test]
fn unpin_without_a_pin_says_so_and_writes_nothing() {
    let (mut model, _) = start(Goal::Run(Command::Unpin));

    let effects = settle(&mut model, roster(&["one"]));

    assert_eq!(effects, [Effect::Exit(Exit::Ok)]);
    assert!(matches!(model.outcome.map(|outcome| outcome.body), Some(Body::Unpinned(None, _))));
}

#[test]
fn status_of_an_empty_pool_ends_with_no_accounts() {
    let (mut model, _) = start(Goal::Run(Command::Status(Listing::Status)));

    let effects = settle(&mut model, Roster::default());

    assert_eq!(effects, [Effect::Exit(Exit::NoAccounts)]);
}

#[test]
fn a_damaged_pool_is_a_problem_never_an_empty_pool() {
    let (mut model, _) = start(Goal::Run(Command::Status(Listing::Status)));
    let problem = Problem::new("storage-corrupt", Exit::Failed, "cannot be read");
    update(&mut model, NOW, Msg::Store(StoreMsg::Settings(std::sync::Arc::default())));
    update(&mut model, NOW, Msg::Peers(PeersMsg::Seen(Vec::new())));

    let effects = update(&mut model, NOW, Msg::Store(StoreMsg::Loaded(Err(problem.clone()))));

    assert_eq!(effects, [Effect::Exit(Exit::Failed)]);
    let Some(Body::Status(_, facts)) = model.outcome.map(|outcome| outcome.body) else {
        panic!("the file is still shown");
    };
    assert_eq!((facts.health, facts.trouble), (Health::Corrupt, Some(problem)));
}

#[test]
fn a_dashboard_shows_a_choice_at_once_and_the_stores_answer_replaces_the_guess() {
    let (mut model, _) = start(Goal::Dashboard(Entry::default()));
    settle(&mut model, roster(&["one", "two"]));

    let effects = model.obey(Intent::Use(key("two"), Pin::Set), NOW);

    assert_eq!(model.world.roster.pin, Some(key("two")));
    let Some(Effect::Store(StoreEffect::Commit(ticket, _))) = effects.first() else {
        panic!("no commit: {effects:?}")
    };
    update(&mut model, NOW, Msg::Store(StoreMsg::Committed(*ticket, Ok(loaded(roster(&["one"]), 2)))));
    assert_eq!(model.world.roster.accounts.len(), 1);
    assert_eq!(model.world.roster.pin, None);
}

#[test]
fn a_choice_can_be_taken_back_for_eight_seconds_unless_somebody_chose_since() {
    let (mut model, _) = start(Goal::Dashboard(Entry::default()));
    settle(&mut model, roster(&["one", "two"]));
    let ticket = switch_in_dashboard(&mut model, "two");

    let mut late = model.clone();
    update(&mut late, NOW + Span::seconds(9), Msg::Ticked);
    assert_eq!(late.obey(Intent::Undo, NOW + Span::seconds(9)), []);

    let mut elsewhere = model.clone();
    elsewhere.world.guess(&[Change::Unpinned]);
    assert_eq!(elsewhere.obey(Intent::Undo, NOW), []);

    let effects = model.obey(Intent::Undo, NOW);
    let restored = Change::SelectionRestored { active: None, pin: None, pinned_at: None };
    assert_eq!(effects, [Effect::Store(StoreEffect::Commit(Ticket(ticket.0 + 1), vec![restored]))]);
}

fn switch_in_dashboard(model: &mut Model, name: &str) -> Ticket {
    let effects = model.obey(Intent::Use(key(name), Pin::Set), NOW);
    let Some(Effect::Store(StoreEffect::Commit(ticket, _))) = effects.first().cloned() else {
        panic!("no commit: {effects:?}")
    };
    let stored = loaded((*model.world.roster).clone(), 2);
    update(model, NOW, Msg::Store(StoreMsg::Committed(ticket, Ok(stored))));
    update(model, NOW, Msg::Codex(CodexMsg::Mirrored(ticket, Mirrored::Written)));
    ticket
}

#[test]
fn a_forwarded_run_starts_the_child_only_when_proxy_and_preflight_are_both_done() {
    let (mut model, _) = start(Goal::Forward(Forwarding { args: vec!["exec".into()], resume: None }));
    let effects = settle(&mut model, roster(&["one"]));
    let ticket = Ticket(1);
    assert_eq!(effects, [Effect::Codex(CodexEffect::Plan(ticket, vec!["exec".into()]))]);
    assert!(!subscriptions(&model).iter().any(|sub| matches!(sub, Sub::Proxy(_))));

    let planned = Planned::Rotated { forced: None, notes: Vec::new() };
    let effects = update(&mut model, NOW, Msg::Codex(CodexMsg::Planned(ticket, Ok(planned))));
    assert_eq!(effects, [Effect::Codex(CodexEffect::Preflight(ticket))]);
    assert!(subscriptions(&model).iter().any(|sub| matches!(sub, Sub::Proxy(_))));

    let listening = ServiceMsg::Listening { port: 1, base_url: "base".into(), refresh_url: "refresh".into() };
    assert_eq!(update(&mut model, NOW, Msg::Service(listening)), []);
    let effects = update(&mut model, NOW, Msg::Codex(CodexMsg::Preflighted(ticket, Ok(Vec::new()))));

    let through = Through { port: 1, base_url: "base".into(), refresh_url: "refresh".into() };
    assert_eq!(effects, [Effect::Codex(CodexEffect::Launch(ticket, vec!["exec".into()], Some(through)))]);
    assert!(!subscriptions(&model).contains(&Sub::Signals), "signals are the child's matter now");

    let effects = update(&mut model, NOW, Msg::Codex(CodexMsg::Ended(ticket, Ok(3))));
    assert_eq!(effects, [Effect::Exit(Exit::Child(3))]);
}

#[test]
fn a_forwarded_run_whose_proxy_cannot_start_launches_nothing() {
    let (mut model, _) = start(Goal::Forward(Forwarding { args: vec!["exec".into()], resume: None }));
    settle(&mut model, roster(&["one"]));
    let planned = Planned::Rotated { forced: None, notes: Vec::new() };
    update(&mut model, NOW, Msg::Codex(CodexMsg::Planned(Ticket(1), Ok(planned))));

    let effects = update(&mut model, NOW, Msg::Service(ServiceMsg::Exited(Err("no port".to_owned()))));

    assert_eq!(effects, [Effect::Exit(Exit::Failed)]);
}

#[test]
fn serve_announces_its_address_once() {
    let (mut model, _) = start(Goal::Serve(Serving { port: Some(9), ..Serving::default() }));
    settle(&mut model, roster(&["one"]));
    let listening = ServiceMsg::Listening { port: 9, base_url: "b".into(), refresh_url: "r".into() };

    let effects = update(&mut model, NOW, Msg::Service(listening.clone()));

    let line = "{\"baseUrl\":\"b\",\"refreshUrl\":\"r\",\"pid\":7}";
    assert_eq!(effects, [Effect::Announce(line.into())]);
    assert_eq!(update(&mut model, NOW, Msg::Service(listening)), []);
}

#[test]
fn signals_end_the_program_with_their_number() {
    for (signal, code) in [(Signal::Interrupt, 130), (Signal::Terminate, 143), (Signal::HangUp, 129)] {
        let (mut model, _) = start(Goal::Dashboard(Entry::default()));

        let effects = update(&mut model, NOW, Msg::Signal(signal));

        let [Effect::Exit(exit)] = effects.as_slice() else { panic!("{signal:?}: {effects:?}") };
        assert_eq!(exit.code(), code, "{signal:?}");
    }
}

#[test]
fn leaving_a_view_before_its_flow_was_done_counts_as_cancelled() {
    let entry = Entry { command: Some(Command::Monitor), ..Entry::default() };
    let (mut model, _) = start(Goal::Dashboard(entry));

    model.obey(Intent::Quit, NOW);

    assert_eq!(model.exit, Some(Exit::Cancelled));
}

#[test]
fn an_answer_for_an_unknown_ticket_is_dropped() {
    let (mut model, _) = start(Goal::Dashboard(Entry::default()));
    settle(&mut model, roster(&["one"]));

    assert_eq!(update(&mut model, NOW, Msg::Codex(CodexMsg::Mirrored(Ticket(99), Mirrored::Written))), []);
}

fn watching(background: BackgroundNetwork) -> (Model, Effects) {
    let (mut model, _) = start(Goal::Dashboard(Entry::default()));
    settle(&mut model, roster(&["alpha", "bravo", "charlie"]));
    std::sync::Arc::make_mut(&mut model.world.settings).background_network = background;
    let effects = update(&mut model, NOW, Msg::Ticked);
    (model, effects)
}

fn asked(effects: &Effects) -> Vec<AccountKey> {
    let asked = effects.iter().filter_map(|effect| {
        if let Effect::Upstream(UpstreamEffect::Usage(_, key)) = effect { Some(key.clone()) } else { None }
    });
    asked.collect()
}

fn figures(used: f64, at: Moment, reset: Moment) -> Snapshot {
    let window = Window {
        used: Some(Percent::new(used)),
        minutes: Some(300),
        resets_at: Some(reset),
        ..Window::default()
    };
    Snapshot {
        primary: Some(window),
        secondary: None,
        plan: None,
        limit_id: None,
        credits: None,
        status: 200,
        model: None,
        at,
        source: Source::Usage,
        ..Snapshot::default()
    }
}

#[test]
fn limits_are_read_unasked_only_when_that_is_allowed_and_somebody_looks() {
    for (background, expected) in
        [(BackgroundNetwork::Ask, 0), (BackgroundNetwork::Off, 0), (BackgroundNetwork::On, 2)]
    {
        let (model, effects) = watching(background);
        assert_eq!(asked(&effects).len(), expected, "{background:?}");
        assert_eq!(model.world.background.limits, expected as u64, "{background:?}");
    }

    let (mut model, _) = watching(BackgroundNetwork::Ask);
    std::sync::Arc::make_mut(&mut model.world.settings).background_network = BackgroundNetwork::On;
    update(&mut model, NOW, Msg::Input(Input::Focus(Focus::Away)));
    assert_eq!(asked(&update(&mut model, NOW, Msg::Ticked)), []);
}

#[test]
fn figures_are_read_again_when_they_are_old_or_their_window_began_anew() {
    let (mut model, effects) = watching(BackgroundNetwork::On);
    let mut waiting = asked(&effects);
    let mut at = NOW;
    let mut order = waiting.clone();
    while let Some(key) = waiting.pop() {
        let fresh = figures(10.0, at, at + Span::minutes(2));
        let message = Msg::Upstream(UpstreamMsg::Usage(Ticket(99), key, Box::new(Ok(fresh))));
        let more = asked(&update(&mut model, at, message));
        order.extend(more.clone());
        waiting.extend(more);
    }
    assert_eq!(order.len(), 3, "each account once: {order:?}");

    at = NOW + Span::minutes(1);
    assert_eq!(asked(&update(&mut model, at, Msg::Ticked)), [], "fresh figures are left alone");
    at = NOW + Span::minutes(3);
    assert_eq!(asked(&update(&mut model, at, Msg::Ticked)), [], "asked too lately");
    at = NOW + Span::minutes(6);
    assert_eq!(asked(&update(&mut model, at, Msg::Ticked)).len(), 2);
}

#[test]
fn a_third_failure_in_a_row_is_told_once() {
    let (mut model, effects) = watching(BackgroundNetwork::On);
    let mut waiting = asked(&effects);
    let mut told = 0;
    let mut at = NOW;
    for _ in 0..8 {
        let Some(key) = waiting.pop() else {
            at = at + Span::minutes(6);
            waiting = asked(&update(&mut model, at, Msg::Ticked));
            continue;
        };
        let before = model.ui.toasts.history().count();
        let unread = Unread { kind: Kind::Network, why: "no connection".to_owned() };
        let effects =
            update(&mut model, at, Msg::Upstream(UpstreamMsg::Usage(Ticket(99), key, Box::new(Err(unread)))));
        waiting.extend(asked(&effects));
        told += model.ui.toasts.history().count() - before;
    }
    assert_eq!(told, 1);
}

#[test]
fn fresh_figures_end_a_limit_that_no_longer_holds() {
    let (mut model, _) = start(Goal::Dashboard(Entry::default()));
    let mut pool = roster(&["alpha"]);
    pool.accounts[0].limits.insert("codex".to_owned(), NOW + Span::hours(3));
    settle(&mut model, pool);

    let fresh = figures(4.0, NOW, NOW + Span::hours(5));
    let effects = update(
        &mut model,
        NOW,
        Msg::Upstream(UpstreamMsg::Usage(Ticket(9), key("alpha"), Box::new(Ok(fresh)))),
    );

    assert!(
        effects.iter().any(|effect| matches!(effect, Effect::Store(StoreEffect::Commit(_, changes))
            if *changes == [Change::Recovered { key: key("alpha") }])),
        "{effects:?}"
    );
    assert!(model.world.roster.accounts[0].limits.is_empty());
}
