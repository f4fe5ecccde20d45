//! Marked secrets go through everything the product does, and then nothing it wrote or said may hold one.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use codex_multi_auth::formats::scenario::Scenario;
use serde_json::Value;

use crate::support::dirs::Login;
use crate::support::play::Play;
use crate::support::process::{MANAGER, Running, run};
use crate::support::pty::Terminal;

/// Files whose purpose is to hold tokens.
const VAULTS: [&str; 8] = [
    "openai-codex-accounts.json",
    "openai-codex-flagged-accounts.json",
    "auth.json",
    "multi-auth/ext/accounts.json",
    "refresh-leases/",
    "snapshots/",
    "multi-auth/backups/",
    "work/exported.json",
];

/// Every command there is, in an order in which each finds something to do.
const COMMANDS: &[&[&str]] = &[
    &["status", "--headless"],
    &["status", "--json"],
    &["list", "--json"],
    &["why-selected", "--json"],
    &["monitor", "--json"],
    &["check", "--json"],
    &["check", "--refresh", "--headless"],
    &["forecast", "--live", "--explain", "--json"],
    &["forecast", "--headless"],
    &["best", "--apply", "--json"],
    &["switch", "two@example.com", "--json"],
    &["unpin", "--json"],
    &["config", "list", "--json"],
    &["config", "explain", "--json"],
    &["config", "set", "fetchTimeoutMs", "50000", "--json"],
    &["config", "unset", "fetchTimeoutMs"],
    &["config", "validate", "--json"],
    &["config", "path"],
    &["doctor", "--json"],
    &["doctor", "--fix", "--yes", "--headless"],
    &["fix", "--dry-run", "--json"],
    &["fix", "--live", "--json"],
    &["verify", "--paths", "--json"],
    &["history", "--json"],
    &["history", "migrate", "--dry-run", "--headless"],
    &["account", "label", "three@example.com", "third one", "--json"],
    &["account", "disable", "three@example.com", "--json"],
    &["account", "enable", "three@example.com", "--headless"],
    &["backup", "create", "mine", "--json"],
    &["backup", "list", "--json"],
    &["backup", "list", "--headless"],
    &["backup", "verify", "--json"],
    &["export", "exported.json", "--json"],
    &["account", "remove", "three@example.com", "--yes", "--json"],
    &["import", "exported.json", "--dry-run", "--json"],
    &["import", "exported.json", "--yes", "--headless"],
    &["import", "missing.json", "--yes", "--json"],
    &["account", "remove", "two@example.com", "--yes", "--headless"],
    &["backup", "restore", "mine", "--yes", "--json"],
    &["flagged", "list", "--json"],
    &["login", "--manual", "--json"],
    &["account", "remove", "--all", "--yes", "--json"],
    &["status", "--json"],
    &["backup", "restore", "mine", "--yes", "--headless"],
    &["backup", "delete", "mine", "--yes", "--json"],
    &["status", "--headless"],
];

#[test]
fn no_secret_is_ever_written_or_said() {
    let play = Play::start(Scenario::pool(["one", "two", "three"]));
    let mut home = play.home();
    home.set("CODEX_MULTI_AUTH_DEBUG", "1");
    home.set("RUST_LOG", "trace");
    home.set("ENABLE_PLUGIN_REQUEST_LOGGING", "1");
    home.write_auth(&play.login("one"));
    let mut said = BTreeMap::new();
    // Tokens change on the way; each one that ever was is a mark.
    let mut marks = BTreeSet::new();
    for name in ["one", "two", "three"] {
        marks.extend(secrets(&play.login(name)));
    }

    let mut proxy = Running::start(&mut home.manager(&["serve", "--json"]));
    let told: Value = serde_json::from_str(&proxy.line()).expect("one line of JSON");
    let base = told["baseUrl"].as_str().expect("a base URL").to_owned();
    let answer = post(&base);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    said.insert("answer".to_owned(), answer.into_bytes());
    for (index, words) in COMMANDS.iter().enumerate() {
        let ran = run(&mut home.manager(words));
        let usage = ran.code() == 2 && ran.stderr.contains("Usage:");
        assert!(!usage, "{words:?} is no command any more\n{}", ran.stderr);
        said.insert(
            format!("{index} {}", words.join(" ")),
            format!("{}{}", ran.stdout, ran.stderr).into_bytes(),
        );
        for (path, mode) in home.modes(&home.root()) {
            assert_eq!(mode & 0o077, 0, "{} has mode {mode:o} after {words:?}", path.display());
        }
        for (path, bytes) in files(&home.files()) {
            said.insert(format!("{path} after {}", words.join(" ")), bytes);
        }
        for name in ["one", "two", "three"] {
            marks.extend(secrets(&play.login(name)));
        }
    }
    let mut dashboard = Terminal::start(MANAGER, &[""; 0], &home.environment(), (140, 40));
    dashboard.wait_for("one@example.com");
    for key in ["?", "\u{1b}", ":", "\u{1b}", "\t", "\t"] {
        dashboard.send(key);
        dashboard.settled();
    }
    dashboard.send("q");
    dashboard.finish();
    said.insert("dashboard".to_owned(), dashboard.written());
    proxy.signal(rustix::process::Signal::TERM);
    let ended = proxy.finish();
    said.insert("serve, errors".to_owned(), ended.stderr.into_bytes());

    let prefix = base.split('/').nth(3).expect("a secret prefix").to_owned();
    marks.insert(("prefix", prefix));
    said.extend(files(&home.files()));
    let mut found = Vec::new();
    for (place, bytes) in &said {
        for (kind, mark) in &marks {
            if bytes.windows(mark.len()).any(|window| window == mark.as_bytes()) {
                found.push(format!("{kind} in {place}"));
            }
        }
    }
    assert_eq!(found, Vec::<String>::new());
}

/// Everything of a login that nobody may see.
fn secrets(login: &Login) -> [(&'static str, String); 4] {
    let signed = login.refresh.rsplit('.').next().unwrap_or_default().to_owned();
    [
        ("access token", login.access.clone()),
        ("id token", login.id_token.clone()),
        ("refresh token", login.refresh.clone()),
        ("end of a refresh token", signed),
    ]
}

/// Everything on disk but the files that are there to hold tokens.
fn files(all: &BTreeMap<PathBuf, Vec<u8>>) -> impl Iterator<Item = (String, Vec<u8>)> {
    let plain = all.iter().filter(|(path, _)| {
        let name = path.display().to_string();
        !VAULTS.iter().any(|vault| name.contains(vault))
    });
    plain.map(|(path, bytes)| (path.display().to_string(), bytes.clone()))
}

/// One turn through the proxy, the whole answer as text.
fn post(base: &str) -> String {
    use std::io::{Read as _, Write as _};
    let rest = base.strip_prefix("http://").expect("loopback");
    let (host, path) = rest.split_once('/').expect("a path");
    let body = "{\"model\":\"gpt-5.5\",\"stream\":true,\"store\":false,\"input\":[{\"type\":\"message\",\"role\":\"user\",\
                \"content\":[{\"type\":\"input_text\",\"text\":\"hello\"}]}]}";
    let mut stream = std::net::TcpStream::connect(host).expect("the proxy listens");
    let head = format!(
        "POST /{path}/responses HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-type: application/json\r\n\
         authorization: Bearer nobody\r\nsession-id: canary\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes())).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answered");
    answer
}
