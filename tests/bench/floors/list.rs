//! The list floor: reads, parses and prints the pool file with `serde_json`, and nothing else.

use std::io::{BufWriter, Write as _};

use serde::Deserialize;

#[derive(Deserialize)]
struct Pool {
    accounts: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    email: Option<String>,
    account_id: Option<String>,
    enabled: Option<bool>,
}

fn main() -> std::io::Result<()> {
    let Some(path) = std::env::args_os().nth(1).filter(|word| word != "--bench") else { return Ok(()) };
    let pool: Pool = serde_json::from_slice(&std::fs::read(path)?)?;
    let mut out = BufWriter::new(std::io::stdout().lock());
    for (number, row) in pool.accounts.iter().enumerate() {
        let state = if row.enabled == Some(false) { "off" } else { "ready" };
        let (email, id) = (row.email.as_deref().unwrap_or("-"), row.account_id.as_deref().unwrap_or("-"));
        writeln!(out, "{} {email} {id} {state}", number + 1)?;
    }
    out.flush()
}
