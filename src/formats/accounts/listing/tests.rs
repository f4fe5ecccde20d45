use super::*;
use crate::domain::account::{Claims, Credentials, Tokens};
use crate::formats::accounts::Document;
use crate::formats::jwt::tests::token;

const AT: Moment = Moment::from_secs(1_790_000_010);

/// Reads a text in pieces of `length`.
fn list(text: &str, extension: &str, length: usize) -> Option<Roster> {
    let extension = Extension::parse(extension);
    let mut lister = Lister::new(&extension, AT, 4_096);
    for piece in text.as_bytes().chunks(length) {
        lister.room(length)[..piece.len()].copy_from_slice(piece);
        lister.feed(piece.len()).ok()?;
    }
    lister.finish()
}

/// What the whole reading gives, without its tokens.
fn whole(text: &str, extension: &str) -> Roster {
    let extension = Extension::parse(extension);
    let mut roster = Document::parse(text, &extension, AT).unwrap().into_roster();
    for account in &mut roster.accounts {
        let Credentials { claims, expires_at, .. } = account.credentials.clone();
        let is_taken = claims.workspace_id == account.account_id;
        account.credentials = Credentials {
            expires_at,
            claims: Claims {
                workspace_id: claims.workspace_id.clone().filter(|_| !is_taken),
                ..Claims::default()
            }
            .into(),
            tokens: Tokens::InFile,
            ..Credentials::default()
        };
    }
    roster
}

fn rich() -> String {
    let claim = token(&serde_json::json!({"https://api.openai.com/auth": {"chatgpt_account_id": "ws-3"}}));
    format!(
        r#"{{ "version": 3, "later": {{"a": [1, "]}}"]}}, "accounts": [
  {{"recordId":"record:1","accountId":"ws-1","accountIdSource":"token","email":"One@x.io","refreshToken":"r1",
    "accessToken":"a.b.c","expiresAt":1790000100000,"addedAt":1,"lastUsed":2.5,"enabled":false,"accountLabel":"\u00e9 \"x\"",
    "rateLimitResetTimes":{{"codex":1790000200000}},"coolingDownUntil":1790000300000,"cooldownReason":"rate-limit"}},
  {{"accountId":"ws-2","accountIdSource":"id_token","email":"two@x.io","refreshToken":"r2","unknown":{{"deep":[{{}}]}},
    "workspaces":[{{"id":"ws-2","name":"Zwei"}},{{"id":"ws-9","enabled":false}}],"currentWorkspaceIndex":1}},
  {{"accountId":"org-3","accountIdSource":"org","email":"three@x.io","refreshToken":"r3","accessToken":"{claim}",
    "authInvalidatedAt":5,"authInvalidationErrorCode":"refresh_token_reused","addedAt":7}}
 ], "activeIndex": 1, "activeIndexByFamily": {{"codex": 2}}, "pinnedAccountIndex": 2, "affinityGeneration": 12 }}
"#
    )
}

#[test]
fn a_listing_shows_what_the_whole_reading_shows_but_the_tokens() {
    let text = rich();
    let extension =
        r#"{"version":1,"generation":20,"records":{"record:1":{"idToken":"i.d.t","uncertain":{"since":9}}}}"#;
    let wanted = whole(&text, extension);

    for length in [1, 2, 7, 64, 100_000] {
        assert_eq!(list(&text, extension, length).as_ref(), Some(&wanted), "in pieces of {length}");
    }
    let marked = format!("\u{feff}{text}");
    assert_eq!(list(&marked, extension, 1).as_ref(), Some(&wanted), "behind a byte order mark");
}

#[test]
fn no_token_is_kept() {
    let text = rich();

    let roster = list(&text, "{}", 64).unwrap();

    for account in &roster.accounts {
        let credentials = &account.credentials;
        assert!(credentials.refresh.is_empty() && credentials.access.is_none(), "{:?}", account.key);
        assert!(!credentials.is_missing());
    }
    assert_eq!(roster.accounts[2].workspace_id(), Some("ws-3"));
}

#[test]
fn whatever_is_out_of_the_ordinary_is_left_to_the_whole_reading() {
    let row = |more: &str| {
        format!(r#"{{"version":3,"accounts":[{{"refreshToken":"r1","email":"a@x.io"}}{more}]}}"#)
    };
    for (name, text) in [
        ("nothing", String::new()),
        ("no accounts", r#"{"version":3,"accounts":[]}"#.to_owned()),
        ("no list", r#"{"version":3,"accounts":{}}"#.to_owned()),
        ("no member", r#"{"version":3}"#.to_owned()),
        ("an older format", r#"{"version":1,"accounts":[{"refreshToken":"r"}]}"#.to_owned()),
        ("a newer format", r#"{"version":4,"accounts":[{"refreshToken":"r"}]}"#.to_owned()),
        ("no version", r#"{"accounts":[{"refreshToken":"r"}]}"#.to_owned()),
        ("a list", "[]".to_owned()),
        ("a cut file", row("").trim_end_matches("]}").to_owned()),
        ("more behind it", row("") + "{}"),
        ("a comma too many", row(",")),
        ("a row that is none", row(",7")),
        ("a row without token", row(r#",{"email":"b@x.io"}"#)),
        ("a blank token", row(r#",{"refreshToken":" "}"#)),
        ("the same e-mail", row(r#",{"refreshToken":"r2","email":"A@x.io"}"#)),
        ("the same token", row(r#",{"refreshToken":"r1"}"#)),
        (
            "the same record",
            row(r#",{"refreshToken":"r2","recordId":"x"},{"refreshToken":"r3","recordId":"x"}"#),
        ),
        (
            "a second word on where the id is from",
            row(
                r#",{"refreshToken":"r2","accountId":"b","accountIdSource":"token","accessToken":"t","accountIdSource":"org"}"#,
            ),
        ),
        ("two lists", r#"{"version":3,"accounts":[{"refreshToken":"r"}],"accounts":[]}"#.to_owned()),
        (
            "fixtures of the reference",
            r#"{"version":3,"accounts":[{"refreshToken":"fake_refresh_1","email":"account1@example.com"}]}"#
                .to_owned(),
        ),
    ] {
        assert_eq!(list(&text, "{}", 16), None, "{name}");
    }
    assert!(list(&row(""), "{}", 16).is_some());
}
