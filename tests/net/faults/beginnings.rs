//! Faults before the first event: at the upgrade, at the prewarm, in what the proxy asks for itself, and silence.

use codex_multi_auth::base::{Secret, Span};
use codex_multi_auth::domain::settings::Settings;
use codex_multi_auth::formats::scenario::Traffic;
use codex_multi_auth::rehearsal::backend::Outcome;
use codex_multi_auth::rehearsal::client::{Play, Target, play};
use codex_multi_auth::rehearsal::scenario;
use tokio_util::sync::CancellationToken;

use pretty_assertions::assert_eq;

use crate::support::backend::order;
use crate::support::stand::PREFIX;

use super::{
    Action, Duration, Endpoint, Rule, Scenario, Stand, Transport, TurnEnd, TurnError, assert_clean,
    assert_happened, client, named,
};

/// A turn of three steps; the `skip`-th and following requests to `endpoint` meet `action`, `times` times.
async fn begun(
    rule: Rule,
    transport: Transport,
    change: impl FnOnce(&mut Settings),
) -> (Result<TurnEnd, TurnError>, Stand) {
    let stand = Stand::with(Scenario::pool(["alpha", "bravo"]), change).await;
    let word = rule.action.word();
    stand.backend.script(rule);
    let mut client = client(&stand, transport);
    let asked = client.turn("go REHEARSE{steps=2}");
    let end = tokio::time::timeout(Duration::from_secs(20), asked).await.expect("the turn ends");
    assert_happened(&stand, word);
    (end, stand)
}

#[track_caller]
fn assert_whole(end: &Result<TurnEnd, TurnError>, stand: &Stand, name: &str) {
    let Ok(end) = end else { panic!("{name}: {end:?} after {:?}", stand.backend.record().order()) };
    assert_eq!(end.commands, ["echo step-1", "echo step-2"], "{name}");
    assert!(end.text.contains("[prompts=1 outputs=2 account="), "{name}: {}", end.text);
    assert!(end.retries <= 2, "{name}: {end:?}");
    assert_clean(&stand.backend);
}

#[tokio::test]
async fn a_fault_at_the_upgrade_or_the_prewarm_costs_no_turn() {
    let actions = || {
        [
            Action::usage_limit(),
            Action::Exhaust { resets_in: None },
            Action::throttle(),
            Action::Unauthorized,
            Action::Invalidated,
            Action::Deactivated,
            Action::Forbidden,
            Action::server_error(),
            Action::Overloaded,
            Action::Drop,
        ]
    };
    for endpoint in [Endpoint::Upgrade, Endpoint::Prewarm] {
        for action in actions() {
            let name = format!("{endpoint:?} {action:?}");

            let (end, stand) =
                begun(Rule::everywhere(endpoint, action).once(), Transport::Socket, |_| {}).await;

            assert_whole(&end, &stand, &name);
        }
    }
}

#[tokio::test]
async fn a_back_end_that_speaks_no_web_socket_is_reached_over_http() {
    let rule = Rule::everywhere(Endpoint::Upgrade, Action::UpgradeRequired);

    let (end, stand) = begun(rule, Transport::Socket, |_| {}).await;

    assert_whole(&end, &stand, "426");
    assert!(stand.backend.record().turns().iter().all(|turn| turn.transport == "http"));
}

#[tokio::test]
async fn silence_is_given_up_after_its_time() {
    let silent = [Action::Hang, Action::Stall { events: 2 }, Action::Stall { events: 8 }];
    for transport in [Transport::Http, Transport::Socket] {
        for action in silent.clone() {
            let name = format!("{transport:?} {action:?}");
            let rule = Rule::everywhere(Endpoint::Turn, action).skip(1).once();
            let impatient = |settings: &mut Settings| {
                settings.stream_stall = Span::millis(400);
                settings.fetch_timeout = Span::millis(400);
            };

            let (end, stand) = begun(rule, transport, impatient).await;

            assert_whole(&end, &stand, &name);
        }
    }
}

