//! The token, login, revoke and device endpoints of `auth.openai.com`.

use std::collections::HashMap;

use http::Response;

use crate::base::{Moment, Span};
use crate::formats::fake::hex_id;
use crate::formats::fake::refusal::Refusal;
use crate::formats::fake::token::{self, Grant};
use crate::formats::scenario::{Action, Endpoint};
use crate::rehearsal::backend::Stage;
use crate::rehearsal::backend::accounts::{Issued, Refreshed};
use crate::rehearsal::backend::record::{Ticket, Violation};
use crate::rehearsal::backend::route::{
    Asked, Body, Dropped, act, refuse, respond, scripted_refusal, stamped, whole,
};
use crate::rehearsal::locked;

/// Logins under way.
#[derive(Debug, Default)]
pub(super) struct Logins {
    /// Who signs in next; the first account when nobody was named.
    pub(super) next: Option<String>,
    /// How often a device poll is answered with "pending" first.
    pub(super) pending_polls: u32,
    /// How long a device code is good; 15 minutes when nothing was said.
    pub(super) device_life: Option<Span>,
    codes: HashMap<String, Login>,
    devices: HashMap<String, u32>,
}

#[derive(Debug)]
struct Login {
    name: String,
    challenge: Option<String>,
    /// Where the browser was sent; the exchange must name the same place.
    redirect: Option<String>,
}

impl Logins {
    fn code(&mut self, code: String, login: Login) {
        self.codes.insert(code, login);
    }
}

pub(super) async fn answer(stage: &Stage, asked: Asked) -> Result<Response<Body>, Dropped> {
    match asked.endpoint {
        Endpoint::Token | Endpoint::Code => match token::grant(asked.content_type(), &asked.body) {
            Grant::Refresh { token, .. } => refreshed(stage, asked, &token).await,
            Grant::Code { code, verifier } => exchanged(stage, asked, &code, &verifier).await,
            Grant::Exchange => {
                let key = format!("sk-rehearsal-{}", hex_id(stage.serial(), 24));
                simple(stage, asked, Endpoint::Code, token::exchanged(&key)).await
            }
            Grant::Unknown => {
                let ticket = stage.record.begin(asked.entry);
                refuse(stage, ticket, &grant_refusal("unsupported_grant_type", "Unknown grant."), None)
            }
        },
        Endpoint::Revoke => {
            let token = token::field(asked.content_type(), &asked.body, "token").unwrap_or_default();
            locked(&stage.accounts).revoke(&token);
            simple(stage, asked, Endpoint::Revoke, "{}".to_owned()).await
        }
        Endpoint::Device => device(stage, asked).await,
        Endpoint::Authorize
        | Endpoint::Any
        | Endpoint::Turn
        | Endpoint::Http
        | Endpoint::Frame
        | Endpoint::Prewarm
        | Endpoint::Upgrade
        | Endpoint::Models
        | Endpoint::Check
        | Endpoint::Usage
        | Endpoint::Other => authorize(stage, asked),
    }
}

fn grant_refusal(code: &str, message: &str) -> Refusal {
    Refusal::error(400, "invalid_request_error", code, message)
}

fn ended(code: &str, message: &str) -> Refusal {
    Refusal::error(401, "invalid_request_error", code, message)
}

async fn simple(
    stage: &Stage,
    mut asked: Asked,
    endpoint: Endpoint,
    body: String,
) -> Result<Response<Body>, Dropped> {
    endpoint.word().clone_into(&mut asked.entry.endpoint);
    let action = locked(&stage.director).ask(None, endpoint, stage.clock.elapsed());
    let ticket = stage.record.begin(asked.entry);
    if let Some(refusal) = action.as_ref().and_then(Refusal::of) {
        return refuse(stage, ticket, &refusal, action.map(|action| action.word()));
    }
    let special = act(&ticket, action.as_ref()).await?;
    respond(stage, ticket, 200, &[], special.unwrap_or(body))
}

