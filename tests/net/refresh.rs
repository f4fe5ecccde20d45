//! Refreshes against the rehearsal token endpoint: one call, never a second, and nothing lost.

use std::net::TcpListener;
use std::path::PathBuf;

use codex_multi_auth::adapters::auth::lease::{Part, Rules};
use codex_multi_auth::adapters::auth::{Parts, TokenServer};
use codex_multi_auth::adapters::clock::SystemClock;
use codex_multi_auth::adapters::entropy::SystemEntropy;
use codex_multi_auth::adapters::upstream::client::{Clients, Egress};
use codex_multi_auth::adapters::upstream::roots::RootSources;
use codex_multi_auth::base::{Moment, Secret, Span};
use codex_multi_auth::domain::account::{Account, AccountKey, Credentials, Switch, Tokens};
use codex_multi_auth::domain::change::Change;
use codex_multi_auth::domain::places::Places;
use codex_multi_auth::domain::refresh::past::Trace;
use codex_multi_auth::domain::refresh::{Intent, Outcome, Past, Reason};
use codex_multi_auth::domain::token;
use codex_multi_auth::formats::leases::{self, Lease};
use codex_multi_auth::formats::scenario::{Action, Endpoint, Rule, Scenario};
use codex_multi_auth::formats::{jwt, oauth_wire, token_past};
use codex_multi_auth::ports::{Auth, Clock};
use codex_multi_auth::rehearsal::backend::{Backend, Issued};
use pretty_assertions::assert_eq;
use tempfile::TempDir;

use crate::support::backend::{assert_clean, start_at};
use crate::support::fakes::{MemoryHome, MemoryStore};

type Server = TokenServer<MemoryStore, MemoryHome, SystemClock, SystemEntropy>;

/// A back end with accounts `one` and `two`, a pool that holds them, and an empty root.
struct Stage {
    backend: Backend,
    store: MemoryStore,
    home: MemoryHome,
    root: TempDir,
    rules: Rules,
}

impl Stage {
    async fn new() -> Self {
        let backend = start_at(Scenario::pool(["one", "two"]), SystemClock::new().now()).await;
        let accounts = ["one", "two"].map(|name| account(&backend, name)).to_vec();
        let root = tempfile::tempdir().unwrap();
        let store = MemoryStore::of(accounts);
        Self { backend, store, home: MemoryHome::default(), root, rules: Rules::default() }
    }

    /// A token server as another process would have it: same files, nothing else shared.
    fn server(&self) -> Server {
        self.server_at(&self.backend.auth_url())
    }

    fn server_at(&self, base: &str) -> Server {
        let parts = Parts {
            store: self.store.clone(),
            home: self.home.clone(),
            clock: SystemClock::new(),
            entropy: SystemEntropy,
            clients: Clients::new(Egress::default(), RootSources::default(), Span::seconds(10)),
            base: base.parse().unwrap(),
            leases: self.rules,
        };
        TokenServer::new(parts, &Places::under(self.root.path(), self.root.path().join("codex")))
    }

    fn script(&self, action: Action) {
        self.backend.script(Rule::on("one", Endpoint::Token, action).once());
    }

    /// Lets what is remembered of tokens be so much older.
    fn age_memory(&self, by: Span) {
        let path = self.root.path().join("ext/refresh-tokens.json");
        let past = token_past::parse(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let older = past
            .traces()
            .iter()
            .map(|(hash, trace)| (hash.clone(), Trace { at: trace.at - by, ..trace.clone() }));
        std::fs::write(&path, token_past::print(&Past::new(older.collect()))).unwrap();
        let since = self.stored().uncertain_since.unwrap() - by;
        self.store.apply(&Change::BecameUncertain { key: one(), at: since });
    }

    /// Takes the place of the one result that is about to be written.
    fn block_results(&self) {
        let hash = token::hash(&self.stored().credentials.refresh);
        std::fs::create_dir_all(self.leases().join(format!("{hash}.result.json/in-the-way"))).unwrap();
    }

    fn unblock_results(&self) {
        let hash = token::hash(&self.stored().credentials.refresh);
        std::fs::remove_dir_all(self.leases().join(format!("{hash}.result.json"))).unwrap();
    }

    fn calls(&self) -> usize {
        self.backend.record().at("token").len()
    }

    /// The access token that callers have seen fail.
    fn stale(&self) -> Option<Secret> {
        self.stored().credentials.access
    }

    fn stored(&self) -> Account {
        self.store.account(&one())
    }

    fn leases(&self) -> PathBuf {
        self.root.path().join("refresh-leases")
    }

    /// Names of lease files, results by their ending only.
    fn left(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.leases()).map(|entries| entries.flatten().collect::<Vec<_>>());
        let names =
            entries.unwrap_or_default().into_iter().map(|entry| entry.file_name().into_string().unwrap());
        let mut names =
            names.map(|name| name.split_once('.').map_or(name.clone(), |(_, end)| end.to_owned()));
        let mut left = names.by_ref().collect::<Vec<_>>();
        left.sort();
        left
    }
}

