//! The hosts we talk to, and the two overrides for tests and rehearsals (D25).
//!
//! An override is taken only when it can reach nothing but this machine: plain `http`, a loopback host, an
//! explicit port, and nothing in the address that could carry a credential. Anything else ends the program
//! before a token could be sent to it.

use crate::domain::problem::{Exit, Hint, Problem};

/// Upstream of model traffic and account questions.
pub const BACKEND: &str = "https://chatgpt.com/backend-api";
/// Token, device and revoke endpoints.
pub const AUTH: &str = "https://auth.openai.com";

/// Variables of the overrides.
pub const UPSTREAM_VAR: &str = "CODEX_MULTI_AUTH_UPSTREAM_BASE_URL";
/// The reference's name for the first one.
pub const UPSTREAM_ALIAS: &str = "CODEX_MULTI_AUTH_RUNTIME_PROXY_UPSTREAM_BASE_URL";
/// See [`AUTH`].
pub const AUTH_VAR: &str = "CODEX_MULTI_AUTH_AUTH_BASE_URL";

/// Where requests go in this process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoints {
    /// Base of `backend-api`, without a slash at the end.
    pub backend: String,
    /// Base of the token endpoints, without a slash at the end.
    pub auth: String,
    /// Whether `backend` is an override.
    pub backend_overridden: bool,
    /// Whether `auth` is an override.
    pub auth_overridden: bool,
}

impl Default for Endpoints {
    fn default() -> Self {
        Self {
            backend: BACKEND.to_owned(),
            auth: AUTH.to_owned(),
            backend_overridden: false,
            auth_overridden: false,
        }
    }
}

impl Endpoints {
    /// Applies the overrides; blank values count as unset.
    ///
    /// # Errors
    /// `unsafe-override` (exit 2) when a value could leave this machine or the two names of one override differ.
    pub fn resolve(upstream: Option<&str>, alias: Option<&str>, auth: Option<&str>) -> Result<Self, Problem> {
        let mut endpoints = Self::default();
        let upstream = checked(UPSTREAM_VAR, upstream)?;
        let alias = checked(UPSTREAM_ALIAS, alias)?;
        if let (Some(one), Some(other)) = (&upstream, &alias)
            && one != other
        {
            return Err(unsafe_override(UPSTREAM_VAR, &format!("{UPSTREAM_ALIAS} names another address")));
        }
        if let Some(base) = upstream.or(alias) {
            endpoints.backend = base;
            endpoints.backend_overridden = true;
        }
        if let Some(base) = checked(AUTH_VAR, auth)? {
            endpoints.auth = base;
            endpoints.auth_overridden = true;
        }
        Ok(endpoints)
    }

    /// Name and value of each override in force, for `status`, `doctor` and the start of a launch.
    pub fn overrides(&self) -> Vec<(&'static str, &str)> {
        let mut all = Vec::new();
        if self.backend_overridden {
            all.push((UPSTREAM_VAR, self.backend.as_str()));
        }
        if self.auth_overridden {
            all.push((AUTH_VAR, self.auth.as_str()));
        }
        all
    }
}

fn checked(name: &'static str, value: Option<&str>) -> Result<Option<String>, Problem> {
    let Some(value) = value.map(str::trim).filter(|value| !value.is_empty()) else { return Ok(None) };
    match fault(value) {
        Some(why) => Err(unsafe_override(name, why)),
        None => Ok(Some(value.trim_end_matches('/').to_owned())),
    }
}

fn unsafe_override(name: &str, why: &str) -> Problem {
    Problem::new("unsafe-override", Exit::Usage, format!("{name} cannot be used: {why}"))
        .hint(Hint::Say(format!("Unset {name}, or use http://127.0.0.1:<port>")))
}

/// Why an override is refused.
fn fault(value: &str) -> Option<&'static str> {
    if value.chars().any(|c| c.is_whitespace() || c.is_control() || c == '\\') {
        return Some("it is not an address");
    }
    if value.contains(['?', '#']) {
        return Some("an override has no query and no fragment");
    }
    // Only the lower-case scheme: URL parsers fold case, and what is not understood alike must not pass here.
    let Some(rest) = value.strip_prefix("http://") else {
        return Some("only http:// to this machine is allowed");
    };
    let authority = rest.split('/').next().unwrap_or_default();
    if authority.contains('@') {
        return Some("an override has no user name");
    }
    let Some((host, port)) = authority.rsplit_once(':') else {
        return Some("the port is missing");
    };
    if !port.bytes().all(|byte| byte.is_ascii_digit()) || port.parse::<u16>().is_ok_and(|port| port == 0) {
        return Some("the port is missing");
    }
    if port.parse::<u16>().is_err() {
        return Some("the port is missing");
    }
    (!is_loopback(host)).then_some("the host is not this machine")
}

/// Whether a host in an address is this machine by its very spelling; no name is looked up.
pub fn is_loopback(host: &str) -> bool {
    if host.eq_ignore_ascii_case("localhost") || host == "[::1]" {
        return true;
    }
    host.parse::<std::net::Ipv4Addr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_http_with_a_port_is_taken() {
        for (value, taken) in [
            ("http://127.0.0.1:8080", true),
            ("http://localhost:1/backend-api/", true),
            ("http://[::1]:9000/x", true),
            (" http://127.8.0.1:80 ", true),
            ("https://127.0.0.1:8080", false),
            ("HTTP://127.0.0.1:8080", false),
            ("http://127.0.0.1", false),
            ("http://127.0.0.1:", false),
            ("http://127.0.0.1:0", false),
            ("http://127.0.0.1:99999", false),
            ("http://127.0.0.1:+80", false),
            ("http://127.0.0.1.evil.io:80", false),
            ("http://evil.io:80", false),
            ("http://localhost.evil.io:80", false),
            ("http://user@127.0.0.1:80", false),
            ("http://127.0.0.1:80@evil.io:80", false),
            ("http://evil.io\\@127.0.0.1:80", false),
            ("http://127.0.0.1:80?x=1", false),
            ("http://127.0.0.1:80#x", false),
            ("http://0.0.0.0:80", false),
            ("http://127.1:80", false),
            ("ftp://127.0.0.1:80", false),
        ] {
            let result = Endpoints::resolve(Some(value), None, Some(value));

            assert_eq!(result.is_ok(), taken, "{value}");
            if let Err(problem) = result {
                assert_eq!((problem.code, problem.exit.code()), ("unsafe-override", 2));
            }
        }
    }

    #[test]
    fn two_names_of_one_override_must_agree() {
        let both = |alias| Endpoints::resolve(Some("http://127.0.0.1:1/"), Some(alias), None);

        assert_eq!(both("http://127.0.0.1:1").unwrap().backend, "http://127.0.0.1:1");
        assert!(both("http://127.0.0.1:2").is_err());
        assert_eq!(Endpoints::resolve(Some("  "), None, None).unwrap(), Endpoints::default());
    }
}
