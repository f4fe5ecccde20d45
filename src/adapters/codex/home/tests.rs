use super::*;
use crate::adapters::clock::SystemClock;
use crate::adapters::env::Env;
use crate::adapters::store::DiskStore;
use crate::base::Secret;
use crate::domain::account::Credentials;

const K01: &str = include_str!("../../../../tests/fixtures/storage/k01-auth.json");
const K01_AFTER: &str = include_str!("../../../../tests/fixtures/storage/k01-auth.expected.json");
const K02: &str = include_str!("../../../../tests/fixtures/storage/k02-auth.json");
const AT: Moment = Moment::from_millis(1_790_000_000_000);

type DiskHome = CodexHome<DiskStore<SystemClock>, SystemClock>;

struct Stage {
    dir: tempfile::TempDir,
    home: DiskHome,
}

impl Stage {
    fn holding(auth: Option<&str>) -> Self {
        Self::with(auth, &Env::default())
    }

    fn with(auth: Option<&str>, env: &Env) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let codex = dir.path().join("codex");
        std::fs::create_dir_all(&codex).unwrap();
        if let Some(auth) = auth {
            std::fs::write(codex.join("auth.json"), auth).unwrap();
        }
        let places = Arc::new(Places::under(dir.path().join("root"), codex));
        let store = DiskStore::new(Arc::clone(&places), env, SystemClock::new());
        Self { home: CodexHome::new(store, places, SystemClock::new()), dir }
    }

    fn auth(&self) -> Option<String> {
        std::fs::read_to_string(self.home.auth()).ok()
    }

    async fn stamp(&self) -> Option<Stamp> {
        stamp_of(&self.home.login().await).cloned()
    }

    /// Contents of the files put aside.
    fn aside(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.dir.path().join("root/backups-official"));
        entries
            .into_iter()
            .flatten()
            .map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap())
            .collect()
    }
}

fn login_of(text: &str) -> ChatGpt {
    let Login::ChatGpt(login) = codex_auth::read(Some(text.as_bytes()), "p") else { panic!("no login") };
    *login
}

fn account_of(text: &str) -> Account {
    let credentials = codex_auth::credentials(&login_of(text)).unwrap();
    Account { email: credentials.claims.email.clone(), credentials, ..Account::sample("row") }
}

fn json(text: &str) -> String {
    crate::formats::lossless::pretty(text)
}

#[tokio::test]
async fn another_account_replaces_a_login_the_pool_does_not_know_and_the_old_file_is_kept() {
    let stage = Stage::holding(Some(K01));
    let seen = stage.stamp().await;

    let written = stage.home.replace(seen.as_ref(), &account_of(K01_AFTER), AT).await;

    assert_eq!(written, Ok(Written::Done));
    assert_eq!(login_of(&stage.auth().unwrap()).account_id.as_deref(), Some("acct-fixture-0002"));
    assert_eq!(stage.aside(), [K01]);
}

#[tokio::test]
async fn a_login_the_pool_holds_is_replaced_without_a_copy() {
    let stage = Stage::holding(Some(K01));
    let first = account_of(K01);
    stage.home.store.commit(vec![Change::Added(Box::new(first))]).await.unwrap();
    let seen = stage.stamp().await;

    let written = stage.home.replace(seen.as_ref(), &account_of(K01_AFTER), AT).await;

    assert_eq!(written, Ok(Written::Done));
    assert_eq!(stage.aside(), Vec::<String>::new());
}

#[tokio::test]
async fn only_the_file_that_was_seen_is_replaced() {
    let stage = Stage::holding(Some(K02));

    let unseen = stage.home.replace(None, &account_of(K01), AT).await;
    let seen = stage.home.replace(stage.stamp().await.as_ref(), &account_of(K01), AT).await;

    assert_eq!((unseen, seen), (Ok(Written::Changed), Ok(Written::Done)));
    assert_eq!(stage.aside(), [K02]);
}

#[tokio::test]
async fn an_unreadable_file_and_a_switched_off_sync_are_left_alone() {
    let torn = Stage::holding(Some("{\"tokens\":"));
    let mut env = Env::default();
    env.settings.insert("CODEX_MULTI_AUTH_SYNC_CODEX_CLI", "0".to_owned());
    let off = Stage::with(None, &env);

    let torn_answer = torn.home.replace(None, &account_of(K01), AT).await;
    let off_answer = off.home.replace(None, &account_of(K01), AT).await;

    assert!(matches!(torn_answer, Ok(Written::Skipped(_))), "{torn_answer:?}");
    assert!(matches!(off_answer, Ok(Written::Skipped(_))), "{off_answer:?}");
    assert_eq!((torn.auth().as_deref(), off.auth()), (Some("{\"tokens\":"), None));
}

