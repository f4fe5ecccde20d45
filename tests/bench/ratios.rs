//! The figures of `docs/benchmarks.md`: ratios to floors that are built here too, taken in turns inside one run.
//!
//! `cargo bench --bench ratios -- [S1 P3 …] [--pairs N] [--nginx PATH]`
#![expect(clippy::disallowed_methods, reason = "a bench measures real time")]
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the harness of the tests is shared"
)]

use std::io::Write as _;
use std::path::PathBuf;

use color_eyre::Result;

use crate::pairs::Ratio;

mod exact;
mod failover;
mod files;
mod floors;
mod flow;
mod frame;
mod held;
mod launch;
mod ledger;
mod memory;
mod pairs;
mod screen;
mod sockets;
mod stage;
mod start;
mod traffic;
mod upstream;
#[expect(dead_code, reason = "shared with the tests, which use more of it")]
#[path = "../support"]
mod support {
    pub(crate) mod dirs;
    pub(crate) mod play;
    pub(crate) mod process;
    pub(crate) mod pty;
}

/// Fewest pairs that a median may rest on.
const PAIRS: usize = 15;

/// What was asked for on the command line.
pub(crate) struct Plan {
    names: Vec<String>,
    pub(crate) pairs: usize,
    pub(crate) nginx: Option<PathBuf>,
}

/// One line of the result.
pub(crate) struct Figure {
    id: &'static str,
    what: String,
    goal: &'static str,
    value: String,
}

impl Figure {
    pub(crate) fn ratio(id: &'static str, what: &str, goal: &'static str, ratio: Ratio) -> Self {
        let value = format!("{ratio} | {:.3} / {:.3} ms", ratio.ours.median, ratio.floor.median);
        Self { id, what: what.to_owned(), goal, value }
    }

    /// A ratio of something that is not milliseconds.
    pub(crate) fn of(id: &'static str, what: &str, goal: &'static str, ratio: Ratio, unit: &str) -> Self {
        let value = format!("{ratio} | {:.0} / {:.0} {unit}", ratio.ours.median, ratio.floor.median);
        Self { id, what: what.to_owned(), goal, value }
    }

    pub(crate) fn plain(id: &'static str, what: &str, goal: &'static str, value: &str) -> Self {
        Self { id, what: what.to_owned(), goal, value: format!("{value} |") }
    }
}

type Take = fn(&Plan) -> Result<Vec<Figure>>;

/// Every figure, by the names that those have in the goals which one run gives.
const FIGURES: &[(&[&str], Take)] = &[
    (&["S1"], start::version),
    (&["S2"], start::reading),
    (&["S4"], start::large),
    (&["S5"], start::growth),
    (&["S6"], memory::peak),
    (&["P1", "P2"], traffic::first_byte),
    (&["P3"], traffic::per_event),
    (&["P4"], traffic::cost),
    (&["P5"], traffic::throughput),
    (&["P6", "P7"], flow::fat),
    (&["P8"], held::fresh),
    (&["P9", "P10", "P11"], held::idle),
    (&["P12"], failover::past_failures),
    (&["P13"], traffic::large_pool),
    (&["P14"], files::calls),
    (&["P15"], exact::streams),
    (&["P16"], sockets::frames),
    (&["T1"], screen::first_paint),
    (&["T2"], screen::keys),
    (&["T3"], frame::cost),
    (&["T5"], screen::idle),
    (&["U1"], ledger::usage),
    (&["L1"], launch::forwarded),
];

fn main() -> Result<()> {
    let plan = plan();
    let mut out = std::io::stdout().lock();
    writeln!(out, "| # | figure | gate | measured | ours / floor |\n|---|---|---|---|---|")?;
    for (names, take) in FIGURES {
        if !plan.names.is_empty() && !plan.names.iter().any(|asked| names.contains(&asked.as_str())) {
            continue;
        }
        match take(&plan) {
            Ok(figures) => {
                for Figure { id, what, goal, value } in figures {
                    writeln!(out, "| {id} | {what} | {goal} | {value} |")?;
                }
            }
            Err(report) => writeln!(out, "| {} | not taken: {report} | | | |", names.join(" "))?,
        }
        out.flush()?;
    }
    Ok(())
}

fn plan() -> Plan {
    let mut plan = Plan { names: Vec::new(), pairs: 41, nginx: None };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--pairs" => plan.pairs = words.next().and_then(|count| count.parse().ok()).unwrap_or(plan.pairs),
            "--nginx" => plan.nginx = words.next().map(PathBuf::from),
            // What cargo passes to every target.
            "--bench" => {}
            name => plan.names.push(name.to_owned()),
        }
    }
    plan.pairs = plan.pairs.max(PAIRS);
    plan
}
