//! The environment a launch was started in, as a value, and the variables it looks at.

use std::collections::BTreeMap;

/// Variables as inherited. Values are kept only for the names below; `Debug` shows names alone.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Inherited(BTreeMap<String, String>);

impl std::fmt::Debug for Inherited {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// `1`: no handling of ours at all.
pub const BYPASS: &str = "CODEX_MULTI_AUTH_BYPASS";
/// Rotation on or off for this launch.
pub const ROTATION: &str = "CODEX_MULTI_AUTH_RUNTIME_ROTATION_PROXY";
/// `--account` by environment.
pub const FORCE_ACCOUNT: &str = "CODEX_MULTI_AUTH_FORCE_ACCOUNT";
/// `--account` as a 0-based position; older wrappers set it.
pub const FORCE_INDEX: &str = "CODEX_MULTI_AUTH_FORCE_ACCOUNT_INDEX";
/// `--account` as a record id; older wrappers set it.
pub const FORCE_ID: &str = "CODEX_MULTI_AUTH_FORCE_ACCOUNT_ID";
/// `<pid>:<port>` of the proxy that serves the surrounding session.
pub const SESSION: &str = "CODEX_MULTI_AUTH_SESSION";
/// Our version, for the child.
pub const CLI_VERSION: &str = "CODEX_MULTI_AUTH_CLI_VERSION";
/// `0`: never add `cli_auth_credentials_store="file"`.
pub const FORCE_FILE_STORE: &str = "CODEX_MULTI_AUTH_FORCE_FILE_AUTH_STORE";
/// `0`: the preflight only reports.
pub const AUTO_SYNC: &str = "CODEX_MULTI_AUTH_AUTO_SYNC_ON_STARTUP";
/// Where the child sends token refreshes.
pub const REFRESH_URL: &str = "CODEX_REFRESH_TOKEN_URL_OVERRIDE";

/// All names a launch reads.
pub const NAMES: [&str; 25] = [
    BYPASS,
    ROTATION,
    FORCE_ACCOUNT,
    FORCE_INDEX,
    FORCE_ID,
    SESSION,
    CLI_VERSION,
    FORCE_FILE_STORE,
    AUTO_SYNC,
    REFRESH_URL,
    "CODEX_MULTI_AUTH_STATUSLINE",
    "CODEX_API_KEY",
    "CODEX_ACCESS_TOKEN",
    "CODEX_CI",
    "RUST_LOG",
    "HTTP_PROXY",
    "http_proxy",
    "HTTPS_PROXY",
    "https_proxy",
    "ALL_PROXY",
    "all_proxy",
    "NO_PROXY",
    "no_proxy",
    "WS_PROXY",
    "WSS_PROXY",
];

impl Inherited {
    /// Keeps the variables of [`NAMES`].
    pub fn of(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        Self(variables.into_iter().filter(|(name, _)| NAMES.contains(&name.as_str())).collect())
    }

    /// The value of a variable.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The value of a variable that is set to something.
    pub fn filled(&self, name: &str) -> Option<&str> {
        self.get(name).map(str::trim).filter(|value| !value.is_empty())
    }

    /// Whether a variable holds one of the words for "no".
    pub fn denies(&self, name: &str) -> bool {
        self.get(name).and_then(truth) == Some(false)
    }

    /// Whether any egress proxy variable is set.
    pub fn has_proxy(&self) -> bool {
        self.0.iter().any(|(name, value)| {
            let name = name.to_ascii_uppercase();
            name.ends_with("_PROXY") && name != "NO_PROXY" && name != ROTATION && !value.trim().is_empty()
        })
    }
}

/// `1 true yes` / `0 false no`, trimmed, in any case; `None` for anything else.
pub fn truth(value: &str) -> Option<bool> {
    match value.trim().to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" => Some(true),
        "0" | "false" | "no" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(pairs: &[(&str, &str)]) -> Inherited {
        Inherited::of(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
    }

    #[test]
    fn only_the_variables_of_a_launch_are_kept() {
        let inherited = with(&[("CODEX_API_KEY", "sk-1"), ("AWS_SECRET", "x")]);

        assert_eq!(inherited.get("CODEX_API_KEY"), Some("sk-1"));
        assert_eq!(inherited.get("AWS_SECRET"), None);
        assert_eq!(format!("{inherited:?}"), r#"{"CODEX_API_KEY"}"#);
    }

    #[test]
    fn our_own_switch_is_no_egress_proxy() {
        assert!(with(&[("https_proxy", "http://proxy:8080")]).has_proxy());
        assert!(!with(&[(ROTATION, "1"), ("NO_PROXY", "x"), ("ALL_PROXY", " ")]).has_proxy());
    }
}
