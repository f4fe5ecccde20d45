//! The only reader of environment variables.
//!
//! Read once at start-up into a plain value; everything else takes it as an argument, so a rehearsal or a test
//! says what is set. Blank values count as unset.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use crate::domain::launch::environment::{self, Inherited};
use crate::domain::settings::schema;

/// Every variable the program looks at; `None` = unset or blank.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Env {
    /// `HOME`
    pub home: Option<String>,
    /// `USERPROFILE`
    pub user_profile: Option<String>,
    /// `HOMEDRIVE` and `HOMEPATH`, when both are set.
    pub home_drive_path: Option<String>,
    /// `CODEX_HOME`
    pub codex_home: Option<String>,
    /// `CODEX_SQLITE_HOME`
    pub codex_sqlite_home: Option<String>,
    /// `CODEX_MULTI_AUTH_DIR`
    pub multi_auth_dir: Option<String>,
    /// `CODEX_MULTI_AUTH_CONFIG_PATH`
    pub config_path: Option<String>,
    /// `CODEX_CLI_AUTH_PATH`
    pub cli_auth_path: Option<String>,
    /// `CODEX_CLI_ACCOUNTS_PATH`
    pub cli_accounts_path: Option<String>,
    /// `CODEX_CLI_CONFIG_PATH`
    pub cli_config_path: Option<String>,
    /// `OC_CHATGPT_MULTI_AUTH_DIR`
    pub companion_dir: Option<String>,
    /// `XDG_DATA_HOME`
    pub xdg_data_home: Option<String>,
    /// `XDG_CONFIG_HOME`
    pub xdg_config_home: Option<String>,
    /// `XDG_CACHE_HOME`
    pub xdg_cache_home: Option<String>,
    /// `XDG_RUNTIME_DIR`
    pub xdg_runtime_dir: Option<String>,
    /// `CODEX_MULTI_AUTH_APP_BIND_CODEX_HOME`
    pub app_bind_codex_home: Option<String>,
    /// `CODEX_MULTI_AUTH_APP_BIND`
    pub app_bind: Option<String>,
    /// `CODEX_MULTI_AUTH_APP_LAUNCHER_INSTALL`
    pub app_launcher_install: Option<String>,
    /// `CODEX_MULTI_AUTH_APP_LAUNCHER_MACOS_DIR`
    pub app_launcher_macos_dir: Option<String>,
    /// `CODEX_MULTI_AUTH_APP_BIND_INSTALL`
    pub app_bind_install: Option<String>,
    /// `CODEX_MULTI_AUTH_APP_ROTATION_IDLE_MS`
    pub app_rotation_idle_ms: Option<String>,
    /// `CODEX_MULTI_AUTH_APP_ROTATION_MAX_LIFETIME_MS`
    pub app_rotation_max_lifetime_ms: Option<String>,
    /// `APPDATA`
    pub app_data: Option<String>,
    /// `LOCALAPPDATA`
    pub local_app_data: Option<String>,

    /// `CODEX_MULTI_AUTH_AUTO_SYNC_ON_STARTUP`
    pub auto_sync_on_startup: Option<String>,
    /// `CODEX_MULTI_AUTH_FORCE_FILE_AUTH_STORE`
    pub force_file_auth_store: Option<String>,
    /// `CODEX_MULTI_AUTH_ENFORCE_CLI_FILE_AUTH_STORE`
    pub enforce_file_auth_store: Option<String>,
    /// `CODEX_AUTH_ACCOUNT_ID`
    pub account_id: Option<String>,
    /// `CODEX_AUTH_NO_BROWSER`
    pub no_browser: Option<String>,
    /// `BROWSER`
    pub browser: Option<String>,
    /// `SSH_CONNECTION`, else `SSH_TTY`
    pub ssh: Option<String>,
    /// `DISPLAY`, else `WAYLAND_DISPLAY`
    pub display: Option<String>,
    /// `CODEX_MULTI_AUTH_FORCE_ACCOUNT`
    pub force_account: Option<String>,
    /// `CODEX_MULTI_AUTH_FORCE_ACCOUNT_INDEX`
    pub force_account_index: Option<String>,
    /// `CODEX_MULTI_AUTH_FORCE_ACCOUNT_ID`
    pub force_account_id: Option<String>,
    /// `CODEX_AUTH_REFRESH_LEASE`
    pub refresh_lease: Option<String>,
    /// `CODEX_AUTH_REFRESH_LEASE_DIR`
    pub refresh_lease_dir: Option<String>,
    /// `CODEX_AUTH_REFRESH_LEASE_TTL_MS`
    pub refresh_lease_ttl_ms: Option<String>,
    /// `CODEX_AUTH_REFRESH_LEASE_WAIT_MS`
    pub refresh_lease_wait_ms: Option<String>,
    /// `CODEX_AUTH_REFRESH_LEASE_POLL_MS`
    pub refresh_lease_poll_ms: Option<String>,
    /// `CODEX_AUTH_REFRESH_LEASE_RESULT_TTL_MS`
    pub refresh_lease_result_ttl_ms: Option<String>,

    /// `CODEX_MULTI_AUTH_UPSTREAM_BASE_URL`
    pub upstream_base_url: Option<String>,
    /// `CODEX_MULTI_AUTH_RUNTIME_PROXY_UPSTREAM_BASE_URL`
    pub upstream_base_url_alias: Option<String>,
    /// `CODEX_MULTI_AUTH_AUTH_BASE_URL`
    pub auth_base_url: Option<String>,
    /// `CODEX_MULTI_AUTH_SESSION`
    pub session: Option<String>,
    /// `CODEX_API_KEY`; only whether it is set is ever used.
    pub has_codex_api_key: bool,
    /// `CODEX_ACCESS_TOKEN`; only whether it is set is ever used.
    pub has_codex_access_token: bool,
    /// `CODEX_CA_CERTIFICATE`
    pub codex_ca_certificate: Option<String>,
    /// `SSL_CERT_FILE`
    pub ssl_cert_file: Option<String>,
    /// `SSL_CERT_DIR`
    pub ssl_cert_dir: Option<String>,
    /// `HTTPS_PROXY`, any case.
    pub https_proxy: Option<String>,
    /// `HTTP_PROXY`, any case.
    pub http_proxy: Option<String>,
    /// `ALL_PROXY`, any case.
    pub all_proxy: Option<String>,
    /// `NO_PROXY`, any case.
    pub no_proxy: Option<String>,
    /// `CODEX_MULTI_AUTH_REAL_CODEX_BIN`
    pub real_codex_bin: Option<String>,
    /// `npm_config_prefix` and `PREFIX`, as far as they are set.
    pub npm_prefixes: Vec<String>,
    /// `CODEX_MULTI_AUTH_BYPASS`
    pub bypass: Option<String>,
    /// `CODEX_MULTI_AUTH_STATUSLINE`
    pub status_line: Option<String>,
    /// `CODEX_MULTI_AUTH_AUTO_UPDATE`
    pub auto_update: Option<String>,
    /// `CODEX_MULTI_AUTH_FIRST_RUN`
    pub first_run: Option<String>,
    /// `CODEX_MULTI_AUTH_CLI_VERSION`
    pub cli_version: Option<String>,
    /// `CODEX_MULTI_AUTH_DEBUG`
    pub debug: Option<String>,
    /// `CODEX_CI`
    pub codex_ci: Option<String>,
    /// `RUST_LOG`
    pub rust_log: Option<String>,
    /// `CODEX_REFRESH_TOKEN_URL_OVERRIDE`; never used for our own refreshes, only passed on.
    pub refresh_token_url_override: Option<String>,
    /// `CODEX_AUTH_FAILOVER_MODE`
    pub failover_mode: Option<String>,
    /// Whether one of the usual variables says that this is a build machine.
    pub is_ci: bool,

    /// `PATH`
    pub path: Option<String>,
    /// `PATHEXT`
    pub path_ext: Option<String>,
    /// `SHELL`
    pub shell: Option<String>,
    /// `TMUX`
    pub tmux: Option<String>,
    /// `MCODEX_MONITOR_INTERVAL`
    pub mcodex_monitor_interval: Option<String>,
    /// `MCODEX_TMUX_HISTORY_LIMIT`
    pub mcodex_tmux_history_limit: Option<String>,
    /// `MCODEX_TMUX_SESSION`
    pub mcodex_tmux_session: Option<String>,

    /// `FORCE_INTERACTIVE_MODE`
    pub force_interactive: Option<String>,
    /// `CODEX_TUI`
    pub codex_tui: Option<String>,
    /// `CODEX_DESKTOP`
    pub codex_desktop: Option<String>,
    /// `ELECTRON_RUN_AS_NODE`
    pub electron_run_as_node: Option<String>,
    /// `TERM`
    pub term: Option<String>,
    /// `COLORTERM`
    pub color_term: Option<String>,
    /// `TERM_PROGRAM`
    pub term_program: Option<String>,
    /// `NO_COLOR`
    pub no_color: Option<String>,
    /// `FORCE_COLOR`
    pub force_color: Option<String>,
    /// `CLICOLOR_FORCE`
    pub clicolor_force: Option<String>,
    /// `WT_SESSION`
    pub wt_session: Option<String>,
    /// `WSL_DISTRO_NAME` or `WSL_INTEROP`
    pub wsl: Option<String>,
    /// `LC_ALL`, else `LC_CTYPE`, else `LANG`
    pub locale: Option<String>,
    /// `TZ`
    pub time_zone: Option<String>,
    /// `VISUAL`, else `EDITOR`
    pub editor: Option<String>,

    /// `DEBUG_CODEX_PLUGIN`
    pub debug_plugin: Option<String>,
    /// `CODEX_PLUGIN_LOG_LEVEL`
    pub log_level: Option<String>,
    /// `CODEX_CONSOLE_LOG`
    pub console_log: Option<String>,
    /// `ENABLE_PLUGIN_REQUEST_LOGGING`
    pub request_logging: Option<String>,
    /// `CODEX_PLUGIN_LOG_BODIES`
    pub log_bodies: Option<String>,

    /// Variables of the settings table that are set, by name.
    pub settings: BTreeMap<&'static str, String>,
}

