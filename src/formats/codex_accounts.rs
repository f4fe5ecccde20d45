//! `accounts.json`, which older releases of the official CLI and its companions keep beside `auth.json`.
//!
//! It is kept in step when it exists and never made. Entries carry their members in several spellings; all are
//! set on the selected one, and elements that are no entries stay as they are.

use crate::base::{Moment, Secret};
use crate::domain::account::{Account, Claims};
use crate::domain::official::{ChatGpt, Listed, Login, Roll};
use crate::formats::lossless::{Object, joined, without_mark};
use crate::formats::{codex_auth, jwt};

/// What becomes of the file when an account is selected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selected {
    /// The new text.
    Text(String),
    /// No entry is this account.
    NoEntry,
    /// The text is not such a file; it is left alone.
    NoFile,
}

/// What the official CLI's files say together (storage.md §11.2): `accounts.json` when it has a list, even an
/// empty one, else `auth.json`; `None` when neither can be read.
pub fn state(accounts: Option<&str>, auth: Option<&[u8]>) -> Option<Roll> {
    if let Some(roll) = accounts.and_then(read) {
        return Some(roll);
    }
    let Login::ChatGpt(login) = codex_auth::read(auth, "auth.json") else { return None };
    Some(Roll {
        active_id: login.claims.workspace_id.clone().or_else(|| login.account_id.clone()),
        active_email: login.claims.email.clone(),
        sync_version: None,
        entries: vec![Listed { login: *login, active: true }],
    })
}

/// Reads the list; entries without any token are passed over. `None` when the text is no such file.
pub fn read(text: &str) -> Option<Roll> {
    let file = Object::parse(without_mark(text)).ok()?;
    let stamp = codex_auth::stamp(text.as_bytes());
    let entries: Vec<Listed> = file
        .list("accounts")?
        .into_iter()
        .filter_map(|raw| listed(&Object::parse(raw).ok()?, &stamp))
        .collect();
    let named = |names: [&str; 2]| {
        names.into_iter().find_map(|name| file.text(name)).filter(|text| !text.trim().is_empty())
    };
    let (mut active_id, email) =
        (named(["activeAccountId", "active_account_id"]), named(["activeEmail", "active_email"]));
    let mut active_email = email.as_deref().and_then(jwt::email_key);
    // The list's own marks count only where the file names nobody.
    if active_id.is_none()
        && active_email.is_none()
        && let Some(entry) = entries.iter().find(|entry| entry.active)
    {
        active_id.clone_from(&entry.login.account_id);
        active_email.clone_from(&entry.login.claims.email);
    }
    Some(Roll {
        active_id,
        active_email,
        sync_version: file.millis("codexMultiAuthSyncVersion").map(Moment::from_millis),
        entries,
    })
}

fn listed(entry: &Object<'_>, stamp: &crate::domain::official::Stamp) -> Option<Listed> {
    let token = |names: [&str; 2]| {
        let own = names.into_iter().find_map(|name| entry.text(name));
        let below = || names.into_iter().find_map(|name| entry.text_at(&["auth", "tokens", name]));
        own.or_else(below).filter(|text| !text.trim().is_empty()).map(Secret::new)
    };
    let access = token(["accessToken", "access_token"]);
    let refresh = token(["refreshToken", "refresh_token"]);
    if access.is_none() && refresh.is_none() {
        return None;
    }
    let id_token = token(["idToken", "id_token"]);
    let claims = jwt::claims(access.as_ref().map(Secret::expose), id_token.as_ref().map(Secret::expose));
    let tokens = entry.object("auth").and_then(|auth| auth.object("tokens").map(Object::into_owned));
    let stated = ["expiresAt", "expires_at"]
        .into_iter()
        .find_map(|name| entry.millis(name))
        .or_else(|| tokens.and_then(|tokens| tokens.millis("expires_at")))
        .map(Moment::from_millis);
    let active = ["active", "isActive", "is_active"].into_iter().find_map(|name| switch(entry, name));
    Some(Listed {
        active: active.unwrap_or(false),
        login: ChatGpt {
            stamp: stamp.clone(),
            access,
            refresh,
            id_token,
            account_id: id_of(entry),
            last_refresh: None,
            claims: Claims {
                email: email_of(entry).or(claims.email),
                expires_at: stated.or(claims.expires_at),
                ..claims
            },
        },
    })
}

