use std::sync::Arc;

use super::*;
use crate::app::msg::UpstreamMsg;
use crate::app::world::Setting;
use crate::base::calendar::Zone;
use crate::domain::account::Invalidation;
use crate::domain::recovery::{Beside, Health, Loaded};
use crate::domain::refresh;
use crate::domain::roster::Roster;

const AT: Moment = Moment::from_secs(1_000);
const TICKET: Ticket = Ticket(1);

fn world(accounts: Vec<Account>) -> World {
    let setting = Setting {
        storage_path: "pool.json".to_owned(),
        project: None,
        here: None,
        here_root: None,
        codex_home: "home".to_owned(),
        backups: "backups".to_owned(),
        home: "/home/me".to_owned(),
        overrides: (None, None),
        demo: None,
        zone: Zone::utc(),
    };
    let mut world = World::new(setting, AT);
    let active = accounts.first().map(|account| account.key.clone());
    world.roster = Arc::new(Roster { accounts, active, ..Roster::default() });
    (world.loaded, world.settled, world.looked, world.measured) = (true, true, true, true);
    world
}

fn due(name: &str) -> Account {
    let mut account = Account::sample(name);
    account.credentials.expires_at = Some(AT);
    account
}

fn dead(name: &str) -> Account {
    let code = Some("refresh_token_reused".to_owned());
    Account { invalidation: Some(Invalidation { at: AT, code }), ..Account::sample(name) }
}

fn off(name: &str) -> Account {
    Account { switch: Switch::Off, ..Account::sample(name) }
}

fn loaded(world: &World) -> Msg {
    let roster = Arc::clone(&world.roster);
    let (beside, health) = (Beside::default(), Health::Healthy);
    Msg::Store(StoreMsg::Loaded(Ok(Loaded { roster, health, beside, recovery: None, revision: 2 })))
}

fn refreshed(name: &str, outcome: refresh::Outcome) -> Msg {
    Msg::Auth(AuthMsg::Refreshed(TICKET, Account::sample(name).key, outcome))
}

fn renewed() -> refresh::Outcome {
    refresh::Outcome::Renewed(Box::default())
}

fn start(fixing: Fixing, world: &World) -> (Flow, Step) {
    let mut flow = Flow::new(TICKET, fixing);
    let step = flow.on(&Msg::Ticked, world, AT);
    (flow, step)
}

#[track_caller]
fn ended(step: Step) -> (Exit, Fixed) {
    let Step::Done(_, outcome) = step else { panic!("not done: {step:?}") };
    let Body::Checkup(report) = outcome.body else { panic!("no report") };
    let Report::Fix(fixed) = *report else { panic!("another report") };
    (outcome.exit, fixed)
}

fn endings(fixed: &Fixed) -> Vec<&'static str> {
    fixed.rows.iter().map(|row| row.ending.word()).collect()
}

#[test]
fn a_dry_run_asks_nobody_and_changes_nothing() {
    let world = world(vec![due("one"), dead("two"), off("three"), Account::sample("four")]);

    let (_, step) = start(Fixing { dry_run: true, live: false }, &world);
    let (exit, fixed) = ended(step);

    assert_eq!(exit, Exit::Attention);
    assert_eq!(
        endings(&fixed),
        ["warning-soft-failure", "disabled-hard-failure", "already-disabled", "healthy"]
    );
    assert!(!fixed.changed && fixed.rows[1].message.contains("would be"));
}

#[test]
fn only_what_is_due_is_refreshed_one_after_the_other() {
    let world = world(vec![due("one"), Account::sample("two"), due("three")]);
    let (mut flow, step) = start(Fixing::default(), &world);
    let refresh = |name: &str| {
        Effect::Auth(AuthEffect::Refresh(TICKET, Account::sample(name).key, Reason::ProactiveExpiry))
    };

    assert_eq!(step, Step::Wait(vec![refresh("one")]));
    assert_eq!(flow.on(&refreshed("one", renewed()), &world, AT), Step::Wait(vec![refresh("three")]));
    let busy = refresh::Outcome::Transient { wait: Span::ZERO, why: "busy".to_owned() };
    assert_eq!(
        flow.on(&refreshed("three", busy), &world, AT),
        Step::Wait(vec![Effect::Store(StoreEffect::Load)])
    );
    let (exit, fixed) = ended(flow.on(&loaded(&world), &world, AT));

    assert_eq!((exit, fixed.changed), (Exit::Attention, true));
    assert_eq!(endings(&fixed), ["healthy", "healthy", "warning-soft-failure"]);
}

