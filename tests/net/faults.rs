//! Every fault the back end can play, in the middle of a tool loop, through the real proxy: the turn ends as if nothing
//! had happened, with its whole history, or the client is told what it would have been told without us.

mod beginnings;

use std::time::Duration;

use codex_multi_auth::base::Secret;
use codex_multi_auth::formats::scenario::{Action, Endpoint, Rule, Scenario};
use codex_multi_auth::rehearsal::client::{Client, Target, Transport, TurnEnd, TurnError};
use pretty_assertions::assert_eq;

use crate::support::backend::{assert_clean, order};
use crate::support::stand::{PREFIX, Stand};

fn client(stand: &Stand, transport: Transport) -> Client {
    named(stand, transport, "thread-1")
}

fn named(stand: &Stand, transport: Transport, session: &str) -> Client {
    let target = Target {
        base_url: format!("http://127.0.0.1:{}/{PREFIX}/backend-api/codex", stand.port).into(),
        bearer: Secret::new("client-token"),
        account_id: "client-account".to_owned(),
        model: "gpt-5.5".to_owned(),
    };
    Client::new(target, session, transport).unwrap()
}

/// A turn of three steps, the second of which meets `action`.
async fn met(action: Action, transport: Transport) -> (Result<TurnEnd, TurnError>, Stand) {
    let word = action.word();
    let stand = Stand::start(Scenario::pool(["alpha", "bravo"])).await;
    stand.backend.script(Rule::everywhere(Endpoint::Turn, action).skip(1).once());
    let mut client = client(&stand, transport);
    let asked = client.turn("go REHEARSE{steps=2}");
    let end = tokio::time::timeout(Duration::from_secs(20), asked).await.expect("the turn ends");
    assert_happened(&stand, word);
    (end, stand)
}

/// Fails when the back end never played the action: the turn would have proved nothing.
#[track_caller]
fn assert_happened(stand: &Stand, word: &str) {
    let played = stand.backend.record().entries().iter().any(|entry| entry.action.as_deref() == Some(word));
    assert!(played, "{word} did not happen: {:?}", order(&stand.backend));
}

/// Retries of the client that a fault may cost: over HTTP, on a socket. A socket has to be opened anew to be served by
/// another account, which the client does without a word.
type Cost = (u32, u32);

/// Before the first business event: nobody notices.
const UNSEEN: Cost = (0, 1);
/// After it: the client asks again by itself.
const ASKED_AGAIN: Cost = (1, 1);
/// Nothing has to be done about it.
const HARMLESS: Cost = (0, 0);

fn survived() -> Vec<(Action, Cost)> {
    let connection_limit = Action::ErrorEvent {
        events: 0,
        status: 400,
        code: "websocket_connection_limit_reached".to_owned(),
        message: String::new(),
    };
    vec![
        (Action::usage_limit(), UNSEEN),
        (Action::Exhaust { resets_in: None }, UNSEEN),
        (Action::throttle(), UNSEEN),
        (Action::Throttle { retry_after: None }, UNSEEN),
        (Action::PlanGap, UNSEEN),
        (Action::Unauthorized, UNSEEN),
        (Action::UnauthorizedEmpty, UNSEEN),
        (Action::Invalidated, UNSEEN),
        (Action::Deactivated, UNSEEN),
        (Action::WorkspaceDisabled, UNSEEN),
        (Action::Forbidden, UNSEEN),
        (Action::ModelUnsupported, UNSEEN),
        (Action::server_error(), UNSEEN),
        (Action::ServerError { status: 502 }, UNSEEN),
        (Action::Overloaded, UNSEEN),
        (Action::ForeignContent, UNSEEN),
        (Action::Drop, UNSEEN),
        (Action::Cut { events: 0 }, UNSEEN),
        (Action::Cut { events: 2 }, UNSEEN),
        (Action::Truncate { events: 2 }, UNSEEN),
        (Action::fail("server_error", 0), UNSEEN),
        (Action::fail("usage_limit_reached", 0), UNSEEN),
        (Action::Close { events: 0, code: 1011 }, UNSEEN),
        (Action::Cut { events: 8 }, ASKED_AGAIN),
        (Action::Tear { events: 8 }, ASKED_AGAIN),
        (Action::Truncate { events: 8 }, ASKED_AGAIN),
        (Action::fail("server_error", 8), ASKED_AGAIN),
        (Action::Close { events: 8, code: 1011 }, ASKED_AGAIN),
        (Action::Huge { events: 5, bytes: 3 << 20 }, HARMLESS),
        (Action::Slow { delay: codex_multi_auth::base::Span::millis(300) }, HARMLESS),
        (connection_limit, ASKED_AGAIN),
    ]
}

