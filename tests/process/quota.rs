//! The quota that is shown is the one the back end told: every shape of pool, on its way through the usage client, the
//! cache file, the report and the screen.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use codex_multi_auth::adapters::clock::SystemClock;
use codex_multi_auth::ports::Clock as _;
use pretty_assertions::assert_eq;
use serde_json::{Value, json};

use crate::support::dirs::{Home, Login};
use crate::support::process::{MANAGER, run};
use crate::support::pty::Terminal;

/// A back end that knows one answer: to the usage question, by account id.
struct Usage {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
}

impl Usage {
    fn start(answers: Vec<(String, Value)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let over = Arc::clone(&stop);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if over.load(Ordering::Relaxed) {
                    return;
                }
                let Ok(mut stream) = stream else { continue };
                let mut head = Vec::new();
                for line in BufReader::new(&stream).lines() {
                    match line {
                        Ok(line) if !line.is_empty() => head.push(line.to_ascii_lowercase()),
                        Ok(_) | Err(_) => break,
                    }
                }
                let asked = head.first().is_some_and(|line| line.contains("/wham/usage"));
                let whose = head.iter().find_map(|line| line.strip_prefix("chatgpt-account-id: "));
                let body = answers.iter().find(|(id, _)| asked && whose == Some(id.as_str()));
                let (status, body) =
                    body.map_or(("404 Not Found", "{}".to_owned()), |(_, body)| ("200 OK", body.to_string()));
                let _ = write!(
                    stream,
                    "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
                     connection: close\r\n\r\n{body}",
                    body.len()
                );
            }
        });
        Self { address, stop }
    }
}

impl Drop for Usage {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = std::net::TcpStream::connect(self.address);
    }
}

/// A window as the back end declares it; a reset in so many minutes, or none.
fn window(used: f64, minutes: i64, reset: Option<i64>) -> Value {
    let now = SystemClock::new().now().secs();
    json!({
        "used_percent": used,
        "limit_window_seconds": minutes * 60,
        "reset_at": reset.map(|reset| now + reset * 60),
    })
}

fn answer(primary: &Value, secondary: &Value) -> Value {
    json!({
        "plan_type": "plus",
        "rate_limit": {
            "allowed": true, "limit_reached": false,
            "primary_window": primary, "secondary_window": secondary,
        },
    })
}

/// One account per answer, all asked at once.
fn pool(answers: &[Value]) -> (Usage, Home) {
    let logins: Vec<Login> = (1..=answers.len()).map(Login::sample).collect();
    let known = logins.iter().map(|login| login.account_id.clone()).zip(answers.iter().cloned()).collect();
    let usage = Usage::start(known);
    let mut home = Home::new();
    home.set("CODEX_MULTI_AUTH_UPSTREAM_BASE_URL", format!("http://{}/backend-api", usage.address));
    home.set("CODEX_MULTI_AUTH_AUTH_BASE_URL", format!("http://{}", usage.address));
    home.write_pool(&logins);
    (usage, home)
}

#[test]
fn every_shape_of_pool_is_shown_as_the_back_end_told_it() {
    const HOURS: i64 = 300;
    const WEEK: i64 = 10_080;
    const MONTH: i64 = 43_200;
    let cases = [
        ("primary only", window(38.0, HOURS, Some(79)), Value::Null, [(38.0, HOURS, true)].to_vec()),
        ("weekly only", window(91.0, WEEK, Some(4_000)), Value::Null, vec![(91.0, WEEK, true)]),
        ("monthly only", window(7.5, MONTH, Some(20_000)), Value::Null, vec![(7.5, MONTH, true)]),
        (
            "swapped",
            window(60.0, WEEK, Some(4_000)),
            window(20.0, HOURS, Some(79)),
            vec![(20.0, HOURS, true), (60.0, WEEK, true)],
        ),
        (
            "no reset",
            window(12.0, HOURS, None),
            window(34.0, WEEK, None),
            vec![(12.0, HOURS, false), (34.0, WEEK, false)],
        ),
    ];
    let answers: Vec<Value> = cases.iter().map(|(_, one, two, _)| answer(one, two)).collect();
    let (_usage, home) = pool(&answers);

    run(&mut home.manager(&["check", "--json"])).expect(0);

    // What `status` shows comes from the cache file, not from the answer.
    let status: Value =
        serde_json::from_str(&run(&mut home.manager(&["status", "--json"])).expect(0).stdout).unwrap();
    for (index, (name, _, _, expected)) in cases.iter().enumerate() {
        let quota = &status["accounts"][index]["quota"];
        let mut shown: Vec<(f64, i64, bool)> = ["primary", "secondary"]
            .into_iter()
            .filter(|place| !quota[place].is_null())
            .map(|place| {
                let window = &quota[place];
                let used = window["usedPercent"].as_f64().unwrap();
                (used, window["windowMinutes"].as_i64().unwrap(), window["resetAt"].is_i64())
            })
            .collect();
        shown.sort_by_key(|(_, minutes, _)| *minutes);
        assert_eq!(&shown, expected, "{name}: {quota:#}");
    }
}

#[test]
fn further_limits_credits_and_a_past_reset_are_shown_as_such() {
    let mut rich = answer(&window(38.0, 300, Some(79)), &window(51.0, 10_080, Some(4_000)));
    rich["credits"] = json!({"has_credits": true, "unlimited": false, "balance": "5.39"});
    rich["additional_rate_limits"] = json!([{
        "limit_name": "Spark", "metered_feature": "codex_bengalfox",
        "rate_limit": {"primary_window": window(12.0, 300, Some(60)), "secondary_window": null},
    }]);
    let (usage, home) = pool(&[rich, answer(&window(3.0, 300, Some(79)), &Value::Null)]);
    run(&mut home.manager(&["check", "--json"])).expect(0);
    drop(usage);
    // Two hours went by since, and the second account's window began anew meanwhile.
    let cache = home.root().join("quota-cache.json");
    let mut kept: Value = serde_json::from_str(&std::fs::read_to_string(&cache).unwrap()).unwrap();
    let now = SystemClock::new().now().millis();
    let second = &mut kept["byAccountId"][Login::sample(2).account_id];
    second["updatedAt"] = json!(now - 2 * 3_600_000);
    second["primary"]["resetAtMs"] = json!(now - 20 * 60_000);
    home.write(&cache, &kept.to_string());

    let mut terminal = Terminal::start(MANAGER, &[""; 0], &home.environment(), (140, 40));
    terminal.wait_for("person1@example.com");
    terminal.send("\r");
    terminal.wait_for("38%");
    let first = terminal.settled();
    // Ready first, least used first: the second account stands above the first.
    terminal.send("\u{1b}[D");
    terminal.wait_for("Accounts / 1 person2");
    let second = terminal.settled();
    terminal.send("qq");
    terminal.finish();

    for words in ["62% left", "49% left", "Spark  5h 88% left", "credits 5.39"] {
        assert!(first.contains(words), "{words}\n{first}");
    }
    assert!(second.contains("seen 2h"), "its age is told\n{second}");
    assert!(second.contains("not read since"), "a reset that happened is told\n{second}");
}
