//! The accounts: who they are, whether they can serve, and whether the official CLI holds the selected one.

use std::collections::BTreeMap;

use crate::base::{Span, redact};
use crate::domain::account::Account;
use crate::domain::checkup::Finding;
use crate::domain::checkup::facts::{Facts, Positions};
use crate::domain::checkup::findings::{count, counted, some};
use crate::domain::checkup::repair::{Identity, Patient, Repair};
use crate::domain::official::Login;
use crate::domain::{label, token};

/// An access token this close to its end is renewed (commands.md §2.1).
const USABLE: Span = Span::minutes(5);
/// The shortest refresh token upstream was seen to give is much longer.
const SHORTEST: usize = 20;

pub(super) fn findings(facts: &Facts, all: &mut Vec<Finding>) {
    let accounts = &facts.pool.roster.accounts;
    if facts.pool.trouble.is_some() {
        return;
    }
    if accounts.is_empty() {
        all.push(
            Finding::warn("accounts", "No accounts configured").hint("Add one with `codex-multi-auth login`"),
        );
        return;
    }
    all.push(Finding::ok("accounts", format!("{} loaded", count(accounts.len(), "account"))));
    all.push(match facts.pool.positions {
        Some(Positions::OutOfRange) => {
            Finding::error("active-index", "A selected position points past the last account")
                .repaired_by(Repair::ActiveIndex)
        }
        Some(Positions::InRange) | None => Finding::ok("active-index", "Selected positions are in range"),
    });
    enabled(facts, all);
    duplicates(facts, all);
    names(facts, all);
    tokens(facts, all);
    choice(facts, all);
    active(facts, all);
}