fn one() -> AccountKey {
    AccountKey::new("record:one")
}

fn account(backend: &Backend, name: &str) -> Account {
    let issued = backend.tokens(name).unwrap();
    let credentials = credentials(&issued);
    Account { email: credentials.claims.email.clone(), credentials, ..Account::sample(name) }
}

fn credentials(issued: &Issued) -> Credentials {
    Credentials {
        refresh: issued.refresh.clone(),
        access: Some(issued.access.clone()),
        id_token: Some(issued.id_token.clone()),
        expires_at: Some(issued.expires_at),
        claims: jwt::claims(Some(issued.access.expose()), Some(issued.id_token.expose())).into(),
        tokens: Tokens::Here,
    }
}

/// Newer tokens of `one`, as the official client would have got them.
fn elsewhere(stage: &Stage) -> (Credentials, Change) {
    let mut tokens = credentials(&stage.backend.issue("one").unwrap());
    tokens.claims.issued_at = tokens.claims.issued_at.map(|issued| issued + Span::seconds(1));
    tokens.expires_at = tokens.expires_at.map(|end| end + Span::seconds(1));
    let change = Change::Renewed { key: one(), credentials: Box::new(tokens.clone()), at: Moment::EPOCH };
    (tokens, change)
}

fn access(outcome: &Outcome) -> Option<&Secret> {
    match outcome {
        Outcome::Renewed(tokens) | Outcome::Adopted(tokens) => tokens.access.as_ref(),
        Outcome::Dead { .. }
        | Outcome::Transient { .. }
        | Outcome::Refused { .. }
        | Outcome::Uncertain { .. }
        | Outcome::Missing => None,
    }
}

fn dead(code: &str) -> Outcome {
    Outcome::Dead { code: code.to_owned() }
}

#[tokio::test]
async fn many_callers_cause_one_call_and_get_the_same_tokens() {
    let stage = Stage::new().await;
    let server = stage.server();
    let old = stage.stored();
    let refused = old.credentials.access.clone();

    let callers = (0..16).map(|_| {
        let (server, refused) = (server.clone(), refused.clone());
        tokio::spawn(async move { server.refresh(&one(), Reason::UnauthorizedRecovery, refused).await })
    });
    let outcomes = futures_util::future::join_all(callers).await;

    let new = stage.stored();
    assert_eq!(stage.calls(), 1);
    assert_ne!(new.credentials.refresh, old.credentials.refresh);
    for outcome in outcomes {
        assert_eq!(access(&outcome.unwrap()), new.credentials.access.as_ref());
    }
    assert_eq!(stage.home.written(), [one()]);
    assert_eq!(stage.left(), ["result.json"]);
    assert_clean(&stage.backend);
}

#[tokio::test]
async fn two_processes_cause_one_call() {
    let stage = Stage::new().await;
    let (first, second) = (stage.server(), stage.server());
    let (key, refused) = (one(), stage.stored().credentials.access);

    let (a, b) = tokio::join!(
        first.refresh(&key, Reason::ProactiveExpiry, refused),
        second.refresh(&key, Reason::UnauthorizedRecovery, None),
    );

    assert_eq!(stage.calls(), 1);
    assert_eq!(access(&a), stage.stored().credentials.access.as_ref());
    assert_eq!(access(&a), access(&b));
    assert_clean(&stage.backend);
}

#[tokio::test]
async fn calls_for_different_accounts_are_a_second_apart_across_processes() {
    let stage = Stage::new().await;
    let (first, second) = (stage.server(), stage.server());
    let (one, two) = (one(), AccountKey::new("record:two"));

    tokio::join!(first.refresh(&one, Reason::Forced, None), second.refresh(&two, Reason::Forced, None));

    let times = stage.backend.record().at("token").iter().map(|entry| entry.at).collect::<Vec<_>>();
    assert_eq!(times.len(), 2);
    assert!(times[1] - times[0] >= 990, "{times:?}");
}

