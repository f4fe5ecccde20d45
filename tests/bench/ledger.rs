//! U1: what a report over a long ledger costs.

use std::fs::File;
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::process::Stdio;
use std::time::Instant;

use color_eyre::Result;
use color_eyre::eyre::ensure;

use crate::pairs::compare;
use crate::support::dirs::Home;
use crate::{Figure, Plan};

/// Rows of the ledger.
const ROWS: u64 = 1_000_000;

/// U1: `usage` over a million rows ÷ reading the file once line by line.
pub(crate) fn usage(plan: &Plan) -> Result<Vec<Figure>> {
    let home = Home::with_samples(10);
    let path = home.root().join("usage/usage-ledger.jsonl");
    std::fs::create_dir_all(home.root().join("usage"))?;
    write(&path)?;
    let mut figures = Vec::new();
    for words in [&["usage", "--headless"][..], &["usage", "--headless", "--by", "account", "--json"]] {
        let ratio = compare(
            plan.pairs.min(15),
            || {
                let start = Instant::now();
                let status = home.manager(words).stdout(Stdio::null()).stderr(Stdio::null()).status()?;
                ensure!(status.success(), "usage ended with {status}");
                Ok(start.elapsed().as_secs_f64() * 1000.0)
            },
            || {
                let start = Instant::now();
                let mut lines = BufReader::new(File::open(&path)?);
                let (mut line, mut count) = (Vec::new(), 0_u64);
                while lines.read_until(b'\n', &mut line)? > 0 {
                    count += 1;
                    line.clear();
                }
                ensure!(count == ROWS, "{count} lines");
                Ok(start.elapsed().as_secs_f64() * 1000.0)
            },
        )?;
        let what = format!("`{}`, 1,000,000 rows ÷ reading line by line", words.join(" "));
        figures.push(Figure::ratio("U1", &what, "≤ 3", ratio));
    }
    Ok(figures)
}

/// Rows as the proxy writes them: five accounts, three models, a month of work.
fn write(path: &std::path::Path) -> Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    for number in 0..ROWS {
        let at = 1_790_000_000_000 + number * 2_600;
        let account = number % 5;
        let model = ["gpt-5.5", "gpt-5.3-codex", "gpt-5.6-sol"][(number % 3) as usize];
        let (input, output) = (18_000 + number % 24_000, 200 + number % 900);
        writeln!(
            file,
            r#"{{"version":1,"id":"{number:08x}-0000-4000-8000-0123456789ab","createdAt":{at},"source":"runtime-proxy","operation":"responses","outcome":"success","model":"{model}","projectKey":"web-shop-1f2e3d4c5b","account":{{"accountHash":"sha256:{account:064x}","emailHash":"sha256:{account:064x}","index":{account}}},"requestId":"{number}","statusCode":200,"errorCode":null,"durationMs":{},"tokens":{{"inputTokens":{input},"outputTokens":{output},"cachedInputTokens":{},"reasoningTokens":{},"totalTokens":{}}},"costUsd":0.01234567,"attempts":1,"ttfbMs":412,"bytesOut":20480,"sessionHash":"sha256:{:064x}"}}"#,
            1_800 + number % 22_000,
            input / 4 * 3,
            output / 3,
            input + output,
            number % 97,
        )?;
    }
    file.flush()?;
    Ok(())
}
