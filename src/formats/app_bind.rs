//! `app-bind/`: the state of the persistent bind, its status file, and the copy of the file it changed
//! (forwarder.md §15.1). The reference can read the state and unbind by it; hence its members.

use std::path::{Path, PathBuf};

use crate::base::{Moment, Secret};
use crate::domain::bind::{Bind, Mode, Original, Owner, Phase};
use crate::formats::lossless::{self, Object};

/// What the state file says beside the bind itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Around {
    /// This file.
    pub state: String,
    /// The status file.
    pub status: String,
    /// The log.
    pub log: String,
    /// Our executable.
    pub program: String,
    /// The hidden word it is started with.
    pub word: String,
    /// The start-up entry, if there is one.
    pub startup: Option<String>,
    /// The name of this system.
    pub platform: &'static str,
    /// Our version.
    pub version: &'static str,
}

/// What a state file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// One of ours.
    Ours(Box<Bind>),
    /// One of the reference.
    Legacy(Legacy),
    /// Nothing that can be read.
    Unreadable,
}

/// What counts of a state of the reference.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Legacy {
    /// Tells its router from others.
    pub identity: Option<String>,
    /// The file it changed.
    pub config: Option<PathBuf>,
}

/// Reads a state file.
pub fn read(text: &str) -> State {
    let Ok(object) = Object::parse(text) else { return State::Unreadable };
    if !object.has("bindVersion") && object.has("clientApiKey") {
        return State::Legacy(Legacy {
            identity: object.text("identityToken"),
            config: object.text("configPath").map(PathBuf::from),
        });
    }
    ours(&object).map_or(State::Unreadable, |bind| State::Ours(Box::new(bind)))
}

fn ours(object: &Object<'_>) -> Option<Bind> {
    if object.count("bindVersion") != Some(2) || object.text("kind").as_deref() != Some("openai_base_url") {
        return None;
    }
    let is_loopback = matches!(object.text("host").as_deref(), Some("127.0.0.1" | "localhost"));
    let original = object.object("original")?;
    let moment = |name: &str| object.millis(name).map(Moment::from_millis);
    let secret = object.text("secret").filter(|secret| (32..=128).contains(&secret.len()) && is_loopback)?;
    Some(Bind {
        mode: if object.text("mode").as_deref() == Some("leased") { Mode::Leased } else { Mode::Persistent },
        phase: if object.text("phase").as_deref() == Some("binding") { Phase::Binding } else { Phase::Bound },
        port: object.count("port").and_then(|port| u16::try_from(port).ok()).filter(|port| *port > 0)?,
        secret: Secret::new(secret),
        config: object.text("configPath")?.into(),
        original: Original {
            raw: original.text("raw").filter(|_| original.flag("present").unwrap_or(false)),
            existed: original.flag("existed").unwrap_or(true),
        },
        owner: Owner {
            pid: object.count("ownerPid").and_then(|pid| u32::try_from(pid).ok()).unwrap_or(0),
            start: moment("ownerStartTime"),
        },
        lease_until: moment("leaseUntil"),
        identity: object.text("identityToken")?,
        client_key: Secret::new(object.text("clientApiKey")?),
        created_at: moment("createdAt").unwrap_or(Moment::EPOCH),
        updated_at: moment("updatedAt").unwrap_or(Moment::EPOCH),
    })
}

