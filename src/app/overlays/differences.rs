//! Changed settings, before and after.

/// The open list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Differences {
    /// First row shown.
    pub offset: usize,
}
