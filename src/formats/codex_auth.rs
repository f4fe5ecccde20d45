//! `auth.json` of the official CLI: read as a login, changed member by member.
//!
//! The file belongs to another program. Members we do not know stay at every level, and a text that cannot be
//! parsed is never changed. Two spaces, no newline at the end.

use crate::base::calendar::{self, rfc3339};
use crate::base::{Moment, Secret};
use crate::domain::account::{Account, Claims, Credentials, Tokens};
use crate::domain::digest::sha256_hex;
use crate::domain::official::{ChatGpt, Login, Stamp};
use crate::formats::jwt;
use crate::formats::lossless::{Object, without_mark};
use crate::formats::oauth_wire::CLIENT_ID;

const ISSUER: &str = "https://auth.openai.com";

/// Names the state of a file with these bytes.
pub fn stamp(bytes: &[u8]) -> Stamp {
    Stamp(sha256_hex(bytes))
}

/// Reads the login of a file; `path` is for the message about an unreadable one.
pub fn read(bytes: Option<&[u8]>, path: &str) -> Login {
    let Some(bytes) = bytes.filter(|bytes| !bytes.trim_ascii().is_empty()) else { return Login::Absent };
    let unreadable = |detail: String| Login::Unreadable { path: path.to_owned(), detail };
    let Ok(text) = std::str::from_utf8(bytes) else { return unreadable("it is no UTF-8 text".to_owned()) };
    match Object::parse(without_mark(text)) {
        Ok(file) => login(&file, stamp(bytes)),
        Err(error) => unreadable(error.to_string()),
    }
}

fn login(file: &Object<'_>, stamp: Stamp) -> Login {
    let mode = filled(file.text("auth_mode"));
    let has_key = filled(file.text("OPENAI_API_KEY")).is_some();
    let tokens = file.object("tokens").unwrap_or_default();
    let token =
        |names: [&str; 2]| names.into_iter().find_map(|name| filled(tokens.text(name))).map(Secret::new);
    let access = token(["access_token", "accessToken"]);
    let refresh = token(["refresh_token", "refreshToken"]);
    let other = |kind: &str| Login::Other { kind: kind.to_owned(), stamp: stamp.clone() };
    match mode.as_deref() {
        None | Some("chatgpt") => {}
        Some("apikey") => return other("an API key"),
        Some(mode) => return other(&format!("a login of the kind `{mode}`")),
    }
    if access.is_none() && refresh.is_none() {
        return if has_key {
            other("an API key")
        } else if filled(file.text("personal_access_token")).is_some() {
            other("a personal access token")
        } else if file.object("agent_identity").is_some() || filled(file.text("agent_identity")).is_some() {
            other("an agent identity")
        } else {
            Login::Absent
        };
    }
    let id_token = token(["id_token", "idToken"]);
    let claims = jwt::claims(access.as_ref().map(Secret::expose), id_token.as_ref().map(Secret::expose));
    Login::ChatGpt(Box::new(ChatGpt {
        stamp,
        access,
        refresh,
        id_token,
        account_id: ["account_id", "accountId"].into_iter().find_map(|name| filled(tokens.text(name))),
        last_refresh: file.text("last_refresh").as_deref().and_then(calendar::from_rfc3339),
        claims: Claims { email: claims.email.or_else(|| email(file)), ..claims },
    }))
}

fn email(file: &Object<'_>) -> Option<String> {
    file.text("email").as_deref().and_then(jwt::email_key)
}

fn filled(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.trim().is_empty())
}

/// The tokens of a login as a pool keeps them; `None` unless it is a whole set.
pub fn credentials(login: &ChatGpt) -> Option<Credentials> {
    Some(Credentials {
        refresh: login.refresh.clone()?,
        access: Some(login.access.clone()?),
        id_token: login.id_token.clone(),
        expires_at: login.claims.expires_at,
        claims: login.claims.clone().into(),
        tokens: Tokens::Here,
    })
}

/// Whether the file keeps its account or gets another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// The same account with other tokens.
    Stays,
    /// Another account moves in: what belongs to the old login goes.
    Changes,
}

