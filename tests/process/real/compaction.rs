//! A history that is compacted on the way: the client goes on from what only the account that compacted it can read.

use super::{Genuine, LOOP, Turn, Way, assert_clean, run, two};

/// Little enough for every step to compact what came before.
const LIMIT: &str = "model_auto_compact_token_limit=3000";

const FREELY: &str = "--dangerously-bypass-approvals-and-sandbox";

fn compacting(way: Way) {
    let Some(stage) = Genuine::with(two()) else { return };

    let words = ["-c", LIMIT, "exec", "--json", "--skip-git-repo-check", FREELY, LOOP];
    let turn = Turn::of(&stage, run(&mut stage.command(way, &words)));

    turn.assert_whole();
    let restarts =
        stage.play.backend().record().turns().iter().filter(|turn| turn.context == Some((1, 0))).count();
    assert!(restarts > 1, "nothing was compacted");
    assert_clean(&stage);
}

#[test]
fn the_client_compacts_its_history_and_goes_on() {
    compacting(Way::Straight);
}

#[test]
fn a_compacted_history_passes_through_the_forwarder() {
    compacting(Way::Forwarded);
}