/// A flag, also as a word.
fn switch(entry: &Object<'_>, name: &str) -> Option<bool> {
    entry.flag(name).or_else(|| match entry.text(name)?.trim() {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    })
}

/// Selects `account` at `at`.
pub fn select(text: &str, account: &Account, at: Moment) -> Selected {
    let Ok(mut file) = Object::parse(without_mark(text)) else { return Selected::NoFile };
    let Some(entries) = file.list("accounts") else { return Selected::NoFile };
    let entries: Vec<String> = entries.into_iter().map(str::to_owned).collect();
    let Some(chosen) = find(&entries, account) else { return Selected::NoEntry };
    let changed: Vec<String> = entries
        .iter()
        .enumerate()
        .map(|(index, raw)| match Object::parse(raw) {
            Ok(entry) if index == chosen => chosen_entry(entry, account).to_text(),
            Ok(entry) => passed_over(entry).to_text(),
            Err(_) => raw.clone(),
        })
        .collect();
    file.set_raw("accounts", joined(changed.iter().map(String::as_str)));
    for name in ["activeAccountId", "active_account_id"] {
        file.set(name, account.workspace_id());
    }
    if let Some(email) = &account.email {
        for name in ["activeEmail", "active_email"] {
            file.set(name, email);
        }
    }
    file.set("codexMultiAuthSyncVersion", at.millis());
    Selected::Text(file.to_pretty())
}

/// The entry of this account: by id, else by e-mail.
fn find(entries: &[String], account: &Account) -> Option<usize> {
    let parsed: Vec<Option<Object<'_>>> = entries.iter().map(|raw| Object::parse(raw).ok()).collect();
    let position = |matches: &dyn Fn(&Object<'_>) -> bool| {
        parsed.iter().position(|entry| entry.as_ref().is_some_and(matches))
    };
    let by_id = account.workspace_id().and_then(|id| position(&|entry| id_of(entry).as_deref() == Some(id)));
    by_id.or_else(|| {
        let email = account.email.as_deref().and_then(jwt::email_key)?;
        // An entry with another id is another seat of the same person.
        position(&|entry| id_of(entry).is_none() && email_of(entry).as_deref() == Some(email.as_str()))
    })
}

fn id_of(entry: &Object<'_>) -> Option<String> {
    let names = ["accountId", "account_id", "workspace_id", "organization_id", "id"];
    names.into_iter().find_map(|name| entry.text(name)).filter(|id| !id.trim().is_empty())
}

fn email_of(entry: &Object<'_>) -> Option<String> {
    let names = ["email", "user_email", "username"];
    names.into_iter().find_map(|name| entry.text(name)).as_deref().and_then(jwt::email_key)
}

