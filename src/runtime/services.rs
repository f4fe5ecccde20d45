//! The services of this process: the proxy on a thread of its own, and, in a rehearsal, the client that sends
//! turns through it.
//!
//! One thread relays with less CPU than two workers (docs/architecture.md §11), and the loop's drawing never
//! delays a byte. Facts come up as messages; the briefing goes down as one watched value.

use std::sync::Arc;
use std::thread::JoinHandle;

use tokio::sync::mpsc::{self, UnboundedSender};
use tokio::sync::{oneshot, watch};
use tokio_util::sync::CancellationToken;

use crate::adapters::attach::{Attached, attach};
use crate::adapters::platform;
use crate::app::briefing;
use crate::app::model::Model;
use crate::app::msg::{Msg, ServiceMsg};
use crate::app::sub::{ProxyKind, ProxySpec};
use crate::domain::briefing::Briefing;
use crate::domain::problem::Problem;
use crate::ports::{Clock as _, Peers as _, Ports as _};
use crate::proxy;
use crate::runtime::guardian::{self, Activity, Post};
use crate::runtime::host::Host;
use crate::runtime::router;

/// What runs in this process beside the loop.
pub struct Services {
    host: Host,
    sender: UnboundedSender<Msg>,
    briefing: watch::Sender<Arc<Briefing>>,
    threads: Vec<Running>,
}

struct Running {
    stop: CancellationToken,
    ended: oneshot::Receiver<()>,
    thread: JoinHandle<()>,
}

impl Services {
    /// Nothing runs yet.
    pub fn new(host: Host, sender: UnboundedSender<Msg>, model: &Model) -> Self {
        let (briefing, _) = watch::channel(Arc::new(briefing(model)));
        Self { host, sender, briefing, threads: Vec::new() }
    }

    /// Hands the newest briefing down, when it is newer.
    pub fn brief(&self, model: &Model) {
        let fresh = briefing(model);
        self.briefing.send_if_modified(|known| {
            if known.revision == fresh.revision && known.forced == fresh.forced {
                return false;
            }
            *known = Arc::new(fresh);
            true
        });
    }

    /// Starts the proxy; what becomes of it arrives as messages.
    pub fn start_proxy(&mut self, spec: ProxySpec, stop: CancellationToken) {
        let (done, ended) = oneshot::channel();
        let host = self.host.clone();
        let sender = self.sender.clone();
        let briefing = self.briefing.subscribe();
        let cancel = stop.clone();
        let thread = std::thread::Builder::new().name("proxy".to_owned()).spawn(move || {
            let result = host_proxy(&host, &spec, briefing, &sender, &cancel);
            let _ = sender.send(Msg::Service(ServiceMsg::Exited(result)));
            let _ = done.send(());
        });
        match thread {
            Ok(thread) => self.threads.push(Running { stop, ended, thread }),
            Err(error) => {
                let _ = self.sender.send(Msg::Service(ServiceMsg::Exited(Err(error.to_string()))));
            }
        }
    }

    /// Drains and ends everything; the services keep their own grace (at most five seconds).
    pub async fn stop(self) {
        for running in self.threads {
            running.stop.cancel();
            let _ = running.ended.await;
            let _ = running.thread.join();
        }
    }
}

fn host_proxy(
    host: &Host,
    spec: &ProxySpec,
    briefing: watch::Receiver<Arc<Briefing>>,
    sender: &UnboundedSender<Msg>,
    stop: &CancellationToken,
) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    runtime.block_on(async {
        let wants_shared = spec.kind == ProxyKind::Inline && briefing.borrow().settings.attach_to_serve;
        if wants_shared
            && let Some(shared) =
                attach(&host.peers, &host.places.codex_home().display().to_string(), spec.forced.clone())
                    .await
        {
            return stay(shared, host, sender, stop).await;
        }
        if spec.kind != ProxyKind::Inline {
            platform::raise_descriptors();
        }
        let ports = host.service_ports().map_err(sentence)?;
        let (facts, mut heard) = mpsc::unbounded_channel();
        let upwards = sender.clone();
        let (activity, clock) = (Activity::since(host.clock.now()), host.clock.clone());
        let noted = activity.clone();
        let relay = tokio::spawn(async move {
            while let Some(fact) = heard.recv().await {
                noted.note(clock.now());
                if upwards.send(Msg::Service(ServiceMsg::Fact(fact))).is_err() {
                    return;
                }
            }
        });
        // Listing removes the entries that killed processes left, so they go with the next start of any proxy.
        host.peers.list().await;
        let plan = host.proxy_plan(spec);
        let running = match proxy::start(ports.clone(), plan, briefing, facts, stop.clone()).await {
            Ok(running) => running,
            Err(error) => {
                let why = error.to_string();
                if spec.kind == ProxyKind::Router {
                    router::failed(&host.binder, &why, host.clock.now());
                }
                return Err(why);
            }
        };
        let keeper = (spec.kind == ProxyKind::Router)
            .then(|| tokio::spawn(router::keep(host.clone(), running.overlook(), stop.clone())));
        let _ = sender.send(Msg::Service(ServiceMsg::Listening {
            port: running.port,
            base_url: running.base_url.clone(),
            refresh_url: running.refresh_url.clone(),
        }));
        if let Some(demo) = &host.demo {
            demo.play(running.base_url.clone(), stop.clone());
        }
        let lock = host.places.guardian_lock();
        let guardian =
            tokio::spawn(guardian::watch(ports.clone(), lock, Post::Proxy(activity), stop.clone()));
        // As a task: what wakes the future that the runtime blocks on costs a call to the system each time.
        let _ = tokio::spawn(running.run()).await;
        if let Some(keeper) = keeper {
            let _ = keeper.await;
        }
        let _ = guardian.await;
        ports.auth().shutdown().await;
        let _ = relay.await;
        Ok(())
    })
}

/// Uses a shared proxy until the launch ends, or the proxy does.
async fn stay(
    mut shared: Attached,
    host: &Host,
    sender: &UnboundedSender<Msg>,
    stop: &CancellationToken,
) -> Result<(), String> {
    shared.register(&host.places.run(), host.clock.now());
    let _ = sender.send(Msg::Service(ServiceMsg::Listening {
        port: shared.peer.port,
        base_url: shared.base.clone(),
        refresh_url: shared.refresh.clone(),
    }));
    let pid = shared.peer.pid;
    tokio::select! {
        () = stop.cancelled() => Ok(()),
        () = shared.lost() => Err(format!("the shared one, `serve` with pid {pid}, has ended")),
    }
}

fn sentence(problem: Problem) -> String {
    let mut text = problem.what;
    for cause in problem.because {
        text.push_str(": ");
        text.push_str(&cause);
    }
    text
}
