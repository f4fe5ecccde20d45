//! A throw-away home with a pool and an official login in it, and commands that live there.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::process::{FORWARDER, MANAGER, bare};

/// An access token that is good for as long as any test may run: 2100-01-01.
const LATE: i64 = 4_102_444_800;

/// Where system programs are.
const SYSTEM: &str = "/usr/local/bin:/usr/bin:/bin";

/// One account's tokens, as a login would leave them.
#[derive(Debug, Clone)]
pub(crate) struct Login {
    pub(crate) email: String,
    pub(crate) account_id: String,
    pub(crate) access: String,
    pub(crate) id_token: String,
    pub(crate) refresh: String,
    pub(crate) expires_at_ms: i64,
}

impl Login {
    /// A made-up account that no server knows.
    pub(crate) fn sample(number: usize) -> Self {
        let email = format!("person{number}@example.com");
        let account_id = format!("00000000-0000-7000-8000-{number:012}");
        let claims = json!({
            "iss": "https://auth.openai.com",
            "sub": format!("auth0|person{number}"),
            "email": email,
            "exp": LATE,
            "iat": 1_760_000_000,
            "https://api.openai.com/profile": { "email": email, "email_verified": true },
            "https://api.openai.com/auth": {
                "chatgpt_account_id": account_id,
                "chatgpt_user_id": format!("user-person{number}"),
                "chatgpt_plan_type": "plus",
            },
        });
        let token = jwt(&claims);
        Self {
            email,
            account_id,
            access: token.clone(),
            id_token: token,
            refresh: format!("rt_person{number}"),
            expires_at_ms: LATE * 1000,
        }
    }
}

/// An unsigned token with these claims.
pub(crate) fn jwt(claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.c2lnbmF0dXJl", part(&json!({ "alg": "RS256", "typ": "JWT" })), part(claims))
}

/// A user's home: `~/.codex` for the official CLI and `~/.codex/multi-auth` for us.
pub(crate) struct Home {
    folder: TempDir,
    search: String,
    extra: Vec<(String, String)>,
}

