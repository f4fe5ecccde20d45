use super::*;
use crate::base::Percent;
use crate::domain::quota::snapshot::Source;
use crate::domain::quota::window::Window;

const NOW: Moment = Moment::from_secs(1_795_360_000);

fn answer(status: u16) -> Answer {
    Answer { status, body: BodyKind::Json, ..Answer::default() }
}

fn coded(status: u16, code: &str) -> Answer {
    Answer { code: Some(code.to_owned()), ..answer(status) }
}

fn typed(status: u16, kind: &str) -> Answer {
    Answer { kind: Some(kind.to_owned()), ..answer(status) }
}

fn worded(status: u16, message: &str) -> Answer {
    Answer { message: message.to_owned(), ..answer(status) }
}

fn window(used: f64, reset: i64) -> Snapshot {
    Snapshot {
        primary: Some(Window {
            used: Some(Percent::new(used)),
            minutes: Some(300),
            resets_at: Some(NOW + Span::seconds(reset)),
            ..Window::default()
        }),
        secondary: None,
        plan: None,
        limit_id: Some("codex".to_owned()),
        credits: None,
        status: 429,
        model: None,
        at: NOW,
        source: Source::Headers,
        ..Snapshot::default()
    }
}

#[test]
fn every_answer_falls_into_its_class() {
    for (name, answer, class) in [
        ("limit by type", typed(429, "usage_limit_reached"), Class::UsageLimit),
        ("limit by code", coded(429, "insufficient_quota"), Class::UsageLimit),
        ("limit by window", Answer { quota: vec![window(100.0, 60)], ..answer(429) }, Class::UsageLimit),
        (
            "99.6 % is no empty window",
            Answer { quota: vec![window(99.6, 60)], ..answer(429) },
            Class::Throttle,
        ),
        ("limit in a stream", coded(0, "usage_limit_reached"), Class::UsageLimit),
        ("throttle", coded(429, "rate_limit_exceeded"), Class::Throttle),
        ("throttle in a stream", coded(0, "rate_limit_exceeded"), Class::Throttle),
        ("bare 429", answer(429), Class::Throttle),
        ("plan gap by type", typed(429, "usage_not_included"), Class::PlanGap),
        ("plan gap by text", worded(403, "This is not included in your plan."), Class::PlanGap),
        ("model by code", coded(400, "model_not_supported_with_chatgpt_account"), Class::UnsupportedModel),
        (
            "model by detail",
            worded(400, "The 'x' model is not supported when using Codex with a ChatGPT account."),
            Class::UnsupportedModel,
        ),
        (
            "model gone",
            worded(404, "The model `x` does not exist or you do not have access to it."),
            Class::UnsupportedModel,
        ),
        ("503", answer(503), Class::Overload),
        ("529", answer(529), Class::Overload),
        ("overload in a stream", coded(0, "server_is_overloaded"), Class::Overload),
        ("slow down", coded(503, "slow_down"), Class::Overload),
        ("500", answer(500), Class::ServerError),
        ("server error in a stream", coded(0, "server_error"), Class::ServerError),
        ("409", answer(409), Class::Contention),
        ("401", answer(401), Class::AuthExpired),
        ("401 without a body", Answer { body: BodyKind::Empty, ..answer(401) }, Class::AuthExpired),
        ("revoked by code", coded(401, "token_revoked"), Class::AuthInvalidated),
        (
            "revoked by text",
            worded(401, "Your authentication token has been invalidated."),
            Class::AuthInvalidated,
        ),
        ("402", answer(402), Class::WorkspaceDisabled),
        ("workspace code", coded(403, "account_disabled"), Class::WorkspaceDisabled),
        ("workspace text", worded(403, "Your workspace was deactivated"), Class::WorkspaceDisabled),
        ("account text", worded(403, "This account has been closed."), Class::WorkspaceDisabled),
        ("403", answer(403), Class::Forbidden),
        ("edge", Answer { body: BodyKind::Edge, ..answer(403) }, Class::EdgeBlock),
        ("foreign by code", coded(400, "invalid_encrypted_content"), Class::ForeignContent),
        (
            "foreign by text",
            worded(400, "The encrypted content for item rs_1 could not be decrypted"),
            Class::ForeignContent,
        ),
        ("unknown response", coded(400, "previous_response_not_found"), Class::UnknownResponse),
        ("age of a socket", coded(400, "websocket_connection_limit_reached"), Class::SocketAge),
        ("400", answer(400), Class::ClientError),
        ("404", answer(404), Class::ClientError),
        ("context", coded(0, "context_length_exceeded"), Class::ClientError),
        ("unknown event", coded(0, "something_new"), Class::ClientError),
        ("region", coded(403, "unsupported_country_region_territory"), Class::EdgeBlock),
        ("region in words", worded(403, "Country, region, or territory not supported"), Class::EdgeBlock),
        (
            "an event about a dead session",
            worded(0, "Your token has been invalidated"),
            Class::AuthInvalidated,
        ),
        (
            "an event about a dead workspace",
            worded(0, "This workspace was deactivated"),
            Class::WorkspaceDisabled,
        ),
        ("302", answer(302), Class::Redirect),
        ("a server's own usage word is no limit", coded(500, "usage_limit_reached"), Class::ServerError),
    ] {
        assert_eq!(classify(&answer, NOW).class, class, "{name}");
    }
}

