//! The router of a bind: the proxy with the port and the secret of the state file, and what it says and renews while
//! it runs (forwarder.md §15.3, §15.5).

use std::path::Path;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::adapters::SystemPorts;
use crate::adapters::bind::{Binder, LOG, ROUTER_WORD, STATE, STATUS, trim_log};
use crate::adapters::disk::atomic;
use crate::adapters::env::Env;
use crate::adapters::peers::{self, process_start};
use crate::adapters::process;
use crate::base::{Moment, Span};
use crate::domain::bind::{Bind, HEARTBEAT, LEASE, Mode, Phase};
use crate::domain::facts::ProxyPulse;
use crate::domain::problem::Exit;
use crate::formats::app_bind::{self, State, Status};
use crate::ports::Clock as _;
use crate::proxy::Overlook;
use crate::runtime::host::Host;

/// Between two looks at the state file and the counters.
const LOOK: Duration = Duration::from_millis(250);
/// Between two writes of the status while turns run.
const SPACED: Span = Span::seconds(1);
/// A router whose state is gone for so long is not wanted any more.
const UNWANTED: Span = Span::seconds(60);
/// A leased router ends when nothing comes for so long.
const IDLE: i64 = 12 * 60 * 60 * 1000;
/// The shortest such time anybody may ask for.
const IDLE_LEAST: i64 = 50;
/// A leased router ends after so long.
const LIFETIME: i64 = 24 * 60 * 60 * 1000;
/// What still runs at the end of its life has so long to finish.
const LAST_TURNS: Span = Span::minutes(10);

/// Turns the environment to the root and the home of the bind; how the process ends when there is none to serve.
pub async fn prepare(env: &mut Env, state: &Path) -> Option<Exit> {
    let folder = state.parent().unwrap_or(Path::new("."));
    trim_log(&folder.join(LOG));
    let bind = match atomic::read_text(state) {
        Ok(Some(text)) => match app_bind::read(&text) {
            State::Ours(bind) if state.file_name().is_some_and(|name| name == STATE) => *bind,
            State::Ours(_) | State::Legacy(_) | State::Unreadable => {
                return Some(refuse(folder, "the state of the bind cannot be used"));
            }
        },
        Ok(None) => return Some(Exit::Ok),
        Err(error) => return Some(refuse(folder, &error.to_string())),
    };
    // Another one serves it already: a start-up entry after a bind in the same session.
    if peers::answers(bind.port, &bind.secret).await {
        return Some(Exit::Ok);
    }
    let text = |path: Option<&Path>| path.map(|path| path.to_string_lossy().into_owned());
    env.multi_auth_dir = text(folder.parent());
    env.codex_home = text(bind.config.parent());
    env.app_bind_codex_home.clone_from(&env.codex_home);
    env.cli_config_path = None;
    None
}

fn refuse(folder: &Path, why: &str) -> Exit {
    let status = Status { state: "error", last_error: Some(why.to_owned()), ..own(&folder.join(STATUS)) };
    let _ = atomic::write(&folder.join(STATUS), app_bind::print_status(&status).as_bytes());
    Exit::Failed
}

fn own(path: &Path) -> Status {
    let pid = std::process::id();
    Status {
        kind: "codex-app-runtime-rotation-router",
        pid,
        started_at: process_start(pid).unwrap_or(Moment::EPOCH),
        path: path.to_string_lossy().into_owned(),
        word: ROUTER_WORD,
        ..Status::default()
    }
}

/// Leaves word that the router could not start.
pub fn failed(binder: &Binder, why: &str, at: Moment) {
    let bind = binder.known();
    let status = Status {
        state: "error",
        identity: bind.map(|bind| bind.identity).unwrap_or_default(),
        updated_at: at,
        last_error: Some(why.to_owned()),
        ..own(&binder.status_path())
    };
    let _ = atomic::write(&binder.status_path(), app_bind::print_status(&status).as_bytes());
}

/// What a running router knows of itself.
struct Keeper {
    host: Host,
    view: Overlook<SystemPorts>,
    bind: Bind,
    stamp: Option<Moment>,
    gone_since: Option<Moment>,
    said: Option<(u64, u64, u64, Option<String>)>,
    written: Moment,
    beat: Moment,
    begun: Moment,
    active: Moment,
    total: u64,
    ending: Option<Moment>,
}

/// Serves the bind's files until the proxy ends.
pub async fn keep(host: Host, view: Overlook<SystemPorts>, stop: CancellationToken) {
    let now = host.clock.now();
    let Some(bind) = host.binder.known() else {
        stop.cancel();
        return;
    };
    let mut keeper = Keeper {
        stamp: atomic::modified(&host.binder.state_path()),
        view,
        bind,
        gone_since: None,
        said: None,
        written: Moment::EPOCH,
        beat: now,
        begun: now,
        active: now,
        total: 0,
        ending: None,
        host,
    };
    let mut word = "stopped";
    loop {
        let now = keeper.host.clock.now();
        if let Some(end) = keeper.turn(now).await {
            word = end;
            stop.cancel();
            break;
        }
        tokio::select! {
            () = stop.cancelled() => break,
            () = tokio::time::sleep(LOOK) => {}
        }
    }
    keeper.say(word, keeper.host.clock.now());
}

