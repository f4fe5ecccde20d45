//! The failure table through the machines alone: no socket, no clock.

#![expect(clippy::wildcard_enum_match_arm, reason = "whatever a row does not name is a failure of the test")]

use std::sync::Arc;

use bytes::Bytes;
use codex_multi_auth::base::{Moment, Secret, Span};
use codex_multi_auth::domain::account::{Account, AccountKey, Credentials};
use codex_multi_auth::domain::chance::{self, Rng};
use codex_multi_auth::domain::facts::Via;
use codex_multi_auth::domain::pool::Pool;
use codex_multi_auth::domain::refresh::Outcome;
use codex_multi_auth::domain::roster::Roster;
use codex_multi_auth::domain::selection::{Ask, SessionKey};
use codex_multi_auth::domain::settings::Settings;
use codex_multi_auth::domain::workspace::Routing;
use codex_multi_auth::formats::events;
use codex_multi_auth::formats::fake::quota::{Standing, Window};
use codex_multi_auth::formats::fake::refusal::Refusal;
use codex_multi_auth::formats::scenario::{Action, Scenario};
use codex_multi_auth::ports::upstream::UpstreamError;
use codex_multi_auth::proxy::session::{self, Session};
use codex_multi_auth::proxy::turn::{Event, Facts, Kind, Replay, Step, Turn};
use http::{HeaderMap, HeaderName, HeaderValue};
use pretty_assertions::assert_eq;

use super::turns::{NOW, key, roster};
use crate::support::rows::{self, Form, Row, Wanted, effect, hurried, rows, told};

const BODY: &[u8] = br#"{"input":[{"type":"message"}]}"#;
const CREATE: &str = r#"{"type":"response.create","model":"gpt-5.5","input":[{"type":"message"}]}"#;

/// What upstream does with one request.
enum Said {
    Served,
    Dropped,
    Refused(Refusal),
    Event(String),
}

/// A pool, a clock, and a back end that only knows its one rule.
struct Desk {
    pool: Pool,
    roster: Roster,
    scenario: Scenario,
    happened: u32,
    now: Moment,
    rng: Rng,
    asked: Vec<String>,
}

impl Desk {
    fn new(scenario: Scenario) -> Self {
        let names: Vec<&str> = scenario.accounts.iter().map(|one| one.name.as_str()).collect();
        let roster = roster(&names);
        let mut settings = Settings::default();
        hurried(&mut settings);
        Self {
            pool: Pool::new(Arc::clone(&roster), Arc::new(settings), NOW),
            roster: (*roster).clone(),
            scenario,
            happened: 0,
            now: NOW,
            rng: chance::seeded(1),
            asked: Vec::new(),
        }
    }

    fn say(&mut self, account: &AccountKey) -> Said {
        let name = account.as_str().trim_start_matches("record:").to_owned();
        let rule = self.scenario.rules.first().expect("a rule");
        let is_due = rule.account.as_deref().is_none_or(|one| one == name)
            && rule.times.is_none_or(|times| self.happened < times);
        self.asked.push(name);
        if !is_due {
            return Said::Served;
        }
        self.happened += 1;
        match &rule.action {
            Action::Drop => Said::Dropped,
            Action::UsageLimit { resets_in } => {
                let window = Window { used: 100.0, minutes: 300, reset_at: self.now + *resets_in };
                let standing = Standing {
                    plan: "plus".to_owned(),
                    primary: Some(window),
                    secondary: None,
                    at: self.now,
                };
                Said::Refused(Refusal::usage_limit(&standing, window))
            }
            Action::ErrorEvent { code, message, .. } => {
                let error = serde_json::json!({ "code": code, "message": message });
                Said::Event(serde_json::json!({ "type": "error", "error": error }).to_string())
            }
            action => Said::Refused(Refusal::of(action).expect("an action with an answer")),
        }
    }

    fn renewed(&self, account: &AccountKey) -> Outcome {
        let name = account.as_str().trim_start_matches("record:");
        let access = Some(Secret::new(format!("renewed-{}", self.now.millis())));
        Outcome::Renewed(Box::new(Credentials { access, ..Account::sample(name).credentials }))
    }

    /// What was learnt about the account that failed.
    fn learnt(&mut self) -> String {
        let due = self.pool.take_changes();
        for change in due.now.iter().chain(&due.soon) {
            self.roster.apply(change);
        }
        effect(self.roster.get(&key("one")).expect("the account"))
    }

