//! Sign-ins in files of other programs, recognised by content and never by the name of a tool (login.md §14).

use crate::base::calendar;
use crate::base::{Moment, Secret};
use crate::domain::account::{Credentials, Tokens};
use crate::domain::found::{Find, Shape, State};
use crate::domain::official::Login;
use crate::formats::lossless::{self, Object, without_mark};
use crate::formats::{codex_auth, jwt, seats};

const REFRESH: [&str; 2] = ["refreshToken", "refresh_token"];
const ACCESS: [&str; 2] = ["accessToken", "access_token"];
const ID: [&str; 2] = ["idToken", "id_token"];
const EMAIL: [&str; 3] = ["email", "user_email", "username"];
const WORKSPACE: [&str; 4] = ["accountId", "account_id", "chatgpt_account_id", "workspace_id"];

/// Reads a file; empty for what is no sign-in of any known shape. `written` is when the file was.
pub fn read(text: &str, source: &str, written: Option<Moment>) -> Vec<Find> {
    let Ok(file) = Object::parse(without_mark(text)) else { return Vec::new() };
    if let Some(rows) = file.list("accounts") {
        let is_pool = file.has("activeIndex") || file.has("activeIndexByFamily");
        let shape = if is_pool { Shape::Pool } else { Shape::List };
        let rows = rows.into_iter().filter_map(|row| Object::parse(row).ok()).enumerate();
        return rows
            .filter_map(|(place, row)| {
                let find = row_of(&row, shape, source, written)?;
                Some(Find { place, ..find })
            })
            .collect();
    }
    if file.text("type").as_deref() == Some("codex") {
        return row_of(&file, Shape::Flat, source, written).into_iter().collect();
    }
    if file.object("tokens").is_none() && !file.has("OPENAI_API_KEY") {
        return Vec::new();
    }
    match codex_auth::read(Some(text.as_bytes()), source) {
        Login::ChatGpt(login) => {
            let fresh_at = newest([login.last_refresh, login.claims.issued_at, written]);
            let Some(credentials) = codex_auth::credentials(&login) else {
                return vec![Find::unusable(source.to_owned(), Shape::Official, State::Unreadable)];
            };
            vec![found(credentials, Shape::Official, source, fresh_at)]
        }
        Login::Other { .. } => {
            vec![Find::unusable(source.to_owned(), Shape::Official, State::NotChatGpt)]
        }
        Login::Unreadable { .. } => {
            vec![Find::unusable(source.to_owned(), Shape::Official, State::Unreadable)]
        }
        Login::Absent => Vec::new(),
    }
}

fn row_of(row: &Object<'_>, shape: Shape, source: &str, written: Option<Moment>) -> Option<Find> {
    let nested =
        row.object("tokens").or_else(|| row.object("auth")?.object("tokens").map(Object::into_owned));
    let word = |names: &[&str]| {
        let inner = nested.as_ref();
        names
            .iter()
            .find_map(|name| row.text(name).or_else(|| inner?.text(name)))
            .map(|text| text.trim().to_owned())
            .filter(|text| !text.is_empty())
    };
    let refresh = Secret::new(word(&REFRESH)?);
    let (access, id_token) = (word(&ACCESS), word(&ID));
    let mut claims = jwt::claims(access.as_deref(), id_token.as_deref());
    claims.email = claims.email.or_else(|| jwt::email_key(&word(&EMAIL)?));
    let stored = word(&WORKSPACE).filter(|id| !id.starts_with("org-"));
    claims.workspace_id = claims.workspace_id.or(stored);
    let date = |name: &str| calendar::from_rfc3339(&row.text(name)?);
    let expires_at = claims
        .expires_at
        .or_else(|| date("expired"))
        .or_else(|| row.millis("expiresAt").map(Moment::from_millis));
    let fresh_at = newest([date("last_refresh"), claims.issued_at, written]);
    let credentials = Credentials {
        refresh,
        access: access.map(Secret::new),
        id_token: id_token.map(Secret::new),
        expires_at,
        claims: claims.into(),
        tokens: Tokens::Here,
    };
    Some(found(credentials, shape, source, fresh_at))
}

fn found(credentials: Credentials, shape: Shape, source: &str, fresh_at: Option<Moment>) -> Find {
    let id = credentials.id_token.as_ref().map(Secret::expose);
    let seats = credentials.access.as_ref().map(|access| seats::of(access.expose(), id)).unwrap_or_default();
    Find {
        credentials: Some(credentials),
        seats,
        fresh_at,
        ..Find::unusable(source.to_owned(), shape, State::New)
    }
}

/// The token says when it was made; only what says nothing is judged by its file.
fn newest(times: [Option<Moment>; 3]) -> Option<Moment> {
    let [said, issued, written] = times;
    said.max(issued).or(written)
}

/// Names a row that came from elsewhere in our own extension file.
pub fn imported_from(record: Option<&str>, source: &str, at: Moment) -> String {
    let mut record = record.and_then(|text| Object::parse(text).ok()).unwrap_or_default();
    let text = format!("{{\"source\":{},\"at\":{}}}", lossless::quoted(source), at.millis());
    record.set_raw("importedFrom", text);
    record.to_text()
}

/// The file an account was imported from, as its record in our extension file names it.
pub fn origin_of(record: &str) -> Option<String> {
    Object::parse(record).ok()?.object("importedFrom")?.text("source")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_is_known_by_its_content() {
        for (text, shape, states) in [
            (r#"{"tokens":{"refresh_token":"rt_1","access_token":"a"}}"#, Shape::Official, vec![State::New]),
            (r#"{"OPENAI_API_KEY":"sk-1"}"#, Shape::Official, vec![State::NotChatGpt]),
            (
                r#"{"type":"codex","refresh_token":"rt_2","access_token":"a","email":"A@x.test"}"#,
                Shape::Flat,
                vec![State::New],
            ),
            (
                r#"{"version":3,"activeIndex":0,"accounts":[{"refreshToken":"rt_3"},{"refreshToken":"rt_4"}]}"#,
                Shape::Pool,
                vec![State::New, State::New],
            ),
            (
                r#"{"accounts":[{"auth":{"tokens":{"refreshToken":"rt_5"}}},{"name":"no"}]}"#,
                Shape::List,
                vec![State::New],
            ),
        ] {
            let finds = read(text, "/f.json", None);

            assert_eq!(finds.iter().map(|find| find.state).collect::<Vec<_>>(), states, "{text}");
            assert!(finds.iter().all(|find| find.shape == shape), "{text}");
        }
    }

    #[test]
    fn what_is_no_sign_in_is_not_listed() {
        for text in
            ["", "[]", "{}", r#"{"name":"package","version":"1.0"}"#, r#"{"accounts":[]}"#, "not json"]
        {
            assert_eq!(read(text, "/f.json", None), Vec::new(), "{text}");
        }
    }

    #[test]
    fn an_organisation_is_never_taken_for_a_workspace() {
        let text = r#"{"accounts":[{"refreshToken":"rt_1","accountId":"org-1","email":"a@x.test"}]}"#;

        assert_eq!(read(text, "/f.json", None)[0].workspace(), None);
    }
}
