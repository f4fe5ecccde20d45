//! From a request to its endpoint: what is taken down of it, who sent it, whether it is let in.

use std::io;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;

use crate::base::Span;
use crate::domain::digest::sha256_hex;
use crate::formats::fake::events::{request_id, turn_state_owner};
use crate::formats::fake::quota::Window;
use crate::formats::fake::refusal::Refusal;
use crate::formats::fake::{catalogue, hex_id};
use crate::formats::scenario::{Action, Endpoint};
use crate::rehearsal::backend::accounts::Bearer;
use crate::rehearsal::backend::record::{Entry, Outcome, Ticket, Violation};
use crate::rehearsal::backend::socket::Opening;
use crate::rehearsal::backend::{Stage, models, oauth, responses, routing, socket, usage};
use crate::rehearsal::locked;

pub(super) type Body = UnsyncBoxBody<Bytes, io::Error>;

/// The connection ends without an answer.
#[derive(Debug, thiserror::Error)]
#[error("dropped by the scenario or the peer")]
pub(in crate::rehearsal) struct Dropped;

/// A request as the endpoints see it.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) endpoint: Endpoint,
    pub(super) query: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) entry: Entry,
    pub(super) bearer: Bearer,
    /// The account, and its name.
    pub(super) account: Option<(usize, String)>,
}

impl Asked {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The address the request was sent to.
    pub(super) fn base(&self) -> String {
        format!("http://{}", self.header("host").unwrap_or_default())
    }

    pub(super) fn content_type(&self) -> &str {
        self.header("content-type").unwrap_or_default()
    }

    pub(super) fn name(&self) -> Option<&str> {
        self.account.as_ref().map(|(_, name)| name.as_str())
    }
}

pub(in crate::rehearsal) async fn answer(
    stage: Arc<Stage>,
    request: Request<Incoming>,
    upgraded: &Mutex<Option<Opening>>,
) -> Result<Response<Body>, Dropped> {
    let endpoint = endpoint_of(&request);
    if endpoint == Endpoint::Upgrade {
        let (request, asked) = without_body(&stage, request, endpoint);
        return socket::open(&stage, request, asked, upgraded).await;
    }
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| Dropped)?.to_bytes();
    let asked = asked(&stage, endpoint, &parts, body);
    match endpoint {
        Endpoint::Token | Endpoint::Code | Endpoint::Revoke | Endpoint::Authorize | Endpoint::Device => {
            oauth::answer(&stage, asked).await
        }
        Endpoint::Turn | Endpoint::Http | Endpoint::Frame | Endpoint::Prewarm | Endpoint::Upgrade => {
            responses::answer(&stage, asked).await
        }
        Endpoint::Models => plain(&stage, asked, models::answer).await,
        Endpoint::Check => plain(&stage, asked, routing::answer).await,
        Endpoint::Usage => plain(&stage, asked, usage::answer).await,
        Endpoint::Any | Endpoint::Other => other(&stage, asked).await,
    }
}

fn endpoint_of(request: &Request<Incoming>) -> Endpoint {
    let path = request.uri().path();
    match path {
        "/oauth/token" => return Endpoint::Token,
        "/oauth/revoke" => return Endpoint::Revoke,
        "/oauth/authorize" => return Endpoint::Authorize,
        _ if path.starts_with("/api/accounts/deviceauth/") => return Endpoint::Device,
        _ => {}
    }
    match path.strip_prefix("/backend-api").unwrap_or(path) {
        "/codex/responses" if request.method() == Method::POST => Endpoint::Http,
        "/codex/responses" if request.headers().contains_key("upgrade") => Endpoint::Upgrade,
        "/codex/models" => Endpoint::Models,
        "/wham/accounts/check" => Endpoint::Check,
        "/wham/usage" => Endpoint::Usage,
        _ => Endpoint::Other,
    }
}

fn without_body(stage: &Stage, request: Request<Incoming>, endpoint: Endpoint) -> (Request<Incoming>, Asked) {
    let (parts, body) = request.into_parts();
    let asked = asked(stage, endpoint, &parts, Bytes::new());
    (Request::from_parts(parts, body), asked)
}

