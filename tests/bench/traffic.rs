//! P1 to P5 and P13: how late the first byte and every event arrive through the proxy and what they cost, beside nginx
//! (or, where the machine has none, beside a bare hyper pass-through), with the same client and the same upstream.

use std::time::{Duration, Instant};

use bytes::Bytes;
use color_eyre::Result;
use color_eyre::eyre::{OptionExt as _, ensure};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::SendRequest;

use crate::pairs::{Ratio, ratio};
use crate::stage::{Ours, Stage, Way, dial, on_runtime, post, processor};
use crate::upstream::{STAMP, Upstream};
use crate::{Figure, Plan};

/// Turns per connection and pair in P1 and P2: enough for a 99th percentile.
const ALONE: usize = 100;
const TOGETHER: usize = 20;

/// Events per stream, and how far apart, in P3.
const EVENTS: u32 = 100;
const GAP: Duration = Duration::from_millis(10);

/// Requests of a measurement in P4, how far apart the paced ones are, and events of those that are not.
const COUNTED: usize = 320;
const PACE: Duration = Duration::from_millis(2);
const SHORT: u32 = 5;

/// Connections and turns of each in P5.
const CROWD: usize = 64;
const ROUNDS: usize = 20;

/// P1 and P2: first byte, one and sixteen at once.
pub(crate) fn first_byte(plan: &Plan) -> Result<Vec<Figure>> {
    let stage = Stage::set(plan)?;
    let (mut halves, mut ends) = (Vec::new(), Vec::new());
    for (clients, turns) in [(1, ALONE), (16, TOGETHER)] {
        let load = Load { clients, turns, ..Load::default() };
        let take = |way: &Way| load.firsts(way, &stage.upstream);
        let [half, end] = compare(plan.pairs, &stage.ours.way, &stage.other.way, take)?;
        let what = |part: &str| format!("first byte {part}, {clients} at once ÷ {}", stage.other.name);
        halves.push(Figure::ratio("P1", &what("p50"), "≤ 1.5", half));
        ends.push(Figure::ratio("P2", &what("p99"), "≤ 1.6", end));
    }
    halves.append(&mut ends);
    Ok(halves)
}

/// P3: the delay of every event of a paced stream.
pub(crate) fn per_event(plan: &Plan) -> Result<Vec<Figure>> {
    let stage = Stage::set(plan)?;
    let load = Load { events: EVENTS, gap: GAP, ..Load::default() };
    let take = |way: &Way| -> Result<Vec<f64>> {
        Ok(load.run(way, &stage.upstream)?.into_iter().flat_map(|turn| turn.delays).collect())
    };
    let [half, most] = compare(plan.pairs.min(21), &stage.ours.way, &stage.other.way, take)?;
    let what = |part: &str| format!("per-event delay {part} ÷ {}", stage.other.name);
    Ok(vec![
        Figure::ratio("P3", &what("p50"), "≤ 1.3", half),
        Figure::ratio("P3", &what("p99"), "≤ 1.5", most),
    ])
}

/// P4: processor time of the proxy per thousand requests.
pub(crate) fn cost(plan: &Plan) -> Result<Vec<Figure>> {
    let stage = Stage::set(plan)?;
    let paced = Load { turns: COUNTED, pace: PACE, ..Load::default() };
    let closed = Load { clients: 16, turns: COUNTED / 16, events: SHORT, ..Load::default() };
    let mut figures = Vec::new();
    for (load, goal, pairs, name) in [
        (&paced, "≤ 1.5", plan.pairs.min(15), "paced, one each 2 ms"),
        (&closed, "≤ 2.5", plan.pairs, "closed loop of 16, 5 events each"),
    ] {
        let take = |way: &Way| {
            let before = processor(way.pid)?;
            load.run(way, &stage.upstream)?;
            Ok(vec![(processor(way.pid)? - before) * 1_000.0 / load.requests()])
        };
        let [half, _] = compare(pairs, &stage.ours.way, &stage.other.way, take)?;
        let what = format!("processor time per 1,000 requests, {name} ÷ {}", stage.other.name);
        figures.push(Figure::ratio("P4", &what, goal, half));
    }
    Ok(figures)
}

/// P5: requests a second of sixty-four clients that never rest.
pub(crate) fn throughput(plan: &Plan) -> Result<Vec<Figure>> {
    let stage = Stage::set(plan)?;
    let load = Load { clients: CROWD, turns: ROUNDS, ..Load::default() };
    let take = |way: &Way| {
        let start = Instant::now();
        load.run(way, &stage.upstream)?;
        Ok(vec![load.requests() / start.elapsed().as_secs_f64()])
    };
    let [half, _] = compare(plan.pairs.min(21), &stage.ours.way, &stage.other.way, take)?;
    let what = format!("requests/s, {CROWD} at once ÷ {}", stage.other.name);
    Ok(vec![Figure::of("P5", &what, "≥ 0.4", half, "/s")])
}

