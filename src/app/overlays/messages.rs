//! Past messages, newest first.

/// The open history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Messages {
    /// Cursor.
    pub place: usize,
    /// First row shown.
    pub offset: usize,
}

/// Rows of the message history on a screen of this height.
pub fn room(height: u16) -> usize {
    usize::from(height.saturating_sub(14).clamp(3, 20))
}
