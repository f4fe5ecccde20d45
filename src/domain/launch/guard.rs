//! The official `login` and `logout` revoke the refresh token they find in `auth.json`, and with it the
//! pool's copy of that account (D15). A guarded form is explained and needs a yes.

use crate::domain::launch::grammar::Scan;
use crate::domain::problem::{Exit, Hint, Problem};

/// A guarded form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guarded {
    /// `login`, also with `--device-auth`.
    Login,
    /// `logout`.
    Logout,
}

impl Guarded {
    /// The official word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Logout => "logout",
        }
    }
}

/// What the arguments ask for, when it is guarded.
pub fn guarded(scan: &Scan) -> Option<Guarded> {
    match scan.command {
        Some("login") if !scan.help && scan.words.first().is_none_or(|word| word != "status") => {
            Some(Guarded::Login)
        }
        Some("logout") if !scan.help => Some(Guarded::Logout),
        Some(_) | None => None,
    }
}

/// What a person reads before answering.
pub fn explanation(form: Guarded) -> [String; 3] {
    let word = form.word();
    [
        format!("`codex {word}` first revokes the login that auth.json holds now."),
        "The pool holds the same login, so that account would stop working here, too.".to_owned(),
        "Going on safely moves auth.json aside first, so that there is nothing to revoke.".to_owned(),
    ]
}

/// The answer to a guarded form that nobody agreed to.
pub fn refused(form: Guarded) -> Problem {
    let word = form.word();
    Problem::new(
        "needs-yes",
        Exit::Cancelled,
        format!("`codex {word}` would revoke the login in auth.json, which the pool uses"),
    )
    .hint(Hint::Run(format!("codex {word} --yes")))
    .hint(Hint::Say("With `--yes` auth.json is moved aside first and nothing is revoked".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::launch::grammar::scan;

    #[test]
    fn only_the_forms_that_revoke_are_guarded() {
        for (line, expected) in [
            ("login", Some(Guarded::Login)),
            ("login --device-auth", Some(Guarded::Login)),
            ("-c a=1 logout", Some(Guarded::Logout)),
            ("login status", None),
            ("login --help", None),
            ("logout -h", None),
            ("exec login", None),
            ("-- login", None),
        ] {
            let args: Vec<_> = line.split_whitespace().collect();
            assert_eq!(guarded(&scan(&args)), expected, "{line}");
        }
    }
}
