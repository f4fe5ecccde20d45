//! Properties of the machines of a proxy (runtime.md §28, 15): what a breaker predicts it does, bonds of sessions are a
//! plain map with a time and a size, and a socket never answers one turn twice.

use std::sync::Arc;

use bytes::Bytes;
use codex_multi_auth::base::{Moment, Span};
use codex_multi_auth::domain::account::AccountKey;
use codex_multi_auth::domain::chance;
use codex_multi_auth::domain::health::circuit::Circuit;
use codex_multi_auth::domain::pool::Pool;
use codex_multi_auth::domain::selection::affinity::Bonds;
use codex_multi_auth::domain::selection::{Ask, SessionKey};
use codex_multi_auth::domain::settings::Settings;
use codex_multi_auth::formats::events;
use codex_multi_auth::proxy::session::{Event, Facts, Session, Step};
use http::HeaderMap;
use proptest::prelude::*;

use super::turns::{NOW, roster};

#[derive(Debug, Clone, Copy)]
enum Blow {
    Admit,
    Succeed,
    Fail,
    Cancel,
    Wait(i64),
}

fn blow() -> impl Strategy<Value = Blow> {
    prop_oneof![
        3 => Just(Blow::Admit),
        1 => Just(Blow::Succeed),
        4 => Just(Blow::Fail),
        1 => Just(Blow::Cancel),
        3 => (0_i64..45_000).prop_map(Blow::Wait),
    ]
}

#[derive(Debug, Clone, Copy)]
enum Tie {
    Remember(u8, u8),
    Touch(u8, u8),
    Forget(u8),
    Clear,
    Wait(i64),
}

fn tie() -> impl Strategy<Value = Tie> {
    prop_oneof![
        6 => (0_u8..12, 0_u8..3).prop_map(|(session, owner)| Tie::Remember(session, owner)),
        3 => (0_u8..12, 0_u8..3).prop_map(|(session, owner)| Tie::Touch(session, owner)),
        1 => (0_u8..3).prop_map(Tie::Forget),
        1 => Just(Tie::Clear),
        4 => (0_i64..900).prop_map(Tie::Wait),
    ]
}

/// What both sides of a socket do.
#[derive(Debug, Clone, Copy)]
enum Act {
    Ask,
    Prewarm,
    Say(&'static str),
    Binary,
    Cut,
    Closed(Option<u16>),
    HeldEnough,
    Wait(i64),
    Leave,
    Shutdown,
}

const WORDS: &[&str] = &[
    r#"{"type":"response.created","response":{"id":"resp_1"}}"#,
    r#"{"type":"response.output_text.delta","delta":"x"}"#,
    r#"{"type":"response.output_text.delta","delta":"x"}"#,
    r#"{"type":"response.completed","response":{"id":"resp_1","usage":{"input_tokens":5,"output_tokens":2}}}"#,
    r#"{"type":"response.incomplete","response":{"id":"resp_1"}}"#,
    r#"{"type":"response.failed","response":{"id":"resp_1","error":{"code":"server_is_overloaded","message":"busy"}}}"#,
    r#"{"type":"response.failed","response":{"id":"resp_1","error":{"code":"insufficient_quota","message":"gone"}}}"#,
    r#"{"type":"response.failed","response":{"id":"resp_1","error":{"code":"context_length_exceeded","message":"long"}}}"#,
    r#"{"type":"error","status":429,"error":{"type":"usage_limit_reached","message":"limit","resets_in_seconds":60}}"#,
    r#"{"type":"error","status":503,"error":{"code":"server_is_overloaded","message":"busy"}}"#,
    r#"{"type":"error","status":400,"error":{"code":"invalid_encrypted_content","message":"no"}}"#,
    r#"{"type":"error","status":401,"error":{"code":"token_expired","message":"no"}}"#,
];

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        5 => Just(Act::Ask),
        1 => Just(Act::Prewarm),
        12 => prop::sample::select(WORDS).prop_map(Act::Say),
        1 => Just(Act::Binary),
        1 => Just(Act::Cut),
        1 => prop::sample::select(vec![None, Some(1000), Some(1011)]).prop_map(Act::Closed),
        1 => Just(Act::HeldEnough),
        3 => (0_i64..400_000).prop_map(Act::Wait),
        1 => Just(Act::Leave),
        1 => Just(Act::Shutdown),
    ]
}

/// A socket with both its ends, as far as turns and their answers go.
struct Pair {
    pool: Pool,
    session: Session,
    rng: chance::Rng,
    now: Moment,
    /// The client waits for the end of its turn.
    asks: bool,
    /// Upstream has a turn that it has not ended.
    works: bool,
    /// A frame that ends a turn is held.
    holds_end: bool,
    wakes: Option<Moment>,
    over: bool,
}

