//! The local bridge: started, used with a key, refused without one, ended.

use codex_multi_auth::formats::scenario::{Action, Endpoint, Rule, Scenario};
use serde_json::{Value, json};

use crate::support::dirs::Home;
use crate::support::play::Play;
use crate::support::process::run;
use crate::support::wire::{Said, send};

const BODY: &[u8] = br#"{"model":"gpt-5.5","stream":true,"store":false,"input":[]}"#;

fn said(home: &Home, words: &[&str], code: i32) -> Value {
    let words: Vec<&str> = words.iter().chain(&["--json"]).copied().collect();
    let ran = run(&mut home.manager(&words)).expect(code);
    serde_json::from_str(&ran.stdout)
        .unwrap_or_else(|error| panic!("{error}\n{}\n{}", ran.stdout, ran.stderr))
}

/// A bridge that ends with its test.
pub(super) struct Bridge<'a>(&'a Home);

impl<'a> Bridge<'a> {
    pub(super) fn start(home: &'a Home, more: &[&str]) -> (Self, String) {
        let port = free_port().to_string();
        let words: Vec<&str> = ["bridge", "start", "--port", &port].iter().chain(more).copied().collect();
        let told = said(home, &words, 0);
        assert_eq!((&told["running"], &told["changed"]), (&true.into(), &true.into()), "{told:#}");
        (Self(home), told["baseUrl"].as_str().expect("an address").to_owned())
    }
}

impl Drop for Bridge<'_> {
    fn drop(&mut self) {
        run(&mut self.0.manager(&["bridge", "stop", "--json"]));
    }
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .expect("a port")
        .port()
}

fn turn(base: &str, headers: &[(&str, &str)]) -> Said {
    send("POST", &format!("{base}/responses"), headers, BODY)
}

