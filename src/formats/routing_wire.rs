//! The answer of `wham/accounts/check`, and what an account that is gone looks like.

use serde::Deserialize;

use crate::base::Moment;
use crate::domain::workspace::Routing;

const UNCONSTRAINED: &str = "NO_CONSTRAINT";

#[derive(Deserialize)]
struct Wire {
    accounts: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    id: String,
    #[serde(default)]
    is_deactivated: Option<bool>,
    #[serde(default)]
    can_access_with_session: Option<bool>,
    #[serde(default)]
    workspace_backend_origin: Option<String>,
    #[serde(default)]
    account_routing_override: Option<String>,
}

/// Which origins an answer may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origins {
    /// `https` only.
    Secure,
    /// `http` on loopback too (under an override, decisions.md D25).
    OrLoopback,
}

/// Why an answer gives no routing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RoutingError {
    /// The workspace is not listed, deactivated, or closed to this session.
    #[error("{0}")]
    Gone(String),
    /// An answer nobody can read, or a value nobody may follow.
    #[error("{0}")]
    Invalid(String),
}

/// The routing of the workspace `id`.
///
/// # Errors
/// When the workspace may not be used, or the answer is not understood: then nothing may be sent by it.
pub fn parse(body: &[u8], id: &str, origins: Origins, at: Moment) -> Result<Routing, RoutingError> {
    let wire: Wire =
        serde_json::from_slice(body).map_err(|error| RoutingError::Invalid(error.to_string()))?;
    let mut listed = wire.accounts.into_iter().filter(|entry| entry.id == id);
    let entry = listed.next().ok_or_else(|| RoutingError::Gone("the workspace is not listed".to_owned()))?;
    if listed.next().is_some() {
        return Err(RoutingError::Invalid("the workspace is listed twice".to_owned()));
    }
    if entry.is_deactivated == Some(true) {
        return Err(RoutingError::Gone("the workspace is deactivated".to_owned()));
    }
    if entry.can_access_with_session == Some(false) {
        return Err(RoutingError::Gone("this session has no access to the workspace".to_owned()));
    }
    Ok(Routing {
        origin: origin(entry.workspace_backend_origin.as_deref(), origins)?,
        over: override_value(entry.account_routing_override.as_deref())?,
        checked_at: at,
    })
}

fn origin(value: Option<&str>, origins: Origins) -> Result<Option<String>, RoutingError> {
    let value = value.ok_or_else(|| RoutingError::Invalid("no workspace_backend_origin".to_owned()))?;
    if value == UNCONSTRAINED {
        return Ok(None);
    }
    let allowed = match value.split_once("://") {
        Some(("https", rest)) => is_authority(rest),
        Some(("http", rest)) => origins == Origins::OrLoopback && is_loopback(rest),
        Some(_) | None => false,
    };
    if allowed {
        return Ok(Some(value.to_owned()));
    }
    Err(RoutingError::Invalid("workspace_backend_origin is no plain https origin".to_owned()))
}

/// `host[:port]` without path, credentials, query or fragment.
fn is_authority(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        Some(_) | None => (text, None),
    };
    let named = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).map_or_else(
        || !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-')),
        |address| address.parse::<std::net::Ipv6Addr>().is_ok(),
    );
    named && port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0))
}

fn is_loopback(text: &str) -> bool {
    let mut hosts = ["127.0.0.1", "localhost", "[::1]"].into_iter();
    is_authority(text) && hosts.any(|host| text.strip_prefix(host).is_some_and(|rest| rest.starts_with(':')))
}

fn override_value(value: Option<&str>) -> Result<Option<String>, RoutingError> {
    match value {
        Some(UNCONSTRAINED) => Ok(None),
        Some(known @ ("us" | "us_cr")) => Ok(Some(known.to_owned())),
        Some(_) | None => {
            Err(RoutingError::Invalid("account_routing_override has an unknown value".to_owned()))
        }
    }
}

/// Codes of a workspace or account that is gone (runtime.md §10).
const GONE: [&str; 7] = [
    "deactivated_workspace",
    "workspace_disabled",
    "workspace_expired",
    "workspace_terminated",
    "account_disabled",
    "account_expired",
    "organization_disabled",
];