/// Why a selection cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SelectError {
    /// The client cannot work with half a set.
    #[error("the account has no {0} yet")]
    Incomplete(&'static str),
    /// The text is not an object.
    #[error("the file cannot be read: {0}")]
    Unreadable(String),
}

/// The text with the login of `account`, refreshed at `at`; `text` is the old one, if any.
///
/// # Errors
/// When the account's set of tokens is not whole, or the old text cannot be read.
pub fn select(
    text: Option<&str>,
    account: &Account,
    at: Option<Moment>,
    owner: Owner,
) -> Result<String, SelectError> {
    let tokens = &account.credentials;
    let access = tokens.access.as_ref().ok_or(SelectError::Incomplete("access token"))?;
    let id_token = tokens.id_token.as_ref().ok_or(SelectError::Incomplete("id token"))?;
    let workspace = account.workspace_id().ok_or(SelectError::Incomplete("workspace id"))?;
    if tokens.refresh.is_blank() {
        return Err(SelectError::Incomplete("refresh token"));
    }
    let mut file = parsed(text)?;
    let mut set = file.object("tokens").unwrap_or_default().into_owned();
    set.set("id_token", id_token.expose());
    set.set("access_token", access.expose());
    set.set("refresh_token", tokens.refresh.expose());
    if owner == Owner::Changes {
        set.remove("login_owner_id");
    }
    set.set("account_id", workspace);
    if owner == Owner::Changes {
        let mut provenance = Object::default();
        provenance.set("issuer", ISSUER);
        provenance.set("client_id", CLIENT_ID);
        set.set_object("oauth_provenance", &provenance);
    }
    file.set("auth_mode", "chatgpt");
    if owner == Owner::Changes || !file.has("OPENAI_API_KEY") {
        file.set("OPENAI_API_KEY", Option::<&str>::None);
    }
    file.set_object("tokens", &set);
    if let Some(refreshed) = at.or(tokens.claims.issued_at) {
        file.set("last_refresh", rfc3339(refreshed));
    }
    if file.has("email")
        && let Some(email) = &account.email
    {
        file.set("email", email);
    }
    Ok(file.to_pretty())
}

/// The text with `account_id` as the tokens claim it and a `last_refresh`; the account stays.
///
/// # Errors
/// When the text cannot be read.
pub fn repair(text: &str, login: &ChatGpt, at: Moment) -> Result<String, SelectError> {
    let mut file = parsed(Some(text))?;
    if let Some(workspace) = &login.claims.workspace_id {
        let mut set = file.object("tokens").unwrap_or_default().into_owned();
        set.set("account_id", workspace);
        file.set_object("tokens", &set);
    }
    if login.last_refresh.is_none() {
        file.set("last_refresh", rfc3339(login.claims.issued_at.unwrap_or(at)));
    }
    Ok(file.to_pretty())
}

