//! P12: what a move to another account costs, beside a client that sends its request again by itself.

use std::time::{Duration, Instant};

use color_eyre::Result;
use color_eyre::eyre::ensure;
use http_body_util::BodyExt as _;

use crate::pairs::Middle;
use crate::stage::{Ours, Way, dial, on_runtime, post};
use crate::traffic::turn;
use crate::upstream::Upstream;
use crate::{Figure, Plan};

/// Turns of one measurement.
const TURNS: usize = 10;
/// Enough accounts that none is asked again while it rests, which is a second.
const ACCOUNTS: usize = 40;
const RESTED: Duration = Duration::from_millis(1_200);
/// Measurements that warm both up: every account is met once.
const WARM: usize = 2;
const GOALS: [&str; 3] = ["≤ 1.5 ms", "≤ 2 ms", "≤ 2.5 ms"];

/// P12, past one, two and three accounts that are told to wait a moment.
pub(crate) fn past_failures(plan: &Plan) -> Result<Vec<Figure>> {
    let upstream = Upstream::start()?;
    let ours = Ours::start(&upstream, ACCOUNTS)?;
    let direct = Way { port: upstream.port, path: "/backend-api/codex/responses".to_owned(), pid: 0 };
    let mut figures = Vec::new();
    let mut number = 0;
    for (failing, goal) in (1_usize..).zip(GOALS) {
        let mut added = Vec::new();
        for pair in 0..WARM + plan.pairs.min(15) {
            let through = medians(&ours.way, 1, failing, &upstream, &mut number)?;
            let alone = medians(&direct, failing + 1, failing, &upstream, &mut number)?;
            std::thread::sleep(RESTED);
            if pair >= WARM {
                added.push(through - alone);
            }
        }
        let middle = Middle::of(added);
        let value = format!("{:.2} ms ({:.2} … {:.2})", middle.median, middle.low, middle.high);
        let what =
            format!("first byte past {failing} failing accounts, minus a client that retries by itself");
        figures.push(Figure::plain("P12", &what, goal, &value));
    }
    Ok(figures)
}

/// Milliseconds to the first event of a turn that fails so often first, sent so often by the client.
fn medians(way: &Way, sends: usize, failing: usize, upstream: &Upstream, number: &mut u32) -> Result<f64> {
    on_runtime(async {
        let mut sender = dial(way.port).await?;
        let mut taken = Vec::with_capacity(TURNS);
        for _ in 0..TURNS {
            *number += 1;
            let asked = [
                ("x-bench-events", "1".to_owned()),
                ("x-bench-fail", failing.to_string()),
                ("x-bench-id", number.to_string()),
            ];
            let start = Instant::now();
            for _ in 1..sends {
                sender.ready().await?;
                let refused = sender.send_request(post(way, "failing", &asked)?).await?;
                ensure!(refused.status() == 429, "answered with {}", refused.status());
                refused.into_body().collect().await?;
            }
            let before = start.elapsed().as_secs_f64() * 1_000.0;
            let last = turn(&mut sender, post(way, "failing", &asked)?, 1, upstream.began).await?;
            taken.push(before + last.first);
        }
        Ok(Middle::of(taken).median)
    })
}
