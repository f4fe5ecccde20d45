//! One HTTP request as a machine: every answer of the back end, with and without another account.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use codex_multi_auth::base::{Moment, Secret, Span};
use codex_multi_auth::domain::account::{Account, AccountKey, Credentials, Switch};
use codex_multi_auth::domain::chance::{self, Rng};
use codex_multi_auth::domain::facts::{ProxyFact, TurnStatus, Via};
use codex_multi_auth::domain::pool::Pool;
use codex_multi_auth::domain::refresh::Outcome;
use codex_multi_auth::domain::roster::Roster;
use codex_multi_auth::domain::selection::{Ask, SessionKey};
use codex_multi_auth::domain::settings::Settings;
use codex_multi_auth::domain::usage::entry::{Ending, Entry};
use codex_multi_auth::domain::workspace::Routing;
use codex_multi_auth::formats::events;
use codex_multi_auth::ports::upstream::UpstreamError;
use codex_multi_auth::proxy::turn::{Event, Facts, Kind, Payload, Replay, Sending, Step, Turn, TurnState};
use http::{HeaderMap, HeaderName, HeaderValue};
use pretty_assertions::assert_eq;

pub(crate) const NOW: Moment = Moment::from_secs(1_795_360_095);
const ERRORS: &str = include_str!("../fixtures/codex-client/backend_errors.json");

/// Accounts that need neither a refresh nor discovery.
pub(crate) fn roster(names: &[&str]) -> Arc<Roster> {
    let accounts = names.iter().map(|name| {
        let routing = Some(Routing { origin: None, over: None, checked_at: NOW });
        Account { routing, ..Account::sample(name) }
    });
    Arc::new(Roster { accounts: accounts.collect(), ..Roster::default() })
}

pub(crate) fn key(name: &str) -> AccountKey {
    Account::sample(name).key
}

/// Headers and body of a recorded error answer.
pub(crate) fn recorded(name: &str) -> (u16, HeaderMap, Bytes) {
    let all: serde_json::Value = serde_json::from_str(ERRORS).unwrap();
    let one = &all[name];
    let headers = one["headers"].as_object().unwrap().iter().map(|(name, value)| {
        (HeaderName::try_from(name).unwrap(), HeaderValue::from_str(value.as_str().unwrap()).unwrap())
    });
    let body = one["body"].as_str().map_or_else(|| one["body"].to_string(), str::to_owned);
    (u16::try_from(one["status"].as_u64().unwrap()).unwrap(), headers.collect(), Bytes::from(body))
}

/// The same error as an event of a stream or a frame of a socket.
pub(crate) fn recorded_event(name: &str) -> Bytes {
    let all: serde_json::Value = serde_json::from_str(ERRORS).unwrap();
    let one = &all[name];
    let error = one["body"].get("error").cloned().unwrap_or_else(|| match one["body"].get("detail") {
        Some(detail) if detail.is_object() => detail.clone(),
        Some(detail) => serde_json::json!({ "message": detail }),
        None => serde_json::json!({ "message": one["body"] }),
    });
    let event = serde_json::json!({
        "type": "error", "status": one["status"], "error": error, "headers": one["headers"],
    });
    Bytes::from(event.to_string())
}

/// A turn with its pool and a clock.
struct Play {
    pool: Pool,
    turn: Turn,
    now: Moment,
    rng: Rng,
    sent: Vec<Sending>,
    waited: Span,
}

impl Play {
    fn on(roster: Arc<Roster>, settings: Settings) -> Self {
        let pool = Pool::new(roster, Arc::new(settings), NOW);
        Self { pool, turn: turn(1), now: NOW, rng: chance::seeded(1), sent: Vec::new(), waited: Span::ZERO }
    }

    fn with(names: &[&str]) -> Self {
        Self::on(roster(names), Settings::default())
    }

    /// The next request of the same session.
    fn again(&mut self) {
        self.turn = turn(2);
        self.sent.clear();
    }