fn asked(stage: &Stage, endpoint: Endpoint, parts: &http::request::Parts, body: Bytes) -> Asked {
    let headers = parts.headers.clone();
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let token = text("authorization").and_then(|value| value.strip_prefix("Bearer ").map(str::to_owned));
    let accounts = locked(&stage.accounts);
    let bearer = accounts.bearer(token.as_deref(), stage.now());
    let member = bearer.index().and_then(|index| Some((index, accounts.member(index)?)));
    let mut entry = Entry {
        at: stage.now().millis(),
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        endpoint: endpoint.word().to_owned(),
        transport: "http".to_owned(),
        account: member.map(|(_, member)| member.player.name.clone()),
        account_id: text("chatgpt-account-id"),
        session: text("session-id").or_else(|| text("thread-id")),
        encoding: text("content-encoding"),
        originator: text("originator"),
        turn_state: text("x-codex-turn-state"),
        routing: text("x-openai-account-routing-override"),
        header_names: headers.keys().map(ToString::to_string).collect(),
        body_sha256: sha256_hex(&body),
        body_length: body.len(),
        ..Entry::default()
    };
    if needs_credentials(parts.uri.path()) {
        let own =
            member.map(|(_, member)| (member.identity.account_id.as_str(), member.player.name.as_str()));
        entry.violations = violations(&entry, bearer, own);
    }
    let account = member.map(|(index, member)| (index, member.player.name.clone()));
    let query = parts.uri.query().unwrap_or_default().to_owned();
    Asked { endpoint, query, headers, body, entry, bearer, account }
}

fn needs_credentials(path: &str) -> bool {
    let path = path.strip_prefix("/backend-api").unwrap_or(path);
    path.starts_with("/codex/") || path.starts_with("/wham/")
}

fn violations(entry: &Entry, bearer: Bearer, own: Option<(&str, &str)>) -> Vec<Violation> {
    let mut found = Vec::new();
    match bearer {
        Bearer::Missing => found.push(Violation::NoCredentials),
        Bearer::Unknown => found.push(Violation::UnknownBearer),
        Bearer::Valid(_) | Bearer::Expired(_) | Bearer::Ended(_) => {}
    }
    let Some((id, name)) = own else { return found };
    if entry.account_id.as_deref().is_some_and(|given| given != id) {
        found.push(Violation::AccountMismatch);
    }
    let owner = entry.turn_state.as_deref().and_then(turn_state_owner);
    if owner.is_some_and(|owner| owner != name) {
        found.push(Violation::ForeignTurnState);
    }
    found
}