fn patients<'a>(
    facts: &'a Facts,
    wanted: impl Fn(usize, &Account) -> bool + 'a,
) -> impl Iterator<Item = (&'a Account, Patient)> + 'a {
    facts.pool.roster.accounts.iter().enumerate().filter(move |(index, account)| wanted(*index, account)).map(
        |(index, account)| {
            let name = label::name(account, index + 1).into_owned();
            (account, Patient { key: account.key.clone(), name })
        },
    )
}

fn selected(facts: &Facts) -> Option<(&Account, Patient)> {
    let key = facts.pool.roster.active.as_ref().or(facts.pool.roster.pin.as_ref());
    let first = facts.pool.roster.accounts.first().map(|account| &account.key);
    let key = key.or(first)?;
    patients(facts, move |_, account| account.key == *key).next()
}

fn enabled(facts: &Facts, all: &mut Vec<Finding>) {
    let on = patients(facts, |_, account| account.is_on()).count();
    if on > 0 {
        all.push(Finding::ok("enabled-accounts", format!("{} switched on", count(on, "account"))));
        return;
    }
    let finding = Finding::error("enabled-accounts", "Every account is switched off");
    all.push(match selected(facts) {
        Some((_, who)) => finding.repaired_by(Repair::SwitchOn(who)),
        None => finding,
    });
}

fn duplicates(facts: &Facts, all: &mut Vec<Finding>) {
    let mut seen = BTreeMap::new();
    for (account, who) in patients(facts, |_, _| true) {
        seen.entry(token::hash(&account.credentials.refresh)).or_insert_with(Vec::new).push((account, who));
    }
    let later: Vec<(&Account, Patient)> =
        seen.into_values().flat_map(|group| group.into_iter().skip(1)).collect();
    all.push(if later.is_empty() {
        Finding::ok("duplicate-refresh-token", "No two accounts share a refresh token")
    } else {
        let count = count(later.len(), "duplicate refresh token");
        let on: Vec<Patient> =
            later.iter().filter(|(account, _)| account.is_on()).map(|(_, who)| who.clone()).collect();
        let finding = Finding::warn("duplicate-refresh-token", count)
            .details(some(later.iter().map(|(_, who)| &who.name)))
            .hint("A refresh token works once; the accounts would sign each other out");
        if on.is_empty() { finding } else { finding.repaired_by(Repair::SwitchOff(on)) }
    });

    let mut people: BTreeMap<&str, Vec<Option<&str>>> = BTreeMap::new();
    for account in &facts.pool.roster.accounts {
        if let Some(email) = &account.email {
            people.entry(email).or_default().push(account.workspace_id());
        }
    }
    let is_doubled = |seats: &Vec<Option<&str>>| {
        let mut sorted = seats.clone();
        sorted.sort_unstable();
        sorted.dedup();
        seats.len() > 1 && (sorted.len() < seats.len() || sorted.first() == Some(&None))
    };
    let doubled: Vec<&str> =
        people.iter().filter(|(_, seats)| is_doubled(seats)).map(|(email, _)| *email).collect();
    let seats = people.values().filter(|seats| seats.len() > 1).count();
    all.push(match (doubled.len(), seats) {
        (0, 0) => Finding::ok("duplicate-email", "No e-mail stands twice"),
        (0, seats) => Finding::ok(
            "duplicate-email",
            format!("{} with several workspaces, which is fine", count(seats, "e-mail")),
        ),
        (doubled_count, _) => Finding::warn(
            "duplicate-email",
            format!("{} twice with one workspace", count(doubled_count, "e-mail")),
        )
        .details(some(&doubled)),
    });
}

fn names(facts: &Facts, all: &mut Vec<Finding>) {
    let claimed = |account: &Account| account.credentials.claims.email.clone();
    let is_placeholder = |account: &Account| {
        account.email.as_deref().is_some_and(|email| email.ends_with("@example.com"))
            && claimed(account) != account.email
    };
    let emails: Vec<Identity> =
        patients(facts, |_, account| account.email.is_none() || is_placeholder(account))
            .filter_map(|(account, who)| {
                let email = claimed(account)?;
                (Some(&email) != account.email.as_ref()).then_some(Identity {
                    who,
                    email: Some(email),
                    account_id: None,
                })
            })
            .collect();
    let placeholders: Vec<String> = patients(facts, |_, account| {
        account.email.as_deref().is_some_and(|email| email.ends_with("@example.com"))
    })
    .map(|(_, who)| who.name)
    .collect();
    let finding = match (placeholders.len(), emails.len()) {
        (0, 0) => Finding::ok("placeholder-email", "Every e-mail is a real one"),
        (0, missing) => {
            Finding::warn("placeholder-email", format!("{} without e-mail", count(missing, "account")))
        }
        (number, _) => Finding::warn("placeholder-email", count(number, "placeholder e-mail"))
            .details(some(placeholders))
            .hint("It is replaced when the account signs in again"),
    };
    all.push(if emails.is_empty() { finding } else { finding.repaired_by(Repair::Emails(emails)) });

    let ids: Vec<Identity> =
        patients(facts, |_, account| account.account_id.as_deref().is_none_or(|id| id.trim().is_empty()))
            .filter_map(|(account, who)| {
                let id = account.credentials.claims.workspace_id.clone()?;
                Some(Identity { who, email: None, account_id: Some(id) })
            })
            .collect();
    if !ids.is_empty() {
        all.push(
            Finding::warn("account-id", format!("{} without workspace id", count(ids.len(), "account")))
                .repaired_by(Repair::Ids(ids)),
        );
    }
}

fn tokens(facts: &Facts, all: &mut Vec<Finding>) {
    let odd: Vec<String> = patients(facts, |_, account| is_odd(account)).map(|(_, who)| who.name).collect();
    all.push(if odd.is_empty() {
        Finding::ok("refresh-token-shape", "Refresh tokens look right")
    } else {
        Finding::warn(
            "refresh-token-shape",
            format!("{} that do not look right", count(odd.len(), "refresh token")),
        )
        .details(some(odd))
        .hint("Sign the account in again if its next refresh fails")
    });
    let dead: Vec<String> = patients(facts, |_, account| account.is_on() && account.invalidation.is_some())
        .map(|(account, who)| {
            let code = account.invalidation.as_ref().and_then(|mark| mark.code.as_deref());
            format!("{} ({})", who.name, code.unwrap_or("signed out"))
        })
        .collect();
    if !dead.is_empty() {
        all.push(
            Finding::error("needs-login", format!("{} must sign in again", count(dead.len(), "account")))
                .details(some(dead))
                .hint("Run `codex-multi-auth login`, or `codex-multi-auth fix` to set them aside"),
        );
    }
    let cut: Vec<String> =
        patients(facts, |_, account| account.uncertain_since.is_some()).map(|(_, who)| who.name).collect();
    if !cut.is_empty() {
        all.push(
            Finding::warn(
                "uncertain",
                format!("{} uncertain: a refresh was cut", counted(cut.len(), "account is", "accounts are")),
            )
            .details(some(cut))
            .hint("`codex-multi-auth check --refresh` tries once more; it may turn out to need a new login"),
        );
    }
}

fn is_odd(account: &Account) -> bool {
    let refresh = account.credentials.refresh.expose();
    if refresh.starts_with("keychain:") {
        return false;
    }
    let is_access = refresh.starts_with("eyJ") && refresh.matches('.').count() == 2;
    is_access || refresh.len() < SHORTEST || refresh.chars().any(|c| c.is_whitespace() || c.is_control())
}

fn choice(facts: &Facts, all: &mut Vec<Finding>) {
    let current = facts.pool.roster.active.as_ref();
    let next = facts.pool.next.as_ref();
    all.push(match next {
        Some(next) if Some(next) != current => {
            let name =
                patients(facts, move |_, account| account.key == *next).next().map(|(_, who)| who.name);
            Finding::info(
                "recommended-switch",
                format!("The next request goes to {}", name.unwrap_or_default()),
            )
            .hint("See why with `codex-multi-auth why-selected`")
        }
        Some(_) => Finding::ok("recommended-switch", "The selected account serves the next request"),
        None => Finding::info("recommended-switch", "No account can serve the next request"),
    });
    let out = &facts.pool.out_of_step;
    all.push(if out.is_empty() {
        Finding::ok("forecast-runtime-alignment", "Live proxies see the accounts as the files do")
    } else {
        let count = format!("{} ready on disk but not in a live proxy", count(out.len(), "account"));
        let names = out.iter().map(|(key, why)| {
            let name = patients(facts, move |_, account| account.key == *key).next().map(|(_, who)| who.name);
            format!("{}: {why}", name.unwrap_or_default())
        });
        Finding::warn("forecast-runtime-alignment", count).details(some(names))
    });
}

/// The selected account: is it fresh, and does the official CLI hold it?
fn active(facts: &Facts, all: &mut Vec<Finding>) {
    let Some((account, who)) = selected(facts) else { return };
    let is_refused = account.invalidation.is_some() || account.uncertain_since.is_some();
    let lacks = account.needs_refresh(facts.at, USABLE) || account.credentials.id_token.is_none();
    let sync = sync(facts, account, &who);
    let is_due = account.needs_refresh(facts.at, USABLE) || (lacks && sync.repair.is_some());
    if is_due && !is_refused && account.is_on() {
        all.push(
            Finding::info("active-token", format!("The tokens of {} are due", who.name))
                .hint("They are renewed with the next request, or by `codex-multi-auth doctor --fix`")
                .repaired_by(Repair::Refresh(who)),
        );
    }
    all.push(sync);
}

fn sync(facts: &Facts, account: &Account, who: &Patient) -> Finding {
    const KEY: &str = "active-selection-sync";
    let mirror = |finding: Finding| {
        let can = facts.official.may_write && account.is_on() && account.invalidation.is_none();
        if can { finding.repaired_by(Repair::Mirror(who.clone())) } else { finding }
    };
    match &facts.official.login {
        Login::ChatGpt(login) if login.is(account) => {
            Finding::ok(KEY, "The official CLI holds the selected account")
        }
        Login::ChatGpt(login) => {
            let shown = |email: Option<&str>, id: Option<&str>| {
                let email = email.map(redact::email);
                email.or_else(|| id.map(redact::id)).unwrap_or_else(|| "unknown".to_owned())
            };
            let manager = shown(account.email.as_deref(), account.workspace_id());
            let codex = shown(
                login.claims.email.as_deref(),
                login.claims.workspace_id.as_deref().or(login.account_id.as_deref()),
            );
            let finding = Finding::warn(KEY, "The official CLI holds another account than the selected one")
                .details(format!("manager={manager} | codex={codex}"));
            mirror(finding)
        }
        Login::Absent => mirror(Finding::warn(KEY, "The official CLI does not hold the selected account")),
        Login::Other { kind, .. } => {
            Finding::info(KEY, format!("auth.json holds {kind}, which is left alone"))
        }
        Login::Unreadable { .. } => Finding::info(KEY, "What the official CLI holds is unknown"),
    }
}
