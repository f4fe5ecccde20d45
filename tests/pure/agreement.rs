//! Everybody names the same account next (D24): `status`, `forecast`, `best`, `why-selected`, `report`, the dashboard and a
//! proxy that starts now, over HTTP and over a WebSocket, on the same files in every state they may be in.

use std::collections::BTreeMap;
use std::sync::Arc;

use codex_multi_auth::app::flows::serve::Announce;
use codex_multi_auth::app::goal::{
    Choosing, Command, Entry as Way, Forecasting, Goal, Listing, Moments, Reporting, Serving, Tab,
};
use codex_multi_auth::app::msg::{Msg, PeersMsg, StoreMsg};
use codex_multi_auth::app::outcome::Body;
use codex_multi_auth::app::world::Setting;
use codex_multi_auth::app::{Boot, Model, briefing, init, update};
use codex_multi_auth::base::calendar::Zone;
use codex_multi_auth::base::{Moment, Percent, Span};
use codex_multi_auth::domain::account::{
    Account, AccountKey, Cooldown, CooldownReason, Invalidation, Switch,
};
use codex_multi_auth::domain::chance;
use codex_multi_auth::domain::facts::{TurnTokens, Via};
use codex_multi_auth::domain::forecast::{Availability, Forecast};
use codex_multi_auth::domain::model::Family;
use codex_multi_auth::domain::policy::account::{AccountPolicy, key_for};
use codex_multi_auth::domain::policy::budget::{self, Limit, Window as Calendar};
use codex_multi_auth::domain::policy::compose::{Governance, Rules};
use codex_multi_auth::domain::policy::profile::Profile;
use codex_multi_auth::domain::pool::{Known, Pool};
use codex_multi_auth::domain::quota::snapshot::{Snapshot, Source};
use codex_multi_auth::domain::quota::window::Window;
use codex_multi_auth::domain::recovery::{Beside, Health, Loaded};
use codex_multi_auth::domain::roster::Roster;
use codex_multi_auth::domain::selection::explain::Decision;
use codex_multi_auth::domain::selection::{Ask, Strategy as Order};
use codex_multi_auth::domain::settings::edit::Edit;
use codex_multi_auth::domain::settings::report::Report;
use codex_multi_auth::domain::settings::schema::{Value, row};
use codex_multi_auth::domain::shelf::Found;
use codex_multi_auth::domain::usage::entry::{Ending, Entry, Operation};
use codex_multi_auth::domain::usage::pricing::Prices;
use codex_multi_auth::domain::usage::tally::Growth;
use codex_multi_auth::domain::usage::window::Whose;
use codex_multi_auth::domain::workspace::Routing;
use codex_multi_auth::formats::{budgets, ledger, policies, profiles};
use codex_multi_auth::proxy::session::{self, Session};
use codex_multi_auth::proxy::turn::{self, Kind, Replay, Turn};
use proptest::prelude::*;

use crate::support::stage::written;

/// Ten past noon on a Sunday, UTC.
const NOW: Moment = Moment::from_secs(1_795_954_200);

/// The project around the folder in which everything happens.
const HERE: &str = "shop-1";

/// What is true of one account; times are seconds from now, negative ones have passed.
#[derive(Debug, Clone)]
struct Shape {
    off: bool,
    dead: bool,
    uncertain: bool,
    limit: Option<(Family, i64)>,
    rest: Option<(i64, CooldownReason)>,
    used: Option<(f64, f64, i64)>,
    last_used: i64,
    policy: Option<(u8, u16, bool, bool)>,
}

/// A request that was made.
#[derive(Debug, Clone)]
struct Past {
    minutes: i64,
    account: usize,
    here: bool,
    model: &'static str,
    tokens: u64,
    ending: Ending,
}

#[derive(Debug, Clone)]
struct State {
    shapes: Vec<Shape>,
    pin: Option<usize>,
    active: usize,
    order: Order,
    budgets: Vec<Wish>,
    past: Vec<Past>,
    profile: Option<Rule>,
    here: bool,
    damaged: bool,
}

/// A budget: the place of its key, its window and its limits.
type Wish = (usize, Calendar, Option<u64>, Option<u64>, Option<f64>);

/// A routing profile of the project.
#[derive(Debug, Clone)]
struct Rule {
    prefer: u8,
    avoid: u8,
    allow: bool,
    weight: Option<(usize, u8)>,
    budget: bool,
}

