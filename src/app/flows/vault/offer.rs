//! What can be taken back, and for how long.

use crate::app::outcome::Body;
use crate::app::outcome::vault::Told;
use crate::base::Span;
use crate::domain::vault::Act;

/// How long one deleted account can be brought back (dashboard.md §11.8).
const ONE: Span = Span::seconds(10);
/// The same for everything at once.
const ALL: Span = Span::seconds(30);

/// An offer: what the act was, how to take it back, for how long.
pub type Offer = (String, Act, Span);

/// The offer that goes with an outcome.
pub fn of(body: &Body) -> Option<Offer> {
    let Body::Vault(told) = body else { return None };
    match told.as_ref() {
        Told::Removed(named, removed) => {
            let back = Act::PutBack(Box::new(removed.kept.clone()));
            Some((format!("deleted {}", named.label), back, ONE))
        }
        Told::Cleared(cleared) => {
            let back = Act::Refill(Box::new(cleared.undo.clone()?));
            Some((format!("deleted all {} accounts", cleared.accounts), back, ALL))
        }
        Told::Restored(restored, _) => {
            let back = Act::Refill(Box::new(restored.undo.clone()?));
            Some((format!("restored {}", restored.from.name), back, ALL))
        }
        Told::Imported(imported) => {
            let back = Act::Refill(Box::new(imported.undo.clone()?));
            Some((format!("imported {} accounts", imported.added), back, ALL))
        }
        Told::Listed(..)
        | Told::Verified(..)
        | Told::Compared(..)
        | Told::Created(_)
        | Told::Deleted(_)
        | Told::Found(_)
        | Told::Exported(..)
        | Told::Back
        | Told::Switched(..)
        | Told::Labelled(..)
        | Told::Flagged(..)
        | Told::Unflagged(_)
        | Told::MovedToFlagged(_)
        | Told::Synced(_) => None,
    }
}
