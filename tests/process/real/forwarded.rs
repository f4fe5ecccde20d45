//! The client started by our forwarder: everything that may go wrong with an account, none of it seen by the user.

use std::collections::BTreeSet;

use codex_multi_auth::base::Span;
use codex_multi_auth::formats::scenario::{Action, Endpoint, Listed, Player, Rule, Scenario};

use super::*;

/// Runs the loop through the forwarder.
fn forwarded(stage: &Genuine, over: Over) -> Turn {
    let mut command = stage.exec(Way::Forwarded, LOOP);
    if over == Over::Http {
        command.env("CODEX_MULTI_AUTH_WEBSOCKET", "0");
    }
    Turn::of(stage, run(&mut command))
}

#[test]
fn a_healthy_account_serves_the_whole_turn() {
    for over in BOTH {
        let Some(stage) = Genuine::with(two()) else { return };

        forwarded(&stage, over).assert_whole();

        assert_eq!(served_by(&stage), ["one"], "{over:?}");
        assert_came(&stage, over);
        assert_clean(&stage);
    }
}

#[test]
fn a_limit_in_the_middle_of_a_turn_is_not_seen() {
    for over in BOTH {
        let limit = Rule::on("one", Endpoint::Turn, Action::usage_limit()).skip(2);
        let Some(stage) = Genuine::with(two().rule(limit)) else { return };

        forwarded(&stage, over).assert_whole();

        assert_eq!(served_by(&stage), ["one", "two"], "{over:?} {:?}", order(&stage));
        assert_eq!(last_context(&stage), Some((1, 4)), "{over:?}");
        assert_came(&stage, over);
        assert_clean(&stage);
    }
}

#[test]
fn an_account_that_is_empty_at_the_start_is_replaced() {
    for over in BOTH {
        let limits =
            [Endpoint::Turn, Endpoint::Prewarm].map(|place| Rule::on("one", place, Action::usage_limit()));
        let Some(stage) = Genuine::with(limits.into_iter().fold(two(), Scenario::rule)) else { return };

        forwarded(&stage, over).assert_whole();

        assert_eq!(served_by(&stage), ["two"], "{over:?} {:?}", order(&stage));
        assert_clean(&stage);
    }
}

#[test]
fn an_expired_access_token_is_refreshed_once() {
    for over in BOTH {
        let scenario = two().with("one", |one| one.token_left = Some(Span::hours(-1)));
        let Some(stage) = Genuine::with(scenario) else { return };
        let before = stage.home.auth();

        forwarded(&stage, over).assert_whole();

        assert_eq!(served_by(&stage), ["one"], "{over:?}");
        assert_eq!(stage.play.backend().record().at("token").len(), 1, "{over:?}");
        let after = stage.home.auth();
        assert_ne!(after["tokens"]["access_token"], before["tokens"]["access_token"]);
        assert_eq!(after["tokens"]["account_id"], before["tokens"]["account_id"]);
        assert_eq!(after["tokens"]["refresh_token"], stage.home.pool()["accounts"][0]["refreshToken"]);
        assert_clean(&stage);
    }
}

#[test]
fn a_token_that_ends_inside_the_turn_is_refreshed_once() {
    for over in BOTH {
        let unauthorized = Rule::on("one", Endpoint::Turn, Action::Unauthorized).skip(1).once();
        let Some(stage) = Genuine::with(two().rule(unauthorized)) else { return };

        forwarded(&stage, over).assert_whole();

        assert!(stage.play.backend().record().at("token").len() <= 1, "{over:?}");
        assert_clean(&stage);
    }
}

#[test]
fn a_signed_out_account_is_replaced() {
    for over in BOTH {
        let scenario = two().with("one", |one| {
            one.token_left = Some(Span::hours(-1));
            one.signed_out = true;
        });
        let Some(stage) = Genuine::with(scenario) else { return };
        stage.home.write_auth(&stage.play.login("two"));

        forwarded(&stage, over).assert_whole();

        assert_eq!(served_by(&stage), ["two"], "{over:?}");
        assert_clean(&stage);
    }
}

#[test]
fn a_deactivated_account_is_replaced() {
    for over in BOTH {
        let Some(stage) = Genuine::with(two().with("one", |one| one.deactivated = true)) else { return };
        stage.home.write_auth(&stage.play.login("two"));

        forwarded(&stage, over).assert_whole();

        assert_eq!(served_by(&stage), ["two"], "{over:?}");
        assert_clean(&stage);
    }
}

