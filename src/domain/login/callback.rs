//! What may knock at the callback listener, and what it is told (login.md §3.3).
//!
//! The order of checks is part of the contract: whoever is not a browser of this machine learns nothing, and a
//! wrong state neither ends the attempt nor says more than that it is wrong.

use crate::base::Secret;
use crate::domain::login::query;

/// The one path a browser is sent to.
pub const CALLBACK: &str = "/auth/callback";
/// The courtesy between sign-ins that want the same port.
pub const CANCEL: &str = "/cancel";
/// Marks a workspace that may not use the product.
const NO_ENTITLEMENT: &str = "missing_codex_entitlement";
/// Longest description that is repeated to a person.
const LONGEST: usize = 300;

/// A request as the listener sees it.
#[derive(Debug, Clone, Copy)]
pub struct Knock<'a> {
    /// Method.
    pub method: &'a str,
    /// Path without the query.
    pub path: &'a str,
    /// Query without the question mark.
    pub query: &'a str,
    /// The `Host` header.
    pub host: Option<&'a str>,
}

/// What a request is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judgement {
    /// Not addressed to this machine by name: 400.
    ForeignHost,
    /// Not a `GET`: 405.
    WrongMethod,
    /// Any other path: 404.
    NotFound,
    /// Another sign-in asks for the port.
    Cancel,
    /// State missing or different: 400, the wait goes on.
    OtherState,
    /// Right state, no code: 400, the wait goes on.
    NoCode,
    /// Right state, and the provider said no.
    Denied(Denial),
    /// The code of this attempt.
    Code(Secret),
}

/// The provider's refusal, in its own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    /// `error`
    pub code: String,
    /// `error_description`
    pub description: Option<String>,
}

impl Denial {
    /// The refusal in a query string, if there is one.
    pub fn of(text: &str) -> Option<Self> {
        let cut = |text: String| {
            let line: Vec<&str> = text.split_whitespace().collect();
            line.join(" ").chars().filter(|c| !c.is_control()).take(LONGEST).collect::<String>()
        };
        Some(Self {
            code: cut(query::field(text, "error")?),
            description: query::field(text, "error_description").map(cut),
        })
    }

    /// Whether the workspace may not use the product at all.
    pub fn lacks_entitlement(&self) -> bool {
        self.code.contains(NO_ENTITLEMENT)
            || self.description.as_deref().is_some_and(|text| text.contains(NO_ENTITLEMENT))
    }

    /// The provider's words for people.
    pub fn words(&self) -> &str {
        self.description.as_deref().unwrap_or(&self.code)
    }
}

/// Judges a request to the listener on `port`.
pub fn judge(knock: Knock<'_>, port: u16, state: &Secret) -> Judgement {
    if !is_own_host(knock.host, port) {
        return Judgement::ForeignHost;
    }
    if knock.method != "GET" {
        return Judgement::WrongMethod;
    }
    match knock.path {
        CANCEL => return Judgement::Cancel,
        CALLBACK => {}
        _ => return Judgement::NotFound,
    }
    let given = query::field(knock.query, "state");
    if !given.is_some_and(|given| state.matches(&given)) {
        return Judgement::OtherState;
    }
    if let Some(denial) = Denial::of(knock.query) {
        return Judgement::Denied(denial);
    }
    query::field(knock.query, "code").map_or(Judgement::NoCode, |code| Judgement::Code(Secret::new(code)))
}

/// A page elsewhere whose name leads to this machine must not reach the listener.
fn is_own_host(host: Option<&str>, port: u16) -> bool {
    let own = ["localhost", "127.0.0.1", "[::1]"];
    host.is_some_and(|host| own.iter().any(|name| host.eq_ignore_ascii_case(&format!("{name}:{port}"))))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OK: &str = "code=c1&state=st-1";

    fn knock<'a>(method: &'a str, path: &'a str, query: &'a str, host: Option<&'a str>) -> Judgement {
        judge(Knock { method, path, query, host }, 1455, &Secret::new("st-1"))
    }

    #[test]
    fn requests_are_judged_in_order() {
        let denial = |code: &str, text: &str| {
            Judgement::Denied(Denial { code: code.to_owned(), description: Some(text.to_owned()) })
        };
        let here = Some("localhost:1455");
        for (name, judged, expected) in [
            ("good", knock("GET", CALLBACK, OK, here), Judgement::Code(Secret::new("c1"))),
            ("v6", knock("GET", CALLBACK, OK, Some("[::1]:1455")), Judgement::Code(Secret::new("c1"))),
            ("foreign", knock("GET", CALLBACK, OK, Some("evil.test:1455")), Judgement::ForeignHost),
            ("other port", knock("GET", CALLBACK, OK, Some("localhost:1457")), Judgement::ForeignHost),
            ("no host", knock("GET", CALLBACK, OK, None), Judgement::ForeignHost),
            ("post", knock("POST", CALLBACK, OK, here), Judgement::WrongMethod),
            ("root", knock("GET", "/", OK, here), Judgement::NotFound),
            ("success", knock("GET", "/success", OK, here), Judgement::NotFound),
            ("cancel", knock("GET", CANCEL, "", here), Judgement::Cancel),
            ("no state", knock("GET", CALLBACK, "code=c1", here), Judgement::OtherState),
            ("state", knock("GET", CALLBACK, "code=c1&state=st-2", here), Judgement::OtherState),
            ("no code", knock("GET", CALLBACK, "state=st-1", here), Judgement::NoCode),
            (
                "denied",
                knock("GET", CALLBACK, "error=access_denied&error_description=No%20way&state=st-1", here),
                denial("access_denied", "No way"),
            ),
            (
                "denied to another",
                knock("GET", CALLBACK, "error=access_denied&state=st-2", here),
                Judgement::OtherState,
            ),
        ] {
            assert_eq!(judged, expected, "{name}");
        }
    }

    #[test]
    fn a_missing_entitlement_is_recognised_in_the_description() {
        let denial = Denial::of("error=access_denied&error_description=x+missing_codex_entitlement").unwrap();

        assert!(denial.lacks_entitlement());
        assert!(!Denial::of("error=access_denied").unwrap().lacks_entitlement());
        assert_eq!(Denial::of("error=access_denied").unwrap().words(), "access_denied");
        assert_eq!(Denial::of("code=c"), None);
    }
}
