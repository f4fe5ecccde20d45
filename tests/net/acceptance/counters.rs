//! 15: counters only rise, however many turns run at once, and end where the turns say.

use futures_util::future::join_all;
use pretty_assertions::assert_eq;

use codex_multi_auth::formats::scenario::{Action, Endpoint, Rule, Scenario};

use crate::support::stand::{Stand, post, turn, whole};

/// Turns at once, rounds of them.
const AT_ONCE: usize = 12;
const ROUNDS: usize = 4;

async fn figures(stand: &Stand) -> Vec<u64> {
    let path = Stand::path("").replace("backend-api/codex/", "status");
    let mut request = post(&path).body(http_body_util::Full::default()).unwrap();
    *request.method_mut() = http::Method::GET;
    let (status, _, text) = whole(stand.send(request).await.unwrap()).await.unwrap();
    assert_eq!(status, 200, "{text}");
    let told: serde_json::Value = serde_json::from_str(&text).unwrap();
    let names =
        ["totalRequests", "successfulRequests", "failedRequests", "rotations", "upstreamRequests", "retries"];
    names.iter().map(|name| told[*name].as_u64().unwrap_or_else(|| panic!("{name}: {told:#}"))).collect()
}

#[tokio::test]
async fn counters_only_rise_under_many_turns_at_once_and_end_where_the_turns_do() {
    let stand = Stand::start(Scenario::pool(["alpha", "bravo", "charlie"])).await;
    let busy =
        Action::Refuse { status: 503, code: "server_is_overloaded".to_owned(), message: "busy".to_owned() };
    stand.backend.script(Rule::everywhere(Endpoint::Http, busy).once());

    let talking = async {
        for round in 0..ROUNDS {
            let turns = (0..AT_ONCE).map(|number| stand.send(turn(&format!("{round}-{number}"), "hello")));
            for answer in join_all(turns).await {
                let (status, _, text) = whole(answer.unwrap()).await.unwrap();
                assert_eq!(status, 200, "{text}");
            }
        }
    };
    let watching = async {
        let mut seen = figures(&stand).await;
        loop {
            let next = figures(&stand).await;
            for (before, after) in seen.iter().zip(&next) {
                assert!(before <= after, "{seen:?} fell to {next:?}");
            }
            seen = next;
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        () = talking => {}
        () = watching => {}
    }

    let total = u64::try_from(AT_ONCE * ROUNDS).unwrap();
    // The row of an answer is written when its last byte has gone.
    let done = async {
        loop {
            let seen = figures(&stand).await;
            if seen[0] == total && seen[1] == total {
                return seen;
            }
        }
    };
    let seen = tokio::time::timeout(std::time::Duration::from_secs(20), done)
        .await
        .expect("every turn is counted once");
    assert_eq!(seen[2], 0, "none failed");
    assert_eq!(seen[4], total + 1, "one was sent twice");
}
