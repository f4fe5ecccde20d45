//! Copies of the pool, imports, deletions and the flagged pool.

use std::future::Future;

use crate::domain::problem::Problem;
use crate::domain::vault::{Act, Answer};

/// Keeps what may be needed again. Each act takes the pool's lock, works on the pool as it stands on disk, and
/// has happened whole or not at all when it returns.
pub trait Vault: Clone + Send + Sync + 'static {
    /// Carries one act out.
    ///
    /// # Errors
    /// When it was refused or the disk failed; what was there before is intact.
    fn carry_out(&self, act: Act) -> impl Future<Output = Result<Answer, Problem>> + Send;
}