const TAGS: [&str; 3] = ["work", "home", "spare"];

fn tags(bits: u8) -> Vec<String> {
    TAGS.iter()
        .enumerate()
        .filter(|(place, _)| bits >> place & 1 == 1)
        .map(|(_, tag)| (*tag).to_owned())
        .collect()
}

fn shape() -> impl Strategy<Value = Shape> {
    let family = prop::sample::select(vec![Family::Codex, Family::Gpt5Codex, Family::Gpt52]);
    let reason = prop::sample::select(vec![
        CooldownReason::AuthFailure,
        CooldownReason::NetworkError,
        CooldownReason::ServerError,
        CooldownReason::RateLimit,
    ]);
    (
        prop::bool::weighted(0.05),
        prop::bool::weighted(0.05),
        prop::bool::weighted(0.05),
        prop::option::weighted(0.1, (family, -100_i64..10_000)),
        prop::option::weighted(0.2, (-100_i64..1_000, reason)),
        prop::option::weighted(0.6, (0.0_f64..104.0, 0.0_f64..104.0, -1_000_i64..10_000)),
        0_i64..200_000,
        prop::option::weighted(
            0.7,
            (0_u8..8, 0_u16..1_000, prop::bool::weighted(0.25), prop::bool::weighted(0.25)),
        ),
    )
        .prop_map(|(off, dead, uncertain, limit, rest, used, last_used, policy)| Shape {
            off,
            dead,
            uncertain,
            limit,
            rest,
            used,
            last_used,
            policy,
        })
}

fn past() -> impl Strategy<Value = Past> {
    let ending =
        prop::sample::select(vec![Ending::Success, Ending::Failure, Ending::Cancelled, Ending::Blocked]);
    let model = prop::sample::select(vec!["gpt-5.5", "gpt-5.3-codex", "o3"]);
    (0_i64..3_000, 0_usize..6, any::<bool>(), model, 0_u64..2_000, ending).prop_map(
        |(minutes, account, here, model, tokens, ending)| Past {
            minutes,
            account,
            here,
            model,
            tokens,
            ending,
        },
    )
}

fn state() -> impl Strategy<Value = State> {
    let limit = (
        0_usize..8,
        prop::sample::select(Calendar::ALL.to_vec()),
        prop::option::of(1_u64..20),
        prop::option::of(1_u64..20_000),
        prop::option::of(0.001_f64..0.1),
    );
    let rule = (
        0_u8..8,
        0_u8..8,
        prop::bool::weighted(0.1),
        prop::option::of((0_usize..6, 0_u8..11)),
        any::<bool>(),
    )
        .prop_map(|(prefer, avoid, allow, weight, budget)| Rule { prefer, avoid, allow, weight, budget });
    (
        prop::collection::vec(shape(), 2..7),
        prop::option::weighted(0.2, 0_usize..7),
        0_usize..6,
        prop::sample::select(Order::ALL.to_vec()),
        prop::collection::vec(limit, 0..4),
        prop::collection::vec(past(), 0..30),
        prop::option::of(rule),
        any::<bool>(),
        prop::bool::weighted(0.04),
    )
        .prop_map(|(shapes, pin, active, order, budgets, past, profile, here, damaged)| State {
            shapes,
            pin,
            active,
            order,
            budgets,
            past,
            profile,
            here,
            damaged,
        })
}

fn key(index: usize) -> AccountKey {
    Account::sample(&index.to_string()).key
}

fn at(seconds: i64) -> Moment {
    NOW + Span::seconds(seconds)
}

impl State {
    fn roster(&self) -> Roster {
        let account = |(index, shape): (usize, &Shape)| {
            let mut account = Account::sample(&index.to_string());
            account.switch = if shape.off { Switch::Off } else { Switch::On };
            account.invalidation = shape.dead.then_some(Invalidation { at: NOW, code: None });
            account.uncertain_since = shape.uncertain.then_some(NOW);
            account.limits =
                shape.limit.iter().map(|(family, until)| (family.word().to_owned(), at(*until))).collect();
            account.cooldown =
                shape.rest.map(|(until, reason)| Cooldown { until: at(until), reason: Some(reason) });
            account.last_used = at(-shape.last_used);
            account.routing = Some(Routing { origin: None, over: None, checked_at: NOW });
            account
        };
        let accounts: Vec<Account> = self.shapes.iter().enumerate().map(account).collect();
        let active = Some(key(self.active % accounts.len()));
        Roster { accounts, pin: self.pin.map(key), active, ..Roster::default() }
    }