    fn http(&mut self) -> String {
        let mut turn = Turn::new(Facts {
            id: 1,
            kind: Kind::Responses,
            via: Via::Http,
            ask: Ask::of(Some(SessionKey::of("thread")), Some("gpt-5.5".to_owned())),
            replay: Replay::Kept,
            body_len: 100,
            effort: None,
            project: None,
            arrived: NOW,
        });
        let mut step = self.step(&mut turn, Event::Start);
        for _ in 0..40 {
            step = match step {
                Step::Send(sending) => match self.say(&sending.account) {
                    Said::Served => {
                        self.serve(&mut turn);
                        return "served".to_owned();
                    }
                    Said::Dropped => {
                        self.step(&mut turn, Event::Broke(UpstreamError::Cut("gone".to_owned())))
                    }
                    Said::Refused(refusal) => {
                        let headers = headers(&refusal);
                        let step =
                            self.step(&mut turn, Event::Head { status: refusal.status, headers: &headers });
                        assert_eq!(step, Step::ReadBody);
                        self.step(&mut turn, Event::Body(refusal.body.into()))
                    }
                    Said::Event(text) => {
                        assert_eq!(
                            self.step(&mut turn, Event::Head { status: 200, headers: &sse() }),
                            Step::Hold
                        );
                        let fact = events::sse("error", text.as_bytes(), self.now);
                        self.step(&mut turn, Event::Said(&fact))
                    }
                },
                Step::Refresh { account, .. } => {
                    let outcome = self.renewed(&account);
                    self.step(&mut turn, Event::Refreshed(outcome))
                }
                Step::Discover { .. } => {
                    let routing = Routing { origin: None, over: None, checked_at: self.now };
                    self.step(&mut turn, Event::Routed(Ok(routing)))
                }
                Step::Decode => self.step(&mut turn, Event::Decoded(Some(Bytes::from_static(BODY)))),
                Step::Wait(span) => {
                    self.wait(span);
                    self.step(&mut turn, Event::WaitOver)
                }
                Step::Relay => {
                    assert_eq!(self.step(&mut turn, Event::Ended), Step::Done);
                    return "shown".to_owned();
                }
                Step::Answer(kept) => return told(kept.status, &kept.body),
                Step::Refuse(refusal) => return told(refusal.status, &refusal.body),
                Step::ReadBody | Step::Hold | Step::Go | Step::Cut | Step::Done => panic!("{step:?}"),
            };
        }
        panic!("no end: {:?}", self.asked)
    }

    fn step(&mut self, turn: &mut Turn, event: Event<'_>) -> Step {
        turn.step(event, &mut self.pool, self.now, &mut self.rng)
    }

