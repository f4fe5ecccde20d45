//! One request from its head to its answer: gate, route, limits, body, then whoever is in charge of the route.

use std::sync::{Arc, PoisonError};

use http::{HeaderMap, Method, Request, Response, header};
use hyper::body::{Body as _, Incoming};

use crate::base::Moment;
use crate::domain::facts::Via;
use crate::domain::usage::entry::Operation;
use crate::formats::{control, goal};
use crate::ports::Ports;
use crate::ports::callers::Caller;
use crate::proxy::answer::{self, Hangup, Out};
use crate::proxy::exchange::{Carried, Exchange, Order};
use crate::proxy::gate::{Admission, Entrance};
use crate::proxy::goal::Wish;
use crate::proxy::headers::{self, Purpose};
use crate::proxy::hub::Hub;
use crate::proxy::inbound::{self, Intake};
use crate::proxy::outbound::Template;
use crate::proxy::pump::Reading;
use crate::proxy::record::End;
use crate::proxy::refusal::Refusal;
use crate::proxy::route::{self, Route, Target, Wants};
use crate::proxy::server::Handover;
use crate::proxy::socket::{self, Opening};
use crate::proxy::spool::{BodyError, Payload, Through};
use crate::proxy::turn::{Facts, Kind, Replay};
use crate::proxy::{bridge, refresh, session};

/// Bodies of routes nobody inspects are kept for another attempt up to here.
const REPLAYABLE: u64 = 1024 * 1024;

/// Answers one request.
///
/// # Errors
/// When the connection is to be reset.
pub(super) async fn answer<P: Ports>(
    hub: Arc<Hub<P>>,
    request: Request<Incoming>,
    handover: Handover<P>,
    caller: Caller,
) -> Result<Response<Out<P>>, Hangup> {
    if let Some(access) = hub.bridge {
        return bridge::answer(hub, request, access).await;
    }
    let (rest, entrance) = match hub.gate.admit(caller, request.uri().path(), request.headers()) {
        Admission::Open(rest, entrance) => (rest, entrance),
        Admission::Foreign => return Ok(answer::turned_away(&Refusal::forbidden_origin())),
        Admission::Unknown => return Ok(answer::turned_away(&Refusal::not_found())),
    };
    let wants = if socket::wants_upgrade(request.headers()) { Wants::Upgrade } else { Wants::Answer };
    let target = route::target(request.method(), &rest, request.uri().query(), wants);
    match target.route {
        Route::Health => Ok(answer::json(200, "{\"ok\":true}\n")),
        Route::Status => Ok(answer::json(200, control::print_pulse(&hub.pulse()))),
        Route::Metrics if hub.setting(|settings| settings.metrics) => Ok(answer::metrics(hub.metrics())),
        // Switched off, the page of metrics is not there.
        Route::Metrics | Route::Unknown => Ok(answer::turned_away(&Refusal::not_found())),
        Route::Refresh => client_refresh(&hub, request).await,
        Route::Socket => upgrade(hub, request, target, entrance, Reading::Judged, handover).await,
        Route::Splice => upgrade(hub, request, target, entrance, Reading::Blind, handover).await,
        Route::Turn => exchange(hub, request, target, &entrance, Kind::Responses).await,
        Route::Models => exchange(hub, request, target, &entrance, Kind::Models).await,
        Route::Goal => exchange(hub, request, target, &entrance, Kind::ThreadGoal).await,
        Route::Other => exchange(hub, request, target, &entrance, Kind::Other).await,
    }
}

pub(super) async fn exchange<P: Ports>(
    hub: Arc<Hub<P>>,
    request: Request<Incoming>,
    target: Target,
    entrance: &Entrance,
    kind: Kind,
) -> Result<Response<Out<P>>, Hangup> {
    let limit = hub.setting(|settings| settings.max_concurrent_requests);
    let arrived = hub.now();
    let Some(seat) = hub.busy.request(limit) else {
        return Ok(turned_away(&hub, kind, &Refusal::overloaded(), arrived));
    };
    let (parts, incoming) = request.into_parts();
    let purpose = if kind == Kind::Responses { Purpose::Turn } else { Purpose::Plain };
    let carried = match take_body(&hub, incoming, kind, &parts.method).await {
        Ok(carried) => carried,
        Err(BodyError::TooLarge) => return Ok(turned_away(&hub, kind, &Refusal::too_large(), arrived)),
        Err(BodyError::Overloaded) => return Ok(turned_away(&hub, kind, &Refusal::overloaded(), arrived)),
        Err(BodyError::Gone) => {
            hub.enter_aside(kind.operation(), &End::gone(), arrived);
            return Err(Hangup);
        }
    };
    let mut intake = Intake::of_headers(&parts.headers);
    if let (Carried::Kept(payload), Kind::Responses | Kind::ThreadGoal) = (&carried, kind) {
        intake = intake.with_body(&parts.headers, payload).await;
    }
    if kind == Kind::ThreadGoal {
        intake = intake.with_query(parts.uri.query());
    }
    let mut ask = intake.ask();
    ask.forced = hub.forced(entrance);
    ask.project.clone_from(&hub.project);
    if let Some(key) = &entrance.key {
        if kind == Kind::Responses && !key.allows(ask.model.as_deref()) {
            return Ok(turned_away(&hub, kind, &Refusal::foreign_model(ask.model.as_deref()), arrived));
        }
        ask.token = Some(key.id.clone());
    }
    let facts = Facts {
        id: hub.next_id(),
        kind,
        via: if hub.bridge.is_some() { Via::Bridge } else { Via::Http },
        ask,
        replay: if matches!(carried, Carried::Once(_)) { Replay::Once } else { Replay::Kept },
        body_len: match &carried {
            Carried::Nothing => 0,
            Carried::Kept(payload) => payload.size(),
            Carried::Once(through) => through.as_ref().and_then(Through::length).unwrap_or(0),
        },
        effort: intake.effort,
        project: hub.project.clone(),
        arrived,
    };
    let template = Template {
        method: parts.method,
        path: target.path,
        headers: headers::toward_upstream(&parts.headers, purpose),
    };
    let client = inbound::client_word(&parts.headers);
    let wish = if kind == Kind::ThreadGoal { Some(wish(&template, &carried).await) } else { None };
    let order = Order { facts, template, carried, client, wish, seat: Some(seat) };
    Exchange::new(hub, order).run().await
}

