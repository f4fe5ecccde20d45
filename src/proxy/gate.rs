//! Who may speak to the listener at all (runtime.md §3, D11), decided from the head of a request alone.
//!
//! A browser page can reach a loopback port, so anything that smells of one is refused first. Then the path prefix
//! is the credential. All prefixes are compared, each in constant time, and every wrong one gets the same answer.

use std::sync::{Arc, PoisonError, RwLock};

use http::{HeaderMap, header};

use crate::base::Secret;
use crate::domain::account::AccountKey;
use crate::domain::client_token::ClientToken;
use crate::ports::callers::Caller;
use crate::proxy::route;

/// Fewest characters of a prefix; it is the only credential of a client.
pub(super) const PREFIX_MIN: usize = 32;

/// The credentials of one listener.
#[derive(Debug)]
pub(super) struct Gate {
    prefix: RwLock<Secret>,
    client_key: Option<Secret>,
    launches: RwLock<Vec<(Secret, Entrance)>>,
}

/// By which way a request came in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Entrance {
    /// The account an attached launch insists on.
    pub(super) forced: Option<AccountKey>,
    /// The key a client of the bridge showed.
    pub(super) key: Option<Arc<ClientToken>>,
}

/// What the gate says to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Admission {
    /// Come in; the path behind the prefix, without its leading slash.
    Open(String, Entrance),
    /// From a browser, or for another host: 403.
    Foreign,
    /// Wrong or no credential: 404.
    Unknown,
}

impl Gate {
    pub(super) fn new(prefix: Secret, client_key: Option<Secret>) -> Self {
        Self { prefix: RwLock::new(prefix), client_key, launches: RwLock::default() }
    }

    /// Replaces the prefix.
    pub(super) fn admit_by(&self, prefix: Secret) {
        *self.prefix.write().unwrap_or_else(PoisonError::into_inner) = prefix;
    }

    /// Adds the prefix of an attached launch.
    pub(super) fn attach(&self, prefix: Secret, entrance: Entrance) {
        self.launches.write().unwrap_or_else(PoisonError::into_inner).push((prefix, entrance));
    }

    /// Removes the prefix of an attached launch.
    pub(super) fn detach(&self, prefix: &Secret) {
        self.launches.write().unwrap_or_else(PoisonError::into_inner).retain(|(other, _)| other != prefix);
    }

    /// Judges a request by its caller, path and headers.
    pub(super) fn admit(&self, caller: Caller, path: &str, headers: &HeaderMap) -> Admission {
        if is_foreign(headers) {
            return Admission::Foreign;
        }
        if caller == Caller::Foreign {
            return Admission::Unknown;
        }
        let path = path.strip_prefix('/').unwrap_or(path);
        let (first, rest) = path.split_once('/').unwrap_or((path, ""));
        if let Some(entrance) = self.entrance(first) {
            return Admission::Open(rest.to_owned(), entrance);
        }
        if self.has_client_key(headers)
            && let Some(rest) = route::unprefixed(path)
        {
            return Admission::Open(rest, Entrance::default());
        }
        Admission::Unknown
    }

    fn entrance(&self, first: &str) -> Option<Entrance> {
        let prefix = self.prefix.read().unwrap_or_else(PoisonError::into_inner).matches(first);
        let mut found = prefix.then(Entrance::default);
        for (prefix, entrance) in self.launches.read().unwrap_or_else(PoisonError::into_inner).iter() {
            if prefix.matches(first) {
                found = Some(entrance.clone());
            }
        }
        found
    }

    fn has_client_key(&self, headers: &HeaderMap) -> bool {
        let Some(key) = &self.client_key else { return false };
        let bearer = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim());
        let api_key = headers.get("x-api-key").and_then(|value| value.to_str().ok()).map(str::trim);
        bearer.into_iter().chain(api_key).any(|given| key.matches(given))
    }
}

pub(super) fn is_foreign(headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(header::HOST).iter();
    let is_local =
        hosts.next().and_then(|host| host.to_str().ok()).is_some_and(is_local_host) && hosts.next().is_none();
    let site = headers.get_all("sec-fetch-site").iter().any(|site| site != "none" && site != "same-origin");
    !is_local || site || headers.contains_key(header::ORIGIN)
}

fn is_local_host(host: &str) -> bool {
    let rest = ["127.0.0.1", "localhost", "[::1]"]
        .into_iter()
        .find_map(|name| {
            host.get(..name.len()).filter(|head| head.eq_ignore_ascii_case(name)).map(|_| name.len())
        })
        .and_then(|length| host.get(length..));
    match rest {
        Some("") => true,
        Some(port) => port.strip_prefix(':').is_some_and(|port| {
            !port.is_empty() && port.len() <= 5 && port.bytes().all(|digit| digit.is_ascii_digit())
        }),
        None => false,
    }
}

