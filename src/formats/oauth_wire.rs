//! What goes to the token endpoint and comes back (login.md §7).
//!
//! The error code is taken out of a body before anything is masked for people: the code decides what happens to
//! the account.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::base::Secret;
use crate::domain::refresh::{Reason, Refusal};

/// The official client's id.
pub const CLIENT_ID: &str = "app_EMoamEEZ73f0CkXaXp7hrann";

#[derive(Serialize)]
struct RefreshWire<'a> {
    client_id: &'a str,
    grant_type: &'a str,
    refresh_reason: &'a str,
    refresh_token: &'a str,
}

/// The body of a refresh, member for member as the official client sends it.
pub fn refresh_body(token: &Secret, reason: Reason) -> Vec<u8> {
    let wire = RefreshWire {
        client_id: CLIENT_ID,
        grant_type: "refresh_token",
        refresh_reason: reason.word(),
        refresh_token: token.expose(),
    };
    serde_json::to_vec(&wire).unwrap_or_default()
}

#[derive(Serialize)]
struct RevokeWire<'a> {
    token: &'a str,
    token_type_hint: &'a str,
    client_id: &'a str,
}

/// The body that ends a sign-in, member for member as the official client sends it.
pub fn revoke_body(token: &Secret) -> Vec<u8> {
    let wire = RevokeWire { token: token.expose(), token_type_hint: "refresh_token", client_id: CLIENT_ID };
    serde_json::to_vec(&wire).unwrap_or_default()
}

/// The tokens of a good answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Granted {
    /// Always there.
    pub access: Secret,
    /// Missing means: the old one stays.
    pub refresh: Option<Secret>,
    /// Needed for `auth.json`.
    pub id_token: Option<Secret>,
    /// Life of the access token as declared; positive.
    pub expires_in: Option<i64>,
}

#[derive(Deserialize)]
struct GrantedWire {
    access_token: String,
    #[serde(default)]
    refresh_token: Option<String>,
    #[serde(default)]
    id_token: Option<String>,
    #[serde(default)]
    expires_in: Option<Value>,
}

/// Reads a good answer; `None` when it is none.
pub fn parse_granted(body: &[u8]) -> Option<Granted> {
    let wire: GrantedWire = serde_json::from_slice(body).ok()?;
    let filled = |token: Option<String>| token.filter(|token| !token.trim().is_empty()).map(Secret::new);
    Some(Granted {
        access: filled(Some(wire.access_token))?,
        refresh: filled(wire.refresh_token),
        id_token: filled(wire.id_token),
        expires_in: wire.expires_in.as_ref().and_then(Value::as_i64).filter(|seconds| *seconds > 0),
    })
}

/// Reads a refusal: the code from `error.code`, a string `error`, or the top level, and a message.
pub fn parse_refusal(status: u16, retry_after: Option<crate::base::Span>, body: &[u8]) -> Refusal {
    let value: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
    let text =
        |place: &str| value.pointer(place).and_then(Value::as_str).filter(|text| !text.trim().is_empty());
    let code = text("/error/code").or_else(|| text("/error")).or_else(|| text("/code"));
    let message = text("/error/message").or_else(|| text("/message")).or_else(|| text("/error_description"));
    Refusal {
        status,
        code: code.map(str::to_lowercase),
        message: message.map(|message| message.split_whitespace().collect::<Vec<_>>().join(" ")),
        retry_after,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Span;

    fn recorded(text: &str) -> Value {
        serde_json::from_str::<Value>(text).unwrap().get("body").unwrap().clone()
    }

    #[test]
    fn the_request_is_the_recorded_one() {
        let expected =
            recorded(include_str!("../../tests/fixtures/codex-client/oauth_token.refresh.request.json"));

        let body = refresh_body(&Secret::from("<refresh_token>"), Reason::ProactiveExpiry);

        assert_eq!(serde_json::from_slice::<Value>(&body).unwrap(), expected);
    }

    #[test]
    fn the_recorded_answer_grants_three_tokens() {
        let body =
            recorded(include_str!("../../tests/fixtures/codex-client/oauth_token.refresh.response.json"));

        let granted = parse_granted(&serde_json::to_vec(&body).unwrap());

        assert_eq!(
            granted,
            Some(Granted {
                access: Secret::from("<jwt>"),
                refresh: Some(Secret::from("<refresh_token>")),
                id_token: Some(Secret::from("<jwt>")),
                expires_in: Some(3600),
            })
        );
    }

    #[test]
    fn only_the_access_token_is_required() {
        let granted =
            parse_granted(br#"{"access_token":"a","refresh_token":" ","expires_in":"soon"}"#).unwrap();

        assert_eq!((granted.refresh, granted.id_token, granted.expires_in), (None, None, None));
        for body in [&b""[..], b"{}", br#"{"access_token":""}"#, br#"{"access_token":5}"#, b"<html>"] {
            assert_eq!(parse_granted(body), None, "{}", String::from_utf8_lossy(body));
        }
    }

    #[test]
    fn the_code_is_found_wherever_the_server_puts_it() {
        let code = |body: &str| parse_refusal(401, None, body.as_bytes()).code;
        let reused = Some("refresh_token_reused".to_owned());

        assert_eq!(code(r#"{"error":{"code":"Refresh_Token_Reused","message":"m"}}"#), reused);
        assert_eq!(code(r#"{"error":"refresh_token_reused","error_description":"m"}"#), reused);
        assert_eq!(code(r#"{"code":"refresh_token_reused","message":"m"}"#), reused);
        assert_eq!(code("<html>"), None);
    }

    #[test]
    fn a_message_is_one_line() {
        let refusal =
            parse_refusal(429, Some(Span::seconds(7)), b"{\"error\":{\"message\":\" too \\n\\t fast \"}}");

        assert_eq!(refusal.message.as_deref(), Some("too fast"));
        assert_eq!(refusal.retry_after, Some(Span::seconds(7)));
    }
}