#[tokio::test]
async fn a_cut_call_leaves_the_account_uncertain_and_is_not_repeated_until_the_user_asks() {
    let stage = Stage::new().await;
    let server = stage.server();
    stage.script(Action::Drop);

    let cut = server.refresh(&one(), Reason::UnauthorizedRecovery, None).await;
    let again = server.refresh(&one(), Reason::UnauthorizedRecovery, None).await;
    let elsewhere = stage.server().refresh(&one(), Reason::ProactiveExpiry, None).await;

    let Outcome::Uncertain { since } = cut else { panic!("{cut:?}") };
    assert_eq!((again, stage.calls()), (Outcome::Uncertain { since }, 1));
    assert!(matches!(elsewhere, Outcome::Uncertain { .. } | Outcome::Adopted(_)), "{elsewhere:?}");
    assert_eq!(stage.stored().uncertain_since, Some(since));
    assert_eq!(stage.left(), Vec::<String>::new());

    let asked = server.refresh(&one(), Reason::Forced, None).await;

    assert_eq!((asked, stage.calls()), (dead("refresh_token_reused"), 2));
}

#[tokio::test]
async fn an_uncertain_account_is_fine_again_when_newer_tokens_turn_up() {
    let stage = Stage::new().await;
    let server = stage.server();
    stage.script(Action::Drop);
    server.refresh(&one(), Reason::UnauthorizedRecovery, None).await;
    let (tokens, change) = elsewhere(&stage);
    stage.home.renews(change, 0);

    let outcome = server.refresh(&one(), Reason::UnauthorizedRecovery, None).await;

    assert_eq!(outcome, Outcome::Adopted(Box::new(tokens)));
    assert_eq!((stage.stored().uncertain_since, stage.calls()), (None, 1));
}

#[tokio::test]
async fn dead_tokens_are_marked_and_never_sent_again() {
    let stage = Stage::new().await;
    let server = stage.server();
    stage.script(Action::refuse_token("refresh_token_invalidated"));

    let first = server.refresh(&one(), Reason::UnauthorizedRecovery, None).await;
    let forced = server.refresh(&one(), Reason::Forced, None).await;
    let other_process = stage.server().refresh(&one(), Reason::Forced, None).await;

    for outcome in [first, forced, other_process] {
        assert_eq!(outcome, dead("refresh_token_invalidated"));
    }
    assert_eq!(stage.calls(), 1);
    let row = stage.stored();
    assert_eq!(row.invalidation.unwrap().code.as_deref(), Some("refresh_token_invalidated"));
    assert!(row.cooldown.unwrap().until >= SystemClock::new().now() + Span::seconds(290));
    assert_eq!(stage.left(), Vec::<String>::new());
}

#[tokio::test]
async fn a_dead_answer_yields_to_tokens_the_official_client_got_meanwhile() {
    let stage = Stage::new().await;
    stage.script(Action::refuse_token("refresh_token_reused"));
    let (tokens, change) = elsewhere(&stage);
    stage.home.renews(change, 2);

    let outcome = stage.server().refresh(&one(), Reason::UnauthorizedRecovery, None).await;

    assert_eq!(outcome, Outcome::Adopted(Box::new(tokens)));
    assert_eq!(stage.stored().invalidation, None);
}

#[tokio::test]
async fn newer_tokens_are_adopted_without_a_call() {
    for reason in [Reason::ProactiveExpiry, Reason::UnauthorizedRecovery, Reason::Forced] {
        let stage = Stage::new().await;
        let (tokens, change) = elsewhere(&stage);
        stage.home.renews(change, 0);

        let outcome = stage.server().refresh(&one(), reason, stage.stored().credentials.access).await;

        assert_eq!(outcome, Outcome::Adopted(Box::new(tokens)), "{reason:?}");
        assert_eq!(stage.calls(), 0);
    }
}

/// Notes in the extension file that `one` was imported from the file at this path.
fn imported(stage: &Stage, source: &std::path::Path) {
    let ext = stage.root.path().join("ext");
    std::fs::create_dir_all(&ext).unwrap();
    let source = source.display().to_string();
    let records = serde_json::json!({ "version": 1, "records": {
        one().as_str(): { "importedFrom": { "source": source, "at": 1 } } } });
    std::fs::write(ext.join("accounts.json"), records.to_string()).unwrap();
}

