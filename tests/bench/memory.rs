//! S6: the most memory a reading command ever held.

use std::io::Read as _;
use std::process::Stdio;

use color_eyre::Result;
use color_eyre::eyre::{OptionExt as _, ensure};

use crate::pairs::Middle;
use crate::support::dirs::Home;
use crate::{Figure, Plan};

/// One page: no answer fits, so the program waits in its write until somebody reads.
const NARROW: usize = 4096;

/// S6: ten accounts in MiB, and five thousand as multiples of the pool file.
pub(crate) fn peak(plan: &Plan) -> Result<Vec<Figure>> {
    let few = Home::with_samples(10);
    let many = Home::with_samples(5_000);
    let size = many.root().join("openai-codex-accounts.json").metadata()?.len();
    let mut figures = Vec::new();
    let ten = Middle::of(taken(plan, &few)?);
    let value = format!("{:.1} MiB ({:.1} … {:.1})", mib(ten.median), mib(ten.low), mib(ten.high));
    figures.push(Figure::plain("S6", "peak memory of `status`, 10 accounts", "≤ 8 MiB", &value));
    let thousands = Middle::of(taken(plan, &many)?);
    let times = |bytes: f64| bytes / f64::from(u32::try_from(size).unwrap_or(u32::MAX));
    let value = format!(
        "{:.2} ({:.2} … {:.2}); {:.1} MiB",
        times(thousands.median),
        times(thousands.low),
        times(thousands.high),
        mib(thousands.median)
    );
    figures.push(Figure::plain("S6", "peak memory of `status`, 5,000 accounts ÷ file size", "≤ 3", &value));
    Ok(figures)
}

fn mib(bytes: f64) -> f64 {
    bytes / 1024.0 / 1024.0
}

fn taken(plan: &Plan, home: &Home) -> Result<Vec<f64>> {
    (0..plan.pairs.min(15)).map(|_| high_water(home)).collect()
}

/// Bytes at the high-water mark, read from the kernel while the program waits to get rid of its answer.
fn high_water(home: &Home) -> Result<f64> {
    let (mut reader, writer) = std::io::pipe()?;
    rustix::pipe::fcntl_setpipe_size(&writer, NARROW)?;
    let mut command = home.manager(&["status", "--headless", "--json"]);
    let mut child = command.stdout(writer).stderr(Stdio::null()).spawn()?;
    // The command holds an end of the pipe; without it the pipe ends with the program.
    drop(command);
    let mut first = [0_u8];
    reader.read_exact(&mut first)?;
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id()))?;
    let mut rest = Vec::new();
    reader.read_to_end(&mut rest)?;
    let end = child.wait()?;
    ensure!(matches!(end.code(), Some(0 | 4)), "ended with {end}");
    let line =
        status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or_eyre("no high-water mark")?;
    let kib: f64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kib * 1024.0)
}
