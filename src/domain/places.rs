//! Every path under the root and the Codex home, and the choice of the root itself.
//!
//! Resolved once per process from facts an adapter gathers; everything else takes a [`Places`]. The rules are
//! the reference's, so that both programs find the same pool (storage.md §1).

mod root;

use std::path::{Component, Path, PathBuf};

use crate::domain::identity::sha256_hex;
use crate::domain::scope::{self, Naming, Scope};

pub use root::{RootChoice, RootEvidence};

/// File name of the pool.
pub const POOL_FILE: &str = "openai-codex-accounts.json";
/// Name of the flagged pool's file.
pub const FLAGGED_FILE: &str = "openai-codex-flagged-accounts.json";
/// Signals a root, is never loaded.
const LEGACY_POOL_FILE: &str = "codex-accounts.json";
const SIGNALS: [&str; 6] =
    [POOL_FILE, LEGACY_POOL_FILE, "settings.json", "config.json", "dashboard-settings.json", "projects"];

/// What decides where things are; blank values count as unset.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PlaceFacts {
    /// The user's home, already chosen among its sources.
    pub user_home: PathBuf,
    /// Current directory: relative values are relative to it.
    pub current_dir: PathBuf,
    /// `CODEX_MULTI_AUTH_DIR`.
    pub multi_auth_dir: Option<String>,
    /// `CODEX_HOME`.
    pub codex_home: Option<String>,
    /// `CODEX_CLI_AUTH_PATH`.
    pub cli_auth: Option<String>,
    /// `CODEX_CLI_ACCOUNTS_PATH`.
    pub cli_accounts: Option<String>,
    /// `CODEX_CLI_CONFIG_PATH`.
    pub cli_config: Option<String>,
    /// `CODEX_MULTI_AUTH_CONFIG_PATH`.
    pub config_path: Option<String>,
    /// `CODEX_AUTH_REFRESH_LEASE_DIR`.
    pub lease_dir: Option<String>,
    /// `OC_CHATGPT_MULTI_AUTH_DIR`.
    pub companion: Option<String>,
}

impl PlaceFacts {
    /// The official CLI's home.
    pub fn codex_home(&self) -> PathBuf {
        self.given(self.codex_home.as_deref()).unwrap_or_else(|| self.user_home.join(".codex"))
    }

    /// Where the root may be.
    pub fn root_choice(&self) -> RootChoice {
        if let Some(root) = self.given(self.multi_auth_dir.as_deref()) {
            return RootChoice::Given(root);
        }
        let home = self.codex_home();
        let usual = self.user_home.join(".codex");
        if !same_path(&home, &usual) {
            return RootChoice::Given(home.join("multi-auth"));
        }
        let mut candidates = vec![home.join("multi-auth")];
        for path in [self.user_home.join("DevTools/config/codex/multi-auth"), usual.join("multi-auth"), usual]
        {
            if !candidates.contains(&path) {
                candidates.push(path);
            }
        }
        RootChoice::Among(candidates)
    }

    /// All places, with the root already settled.
    pub fn places(&self, root: PathBuf) -> Places {
        let codex_home = self.codex_home();
        let or = |value: Option<&str>, name: &str| self.given(value).unwrap_or_else(|| codex_home.join(name));
        Places {
            auth_json: or(self.cli_auth.as_deref(), "auth.json"),
            accounts_json: or(self.cli_accounts.as_deref(), "accounts.json"),
            config_toml: or(self.cli_config.as_deref(), "config.toml"),
            config_path: self.given(self.config_path.as_deref()),
            leases: self.given(self.lease_dir.as_deref()).unwrap_or_else(|| root.join("refresh-leases")),
            companion: self.given(self.companion.as_deref()),
            user_home: self.user_home.clone(),
            codex_home,
            pool_dir: root.clone(),
            scope: Scope::Global,
            root,
        }
    }

    /// A path from a variable: trimmed, `~/` expanded, absolute; `None` when blank.
    fn given(&self, value: Option<&str>) -> Option<PathBuf> {
        let value = value.map(str::trim).filter(|value| !value.is_empty())?;
        let path = match value.strip_prefix("~/") {
            Some(rest) => self.user_home.join(rest),
            None => self.current_dir.join(value),
        };
        Some(clean(&path))
    }
}

/// Collapses `.` and `..` and drops separators at the end, without touching the file system.
pub fn clean(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                if !out.pop() {
                    out.push(part);
                }
            }
            Component::Prefix(_) | Component::RootDir | Component::Normal(_) => out.push(part),
        }
    }
    out
}