/// What another program keeps of a sign-in.
fn kept_elsewhere(path: &std::path::Path, tokens: &Credentials) {
    let file = serde_json::json!({ "tokens": {
        "refresh_token": tokens.refresh.expose(), "account_id": tokens.claims.workspace_id,
        "access_token": tokens.access.as_ref().map(Secret::expose),
        "id_token": tokens.id_token.as_ref().map(Secret::expose) } });
    std::fs::write(path, file.to_string()).unwrap();
}

#[tokio::test]
async fn a_token_that_its_other_owner_rotated_is_adopted_from_the_source_and_never_sent() {
    let stage = Stage::new().await;
    let source = stage.root.path().join("other-tool.json");
    imported(&stage, &source);
    let mine = stage.stored();
    kept_elsewhere(&source, &mine.credentials);
    // The other program spends the token it shares with us and keeps the new one in its own file.
    let theirs = Stage {
        backend: start_at(Scenario::pool(["unused"]), SystemClock::new().now()).await,
        store: MemoryStore::of(vec![mine.clone()]),
        home: MemoryHome::default(),
        root: tempfile::tempdir().unwrap(),
        rules: Rules::default(),
    };
    let outcome = theirs.server_at(&stage.backend.auth_url()).refresh(&one(), Reason::Forced, None).await;
    assert!(matches!(outcome, Outcome::Renewed(_)), "{outcome:?}");
    kept_elsewhere(&source, &theirs.stored().credentials);

    let adopted = stage.server().refresh(&one(), Reason::UnauthorizedRecovery, stage.stale()).await;

    assert_eq!(access(&adopted), theirs.stored().credentials.access.as_ref(), "{adopted:?}");
    assert_eq!(stage.calls(), 1, "only the other program has asked");
    let again = stage.server().refresh(&one(), Reason::UnauthorizedRecovery, stage.stale()).await;
    assert!(matches!(again, Outcome::Renewed(_)), "the session lives: {again:?}");
    assert_eq!(stage.calls(), 2);
}

#[tokio::test]
async fn a_source_that_is_gone_or_holds_somebody_else_changes_nothing() {
    let stage = Stage::new().await;
    let source = stage.root.path().join("other-tool.json");
    imported(&stage, &source);
    let gone = stage.server().refresh(&one(), Reason::Forced, None).await;
    assert!(matches!(gone, Outcome::Renewed(_)), "{gone:?}");

    let before = stage.stored().credentials.refresh;
    kept_elsewhere(&source, &credentials(&stage.backend.issue("two").unwrap()));
    let renewed = stage.server().refresh(&one(), Reason::Forced, stage.stale()).await;
    assert!(matches!(renewed, Outcome::Renewed(_)), "{renewed:?}");
    assert_ne!(stage.stored().credentials.refresh, before);
    assert_eq!(stage.stored().email.as_deref(), Some("one@example.com"));
}

#[tokio::test]
async fn trouble_of_the_server_changes_nothing_and_says_how_long_to_wait() {
    let stage = Stage::new().await;
    let before = stage.stored();
    let refused =
        Action::Refuse { status: 400, code: "invalid_request".to_owned(), message: "no".to_owned() };

    stage.script(Action::Throttle { retry_after: Some(Span::seconds(7)) });
    let throttled = stage.server().refresh(&one(), Reason::Forced, None).await;
    stage.script(Action::server_error());
    let failed = stage.server().refresh(&one(), Reason::Forced, None).await;
    stage.script(refused);
    let refused = stage.server().refresh(&one(), Reason::Forced, None).await;

    assert!(
        matches!(&throttled, Outcome::Transient { wait, .. } if *wait == Span::seconds(7)),
        "{throttled:?}"
    );
    assert!(matches!(&failed, Outcome::Transient { wait, .. } if *wait == Span::seconds(30)), "{failed:?}");
    assert_eq!(refused, Outcome::Refused { why: "no (invalid_request)".to_owned() });
    assert_eq!((stage.stored(), stage.left()), (before, Vec::<String>::new()));
}