#[test]
fn a_client_with_a_key_is_served_and_one_without_is_not() {
    let play = Play::start(Scenario::pool(["one", "two"]));
    let home = play.home();
    let made = said(&home, &["bridge", "token", "create", "--label", "my editor"], 0);
    let key = format!("Bearer {}", made["plainToken"].as_str().expect("the key"));
    let (_bridge, base) = Bridge::start(&home, &[]);
    let again = said(&home, &["bridge", "start"], 0);
    let root = base.trim_end_matches("/v1");

    let health = send("GET", &format!("{root}/health"), &[], b"");
    let served = turn(&base, &[("authorization", &key)]);
    let models = send("GET", &format!("{base}/models"), &[("authorization", &key)], b"");
    play.backend().script(Rule::everywhere(Endpoint::Http, Action::usage_limit()).once());
    let moved = turn(&base, &[("authorization", &key)]);

    assert_eq!(again["changed"], false, "one is enough");
    assert_eq!(
        (health.status, health.body.trim()),
        (200, r#"{"ok":true,"service":"codex-multi-auth-local-bridge"}"#)
    );
    assert!(
        served.status == 200 && served.body.contains("response.completed"),
        "{} {}",
        served.head,
        served.body
    );
    assert!(models.status == 200 && models.body.contains("gpt-5"), "{} {}", models.head, models.body);
    assert!(
        moved.status == 200 && moved.body.contains("response.completed"),
        "a limit is not the client's trouble"
    );
    for (headers, status, code) in [
        (vec![], 401, "local_bridge_unauthorized"),
        (vec![("authorization", "Bearer cma_local_wrong")], 401, "local_bridge_unauthorized"),
        (vec![("originator", "codex_exec")], 403, "local_bridge_unauthorized"),
        (vec![("user-agent", "codex_cli_rs/0.169.0")], 403, "local_bridge_unauthorized"),
        (
            vec![("authorization", key.as_str()), ("origin", "http://x")],
            403,
            "runtime_rotation_proxy_forbidden_origin",
        ),
    ] {
        let refused = turn(&base, &headers);
        assert_eq!(refused.status, status, "{headers:?}");
        assert!(refused.body.contains(code), "{}", refused.body);
    }
    let elsewhere = send("GET", &format!("{root}/backend-api/codex/models"), &[("authorization", &key)], b"");
    assert!(
        elsewhere.status == 404 && elsewhere.body.contains("local_bridge_not_found"),
        "{}",
        elsewhere.body
    );
    play.assert_no_violation();
}

#[test]
fn keys_are_listed_used_replaced_and_revoked() {
    let play = Play::start(Scenario::pool(["one"]));
    let home = play.home();
    let made = said(&home, &["bridge", "token", "create"], 0);
    let (id, plain) =
        (made["token"]["id"].as_str().expect("an id"), made["plainToken"].as_str().expect("the key"));
    let (_bridge, base) = Bridge::start(&home, &[]);
    assert_eq!(turn(&base, &[("authorization", &format!("Bearer {plain}"))]).status, 200);

    let used = said(&home, &["bridge", "token", "list"], 0);
    let replaced = said(&home, &["bridge", "token", "rotate", id], 0);
    let second = replaced["plainToken"].as_str().expect("the key");
    let old = turn(&base, &[("authorization", &format!("Bearer {plain}"))]).status;
    let new = turn(&base, &[("authorization", &format!("Bearer {second}"))]).status;
    let gone =
        said(&home, &["bridge", "token", "revoke", replaced["token"]["id"].as_str().expect("an id")], 0);
    let last = turn(&base, &[("authorization", &format!("Bearer {second}"))]).status;
    let status = said(&home, &["bridge", "status"], 0);
    let unknown = said(&home, &["bridge", "token", "revoke", id], 1);

    assert_eq!(made["token"]["label"], "local-client");
    assert!(
        plain.starts_with(made["token"]["prefix"].as_str().expect("a beginning")) && plain.len() == 53,
        "{plain}"
    );
    assert!(used["tokens"][0]["lastUsedAt"].is_number(), "{used:#}");
    assert!(!used.to_string().contains(plain), "the key itself is kept nowhere");
    assert_eq!((old, new, last), (401, 200, 401));
    assert_eq!(gone["revoked"], true);
    assert_eq!(status["tokens"], json!({ "active": 0, "revoked": 2 }));
    assert_eq!(unknown["error"]["code"], "unknown-token");
    for (path, mode) in home.modes(&home.root()) {
        assert_eq!(mode & 0o077, 0, "{} has mode {mode:o}", path.display());
    }
    let file = std::fs::read_to_string(home.root().join("local-client-tokens.json")).expect("kept");
    assert!(!file.contains(plain) && !file.contains(second), "{file}");
}

#[test]
fn a_bridge_without_keys_is_asked_for_and_a_taken_port_is_told() {
    let play = Play::start(Scenario::pool(["one"]));
    let home = play.home();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port().to_string();

    let refused = said(&home, &["bridge", "start", "--port", &port], 1);
    let (bridge, base) = Bridge::start(&home, &["--no-auth"]);
    let open = said(&home, &["bridge", "status"], 0);
    let served = turn(&base, &[]).status;
    let snippets = said(&home, &["integrations", "--kind", "env", "--kind", "curl"], 0);
    drop(bridge);
    let ended = said(&home, &["bridge", "status"], 0);
    let stopped = said(&home, &["bridge", "stop"], 0);
    let usual = said(&home, &["integrations", "--model", "gpt-5.4"], 0);

    assert_eq!(refused["error"]["code"], "port-taken");
    assert_eq!((&open["auth"], served), (&false.into(), 200));
    assert!(
        snippets["snippets"][0]["body"].as_str().expect("text").contains(&format!("OPENAI_BASE_URL={base}"))
    );
    assert!(
        snippets["snippets"][1]["body"]
            .as_str()
            .expect("text")
            .starts_with(&format!("curl {base}/responses"))
    );
    assert_eq!(
        (&ended["running"], &ended["baseUrl"], &stopped["changed"]),
        (&false.into(), &Value::Null, &false.into())
    );
    let kinds: Vec<&str> = usual["snippets"]
        .as_array()
        .expect("all")
        .iter()
        .map(|one| one["kind"].as_str().expect("a word"))
        .collect();
    assert_eq!(kinds, ["opencode", "openclaw", "python", "curl", "env"]);
    let text = usual.to_string();
    assert!(
        text.contains("http://127.0.0.1:1456/v1") && text.contains("gpt-5.4 via codex-multi-auth"),
        "{text}"
    );
    let rows = std::fs::read_to_string(home.root().join("usage/usage-ledger.jsonl")).expect("a ledger");
    assert_eq!(rows.matches("\"source\":\"local-bridge\"").count(), 1, "one request, one row: {rows}");
}

/// A key whose text and id are known.
fn key(home: &Home, words: &[&str]) -> (String, String) {
    let words: Vec<&str> = ["bridge", "token", "create"].iter().chain(words).copied().collect();
    let made = said(home, &words, 0);
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    (text(&made["token"]["id"]), format!("Bearer {}", text(&made["plainToken"])))
}

#[test]
fn a_budget_of_a_key_stops_that_key_and_no_other_and_is_counted_as_everywhere() {
    let play = Play::start(Scenario::pool(["one", "two"]));
    let home = play.home();
    let (id, mine) = key(&home, &["--label", "mine"]);
    let (_, yours) = key(&home, &["--label", "yours"]);
    let budget = format!("token:{id}");
    run(&mut home.manager(&["budget", "limit", &budget, "--window", "month", "--requests", "2"])).expect(0);
    let (_bridge, base) = Bridge::start(&home, &[]);
    let ask = |key: &str| turn(&base, &[("authorization", key)]);

    let statuses: Vec<u16> = (0..3).map(|_| ask(&mine).status).collect();
    let refused = ask(&mine);
    let other = ask(&yours).status;

    assert_eq!((statuses, other), (vec![200, 200, 429], 200));
    assert!(
        refused.body.contains("budget_blocked") && refused.body.contains("resets_at"),
        "{}",
        refused.body
    );
    assert_eq!(play.backend().record().turns().len(), 3, "a refused request goes nowhere");
    let counted = || {
        let ran = run(&mut home.manager(&["budget", "check", &budget, "--json"]));
        let told: Value = serde_json::from_str(&ran.stdout).expect("a document");
        told["evaluation"]["usage"]["requests"] == 2
    };
    assert!((0..300).any(|_| counted()), "the rows are never counted");
    let check = said(&home, &["budget", "check", &budget], 4);
    assert_eq!(check["evaluation"]["allowed"], false, "{check:#}");
    let rows = std::fs::read_to_string(home.root().join("usage/usage-ledger.jsonl")).expect("a ledger");
    assert_eq!(rows.matches(&format!("\"clientTokenId\":\"{id}\"")).count(), 4, "{rows}");
}

#[test]
fn a_key_opens_what_it_was_made_for_and_no_longer_than_it_was_made_for() {
    let play = Play::start(Scenario::pool(["one"]));
    let home = play.home();
    let (_, reader) = key(&home, &["--scope", "models"]);
    let (_, narrow) = key(&home, &["--model", "gpt-5.4"]);
    let (id, short) = key(&home, &["--expires", "30d"]);
    let (_bridge, base) = Bridge::start(&home, &[]);
    let models = |key: &str| send("GET", &format!("{base}/models"), &[("authorization", key)], b"").status;
    let ask = |key: &str| turn(&base, &[("authorization", key)]);

    let listed = said(&home, &["bridge", "list"], 0);
    let (read, closed, other) = (models(&reader), ask(&reader), ask(&narrow));
    let before = ask(&short).status;
    let path = home.root().join("local-client-tokens.json");
    let text = std::fs::read_to_string(&path).expect("kept");
    let end = listed["tokens"][2]["expiresAt"].as_i64().expect("an end");
    std::fs::write(&path, text.replace(&end.to_string(), "1000")).expect("writable");
    let after = ask(&short).status;

    assert_eq!((read, closed.status, models(&narrow)), (200, 403, 200));
    assert!(closed.body.contains("local_bridge_forbidden"), "{}", closed.body);
    assert!(other.status == 400 && other.body.contains("policy_blocked"), "{} {}", other.status, other.body);
    assert_eq!((before, after), (200, 401));
    assert_eq!(play.backend().record().turns().len(), 1);
    let rows = said(&home, &["bridge", "list"], 0);
    let state = rows["tokens"].as_array().expect("all").iter().find(|one| one["id"] == id.as_str());
    assert_eq!(state.expect("listed")["state"], "expired");
    assert_eq!(listed["tokens"][0]["scopes"], json!(["models"]));
    assert_eq!(listed["tokens"][1]["models"], json!(["gpt-5.4"]));
    run(&mut home.manager(&["bridge", "start", "--host", "192.168.1.4"])).expect(2);
    run(&mut home.manager(&["bridge", "token", "create", "--expires", "soon"])).expect(2);
}
