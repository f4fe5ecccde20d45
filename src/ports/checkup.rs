//! Looking at everything once, and mending what is broken.

use std::future::Future;

use crate::domain::checkup::facts::Facts;
use crate::domain::checkup::repair::{Mended, Repair};

/// Gathers facts, and carries out the repairs that are changes of files or of the pool. Looking changes nothing
/// but what every load of the pool changes; every repair looks again before it acts.
pub trait Checkup: Clone + Send + Sync + 'static {
    /// Looks at everything below the root and at the official CLI's files.
    fn examine(&self) -> impl Future<Output = Facts> + Send;
    /// Carries one repair out. Tokens and the official login are for others: here those repairs do nothing.
    ///
    /// # Errors
    /// What kept it from being done, for people; nothing is half done.
    fn mend(&self, repair: &Repair) -> impl Future<Output = Result<Mended, String>> + Send;
}
