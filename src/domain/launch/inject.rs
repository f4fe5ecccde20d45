//! The child's arguments and environment (D10): our pairs stand before everything else, the user's own
//! arguments follow unchanged, and nothing is inserted anywhere else (FW-63).

use std::ffi::OsString;

use crate::base::Secret;
use crate::domain::launch::Through;
use crate::domain::launch::environment::{
    CLI_VERSION, FORCE_ID, FORCE_INDEX, Inherited, REFRESH_URL, SESSION,
};
use crate::domain::launch::route::LEGACY_PROVIDER;
use crate::domain::settings::Injection;

/// Names and addresses that must never go through an egress proxy.
const LOOPBACK: [&str; 3] = ["127.0.0.1", "localhost", "::1"];

/// Which credential store the launch names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CredentialStore {
    /// As configured.
    #[default]
    Configured,
    /// `cli_auth_credentials_store="file"` is added: the proxy can follow only the file.
    File,
}

/// The full argument list.
pub fn arguments(
    through: &Through,
    injection: Injection,
    store: CredentialStore,
    rest: &[OsString],
) -> Vec<OsString> {
    let mut pairs = match injection {
        Injection::BaseUrl => vec![pair("openai_base_url", &through.base_url)],
        Injection::Provider => provider(&through.base_url),
    };
    if store == CredentialStore::File {
        pairs.push(pair("cli_auth_credentials_store", &Secret::from("file")));
    }
    pairs
        .into_iter()
        .flat_map(|pair| [OsString::from("-c"), OsString::from(pair)])
        .chain(rest.iter().cloned())
        .collect()
}

fn provider(base_url: &Secret) -> Vec<String> {
    let member = |name: &str| format!("model_providers.{LEGACY_PROVIDER}.{name}");
    vec![
        pair(&member("name"), &Secret::from("OpenAI")),
        pair(&member("base_url"), base_url),
        pair(&member("wire_api"), &Secret::from("responses")),
        format!("{}=true", member("requires_openai_auth")),
        format!("{}=true", member("supports_websockets")),
        pair("model_provider", &Secret::from(LEGACY_PROVIDER)),
    ]
}

fn pair(key: &str, value: &Secret) -> String {
    format!("{key}={}", toml_string(value.expose()))
}

/// A TOML basic string.
pub fn toml_string(text: &str) -> String {
    use std::fmt::Write as _;
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for letter in text.chars() {
        match letter {
            '\u{8}' => quoted.push_str("\\b"),
            '\t' => quoted.push_str("\\t"),
            '\n' => quoted.push_str("\\n"),
            '\u{c}' => quoted.push_str("\\f"),
            '\r' => quoted.push_str("\\r"),
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            control if control < ' ' || control == '\u{7f}' => {
                let _ = write!(quoted, "\\u{:04X}", u32::from(control));
            }
            plain => quoted.push(plain),
        }
    }
    quoted.push('"');
    quoted
}

/// Changes to the child's environment.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Environment {
    /// To set.
    pub set: Vec<(String, String)>,
    /// To remove.
    pub unset: Vec<String>,
    /// Said on stderr.
    pub notes: Vec<String>,
}

/// What a plain launch changes: our version is named, nothing else.
pub fn plain_environment(env: &Inherited, version: &str) -> Environment {
    let mut changes = Environment::default();
    if env.get(CLI_VERSION).is_none() {
        changes.set.push((CLI_VERSION.to_owned(), version.to_owned()));
    }
    changes
}

/// What a launch through the proxy changes. `pid` is this process.
pub fn environment(through: &Through, env: &Inherited, pid: u32, version: &str) -> Environment {
    let mut changes = plain_environment(env, version);
    // Inside a session of ours the inherited value is the outer proxy's address, not the user's own.
    let own_value = env.filled(SESSION).is_some();
    if env.filled(REFRESH_URL).is_some() && !own_value {
        changes.notes.push(format!(
            "{REFRESH_URL} is set by you and stays: Codex and this program may then spend the same refresh token twice"
        ));
    } else {
        changes.set.push((REFRESH_URL.to_owned(), through.refresh_url.expose().to_owned()));
    }
    changes.set.push((SESSION.to_owned(), format!("{pid}:{}", through.port)));
    if env.has_proxy() {
        for name in ["NO_PROXY", "no_proxy"] {
            changes.set.push((name.to_owned(), without_loopback(env, name)));
        }
    }
    for name in [FORCE_INDEX, FORCE_ID] {
        if env.get(name).is_some() {
            changes.unset.push(name.to_owned());
        }
    }
    if env.filled("CODEX_CI") == Some("1") && env.get("RUST_LOG").is_none() {
        changes.set.push(("RUST_LOG".to_owned(), "codex_core::session=off".to_owned()));
    }
    changes
}

