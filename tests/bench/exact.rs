//! P15: bytes, their order and the end of a stream, with clients that stall and leave, and at the limit of descriptors.

use std::process::Command;
use std::time::Duration;

use color_eyre::Result;
use color_eyre::eyre::ensure;
use futures_util::future::join_all;
use http_body_util::BodyExt as _;

use crate::stage::{Ours, Way, dial, on_runtime, post};
use crate::support::dirs::Home;
use crate::support::process::bare;
use crate::upstream::{Upstream, completed, event};
use crate::{Figure, Plan};

/// Streams at once, their events and bytes of each.
const STREAMS: usize = 48;
const EVENTS: u64 = 2_000;
const SIZE: usize = 500;
/// How long a client that stalls reads nothing.
const STALL: Duration = Duration::from_secs(2);
/// Descriptors of the small proxy, and streams that are asked of it.
const DESCRIPTORS: u64 = 256;
const ASKED: usize = 300;

/// P15.
pub(crate) fn streams(_: &Plan) -> Result<Vec<Figure>> {
    let upstream = Upstream::start()?;
    let ours = Ours::start(&upstream, 10)?;
    let exact = on_runtime(async {
        let all = join_all((0..STREAMS).map(|number| whole(&ours.way, number))).await;
        let all = all.into_iter().collect::<Result<Vec<_>>>()?;
        Ok(all.into_iter().flatten().collect::<Vec<_>>())
    })?;
    let good = exact.iter().filter(|is_exact| **is_exact).count();
    let first = format!("{good} of {} exact", exact.len());
    let (served, refused, whole) = at_the_limit(&upstream)?;
    let second = format!("{whole} of {served} served whole, {refused} refused");
    Ok(vec![
        Figure::plain("P15", "streams beside clients that stall and leave", "exact", &first),
        Figure::plain("P15", &format!("{ASKED} streams with {DESCRIPTORS} descriptors"), "exact", &second),
    ])
}

/// Whether a stream came as it was sent; nothing when its client left on purpose.
async fn whole(way: &Way, number: usize) -> Result<Option<bool>> {
    let asked = [
        ("x-bench-events", EVENTS.to_string()),
        ("x-bench-size", SIZE.to_string()),
        ("x-bench-numbered", "1".to_owned()),
    ];
    let mut sender = dial(way.port).await?;
    let answer = sender.send_request(post(way, &format!("exact-{number}"), &asked)?).await?;
    ensure!(answer.status() == 200, "answered with {}", answer.status());
    let mut body = answer.into_body();
    let mut seen = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return Ok(Some(false)) };
        if let Ok(data) = frame.into_data() {
            let is_first = seen.is_empty();
            seen.extend_from_slice(&data);
            match number % 3 {
                1 if is_first => tokio::time::sleep(STALL).await,
                2 if is_first => return Ok(None),
                _ => {}
            }
        }
    }
    let mut expected: String = (0..EVENTS).map(|at| event(u128::from(at), SIZE)).collect();
    expected.push_str(&completed());
    Ok(Some(seen == expected.as_bytes()))
}

/// Streams that were served, refused and whole, when there are more of them than descriptors.
fn at_the_limit(upstream: &Upstream) -> Result<(usize, usize, usize)> {
    let origin = format!("http://127.0.0.1:{}", upstream.port);
    let mut home = Home::with_samples(10);
    home.set("CODEX_MULTI_AUTH_UPSTREAM_BASE_URL", format!("{origin}/backend-api"));
    home.set("CODEX_MULTI_AUTH_AUTH_BASE_URL", origin);
    let plain = home.manager(&["serve", "--json"]);
    let small = limited(&plain);
    let ours = Ours::run(home, small)?;
    on_runtime(async {
        let mut held = Vec::new();
        let mut refused = 0;
        for number in 0..ASKED {
            let asked = [
                ("x-bench-events", "1".to_owned()),
                ("x-bench-hold", "1".to_owned()),
                ("x-bench-numbered", "1".to_owned()),
            ];
            let one = async {
                let mut sender = dial(ours.way.port).await?;
                let answer =
                    sender.send_request(post(&ours.way, &format!("small-{number}"), &asked)?).await?;
                Ok::<_, color_eyre::Report>((sender, answer))
            };
            match tokio::time::timeout(Duration::from_secs(2), one).await {
                Ok(Ok((sender, answer))) if answer.status() == 200 => held.push((sender, answer)),
                Ok(Ok(_) | Err(_)) | Err(_) => refused += 1,
            }
        }
        let served = held.len();
        upstream.release();
        let mut exact = 0;
        for (_sender, answer) in held {
            if let Ok(body) = answer.into_body().collect().await {
                let expected = format!("{}{}", event(0, crate::upstream::SIZE), completed());
                exact += usize::from(body.to_bytes() == expected.as_bytes());
            }
        }
        Ok((served, refused, exact))
    })
}

/// The same command with fewer descriptors.
fn limited(plain: &Command) -> Command {
    let mut command = bare("/bin/sh");
    command.env_clear();
    let script = format!("ulimit -n {DESCRIPTORS}; exec \"$0\" \"$@\"");
    command.arg("-c").arg(script).arg(plain.get_program()).args(plain.get_args());
    for (name, value) in plain.get_envs() {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
    if let Some(folder) = plain.get_current_dir() {
        command.current_dir(folder);
    }
    command
}
