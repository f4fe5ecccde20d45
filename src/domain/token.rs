//! When tokens are due, and which of two sets for the same account is the newer one.
//!
//! Refresh tokens are single use: losing the newer set loses the account. So a set is only passed over when it
//! is known to be older. The issue time decides first, because a token refreshed early may live shorter than
//! the one it replaces; the expiry decides where issue times are equal or unknown.

use std::cmp::Ordering;

use crate::base::{Moment, Secret, Span};
use crate::domain::account::{Account, Credentials};
use crate::domain::identity::sha256_hex;

/// Whether the account's access token runs out within `skew`, or is missing.
pub fn is_due(account: &Account, at: Moment, skew: Span) -> bool {
    account.needs_refresh(at, skew)
}

/// Whether `candidate` is known to be older than `stored`.
pub fn is_older(candidate: &Credentials, stored: &Credentials) -> bool {
    compare(candidate, stored) == Some(Ordering::Less)
}

/// Whether `candidate` is known to be newer than `stored`.
pub fn is_newer(candidate: &Credentials, stored: &Credentials) -> bool {
    if stored.access.is_none() {
        return candidate.access.is_some();
    }
    compare(candidate, stored) == Some(Ordering::Greater)
}

fn compare(a: &Credentials, b: &Credentials) -> Option<Ordering> {
    let issued = a.claims.issued_at.zip(b.claims.issued_at).map(|(a, b)| a.cmp(&b));
    match issued {
        Some(Ordering::Less | Ordering::Greater) => issued,
        Some(Ordering::Equal) | None => a.expires_at.zip(b.expires_at).map(|(a, b)| a.cmp(&b)),
    }
}

/// The name a refresh token has in lease files, journals and histories: its SHA-256, exactly as stored.
pub fn hash(refresh: &Secret) -> String {
    sha256_hex(refresh.expose())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::account::Claims;

    fn set(issued: Option<i64>, expires: Option<i64>) -> Credentials {
        Credentials {
            access: Some(Secret::new("a")),
            expires_at: expires.map(Moment::from_secs),
            claims: Claims { issued_at: issued.map(Moment::from_secs), ..Claims::default() }.into(),
            ..Credentials::default()
        }
    }

    #[test]
    fn a_set_is_older_only_when_it_is_known_to_be() {
        for (name, candidate, stored, older) in [
            ("later issue wins over longer life", set(Some(2), Some(5)), set(Some(1), Some(9)), false),
            ("earlier issue", set(Some(1), Some(9)), set(Some(2), Some(5)), true),
            ("same issue, earlier end", set(Some(1), Some(5)), set(Some(1), Some(9)), true),
            ("equal", set(Some(1), Some(5)), set(Some(1), Some(5)), false),
            ("unknown end", set(None, None), set(Some(1), Some(9)), false),
            ("no issue times", set(None, Some(5)), set(Some(1), Some(9)), true),
        ] {
            assert_eq!(is_older(&candidate, &stored), older, "{name}");
        }
    }

    #[test]
    fn the_hash_is_the_stem_of_lease_files() {
        assert_eq!(
            hash(&Secret::new("rt_fixture_0001_v1_AAAAbbbbCCCCdddd")),
            "42757a8057148d32e566cb0b5ea1abcb4532504159e28023d725de4439f898c2"
        );
    }
}