/// What a request may expect after the script and the credentials have been looked at.
#[derive(Debug)]
pub(super) enum Gate {
    /// Let in, with what the script still wants to happen.
    Open { index: usize, action: Option<Action> },
    /// Not let in.
    Shut { refusal: Refusal, action: Option<&'static str> },
}

/// Asks the script first: it may refuse what would be fine, not the other way round.
pub(super) fn gate(stage: &Stage, asked: &Asked) -> Gate {
    let action = locked(&stage.director).ask(asked.name(), asked.endpoint, stage.clock.elapsed());
    if let Some(refusal) = action.as_ref().and_then(|action| scripted_refusal(stage, asked, action)) {
        return Gate::Shut { refusal, action: action.map(|action| action.word()) };
    }
    let shut = |refusal| Gate::Shut { refusal, action: None };
    let expired = "Provided authentication token is expired. Please try signing in again.";
    let index = match asked.bearer {
        Bearer::Valid(index) => index,
        Bearer::Missing => {
            return shut(Refusal::unauthorized("missing_authorization", "Missing bearer authentication."));
        }
        Bearer::Unknown => {
            return shut(Refusal::unauthorized(
                "invalid_token",
                "Could not parse your authentication token.",
            ));
        }
        Bearer::Expired(_) => return shut(Refusal::unauthorized("token_expired", expired)),
        Bearer::Ended(_) => {
            return shut(Refusal::unauthorized(
                "token_revoked",
                "Encountered invalidated oauth token for user, failing request",
            ));
        }
    };
    if asked.entry.violations.contains(&Violation::AccountMismatch) {
        return shut(Refusal::error(403, "invalid_request_error", "account_mismatch", "Wrong workspace."));
    }
    let deactivated = locked(&stage.accounts).member(index).is_some_and(|member| member.player.deactivated);
    match Refusal::of(&Action::Deactivated) {
        Some(refusal) if deactivated => shut(refusal),
        Some(_) | None => Gate::Open { index, action },
    }
}

/// The error a scripted action answers with; reaching a limit needs the account.
pub(super) fn scripted_refusal(stage: &Stage, asked: &Asked, action: &Action) -> Option<Refusal> {
    let index = asked.account.as_ref().map(|(index, _)| *index);
    let now = stage.now();
    if let Action::UsageLimit { resets_in } = action {
        let mut standing = locked(&stage.accounts).standing(index?, now)?;
        let minutes = standing.primary.map_or(300, |window| window.minutes);
        let window = Window { used: 100.0, minutes, reset_at: now + *resets_in };
        standing.primary = Some(window);
        return Some(Refusal::usage_limit(&standing, window));
    }
    if let Action::Exhaust { resets_in } = action {
        let mut accounts = locked(&stage.accounts);
        accounts.exhaust(index?, now, *resets_in);
        let standing = accounts.standing(index?, now)?;
        return Some(Refusal::usage_limit(&standing, standing.exhausted()?));
    }
    Refusal::of(action)
}

/// The part an endpoint without a stream plays: headers and body for an account.
type Part = fn(&Stage, usize, Option<&Action>) -> (Vec<(&'static str, String)>, String);

/// An endpoint without a stream: gate, script, answer.
async fn plain(stage: &Stage, asked: Asked, answer: Part) -> Result<Response<Body>, Dropped> {
    let ticket = stage.record.begin(asked.entry.clone());
    match gate(stage, &asked) {
        Gate::Shut { refusal, action } => refuse(stage, ticket, &refusal, action),
        Gate::Open { index, action } => {
            if let Some(special) = act(&ticket, action.as_ref()).await? {
                return respond(stage, ticket, 200, &[], special);
            }
            let (headers, body) = answer(stage, index, action.as_ref());
            respond(stage, ticket, 200, &headers, body)
        }
    }
}

/// Everything nobody has a part for: 200 `{}`, as the client expects of its side errands.
async fn other(stage: &Stage, asked: Asked) -> Result<Response<Body>, Dropped> {
    let ticket = stage.record.begin(asked.entry.clone());
    let action = locked(&stage.director).ask(asked.name(), asked.endpoint, stage.clock.elapsed());
    if let Some(refusal) = action.as_ref().and_then(|action| scripted_refusal(stage, &asked, action)) {
        return refuse(stage, ticket, &refusal, action.map(|action| action.word()));
    }
    let special = act(&ticket, action.as_ref()).await?;
    let usual = if asked.entry.path.ends_with("/wham/rate-limit-reset-credits") {
        catalogue::reset_credits()
    } else {
        "{}".to_owned()
    };
    respond(stage, ticket, 200, &[], special.unwrap_or(usual))
}

/// Waits, hangs or drops as the script wants; a body that takes the place of the ordinary one.
pub(super) async fn act(ticket: &Ticket, action: Option<&Action>) -> Result<Option<String>, Dropped> {
    let Some(action) = action else { return Ok(None) };
    ticket.change(|entry| entry.action = Some(action.word().to_owned()));
    if let Action::Slow { delay } = action {
        pause(*delay).await;
    }
    if matches!(action, Action::Hang | Action::Stall { .. }) {
        std::future::pending::<()>().await;
    }
    if matches!(action, Action::Drop | Action::Cut { .. } | Action::Tear { .. }) {
        ticket.change(|entry| entry.outcome = Outcome::Broken);
        return Err(Dropped);
    }
    if action == &Action::Empty {
        return Ok(Some(String::new()));
    }
    let garbage = matches!(action, Action::Garbage | Action::Malformed { .. });
    Ok(garbage.then(|| "{\"not\": json".to_owned()))
}

pub(super) async fn pause(span: Span) {
    tokio::time::sleep(span.to_duration()).await;
}

pub(super) fn refuse(
    stage: &Stage,
    mut ticket: Ticket,
    refusal: &Refusal,
    action: Option<&'static str>,
) -> Result<Response<Body>, Dropped> {
    ticket.change(|entry| {
        entry.status = refusal.status;
        entry.action = action.map(str::to_owned);
    });
    ticket.finish(Outcome::Refused);
    let mut builder = stamped(stage, refusal.status);
    if let Some(kind) = refusal.content_type {
        builder = builder.header("content-type", kind);
    }
    for (name, value) in &refusal.headers {
        builder = builder.header(name, value);
    }
    builder.body(whole(refusal.body.clone())).map_err(|_| Dropped)
}

pub(super) fn respond(
    stage: &Stage,
    mut ticket: Ticket,
    status: u16,
    headers: &[(&'static str, String)],
    body: String,
) -> Result<Response<Body>, Dropped> {
    ticket.change(|entry| entry.status = status);
    ticket.finish(if status < 400 { Outcome::Answered } else { Outcome::Refused });
    let mut builder = stamped(stage, status).header("content-type", "application/json; charset=utf-8");
    for (name, value) in headers {
        builder = builder.header(*name, value);
    }
    builder.body(whole(body)).map_err(|_| Dropped)
}

/// Every answer carries the marks the client shows in its errors.
pub(super) fn stamped(stage: &Stage, status: u16) -> http::response::Builder {
    let serial = stage.serial();
    Response::builder()
        .status(status)
        .header("x-request-id", request_id(serial))
        .header("cf-ray", format!("{}-FAK", hex_id(serial, 16)))
}

pub(super) fn whole(body: impl Into<Bytes>) -> Body {
    Full::new(body.into()).map_err(|never| match never {}).boxed_unsync()
}