fn same_path(a: &Path, b: &Path) -> bool {
    let (a, b) = (clean(a), clean(b));
    if cfg!(windows) { a.to_string_lossy().eq_ignore_ascii_case(&b.to_string_lossy()) } else { a == b }
}

/// Where everything is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    root: PathBuf,
    scope: Scope,
    pool_dir: PathBuf,
    codex_home: PathBuf,
    user_home: PathBuf,
    auth_json: PathBuf,
    accounts_json: PathBuf,
    config_toml: PathBuf,
    config_path: Option<PathBuf>,
    leases: PathBuf,
    companion: Option<PathBuf>,
}

impl Places {
    /// Places below explicit roots: rehearsals and tests.
    pub fn under(root: impl Into<PathBuf>, codex_home: impl Into<PathBuf>) -> Self {
        let codex_home = codex_home.into();
        let facts = PlaceFacts {
            user_home: codex_home.parent().map(Path::to_path_buf).unwrap_or_default(),
            codex_home: Some(codex_home.to_string_lossy().into_owned()),
            ..PlaceFacts::default()
        };
        facts.places(root.into())
    }

    /// The same root with the pool of a scope: only pool, flagged pool, their extension and named backups move,
    /// everything else is shared.
    #[must_use]
    pub fn scoped(mut self, scope: Scope) -> Self {
        self.pool_dir = match &scope {
            Scope::Global => self.root.clone(),
            Scope::Project(project) => self.project_dir(&project.key),
        };
        self.scope = scope;
        self
    }

    /// Which pool is in use.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// Directory of a project's pool.
    pub fn project_dir(&self, key: &str) -> PathBuf {
        self.root.join("projects").join(key)
    }

    /// Where older versions kept the pool of this project, in the order in which they are merged. The directory
    /// of the official CLI in the user's own home is never one of them: what lies there is the user's pool.
    pub fn legacy_pools(&self) -> Vec<PathBuf> {
        let Scope::Project(project) = &self.scope else { return Vec::new() };
        let mut all = Vec::new();
        if project.root != project.identity_root {
            let own = scope::key(&project.root.to_string_lossy(), Naming::here());
            all.push(self.project_dir(&own).join(POOL_FILE));
        }
        let in_tree = project.root.join(".codex");
        if !same_path(&in_tree, &self.codex_home) && !same_path(&in_tree, &self.root) {
            all.push(in_tree.join(POOL_FILE));
        }
        all
    }

    /// The root: settings and everything of ours that is not the pool.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The official CLI's home.
    pub fn codex_home(&self) -> &Path {
        &self.codex_home
    }

    /// Where the companion tool's pool may be: the one place the user names, else the usual ones.
    pub fn companions(&self, project: Option<&str>) -> Vec<PathBuf> {
        if let Some(given) = &self.companion {
            return vec![given.clone()];
        }
        let usual = self.user_home.join(".opencode");
        let own = project.map(|key| usual.join("projects").join(key));
        std::iter::once(usual).chain(own).collect()
    }

    /// Whether the user names the companion's place.
    pub fn names_companion(&self) -> bool {
        self.companion.is_some()
    }

    /// The user's home.
    pub fn user_home(&self) -> &Path {
        &self.user_home
    }

    /// Directory of the active pool.
    pub fn pool_dir(&self) -> &Path {
        &self.pool_dir
    }

    /// The pool file.
    pub fn pool(&self) -> PathBuf {
        self.pool_dir.join(POOL_FILE)
    }

    /// A file that shares the pool's name: `.wal`, `.bak`, `.reset-intent`, ….
    pub fn pool_with(&self, suffix: &str) -> PathBuf {
        self.pool_dir.join(format!("{POOL_FILE}{suffix}"))
    }

    /// Members the reference would strip from the pool. Each pool has its own: they are written under its lock.
    pub fn extension(&self) -> PathBuf {
        self.pool_dir.join("ext/accounts.json")
    }

    /// Any other file in the extension folder.
    pub fn ext(&self, name: &str) -> PathBuf {
        self.root.join("ext").join(name)
    }

    /// What the dashboard remembers.
    pub fn ui_state(&self) -> PathBuf {
        self.ext("ui-state.json")
    }

    /// Folder of lock files.
    pub fn locks(&self) -> PathBuf {
        self.root.join("locks")
    }

    /// Lock of the pool.
    pub fn pool_lock(&self) -> PathBuf {
        self.locks().join(format!("pool-{}.lock", short_hash(self.pool_dir())))
    }

    /// The flagged pool's file.
    pub fn flagged(&self) -> PathBuf {
        self.pool_dir().join(FLAGGED_FILE)
    }