fn without_loopback(env: &Inherited, name: &str) -> String {
    let inherited = env.filled(name).or_else(|| env.filled("NO_PROXY")).or_else(|| env.filled("no_proxy"));
    let mut names: Vec<&str> =
        inherited.unwrap_or_default().split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    for own in LOOPBACK {
        if !names.contains(&own) {
            names.push(own);
        }
    }
    names.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn through() -> Through {
        Through {
            port: 4_321,
            base_url: Secret::from("http://127.0.0.1:4321/PREFIX/backend-api/codex"),
            refresh_url: Secret::from("http://127.0.0.1:4321/PREFIX/oauth/token"),
        }
    }

    fn inherited(pairs: &[(&str, &str)]) -> Inherited {
        Inherited::of(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
    }

    fn texts(args: &[OsString]) -> Vec<&str> {
        args.iter().map(|arg| arg.to_str().unwrap()).collect()
    }

    #[test]
    fn our_pair_stands_first_for_every_launch_shape() {
        for line in ["", "exec hi", "exec -- prompt", "-- prompt", "-m x resume --last", "-c a=1 exec"] {
            let rest: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();

            let args = arguments(&through(), Injection::BaseUrl, CredentialStore::Configured, &rest);

            let expected = ["-c", r#"openai_base_url="http://127.0.0.1:4321/PREFIX/backend-api/codex""#];
            assert_eq!(texts(args.get(..2).unwrap()), expected, "{line}");
            assert_eq!(args.get(2..).unwrap(), rest, "{line}");
        }
    }

    #[test]
    fn a_credential_store_pair_follows_ours() {
        let args = arguments(&through(), Injection::BaseUrl, CredentialStore::File, &["exec".into()]);

        assert_eq!(texts(args.get(2..).unwrap()), ["-c", r#"cli_auth_credentials_store="file""#, "exec"]);
    }

    #[test]
    fn the_provider_form_keeps_the_login_and_the_sockets() {
        let args = arguments(&through(), Injection::Provider, CredentialStore::Configured, &[]);

        let text = texts(&args).join(" ");
        assert!(text.contains(r#"model_providers.codex-multi-auth-runtime-proxy.name="OpenAI""#));
        assert!(text.contains("requires_openai_auth=true"));
        assert!(text.contains("supports_websockets=true"));
        assert!(text.ends_with(r#"-c model_provider="codex-multi-auth-runtime-proxy""#));
        assert!(!text.contains("bearer") && !text.contains("env_key"));
    }

    #[test]
    fn odd_values_become_valid_toml_strings() {
        assert_eq!(toml_string("a\"b\\c\n\u{1}"), r#""a\"b\\c\n\u0001""#);
    }

    #[test]
    fn the_child_learns_the_refresh_url_and_the_session_and_nothing_else() {
        let changes = environment(&through(), &inherited(&[]), 77, "1.0");

        assert_eq!(
            changes.set,
            [
                (CLI_VERSION.to_owned(), "1.0".to_owned()),
                (REFRESH_URL.to_owned(), "http://127.0.0.1:4321/PREFIX/oauth/token".to_owned()),
                (SESSION.to_owned(), "77:4321".to_owned()),
            ]
        );
        assert_eq!((changes.unset, changes.notes), (Vec::new(), Vec::new()));
    }

    #[test]
    fn a_refresh_url_of_the_user_stays_and_one_of_an_outer_session_is_replaced() {
        let own = environment(&through(), &inherited(&[(REFRESH_URL, "http://x")]), 1, "1");
        let nested =
            environment(&through(), &inherited(&[(REFRESH_URL, "http://x"), (SESSION, "5:6")]), 1, "1");

        assert!(own.set.iter().all(|(name, _)| name != REFRESH_URL));
        assert_eq!(own.notes.len(), 1);
        assert!(nested.set.iter().any(|(name, _)| name == REFRESH_URL));
    }

    #[test]
    fn loopback_is_kept_away_from_an_egress_proxy() {
        let env = inherited(&[("HTTPS_PROXY", "http://p:1"), ("NO_PROXY", "corp.example, localhost")]);

        let changes = environment(&through(), &env, 1, "1");

        for name in ["NO_PROXY", "no_proxy"] {
            let value = changes.set.iter().find(|(set, _)| set == name).map(|(_, value)| value.as_str());
            assert_eq!(value, Some("corp.example,localhost,127.0.0.1,::1"), "{name}");
        }
    }

    #[test]
    fn positions_and_ids_of_older_wrappers_do_not_reach_the_child() {
        let changes = environment(&through(), &inherited(&[(FORCE_ID, "x"), (FORCE_INDEX, "2")]), 1, "1");

        assert_eq!(changes.unset, [FORCE_INDEX, FORCE_ID]);
    }

    #[test]
    fn logs_of_the_client_are_quieted_in_its_ci_mode_only() {
        let quiet = ("RUST_LOG".to_owned(), "codex_core::session=off".to_owned());
        assert!(environment(&through(), &inherited(&[("CODEX_CI", "1")]), 1, "1").set.contains(&quiet));
        let own = inherited(&[("CODEX_CI", "1"), ("RUST_LOG", "debug")]);
        assert!(!environment(&through(), &own, 1, "1").set.contains(&quiet));
    }
}
