//! Does this launch get rotation? First match wins, top down; the order is the contract (forwarder.md §4).

use crate::domain::bind::is_ours;
use crate::domain::launch::config::ConfigFacts;
use crate::domain::launch::environment::{BYPASS, Inherited, ROTATION, truth};
use crate::domain::launch::grammar::Scan;

/// The provider id the reference injected; its sessions stay readable under it.
pub const LEGACY_PROVIDER: &str = "codex-multi-auth-runtime-proxy";

/// The answer, with lines for stderr.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// What happens.
    pub way: Way,
    /// Said on stderr, one line each.
    pub notes: Vec<String>,
}

/// With or without the proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Through the proxy.
    Rotate,
    /// Straight to the child.
    Plain(Plain),
}

/// Why a launch is not rotated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plain {
    /// `…_BYPASS=1`.
    Bypassed,
    /// Help or version.
    Info,
    /// Rotation is off, by environment or setting.
    Off,
    /// The user's own provider, base URL or key stands against it.
    Skipped,
    /// The command sends no model requests.
    NoRequests,
    /// The desktop app reads `config.toml`, not our arguments.
    Desktop,
}

/// Decides.
pub fn decide(scan: &Scan, config: &ConfigFacts, env: &Inherited, rotation_setting: Rotation) -> Route {
    let mut notes = Vec::new();
    let way = way(scan, config, env, rotation_setting, &mut notes);
    Route { way, notes }
}

/// The setting `codexRuntimeRotationProxy`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rotation {
    /// On; the default.
    On,
    /// Off.
    Off,
}

fn way(
    scan: &Scan,
    config: &ConfigFacts,
    env: &Inherited,
    setting: Rotation,
    notes: &mut Vec<String>,
) -> Way {
    if env.filled(BYPASS) == Some("1") {
        return Way::Plain(Plain::Bypassed);
    }
    if scan.info_only {
        return Way::Plain(Plain::Info);
    }
    if !is_on(env, setting, notes) {
        return Way::Plain(Plain::Off);
    }
    let by_command = by_command(scan);
    if let Some(rule) = skip_rule(scan, config, env) {
        if by_command == Way::Rotate {
            notes.push(format!("No rotation for this launch: {rule}"));
        }
        return Way::Plain(Plain::Skipped);
    }
    if by_command == Way::Rotate {
        warn_about_plain_backend(scan, config, notes);
    }
    if by_command == Way::Plain(Plain::Desktop) {
        notes.push(
            "No rotation for the desktop app: it takes its settings from config.toml, which a launch never edits"
                .to_owned(),
        );
    }
    by_command
}

fn is_on(env: &Inherited, setting: Rotation, notes: &mut Vec<String>) -> bool {
    match env.filled(ROTATION).map(|value| (value, truth(value))) {
        Some((_, Some(answer))) => answer,
        Some((value, None)) => {
            notes.push(format!("{ROTATION}={value} is neither 1 nor 0; the setting applies"));
            setting == Rotation::On
        }
        None => setting == Rotation::On,
    }
}

fn by_command(scan: &Scan) -> Way {
    let rotates = match scan.command {
        None | Some("exec" | "review" | "resume" | "fork" | "mcp-server") => !scan.help,
        Some("app-server") => {
            !scan.help
                && !scan.words.first().is_some_and(|word| {
                    matches!(word.as_str(), "generate-ts" | "generate-json-schema" | "daemon")
                })
        }
        Some("app") => return Way::Plain(Plain::Desktop),
        Some(
            "help" | "completion" | "login" | "logout" | "mcp" | "sandbox" | "debug" | "apply" | "cloud"
            | "cloud-tasks" | "features" | "auth" | "update" | "doctor" | "archive" | "unarchive" | "delete"
            | "migrate-rollouts" | "execpolicy" | "stdio-to-uds",
        ) => false,
        Some(_) => true,
    };
    if rotates { Way::Rotate } else { Way::Plain(Plain::NoRequests) }
}

/// What of the user's own stands against injection (FW-15); never overruled, always named.
fn skip_rule(scan: &Scan, config: &ConfigFacts, env: &Inherited) -> Option<String> {
    if scan.setting("openai_base_url").is_some() {
        return Some("the command line sets openai_base_url".to_owned());
    }
    if let Some(provider) = scan.setting("model_provider")
        && provider != "openai"
    {
        return Some(format!("the command line sets model_provider to {provider}"));
    }
    if let Some(flag) = scan.local {
        return Some(format!("{flag} asks for a model on this machine"));
    }
    if scan.setting("model_provider").is_none()
        && let Some(provider) = config.model_provider.as_deref()
        && provider != "openai"
    {
        return Some(if provider == LEGACY_PROVIDER {
            "config.toml still names the provider of the older codex-multi-auth; remove model_provider from it".to_owned()
        } else {
            format!("config.toml sets model_provider to {provider}")
        });
    }
    if config.openai_base_url.as_deref().is_some_and(|url| !is_ours(url)) {
        return Some("config.toml sets openai_base_url".to_owned());
    }
    ["CODEX_API_KEY", "CODEX_ACCESS_TOKEN"]
        .into_iter()
        .find(|name| env.filled(name).is_some())
        .map(|name| format!("{name} is set and replaces the ChatGPT login"))
}