impl Keeper {
    /// One look; with what word the router ends, if it does.
    async fn turn(&mut self, now: Moment) -> Option<&'static str> {
        if let Some(end) = self.follow(now) {
            return Some(end);
        }
        let pulse = self.view.pulse();
        if pulse.total != self.total || pulse.in_flight > 0 || pulse.sockets > 0 {
            self.total = pulse.total;
            self.active = now;
        }
        let fresh = Some(figures(&pulse));
        let is_due = now.since(self.beat) >= HEARTBEAT;
        if is_due || self.said.is_none() || (self.said != fresh && now.since(self.written) >= SPACED) {
            self.said = fresh;
            self.say("running", now);
        }
        if is_due {
            self.beat = now;
            trim_log(&self.host.binder.log_path());
            if let Some(end) = self.renew(now).await {
                return Some(end);
            }
        }
        if self.bind.mode == Mode::Leased { self.outlive(&pulse, now).await } else { None }
    }

    /// Takes over what the state file says now.
    fn follow(&mut self, now: Moment) -> Option<&'static str> {
        let stamp = atomic::modified(&self.host.binder.state_path());
        if stamp == self.stamp && self.gone_since.is_none() {
            return None;
        }
        if self.ending.is_some() {
            // It has taken the bind back itself.
            return None;
        }
        let known = self.host.binder.known().filter(|bind| bind.identity == self.bind.identity);
        if let Some(bind) = known {
            if bind.secret != self.bind.secret {
                self.view.admit_by(bind.secret.clone());
            }
            self.bind = bind;
            self.stamp = stamp;
            self.gone_since = None;
            return None;
        }
        let since = *self.gone_since.get_or_insert(now);
        (now.since(since) >= UNWANTED).then_some("stopped")
    }

    /// Renews a lease; a bind that was never finished is taken back.
    async fn renew(&mut self, now: Moment) -> Option<&'static str> {
        let owner = self.bind.owner;
        if self.bind.phase == Phase::Binding {
            let is_over = self.bind.lease_until.is_some_and(|until| until <= now);
            let is_left = owner.start.is_some() && !process::is_same(owner.pid, owner.start);
            if is_over || is_left {
                self.host.binder.give_up(&self.bind.identity, now).await;
                return Some("stopped");
            }
            return None;
        }
        if self.bind.mode == Mode::Leased && self.ending.is_none() {
            self.bind.lease_until = Some(now + LEASE);
            self.bind.updated_at = now;
            if self.host.binder.known().is_some_and(|bind| bind.identity == self.bind.identity)
                && self.host.binder.save(&self.bind).is_ok()
            {
                self.stamp = atomic::modified(&self.host.binder.state_path());
            }
        }
        None
    }

    /// The end of a leased router: nobody uses it, or it has lived long enough.
    async fn outlive(&mut self, pulse: &ProxyPulse, now: Moment) -> Option<&'static str> {
        if let Some(until) = self.ending {
            let is_still = pulse.in_flight == 0 && pulse.sockets == 0;
            return (is_still || now >= until).then_some("max-lifetime");
        }
        let env = &self.host.env;
        let idle = number(env.app_rotation_idle_ms.as_deref(), IDLE).max(IDLE_LEAST);
        let lifetime = number(env.app_rotation_max_lifetime_ms.as_deref(), LIFETIME);
        if now.since(self.active) >= Span::millis(idle) {
            self.host.binder.give_up(&self.bind.identity, now).await;
            return Some("idle-timeout");
        }
        if lifetime > 0 && now.since(self.begun) >= Span::millis(lifetime) {
            self.host.binder.give_up(&self.bind.identity, now).await;
            self.ending = Some(now + LAST_TURNS);
            self.gone_since = None;
        }
        None
    }

    /// Writes the status.
    fn say(&mut self, state: &'static str, now: Moment) {
        let pulse = self.view.pulse();
        let roster = self.view.roster();
        let last = pulse.last_account.as_ref().and_then(|key| {
            let id = roster.get(key).and_then(|account| account.workspace_id()).map(str::to_owned);
            Some((roster.index_of(key)?, id))
        });
        let binder = &self.host.binder;
        let status = Status {
            // The lease's own words are for the file of the helper.
            state: if state == "running" { "running" } else { "stopped" },
            updated_at: now,
            identity: self.bind.identity.clone(),
            base_url: self.bind.shown(),
            total: pulse.total,
            upstream: pulse.upstream,
            retries: pulse.retries,
            rotations: pulse.rotated,
            last,
            last_at: pulse.last_account_at,
            last_error: pulse.last_error.clone(),
            ..own(&binder.status_path())
        };
        self.written = now;
        // An unbind has removed the folder; it must not come back.
        if binder.state_path().exists() {
            let _ = atomic::write(&binder.status_path(), app_bind::print_status(&status).as_bytes());
        }
        if self.bind.mode == Mode::Leased {
            let path = binder.helper_path();
            let helper = Status {
                kind: "codex-app-runtime-rotation-helper",
                state,
                path: path.to_string_lossy().into_owned(),
                ..status
            };
            let _ = atomic::write(&path, app_bind::print_status(&helper).as_bytes());
        }
    }
}

fn figures(pulse: &ProxyPulse) -> (u64, u64, u64, Option<String>) {
    (pulse.total, pulse.upstream, pulse.rotated, pulse.last_error.clone())
}

fn number(given: Option<&str>, usual: i64) -> i64 {
    given.and_then(|text| text.trim().parse().ok()).filter(|number| *number >= 0).unwrap_or(usual)
}