const CI_MARKERS: [&str; 11] = [
    "CI",
    "GITHUB_ACTIONS",
    "GITLAB_CI",
    "CIRCLECI",
    "BUILDKITE",
    "TF_BUILD",
    "TEAMCITY_VERSION",
    "JENKINS_URL",
    "TRAVIS",
    "APPVEYOR",
    "BITBUCKET_BUILD_NUMBER",
];

/// A home given as a drive and a path on it.
fn on_drive((drive, path): (String, String)) -> String {
    format!("{drive}\\{}", path.trim_start_matches('\\'))
}

impl Env {
    /// Reads the environment of this process.
    pub fn read() -> Self {
        if cfg!(windows) {
            // Names differ in case there.
            return Self::from(get);
        }
        // Asking for each of so many by name would go through all of them every time.
        let all = all();
        Self::from(|name| all.get(OsStr::new(name)).map(|value| value.to_string_lossy().into_owned()))
    }

    /// Builds the value from any source of variables; blank ones are dropped here.
    pub fn from(source: impl Fn(&str) -> Option<String>) -> Self {
        let var = |name: &str| source(name).filter(|value| !value.trim().is_empty());
        let any_case = |name: &str| var(name).or_else(|| var(&name.to_lowercase()));
        Self {
            home: var("HOME"),
            user_profile: var("USERPROFILE"),
            home_drive_path: var("HOMEDRIVE").zip(var("HOMEPATH")).map(on_drive),
            codex_home: var("CODEX_HOME"),
            codex_sqlite_home: var("CODEX_SQLITE_HOME"),
            multi_auth_dir: var("CODEX_MULTI_AUTH_DIR"),
            config_path: var("CODEX_MULTI_AUTH_CONFIG_PATH"),
            cli_auth_path: var("CODEX_CLI_AUTH_PATH"),
            cli_accounts_path: var("CODEX_CLI_ACCOUNTS_PATH"),
            cli_config_path: var("CODEX_CLI_CONFIG_PATH"),
            companion_dir: var("OC_CHATGPT_MULTI_AUTH_DIR"),
            xdg_data_home: var("XDG_DATA_HOME"),
            xdg_config_home: var("XDG_CONFIG_HOME"),
            xdg_cache_home: var("XDG_CACHE_HOME"),
            xdg_runtime_dir: var("XDG_RUNTIME_DIR"),
            app_bind_codex_home: var("CODEX_MULTI_AUTH_APP_BIND_CODEX_HOME"),
            app_bind: var("CODEX_MULTI_AUTH_APP_BIND"),
            app_launcher_install: var("CODEX_MULTI_AUTH_APP_LAUNCHER_INSTALL"),
            app_launcher_macos_dir: var("CODEX_MULTI_AUTH_APP_LAUNCHER_MACOS_DIR"),
            app_bind_install: var("CODEX_MULTI_AUTH_APP_BIND_INSTALL"),
            app_rotation_idle_ms: var("CODEX_MULTI_AUTH_APP_ROTATION_IDLE_MS"),
            app_rotation_max_lifetime_ms: var("CODEX_MULTI_AUTH_APP_ROTATION_MAX_LIFETIME_MS"),
            app_data: var("APPDATA"),
            local_app_data: var("LOCALAPPDATA"),
            auto_sync_on_startup: var("CODEX_MULTI_AUTH_AUTO_SYNC_ON_STARTUP"),
            force_file_auth_store: var("CODEX_MULTI_AUTH_FORCE_FILE_AUTH_STORE"),
            enforce_file_auth_store: var("CODEX_MULTI_AUTH_ENFORCE_CLI_FILE_AUTH_STORE"),
            account_id: var("CODEX_AUTH_ACCOUNT_ID"),
            no_browser: var("CODEX_AUTH_NO_BROWSER"),
            browser: var("BROWSER"),
            ssh: var("SSH_CONNECTION").or_else(|| var("SSH_TTY")),
            display: var("DISPLAY").or_else(|| var("WAYLAND_DISPLAY")),
            force_account: var("CODEX_MULTI_AUTH_FORCE_ACCOUNT"),
            force_account_index: var("CODEX_MULTI_AUTH_FORCE_ACCOUNT_INDEX"),
            force_account_id: var("CODEX_MULTI_AUTH_FORCE_ACCOUNT_ID"),
            refresh_lease: var("CODEX_AUTH_REFRESH_LEASE"),
            refresh_lease_dir: var("CODEX_AUTH_REFRESH_LEASE_DIR"),
            refresh_lease_ttl_ms: var("CODEX_AUTH_REFRESH_LEASE_TTL_MS"),
            refresh_lease_wait_ms: var("CODEX_AUTH_REFRESH_LEASE_WAIT_MS"),
            refresh_lease_poll_ms: var("CODEX_AUTH_REFRESH_LEASE_POLL_MS"),
            refresh_lease_result_ttl_ms: var("CODEX_AUTH_REFRESH_LEASE_RESULT_TTL_MS"),
            upstream_base_url: var(crate::domain::endpoints::UPSTREAM_VAR),
            upstream_base_url_alias: var(crate::domain::endpoints::UPSTREAM_ALIAS),
            auth_base_url: var(crate::domain::endpoints::AUTH_VAR),
            session: var("CODEX_MULTI_AUTH_SESSION"),
            has_codex_api_key: var("CODEX_API_KEY").is_some(),
            has_codex_access_token: var("CODEX_ACCESS_TOKEN").is_some(),
            codex_ca_certificate: var("CODEX_CA_CERTIFICATE"),
            ssl_cert_file: var("SSL_CERT_FILE"),
            ssl_cert_dir: var("SSL_CERT_DIR"),
            https_proxy: any_case("HTTPS_PROXY"),
            http_proxy: any_case("HTTP_PROXY"),
            all_proxy: any_case("ALL_PROXY"),
            no_proxy: any_case("NO_PROXY"),
            real_codex_bin: var("CODEX_MULTI_AUTH_REAL_CODEX_BIN"),
            npm_prefixes: ["npm_config_prefix", "PREFIX"].into_iter().filter_map(&var).collect(),
            bypass: var("CODEX_MULTI_AUTH_BYPASS"),
            status_line: var("CODEX_MULTI_AUTH_STATUSLINE"),
            auto_update: var("CODEX_MULTI_AUTH_AUTO_UPDATE"),
            first_run: var("CODEX_MULTI_AUTH_FIRST_RUN"),
            cli_version: var("CODEX_MULTI_AUTH_CLI_VERSION"),
            debug: var("CODEX_MULTI_AUTH_DEBUG"),
            codex_ci: var("CODEX_CI"),
            rust_log: var("RUST_LOG"),
            refresh_token_url_override: var("CODEX_REFRESH_TOKEN_URL_OVERRIDE"),
            failover_mode: var("CODEX_AUTH_FAILOVER_MODE"),
            is_ci: CI_MARKERS.iter().filter_map(|name| var(name)).any(|value| !is_false(&value)),
            path: var("PATH"),
            path_ext: var("PATHEXT"),
            shell: var("SHELL"),
            tmux: var("TMUX"),
            mcodex_monitor_interval: var("MCODEX_MONITOR_INTERVAL"),
            mcodex_tmux_history_limit: var("MCODEX_TMUX_HISTORY_LIMIT"),
            mcodex_tmux_session: var("MCODEX_TMUX_SESSION"),
            force_interactive: var("FORCE_INTERACTIVE_MODE"),
            codex_tui: var("CODEX_TUI"),
            codex_desktop: var("CODEX_DESKTOP"),
            electron_run_as_node: var("ELECTRON_RUN_AS_NODE"),
            term: var("TERM"),
            color_term: var("COLORTERM"),
            term_program: var("TERM_PROGRAM"),
            no_color: var("NO_COLOR"),
            force_color: var("FORCE_COLOR"),
            clicolor_force: var("CLICOLOR_FORCE"),
            wt_session: var("WT_SESSION"),
            wsl: var("WSL_DISTRO_NAME").or_else(|| var("WSL_INTEROP")),
            locale: var("LC_ALL").or_else(|| var("LC_CTYPE")).or_else(|| var("LANG")),
            time_zone: var("TZ"),
            editor: var("VISUAL").or_else(|| var("EDITOR")),
            debug_plugin: var("DEBUG_CODEX_PLUGIN"),
            log_level: var("CODEX_PLUGIN_LOG_LEVEL"),
            console_log: var("CODEX_CONSOLE_LOG"),
            request_logging: var("ENABLE_PLUGIN_REQUEST_LOGGING"),
            log_bodies: var("CODEX_PLUGIN_LOG_BODIES"),
            settings: schema::variables().filter_map(|name| Some((name, var(name)?))).collect(),
        }
    }