/// The state file's text. It holds secrets: the file is for its owner alone.
pub fn print(bind: &Bind, around: &Around) -> Secret {
    let mut object = Object::default();
    object.set("version", 1);
    object.set("bindVersion", 2);
    object.set("kind", "openai_base_url");
    object.set("mode", bind.mode.word());
    object.set(
        "phase",
        match bind.phase {
            Phase::Binding => "binding",
            Phase::Bound => "bound",
        },
    );
    object.set("platform", around.platform);
    object.set("host", "127.0.0.1");
    object.set("port", bind.port);
    object.set("secret", bind.secret.expose());
    object.set("baseUrl", bind.url().expose());
    object.set("configPath", bind.config.to_string_lossy());
    let mut original = Object::default();
    original.set("present", bind.original.raw.is_some());
    original.set("raw", &bind.original.raw);
    original.set("existed", bind.original.existed);
    object.set_object("original", &original);
    object.set("boundValue", bind.url().expose());
    object.set("ownerPid", bind.owner.pid);
    object.set("ownerStartTime", bind.owner.start.map(Moment::millis));
    object.set("leaseUntil", bind.lease_until.map(Moment::millis));
    object.set("statePath", &around.state);
    object.set("statusPath", &around.status);
    object.set("logPath", &around.log);
    object.set("nodePath", &around.program);
    object.set("routerScriptPath", &around.word);
    object.set("identityToken", &bind.identity);
    object.set("clientApiKey", bind.client_key.expose());
    object.set("startupPath", &around.startup);
    object.set("launchAgentPath", around.startup.as_ref().filter(|_| around.platform == "darwin"));
    object.set("routerVersion", around.version);
    object.set("createdAt", bind.created_at.millis());
    object.set("updatedAt", bind.updated_at.millis());
    Secret::new(object.to_pretty() + "\n")
}

/// What a router says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Status {
    /// `running`, `stopped`, `error`; for a leased one also `idle-timeout`, `max-lifetime`.
    pub state: &'static str,
    /// `codex-app-runtime-rotation-router`, or `…-helper` for the twin of a leased one.
    pub kind: &'static str,
    /// Its process.
    pub pid: u32,
    /// When that process began.
    pub started_at: Moment,
    /// Now.
    pub updated_at: Moment,
    /// Path of the file it is written to.
    pub path: String,
    /// Tells our router from others.
    pub identity: String,
    /// The hidden word it was started with.
    pub word: &'static str,
    /// Its address, the secret masked.
    pub base_url: String,
    /// Requests of clients.
    pub total: u64,
    /// Requests sent upstream.
    pub upstream: u64,
    /// Retries on one account.
    pub retries: u64,
    /// Moves to another account.
    pub rotations: u64,
    /// Who served last: position, workspace id.
    pub last: Option<(usize, Option<String>)>,
    /// When.
    pub last_at: Option<Moment>,
    /// Masked text of the last error.
    pub last_error: Option<String>,
}

/// The status file's text; no secret is in it.
pub fn print_status(status: &Status) -> String {
    let mut object = Object::default();
    object.set("version", 1);
    object.set("kind", status.kind);
    object.set("state", status.state);
    object.set("pid", status.pid);
    object.set("startedAt", status.started_at.millis());
    object.set("statusPath", &status.path);
    object.set("identityToken", &status.identity);
    object.set("routerScriptPath", status.word);
    object.set("updatedAt", status.updated_at.millis());
    object.set("baseUrl", &status.base_url);
    object.set("totalRequests", status.total);
    object.set("upstreamRequests", status.upstream);
    object.set("retries", status.retries);
    object.set("rotations", status.rotations);
    object.set("lastAccountIndex", status.last.as_ref().map(|(index, _)| index));
    object.set("lastAccountLabel", status.last.as_ref().map(|(index, _)| format!("Account {}", index + 1)));
    object.set("lastAccountId", status.last.as_ref().and_then(|(_, id)| id.clone()));
    object.set("lastAccountUpdatedAt", status.last_at.map(Moment::millis));
    object.set("lastError", &status.last_error);
    object.to_pretty() + "\n"
}

/// What a status file tells about the router that wrote it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Told {
    /// Its state.
    pub state: Option<String>,
    /// Its process.
    pub pid: Option<u32>,
    /// When that process began.
    pub started_at: Option<Moment>,
    /// The token it wrote.
    pub identity: Option<String>,
    /// Requests of clients.
    pub total: u64,
    /// Moves to another account.
    pub rotations: u64,
    /// Who served last.
    pub last: Option<String>,
    /// Why it ended.
    pub error: Option<String>,
}

/// Reads a status file; `None` when it is no document.
pub fn read_status(text: &str) -> Option<Told> {
    let object = Object::parse(text).ok()?;
    Some(Told {
        state: object.text("state"),
        pid: object.count("pid").and_then(|pid| u32::try_from(pid).ok()).filter(|pid| *pid > 0),
        started_at: object.millis("startedAt").map(Moment::from_millis),
        identity: object.text("identityToken"),
        total: object.count("totalRequests").unwrap_or(0),
        rotations: object.count("rotations").unwrap_or(0),
        last: object.text("lastAccountLabel"),
        error: object.text("lastError"),
    })
}

