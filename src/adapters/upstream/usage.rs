//! `GET …/wham/usage`: the quota of one account; spends nothing.
//!
//! A refused token is reported, never renewed here: looking must not spend single-use tokens.

use http::header::{ACCEPT, AUTHORIZATION, HeaderValue, USER_AGENT};
use http::{HeaderMap, Method, StatusCode};

use crate::adapters::upstream::BackEnd;
use crate::adapters::upstream::body::collect;
use crate::base::Span;
use crate::domain::account::Account;
use crate::domain::quota::snapshot::{Banked, Snapshot};
use crate::formats::{routing_wire, usage_wire};
use crate::ports::Clock;
use crate::ports::upstream::{Body, ReadError, Request, Upstream};

/// Both small reads give up after this.
const WITHIN: Span = Span::seconds(15);
/// Far above any real answer.
const LIMIT: usize = 1 << 20;

/// Reads the quota of `account`.
pub(super) async fn read<C: Clock>(back_end: &BackEnd<C>, account: &Account) -> Result<Snapshot, ReadError> {
    let known = account.routing.as_ref();
    let origin = known.and_then(|routing| routing.origin.clone());
    let over = known.and_then(|routing| routing.over.as_deref());
    let path = if back_end.base.path().contains("/backend-api") { "/wham/usage" } else { "/api/codex/usage" };
    let body = get(back_end, account, origin, over, path).await?;
    usage_wire::parse(&body, back_end.clock.now()).map_err(|error| ReadError::Invalid(error.to_string()))
}

/// Reads which resets were granted to `account` and not used yet. They are shown, never redeemed.
pub(super) async fn banked<C: Clock>(back_end: &BackEnd<C>, account: &Account) -> Result<Banked, ReadError> {
    let known = account.routing.as_ref();
    let origin = known.and_then(|routing| routing.origin.clone());
    let over = known.and_then(|routing| routing.over.as_deref());
    let body = get(back_end, account, origin, over, "/wham/rate-limit-reset-credits").await?;
    usage_wire::parse_banked(&body, back_end.clock.now())
        .map_err(|error| ReadError::Invalid(error.to_string()))
}

/// One authorised `GET` of `account`, its statuses sorted into [`ReadError`].
pub(super) async fn get<C: Clock>(
    back_end: &BackEnd<C>,
    account: &Account,
    origin: Option<String>,
    over: Option<&str>,
    path: &str,
) -> Result<bytes::Bytes, ReadError> {
    let headers = headers(account, over).ok_or(ReadError::NoToken)?;
    let request = Request {
        method: Method::GET,
        origin,
        path: path.to_owned(),
        headers,
        body: Body::Empty,
        headers_within: WITHIN,
    };
    let work = async {
        let mut response = back_end.send(request).await?;
        let body = collect(&mut response.body, LIMIT).await?;
        Ok::<_, ReadError>((response.status, body))
    };
    let (status, body) = tokio::time::timeout(WITHIN.to_duration(), work)
        .await
        .unwrap_or(Err(ReadError::Transport(crate::ports::upstream::UpstreamError::TimedOut)))?;
    match status {
        StatusCode::OK => Ok(body),
        StatusCode::UNAUTHORIZED => Err(ReadError::Refused),
        StatusCode::PAYMENT_REQUIRED => Err(ReadError::Unavailable(
            routing_wire::gone(&body).unwrap_or_else(|| "payment required".to_owned()),
        )),
        StatusCode::FORBIDDEN => Err(match routing_wire::gone(&body) {
            Some(why) => ReadError::Unavailable(why),
            None => ReadError::Status(status.as_u16()),
        }),
        other => Err(ReadError::Status(other.as_u16())),
    }
}

pub(super) fn headers(account: &Account, over: Option<&str>) -> Option<HeaderMap> {
    let access = account.credentials.access.as_ref()?;
    let mut bearer = HeaderValue::from_str(&format!("Bearer {}", access.expose())).ok()?;
    bearer.set_sensitive(true);
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, bearer);
    headers.insert("chatgpt-account-id", HeaderValue::from_str(account.workspace_id()?).ok()?);
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(
        USER_AGENT,
        HeaderValue::from_static(concat!("codex-multi-auth/", env!("CARGO_PKG_VERSION"))),
    );
    if let Some(over) = over {
        headers.insert("x-openai-account-routing-override", HeaderValue::from_str(over).ok()?);
    }
    Some(headers)
}
