//! What a request says of itself before anything is sent: model and session from its headers, and from its body only
//! when the headers leave something open (runtime.md §4).

use bytes::Bytes;
use http::{HeaderMap, header};

use crate::domain::selection::{Ask, SessionKey};
use crate::formats::intake::Stated;
use crate::proxy::inspect;
use crate::proxy::spool::Payload;

/// Names that carry a client's session, best first.
const SESSION: [&str; 6] =
    ["session-id", "session_id", "thread-id", "thread_id", "conversation-id", "conversation_id"];

/// Above this a body is decoded on the blocking pool, so that other streams keep flowing.
const LARGE: usize = 256 * 1024;

/// The facts of one request.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Intake {
    /// Model slug.
    pub(super) model: Option<String>,
    /// The client's session id as it came.
    pub(super) session: Option<String>,
    /// `reasoning.effort`, when the body was read.
    pub(super) effort: Option<String>,
}

impl Intake {
    /// What the headers tell.
    pub(super) fn of_headers(headers: &HeaderMap) -> Self {
        let session = SESSION.iter().find_map(|name| text(headers, name));
        let model = text(headers, "x-codex-routing-hint").and_then(|hint| hinted_model(&hint));
        Self { model, session, effort: None }
    }

    /// Adds the thread that a query names (thread goals are read without a body).
    pub(super) fn with_query(mut self, query: Option<&str>) -> Self {
        let named = query.unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='));
        let mut threads =
            named.filter(|(name, value)| matches!(*name, "thread_id" | "threadId") && !value.is_empty());
        if let Some((_, thread)) = threads.next() {
            self.session = self.session.or_else(|| Some(thread.to_owned()));
        }
        self
    }

    /// Adds what only the body tells; reads it only when a header left something open.
    pub(super) async fn with_body(mut self, headers: &HeaderMap, payload: &Payload) -> Self {
        if self.model.is_some() && self.session.is_some() {
            return self;
        }
        let stated = match plain(payload, headers).await {
            Some(body) => Stated::of(&body),
            None => Stated::default(),
        };
        self.model = self.model.or(stated.model);
        self.session = self
            .session
            .or(stated.prompt_cache_key)
            .or_else(|| text(headers, "x-client-request-id"))
            .or(stated.previous_response_id)
            .or(stated.metadata_session)
            .or(stated.thread);
        self.effort = stated.effort;
        self
    }

    /// The question for the engine.
    pub(super) fn ask(&self) -> Ask {
        Ask::of(self.session.as_deref().map(SessionKey::of), self.model.clone())
    }
}

/// The body decoded; `None` when it cannot be.
pub(super) async fn plain(payload: &Payload, headers: &HeaderMap) -> Option<Bytes> {
    let wire = payload.bytes().await?;
    let encoding = text(headers, header::CONTENT_ENCODING.as_str());
    if wire.len() <= LARGE || encoding.is_none() {
        return inspect::decoded(&wire, encoding.as_deref());
    }
    tokio::task::spawn_blocking(move || inspect::decoded(&wire, encoding.as_deref())).await.ok()?
}

/// The client in a word, for rows.
pub(super) fn client_word(headers: &HeaderMap) -> String {
    let originator = text(headers, "originator").unwrap_or_default().to_ascii_lowercase();
    let word = match originator.as_str() {
        "codex_exec" => "exec",
        "codex-tui" | "codex_cli_rs" => "tui",
        "codex_vscode" => "ide",
        "" => "other",
        _ => "app",
    };
    word.to_owned()
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    let value = headers.get(name)?.to_str().ok()?.trim();
    (!value.is_empty()).then(|| value.to_owned())
}

fn hinted_model(hint: &str) -> Option<String> {
    hint.split([';', ','])
        .filter_map(|part| part.trim().strip_prefix("model="))
        .map(|model| model.trim().trim_matches('"').to_owned())
        .find(|model| !model.is_empty())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (http::HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect()
    }

    #[test]
    fn the_first_session_header_that_says_something_counts() {
        for (pairs, session) in [
            (&[("session-id", "a"), ("thread-id", "b")][..], Some("a")),
            (&[("session-id", "  "), ("thread_id", "b")][..], Some("b")),
            (&[("conversation_id", "c")][..], Some("c")),
            (&[][..], None),
        ] {
            assert_eq!(Intake::of_headers(&headers(pairs)).session.as_deref(), session);
        }
    }

    #[test]
    fn the_model_stands_in_the_routing_hint() {
        for (hint, model) in
            [("model=gpt-5.5", Some("gpt-5.5")), ("a=1; model=\"x\"", Some("x")), ("model=", None)]
        {
            assert_eq!(
                Intake::of_headers(&headers(&[("x-codex-routing-hint", hint)])).model.as_deref(),
                model
            );
        }
    }
}