    fn step(&mut self, event: Event<'_>) -> Step {
        let step = self.turn.step(event, &mut self.pool, self.now, &mut self.rng);
        if let Step::Send(sending) = &step {
            self.sent.push((**sending).clone());
        }
        step
    }

    fn start(&mut self) -> Step {
        self.step(Event::Start)
    }

    /// Upstream answers with a status and a body.
    fn answer(&mut self, status: u16, headers: &HeaderMap, body: &Bytes) -> Step {
        let step = self.step(Event::Head { status, headers });
        if step == Step::ReadBody { self.step(Event::Body(body.clone())) } else { step }
    }

    fn recorded(&mut self, name: &str) -> Step {
        let (status, headers, body) = recorded(name);
        self.answer(status, &headers, &body)
    }

    fn status(&mut self, status: u16) -> Step {
        self.answer(status, &HeaderMap::new(), &Bytes::new())
    }

    /// Upstream begins a stream whose first event is this failure.
    fn streamed(&mut self, name: &str) -> Step {
        assert_eq!(self.step(Event::Head { status: 200, headers: &sse() }), Step::Hold);
        let created = events::sse("response.created", b"{}", self.now);
        assert_eq!(self.step(Event::Said(&created)), Step::Hold);
        let failed = events::sse("error", &recorded_event(name), self.now);
        self.step(Event::Said(&failed))
    }

    /// Upstream serves the turn to the end.
    fn serve(&mut self) {
        assert_eq!(self.step(Event::Head { status: 200, headers: &sse() }), Step::Hold);
        let delta = events::sse("response.output_text.delta", b"{}", self.now);
        assert_eq!(self.step(Event::Said(&delta)), Step::Relay);
        let done = events::sse("response.completed", COMPLETED, self.now);
        assert!(self.turn.wants(&done) && !self.turn.wants(&delta));
        assert_eq!(self.step(Event::Said(&done)), Step::Go);
        assert_eq!(self.step(Event::Ended), Step::Done);
    }

    /// Waits as told.
    fn sleep(&mut self, step: &Step) -> Step {
        let Step::Wait(span) = step else { panic!("not a wait: {step:?}") };
        self.waited = self.waited + *span;
        self.now = self.now + *span;
        self.step(Event::WaitOver)
    }

    fn entry(&mut self) -> Entry {
        self.turn.take_entry().expect("one ledger row")
    }
}

const COMPLETED: &[u8] = br#"{"type":"response.completed","response":{"id":"resp_1","model":"gpt-5.5",
"usage":{"input_tokens":100,"input_tokens_details":{"cached_tokens":40},"output_tokens":10,"total_tokens":110}}}"#;

fn turn(id: u64) -> Turn {
    Turn::new(Facts {
        id,
        kind: Kind::Responses,
        via: Via::Http,
        ask: Ask::of(Some(SessionKey::of("thread")), Some("gpt-5.5".to_owned())),
        replay: Replay::Kept,
        body_len: 100,
        effort: None,
        project: None,
        arrived: NOW,
    })
}

fn sse() -> HeaderMap {
    HeaderMap::from_iter([(
        http::header::CONTENT_TYPE,
        HeaderValue::from_static("text/event-stream; charset=utf-8"),
    )])
}

fn account(step: &Step) -> &str {
    let Step::Send(sending) = step else { panic!("not a send: {step:?}") };
    sending.account.as_str()
}

fn refused(step: &Step) -> (u16, serde_json::Value) {
    let Step::Refuse(refusal) = step else { panic!("not a refusal: {step:?}") };
    (refusal.status, serde_json::from_slice(&refusal.body).unwrap())
}

