//! What the proxy must do, as its specification lists it (runtime.md §28), where processes and their files are needed.

#![expect(clippy::disallowed_methods, reason = "the specification states these times, so they are measured")]

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use codex_multi_auth::formats::scenario::{Action, Bench, Endpoint, Rule, Scenario};
use serde_json::Value;

use crate::process::bridge::Bridge;
use crate::support::dirs::Home;
use crate::support::play::Play;
use crate::support::process::{Running, run};
use crate::support::wire;

/// A running proxy and its model base.
fn serve(home: &Home) -> (Running, String) {
    let mut proxy = Running::start(&mut home.manager(&["serve", "--json"]));
    let told: Value = serde_json::from_str(&proxy.line()).expect("a document");
    (proxy, told["baseUrl"].as_str().expect("an address").to_owned())
}

fn served(play: &Play) -> Vec<String> {
    play.backend().record().turns().into_iter().filter_map(|entry| entry.account).collect()
}

fn last(play: &Play) -> Option<String> {
    served(play).pop()
}

/// Resident memory of a process in bytes.
fn resident(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("Linux");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("a size");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).expect("a number") * 1024
}

/// Most that a process grows by while a client reads one byte a second of a long answer.
fn growth(pid: u32, address: &str) -> u64 {
    let before = resident(pid);
    let rest = address.strip_prefix("http://").expect("loopback");
    let (host, path) = rest.split_once('/').expect("a path");
    let mut stream = TcpStream::connect(host).expect("it listens");
    let body = r#"{"model":"gpt-5.5","stream":true,"store":false,"input":[],"prompt_cache_key":"t"}"#;
    write!(stream, "POST /{path}/responses HTTP/1.1\r\nhost: {host}\r\nsession-id: t\r\ncontent-length: {}\r\n\r\n{body}", body.len())
        .expect("sent");
    let mut most = before;
    for _ in 0..5 {
        stream.read_exact(&mut [0]).expect("bytes come");
        std::thread::sleep(Duration::from_secs(1));
        most = most.max(resident(pid));
    }
    most - before
}

/// A pool of one, whose turns have ten thousand events.
fn long_turns() -> Scenario {
    let mut scenario = Scenario::pool(["one"]);
    scenario.script.bench = Some(Bench { events: 10_000, bytes: 4_096 });
    scenario
}

/// 3
#[test]
fn a_reader_of_one_byte_a_second_costs_no_memory() {
    let play = Play::start(long_turns());
    let home = play.home();
    let (proxy, base) = serve(&home);
    // The first turn pays for caches and buffers that stay.
    assert_eq!(wire::turn(&base, "warm").status, 200);

    let growth = growth(proxy.id(), &base);

    assert!(growth < 8 << 20, "it grew by {growth}");
}

/// 3, through the bridge
#[test]
fn a_slow_client_of_the_bridge_costs_no_memory() {
    let play = Play::start(long_turns());
    let home = play.home();
    let (_bridge, base) = Bridge::start(&home, &["--no-auth"]);
    let told = run(&mut home.manager(&["bridge", "status", "--json"])).expect(0).stdout;
    let told: Value = serde_json::from_str(&told).expect("a document");
    let pid = told["pid"].as_u64().and_then(|pid| u32::try_from(pid).ok()).expect("a process");
    assert_eq!(wire::turn(&base, "warm").status, 200);

    let growth = growth(pid, &base);

    assert!(growth < 8 << 20, "it grew by {growth}");
}

/// 5
#[test]
fn a_hundred_requests_over_three_processes_refresh_an_expired_token_once() {
    let scenario = Scenario::pool(["one"])
        .with("one", |player| player.token_left = Some(codex_multi_auth::base::Span::seconds(-60)));
    let play = Play::start(scenario);
    let home = play.home();
    home.write_auth(&play.login("one"));
    let refresh = play.login("one").refresh;
    let proxies: Vec<_> = (0..3).map(|_| serve(&home)).collect();

    let threads: Vec<_> = (0..100)
        .map(|number| {
            let base = proxies[number % 3].1.clone();
            let refresh = refresh.clone();
            std::thread::spawn(move || {
                if number % 25 == 24 {
                    let url = base.replace("/backend-api/codex", "/oauth/token");
                    let body = format!("{{\"grant_type\":\"refresh_token\",\"refresh_token\":\"{refresh}\",\"refresh_reason\":\"unauthorized_recovery\"}}");
                    wire::send("POST", &url, &[("content-type", "application/json")], body.as_bytes()).status
                } else {
                    wire::turn(&base, &format!("thread-{number}")).status
                }
            })
        })
        .collect();
    let statuses: Vec<u16> = threads.into_iter().map(|thread| thread.join().expect("an answer")).collect();

    assert!(statuses.iter().all(|status| *status == 200), "{statuses:?}");
    let entries = play.backend().record().entries();
    assert_eq!(entries.iter().filter(|entry| entry.path == "/oauth/token").count(), 1);
    play.assert_no_violation();
}