/// Current clients refuse every turn with a plain loopback `chatgpt_base_url`.
fn warn_about_plain_backend(scan: &Scan, config: &ConfigFacts, notes: &mut Vec<String>) {
    let url = scan.setting("chatgpt_base_url").or(config.chatgpt_base_url.as_deref());
    if url.is_some_and(|url| url.trim().to_ascii_lowercase().starts_with("http://")) {
        notes.push(
            "chatgpt_base_url is plain http; current versions of Codex refuse every turn with it".to_owned(),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::launch::grammar::scan;

    fn decided(line: &str, config: &ConfigFacts, env: &[(&str, &str)]) -> Route {
        let args: Vec<_> = line.split_whitespace().collect();
        let env = Inherited::of(env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        decide(&scan(&args), config, &env, Rotation::On)
    }

    fn plain(line: &str) -> Way {
        decided(line, &ConfigFacts::default(), &[]).way
    }

    #[test]
    fn request_bearing_commands_rotate_and_the_others_do_not() {
        for line in [
            "",
            "fix the bug",
            "exec hi",
            "review",
            "resume --last",
            "fork",
            "mcp-server",
            "app-server",
            "plugin list",
            "remote-control",
            "exec-server",
            "responses-api-proxy",
            "-- --help",
            "exec -- --help",
        ] {
            assert_eq!(plain(line), Way::Rotate, "{line}");
        }
        for (line, why) in [
            ("--version", Plain::Info),
            ("--help", Plain::Info),
            ("--model x --help", Plain::NoRequests),
            ("exec --help", Plain::NoRequests),
            ("app-server generate-ts", Plain::NoRequests),
            ("app-server daemon restart", Plain::NoRequests),
            ("login status", Plain::NoRequests),
            ("doctor", Plain::NoRequests),
            ("cloud-tasks", Plain::NoRequests),
            ("stdio-to-uds x", Plain::NoRequests),
            ("app", Plain::Desktop),
        ] {
            assert_eq!(plain(line), Way::Plain(why), "{line}");
        }
    }

    #[test]
    fn the_switch_is_environment_first_then_the_setting() {
        let config = ConfigFacts::default();
        for (value, on) in [("1", true), (" YES ", true), ("false", false), ("0", false), ("maybe", true)] {
            let way = decided("exec hi", &config, &[(ROTATION, value)]).way;
            assert_eq!(way == Way::Rotate, on, "{value}");
        }
        let off = decide(&scan(&["exec"]), &config, &Inherited::default(), Rotation::Off);
        assert_eq!(off.way, Way::Plain(Plain::Off));
    }

    #[test]
    fn what_the_user_configured_is_never_overruled() {
        let provider = ConfigFacts { model_provider: Some("azure".into()), ..ConfigFacts::default() };
        let base = ConfigFacts { openai_base_url: Some("https://x".into()), ..ConfigFacts::default() };
        let none = ConfigFacts::default();
        let no_env: &[(&str, &str)] = &[];
        for (line, config, env) in [
            ("exec -c openai_base_url=http://x", &none, no_env),
            ("-c model_provider=azure exec", &none, no_env),
            ("--oss", &none, no_env),
            ("--local-provider ollama", &none, no_env),
            ("exec", &provider, no_env),
            ("exec", &base, no_env),
            ("exec", &none, &[("CODEX_API_KEY", "sk")]),
            ("exec", &none, &[("CODEX_ACCESS_TOKEN", "at-1")]),
        ] {
            let route = decided(line, config, env);
            assert_eq!(route.way, Way::Plain(Plain::Skipped), "{line}");
            assert_eq!(route.notes.len(), 1, "{line}: {:?}", route.notes);
        }
        assert_eq!(decided("-c model_provider=openai exec", &provider, &[]).way, Way::Rotate);
    }

    #[test]
    fn a_plain_backend_address_is_warned_about() {
        let config =
            ConfigFacts { chatgpt_base_url: Some("http://127.0.0.1:1".into()), ..ConfigFacts::default() };

        let route = decided("exec hi", &config, &[]);

        assert_eq!((route.way, route.notes.len()), (Way::Rotate, 1));
    }
}