fn flagged(entry: &mut Object<'_>, active: Active) {
    for name in ["active", "isActive", "is_active"] {
        entry.set(name, active == Active::Yes);
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Active {
    Yes,
    No,
}

fn passed_over(mut entry: Object<'_>) -> Object<'_> {
    flagged(&mut entry, Active::No);
    entry
}

fn chosen_entry<'a>(mut entry: Object<'a>, account: &Account) -> Object<'a> {
    let mut auth = entry.object("auth").unwrap_or_default().into_owned();
    let mut tokens = auth.object("tokens").unwrap_or_default().into_owned();
    spell(&mut entry, account);
    spell(&mut tokens, account);
    if let Some(email) = &account.email {
        entry.set("email", email);
    }
    auth.set_object("tokens", &tokens);
    entry.set_object("auth", &auth);
    flagged(&mut entry, Active::Yes);
    entry
}

/// Both spellings of everything a set of tokens has.
fn spell(target: &mut Object<'_>, account: &Account) {
    let tokens = &account.credentials;
    let access = tokens.access.as_ref().map(Secret::expose);
    let id_token = tokens.id_token.as_ref().map(Secret::expose);
    for (names, value) in [
        (["accessToken", "access_token"], access),
        (["refreshToken", "refresh_token"], Some(tokens.refresh.expose())),
        (["idToken", "id_token"], id_token),
        (["accountId", "account_id"], account.workspace_id()),
    ] {
        let Some(value) = value else { continue };
        for name in names {
            target.set(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::official::Login;
    use crate::formats::codex_auth;
    use serde_json::Value;

    const K03: &str = include_str!("../../tests/fixtures/storage/k03-accounts.json");
    const K03_AFTER: &str = include_str!("../../tests/fixtures/storage/k03-accounts.expected.json");
    const K01_AFTER: &str = include_str!("../../tests/fixtures/storage/k01-auth.expected.json");

    fn second() -> Account {
        let Login::ChatGpt(login) = codex_auth::read(Some(K01_AFTER.as_bytes()), "p") else {
            panic!("no login")
        };
        let credentials = codex_auth::credentials(&login).unwrap();
        Account { email: credentials.claims.email.clone(), credentials, ..Account::sample("second") }
    }

    #[test]
    fn the_matching_entry_is_selected_in_every_spelling() {
        let Selected::Text(text) = select(K03, &second(), Moment::from_millis(1_790_000_010_000)) else {
            panic!("not selected")
        };

        let (after, expected): (Value, Value) =
            (serde_json::from_str(&text).unwrap(), serde_json::from_str(K03_AFTER).unwrap());
        assert_eq!(after, expected);
    }

    #[test]
    fn every_spelling_of_an_entry_is_read() {
        let text = r#"{"accounts":[
            {"accountId":"a","accessToken":"x.y","refresh_token":"r1","expiresAt":5,"isActive":"0"},
            {"workspace_id":"b","user_email":" B@x.io ","auth":{"tokens":{"access_token":"u","refreshToken":"r2","expires_at":7}},"is_active":"true"},
            {"organization_id":"c","email":"c@x.io"}, 5
        ],"codexMultiAuthSyncVersion":9}"#;

        let roll = read(text).unwrap();

        let row = |entry: &Listed| {
            let login = &entry.login;
            let token = |token: &Option<Secret>| token.as_ref().map(|token| token.expose().to_owned());
            (
                login.account_id.clone(),
                token(&login.access),
                token(&login.refresh),
                login.claims.expires_at,
                entry.active,
            )
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(
            roll.entries.iter().map(row).collect::<Vec<_>>(),
            [
                (some("a"), some("x.y"), some("r1"), Some(Moment::from_millis(5)), false),
                (some("b"), some("u"), some("r2"), Some(Moment::from_millis(7)), true),
            ]
        );
        assert_eq!((roll.active_id.as_deref(), roll.active_email.as_deref()), (Some("b"), Some("b@x.io")));
        assert_eq!(roll.sync_version, Some(Moment::from_millis(9)));
    }

    #[test]
    fn a_list_even_an_empty_one_goes_before_auth_json() {
        let auth = Some(K01_AFTER.as_bytes());

        assert_eq!(state(Some(r#"{"accounts":[]}"#), auth), Some(Roll::default()));
        assert_eq!(state(Some("{"), auth).unwrap().active_id.as_deref(), Some("acct-fixture-0002"));
        assert_eq!(state(None, Some(b"{\"tokens\":")), None);
        assert_eq!(state(None, None), None);
    }

    #[test]
    fn without_an_entry_or_without_a_list_nothing_is_changed() {
        let no_entry = r#"{"accounts":[{"accountId":"other","email":"user2@example.com"},"junk"]}"#;

        assert_eq!(select(no_entry, &second(), Moment::EPOCH), Selected::NoEntry);
        assert_eq!(select(r#"{"accounts":[]}"#, &second(), Moment::EPOCH), Selected::NoEntry);
        assert_eq!(select(r#"{"other":1}"#, &second(), Moment::EPOCH), Selected::NoFile);
        assert_eq!(select("{", &second(), Moment::EPOCH), Selected::NoFile);
    }
}
