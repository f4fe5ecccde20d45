//! The token endpoint.

use std::future::Future;

use crate::domain::account::AccountKey;
use crate::domain::refresh::{Outcome, Reason};

/// Spends refresh tokens: exactly one call per account across all processes, journalled, durable before
/// visible.
pub trait Auth: Clone + Send + Sync + 'static {
    /// Brings an account's tokens up to date: under the machine-wide lock, re-reads pool and `auth.json`,
    /// adopts newer tokens found there, else spends the refresh token once. The outcome is already in the
    /// store when this returns. Dropping the future never cancels a call that was sent.
    ///
    /// `stale` is the access token the caller saw refused or expired; when the store holds another one by
    /// now, that is the answer and no call is made.
    fn refresh(
        &self,
        key: &AccountKey,
        reason: Reason,
        stale: Option<crate::base::Secret>,
    ) -> impl Future<Output = Outcome> + Send;

    /// Takes newer tokens that the official CLI's files hold over into the pool; says whether there were any. Tokens
    /// known to be spent, and older ones, are left where they are. Writes nothing else.
    fn adopt(&self) -> impl Future<Output = bool> + Send;

    /// Passes a refresh request for a token that is not in the pool to the token endpoint, unchanged.
    fn forward(
        &self,
        body: bytes::Bytes,
        content_type: Option<String>,
    ) -> impl Future<Output = Result<(http::StatusCode, http::HeaderMap, bytes::Bytes), String>> + Send;
}
