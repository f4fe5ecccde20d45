//! Sign-ins against the rehearsal back end with a hurried clock: what is waited for, how often, and when it is over.

use std::sync::{Arc, Mutex};

use codex_multi_auth::adapters::clock::SystemClock;
use codex_multi_auth::adapters::login::{Handover, Listener, SignInDesk};
use codex_multi_auth::adapters::upstream::client::{Clients, Egress};
use codex_multi_auth::adapters::upstream::roots::RootSources;
use codex_multi_auth::base::calendar::Zone;
use codex_multi_auth::base::{Moment, Secret, Span};
use codex_multi_auth::domain::account::Door;
use codex_multi_auth::domain::login::attempt::{Attempt, Prompt, Wish};
use codex_multi_auth::domain::login::failure::Failure;
use codex_multi_auth::domain::places::Places;
use codex_multi_auth::formats::scenario::{Action, Endpoint, Rule, Scenario};
use codex_multi_auth::ports::Clock;
use codex_multi_auth::rehearsal::backend::Backend;
use pretty_assertions::assert_eq;
use tempfile::TempDir;

use crate::support::backend::{assert_clean, start_at};
use crate::support::browser::{Answer, Ports, agree, get};

/// How much faster time goes where nobody has to do anything meanwhile, and where somebody has.
const HASTE: i64 = 1_000;
const HURRY: i64 = 10;

/// A clock whose waits are short, and written down.
#[derive(Debug, Clone)]
struct Hurried {
    system: SystemClock,
    faster: i64,
    slept: Arc<Mutex<Vec<Span>>>,
}

impl Hurried {
    fn new(faster: i64) -> Self {
        Self { system: SystemClock::new(), faster, slept: Arc::default() }
    }

    fn slept(&self) -> Vec<Span> {
        self.slept.lock().unwrap().clone()
    }
}

impl Clock for Hurried {
    fn now(&self) -> Moment {
        self.slept().into_iter().fold(self.system.now(), |at, span| at + span)
    }

    async fn sleep(&self, span: Span) {
        self.slept.lock().unwrap().push(span);
        self.system.sleep(Span::millis(span.as_millis() / self.faster)).await;
    }

    fn zone(&self) -> Zone {
        self.system.zone()
    }
}

/// A back end with one person, and a desk that signs in there.
struct Stage {
    backend: Backend,
    desk: SignInDesk<Hurried>,
    clock: Hurried,
    _root: TempDir,
}

impl Stage {
    async fn new(faster: i64) -> Self {
        let backend = start_at(Scenario::pool(["one"]), SystemClock::new().now()).await;
        let root = tempfile::tempdir().unwrap();
        let clock = Hurried::new(faster);
        let clients = Clients::new(Egress::default(), RootSources::default(), Span::seconds(10));
        let places = Places::under(root.path(), root.path().join("codex"));
        let desk = SignInDesk::new(clients, &backend.auth_url(), clock.clone(), &places);
        Self { backend, desk, clock, _root: root }
    }

    /// A listener, the attempt it waits for, and where the browser was sent.
    async fn listening(&self) -> (Listener, Attempt, String) {
        let listener = Listener::bind(&self.clock, Handover::Ask, None).await.unwrap();
        assert_eq!(listener.port, 1455, "nobody else listens");
        let attempt = self.desk.mint(listener.port, &anybody()).unwrap();
        let url = attempt.url.expose().to_owned();
        let callback = tokio::task::spawn_blocking(move || agree(&url)).await.unwrap();
        (listener, attempt, callback)
    }

    fn exchanges(&self) -> usize {
        self.backend.record().at(Endpoint::Code.word()).len()
    }
}

fn anybody() -> Wish {
    Wish { prompt: Prompt::AsKnown, workspace: None }
}

async fn fetched(url: String) -> Answer {
    tokio::task::spawn_blocking(move || get(&url)).await.unwrap()
}

