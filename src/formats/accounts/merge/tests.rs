use super::*;
use crate::base::Secret;
use crate::domain::account::Switch;
use crate::formats::accounts::Document;
use serde_json::{Value, json};

const AT: Moment = Moment::from_millis(1_790_000_000_000);

#[expect(clippy::needless_pass_by_value, reason = "written in place by every caller")]
fn row(name: &str, token: &str, used: i64, more: Value) -> Value {
    let mut row = json!({
        "recordId": format!("record:{name}"),
        "accountId": format!("ws-{name}"),
        "email": format!("{name}@example.com"),
        "refreshToken": token,
        "addedAt": 1,
        "lastUsed": used,
    });
    for (name, value) in more.as_object().into_iter().flatten() {
        row[name] = value.clone();
    }
    row
}

#[expect(clippy::needless_pass_by_value, reason = "written in place by every caller")]
fn pool(rows: &[Value], more: Value) -> String {
    let mut pool = json!({ "version": 3, "accounts": rows, "activeIndex": 0 });
    for (name, value) in more.as_object().into_iter().flatten() {
        pool[name] = value.clone();
    }
    pool.to_string()
}

fn tokens(document: &Document<'_>) -> Vec<String> {
    let accounts = document.roster().accounts.iter();
    accounts.map(|account| account.credentials.refresh.expose().to_owned()).collect()
}