#[tokio::test]
async fn the_sixth_failure_in_a_minute_is_not_sent() {
    let stage = Stage::new().await;
    let server = stage.server();
    let refuse = Action::Refuse { status: 503, code: "x".to_owned(), message: "no".to_owned() };
    stage.backend.script(Rule::on("one", Endpoint::Token, refuse));

    for _ in 0..5 {
        let failed = server.refresh(&one(), Reason::Forced, None).await;
        assert!(matches!(failed, Outcome::Transient { .. }), "{failed:?}");
    }
    let told = server.refresh(&one(), Reason::Forced, None).await;

    let Outcome::Transient { wait, why } = told else { panic!("{told:?}") };
    assert!(wait <= Span::seconds(60) && why.contains("within a minute"), "{wait:?} {why}");
    assert_eq!(stage.calls(), 5);
}

#[tokio::test]
async fn an_endpoint_that_cannot_be_reached_costs_nothing() {
    let stage = Stage::new().await;
    let before = stage.stored();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();

    let outcome = stage.server_at(&format!("http://{closed}")).refresh(&one(), Reason::Forced, None).await;

    assert!(matches!(outcome, Outcome::Transient { .. }), "{outcome:?}");
    assert_eq!((stage.stored(), stage.left()), (before, Vec::<String>::new()));
}

#[tokio::test]
async fn an_answer_nobody_can_read_leaves_the_account_uncertain_and_three_in_a_row_end_it() {
    let stage = Stage::new().await;
    stage.backend.script(Rule::on("one", Endpoint::Token, Action::Garbage));

    let first = stage.server().refresh(&one(), Reason::UnauthorizedRecovery, None).await;
    let unasked = stage.server().refresh(&one(), Reason::Scheduled, stage.stale()).await;
    let calls = stage.calls();
    let second = stage.server().refresh(&one(), Reason::Forced, None).await;
    let third = stage.server().refresh(&one(), Reason::Forced, None).await;
    let fourth = stage.server().refresh(&one(), Reason::Forced, None).await;

    for outcome in [first, unasked, second] {
        assert!(matches!(outcome, Outcome::Uncertain { .. }), "{outcome:?}");
    }
    assert_eq!((third, fourth), (dead("invalid_response"), dead("invalid_response")));
    assert_eq!((calls, stage.calls()), (1, 3));
    assert_eq!(stage.left(), Vec::<String>::new());
}

#[tokio::test]
async fn the_last_account_is_tried_once_more_without_being_asked() {
    let stage = Stage::new().await;
    stage.script(Action::Drop);
    let cut = stage.server().refresh(&one(), Reason::UnauthorizedRecovery, None).await;
    let at_once = stage.server().refresh(&one(), Reason::Scheduled, stage.stale()).await;
    stage.store.apply(&Change::Switched { key: AccountKey::new("record:two"), switch: Switch::Off });
    stage.age_memory(Span::seconds(61));

    let early = stage.calls();
    let tried = stage.server().refresh(&one(), Reason::Scheduled, stage.stale()).await;
    let again = stage.server().refresh(&one(), Reason::Scheduled, stage.stale()).await;

    assert!(matches!(cut, Outcome::Uncertain { .. }) && matches!(at_once, Outcome::Uncertain { .. }));
    assert_eq!((early, stage.calls()), (1, 2));
    assert_eq!((tried, again), (dead("refresh_token_reused"), dead("refresh_token_reused")));
}

#[tokio::test]
async fn a_token_that_was_exchanged_is_never_sent_again_whoever_brings_it_back() {
    let stage = Stage::new().await;
    let old = stage.stored();
    stage.server().refresh(&one(), Reason::Forced, None).await;
    std::fs::remove_dir_all(stage.leases()).unwrap();
    stage.store.apply(&Change::Added(Box::new(old)));

    let outcome = stage.server().refresh(&one(), Reason::Forced, None).await;

    assert_eq!((outcome, stage.calls()), (dead("refresh_token_spent"), 1));
    let code = stage.stored().invalidation.and_then(|invalidation| invalidation.code);
    assert_eq!(code.as_deref(), Some("refresh_token_spent"));
    assert_clean(&stage.backend);
}