    fn quota(&self) -> BTreeMap<AccountKey, Snapshot> {
        let window = |used: f64, minutes, reset| {
            Some(Window {
                used: Some(Percent::new(used)),
                minutes: Some(minutes),
                resets_at: Some(at(reset)),
                ..Window::default()
            })
        };
        let snapshot = |(first, second, reset): (f64, f64, i64)| Snapshot {
            primary: window(first, 300, reset),
            secondary: window(second, 10_080, reset * 20),
            status: 200,
            at: NOW - Span::seconds(30),
            source: Source::Usage,
            ..Snapshot::default()
        };
        let rows = self.shapes.iter().enumerate();
        rows.filter_map(|(index, shape)| Some((key(index), snapshot(shape.used?)))).collect()
    }

    fn policies(&self) -> Found<codex_multi_auth::domain::policy::account::Policies> {
        let roster = self.roster();
        let mut text = None;
        for (account, shape) in roster.accounts.iter().zip(&self.shapes) {
            let Some((bits, weight, paused, drained)) = shape.policy else { continue };
            let policy = AccountPolicy {
                tags: tags(bits),
                weight: f64::from(weight) / 100.0,
                paused,
                drained,
                ..AccountPolicy::default()
            };
            let name = key_for(account, &roster).unwrap();
            text = Some(policies::set(text.as_deref(), &name, Some(&policy)).unwrap());
        }
        text.map_or(Found::Absent, |text| Found::Whole(policies::read(&text).unwrap()))
    }

    fn governance(&self) -> Result<Arc<Governance>, String> {
        if self.damaged {
            return Err("budget-guards.json cannot be read (line 1)".to_owned());
        }
        let account = |index: usize| format!("account:{}", key(index).as_str());
        let names = [
            "global".to_owned(),
            format!("project:{HERE}"),
            "model:gpt-5.5".to_owned(),
            account(0),
            account(1),
            "tag:work".to_owned(),
            "tag:home".to_owned(),
            "team".to_owned(),
        ];
        let mut text = None;
        for (name, window, requests, tokens, cost) in &self.budgets {
            let name = budget::key(&names[*name]).unwrap();
            let limit = Limit {
                key: name.clone(),
                window: *window,
                requests: *requests,
                tokens: *tokens,
                cost: *cost,
                updated_at: NOW,
            };
            text = Some(budgets::set(text.as_deref(), &name, Some(&limit)).unwrap());
        }
        let budgets = text.map(|text| budgets::read(&text).unwrap().value).unwrap_or_default();
        let roster = self.roster();
        let profile = self.profile.as_ref().map(|rule| {
            let weight = rule.weight.and_then(|(index, weight)| {
                let account = roster.accounts.get(index)?;
                Some((key_for(account, &roster)?, f64::from(weight)))
            });
            let profile = Profile {
                project_key: HERE.to_owned(),
                project_name: "shop".to_owned(),
                identity_root: "/src/shop".to_owned(),
                preferred_tags: tags(rule.prefer),
                avoid_tags: tags(rule.avoid),
                models_allowed: if rule.allow { vec!["gpt".to_owned()] } else { Vec::new() },
                models_denied: vec!["o3".to_owned()],
                weights: weight.into_iter().collect(),
                budget_key: rule.budget.then(|| "team".to_owned()),
                updated_at: NOW,
            };
            profiles::read(&profiles::set(None, HERE, Some(&profile)).unwrap()).unwrap().value
        });
        let prices = Prices::default();
        let rules = Rules { profiles: profile.unwrap_or_default(), budgets, prices: prices.clone() };
        let rows = self.past.iter().enumerate().map(|(number, past)| {
            let whose = Whose::of(&Account::sample(&past.account.to_string()));
            let row = Entry {
                id: number.to_string(),
                at: NOW - Span::minutes(past.minutes),
                source: "runtime-proxy".to_owned(),
                operation: Operation::Responses,
                ending: past.ending,
                model: Some(past.model.to_owned()),
                project: past.here.then(|| HERE.to_owned()),
                account_hash: whose.account,
                email_hash: whose.email,
                index: None,
                request: None,
                status: Some(200),
                error: None,
                took: None,
                tokens: TurnTokens { input: past.tokens, total: past.tokens, ..TurnTokens::default() },
                cost: None,
                attempts: None,
                first_byte: None,
                bytes_out: None,
                session_hash: None,
                failover: None,
                rotated_from: Vec::new(),
                service_tier: None,
                token: None,
            };
            ledger::entry(&ledger::line(&row)).unwrap()
        });
        // Without budgets nobody reads the ledger.
        let tally = if rules.budgets.is_empty() {
            Arc::default()
        } else {
            Growth::Rows(rows.collect()).into_tally(&prices)
        };
        Ok(Arc::new(Governance { rules, tally }))
    }

