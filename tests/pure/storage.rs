//! The pool on disk: every way a home can look, and that what is written back keeps what others wrote.

use std::sync::Arc;

use codex_multi_auth::adapters::store::DiskStore;
use codex_multi_auth::base::{Moment, Secret};
use codex_multi_auth::domain::account::{Account, AccountKey, SwitchReason};
use codex_multi_auth::domain::change::{Change, Pin};
use codex_multi_auth::domain::identity::{self, Fallback, Person};
use codex_multi_auth::domain::recovery::Health;
use codex_multi_auth::domain::scope::{self, Naming};
use codex_multi_auth::domain::vault::Copies;
use codex_multi_auth::formats::{journal, jwt};
use codex_multi_auth::ports::store::{Store, StoreError};
use serde_json::Value;

use crate::support::staged::{Staged, Still, ids, vectors};

#[tokio::test]
async fn a_commit_keeps_what_others_wrote_and_can_be_read_again() {
    for id in ids("b").into_iter().chain(ids("a0")) {
        let staged = Staged::new(&id);
        let store = staged.store();
        let Ok(loaded) = store.load().await else { continue };
        let Some(account) = loaded.roster.accounts.last() else { continue };
        let old = staged.files();

        let selected = Change::Selected {
            key: account.key.clone(),
            reason: SwitchReason::Manual,
            pin: Pin::Keep,
            at: staged.now(),
        };
        let saved = store.commit(vec![selected]).await.unwrap();

        let again = staged.store().load().await.unwrap();
        assert_eq!(again.roster, saved.roster, "{id}");
        assert_eq!(again.roster.active, Some(account.key.clone()), "{id}");
        assert_eq!(again.recovery, None, "{id}: nothing is left to recover");
        let text = std::fs::read_to_string(staged.places().pool()).unwrap();
        let document: Value = serde_json::from_str(&text).unwrap();
        for pointer in staged.case["expected"]["mustPreserveOnWrite"].as_array().into_iter().flatten() {
            let Some(pointer) = pointer.as_str().filter(|pointer| pointer.starts_with('/')) else { continue };
            assert!(document.pointer(pointer).is_some(), "{id}: {pointer}");
        }
        strict(&id, &document);
        assert_eq!(text, codex_multi_auth::formats::lossless::pretty(&text), "{id}: two spaces, no newline");
        let wal = staged.places().pool_with(".wal");
        assert!(!wal.exists(), "{id}: the journal is gone");
        assert!(
            old.iter().all(|(name, _)| !name.ends_with(".reset-intent")) || saved.health == Health::Healthy
        );
    }
}

fn pinned(key: &AccountKey, at: Moment) -> Change {
    Change::Selected { key: key.clone(), reason: SwitchReason::Manual, pin: Pin::Set, at }
}

#[tokio::test]
async fn a_pin_whose_save_was_cut_does_not_come_with_a_later_save() {
    let staged = Staged::new("a01-v3-login-switch-runtime");
    let key = staged.store().load().await.unwrap().roster.accounts[1].key.clone();
    let pool = staged.places().pool();
    staged.store().commit(vec![pinned(&key, staged.now())]).await.unwrap();
    staged.store().commit(vec![Change::Unpinned]).await.unwrap();
    let before = std::fs::read(&pool).unwrap();
    staged.store().commit(vec![pinned(&key, staged.now())]).await.unwrap();
    // The file beside the pool is written first: this is what a cut in between leaves.
    std::fs::write(&pool, &before).unwrap();

    let idle = staged.store().commit(Vec::new()).await.unwrap();
    let untouched = std::fs::read(&pool).unwrap();
    let until = Moment::from_millis(4_000_000_000_000);
    let limited = Change::Limited { key: key.clone(), bucket: "codex".to_owned(), until };
    staged.store().commit(vec![limited]).await.unwrap();
    let later = staged.store().load().await.unwrap();

    assert_eq!(untouched, before, "nothing was to be saved");
    assert_eq!((idle.roster.pin.as_ref(), later.roster.pin.as_ref()), (None, None));
    assert_eq!(later.roster.get(&key).unwrap().limits.get("codex"), Some(&until));
    let next = staged.store().commit(vec![pinned(&key, staged.now())]).await.unwrap();
    assert_eq!(next.roster.pin, Some(key));
    assert!(next.roster.generation > later.roster.generation);
}

