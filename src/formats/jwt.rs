//! Claims of tokens, decoded without verification: they say what upstream would say, no trust is implied.
//!
//! The workspace id is the `chatgpt_account_id` claim of the id token, else of the access token, and nothing
//! else: platform organisations listed beside it are not workspaces (D17).

use std::borrow::Cow;

use base64::Engine;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};

use crate::base::Moment;
use crate::domain::account::Claims;
use crate::formats::lossless::Object;

const AUTH: &str = "https://api.openai.com/auth";
const PROFILE: &str = "https://api.openai.com/profile";

const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&base64::alphabet::URL_SAFE, LENIENT);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&base64::alphabet::STANDARD, LENIENT);

/// Returns what an access token and an id token say about their owner.
pub fn claims(access: Option<&str>, id: Option<&str>) -> Claims {
    let access = access.and_then(payload);
    let id = id.and_then(payload);
    let access = access.as_deref().and_then(|text| Object::parse(text).ok()).unwrap_or_default();
    let id = id.as_deref().and_then(|text| Object::parse(text).ok()).unwrap_or_default();
    let access_auth = access.object(AUTH).unwrap_or_default();
    let id_auth = id.object(AUTH).unwrap_or_default();

    let workspace_id = filled(id_auth.text("chatgpt_account_id"))
        .or_else(|| filled(id.text("chatgpt_account_id")))
        .or_else(|| filled(access_auth.text("chatgpt_account_id")));
    let key = |email: Option<String>| email_key(&email?);
    let email = key(id.text("email"))
        .or_else(|| key(access_auth.text("email")))
        .or_else(|| key(access_auth.text("chatgpt_user_email")))
        .or_else(|| key(access.text("email")))
        .or_else(|| key(access.text("preferred_username")))
        .or_else(|| key(access.object(PROFILE)?.text("email")));
    let subject = filled(id_auth.text("chatgpt_user_id"))
        .or_else(|| filled(access_auth.text("chatgpt_user_id")))
        .or_else(|| filled(id.text("sub")))
        .or_else(|| filled(access.text("sub")));

    Claims {
        workspace_id,
        email,
        subject,
        plan: filled(id_auth.text("chatgpt_plan_type"))
            .or_else(|| filled(access_auth.text("chatgpt_plan_type"))),
        expires_at: access.millis("exp").map(Moment::from_secs),
        issued_at: access.millis("iat").map(Moment::from_secs),
    }
}

/// Returns when a token runs out, as it says itself.
pub fn expiry(token: &str) -> Option<Moment> {
    let text = payload(token)?;
    Object::parse(&text).ok()?.millis("exp").map(Moment::from_secs)
}

/// The workspace id that an access token and an id token claim.
pub fn workspace_id(access: Option<&str>, id: Option<&str>) -> Option<String> {
    claims(access, id).workspace_id
}

/// An e-mail as it is compared and shown: trimmed, lower-cased; `None` without an `@`.
pub fn email_key(email: &str) -> Option<String> {
    email_key_of(Cow::Borrowed(email)).map(Cow::into_owned)
}

/// The same, borrowed where nothing has to be changed.
pub fn email_key_of(email: Cow<'_, str>) -> Option<Cow<'_, str>> {
    if !email.as_bytes().contains(&b'@') {
        return None;
    }
    // Most are lower case already, and the general way looks at every character's table.
    let is_key = email.bytes().all(|byte| byte.is_ascii_graphic() && !byte.is_ascii_uppercase());
    Some(if is_key { email } else { Cow::Owned(email.trim().to_lowercase()) })
}

/// The payload of a token with exactly three parts.
pub(super) fn payload(token: &str) -> Option<String> {
    let mut parts = token.split('.');
    let (_, body, _) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let bytes = URL_SAFE.decode(body).or_else(|_| STANDARD.decode(body)).ok()?;
    String::from_utf8(bytes).ok()
}

fn filled(text: Option<String>) -> Option<String> {
    let text = text?;
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return None;
    }
    Some(if trimmed.len() == text.len() { text } else { trimmed.to_owned() })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// An unsigned token with these claims.
    pub(crate) fn token(claims: &serde_json::Value) -> String {
        let part = |value: &serde_json::Value| URL_SAFE.encode(value.to_string());
        format!("{}.{}.sig", part(&serde_json::json!({"alg": "none"})), part(claims))
    }

    #[test]
    fn the_workspace_is_the_claim_of_the_id_token_and_never_an_organisation() {
        let access = token(&serde_json::json!({"exp": 10, "iat": 5, AUTH: {"chatgpt_account_id": "a"}}));
        let id = token(&serde_json::json!({
            "email": " User@Example.com ", "sub": "auth0|1",
            AUTH: {"chatgpt_account_id": "b", "organizations": [{"id": "org-1"}], "chatgpt_plan_type": "plus"}
        }));

        let both = claims(Some(&access), Some(&id));

        assert_eq!(both.workspace_id.as_deref(), Some("b"));
        assert_eq!(both.email.as_deref(), Some("user@example.com"));
        assert_eq!(both.subject.as_deref(), Some("auth0|1"));
        assert_eq!(both.plan.as_deref(), Some("plus"));
        assert_eq!(both.expires_at, Some(Moment::from_secs(10)));
        assert_eq!(claims(Some(&access), None).workspace_id.as_deref(), Some("a"));
    }

    #[test]
    fn what_is_not_a_token_says_nothing() {
        for text in ["", "a.b", "a.b.c", "a.e30.c.d", "a.!!!.c", "a.W10.c"] {
            assert_eq!(claims(Some(text), Some(text)), Claims::default(), "{text}");
        }
    }

    #[test]
    fn the_profile_claim_gives_the_e_mail_of_an_access_token() {
        let access = token(&serde_json::json!({PROFILE: {"email": "me@x.io"}}));

        assert_eq!(claims(Some(&access), None).email.as_deref(), Some("me@x.io"));
    }
}