#[tokio::test]
async fn nonsense_in_an_answer_ends_no_turn() {
    for transport in [Transport::Http, Transport::Socket] {
        for action in [Action::Malformed { events: 4 }, Action::Binary { events: 4 }, Action::Empty] {
            let name = format!("{transport:?} {action:?}");
            let rule = Rule::everywhere(Endpoint::Turn, action).skip(1).once();

            let (end, stand) = begun(rule, transport, |_| {}).await;

            assert_whole(&end, &stand, &name);
        }
    }
}

#[tokio::test]
async fn a_failing_workspace_question_costs_no_turn() {
    let actions = [
        Action::server_error(),
        Action::Garbage,
        Action::Empty,
        Action::Drop,
        Action::NotListed,
        Action::Deactivated,
        Action::Unauthorized,
        Action::throttle(),
    ];
    for action in actions {
        let name = format!("{action:?}");
        let rule = Rule::on("alpha", Endpoint::Check, action);

        let (end, stand) = begun(rule, Transport::Http, |_| {}).await;

        assert_whole(&end, &stand, &name);
    }
}

#[tokio::test]
async fn a_constrained_workspace_is_reached_with_its_header() {
    let constrained =
        |name: &str| Scenario::pool(["alpha"]).with(name, |player| player.routing = "us".to_owned());
    for transport in [Transport::Http, Transport::Socket] {
        let stand = Stand::start(constrained("alpha")).await;

        client(&stand, transport).turn("go").await.unwrap();

        let turns = stand.backend.record().turns();
        assert!(turns.iter().all(|turn| turn.routing.as_deref() == Some("us")), "{transport:?} {turns:#?}");
    }
}

#[tokio::test]
async fn conversations_side_by_side_keep_their_histories_apart() {
    let stand = Stand::start(Scenario::pool(["alpha", "bravo", "charlie"])).await;
    stand.backend.script(Rule {
        every: 5,
        ..Rule::everywhere(Endpoint::Turn, Action::usage_limit()).skip(3).times(2)
    });
    let sessions = (0..8).map(|n| {
        let transport = if n % 2 == 0 { Transport::Http } else { Transport::Socket };
        let mut client = named(&stand, transport, &format!("thread-{n}"));
        async move {
            let mut texts = Vec::new();
            for turn in 1..=3 {
                texts.push(
                    client.turn(&format!("session {n} turn {turn} REHEARSE{{steps=1}}")).await.unwrap().text,
                );
            }
            (n, texts)
        }
    });

    for (n, texts) in futures_util::future::join_all(sessions).await {
        for (turn, text) in texts.iter().enumerate() {
            let turn = turn + 1;
            assert!(text.contains(&format!("session {n} turn {turn}")), "{text}");
            assert!(text.contains(&format!("[prompts={turn} outputs={turn} ")), "{text}");
        }
    }
    assert_clean(&stand.backend);
}

#[tokio::test]
async fn a_storm_over_many_sessions_breaks_no_rule() {
    let mut scenario = scenario::find("storm").unwrap();
    scenario.rules.retain(|rule| !matches!(rule.action, Action::Slow { .. }));
    scenario.script.gap = Span::ZERO;
    scenario.script.think = Span::ZERO;
    let traffic = Traffic { sessions: 6, http: 3, pause: Span::millis(20), ..scenario.traffic.clone() };
    let stand = Stand::start(scenario).await;
    let stop = CancellationToken::new();
    let base_url = format!("http://127.0.0.1:{}/{PREFIX}/backend-api/codex", stand.port);
    let target = Target {
        base_url: base_url.into(),
        bearer: Secret::new("client-token"),
        account_id: "client-account".to_owned(),
        model: "gpt-5.5".to_owned(),
    };
    let playing = tokio::spawn(play(Play { target, traffic, seed: 7 }, stop.clone()));

    let answered =
        || stand.backend.record().turns().iter().filter(|turn| turn.outcome == Outcome::Answered).count();
    let deadline = tokio::time::Instant::now() + Duration::from_mins(1);
    while answered() < 30 && tokio::time::Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    stop.cancel();
    playing.await.unwrap();

    assert!(answered() >= 30, "{} answers: {:?}", answered(), order(&stand.backend));
    assert_clean(&stand.backend);
}
