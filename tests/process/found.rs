//! Sign-ins of other programs, found and taken over with the real binary; their files are only read.

use pretty_assertions::assert_eq;
use serde_json::{Value, json};

use crate::support::dirs::{Home, Login};
use crate::support::process::{MANAGER, run};
use crate::support::pty::Terminal;

/// A login as of a later number, so that freshness can be told.
fn at(number: usize, issued: i64) -> Login {
    let mut login = Login::sample(number);
    let claims = json!({
        "sub": format!("auth0|person{number}"), "email": login.email, "exp": 4_102_444_800_i64, "iat": issued,
        "https://api.openai.com/auth": {
            "chatgpt_account_id": login.account_id, "chatgpt_user_id": format!("user-person{number}"),
            "chatgpt_plan_type": "plus",
        },
    });
    login.access = crate::support::dirs::jwt(&claims);
    login.id_token = login.access.clone();
    login.refresh = format!("rt_person{number}_{issued}");
    login
}

fn auth(login: &Login) -> String {
    json!({ "tokens": {
        "access_token": login.access, "id_token": login.id_token, "refresh_token": login.refresh,
        "account_id": login.account_id,
    }})
    .to_string()
}

/// A home with a sign-in in every shape: a stale copy, one of an account of the pool, and what is none.
fn furnished() -> Home {
    let home = Home::new();
    home.write_pool(&[at(9, 1_760_000_000)]);
    let put = |path: &str, text: &str| {
        let path = home.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        home.write(&path, text);
    };
    put(".codex/auth.json", &auth(&at(1, 1_770_000_000)));
    put(".codex/accounts/person1.json", &auth(&at(1, 1_760_000_000)));
    let flat = at(2, 1_765_000_000);
    put(
        ".cli-proxy-api/codex-two.json",
        &json!({ "type": "codex", "email": flat.email, "access_token": flat.access, "id_token": flat.id_token,
                 "refresh_token": flat.refresh, "account_id": flat.account_id,
                 "last_refresh": "2026-01-01T00:00:00Z" })
        .to_string(),
    );
    put(".cli-proxy-api/key.json", r#"{"OPENAI_API_KEY":"sk-none"}"#);
    let other = at(3, 1_765_000_000);
    put(
        ".codex-switch/accounts.json",
        &json!({ "accounts": [{ "email": other.email, "tokens": {
            "accessToken": other.access, "refreshToken": other.refresh } }] })
        .to_string(),
    );
    put(".codex-switch/profiles/work/auth.json", &auth(&at(9, 1_750_000_000)));
    let pooled = at(4, 1_765_000_000);
    put(
        "DevTools/config/codex/multi-auth/openai-codex-accounts.json",
        &json!({ "version": 3, "activeIndex": 0, "accounts": [{
            "email": pooled.email, "accountId": pooled.account_id, "refreshToken": pooled.refresh,
            "accessToken": pooled.access, "addedAt": 1, "lastUsed": 1 }] })
        .to_string(),
    );
    home
}

fn document(home: &Home, words: &[&str], exit: i32) -> Value {
    let ran = run(&mut home.manager(words)).expect(exit);
    serde_json::from_str(&ran.stdout).expect("a document")
}

fn states(document: &Value) -> Vec<(String, String)> {
    let rows = document["found"].as_array().expect("a list").iter();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    rows.map(|row| (text(&row["label"]), text(&row["state"]))).collect()
}

#[test]
fn every_sign_in_is_found_judged_and_taken_over_once() {
    let home = furnished();
    let theirs = || {
        let all = home.files();
        all.into_iter().filter(|(path, _)| !path.starts_with(".codex/multi-auth")).collect::<Vec<_>>()
    };
    let before = theirs();
    let expected: Vec<(String, String)> = [
        ("person1@example.com", "new"),
        ("person1@example.com", "stale-copy"),
        ("person3@example.com", "new"),
        ("person9@example.com", "already-here"),
        ("person2@example.com", "new"),
        ("", "not-chatgpt"),
        ("person4@example.com", "new"),
    ]
    .map(|(name, state)| (name.to_owned(), state.to_owned()))
    .into();

    let preview = document(&home, &["import", "--scan", "--dry-run", "--json"], 0);
    assert_eq!(states(&preview), expected, "{preview:#}");
    assert_eq!(
        (&preview["imported"], &preview["dryRun"], &preview["total"]),
        (&json!(0), &json!(true), &json!(1))
    );

    let done = document(&home, &["import", "--scan", "--json"], 0);
    assert_eq!((&done["imported"], &done["skipped"], &done["total"]), (&json!(4), &json!(3), &json!(5)));
    assert_eq!(theirs(), before, "their files are only read");
    let more: Value =
        serde_json::from_slice(&std::fs::read(home.root().join("ext/accounts.json")).unwrap()).unwrap();
    let sources: Vec<&Value> = more["records"]
        .as_object()
        .unwrap()
        .values()
        .filter_map(|record| record.get("importedFrom"))
        .collect();
    assert_eq!(sources.len(), 4, "{sources:?}");

    let again = document(&home, &["import", "--scan", "--json"], 0);
    assert_eq!((&again["imported"], &again["total"]), (&json!(0), &json!(5)), "{again:#}");
}

#[test]
fn named_places_replace_the_usual_ones_and_must_be_there() {
    let home = furnished();
    let path = home.path().join(".cli-proxy-api").display().to_string();

    let document = document(&home, &["import", "--scan", "--from", &path, "--dry-run", "--json"], 0);
    assert_eq!(states(&document).len(), 2, "{document:#}");

    run(&mut home.manager(&["import", "--scan", "--from", "/no/such/place"])).expect(1);
    run(&mut home.manager(&["import"])).expect(2);
    run(&mut home.manager(&["import", "--from", &path])).expect(2);
}

#[test]
fn adding_what_was_found_needs_the_acknowledgement() {
    let home = Home::new();
    home.write_auth(&Login::sample(1));

    let refused = document(&home, &["import", "--scan", "--json"], 3);
    assert_eq!(refused["error"]["code"], "needs-terms", "{refused:#}");
    let done = document(&home, &["import", "--scan", "--json", "--accept-terms"], 0);
    assert_eq!(done["imported"], 1, "{done:#}");
}

#[test]
fn the_first_start_takes_the_official_login_over() {
    let home = Home::new();
    home.write_auth(&Login::sample(1));
    let mut terminal = Terminal::start(MANAGER, &[""; 0], &home.environment(), (100, 30));
    terminal.wait_for("Before you start");
    terminal.send("y");
    terminal.wait_for("person1@example.com");
    terminal.send("5");
    terminal.wait_for("1 found, 1 new");
    terminal.wait_for("neither signs the other out");
    terminal.send("\r");
    terminal.wait_for("taken over");
    terminal.send("q");

    assert_eq!(terminal.finish().exit_code(), 0, "{}", terminal.text());
    assert_eq!(home.pool()["accounts"].as_array().map(Vec::len), Some(1));
}
