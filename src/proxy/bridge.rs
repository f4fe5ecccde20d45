//! The face of the local bridge (runtime.md §23): three paths in the usual shape for programs that are not the official
//! CLI, in front of the same pool. Their key is ours, so no prefix stands in the path.

use std::sync::Arc;

use http::{HeaderMap, Method, Request, Response, header};
use hyper::body::Incoming;

use crate::base::Secret;
use crate::domain::bridge::Access;
use crate::domain::client_token::{ClientToken, Scope};
use crate::ports::{Ports, Store as _};
use crate::proxy::answer::{self, Hangup, Out};
use crate::proxy::gate::{self, Entrance};
use crate::proxy::hub::Hub;
use crate::proxy::refusal::Refusal;
use crate::proxy::route::{Route, Target};
use crate::proxy::serve;
use crate::proxy::turn::Kind;

const HEALTH: &str = "{\"ok\":true,\"service\":\"codex-multi-auth-local-bridge\"}\n";

/// Answers one request.
///
/// # Errors
/// When the connection is to be reset.
pub(super) async fn answer<P: Ports>(
    hub: Arc<Hub<P>>,
    request: Request<Incoming>,
    access: Access,
) -> Result<Response<Out<P>>, Hangup> {
    if gate::is_foreign(request.headers()) {
        return Ok(answer::turned_away(&Refusal::forbidden_origin()));
    }
    let path = request.uri().path();
    if (request.method(), path) == (&Method::GET, "/health") {
        return Ok(answer::json(200, HEALTH));
    }
    let key = match access {
        Access::Open => None,
        Access::Keyed => match shown(&hub, request.headers()).await {
            Some(key) => Some(Arc::new(key)),
            None => return Ok(answer::turned_away(&unauthorized(request.headers()))),
        },
    };
    let (route, kind, path, scope) = match (request.method(), path) {
        (&Method::GET, "/v1/models") => (Route::Models, Kind::Models, "/codex/models", Scope::Models),
        (&Method::POST, "/v1/responses") => {
            (Route::Turn, Kind::Responses, "/codex/responses", Scope::Responses)
        }
        _ => return Ok(answer::turned_away(&not_found())),
    };
    if key.as_ref().is_some_and(|key| !key.opens(scope)) {
        return Ok(answer::turned_away(&forbidden()));
    }
    let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
    let target = Target { route, path: format!("{path}{query}") };
    serve::exchange(hub, request, target, &Entrance { forced: None, key }, kind).await
}

async fn shown<P: Ports>(hub: &Hub<P>, headers: &HeaderMap) -> Option<ClientToken> {
    let shown = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let bearer = shown.and_then(|value| value.split_once(' '));
    let (_, key) = bearer.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))?;
    hub.ports.store().client_key(Secret::new(key.trim()), hub.now()).await
}

/// The official client answers any 401 by spending its refresh token, so it gets a 403.
fn unauthorized(headers: &HeaderMap) -> Refusal {
    let agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_official = headers.contains_key("originator") || agent.to_ascii_lowercase().starts_with("codex");
    Refusal::plain(
        if is_official { 403 } else { 401 },
        "invalid_request_error",
        "local_bridge_unauthorized",
        "This bridge needs a key: `codex-multi-auth bridge token create`",
    )
}

/// The key is good, but not for this; no refresh would change that.
fn forbidden() -> Refusal {
    Refusal::plain(
        403,
        "invalid_request_error",
        "local_bridge_forbidden",
        "This key does not open this path: `codex-multi-auth bridge token list` shows what it opens",
    )
}

fn not_found() -> Refusal {
    Refusal::plain(404, "invalid_request_error", "local_bridge_not_found", "Nothing here")
}