#[test]
fn a_dead_official_login_is_replaced_before_the_client_starts() {
    type Kill = fn(&mut Player);
    let deaths: [(&str, Kill); 3] = [
        ("signed out", |one| {
            one.token_left = Some(Span::hours(-1));
            one.signed_out = true;
        }),
        ("deactivated", |one| one.deactivated = true),
        ("not listed", |one| one.listed = Listed::No),
    ];
    for (name, kill) in deaths {
        let Some(stage) = Genuine::with(two().with("one", kill)) else { return };

        forwarded(&stage, Over::Socket).assert_whole();

        let official = stage.home.auth();
        assert_eq!(official["tokens"]["account_id"], stage.play.login("two").account_id.as_str(), "{name}");
        assert_eq!(served_by(&stage), ["two"], "{name}");
        assert_clean(&stage);
    }
}

#[test]
fn server_errors_of_one_account_are_not_seen() {
    for over in BOTH {
        let broken = Rule::on("one", Endpoint::Turn, Action::server_error());
        let Some(stage) = Genuine::with(two().rule(broken)) else { return };

        forwarded(&stage, over).assert_whole();

        assert_eq!(served_by(&stage), ["two"], "{over:?} {:?}", order(&stage));
        assert_clean(&stage);
    }
}

#[test]
fn a_stream_cut_in_the_middle_is_taken_up_again() {
    for over in BOTH {
        let cut = Rule::on("one", Endpoint::Turn, Action::Cut { events: 8 }).skip(1).once();
        let Some(stage) = Genuine::with(two().rule(cut)) else { return };

        let turn = forwarded(&stage, over);

        assert_eq!(turn.ran.code(), 0, "{over:?}\n{}", turn.all());
        assert_eq!(turn.count("turn.completed"), 1, "{over:?}\n{}", turn.all());
        assert_clean(&stage);
    }
}

#[test]
fn reasoning_of_another_account_does_not_end_the_turn() {
    for over in BOTH {
        let limit = Rule::on("one", Endpoint::Turn, Action::usage_limit()).skip(3);
        let Some(stage) = Genuine::with(two().rule(limit)) else { return };

        forwarded(&stage, over).assert_whole();

        let order = order(&stage);
        assert!(
            order.contains(&("two".to_owned(), 400)),
            "the back end binds reasoning to its account: {order:?}"
        );
        assert_eq!(order.last(), Some(&("two".to_owned(), 200)), "{over:?} {order:?}");
        assert_clean(&stage);
    }
}

#[test]
fn an_exhausted_pool_ends_at_once_with_the_limit() {
    for over in BOTH {
        let limit = Rule::everywhere(Endpoint::Turn, Action::UsageLimit { resets_in: Span::hours(2) });
        let Some(stage) = Genuine::with(two().rule(limit)) else { return };

        let turn = forwarded(&stage, over);

        assert_eq!(turn.ran.code(), 1, "{over:?}\n{}", turn.all());
        let said = format!("{}{}", turn.ran.stdout, turn.ran.stderr);
        assert!(said.contains("usage limit"), "{over:?}\n{said}");
        assert!(said.contains("try again at"), "{over:?}\n{said}");
        assert!(!said.contains("Reconnecting"), "{over:?}\n{said}");
        let asked = order(&stage).len();
        assert!(asked <= 4, "{over:?}: {asked} turns reached a pool that has nothing left");
        assert_clean(&stage);
    }
}

#[test]
fn sessions_go_on_in_both_directions() {
    for (first, second) in [(Way::Straight, Way::Forwarded), (Way::Forwarded, Way::Straight)] {
        let Some(stage) = Genuine::with(two()) else { return };

        let before = Turn::of(&stage, run(&mut stage.exec(first, LOOP)));
        let after = Turn::of(&stage, run(&mut stage.resume(second, "and again REHEARSE{steps=1}")));

        before.assert_whole();
        assert_eq!(after.ran.code(), 0, "{second:?}\n{}", after.all());
        let thread = |turn: &Turn| turn.events.first().map(|event| event["thread_id"].clone());
        assert_eq!(thread(&before), thread(&after), "{first:?} then {second:?}");
        assert_eq!(last_context(&stage), Some((2, 5)), "{first:?} then {second:?}");
        assert_eq!(providers(&stage), BTreeSet::from(["openai".to_owned()]));
        assert_clean(&stage);
    }
}

/// The provider id of every recorded session.
fn providers(stage: &Genuine) -> BTreeSet<String> {
    let files = stage.home.files();
    let sessions = files.iter().filter(|(path, _)| path.extension().is_some_and(|end| end == "jsonl"));
    let heads = sessions.filter_map(|(_, text)| text.split(|byte| *byte == b'\n').next());
    let heads = heads.filter_map(|line| serde_json::from_slice::<Value>(line).ok());
    heads.filter_map(|head| head["payload"]["model_provider"].as_str().map(str::to_owned)).collect()
}
