use std::sync::Arc;

use super::*;
use crate::base::{Moment, Secret};
use crate::domain::account::{Account, Invalidation, Switch};
use crate::domain::checkup::facts::{
    Config, Copy, FileFacts, MachineFacts, OfficialFacts, Paths, PoolFacts, Positions, StoreFacts,
};
use crate::domain::checkup::repair::Repair;
use crate::domain::checkup::{Severity, plan};
use crate::domain::official::{ChatGpt, Login, Stamp};
use crate::domain::problem::{Exit, Problem};
use crate::domain::recovery::Health;
use crate::domain::roster::Roster;
use crate::domain::shelf::{State, Store};

const AT: Moment = Moment::from_secs(1_000);

fn account(name: &str) -> Account {
    let mut account = Account::sample(name);
    account.email = Some(format!("{name}@mail.test"));
    account.credentials.claims.email = account.email.clone();
    account.credentials.refresh = Secret::new(format!("rt_long_enough_for_anybody_{name}"));
    account
}

fn holding(account: &Account) -> Login {
    Login::ChatGpt(Box::new(ChatGpt {
        stamp: Stamp::default(),
        access: account.credentials.access.clone(),
        refresh: Some(account.credentials.refresh.clone()),
        id_token: account.credentials.id_token.clone(),
        account_id: account.workspace_id().map(str::to_owned),
        last_refresh: Some(AT),
        claims: (*account.credentials.claims).clone(),
    }))
}

/// Nothing to complain about: two accounts, the first selected and held by the official CLI.
fn healthy() -> Facts {
    let accounts = vec![account("one"), account("two")];
    let login = holding(&accounts[0]);
    let active = Some(accounts[0].key.clone());
    let roster = Roster { accounts, active: active.clone(), ..Roster::default() };
    let file = Config::Read { store: Some("file".to_owned()), base_url: None, provider: None };
    Facts {
        at: AT,
        paths: Paths { pool: "/r/pool".into(), config: "/c/config.toml".into(), ..Paths::default() },
        pool: PoolFacts {
            roster: Arc::new(roster),
            health: Health::Healthy,
            trouble: None,
            positions: Some(Positions::InRange),
            copy: None,
            next: active,
            out_of_step: std::collections::BTreeMap::new(),
        },
        files: FileFacts { copies: 1, size: Some(Ok(10)), locking: Some(Ok(())), ..FileFacts::default() },
        official: OfficialFacts {
            has_auth: true,
            login,
            config: file,
            may_set_store: true,
            may_write: true,
            program: Some(Ok("codex 1".to_owned())),
        },
        stores: StoreFacts::default(),
        machine: MachineFacts::default(),
    }
}

fn roster(facts: &mut Facts) -> &mut Roster {
    Arc::make_mut(&mut facts.pool.roster)
}

fn found(facts: &Facts, key: &str) -> crate::domain::checkup::Finding {
    findings(facts).into_iter().find(|finding| finding.key == key).unwrap_or_else(|| panic!("no {key}"))
}

#[test]
fn a_healthy_home_has_nothing_to_repair() {
    let all = findings(&healthy());

    let bad: Vec<_> = all.iter().filter(|finding| finding.severity > Severity::Ok).collect();
    assert_eq!(bad, Vec::<&crate::domain::checkup::Finding>::new());
    assert_eq!(plan(&all), []);
}

