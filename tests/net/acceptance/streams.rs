//! 7: what is held back before a stream is committed, and what ends one that is.

use std::time::Duration;

use http_body_util::BodyExt as _;
use pretty_assertions::assert_eq;

use codex_multi_auth::base::Span;
use codex_multi_auth::formats::scenario::{Action, Endpoint, Rule, Scenario};

use crate::support::backend::order;
use crate::support::origin::{Origin, PAUSE, answer};
use crate::support::stand::{Stand, turn};

#[tokio::test]
async fn a_limit_after_output_ends_the_stream_and_rests_its_account() {
    let stand = Stand::start(Scenario::pool(["alpha", "bravo"])).await;
    stand.backend.script(Rule::everywhere(Endpoint::Http, Action::fail("insufficient_quota", 5)).once());

    // Cut at once, not even the head may have left.
    let is_whole = match stand.send(turn("thread", "hello")).await {
        Ok(response) => response.into_body().collect().await.is_ok(),
        Err(_) => false,
    };
    let (status, _, text) = stand.turn("thread", "hello").await;

    assert!(!is_whole, "forwarded, it would end the client's turn");
    assert!(status == 200 && text.contains("response.completed"), "{text}");
    assert_eq!(order(&stand.backend).len(), 2);
    let accounts: Vec<_> =
        stand.backend.record().turns().into_iter().filter_map(|entry| entry.account).collect();
    assert_ne!(accounts[0], accounts[1]);
    let limited = stand.until(|kept| {
        kept.roster
            .accounts
            .iter()
            .find(|account| !account.limits.is_empty())
            .map(|account| account.key.clone())
    });
    assert_eq!(limited.await.as_str(), format!("record:{}", accounts[0]));
}

#[tokio::test]
async fn silence_after_the_lifecycle_commits_when_its_time_is_over() {
    let stand = Stand::with(Scenario::pool(["alpha"]), |settings| {
        settings.sse_holdback = Span::millis(300);
    })
    .await;
    stand.backend.script(Rule::everywhere(Endpoint::Http, Action::Stall { events: 1 }).once());

    let mut response = tokio::time::timeout(Duration::from_secs(5), stand.send(turn("thread", "hello")))
        .await
        .expect("the head comes without an event")
        .unwrap();
    let first = response.body_mut().frame().await.unwrap().unwrap().into_data().unwrap();

    assert_eq!(response.status(), 200);
    assert!(first.starts_with(b"event: response.created"), "{first:?}");
}

#[tokio::test]
async fn more_lifecycle_than_may_be_held_commits_at_once() {
    let padding = "x".repeat(70 * 1024);
    let body = format!(
        "event: response.created\ndata: {{\"type\":\"response.created\",\"padding\":\"{padding}\"}}\n\n{PAUSE}\
         event: response.failed\ndata: {{\"type\":\"response.failed\",\"response\":{{\"error\":{{\"code\":\"server_error\",\"message\":\"x\"}}}}}}\n\n"
    );
    let said = answer("200 OK", "content-type: text/event-stream\r\n", &body);
    let origin = Origin::start(move |_| said.clone()).await;
    let url = origin.url();
    let stand =
        Stand::start(Scenario::pool(["alpha", "bravo"]).with("alpha", |player| player.origin = url)).await;
    stand.brief(|briefing| {
        briefing.revision += 1;
        let mut roster = (*briefing.roster).clone();
        roster.accounts.truncate(1);
        briefing.roster = std::sync::Arc::new(roster);
    });
    tokio::time::sleep(Duration::from_millis(50)).await;

    let (status, _, text) = stand.turn("thread", "hello").await;

    assert_eq!(status, 200);
    assert_eq!(text, body.replace(PAUSE, ""), "what is committed goes on as it is");
    assert_eq!(origin.came().len(), 1);
}
