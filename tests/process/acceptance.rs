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

/// A frame as a client sends it; the mask is nothing, so that its text stands there as it is.
fn frame(text: &str) -> Vec<u8> {
    let length = u16::try_from(text.len()).expect("a short frame").to_be_bytes();
    [&[0x81, 0xfe], length.as_slice(), &[0; 4], text.as_bytes()].concat()
}

/// An open socket of the proxy, behind the answer to its upgrade.
fn socket(base: &str, session: &str) -> (String, TcpStream) {
    let rest = base.strip_prefix("http://").expect("loopback");
    let (host, path) = rest.split_once('/').expect("a path");
    let mut stream = TcpStream::connect(host).expect("it listens");
    write!(
        stream,
        "GET /{path}/responses HTTP/1.1\r\nhost: {host}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsession-id: {session}\r\n\
         authorization: Bearer local\r\nopenai-beta: responses_websockets=2026-02-06\r\n\r\n"
    )
    .expect("sent");
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("an answer");
        head.push(byte[0]);
    }
    (String::from_utf8(head).expect("text"), stream)
}

/// The frames of one turn on a socket, up to the one that ends it.
fn turn_on(stream: &mut TcpStream) -> Vec<Value> {
    let create = r#"{"type":"response.create","model":"gpt-5.5","input":[{"type":"message","role":"user","content":[{"type":"input_text","text":"hi"}]}]}"#;
    stream.write_all(&frame(create)).expect("sent");
    let mut frames = Vec::new();
    loop {
        let mut head = [0; 2];
        stream.read_exact(&mut head).expect("a frame");
        let mut length = u64::from(head[1] & 0x7f);
        let more = match length {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        if more > 0 {
            let mut bytes = [0; 8];
            stream.read_exact(&mut bytes[8 - more..]).expect("a length");
            length = u64::from_be_bytes(bytes);
        }
        let mut body = vec![0; usize::try_from(length).expect("a length")];
        stream.read_exact(&mut body).expect("a body");
        if head[0] & 0x0f != 1 {
            continue;
        }
        let told: Value = serde_json::from_slice(&body).expect("a document");
        let ends =
            ["response.completed", "response.failed", "error"].iter().any(|kind| told["type"] == *kind);
        frames.push(told);
        if ends {
            return frames;
        }
    }
}

/// 3, on a socket
#[test]
fn a_reader_of_one_byte_a_second_on_a_socket_costs_no_memory() {
    let play = Play::start(long_turns());
    let home = play.home();
    let (proxy, base) = serve(&home);
    let (head, mut warm) = socket(&base, "warm");
    assert!(head.starts_with("HTTP/1.1 101"), "{head}");
    assert_eq!(turn_on(&mut warm).last().expect("an end")["type"], "response.completed");
    drop(warm);
    let before = resident(proxy.id());

    let (_, mut stream) = socket(&base, "slow");
    stream
        .write_all(&frame(r#"{"type":"response.create","model":"gpt-5.5","input":[{"type":"message","role":"user","content":[{"type":"input_text","text":"hi"}]}]}"#))
        .expect("sent");
    let mut most = before;
    for _ in 0..5 {
        stream.read_exact(&mut [0]).expect("bytes come");
        std::thread::sleep(Duration::from_secs(1));
        most = most.max(resident(proxy.id()));
    }

    assert!(most - before < 8 << 20, "{before} grew to {most}");
}

/// Budgets hold for turns on sockets as for requests, and tokens are really counted there.
#[test]
fn a_budget_stops_turns_on_a_living_socket_and_the_next_upgrade() {
    for limit in [["--requests", "2"], ["--tokens", "1"]] {
        let play = Play::start(Scenario::pool(["one", "two"]));
        let home = play.home();
        let words = ["budget", "limit", "global", "--window", "month", limit[0], limit[1]];
        run(&mut home.manager(&words)).expect(0);
        let (_proxy, base) = serve(&home);
        let (head, mut stream) = socket(&base, "thread");
        assert!(head.starts_with("HTTP/1.1 101"), "{head}");

        let allowed = if limit[0] == "--requests" { 2 } else { 1 };

        let ends: Vec<Value> = (0..=allowed).map(|_| turn_on(&mut stream).pop().expect("an end")).collect();
        let (next, _rest) = socket(&base, "other");

        let kinds: Vec<&Value> = ends.iter().map(|end| &end["type"]).collect();
        assert!(kinds[..allowed].iter().all(|kind| **kind == "response.completed"), "{limit:?} {ends:#?}");
        for refused in &ends[allowed..] {
            assert_eq!(
                (&refused["status"], &refused["error"]["code"]),
                (&429.into(), &"budget_blocked".into()),
                "{limit:?}"
            );
            assert!(refused["error"]["resets_at"].is_number(), "{refused:#}");
        }
        assert!(next.starts_with("HTTP/1.1 429"), "{limit:?} {next}");
        assert_eq!(play.backend().record().turns().len(), allowed, "a refused turn goes nowhere");
    }
}

/// Parallel requests, each held open until all are under way: nobody gets them all.
#[test]
fn parallel_requests_spread_over_the_accounts() {
    for is_keyed in [false, true] {
        let play = Play::start(Scenario {
            script: long_turns().script,
            ..Scenario::pool(["one", "two", "three", "four"])
        });
        let home = play.home();
        let (_proxy, base) = serve(&home);
        let rest = base.strip_prefix("http://").expect("loopback");
        let (host, path) = rest.split_once('/').expect("a path");

        let held: Vec<TcpStream> = (0..12)
            .map(|number| {
                let mut stream = TcpStream::connect(host).expect("it listens");
                let session = if is_keyed { format!("session-id: s{number}\r\n") } else { String::new() };
                let body = r#"{"model":"gpt-5.5","stream":true,"store":false,"input":[]}"#;
                write!(stream, "POST /{path}/responses HTTP/1.1\r\nhost: {host}\r\n{session}content-length: {}\r\n\r\n{body}", body.len())
                    .expect("sent");
                stream.read_exact(&mut [0]).expect("it is under way");
                stream
            })
            .collect();

        let mut counts = std::collections::BTreeMap::new();
        for account in served(&play) {
            *counts.entry(account).or_insert(0) += 1;
        }
        assert_eq!(held.len(), 12);
        assert_eq!(counts.len(), 4, "{is_keyed} {counts:?}");
        assert!(counts.values().all(|count| *count == 3), "{is_keyed} {counts:?}");
    }
}

/// Points of spread that a choice of this process had, by account.
fn spread_of(home: &Home, pid: u32) -> Vec<f64> {
    let text = fs::read_to_string(home.root().join("run/decisions.jsonl")).unwrap_or_default();
    let mut rows = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let own = rows.rfind(|row| row["pid"] == pid);
    let all = own.map(|row| row["candidates"].as_array().cloned().unwrap_or_default()).unwrap_or_default();
    all.iter().filter_map(|one| one["parts"]["spread"].as_f64()).collect()
}

/// Several processes on one home lean to different accounts, and one alone leans to none.
#[test]
fn processes_of_one_home_spread_by_a_start_of_their_own() {
    let play = Play::start(Scenario::pool(["one", "two", "three", "four"]));
    let home = play.home();
    let (alone, base) = serve(&home);
    assert_eq!(wire::turn(&base, "alone").status, 200);
    let own = (0..100).find_map(|_| {
        std::thread::sleep(Duration::from_millis(50));
        Some(spread_of(&home, alone.id())).filter(|all| !all.is_empty())
    });
    assert_eq!(own, Some(vec![0.0; 4]), "nobody to spread from");

    let mut all = [(alone, base), serve(&home), serve(&home)];
    let mut seen: Vec<Vec<f64>> = Vec::new();
    for (number, (proxy, base)) in all.iter_mut().enumerate() {
        let spread = (0..100).find_map(|round| {
            assert_eq!(wire::turn(base, &format!("{number}-{round}")).status, 200);
            std::thread::sleep(Duration::from_millis(50));
            Some(spread_of(&home, proxy.id())).filter(|all| all.iter().any(|points| *points != 0.0))
        });
        seen.push(spread.expect("it knows of the others"));
    }

    assert!(seen.iter().flatten().all(|points| points.abs() <= 25.0), "{seen:?}");
    assert!(seen[0] != seen[1] && seen[1] != seen[2] && seen[0] != seen[2], "{seen:?}");
}

/// What one proxy learns of models is known to the next one and to `models`.
#[test]
fn a_model_an_account_was_refused_for_is_known_to_the_next_proxy_and_to_commands() {
    let play = Play::start(Scenario::pool(["one", "two"]));
    let home = play.home();
    let (proxy, base) = serve(&home);
    let refusal = Action::Refuse {
        status: 400,
        code: "model_not_supported_with_chatgpt_account".to_owned(),
        message: "The model is not supported.".to_owned(),
    };
    play.backend().script(Rule::everywhere(Endpoint::Http, refusal).once());
    let body = br#"{"model":"gpt-5.5","stream":true,"store":false,"input":[]}"#;
    let ask = |base: &str| wire::send("POST", &format!("{base}/responses"), &[], body).status;
    assert_eq!(ask(&base), 200, "the other account serves");
    let tried = served(&play);
    let ext = home.root().join("ext/capabilities.json");
    assert!((0..400).any(|_| {
        std::thread::sleep(Duration::from_millis(50));
        ext.exists()
    }));
    drop(proxy);

    let told = run(&mut home.manager(&["models", "--model", "gpt-5.5", "--json"])).expect(0).stdout;
    let told: Value = serde_json::from_str(&told).expect("a document");
    let entries = told["matrix"]["entries"].as_array().expect("pairs");
    let of = |name: &str| {
        let is_of = |entry: &&Value| entry["accountLabel"].as_str().is_some_and(|label| label.contains(name));
        entries.iter().find(is_of).expect("a pair")
    };
    let (refused, good) = (of(&tried[0]), of(&tried[1]));
    assert_eq!(
        (&refused["entitlementBlocked"], &refused["available"]),
        (&true.into(), &false.into()),
        "{told:#}"
    );
    assert_eq!(refused["entitlementReason"], "unsupported-model");
    assert!(refused["entitlementWaitMs"].as_i64().is_some_and(|wait| wait > 1_700_000), "{refused:#}");
    assert_eq!(refused["capabilityPolicy"]["unsupported"], 1);
    assert_eq!(
        (&good["entitlementBlocked"], &good["capabilityBoost"]),
        (&false.into(), &2.0.into()),
        "{good:#}"
    );
    let monitor = run(&mut home.manager(&["monitor", "--json"])).expect(0).stdout;
    let monitor: Value = serde_json::from_str(&monitor).expect("a document");
    let matrix = &monitor["modelMatrix"];
    assert_eq!(matrix["entries"], 30, "{matrix:#}");
    assert_eq!((&matrix["available"], &matrix["unavailable"]), (&29.into(), &1.into()), "{matrix:#}");

    let (_proxy, base) = serve(&home);
    assert_eq!(ask(&base), 200);
    assert_eq!(served(&play).len(), 3, "nobody asks the refused account again");
    assert_eq!(last(&play), Some(tried[1].clone()));
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

/// 14: what a program of another user gets from a real `serve`, with its right prefix.
#[cfg(target_os = "linux")]
#[test]
fn a_program_of_another_user_gets_the_answer_of_a_wrong_prefix() {
    use std::os::unix::process::CommandExt as _;
    use std::process::Command;

    /// `nobody`, as far as it matters.
    const OTHER: u32 = 65_534;

    if fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) != 0) {
        eprintln!("skipped: only root may start a program as another user");
        return;
    }
    let play = Play::start(Scenario::pool(["one"]));
    let home = play.home();
    let (_proxy, base) = serve(&home);
    let rest = base.strip_prefix("http://").expect("loopback");
    let (host, path) = rest.split_once('/').expect("a path");
    let (address, port) = host.split_once(':').expect("a port");
    let prefix = path.split('/').next().expect("a prefix");
    let script = format!(
        "exec 3<>/dev/tcp/{address}/{port} && printf 'GET /{prefix}/healthz HTTP/1.1\\r\\nhost: {host}\\r\\nconnection: close\\r\\n\\r\\n' >&3 && cat <&3"
    );
    let told = |user: u32| {
        let output = Command::new("bash")
            .args(["-c", &script])
            .uid(user)
            .gid(user)
            .current_dir("/")
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .output();
        String::from_utf8_lossy(&output.expect("bash").stdout).into_owned()
    };

    assert!(told(0).starts_with("HTTP/1.1 200"), "{}", told(0));
    let foreign = told(OTHER);

    assert!(foreign.starts_with("HTTP/1.1 404"), "{foreign}");
    assert!(foreign.contains("runtime_rotation_proxy_not_found"), "{foreign}");
    let status = run(&mut home.manager(&["status", "--json"])).expect(0).stdout;
    let status: Value = serde_json::from_str(&status).expect("a document");
    assert_eq!(
        status["proxies"].as_array().or(status["runtime"]["proxies"].as_array()).expect("proxies")[0]["peerCheck"],
        true
    );
}