impl Pair {
    fn new(accounts: &[&str]) -> Self {
        let facts = Facts {
            id: 1,
            ask: Ask::of(Some(SessionKey::of("thread")), Some("gpt-5.5".to_owned())),
            client: "exec".to_owned(),
            project: None,
            arrived: NOW,
        };
        let mut pair = Self {
            pool: Pool::new(roster(accounts), Arc::new(Settings::default()), NOW),
            session: Session::new(facts),
            rng: chance::seeded(1),
            now: NOW,
            asks: false,
            works: false,
            holds_end: false,
            wakes: None,
            over: false,
        };
        assert!(matches!(pair.step(Event::Start), Step::Connect(_)));
        assert_eq!(pair.step(Event::Opened { headers: &HeaderMap::new() }), Step::Accept);
        pair
    }

    fn step(&mut self, event: Event<'_>) -> Step {
        self.session.step(event, &mut self.pool, self.now, &mut self.rng)
    }

    fn act(&mut self, act: Act) {
        match act {
            Act::Ask | Act::Prewarm if !self.asks && !self.works && self.wakes.is_none() => {
                let generate = if matches!(act, Act::Prewarm) { "\"generate\":false," } else { "" };
                let text =
                    format!("{{\"type\":\"response.create\",\"model\":\"gpt-5.5\",{generate}\"input\":[]}}");
                let step = self.step(Event::ClientText(Bytes::from(text)));
                self.asks = true;
                self.works = matches!(step, Step::Pass | Step::Rewrite(_));
                if !self.works {
                    self.obey(&step, false);
                }
            }
            Act::Say(word) if self.works => {
                let fact = events::frame(word.as_bytes(), self.now);
                let ends = !word.contains("created") && !word.contains("delta");
                self.works = !ends;
                let step = if self.session.passes(&fact, self.now) {
                    Step::Pass
                } else {
                    self.step(Event::UpstreamText(&fact))
                };
                self.obey(&step, ends);
            }
            Act::Binary if self.works => self.event(Event::UpstreamBinary),
            Act::Cut => self.event(Event::UpstreamCut),
            Act::Closed(code) => self.event(Event::UpstreamClosed(code)),
            Act::HeldEnough if self.works => self.event(Event::HeldEnough),
            Act::Leave => self.event(Event::ClientGone),
            Act::Shutdown => self.event(Event::Shutdown),
            Act::Wait(millis) => {
                self.now = self.now + Span::millis(millis);
                if self.wakes.is_some_and(|at| at <= self.now) {
                    self.wakes = None;
                    self.event(Event::WaitOver);
                }
                if self.session.due().is_some_and(|at| at <= self.now) {
                    self.event(Event::Tick);
                }
            }
            Act::Ask | Act::Prewarm | Act::Say(_) | Act::Binary | Act::HeldEnough => {}
        }
    }

    fn event(&mut self, event: Event<'_>) {
        let step = self.step(event);
        self.obey(&step, false);
    }

    /// Does what the pump does, as far as the client sees it. `ends`: the frame just reported ends its turn.
    fn obey(&mut self, step: &Step, ends: bool) {
        if self.over {
            assert_eq!(*step, Step::Done, "nothing is said after the end");
            return;
        }
        match step {
            Step::Pass | Step::Release => {
                assert!(self.asks, "a frame for a turn that was answered");
                self.holds_end = false;
                if ends {
                    self.answer();
                }
            }
            Step::Hold => self.holds_end |= ends,
            Step::Wait(span) => {
                assert!(self.asks, "a wait for nobody");
                self.holds_end |= ends;
                self.wakes = Some(self.now + *span);
            }
            Step::Flush => {
                if std::mem::take(&mut self.holds_end) {
                    self.answer();
                }
            }
            Step::Tell(_) => {
                self.holds_end = false;
                self.answer();
            }
            Step::Resend(_) => {
                assert!(self.asks, "sent again for nobody");
                self.holds_end = false;
                self.works = true;
            }
            Step::Discard => self.holds_end = false,
            Step::Go => {}
            Step::Close(_) | Step::Done => {
                self.over = true;
                self.asks = false;
            }
            Step::Refresh { .. }
            | Step::Discover { .. }
            | Step::Connect(_)
            | Step::Accept
            | Step::Refuse(_)
            | Step::Rewrite(_) => panic!("not a step of an open socket: {step:?}"),
        }
    }

    fn answer(&mut self) {
        assert!(self.asks, "a second answer for one turn");
        self.asks = false;
    }
}

