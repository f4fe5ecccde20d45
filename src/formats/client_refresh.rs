//! What the official client sends to, and expects from, the token endpoint when that endpoint is our proxy
//! (runtime.md §14.6).

use serde::{Deserialize, Serialize};

use crate::base::{Moment, Secret};
use crate::domain::account::Credentials;

/// A refresh as the client asks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The token it wants to spend.
    pub refresh: Secret,
    /// `refresh_reason`, when it gives one.
    pub reason: Option<String>,
}

#[derive(Deserialize)]
struct Wire {
    grant_type: String,
    refresh_token: String,
    #[serde(default)]
    refresh_reason: Option<String>,
}

/// Reads a JSON or form body; `None` for every other grant and for what cannot be read.
pub fn parse(body: &[u8]) -> Option<Asked> {
    let wire = serde_json::from_slice::<Wire>(body).ok().or_else(|| form(body))?;
    let is_refresh = wire.grant_type == "refresh_token" && !wire.refresh_token.trim().is_empty();
    is_refresh.then(|| Asked { refresh: wire.refresh_token.into(), reason: wire.refresh_reason })
}

fn form(body: &[u8]) -> Option<Wire> {
    let text = std::str::from_utf8(body).ok()?;
    let field = |name: &str| {
        text.trim()
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .find(|(key, _)| *key == name)
            .map(|(_, value)| decoded(value))
    };
    Some(Wire {
        grant_type: field("grant_type")?,
        refresh_token: field("refresh_token")?,
        refresh_reason: field("refresh_reason"),
    })
}

fn decoded(value: &str) -> String {
    let mut bytes = value.bytes();
    let mut out = Vec::with_capacity(value.len());
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits: String = bytes.by_ref().take(2).map(char::from).collect();
                u8::from_str_radix(&digits, 16).unwrap_or(b'?')
            }
            other => other,
        });
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[derive(Serialize)]
struct Granted<'a> {
    id_token: &'a str,
    access_token: &'a str,
    refresh_token: &'a str,
    token_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_in: Option<i64>,
}

/// A good answer; `None` while a token of the three is missing, which the client could not use.
pub fn granted(credentials: &Credentials, at: Moment) -> Option<Vec<u8>> {
    let answer = Granted {
        id_token: credentials.id_token.as_ref()?.expose(),
        access_token: credentials.access.as_ref()?.expose(),
        refresh_token: credentials.refresh.expose(),
        token_type: "bearer",
        expires_in: credentials.expires_at.map(|end| at.until(end).as_secs()),
    };
    serde_json::to_vec(&answer).ok()
}

/// A refusal with upstream's code.
pub fn refused(code: &str, message: &str) -> Vec<u8> {
    #[derive(Serialize)]
    struct Refused<'a> {
        error: Error<'a>,
    }
    #[derive(Serialize)]
    struct Error<'a> {
        r#type: &'static str,
        code: &'a str,
        message: &'a str,
    }
    let error = Error { r#type: "invalid_request_error", code, message };
    serde_json::to_vec(&Refused { error }).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_and_form_say_the_same() {
        let asked = Asked { refresh: "rt a/b".into(), reason: Some("proactive_expiry".to_owned()) };

        assert_eq!(
            parse(br#"{"client_id":"c","grant_type":"refresh_token","refresh_token":"rt a/b","refresh_reason":"proactive_expiry"}"#),
            Some(asked.clone())
        );
        assert_eq!(
            parse(b"grant_type=refresh_token&refresh_token=rt+a%2Fb&refresh_reason=proactive_expiry"),
            Some(asked)
        );
    }

    #[test]
    fn other_grants_are_not_ours() {
        assert_eq!(parse(br#"{"grant_type":"authorization_code","refresh_token":"x"}"#), None);
        assert_eq!(parse(br#"{"grant_type":"refresh_token","refresh_token":" "}"#), None);
        assert_eq!(parse(b"\xff"), None);
    }

    #[test]
    fn an_answer_without_an_id_token_is_no_answer() {
        let mut credentials =
            Credentials { refresh: "r".into(), access: Some("a".into()), ..Credentials::default() };
        assert_eq!(granted(&credentials, Moment::EPOCH), None);

        credentials.id_token = Some("i".into());
        credentials.expires_at = Some(Moment::from_secs(60));
        let text = String::from_utf8(granted(&credentials, Moment::EPOCH).unwrap()).unwrap();
        assert_eq!(
            text,
            r#"{"id_token":"i","access_token":"a","refresh_token":"r","token_type":"bearer","expires_in":60}"#
        );
    }
}
