//! The simulated client keeps to the rules of the official one.

use codex_multi_auth::formats::scenario::{Action, Endpoint, Rule, Scenario};
use codex_multi_auth::rehearsal::backend::Backend;
use codex_multi_auth::rehearsal::client::{Client, Target, Transport, TurnError};
use pretty_assertions::assert_eq;

use crate::support::backend::{assert_clean, order, start};

fn client(backend: &Backend, transport: Transport) -> Client {
    let tokens = backend.tokens("one").unwrap();
    let target = Target {
        base_url: format!("{}/codex", backend.upstream_url()).into(),
        bearer: tokens.access,
        account_id: tokens.account_id,
        model: "gpt-5.5".to_owned(),
    };
    Client::new(target, "thread-1", transport).unwrap()
}

const BOTH: [Transport; 2] = [Transport::Socket, Transport::Http];

#[tokio::test]
async fn a_conversation_goes_on_over_several_turns_with_tool_loops() {
    for transport in BOTH {
        let backend = start(Scenario::pool(["one"])).await;
        let mut client = client(&backend, transport);

        let first = client.turn("first REHEARSE{steps=2}").await.unwrap();
        let second = client.turn("second REHEARSE{steps=1}").await.unwrap();

        assert_eq!(first.commands, ["echo step-1", "echo step-2"], "{transport:?}");
        assert_eq!(
            second.text,
            "Rehearsed answer to: second REHEARSE{steps=1} [prompts=2 outputs=3 account=one]"
        );
        assert_eq!(first.sockets + second.sockets, u32::from(transport == Transport::Socket));
        assert_clean(&backend);
    }
}

#[tokio::test(start_paused = true)]
async fn a_broken_answer_is_asked_for_again_with_the_whole_context() {
    let breaks = [
        Action::Cut { events: 5 },
        Action::Truncate { events: 5 },
        Action::server_error(),
        Action::fail("server_error", 3),
    ];
    for action in breaks {
        for transport in BOTH {
            let word = action.word();
            let rule = Rule::on("one", Endpoint::Turn, action.clone()).skip(1).once();
            let backend = start(Scenario::pool(["one"]).rule(rule)).await;

            let end = client(&backend, transport).turn("go REHEARSE{steps=2}").await.unwrap();

            assert_eq!(end.commands, ["echo step-1", "echo step-2"], "{word} {transport:?}");
            assert_eq!(end.retries, 1, "{word} {transport:?}");
        }
    }
}

#[tokio::test]
async fn a_usage_limit_ends_the_turn_at_once() {
    for transport in BOTH {
        let rule = Rule::on("one", Endpoint::Turn, Action::usage_limit());
        let backend = start(Scenario::pool(["one"]).rule(rule)).await;

        let error = client(&backend, transport).turn("go").await.unwrap_err();

        assert_eq!(error, TurnError::Limit("The usage limit has been reached".to_owned()), "{transport:?}");
        assert_eq!(order(&backend), ["one 429"]);
    }
}

#[tokio::test]
async fn a_rotation_frame_brings_the_client_back_with_everything() {
    let code = "websocket_connection_limit_reached".to_owned();
    let rotation = Action::ErrorEvent { events: 0, status: 400, code, message: String::new() };
    let rule = Rule::on("one", Endpoint::Frame, rotation).skip(1).once();
    let backend = start(Scenario::pool(["one"]).rule(rule)).await;

    let end = client(&backend, Transport::Socket).turn("go REHEARSE{steps=2}").await.unwrap();

    assert_eq!((end.sockets, end.retries), (2, 1));
    let previous: Vec<_> = backend.record().turns().iter().map(|turn| turn.previous.is_some()).collect();
    assert_eq!(previous, [true, true, false, true]);
}

#[tokio::test]
async fn a_refused_upgrade_means_http_for_the_rest_of_the_session() {
    let rule = Rule::everywhere(Endpoint::Upgrade, Action::UpgradeRequired);
    let backend = start(Scenario::pool(["one"]).rule(rule)).await;
    let mut client = client(&backend, Transport::Socket);

    client.turn("one").await.unwrap();
    client.turn("two").await.unwrap();

    assert_eq!(client.transport(), Transport::Http);
    assert_eq!(backend.record().at("upgrade").len(), 1);
}
