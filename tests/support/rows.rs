//! The rows of the failure table (runtime.md §10): a scenario each, and what has to come of it with and without another
//! account. The same files are played through the machines alone and over sockets.

use std::fs;
use std::path::Path;

use codex_multi_auth::base::Span;
use codex_multi_auth::domain::account::Account;
use codex_multi_auth::domain::settings::Settings;
use codex_multi_auth::formats::fake::refusal::Refusal;
use codex_multi_auth::formats::scenario::{Action, Endpoint, Scenario};
use serde_json::Value;
use toml_edit::{DocumentMut, Item};

/// One file.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) scenario: Scenario,
    two: Wanted,
    one: Wanted,
    has_event: bool,
    /// What becomes of the account that failed.
    pub(crate) account: String,
}

/// What has to come of a turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// Accounts asked over HTTP, in order.
    pub(crate) http: Vec<String>,
    /// Accounts asked over sockets, in order; empty where the row has no frame.
    pub(crate) socket: Vec<String>,
    /// `served`, `limit`, or status and code of the answer.
    pub(crate) end: String,
}

/// How a failure arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// As a status, or a frame of a socket.
    Plain,
    /// As the first event of a stream.
    Event,
}

/// How many accounts there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pool {
    Two,
    One,
}

/// Every row.
pub(crate) fn rows() -> Vec<Row> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let mut files: Vec<_> = fs::read_dir(folder)
        .expect("scenarios")
        .map(|entry| entry.expect("readable").path())
        .filter(|path| path.extension().is_some_and(|kind| kind == "toml"))
        .collect();
    files.sort();
    files.iter().map(|path| row(path)).collect()
}

fn row(path: &Path) -> Row {
    let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
    let mut document: DocumentMut = fs::read_to_string(path).expect("readable").parse().expect("TOML");
    let expect = document.remove("expect").unwrap_or_else(|| panic!("{name} expects nothing"));
    let scenario = Scenario::parse(&document.to_string()).unwrap_or_else(|error| panic!("{name}: {error}"));
    let text = |item: &Item| item.as_str().unwrap_or_else(|| panic!("{name}: a text")).to_owned();
    let wanted = |key: &str| {
        let table = &expect[key];
        let list = |way: &str| {
            let list = table[way].as_array().unwrap_or_else(|| panic!("{name}: {key}.{way}"));
            list.iter().map(|one| one.as_str().expect("a name").to_owned()).collect()
        };
        Wanted { http: list("http"), socket: list("socket"), end: text(&table["end"]) }
    };
    let has_event = expect.get("event").and_then(Item::as_bool).unwrap_or(true);
    Row {
        has_event,
        two: wanted("two"),
        one: wanted("one"),
        account: text(&expect["account"]),
        scenario,
        name,
    }
}

impl Row {
    /// The scenario for so many accounts with the failure in this form; none where it has no such form.
    pub(crate) fn staged(&self, pool: Pool, form: Form) -> Option<Scenario> {
        let mut scenario = self.scenario.clone();
        if pool == Pool::One {
            scenario.accounts.truncate(1);
        }
        if form == Form::Event && !self.has_event {
            return None;
        }
        if form == Form::Event {
            let rule = scenario.rules.first_mut().expect("a rule");
            rule.action = as_event(&rule.action)?;
            rule.endpoint = Endpoint::Http;
        }
        Some(scenario)
    }

    /// What has to come of it.
    pub(crate) fn wanted(&self, pool: Pool, form: Form) -> Wanted {
        let wanted = if pool == Pool::Two { &self.two } else { &self.one };
        let mut wanted = wanted.clone();
        if form == Form::Event && wanted.end.starts_with(|c: char| c.is_ascii_digit()) {
            // The stream is shown as it is.
            "shown".clone_into(&mut wanted.end);
        }
        wanted
    }
}

/// The same failure as the first event of a stream.
fn as_event(action: &Action) -> Option<Action> {
    if let Action::UsageLimit { .. } = action {
        return Some(Action::ErrorEvent {
            events: 0,
            status: 429,
            code: "usage_limit_reached".to_owned(),
            message: String::new(),
        });
    }
    let refusal =
        Refusal::of(action).filter(|refusal| refusal.content_type.is_some_and(|it| it.contains("json")))?;
    let body: Value = serde_json::from_str(&refusal.body).ok()?;
    let error = body.get("error").unwrap_or(&body["detail"]);
    let text = |name: &str| error[name].as_str().map(str::to_owned);
    Some(Action::ErrorEvent {
        events: 0,
        status: refusal.status,
        code: text("code").or_else(|| text("type")).unwrap_or_default(),
        message: text("message").or_else(|| error.as_str().map(str::to_owned)).unwrap_or_default(),
    })
}

/// Rests that end within a test.
pub(crate) fn hurried(settings: &mut Settings) {
    settings.server_error_cooldown = Span::millis(300);
    settings.network_error_cooldown = Span::millis(300);
}

/// What is written down of an account.
pub(crate) fn effect(account: &Account) -> String {
    if account.invalidation.is_some() {
        return "invalidated".to_owned();
    }
    if !account.has_usable_workspace() {
        return "workspace off".to_owned();
    }
    if !account.limits.is_empty() {
        return "limited".to_owned();
    }
    account.cooldown.as_ref().map_or_else(
        || "untouched".to_owned(),
        |rest| format!("cooling {}", rest.reason.map_or("", |reason| reason.word())),
    )
}

/// An error answer in a word or two.
pub(crate) fn told(status: u16, body: &[u8]) -> String {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let error = body.get("error").unwrap_or(&body["detail"]);
    if status == 429 && error["type"] == "usage_limit_reached" {
        return "limit".to_owned();
    }
    let kind = error["type"].as_str().filter(|kind| *kind != "invalid_request_error");
    let code = error["code"].as_str().or(kind).unwrap_or("-");
    format!("{status} {code}")
}