#[tokio::test]
async fn a_device_code_is_asked_after_exactly_as_its_answers_say() {
    let stage = Stage::new(HASTE).await;
    stage.backend.pending_polls(4);
    let code = stage.desk.device_code().await.unwrap();
    for action in [
        Action::Refuse { status: 403, code: "pending".to_owned(), message: "not yet".to_owned() },
        Action::NotFound,
        Action::Throttle { retry_after: Some(Span::seconds(7)) },
        Action::ServerError { status: 503 },
    ] {
        stage.backend.script(Rule::everywhere(Endpoint::Device, action).once());
    }

    let granted = stage.desk.await_device(&code).await.unwrap();

    assert_eq!(granted.credentials.claims.email.as_deref(), Some("one@example.com"));
    // The newest rule is asked first.
    let [trouble, told, unknown, unapproved] = stage.clock.slept()[..] else {
        panic!("{:?}", stage.clock.slept())
    };
    assert_eq!((unapproved, unknown, told), (code.interval, code.interval, Span::seconds(7)));
    assert!(trouble >= Span::seconds(1) && trouble <= code.interval.scaled(1.1), "{trouble:?}");
    assert_eq!(stage.exchanges(), 1);
    // The back end refuses another redirect than the one of the device flow.
    assert_clean(&stage.backend);
}

#[tokio::test]
async fn five_lost_connections_in_a_row_are_borne_and_the_sixth_is_not() {
    for (lost, succeeds) in [(5, true), (6, false)] {
        let stage = Stage::new(HASTE).await;
        let code = stage.desk.device_code().await.unwrap();
        stage.backend.script(Rule::everywhere(Endpoint::Device, Action::Drop).times(lost));

        let result = stage.desk.await_device(&code).await;

        assert_eq!(result.is_ok(), succeeds, "{lost}: {result:?}");
        if let Err(failure) = result {
            assert!(matches!(failure, Failure::Network(_)), "{failure:?}");
        }
    }
}

#[tokio::test]
async fn a_code_nobody_typed_is_over_at_its_own_end() {
    let stage = Stage::new(HASTE).await;
    stage.backend.device_life(Span::seconds(10));
    stage.backend.pending_polls(1_000);
    let code = stage.desk.device_code().await.unwrap();

    let failure = stage.desk.await_device(&code).await.unwrap_err();

    assert_eq!(failure.problem().what, "Login failed: the code was not entered within 10 seconds");
    let waited: i64 = stage.clock.slept().iter().map(|span| span.as_millis()).sum();
    assert!(waited <= 10_000, "never past the end: {waited}");
    assert_eq!(stage.exchanges(), 0);
}

#[tokio::test]
async fn attempts_are_counted_and_the_rest_of_the_minute_is_told() {
    let stage = Stage::new(HASTE).await;
    for _ in 0..3 {
        stage.desk.device_code().await.unwrap();
    }
    let failure = stage.desk.device_code().await.unwrap_err();
    let problem = failure.problem();
    assert!(problem.what.contains("too many attempts, wait"), "{problem:?}");
    assert_eq!(stage.backend.record().at(Endpoint::Device.word()).len(), 3, "the fourth was never sent");

    let attempt = stage.desk.mint(1455, &anybody()).unwrap();
    for _ in 0..5 {
        let refused =
            stage.desk.exchange(&attempt, &Secret::new("ac_unknown"), Door::Paste).await.unwrap_err();
        assert!(matches!(refused, Failure::Refused(_)), "{refused:?}");
    }
    let failure = stage.desk.exchange(&attempt, &Secret::new("ac_unknown"), Door::Paste).await.unwrap_err();
    assert!(matches!(failure, Failure::TooMany(_)), "{failure:?}");
    assert_eq!(stage.exchanges(), 5, "the sixth was never sent");
}

