use super::*;
use crate::app::effect::Effect;
use crate::app::world::Setting;
use crate::base::calendar::Zone;
use crate::domain::account::{Account, Switch};
use crate::domain::backup::{Backup, Kind, State};
use crate::domain::vault::{Copies, Kept, Removed, Run, Selection, Source};
use std::sync::Arc;

const NOW: Moment = Moment::from_secs(1_790_000_000);

fn world(names: &[&str]) -> World {
    let setting = Setting {
        storage_path: "/r/pool".to_owned(),
        project: None,
        here: None,
        here_root: None,
        codex_home: "/c".to_owned(),
        home: "/".to_owned(),
        backups: "/r/backups".to_owned(),
        overrides: (None, None),
        demo: None,
        zone: Zone::utc(),
    };
    let mut world = World::new(setting, NOW);
    world.roster = Arc::new(Roster {
        accounts: names.iter().map(|name| Account::sample(name)).collect(),
        active: names.first().map(|name| AccountKey::new(format!("record:{name}"))),
        ..Roster::default()
    });
    (world.loaded, world.settled, world.looked, world.measured) = (true, true, true, true);
    world
}

fn backup(name: &str) -> Backup {
    Backup {
        name: name.to_owned(),
        path: format!("/r/backups/{name}.json").into(),
        kind: Kind::Named,
        accounts: 2,
        bytes: 10,
        modified: NOW,
        state: State::Good,
    }
}

fn begin(errand: Errand, world: &World) -> (Flow, Step) {
    let mut flow = Flow::new(Ticket(1), errand);
    let step = flow.on(&Msg::Ticked, world, NOW);
    (flow, step)
}

#[track_caller]
fn asked(step: &Step) -> &Query {
    let Step::Wait(effects) = step else { panic!("{step:?}") };
    let [Effect::Ask(Ticket(1), query)] = effects.as_slice() else { panic!("{effects:?}") };
    query
}

#[track_caller]
fn acted(step: &Step) -> &Act {
    let Step::Wait(effects) = step else { panic!("{step:?}") };
    let [Effect::Store(StoreEffect::Vault(Ticket(1), act))] = effects.as_slice() else {
        panic!("{effects:?}")
    };
    act
}

#[track_caller]
fn problem(step: &Step) -> &Problem {
    let Step::Done(effects, outcome) = step else { panic!("{step:?}") };
    assert!(effects.is_empty());
    let Body::Problem(problem) = &outcome.body else { panic!("{outcome:?}") };
    problem
}

fn reply(reply: Reply) -> Msg {
    Msg::Answered(Ticket(1), reply)
}

fn answer(answer: Answer) -> Msg {
    Msg::Store(StoreMsg::Vault(Ticket(1), Box::new(Ok(answer))))
}

#[test]
fn an_account_is_deleted_after_a_yes_only() {
    let world = world(&["one", "two"]);
    for (given, code) in [(Reply::No, "cancelled"), (Reply::Nobody, "needs-yes")] {
        let (mut flow, step) = begin(Errand::Remove("two".to_owned()), &world);
        assert!(matches!(asked(&step), Query::YesNo { act: "delete", .. }));

        let step = flow.on(&reply(given), &world, NOW);

        assert_eq!((problem(&step).code, problem(&step).exit), (code, Exit::Cancelled));
    }
    let (mut flow, _) = begin(Errand::Remove("two".to_owned()), &world);

    let step = flow.on(&reply(Reply::Yes), &world, NOW);

    assert_eq!(acted(&step), &Act::Remove(AccountKey::new("record:two")));
}

#[test]
fn everything_is_deleted_after_a_typed_word_only() {
    let (_, step) = begin(Errand::Clear(Copies::Kept), &world(&["one"]));

    assert!(matches!(asked(&step), Query::Word { word: "DELETE", .. }));
    assert_eq!(problem(&begin(Errand::Clear(Copies::Kept), &world(&[])).1).exit, Exit::NoAccounts);
}

#[test]
fn an_unknown_account_is_refused_before_anything_is_asked() {
    for errand in [
        Errand::Remove("nobody".to_owned()),
        Errand::Turn("nobody".to_owned(), Switch::Off),
        Errand::Label("nobody".to_owned(), None),
    ] {
        let (_, step) = begin(errand, &world(&["one"]));

        assert_eq!(problem(&step).code, "unknown-account");
    }
}

#[test]
fn a_restore_shows_the_difference_before_it_asks() {
    let world = world(&["one"]);
    let (mut flow, step) = begin(Errand::Restore("weekly".to_owned()), &world);
    assert_eq!(acted(&step), &Act::Compare(Source::Named("weekly".to_owned())));
    let comparison = crate::domain::backup::Comparison {
        only_there: vec!["golf@example.com".to_owned()],
        older_tokens: 3,
        ..crate::domain::backup::Comparison::default()
    };

    let step = flow.on(&answer(Answer::Compared(Box::new((backup("weekly"), comparison)))), &world, NOW);

    let Query::YesNo { lines, .. } = asked(&step) else { panic!("a question") };
    let text = lines.join("\n");
    assert!(text.contains("golf@example.com") && text.contains("3 older"), "{text}");
    let step = flow.on(&reply(Reply::Yes), &world, NOW);
    assert_eq!(acted(&step), &Act::Restore(Source::File("/r/backups/weekly.json".into())));
}

