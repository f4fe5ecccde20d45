//! From an answer of the endpoint, or a kept one, to the set of tokens the pool stores.

use crate::base::{Moment, Secret, Span};
use crate::domain::account::{Account, Credentials, Tokens};
use crate::domain::change::Change;
use crate::formats::leases::Lease;
use crate::formats::{jwt, oauth_wire};

/// The tokens of a good answer to `account`'s refresh token.
pub(super) fn renewed(account: &Account, granted: &oauth_wire::Granted, now: Moment) -> Credentials {
    let old = &account.credentials;
    let declared = granted.expires_in.map(|seconds| now + Span::seconds(seconds));
    fresh(old, &granted.access, granted.refresh.as_ref(), granted.id_token.as_ref(), declared)
}

/// The change that brings a kept answer into the pool.
pub(super) fn adoption(account: &Account, lease: &Lease) -> Change {
    let tokens = fresh(
        &account.credentials,
        &lease.access,
        Some(&lease.refresh),
        lease.id_token.as_ref(),
        Some(lease.expires),
    );
    Change::Renewed { key: account.key.clone(), credentials: Box::new(tokens), at: lease.created_at }
}

/// Whether a kept answer says more than the row. An endpoint that does not rotate refresh tokens leaves the same
/// hash behind, so there the access tokens are compared.
pub(super) fn is_news(row: &Account, lease: &Lease) -> bool {
    let tokens = &row.credentials;
    lease.refresh != tokens.refresh
        || (tokens.access.as_ref() != Some(&lease.access) && tokens.expires_at < Some(lease.expires))
}

fn fresh(
    old: &Credentials,
    access: &Secret,
    refresh: Option<&Secret>,
    id_token: Option<&Secret>,
    declared: Option<Moment>,
) -> Credentials {
    let mut claims = jwt::claims(Some(access.expose()), id_token.map(Secret::expose));
    // The answer to a token is newer than that token, however coarse the clock of its issuer.
    let after_old = old.claims.issued_at.map(|issued| issued + Span::millis(1));
    claims.issued_at = claims.issued_at.max(after_old);
    Credentials {
        refresh: refresh.unwrap_or(&old.refresh).clone(),
        access: Some(access.clone()),
        id_token: id_token.or(old.id_token.as_ref()).cloned(),
        expires_at: match (claims.expires_at, declared) {
            (Some(claimed), Some(declared)) => Some(claimed.min(declared)),
            (claimed, declared) => claimed.or(declared),
        },
        claims: claims.into(),
        tokens: Tokens::Here,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_answer_leaves_out_is_kept() {
        let account = Account::sample("one");
        let old = &account.credentials;
        let granted = oauth_wire::Granted {
            access: Secret::from("new-access"),
            refresh: None,
            id_token: None,
            expires_in: Some(60),
        };

        let tokens = renewed(&account, &granted, Moment::from_secs(1_000));

        assert_eq!((&tokens.refresh, &tokens.id_token), (&old.refresh, &old.id_token));
        assert_eq!(tokens.access, Some(Secret::from("new-access")));
        assert_eq!(tokens.expires_at, Some(Moment::from_secs(1_060)));
    }
}
