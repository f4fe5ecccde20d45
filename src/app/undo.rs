//! Taking back: the inverse of the last act with its deadline.

use crate::base::Moment;
use crate::domain::account::AccountKey;
use crate::domain::change::Change;
use crate::domain::policy::account::PolicyEdit;
use crate::domain::vault::Act;

/// An offer to take the last act back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undo {
    /// What the act was, for people ("switched to work").
    pub what: String,
    /// How to take it back.
    pub inverse: Inverse,
    /// The pool's generation right after the act; a later one means that somebody else chose since.
    pub generation: u64,
    /// Until when the offer stands.
    pub until: Moment,
}

/// The inverse of an act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Inverse {
    /// Changes of the pool.
    Changes(Vec<Change>),
    /// An act that brings back what was kept.
    Act(Box<Act>),
    /// What the user wanted of an account before.
    Policy(AccountKey, PolicyEdit),
}

impl Undo {
    /// Why the offer no longer stands, if so.
    pub fn refused(&self, generation: u64, at: Moment) -> Option<&'static str> {
        if at > self.until {
            return Some("there is nothing to undo any more");
        }
        (generation != self.generation).then_some("the pool was changed elsewhere since; nothing was undone")
    }
}
