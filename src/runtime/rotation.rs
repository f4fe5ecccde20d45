//! `rotation …` over the real machine.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::adapters::bind::{Refused, Wish};
use crate::adapters::disk::atomic;
use crate::adapters::startup::Service;
use crate::adapters::{platform, process};
use crate::app::rotation::{Act, Heard};
use crate::domain::problem::{Exit, Hint, Problem};
use crate::domain::rotation::{Acted, Binding, Helper, ServiceView, Verb, View};
use crate::formats::app_bind;
use crate::formats::control::{Answer, Request};
use crate::ports::{Clock as _, Codex as _, Peers as _};
use crate::runtime::host::Host;

/// Carries out what the flow asked for.
pub async fn carry_out(host: &Host, act: Act) -> Heard {
    match act {
        Act::Look => Heard::Looked(Box::new(look(host).await)),
        Act::Bind(binding) => bind(host, binding).await,
        Act::Unbind { dry_run } => Heard::Acted(unbind(host, dry_run).await),
        Act::RestartDaemon => Heard::Acted(restart_daemon(host).await),
        Act::ResetRuntime => Heard::Acted(Ok(reset(host).await)),
        Act::Service(verb) => Heard::Acted(service(host, verb).await),
    }
}

/// How everything stands.
pub async fn look(host: &Host) -> View {
    let sight = host.binder.look().await;
    let startup = host.binder.startup();
    let running = host.peers.list().await.iter().any(|peer| peer.kind == "serve");
    let helper = atomic::read_text(&host.binder.helper_path()).ok().flatten();
    View {
        standing: sight.standing,
        mode: sight.bind.as_ref().map(|bind| bind.mode),
        lease_until: sight.bind.as_ref().and_then(|bind| bind.lease_until),
        port: sight
            .address
            .as_ref()
            .map(|address| address.port)
            .or(sight.bind.as_ref().map(|bind| bind.port)),
        config: sight.config,
        startup: sight.startup,
        router: sight.told.map(told),
        trouble: sight.trouble,
        helper: helper
            .and_then(|text| app_bind::read_status(&text))
            .filter(|helper| {
                helper.pid.is_some_and(process::runs) && helper.state.as_deref() == Some("running")
            })
            .map(told),
        service: ServiceView {
            entry: startup.installed(Service::Serve).into_iter().next(),
            running,
            way: startup.way().word(),
        },
        daemon: host.binder.has_daemon(),
        desktop_app: has_desktop_app(host),
        may_bind: !host
            .env
            .app_bind_install
            .as_deref()
            .is_some_and(|value| matches!(value.trim().to_ascii_lowercase().as_str(), "0" | "false" | "no")),
    }
}

fn told(told: app_bind::Told) -> Helper {
    Helper {
        pid: told.pid.unwrap_or(0),
        state: told.state.unwrap_or_default(),
        total: told.total,
        rotations: told.rotations,
        last: told.last,
    }
}

/// Whether a desktop app is installed (forwarder.md §18); never on Linux.
pub(super) fn has_desktop_app(host: &Host) -> bool {
    if cfg!(target_os = "macos") {
        let own = host.places.user_home().join("Applications/Codex.app");
        return own.exists() || PathBuf::from("/Applications/Codex.app").exists();
    }
    if cfg!(windows) {
        let packages = host.env.local_app_data.as_ref().map(|folder| PathBuf::from(folder).join("Packages"));
        let names =
            packages.and_then(|folder| std::fs::read_dir(folder).ok()).into_iter().flatten().flatten();
        return names
            .map(|entry| entry.file_name())
            .any(|name| name.to_string_lossy().starts_with("OpenAI.Codex_"));
    }
    false
}

async fn bind(host: &Host, binding: Binding) -> Heard {
    let Binding { mode, replace, dry_run, .. } = binding;
    // The login that is checked is the one of the home that is bound.
    let is_own_home = host.binder.home() == host.places.codex_home();
    let ready = async { if is_own_home { host.preflight().await } else { Ok(Vec::new()) } };
    match host.binder.bind(Wish { mode, replace, dry_run }, host.clock.now(), ready).await {
        Ok(done) => {
            let mut notes = done.notes;
            if let Some(port) = done.moved_from {
                notes.push(format!(
                    "Port {port} is taken by another program; the router uses {} now",
                    done.bind.port
                ));
            }
            if done.changed {
                notes.push(
                    "Restart the desktop app or the IDE if one runs: they read config.toml when they start"
                        .to_owned(),
                );
            }
            let changed = done.changed;
            Heard::Acted(Ok(Acted { changed, files: done.files, notes, ..Acted::default() }))
        }
        Err(Refused::Theirs(value)) => Heard::Theirs(value),
        Err(Refused::Problem(problem)) => Heard::Acted(Err(problem)),
    }
}