impl Home {
    /// An empty home inside cargo's own folder, because the official CLI dislikes the system's temporary one.
    pub(crate) fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("home-").tempdir_in(env!("CARGO_TARGET_TMPDIR"));
        let home = Self {
            folder: folder.expect("a folder for tests"),
            search: SYSTEM.to_owned(),
            extra: Vec::new(),
        };
        fs::create_dir_all(home.temporary()).expect("writable");
        fs::create_dir_all(home.work()).expect("writable");
        fs::create_dir_all(home.codex()).expect("writable");
        home
    }

    /// A home without endpoints of its own: for rehearsals, which bring theirs, and for a network of our own.
    pub(crate) fn for_demo() -> Self {
        let mut home = Self::new();
        home.set("CODEX_MULTI_AUTH_UPSTREAM_BASE_URL", "");
        home.set("CODEX_MULTI_AUTH_AUTH_BASE_URL", "");
        home
    }

    /// A home whose pool holds `count` made-up accounts.
    pub(crate) fn with_samples(count: usize) -> Self {
        let home = Self::new();
        let logins: Vec<_> = (1..=count).map(Login::sample).collect();
        home.write_pool(&logins);
        home
    }

    /// Lets programs of `folder` be found first.
    pub(crate) fn put_on_path(&mut self, folder: &Path) {
        self.search = format!("{}:{}", folder.display(), self.search);
    }

    /// Puts a script of that name where programs are found first.
    pub(crate) fn put_program(&mut self, name: &str, script: &str) {
        let folder = self.path().join("bin");
        fs::create_dir_all(&folder).expect("writable");
        fs::write(folder.join(name), script).expect("writable");
        fs::set_permissions(folder.join(name), fs::Permissions::from_mode(0o755)).expect("ours");
        if !self.search.starts_with(&folder.display().to_string()) {
            self.put_on_path(&folder);
        }
    }

    /// Adds a variable to every command of this home.
    pub(crate) fn set(&mut self, name: &str, value: impl Into<String>) {
        self.extra.push((name.to_owned(), value.into()));
    }

    /// `~`.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A project folder to work in.
    pub(crate) fn work(&self) -> PathBuf {
        self.path().join("work")
    }

    /// What programs of this home take for the system's temporary folder.
    pub(crate) fn temporary(&self) -> PathBuf {
        self.path().join("tmp")
    }

    /// What stands in the temporary folder, by name.
    pub(crate) fn left_in_temporary(&self) -> Vec<String> {
        let entries = fs::read_dir(self.temporary()).expect("readable").filter_map(Result::ok);
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
    }

    /// `~/.codex`.
    pub(crate) fn codex(&self) -> PathBuf {
        self.path().join(".codex")
    }

    /// `~/.codex/multi-auth`.
    pub(crate) fn root(&self) -> PathBuf {
        self.codex().join("multi-auth")
    }

    /// Everything a program started here may know.
    pub(crate) fn environment(&self) -> Vec<(String, String)> {
        let home = self.path().display().to_string();
        let temporary = self.temporary().display().to_string();
        let mut all: Vec<_> = [
            ("PATH", self.search.as_str()),
            ("LANG", "C.UTF-8"),
            ("TERM", "xterm-256color"),
            ("TZ", "UTC"),
            ("HOME", home.as_str()),
            ("TMPDIR", temporary.as_str()),
            // Nobody listens there: no test reaches a real host, whatever it forgets to say.
            ("CODEX_MULTI_AUTH_UPSTREAM_BASE_URL", "http://127.0.0.1:9"),
            ("CODEX_MULTI_AUTH_AUTH_BASE_URL", "http://127.0.0.1:9"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        all.extend(self.extra.iter().cloned());
        all
    }

    /// The manager in this home.
    pub(crate) fn manager(&self, words: &[&str]) -> Command {
        self.command(MANAGER, words)
    }

    /// The forwarder in this home.
    pub(crate) fn forwarder(&self, words: &[&str]) -> Command {
        self.command(FORWARDER, words)
    }

    /// Any program in this home.
    pub(crate) fn command(&self, program: impl AsRef<Path>, words: &[&str]) -> Command {
        let mut command = bare(program);
        command.env_clear().envs(self.environment()).current_dir(self.work()).args(words);
        command
    }

    /// Writes the pool file as the reference would.
    pub(crate) fn write_pool(&self, logins: &[Login]) {
        let row = |login: &Login| {
            json!({
                "accountId": login.account_id,
                "accountIdSource": "token",
                "email": login.email,
                "refreshToken": login.refresh,
                "accessToken": login.access,
                "expiresAt": login.expires_at_ms,
                "addedAt": 1_760_000_000_000_i64,
                "lastUsed": 1_760_000_000_000_i64,
            })
        };
        let accounts: Vec<_> = logins.iter().map(row).collect();
        let pool = json!({ "version": 3, "accounts": accounts, "activeIndex": 0 });
        fs::create_dir_all(self.root()).expect("writable");
        write_private(&self.root().join("openai-codex-accounts.json"), &pool);
        // Whoever has a pool was told of the terms long ago.
        let told = json!({ "version": 1, "at": 1_760_000_000_000_i64, "revision": 1, "by": "notice" });
        self.write(&self.root().join("ext/acknowledged.json"), &told.to_string());
    }

    /// As if nobody had been told of the terms yet.
    pub(crate) fn forget_terms(&self) {
        fs::remove_file(self.root().join("ext/acknowledged.json")).expect("it was there");
    }

    /// Writes the official login.
    pub(crate) fn write_auth(&self, login: &Login) {
        let auth = json!({
            "auth_mode": "chatgpt",
            "OPENAI_API_KEY": null,
            "tokens": {
                "id_token": login.id_token,
                "access_token": login.access,
                "refresh_token": login.refresh,
                "account_id": login.account_id,
            },
            "last_refresh": "2026-01-01T00:00:00.000000000Z",
        });
        write_private(&self.codex().join("auth.json"), &auth);
    }

    /// The official login as it stands.
    pub(crate) fn auth(&self) -> Value {
        let text = fs::read(self.codex().join("auth.json")).expect("an official login");
        serde_json::from_slice(&text).expect("JSON")
    }

    /// The pool file as it stands.
    pub(crate) fn pool(&self) -> Value {
        let text = fs::read(self.root().join("openai-codex-accounts.json")).expect("a pool");
        serde_json::from_slice(&text).expect("JSON")
    }

    /// The pool file, if there is one.
    pub(crate) fn pool_if_any(&self) -> Option<Value> {
        let text = fs::read(self.root().join("openai-codex-accounts.json")).ok()?;
        Some(serde_json::from_slice(&text).expect("JSON"))
    }

    /// Writes a file for this user alone, folders included.
    pub(crate) fn write(&self, path: &Path, text: &str) {
        let folder = path.parent().expect("a folder");
        fs::create_dir_all(folder).expect("writable");
        if folder.starts_with(self.root()) {
            fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).expect("ours");
        }
        fs::write(path, text).expect("writable");
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("ours");
    }

    /// A home that holds the same files, with the same times and modes.
    pub(crate) fn twin(&self) -> Self {
        let twin = Self { extra: self.extra.clone(), search: self.search.clone(), ..Self::new() };
        copy(self.path(), twin.path());
        twin
    }

    /// Every file and folder below `folder` with its mode.
    pub(crate) fn modes(&self, folder: &Path) -> Vec<(PathBuf, u32)> {
        let mut found = Vec::new();
        let mut folders = vec![folder.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok) {
                let Ok(meta) = entry.metadata() else { continue };
                let name = entry.path().strip_prefix(self.path()).expect("inside").to_owned();
                found.push((name, meta.permissions().mode() & 0o777));
                if meta.is_dir() {
                    folders.push(entry.path());
                }
            }
        }
        found
    }

    /// Every folder, by its path in the home, apart from those in which programs work.
    pub(crate) fn folders(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut open = vec![self.path().to_owned()];
        while let Some(folder) = open.pop() {
            for entry in fs::read_dir(folder).expect("readable").filter_map(Result::ok) {
                if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    found.push(entry.path().strip_prefix(self.path()).expect("inside").to_owned());
                    open.push(entry.path());
                }
            }
        }
        found.retain(|folder| !folder.starts_with("tmp"));
        found.sort();
        found
    }

    /// Every file of the home with its content, by path.
    pub(crate) fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut found = BTreeMap::new();
        let mut folders = vec![self.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).expect("readable").filter_map(Result::ok) {
                let path = entry.path();
                if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    folders.push(path);
                } else if entry.file_type().is_ok_and(|kind| kind.is_file()) {
                    let name = path.strip_prefix(self.path()).expect("inside").to_owned();
                    found.insert(name, fs::read(&path).unwrap_or_default());
                }
            }
        }
        found
    }
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).expect("readable").filter_map(Result::ok) {
        let target = to.join(entry.file_name());
        let meta = entry.metadata().expect("readable");
        if meta.is_dir() {
            fs::create_dir_all(&target).expect("writable");
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), &target).expect("copied");
            let times = fs::FileTimes::new().set_modified(meta.modified().expect("a time"));
            fs::File::options()
                .write(true)
                .open(&target)
                .and_then(|file| file.set_times(times))
                .expect("ours");
        }
        fs::set_permissions(&target, meta.permissions()).expect("ours");
    }
}

fn write_private(path: &Path, document: &Value) {
    let text = serde_json::to_string_pretty(document).expect("printable");
    fs::write(path, text).expect("writable");
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("ours");
}