/// A refresh. A connection that is dropped or left hanging has spent the token: the worst a client can meet.
async fn refreshed(stage: &Stage, mut asked: Asked, token: &str) -> Result<Response<Body>, Dropped> {
    let (owner, spent) = {
        let accounts = locked(&stage.accounts);
        let owner = accounts.owner_of(token);
        let name = owner.and_then(|index| accounts.member(index)).map(|member| member.player.name.clone());
        (owner.zip(name), accounts.is_spent(token))
    };
    asked.account = owner;
    asked.entry.account = asked.name().map(str::to_owned);
    if spent {
        asked.entry.violations.push(Violation::ReusedRefreshToken);
    }
    let action = locked(&stage.director).ask(asked.name(), Endpoint::Token, stage.clock.elapsed());
    let ticket = stage.record.begin(std::mem::take(&mut asked.entry));
    if let Some(refusal) = action.as_ref().and_then(|action| scripted_refusal(stage, &asked, action)) {
        return refuse(stage, ticket, &refusal, action.map(|action| action.word()));
    }
    if matches!(action, Some(Action::Slow { .. } | Action::Empty | Action::Garbage)) {
        let special = act(&ticket, action.as_ref()).await?;
        if let Some(body) = special {
            return respond(stage, ticket, 200, &[], body);
        }
    }
    let now = stage.now();
    let outcome = locked(&stage.accounts).refresh(token, now).1;
    if matches!(action, Some(Action::Hang | Action::Drop)) {
        act(&ticket, action.as_ref()).await?;
    }
    let issued = match outcome {
        Refreshed::Renewed(issued) => match &action {
            Some(Action::WrongIdentity { account }) => {
                let mut accounts = locked(&stage.accounts);
                let other = accounts.index_of(account);
                other.and_then(|index| accounts.issue(index, now, None)).unwrap_or(*issued)
            }
            Some(_) | None => *issued,
        },
        Refreshed::Reused => {
            let text = "Your refresh token was already used. Please log out and sign in again.";
            return refuse(stage, ticket, &ended("refresh_token_reused", text), None);
        }
        Refreshed::Ended => {
            let text = "Your session was ended. Please log out and sign in again.";
            return refuse(stage, ticket, &ended("refresh_token_invalidated", text), None);
        }
        Refreshed::Unknown => {
            let text = "The refresh token is not valid.";
            return refuse(stage, ticket, &ended("invalid_refresh_token", text), None);
        }
    };
    granted(stage, ticket, &issued, now)
}

fn granted(stage: &Stage, ticket: Ticket, issued: &Issued, now: Moment) -> Result<Response<Body>, Dropped> {
    let body = token::answer(
        issued.access.expose(),
        issued.refresh.expose(),
        issued.id_token.expose(),
        now.until(issued.expires_at).as_secs(),
    );
    respond(stage, ticket, 200, &[("cache-control", "no-store".to_owned())], body)
}

async fn exchanged(
    stage: &Stage,
    mut asked: Asked,
    code: &str,
    verifier: &str,
) -> Result<Response<Body>, Dropped> {
    Endpoint::Code.word().clone_into(&mut asked.entry.endpoint);
    let redirect = token::field(asked.content_type(), &asked.body, "redirect_uri");
    let login = locked(&stage.logins).codes.remove(code);
    asked.entry.account = login.as_ref().map(|login| login.name.clone());
    let action =
        locked(&stage.director).ask(asked.entry.account.as_deref(), Endpoint::Code, stage.clock.elapsed());
    let ticket = stage.record.begin(asked.entry);
    if let Some(refusal) = action.as_ref().and_then(Refusal::of) {
        return refuse(stage, ticket, &refusal, action.map(|action| action.word()));
    }
    if let Some(body) = act(&ticket, action.as_ref()).await? {
        return respond(stage, ticket, 200, &[], body);
    }
    let proven = login.filter(|login| {
        login.challenge.as_ref().is_none_or(|challenge| *challenge == token::challenge(verifier))
            && (login.redirect.is_none() || login.redirect == redirect)
    });
    let now = stage.now();
    let issued = proven.and_then(|login| {
        let mut accounts = locked(&stage.accounts);
        let index = accounts.index_of(&login.name)?;
        let issued = accounts.issue(index, now, None)?;
        accounts.remember(index, &issued);
        Some(issued)
    });
    match issued {
        Some(issued) => granted(stage, ticket, &issued, now),
        None => refuse(stage, ticket, &grant_refusal("invalid_grant", "The code is not valid."), None),
    }
}