proptest! {
    #[test]
    fn a_breaker_admits_exactly_when_it_says_so(blows in prop::collection::vec(blow(), 1..80)) {
        let (mut circuit, mut now) = (Circuit::default(), NOW);
        let mut failures: Vec<Moment> = Vec::new();
        // When it opened, and when its probe began.
        let (mut opened, mut probe): (Option<Moment>, Option<Moment>) = (None, None);

        for blow in blows {
            let said = circuit.is_available(now);
            match (opened, probe) {
                (None, _) => prop_assert!(said, "closed"),
                (Some(_), Some(began)) => prop_assert_eq!(said, now.since(began) >= Span::seconds(30)),
                (Some(since), None) if circuit.word() == "open" => {
                    let rested = now.since(since);
                    prop_assert!(!said || rested >= Span::seconds(27), "{:?}", rested);
                    prop_assert!(said || rested <= Span::seconds(33), "{:?}", rested);
                }
                (Some(_), None) => prop_assert!(said, "its probe told nothing"),
            }
            match blow {
                Blow::Wait(millis) => now = now + Span::millis(millis),
                Blow::Admit => {
                    let before = circuit;
                    circuit.admit(now);
                    if !said {
                        prop_assert_eq!(circuit, before, "nobody was let in");
                    } else if opened.is_some() {
                        probe = Some(now);
                        prop_assert!(!circuit.is_available(now), "one probe at a time");
                    }
                }
                Blow::Succeed => {
                    circuit.succeed();
                    if opened.is_some() {
                        (opened, probe) = (None, None);
                        failures.clear();
                    }
                    prop_assert!(circuit.is_available(now));
                }
                Blow::Fail => {
                    let is_half = circuit.word() == "half-open";
                    circuit.fail(now);
                    if opened.is_none() {
                        failures.push(now);
                        let recent = failures.iter().filter(|at| now.since(**at) <= Span::seconds(60)).count();
                        if recent >= 3 {
                            opened = Some(now);
                        }
                    } else if is_half {
                        (opened, probe) = (Some(now), None);
                    }
                    prop_assert_eq!(circuit.word() == "closed", opened.is_none());
                }
                Blow::Cancel => {
                    circuit.forget_attempt();
                    probe = None;
                }
            }
        }
    }

    #[test]
    fn bonds_are_a_map_with_a_time_and_a_size(ties in prop::collection::vec(tie(), 1..120)) {
        const MOST: usize = 8;
        const TTL: Span = Span::seconds(2);
        let (mut bonds, mut now) = (Bonds::default(), NOW);
        // Session, owner, last use, turns; the oldest first.
        let mut model: Vec<(u8, u8, Moment, u32)> = Vec::new();
        let session = |number: u8| SessionKey::of(&format!("s{number}"));
        let owner = |number: u8| AccountKey::new(format!("a{number}"));

        for tie in ties {
            now = now + Span::millis(1);
            match tie {
                Tie::Remember(who, whose) | Tie::Touch(who, whose) => {
                    let turns = u32::from(matches!(tie, Tie::Remember(..)));
                    if turns == 1 {
                        bonds.remember(&session(who), &owner(whose), MOST, now);
                    } else {
                        bonds.touch(&session(who), &owner(whose), MOST, now);
                    }
                    let old = model.iter().position(|row| row.0 == who).map(|at| model.remove(at));
                    if old.is_none() && model.len() >= MOST {
                        model.remove(0);
                    }
                    model.push((who, whose, now, old.map_or(0, |row| row.3) + turns));
                }
                Tie::Forget(whose) => {
                    bonds.forget_owner(&owner(whose));
                    model.retain(|row| row.1 != whose);
                }
                Tie::Clear => {
                    bonds.clear();
                    model.clear();
                }
                Tie::Wait(millis) => now = now + Span::millis(millis),
            }
            prop_assert_eq!(bonds.len(), model.len());
            for number in 0..12 {
                let expected = model.iter().find(|row| row.0 == number && now.since(row.2) <= TTL);
                let key = session(number);
                let seen = bonds.get(&key, TTL, now);
                prop_assert_eq!(
                    seen.map(|bond| (bond.owner.clone(), bond.at, bond.turns)),
                    expected.map(|row| (owner(row.1), row.2, row.3))
                );
            }
        }
    }

    #[test]
    fn a_socket_never_answers_one_turn_twice(
        accounts in 1_usize..4,
        acts in prop::collection::vec(act(), 1..60),
    ) {
        let mut pair = Pair::new(["one", "two", "three"].get(..accounts).unwrap_or_default());

        for act in acts {
            pair.act(act);
        }
    }
}