/// `codex-config-backup.json`: the whole file as it was before the first bind.
pub fn print_backup(config: &Path, content: Option<&str>, at: Moment) -> String {
    let mut object = Object::default();
    object.set("version", 1);
    object.set("configPath", config.to_string_lossy());
    object.set("existed", content.is_some());
    object.set("content", content);
    object.set("createdAt", at.millis());
    object.to_pretty() + "\n"
}

/// The text in such a copy, ours or the reference's; empty when the file did not exist, `None` when nothing can be read.
pub fn backed_up(text: &str) -> Option<String> {
    let object = Object::parse(text).ok()?;
    if object.flag("existed") == Some(false) {
        return Some(String::new());
    }
    object.borrowed("content").and_then(lossless::text)
}

/// The file such a copy was taken of.
pub fn backed_up_path(text: &str) -> Option<PathBuf> {
    Object::parse(text).ok()?.text("configPath").map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bind() -> Bind {
        Bind {
            mode: Mode::Leased,
            phase: Phase::Binding,
            port: 4_455,
            secret: Secret::new("0123456789abcdef0123456789abcdef-_ABCDEFGHI"),
            config: "/home/me/.codex/config.toml".into(),
            original: Original { raw: Some("'https://x' ".to_owned()), existed: true },
            owner: Owner { pid: 7, start: Some(Moment::from_millis(5)) },
            lease_until: Some(Moment::from_millis(9)),
            identity: "ident".to_owned(),
            client_key: Secret::new("ab".repeat(32)),
            created_at: Moment::from_millis(1),
            updated_at: Moment::from_millis(2),
        }
    }

    #[test]
    fn a_state_survives_the_file() {
        let around = Around { platform: "linux", ..Around::default() };

        assert_eq!(read(print(&bind(), &around).expose()), State::Ours(Box::new(bind())));
        let settled = Bind { phase: Phase::Bound, lease_until: None, mode: Mode::Persistent, ..bind() };
        assert_eq!(read(print(&settled, &around).expose()), State::Ours(Box::new(settled)));
    }

    #[test]
    fn what_is_not_ours_or_unsafe_is_told_apart() {
        let text = print(&bind(), &Around::default()).expose().to_owned();
        for (name, text, expected) in [
            (
                "the reference's",
                r#"{"version":1,"clientApiKey":"k","port":1,"configPath":"/c"}"#.to_owned(),
                State::Legacy(Legacy { identity: None, config: Some("/c".into()) }),
            ),
            ("no document", "{".to_owned(), State::Unreadable),
            (
                "another host",
                text.replace("\"host\": \"127.0.0.1\"", "\"host\": \"0.0.0.0\""),
                State::Unreadable,
            ),
            ("no port", text.replace("\"port\": 4455", "\"port\": 0"), State::Unreadable),
            ("no secret", text.replace("\"secret\": \"0123", "\"secrets\": \"0123"), State::Unreadable),
        ] {
            assert_eq!(read(&text), expected, "{name}");
        }
    }

    #[test]
    fn a_status_names_no_secret_and_can_be_read_again() {
        let status = Status {
            state: "running",
            pid: 9,
            started_at: Moment::from_millis(4),
            identity: "ident".to_owned(),
            base_url: bind().shown(),
            total: 3,
            last: Some((1, Some("ws".to_owned()))),
            ..Status::default()
        };

        let text = print_status(&status);
        let told = read_status(&text).unwrap();

        assert!(!text.contains(bind().secret.expose()), "{text}");
        assert_eq!((told.pid, told.total, told.last.as_deref()), (Some(9), 3, Some("Account 2")));
    }

    #[test]
    fn a_copy_gives_its_text_back() {
        let text = print_backup(Path::new("/c"), Some("a = \"é\"\r\n"), Moment::EPOCH);

        assert_eq!(backed_up(&text).as_deref(), Some("a = \"é\"\r\n"));
        assert_eq!(backed_up(&print_backup(Path::new("/c"), None, Moment::EPOCH)).as_deref(), Some(""));
    }
}
