//! How a bind stands, in the words of `rotation status` (forwarder.md §15.6).

use crate::domain::bind::heal::Life;

/// How a bind stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// There is none.
    Unbound,
    /// Its state is there, its key is not.
    Binding,
    /// It works.
    Bound,
    /// Its router does not run.
    BoundDown,
    /// Its key stands in the file and nobody knows of it.
    Orphaned,
    /// The reference made it.
    Legacy,
}

/// What speaks for a bind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signs {
    /// A value of our shape stands in the file.
    pub key: bool,
    /// There is a state of ours.
    pub state: bool,
    /// The provider of the reference stands in the file, or its state is there.
    pub legacy: bool,
    /// Whether the router answers.
    pub router: Life,
}

impl Standing {
    /// Judges.
    pub const fn of(signs: Signs) -> Self {
        match signs {
            Signs { legacy: true, .. } => Self::Legacy,
            Signs { key: false, state: false, .. } => Self::Unbound,
            Signs { key: false, state: true, .. } => Self::Binding,
            Signs { key: true, state: false, .. } => Self::Orphaned,
            Signs { router: Life::Alive, .. } => Self::Bound,
            Signs { router: Life::Gone, .. } => Self::BoundDown,
        }
    }

    /// The word in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Unbound => "unbound",
            Self::Binding => "binding",
            Self::Bound => "bound",
            Self::BoundDown => "bound-down",
            Self::Orphaned => "orphaned",
            Self::Legacy => "legacy",
        }
    }

    /// For people.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Unbound => "not configured",
            Self::Binding | Self::BoundDown => "configured but router not running",
            Self::Bound => "running",
            Self::Orphaned => "bound but unmanaged",
            Self::Legacy => "bound by the original package",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_table_is_whole() {
        for (key, state, legacy, router, expected) in [
            (false, false, false, Life::Gone, Standing::Unbound),
            (false, true, false, Life::Gone, Standing::Binding),
            (false, true, false, Life::Alive, Standing::Binding),
            (true, true, false, Life::Alive, Standing::Bound),
            (true, true, false, Life::Gone, Standing::BoundDown),
            (true, false, false, Life::Gone, Standing::Orphaned),
            (true, false, false, Life::Alive, Standing::Orphaned),
            (false, false, true, Life::Gone, Standing::Legacy),
        ] {
            let signs = Signs { key, state, legacy, router };
            assert_eq!(Standing::of(signs), expected, "{signs:?}");
        }
    }
}
