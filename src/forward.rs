//! From "the user typed `codex …`" to the official process that talks to our loopback proxy.
//!
//! The official CLI keeps its own home, provider, history and transport: it is given one setting and one
//! variable, and nothing stays behind (decisions.md D10). Where rotation is wanted and impossible nothing is
//! launched (FW-7).

pub mod launch;
pub mod preflight;
mod show;

use crate::domain::account::{Account, AccountKey};
use crate::domain::label;
use crate::domain::launch::environment::{BYPASS, Inherited};
use crate::domain::problem::{Hint, Problem};
use crate::domain::roster::Roster;
use crate::ports::{Codex, Home, Ports, Question};

/// Everything a forwarded launch needs from outside.
#[derive(Debug, Clone)]
pub struct Desk<P, H, C, Q> {
    /// Pool, token endpoint, back end, time.
    pub ports: P,
    /// The official CLI's files.
    pub home: H,
    /// The official CLI itself.
    pub codex: C,
    /// The person, if there is one.
    pub question: Q,
    /// The environment as inherited.
    pub env: Inherited,
    /// Who reads stderr.
    pub audience: Audience,
    /// This process.
    pub pid: u32,
    /// Our version.
    pub version: &'static str,
}

/// Who reads stderr.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// A person at a terminal: hints are welcome, accounts go by their names.
    Person,
    /// A file or a pipe: only what matters, accounts go by their positions (FW-9).
    Script,
}

impl<P: Ports, H: Home, C: Codex, Q: Question> Desk<P, H, C, Q> {
    fn is_bypassed(&self) -> bool {
        self.env.filled(BYPASS) == Some("1")
    }

    /// How an account is called on stderr.
    fn name(&self, roster: &Roster, key: &AccountKey) -> String {
        let number = roster.index_of(key).map_or(0, |index| index + 1);
        match (self.audience, roster.get(key)) {
            (Audience::Person, Some(account)) => label::name(account, number).into_owned(),
            (Audience::Script, _) | (_, None) => format!("account {number}"),
        }
    }

    fn named(&self, roster: &Roster, account: &Account) -> String {
        self.name(roster, &account.key)
    }
}

/// The two ways out of a launch that cannot be rotated.
fn closed(problem: Problem) -> Problem {
    problem
        .hint(Hint::Say(
            "To run Codex without rotation once, set `CODEX_MULTI_AUTH_RUNTIME_ROTATION_PROXY=0`".to_owned(),
        ))
        .hint(Hint::Run("status".to_owned()))
}

#[cfg(test)]
mod tests;
