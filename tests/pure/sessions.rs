//! One WebSocket as a machine: every error frame of the back end, with and without another account, and the rules
//! around a turn.

use std::sync::Arc;

use bytes::Bytes;
use codex_multi_auth::base::{Moment, Secret, Span};
use codex_multi_auth::domain::account::{Account, Credentials};
use codex_multi_auth::domain::chance::{self, Rng};
use codex_multi_auth::domain::change::{Change, Pin};
use codex_multi_auth::domain::facts::TurnStatus;
use codex_multi_auth::domain::pool::Pool;
use codex_multi_auth::domain::refresh::Outcome;
use codex_multi_auth::domain::roster::Roster;
use codex_multi_auth::domain::selection::{Ask, SessionKey};
use codex_multi_auth::domain::settings::Settings;
use codex_multi_auth::domain::usage::entry::Ending;
use codex_multi_auth::domain::workspace::Routing;
use codex_multi_auth::formats::events;
use codex_multi_auth::ports::upstream::UpstreamError;
use codex_multi_auth::proxy::session::{Event, Facts, Session, Step};
use http::HeaderMap;
use pretty_assertions::assert_eq;

use super::turns::{NOW, key, recorded, recorded_event, roster};

const PREWARM: &str = r#"{"type":"response.create","model":"gpt-5.5","generate":false,"input":[]}"#;
const FULL: &str = r#"{"type":"response.create","model":"gpt-5.5","input":[{"type":"reasoning","id":"rs_1"},{"type":"message"}]}"#;
const CREATED: &[u8] = br#"{"type":"response.created","response":{"id":"resp_1"}}"#;
const DELTA: &[u8] = br#"{"type":"response.output_text.delta","delta":"x"}"#;

struct Play {
    pool: Pool,
    roster: Arc<Roster>,
    session: Session,
    now: Moment,
    rng: Rng,
    sockets: u64,
}

impl Play {
    fn with(names: &[&str]) -> Self {
        Self::on(roster(names))
    }

    fn on(roster: Arc<Roster>) -> Self {
        let pool = Pool::new(Arc::clone(&roster), Arc::new(Settings::default()), NOW);
        Self { pool, roster, session: socket(1, NOW), now: NOW, rng: chance::seeded(1), sockets: 1 }
    }

    fn step(&mut self, event: Event<'_>) -> Step {
        self.session.step(event, &mut self.pool, self.now, &mut self.rng)
    }

    /// Opens the socket; returns the account.
    fn open(&mut self) -> String {
        let step = self.step(Event::Start);
        let account = connecting(&step);
        assert_eq!(self.step(Event::Opened { headers: &HeaderMap::new() }), Step::Accept);
        account
    }

    /// The client reconnects.
    fn reconnect(&mut self) -> String {
        self.step(Event::ClientGone);
        self.sockets += 1;
        self.now = self.now + Span::millis(200);
        self.session = socket(self.sockets, self.now);
        self.open()
    }

    fn ask(&mut self, text: &str) -> Step {
        self.step(Event::ClientText(Bytes::copy_from_slice(text.as_bytes())))
    }

    fn hear(&mut self, data: &[u8]) -> Step {
        let fact = events::frame(data, self.now);
        if self.session.passes(&fact, self.now) {
            return Step::Pass;
        }
        self.step(Event::UpstreamText(&fact))
    }

    /// Serves the running turn to the end.
    fn serve(&mut self, id: &str) {
        assert_eq!(self.hear(CREATED), Step::Hold);
        assert_eq!(self.hear(DELTA), Step::Release);
        assert_eq!(self.hear(DELTA), Step::Pass);
        let completed = format!(
            r#"{{"type":"response.completed","response":{{"id":"{id}","usage":{{"input_tokens":5,"output_tokens":2}}}}}}"#
        );
        assert_eq!(self.hear(completed.as_bytes()), Step::Pass);
    }

    fn sleep(&mut self, step: &Step) -> Step {
        let Step::Wait(span) = step else { panic!("not a wait: {step:?}") };
        assert!(*span <= Span::seconds(10), "{span:?}");
        self.now = self.now + *span;
        self.step(Event::WaitOver)
    }