#[test]
fn a_dead_account_is_switched_off_after_a_yes_only() {
    let world = world(vec![Account::sample("one"), dead("two")]);
    let (mut flow, step) = start(Fixing::default(), &world);
    assert!(
        matches!(&step, Step::Wait(effects) if matches!(effects.as_slice(), [Effect::Checkup(_, Act::Ask(_))]))
    );

    let answer = |reply| Msg::Checkup(TICKET, Heard::Answered(reply));
    let step = flow.on(&answer(Reply::Yes), &world, AT);
    let off = Change::Switched { key: dead("two").key, switch: Switch::Off };
    assert_eq!(step, Step::Wait(vec![Effect::Store(StoreEffect::Commit(TICKET, vec![off]))]));
    let Msg::Store(StoreMsg::Loaded(result)) = loaded(&world) else { unreachable!() };
    flow.on(&Msg::Store(StoreMsg::Committed(TICKET, result)), &world, AT);
    let (exit, fixed) = ended(flow.on(&loaded(&world), &world, AT));
    assert_eq!((exit, endings(&fixed)), (Exit::Attention, vec!["healthy", "disabled-hard-failure"]));

    for reply in [Reply::No, Reply::Nobody] {
        let (mut flow, _) = start(Fixing::default(), &world);
        flow.on(&answer(reply), &world, AT);
        let (_, fixed) = ended(flow.on(&loaded(&world), &world, AT));
        assert_eq!((endings(&fixed), fixed.changed), (vec!["healthy", "warning-soft-failure"], false));
        assert!(fixed.rows[1].message.contains("--yes"), "{:?}", fixed.rows[1]);
    }
}

#[test]
fn the_last_account_is_never_switched_off() {
    let world = world(vec![dead("one"), dead("two"), off("three")]);
    let (mut flow, _) = start(Fixing::default(), &world);

    let step = flow.on(&Msg::Checkup(TICKET, Heard::Answered(Reply::Yes)), &world, AT);

    let gone = Change::Switched { key: dead("two").key, switch: Switch::Off };
    assert_eq!(step, Step::Wait(vec![Effect::Store(StoreEffect::Commit(TICKET, vec![gone]))]));
    assert_eq!(flow.kept, Some(dead("one").key));
}

#[test]
fn a_live_run_asks_the_usage_endpoint_of_those_that_can_answer() {
    let world = world(vec![Account::sample("one"), dead("two")]);
    let (mut flow, step) = start(Fixing { dry_run: true, live: true }, &world);
    let key = Account::sample("one").key;
    assert_eq!(
        step,
        Step::Wait(vec![Effect::Upstream(crate::app::effect::UpstreamEffect::Usage(TICKET, key.clone()))])
    );

    let unread = crate::domain::survey::Unread {
        kind: crate::domain::survey::Kind::Network,
        why: "no route".to_owned(),
    };
    let (exit, fixed) =
        ended(flow.on(&Msg::Upstream(UpstreamMsg::Usage(TICKET, key, Box::new(Err(unread)))), &world, AT));

    assert_eq!(exit, Exit::Network);
    assert_eq!(endings(&fixed), ["warning-soft-failure", "disabled-hard-failure"]);
}

#[test]
fn an_empty_pool_is_said_so() {
    let (_, step) = start(Fixing::default(), &world(Vec::new()));

    let Step::Done(_, outcome) = step else { panic!("not done") };
    assert_eq!(outcome.exit, Exit::NoAccounts);
}