/// Refuses a request that was not even read, and writes that down.
fn turned_away<P: Ports>(hub: &Hub<P>, kind: Kind, refusal: &Refusal, arrived: Moment) -> Response<Out<P>> {
    hub.enter_aside(kind.operation(), &End::refused(refusal.status, refusal.code), arrived);
    answer::turned_away(refusal)
}

async fn wish(template: &Template, carried: &Carried) -> Wish {
    if !template.path.starts_with("/codex/thread/goal/set") {
        return Wish::Read;
    }
    let body = match carried {
        Carried::Kept(payload) => inbound::plain(payload, &template.headers).await,
        Carried::Nothing | Carried::Once(_) => None,
    };
    Wish::Set(goal::parse(&body.unwrap_or_default()))
}

async fn take_body<P: Ports>(
    hub: &Hub<P>,
    incoming: Incoming,
    kind: Kind,
    method: &Method,
) -> Result<Carried, BodyError> {
    if incoming.is_end_stream() || (kind == Kind::Models && *method == Method::GET) {
        return Ok(Carried::Nothing);
    }
    let is_short = incoming.size_hint().upper().is_some_and(|size| size <= REPLAYABLE);
    if kind == Kind::Other && !is_short {
        return Ok(Carried::Once(Some(Through::new(incoming))));
    }
    Ok(Carried::Kept(Payload::read(incoming, &hub.bodies).await?))
}

async fn upgrade<P: Ports>(
    hub: Arc<Hub<P>>,
    request: Request<Incoming>,
    target: Target,
    entrance: Entrance,
    reading: Reading,
    handover: Handover<P>,
) -> Result<Response<Out<P>>, Hangup> {
    if !hub.setting(|settings| settings.web_socket) {
        return Ok(answer::refusal(&Refusal::upgrade_required()));
    }
    let mut ask = Intake::of_headers(request.headers()).ask();
    ask.forced = hub.forced(&entrance);
    ask.project.clone_from(&hub.project);
    let facts = session::Facts {
        id: hub.next_id(),
        ask,
        client: inbound::client_word(request.headers()),
        project: hub.project.clone(),
        arrived: hub.now(),
    };
    match socket::open(hub, request, target.path, facts, reading).await {
        Opening::Refused(response) => Ok(response),
        Opening::Open(response, pump) => {
            *handover.lock().unwrap_or_else(PoisonError::into_inner) = Some(pump);
            Ok(response)
        }
    }
}

async fn client_refresh<P: Ports>(
    hub: &Arc<Hub<P>>,
    request: Request<Incoming>,
) -> Result<Response<Out<P>>, Hangup> {
    let arrived = hub.now();
    let answered = refreshed(hub, request).await?;
    let status = answered.status().as_u16();
    let end = if status < 400 { End::good(status) } else { End::bad(status, "auth_refresh_refused") };
    hub.enter_aside(Operation::AuthRefresh, &end, arrived);
    Ok(answered)
}

async fn refreshed<P: Ports>(
    hub: &Arc<Hub<P>>,
    request: Request<Incoming>,
) -> Result<Response<Out<P>>, Hangup> {
    let (parts, incoming) = request.into_parts();
    let cap = u64::try_from(refresh::BODY_CAP).unwrap_or(u64::MAX);
    if incoming.size_hint().lower() > cap {
        return Ok(answer::turned_away(&Refusal::too_large()));
    }
    match Payload::read(incoming, &hub.bodies).await {
        Ok(payload) if payload.size() <= cap => {
            let body = payload.bytes().await.ok_or(Hangup)?;
            Ok(refresh::answer(hub, body, content_type(&parts.headers)).await)
        }
        Ok(_) | Err(BodyError::TooLarge) => Ok(answer::turned_away(&Refusal::too_large())),
        Err(BodyError::Overloaded) => Ok(answer::turned_away(&Refusal::overloaded())),
        Err(BodyError::Gone) => Err(Hangup),
    }
}

fn content_type(headers: &HeaderMap) -> Option<String> {
    headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).map(str::to_owned)
}