#[tokio::test]
async fn a_verdict_the_pool_did_not_take_is_remembered_by_every_process() {
    let stage = Stage::new().await;
    stage.script(Action::refuse_token("app_session_terminated"));
    stage.store.refuse(1);

    let untold =
        stage.server().refresh(&one(), Reason::ProactiveExpiry, stage.stored().credentials.access).await;
    let told = stage.server().refresh(&one(), Reason::Forced, None).await;

    assert!(matches!(untold, Outcome::Transient { .. }), "{untold:?}");
    assert_eq!((told, stage.calls()), (dead("app_session_terminated"), 1));
    assert!(stage.stored().invalidation.is_some());
}

#[tokio::test]
async fn a_start_after_a_crash_behind_a_verdict_marks_the_account_dead() {
    let stage = Stage::new().await;
    stage.script(Action::refuse_token("refresh_token_expired"));
    stage.store.refuse(1);
    stage.server().refresh(&one(), Reason::Forced, None).await;
    assert_eq!(stage.left(), ["json"], "the journal stays");

    stage.server().recover().await;

    let row = stage.stored();
    assert_eq!(row.invalidation.unwrap().code.as_deref(), Some("refresh_token_expired"));
    assert_eq!((row.uncertain_since, stage.left()), (None, Vec::new()));
}

#[tokio::test]
async fn a_journal_of_another_pool_leaves_the_token_in_doubt_everywhere() {
    let stage = Stage::new().await;
    let started_at = Moment::from_millis(1_795_000_000_000);
    let old_hash = token::hash(&stage.stored().credentials.refresh);
    let entry = Intent { key: AccountKey::new("record:of-another-pool"), old_hash, started_at };
    std::fs::create_dir_all(stage.leases()).unwrap();
    std::fs::write(stage.leases().join("intent.json"), leases::print_intent(&entry)).unwrap();
    stage.server().recover().await;

    let outcome = stage.server().refresh(&one(), Reason::UnauthorizedRecovery, stage.stale()).await;

    assert_eq!((outcome, stage.calls()), (Outcome::Uncertain { since: started_at }, 0));
    assert_eq!(stage.stored().uncertain_since, Some(started_at));
    assert_eq!(stage.left(), Vec::<String>::new());
}

#[tokio::test]
async fn every_known_refusal_ends_the_account_at_once_and_for_good() {
    for (status, code, expected) in [
        (401, "refresh_token_expired", "refresh_token_expired"),
        (400, "app_session_expired", "app_session_expired"),
        (401, "refresh_token_reused", "refresh_token_reused"),
        (403, "refresh_token_invalidated", "refresh_token_invalidated"),
        (400, "app_session_terminated", "app_session_terminated"),
        (400, "invalid_refresh_token", "invalid_refresh_token"),
        (401, "token_expired", "token_expired"),
        (400, "Invalid_Grant", "invalid_grant"),
        (401, "something_new", "something_new"),
    ] {
        let stage = Stage::new().await;
        stage.script(Action::Refuse { status, code: code.to_owned(), message: "no".to_owned() });

        let first = stage.server().refresh(&one(), Reason::UnauthorizedRecovery, None).await;
        let again = stage.server().refresh(&one(), Reason::Forced, None).await;

        assert_eq!((first, again, stage.calls()), (dead(expected), dead(expected), 1), "{code}");
    }
}

#[tokio::test]
async fn a_refusal_for_now_leaves_the_token_as_it_was() {
    for (status, code) in [(400, "invalid_request"), (403, "forbidden"), (408, "x"), (500, "x"), (503, "x")] {
        let stage = Stage::new().await;
        stage.script(Action::Refuse { status, code: code.to_owned(), message: "no".to_owned() });

        let refused = stage.server().refresh(&one(), Reason::UnauthorizedRecovery, None).await;
        let later =
            stage.server().refresh(&one(), Reason::Scheduled, stage.stored().credentials.access).await;

        assert!(matches!(refused, Outcome::Refused { .. } | Outcome::Transient { .. }), "{refused:?}");
        assert!(matches!(later, Outcome::Renewed(_)), "{status} {code}: {later:?}");
    }
}

#[tokio::test]
async fn a_blank_token_or_one_kept_in_a_keyring_is_never_sent() {
    for token in ["", "  ", "keychain:codex/1"] {
        let stage = Stage::new().await;
        let mut row = stage.stored();
        row.credentials.refresh = Secret::from(token);
        stage.store.apply(&Change::Added(Box::new(row)));

        let outcome = stage.server().refresh(&one(), Reason::Forced, None).await;

        assert_eq!((outcome, stage.calls()), (Outcome::Missing, 0), "{token:?}");
    }
}