#[test]
fn a_served_turn_is_remembered_counted_and_entered() {
    let mut play = Play::with(&["one", "two"]);

    let step = play.start();
    assert_eq!(account(&step), "record:one");
    play.serve();

    let entry = play.entry();
    assert_eq!(
        (entry.ending, entry.status, entry.attempts, entry.tokens.total),
        (Ending::Success, Some(200), Some(1), 110)
    );
    assert_eq!(entry.index, Some(0));
    assert!(entry.cost.is_some_and(|cost| cost > 0.0));
    let row = play.turn.row(play.now);
    assert_eq!((row.status, row.attempts.len(), row.attempts[0].verdict.as_str()), (TurnStatus::Ok, 1, "ok"));
    let pulse = play.pool.pulse(play.now);
    assert_eq!((pulse.total, pulse.ok, pulse.failed, pulse.upstream, pulse.in_flight), (1, 1, 0, 1, 0));
    assert_eq!(play.pool.owner(&SessionKey::of("thread"), play.now), Some(&key("one")));
}

/// What a first failing answer leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    /// The other account serves.
    Other,
    /// The same account is refreshed, then serves.
    Refresh,
    /// The same account after a wait.
    Again,
    /// The client sees upstream's answer with this status.
    AsIs(u16),
    /// The client sees the stream as it is.
    Show,
    /// The turn ends with the limit text.
    Limit,
    /// The body is looked at, to take reasoning out.
    Decode,
}

#[test]
fn every_recorded_answer_leads_to_its_row_of_the_table() {
    use Then::{Again, AsIs, Decode, Limit, Other, Refresh, Show};
    let table: [(&str, Then, Then, Then, Then); 10] = [
        // name, status with another account, status alone, first event with another, first event alone
        ("rate_limit", Other, Limit, Other, Limit),
        ("rate_limit_short", Other, Again, Other, Again),
        ("usage_not_included", Other, AsIs(429), Other, Show),
        ("unauthorized", Refresh, Refresh, Refresh, Refresh),
        ("forbidden", Other, AsIs(403), Other, Show),
        ("cloudflare", AsIs(403), AsIs(403), Show, Show),
        ("deactivated", Other, Limit, Other, Limit),
        ("overloaded", Again, Again, Again, Again),
        ("model_unsupported", Other, AsIs(400), Other, Show),
        ("bad_encrypted", Decode, Decode, Decode, Decode),
    ];
    for (name, status_two, status_one, event_two, event_one) in table {
        for (names, by_status, by_event) in
            [(&["one", "two"][..], status_two, event_two), (&["one"][..], status_one, event_one)]
        {
            let mut play = Play::with(names);
            play.start();
            let step = play.recorded(name);
            check(&mut play, &step, by_status, &format!("{name} as status with {names:?}"));

            let mut play = Play::with(names);
            play.start();
            let step = play.streamed(name);
            check(&mut play, &step, by_event, &format!("{name} as event with {names:?}"));
        }
    }
}

