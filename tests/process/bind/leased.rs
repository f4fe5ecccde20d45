//! Leased binds: they end with their use, and with their router.

use super::{BEFORE, Stage, wait_until};

#[test]
fn a_leased_bind_is_taken_back_by_its_router_when_nobody_uses_it() {
    let mut stage = Stage::new();
    stage.home.set("CODEX_MULTI_AUTH_APP_ROTATION_IDLE_MS", "300");

    stage.manager(&["rotation", "bind-app", "--lease"]).expect(0);
    wait_until("the lease to end", || stage.config() == BEFORE && stage.routers().is_empty());

    stage.assert_unbound(Some(BEFORE), "idle");
    let helper =
        std::fs::read_to_string(stage.home.root().join("runtime-rotation-app-helper.json")).expect("told");
    assert!(helper.contains("\"idle-timeout\""), "{helper}");
}

#[test]
fn a_leased_bind_ends_with_its_lifetime() {
    let mut stage = Stage::new();
    stage.home.set("CODEX_MULTI_AUTH_APP_ROTATION_MAX_LIFETIME_MS", "300");

    stage.manager(&["rotation", "bind-app", "--lease"]).expect(0);
    wait_until("its life to end", || stage.config() == BEFORE && stage.routers().is_empty());

    stage.assert_unbound(Some(BEFORE), "lifetime");
}

#[test]
fn a_leased_bind_has_a_helper_no_start_up_entry_and_goes_with_its_router() {
    let stage = Stage::new();
    stage.manager(&["rotation", "bind-app", "--lease"]).expect(0);
    let helper = stage.home.root().join("runtime-rotation-app-helper.json");
    wait_until("the helper's word", || helper.exists());
    let shown = stage.json(&["rotation", "status"]);
    let state = stage.state();
    stage.kill_routers();

    let healed = run(&mut stage.home.forwarder(&["doctor"]));

    assert_eq!(
        (&shown["bind"]["state"], &shown["bind"]["mode"]),
        (&"bound".into(), &"leased".into()),
        "{shown:#}"
    );
    assert_eq!(shown["appHelper"]["state"], "running", "{shown:#}");
    assert!(shown["bind"]["startup"].is_null());
    assert!(state["leaseUntil"].as_i64().is_some_and(|until| until > 0));
    assert!(healed.stderr.contains("leased bind"), "{}", healed.stderr);
    stage.assert_unbound(Some(BEFORE), "its router was killed");
}

use crate::support::process::run;