    fn settings(&self) -> Report {
        let value = Value::Text(self.order.word().to_owned());
        written(&Report::default(), &[Edit::set(row("selectionStrategy").unwrap(), value)])
    }

    /// Everything that a process reads.
    fn read(&self) -> Read {
        let loaded = Loaded {
            roster: Arc::new(self.roster()),
            health: Health::Healthy,
            beside: Beside::default(),
            recovery: None,
            revision: 1,
        };
        let stored = [
            StoreMsg::Settings(Arc::new(self.settings())),
            StoreMsg::Policies(self.policies()),
            StoreMsg::Ruled(self.governance()),
            StoreMsg::Loaded(Ok(loaded)),
            StoreMsg::Quota(self.quota()),
        ];
        let mut messages: Vec<Msg> = stored.into_iter().map(Msg::Store).collect();
        messages.push(Msg::Peers(PeersMsg::Seen(Vec::new())));
        Read { messages, here: self.here.then(|| HERE.to_owned()) }
    }
}

/// What a process read, and where it works.
struct Read {
    messages: Vec<Msg>,
    here: Option<String>,
}

impl Read {
    /// A process that was started for `goal` and has read everything.
    fn model(&self, goal: Goal) -> Model {
        let setting = Setting {
            storage_path: String::new(),
            project: None,
            here: self.here.clone(),
            here_root: None,
            codex_home: String::new(),
            backups: String::new(),
            home: String::new(),
            overrides: (None, None),
            demo: None,
            zone: Zone::utc(),
        };
        let boot = Boot {
            at: NOW,
            setting,
            seed: 1,
            pid: 1,
            announce: Announce::Text,
            size: (140, 40),
            remembered: String::new(),
            acknowledged: None,
        };
        let (mut model, _) = init(goal, boot);
        for message in &self.messages {
            update(&mut model, NOW, message.clone());
        }
        model
    }

    fn body(&self, command: Command) -> Body {
        self.model(Goal::Run(command)).outcome.expect("everything is known").body
    }

    fn faces(&self) -> Faces {
        let mut said = Vec::new();
        let mut recommended = Vec::new();
        if let Body::Status(_, facts) = self.body(Command::Status(Listing::Status)) {
            said.push(("status", facts.next.expect("an answer")));
        }
        if let Body::Why(_, _, facts) = self.body(Command::Why(Moments::Now)) {
            said.push(("why-selected", facts.next.expect("an answer")));
        }
        if let Body::Forecast(told) = self.body(Command::Forecast(Forecasting::default())) {
            said.push(("forecast", told.facts.next.expect("an answer")));
            recommended.push(("forecast", told.forecast.recommended));
        }
        if let Body::Report(told, _) = self.body(Command::Report(Reporting::default())) {
            said.push(("report", told.facts.next.expect("an answer")));
            recommended.push(("report", told.forecast.recommended));
        }
        let best = self.body(Command::Best(Choosing { dry_run: true, ..Choosing::default() }));
        recommended
            .push(("best", if let Body::Best(best) = best { Some(best.account.key.clone()) } else { None }));
        let opened = self.model(Goal::Dashboard(Way { tab: Some(Tab::Forecast), ..Way::default() }));
        said.push(("the dashboard", opened.ui.outlook.decision.expect("an answer")));
        let forecast = opened.ui.outlook.forecast.expect("a forecast");
        recommended.push(("the dashboard", forecast.recommended.clone()));
        assert_eq!(said.len(), 5, "nobody ended with a problem");
        Faces { said, recommended, forecast }
    }

