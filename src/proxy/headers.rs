//! The header lists of both directions (runtime.md §5). The client's values pass byte for byte, repeated names in
//! their order, unknown names included; only what the tables below name is replaced, added or removed.

use http::header::{self, HeaderMap, HeaderName, HeaderValue};

/// Names that concern one connection only.
const HOP_BY_HOP: [&str; 9] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Names of the client that stay on this machine or are replaced per account.
const LOCAL: [&str; 16] = [
    "host",
    "expect",
    "content-length",
    "authorization",
    "chatgpt-account-id",
    "x-openai-account-routing-override",
    "x-api-key",
    "cookie",
    "origin",
    "referer",
    "forwarded",
    "x-real-ip",
    "via",
    "openai-organization",
    "openai-project",
    "sec-websocket-key",
];

const LOCAL_PREFIXES: [&str; 3] = ["x-forwarded-", "sec-fetch-", "x-codex-multi-auth-"];

/// Names of upstream's answer that mean its own host, not our listener.
const FOREIGN: [&str; 5] = ["set-cookie", "alt-svc", "strict-transport-security", "report-to", "nel"];

/// Which kind of request the headers belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// `POST …/responses`.
    Turn,
    /// Upgrade of `GET …/responses`.
    Socket,
    /// Anything else.
    Plain,
}

/// The client's headers as they go upstream, without what depends on the account.
pub(super) fn toward_upstream(client: &HeaderMap, purpose: Purpose) -> HeaderMap {
    let named = named_by_connection(client);
    let mut out = HeaderMap::with_capacity(client.len() + 5);
    for (name, value) in client {
        let text = name.as_str();
        if is_hop_by_hop(text, &named) || is_local(text) || is_of_socket(text) {
            continue;
        }
        if name == header::ACCEPT_ENCODING && purpose == Purpose::Turn {
            continue;
        }
        out.append(name.clone(), value.clone());
    }
    if purpose == Purpose::Turn && client.contains_key(header::ACCEPT_ENCODING) {
        out.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    }
    let beta = match purpose {
        Purpose::Turn => Some("responses=experimental"),
        Purpose::Socket => Some("responses_websockets=2026-02-06"),
        Purpose::Plain => None,
    };
    if let Some(beta) = beta {
        add_when_absent(&mut out, HeaderName::from_static("openai-beta"), beta);
        add_when_absent(&mut out, HeaderName::from_static("originator"), "codex_cli_rs");
    }
    out
}

/// Upstream's headers as they go to the client.
pub(super) fn toward_client(upstream: &HeaderMap) -> HeaderMap {
    let named = named_by_connection(upstream);
    let mut out = HeaderMap::with_capacity(upstream.len());
    for (name, value) in upstream {
        let text = name.as_str();
        let stays = is_hop_by_hop(text, &named)
            || FOREIGN.contains(&text)
            || text.starts_with("x-codex-multi-auth-")
            || text == "sec-websocket-accept"
            || text == "sec-websocket-extensions";
        if !stays {
            out.append(name.clone(), value.clone());
        }
    }
    out
}

fn add_when_absent(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    headers.entry(name).or_insert(HeaderValue::from_static(value));
}

fn named_by_connection(headers: &HeaderMap) -> Vec<String> {
    headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|name| name.trim().to_ascii_lowercase())
        .filter(|name| !name.is_empty() && name != "close" && name != "keep-alive" && name != "upgrade")
        .collect()
}

fn is_hop_by_hop(name: &str, named: &[String]) -> bool {
    HOP_BY_HOP.contains(&name) || named.iter().any(|other| other == name)
}

fn is_local(name: &str) -> bool {
    LOCAL.contains(&name) || LOCAL_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// The upstream leg makes its own handshake; only the sub-protocol belongs to both ends.
fn is_of_socket(name: &str) -> bool {
    name.starts_with("sec-websocket-") && name != "sec-websocket-protocol"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in pairs {
            map.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        map
    }

    fn names(map: &HeaderMap) -> Vec<&str> {
        map.iter().map(|(name, _)| name.as_str()).collect()
    }

    #[test]
    fn unknown_and_repeated_headers_pass_in_their_order() {
        let out = toward_upstream(
            &map(&[
                ("x-a", "2"),
                ("user-agent", "codex_exec/0.169.0 (odd;  spacing)"),
                ("x-a", "1"),
                ("x-codex-unknown", "\u{1}".trim_matches('\u{1}')),
            ]),
            Purpose::Plain,
        );

        assert_eq!(out.get_all("x-a").iter().collect::<Vec<_>>(), ["2", "1"]);
        assert_eq!(out.get("user-agent").unwrap(), "codex_exec/0.169.0 (odd;  spacing)");
        assert!(out.contains_key("x-codex-unknown"));
        assert_eq!(out.len(), 4);
    }

    #[test]
    fn local_and_hop_by_hop_headers_stay_here() {
        let out = toward_upstream(
            &map(&[
                ("host", "127.0.0.1:1"),
                ("connection", "keep-alive, X-Odd"),
                ("x-odd", "1"),
                ("te", "trailers"),
                ("expect", "100-continue"),
                ("content-length", "5"),
                ("authorization", "Bearer client"),
                ("chatgpt-account-id", "other"),
                ("x-api-key", "k"),
                ("cookie", "a=b"),
                ("x-forwarded-for", "10.0.0.1"),
                ("sec-fetch-mode", "cors"),
                ("x-codex-multi-auth-trace", "1"),
                ("openai-organization", "org-1"),
                ("accept", "text/event-stream"),
            ]),
            Purpose::Plain,
        );

        assert_eq!(names(&out), ["accept"]);
    }

    #[test]
    fn a_turn_gets_its_defaults_only_when_they_are_absent() {
        let bare = toward_upstream(&map(&[("accept-encoding", "gzip")]), Purpose::Turn);
        let full =
            toward_upstream(&map(&[("openai-beta", "x"), ("originator", "codex_exec")]), Purpose::Socket);

        assert_eq!(bare.get("openai-beta").unwrap(), "responses=experimental");
        assert_eq!(bare.get("originator").unwrap(), "codex_cli_rs");
        assert_eq!(bare.get("accept-encoding").unwrap(), "identity");
        assert_eq!(full.get("openai-beta").unwrap(), "x");
        assert_eq!(full.get("originator").unwrap(), "codex_exec");
        assert!(!full.contains_key("accept-encoding"));
    }

    #[test]
    fn upstream_headers_lose_what_means_its_own_host() {
        let out = toward_client(&map(&[
            ("x-codex-primary-used-percent", "4"),
            ("set-cookie", "a"),
            ("alt-svc", "h3"),
            ("connection", "x-hop"),
            ("x-hop", "1"),
            ("etag", "\"e\""),
            ("content-encoding", "gzip"),
            ("transfer-encoding", "chunked"),
        ]));

        assert_eq!(names(&out), ["x-codex-primary-used-percent", "etag", "content-encoding"]);
    }
}