fn check(play: &mut Play, step: &Step, then: Then, what: &str) {
    let served = match (then, step) {
        (Then::Other, Step::Send(sending)) => {
            assert_eq!(sending.account, key("two"), "{what}");
            true
        }
        (Then::Refresh, Step::Refresh { account, .. }) => {
            assert_eq!(account, &key("one"), "{what}");
            let step = play.step(Event::Refreshed(Outcome::Renewed(Box::new(fresh("one", "new")))));
            // A new token asks for routing anew.
            let step = if matches!(step, Step::Discover { .. }) { routed(play) } else { step };
            assert_eq!(account_of(&step), Some(key("one")), "{what}");
            true
        }
        (Then::Again, Step::Wait(span)) => {
            assert!(*span <= Span::seconds(3), "{what}: {span:?}");
            let step = play.sleep(step);
            assert_eq!(account_of(&step), Some(key("one")), "{what}");
            true
        }
        (Then::AsIs(status), Step::Answer(kept)) => {
            assert_eq!(kept.status, status, "{what}");
            false
        }
        (Then::Limit, Step::Refuse(refusal)) => {
            assert_eq!((refusal.status, refusal.is_final()), (429, true), "{what}");
            false
        }
        (Then::Show, Step::Relay) => {
            assert_eq!(play.step(Event::Ended), Step::Done, "{what}");
            false
        }
        (Then::Decode, Step::Decode) => {
            let body = br#"{"input":[{"type":"reasoning","id":"rs_1"},{"type":"message"}]}"#;
            let step = play.step(Event::Decoded(Some(Bytes::from_static(body))));
            let Step::Send(sending) = &step else { panic!("{what}: {step:?}") };
            assert_eq!(sending.account, key("one"), "{what}");
            assert_eq!(
                sending.body,
                Payload::Edited(Bytes::from_static(br#"{"input":[{"type":"message"}]}"#)),
                "{what}"
            );
            true
        }
        (wanted, got) => panic!("{what}: wanted {wanted:?}, got {got:?}"),
    };
    if served {
        play.serve();
    }
    let entry = play.entry();
    assert_eq!(entry.ending, if served { Ending::Success } else { Ending::Failure }, "{what}");
    assert_ne!(entry.status, Some(401), "{what}");
    assert_eq!(play.pool.pulse(play.now).in_flight, 0, "{what}");
}

fn account_of(step: &Step) -> Option<AccountKey> {
    if let Step::Send(sending) = step { Some(sending.account.clone()) } else { None }
}

fn routed(play: &mut Play) -> Step {
    let at = play.now;
    play.step(Event::Routed(Ok(Routing { origin: None, over: None, checked_at: at })))
}

fn fresh(name: &str, token: &str) -> Credentials {
    Credentials { access: Some(Secret::new(token)), ..Account::sample(name).credentials }
}

#[test]
fn a_limit_is_kept_for_every_family_and_announced_as_a_rotation() {
    let mut play = Play::with(&["one", "two"]);
    play.start();
    let step = play.recorded("rate_limit");

    assert_eq!(account(&step), "record:two");
    let due = play.pool.take_changes();
    assert_eq!(due.now.len(), 5, "{due:?}");
    let facts = play.turn.take_facts();
    assert!(facts.iter().any(|fact| matches!(fact, ProxyFact::Quota(account, _) if account == &key("one"))));
    assert!(facts.contains(&ProxyFact::Rotated {
        from: key("one"),
        to: Some(key("two")),
        why: "usage-limit".to_owned()
    }));
    assert_eq!(play.turn.row(play.now).note, "moved from one");
}

#[test]
fn both_exhausted_ends_at_once_with_the_earliest_reset() {
    let mut play = Play::with(&["one", "two"]);
    play.start();
    play.recorded("rate_limit");
    let step = play.recorded("rate_limit");

    let (status, body) = refused(&step);
    assert_eq!(status, 429);
    assert_eq!(body["error"]["type"], "usage_limit_reached");
    assert_eq!(body["error"]["resets_at"], 1_795_363_695);
    assert_eq!(body["error"]["plan_type"], "plus");
    assert_eq!(play.sent.len(), 2);

    play.again();
    let step = play.start();
    assert_eq!(refused(&step).1["error"]["code"], "pool_exhaustion_cooldown");
    assert_eq!(play.sent.len(), 0);
}

#[test]
fn server_errors_go_to_the_other_account_and_then_wait_once() {
    let mut play = Play::with(&["one", "two"]);
    play.start();
    let step = play.status(500);
    assert_eq!(account(&step), "record:two");
    let step = play.status(500);

    let step = play.sleep(&step);
    assert!(play.waited <= Span::seconds(10));
    assert_eq!(account(&step), "record:one");
    play.serve();
    assert_eq!(play.entry().attempts, Some(3));
}

#[test]
fn lasting_server_errors_end_in_an_answer_the_client_waits_for() {
    let mut play = Play::with(&["one"]);
    let mut step = play.start();
    for _ in 0..10 {
        if matches!(step, Step::Refuse(_)) {
            break;
        }
        step = if matches!(step, Step::Send(_)) { play.status(500) } else { play.sleep(&step) };
    }

    let (status, body) = refused(&step);
    assert_eq!((status, body["error"]["type"].as_str()), (429, Some("server_error")));
    assert!(play.sent.len() <= 6, "{}", play.sent.len());
}

#[test]
fn nothing_is_sent_more_than_six_times_whatever_upstream_says() {
    let names = ["a", "b", "c", "d", "e", "f", "g", "h", "i"];
    for failure in
        ["rate_limit", "forbidden", "deactivated", "overloaded", "rate_limit_short", "unauthorized"]
    {
        let mut play = Play::with(&names);
        let mut step = play.start();
        let mut rounds = 0;
        while !matches!(step, Step::Refuse(_) | Step::Answer(_)) {
            rounds += 1;
            assert!(rounds < 50, "{failure} never ends");
            step = if matches!(step, Step::Send(_)) {
                play.recorded(failure)
            } else if matches!(step, Step::Refresh { .. }) {
                play.step(Event::Refreshed(Outcome::Refused { why: "no".to_owned() }))
            } else {
                play.sleep(&step)
            };
        }
        assert!(play.sent.len() <= 6, "{failure}: {}", play.sent.len());
        if let Step::Refuse(refusal) = &step {
            assert_eq!(refusal.status, 429, "{failure}");
        }
    }
}

#[test]
fn a_dead_refresh_token_moves_the_turn_on() {
    let mut play = Play::with(&["one", "two"]);
    play.start();
    let step = play.recorded("unauthorized");
    assert!(matches!(step, Step::Refresh { .. }));
    let step = play.step(Event::Refreshed(Outcome::Dead { code: "refresh_token_invalidated".to_owned() }));

    assert_eq!(account(&step), "record:two");
    assert!(play.pool.account(&key("one")).unwrap().invalidation.is_some());
    play.serve();
}

#[test]
fn a_token_refused_again_after_its_refresh_is_not_refreshed_for_ever() {
    let mut play = Play::with(&["one", "two"]);
    play.start();
    play.recorded("unauthorized");
    play.step(Event::Refreshed(Outcome::Renewed(Box::new(fresh("one", "new")))));
    routed(&mut play);
    let step = play.recorded("unauthorized");

    assert_eq!(account(&step), "record:two");
    play.serve();
}

#[test]
fn a_token_someone_else_renewed_is_used_without_a_refresh() {
    let mut play = Play::with(&["one"]);
    play.start();
    play.pool.renewed(&key("one"), &Outcome::Adopted(Box::new(fresh("one", "newer"))), NOW);
    let step = play.recorded("unauthorized");

    let step = if matches!(step, Step::Discover { .. }) { routed(&mut play) } else { step };
    assert_eq!(account(&step), "record:one");
    assert_eq!(play.sent.last().unwrap().token, Secret::new("newer"));
}

#[test]
fn an_expired_token_is_refreshed_before_anything_is_sent() {
    let mut roster = (*roster(&["one"])).clone();
    roster.accounts[0].credentials.expires_at = Some(NOW + Span::seconds(30));
    let mut play = Play::on(Arc::new(roster), Settings::default());

    let step = play.start();

    assert!(matches!(step, Step::Refresh { .. }), "{step:?}");
    assert!(play.sent.is_empty());
}

#[test]
fn routing_is_discovered_first_and_applied() {
    let names = ["one", "two"];
    let bare = Roster { accounts: names.map(Account::sample).into(), ..Roster::default() };
    let mut play = Play::on(Arc::new(bare), Settings::default());
    assert!(matches!(play.start(), Step::Discover { .. }));
    let routing = Routing {
        origin: Some("https://eu.example".to_owned()),
        over: Some("us".to_owned()),
        checked_at: NOW,
    };

    let step = play.step(Event::Routed(Ok(routing)));

    let Step::Send(sending) = step else { panic!("{step:?}") };
    assert_eq!(
        (sending.origin.as_deref(), sending.over.as_deref()),
        (Some("https://eu.example"), Some("us"))
    );
    assert_eq!(play.pool.take_changes().now.len(), 1);
}

#[test]
fn a_stream_that_breaks_in_sight_is_cut_and_the_account_rests() {
    for event in [Event::Broke(UpstreamError::Cut("x".to_owned())), Event::Stalled, Event::Ended] {
        let mut play = Play::with(&["one", "two"]);
        play.start();
        play.step(Event::Head { status: 200, headers: &sse() });
        let delta = events::sse("response.output_text.delta", b"{}", NOW);
        assert_eq!(play.step(Event::Said(&delta)), Step::Relay);

        assert_eq!(play.step(event), Step::Cut);

        let entry = play.entry();
        assert_eq!((entry.ending, entry.error.as_deref()), (Ending::Failure, Some("stream_forward_failed")));
        play.again();
        assert_eq!(account(&play.start()), "record:two");
    }
}

#[test]
fn a_stream_that_breaks_out_of_sight_is_served_by_the_other_account() {
    let mut play = Play::with(&["one", "two"]);
    play.start();
    play.step(Event::Head { status: 200, headers: &sse() });
    let step = play.step(Event::Broke(UpstreamError::Cut("x".to_owned())));

    assert_eq!(account(&step), "record:two");
}

#[test]
fn an_empty_answer_is_asked_for_twice_more_then_elsewhere() {
    let mut play = Play::with(&["one", "two"]);
    play.start();
    for _ in 0..2 {
        play.step(Event::Head { status: 200, headers: &sse() });
        let step = play.step(Event::Ended);
        let step = play.sleep(&step);
        assert_eq!(account(&step), "record:one");
    }
    play.step(Event::Head { status: 200, headers: &sse() });
    let step = play.step(Event::Ended);

    assert_eq!(account(&step), "record:two");
}

#[test]
fn insufficient_quota_in_sight_cuts_and_other_failures_go_on() {
    for (code, expected) in [("insufficient_quota", Step::Cut), ("server_error", Step::Go)] {
        let mut play = Play::with(&["one", "two"]);
        play.start();
        play.step(Event::Head { status: 200, headers: &sse() });
        play.step(Event::HeldEnough);
        let data = format!(r#"{{"type":"response.failed","response":{{"error":{{"code":"{code}"}}}}}}"#);
        let failed = events::sse("response.failed", data.as_bytes(), NOW);

        assert_eq!(play.step(Event::Said(&failed)), expected, "{code}");
    }
}

#[test]
fn a_client_that_leaves_harms_nobody() {
    let mut play = Play::with(&["one", "two"]);
    play.start();

    assert_eq!(play.step(Event::ClientGone), Step::Done);

    let entry = play.entry();
    assert_eq!((entry.ending, entry.status), (Ending::Cancelled, Some(499)));
    let pulse = play.pool.pulse(play.now);
    assert_eq!((pulse.in_flight, pulse.failed), (0, 0));
    assert!(pulse.accounts[&key("one")].health > 99.0);
    assert!(play.pool.take_changes().now.is_empty());
}

#[test]
fn a_pinned_account_is_never_replaced_by_another() {
    let mut pinned = (*roster(&["one", "two"])).clone();
    pinned.pin = Some(key("one"));
    let mut play = Play::on(Arc::new(pinned), Settings::default());
    play.start();
    let step = play.recorded("rate_limit");

    let (status, body) = refused(&step);
    assert_eq!(status, 429);
    assert_eq!(body["error"]["code"], "codex_pinned_account_unavailable");
    assert_eq!(body["error"]["type"], "usage_limit_reached");
    assert_eq!(body["error"]["pinned_account"], 1);
}

#[test]
fn a_pool_without_anyone_to_use_says_so_at_once() {
    let mut off = (*roster(&["one"])).clone();
    off.accounts[0].switch = Switch::Off;
    let mut play = Play::on(Arc::new(off), Settings::default());

    let step = play.start();
    let (status, body) = refused(&step);

    assert_eq!(status, 429);
    assert_eq!(body["error"]["type"], "usage_limit_reached");
    assert_eq!(body["error"]["account_skip_reasons"]["0"], "disabled");
    assert!(body["error"].get("resets_at").is_none());
}

#[test]
fn a_compaction_goes_back_to_the_account_that_made_it() {
    let mut play = Play::with(&["one", "two"]);
    let session = SessionKey::of("thread");
    play.pool.touch_bond(&session, &key("two"), NOW).compaction = Some(key("one"));
    let step = play.start();
    assert_eq!(account(&step), "record:two");
    assert_eq!(play.recorded("bad_encrypted"), Step::Decode);
    let body = Bytes::from_static(br#"{"input":[{"type":"compaction","encrypted_content":"x"}]}"#);
    let step = play.step(Event::Decoded(Some(body)));

    let Step::Send(sending) = step else { panic!("{step:?}") };
    assert_eq!((sending.account, sending.body), (key("one"), Payload::Original));
    play.serve();
    assert_eq!(play.pool.owner(&session, play.now), Some(&key("one")));
}

#[test]
fn reasoning_an_account_could_not_read_is_left_out_next_time() {
    let mut play = Play::with(&["one"]);
    play.start();
    play.recorded("bad_encrypted");
    let body = r#"{"input":[{"type":"reasoning","id":"rs_1"},{"type":"message"}]}"#;
    play.step(Event::Decoded(Some(Bytes::from_static(body.as_bytes()))));
    play.serve();

    play.again();
    assert_eq!(play.start(), Step::Decode);
    let longer =
        r#"{"input":[{"type":"reasoning","id":"rs_1"},{"type":"message"},{"type":"reasoning","id":"rs_2"}]}"#;
    let step = play.step(Event::Decoded(Some(Bytes::from_static(longer.as_bytes()))));

    let Step::Send(sending) = step else { panic!("{step:?}") };
    let edited = r#"{"input":[{"type":"message"},{"type":"reasoning","id":"rs_2"}]}"#;
    assert_eq!(sending.body, Payload::Edited(Bytes::from_static(edited.as_bytes())));
}

#[test]
fn turn_state_travels_only_to_the_account_that_issued_it() {
    let mut play = Play::with(&["one", "two"]);
    play.start();
    assert_eq!(play.sent[0].turn_state, TurnState::Keep);
    let mut headers = sse();
    headers.insert("x-codex-turn-state", HeaderValue::from_static("opaque"));
    play.step(Event::Head { status: 200, headers: &headers });
    let step = play.step(Event::Broke(UpstreamError::TimedOut));

    assert_eq!(account(&step), "record:two");
    assert_eq!(play.sent[1].turn_state, TurnState::Drop);
}

#[test]
fn a_model_list_marks_nobody() {
    let mut play = Play::with(&["one", "two"]);
    play.turn = Turn::new(Facts {
        id: 9,
        kind: Kind::Models,
        via: Via::Http,
        ask: Ask::of(Some(SessionKey::of("thread")), None),
        replay: Replay::Kept,
        body_len: 0,
        effort: None,
        project: None,
        arrived: NOW,
    });
    play.start();
    let step = play.recorded("rate_limit_short");

    assert_eq!(account(&step), "record:two");
    assert_eq!(play.step(Event::Head { status: 304, headers: &HeaderMap::new() }), Step::Relay);
    let pulse = play.pool.pulse(play.now);
    assert_eq!((pulse.total, pulse.in_flight, pulse.rotated), (0, 0, 0));
    assert_eq!(play.pool.take_changes().now, []);
    let limits = &play.pool.account(&key("one")).unwrap().limits;
    assert_eq!(limits, &BTreeMap::new());
}

#[test]
fn a_machine_without_a_way_out_tries_once_more_and_blames_no_account() {
    let mut play = Play::with(&["one", "two"]);
    play.start();
    let offline = || Event::Broke(UpstreamError::Offline("dns error".to_owned()));

    let step = play.step(offline());
    let again = play.sleep(&step);
    assert_eq!(account(&again), "record:one");
    let (status, body) = refused(&play.step(offline()));

    assert_eq!((status, body["error"]["type"].as_str()), (429, Some("server_error")), "{body}");
    assert_eq!(body["error"]["reason"], "network-error");
    assert!(play.pool.take_changes().now.is_empty());
    let pulse = play.pool.pulse(play.now);
    assert!(pulse.accounts.values().all(|one| one.health >= 100.0 && one.circuit == "closed"), "{pulse:?}");
}