    /// The pool of a proxy that starts now, as it starts.
    fn pool(&self) -> Pool {
        let model = self.model(Goal::Serve(Serving::default()));
        let briefing = briefing(&model);
        let governed = model.world.rule_trouble.as_deref().map_or(Ok(&*model.world.governance), Err);
        let known = Known {
            roster: &briefing.roster,
            settings: &briefing.settings,
            policies: &briefing.policies,
            governed,
            quota: &model.world.quota,
        };
        let mut pool = Pool::started(&known, NOW);
        pool.set_unread_policies(briefing.unread);
        pool
    }

    /// Where a request goes that a proxy gets which starts now: over HTTP, and over a WebSocket.
    fn served(&self) -> Vec<(&'static str, Option<AccountKey>)> {
        let ask = Ask { project: self.here.clone(), ..Ask::plain() };
        let mut turn = Turn::new(turn::Facts {
            id: 1,
            kind: Kind::Responses,
            via: Via::Http,
            ask: ask.clone(),
            replay: Replay::Kept,
            body_len: 10,
            effort: None,
            project: ask.project.clone(),
            arrived: NOW,
        });
        let step = turn.step(turn::Event::Start, &mut self.pool(), NOW, &mut chance::seeded(1));
        let http = if let turn::Step::Send(sending) = step {
            Some(sending.account)
        } else if let turn::Step::Refresh { account, .. } | turn::Step::Discover { account } = step {
            Some(account)
        } else {
            assert!(matches!(step, turn::Step::Refuse(_) | turn::Step::Wait(_)), "{step:?}");
            None
        };
        let mut socket = Session::new(session::Facts {
            id: 1,
            ask: ask.clone(),
            project: ask.project,
            client: "codex".to_owned(),
            arrived: NOW,
        });
        let step = socket.step(session::Event::Start, &mut self.pool(), NOW, &mut chance::seeded(1));
        let socket = if let session::Step::Connect(sending) = step {
            Some(sending.account)
        } else if let session::Step::Refresh { account, .. } | session::Step::Discover { account } = step {
            Some(account)
        } else {
            assert!(matches!(step, session::Step::Refuse(_) | session::Step::Wait(_)), "{step:?}");
            None
        };
        vec![("HTTP", http), ("WebSocket", socket)]
    }
}

/// What each command and the dashboard call next, and whom they recommend.
struct Faces {
    said: Vec<(&'static str, Decision)>,
    recommended: Vec<(&'static str, Option<AccountKey>)>,
    forecast: Forecast,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn everybody_names_the_same_account_next(state in state()) {
        let read = state.read();
        let faces = read.faces();
        let (_, first) = faces.said.first().expect("status");
        for (who, decision) in &faces.said {
            prop_assert_eq!(decision, first, "{}", who);
        }
        for (who, account) in read.served() {
            prop_assert_eq!(&account, &first.chosen, "a proxy over {}", who);
        }
        for (who, account) in faces.recommended {
            if first.chosen.is_some() {
                prop_assert_eq!(&account, &first.chosen, "{}", who);
            } else if let Some(key) = account {
                // Whom to wait for, or whom to use instead of a pin; never somebody who could serve and does not.
                let mut prospects = faces.forecast.prospects.iter();
                let prospect = prospects.find(|one| one.key == key).expect("a prospect");
                prop_assert!(
                    state.pin.is_some() || prospect.availability != Availability::Ready,
                    "{} recommends {:?}, whom nobody would choose", who, key
                );
            }
        }
    }
}

#[test]
fn the_states_are_of_every_kind() {
    use proptest::strategy::ValueTree as _;
    use proptest::test_runner::TestRunner;

    let mut runner = TestRunner::deterministic();
    let (mut chosen, mut by_rules, mut by_policies, mut by_pin) = (0, 0, 0, 0);
    for _ in 0..300 {
        let state = state().new_tree(&mut runner).unwrap().current();
        let next = |state: &State| state.read().served()[0].1.clone();
        let answer = next(&state);
        chosen += u32::from(answer.is_some());
        let free = State { budgets: Vec::new(), profile: None, damaged: false, ..state.clone() };
        by_rules += u32::from(next(&free) != answer);
        let mut plain = state.clone();
        plain.shapes.iter_mut().for_each(|shape| shape.policy = None);
        by_policies += u32::from(next(&plain) != answer);
        by_pin += u32::from(next(&State { pin: None, ..state }) != answer);
    }

    assert!((100..290).contains(&chosen), "{chosen} of 300 have somebody who serves");
    assert!(by_rules > 20 && by_policies > 40 && by_pin > 20, "{by_rules} {by_policies} {by_pin}");
}
