use super::*;
use crate::base::{Moment, Percent, Span};
use crate::domain::facts::{AccountPulse, AttemptRow, TurnStatus, TurnTokens, Via};
use crate::domain::selection::Strategy;
use crate::domain::selection::explain::{Candidate, Parts, Rule, Skip};

fn key(id: &str) -> AccountKey {
    AccountKey::new(id)
}

fn turn() -> TurnRow {
    TurnRow {
        id: 7,
        at: Moment::from_millis(5),
        account: Some(key("a")),
        model: Some("gpt-5.5".to_owned()),
        via: Via::Ws,
        status: TurnStatus::Status(429),
        took: Some(Span::millis(12)),
        first_byte: None,
        tokens: Some(TurnTokens { input: 1, output: 2, cached: 3, reasoning: 4, total: 5 }),
        session: Some("ab12".to_owned()),
        turn: 3,
        note: "moved".to_owned(),
        attempts: vec![AttemptRow {
            account: key("b"),
            verdict: "limit".to_owned(),
            first_byte: Some(Span::millis(9)),
        }],
        bytes_out: 100,
    }
}

fn session() -> SessionRow {
    SessionRow {
        id: "ab12".to_owned(),
        kind: "exec".to_owned(),
        via: Via::Http,
        account: Some(key("a")),
        turns: 2,
        tokens: 9,
        since: Moment::from_millis(1),
        last: Moment::from_millis(2),
        in_turn: true,
        rate: 4_100,
        is_pinned: true,
        title: None,
        moved: Some((key("b"), Moment::from_millis(1), "limit".to_owned())),
    }
}

#[test]
fn every_request_survives_the_line() {
    let mut ask = Ask::of(Some(SessionKey::of("s")), Some("gpt-5.5".to_owned()));
    ask.forced = Some(key("a"));
    ask.tried.insert(key("b"));
    for request in [
        Request::Status,
        Request::Next(ask),
        Request::Next(Ask::plain()),
        Request::BaseUrl { forced: Some(key("a")) },
        Request::ResetRuntime,
        Request::Reload,
        Request::Shutdown,
        Request::Sessions,
        Request::SessionPin(SessionKey::of("s"), None),
        Request::SessionMove(SessionKey::of("s"), Some(key("b"))),
        Request::Events,
    ] {
        assert_eq!(Request::parse(&request.print()), Ok(request));
    }
    assert!(Request::parse("{\"do\":\"dance\"}").is_err());
    assert!(Request::parse("nonsense").is_err());
}

#[test]
fn every_answer_survives_the_line() {
    let mut pulse =
        ProxyPulse { port: 4455, total: 3, last_account: Some(key("a")), ..ProxyPulse::default() };
    pulse
        .accounts
        .insert(key("a"), AccountPulse { health: 99.5, bucket: 3.25, circuit: "half-open", in_flight: 2 });
    let decision = Decision {
        at: Moment::from_millis(4),
        chosen: Some(key("a")),
        rule: Rule::Affinity,
        strategy: Strategy::Sequential,
        candidates: vec![Candidate {
            key: key("a"),
            index: 1,
            skip: Some(Skip { reason: "rate-limited".to_owned(), until: Some(Moment::from_millis(8)) }),
            parts: Parts { health: 1.0, spread: 0.5, ..Parts::default() },
            left: Some(Percent::new(12.5)),
        }],
    };
    for answer in [
        Answer::Status { pulse: Box::new(pulse), turns: vec![turn()], sessions: vec![session()] },
        Answer::Decision(Box::new(decision)),
        Answer::BaseUrl { base: "http://x".into(), refresh: "http://y".into(), version: "1.2.3".to_owned() },
        Answer::Sessions { sessions: vec![session()], owners: vec![key("a")] },
        Answer::Done,
        Answer::Refused("no".to_owned()),
    ] {
        assert_eq!(Answer::parse(&answer.print()), Some(answer));
    }
}

#[test]
fn the_local_status_names_no_account() {
    let mut pulse = ProxyPulse { last_account: Some(key("record:secret")), ..ProxyPulse::default() };
    pulse.accounts.insert(
        key("record:secret"),
        AccountPulse { health: 1.0, bucket: 1.0, circuit: "closed", in_flight: 0 },
    );

    assert!(!print_pulse(&pulse).contains("secret"));
}
