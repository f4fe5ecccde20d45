//! The account pool: loading it is what a case is about, and any later save is a selection.

use codex_multi_auth::domain::account::{Account, SwitchReason};
use codex_multi_auth::domain::change::{Change, Pin};
use codex_multi_auth::domain::model::Family;
use codex_multi_auth::domain::places::POOL_FILE;
use codex_multi_auth::domain::recovery::{Health, Loaded};
use codex_multi_auth::ports::store::{Store as _, StoreError};
use serde_json::{Map, Value, json};

use super::{Ask, Found};
use crate::support::staged::Staged;

/// An older pool of the project was merged.
const LEGACY: &str = "legacy-project";

pub(super) async fn perform(staged: &Staged, ask: Ask<'_>) -> Found {
    let existed = staged.places().pool().exists();
    let store = staged.store();
    let result = store.load().await;
    if matches!(ask, Ask::Save) {
        let last = result.as_ref().ok().and_then(|loaded| loaded.roster.accounts.last());
        let change = match last.map(|account| account.key.clone()) {
            Some(key) => {
                Change::Selected { key, reason: SwitchReason::Manual, pin: Pin::Keep, at: staged.now() }
            }
            None => Change::Added(Box::new(Account::sample("late"))),
        };
        store.commit(vec![change]).await.expect("a save");
    }
    found(staged, existed, result)
}

/// What a load found, in the words of the cases.
pub(super) fn found(staged: &Staged, existed: bool, result: Result<Loaded, StoreError>) -> Found {
    let mut facts = Map::new();
    let outcome = match result {
        Err(StoreError::Newer { .. }) => "refuse",
        Err(StoreError::Corrupt { .. }) => "corrupt-no-recovery",
        Err(error) => panic!("{error}"),
        Ok(loaded) => {
            let outcome = outcome(staged, existed, &loaded);
            facts = of(staged, existed, &loaded);
            outcome
        }
    };
    if facts.is_empty() {
        facts.insert("accounts".to_owned(), 0.into());
        facts.insert("source".to_owned(), Value::Null);
    }
    Found { outcome: outcome.to_owned(), facts }
}

fn outcome(staged: &Staged, existed: bool, loaded: &Loaded) -> &'static str {
    match &loaded.recovery {
        Some(recovery) if recovery.source == LEGACY => "loaded",
        Some(recovery) if recovery.path.ends_with(".wal") => {
            // Nothing unusable was put aside: the primary could be read and was older.
            if existed && !staged.places().quarantine().exists() { "replayed-wal" } else { "recovered-wal" }
        }
        Some(_) => "recovered-backup",
        None if loaded.roster.accounts.is_empty() => "empty",
        None => "loaded",
    }
}

fn of(staged: &Staged, existed: bool, loaded: &Loaded) -> Map<String, Value> {
    let roster = &loaded.roster;
    let index = |key: Option<&_>| key.and_then(|key| roster.index_of(key)).map_or(Value::Null, Value::from);
    let source = match &loaded.recovery {
        Some(recovery) if recovery.source == LEGACY => LEGACY.to_owned(),
        Some(recovery) => {
            let name = recovery.path.rsplit('/').next().unwrap_or_default();
            name.strip_prefix(POOL_FILE).unwrap_or(name).to_owned()
        }
        None => "primary".to_owned(),
    };
    let reason = match loaded.health {
        Health::IntentionalReset => json!("intentional-reset"),
        Health::Empty if existed => json!("empty-storage"),
        Health::Empty => json!("missing-storage"),
        Health::Healthy | Health::Recoverable | Health::Corrupt => Value::Null,
    };
    let pinned = roster.pin.as_ref().and_then(|key| roster.get(key));
    let families = Family::ALL.into_iter().filter_map(|family| {
        let active = roster.active_of(family)?;
        Some((family.word().to_owned(), index(Some(&active.key))))
    });
    let active = index(roster.active.as_ref());
    let Value::Object(mut facts) = json!({
        "accounts": roster.accounts.len(),
        "activeIndex": active,
        "pinnedAccountIndex": index(roster.pin.as_ref()),
        "pinnedAccountIdentity": pinned.map(|one| json!({ "accountId": one.account_id, "email": one.email })),
        "affinityGeneration": if roster.generation == 0 { Value::Null } else { roster.generation.into() },
        "refreshTokenOfFirst": roster.accounts.first().map(|one| one.credentials.refresh.expose()),
        "source": source,
        "root": staged.places().root().to_string_lossy(),
        "restoreReason": reason,
        "restoreEligible": loaded.health != Health::IntentionalReset,
        "loadAccounts": {
            "accounts": roster.accounts.iter().map(row).collect::<Vec<_>>(),
            "activeIndex": if roster.accounts.is_empty() { 0.into() } else { active },
            "activeIndexByFamily": families.collect::<Map<_, _>>(),
        },
    }) else {
        unreachable!("an object was written")
    };
    if let Some(project) = staged.places().scope().project() {
        facts.insert("identityRoot".to_owned(), project.identity_root.to_string_lossy().into());
    }
    facts
}

/// What both programs read of a row.
fn row(account: &Account) -> Value {
    let credentials = &account.credentials;
    let limits: Map<String, Value> =
        account.limits.iter().map(|(bucket, until)| (bucket.clone(), until.millis().into())).collect();
    json!({
        "accountId": account.account_id,
        "email": account.email,
        "accountLabel": account.label,
        "refreshToken": credentials.refresh.expose(),
        "accessToken": credentials.access.as_ref().map(codex_multi_auth::base::Secret::expose),
        "enabled": account.is_on(),
        "addedAt": account.added_at.millis(),
        "lastUsed": account.last_used.millis(),
        "lastSwitchReason": account.switch_reason.map(SwitchReason::word),
        "rateLimitResetTimes": if limits.is_empty() { Value::Null } else { limits.into() },
        "coolingDownUntil": account.cooldown.map(|rest| rest.until.millis()),
        "cooldownReason": account.cooldown.and_then(|rest| rest.reason).map(codex_multi_auth::domain::account::CooldownReason::word),
        "authInvalidatedAt": account.invalidation.as_ref().map(|dead| dead.at.millis()),
        "authInvalidationErrorCode": account.invalidation.as_ref().and_then(|dead| dead.code.clone()),
    })
}
