//! Which account a session belongs to: people, seats, organisations, required workspaces.

use std::os::unix::fs::PermissionsExt as _;

use codex_multi_auth::formats::scenario::Scenario;
use pretty_assertions::assert_eq;
use serde_json::{Value, json};

use super::{at_a_terminal, bare, calls, document, emails, empty, has_pool, sign_in};
use crate::support::browser::agree;
use crate::support::play::Play;
use crate::support::process::run;

#[test]
fn a_second_sign_in_updates_the_account_and_keeps_pin_and_generation() {
    let (play, home) = empty(&["one", "two"]);
    sign_in(&play, &home, "one");
    sign_in(&play, &home, "two");
    run(&mut home.manager(&["switch", "2"])).expect(0);
    let before = home.pool();

    let told = sign_in(&play, &home, "one");

    let after = home.pool();
    assert_eq!(
        (&told["outcome"], &told["number"], &told["total"]),
        (&json!("updated"), &json!(1), &json!(2))
    );
    assert_eq!(after["pinnedAccountIndex"], 1);
    assert_eq!(after["activeIndex"], 1);
    let generation = |pool: &Value| pool["affinityGeneration"].as_u64().unwrap();
    assert_eq!(generation(&after), generation(&before) + 1);
    assert_ne!(after["accounts"][0]["refreshToken"], before["accounts"][0]["refreshToken"]);
    assert_eq!(after["accounts"][0]["recordId"], before["accounts"][0]["recordId"]);
    assert_eq!(home.auth()["tokens"]["account_id"], play.login("two").account_id);
    assert_eq!(calls(&play, "/oauth/revoke"), 0);
}

#[test]
fn signing_in_again_gives_the_official_file_the_new_session() {
    let (play, home) = empty(&["one", "two"]);
    sign_in(&play, &home, "one");
    sign_in(&play, &home, "two");
    let mut auth = home.auth();
    auth["later"] = json!({"kept": true});
    std::fs::write(home.codex().join("auth.json"), auth.to_string()).unwrap();

    sign_in(&play, &home, "one");

    let after = home.auth();
    assert_ne!(after["tokens"]["refresh_token"], auth["tokens"]["refresh_token"]);
    assert_eq!(after["tokens"]["refresh_token"], play.login("one").refresh);
    assert_eq!(after["later"], json!({"kept": true}));
    assert_eq!(calls(&play, "/oauth/revoke"), 0);
}

#[test]
fn an_account_signs_in_again_in_its_place_and_nobody_else_does() {
    let (play, home) = empty(&["one", "two"]);
    sign_in(&play, &home, "one");
    sign_in(&play, &home, "two");
    let before = home.pool();
    let relogin = ["account", "relogin", "one@example.com", "--json"];

    play.backend().next_login("one");
    let done = document(&run(&mut home.manager(&relogin)).expect(0));
    assert_eq!((&done["outcome"], &done["number"]), (&json!("updated"), &json!(1)), "{done:#}");
    assert_ne!(home.pool()["accounts"][0]["refreshToken"], before["accounts"][0]["refreshToken"]);
    assert_eq!(home.pool()["accounts"][1], before["accounts"][1]);

    play.backend().next_login("two");
    let other = document(&run(&mut home.manager(&relogin)).expect(1));
    assert_eq!(other["error"]["code"], "wrong-account", "{other:#}");
    assert_eq!(home.pool()["accounts"].as_array().map(Vec::len), Some(2));
    let nobody = document(&run(&mut home.manager(&["account", "relogin", "9", "--json"])).expect(2));
    assert_eq!(nobody["error"]["code"], "out-of-range");
    run(&mut home.manager(&["account", "relogin"])).expect(2);
}

#[test]
fn seats_of_a_workspace_and_workspaces_of_a_person_stay_apart() {
    let names = ["a1", "b1", "a2", "b2"];
    let mut scenario = Scenario::pool(names);
    for name in names {
        let (person, workspace) = name.split_at(1);
        scenario = scenario.with(name, |player| {
            player.email = format!("{person}@example.com");
            player.workspace = Some(format!("workspace {workspace}"));
        });
    }
    let play = Play::start(scenario);
    let home = bare(&play);

    for name in names {
        assert_eq!(sign_in(&play, &home, name)["outcome"], "inserted", "{name}");
    }
    assert_eq!(sign_in(&play, &home, "b1")["number"], 2);

    let pool = home.pool();
    let rows = pool["accounts"].as_array().unwrap();
    assert_eq!(rows.len(), 4);
    for (row, name) in rows.iter().zip(names) {
        assert_eq!(row["accountId"], play.login(name).account_id, "{name}");
        assert_eq!(row["refreshToken"], play.login(name).refresh, "{name}");
    }
}

#[test]
fn an_organisation_is_never_bound_and_never_sent() {
    let (play, home) = empty(&["one"]);

    sign_in(&play, &home, "one");
    run(&mut home.manager(&["check", "--json"])).expect(0);

    let row = home.pool()["accounts"][0].clone();
    assert_eq!(row["accountId"], play.login("one").account_id);
    assert_eq!(row["accountIdSource"], "id_token");
    let seats = row["workspaces"].as_array().unwrap();
    let is_org = |seat: &&Value| seat["id"].as_str().unwrap().starts_with("org-");
    assert!(seats.iter().any(|seat| is_org(&seat)), "the organisation is kept for information");
    assert!(seats.iter().filter(is_org).all(|seat| seat["enabled"] == false));
    assert!(!home.auth()["tokens"]["account_id"].as_str().unwrap().starts_with("org-"));
    for entry in play.backend().record().entries() {
        assert!(!entry.account_id.is_some_and(|id| id.starts_with("org-")), "{}", entry.path);
    }
    play.assert_no_violation();
}

