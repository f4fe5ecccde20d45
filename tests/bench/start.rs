//! S1 and S2: what a command costs before and after it does its work.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use color_eyre::Result;
use color_eyre::eyre::ensure;

use crate::floors::floor;
use crate::pairs::compare;
use crate::support::dirs::Home;
use crate::support::process::{MANAGER, bare};
use crate::{Figure, Plan};

/// The commands that only read.
const READING: [&str; 4] = ["status", "list", "forecast", "why-selected"];

/// S1: `--version` ÷ clap floor.
pub(crate) fn version(plan: &Plan) -> Result<Vec<Figure>> {
    let home = Home::with_samples(10);
    let clap = floor("clap")?;

    let ratio = compare(
        plan.pairs,
        || time(&mut home.manager(&["--version"])),
        || time(bare(&clap).arg("--version")),
    )?;

    Ok(vec![Figure::ratio("S1", "`--version` ÷ clap floor", "≤ 1.3", ratio)])
}

/// S2: reading commands with ten accounts ÷ clap floor.
pub(crate) fn reading(plan: &Plan) -> Result<Vec<Figure>> {
    let home = Home::with_samples(10);
    let clap = floor("clap")?;
    let mut figures = Vec::new();
    for word in READING {
        let ratio = compare(
            plan.pairs,
            || time(&mut home.manager(&[word, "--headless", "--json"])),
            || time(bare(&clap).arg("--version")),
        )?;
        figures.push(Figure::ratio("S2", &format!("`{word}`, 10 accounts ÷ clap floor"), "≤ 3", ratio));
    }
    Ok(figures)
}

/// S4: the same with a large pool ÷ list floor of the same file.
pub(crate) fn large(plan: &Plan) -> Result<Vec<Figure>> {
    let list = floor("list")?;
    let mut figures = Vec::new();
    for count in [1_000, 5_000] {
        let home = Home::with_samples(count);
        let pool = home.root().join("openai-codex-accounts.json");
        for word in READING {
            let ratio = compare(
                plan.pairs,
                || time(&mut home.manager(&[word, "--headless", "--json"])),
                || time(bare(&list).arg(&pool)),
            )?;
            let what = format!("`{word}`, {count} accounts ÷ list floor");
            figures.push(Figure::ratio("S4", &what, "≤ 2.5", ratio));
        }
    }
    Ok(figures)
}

/// S5: how the time grows with the pool.
pub(crate) fn growth(plan: &Plan) -> Result<Vec<Figure>> {
    let (many, few) = (Home::with_samples(5_000), Home::with_samples(1_000));
    let mut figures = Vec::new();
    for word in READING {
        let ratio = compare(
            plan.pairs,
            || time(&mut many.manager(&[word, "--headless", "--json"])),
            || time(&mut few.manager(&[word, "--headless", "--json"])),
        )?;
        figures.push(Figure::ratio("S5", &format!("`{word}`, 5,000 ÷ 1,000 accounts"), "≤ 6", ratio));
    }
    Ok(figures)
}

/// Milliseconds from the start of a program to its end.
fn time(command: &mut Command) -> Result<f64> {
    let program = Path::new(command.get_program()).to_owned();
    let start = Instant::now();
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status()?;
    let took = start.elapsed().as_secs_f64() * 1000.0;
    let known = status.code().is_some_and(|code| code == 0 || (code == 4 && program == Path::new(MANAGER)));
    ensure!(known, "{} ended with {status}", program.display());
    Ok(took)
}
