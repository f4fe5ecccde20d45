//! What a start of any of our programs does about a bind it finds (forwarder.md §15.4).

use crate::base::Moment;
use crate::domain::bind::{Bind, Mode, Phase};

/// Whether something is alive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Life {
    /// It is.
    Alive,
    /// It is not.
    Gone,
}

/// Whether rotation is wanted at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rotation {
    /// It is.
    On,
    /// It is not.
    Off,
}

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found<'a> {
    /// Whether a value of our shape stands in the file.
    pub key: bool,
    /// The state, if it can be read.
    pub bind: Option<&'a Bind>,
    /// Whether the address in the file answers as ours; with no value there, whether the state's does.
    pub router: Life,
    /// Whether the process that made the bind lives.
    pub owner: Life,
    /// Whether rotation is on.
    pub rotation: Rotation,
    /// Now.
    pub at: Moment,
}

/// What to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// Nothing.
    Nothing,
    /// Start the router again; where that is not to be had, take the bind back.
    Restart,
    /// Put the original back and drop the state.
    Restore,
    /// Keep a copy of the file and remove the key: nobody knows what stood there before.
    RemoveOrphan,
}

/// Decides.
pub fn remedy(found: Found<'_>) -> Remedy {
    let Some(bind) = found.bind else {
        return if found.key && found.router == Life::Gone { Remedy::RemoveOrphan } else { Remedy::Nothing };
    };
    let is_over = bind.lease_until.is_some_and(|until| until <= found.at);
    if bind.phase == Phase::Binding {
        // Somebody is at it, or was and died: what is half done is taken back, whether or not a router came up.
        return if found.owner == Life::Alive && !is_over { Remedy::Nothing } else { Remedy::Restore };
    }
    if !found.key {
        // The user took the key out. His file says what he wants; the state goes with an unbind.
        return Remedy::Nothing;
    }
    match (found.router, bind.mode, found.rotation) {
        (Life::Alive, ..) => Remedy::Nothing,
        (Life::Gone, Mode::Leased, _) | (Life::Gone, Mode::Persistent, Rotation::Off) => Remedy::Restore,
        (Life::Gone, Mode::Persistent, Rotation::On) => Remedy::Restart,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Secret, Span};
    use crate::domain::bind::{Original, Owner};

    const AT: Moment = Moment::from_millis(1_000_000);

    fn bind(mode: Mode, phase: Phase, lease_until: Option<Moment>) -> Bind {
        Bind {
            mode,
            phase,
            port: 1,
            secret: Secret::new("s"),
            config: "/c".into(),
            original: Original::default(),
            owner: Owner { pid: 1, start: None },
            lease_until,
            identity: "i".into(),
            client_key: Secret::new("k"),
            created_at: AT,
            updated_at: AT,
        }
    }

    #[test]
    fn every_state_has_its_remedy() {
        use Life::{Alive, Gone};
        use Remedy::{Nothing, RemoveOrphan, Restart, Restore};
        let bound = bind(Mode::Persistent, Phase::Bound, None);
        let leased = bind(Mode::Leased, Phase::Bound, Some(AT + Span::minutes(5)));
        let expired = bind(Mode::Leased, Phase::Bound, Some(AT));
        let binding = bind(Mode::Persistent, Phase::Binding, Some(AT + Span::minutes(5)));
        let abandoned = bind(Mode::Persistent, Phase::Binding, Some(AT));
        for (name, key, bind, router, owner, rotation, expected) in [
            ("nothing there", false, None, Gone, Gone, Rotation::On, Nothing),
            ("orphan", true, None, Gone, Gone, Rotation::On, RemoveOrphan),
            ("a router of another root", true, None, Alive, Gone, Rotation::On, Nothing),
            ("bound", true, Some(&bound), Alive, Gone, Rotation::On, Nothing),
            ("dead router", true, Some(&bound), Gone, Gone, Rotation::On, Restart),
            ("rotation off", true, Some(&bound), Gone, Gone, Rotation::Off, Restore),
            ("key taken out", false, Some(&bound), Gone, Gone, Rotation::On, Nothing),
            ("leased, alive", true, Some(&leased), Alive, Gone, Rotation::On, Nothing),
            ("leased, dead", true, Some(&leased), Gone, Alive, Rotation::On, Restore),
            ("lease over", true, Some(&expired), Gone, Alive, Rotation::On, Restore),
            ("under way", false, Some(&binding), Gone, Alive, Rotation::On, Nothing),
            ("under way, key written", true, Some(&binding), Alive, Alive, Rotation::On, Nothing),
            ("killed before the key", false, Some(&binding), Alive, Gone, Rotation::On, Restore),
            ("killed after the key", true, Some(&binding), Alive, Gone, Rotation::On, Restore),
            ("takes too long", true, Some(&abandoned), Alive, Alive, Rotation::On, Restore),
        ] {
            let found = Found { key, bind, router, owner, rotation, at: AT };

            assert_eq!(remedy(found), expected, "{name}");
        }
    }
}