/// 14
#[test]
fn how_long_a_refusal_takes_tells_nothing_about_the_prefix() {
    let play = Play::start(Scenario::pool(["one"]));
    let home = play.home();
    let (_proxy, base) = serve(&home);
    let prefix = base.split('/').nth(3).expect("a prefix").to_owned();
    let host = base.split('/').nth(2).expect("a host").to_owned();
    let near = format!("{}{}", &prefix[..prefix.len() - 1], if prefix.ends_with('A') { 'B' } else { 'A' });
    let far: String = prefix.chars().map(|one| if one == 'x' { 'y' } else { 'x' }).collect();
    let ask = |guess: &str| {
        let mut stream = TcpStream::connect(&host).expect("the proxy listens");
        let began = Instant::now();
        write!(stream, "GET /{guess}/healthz HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n")
            .expect("sent");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("answered");
        assert!(answer.starts_with(b"HTTP/1.1 404"));
        began.elapsed()
    };

    let mut took = [Vec::new(), Vec::new(), Vec::new()];
    for _ in 0..400 {
        for (kind, guess) in [near.as_str(), far.as_str(), "short"].into_iter().enumerate() {
            took[kind].push(ask(guess));
        }
    }

    let medians = took.map(|mut all| {
        all.sort_unstable();
        all[all.len() / 2].as_secs_f64()
    });
    let (least, most) =
        medians.iter().fold((f64::MAX, 0.0_f64), |(least, most), one| (least.min(*one), most.max(*one)));
    assert!(most / least < 1.5, "{medians:?}");
}

/// 16
#[test]
fn trouble_with_files_is_no_trouble_for_a_request() {
    let play = Play::start(Scenario::pool(["one", "two"]));
    let home = play.home();
    let (_proxy, base) = serve(&home);
    assert_eq!(wire::turn(&base, "before").status, 200);

    let pool = home.root().join("openai-codex-accounts.json");
    let whole = fs::read(&pool).expect("a pool");
    fs::write(&pool, &whole[..whole.len() / 2]).expect("writable");
    std::thread::sleep(Duration::from_secs(1));
    let truncated = wire::turn(&base, "truncated").status;
    fs::write(&pool, &whole).expect("writable");

    let ledger = home.root().join("usage");
    fs::create_dir_all(&ledger).expect("writable");
    let lock = ledger.join("usage-ledger.jsonl.lock");
    fs::write(&lock, "1").expect("writable");
    let began = Instant::now();
    let held = wire::turn(&base, "held").status;
    let waited = began.elapsed();
    fs::remove_file(&lock).expect("still there");

    assert_eq!((truncated, held), (200, 200));
    assert!(waited < Duration::from_secs(5), "the ledger is not on the way of an answer: {waited:?}");
}

/// 16
#[test]
fn a_full_disk_and_a_refused_write_let_requests_through() {
    for fault in ["save.written=ENOSPC", "save.locked=EACCES", "save.renamed=EROFS", "save.journalled=EIO"] {
        let play = Play::start(Scenario::pool(["one", "two"]));
        let mut home = play.home();
        home.set("CODEX_MULTI_AUTH_FAULT", fault);
        let (_proxy, base) = serve(&home);
        play.backend().script(Rule::everywhere(Endpoint::Http, Action::usage_limit()).once());

        for thread in ["a", "b", "c"] {
            assert_eq!(wire::turn(&base, thread).status, 200, "{fault}");
        }
    }
}

/// 17
#[test]
fn what_another_process_changes_holds_for_the_next_request_within_half_a_second() {
    let play = Play::start(Scenario::pool(["one", "two"]));
    let home = play.home();
    let (_proxy, base) = serve(&home);
    let after = |words: &[&str]| {
        run(&mut home.manager(words)).expect(0);
        std::thread::sleep(Duration::from_millis(500));
        let said = wire::turn(&base, "thread");
        assert_eq!(said.status, 200, "{words:?}: {}", said.body);
        last(&play).expect("somebody served")
    };
    assert_eq!(wire::turn(&base, "thread").status, 200);
    let first = last(&play).expect("somebody served");
    let (mine, other) = if first == "one" {
        ("one@example.com", "two@example.com")
    } else {
        ("two@example.com", "one@example.com")
    };
    let second = other.split('@').next().expect("a name").to_owned();

    assert_eq!(after(&["account", "disable", mine, "--headless"]), second);
    run(&mut home.manager(&["account", "enable", mine, "--headless"])).expect(0);
    assert_eq!(after(&["switch", mine, "--headless"]), first);
    assert_eq!(after(&["switch", other, "--headless"]), second);
    run(&mut home.manager(&["unpin", "--headless"])).expect(0);
    assert_eq!(after(&["account", "pause", &format!("{second}@example.com"), "--headless"]), first);
    run(&mut home.manager(&["account", "unpause", &format!("{second}@example.com"), "--headless"])).expect(0);
    run(&mut home.manager(&["config", "set", "metricsEndpoint", "true"])).expect(0);
    std::thread::sleep(Duration::from_millis(500));
    let page = wire::send("GET", &base.replace("/backend-api/codex", "/metrics"), &[], b"");
    assert_eq!(page.status, 200, "a setting is obeyed, too");
}

/// 17
#[test]
fn an_account_that_another_process_adds_serves_within_half_a_second() {
    let play = Play::start(Scenario::pool(["one", "two"]));
    let home = play.home();
    home.write_pool(&[play.login("one")]);
    let (_proxy, base) = serve(&home);
    assert_eq!(wire::turn(&base, "thread").status, 200);
    play.backend().script(Rule::on("one", Endpoint::Http, Action::usage_limit()));

    home.write_pool(&[play.login("one"), play.login("two")]);
    std::thread::sleep(Duration::from_millis(500));

    assert_eq!(wire::turn(&base, "thread").status, 200);
    assert_eq!(last(&play).as_deref(), Some("two"));
}