    /// The user's home directory.
    pub fn user_home(&self) -> PathBuf {
        let first = if cfg!(windows) {
            self.user_profile.as_ref().or(self.home.as_ref()).or(self.home_drive_path.as_ref())
        } else {
            self.home.as_ref()
        };
        first
            .map(PathBuf::from)
            .or_else(|| directories::BaseDirs::new().map(|dirs| dirs.home_dir().to_path_buf()))
            .unwrap_or_default()
    }
}

/// `TZ`, when it is set to something.
pub fn time_zone() -> Option<String> {
    get("TZ").filter(|zone| !zone.trim().is_empty())
}

/// The variables a forwarded launch looks at, as inherited.
pub fn inherited() -> Inherited {
    Inherited::of(environment::NAMES.into_iter().filter_map(|name| Some((name.to_owned(), get(name)?))))
}

/// The fault point of a crash test; debug builds only.
#[cfg(debug_assertions)]
pub fn fault() -> Option<String> {
    get("CODEX_MULTI_AUTH_FAULT")
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
fn all() -> BTreeMap<OsString, OsString> {
    std::env::vars_os().collect()
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
fn get(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}

fn is_false(value: &str) -> bool {
    matches!(value.trim().to_ascii_lowercase().as_str(), "0" | "false" | "no" | "off")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blank_values_count_as_unset_and_proxies_are_found_in_any_case() {
        let env = Env::from(|name| match name {
            "CODEX_HOME" => Some("  ".to_owned()),
            "https_proxy" => Some("http://p:1".to_owned()),
            "CI" => Some("false".to_owned()),
            "CODEX_TUI_V2" => Some("0".to_owned()),
            _ => None,
        });

        assert_eq!(env.codex_home, None);
        assert_eq!(env.https_proxy.as_deref(), Some("http://p:1"));
        assert!(!env.is_ci);
        assert_eq!(env.settings.get("CODEX_TUI_V2").map(String::as_str), Some("0"));
    }
}