    fn serve(&mut self, turn: &mut Turn) {
        assert_eq!(self.step(turn, Event::Head { status: 200, headers: &sse() }), Step::Hold);
        let done =
            events::sse("response.completed", br#"{"type":"response.completed","response":{}}"#, self.now);
        assert_eq!(self.step(turn, Event::Said(&done)), Step::Relay);
        assert_eq!(self.step(turn, Event::Ended), Step::Done);
    }

    fn wait(&mut self, span: Span) {
        assert!(span <= Span::seconds(10), "{span:?}");
        self.now = self.now + span;
    }

    /// One turn as the client brings it to an end, with a new socket each time it is told to.
    fn socket(&mut self) -> String {
        for number in 1..12 {
            let mut socket = Session::new(session::Facts {
                id: number,
                ask: Ask::of(Some(SessionKey::of("thread")), Some("gpt-5.5".to_owned())),
                client: "exec".to_owned(),
                project: None,
                arrived: self.now,
            });
            let Some(account) = self.open(&mut socket) else { return "http".to_owned() };
            let text = Bytes::from_static(CREATE.as_bytes());
            let mut step = self.judge(&mut socket, session::Event::ClientText(text));
            assert_eq!(step, session::Step::Pass);
            let mut shown = String::new();
            step = match self.say(&account) {
                Said::Served => {
                    let done = br#"{"type":"response.completed","response":{"id":"resp_1"}}"#;
                    let fact = events::frame(done, self.now);
                    assert_eq!(
                        self.judge(&mut socket, session::Event::UpstreamText(&fact)),
                        session::Step::Release
                    );
                    return "served".to_owned();
                }
                Said::Dropped => self.judge(&mut socket, session::Event::UpstreamCut),
                Said::Refused(refusal) => {
                    let frame = refusal.frame();
                    shown = told(refusal.status, frame.as_bytes());
                    let fact = events::frame(frame.as_bytes(), self.now);
                    self.judge(&mut socket, session::Event::UpstreamText(&fact))
                }
                Said::Event(_) => panic!("a frame is no event"),
            };
            if let session::Step::Wait(span) = step {
                self.wait(span);
                step = self.judge(&mut socket, session::Event::WaitOver);
            }
            match step {
                session::Step::Release | session::Step::Flush => return shown,
                session::Step::Tell(frame) => {
                    let status: serde_json::Value = serde_json::from_slice(&frame).expect("a frame");
                    let end =
                        told(u16::try_from(status["status"].as_u64().unwrap_or(0)).unwrap_or(0), &frame);
                    if end != "400 websocket_connection_limit_reached" {
                        return end;
                    }
                }
                session::Step::Close(1011) => {}
                step => panic!("{step:?}"),
            }
            self.judge(&mut socket, session::Event::ClientGone);
            self.now = self.now + Span::millis(200);
        }
        panic!("no end: {:?}", self.asked)
    }

    fn judge(&mut self, socket: &mut Session, event: session::Event<'_>) -> session::Step {
        socket.step(event, &mut self.pool, self.now, &mut self.rng)
    }

    fn open(&mut self, socket: &mut Session) -> Option<AccountKey> {
        let mut step = self.judge(socket, session::Event::Start);
        let mut account = None;
        loop {
            step = match step {
                session::Step::Refresh { account, .. } => {
                    let outcome = self.renewed(&account);
                    self.judge(socket, session::Event::Refreshed(outcome))
                }
                session::Step::Discover { .. } => {
                    let routing = Routing { origin: None, over: None, checked_at: self.now };
                    self.judge(socket, session::Event::Routed(Ok(routing)))
                }
                session::Step::Connect(sending) => {
                    account = Some(sending.account);
                    self.judge(socket, session::Event::Opened { headers: &HeaderMap::new() })
                }
                session::Step::Wait(span) => {
                    self.wait(span);
                    self.judge(socket, session::Event::WaitOver)
                }
                session::Step::Accept => return account,
                session::Step::Refuse(_) => return None,
                step => panic!("{step:?}"),
            };
        }
    }
}

fn headers(refusal: &Refusal) -> HeaderMap {
    let kind = refusal.content_type.map(|kind| ("content-type".to_owned(), kind.to_owned()));
    let all = refusal.headers.iter().cloned().chain(kind);
    all.map(|(name, value)| {
        (HeaderName::try_from(name).expect("a name"), HeaderValue::try_from(value).expect("a value"))
    })
    .collect()
}

fn sse() -> HeaderMap {
    HeaderMap::from_iter([(http::header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"))])
}

fn check(row: &Row, form: Form, wrong: &mut Vec<String>) {
    for pool in [rows::Pool::Two, rows::Pool::One] {
        let Some(scenario) = row.staged(pool, form) else { continue };
        let mut desk = Desk::new(scenario);
        let Wanted { http, end, .. } = row.wanted(pool, form);
        let got = desk.http();
        let learnt = desk.learnt();
        if (&desk.asked, &got, &learnt) != (&http, &end, &row.account) {
            wrong.push(format!("{} {pool:?} {form:?}: {:?} {got}, {learnt}", row.name, desk.asked));
        }
        assert_eq!(desk.pool.pulse(desk.now).in_flight, 0, "{}", row.name);
    }
}

#[test]
fn every_row_of_the_table_holds_for_the_turn_as_status_and_as_first_event() {
    let mut wrong = Vec::new();
    for row in rows() {
        check(&row, Form::Plain, &mut wrong);
        check(&row, Form::Event, &mut wrong);
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn every_row_of_the_table_holds_for_the_frames_of_a_socket() {
    let mut wrong = Vec::new();
    for row in rows() {
        for pool in [rows::Pool::Two, rows::Pool::One] {
            let Wanted { socket, end, .. } = row.wanted(pool, Form::Plain);
            if socket.is_empty() {
                continue;
            }
            let mut desk = Desk::new(row.staged(pool, Form::Plain).expect("a scenario"));
            let got = desk.socket();
            let learnt = desk.learnt();
            if (&desk.asked, &got, &learnt) != (&socket, &end, &row.account) {
                wrong.push(format!("{} {pool:?}: {:?} {got}, {learnt}", row.name, desk.asked));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn every_class_of_the_table_has_a_row() {
    let names: Vec<String> = rows().into_iter().map(|row| row.name).collect();
    assert_eq!(names.len(), 21, "{names:?}");
}