/// Name, what is spoilt, and the finding, its severity and the repair it makes.
type Fault = (&'static str, fn(&mut Facts), &'static str, Severity, Option<&'static str>);

const FAULTS: [Fault; 22] = [
    ("no copies", |f| f.files.copies = 0, "storage-backups", Severity::Info, None),
    ("no pool file", |f| f.files.size = None, "storage-file", Severity::Warn, None),
    (
        "unreadable pool file",
        |f| f.files.size = Some(Err("denied".into())),
        "storage-readable",
        Severity::Error,
        None,
    ),
    (
        "damaged pool with a copy",
        |f| {
            f.pool.trouble = Some(Problem::new("storage-corrupt", Exit::Failed, "damaged"));
            f.pool.copy = Some(Copy { path: "/r/copy".into(), accounts: 2, at: None });
        },
        "storage-health",
        Severity::Error,
        Some("restore"),
    ),
    (
        "damaged pool without a copy",
        |f| f.pool.trouble = Some(Problem::new("storage-corrupt", Exit::Failed, "damaged")),
        "storage-health",
        Severity::Error,
        None,
    ),
    (
        "position past the end",
        |f| f.pool.positions = Some(Positions::OutOfRange),
        "active-index",
        Severity::Error,
        Some("active-index"),
    ),
    (
        "all off",
        |f| roster(f).accounts.iter_mut().for_each(|account| account.switch = Switch::Off),
        "enabled-accounts",
        Severity::Error,
        Some("enabled-accounts"),
    ),
    (
        "one token twice",
        |f| {
            let first = roster(f).accounts[0].credentials.refresh.clone();
            roster(f).accounts[1].credentials.refresh = first;
        },
        "duplicate-refresh-token",
        Severity::Warn,
        Some("duplicate-refresh-token"),
    ),
    (
        "one seat twice",
        |f| {
            let twin = roster(f).accounts[0].clone();
            roster(f).accounts[1].email = twin.email;
            roster(f).accounts[1].credentials.claims = twin.credentials.claims;
        },
        "duplicate-email",
        Severity::Warn,
        None,
    ),
    (
        "a placeholder the tokens know better",
        |f| roster(f).accounts[1].email = Some("x@example.com".into()),
        "placeholder-email",
        Severity::Warn,
        Some("email-from-token"),
    ),
    (
        "no id",
        |f| roster(f).accounts[1].account_id = None,
        "account-id",
        Severity::Warn,
        Some("account-id-from-token"),
    ),
    (
        "an access token in the place of a refresh token",
        |f| {
            roster(f).accounts[1].credentials.refresh =
                Secret::from("eyJhbGciOiJub25lIn0.eyJhbGciOiJub25lIn0.x");
        },
        "refresh-token-shape",
        Severity::Warn,
        None,
    ),
    (
        "signed out",
        |f| roster(f).accounts[1].invalidation = Some(Invalidation { at: AT, code: None }),
        "needs-login",
        Severity::Error,
        None,
    ),
    ("cut", |f| roster(f).accounts[1].uncertain_since = Some(AT), "uncertain", Severity::Warn, None),
    (
        "due tokens",
        |f| roster(f).accounts[0].credentials.expires_at = Some(AT),
        "active-token",
        Severity::Info,
        Some("doctor-refresh"),
    ),
    (
        "another account in the official file",
        |f| f.official.login = holding(&account("two")),
        "active-selection-sync",
        Severity::Warn,
        Some("codex-active-sync"),
    ),
    (
        "an API key in the official file",
        |f| f.official.login = Login::Other { kind: "an API key".into(), stamp: Stamp::default() },
        "active-selection-sync",
        Severity::Info,
        None,
    ),
    (
        "another store",
        |f| {
            f.official.config = Config::Read { store: Some("keyring".into()), base_url: None, provider: None }
        },
        "codex-auth-store",
        Severity::Warn,
        Some("codex-auth-store"),
    ),
    (
        "broken configuration",
        |f| f.official.config = Config::Unreadable("line 2".into()),
        "codex-auth-store",
        Severity::Warn,
        None,
    ),
    (
        "loose files",
        |f| f.files.loose = vec!["/r/pool".into()],
        "permissions",
        Severity::Warn,
        Some("permissions"),
    ),
    (
        "leftovers",
        |f| f.files.leftovers = vec!["/r/x.tmp".into()],
        "stale-files",
        Severity::Warn,
        Some("stale-files"),
    ),
    (
        "damaged budgets",
        |f| f.stores.shelf = vec![(Store::Budgets, Ok(State::Damaged { detail: "ends".into() }))],
        "budget-guards",
        Severity::Error,
        None,
    ),
];

#[test]
fn every_fault_has_its_finding_and_its_repair() {
    for (name, spoil, key, severity, repair) in FAULTS {
        let mut facts = healthy();
        spoil(&mut facts);

        let finding = found(&facts, key);

        assert_eq!(finding.severity, severity, "{name}: {finding:?}");
        assert_eq!(finding.repair.as_ref().map(Repair::key), repair, "{name}: {finding:?}");
    }
}

#[test]
fn a_folder_that_cannot_be_written_is_named_and_no_repair_in_it_is_offered() {
    let mut facts = healthy();
    facts.files.loose = vec!["/r/pool".into()];
    facts.files.leftovers = vec!["/r/x.tmp".into()];
    facts.files.unwritable = Some("read-only file system".to_owned());

    let finding = found(&facts, "storage-writable");

    assert_eq!(finding.severity, Severity::Error);
    assert!(finding.message.contains("read-only file system"), "{finding:?}");
    for key in ["permissions", "stale-files"] {
        assert_eq!(found(&facts, key).repair, None, "{key}");
    }
}

#[test]
fn several_workspaces_of_one_person_are_fine() {
    let mut facts = healthy();
    let email = roster(&mut facts).accounts[0].email.clone();
    roster(&mut facts).accounts[1].email = email;

    assert_eq!(found(&facts, "duplicate-email").severity, Severity::Ok);
}

#[test]
fn what_may_not_be_written_is_not_offered() {
    let mut facts = healthy();
    facts.official.config = Config::Absent;
    facts.official.login = Login::Absent;
    facts.official.may_write = false;

    assert_eq!(plan(&findings(&facts)), []);
    facts.official.may_write = true;
    facts.official.may_set_store = false;
    let keys: Vec<&str> = plan(&findings(&facts)).iter().map(Repair::key).collect();
    assert_eq!(keys, ["codex-active-sync"]);
}

#[test]
fn repairs_come_in_the_order_in_which_they_build_on_each_other() {
    let mut facts = healthy();
    facts.official.login = holding(&account("two"));
    facts.official.config = Config::Absent;
    facts.files.loose = vec!["/r".into()];
    roster(&mut facts).accounts[0].credentials.expires_at = Some(AT);

    let keys: Vec<&str> = plan(&findings(&facts)).iter().map(Repair::key).collect();

    assert_eq!(keys, ["permissions", "codex-auth-store", "doctor-refresh", "codex-active-sync"]);
}

#[test]
fn no_finding_shows_a_token_or_a_whole_address_of_the_official_file() {
    let mut facts = healthy();
    facts.official.login = holding(&account("somebody"));

    let shown = format!("{:?}", findings(&facts));

    assert!(!shown.contains("rt_long") && !shown.contains("somebody@mail.test"), "{shown}");
}
