use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::*;
use crate::adapters::codex::home::CodexHome;
use crate::base::Span;
use crate::base::calendar::Zone;
use crate::domain::checkup::repair::Repair;
use crate::domain::checkup::{findings, plan};

/// A clock that stands still.
#[derive(Debug, Clone, Copy)]
struct Still(Moment);

impl Clock for Still {
    fn now(&self) -> Moment {
        self.0
    }

    async fn sleep(&self, _: Span) {}

    fn zone(&self) -> Zone {
        Zone::utc()
    }
}

type Doctor = Examiner<CodexHome<DiskStore<Still>, Still>, Still>;

const POOL: &str = r#"{"version":3,"accounts":[{"refreshToken":"rt_one_long_enough_for_it","addedAt":1,"lastUsed":1,"email":"one@mail.test","accountId":"ws-1"}],"activeIndex":0}"#;

struct Home {
    dir: tempfile::TempDir,
}

impl Home {
    fn new() -> Self {
        let home = Self { dir: tempfile::tempdir().unwrap() };
        for folder in ["root", "codex"] {
            fs::create_dir(home.dir.path().join(folder)).unwrap();
            fs::set_permissions(home.dir.path().join(folder), fs::Permissions::from_mode(0o700)).unwrap();
        }
        home
    }

    fn root(&self) -> PathBuf {
        self.dir.path().join("root")
    }

    fn put(&self, name: &str, text: &str) -> PathBuf {
        let path = self.root().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::set_permissions(path.parent().unwrap(), fs::Permissions::from_mode(0o700)).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    /// Looks an hour after the files were made, so that leftovers are old.
    fn doctor(&self, variables: &[(&str, &str)]) -> Doctor {
        let places = Arc::new(Places::under(self.root(), self.dir.path().join("codex")));
        let env = Env::from(|name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        });
        let written = files::modified(&self.root()).unwrap();
        let clock = Still(written + Span::hours(1));
        let store = DiskStore::new(Arc::clone(&places), &env, clock);
        let home = CodexHome::new(store.clone(), Arc::clone(&places), clock);
        Examiner::new(store, home, &places, &env, clock)
    }
}

async fn repairs(doctor: &Doctor) -> Vec<Repair> {
    plan(&findings(&doctor.examine().await))
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

async fn mend(doctor: &Doctor, key: &str) -> Mended {
    let repair = repairs(doctor).await.into_iter().find(|repair| repair.key() == key);
    doctor.mend(&repair.unwrap_or_else(|| panic!("no {key}"))).await.unwrap()
}

#[tokio::test]
async fn loose_files_of_ours_are_made_private_and_others_are_left() {
    let home = Home::new();
    let pool = home.put("openai-codex-accounts.json", POOL);
    let key = home.put("quarantine/x", "secret");
    let other = home.put("notes.txt", "mine");
    let doctor = home.doctor(&[]);
    doctor.examine().await;
    for path in [&key, &other] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
    }

    let mended = mend(&doctor, "permissions").await;

    assert_eq!(mended, Mended::Done);
    assert_eq!((mode(&pool), mode(&key), mode(&other)), (0o600, 0o600, 0o644));
    assert!(repairs(&doctor).await.iter().all(|repair| repair.key() != "permissions"));
}