async fn unbind(host: &Host, dry_run: bool) -> Result<Acted, Problem> {
    let freed = host.binder.unbind(dry_run, host.clock.now()).await?;
    let mut notes = freed.notes;
    if freed.changed {
        notes.push("Restart the desktop app or the IDE if one runs".to_owned());
    }
    Ok(Acted { changed: freed.changed, files: freed.files, notes, ..Acted::default() })
}

async fn restart_daemon(host: &Host) -> Result<Acted, Problem> {
    let official = host.official.find().await?;
    let mut command = Command::new(official.through.as_ref().unwrap_or(&official.path));
    if official.through.is_some() {
        command.arg(&official.path);
    }
    command
        .args(["app-server", "daemon", "restart"])
        .env("CODEX_HOME", host.binder.home())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let ended = tokio::task::spawn_blocking(move || command.status()).await;
    match ended {
        Ok(Ok(status)) if status.success() => {
            Ok(Acted { notes: vec!["The background server was started anew".to_owned()], ..Acted::default() })
        }
        Ok(Ok(status)) => Err(daemon(&format!("it ended with {status}"))),
        Ok(Err(error)) => Err(daemon(&error.to_string())),
        Err(_) => Err(daemon("the work was interrupted")),
    }
}

fn daemon(why: &str) -> Problem {
    Problem::new("daemon-restart-failed", Exit::Failed, "the background server could not be started anew")
        .because(why.to_owned())
        .hint(Hint::Say("Run `codex app-server daemon restart`".to_owned()))
}

/// Every live proxy forgets what it learnt by itself.
async fn reset(host: &Host) -> Acted {
    let mut acted = Acted::default();
    for peer in host.peers.list().await {
        if host.peers.ask(&peer, &Request::ResetRuntime).await == Some(Answer::Done) {
            acted.acknowledged.push(peer.pid);
            acted.changed = true;
        } else if peer.kind != crate::adapters::attach::KIND {
            acted.failed.push(format!("{} (process {}) did not confirm", peer.kind, peer.pid));
        }
    }
    acted
}

async fn service(host: &Host, verb: Verb) -> Result<Acted, Problem> {
    let startup = host.binder.startup().clone();
    let failed = |error: std::io::Error| {
        Problem::new("service-failed", Exit::Failed, "the start-up service could not be changed")
            .because(error.to_string())
    };
    let program = std::env::current_exe().map_err(failed)?;
    match verb {
        Verb::Install => {
            let words = vec!["serve".to_owned()];
            let entry = startup.clone();
            let file =
                blocking(move || entry.install(Service::Serve, &program, &words)).await.map_err(failed)?;
            Ok(Acted { changed: true, files: vec![file], ..Acted::default() })
        }
        Verb::Remove => {
            let files = blocking(move || startup.remove(Service::Serve)).await.map_err(failed)?;
            Ok(Acted { changed: !files.is_empty(), files, ..Acted::default() })
        }
        Verb::Start if startup.manages() => {
            blocking(move || startup.start(Service::Serve)).await.map_err(failed)?;
            Ok(Acted { changed: true, ..Acted::default() })
        }
        Verb::Stop if startup.manages() => {
            blocking(move || startup.stop(Service::Serve)).await.map_err(failed)?;
            Ok(Acted { changed: true, ..Acted::default() })
        }
        Verb::Start => start_apart(host, &program).await,
        Verb::Stop => stop_all(host).await,
        Verb::Status => Ok(Acted::default()),
    }
}

/// Where no manager does it: a `serve` of its own session, unless one runs.
async fn start_apart(host: &Host, program: &std::path::Path) -> Result<Acted, Problem> {
    let is_serve = |peers: Vec<crate::domain::facts::Peer>| peers.iter().any(|peer| peer.kind == "serve");
    if is_serve(host.peers.list().await) {
        return Ok(Acted::default());
    }
    let mut command = Command::new(program);
    command.arg("serve").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    platform::detach(&mut command);
    let failed = |why: String| {
        Problem::new("service-failed", Exit::Failed, "`serve` could not be started").because(why)
    };
    let mut child = command.spawn().map_err(|error| failed(error.to_string()))?;
    for _ in 0..500 {
        if is_serve(host.peers.list().await) {
            return Ok(Acted { changed: true, ..Acted::default() });
        }
        if let Ok(Some(status)) = child.try_wait() {
            return Err(failed(format!("it ended with {status}")));
        }
        tokio::time::sleep(std::time::Duration::from_millis(30)).await;
    }
    Err(failed("it did not come up within 15 s".to_owned()))
}

async fn stop_all(host: &Host) -> Result<Acted, Problem> {
    let mut acted = Acted::default();
    for peer in host.peers.list().await.into_iter().filter(|peer| peer.kind == "serve") {
        let began = crate::adapters::peers::process_start(peer.pid);
        let _ = host.peers.ask(&peer, &Request::Shutdown).await;
        if process::ended(peer.pid, began).await || process::end(peer.pid, began).await {
            acted.changed = true;
        } else {
            acted.failed.push(format!("`serve` (process {}) does not end", peer.pid));
        }
    }
    Ok(acted)
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> std::io::Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(std::io::Error::other(error)))
}
