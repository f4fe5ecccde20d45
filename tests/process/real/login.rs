//! What our own sign-in writes is what the genuine client reads.

use serde_json::{Value, json};

use super::{Turn, assert_clean, two};
use crate::support::client::{Genuine, Way};
use crate::support::process::run;

#[test]
fn the_client_is_signed_in_by_our_login_and_by_a_switch() {
    let Some(stage) = Genuine::with(two()) else { return };
    std::fs::remove_dir_all(stage.home.root()).unwrap();
    std::fs::remove_file(stage.home.codex().join("auth.json")).unwrap();
    let login = |name: &str| {
        stage.play.backend().next_login(name);
        run(&mut stage.home.manager(&["login", "--json", "--accept-terms"])).expect(0);
    };

    login("one");
    let ran = run(&mut stage.command(Way::Straight, &["login", "status"])).expect(0);
    assert!(ran.stderr.contains("Logged in using ChatGPT"), "{}", ran.stderr);
    let turn = Turn::of(&stage, run(&mut stage.exec(Way::Straight, "say hello")));
    assert_eq!((turn.ran.code(), turn.count("turn.completed")), (0, 1), "{}", turn.all());

    let path = stage.home.codex().join("auth.json");
    let mut auth = stage.home.auth();
    auth["later"] = json!({"kept": true});
    auth["tokens"]["later"] = json!(1);
    std::fs::write(&path, auth.to_string()).unwrap();
    login("two");
    run(&mut stage.home.manager(&["switch", "2"])).expect(0);

    let auth: Value = stage.home.auth();
    assert_eq!(auth["tokens"]["account_id"], stage.play.login("two").account_id);
    assert_eq!((&auth["later"], &auth["tokens"]["later"]), (&json!({"kept": true}), &json!(1)));
    run(&mut stage.command(Way::Straight, &["login", "status"])).expect(0);
    let turn = Turn::of(&stage, run(&mut stage.exec(Way::Straight, "say hello again")));
    assert_eq!((turn.ran.code(), turn.count("turn.completed")), (0, 1), "{}", turn.all());
    let revoked = stage.play.backend().record().entries().iter().any(|entry| entry.path.ends_with("/revoke"));
    assert!(!revoked, "nothing may be revoked");
    assert_clean(&stage);
}
