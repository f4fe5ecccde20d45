//! L1: what a launch through the forwarder costs before the client runs.

use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use codex_multi_auth::formats::scenario::Scenario;
use color_eyre::Result;
use color_eyre::eyre::{OptionExt as _, ensure};

use crate::floors::floor;
use crate::pairs::compare;
use crate::support::play::Play;
use crate::support::process::bare;
use crate::{Figure, Plan};

/// Stands for the official CLI: the quickest program that says something, so that what is measured is ours.
const CLIENT: &str = "/bin/echo";

/// Our start to the client's first byte, preflight cached ÷ clap floor.
pub(crate) fn forwarded(plan: &Plan) -> Result<Vec<Figure>> {
    let play = Play::start(Scenario::pool(["one", "two"]));
    let mut home = play.home();
    home.write_auth(&play.login("one"));
    home.set("CODEX_MULTI_AUTH_REAL_CODEX_BIN", CLIENT);
    home.set("CODEX_MULTI_AUTH_PREFLIGHT_CACHE_MS", "3600000");
    let clap = floor("clap")?;
    first_byte(&mut home.forwarder(&["exec", "hi"]))?;
    play.backend().record().clear();

    let ratio = compare(
        plan.pairs,
        || first_byte(&mut home.forwarder(&["exec", "hi"])),
        || whole(bare(&clap).arg("--version")),
    )?;

    ensure!(play.backend().record().entries().is_empty(), "the preflight was not cached");
    let what = "forwarder to the client's first byte, preflight cached ÷ clap floor";
    Ok(vec![Figure::ratio("L1", what, "≤ 5", ratio)])
}

/// Milliseconds from the start of a program to the first byte that it, or its child, says.
fn first_byte(command: &mut Command) -> Result<f64> {
    let program = Path::new(command.get_program()).to_owned();
    let start = Instant::now();
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let mut byte = [0];
    let mut output = child.stdout.take().ok_or_eyre("no output")?;
    let read = output.read(&mut byte);
    let took = start.elapsed().as_secs_f64() * 1000.0;
    let mut rest = Vec::new();
    output.read_to_end(&mut rest)?;
    let status = child.wait()?;
    ensure!(status.success() && read? == 1, "{} ended with {status}", program.display());
    ensure!(rest.windows(15).any(|part| part == b"openai_base_url"), "the launch was not rotated");
    Ok(took)
}

/// Milliseconds from the start of a program to its end.
fn whole(command: &mut Command) -> Result<f64> {
    let start = Instant::now();
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status()?;
    let took = start.elapsed().as_secs_f64() * 1000.0;
    ensure!(status.success(), "the floor ended with {status}");
    Ok(took)
}
