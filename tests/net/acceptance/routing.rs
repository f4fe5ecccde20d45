//! 12: where an account's requests go, and with which header.

use pretty_assertions::assert_eq;

use codex_multi_auth::formats::scenario::{Action, Endpoint, Listed, Rule, Scenario};

use crate::support::backend::assert_clean;
use crate::support::origin::{Origin, turn};
use crate::support::stand::Stand;

fn checks(stand: &Stand) -> usize {
    stand.backend.record().entries().iter().filter(|entry| entry.path.ends_with("accounts/check")).count()
}

#[tokio::test]
async fn each_account_has_its_own_origin_and_override_and_is_asked_once() {
    let origin = Origin::start(|_| turn()).await;
    let url = origin.url();
    let scenario = Scenario::pool(["alpha", "bravo"])
        .with("alpha", |player| player.origin = url)
        .with("bravo", |player| player.routing = "us_cr".to_owned());
    let stand = Stand::start(scenario).await;
    let pin = |name: &str| {
        let key = codex_multi_auth::domain::account::AccountKey::new(format!("record:{name}"));
        stand.brief(|briefing| {
            briefing.revision += 1;
            briefing.forced = Some(key);
        });
    };

    for _ in 0..3 {
        pin("alpha");
        assert_eq!(stand.turn("a", "hello").await.0, 200);
        pin("bravo");
        assert_eq!(stand.turn("b", "hello").await.0, 200);
    }

    assert_eq!(origin.came().len(), 3, "alpha is served at its origin only");
    assert!(origin.came().iter().all(|came| came.all("x-openai-account-routing-override").is_empty()));
    let turns = stand.backend.record().turns();
    let seen: Vec<_> =
        turns.iter().map(|entry| (entry.account.as_deref(), entry.routing.as_deref())).collect();
    assert_eq!(seen, vec![(Some("bravo"), Some("us_cr")); 3]);
    assert_eq!(checks(&stand), 2);
    assert_clean(&stand.backend);
}

#[tokio::test]
async fn a_workspace_that_may_not_be_used_is_left_for_another() {
    for case in ["deactivated", "not listed"] {
        let scenario = Scenario::pool(["alpha", "bravo"]).with("alpha", |player| match case {
            "deactivated" => player.deactivated = true,
            _ => player.listed = Listed::No,
        });
        let stand = Stand::start(scenario).await;

        for thread in ["a", "b", "c"] {
            assert_eq!(stand.turn(thread, "hello").await.0, 200, "{case}");
        }

        let served: Vec<_> =
            stand.backend.record().turns().into_iter().filter_map(|entry| entry.account).collect();
        assert_eq!(served, ["bravo"; 3], "{case}");
    }
}

#[tokio::test]
async fn an_unanswered_question_and_a_strange_answer_constrain_nobody() {
    for (case, action) in [
        ("500", Some(Action::server_error())),
        ("dropped", Some(Action::Drop)),
        ("garbage", Some(Action::Garbage)),
        ("an origin with a path", None),
    ] {
        let scenario = Scenario::pool(["alpha"]).with("alpha", |player| {
            if action.is_none() {
                player.origin = "https://evil.example/path?x=1".to_owned();
            }
        });
        let stand = Stand::start(scenario).await;
        if let Some(action) = action {
            stand.backend.script(Rule::everywhere(Endpoint::Check, action));
        }

        let (status, _, text) = stand.turn("a", "hello").await;

        assert_eq!(status, 200, "{case}: {text}");
        assert_eq!(stand.backend.record().turns()[0].routing, None, "{case}");
    }
}