fn parsed(text: Option<&str>) -> Result<Object<'_>, SelectError> {
    let Some(text) = text.map(without_mark).filter(|text| !text.trim().is_empty()) else {
        return Ok(Object::default());
    };
    Object::parse(text).map_err(|error| SelectError::Unreadable(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const K01: &str = include_str!("../../tests/fixtures/storage/k01-auth.json");
    const K01_AFTER: &str = include_str!("../../tests/fixtures/storage/k01-auth.expected.json");
    const K02: &str = include_str!("../../tests/fixtures/storage/k02-auth.json");

    fn chatgpt(text: &str) -> ChatGpt {
        let Login::ChatGpt(login) = read(Some(text.as_bytes()), "auth.json") else {
            panic!("no ChatGPT login")
        };
        *login
    }

    /// The account whose tokens the expected file holds.
    fn second() -> Account {
        let credentials = credentials(&chatgpt(K01_AFTER)).unwrap();
        Account { email: credentials.claims.email.clone(), credentials, ..Account::sample("second") }
    }

    fn value(text: &str) -> Value {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_chatgpt_login_is_read_with_its_claims() {
        let login = chatgpt(K01);

        assert_eq!(login.account_id.as_deref(), Some("acct-fixture-0001"));
        assert_eq!(login.claims.workspace_id.as_deref(), Some("acct-fixture-0001"));
        assert_eq!(login.claims.email.as_deref(), Some("user1@example.com"));
        assert_eq!(login.last_refresh, Some(Moment::from_millis(1_789_898_400_123)));
        assert!(login.is_sound());
    }

    #[test]
    fn other_logins_and_odd_files_are_told_apart() {
        let of = |text: &str| match read(Some(text.as_bytes()), "p") {
            Login::Absent => "absent".to_owned(),
            Login::Unreadable { .. } => "unreadable".to_owned(),
            Login::ChatGpt(_) => "chatgpt".to_owned(),
            Login::Other { kind, .. } => kind,
        };

        assert_eq!(read(None, "p"), Login::Absent);
        assert_eq!(of(" \n"), "absent");
        assert_eq!(of("{}"), "absent");
        assert_eq!(of("{\"tokens\":"), "unreadable");
        assert_eq!(of("[]"), "unreadable");
        assert_eq!(of(K02), "an API key");
        assert_eq!(of(r#"{"OPENAI_API_KEY":"sk-x"}"#), "an API key");
        assert_eq!(of(r#"{"OPENAI_API_KEY":"sk-x","tokens":{"access_token":"a"}}"#), "chatgpt");
        assert_eq!(of(r#"{"personal_access_token":"x"}"#), "a personal access token");
        assert_eq!(
            of(r#"{"auth_mode":"agentIdentity","agent_identity":{}}"#),
            "a login of the kind `agentIdentity`"
        );
    }

    #[test]
    fn another_account_moves_in_and_unknown_members_stay() {
        let after = select(Some(K01), &second(), None, Owner::Changes).unwrap();
        let alone = select(None, &second(), None, Owner::Changes).unwrap();
        let over_key = select(Some(K02), &second(), None, Owner::Changes).unwrap();

        let mut expected = value(K01_AFTER);
        assert_eq!(value(&after), expected);
        expected.as_object_mut().unwrap().remove("future");
        assert_eq!(value(&alone), expected);
        assert_eq!(value(&over_key), expected);
        assert!(after.starts_with("{\n  \"auth_mode\"") && after.ends_with("\n}"), "{after}");
    }

    #[test]
    fn the_same_account_keeps_what_its_login_brought() {
        let old = r#"{"OPENAI_API_KEY":"sk-own","email":"x","tokens":{"login_owner_id":"o","oauth_provenance":{"issuer":"i"},"odd":1}}"#;

        let after = value(&select(Some(old), &second(), Some(Moment::EPOCH), Owner::Stays).unwrap());

        assert_eq!(after["OPENAI_API_KEY"], "sk-own");
        assert_eq!(after["tokens"]["login_owner_id"], "o");
        assert_eq!(after["tokens"]["oauth_provenance"], json!({"issuer": "i"}));
        assert_eq!(after["tokens"]["odd"], 1);
        assert_eq!(after["last_refresh"], "1970-01-01T00:00:00.000Z");
        assert_eq!(after["email"], "user2@example.com");
    }

    #[test]
    fn half_a_set_is_not_written() {
        let mut half = second();
        half.credentials.id_token = None;

        assert_eq!(select(None, &half, None, Owner::Changes), Err(SelectError::Incomplete("id token")));
        assert!(matches!(
            select(Some("{\"tokens\":"), &second(), None, Owner::Changes),
            Err(SelectError::Unreadable(_))
        ));
    }

    #[test]
    fn an_organisation_id_and_a_missing_time_are_repaired() {
        let broken = K01.replace("\"account_id\": \"acct-fixture-0001\"", "\"account_id\": \"org-123\"");
        let mut broken = value(&broken);
        broken.as_object_mut().unwrap().remove("last_refresh");
        let broken = broken.to_string();
        let login = chatgpt(&broken);
        assert!(!login.is_sound());

        let repaired = repair(&broken, &login, Moment::EPOCH).unwrap();

        assert!(chatgpt(&repaired).is_sound());
        assert_eq!(value(&repaired)["last_refresh"], "2026-09-21T11:26:40.000Z");
        assert_eq!(value(&repaired)["future"], json!({"k": 1}));
    }
}
