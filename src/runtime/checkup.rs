//! Looking at everything and mending it, over the real adapters.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use crate::adapters::checkup::Examiner;
use crate::adapters::codex::{find, refile};
use crate::adapters::ledger::{self, Rotated, Rotation};
use crate::adapters::leftovers::Leftovers;
use crate::adapters::places::project as project_of;
use crate::adapters::question::{Asking, TerminalQuestion};
use crate::app::checkup::{Act, Heard, PathStep, Paths, Question, Reply, Rotating, SandboxTest};
use crate::app::msg::Mirrored;
use crate::app::options::Consent;
use crate::base::Span;
use crate::domain::account::AccountKey;
use crate::domain::checkup::facts::{Answer, Facts};
use crate::domain::checkup::repair::{Carried, Mended, Repair};
use crate::domain::checkup::sandbox::Sandbox;
use crate::domain::places::Places;
use crate::domain::refresh::{Outcome, Reason};
use crate::ports::question::Choice;
use crate::ports::{Auth as _, Checkup as _, Clock as _, Peers as _, Question as _, Store as _};
use crate::runtime::host::{Asks, Host};
use crate::runtime::launch;

/// An access token this close to its end is renewed (commands.md §2.1).
const USABLE: Span = Span::minutes(5);
/// How long a rotation waits for whoever works on the ledger, in steps of [`POLL`].
const TRIES: usize = 100;
const POLL: Span = Span::millis(100);

/// Carries out what a flow asked for.
pub async fn carry_out(host: &Host, act: Act) -> Heard {
    match act {
        Act::Examine => Heard::Examined(Box::new(examine(host).await)),
        Act::Ask(question) => Heard::Answered(ask(host, question).await),
        Act::Carry(repairs) => Heard::Carried(carry(host, repairs).await),
        Act::Paths => Heard::Paths(paths(host)),
        Act::Rotate(rotating) => Heard::Rotated(rotate(host, rotating).await),
    }
}

fn examiner(host: &Host) -> Examiner<crate::adapters::SystemHome, crate::adapters::clock::SystemClock> {
    Examiner::new(host.store.clone(), host.home.clone(), &host.places, &host.env, host.clock.clone())
}

async fn examine(host: &Host) -> Facts {
    let mut facts = examiner(host).examine().await;
    for peer in host.peers.list().await {
        let answer = if host.peers.status(&peer).await.is_some() { Answer::Given } else { Answer::Missing };
        facts.machine.proxies.push((peer.pid, peer.kind, peer.port, answer));
    }
    if host.demo.is_none() {
        facts.machine.bound = host.binder.legacy();
        let (places, env, at) = (host.places.clone(), host.env.clone(), host.clock.now());
        let looked = tokio::task::spawn_blocking(move || {
            let misfiled = refile::misfiled(&places, None).unwrap_or(0);
            (Leftovers::new(&places, &env, at).look(), misfiled)
        });
        (facts.machine.leftovers, facts.machine.misfiled) = looked.await.unwrap_or_default();
    }
    let overridden = |yes: bool, url: &str| yes.then(|| url.to_owned());
    if host.demo.is_none() {
        facts.machine.overrides = (
            overridden(host.endpoints.backend_overridden, &host.endpoints.backend),
            overridden(host.endpoints.auth_overridden, &host.endpoints.auth),
        );
        let search = launch::search(&host.places, &host.env);
        let looked = tokio::task::spawn_blocking(move || find::glance(&search)).await;
        facts.official.program = looked.ok().map(|found| match found {
            Ok(official) => {
                let version = official.version.map(|version| format!(" {version}")).unwrap_or_default();
                Ok(format!("{}{version}", official.path.display()))
            }
            Err(problem) => Err(problem.what),
        });
    }
    facts
}

async fn ask(host: &Host, question: Question) -> Reply {
    if host.consent == Consent::Given {
        return Reply::Yes;
    }
    if host.asks == Asks::Nobody || !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return Reply::Nobody;
    }
    let choices = vec![Choice { letter: 'n', text: question.no }, Choice { letter: 'y', text: question.yes }];
    match (TerminalQuestion { face: Asking::Allowed }).ask(question.lines, choices).await {
        Some('y') => Reply::Yes,
        Some(_) | None => Reply::No,
    }
}

async fn carry(host: &Host, repairs: Vec<Repair>) -> Vec<Carried> {
    let examiner = examiner(host);
    let mut carried: Vec<Carried> = Vec::new();
    for repair in repairs {
        let lacks_tokens =
            carried.iter().any(|one| matches!(one.repair, Repair::Refresh(_)) && one.result.is_err());
        let result = match &repair {
            Repair::Refresh(who) => refresh(host, &who.key).await,
            Repair::Mirror(_) if lacks_tokens => Err("its tokens could not be renewed".to_owned()),
            Repair::Mirror(who) => mirror(host, &who.key).await,
            Repair::StopHelpers(pids) => stop(host, pids).await,
            Repair::Unbind { .. } => unbind(host).await,
            Repair::Retire { paths, .. } => retire(host, paths.clone()).await,
            Repair::Restore { .. }
            | Repair::Tighten(_)
            | Repair::Sweep(_)
            | Repair::CredentialStore { .. }
            | Repair::ActiveIndex
            | Repair::SwitchOff(_)
            | Repair::Emails(_)
            | Repair::Ids(_)
            | Repair::SwitchOn(_) => examiner.mend(&repair).await,
        };
        carried.push(Carried { repair, result });
    }
    carried
}