fn next_login(stage: &Stage) -> String {
    let named = locked(&stage.logins).next.clone();
    named.or_else(|| locked(&stage.accounts).names().into_iter().next()).unwrap_or_default()
}

/// Who signs in for a request: whoever the test named, else a member of the workspace that is asked for.
fn chosen_login(stage: &Stage, workspace: Option<&str>) -> String {
    let is_named = locked(&stage.logins).next.is_some();
    let member = workspace.filter(|_| !is_named).and_then(|id| locked(&stage.accounts).in_workspace(id));
    member.unwrap_or_else(|| next_login(stage))
}

/// The person in the browser agrees at once, unless the script has them refuse.
fn authorize(stage: &Stage, asked: Asked) -> Result<Response<Body>, Dropped> {
    let action = locked(&stage.director).ask(None, Endpoint::Authorize, stage.clock.elapsed());
    let ticket = stage.record.begin(asked.entry);
    let parameter = |name: &str| token::query(&asked.query, name);
    let Some(redirect) = parameter("redirect_uri") else {
        return refuse(stage, ticket, &grant_refusal("invalid_request", "No redirect_uri."), None);
    };
    let echoed = parameter("state").unwrap_or_default();
    let answer = if let Some(Action::Refuse { code, message, .. }) = &action {
        format!("error={code}&error_description={}", message.replace(' ', "+"))
    } else {
        let code = format!("ac_{}", hex_id(stage.serial(), 40));
        let name = chosen_login(stage, parameter("allowed_workspace_id").as_deref());
        let challenge = parameter("code_challenge");
        let login = Login { name, challenge, redirect: Some(redirect.clone()) };
        locked(&stage.logins).code(code.clone(), login);
        format!("code={code}")
    };
    let mut ticket = ticket;
    ticket.change(|entry| entry.status = 302);
    ticket.finish(super::Outcome::Answered);
    stamped(stage, 302)
        .header("location", format!("{redirect}?{answer}&state={echoed}"))
        .body(whole(""))
        .map_err(|_| Dropped)
}

async fn device(stage: &Stage, asked: Asked) -> Result<Response<Body>, Dropped> {
    let serial = stage.serial();
    if asked.entry.path.ends_with("/usercode") {
        let id = format!("deviceauth_{}", hex_id(serial, 32));
        let pending = locked(&stage.logins).pending_polls;
        locked(&stage.logins).devices.insert(id.clone(), pending);
        let code = hex_id(serial, 8).to_uppercase();
        let (left, right) = code.split_at(4);
        let life = locked(&stage.logins).device_life.unwrap_or(Span::minutes(15));
        let expires = (stage.now() + life).secs().to_string();
        let body = token::device_code(&id, &format!("{left}-{right}"), "1", &expires);
        return simple(stage, asked, Endpoint::Device, body).await;
    }
    let id = token::field(asked.content_type(), &asked.body, "device_auth_id").unwrap_or_default();
    let ready = {
        let mut logins = locked(&stage.logins);
        match logins.devices.get_mut(&id) {
            Some(0) => true,
            Some(left) => {
                *left -= 1;
                false
            }
            None => false,
        }
    };
    if !ready {
        let action = locked(&stage.director).ask(None, Endpoint::Device, stage.clock.elapsed());
        let ticket = stage.record.begin(asked.entry);
        if let Some(refusal) = action.as_ref().and_then(Refusal::of) {
            return refuse(stage, ticket, &refusal, action.map(|action| action.word()));
        }
        act(&ticket, action.as_ref()).await?;
        let text = "Device authorization is still pending";
        let refusal = Refusal::error(403, "invalid_request_error", "deviceauth_authorization_unknown", text);
        return refuse(stage, ticket, &refusal, None);
    }
    let code = format!("ac_{}", hex_id(serial, 40));
    let verifier = hex_id(serial ^ 7, 64);
    let name = next_login(stage);
    let challenge = Some(token::challenge(&verifier));
    let redirect = Some(format!("{}/deviceauth/callback", asked.base()));
    locked(&stage.logins).code(code.clone(), Login { name, challenge, redirect });
    simple(stage, asked, Endpoint::Device, token::device_granted(&code, &verifier)).await
}