#[tokio::test]
async fn a_reset_never_touches_a_pool_of_a_newer_version() {
    let staged = Staged::new("a06-version-4-future");
    let files = [staged.places().pool(), staged.places().pool_with(".bak")];
    let before = files.each_ref().map(|path| std::fs::read(path).unwrap());

    for copy in [Copies::Kept, Copies::Purged] {
        let refused = staged.store().commit(vec![Change::Cleared { copy }]).await;

        assert!(matches!(refused, Err(StoreError::Newer { version: 4, .. })), "{refused:?}");
        assert_eq!(files.each_ref().map(|path| std::fs::read(path).unwrap()), before);
    }
}

#[tokio::test]
async fn a_reset_of_a_ruin_keeps_a_copy_of_a_newer_version() {
    let staged = Staged::new("b01-truncated-bak");
    let places = staged.places();
    let bak = places.pool_with(".bak");
    let newer = std::fs::read_to_string(&bak).unwrap().replace("\"version\": 3", "\"version\": 4");
    std::fs::write(&bak, &newer).unwrap();

    staged.store().commit(vec![Change::Cleared { copy: Copies::Kept }]).await.unwrap();

    let mut kept = std::fs::read_dir(places.quarantine()).unwrap().flatten();
    assert!(newer.contains("\"version\": 4"));
    assert!(kept.any(|file| std::fs::read_to_string(file.path()).unwrap() == newer));
}

/// What the reference's strict reader accepts of the members we set.
fn strict(id: &str, document: &Value) {
    assert_eq!(document["version"], 3, "{id}");
    assert!(document["activeIndex"].is_u64(), "{id}");
    for row in document["accounts"].as_array().unwrap() {
        assert!(row["recordId"].is_string(), "{id}");
        for (name, value) in row.as_object().unwrap() {
            assert!(!value.is_null(), "{id}: {name}");
        }
    }
}

#[tokio::test]
async fn the_old_format_is_saved_in_the_new_one_and_kept_as_backup() {
    let staged = Staged::new("a03-v1-basic");
    let places = staged.places();
    let old = std::fs::read(places.pool()).unwrap();

    let loaded = staged.store().load().await.unwrap();

    let text = std::fs::read_to_string(places.pool()).unwrap();
    let document: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(std::fs::read(places.pool_with(".bak")).unwrap(), old);
    assert_eq!(document["version"], 3);
    assert!(text.contains("legacyOnly") && !text.contains("rateLimitResetTime\""));
    assert!(loaded.roster.accounts.iter().any(|account| account.limits.len() == 5));
}