#[tokio::test]
async fn a_result_of_the_reference_is_adopted_while_its_lease_is_waited_for() {
    let stage = Stage::new().await;
    let hash = token::hash(&stage.stored().credentials.refresh);
    let issued = stage.backend.issue("one").unwrap();
    std::fs::create_dir_all(stage.leases()).unwrap();
    let now = SystemClock::new().now();
    let lock = leases::Lock {
        token_hash: hash.clone(),
        pid: std::process::id(),
        acquired_at: now.millis(),
        expires_at: (now + Span::seconds(30)).millis(),
        nonce: Some("theirs".to_owned()),
    };
    std::fs::write(stage.leases().join(format!("{hash}.lock")), leases::print_lock(&lock)).unwrap();
    let answer = Lease {
        token_hash: hash.clone(),
        created_at: now,
        access: issued.access.clone(),
        refresh: issued.refresh.clone(),
        expires: issued.expires_at + Span::seconds(1),
        id_token: None,
    };
    let result = stage.leases().join(format!("{hash}.result.json"));

    let server = stage.server();
    let key = one();
    let waiting = server.refresh(&key, Reason::UnauthorizedRecovery, stage.stored().credentials.access);
    let writing = async {
        SystemClock::new().sleep(Span::millis(400)).await;
        std::fs::write(result, leases::print_result(&answer).expose()).unwrap();
    };
    let (outcome, ()) = tokio::join!(waiting, writing);

    assert!(matches!(outcome, Outcome::Adopted(_)), "{outcome:?}");
    assert_eq!((stage.stored().credentials.refresh, stage.calls()), (issued.refresh, 0));
    assert!(stage.leases().join(format!("{hash}.lock")).exists(), "their lock is theirs");
}

#[tokio::test]
async fn a_lease_that_is_never_given_back_is_not_bypassed() {
    let rules = Rules { wait: Span::millis(300), poll: Span::millis(50), ..Rules::default() };
    let stage = Stage { rules, ..Stage::new().await };
    let hash = token::hash(&stage.stored().credentials.refresh);
    std::fs::create_dir_all(stage.leases()).unwrap();
    let now = SystemClock::new().now();
    let lock = leases::Lock {
        token_hash: hash.clone(),
        pid: std::process::id(),
        acquired_at: now.millis(),
        expires_at: (now + Span::seconds(30)).millis(),
        nonce: None,
    };
    std::fs::write(stage.leases().join(format!("{hash}.lock")), leases::print_lock(&lock)).unwrap();

    let waited = stage.server().refresh(&one(), Reason::Forced, None).await;
    let calls = stage.calls();
    let declined = Stage { rules: Rules { part: Part::Declined, ..rules }, ..stage };
    let declining = declined.server().refresh(&one(), Reason::Forced, None).await;

    assert!(
        matches!(&waited, Outcome::Transient { why, .. } if why.contains("another program")),
        "{waited:?}"
    );
    assert_eq!(calls, 0);
    assert!(matches!(declining, Outcome::Renewed(_)), "{declining:?}");
    assert_eq!(declined.left(), ["lock", "result.json"], "their lock is theirs");
}

#[tokio::test]
async fn answers_that_no_file_took_are_saved_as_soon_as_one_does() {
    let stage = Stage::new().await;
    let server = stage.server();
    stage.store.refuse(1);
    // A file where the folder of results should be: nothing can be written into it.
    let blocked = stage.leases();
    stage.block_results();

    let unsaved = server.refresh(&one(), Reason::Forced, None).await;
    stage.unblock_results();
    server.shutdown().await;

    assert!(matches!(unsaved, Outcome::Transient { .. }), "{unsaved:?}");
    assert!(
        std::fs::read_dir(blocked)
            .unwrap()
            .flatten()
            .any(|entry| { entry.file_name().to_string_lossy().ends_with(".result.json") })
    );
    assert_eq!(stage.calls(), 1);
}

#[tokio::test]
async fn tokens_of_somebody_else_are_kept_aside_and_never_merged() {
    let stage = Stage::new().await;
    let before = stage.stored();
    stage.script(Action::WrongIdentity { account: "two".to_owned() });

    let outcome = stage.server().refresh(&one(), Reason::Forced, None).await;

    let row = stage.stored();
    assert_eq!(outcome, dead("wrong_identity"));
    assert_eq!((row.credentials, row.email), (before.credentials, before.email));
    assert_eq!(row.invalidation.unwrap().code.as_deref(), Some("wrong_identity"));
    let kept = std::fs::read_dir(stage.root.path().join("quarantine")).unwrap().flatten().next().unwrap();
    assert!(oauth_wire::parse_granted(&std::fs::read(kept.path()).unwrap()).is_some());
}

