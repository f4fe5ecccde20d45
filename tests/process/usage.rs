//! `usage` and `models` as a script sees them: one ledger, its archives, every shape of the report.

use std::fmt::Write as _;

use serde_json::Value;

use crate::support::dirs::Home;
use crate::support::process::{Ran, run};

const NOW: u64 = 1_790_000_000_000;

fn document(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout)
        .unwrap_or_else(|error| panic!("{error}\n{}\n{}", ran.stdout, ran.stderr))
}

/// Rows one minute apart: every third is blocked, every other one another model.
fn rows(numbers: std::ops::Range<u64>) -> String {
    let mut text = String::new();
    for number in numbers {
        let outcome = ["success", "failure", "blocked"][(number % 3) as usize];
        let model = ["gpt-5.5", "o3"][(number % 2) as usize];
        let _ = writeln!(
            text,
            r#"{{"version":1,"id":"r{number}","createdAt":{},"source":"runtime-proxy","operation":"responses","outcome":"{outcome}","model":"{model}","projectKey":"a,b","account":null,"requestId":null,"statusCode":200,"errorCode":null,"durationMs":1,"tokens":{{"inputTokens":1000,"outputTokens":10,"cachedInputTokens":0,"reasoningTokens":5,"totalTokens":1010}},"costUsd":null}}"#,
            NOW + number * 60_000,
        );
    }
    text
}

fn home() -> Home {
    let home = Home::with_samples(2);
    home.write(&home.root().join("usage/usage-ledger.jsonl"), &format!("{}not a row\n", rows(0..12)));
    home
}

#[test]
fn usage_counts_what_was_sent_and_prices_what_has_a_price() {
    let told = document(&run(&mut home().manager(&["usage", "--json"])).expect(0));

    let totals = &told["summary"]["totals"];
    assert_eq!(
        (&totals["key"], &totals["requests"], &totals["blocked"], &totals["totalTokens"]),
        (&Value::from("total"), &Value::from(8), &Value::from(4), &Value::from(8_080))
    );
    assert_eq!((&totals["unpriced"], &totals["costUsd"]), (&Value::from(4), &Value::from(0.008_48)));
    let keys: Vec<&str> = told["summary"]["buckets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["key"].as_str().unwrap())
        .collect();
    assert_eq!(keys, ["gpt-5.5", "o3"]);
    assert_eq!((&told["rowCount"], &told["skippedLines"]), (&Value::from(12), &Value::from(1)));
    assert_eq!(told["rows"][11]["id"], "r11");
}

#[test]
fn a_rotation_changes_no_total_and_the_archives_may_be_left_out() {
    let home = home();
    let before = document(&run(&mut home.manager(&["usage", "--json"])).expect(0));
    run(&mut home.manager(&["usage", "rotate"])).expect(0);

    let after = document(&run(&mut home.manager(&["usage", "--json"])).expect(0));
    let current = document(&run(&mut home.manager(&["usage", "--json", "--current-only"])).expect(0));

    assert_eq!(after["summary"], before["summary"]);
    assert_eq!(current["summary"]["totals"]["requests"], 0);
}

#[test]
fn a_window_is_cut_out_and_what_cannot_be_read_is_refused() {
    let home = home();
    let window = ["usage", "--json", "--by", "hour", "--since", "1790000060000", "--until", "1790000240000"];

    let told = document(&run(&mut home.manager(&window)).expect(0));

    assert_eq!(told["rowCount"], 3);
    for words in [
        &["usage", "--since", "5abc", "--json"][..],
        &["usage", "--since", "1790000240000", "--until", "1790000060000", "--json"],
        &["usage", "--json", "--csv"],
        &["usage", "--by", "mood", "--json"],
    ] {
        let refused = document(&run(&mut home.manager(words)).expect(2));
        assert_eq!(refused["error"]["code"], "bad-argument", "{words:?}");
    }
}

#[test]
fn rows_come_as_csv_as_lines_and_into_a_file() {
    let home = home();
    let path = home.root().join("report.csv");

    let csv = run(&mut home.manager(&["usage", "--by", "project", "--csv"])).expect(0).stdout;
    let lines = run(&mut home.manager(&["usage", "--format", "ndjson"])).expect(0).stdout;
    let silent = run(&mut home.manager(&["usage", "--by=project", "--csv", "--out", path.to_str().unwrap()]));

    let header = "key,requests,successes,failures,blocked,cancelled,inputTokens,outputTokens,cachedInputTokens,reasoningTokens,totalTokens,costUsd\n";
    assert_eq!(csv, format!("{header}\"a,b\",8,4,4,4,0,8000,80,0,40,8080,0.00848000\n"));
    let keys: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(keys.iter().map(|row| row["requests"].as_u64().unwrap()).collect::<Vec<_>>(), [4, 4]);
    assert_eq!((silent.expect(0).stdout.as_str(), std::fs::read_to_string(&path).unwrap()), ("", csv));
}

#[test]
fn the_users_prices_win_and_a_broken_price_file_is_told() {
    let home = home();
    let prices = home.root().join("prices.json");
    home.write(&prices, r#"{"version":1,"models":{"o3":{"input":1,"output":0,"cached":1}}}"#);
    let priced = document(&run(&mut home.manager(&["usage", "--json"])).expect(0));
    home.write(&prices, "{");
    let broken = document(&run(&mut home.manager(&["usage", "--json"])).expect(0));

    assert_eq!(priced["summary"]["totals"]["unpriced"], 0);
    assert_eq!(priced["summary"]["buckets"][1]["costUsd"], 0.004);
    assert!(broken["notes"][0].as_str().unwrap().contains("prices.json"), "{broken:#}");
}

#[test]
fn nothing_used_is_one_row_of_zeros() {
    let home = Home::with_samples(1);

    let csv = run(&mut home.manager(&["usage", "--csv"])).expect(0).stdout;
    let text = run(&mut home.manager(&["usage"])).expect(0).stdout;

    assert_eq!(csv.lines().nth(1), Some("total,0,0,0,0,0,0,0,0,0,0,0.00000000"));
    assert!(text.contains("No usage in that time"), "{text}");
}

#[test]
fn models_name_what_each_account_can_serve() {
    let home = Home::with_samples(2);

    let all = document(&run(&mut home.manager(&["models", "--json"])).expect(0));
    let few = document(
        &run(&mut home.manager(&["models", "--model", "gpt-5.6", "--account", "1", "--json"])).expect(0),
    );
    let unknown = document(&run(&mut home.manager(&["models", "--model", "o3", "--json"])).expect(2));

    let entries = |told: &Value| told["matrix"]["entries"].as_array().unwrap().clone();
    assert_eq!((entries(&all).len(), entries(&few).len()), (30, 1));
    assert_eq!(entries(&few)[0]["normalizedModel"], "gpt-5.6-sol");
    assert_eq!(unknown["error"]["code"], "unknown-model");
}