#[test]
fn a_restore_ends_with_the_official_files() {
    let mut world = world(&["one"]);
    let restored = Restored {
        from: backup("weekly"),
        before: None,
        replaced: 1,
        newer_kept: 0,
        undo: None,
        pool: loaded(&world),
    };
    for (expires, first) in [(None, "refresh"), (Some(NOW + Span::hours(2)), "mirror")] {
        let roster = Arc::make_mut(&mut world.roster);
        roster.accounts[0].credentials.expires_at = expires.or(Some(NOW));
        let (mut flow, _) = Flow::start(Ticket(1), Act::Restore(Source::Named("weekly".to_owned())));

        let step = flow.on(&answer(Answer::Restored(Box::new(restored.clone()))), &world, NOW);

        let Step::Wait(effects) = &step else { panic!("{step:?}") };
        let second = match effects.as_slice() {
            [Effect::Peers(PeersEffect::Reload), Effect::Auth(_)] => "refresh",
            [Effect::Peers(PeersEffect::Reload), Effect::Codex(CodexEffect::Mirror(..))] => "mirror",
            other => panic!("{other:?}"),
        };
        assert_eq!(second, first);
    }
}

#[test]
fn a_deletion_offers_its_way_back() {
    let world = world(&["one", "two"]);
    let kept = Kept {
        key: AccountKey::new("record:two"),
        row: crate::base::Secret::new("{}"),
        more: None,
        place: 1,
        selection: Selection::default(),
    };
    let removed =
        Removed { label: "two".to_owned(), before: backup("pre"), kept: kept.clone(), pool: loaded(&world) };
    let (mut flow, _) = Flow::start(Ticket(1), Act::Remove(kept.key.clone()));

    let Step::Done(effects, outcome) = flow.on(&answer(Answer::Removed(Box::new(removed))), &world, NOW)
    else {
        panic!("an end")
    };

    assert_eq!(effects, [Effect::Peers(PeersEffect::Reload)]);
    let (what, act, span) = offer::of(&outcome.body).unwrap();
    assert_eq!((what.as_str(), span), ("deleted two", Span::seconds(10)));
    assert_eq!(act, Act::PutBack(Box::new(kept)));
}

#[test]
fn switching_what_is_so_already_writes_nothing() {
    let world = world(&["one"]);

    let (_, on) = begin(Errand::Turn("one".to_owned(), Switch::On), &world);
    let (_, off) = begin(Errand::Turn("one".to_owned(), Switch::Off), &world);

    assert!(matches!(&on, Step::Done(effects, _) if effects.is_empty()), "{on:?}");
    let Step::Wait(effects) = &off else { panic!("{off:?}") };
    assert!(matches!(effects.as_slice(), [Effect::Store(StoreEffect::Commit(..))]));
}

#[test]
fn an_import_into_an_empty_pool_asks_for_the_terms_and_a_dry_one_does_not() {
    let import = |run| Errand::Import("/in.json".into(), run, crate::domain::terms::Consent::Unsaid);
    let world = world(&[]);
    let (_, step) = begin(import(Run::Dry), &world);
    assert!(matches!(acted(&step), Act::Import(_, Run::Dry)));
    let (mut flow, _) = begin(import(Run::Real), &world);
    let survey = crate::app::flows::login::Survey {
        acknowledged: None,
        outlook: crate::domain::login::browser::Outlook::Likely,
        workspace: None,
        official: None,
    };

    let step = flow.on(&Msg::Login(Ticket(1), LoginMsg::Surveyed(Box::new(survey))), &world, NOW);

    assert!(matches!(asked(&step), Query::Agree { .. }));
    let step = flow.on(&reply(Reply::Nobody), &world, NOW);
    assert_eq!((problem(&step).code, problem(&step).exit), ("needs-terms", Exit::Cancelled));
}

#[test]
fn a_label_is_one_line_of_eighty_letters() {
    assert_eq!(label("  my \n work\u{7} ").unwrap().as_deref(), Some("my work"));
    assert_eq!(label("  ").unwrap(), None);
    assert_eq!(label(&"x".repeat(81)).unwrap_err().code, "bad-argument");
}

fn loaded(world: &World) -> crate::domain::recovery::Loaded {
    crate::domain::recovery::Loaded {
        roster: world.roster.clone(),
        health: crate::domain::recovery::Health::Healthy,
        recovery: None,
        beside: crate::domain::recovery::Beside::default(),
        revision: 1,
    }
}