/// The code in a 402 or 403 body that says the workspace is gone; `None` when it says something else.
pub fn gone(body: &[u8]) -> Option<String> {
    let value: serde_json::Value = serde_json::from_slice(body).ok()?;
    let first = |places: &[&str]| {
        places
            .iter()
            .find_map(|place| value.pointer(place).and_then(serde_json::Value::as_str))
            .map(str::to_owned)
    };
    let code = first(&["/error/code", "/detail/code", "/code", "/error", "/detail"]);
    if let Some(code) = code.filter(|code| GONE.contains(&code.as_str())) {
        return Some(code);
    }
    let text = first(&["/error/message", "/message", "/detail/message", "/detail"])?.to_lowercase();
    let subject = ["workspace", "account", "organization"].into_iter().any(|word| text.contains(word));
    let ended =
        ["disabled", "expired", "deactivated", "terminated", "no longer active", "no longer available"];
    (subject && ended.into_iter().any(|word| text.contains(word))).then(|| text.chars().take(120).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "00000000-0000-7000-8000-000000000001";
    const AT: Moment = Moment::from_secs(1_795_360_000);

    fn answer(id: &str, more: &str) -> String {
        format!(r#"{{"accounts":[{{"id":"{id}"{more}}}]}}"#)
    }

    fn body(origin: &str, over: &str) -> String {
        answer(ID, &format!(r#","workspace_backend_origin":"{origin}","account_routing_override":"{over}""#))
    }

    #[test]
    fn the_recorded_answer_means_no_constraint() {
        let recorded: serde_json::Value = serde_json::from_str(include_str!(
            "../../tests/fixtures/codex-client/accounts_check.response.json"
        ))
        .unwrap();
        let body = serde_json::to_vec(recorded.get("body").unwrap()).unwrap();

        let routing = parse(&body, ID, Origins::Secure, AT);

        assert_eq!(routing, Ok(Routing { origin: None, over: None, checked_at: AT }));
    }

    #[test]
    fn only_plain_origins_and_known_overrides_are_followed() {
        let of = |origin, over, origins| parse(body(origin, over).as_bytes(), ID, origins, AT);
        let routed = |origin: &str, over: Option<&str>| {
            Ok(Routing { origin: Some(origin.to_owned()), over: over.map(str::to_owned), checked_at: AT })
        };

        assert_eq!(of("https://eu.example", "us", Origins::Secure), routed("https://eu.example", Some("us")));
        assert_eq!(
            of("https://a.test:444", "NO_CONSTRAINT", Origins::Secure),
            routed("https://a.test:444", None)
        );
        assert_eq!(
            of("http://127.0.0.1:9", "us_cr", Origins::OrLoopback),
            routed("http://127.0.0.1:9", Some("us_cr"))
        );
        for (origin, over) in [
            ("http://127.0.0.1:9", "us"),
            ("https://eu.example/", "us"),
            ("https://me@eu.example", "us"),
            ("https://eu.example?x", "us"),
            ("https://eu.example:0", "us"),
            ("https://", "us"),
            ("https://eu.example", "mars"),
        ] {
            assert!(
                matches!(of(origin, over, Origins::Secure), Err(RoutingError::Invalid(_))),
                "{origin} {over}"
            );
        }
        assert!(matches!(of("http://10.0.0.1:9", "us", Origins::OrLoopback), Err(RoutingError::Invalid(_))));
    }

    #[test]
    fn a_workspace_that_is_missing_or_closed_is_gone() {
        for body in [
            answer("another", ""),
            answer(ID, r#","is_deactivated":true"#),
            answer(ID, r#","can_access_with_session":false"#),
        ] {
            assert!(
                matches!(parse(body.as_bytes(), ID, Origins::Secure, AT), Err(RoutingError::Gone(_))),
                "{body}"
            );
        }
    }

    #[test]
    fn a_refusal_that_names_a_gone_workspace_is_told_from_others() {
        let gone = |body: &str| super::gone(body.as_bytes());

        assert_eq!(
            gone(r#"{"detail":{"code":"deactivated_workspace"}}"#).as_deref(),
            Some("deactivated_workspace")
        );
        assert!(gone(r#"{"error":{"message":"Your account has been disabled."}}"#).is_some());
        assert_eq!(gone(r#"{"error":{"code":"forbidden","message":"not for you"}}"#), None);
        assert_eq!(gone("<html>"), None);
    }
}