#[tokio::test]
async fn the_first_of_two_callbacks_counts_and_both_see_the_end() {
    let _ports = tokio::task::spawn_blocking(Ports::take).await.unwrap();
    let stage = Stage::new(HURRY).await;
    let (listener, attempt, first) = stage.listening().await;
    let second = first.replace("code=ac_", "code=ac_another");
    stage.backend.script(Rule::everywhere(Endpoint::Code, Action::Slow { delay: Span::millis(400) }));

    let browser = async {
        let first = tokio::spawn(fetched(first));
        while stage.exchanges() == 0 {
            tokio::time::sleep(Span::millis(5).to_duration()).await;
        }
        let second = fetched(second).await;
        (first.await.unwrap(), second)
    };
    let (result, (first, second)) =
        tokio::join!(stage.desk.wait_for_browser(listener, &attempt, None), browser);

    assert_eq!(result.unwrap().credentials.claims.email.as_deref(), Some("one@example.com"));
    assert_eq!((first.status, second.status), (200, 200));
    assert!(first.body.contains("Sign-in complete") && second.body.contains("Sign-in complete"));
    assert_eq!(stage.exchanges(), 1);
    assert_clean(&stage.backend);
}

#[tokio::test]
async fn a_browser_that_knows_only_ipv6_is_answered() {
    let _ports = tokio::task::spawn_blocking(Ports::take).await.unwrap();
    let stage = Stage::new(HURRY).await;
    let (listener, attempt, callback) = stage.listening().await;
    if !listener.has_v6() {
        println!("skipped: this machine has no ::1");
        return;
    }
    let callback = callback.replace("127.0.0.1", "[::1]");

    let (result, page) =
        tokio::join!(stage.desk.wait_for_browser(listener, &attempt, None), fetched(callback));

    assert!(page.body.contains("Sign-in complete"), "{}", page.body);
    assert!(result.is_ok(), "{result:?}");
}

#[tokio::test]
async fn what_is_no_callback_is_turned_away_and_the_wait_goes_on() {
    let _ports = tokio::task::spawn_blocking(Ports::take).await.unwrap();
    let stage = Stage::new(HURRY).await;
    let (listener, attempt, callback) = stage.listening().await;
    let without_code = callback.split("code=").next().unwrap().to_owned() + "state=" + attempt.state.expose();

    let browser = async {
        let mut answers = Vec::new();
        for url in [
            callback.replace("state=", "state=x"),
            without_code,
            "http://127.0.0.1:1455/auth/other".to_owned(),
            format!("http://127.0.0.1:1455/auth/callback?{}", "x".repeat(9_000)),
        ] {
            let answer = fetched(url).await;
            answers.push((answer.status, answer.body));
        }
        (answers, fetched(callback).await.status)
    };
    let (result, (answers, last)) =
        tokio::join!(stage.desk.wait_for_browser(listener, &attempt, None), browser);

    let words: Vec<(u16, &str)> = answers.iter().map(|(status, body)| (*status, body.as_str())).collect();
    assert_eq!(
        words,
        [(400, "State mismatch"), (400, "Missing authorization code"), (404, "Not found"), (414, "Too long")]
    );
    assert_eq!((last, result.is_ok(), stage.exchanges()), (200, true, 1));
}

#[tokio::test]
async fn nobody_comes_for_five_minutes() {
    let _ports = tokio::task::spawn_blocking(Ports::take).await.unwrap();
    let stage = Stage::new(HASTE).await;
    let listener = Listener::bind(&stage.clock, Handover::Ask, None).await.unwrap();
    let attempt = stage.desk.mint(listener.port, &anybody()).unwrap();

    let failure = stage.desk.wait_for_browser(listener, &attempt, Some("Ubuntu")).await.unwrap_err();

    let problem = failure.problem();
    assert_eq!(stage.clock.slept(), [Span::minutes(5)]);
    assert_eq!((problem.code, problem.exit.code()), ("login-timeout", 1));
    assert_eq!(problem.what, "Login failed: no callback arrived within 5 minutes");
    assert!(problem.because[0].contains("abandoned") && problem.because[1].contains("taken the callback"));
    let hints = format!("{:?}", problem.hints);
    for words in ["ss -lptn 'sport = :1455'", "Ubuntu", "login --device-auth"] {
        assert!(hints.contains(words), "{words}: {hints}");
    }
    tokio::net::TcpListener::bind("127.0.0.1:1455").await.expect("the port is free again");
}