    /// A file that shares the flagged pool's name: `.bak`, `.reset-intent`, ….
    pub fn flagged_with(&self, suffix: &str) -> PathBuf {
        self.pool_dir().join(format!("{FLAGGED_FILE}{suffix}"))
    }

    /// What the flagged pool was called long ago; read once, then deleted.
    pub fn blocked(&self) -> PathBuf {
        self.pool_dir().join("openai-codex-blocked-accounts.json")
    }

    /// Lock of the flagged pool; taken before the pool's.
    pub fn flagged_lock(&self) -> PathBuf {
        self.locks().join(format!("flagged-{}.lock", short_hash(self.pool_dir())))
    }

    /// The audit log.
    pub fn audit_log(&self) -> PathBuf {
        self.logs().join("audit.log")
    }

    /// Lock of a named store (`settings`, `quota-cache`, `refresh`, …).
    pub fn lock(&self, store: &str) -> PathBuf {
        self.locks().join(format!("{store}.lock"))
    }

    /// Lock of the machine-wide refresh.
    pub fn refresh_lock(&self) -> PathBuf {
        self.lock("refresh")
    }

    /// Lock of the process that refreshes ahead of time.
    pub fn guardian_lock(&self) -> PathBuf {
        self.lock("guardian")
    }

    /// Lock of the official CLI's home.
    pub fn codex_home_lock(&self) -> PathBuf {
        self.home_lock(&self.codex_home)
    }

    /// Lock of any home of the official CLI.
    pub fn home_lock(&self, codex_home: &Path) -> PathBuf {
        self.locks().join(format!("codex-home-{}.lock", short_hash(codex_home)))
    }

    /// A file of the persistent bind.
    pub fn app_bind(&self, name: &str) -> PathBuf {
        self.root.join("app-bind").join(name)
    }

    /// Refresh leases and results.
    pub fn leases(&self) -> &Path {
        &self.leases
    }

    /// Refresh results and the journal, wherever the reference keeps its own.
    pub fn own_leases(&self) -> PathBuf {
        self.root.join("refresh-leases")
    }

    /// Every folder that may hold refresh results.
    pub fn result_folders(&self) -> Vec<PathBuf> {
        let mut folders = vec![self.own_leases()];
        if !folders.contains(&self.leases) {
            folders.push(self.leases.clone());
        }
        folders
    }

    /// What became of refresh tokens, by hash.
    pub fn token_past(&self) -> PathBuf {
        self.ext("refresh-tokens.json")
    }

    /// Journal of the refresh in progress.
    pub fn refresh_intent(&self) -> PathBuf {
        self.root.join("refresh-leases/intent.json")
    }

    /// Unusable files and dropped rows.
    pub fn quarantine(&self) -> PathBuf {
        self.root.join("quarantine")
    }

    /// Named backups of the pool.
    pub fn backups(&self) -> PathBuf {
        self.pool_dir().join("backups")
    }

    /// Copies of official files from before we changed them.
    pub fn backups_official(&self) -> PathBuf {
        self.root.join("backups-official")
    }

    /// Hourly and daily pool snapshots of this pool.
    pub fn snapshots(&self) -> PathBuf {
        self.root.join("snapshots").join(short_hash(self.pool_dir()))
    }

    /// Live proxies and their control sockets.
    pub fn run(&self) -> PathBuf {
        self.root.join("run")
    }

    /// Caches that may be deleted at any time.
    pub fn cache(&self) -> PathBuf {
        self.root.join("cache")
    }

    /// Cache of the preflight.
    pub fn preflight_cache(&self) -> PathBuf {
        self.cache().join("preflight.json")
    }

    /// Cache of the search for the official CLI.
    pub fn official_cache(&self) -> PathBuf {
        self.cache().join("official-codex.json")
    }

    /// Log files.
    pub fn logs(&self) -> PathBuf {
        self.root.join("logs")
    }

    /// Quota numbers as last seen.
    pub fn quota_cache(&self) -> PathBuf {
        self.root.join("quota-cache.json")
    }

    /// What the reference shows of a running proxy.
    pub fn observability(&self) -> PathBuf {
        self.root.join("runtime-observability.json")
    }

    /// Folder of the per-process parts of the same.
    pub fn observability_shards(&self) -> PathBuf {
        self.root.join("ext/observability")
    }

    /// What traffic taught about models.
    pub fn capabilities(&self) -> PathBuf {
        self.root.join("ext/capabilities.json")
    }

    /// Session ownership.
    pub fn affinity(&self) -> PathBuf {
        self.root.join("runtime-affinity.json")
    }

