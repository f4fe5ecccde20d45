//! The launch against ports in memory: who is written into `auth.json`, who is asked, and what the child gets.

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use pretty_assertions::assert_eq;

use super::*;
use crate::base::calendar::Zone;
use crate::base::{Moment, Secret, Span};
use crate::domain::account::{Claims, Credentials, Invalidation};
use crate::domain::change::Change;
use crate::domain::launch::config::ConfigFacts;
use crate::domain::launch::{LaunchPlan, Planned, Through};
use crate::domain::official::{Aside, ChatGpt, Login, Stamp, Written};
use crate::domain::policy::account::{Changed, Policies, PolicyEdit};
use crate::domain::problem::Exit;
use crate::domain::quota::snapshot::Snapshot;
use crate::domain::recovery::{Beside, Health};
use crate::domain::refresh::{Held, Outcome, Reason};
use crate::domain::settings::Settings;
use crate::domain::shelf::Found;
use crate::domain::usage::entry::Entry;
use crate::domain::usage::reading::{Query, Reading};
use crate::domain::workspace::Routing;
use crate::ports::codex::{Ended, Official};
use crate::ports::question::Choice;
use crate::ports::store::{Loaded, StoreError};
use crate::ports::upstream::{ReadError, Request, Response, Upgrade, UpstreamError};
use crate::ports::{Auth, Clock, Entropy, Store, Upstream};

const NOW: Moment = Moment::from_secs(1_790_000_000);

/// Every port at once; clones share the state.
#[derive(Clone, Default)]
struct World(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    roster: Roster,
    settings: Settings,
    login: Option<Login>,
    config: ConfigFacts,
    version: Option<String>,
    /// Answers of routing discovery by record id; missing = alive.
    routing: BTreeMap<String, VecDeque<ReadError>>,
    /// Answers of the token endpoint by record id; missing = renewed.
    refresh: BTreeMap<String, Outcome>,
    answer: Option<char>,
    code: i32,
    log: Vec<String>,
}

impl World {
    fn with(change: impl FnOnce(&mut State)) -> Self {
        let world = Self::default();
        change(&mut world.0.lock().unwrap());
        world
    }

    fn note(&self, line: String) {
        self.0.lock().unwrap().log.push(line);
    }

    fn log(&self) -> Vec<String> {
        self.0.lock().unwrap().log.clone()
    }

    fn desk(&self, audience: Audience) -> Desk<Self, Self, Self, Self> {
        Desk {
            ports: self.clone(),
            home: self.clone(),
            codex: self.clone(),
            question: self.clone(),
            env: Inherited::default(),
            audience,
            pid: 77,
            version: "1.0",
        }
    }
}

impl Ports for World {
    type Store = Self;
    type Auth = Self;
    type Upstream = Self;
    type Clock = Self;
    type Entropy = Self;

    fn store(&self) -> &Self {
        self
    }
    fn auth(&self) -> &Self {
        self
    }
    fn upstream(&self) -> &Self {
        self
    }
    fn clock(&self) -> &Self {
        self
    }
    fn entropy(&self) -> &Self {
        self
    }
}

impl Clock for World {
    fn now(&self) -> Moment {
        NOW
    }
    async fn sleep(&self, _: Span) {}
    fn zone(&self) -> Zone {
        Zone::utc()
    }
}

