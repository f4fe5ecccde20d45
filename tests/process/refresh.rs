//! Token refreshes of real processes on real files: killed, starved of disk, and two at once.
//!
//! The processes are this test binary, told to run [`child`] alone: what it does is what every binary does
//! around a refresh, and nothing else.

pub(crate) mod matrix;
mod neighbours;

use codex_multi_auth::adapters::SystemPorts;
use codex_multi_auth::adapters::env::Env;
use codex_multi_auth::adapters::places;
use codex_multi_auth::base::Span;
use codex_multi_auth::domain::endpoints::Endpoints;
use codex_multi_auth::domain::refresh::{Outcome, Reason};
use codex_multi_auth::formats::scenario::{Action, Endpoint, Rule, Scenario};
use codex_multi_auth::ports::{Auth as _, Ports as _, Store as _};

use crate::support::dirs::Home;
use crate::support::play::Play;
use crate::support::process::{Ran, Running, run};

const FAULT: &str = "CODEX_MULTI_AUTH_FAULT";
/// Set for children only.
const CHILD: &str = "CODEX_MULTI_AUTH_SESSION";

/// Starts like one of our binaries, refreshes the first account and says what came of it.
#[tokio::test]
async fn child() {
    let env = Env::read();
    if env.session.as_deref() != Some("refresh") {
        return;
    }
    let places = std::sync::Arc::new(places::resolve(&env));
    let (upstream, auth) = (env.upstream_base_url.as_deref(), env.auth_base_url.as_deref());
    let endpoints = Endpoints::resolve(upstream, None, auth).expect("overrides of the test");
    let ports = SystemPorts::new(&places, &env, &endpoints).expect("the system's ports");

    ports.auth().recover().await;
    let pool = ports.store().load().await.expect("a pool").roster;
    let first = pool.accounts.first().expect("an account");
    let word = match ports.auth().refresh(&first.key, Reason::ProactiveExpiry, None).await {
        Outcome::Renewed(_) => "renewed",
        Outcome::Adopted(_) => "adopted",
        Outcome::Dead { .. } => "dead",
        Outcome::Transient { .. } => "transient",
        Outcome::Refused { .. } => "refused",
        Outcome::Uncertain { .. } => "uncertain",
        Outcome::Missing => "missing",
    };
    ports.auth().shutdown().await;
    println!("\noutcome: {word}");
}

/// Two accounts; the first one's access token has expired, and `auth.json` holds it.
pub(crate) struct Stage {
    pub(crate) play: Play,
    pub(crate) home: Home,
}

impl Stage {
    pub(crate) fn new() -> Self {
        let expired =
            |one: &mut codex_multi_auth::formats::scenario::Player| one.token_left = Some(Span::hours(-1));
        let play = Play::start(Scenario::pool(["one", "two"]).with("one", expired));
        let home = play.home();
        home.write_auth(&play.login("one"));
        Self { play, home }
    }

    pub(crate) fn command(&self, fault: Option<&str>) -> std::process::Command {
        let program = std::env::current_exe().expect("a test binary");
        let mut command = self.home.command(program, &["process::refresh::child", "--exact", "--nocapture"]);
        command.env(CHILD, "refresh");
        if let Some(fault) = fault {
            command.env(FAULT, fault);
        }
        command
    }

    pub(crate) fn start(&self) -> Ran {
        run(&mut self.command(None)).expect(0)
    }

    pub(crate) fn calls(&self) -> usize {
        self.play.backend().record().at("token").len()
    }

    pub(crate) fn held(&self) -> Vec<String> {
        let pool = self.home.pool();
        let rows = pool["accounts"].as_array().expect("rows").clone();
        rows.iter().map(|row| row["refreshToken"].as_str().expect("a token").to_owned()).collect()
    }

    pub(crate) fn newest(&self) -> Vec<String> {
        ["one", "two"].map(|name| self.play.login(name).refresh).to_vec()
    }

    pub(crate) fn mirrored(&self) -> String {
        self.home.auth()["tokens"]["refresh_token"].as_str().expect("a token").to_owned()
    }
}

pub(crate) fn outcome(ran: &Ran) -> &str {
    let line = ran.stdout.lines().find_map(|line| line.strip_prefix("outcome: "));
    line.unwrap_or_else(|| panic!("no outcome\n{}\n{}", ran.stdout, ran.stderr))
}

#[test]
fn processes_at_once_make_one_call() {
    let stage = Stage::new();
    stage.play.backend().script(Rule::on("one", Endpoint::Token, Action::Slow { delay: Span::millis(300) }));

    let children = [(); 4].map(|()| Running::start(&mut stage.command(None)));
    let outcomes = children.map(|child| outcome(&child.finish().expect(0)).to_owned());

    assert_eq!(stage.calls(), 1);
    assert_eq!(outcomes.iter().filter(|word| *word == "renewed").count(), 1, "{outcomes:?}");
    assert_eq!(outcomes.iter().filter(|word| *word == "adopted").count(), 3, "{outcomes:?}");
    assert_eq!(stage.held(), stage.newest());
    assert_eq!(stage.mirrored(), stage.newest()[0]);
    stage.play.assert_no_violation();
}
