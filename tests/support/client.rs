//! The genuine Codex CLI, where `.ci/run` has put it, talking to a rehearsal: straight, or through our forwarder.

use std::io::Write as _;
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::process::Command;
use std::sync::Once;

use codex_multi_auth::formats::scenario::Scenario;

use super::dirs::Home;
use super::play::Play;
use super::process::target;
use super::tls::Front;

/// Who carries the model traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// The client alone, with the account of its own login.
    Straight,
    /// The client started by our forwarder.
    Forwarded,
}

/// What the user keeps in `config.toml`; every run must leave it as it is.
const CONFIG: &str = "# mine, keep\nmodel = \"gpt-5.4\"   # the usual one\n\n[tui]\nnotifications = false\n";

/// How the back end is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Names {
    /// By overrides that point at loopback.
    Loopback,
    /// By the names of the real hosts, in a network where they lead here.
    Real,
}

/// A back end, a home and a client for it.
pub(crate) struct Genuine {
    pub(crate) play: Play,
    pub(crate) home: Home,
    front: Front,
    program: PathBuf,
    names: Names,
    /// What stands in `config.toml`, and must stand there at the end.
    pub(crate) config: String,
}

impl Genuine {
    /// Everything that a run needs, with the first account signed in; nothing where the client is not installed.
    pub(crate) fn with(scenario: Scenario) -> Option<Self> {
        let program = installed()?;
        let play = Play::start(scenario);
        let home = play.home();
        let front = Front::before(play.address(), home.path());
        let mut stage =
            Self { play, home, front, program, names: Names::Loopback, config: CONFIG.to_owned() };
        stage.furnish();
        stage.home.set("HTTPS_PROXY", format!("http://127.0.0.1:{}", closed_port()));
        stage.home.set("NO_PROXY", "127.0.0.1,localhost");
        Some(stage)
    }

    /// The same for a network in which the names of the real hosts lead to this machine: no setting, no override.
    pub(crate) fn behind_real_names(scenario: Scenario) -> Option<Self> {
        let program = installed()?;
        let play = Play::start(scenario);
        let home = Home::for_demo();
        let logins: Vec<_> = play.backend().names().iter().map(|name| play.login(name)).collect();
        home.write_pool(&logins);
        let front = Front::at(443, play.address(), home.path());
        let mut stage = Self { play, home, front, program, names: Names::Real, config: CONFIG.to_owned() };
        stage.furnish();
        Some(stage)
    }

    fn furnish(&mut self) {
        let names = self.play.backend().names();
        self.home.write_auth(&self.play.login(names.first().expect("an account")));
        self.configure("");
        self.home.set("CODEX_CA_CERTIFICATE", self.front.authority().display().to_string());
        self.home.put_on_path(&target().join("codex/node_modules/.bin"));
    }

    /// Adds lines to `config.toml`.
    pub(crate) fn configure(&mut self, lines: &str) {
        self.config.push_str(lines);
        std::fs::write(self.home.codex().join("config.toml"), &self.config).expect("writable");
    }

    /// A command that gives the client `words`.
    pub(crate) fn command(&self, way: Way, words: &[&str]) -> Command {
        let mut own =
            vec!["analytics.enabled=false".to_owned(), "check_for_update_on_startup=false".to_owned()];
        if self.names == Names::Loopback {
            own.push(format!("chatgpt_base_url=\"https://127.0.0.1:{}/backend-api\"", self.front.port()));
        }
        if self.names == Names::Loopback && way == Way::Straight {
            own.push(format!("openai_base_url=\"{}/codex\"", self.play.backend().upstream_url()));
        }
        let mut all: Vec<&str> = own.iter().flat_map(|pair| ["-c", pair.as_str()]).collect();
        all.extend(words);
        match way {
            Way::Straight => {
                let mut command = self.home.command(&self.program, &all);
                if self.names == Names::Real {
                    return command;
                }
                let refresh = format!("{}/oauth/token", self.play.backend().auth_url());
                command.env("CODEX_REFRESH_TOKEN_URL_OVERRIDE", refresh);
                command
            }
            Way::Forwarded => self.home.forwarder(&all),
        }
    }

    /// A command that runs one prompt to its end.
    pub(crate) fn exec(&self, way: Way, prompt: &str) -> Command {
        self.command(way, &["exec", "--json", "--skip-git-repo-check", FREELY, prompt])
    }

    /// A command that goes on with the last session.
    pub(crate) fn resume(&self, way: Way, prompt: &str) -> Command {
        self.command(way, &["exec", "resume", "--last", "--json", "--skip-git-repo-check", FREELY, prompt])
    }
}

/// The tests' own machine is the sandbox.
const FREELY: &str = "--dangerously-bypass-approvals-and-sandbox";

/// The native program of the npm package.
pub(crate) fn installed() -> Option<PathBuf> {
    static TOLD: Once = Once::new();
    let packages = target().join("codex/node_modules/@openai");
    let platforms = std::fs::read_dir(&packages).into_iter().flatten().filter_map(Result::ok);
    let vendors =
        platforms.filter_map(|platform| std::fs::read_dir(platform.path().join("vendor")).ok()).flatten();
    let found = vendors
        .filter_map(Result::ok)
        .map(|triple| triple.path().join("bin/codex"))
        .find(|path| path.is_file());
    if found.is_none() {
        TOLD.call_once(|| {
            // Past the capture of the test harness, so that the notice is seen.
            let _ =
                writeln!(std::io::stderr(), "the genuine client is not installed: process::real is skipped");
        });
    }
    found
}

/// A port that refuses connections: hosts that no setting moves must not be reached.
fn closed_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a loopback port");
    listener.local_addr().expect("bound").port()
}
