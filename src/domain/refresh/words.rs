//! What stands against an account's sign-in, in words, and what helps: the same on every face.

use crate::domain::account::Account;
use crate::domain::refresh::verdict::{Cause, cause};

/// What a person has to know and do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Advice {
    /// What happened; continues a sentence that begins with the account's name.
    pub what: &'static str,
    /// What helps; one sentence without its full stop.
    pub help: &'static str,
}

/// The advice for an account; `None` when nothing stands against its sign-in.
pub fn advice(account: &Account) -> Option<Advice> {
    if let Some(invalidation) = &account.invalidation {
        return Some(for_code(invalidation.code.as_deref()));
    }
    if account.uncertain_since.is_some() {
        return Some(UNCERTAIN);
    }
    account.credentials.is_missing().then_some(MISSING)
}

/// The advice for an account that was declared dead with this code.
pub fn for_code(code: Option<&str>) -> Advice {
    let (what, help) = match code.and_then(cause) {
        Some(Cause::Expired) => ("was signed out: its session ran out", SIGN_IN),
        Some(Cause::Reused) => (
            "was signed out: another program used up its session, usually the official CLI or a copy of this pool",
            SIGN_IN,
        ),
        Some(Cause::Revoked) => {
            ("was signed out elsewhere, for instance by `codex login` or `codex logout`", SIGN_IN)
        }
        Some(Cause::Invalid) => ("was signed out: its session is no longer valid", SIGN_IN),
        Some(Cause::Unreadable) => ("got answers nobody can read, again and again", SIGN_IN),
        Some(Cause::WrongIdentity) => (
            "got the tokens of another account; they are kept in the quarantine folder and were not used",
            "Sign in again to this very account (key r); nothing was merged",
        ),
        Some(Cause::Spent) => {
            ("holds old tokens that this machine has already exchanged for newer ones", SIGN_IN)
        }
        None => ("must sign in again", SIGN_IN),
    };
    Advice { what, help }
}

const SIGN_IN: &str = "Sign in to it again (key r, or `codex-multi-auth login`)";

const UNCERTAIN: Advice = Advice {
    what: "may have lost its sign-in: a refresh was cut and its outcome is unknown",
    help: "The next refresh may sign it out; wait until Codex has renewed auth.json, or sign in again (key r)",
};

const MISSING: Advice = Advice { what: "has no refresh token", help: SIGN_IN };

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Moment;
    use crate::domain::account::Invalidation;

    #[test]
    fn whoever_cannot_sign_in_by_itself_is_told_why_and_what_helps() {
        let dead = |code: Option<&str>| Account {
            invalidation: Some(Invalidation { at: Moment::EPOCH, code: code.map(str::to_owned) }),
            ..Account::sample("one")
        };
        let says =
            |account: &Account| advice(account).map(|advice| advice.what.to_owned()).unwrap_or_default();

        for (code, part) in [
            (Some("app_session_expired"), "ran out"),
            (Some("refresh_token_reused"), "another program"),
            (Some("app_session_terminated"), "elsewhere"),
            (Some("invalid_grant"), "no longer valid"),
            (Some("invalid_response"), "nobody can read"),
            (Some("wrong_identity"), "another account"),
            (Some("refresh_token_spent"), "already exchanged"),
            (Some("token_invalidated"), "sign in again"),
            (None, "sign in again"),
        ] {
            assert!(says(&dead(code)).contains(part), "{code:?}");
            assert!(advice(&dead(code)).is_some_and(|advice| advice.help.contains("key r")), "{code:?}");
        }
        let cut = Account { uncertain_since: Some(Moment::EPOCH), ..Account::sample("one") };
        assert!(says(&cut).contains("outcome is unknown"));
        assert_eq!(advice(&Account::sample("one")), None);
    }
}
