//! The client over WebSocket: a warmed-up socket, turns by response id, the whole context after a reconnect.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue};
use tokio_tungstenite::tungstenite::{Error, Message};

use super::{Answer, Client, IDLE, Step, TurnError, judged};
use crate::formats::fake::client::{self as wire, Carriage, Heard};

/// How long the official client waits for an upgrade.
const UPGRADE: Duration = Duration::from_secs(15);

/// An open socket and what it knows.
#[derive(Debug)]
pub(super) struct Line {
    io: WebSocketStream<TcpStream>,
    /// The last response and how much of the history it covers.
    known: Option<(String, usize)>,
}

impl Line {
    /// Opens a socket and warms it up, when it is the first.
    pub(super) async fn open(client: &Client) -> Result<Self, Step> {
        let again = || Step::Again(Duration::ZERO);
        let url = format!("ws://{}{}", client.place.authority, client.place.responses());
        let mut request = url.into_client_request().map_err(|_| Step::Over(TurnError::BadUrl))?;
        let fixed = [("openai-beta", "responses_websockets=2026-02-06".to_owned())];
        for (name, value) in client.headers().into_iter().chain(fixed) {
            let value = HeaderValue::from_str(&value).map_err(|_| Step::Over(TurnError::BadUrl))?;
            request.headers_mut().insert(HeaderName::from_static(name), value);
        }
        let stream = TcpStream::connect(&client.place.authority).await.map_err(|_| again())?;
        let upgrade = timeout(UPGRADE, tokio_tungstenite::client_async(request, stream)).await;
        let io = match upgrade {
            Ok(Ok((io, _))) => io,
            Ok(Err(Error::Http(response))) => {
                let body = response.body().as_deref().unwrap_or_default();
                return Err(refused(response.status().as_u16(), &String::from_utf8_lossy(body)));
            }
            Ok(Err(_)) | Err(_) => return Err(again()),
        };
        let mut line = Self { io, known: None };
        if client.warmed {
            return Ok(line);
        }
        let prewarm = wire::request(&client.target.model, &client.session, &[], Carriage::Prewarm);
        // An error here only costs the socket: the turn goes on a new one, in full.
        let (_, id) = line.exchange(prewarm).await?;
        line.known = Some((id, 0));
        Ok(line)
    }

    /// Asks with what this socket has not heard yet.
    pub(super) async fn ask(&mut self, client: &Client) -> Step {
        let (previous, from) = match &self.known {
            Some((id, covered)) => (Some(id.clone()), *covered),
            None => (None, 0),
        };
        let news = client.history.get(from..).unwrap_or_default();
        // What the model said itself is known by the response id.
        let news: Vec<String> =
            news.iter().filter(|item| previous.is_none() || !said_by_model(item)).cloned().collect();
        let carriage = Carriage::Frame { previous: previous.as_deref() };
        let frame = wire::request(&client.target.model, &client.session, &news, carriage);
        match self.exchange(frame).await {
            Ok((answer, id)) => {
                self.known = Some((id, client.history.len()));
                Step::Done(answer)
            }
            Err(step) => step,
        }
    }

    async fn exchange(&mut self, frame: String) -> Result<(Answer, String), Step> {
        let lost = || Step::Again(Duration::ZERO);
        self.io.send(Message::text(frame)).await.map_err(|_| lost())?;
        let mut answer = Answer::default();
        loop {
            let message = timeout(IDLE, self.io.next()).await.ok().flatten().ok_or_else(lost)?;
            match message.map_err(|_| lost())? {
                Message::Text(text) => {
                    let heard = wire::hear(&text);
                    if let Some(step) = judged(&heard) {
                        return Err(step);
                    }
                    if let Heard::Completed { id } = heard {
                        return Ok((answer, id));
                    }
                    answer.hear(heard);
                }
                Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
                Message::Binary(_) | Message::Close(_) => return Err(lost()),
            }
        }
    }
}

fn said_by_model(item: &str) -> bool {
    ["reasoning", "function_call", "compaction"]
        .iter()
        .any(|kind| item.contains(&format!("\"type\":\"{kind}\"")))
        || item.contains("\"role\":\"assistant\"")
}

fn refused(status: u16, body: &str) -> Step {
    if status == 426 {
        return Step::UseHttp;
    }
    match judged(&wire::refusal(status, body)) {
        Some(Step::Over(TurnError::Limit(message))) => Step::Over(TurnError::Limit(message)),
        Some(_) | None => Step::Again(Duration::ZERO),
    }
}