#[test]
fn the_wait_of_a_limit_is_found_in_the_order_of_trust() {
    let base = || typed(429, "usage_limit_reached");
    let at = |secs| Some(NOW + Span::seconds(secs));
    for (name, answer, wait) in [
        ("nothing", base(), Span::seconds(60)),
        ("message", Answer { message: "Please try again in 1.5s.".into(), ..base() }, Span::millis(1_500)),
        (
            "ratelimit header last",
            Answer { window_header: Some(Span::seconds(9)), ..base() },
            Span::seconds(9),
        ),
        (
            "header before body and message",
            Answer {
                retry_header: Some(Span::seconds(2)),
                retry_body: Some(Span::seconds(3)),
                message: "try again in 4s".into(),
                ..base()
            },
            Span::seconds(2),
        ),
        (
            "body before message",
            Answer { retry_body: Some(Span::seconds(3)), message: "try again in 4s".into(), ..base() },
            Span::seconds(3),
        ),
        (
            "a reset outlasts a retry header",
            Answer { resets_at: at(3_600), retry_header: Some(Span::seconds(2)), ..base() },
            Span::hours(1),
        ),
        ("seconds count too", Answer { resets_in: Some(Span::seconds(50)), ..base() }, Span::seconds(50)),
        (
            "the later of body and window",
            Answer { resets_at: at(100), quota: vec![window(100.0, 900)], ..base() },
            Span::seconds(900),
        ),
        ("a passed reset says nothing", Answer { resets_at: at(-5), ..base() }, Span::seconds(60)),
        ("a week at most", Answer { resets_in: Some(Span::days(40)), ..base() }, Span::days(7)),
    ] {
        assert_eq!(classify(&answer, NOW).wait, Some(wait), "{name}");
    }
}

#[test]
fn waits_in_words_are_understood() {
    for (text, wait) in [
        ("Please try again in 20ms", Some(Span::millis(20))),
        ("Try again in 3 minutes.", Some(Span::minutes(3))),
        ("try again in 2 hours", Some(Span::hours(2))),
        ("try again in 1 day", Some(Span::days(1))),
        ("try again in 7", Some(Span::seconds(7))),
        ("try again in a while", None),
        ("try again later", None),
        ("", None),
    ] {
        assert_eq!(told_wait(text), wait, "{text}");
    }
}

#[test]
fn a_limit_of_one_limit_id_reaches_its_models_only() {
    let limit = |id: Option<&str>| Answer {
        active_limit: id.map(str::to_owned),
        ..typed(429, "usage_limit_reached")
    };

    assert_eq!(classify(&limit(None), NOW).reach, Reach::Account);
    assert_eq!(classify(&limit(Some("codex")), NOW).reach, Reach::Account);
    assert_eq!(classify(&limit(Some("codex_bengalfox")), NOW).reach, Reach::Model);
    assert_eq!(classify(&answer(429), NOW).reach, Reach::Model);
}

#[test]
fn an_event_without_a_status_gets_the_one_its_class_stands_for() {
    assert_eq!(classify(&coded(0, "usage_limit_reached"), NOW).status, 429);
    assert_eq!(classify(&coded(0, "server_is_overloaded"), NOW).status, 503);
    assert_eq!(classify(&answer(418), NOW).status, 418);
}