    /// Usage rows.
    pub fn ledger(&self) -> PathBuf {
        self.root.join("usage/usage-ledger.jsonl")
    }

    /// The user's prices.
    pub fn prices(&self) -> PathBuf {
        self.root.join("prices.json")
    }

    /// The unified settings file.
    pub fn settings(&self) -> PathBuf {
        self.root.join("settings.json")
    }

    /// `CODEX_MULTI_AUTH_CONFIG_PATH`, when set.
    pub fn config_path(&self) -> Option<&Path> {
        self.config_path.as_deref()
    }

    /// Flat settings files of older versions, in the order they are tried.
    pub fn legacy_configs(&self) -> Vec<PathBuf> {
        let usual = self.user_home.join(".codex");
        let mut all = vec![self.root.join("config.json")];
        for name in ["codex-multi-auth-config.json", "openai-codex-auth-config.json"] {
            if !same_path(&self.codex_home, &usual) {
                all.push(self.codex_home.join(name));
            }
            all.push(usual.join(name));
        }
        all
    }

    /// The official CLI's login.
    pub fn auth_json(&self) -> &Path {
        &self.auth_json
    }

    /// The account list some releases of the official CLI kept.
    pub fn accounts_json(&self) -> &Path {
        &self.accounts_json
    }

    /// The official CLI's configuration.
    pub fn config_toml(&self) -> &Path {
        &self.config_toml
    }
}

/// First sixteen hex digits of the SHA-256 of a path.
fn short_hash(path: &Path) -> String {
    let mut hash = sha256_hex(path.to_string_lossy().as_bytes());
    hash.truncate(16);
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> PlaceFacts {
        PlaceFacts { user_home: "/home/u".into(), current_dir: "/work".into(), ..PlaceFacts::default() }
    }

    fn root(facts: &PlaceFacts, listing: &[(&str, &[&str])]) -> PathBuf {
        facts.root_choice().settle(|path| {
            let names =
                listing.iter().find(|(dir, _)| Path::new(dir) == path).map_or(&[][..], |(_, names)| names);
            RootEvidence::of(names.iter().copied())
        })
    }

    #[test]
    fn the_root_is_the_directory_with_accounts() {
        let pool: &[&str] = &[POOL_FILE];
        for (name, facts, listing, expected) in [
            ("nothing anywhere", facts(), vec![], "/home/u/.codex/multi-auth"),
            (
                "accounts in the tools folder beat settings in the first",
                facts(),
                vec![
                    ("/home/u/.codex/multi-auth", &["settings.json"][..]),
                    ("/home/u/DevTools/config/codex/multi-auth", pool),
                ],
                "/home/u/DevTools/config/codex/multi-auth",
            ),
            ("oldest layout", facts(), vec![("/home/u/.codex", pool)], "/home/u/.codex"),
            (
                "a lone backup is enough",
                facts(),
                vec![
                    ("/home/u/.codex/multi-auth", &["openai-codex-accounts.json.bak"][..]),
                    ("/home/u/DevTools/config/codex/multi-auth", pool),
                ],
                "/home/u/.codex/multi-auth",
            ),
            (
                "staging files are not",
                facts(),
                vec![
                    ("/home/u/.codex/multi-auth", &["openai-codex-accounts.json.1.2.ab.tmp"][..]),
                    ("/home/u/.codex", pool),
                ],
                "/home/u/.codex",
            ),
            (
                "a given root is not looked at",
                PlaceFacts { multi_auth_dir: Some("  ~/pool/ ".to_owned()), ..facts() },
                vec![("/home/u/.codex", pool)],
                "/home/u/pool",
            ),
            (
                "another Codex home pins the root",
                PlaceFacts { codex_home: Some("alt/./x/..".to_owned()), ..facts() },
                vec![("/home/u/.codex", pool)],
                "/work/alt/multi-auth",
            ),
            (
                "the usual home by another spelling does not",
                PlaceFacts { codex_home: Some("/home/u/x/../.codex/".to_owned()), ..facts() },
                vec![("/home/u/.codex", pool)],
                "/home/u/.codex",
            ),
        ] {
            assert_eq!(root(&facts, &listing), Path::new(expected), "{name}");
        }
    }

    #[test]
    fn official_files_follow_their_variables() {
        let facts = PlaceFacts { cli_auth: Some("/x/auth.json".to_owned()), ..facts() };

        let places = facts.places("/r".into());

        assert_eq!(places.auth_json(), Path::new("/x/auth.json"));
        assert_eq!(places.config_toml(), Path::new("/home/u/.codex/config.toml"));
        assert_eq!(places.leases(), Path::new("/r/refresh-leases"));
    }
}