async fn stop(host: &Host, pids: &[u32]) -> Result<Mended, String> {
    let told = Leftovers::new(&host.places, &host.env, host.clock.now()).stop(pids).await;
    let left: Vec<String> =
        told.iter().filter(|(_, ended)| !ended).map(|(pid, _)| format!("process {pid}")).collect();
    match (told.is_empty(), left.is_empty()) {
        (true, _) => Ok(Mended::Nothing),
        (false, true) => Ok(Mended::Done),
        (false, false) => Err(format!("{} could not be told from another program's", left.join(", "))),
    }
}

async fn unbind(host: &Host) -> Result<Mended, String> {
    let told = host.binder.retire(false, host.clock.now()).await;
    let told = told.map_err(|problem| format!("{}: {}", problem.what, problem.because.join(": ")))?;
    Ok(if told.files.is_empty() { Mended::Nothing } else { Mended::Done })
}

async fn retire(host: &Host, paths: Vec<PathBuf>) -> Result<Mended, String> {
    let (places, env, at) = (host.places.clone(), host.env.clone(), host.clock.now());
    let gone = tokio::task::spawn_blocking(move || Leftovers::new(&places, &env, at).remove(&paths)).await;
    let gone = gone.map_err(|error| error.to_string())?;
    if !gone.failed.is_empty() {
        return Err(gone.failed.join("; "));
    }
    Ok(if gone.removed.is_empty() && gone.rescued == 0 { Mended::Nothing } else { Mended::Done })
}

async fn refresh(host: &Host, key: &AccountKey) -> Result<Mended, String> {
    let loaded = host.store.load().await.map_err(|error| error.to_string())?;
    let account = loaded.roster.get(key).ok_or("the account is gone")?;
    // A fresh access token without an id token is only whole after a refresh, which then is no matter of time.
    let is_due = account.needs_refresh(host.clock.now(), USABLE);
    let reason = if is_due { Reason::ProactiveExpiry } else { Reason::Forced };
    match host.auth.refresh(key, reason, None).await {
        Outcome::Renewed(_) => Ok(Mended::Done),
        Outcome::Adopted(_) => Ok(Mended::Nothing),
        Outcome::Dead { code } => Err(format!("it must sign in again ({code})")),
        Outcome::Transient { why, .. } | Outcome::Refused { why } => Err(why),
        Outcome::Uncertain { .. } => Err("the refresh was cut; the account is uncertain".to_owned()),
        Outcome::Missing => Err("the account is gone".to_owned()),
    }
}

async fn mirror(host: &Host, key: &AccountKey) -> Result<Mended, String> {
    match host.mirror(key).await {
        Mirrored::Written | Mirrored::WrittenBeside(_) => Ok(Mended::Done),
        Mirrored::Unchanged => Ok(Mended::Nothing),
        Mirrored::Deferred => Ok(Mended::Later("when the last forwarded session ends".to_owned())),
        Mirrored::Skipped(why) => Ok(Mended::Later(why)),
        Mirrored::Failed(why) => Err(why),
    }
}

async fn rotate(host: &Host, rotating: Rotating) -> Result<Option<String>, String> {
    let settings = host.settings().await;
    let rotation = Rotation { if_larger_than: rotating.if_larger_than, keep: settings.ledger_keep };
    for _ in 0..TRIES {
        let (places, at) = (host.places.clone(), host.clock.now());
        let attempt = tokio::task::spawn_blocking(move || ledger::rotate(&places, rotation, at)).await;
        match attempt.map_err(|error| error.to_string())?.map_err(|error| error.to_string())? {
            Rotated::Done(path) => return Ok(Some(path.display().to_string())),
            Rotated::NotDue => return Ok(None),
            Rotated::Busy => host.clock.sleep(POLL).await,
        }
    }
    Err("the usage ledger is locked by another process".to_owned())
}

fn paths(host: &Host) -> Paths {
    let current = std::env::current_dir();
    let mut steps = vec![PathStep {
        name: "process.cwd",
        input: None,
        output: current.as_ref().ok().map(|path| path.display().to_string()),
        error: current.as_ref().err().map(ToString::to_string),
    }];
    let current = current.unwrap_or_default();
    steps.extend(project(&host.places, &current));
    let sandbox = Sandbox {
        home: host.places.user_home().to_owned(),
        current: current.clone(),
        temporary: std::env::temp_dir(),
    };
    let name = "codex-multi-auth-verify";
    let tries = [
        ("sandbox-accept-home", sandbox.home.join(name), false),
        ("sandbox-accept-tmp", sandbox.temporary.join(name), false),
        ("sandbox-reject-escape", PathBuf::from("/").join(name), true),
    ];
    let tests = tries.into_iter().map(|(name, path, refuse)| {
        let rejected = !sandbox.accepts(&path);
        SandboxTest { name, input: path.display().to_string(), rejected, ok: rejected == refuse }
    });
    Paths { steps, sandbox: tests.collect() }
}

/// How the project around a directory is found; outside of one there is nothing to find, which is fine.
fn project(places: &Places, current: &Path) -> [PathStep; 5] {
    let project = project_of(places, current);
    let shown = |path: &Path| path.display().to_string();
    let root = project.as_ref().map(|project| shown(&project.root));
    let identity = project.as_ref().map(|project| shown(&project.identity_root));
    let key = project.as_ref().map(|project| project.key.clone());
    let in_tree = project.as_ref().map(|project| shown(&project.root.join(".codex")));
    let own = project.as_ref().map(|project| shown(&places.project_dir(&project.key)));
    let step = |name, input, output| PathStep { name, input, output, error: None };
    [
        step("findProjectRoot", Some(shown(current)), root.clone()),
        step("resolveProjectStorageIdentityRoot", root.clone(), identity.clone()),
        step("getProjectStorageKey", identity.clone(), key),
        step("getProjectConfigDir", root, in_tree),
        step("getProjectGlobalConfigDir", identity, own),
    ]
}
