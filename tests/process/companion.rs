//! `sync preview` and `sync apply`: our accounts in the pool of the companion tool, and nothing of theirs lost.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::support::dirs::Home;
use crate::support::process::run;

fn told(home: &Home, words: &[&str], code: i32) -> Value {
    let ran = run(&mut home.manager(&[words, &["--headless", "--json"]].concat())).expect(code);
    assert!(!ran.stdout.contains("rt_person"), "{words:?} shows a token");
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {}{}", ran.stdout, ran.stderr))
}

fn theirs(home: &Home) -> PathBuf {
    home.path().join(".opencode/openai-codex-accounts.json")
}

/// A pool of theirs: an older row of our first account, and one of their own.
fn write_theirs(home: &Home) -> String {
    let text = serde_json::to_string_pretty(&json!({
        "version": 3,
        "accounts": [
            { "email": "zulu@example.com", "refreshToken": "rt_zulu", "lastUsed": 5, "addedAt": 5, "theirs": [1.50] },
            {
                "email": "person1@example.com",
                "accountId": "00000000-0000-7000-8000-000000000001",
                "refreshToken": "rt_before",
                "lastUsed": 7,
                "addedAt": 7,
            },
        ],
        "activeIndex": 1,
        "also": { "deep": true },
    }))
    .expect("printable");
    fs::create_dir_all(theirs(home).parent().expect("a folder")).expect("writable");
    fs::write(theirs(home), &text).expect("writable");
    text
}

#[test]
fn a_preview_writes_nothing_and_an_application_copies_first() {
    let home = Home::with_samples(2);
    let before = write_theirs(&home);

    let seen = told(&home, &["sync", "preview"], 0);
    assert_eq!((&seen["targetState"], &seen["changed"]), (&json!("found"), &json!(false)));
    assert_eq!(seen["summary"], json!({ "add": 1, "update": 1, "skip": 0, "keep": 1 }));
    assert_eq!(seen["rows"][0]["matchedBy"], "id + e-mail");
    assert_eq!(fs::read_to_string(theirs(&home)).expect("theirs"), before, "a preview writes nothing");

    let unanswered = told(&home, &["sync", "apply"], 3);
    assert_eq!(unanswered["error"]["code"], "needs-yes");
    assert_eq!(fs::read_to_string(theirs(&home)).expect("theirs"), before, "nor does a question");

    let done = told(&home, &["sync", "apply", "--yes"], 0);
    assert_eq!(done["changed"], true);
    let copy = PathBuf::from(done["backup"].as_str().expect("a copy"));
    assert_eq!(fs::read_to_string(&copy).expect("the copy"), before);
    let pool: Value =
        serde_json::from_str(&fs::read_to_string(theirs(&home)).expect("theirs")).expect("JSON");
    let tokens: Vec<&str> = pool["accounts"]
        .as_array()
        .expect("rows")
        .iter()
        .filter_map(|row| row["refreshToken"].as_str())
        .collect();
    assert_eq!(tokens, ["rt_zulu", "rt_person1", "rt_person2"]);
    assert_eq!((&pool["activeIndex"], &pool["also"]), (&json!(1), &json!({ "deep": true })));
    assert_eq!(pool["accounts"][0]["theirs"], json!([1.50]));
    for path in [&theirs(&home), &copy] {
        let mode = fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{}", path.display());
    }

    let again = told(&home, &["sync", "apply"], 0);
    assert_eq!((&again["changed"], &again["backup"]), (&json!(false), &Value::Null), "nothing is new");
    assert_eq!(again["summary"]["skip"], 2);
}

#[test]
fn a_tool_that_left_traces_and_no_pool_gets_one() {
    let home = Home::with_samples(1);
    fs::create_dir_all(home.path().join(".opencode/projects")).expect("writable");

    let done = told(&home, &["sync", "apply", "--yes"], 0);

    assert_eq!((&done["changed"], &done["backup"]), (&json!(true), &Value::Null));
    let pool: Value =
        serde_json::from_str(&fs::read_to_string(theirs(&home)).expect("theirs")).expect("JSON");
    assert_eq!((&pool["version"], &pool["activeIndex"]), (&json!(3), &json!(0)));
    assert_eq!(pool["accounts"][0]["email"], "person1@example.com");
}

#[test]
fn where_it_cannot_be_told_or_understood_nothing_is_written() {
    let home = Home::with_samples(1);
    assert_eq!(told(&home, &["sync", "preview"], 1)["error"]["code"], "companion-missing");
    assert!(!home.path().join(".opencode").exists(), "a look leaves no trace");

    fs::create_dir_all(home.work().join(".git")).expect("writable");
    write_theirs(&home);
    let key = told(&home, &["status", "--project"], 5)["scope"]["projectKey"]
        .as_str()
        .expect("a project")
        .to_owned();
    let own = home.path().join(".opencode/projects").join(key);
    fs::create_dir_all(&own).expect("writable");
    fs::write(own.join("openai-codex-accounts.json.wal"), "{}").expect("writable");
    let several = told(&home, &["sync", "apply", "--yes"], 1);
    assert_eq!(several["error"]["code"], "companion-ambiguous");
    assert_eq!(several["candidates"].as_array().map(Vec::len), Some(2));

    fs::remove_dir_all(own).expect("ours");
    for (text, what) in [
        ("{", "damaged"),
        (r#"{"version":9,"accounts":[]}"#, "newer"),
        (r#"{"version":1,"accounts":[]}"#, "older"),
    ] {
        fs::write(theirs(&home), text).expect("writable");
        let refused = told(&home, &["sync", "apply", "--yes"], 1);
        assert_eq!(refused["error"]["code"], "companion-unreadable", "{what}");
        assert_eq!(fs::read_to_string(theirs(&home)).expect("theirs"), text, "{what}");
    }
}

#[test]
fn a_place_the_user_names_is_the_only_one() {
    let mut home = Home::with_samples(1);
    let before = write_theirs(&home);
    let named = home.path().join("elsewhere");
    home.set("OC_CHATGPT_MULTI_AUTH_DIR", named.display().to_string());

    let done = told(&home, &["sync", "apply", "--yes"], 0);

    assert_eq!(done["target"], named.display().to_string());
    assert!(named.join("openai-codex-accounts.json").exists());
    assert_eq!(fs::read_to_string(theirs(&home)).expect("theirs"), before);
}
