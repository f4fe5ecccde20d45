//! The model probe: one short request that tells whether a plan has a model. It spends quota and is made only when a
//! person asked for it.
//!
//! Only "this plan does not have that model" leads to the next model; any other failure is tried once more and then
//! told, so one account costs at most two requests beside those.

use http::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use http::{Method, StatusCode};

use crate::adapters::upstream::BackEnd;
use crate::adapters::upstream::body::collect;
use crate::adapters::upstream::usage;
use crate::base::{Moment, Span};
use crate::domain::account::Account;
use crate::domain::failure::{Class, classify};
use crate::domain::model::table;
use crate::domain::quota::snapshot::{Snapshot, Source};
use crate::formats::{headers, openai};
use crate::ports::Clock;
use crate::ports::upstream::{Body, ReadError, Request, Response, Upstream as _};

/// One model answers within this, or not at all.
const WITHIN: Span = Span::seconds(15);
/// Asked one after the other when no model is named and a plan lacks one.
const PROBES: [&str; 6] =
    ["gpt-5.6-sol", "gpt-5.5", "gpt-5.4", "gpt-5.3-codex", "gpt-5.2-codex", "gpt-5-codex"];
/// Far above any real refusal.
const LIMIT: usize = 1 << 20;

/// What one request came to.
enum Tried {
    Answered(Vec<Snapshot>),
    /// The plan has no such model.
    Lacking,
}

/// Asks for a short answer of `model`, or of the first model that the plan has.
///
/// # Errors
/// [`ReadError::Status`] 403 when the plan has none of the models, else why the last request failed.
pub async fn probe<C: Clock>(
    back_end: &BackEnd<C>,
    account: &Account,
    model: Option<&str>,
) -> Result<Vec<Snapshot>, ReadError> {
    let mut models: Vec<&str> = model.into_iter().collect();
    models.extend(PROBES.iter().filter(|name| Some(**name) != model && model.is_none()));
    for model in models {
        let first = ask(back_end, account, model).await;
        let tried = match first {
            Err(ReadError::Transport(_) | ReadError::Status(500..)) => ask(back_end, account, model).await?,
            other => other?,
        };
        if let Tried::Answered(quota) = tried {
            return Ok(quota);
        }
    }
    Err(ReadError::Status(StatusCode::FORBIDDEN.as_u16()))
}

async fn ask<C: Clock>(back_end: &BackEnd<C>, account: &Account, model: &str) -> Result<Tried, ReadError> {
    let known = account.routing.as_ref();
    let mut map = usage::headers(account, known.and_then(|routing| routing.over.as_deref()))
        .ok_or(ReadError::NoToken)?;
    map.insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
    map.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let effort = table::known(model).and_then(|profile| profile.efforts.first()).copied().unwrap_or("low");
    let request = Request {
        method: Method::POST,
        origin: known.and_then(|routing| routing.origin.clone()),
        path: "/codex/responses".to_owned(),
        headers: map,
        body: Body::Bytes(openai::probe(model, effort).into()),
        headers_within: WITHIN,
    };
    let response = tokio::time::timeout(WITHIN.to_duration(), back_end.send(request))
        .await
        .unwrap_or(Err(crate::ports::upstream::UpstreamError::TimedOut))?;
    judge(response, model, back_end.clock.now()).await
}

/// A stream that began is an answer; the rest of it is not read.
async fn judge(mut response: Response, model: &str, at: Moment) -> Result<Tried, ReadError> {
    let status = response.status.as_u16();
    let map = response.headers.clone();
    let pairs: Vec<(&str, &str)> =
        map.iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?))).collect();
    let mut quota = headers::quota(pairs.iter().copied(), status, Some(model), at);
    for snapshot in &mut quota {
        snapshot.source = Source::Probe;
    }
    if response.status.is_success() || (response.status == StatusCode::TOO_MANY_REQUESTS && !quota.is_empty())
    {
        return Ok(Tried::Answered(quota));
    }
    if response.status == StatusCode::UNAUTHORIZED {
        return Err(ReadError::Refused);
    }
    let body = collect(&mut response.body, LIMIT).await?;
    let answer = openai::answer(status, &pairs, &body, Some(model), at);
    if matches!(classify(&answer, at).class, Class::UnsupportedModel | Class::PlanGap) {
        return Ok(Tried::Lacking);
    }
    Err(ReadError::Status(status))
}