fn with(
    ours: &str,
    theirs: &str,
    act: impl FnOnce(&mut Document<'_>, &Document<'_>, &mut Extension<'_>),
) -> Value {
    let mut extension = Extension::default();
    let mut document = Document::parse(ours, &extension, AT).unwrap();
    let other = Document::parse(theirs, &Extension::default(), AT).unwrap();
    act(&mut document, &other, &mut extension);
    let written = document.to_text();
    let again = Document::parse(&written, &extension, AT).unwrap();
    assert_eq!(again.roster(), document.roster(), "what is written reads as what is meant");
    serde_json::from_str(&written).unwrap()
}

#[test]
fn a_merge_appends_who_is_new_and_takes_the_record_used_last() {
    let ours = pool(
        &[row("a", "a1", 10, json!({})), row("b", "b1", 10, json!({ "ours": 1 }))],
        json!({ "pinnedAccountIndex": 1, "affinityGeneration": 4, "activeIndex": 1, "top": true }),
    );
    let theirs = pool(
        &[
            row("b", "b2", 20, json!({ "theirs": 2, "recordId": "record:elsewhere" })),
            row("a", "a0", 5, json!({})),
            row("c", "c1", 1, json!({ "x": [1.50] })),
        ],
        json!({}),
    );

    let written = with(&ours, &theirs, |document, other, extension| {
        let taken = document.merge(other, extension, AT);

        let actions: Vec<Taking> = taken.rows.iter().map(|(_, action)| *action).collect();
        assert_eq!(actions, [Taking::Updated, Taking::Skipped, Taking::Added]);
        assert_eq!(tokens(document), ["a1", "b2", "c1"]);
        assert_eq!(document.roster().pin, Some(AccountKey::new("record:b")));
    });

    assert_eq!(written["accounts"][1]["recordId"], "record:b");
    assert_eq!((&written["accounts"][1]["ours"], &written["accounts"][1]["theirs"]), (&json!(1), &json!(2)));
    assert_eq!((&written["affinityGeneration"], &written["activeIndex"]), (&json!(4), &json!(1)));
    assert_eq!((&written["pinnedAccountIndex"], &written["top"]), (&json!(1), &json!(true)));
}

#[test]
fn a_merge_of_the_same_pool_changes_nothing() {
    let ours = pool(&[row("a", "a1", 10, json!({ "expiresAt": 5 }))], json!({ "affinityGeneration": 1 }));

    with(&ours, &ours, |document, other, extension| {
        let taken = document.merge(other, extension, AT);

        assert_eq!(taken.rows, [(AccountKey::new("record:a"), Taking::Skipped)]);
        assert!(!extension.is_changed());
    });
}

#[test]
fn tokens_known_to_be_newer_stay_whichever_record_wins() {
    for (name, ours, theirs, expected) in [
        ("the file's record is newer, its tokens are older", (10, 900), (20, 800), "a1"),
        ("the file's record is older, its tokens are newer", (20, 800), (10, 900), "a2"),
        ("both end at once", (10, 900), (20, 900), "a1"),
    ] {
        let ours = pool(&[row("a", "a1", ours.0, json!({ "expiresAt": ours.1 }))], json!({}));
        let theirs = pool(&[row("a", "a2", theirs.0, json!({ "expiresAt": theirs.1 }))], json!({}));

        with(&ours, &theirs, |document, other, extension| {
            document.merge(other, extension, AT);
            assert_eq!(tokens(document), [expected], "{name}");
        });
    }
}

#[test]
fn the_mark_of_a_dead_token_is_not_lifted_by_a_file_with_the_same_token() {
    let dead = json!({ "authInvalidatedAt": 7, "authInvalidationErrorCode": "refresh_token_reused" });
    let ours = pool(&[row("a", "a1", 10, dead)], json!({}));
    let theirs = pool(&[row("a", "a1", 20, json!({}))], json!({}));

    let written = with(&ours, &theirs, |document, other, extension| {
        document.merge(other, extension, AT);
    });

    assert_eq!(written["accounts"][0]["authInvalidatedAt"], 7);
    assert_eq!(written["accounts"][0]["lastUsed"], 20);
}

#[test]
fn a_merge_into_an_empty_pool_takes_the_selection_along() {
    let ours = pool(&[], json!({}));
    let theirs = pool(
        &[row("a", "a1", 1, json!({})), row("b", "b1", 1, json!({}))],
        json!({ "activeIndex": 1, "pinnedAccountIndex": 0 }),
    );

    let written = with(&ours, &theirs, |document, other, extension| {
        document.merge(other, extension, AT);
        assert_eq!(document.roster().active, Some(AccountKey::new("record:b")));
    });

    assert_eq!((&written["activeIndex"], &written["affinityGeneration"]), (&json!(1), &json!(1)));
    assert_eq!(written.get("pinnedAccountIndex"), None);
}

#[test]
fn a_restore_replaces_the_pool_but_keeps_newer_tokens_and_the_pin() {
    let ours = pool(
        &[
            row("gone", "g1", 10, json!({})),
            row("a", "a2", 50, json!({ "expiresAt": 900, "rateLimitResetTimes": { "codex": 7 } })),
        ],
        json!({ "pinnedAccountIndex": 1, "affinityGeneration": 4, "top": 1 }),
    );
    let theirs = pool(
        &[
            row("back", "k1", 1, json!({ "kept": "x" })),
            row("a", "a1", 5, json!({ "expiresAt": 800, "enabled": false, "accountLabel": "old name" })),
        ],
        json!({ "activeIndex": 0 }),
    );

    let written = with(&ours, &theirs, |document, other, extension| {
        let taken = document.replace(other, extension, AT);

        assert_eq!(taken.newer_kept, 1);
        assert_eq!(tokens(document), ["k1", "a2"]);
        let roster = document.roster();
        assert_eq!(roster.pin, Some(AccountKey::new("record:a")));
        assert_eq!(roster.active, Some(AccountKey::new("record:back")));
        assert_eq!(roster.accounts[0].switch_reason, Some(SwitchReason::Restore));
        assert_eq!(roster.accounts[1].switch, Switch::Off);
        assert_eq!(roster.accounts[1].limits.len(), 1);
    });

    assert_eq!((&written["affinityGeneration"], &written["top"]), (&json!(5), &json!(1)));
    assert_eq!(written["accounts"][0]["kept"], "x");
    assert_eq!(written["accounts"][1]["accountLabel"], "old name");
    assert_eq!(written["pinnedAccountIndex"], 1);
}

#[test]
fn a_restore_keeps_the_tokens_of_the_pool_when_nothing_is_known_of_their_age() {
    let ours = pool(&[row("a", "a2", 1, json!({}))], json!({}));
    let theirs = pool(&[row("a", "a1", 99, json!({}))], json!({}));

    with(&ours, &theirs, |document, other, extension| {
        document.replace(other, extension, AT);
        assert_eq!(tokens(document), ["a2"]);
    });
}

#[test]
fn a_deleted_row_comes_back_byte_for_byte() {
    let text = pool(
        &[
            row("a", "a1", 1, json!({})),
            row("b", "b1", 1, json!({ "odd": { "n": 1.50 } })),
            row("c", "c1", 1, json!({})),
        ],
        json!({ "pinnedAccountIndex": 1, "activeIndex": 1, "affinityGeneration": 2 }),
    );
    let mut extension = Extension::default();
    let mut document = Document::parse(&text, &extension, AT).unwrap();
    let before = document.to_text();
    let key = AccountKey::new("record:b");
    let selection = document.selection();
    let (place, row) = document.row(&key).map(|(place, row)| (place, Secret::new(row))).unwrap();

    document.replace(&Document::empty(), &mut extension, AT);
    for (name, at) in [("a", 0), ("c", 1)] {
        let row = row_text(&text, name);
        document.put_back(&AccountKey::new(format!("record:{name}")), &row, at, &extension, AT).unwrap();
    }
    document.put_back(&key, row.expose(), place, &extension, AT).unwrap();
    document.select(&selection, &mut extension);

    let after = document.to_text();
    let generation = |text: &str| text.replace("\"affinityGeneration\": 4", "\"affinityGeneration\": 2");
    let families = |text: &str| Document::parse(text, &Extension::default(), AT).unwrap().into_roster();
    assert_eq!(families(&generation(&after)), families(&before));
    assert!(after.contains("1.50") || before.contains("1.5"));
    assert_eq!(document.put_back(&key, row.expose(), place, &extension, AT), None);
}

fn row_text(pool: &str, name: &str) -> String {
    let document = Document::parse(pool, &Extension::default(), AT).unwrap();
    document.row(&AccountKey::new(format!("record:{name}"))).unwrap().1.to_owned()
}

#[test]
fn an_export_has_rows_and_selection_and_nothing_else() {
    let text = pool(
        &[row("a", "a1", 1, json!({ "odd": 1 })), row("b", "b1", 1, json!({}))],
        json!({ "pinnedAccountIndex": 1, "activeIndex": 1, "affinityGeneration": 2, "top": 1 }),
    );

    let export: Value =
        serde_json::from_str(&Document::parse(&text, &Extension::default(), AT).unwrap().to_export())
            .unwrap();

    let names: Vec<&str> = export.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, ["version", "accounts", "activeIndex", "activeIndexByFamily"]);
    assert_eq!((&export["activeIndex"], &export["activeIndexByFamily"]["gpt-5.1"]), (&json!(1), &json!(1)));
    assert_eq!(export["accounts"][0]["odd"], 1);
}
