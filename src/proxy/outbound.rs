//! One attempt on its way upstream: the client's prepared headers with one account's credentials, its origin, and the
//! body in the form the turn asked for.

use bytes::Bytes;
use http::Method;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};

use crate::ports::upstream::{Body, Request};
use crate::proxy::issuers::{Issuers, TURN_STATE};
use crate::proxy::turn::{Payload, Sending, TurnState};

/// The part of a client's request that all attempts share.
#[derive(Debug)]
pub(super) struct Template {
    /// The client's method.
    pub(super) method: Method,
    /// Below `backend-api`, query included.
    pub(super) path: String,
    /// As `headers::toward_upstream` left them.
    pub(super) headers: HeaderMap,
}

impl Template {
    /// The request of one attempt. `original` is the client's body for this send; `None` when a credential cannot
    /// stand in a header.
    pub(super) fn request(&self, sending: &Sending, original: Body, issuers: &Issuers) -> Option<Request> {
        let mut headers = self.headers.clone();
        attach(&mut headers, sending)?;
        // A known issuer is better than what the session's history suggests.
        let is_own = issuers
            .of(&self.headers)
            .map_or(sending.turn_state == TurnState::Keep, |issuer| issuer == sending.account);
        if !is_own {
            headers.remove(TURN_STATE);
        }
        let body = match &sending.body {
            Payload::Original => original,
            Payload::Edited(plain) => {
                headers.remove(header::CONTENT_ENCODING);
                Body::Bytes(Bytes::clone(plain))
            }
        };
        Some(Request {
            method: self.method.clone(),
            origin: sending.origin.clone(),
            path: self.path.clone(),
            headers,
            body,
            headers_within: sending.headers_within,
        })
    }
}

fn attach(headers: &mut HeaderMap, sending: &Sending) -> Option<()> {
    let mut bearer = HeaderValue::from_str(&format!("Bearer {}", sending.token.expose())).ok()?;
    bearer.set_sensitive(true);
    headers.insert(header::AUTHORIZATION, bearer);
    let workspace = HeaderValue::from_str(&sending.workspace).ok()?;
    headers.insert(HeaderName::from_static("chatgpt-account-id"), workspace);
    if let Some(over) = &sending.over {
        let name = HeaderName::from_static("x-openai-account-routing-override");
        headers.insert(name, HeaderValue::from_str(over).ok()?);
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Secret, Span};
    use crate::domain::account::AccountKey;

    fn sending() -> Sending {
        Sending {
            account: AccountKey::new("a"),
            token: Secret::new("access"),
            workspace: "ws-1".to_owned(),
            origin: None,
            over: Some("us".to_owned()),
            body: Payload::Original,
            headers_within: Span::seconds(60),
            turn_state: TurnState::Drop,
        }
    }

    fn template() -> Template {
        let mut headers = HeaderMap::new();
        headers.insert("x-codex-turn-state", HeaderValue::from_static("sticky"));
        headers.insert("content-encoding", HeaderValue::from_static("zstd"));
        Template { method: Method::POST, path: "/codex/responses".to_owned(), headers }
    }

    #[test]
    fn an_attempt_carries_its_account_and_nothing_of_another() {
        let request = template().request(&sending(), Body::Empty, &Issuers::default()).unwrap();

        assert_eq!(request.headers.get("authorization").unwrap(), "Bearer access");
        assert!(request.headers.get("authorization").unwrap().is_sensitive());
        assert_eq!(request.headers.get("chatgpt-account-id").unwrap(), "ws-1");
        assert_eq!(request.headers.get("x-openai-account-routing-override").unwrap(), "us");
        assert!(!request.headers.contains_key("x-codex-turn-state"));
        assert_eq!(request.headers.get("content-encoding").unwrap(), "zstd");
    }

    #[test]
    fn a_turn_state_goes_to_its_issuer_only() {
        let issuers = Issuers::default();
        issuers.note(&template().headers, &AccountKey::new("a"));
        let other = Sending { account: AccountKey::new("b"), turn_state: TurnState::Keep, ..sending() };

        let own = template().request(&sending(), Body::Empty, &issuers).unwrap();
        let foreign = template().request(&other, Body::Empty, &issuers).unwrap();

        assert!(own.headers.contains_key("x-codex-turn-state"));
        assert!(!foreign.headers.contains_key("x-codex-turn-state"));
    }

    #[test]
    fn an_edited_body_travels_plain() {
        let edited = Sending { body: Payload::Edited(Bytes::from_static(b"{}")), ..sending() };

        let request = template().request(&edited, Body::Empty, &Issuers::default()).unwrap();

        assert!(!request.headers.contains_key("content-encoding"));
        assert!(matches!(request.body, Body::Bytes(bytes) if bytes == "{}"));
    }

    #[test]
    fn a_token_no_header_can_carry_is_not_sent() {
        let odd = Sending { token: Secret::new("a\nb"), ..sending() };

        assert!(template().request(&odd, Body::Empty, &Issuers::default()).is_none());
    }
}