impl Entropy for World {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

impl Store for World {
    async fn load(&self) -> Result<Loaded, StoreError> {
        let roster = Arc::new(self.0.lock().unwrap().roster.clone());
        Ok(Loaded { roster, health: Health::Healthy, beside: Beside::default(), recovery: None, revision: 1 })
    }
    async fn policies(&self) -> Result<Found<Policies>, StoreError> {
        Ok(Found::Absent)
    }
    async fn change_policy(&self, _: &AccountKey, _: PolicyEdit) -> Result<(Policies, Changed), StoreError> {
        Ok((Policies::default(), Changed::No))
    }
    async fn commit(&self, changes: Vec<Change>) -> Result<Loaded, StoreError> {
        {
            let mut state = self.0.lock().unwrap();
            for change in &changes {
                state.roster.apply(change);
            }
        }
        self.load().await
    }
    async fn changed(&self, _: u64) -> Result<Loaded, StoreError> {
        std::future::pending().await
    }
    async fn settings(&self) -> Result<Settings, StoreError> {
        Ok(self.0.lock().unwrap().settings.clone())
    }
    async fn quota(&self, _: &Roster) -> Result<BTreeMap<AccountKey, Snapshot>, StoreError> {
        Ok(BTreeMap::new())
    }
    async fn keep_quota(&self, _: &Roster, _: Vec<(AccountKey, Snapshot)>) -> Result<(), StoreError> {
        Ok(())
    }
    async fn append(&self, _: Vec<Entry>) -> Result<(), StoreError> {
        Ok(())
    }
    async fn owner_of_refresh(&self, _: &str) -> Option<(AccountKey, Held)> {
        None
    }
    async fn sum(&self, _: Query) -> Result<(Reading, Option<String>), StoreError> {
        Ok((Reading::default(), None))
    }
    async fn usage(&self, _: Moment) -> Result<Vec<Entry>, StoreError> {
        Ok(Vec::new())
    }
}

impl Auth for World {
    async fn refresh(&self, key: &AccountKey, reason: Reason, _: Option<Secret>) -> Outcome {
        self.note(format!("refresh {} {}", key.as_str(), reason.word()));
        let state = self.0.lock().unwrap();
        state.refresh.get(key.as_str()).cloned().unwrap_or_else(|| {
            let mut credentials = state.roster.get(key).unwrap().credentials.clone();
            credentials.access = Some(Secret::from("at_new"));
            credentials.expires_at = Some(NOW + Span::hours(1));
            credentials.id_token = Some(Secret::from("id_new"));
            Outcome::Renewed(Box::new(credentials))
        })
    }
    async fn adopt(&self) -> bool {
        false
    }
    async fn forward(
        &self,
        _: bytes::Bytes,
        _: Option<String>,
    ) -> Result<(http::StatusCode, http::HeaderMap, bytes::Bytes), String> {
        Err("not asked for".to_owned())
    }
}

impl Upstream for World {
    async fn send(&self, _: Request) -> Result<Response, UpstreamError> {
        Err(UpstreamError::TimedOut)
    }
    async fn connect(&self, _: Request) -> Result<Upgrade, UpstreamError> {
        Err(UpstreamError::TimedOut)
    }
    async fn usage(&self, _: &Account) -> Result<Snapshot, ReadError> {
        Err(ReadError::NoToken)
    }
    async fn banked(
        &self,
        _: &Account,
    ) -> Result<crate::domain::quota::snapshot::Banked, crate::ports::upstream::ReadError> {
        Ok(crate::domain::quota::snapshot::Banked::default())
    }

    async fn routing(&self, account: &Account) -> Result<Routing, ReadError> {
        self.note(format!("check {}", account.key.as_str()));
        let mut state = self.0.lock().unwrap();
        match state.routing.get_mut(account.key.as_str()).and_then(VecDeque::pop_front) {
            Some(error) => Err(error),
            None => Ok(Routing { origin: None, over: None, checked_at: NOW }),
        }
    }
}

impl Home for World {
    async fn login(&self) -> Login {
        self.0.lock().unwrap().login.clone().unwrap_or(Login::Absent)
    }
    async fn repair(&self, _: &Stamp, at: Moment) -> Result<Written, String> {
        self.note("repair".to_owned());
        let mut state = self.0.lock().unwrap();
        if let Some(Login::ChatGpt(login)) = &mut state.login {
            login.account_id.clone_from(&login.claims.workspace_id);
            login.last_refresh = Some(at);
        }
        Ok(Written::Done)
    }
    async fn replace(&self, seen: Option<&Stamp>, account: &Account, _: Moment) -> Result<Written, String> {
        self.note(format!("replace {} {}", seen.is_some(), account.key.as_str()));
        Ok(Written::Done)
    }
    async fn set_aside(&self, _: Moment) -> Result<Option<Aside>, String> {
        self.note("set aside".to_owned());
        Ok(Some(Aside { from: PathBuf::from("/home/auth.json"), to: PathBuf::from("/backups/auth.json") }))
    }
    async fn put_back(&self, _: &Aside) -> Result<Written, String> {
        self.note("put back".to_owned());
        Ok(Written::Done)
    }
    async fn is_signed_out(&self) -> bool {
        false
    }

