use std::collections::BTreeMap;
use std::sync::Arc;

use super::*;
use crate::app::world::Setting;
use crate::base::calendar::Zone;
use crate::domain::account::Account;
use crate::domain::checkup::facts::{
    Config, FileFacts, MachineFacts, OfficialFacts, Paths, PoolFacts, StoreFacts,
};
use crate::domain::checkup::repair::Mended;
use crate::domain::official::Login;
use crate::domain::recovery::Health;
use crate::domain::roster::Roster;

const AT: Moment = Moment::from_secs(1_000);
const TICKET: Ticket = Ticket(1);

fn roster() -> Roster {
    let mut account = Account::sample("one");
    account.email = Some("one@mail.test".to_owned());
    account.credentials.claims.email = account.email.clone();
    account.credentials.refresh = "rt_long_enough_for_anybody".into();
    Roster { active: Some(account.key.clone()), accounts: vec![account], ..Roster::default() }
}

fn world() -> World {
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
    world.roster = Arc::new(roster());
    (world.loaded, world.settled, world.looked, world.measured) = (true, true, true, true);
    world
}

/// Everything is fine but for what is loose.
fn facts(loose: &[&str]) -> Facts {
    Facts {
        at: AT,
        paths: Paths::default(),
        pool: PoolFacts {
            roster: Arc::new(roster()),
            health: Health::Healthy,
            trouble: None,
            positions: None,
            copy: None,
            next: None,
            out_of_step: BTreeMap::new(),
        },
        files: FileFacts {
            size: Some(Ok(1)),
            loose: loose.iter().map(Into::into).collect(),
            ..FileFacts::default()
        },
        official: OfficialFacts {
            has_auth: false,
            login: Login::Absent,
            config: Config::Read { store: Some("file".to_owned()), base_url: None, provider: None },
            may_set_store: true,
            may_write: false,
            program: None,
        },
        stores: StoreFacts::default(),
        machine: MachineFacts::default(),
    }
}

fn heard(flow: &mut Flow, heard: Heard) -> Step {
    flow.on(&Msg::Checkup(TICKET, heard), &world(), AT)
}

/// A flow that has looked once.
fn looked(mode: Mode, loose: &[&str]) -> (Flow, Step) {
    let mut flow = Flow::new(TICKET, Doctoring { mode, ..Doctoring::default() });
    let first = flow.on(&Msg::Ticked, &world(), AT);
    assert_eq!(first, Step::Wait(vec![Effect::Checkup(TICKET, Act::Examine)]));
    let step = heard(&mut flow, Heard::Examined(Box::new(facts(loose))));
    (flow, step)
}

fn acts(step: &Step) -> &[Effect] {
    if let Step::Wait(effects) = step { effects } else { &[] }
}

#[track_caller]
fn ended(step: Step) -> (Exit, Diagnosis) {
    let Step::Done(_, outcome) = step else { panic!("not done: {step:?}") };
    let Body::Checkup(report) = outcome.body else { panic!("no report") };
    let Report::Doctor(diagnosis) = *report else { panic!("another report") };
    (outcome.exit, diagnosis)
}

#[test]
fn looking_mends_nothing() {
    let (_, step) = looked(Mode::Look, &["/r/pool"]);

    let (exit, diagnosis) = ended(step);

    assert_eq!(exit, Exit::Ok);
    assert_eq!(diagnosis.open.len(), 1);
    assert_eq!(diagnosis.carried, []);
}

#[test]
fn a_dry_run_only_shows_what_it_would_do() {
    let (_, step) = looked(Mode::Show, &["/r/pool"]);

    let (exit, diagnosis) = ended(step);

    assert_eq!((exit, diagnosis.mode, diagnosis.open.len()), (Exit::Ok, Mode::Show, 1));
}

#[test]
fn mending_asks_first_then_looks_again() {
    let (mut flow, step) = looked(Mode::Mend, &["/r/pool"]);
    let [Effect::Checkup(TICKET, Act::Ask(question))] = acts(&step) else { panic!("{step:?}") };
    assert!(question.lines.iter().any(|line| line.contains("/r/pool")), "{question:?}");

    let step = heard(&mut flow, Heard::Answered(Reply::Yes));
    let [Effect::Checkup(TICKET, Act::Carry(plan))] = acts(&step) else { panic!("{step:?}") };
    let carried: Vec<Carried> =
        plan.iter().map(|repair| Carried { repair: repair.clone(), result: Ok(Mended::Done) }).collect();
    let step = heard(&mut flow, Heard::Carried(carried));
    assert_eq!(acts(&step), [Effect::Checkup(TICKET, Act::Examine)]);
    let (exit, diagnosis) = ended(heard(&mut flow, Heard::Examined(Box::new(facts(&[])))));

    assert_eq!((exit, diagnosis.carried.len(), diagnosis.open.len()), (Exit::Ok, 1, 0));
}

#[test]
fn a_no_changes_nothing_and_a_script_needs_no_yes() {
    let (mut flow, _) = looked(Mode::Mend, &["/r/pool"]);
    let (exit, diagnosis) = ended(heard(&mut flow, Heard::Answered(Reply::No)));
    assert_eq!((exit, diagnosis.declined, diagnosis.carried.len()), (Exit::Cancelled, true, 0));

    let (mut flow, _) = looked(Mode::Mend, &["/r/pool"]);
    let step = heard(&mut flow, Heard::Answered(Reply::Nobody));
    assert!(matches!(acts(&step), [Effect::Checkup(TICKET, Act::Carry(_))]));
}

#[test]
fn a_repair_that_failed_is_a_failure_and_is_not_tried_twice() {
    let (mut flow, _) = looked(Mode::Mend, &["/r/pool"]);
    let step = heard(&mut flow, Heard::Answered(Reply::Yes));
    let [Effect::Checkup(_, Act::Carry(plan))] = acts(&step) else { panic!("{step:?}") };
    let carried = plan
        .iter()
        .map(|repair| Carried { repair: repair.clone(), result: Err("denied".to_owned()) })
        .collect();
    heard(&mut flow, Heard::Carried(carried));

    let (exit, diagnosis) = ended(heard(&mut flow, Heard::Examined(Box::new(facts(&["/r/pool"])))));

    assert_eq!((exit, diagnosis.open.len()), (Exit::Failed, 1));
}

#[test]
fn only_the_findings_that_were_asked_for_are_shown() {
    let order = Doctoring { only: vec!["permissions".to_owned()], ..Doctoring::default() };
    let mut flow = Flow::new(TICKET, order);
    flow.on(&Msg::Ticked, &world(), AT);

    let (_, diagnosis) = ended(heard(&mut flow, Heard::Examined(Box::new(facts(&[])))));

    assert_eq!(diagnosis.findings.iter().map(|finding| finding.key).collect::<Vec<_>>(), ["permissions"]);
}