/// P13: what a pool of a thousand costs a request, beside a pool of ten.
pub(crate) fn large_pool(plan: &Plan) -> Result<Vec<Figure>> {
    let upstream = Upstream::start()?;
    let (many, few) = (Ours::start(&upstream, 1_000)?, Ours::start(&upstream, 10)?);
    let load = Load { turns: ALONE, ..Load::default() };
    let [half, _] = compare(plan.pairs, &many.way, &few.way, |way| load.firsts(way, &upstream))?;
    let take = |way: &Way| {
        let before = processor(way.pid)?;
        load.run(way, &upstream)?;
        Ok(vec![(processor(way.pid)? - before) * 1_000.0 / load.requests()])
    };
    let [cost, _] = compare(plan.pairs, &many.way, &few.way, take)?;
    Ok(vec![
        Figure::ratio("P13", "first byte p50, 1,000 ÷ 10 accounts", "≤ 1.1", half),
        Figure::ratio("P13", "processor time per 1,000 requests, 1,000 ÷ 10 accounts", "≤ 1.1", cost),
    ])
}

/// The median and the 99th percentile of both ways, pair by pair.
pub(crate) fn compare(
    pairs: usize,
    ours: &Way,
    floor: &Way,
    take: impl Fn(&Way) -> Result<Vec<f64>>,
) -> Result<[Ratio; 2]> {
    take(ours)?;
    take(floor)?;
    let mut halves = Vec::new();
    let mut ends = Vec::new();
    for pair in 0..pairs {
        let (ours, floor) = if pair % 2 == 0 {
            let first = take(ours)?;
            (first, take(floor)?)
        } else {
            let first = take(floor)?;
            (take(ours)?, first)
        };
        let (ours, floor) = (sorted(ours), sorted(floor));
        halves.push((part(&ours, 50), part(&floor, 50)));
        ends.push((part(&ours, 99), part(&floor, 99)));
    }
    Ok([ratio(&halves), ratio(&ends)])
}

/// What a client saw of one turn, in milliseconds.
pub(crate) struct Turn {
    pub(crate) first: f64,
    delays: Vec<f64>,
}

/// Turns that are posted at once and one after another.
struct Load {
    clients: usize,
    turns: usize,
    events: u32,
    gap: Duration,
    pace: Duration,
}

impl Default for Load {
    fn default() -> Self {
        Self { clients: 1, turns: 1, events: 1, gap: Duration::ZERO, pace: Duration::ZERO }
    }
}

impl Load {
    fn requests(&self) -> f64 {
        f64::from(u32::try_from(self.clients * self.turns).unwrap_or(u32::MAX))
    }

    fn firsts(&self, way: &Way, upstream: &Upstream) -> Result<Vec<f64>> {
        Ok(self.run(way, upstream)?.into_iter().map(|turn| turn.first).collect())
    }

    fn run(&self, way: &Way, upstream: &Upstream) -> Result<Vec<Turn>> {
        let asked = [
            ("x-bench-events", self.events.to_string()),
            ("x-bench-gap-us", self.gap.as_micros().to_string()),
        ];
        on_runtime(async {
            let one = async |client: usize| -> Result<Vec<Turn>> {
                let mut sender = dial(way.port).await?;
                let mut seen = Vec::with_capacity(self.turns);
                for _ in 0..self.turns {
                    let request = post(way, &format!("bench-{client}"), &asked)?;
                    seen.push(turn(&mut sender, request, self.events, upstream.began).await?);
                    if !self.pace.is_zero() {
                        tokio::time::sleep(self.pace).await;
                    }
                }
                Ok(seen)
            };
            let all = futures_util::future::join_all((0..self.clients).map(one)).await;
            all.into_iter().collect::<Result<Vec<_>>>().map(|seen| seen.into_iter().flatten().collect())
        })
    }
}

/// Posts a turn and reads it to its end.
pub(crate) async fn turn(
    sender: &mut SendRequest<Full<Bytes>>,
    request: http::Request<Full<Bytes>>,
    events: u32,
    began: Instant,
) -> Result<Turn> {
    sender.ready().await?;
    let start = Instant::now();
    let answer = sender.send_request(request).await?;
    ensure!(answer.status() == 200, "the turn was answered with {}", answer.status());
    let mut body = answer.into_body();
    let mut pending = Vec::new();
    let mut first = None;
    let mut delays = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        let now = began.elapsed();
        pending.extend_from_slice(&data);
        while let Some(end) = pending.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = pending.drain(..=end).collect();
            let Some(left) = stamp(&line) else { continue };
            first.get_or_insert_with(|| start.elapsed());
            delays.push(now.saturating_sub(left).as_secs_f64() * 1000.0);
        }
    }
    let first = first.ok_or_eyre("a stream without an event")?;
    ensure!(delays.len() == usize::try_from(events)?, "{} of {events} events arrived", delays.len());
    Ok(Turn { first: first.as_secs_f64() * 1000.0, delays })
}

/// When an event left, since the bench began.
pub(crate) fn stamp(line: &[u8]) -> Option<Duration> {
    let text = std::str::from_utf8(line).ok()?;
    let (_, behind) = text.split_once(STAMP)?;
    let digits = behind.split(',').next()?;
    digits.parse().ok().map(Duration::from_nanos)
}

pub(crate) fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    values
}

pub(crate) fn part(sorted: &[f64], percent: usize) -> f64 {
    sorted.get(sorted.len().saturating_sub(1) * percent / 100).copied().unwrap_or(f64::NAN)
}
