//! Tokens and the bodies of the token, revoke and device endpoints.
//!
//! A token is an unsigned JWT with the claims the official client and the product read; nobody should take
//! it for a real one, so its signature says `rehearsal`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::base::Moment;
use crate::domain::digest::sha256;

/// The official client's OAuth client id.
pub const CLIENT_ID: &str = "app_EMoamEEZ73f0CkXaXp7hrann";

/// Who a token is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// `chatgpt_user_id` and `sub`.
    pub subject: String,
    /// E-mail.
    pub email: String,
    /// `chatgpt_account_id`.
    pub account_id: String,
    /// `chatgpt_plan_type`.
    pub plan: String,
}

/// A JWT that serves as access token.
pub fn access_token(identity: &Identity, issued: Moment, expires: Moment, serial: u64) -> String {
    let mut claims = common(identity, issued, expires, serial);
    if let Some(claims) = claims.as_object_mut() {
        claims.insert("aud".to_owned(), json!(["https://api.openai.com/v1"]));
        claims.insert("client_id".to_owned(), json!(CLIENT_ID));
        claims.insert("scp".to_owned(), json!(["openid", "profile", "email", "offline_access"]));
        claims.insert(
            "https://api.openai.com/profile".to_owned(),
            json!({"email": identity.email, "email_verified": true}),
        );
    }
    jwt(&claims)
}

/// A JWT that serves as id token.
pub fn id_token(identity: &Identity, issued: Moment, expires: Moment, serial: u64) -> String {
    let mut claims = common(identity, issued, expires, serial);
    if let Some(claims) = claims.as_object_mut() {
        claims.insert("aud".to_owned(), json!([CLIENT_ID]));
        claims.insert("email".to_owned(), json!(identity.email));
        claims.insert("email_verified".to_owned(), json!(true));
    }
    jwt(&claims)
}

fn common(identity: &Identity, issued: Moment, expires: Moment, serial: u64) -> Value {
    json!({
        "iss": "https://auth.openai.com",
        "sub": identity.subject,
        "iat": issued.secs(),
        "exp": expires.secs(),
        "jti": super::uuid(serial),
        "https://api.openai.com/auth": {
            "chatgpt_account_id": identity.account_id,
            "chatgpt_plan_type": identity.plan,
            "chatgpt_user_id": identity.subject,
            "user_id": identity.subject,
            // Platform organisations stand beside the workspace, as in real tokens; nobody may send one.
            "organizations": [{
                "id": format!("org-{}", identity.subject.trim_start_matches("user-")),
                "is_default": true,
                "role": "owner",
                "title": "Personal",
            }],
        },
    })
}

fn jwt(claims: &Value) -> String {
    let header = json!({"alg": "RS256", "typ": "JWT", "kid": "rehearsal"});
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.{}", part(&header), part(claims), URL_SAFE_NO_PAD.encode("rehearsal"))
}

/// What a token request asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Grant {
    /// A refresh.
    Refresh {
        /// The token that is given up.
        token: String,
        /// `refresh_reason`.
        reason: Option<String>,
    },
    /// The end of a login.
    Code {
        /// The authorization code.
        code: String,
        /// The PKCE verifier.
        verifier: String,
    },
    /// The official client's exchange of an id token for an API key.
    Exchange,
    /// None of these.
    Unknown,
}

/// Reads the body of `POST /oauth/token`, JSON or form.
pub fn grant(content_type: &str, body: &[u8]) -> Grant {
    let fields = Fields::read(content_type, body);
    match fields.get("grant_type").as_deref() {
        Some("refresh_token") => Grant::Refresh {
            token: fields.get("refresh_token").unwrap_or_default(),
            reason: fields.get("refresh_reason"),
        },
        Some("authorization_code") => Grant::Code {
            code: fields.get("code").unwrap_or_default(),
            verifier: fields.get("code_verifier").unwrap_or_default(),
        },
        Some("urn:ietf:params:oauth:grant-type:token-exchange") => Grant::Exchange,
        Some(_) | None => Grant::Unknown,
    }
}

/// One member of a JSON or form body.
pub fn field(content_type: &str, body: &[u8], name: &str) -> Option<String> {
    Fields::read(content_type, body).get(name)
}

/// One parameter of a query string.
pub fn query(text: &str, name: &str) -> Option<String> {
    Fields::form(text).get(name)
}

struct Fields(Vec<(String, String)>);

impl Fields {
    fn read(content_type: &str, body: &[u8]) -> Self {
        if content_type.contains("json") {
            let value: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
            let members = value.as_object().into_iter().flatten();
            return Self(members.filter_map(|(k, v)| Some((k.clone(), v.as_str()?.to_owned()))).collect());
        }
        Self::form(&String::from_utf8_lossy(body))
    }

    fn form(text: &str) -> Self {
        let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
        Self(pairs.map(|(k, v)| (decoded(k), decoded(v))).collect())
    }

    fn get(&self, name: &str) -> Option<String> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone())
    }
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let code: String = rest.by_ref().take(2).map(char::from).collect();
                bytes.push(u8::from_str_radix(&code, 16).unwrap_or(b'?'));
            }
            byte => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The answer to a login or refresh.
pub fn answer(access: &str, refresh: &str, id_token: &str, lifetime_secs: i64) -> String {
    json!({
        "id_token": id_token,
        "access_token": access,
        "refresh_token": refresh,
        "token_type": "bearer",
        "expires_in": lifetime_secs,
        "scope": "openid profile email offline_access",
    })
    .to_string()
}

/// The answer to a token exchange.
pub fn exchanged(key: &str) -> String {
    json!({"access_token": key, "token_type": "bearer", "issued_token_type": "openai-api-key"}).to_string()
}

/// The answer of the device endpoint that hands out a code.
pub fn device_code(device_id: &str, user_code: &str, interval: &str, expires_at: &str) -> String {
    json!({
        "device_auth_id": device_id,
        "user_code": user_code,
        "interval": interval,
        "expires_at": expires_at,
    })
    .to_string()
}

/// The answer of the device endpoint once the person has agreed.
pub fn device_granted(code: &str, verifier: &str) -> String {
    json!({
        "authorization_code": code,
        "code_challenge": challenge(verifier),
        "code_verifier": verifier,
    })
    .to_string()
}

/// The S256 challenge of a PKCE verifier.
pub fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(sha256(verifier))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_is_read_from_json_and_from_a_form() {
        let json = br#"{"grant_type":"refresh_token","refresh_token":"rt 1","refresh_reason":"forced"}"#;
        let form = b"grant_type=refresh_token&refresh_token=rt+1&refresh_reason=forced";
        let wanted = Grant::Refresh { token: "rt 1".to_owned(), reason: Some("forced".to_owned()) };

        assert_eq!(grant("application/json", json), wanted);
        assert_eq!(grant("application/x-www-form-urlencoded", form), wanted);
        assert_eq!(grant("application/json", b"nonsense"), Grant::Unknown);
    }

    #[test]
    fn the_challenge_is_the_one_of_the_standard() {
        assert_eq!(
            challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
        );
    }
}