    fn change(&mut self, change: &Change) {
        let mut roster = (*self.roster).clone();
        roster.apply(change);
        self.roster = Arc::new(roster);
        self.pool.replace(Arc::clone(&self.roster), Arc::new(Settings::default()), self.now);
    }
}

fn socket(id: u64, arrived: Moment) -> Session {
    Session::new(Facts {
        id,
        ask: Ask::of(Some(SessionKey::of("thread")), Some("gpt-5.5".to_owned())),
        client: "exec".to_owned(),
        project: None,
        arrived,
    })
}

fn connecting(step: &Step) -> String {
    let Step::Connect(sending) = step else { panic!("not a connection: {step:?}") };
    sending.account.as_str().trim_start_matches("record:").to_owned()
}

fn code(step: &Step) -> String {
    let Step::Tell(text) = step else { panic!("nothing told: {step:?}") };
    let frame: serde_json::Value = serde_json::from_slice(text).unwrap();
    frame["error"]["code"].as_str().unwrap().to_owned()
}

const ROTATE: &str = "websocket_connection_limit_reached";
const LIMIT: &str = "codex_runtime_rotation_pool_exhausted";

#[test]
fn prewarm_and_turns_run_over_one_socket_and_one_account() {
    let mut play = Play::with(&["one", "two"]);
    assert_eq!(play.open(), "one");
    assert_eq!(play.ask(PREWARM), Step::Pass);
    play.serve("resp_warm");
    assert_eq!(
        play.ask(r#"{"type":"response.create","previous_response_id":"resp_warm","input":[]}"#),
        Step::Pass
    );
    play.serve("resp_2");

    let entries = play.session.take_entries();
    assert_eq!(entries.len(), 1, "a prewarm is not entered");
    assert_eq!((entries[0].ending, entries[0].tokens.total), (Ending::Success, 7));
    let rows = play.session.take_rows(play.now);
    assert!(rows.iter().any(|row| row.status == TurnStatus::Warm));
    assert!(rows.iter().any(|row| row.status == TurnStatus::Ok));
    let row = play.session.row(play.now);
    assert_eq!((row.turns, row.tokens, row.in_turn), (1, 7, false));
    let pulse = play.pool.pulse(play.now);
    assert_eq!((pulse.total, pulse.ok, pulse.in_flight), (1, 1, 0));
    assert_eq!(play.pool.owner(&SessionKey::of("thread"), play.now), Some(&key("one")));
}

/// What a failing frame before any output leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    /// The rotation frame, and the given account at the next upgrade.
    Rotate(&'static str),
    /// The limit text.
    Limit,
    /// Upstream's frame.
    Show,
    /// A wait, then the rotation frame and the same account.
    Wait,
    /// The message once more, without reasoning.
    Resend,
}

#[test]
fn every_recorded_error_frame_leads_to_its_row_of_the_table() {
    use Then::{Limit, Resend, Rotate, Show, Wait};
    for (name, two, one) in [
        ("rate_limit", Rotate("two"), Limit),
        ("rate_limit_short", Rotate("two"), Wait),
        ("usage_not_included", Rotate("two"), Show),
        ("unauthorized", Rotate("one"), Rotate("one")),
        ("forbidden", Rotate("two"), Show),
        ("cloudflare", Show, Show),
        ("deactivated", Rotate("two"), Limit),
        ("overloaded", Rotate("two"), Wait),
        ("model_unsupported", Rotate("two"), Show),
        ("bad_encrypted", Resend, Resend),
    ] {
        for (names, then) in [(&["one", "two"][..], two), (&["one"][..], one)] {
            for message in [FULL, PREWARM] {
                if then == Resend && message == PREWARM {
                    continue;
                }
                let what = format!("{name} with {names:?}");
                let mut play = Play::with(names);
                play.open();
                assert_eq!(play.ask(message), Step::Pass, "{what}");
                assert_eq!(play.hear(CREATED), Step::Hold, "{what}");
                let step = play.hear(&recorded_event(name));
                check(&mut play, &step, then, &what);
            }
        }
    }
}

fn check(play: &mut Play, step: &Step, then: Then, what: &str) {
    match then {
        Then::Rotate(next) => {
            assert_eq!(code(step), ROTATE, "{what}");
            let step = play.upgrade();
            let account = if let Step::Refresh { account, .. } = &step {
                account.as_str().trim_start_matches("record:").to_owned()
            } else {
                connecting(&step)
            };
            assert_eq!(account, next, "{what}");
        }
        Then::Limit => assert_eq!(code(step), LIMIT, "{what}"),
        Then::Show => assert_eq!(step, &Step::Release, "{what}"),
        Then::Wait => {
            let step = play.sleep(step);
            assert_eq!(code(&step), ROTATE, "{what}");
            assert_eq!(play.reconnect(), "one", "{what}");
        }
        Then::Resend => {
            let Step::Resend(text) = step else { panic!("{what}: {step:?}") };
            assert!(!String::from_utf8_lossy(text).contains("rs_1"), "{what}");
            play.serve("resp_9");
        }
    }
    assert_eq!(play.pool.pulse(play.now).in_flight, u32::from(matches!(then, Then::Rotate(_))), "{what}");
}

impl Play {
    /// The client reconnects; the first step of the new upgrade.
    fn upgrade(&mut self) -> Step {
        self.step(Event::ClientGone);
        self.sockets += 1;
        self.now = self.now + Span::millis(200);
        self.session = socket(self.sockets, self.now);
        self.step(Event::Start)
    }
}

#[test]
fn a_failure_in_sight_closes_the_client_and_the_next_account_serves() {
    for event in ["rate_limit", "overloaded", "deactivated"] {
        let mut play = Play::with(&["one", "two"]);
        play.open();
        play.ask(FULL);
        play.hear(DELTA);

        assert_eq!(play.hear(&recorded_event(event)), Step::Close(1011), "{event}");
        assert_eq!(play.session.take_entries()[0].ending, Ending::Failure, "{event}");
        assert_eq!(play.reconnect(), "two", "{event}");
    }
}

#[test]
fn a_cut_while_a_turn_is_pending_brings_the_client_to_the_other_account() {
    for event in [Event::UpstreamCut, Event::UpstreamClosed(Some(1011)), Event::UpstreamBinary] {
        let mut play = Play::with(&["one", "two"]);
        play.open();
        play.ask(FULL);

        assert_eq!(code(&play.step(event)), ROTATE);
        assert_eq!(play.reconnect(), "two");
    }
}

#[test]
fn a_cut_between_turns_blames_nobody_and_keeps_the_account() {
    let mut play = Play::with(&["one", "two"]);
    play.open();
    play.ask(FULL);
    play.serve("resp_1");

    assert_eq!(play.step(Event::UpstreamClosed(Some(1012))), Step::Close(1012));
    assert!(play.pool.take_changes().now.is_empty());
    assert_eq!(play.reconnect(), "one");
}

#[test]
fn a_socket_that_reached_its_age_is_replaced_without_blame() {
    let mut play = Play::with(&["one", "two"]);
    play.open();
    play.ask(FULL);
    let aged = br#"{"type":"error","status":400,"error":{"type":"invalid_request_error","code":"websocket_connection_limit_reached"}}"#;

    assert_eq!(play.hear(aged), Step::Release);
    assert_eq!(play.session.take_entries(), []);
    assert_eq!(play.reconnect(), "one");
}

#[test]
fn switching_the_account_acts_on_the_next_turn_of_a_live_session() {
    let mut play = Play::with(&["one", "two"]);
    play.open();
    play.ask(FULL);
    play.serve("resp_1");
    let at = play.now;
    let reason = codex_multi_auth::domain::account::SwitchReason::Manual;
    play.change(&Change::Selected { key: key("two"), reason, pin: Pin::Set, at });

    assert_eq!(code(&play.ask(FULL)), ROTATE);
    assert_eq!(play.reconnect(), "two");
    assert_eq!(play.ask(FULL), Step::Pass);
}

#[test]
fn an_account_limited_meanwhile_is_left_before_the_next_turn() {
    let mut play = Play::with(&["one", "two"]);
    play.open();
    play.ask(FULL);
    play.serve("resp_1");
    let until = play.now + Span::hours(1);
    play.change(&Change::Limited { key: key("one"), bucket: "gpt-5.2".to_owned(), until });

    assert_eq!(code(&play.ask(FULL)), ROTATE);
    assert_eq!(play.reconnect(), "two");
}

#[test]
fn an_unknown_previous_response_is_asked_for_in_full() {
    let mut play = Play::with(&["one"]);
    play.open();

    let step = play.ask(r#"{"type":"response.create","previous_response_id":"resp_elsewhere","input":[]}"#);

    assert_eq!(code(&step), "previous_response_not_found");
    assert_eq!(play.session.due(), Some(play.now + Span::seconds(1)));
}

#[test]
fn foreign_content_of_a_short_message_is_asked_for_in_full_first() {
    let mut play = Play::with(&["one"]);
    play.open();
    play.ask(FULL);
    play.serve("resp_1");
    play.ask(r#"{"type":"response.create","previous_response_id":"resp_1","input":[]}"#);

    assert_eq!(code(&play.hear(&recorded_event("bad_encrypted"))), "previous_response_not_found");
}

#[test]
fn rotations_of_one_turn_are_bounded_and_end_in_the_limit_text() {
    let names = ["a", "b", "c", "d", "e", "f", "g"];
    let mut play = Play::with(&names);
    play.open();
    let mut told = Vec::new();
    for _ in 0..8 {
        play.ask(FULL);
        let step = play.hear(&recorded_event("rate_limit"));
        if !matches!(step, Step::Tell(_)) {
            told.push(format!("{step:?}"));
            break;
        }
        told.push(code(&step));
        if told.last().is_some_and(|code| code == LIMIT) {
            break;
        }
        play.reconnect();
    }

    assert_eq!(told.iter().filter(|code| *code == ROTATE).count(), 4, "{told:?}");
}

fn in_a_word(step: &Step) -> String {
    if let Step::Refuse(refusal) = step {
        return refusal.status.to_string();
    }
    if matches!(step, Step::Wait(_)) {
        return "wait".to_owned();
    }
    if let Step::Refresh { .. } = step {
        return "refresh one".to_owned();
    }
    format!("connect {}", connecting(step))
}

#[test]
fn an_upgrade_that_is_refused_goes_to_the_next_account_or_to_http() {
    for (name, two, one) in [
        ("rate_limit", "connect two", "429"),
        ("rate_limit_short", "connect two", "wait"),
        ("unauthorized", "refresh one", "refresh one"),
        ("forbidden", "connect two", "wait"),
        ("deactivated", "connect two", "429"),
        ("overloaded", "connect two", "wait"),
        ("cloudflare", "426", "426"),
    ] {
        for (names, then) in [(&["one", "two"][..], two), (&["one"][..], one)] {
            let mut play = Play::with(names);
            play.step(Event::Start);
            let (status, headers, body) = recorded(name);
            let step = play.step(Event::Declined { status, headers: &headers, body });
            let got = in_a_word(&step);
            assert_eq!(got, then, "{name} with {names:?}");
        }
    }
}

#[test]
fn a_back_end_without_sockets_sends_the_client_to_http_and_is_not_asked_again() {
    let mut play = Play::with(&["one"]);
    play.step(Event::Start);
    let step = play.step(Event::Declined { status: 404, headers: &HeaderMap::new(), body: Bytes::new() });
    assert!(matches!(&step, Step::Refuse(refusal) if refusal.status == 426), "{step:?}");

    let step = play.upgrade();
    assert!(matches!(&step, Step::Refuse(refusal) if refusal.status == 426), "{step:?}");
    assert_eq!(play.pool.pulse(play.now).in_flight, 0);
}

#[test]
fn three_silent_accounts_are_enough_for_one_upgrade() {
    let mut play = Play::with(&["a", "b", "c", "d"]);
    let mut step = play.step(Event::Start);
    let mut asked = 0;
    while let Step::Connect(_) = step {
        asked += 1;
        step = play.step(Event::Unanswered(UpstreamError::TimedOut));
    }

    assert_eq!(asked, 3);
    assert!(matches!(&step, Step::Refuse(refusal) if refusal.status == 426), "{step:?}");
}

#[test]
fn a_refused_token_is_refreshed_at_the_next_upgrade() {
    let mut play = Play::with(&["one", "two"]);
    play.open();
    play.ask(FULL);
    assert_eq!(code(&play.hear(&recorded_event("unauthorized"))), ROTATE);
    assert!(matches!(play.upgrade(), Step::Refresh { .. }));
    let renewed = Credentials { access: Some(Secret::new("new")), ..Account::sample("one").credentials };
    let step = play.step(Event::Refreshed(Outcome::Renewed(Box::new(renewed))));

    let step = if matches!(step, Step::Discover { .. }) {
        let checked_at = play.now;
        play.step(Event::Routed(Ok(Routing { origin: None, over: None, checked_at })))
    } else {
        step
    };
    assert_eq!(connecting(&step), "one");
}

#[test]
fn held_frames_go_out_when_the_time_is_up_and_silence_is_a_failure() {
    let mut play = Play::with(&["one", "two"]);
    play.open();
    play.ask(FULL);
    play.hear(CREATED);
    play.now = play.session.due().expect("a hold timer");
    assert_eq!(play.step(Event::Tick), Step::Flush);

    play.now = play.session.due().expect("a stall timer");
    assert_eq!(play.step(Event::Tick), Step::Close(1011));
}

#[test]
fn an_idle_socket_closes_after_its_time_and_a_stop_leaves_turns_their_grace() {
    let mut play = Play::with(&["one"]);
    play.open();
    let due = play.session.due().expect("an idle timer");
    assert_eq!(due, play.now + Settings::default().ws_idle_close);
    play.ask(FULL);
    assert_eq!(play.step(Event::Shutdown), Step::Go);
    assert_eq!(play.step(Event::Shutdown), Step::Close(1011));

    let mut idle = Play::with(&["one"]);
    idle.open();
    idle.now = idle.session.due().expect("an idle timer");
    assert_eq!(idle.step(Event::Tick), Step::Close(1000));
    let mut idle = Play::with(&["one"]);
    idle.open();
    assert_eq!(idle.step(Event::Shutdown), Step::Close(1001));
}

#[test]
fn more_than_eight_open_turns_are_too_many() {
    let mut play = Play::with(&["one"]);
    play.open();
    for _ in 0..8 {
        assert_eq!(play.ask(FULL), Step::Pass);
    }

    assert_eq!(play.ask(FULL), Step::Close(1008));
    assert_eq!(play.pool.pulse(play.now).in_flight, 0);
}

#[test]
fn a_client_that_leaves_in_a_turn_harms_nobody() {
    let mut play = Play::with(&["one"]);
    play.open();
    play.ask(FULL);
    play.hear(DELTA);

    assert_eq!(play.step(Event::ClientGone), Step::Done);
    assert_eq!(play.session.take_entries()[0].ending, Ending::Cancelled);
    assert_eq!(play.pool.pulse(play.now).in_flight, 0);
    assert!(play.pool.take_changes().now.is_empty());
}

#[test]
fn what_is_held_goes_out_when_it_is_much() {
    let mut play = Play::with(&["one", "two"]);
    play.open();
    assert_eq!(play.step(Event::HeldEnough), Step::Go);
    play.ask(FULL);
    for _ in 0..40 {
        assert_eq!(play.hear(CREATED), Step::Hold);
    }

    assert_eq!(play.step(Event::HeldEnough), Step::Flush);
    assert_eq!(play.hear(DELTA), Step::Pass);
}

#[test]
fn a_turn_beyond_the_limit_is_told_to_wait_and_the_socket_stays() {
    let mut play = Play::with(&["one"]);
    play.open();

    let step = play.step(Event::ClientTextInExcess(Bytes::from_static(FULL.as_bytes())));

    assert_eq!(code(&step), "runtime_rotation_proxy_overloaded");
    assert_eq!((play.session.open_turns(), play.pool.pulse(play.now).in_flight), (0, 0));
    assert_eq!(play.ask(FULL), Step::Pass);
}

#[test]
fn a_machine_without_a_way_out_blames_no_account_for_an_upgrade() {
    let mut play = Play::with(&["one", "two"]);
    play.step(Event::Start);

    let step = play.step(Event::Unanswered(UpstreamError::Offline("dns error".to_owned())));

    assert!(matches!(&step, Step::Refuse(refusal) if refusal.status == 426), "{step:?}");
    assert!(play.pool.take_changes().now.is_empty());
}
