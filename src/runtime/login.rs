//! A sign-in's effects over the real adapters.

use std::io::Write as _;

use tokio::sync::mpsc::UnboundedSender;

use crate::adapters::login::line::Echo;
use crate::adapters::login::{Handover, Listener, line, opener};
use crate::app::flows::Ticket;
use crate::app::flows::login::{Courtesy, Listening, LoginEffect, LoginMsg, Opened, PASTE_PORT, Survey, V6};
use crate::app::msg::Msg;
use crate::base::Secret;
use crate::domain::account::AccountKey;
use crate::domain::account::Door;
use crate::domain::login::admission::SignIn;
use crate::domain::login::attempt::{PATIENCE, Wish};
use crate::domain::login::failure::Failure;
use crate::domain::login::paste::{Line, Typist};
use crate::domain::official::{Login, Written};
use crate::domain::problem::Problem;
use crate::ports::{Clock as _, Home as _, Store as _};
use crate::runtime::host::Host;

/// Carries one effect of a sign-in out.
pub(super) async fn perform(host: Host, sender: UnboundedSender<Msg>, ticket: Ticket, effect: LoginEffect) {
    let desk = &host.sign_in;
    let answer = match effect {
        LoginEffect::Survey => LoginMsg::Surveyed(Box::new(survey(&host).await)),
        LoginEffect::Acknowledge(by) => LoginMsg::Acknowledged(desk.acknowledge(by)),
        LoginEffect::Mint(wish) => LoginMsg::Minted(desk.mint(PASTE_PORT, &wish).map(Box::new)),
        LoginEffect::Keep(attempt) => LoginMsg::Kept(desk.keep(&attempt)),
        LoginEffect::Recall => LoginMsg::Minted(desk.recall().map(Box::new)),
        LoginEffect::Listen(wish, courtesy) => {
            listen(host.clone(), wish, courtesy, sender.clone(), ticket).await
        }
        LoginEffect::Open(url) => LoginMsg::Opened(open(&host, url).await),
        LoginEffect::ReadCallback(typist) => LoginMsg::Read(read(&host, typist).await),
        LoginEffect::ReadAnswer => LoginMsg::Read(line::read(Typist::Person, Echo::On).await),
        LoginEffect::Exchange(attempt, code) => granted(desk.exchange(&attempt, &code, Door::Paste).await),
        LoginEffect::Complete(attempt, code) => {
            let answer = desk.exchange(&attempt, &code, Door::Paste).await;
            // Where nobody could be reached, nothing was spent: the link still holds.
            if !matches!(answer, Err(Failure::Network(_))) {
                desk.forget();
            }
            granted(answer)
        }
        LoginEffect::AskDevice => LoginMsg::Device(desk.device_code().await.map(Box::new)),
        LoginEffect::AwaitDevice(code) => granted(desk.await_device(&code).await),
        LoginEffect::SetAside(sign_in) => LoginMsg::WasSetAside(desk.set_aside(&sign_in)),
        LoginEffect::WriteBack(key) => LoginMsg::WroteBack(write_back(&host, &key).await),
        LoginEffect::Whisper(text) => {
            let _ = writeln!(std::io::stderr().lock(), "{}", text.expose());
            return;
        }
    };
    let _ = sender.send(Msg::Login(ticket, answer));
}

async fn survey(host: &Host) -> Survey {
    let official = match host.home.login().await {
        Login::ChatGpt(login) => Some(login.name()),
        Login::Absent | Login::Other { .. } | Login::Unreadable { .. } => None,
    };
    Survey {
        acknowledged: host.sign_in.acknowledged(),
        outlook: opener::desk(&host.env).outlook(),
        workspace: host.env.account_id.as_deref().map(|id| id.trim().to_owned()),
        official,
    }
}

async fn listen(
    host: Host,
    wish: Wish,
    courtesy: Courtesy,
    sender: UnboundedSender<Msg>,
    ticket: Ticket,
) -> LoginMsg {
    let wsl = opener::wsl_name(&host.env);
    // A rehearsal never ends a real sign-in.
    let may_ask = host.demo.is_none() && host.settings().await.login_port_handover;
    let handover = match courtesy {
        Courtesy::Question if may_ask && Listener::is_taken().await => {
            return LoginMsg::PortTaken(Listener::holder());
        }
        Courtesy::Question | Courtesy::Ask if may_ask => Handover::Ask,
        Courtesy::Question | Courtesy::Ask | Courtesy::Leave => Handover::Leave,
    };
    let listener = match Listener::bind(&host.clock, handover, wsl.as_deref()).await {
        Ok(listener) => listener,
        Err(failure) => return LoginMsg::Listening(Err(failure)),
    };
    let attempt = match host.sign_in.mint(listener.port, &wish) {
        Ok(attempt) => attempt,
        Err(failure) => return LoginMsg::Listening(Err(failure)),
    };
    let v6 = if listener.has_v6() { V6::Listening } else { V6::Absent };
    let listening = Listening { attempt: attempt.clone(), port: listener.port, v6 };
    let _ = sender.send(Msg::Login(ticket, LoginMsg::Listening(Ok(Box::new(listening)))));
    granted(host.sign_in.wait_for_browser(listener, &attempt, wsl.as_deref()).await)
}

fn granted(end: Result<SignIn, Failure>) -> LoginMsg {
    LoginMsg::Granted(end.map(Box::new))
}

async fn open(host: &Host, url: Secret) -> Opened {
    if let Some(demo) = &host.demo {
        demo.visit(url);
        return Opened::Yes;
    }
    let env = host.env.clone();
    // Finding out whether an opener failed takes a quarter of a second.
    let opened = tokio::task::spawn_blocking(move || opener::open_page(&env, &url)).await;
    if opened.unwrap_or(false) { Opened::Yes } else { Opened::No }
}

async fn read(host: &Host, typist: Typist) -> Line {
    let line = line::read(typist, Echo::Off);
    if typist != Typist::Script {
        return line.await;
    }
    tokio::select! {
        line = line => line,
        () = host.clock.sleep(PATIENCE) => Line::End,
    }
}

/// Why `auth.json` could not be brought up to date, if it holds the account.
async fn write_back(host: &Host, key: &AccountKey) -> Option<String> {
    let loaded = match host.store.load().await {
        Ok(loaded) => loaded,
        Err(error) => return Some(Problem::from(error).what),
    };
    let account = loaded.roster.get(key)?;
    match host.home.write_back(account, host.clock.now()).await {
        Ok(Written::Changed) => Some("auth.json changed at the same moment".to_owned()),
        Ok(Written::Done | Written::Unchanged | Written::Skipped(_)) => None,
        Err(why) => Some(why),
    }
}