#[tokio::test]
async fn newer_tokens_of_the_one_matching_row_are_offered() {
    let stage = Stage::holding(Some(K01));
    let mut row = account_of(K01);
    let mut stranger = account_of(K01_AFTER);
    for account in [&mut row, &mut stranger] {
        account.credentials.claims.issued_at = Some(Moment::EPOCH);
    }
    let roster = |accounts: Vec<Account>| Roster { accounts, ..Roster::default() };

    let offered = stage.home.newer(&roster(vec![row.clone(), stranger.clone()])).await;
    let ambiguous = stage.home.newer(&roster(vec![row.clone(), row.clone()])).await;
    let same = stage.home.newer(&roster(vec![account_of(K01)])).await;
    let foreign = stage.home.newer(&roster(vec![stranger])).await;

    let tokens = codex_auth::credentials(&login_of(K01)).unwrap();
    assert!(
        matches!(offered.as_slice(), [Change::Renewed { key, credentials, .. }] if *key == row.key && **credentials == tokens)
    );
    assert_eq!((ambiguous, same, foreign), (Vec::new(), Vec::new(), Vec::new()));
}

#[tokio::test]
async fn a_refresh_is_written_back_to_its_own_account_only() {
    let stage = Stage::holding(Some(K01));
    let old = account_of(K01);
    let mut credentials = Credentials { refresh: Secret::from("rt_new"), ..old.credentials.clone() };
    credentials.claims.issued_at = credentials.claims.issued_at.map(|at| at + Span::seconds(1));
    let renewed = Account { credentials, ..old.clone() };

    let other = stage.home.write_back(&account_of(K01_AFTER), AT).await;
    let done = stage.home.write_back(&renewed, AT).await;
    let again = stage.home.write_back(&renewed, AT).await;

    assert_eq!((other, done), (Ok(Written::Unchanged), Ok(Written::Done)));
    assert_eq!(again, Ok(Written::Unchanged));
    let auth = stage.auth().unwrap();
    assert!(auth.contains("\"rt_new\"") && auth.contains("2026-09-21T14:13:20.000Z"), "{auth}");
    assert!(auth.contains("\"future\""), "{auth}");
    assert_eq!(stage.aside(), Vec::<String>::new());
}

#[tokio::test]
async fn a_login_put_aside_comes_back_byte_for_byte() {
    let stage = Stage::holding(Some(K01));

    let aside = stage.home.set_aside(AT).await.unwrap().unwrap();
    let gone = stage.auth();
    let back = stage.home.put_back(&aside).await;
    let nothing = Stage::holding(None).home.set_aside(AT).await;

    assert_eq!((gone, back, nothing), (None, Ok(Written::Done), Ok(None)));
    assert_eq!(stage.auth().as_deref(), Some(K01));
    assert_eq!(stage.aside(), Vec::<String>::new());
}

#[tokio::test]
async fn an_organisation_id_is_repaired_in_place() {
    let broken = K01.replace("\"account_id\": \"acct-fixture-0001\"", "\"account_id\": \"org-1\"");
    let stage = Stage::holding(Some(&broken));
    let seen = stage.stamp().await.unwrap();

    let repaired = stage.home.repair(&seen, AT).await;
    let again = stage.home.repair(&seen, AT).await;

    assert_eq!((repaired, again), (Ok(Written::Done), Ok(Written::Changed)));
    assert_eq!(json(&stage.auth().unwrap()), json(K01));
}

#[tokio::test]
async fn an_older_accounts_file_is_kept_in_step_and_never_made() {
    const K03: &str = include_str!("../../../../tests/fixtures/storage/k03-accounts.json");
    let stage = Stage::holding(None);
    let beside = stage.home.places.accounts_json().to_owned();

    std::fs::write(&beside, r#"{"accounts":[{"accountId":"other"}]}"#).unwrap();
    let stranger = stage.home.replace(None, &account_of(K01_AFTER), AT).await;
    std::fs::write(&beside, K03).unwrap();
    let listed = stage.home.replace(None, &account_of(K01_AFTER), AT).await;

    assert!(matches!(stranger, Ok(Written::Skipped(_))), "{stranger:?}");
    assert_eq!(listed, Ok(Written::Done));
    let text = std::fs::read_to_string(&beside).unwrap();
    assert!(text.contains("\"activeAccountId\": \"acct-fixture-0002\""), "{text}");
    assert_eq!(login_of(&stage.auth().unwrap()).account_id.as_deref(), Some("acct-fixture-0002"));
}
