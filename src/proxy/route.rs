//! Where a request under the prefix goes (runtime.md §3). Paths and queries travel verbatim; nothing is looked at
//! but the path, the method and whether the client wants to upgrade.

use http::Method;

/// What a path means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Route {
    /// `POST …/responses`, and `…/responses/compact` of older clients.
    Turn,
    /// Upgrade of `GET …/responses`.
    Socket,
    /// `GET …/models`.
    Models,
    /// `…/thread/goal/get` and `…/set`.
    Goal,
    /// Any other path of the back end, streamed and not inspected.
    Other,
    /// Upgrade of any other path.
    Splice,
    /// The client's token refresh.
    Refresh,
    /// `GET healthz`.
    Health,
    /// `GET status`.
    Status,
    /// `GET metrics`.
    Metrics,
    /// Nothing here.
    Unknown,
}

/// Whether the client asks for another protocol on this connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wants {
    /// An ordinary answer.
    Answer,
    /// `Upgrade: websocket`.
    Upgrade,
}

/// A route and the path below `backend-api`, query included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    /// What the path means.
    pub(super) route: Route,
    /// Starts with `/`; empty for local routes.
    pub(super) path: String,
}

const UNKNOWN: Target = Target { route: Route::Unknown, path: String::new() };

/// The target of `path` (behind the prefix, without its leading slash) and `query`.
pub(super) fn target(method: &Method, path: &str, query: Option<&str>, wants: Wants) -> Target {
    let local = |route, expected: Method| {
        if *method == expected { Target { route, path: String::new() } } else { UNKNOWN }
    };
    match path {
        "oauth/token" => return local(Route::Refresh, Method::POST),
        "healthz" => return local(Route::Health, Method::GET),
        "status" => return local(Route::Status, Method::GET),
        "metrics" => return local(Route::Metrics, Method::GET),
        _ => {}
    }
    let Some(rest) = path.strip_prefix("backend-api/") else { return UNKNOWN };
    if has_dot_segment(rest) {
        return UNKNOWN;
    }
    let mut full = String::with_capacity(rest.len() + query.map_or(0, str::len) + 2);
    full.push('/');
    full.push_str(rest);
    if let Some(query) = query {
        full.push('?');
        full.push_str(query);
    }
    Target { route: kind(method, rest, wants), path: full }
}

/// The path an unprefixed request of an old bind or the bridge stands for; `None` for anything else.
pub(super) fn unprefixed(path: &str) -> Option<String> {
    const FIRST: [&str; 8] =
        ["responses", "models", "thread", "images", "alpha", "memories", "files", "realtime"];
    let rest = path.strip_prefix("v1/").unwrap_or(path);
    let rest = rest.strip_prefix("codex/").unwrap_or(rest);
    let first = rest.split('/').next().unwrap_or_default();
    FIRST.contains(&first).then(|| format!("backend-api/codex/{rest}"))
}

fn kind(method: &Method, rest: &str, wants: Wants) -> Route {
    match (rest, wants) {
        ("codex/responses", Wants::Upgrade) if *method == Method::GET => Route::Socket,
        (_, Wants::Upgrade) => Route::Splice,
        ("codex/responses" | "codex/responses/compact", Wants::Answer) if *method == Method::POST => {
            Route::Turn
        }
        ("codex/models", Wants::Answer) if *method == Method::GET => Route::Models,
        ("codex/thread/goal/get" | "codex/thread/goal/set", Wants::Answer)
            if *method == Method::GET || *method == Method::POST =>
        {
            Route::Goal
        }
        (_, Wants::Answer) => Route::Other,
    }
}

/// The URL library would fold `..` away, and the request would reach a path that was never judged.
fn has_dot_segment(path: &str) -> bool {
    path.split('/').any(|segment| {
        let plain = segment.to_ascii_lowercase().replace("%2e", ".");
        plain == "." || plain == ".."
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_has_its_route() {
        let rows = [
            (Method::POST, "backend-api/codex/responses", Wants::Answer, Route::Turn),
            (Method::GET, "backend-api/codex/responses", Wants::Upgrade, Route::Socket),
            (Method::POST, "backend-api/codex/responses/compact", Wants::Answer, Route::Turn),
            (Method::GET, "backend-api/codex/models", Wants::Answer, Route::Models),
            (Method::POST, "backend-api/codex/thread/goal/set", Wants::Answer, Route::Goal),
            (Method::POST, "backend-api/codex/images/edits", Wants::Answer, Route::Other),
            (Method::DELETE, "backend-api/codex/files/1", Wants::Answer, Route::Other),
            (Method::GET, "backend-api/codex/realtime/x", Wants::Upgrade, Route::Splice),
            (Method::GET, "backend-api/wham/usage", Wants::Answer, Route::Other),
            (Method::POST, "oauth/token", Wants::Answer, Route::Refresh),
            (Method::GET, "oauth/token", Wants::Answer, Route::Unknown),
            (Method::GET, "healthz", Wants::Answer, Route::Health),
            (Method::GET, "status", Wants::Answer, Route::Status),
            (Method::GET, "metrics", Wants::Answer, Route::Metrics),
            (Method::GET, "", Wants::Answer, Route::Unknown),
            (Method::GET, "backend-api", Wants::Answer, Route::Unknown),
            (Method::GET, "backend-api/codex/%2E%2e/wham", Wants::Answer, Route::Unknown),
        ];
        for (method, path, wants, route) in rows {
            assert_eq!(target(&method, path, None, wants).route, route, "{method} {path}");
        }
    }

    #[test]
    fn path_and_query_go_upstream_verbatim() {
        let target = target(
            &Method::GET,
            "backend-api/codex/models",
            Some("client_version=0.169.0&x=%20"),
            Wants::Answer,
        );

        assert_eq!(target.path, "/codex/models?client_version=0.169.0&x=%20");
    }

    #[test]
    fn old_binds_reach_the_same_places() {
        for path in ["responses", "v1/responses", "codex/responses", "v1/codex/responses"] {
            assert_eq!(unprefixed(path).as_deref(), Some("backend-api/codex/responses"), "{path}");
        }
        assert_eq!(unprefixed("wham/usage"), None);
    }
}
