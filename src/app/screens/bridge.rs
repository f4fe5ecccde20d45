//! The bridge pane of the Monitor: whether it runs, and the keys of its clients.

use crate::app::bridge::{Changed, Heard, Standing};
use crate::base::Moment;
use crate::domain::client_token::{ClientToken, State};

/// The pane's state.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Bridge {
    /// Whether the pane is open.
    pub open: bool,
    /// How the bridge stands, once somebody looked.
    pub standing: Option<Standing>,
    /// The keys, those that work first, and when that was.
    pub tokens: Option<(Vec<ClientToken>, Moment)>,
    /// Whether somebody has to look again.
    pub stale: bool,
    /// Cursor among the keys.
    pub place: usize,
}

impl Bridge {
    /// Takes an answer in.
    pub fn hear(&mut self, heard: &Heard) {
        match heard {
            Heard::Standing(standing) => {
                // What was started or stopped may have changed what its clients see.
                self.stale |= standing.changed == Changed::Yes;
                self.standing = Some(standing.clone());
            }
            Heard::Tokens(tokens, at) => {
                let mut tokens = tokens.clone();
                tokens.sort_by_key(|token| token.state(*at) != State::Active);
                self.tokens = Some((tokens, *at));
                self.go(self.place);
            }
            Heard::Minted(..) | Heard::Revoked(_) => self.stale = true,
            Heard::Failed(_) => {}
        }
    }

    /// Puts the cursor on a key.
    pub fn go(&mut self, place: usize) {
        let count = self.tokens.as_ref().map_or(0, |(tokens, _)| tokens.len());
        self.place = place.min(count.saturating_sub(1));
    }

    /// The key under the cursor.
    pub fn focused(&self) -> Option<&ClientToken> {
        self.tokens.as_ref()?.0.get(self.place)
    }
}
