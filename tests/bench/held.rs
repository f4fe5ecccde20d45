//! P8 to P11: memory before and with idle streams, what holding them costs, and thousands of them to the last byte.

use std::time::{Duration, Instant};

use color_eyre::Result;
use color_eyre::eyre::{OptionExt as _, ensure};
use futures_util::{StreamExt as _, stream};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;

use crate::pairs::ratio;
use crate::stage::{Other, Ours, Way, dial, on_runtime, post, processor, resident};
use crate::upstream::Upstream;
use crate::{Figure, Plan};

/// Streams that are held, where descriptors suffice.
const MOST: usize = 9_900;
const SOME: usize = 2_000;
/// Descriptors that are not for streams.
const KEPT_BACK: u64 = 200;
/// Streams that are opened at the same time.
const AT_ONCE: usize = 64;
/// Times that all of them are opened, each way.
const OPENINGS: usize = 3;
/// How long the proxy is watched while nothing happens.
const WATCHED: Duration = Duration::from_secs(15);
/// How long it may come to rest first.
const SETTLED: Duration = Duration::from_secs(2);

/// P8: memory of a proxy that has served nothing.
pub(crate) fn fresh(_: &Plan) -> Result<Vec<Figure>> {
    let upstream = Upstream::start()?;
    let mut sizes = Vec::new();
    for _ in 0..5 {
        let ours = Ours::start(&upstream, 10)?;
        std::thread::sleep(SETTLED);
        sizes.push(resident(ours.way.pid)? / 1_048_576.0);
    }
    let middle = crate::pairs::Middle::of(sizes);
    let value = format!("{:.1} MiB ({:.1} … {:.1})", middle.median, middle.low, middle.high);
    Ok(vec![Figure::plain("P8", "memory before the first stream, 10 accounts", "≤ 10 MiB", &value)])
}

/// P9, P10 and P11.
pub(crate) fn idle(_: &Plan) -> Result<Vec<Figure>> {
    let most = room()?;
    let upstream = Upstream::start()?;
    let ours = Ours::start(&upstream, 10)?;
    let mut figures = on_runtime(async {
        drop(open(&ours.way, 1, 0).await?);
        tokio::time::sleep(SETTLED).await;
        let empty = resident(ours.way.pid)?;
        let few = SOME.min(most);
        let mut held = open(&ours.way, few, 0).await?;
        tokio::time::sleep(SETTLED).await;
        let some = resident(ours.way.pid)?;
        let before = processor(ours.way.pid)?;
        tokio::time::sleep(WATCHED).await;
        let idle = (processor(ours.way.pid)? - before) / WATCHED.as_secs_f64() / 10.0;
        held.extend(open(&ours.way, most - few, few).await?);
        tokio::time::sleep(SETTLED).await;
        let all = resident(ours.way.pid)?;
        let whole = finish(held, &upstream).await?;
        let each =
            |bytes: f64, streams: usize| format!("{:.1} KiB", (bytes - empty) / 1_024.0 / count(streams));
        let what = |streams: usize| format!("memory per idle stream, {streams} streams");
        let verdict = if whole == most { "all whole".to_owned() } else { format!("{whole} whole") };
        Ok(vec![
            Figure::plain("P9", &what(few), "≤ 24 KiB", &each(some, few)),
            Figure::plain("P9", &what(most), "≤ 24 KiB", &each(all, most)),
            Figure::plain("P10", &format!("{most} streams held at once"), "all whole", &verdict),
            Figure::plain(
                "P11",
                &format!("idle processor with {few} held streams"),
                "≤ 0.2 %",
                &format!("{idle:.2} %"),
            ),
        ])
    })?;
    drop(ours);
    let mut pairs = Vec::new();
    for _ in 0..OPENINGS {
        let floor = Other::floor(&upstream, &[], "hyper floor")?;
        let theirs = opening(&floor.way, most, &upstream)?;
        drop(floor);
        let ours = Ours::start(&upstream, 10)?;
        pairs.push((opening(&ours.way, most, &upstream)?, theirs));
    }
    let what = format!("opening {most} streams ÷ hyper floor");
    figures.push(Figure::ratio("P10", &what, "≤ 1.5", ratio(&pairs)));
    Ok(figures)
}

fn opening(way: &Way, streams: usize, upstream: &Upstream) -> Result<f64> {
    on_runtime(async {
        drop(open(way, 1, 0).await?);
        let start = Instant::now();
        let held = open(way, streams, 0).await?;
        let took = start.elapsed().as_secs_f64() * 1_000.0;
        let whole = finish(held, upstream).await?;
        ensure!(whole == streams, "{whole} of {streams} were whole");
        Ok(took)
    })
}

/// Streams that this process, which holds both their ends, has descriptors for.
fn room() -> Result<usize> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })?;
    let limit =
        maximum.map_or(MOST, |most| usize::try_from(most.saturating_sub(KEPT_BACK) / 2).unwrap_or(MOST));
    Ok(limit.min(MOST))
}

fn count(streams: usize) -> f64 {
    f64::from(u32::try_from(streams).unwrap_or(u32::MAX))
}

/// A stream whose first event has come.
struct Held {
    body: Incoming,
    /// Its connection, which lives as long as this.
    _sender: hyper::client::conn::http1::SendRequest<http_body_util::Full<bytes::Bytes>>,
    seen: Vec<u8>,
}

async fn open(way: &Way, streams: usize, from: usize) -> Result<Vec<Held>> {
    let opening = (from..from + streams).map(|number| async move {
        let mut sender = dial(way.port).await?;
        let asked = [("x-bench-events", "1".to_owned()), ("x-bench-hold", "1".to_owned())];
        let answer = sender.send_request(post(way, &format!("held-{number}"), &asked)?).await?;
        ensure!(answer.status() == 200, "stream {number} was answered with {}", answer.status());
        let mut body = answer.into_body();
        let mut seen = Vec::new();
        while !seen.ends_with(b"\n\n") {
            let frame = body.frame().await.ok_or_eyre("the stream ended before its first event")??;
            if let Ok(data) = frame.into_data() {
                seen.extend_from_slice(&data);
            }
        }
        Ok(Held { body, _sender: sender, seen })
    });
    stream::iter(opening).buffer_unordered(AT_ONCE).collect::<Vec<_>>().await.into_iter().collect()
}

/// Lets the upstream end all streams; how many of them came whole.
async fn finish(held: Vec<Held>, upstream: &Upstream) -> Result<usize> {
    upstream.release();
    let mut whole = 0;
    for mut one in held {
        let mut is_whole = true;
        while let Some(frame) = one.body.frame().await {
            match frame.map(hyper::body::Frame::into_data) {
                Ok(Ok(data)) => one.seen.extend_from_slice(&data),
                Ok(Err(_)) => {}
                Err(_) => is_whole = false,
            }
        }
        let text = String::from_utf8_lossy(&one.seen);
        whole += usize::from(
            is_whole && text.ends_with("\n\n") && text.matches("response.completed").count() == 2,
        );
    }
    Ok(whole)
}