async fn every_fault_is_survived(transport: Transport) {
    let mut failures = Vec::new();
    for (action, (over_http, on_socket)) in survived() {
        let allowed = if transport == Transport::Http { over_http } else { on_socket };
        let name = format!("{action:?}");

        let (end, stand) = met(action, transport).await;

        assert_clean(&stand.backend);
        let orders = order(&stand.backend);
        let Ok(end) = end else {
            failures.push(format!("{name}: {end:?} after {orders:?}"));
            continue;
        };
        let whole = end.text.contains("[prompts=1 outputs=2 account=");
        if end.commands != ["echo step-1", "echo step-2"] || !whole || end.retries > allowed {
            failures.push(format!("{name}: {end:?} after {orders:?}, allowed {allowed} retries"));
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
}

#[tokio::test]
async fn over_http_every_fault_in_the_middle_of_a_turn_is_survived() {
    every_fault_is_survived(Transport::Http).await;
}

#[tokio::test]
async fn on_a_socket_every_fault_in_the_middle_of_a_turn_is_survived() {
    every_fault_is_survived(Transport::Socket).await;
}

#[tokio::test]
async fn what_only_the_client_can_mend_reaches_it_as_it_is() {
    for transport in [Transport::Http, Transport::Socket] {
        let (end, stand) = met(Action::BadRequest, transport).await;

        let error = TurnError::Refused {
            status: 400,
            code: "invalid_value".to_owned(),
            message: "Invalid value in `input`.".to_owned(),
        };
        assert_eq!(end, Err(error), "{transport:?}");
        assert_eq!(order(&stand.backend).len(), 2, "{transport:?}");
        assert_clean(&stand.backend);
    }
}

#[tokio::test]
async fn a_pool_that_runs_dry_in_the_middle_of_a_turn_ends_it_at_once() {
    for transport in [Transport::Http, Transport::Socket] {
        let stand = Stand::start(Scenario::pool(["alpha", "bravo"])).await;
        stand.backend.script(Rule::everywhere(Endpoint::Turn, Action::Exhaust { resets_in: None }).skip(1));

        let end = client(&stand, transport).turn("go REHEARSE{steps=2}").await;

        assert!(matches!(end, Err(TurnError::Limit(_))), "{transport:?}: {end:?}");
        assert_clean(&stand.backend);
    }
}

#[tokio::test]
async fn a_conversation_outlives_the_account_it_began_on() {
    for transport in [Transport::Http, Transport::Socket] {
        let stand = Stand::start(Scenario::pool(["alpha", "bravo"])).await;
        let mut client = client(&stand, transport);
        client.turn("first REHEARSE{steps=1}").await.unwrap();
        let first = stand.backend.record().turns()[0].account.clone().unwrap();
        stand.backend.script(Rule::on(&first, Endpoint::Turn, Action::Exhaust { resets_in: None }));

        let second = client.turn("second REHEARSE{steps=1}").await.unwrap();
        let third = client.turn("third").await.unwrap();

        assert!(second.text.contains("[prompts=2 outputs=2 account="), "{transport:?}: {}", second.text);
        assert!(!third.text.contains(&format!("account={first}]")), "{transport:?}: {}", third.text);
        assert_clean(&stand.backend);
    }
}