#[test]
fn a_required_workspace_must_come_back() {
    let (play, home) = empty(&["one", "two"]);
    let wanted = play.login("two").account_id;
    play.backend().next_login("one");

    let ran = run(&mut home.manager(&["login", "--json", "--accept-terms", "--org", &wanted])).expect(1);

    let told = document(&ran);
    assert_eq!(told["error"]["code"], "wrong-workspace");
    assert!(!has_pool(&home), "nothing is stored");
    let kept: Vec<_> =
        std::fs::read_dir(home.root().join("quarantine")).unwrap().map(Result::unwrap).collect();
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0].metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let aside: Value = serde_json::from_slice(&std::fs::read(kept[0].path()).unwrap()).unwrap();
    assert_eq!(aside["accounts"][0]["refreshToken"], play.login("one").refresh);
    assert!(told["error"]["because"][0].as_str().unwrap().contains("quarantine"), "{told:#}");

    play.backend().next_login("two");
    run(&mut home.manager(&["login", "--json", "--org", &wanted, "--accept-terms"])).expect(0);
    assert_eq!(emails(&home), ["two@example.com"]);
}

#[test]
fn at_a_terminal_another_workspace_may_be_kept() {
    for (answer, code) in [("y\r", 0), ("n\r", 1)] {
        let (play, home) = empty(&["one", "two"]);
        let wanted = play.login("two").account_id;
        play.backend().next_login("one");
        let words = ["login", "--device-auth", "--accept-terms", "--org", &wanted];
        let mut terminal = at_a_terminal(&home, &words);
        terminal.wait_for("Keep this one?");

        terminal.send(answer);

        assert_eq!(terminal.finish().exit_code(), code, "{answer:?}: {}", terminal.text());
        assert_eq!(has_pool(&home), code == 0);
    }
}

#[test]
fn the_way_a_session_came_is_remembered_beside_the_pool() {
    let (play, home) = empty(&["one", "two"]);
    sign_in(&play, &home, "one");
    let url = run(&mut home.manager(&["login", "--print-url"])).expect(0).stdout;
    play.backend().next_login("two");
    let callback = agree(url.trim());
    run(&mut home.manager(&["login", "--complete", &callback])).expect(0);
    run(&mut home.manager(&["switch", "2"])).expect(0);

    let text = std::fs::read_to_string(home.root().join("ext/accounts.json")).unwrap();
    let beside: Value = serde_json::from_str(&text).unwrap();

    let came = |place: usize| {
        let key = home.pool()["accounts"][place]["recordId"].as_str().unwrap().to_owned();
        beside["records"][&key]["signedIn"]["by"].clone()
    };
    assert_eq!((came(0), came(1)), (json!("device"), json!("paste")));
    assert!(beside["pinnedAt"].as_i64().is_some_and(|at| at > 1_700_000_000_000), "{beside:#}");
    run(&mut home.manager(&["unpin"])).expect(0);
    let text = std::fs::read_to_string(home.root().join("ext/accounts.json")).unwrap();
    assert!(!text.contains("\"pinnedAt\":"), "{text}");
}

#[test]
fn an_organisation_the_reference_bound_never_leaves_the_pool() {
    let play = Play::start(Scenario::pool(["one"]));
    let home = play.home();
    let mut pool = home.pool();
    pool["accounts"][0]["accountId"] = json!("org-x");
    pool["accounts"][0]["accountIdSource"] = json!("org");
    home.write(&home.root().join("openai-codex-accounts.json"), &pool.to_string());

    run(&mut home.manager(&["switch", "1"])).expect(0);
    run(&mut home.manager(&["check", "--json"])).expect(0);

    let claim = play.login("one").account_id;
    assert_eq!(home.auth()["tokens"]["account_id"], claim);
    let asked: Vec<Option<String>> =
        play.backend().record().at("usage").into_iter().map(|entry| entry.account_id).collect();
    assert_eq!(asked, [Some(claim)]);
    assert_eq!(home.pool()["accounts"][0]["accountId"], "org-x", "the row keeps what the reference wrote");
    play.assert_no_violation();
}

#[test]
fn our_own_refresh_goes_to_the_service_whatever_the_client_is_told() {
    let play = Play::start(Scenario::pool(["one"]));
    let mut home = play.home();
    let elsewhere = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    elsewhere.set_nonblocking(true).unwrap();
    let address = elsewhere.local_addr().unwrap();
    home.set("CODEX_REFRESH_TOKEN_URL_OVERRIDE", format!("http://{address}/oauth/token"));

    run(&mut home.manager(&["check", "--refresh", "--json"])).expect(0);

    assert_eq!(calls(&play, "/oauth/token"), 1);
    assert_eq!(elsewhere.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    play.assert_no_violation();
}
