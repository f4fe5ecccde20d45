//! Properties of the one decision engine, on pools of every kind.

use std::collections::BTreeSet;
use std::sync::Arc;

use codex_multi_auth::base::{Moment, Percent, Span};
use codex_multi_auth::domain::account::{
    Account, AccountKey, Cooldown, CooldownReason, Invalidation, Switch,
};
use codex_multi_auth::domain::chance;
use codex_multi_auth::domain::failure::{Class, Verdict};
use codex_multi_auth::domain::pool::{Company, Observation, Pool};
use codex_multi_auth::domain::quota::snapshot::{Snapshot, Source};
use codex_multi_auth::domain::quota::window::Window;
use codex_multi_auth::domain::roster::Roster;
use codex_multi_auth::domain::selection::explain::Rule;
use codex_multi_auth::domain::selection::{Ask, SessionKey, Strategy as Order};
use codex_multi_auth::domain::settings::Settings;
use proptest::prelude::*;

const NOW: Moment = Moment::from_secs(1_795_360_095);

/// What may be true of one account; times are seconds from now, negative ones have passed.
#[derive(Debug, Clone)]
struct Shape {
    off: bool,
    dead: bool,
    uncertain: bool,
    limit: Option<(&'static str, i64)>,
    rest: Option<i64>,
    used: Option<(f64, i64)>,
    last_used: i64,
    blows: Vec<Class>,
    bonded: bool,
}

fn shape() -> impl Strategy<Value = Shape> {
    let class = prop::sample::select(vec![
        Class::UsageLimit,
        Class::Throttle,
        Class::ServerError,
        Class::Network,
        Class::UnsupportedModel,
        Class::AuthExpired,
        Class::AuthInvalidated,
        Class::WorkspaceDisabled,
        Class::Forbidden,
        Class::ClientError,
    ]);
    let bucket = prop::sample::select(vec!["codex", "gpt-5.2", "gpt-5.2:gpt-5.5", "gpt-5-codex"]);
    (
        prop::bool::weighted(0.1),
        prop::bool::weighted(0.1),
        prop::bool::weighted(0.05),
        prop::option::weighted(0.3, (bucket, -100_i64..10_000)),
        prop::option::weighted(0.2, -100_i64..1_000),
        prop::option::weighted(0.5, (0.0_f64..110.0, -100_i64..10_000)),
        0_i64..200_000,
        prop::collection::vec(class, 0..3),
        prop::bool::weighted(0.2),
    )
        .prop_map(|(off, dead, uncertain, limit, rest, used, last_used, blows, bonded)| Shape {
            off,
            dead,
            uncertain,
            limit,
            rest,
            used,
            last_used,
            blows,
            bonded,
        })
}

fn ask() -> impl Strategy<Value = Ask> {
    (
        any::<bool>(),
        any::<bool>(),
        prop::option::weighted(0.2, 0_usize..8),
        prop::collection::btree_set(0_usize..8, 0..4),
    )
        .prop_map(|(has_session, has_model, forced, tried)| {
            let session = has_session.then(|| SessionKey::of("thread"));
            let ask = if has_model {
                Ask::of(session, Some("gpt-5.5".to_owned()))
            } else {
                Ask { session, ..Ask::plain() }
            };
            Ask { forced: forced.map(key), tried: tried.into_iter().map(key).collect(), ..ask }
        })
}

fn key(index: usize) -> AccountKey {
    Account::sample(&index.to_string()).key
}

fn at(seconds: i64) -> Moment {
    NOW + Span::seconds(seconds)
}

fn account(index: usize, shape: &Shape) -> Account {
    let mut account = Account::sample(&index.to_string());
    if shape.off {
        account.switch = Switch::Off;
    }
    account.invalidation = shape.dead.then_some(Invalidation { at: NOW, code: None });
    account.uncertain_since = shape.uncertain.then_some(NOW);
    account.limits = shape.limit.iter().map(|(bucket, until)| ((*bucket).to_owned(), at(*until))).collect();
    account.cooldown =
        shape.rest.map(|until| Cooldown { until: at(until), reason: Some(CooldownReason::NetworkError) });
    account.last_used = at(-shape.last_used);
    account
}

fn settings(order: Order) -> Settings {
    Settings { strategy: order, ..Settings::default() }
}

/// The pool of these shapes in this order of rows, with everything observed.
fn pool(shapes: &[Shape], order: &[usize], pin: Option<usize>, settings: Settings) -> Pool {
    let accounts = order.iter().map(|index| account(*index, &shapes[*index])).collect();
    let roster = Roster { accounts, pin: pin.map(key), ..Roster::default() };
    let mut pool = Pool::new(Arc::new(roster), Arc::new(settings), NOW);
    pool.set_company(Company::Others { seed: 7 });
    for (index, shape) in shapes.iter().enumerate() {
        if let Some((used, reset)) = shape.used {
            pool.note_quota(&key(index), snapshot(used, reset));
        }
        for class in &shape.blows {
            let ask = Ask::of(None, Some("gpt-5.5".to_owned()));
            pool.observe(&key(index), &ask, Observation::Failed(&Verdict::bare(*class)), NOW);
        }
        if shape.bonded {
            pool.touch_bond(&SessionKey::of("thread"), &key(index), NOW);
        }
    }
    pool
}

fn snapshot(used: f64, reset: i64) -> Snapshot {
    Snapshot {
        primary: Some(Window {
            used: Some(Percent::new(used)),
            minutes: Some(300),
            resets_at: Some(at(reset)),
            ..Window::default()
        }),
        secondary: None,
        plan: None,
        limit_id: None,
        credits: None,
        status: 200,
        model: None,
        at: NOW,
        source: Source::Usage,
        ..Snapshot::default()
    }
}

fn natural(shapes: &[Shape]) -> Vec<usize> {
    (0..shapes.len()).collect()
}

fn any_order() -> impl Strategy<Value = Order> {
    prop::sample::select(Order::ALL.to_vec())
}

proptest! {
    #[test]
    fn choose_never_returns_an_ineligible_account(
        shapes in prop::collection::vec(shape(), 0..8),
        ask in ask(),
        pin in prop::option::weighted(0.2, 0_usize..8),
        order in any_order(),
        later in 0_i64..5_000,
    ) {
        let mut pool = pool(&shapes, &natural(&shapes), pin, settings(order));
        let now = at(later);
        let chosen = pool.choose(&ask, now, &mut chance::seeded(1)).chosen;

        if let Some(chosen) = &chosen {
            let account = pool.account(chosen).expect("a chosen account exists");
            prop_assert!(account.is_on() && account.invalidation.is_none() && account.uncertain_since.is_none());
            prop_assert!(account.limited_until(ask.family, ask.model.as_deref(), now).is_none());
            prop_assert!(account.cooling_until(now).is_none());
            prop_assert!(account.has_usable_workspace());
            prop_assert!(!pool.quota(chosen).is_some_and(|quota| quota.is_exhausted(now)));
            prop_assert!(!ask.tried.contains(chosen));
            let bound = ask.forced.clone().or_else(|| pin.map(key));
            prop_assert!(bound.is_none_or(|bound| &bound == chosen));
        } else if ask.forced.is_none() && pin.is_none() {
            // And nobody usable is overlooked.
            for index in 0..shapes.len() {
                prop_assert!(pool.bar_of(&key(index), &ask, now).is_some() || ask.tried.contains(&key(index)));
            }
        }
    }

    #[test]
    fn explain_says_what_choose_does(
        shapes in prop::collection::vec(shape(), 0..8),
        ask in ask(),
        pin in prop::option::weighted(0.2, 0_usize..8),
        order in any_order(),
    ) {
        let mut pool = pool(&shapes, &natural(&shapes), pin, settings(order));
        let told = pool.explain(&ask, NOW, &mut chance::seeded(3));
        let again = pool.explain(&ask, NOW, &mut chance::seeded(3));
        let done = pool.choose(&ask, NOW, &mut chance::seeded(3));

        prop_assert_eq!(&told, &again, "explaining changes nothing");
        prop_assert_eq!((&told.chosen, told.rule), (&done.chosen, done.rule));
        let shown: Vec<_> = told.candidates.iter().filter(|one| one.skip.is_none()).map(|one| &one.key).collect();
        prop_assert!(told.chosen.as_ref().is_none_or(|chosen| shown.contains(&chosen)), "what is chosen is shown eligible");
        if told.rule == Rule::Strategy {
            prop_assert_eq!(told.chosen.is_some(), !shown.is_empty(), "what is shown eligible is chosen from");
        }
    }

    #[test]
    fn the_same_seed_and_state_give_the_same_choices(
        shapes in prop::collection::vec(shape(), 1..8),
        asks in prop::collection::vec(ask(), 1..6),
        order in any_order(),
        seed in any::<u64>(),
    ) {
        let run = || {
            let mut pool = pool(&shapes, &natural(&shapes), None, settings(order));
            let mut rng = chance::seeded(seed);
            asks.iter().map(|ask| pool.choose(ask, NOW, &mut rng)).collect::<Vec<_>>()
        };
        prop_assert_eq!(run(), run());
    }

    #[test]
    fn the_order_of_rows_does_not_matter_to_hybrid(
        (shapes, shuffled) in prop::collection::vec(shape(), 1..8)
            .prop_flat_map(|shapes| { let order = natural(&shapes); (Just(shapes), Just(order).prop_shuffle()) }),
        has_session in any::<bool>(),
    ) {
        let session = has_session.then(|| SessionKey::of("other"));
        let ask = Ask::of(session, Some("gpt-5.5".to_owned()));
        let told = |order: &[usize]| pool(&shapes, order, None, settings(Order::Hybrid)).explain(&ask, NOW, &mut chance::seeded(1));
        let straight = told(&natural(&shapes));
        // Two accounts alike in everything the engine looks at are told apart by their order only.
        let mut seen = BTreeSet::new();
        let is_distinct = straight.candidates.iter().filter(|one| one.skip.is_none()).all(|one| {
            seen.insert((format!("{:.6}", one.parts.total()), one.left.map(|left| format!("{:.6}", left.value()))))
        });
        prop_assume!(is_distinct);

        prop_assert_eq!(straight.chosen, told(&shuffled).chosen);
    }
}

#[test]
fn a_thousand_accounts_are_scanned_without_looking_for_each_by_name() {
    // Not a measurement: it shows that the path of a request stays linear in the number of accounts.
    let shapes = vec![
        Shape {
            off: false,
            dead: false,
            uncertain: false,
            limit: None,
            rest: None,
            used: None,
            last_used: 1,
            blows: Vec::new(),
            bonded: false
        };
        1_000
    ];
    let mut pool = pool(&shapes, &natural(&shapes), None, Settings::default());
    let served: BTreeSet<_> = (0..1_000)
        .map(|number| {
            let ask = Ask::of(Some(SessionKey::of(&format!("s{number}"))), Some("gpt-5.5".to_owned()));
            pool.choose(&ask, NOW, &mut chance::seeded(1)).chosen
        })
        .collect();

    assert!(served.len() > 500, "requests in flight spread over {} accounts", served.len());
}

/// runtime.md §28, 16: clocks are set back and forward while a proxy runs.
#[test]
fn a_clock_that_jumps_an_hour_either_way_leaves_somebody_who_serves() {
    let ask = Ask::of(Some(SessionKey::of("thread")), Some("gpt-5.5".to_owned()));
    for order in Order::ALL {
        for jump in [Span::hours(1), Span::ZERO - Span::hours(1)] {
            let accounts =
                ["a", "b", "c"].map(|name| Account { key: AccountKey::new(name), ..Account::sample(name) });
            let roster = Roster { accounts: accounts.into(), ..Roster::default() };
            let mut pool = Pool::new(Arc::new(roster), Arc::new(settings(order)), NOW);
            let mut rng = chance::seeded(7);
            for (name, class) in [("a", Class::ServerError), ("b", Class::UsageLimit)] {
                pool.observe(&AccountKey::new(name), &ask, Observation::Failed(&Verdict::bare(class)), NOW);
            }
            let served = pool.choose(&ask, NOW, &mut rng).chosen;
            assert_eq!(served, Some(AccountKey::new("c")), "{order:?}");
            pool.observe(&AccountKey::new("c"), &ask, Observation::Succeeded, NOW);
            pool.release(&AccountKey::new("c"), &ask);

            for round in 0..20 {
                let at = NOW + jump + Span::seconds(round);
                let key = pool.choose(&ask, at, &mut rng).chosen;
                let key = key.unwrap_or_else(|| panic!("{order:?} {jump:?}: nobody serves in round {round}"));
                pool.observe(&key, &ask, Observation::Succeeded, at);
                pool.release(&key, &ask);
            }
        }
    }
}
