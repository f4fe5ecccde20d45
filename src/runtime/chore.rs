//! `setup` and the launcher over the real machine.

use crate::adapters::bind::{Refused, Wish};
use crate::adapters::disk::atomic;
use crate::adapters::launcher::Launcher;
use crate::domain::bind::Mode;
use crate::domain::bind::standing::Standing;
use crate::domain::chore::{Chore, Done};
use crate::domain::launch::environment::truth;
use crate::domain::uninstall::{State, Step};
use crate::formats::first_run::{self, FirstRun, Step as Marked};
use crate::ports::Clock as _;
use crate::runtime::host::Host;
use crate::runtime::rotation::has_desktop_app;

/// Version of the steps that are all there are.
const VERSION: u64 = 2;

/// Carries a chore out, or looks.
pub async fn carry_out(host: &Host, chore: Chore) -> Done {
    let steps = match chore {
        Chore::Features => Vec::new(),
        Chore::Launcher { remove: false, dry_run } => launcher(host).install(dry_run),
        Chore::Launcher { remove: true, dry_run } => launcher(host).remove(dry_run),
        Chore::SetUp { undo: false, dry_run } => Box::pin(set_up(host, dry_run)).await,
        Chore::SetUp { undo: true, dry_run } => take_back(host, dry_run).await,
    };
    Done { steps }
}

fn launcher(host: &Host) -> Launcher {
    Launcher::new(&host.places, &host.env, &std::env::current_exe().unwrap_or_default())
}

/// The steps of forwarder.md §19, in order.
async fn set_up(host: &Host, dry_run: bool) -> Vec<Step> {
    let store = Step::new("auth-store", host.places.config_toml().display().to_string(), State::Skipped)
        .saying("the credential store is not pinned; a launch sets it for itself where that is needed");
    let bind = match wanted(host, [host.env.app_bind.as_deref(), host.env.app_bind_install.as_deref()]).await
    {
        Ok(()) => Box::pin(bound(host, dry_run)).await,
        Err(why) => {
            Step::new("app-bind", host.binder.config_path().display().to_string(), State::Skipped).saying(why)
        }
    };
    let launchers = match wanted(host, [host.env.app_launcher_install.as_deref(), None]).await {
        Ok(()) => launcher(host).install(dry_run),
        Err(why) => {
            let mut steps = launcher(host).install(true);
            for step in &mut steps {
                *step = Step::new(step.step, step.target.clone(), State::Skipped).saying(why);
            }
            steps
        }
    };
    let mut steps = vec![store, bind];
    steps.extend(launchers);
    if !dry_run && let Err(error) = mark(host, &steps) {
        let marker = host.places.root().join(MARKER).display().to_string();
        steps.push(Step::new("marker", marker, State::Failed).saying(error.to_string()));
    }
    steps
}

/// Whether a step is to be done; why not. The first variable that is set decides.
async fn wanted(host: &Host, variables: [Option<&str>; 2]) -> Result<(), &'static str> {
    if let Some(answer) = variables.into_iter().flatten().find_map(truth) {
        return if answer { Ok(()) } else { Err("a variable says no") };
    }
    if !host.settings().await.rotation {
        return Err("rotation is off");
    }
    if has_desktop_app(host) { Ok(()) } else { Err("no desktop app was found") }
}

async fn bound(host: &Host, dry_run: bool) -> Step {
    let target = host.binder.config_path().display().to_string();
    let step = |state| Step::new("app-bind", target.clone(), state).undone_by(UNDO_BIND);
    if host.binder.look().await.standing == Standing::Bound {
        return step(State::Skipped).saying("it is bound already");
    }
    let wish = Wish { mode: Mode::Persistent, replace: false, dry_run };
    let is_own_home = host.binder.home() == host.places.codex_home();
    let ready = async { if is_own_home { host.preflight().await } else { Ok(Vec::new()) } };
    match host.binder.bind(wish, host.clock.now(), ready).await {
        Ok(done) if done.notes.is_empty() => step(State::Done),
        Ok(done) => step(State::Done).saying(done.notes.join("; ")),
        Err(Refused::Theirs(_)) => step(State::Skipped)
            .saying("an address of your own stands there: `codex-multi-auth rotation bind-app --replace`"),
        Err(Refused::Problem(problem)) => step(State::Failed)
            .saying(std::iter::once(problem.what).chain(problem.because).collect::<Vec<_>>().join(": ")),
    }
}

const UNDO_BIND: &str = "codex-multi-auth rotation unbind-app";
const MARKER: &str = "first-run-setup.json";

/// Notes what was done, as the reference does.
fn mark(host: &Host, steps: &[Step]) -> std::io::Result<()> {
    let path = host.places.root().join(MARKER);
    let old = atomic::read_text(&path).ok().flatten();
    let how = |word: &str| {
        let step = steps.iter().find(|step| step.step == word)?;
        Some(match step.state {
            State::Done | State::Removed | State::Restored => Marked::Completed,
            State::Absent | State::Skipped => Marked::Skipped,
            State::Failed => Marked::Failed,
        })
    };
    let now = host.clock.now();
    let record = FirstRun {
        version: VERSION,
        started_at: Some(now),
        completed_at: Some(now),
        app_bind: how("app-bind"),
        launcher: how("launcher"),
        auth_store: Some(Marked::Skipped),
    };
    atomic::write(&path, first_run::print(old.as_deref(), &record).as_bytes())
}

async fn take_back(host: &Host, dry_run: bool) -> Vec<Step> {
    let target = host.binder.config_path().display().to_string();
    let bind = match host.binder.unbind(dry_run, host.clock.now()).await {
        Ok(freed) if freed.files.is_empty() => Step::new("app-bind", target, State::Absent),
        Ok(_) => Step::new("app-bind", target, State::Restored),
        Err(problem) => Step::new("app-bind", target, State::Failed).saying(problem.what),
    };
    let mut steps = vec![bind];
    steps.extend(launcher(host).remove(dry_run));
    let marker = host.places.root().join(MARKER);
    let state = match (marker.exists(), dry_run) {
        (false, _) => State::Absent,
        (true, true) => State::Removed,
        (true, false) if atomic::remove(&marker).is_ok() => State::Removed,
        (true, false) => State::Failed,
    };
    steps.push(Step::new("marker", marker.display().to_string(), state));
    steps
}