#[tokio::test]
async fn a_call_that_was_sent_survives_its_caller() {
    let stage = Stage::new().await;
    let server = stage.server();
    let old = stage.stored();
    stage.script(Action::Slow { delay: Span::millis(300) });

    let key = one();
    let mut caller = Box::pin(server.refresh(&key, Reason::Forced, None));
    while stage.calls() == 0 {
        tokio::select! {
            outcome = &mut caller => panic!("{outcome:?}"),
            () = tokio::task::yield_now() => {}
        }
    }
    drop(caller);
    server.shutdown().await;

    assert_ne!(stage.stored().credentials.refresh, old.credentials.refresh);
    assert_eq!(stage.calls(), 1);
}

#[tokio::test]
async fn a_full_disk_after_the_answer_loses_nothing() {
    let stage = Stage::new().await;
    let server = stage.server();
    stage.store.refuse(1);

    let unsaved = server.refresh(&one(), Reason::Forced, None).await;
    let left = stage.left();
    let healed = server.refresh(&one(), Reason::UnauthorizedRecovery, None).await;

    assert!(matches!(unsaved, Outcome::Transient { .. }), "{unsaved:?}");
    assert_eq!(left, ["json", "result.json"]);
    assert_eq!(access(&healed), stage.stored().credentials.access.as_ref());
    assert_eq!(stage.stored().credentials.refresh, stage.backend.tokens("one").unwrap().refresh);
    assert_eq!(stage.calls(), 1);
    assert_clean(&stage.backend);
}

#[tokio::test]
async fn a_start_after_a_crash_before_the_answer_marks_the_account() {
    let stage = Stage::new().await;
    let started_at = Moment::from_millis(1_795_000_000_000);
    let entry = Intent { key: one(), old_hash: token::hash(&stage.stored().credentials.refresh), started_at };
    std::fs::create_dir_all(stage.leases()).unwrap();
    std::fs::write(stage.leases().join("intent.json"), leases::print_intent(&entry)).unwrap();

    stage.server().recover().await;

    assert_eq!(stage.stored().uncertain_since, Some(started_at));
    assert_eq!(stage.left(), Vec::<String>::new());
}

#[tokio::test]
async fn a_start_after_a_crash_behind_the_answer_adopts_it() {
    let stage = Stage::new().await;
    let old_hash = token::hash(&stage.stored().credentials.refresh);
    let issued = stage.backend.issue("one").unwrap();
    let entry = Intent { key: one(), old_hash: old_hash.clone(), started_at: Moment::EPOCH };
    let answer = Lease {
        token_hash: old_hash.clone(),
        created_at: Moment::EPOCH,
        access: issued.access.clone(),
        refresh: issued.refresh.clone(),
        expires: issued.expires_at,
        id_token: Some(issued.id_token.clone()),
    };
    std::fs::create_dir_all(stage.leases()).unwrap();
    std::fs::write(stage.leases().join("intent.json"), leases::print_intent(&entry)).unwrap();
    let result = stage.leases().join(format!("{old_hash}.result.json"));
    std::fs::write(result, leases::print_result(&answer).expose()).unwrap();

    stage.server().recover().await;

    let row = stage.stored();
    assert_eq!((row.credentials.refresh, row.uncertain_since), (issued.refresh, None));
    assert_eq!(stage.home.written(), [one()]);
    assert_eq!(stage.left(), ["result.json"]);
    assert_eq!(stage.calls(), 0);
}

#[tokio::test]
async fn a_token_that_is_not_ours_is_passed_on_and_its_answer_too() {
    let stage = Stage::new().await;
    let body = oauth_wire::refresh_body(&Secret::from("rt_of_a_stranger"), Reason::ProactiveExpiry);

    let (status, _, answer) =
        stage.server().forward(body.into(), Some("application/json".to_owned())).await.unwrap();

    assert!(status.is_client_error(), "{status}");
    assert!(oauth_wire::parse_refusal(status.as_u16(), None, &answer).code.is_some());
    assert_eq!(stage.calls(), 1);
}