#[tokio::test]
async fn commits_of_several_stores_on_one_root_lose_nothing() {
    let staged = Staged::new("b32-over-limit-25");
    let places = Arc::new(staged.places());
    let keys: Vec<AccountKey> = staged
        .store()
        .load()
        .await
        .unwrap()
        .roster
        .accounts
        .iter()
        .map(|account| account.key.clone())
        .collect();

    let mut tasks = tokio::task::JoinSet::new();
    for (number, key) in keys.iter().cloned().enumerate() {
        // A store of its own each, as another process would have.
        let store = DiskStore::new(Arc::clone(&places), &staged.env(), Still(staged.now()));
        let until = Moment::from_millis(1_800_000_000_000 + i64::try_from(number).unwrap());
        tasks.spawn(async move {
            store.commit(vec![Change::Limited { key, bucket: "codex".to_owned(), until }]).await.unwrap();
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }

    let loaded = staged.store().load().await.unwrap();
    for (number, key) in keys.iter().enumerate() {
        let until = Moment::from_millis(1_800_000_000_000 + i64::try_from(number).unwrap());
        assert_eq!(loaded.roster.get(key).unwrap().limits.get("codex"), Some(&until));
    }
}

#[tokio::test]
async fn a_change_of_another_process_is_noticed_and_an_unchanged_pool_costs_no_reading() {
    let staged = Staged::new("a01-v3-login-switch-runtime");
    let (mine, theirs) = (staged.store(), staged.store());
    let first = mine.load().await.unwrap();
    let key = first.roster.accounts[1].key.clone();

    let waiting = tokio::spawn({
        let (mine, revision) = (mine.clone(), first.revision);
        async move { mine.changed(revision).await }
    });
    theirs
        .commit(vec![Change::Selected {
            key: key.clone(),
            reason: SwitchReason::Manual,
            pin: Pin::Set,
            at: staged.now(),
        }])
        .await
        .unwrap();
    let news =
        tokio::time::timeout(std::time::Duration::from_secs(20), waiting).await.unwrap().unwrap().unwrap();

    assert!(news.revision > first.revision);
    assert_eq!(news.roster.pin, Some(key));
    let again = mine.load().await.unwrap();
    assert!(Arc::ptr_eq(&again.roster, &news.roster));
}

#[tokio::test]
async fn a_refresh_result_that_never_reached_the_pool_is_adopted_whatever_its_age() {
    let staged = Staged::new("a02-v3-minimal");
    let places = staged.places();
    let hash = vectors("hashes.json")["leaseFileStem"][0]["sha256"].as_str().unwrap().to_owned();
    std::fs::create_dir_all(places.leases()).unwrap();
    std::fs::write(
        places.leases().join(format!("{hash}.result.json")),
        format!(
            r#"{{"tokenHash":"{hash}","createdAt":1,"result":{{"type":"success","access":"a2","refresh":"r2","expires":5,"idToken":"i2"}}}}"#
        ),
    )
    .unwrap();

    let loaded = staged.store().load().await.unwrap();

    let tokens = &loaded.roster.accounts[0].credentials;
    assert_eq!(tokens.refresh.expose(), "r2");
    assert_eq!(tokens.id_token.as_ref().map(Secret::expose), Some("i2"));
    assert!(std::fs::read_to_string(places.pool()).unwrap().contains("\"r2\""));
    let (owner, _) = staged.store().owner_of_refresh(&hash).await.unwrap();
    assert_eq!(owner, loaded.roster.accounts[0].key);
}

#[tokio::test]
async fn a_login_on_a_ruined_pool_keeps_the_ruin() {
    let staged = Staged::new("b04-truncated-alone");
    let ruin = std::fs::read(staged.places().pool()).unwrap();
    let sample = Staged::new("a01-v3-login-switch-runtime").store().load().await.unwrap();
    let account = sample.roster.accounts[0].clone();

    let refused = staged.store().commit(vec![Change::Unpinned]).await;
    let saved = staged.store().commit(vec![Change::Added(Box::new(account))]).await.unwrap();

    assert!(matches!(refused, Err(StoreError::Corrupt { .. })));
    assert_eq!(saved.roster.accounts.len(), 1);
    assert!(staged.files().iter().any(|(name, bytes)| name.contains("/quarantine/") && *bytes == ruin));
}

#[tokio::test]
async fn deleting_everything_leaves_a_marked_empty_pool_and_one_named_copy_unless_purged() {
    for (copy, copies) in [(Copies::Kept, 1), (Copies::Purged, 0)] {
        let staged = Staged::new("a01-v3-login-switch-runtime");
        let (store, places) = (staged.store(), staged.places());
        let before = store.load().await.unwrap();

        let cleared = store.commit(vec![Change::Cleared { copy }]).await.unwrap();

        assert_eq!(cleared.health, Health::IntentionalReset);
        let again = staged.store().load().await.unwrap();
        assert_eq!((again.health, again.roster.accounts.len()), (Health::IntentionalReset, 0));
        assert!(again.roster.generation > before.roster.generation);
        let files = staged.files();
        let left: Vec<_> = files
            .iter()
            .map(|(name, _)| name.as_str())
            .filter(|name| name.contains("openai-codex-accounts.json"))
            .collect();
        assert_eq!(left.len(), 1, "only the marker: {left:?}");
        assert!(places.pool_with(".reset-intent").exists());
        let kept: Vec<_> = files.iter().filter(|(name, _)| name.contains("/backups/pre-reset-")).collect();
        assert_eq!(kept.len(), copies);
        if let [(_, text)] = kept.as_slice() {
            let copy: Value = serde_json::from_slice(text).unwrap();
            assert_eq!(copy["accounts"].as_array().unwrap().len(), before.roster.accounts.len());
            assert_eq!(
                (&copy["pinnedAccountIndex"], &copy["affinityGeneration"]),
                (&Value::Null, &Value::Null)
            );
        }
    }
}

#[tokio::test]
async fn a_save_after_a_reset_that_was_cut_before_its_rename_is_replayed() {
    let staged = Staged::new("a02-v3-minimal");
    let (store, places) = (staged.store(), staged.places());
    store.commit(vec![Change::Cleared { copy: Copies::Purged }]).await.unwrap();
    let marker = std::fs::read(places.pool_with(".reset-intent")).unwrap();
    store.commit(vec![Change::Added(Box::new(Account::sample("new")))]).await.unwrap();
    let text = std::fs::read_to_string(places.pool()).unwrap();
    let entry = journal::print("pool", &text, staged.now());
    std::fs::remove_file(places.pool()).unwrap();
    std::fs::write(places.pool_with(".reset-intent"), marker).unwrap();
    std::fs::write(places.pool_with(".wal"), entry).unwrap();

    let after = staged.store().load().await.unwrap();

    assert_eq!(after.roster.accounts.len(), 1);
    assert_eq!(std::fs::read_to_string(places.pool()).unwrap(), text);
    assert!(!places.pool_with(".reset-intent").exists() && !places.pool_with(".wal").exists());
}

#[tokio::test]
async fn a_removed_account_leaves_no_secret_in_the_pool_or_beside_it() {
    let staged = Staged::new("a01-v3-login-switch-runtime");
    let store = staged.store();
    let mut login = Account::sample("new");
    login.credentials.id_token = Some(Secret::new("id-token-of-a-gone-account"));
    let added = store.commit(vec![Change::Added(Box::new(login.clone()))]).await.unwrap();
    let extension = staged.places().extension();
    assert!(std::fs::read_to_string(&extension).unwrap().contains("id-token-of-a-gone-account"));

    let removed = store.commit(vec![Change::Removed { key: login.key.clone() }]).await.unwrap();

    assert_eq!(removed.roster.accounts.len() + 1, added.roster.accounts.len());
    assert!(!std::fs::read_to_string(staged.places().pool()).unwrap().contains("rt_sample_new"));
    assert!(!std::fs::read_to_string(&extension).unwrap().contains("id-token-of-a-gone-account"));
}

#[tokio::test]
async fn every_file_that_could_replace_the_pool_is_listed_and_the_newest_readable_one_is_named() {
    let staged = Staged::new("b02-truncated-wal-bak");
    std::fs::write(staged.places().pool_with(".mine"), "[]").unwrap();
    let before = staged.files();

    let inventory = staged.store().inventory().await;

    let kinds: Vec<_> = inventory.files.iter().map(|file| (file.kind(), file.exists, file.valid)).collect();
    assert_eq!(
        kinds,
        [
            ("accounts-primary", true, false),
            ("accounts-wal", true, true),
            ("accounts-backup", true, true),
            ("accounts-backup-history", false, false),
            ("accounts-backup-history", false, false),
            ("accounts-discovered-backup", true, false),
        ]
    );
    assert_eq!((inventory.count(), inventory.valid()), (4, 2));
    let latest = inventory.latest_valid().unwrap();
    assert_eq!(
        latest.modified,
        inventory.files.iter().filter(|file| file.valid).map(|file| file.modified).max().unwrap()
    );
    assert_eq!((latest.version, latest.accounts.is_some()), (Some(3), true));
    assert!(inventory.files.iter().all(|file| file.valid || file.exists != file.errors.is_empty()));
    assert_eq!(staged.files(), before, "nothing is changed");
}

#[tokio::test]
async fn a_save_keeps_a_private_snapshot_of_its_hour() {
    let staged = Staged::new("a01-v3-login-switch-runtime");
    let (store, places) = (staged.store(), staged.places());

    store.commit(vec![Change::Unpinned]).await.unwrap();

    let first = std::fs::read(places.pool()).unwrap();
    store.commit(vec![Change::Unpinned]).await.unwrap();
    let mut kept: Vec<_> =
        std::fs::read_dir(places.snapshots()).unwrap().map(|entry| entry.unwrap().path()).collect();
    kept.sort();
    assert_eq!(kept.len(), 2);
    for path in kept {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::read(&path).unwrap(), first);
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(path.parent().unwrap().metadata().unwrap().permissions().mode() & 0o777, 0o700);
    }
}

#[tokio::test]
async fn a_pool_that_others_may_read_is_closed_when_it_is_opened_and_an_official_home_is_not_touched() {
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::PermissionsExt as _;
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    for (case, folder_after) in [("a01-v3-login-switch-runtime", 0o700), ("a11-legacy-root-dot-codex", 0o755)]
    {
        let staged = Staged::new(case);
        let places = staged.places();
        set_permissions(places.pool(), Permissions::from_mode(0o644)).unwrap();
        set_permissions(places.pool_dir(), Permissions::from_mode(0o755)).unwrap();

        staged.store().load().await.unwrap();

        assert_eq!((mode(&places.pool()), mode(places.pool_dir())), (0o600, folder_after), "{case}");
    }
}

#[test]
fn candidates_match_rows_as_the_vectors_say() {
    for case in vectors("account-matching.json")["cases"].as_array().unwrap() {
        let person = |row: &Value| {
            Person::new(row["accountId"].as_str(), row["email"].as_str(), row["refreshToken"].as_str()).seen(
                Moment::from_millis(row["lastUsed"].as_i64().unwrap()),
                Moment::from_millis(row["addedAt"].as_i64().unwrap()),
            )
        };
        let rows: Vec<Person> = case["rows"].as_array().unwrap().iter().map(person).collect();
        let fallback = if case["options"]["allowUniqueAccountIdFallbackWithoutEmail"] == true {
            Fallback::Allowed
        } else {
            Fallback::Refused
        };

        let found = identity::find(&rows, &person(&case["candidate"]), fallback);

        assert_eq!(found.map(|index| index as u64), case["index"].as_u64(), "{}", case["name"]);
    }
}

#[test]
fn tokens_tell_the_e_mail_the_reference_would_read() {
    for case in vectors("token-identity.json")["cases"].as_array().unwrap() {
        let claims = jwt::claims(case["accessToken"].as_str(), case["idToken"].as_str());

        let expected = case["reference"]["sanitizedEmail"].as_str().or_else(|| {
            // Ours reads the profile claim, too.
            case["accessClaims"]["https://api.openai.com/profile"]["email"].as_str()
        });
        assert_eq!(claims.email.as_deref(), expected, "{}", case["name"]);
        // The workspace is the claim and nothing else, whatever the reference would have bound to.
        let auth = "https://api.openai.com/auth";
        let workspace = [
            &case["idClaims"][auth]["chatgpt_account_id"],
            &case["idClaims"]["chatgpt_account_id"],
            &case["accessClaims"][auth]["chatgpt_account_id"],
        ];
        let filled =
            |claim: &&Value| claim.as_str().map(str::trim).filter(|id| !id.is_empty()).map(str::to_owned);
        let workspace = workspace.iter().find_map(filled);
        assert_eq!(claims.workspace_id, workspace, "{}", case["name"]);
    }
}

#[test]
fn projects_have_the_keys_that_the_vectors_say() {
    let vectors = vectors("project-keys.json");
    for (name, naming) in [("posix", Naming::Posix), ("windows", Naming::Windows)] {
        for case in vectors[name].as_array().unwrap() {
            let path = case["path"].as_str().unwrap();
            assert_eq!(scope::key(path, naming), case["key"], "{path}");
        }
    }
}

#[tokio::test]
async fn made_up_accounts_of_a_test_never_replace_real_ones() {
    let made_up = |number: usize| {
        let mut account = Account::sample("x");
        account.key = AccountKey::new(format!("record:made-up-{number}"));
        account.account_id = Some(format!("acc_{number}"));
        account.email = Some(format!("account{number}@example.com"));
        account.credentials.refresh = Secret::new(format!("fake_refresh_token_{number}"));
        account
    };
    let staged = Staged::new("a02-v3-minimal");
    let store = staged.store();
    let loaded = store.load().await.unwrap();
    let before = std::fs::read(staged.places().pool()).unwrap();
    let mut changes: Vec<Change> =
        loaded.roster.accounts.iter().map(|account| Change::Removed { key: account.key.clone() }).collect();
    changes.push(Change::Added(Box::new(made_up(1))));

    let refused = store.commit(changes).await;

    assert!(matches!(refused, Err(StoreError::Fixtures { .. })), "{refused:?}");
    assert_eq!(std::fs::read(staged.places().pool()).unwrap(), before);
    store.commit(vec![Change::Added(Box::new(made_up(1)))]).await.unwrap();
}

#[tokio::test]
async fn a_pool_behind_a_link_is_written_where_it_lies() {
    let staged = Staged::new("a02-v3-minimal");
    let places = staged.places();
    let elsewhere = staged.home().join("synced");
    std::fs::create_dir(&elsewhere).unwrap();
    std::fs::rename(places.pool(), elsewhere.join("pool.json")).unwrap();
    std::os::unix::fs::symlink(elsewhere.join("pool.json"), places.pool()).unwrap();

    staged.store().commit(vec![Change::Unpinned]).await.unwrap();

    assert!(std::fs::symlink_metadata(places.pool()).unwrap().is_symlink());
    assert!(std::fs::read_to_string(elsewhere.join("pool.json")).unwrap().contains("affinityGeneration"));
    assert_eq!(std::fs::read_dir(&elsewhere).unwrap().count(), 1);
}

#[tokio::test]
async fn an_account_whose_token_rests_in_a_keyring_is_shown_unavailable_and_kept_as_it_is() {
    let staged = Staged::new("a02-v3-minimal");
    let places = staged.places();
    let text = std::fs::read_to_string(places.pool()).unwrap();
    let token = text.split("\"refreshToken\": \"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    std::fs::write(places.pool(), text.replace(&token, "keychain:codex/1")).unwrap();
    let store = staged.store();

    let loaded = store.load().await.unwrap();
    store.commit(vec![Change::Unpinned]).await.unwrap();

    let account = &loaded.roster.accounts[0];
    assert_eq!(account.invalidation.as_ref().and_then(|mark| mark.code.as_deref()), Some("token-in-keyring"));
    let saved = std::fs::read_to_string(places.pool()).unwrap();
    assert!(saved.contains("keychain:codex/1") && !saved.contains("token-in-keyring"), "{saved}");
}

#[tokio::test]
async fn an_older_pool_of_a_project_is_merged_once_and_one_that_is_none_stays() {
    let staged = Staged::new("a20-project-legacy-in-tree");
    let places = staged.places();
    let in_tree = places.legacy_pools().pop().unwrap();
    let text = std::fs::read_to_string(&in_tree).unwrap();
    let store = staged.store();
    store.load().await.unwrap();
    let ours = Account::sample("ours");
    store.commit(vec![Change::Added(Box::new(ours.clone()))]).await.unwrap();
    let selected = Change::Selected {
        key: ours.key.clone(),
        reason: SwitchReason::Manual,
        pin: Pin::Set,
        at: staged.now(),
    };
    store.commit(vec![selected]).await.unwrap();

    std::fs::create_dir_all(in_tree.parent().unwrap()).unwrap();
    std::fs::write(&in_tree, text.replace("user2@", "user3@").replace("0002", "0003")).unwrap();
    let merged = staged.store().load().await.unwrap();
    assert_eq!(merged.roster.accounts.len(), 4);
    assert_eq!((&merged.roster.active, &merged.roster.pin), (&Some(ours.key.clone()), &Some(ours.key)));
    assert!(!in_tree.exists());

    std::fs::write(&in_tree, "{\"accounts\":").unwrap();
    let again = staged.store().load().await.unwrap();
    assert_eq!((again.roster.accounts.len(), again.recovery), (4, None));
    assert!(in_tree.exists());
    let ignored = std::fs::read_to_string(staged.home().join("src/my-app/.gitignore")).unwrap();
    assert_eq!(ignored, ".codex/\n");
}
