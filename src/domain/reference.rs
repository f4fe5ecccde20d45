//! Which account a person means: number, e-mail, label, id or a unique beginning of one (CLI-41).
//!
//! Digits are always a stored position (D27). An exact match beats a beginning; an ambiguous word is an
//! error that lists whom it could mean, never a guess.

use crate::domain::account::{Account, AccountKey};
use crate::domain::problem::{Exit, Hint, Problem};
use crate::domain::roster::Roster;

/// Finds the one account that `word` names.
///
/// # Errors
/// `no-accounts` for an empty pool, `out-of-range` and `unknown-account` when nothing fits,
/// `ambiguous-account` when several do.
pub fn resolve(word: &str, roster: &Roster) -> Result<AccountKey, Problem> {
    let word = word.trim();
    if roster.accounts.is_empty() {
        return Err(no_accounts());
    }
    if !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit()) {
        return by_number(word, roster);
    }
    if word.is_empty() {
        return Err(Problem::new("bad-argument", Exit::Usage, "the account is missing")
            .hint(Hint::Say("Name it by number, e-mail, label or id".to_owned())));
    }
    let exact = matching(roster, |name| name.eq_ignore_ascii_case(word));
    let found = if exact.is_empty() {
        let low = word.to_lowercase();
        matching(roster, |name| name.to_lowercase().starts_with(&low))
    } else {
        exact
    };
    match found.as_slice() {
        [] => Err(Problem::new("unknown-account", Exit::Usage, format!("no account is called {word}"))
            .hint(Hint::Run("status".to_owned()))),
        [(_, account)] => Ok(account.key.clone()),
        several => Err(ambiguous(word, several)),
    }
}

/// The same, and where nothing fits the one account that is tagged so.
///
/// # Errors
/// As [`resolve`]; `ambiguous-account` where several are.
pub fn resolve_tagged(
    word: &str,
    roster: &Roster,
    is_tagged: impl Fn(&Account) -> bool,
) -> Result<AccountKey, Problem> {
    let unknown = match resolve(word, roster) {
        Err(problem) if problem.code == "unknown-account" => problem,
        answer => return answer,
    };
    let tagged: Vec<(usize, &Account)> =
        roster.accounts.iter().enumerate().filter(|(_, account)| is_tagged(account)).collect();
    match tagged.as_slice() {
        [] => Err(unknown),
        [(_, account)] => Ok(account.key.clone()),
        several => Err(ambiguous(word, several)),
    }
}

/// The problem of an empty pool.
pub fn no_accounts() -> Problem {
    Problem::new("no-accounts", Exit::NoAccounts, "No accounts configured.")
        .hint(Hint::Run("login".to_owned()))
        .hint(Hint::Say("To look around without an account, run `codex-multi-auth --demo`".to_owned()))
}

/// How lists name an account: label, else e-mail, else its position.
pub fn name(account: &Account, number: usize) -> String {
    account.label.clone().or_else(|| account.email.clone()).unwrap_or_else(|| format!("Account {number}"))
}

fn by_number(word: &str, roster: &Roster) -> Result<AccountKey, Problem> {
    let count = roster.accounts.len();
    match word.parse::<usize>() {
        Ok(0) | Err(_) => Err(Problem::new("bad-argument", Exit::Usage, format!("Invalid index: {word}"))
            .because(format!("positions run from 1 to {count}"))),
        Ok(number) => roster.at_number(number).map(|account| account.key.clone()).ok_or_else(|| {
            Problem::new("out-of-range", Exit::Usage, format!("Index out of range. Valid range: 1-{count}"))
        }),
    }
}

fn matching(roster: &Roster, fits: impl Fn(&str) -> bool) -> Vec<(usize, &Account)> {
    roster
        .accounts
        .iter()
        .enumerate()
        .filter(|(_, account)| {
            [
                Some(account.key.as_str()),
                account.email.as_deref(),
                account.label.as_deref(),
                account.account_id.as_deref(),
                account.workspace_id(),
            ]
            .into_iter()
            .flatten()
            .any(&fits)
        })
        .collect()
}

fn ambiguous(word: &str, several: &[(usize, &Account)]) -> Problem {
    let mut problem =
        Problem::new("ambiguous-account", Exit::Usage, format!("{word} names {} accounts", several.len()));
    for (index, account) in several {
        problem = problem.because(format!("{}. {}", index + 1, name(account, index + 1)));
    }
    problem.hint(Hint::Say("Name one by its number or record id".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(key: &str, email: &str, label: Option<&str>) -> Account {
        Account {
            key: AccountKey::new(key),
            account_id: Some(format!("ws-{key}")),
            label: label.map(str::to_owned),
            email: Some(email.to_owned()),
            ..Account::sample(key)
        }
    }

    fn roster() -> Roster {
        Roster {
            accounts: vec![
                account("record:1", "ann@example.com", Some("work")),
                account("record:2", "ann@example.com", None),
                account("record:3", "bob@example.com", Some("worker")),
            ],
            ..Roster::default()
        }
    }

    #[test]
    fn a_reference_finds_its_account_by_every_name_it_has() {
        for (word, key) in [
            ("2", "record:2"),
            ("bob@example.com", "record:3"),
            ("BOB", "record:3"),
            ("work", "record:1"),
            ("worker", "record:3"),
            ("ws-record:2", "record:2"),
            ("record:1", "record:1"),
        ] {
            assert_eq!(resolve(word, &roster()).unwrap().as_str(), key, "{word}");
        }
    }

    #[test]
    fn a_tag_names_the_one_account_that_has_it_and_only_where_no_name_fits() {
        let tagged =
            |keys: &'static [&'static str]| move |account: &Account| keys.contains(&account.key.as_str());
        let named = |word, keys| resolve_tagged(word, &roster(), tagged(keys));

        assert_eq!(named("team", &["record:3"]).unwrap().as_str(), "record:3");
        assert_eq!(named("work", &["record:3"]).unwrap().as_str(), "record:1");
        assert_eq!(named("team", &["record:1", "record:3"]).unwrap_err().code, "ambiguous-account");
        assert_eq!(named("team", &[]).unwrap_err().code, "unknown-account");
    }

    #[test]
    fn a_reference_that_fits_nobody_or_several_is_an_error_with_its_own_code() {
        for (word, code) in [
            ("ann@example.com", "ambiguous-account"),
            ("zoe", "unknown-account"),
            ("0", "bad-argument"),
            ("4", "out-of-range"),
            ("", "bad-argument"),
        ] {
            assert_eq!(resolve(word, &roster()).unwrap_err().code, code, "{word}");
        }
        assert_eq!(resolve("1", &Roster::default()).unwrap_err().code, "no-accounts");
    }
}