    async fn newer(&self, _: &Roster) -> Vec<Change> {
        Vec::new()
    }
    async fn write_back(&self, _: &Account, _: Moment) -> Result<Written, String> {
        Ok(Written::Unchanged)
    }
    async fn config(&self, _: Option<&str>) -> Result<ConfigFacts, String> {
        Ok(self.0.lock().unwrap().config.clone())
    }
    fn path(&self) -> String {
        "/home".to_owned()
    }
}

impl Codex for World {
    async fn find(&self) -> Result<Official, Problem> {
        let version = self.0.lock().unwrap().version.clone();
        Ok(Official { path: PathBuf::from("/bin/codex"), version, ..Official::default() })
    }
    async fn launch(&self, plan: LaunchPlan) -> Result<Ended, Problem> {
        self.note(format!("launch {}", plan.args.join(" ".as_ref()).to_string_lossy()));
        Ok(Ended::Code(self.0.lock().unwrap().code))
    }
    async fn was_alive(&self, _: &str, _: &str, _: Moment) -> bool {
        false
    }
    async fn is_alive(&self, workspace: &str, _: &str, _: Moment) {
        self.note(format!("alive {workspace}"));
    }
}

impl Question for World {
    async fn ask(&self, _: Vec<String>, _: Vec<Choice>) -> Option<char> {
        self.note("ask".to_owned());
        self.0.lock().unwrap().answer
    }
}

fn pool(names: &[&str]) -> Roster {
    let accounts: Vec<Account> = names.iter().map(|name| Account::sample(name)).collect();
    let active = accounts.first().map(|account| account.key.clone());
    Roster { accounts, active, ..Roster::default() }
}

fn login(name: &str) -> ChatGpt {
    let account = Account::sample(name);
    let Credentials { refresh, access, id_token, .. } = account.credentials.clone();
    ChatGpt {
        stamp: Stamp("s".to_owned()),
        access,
        refresh: Some(refresh),
        id_token,
        account_id: account.workspace_id().map(str::to_owned),
        last_refresh: Some(NOW),
        claims: Claims { expires_at: Some(NOW + Span::hours(1)), ..(*account.credentials.claims).clone() },
    }
}

fn holding(name: &str) -> Login {
    Login::ChatGpt(Box::new(login(name)))
}

fn args(line: &str) -> Vec<std::ffi::OsString> {
    line.split_whitespace().map(Into::into).collect()
}

fn through() -> Through {
    Through {
        port: 5_000,
        base_url: Secret::from("http://127.0.0.1:5000/P/backend-api/codex"),
        refresh_url: Secret::from("http://127.0.0.1:5000/P/oauth/token"),
    }
}

#[tokio::test]
async fn a_live_login_is_only_checked() {
    let world = World::with(|state| {
        state.roster = pool(&["one", "two"]);
        state.login = Some(holding("one"));
    });

    let notes = world.desk(Audience::Person).preflight().await.unwrap();

    assert_eq!(notes, Vec::<String>::new());
    assert_eq!(world.log(), ["check record:one", "alive ws-one"]);
}

#[tokio::test]
async fn a_dead_login_is_replaced_by_the_first_account_that_lives() {
    let gone = || VecDeque::from([ReadError::Unavailable("deactivated".to_owned())]);
    let world = World::with(|state| {
        state.roster = pool(&["one", "two", "three"]);
        state.login = Some(holding("one"));
        state.routing = BTreeMap::from([("record:one".into(), gone()), ("record:two".into(), gone())]);
    });

    let notes = world.desk(Audience::Person).preflight().await.unwrap();

    assert_eq!(notes, ["auth.json held one@example.com (deactivated); it holds three@example.com now"]);
    assert_eq!(
        world.log(),
        [
            "check record:one",
            "check record:two",
            "check record:three",
            "alive ws-three",
            "replace true record:three"
        ]
    );
}

#[tokio::test]
async fn a_refused_token_is_refreshed_once_before_the_login_counts_as_dead() {
    let world = World::with(|state| {
        state.roster = pool(&["one", "two"]);
        state.login = Some(holding("one"));
        state.routing = BTreeMap::from([("record:one".into(), VecDeque::from([ReadError::Refused]))]);
    });

    world.desk(Audience::Person).preflight().await.unwrap();

    assert_eq!(
        world.log(),
        ["check record:one", "refresh record:one unauthorized_recovery", "check record:one", "alive ws-one"]
    );
}

#[tokio::test]
async fn a_token_about_to_expire_is_refreshed_first() {
    let world = World::with(|state| {
        state.roster = pool(&["one"]);
        state.roster.accounts[0].credentials.expires_at = Some(NOW + Span::minutes(4));
        state.login = Some(holding("one"));
    });

    world.desk(Audience::Person).preflight().await.unwrap();

    assert_eq!(world.log(), ["refresh record:one proactive_expiry", "check record:one", "alive ws-one"]);
}

#[tokio::test]
async fn a_missing_login_is_put_there() {
    let world = World::with(|state| state.roster = pool(&["one"]));

    let notes = world.desk(Audience::Script).preflight().await.unwrap();

    assert_eq!(notes, ["auth.json held no login; it holds account 1 now"]);
    assert_eq!(world.log(), ["check record:one", "alive ws-one", "replace false record:one"]);
}

#[tokio::test]
async fn an_unsound_file_is_repaired_in_place() {
    let world = World::with(|state| {
        state.roster = pool(&["one"]);
        let unsound = ChatGpt { account_id: Some("org-1".into()), last_refresh: None, ..login("one") };
        state.login = Some(Login::ChatGpt(Box::new(unsound)));
    });

    world.desk(Audience::Person).preflight().await.unwrap();

    assert_eq!(world.log(), ["repair", "check record:one", "alive ws-one"]);
}

#[tokio::test]
async fn what_cannot_be_asked_does_not_stop_a_launch() {
    let offline = VecDeque::from([ReadError::Transport(UpstreamError::Unreachable("refused".into()))]);
    let world = World::with(|state| {
        state.roster = pool(&["one", "two"]);
        state.login = Some(holding("one"));
        state.routing = BTreeMap::from([("record:one".into(), offline)]);
    });

    let notes = world.desk(Audience::Person).preflight().await.unwrap();

    assert_eq!(notes, ["the login in auth.json could not be checked: no connection: refused"]);
}

#[tokio::test]
async fn nobody_alive_ends_the_launch_with_who_needs_what() {
    let world = World::with(|state| {
        state.roster = pool(&["one", "two"]);
        state.roster.accounts[0].invalidation = Some(Invalidation { at: NOW, code: None });
        state.login = Some(holding("one"));
        state.refresh =
            BTreeMap::from([("record:two".into(), Outcome::Dead { code: "refresh_token_reused".into() })]);
        state.roster.accounts[1].credentials.expires_at = Some(NOW);
    });

    let problem = world.desk(Audience::Person).preflight().await.unwrap_err();

    assert_eq!((problem.code, problem.exit), ("needs-login", Exit::Attention));
    assert_eq!(problem.because, ["two@example.com: signed out: refresh_token_reused"]);
}

#[tokio::test]
async fn a_foreign_login_is_replaced_only_with_a_yes() {
    let dead = || BTreeMap::from([("auth.json".to_owned(), VecDeque::from([ReadError::Refused]))]);
    let world = |answer| {
        World::with(|state| {
            state.roster = pool(&["one"]);
            state.login = Some(holding("stranger"));
            state.routing = dead();
            state.answer = answer;
        })
    };

    let (yes, no, nobody) = (world(Some('r')), world(Some('c')), world(None));
    let replaced = yes.desk(Audience::Person).preflight().await;
    let cancelled = no.desk(Audience::Person).preflight().await.unwrap_err();
    let unanswered = nobody.desk(Audience::Script).preflight().await.unwrap_err();

    assert!(replaced.is_ok() && yes.log().contains(&"replace true record:one".to_owned()), "{:?}", yes.log());
    assert_eq!((cancelled.code, unanswered.code), ("cancelled", "needs-answer"));
    assert_eq!(unanswered.hints.first(), Some(&Hint::Run("switch 1".to_owned())));
    assert!(!nobody.log().iter().any(|line| line.starts_with("replace")));
}

#[tokio::test]
async fn a_foreign_login_that_lives_stays() {
    let world = World::with(|state| {
        state.roster = pool(&["one"]);
        state.login = Some(holding("stranger"));
    });

    let notes = world.desk(Audience::Person).preflight().await.unwrap();

    assert_eq!(notes, ["auth.json holds stranger@example.com, which is not in the pool"]);
}

#[tokio::test]
async fn writes_can_be_forbidden() {
    let world = World::with(|state| state.roster = pool(&["one"]));
    let mut desk = world.desk(Audience::Person);
    desk.env = Inherited::of([("CODEX_MULTI_AUTH_AUTO_SYNC_ON_STARTUP".to_owned(), "0".to_owned())]);

    let notes = desk.preflight().await.unwrap();

    assert_eq!(notes, ["auth.json holds no login; it was left as it is"]);
    assert_eq!(world.log(), Vec::<String>::new());
}

#[tokio::test]
async fn a_plan_names_the_forced_account_by_its_record() {
    let world = World::with(|state| {
        state.roster = pool(&["one", "two"]);
        state.login = Some(holding("one"));
    });
    let desk = world.desk(Audience::Person);

    let by_number = desk.plan(&args("--account 2 exec hi")).await.unwrap();
    let by_mail = desk.plan(&args("exec --account=TWO@example.com hi")).await.unwrap();

    let expected = Planned::Rotated { forced: Some(AccountKey::new("record:two")), notes: Vec::new() };
    assert_eq!((by_number, by_mail), (expected.clone(), expected));
}

#[tokio::test]
async fn a_plan_is_refused_before_anything_starts() {
    let world = World::with(|state| {
        state.roster = pool(&["one"]);
        state.login = Some(holding("one"));
    });
    let desk = world.desk(Audience::Person);
    let old = World::with(|state| {
        state.roster = pool(&["one"]);
        state.version = Some("0.99.1".into());
    });

    for (line, code, exit) in [
        ("exec --account 5 hi", "out-of-range", Exit::Usage),
        ("exec --account", "bad-argument", Exit::Usage),
        ("--account 1 --oss exec hi", "bad-argument", Exit::Usage),
        ("--account 1 --version", "bad-argument", Exit::Usage),
        ("login", "needs-yes", Exit::Cancelled),
        ("logout", "needs-yes", Exit::Cancelled),
    ] {
        let problem = desk.plan(&args(line)).await.unwrap_err();
        assert_eq!((problem.code, problem.exit), (code, exit), "{line}");
    }
    let problem = old.desk(Audience::Person).plan(&args("exec hi")).await.unwrap_err();
    assert_eq!(problem.code, "official-cli-too-old");
}

#[tokio::test]
async fn launches_without_requests_or_accounts_go_straight_to_the_child() {
    let world = World::with(|state| state.roster = pool(&["one"]));
    let empty = World::default();

    for line in ["--version", "doctor", "login status", "exec --help"] {
        let planned = world.desk(Audience::Person).plan(&args(line)).await.unwrap();
        assert_eq!(planned, Planned::Plain(Vec::new()), "{line}");
    }
    let planned = empty.desk(Audience::Script).plan(&args("exec hi")).await.unwrap();
    assert_eq!(planned, Planned::Plain(Vec::new()));
}

#[tokio::test]
async fn somebody_elses_login_is_not_rotated_without_a_yes() {
    let world = World::with(|state| {
        state.roster = pool(&["one"]);
        state.login = Some(Login::Other { kind: "an API key".into(), stamp: Stamp::default() });
    });

    let planned = world.desk(Audience::Script).plan(&args("exec hi")).await.unwrap();

    assert_eq!(
        planned,
        Planned::Plain(vec!["No rotation for this launch: auth.json holds an API key".into()])
    );
}

#[tokio::test]
async fn a_failed_login_leaves_the_file_as_it_was() {
    let world = World::with(|state| {
        state.roster = pool(&["one"]);
        state.login = Some(holding("one"));
        state.code = 1;
    });
    let desk = world.desk(Audience::Person);
    let line = args("login --yes --device-auth");

    assert_eq!(desk.plan(&line).await.unwrap(), Planned::Plain(Vec::new()));
    let code = desk.launch(&line, None, |_| {}).await.unwrap();

    assert_eq!(code, 1);
    assert_eq!(world.log(), ["set aside", "launch login --device-auth", "put back"]);
}

#[tokio::test]
async fn the_child_gets_our_pair_first_and_the_keyring_is_left_alone() {
    let world = World::with(|state| {
        state.roster = pool(&["one"]);
        state.config.credentials_store = Some("keyring".into());
    });
    let desk = world.desk(Audience::Person);

    let (plan, notes) = desk.finish(&args("--account 1 exec hi"), Some(&through())).await.unwrap();

    assert_eq!(
        plan.args,
        args(
            "-c openai_base_url=\"http://127.0.0.1:5000/P/backend-api/codex\" -c cli_auth_credentials_store=\"file\" exec hi"
        )
    );
    assert_eq!(notes, ["The login is read from auth.json for this launch (configured: keyring)"]);
    assert!(plan.set_env.contains(&("CODEX_MULTI_AUTH_SESSION".into(), "77:5000".into())));
    assert!(!format!("{plan:?}").contains("/P/"), "the prefix shows in Debug");
}

#[tokio::test]
async fn a_described_launch_changes_nothing_and_masks_the_prefix() {
    let world = World::with(|state| {
        state.roster = pool(&["one"]);
        state.login = Some(holding("one"));
    });

    let planned = world.desk(Audience::Person).plan(&args("--print-launch exec hi")).await.unwrap();

    let Planned::Printed(text, Exit::Ok) = planned else { panic!("{planned:?}") };
    assert_eq!(
        text,
        "\
program: /bin/codex
argument: -c
argument: openai_base_url=\"http://127.0.0.1:<port>/<secret>/backend-api/codex\"
argument: exec
argument: hi
set: CODEX_MULTI_AUTH_CLI_VERSION=1.0
set: CODEX_REFRESH_TOKEN_URL_OVERRIDE=http://127.0.0.1:<port>/<secret>/oauth/token
set: CODEX_MULTI_AUTH_SESSION=<pid>:<port>
host: inline proxy of this launch
account: any
preflight: the login in auth.json is alive
"
    );
}

#[tokio::test]
async fn a_bypass_touches_nothing() {
    let world = World::with(|state| state.roster = pool(&["one"]));
    let mut desk = world.desk(Audience::Person);
    desk.env = Inherited::of([("CODEX_MULTI_AUTH_BYPASS".to_owned(), "1".to_owned())]);
    let line = args("--account 1 login");

    let planned = desk.plan(&line).await.unwrap();
    let (plan, _) = desk.finish(&line, None).await.unwrap();

    assert_eq!((planned, plan.args, plan.set_env), (Planned::Plain(Vec::new()), line, Vec::new()));
}