#[tokio::test]
async fn every_copy_that_could_replace_a_damaged_pool_is_counted_and_the_pool_itself_is_not() {
    let home = Home::new();
    home.put("openai-codex-accounts.json", POOL);
    let counted = async || home.doctor(&[]).examine().await.files.copies;
    assert_eq!(counted().await, 0);

    home.put("openai-codex-accounts.json", "{");
    home.put("backups/mine.json", POOL);
    home.put("backups/empty.json", r#"{"version":3,"accounts":[],"activeIndex":0}"#);
    home.put(&format!("snapshots/{}/daily-20261129T08.json", "0".repeat(16)), "{");

    assert_eq!(counted().await, 1);
}

#[tokio::test]
async fn leftovers_of_the_dead_go_and_what_somebody_needs_stays() {
    let home = Home::new();
    let own = std::process::id();
    let hash = "a".repeat(64);
    let dead = r#"{"tokenHash":"a","pid":1073741823,"acquiredAt":1,"expiresAt":2}"#;
    let alive = format!(r#"{{"tokenHash":"b","pid":{own},"acquiredAt":1,"expiresAt":2}}"#);
    let goes = [
        home.put("quota-cache.json.1073741823.7.cafebabe.tmp", "x"),
        home.put("ext/accounts.json.1073741823.7.cafebabe.tmp", "x"),
        home.put(&format!("refresh-leases/{hash}.lock"), dead),
        home.put("runtime-rotation-app-helper.1073741823.json", r#"{"pid":1073741823}"#),
        home.put("locks/settings.lock.claim", "1 host x\n"),
        home.put("usage/usage-ledger.jsonl.lock", "{}"),
        home.put("status-quota-refresh.lock/owner.json", "{}"),
    ];
    let stays = [
        home.put("mine.tmp", "x"),
        home.put("openai-codex-accounts.json.bak", POOL),
        home.put(&format!("refresh-leases/{}.lock", "b".repeat(64)), &alive),
        home.put(&format!("refresh-leases/{hash}.result.json"), "{}"),
        home.put("usage/usage-ledger.jsonl", "{}\n"),
    ];
    let doctor = home.doctor(&[]);

    let mended = mend(&doctor, "stale-files").await;

    assert_eq!(mended, Mended::Done);
    for path in &goes {
        assert!(!path.exists(), "{}", path.display());
    }
    for path in &stays {
        assert!(path.exists(), "{}", path.display());
    }
    assert!(repairs(&doctor).await.iter().all(|repair| repair.key() != "stale-files"));
}

#[tokio::test]
async fn a_damaged_pool_is_restored_from_the_newest_copy_and_kept() {
    let home = Home::new();
    let pool = home.put("openai-codex-accounts.json", "{\"version\":3,\"acc");
    home.put("backups/mine.json", POOL);
    home.put("backups/broken.json", "{");
    let doctor = home.doctor(&[]);
    assert!(doctor.store.load().await.is_err());

    let mended = mend(&doctor, "restore").await;
    let again =
        doctor.mend(&Repair::Restore { from: home.root().join("backups/mine.json"), accounts: 1 }).await;

    assert_eq!((mended, again.unwrap()), (Mended::Done, Mended::Nothing));
    assert_eq!(doctor.store.load().await.unwrap().roster.accounts.len(), 1);
    assert_eq!(mode(&pool), 0o600);
    let kept = fs::read_dir(home.root().join("quarantine")).unwrap().next().unwrap().unwrap();
    assert_eq!(fs::read_to_string(kept.path()).unwrap(), "{\"version\":3,\"acc");
}

#[tokio::test]
async fn positions_past_the_end_are_put_right() {
    let home = Home::new();
    let pool =
        home.put("openai-codex-accounts.json", &POOL.replace("\"activeIndex\":0", "\"activeIndex\":7"));
    let doctor = home.doctor(&[]);

    assert_eq!(mend(&doctor, "active-index").await, Mended::Done);

    let text = fs::read_to_string(pool).unwrap();
    assert!(text.contains("\"activeIndex\": 0"), "{text}");
    assert!(repairs(&doctor).await.iter().all(|repair| repair.key() != "active-index"));
}

#[tokio::test]
async fn the_credential_store_is_set_unless_it_is_switched_off() {
    let home = Home::new();
    home.put("openai-codex-accounts.json", POOL);
    let config = home.dir.path().join("codex/config.toml");
    fs::write(&config, "cli_auth_credentials_store = \"keyring\" # mine\r\n").unwrap();
    let off = home.doctor(&[("CODEX_MULTI_AUTH_ENFORCE_CLI_FILE_AUTH_STORE", "0")]);
    assert!(repairs(&off).await.iter().all(|repair| repair.key() != "codex-auth-store"));

    let doctor = home.doctor(&[]);
    let mended = mend(&doctor, "codex-auth-store").await;

    assert_eq!(mended, Mended::Done);
    assert_eq!(fs::read_to_string(&config).unwrap(), "cli_auth_credentials_store = \"file\" # mine\r\n");
    assert!(repairs(&doctor).await.iter().all(|repair| repair.key() != "codex-auth-store"));
}

#[tokio::test]
async fn looking_makes_nothing_where_nothing_is() {
    let home = Home::new();
    fs::remove_dir(home.root()).unwrap();
    let places = Arc::new(Places::under(home.root(), home.dir.path().join("codex")));
    let clock = Still(Moment::from_secs(1_790_000_000));
    let env = Env::from(|_| None);
    let store = DiskStore::new(Arc::clone(&places), &env, clock);
    let official = CodexHome::new(store.clone(), Arc::clone(&places), clock);

    let facts = Examiner::new(store, official, &places, &env, clock).examine().await;

    assert_eq!(facts.files.size, None);
    assert_eq!(facts.files.locking, None);
    assert!(!home.root().exists());
}