/// Whether a host may be listened on.
pub(super) fn is_loopback_name(host: &str) -> bool {
    let host = host.trim().to_ascii_lowercase();
    matches!(host.as_str(), "127.0.0.1" | "localhost" | "::1" | "[::1]")
}

/// Whether a text can be a prefix: long enough, and nothing that a URL would change.
pub(super) fn is_prefix(secret: &Secret) -> bool {
    secret.len() >= PREFIX_MIN
        && secret.expose().bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    const PREFIX: &str = "0123456789abcdef0123456789abcdef0123456789a";

    fn gate() -> Gate {
        Gate::new(Secret::new(PREFIX), Some(Secret::new("client-key")))
    }

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        map.insert("host", HeaderValue::from_static("127.0.0.1:4455"));
        for (name, value) in pairs {
            map.insert(*name, HeaderValue::from_static(value));
        }
        map
    }

    #[test]
    fn only_the_whole_prefix_opens() {
        let gate = gate();
        let open = |path: &str| matches!(gate.admit(Caller::Ours, path, &headers(&[])), Admission::Open(..));

        assert!(open(&format!("/{PREFIX}/healthz")));
        assert!(open(&format!("/{PREFIX}")));
        for path in [
            "/".to_owned(),
            "/healthz".to_owned(),
            format!("/{PREFIX}x/healthz"),
            format!("/{}/healthz", &PREFIX[1..]),
            format!("//{PREFIX}/healthz"),
            format!("/x/{PREFIX}/healthz"),
            "/backend-api/codex/responses".to_owned(),
        ] {
            assert!(!open(&path), "{path}");
        }
    }

    #[test]
    fn browsers_and_other_hosts_are_turned_away_even_with_the_prefix() {
        let gate = gate();
        for (name, value) in [
            ("host", "evil.example"),
            ("host", "127.0.0.1.evil.example"),
            ("host", "127.0.0.1:80:80"),
            ("host", "localhost:"),
            ("origin", "http://127.0.0.1"),
            ("origin", "null"),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
        ] {
            let path = format!("/{PREFIX}/healthz");
            assert_eq!(
                gate.admit(Caller::Ours, &path, &headers(&[(name, value)])),
                Admission::Foreign,
                "{name}: {value}"
            );
        }
        for host in ["127.0.0.1", "LOCALHOST:1", "[::1]:65535"] {
            assert!(is_local_host(host), "{host}");
        }
    }

    #[test]
    fn another_users_program_is_told_what_a_wrong_prefix_is_told() {
        let path = format!("/{PREFIX}/healthz");

        assert_eq!(gate().admit(Caller::Foreign, &path, &headers(&[])), Admission::Unknown);
        let keyed = headers(&[("x-api-key", "client-key")]);
        assert_eq!(gate().admit(Caller::Foreign, "/v1/responses", &keyed), Admission::Unknown);
        let page = headers(&[("origin", "null")]);
        assert_eq!(gate().admit(Caller::Foreign, &path, &page), Admission::Foreign, "the guard comes first");
    }

    #[test]
    fn a_new_prefix_takes_the_place_of_the_old_one() {
        let gate = gate();
        let next = "next-next-next-next-next-next-next-next-next";
        let open = |prefix: &str| {
            matches!(
                gate.admit(Caller::Ours, &format!("/{prefix}/healthz"), &headers(&[])),
                Admission::Open(..)
            )
        };

        gate.admit_by(Secret::new(next));

        assert_eq!((open(PREFIX), open(next)), (false, true));
    }

    #[test]
    fn a_client_key_opens_the_old_paths_only() {
        let gate = gate();
        let keyed = headers(&[("authorization", "Bearer client-key")]);

        assert_eq!(
            gate.admit(Caller::Ours, "/v1/responses", &keyed),
            Admission::Open("backend-api/codex/responses".to_owned(), Entrance::default())
        );
        assert_eq!(gate.admit(Caller::Ours, "/status", &keyed), Admission::Unknown);
        assert_eq!(
            gate.admit(Caller::Ours, "/v1/responses", &headers(&[("x-api-key", "other")])),
            Admission::Unknown
        );
    }

    #[test]
    fn an_attached_launch_brings_its_account_until_it_ends() {
        let gate = gate();
        let own = Secret::new("launch-launch-launch-launch-launch-launch");
        let entrance = Entrance { forced: Some(AccountKey::new("a")), key: None };
        gate.attach(own.clone(), entrance.clone());
        let path = format!("/{}/healthz", own.expose());

        assert_eq!(
            gate.admit(Caller::Ours, &path, &headers(&[])),
            Admission::Open("healthz".to_owned(), entrance)
        );
        gate.detach(&own);
        assert_eq!(gate.admit(Caller::Ours, &path, &headers(&[])), Admission::Unknown);
    }
}
