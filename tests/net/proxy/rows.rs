//! The failure table over real sockets: HTTP as a status and as the first event of a stream, and the frames of a
//! WebSocket.

use pretty_assertions::assert_eq;
use serde_json::{Value, json};

use super::sockets::{answer, create, open, user};
use crate::support::backend::assert_clean;
use crate::support::rows::{Form, Pool, Row, Wanted, effect, hurried, rows, told};
use crate::support::stand::Stand;

fn asked(stand: &Stand) -> Vec<String> {
    stand.backend.record().turns().into_iter().filter_map(|turn| turn.account).collect()
}

/// What is written down of the first account, once it is `wanted` or time is up.
async fn learnt(stand: &Stand, wanted: &str) -> String {
    for _ in 0..100 {
        if effect(&stand.ports.kept().roster.accounts[0]) == wanted {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    effect(&stand.ports.kept().roster.accounts[0])
}

async fn over_http(stand: &Stand) -> String {
    let (status, _, text) = stand.turn("thread", "hello").await;
    match status.as_u16() {
        200 if text.contains("response.completed") => "served".to_owned(),
        200 => "shown".to_owned(),
        status => told(status, text.as_bytes()),
    }
}

async fn on_sockets(stand: &Stand) -> String {
    for _ in 0..8 {
        let Ok(mut socket) = open(stand, "thread").await else { return "no socket".to_owned() };
        create(&mut socket, json!({"input": [user("one")]})).await;
        let frames = answer(&mut socket).await;
        let last = frames.last().cloned().unwrap_or(Value::Null);
        if last["type"] == "response.completed" {
            return "served".to_owned();
        }
        if last["type"] != "error" {
            continue;
        }
        let status = u16::try_from(last["status"].as_u64().unwrap_or(0)).unwrap_or(0);
        let end = told(status, last.to_string().as_bytes());
        if end != "400 websocket_connection_limit_reached" {
            return end;
        }
    }
    "no end".to_owned()
}

async fn play(row: &Row, pool: Pool, form: Form, way: Way) -> Option<String> {
    let Wanted { http, socket, end } = row.wanted(pool, form);
    let wanted = if way == Way::Http { http } else { socket };
    let scenario = row.staged(pool, form).filter(|_| !wanted.is_empty())?;
    let stand = Stand::with(scenario, hurried).await;

    let got = if way == Way::Http { over_http(&stand).await } else { on_sockets(&stand).await };

    let learnt = learnt(&stand, &row.account).await;
    assert_clean(&stand.backend);
    let asked = asked(&stand);
    ((&asked, &got, &learnt) != (&wanted, &end, &row.account))
        .then(|| format!("{} {pool:?} {form:?} {way:?}: {asked:?} {got}, {learnt}", row.name))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Http,
    Socket,
}

async fn play_all(form: Form, way: Way) {
    let rows = rows();
    let plays = rows.iter().flat_map(|row| [Pool::Two, Pool::One].map(|pool| play(row, pool, form, way)));
    let wrong: Vec<String> = futures_util::future::join_all(plays).await.into_iter().flatten().collect();
    assert_eq!(wrong, Vec::<String>::new());
}

#[tokio::test]
async fn every_row_of_the_table_holds_over_http() {
    play_all(Form::Plain, Way::Http).await;
}

#[tokio::test]
async fn every_row_of_the_table_holds_as_the_first_event_of_a_stream() {
    play_all(Form::Event, Way::Http).await;
}

#[tokio::test]
async fn every_row_of_the_table_holds_on_a_web_socket() {
    play_all(Form::Plain, Way::Socket).await;
}
