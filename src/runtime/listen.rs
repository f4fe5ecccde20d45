//! Subscriptions as tasks: started when the model wants them, stopped when it no longer does.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crossterm::event::EventStream;
use futures_util::StreamExt as _;
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::adapters::disk::watch::Watch;
use crate::adapters::login::line::{self, Echo};
use crate::adapters::logs;
use crate::app::input::Input;
use crate::app::msg::{Msg, PeersMsg, Signal, StoreMsg};
use crate::app::sub::Sub;
use crate::base::Span;
use crate::domain::login::paste::{Line, Typist};
use crate::domain::shelf::Store as Shelved;
use crate::ports::{Auth as _, Clock as _, Store as _};
use crate::runtime::guardian::{self, Post};
use crate::runtime::host::Host;
use crate::runtime::services::Services;
use crate::runtime::titles::Titles;
use crate::runtime::{input, looks, perform};

/// How much of the ledger the screens show.
const LEDGER: Span = Span::hours(24);

/// A running subscription.
pub struct Listener {
    cancel: CancellationToken,
    task: Option<JoinHandle<()>>,
}

impl Listener {
    /// Ends it and waits until it has ended.
    pub async fn stop(self) {
        self.cancel.cancel();
        if let Some(task) = self.task {
            let _ = task.await;
        }
    }
}

/// Starts listening to `sub`.
pub fn start(
    sub: &Sub,
    host: &Host,
    sender: &UnboundedSender<Msg>,
    root: &CancellationToken,
    services: &mut Services,
) -> Listener {
    let cancel = root.child_token();
    let (host, sender) = (host.clone(), sender.clone());
    let task = match sub {
        Sub::Input => until(cancel.clone(), terminal(sender)),
        Sub::Lines => until(cancel.clone(), lines(sender)),
        Sub::Looks => until(cancel.clone(), looks::follow(host, sender)),
        Sub::Tick(every) => until(cancel.clone(), tick(host, *every, sender)),
        Sub::Limit(span) => until(cancel.clone(), limit(host, *span, sender)),
        Sub::Store => until(cancel.clone(), store(host, sender)),
        Sub::Settings => until(cancel.clone(), settings(host, sender)),
        Sub::Signals => until(cancel.clone(), signals(sender)),
        Sub::Peers(every) => until(cancel.clone(), peers(host, *every, sender)),
        Sub::Figures(every) => until(cancel.clone(), figures(host, *every, sender)),
        Sub::Logs(every) => until(cancel.clone(), log(host, *every, sender)),
        Sub::Official => until(cancel.clone(), official(host)),
        Sub::Guardian => {
            let lock = host.places.guardian_lock();
            let ports = host.ports.clone();
            until(cancel.clone(), guardian::watch(ports, lock, Post::Dashboard, cancel.clone()))
        }
        Sub::Policies => until(cancel.clone(), policies(host, sender)),
        Sub::Proxy(spec) => {
            services.start_proxy(spec.clone(), cancel.clone());
            return Listener { cancel, task: None };
        }
    };
    Listener { cancel, task: Some(task) }
}

fn until(cancel: CancellationToken, work: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
    tokio::spawn(async move {
        tokio::select! {
            () = cancel.cancelled() => {}
            () = work => {}
        }
    })
}

async fn terminal(sender: UnboundedSender<Msg>) {
    let mut events = EventStream::new();
    while let Some(event) = events.next().await {
        let Ok(event) = event else { break };
        if let Some(input) = input::translate(event)
            && sender.send(Msg::Input(input)).is_err()
        {
            return;
        }
    }
    let _ = sender.send(Msg::Input(Input::Lost));
}

async fn lines(sender: UnboundedSender<Msg>) {
    loop {
        let input = match line::read(Typist::Person, Echo::On).await {
            Line::Text(text) => Input::Line(text.expose().to_owned()),
            Line::End | Line::Terminal => Input::Ended,
        };
        let is_over = input == Input::Ended;
        if sender.send(Msg::Input(input)).is_err() || is_over {
            return;
        }
    }
}

async fn tick(host: Host, every: Span, sender: UnboundedSender<Msg>) {
    loop {
        host.clock.sleep(every).await;
        if sender.send(Msg::Ticked).is_err() {
            return;
        }
    }
}

async fn limit(host: Host, span: Span, sender: UnboundedSender<Msg>) {
    host.clock.sleep(span).await;
    let _ = sender.send(Msg::Elapsed);
}

async fn store(host: Host, sender: UnboundedSender<Msg>) {
    let mut revision = 0;
    loop {
        let answer = host.store.changed(revision).await.map_err(Into::into);
        match &answer {
            Ok(loaded) => revision = loaded.revision,
            Err(_) => host.clock.sleep(Span::seconds(2)).await,
        }
        if sender.send(Msg::Store(StoreMsg::Loaded(answer))).is_err() {
            return;
        }
    }
}

/// Takes over what the official CLI writes into its files, as soon as it does. The pool's own subscription tells
/// everybody else.
async fn official(host: Host) {
    let files = [host.places.auth_json(), host.places.accounts_json()];
    let folders: Vec<PathBuf> = files.iter().filter_map(|path| path.parent()).map(Path::to_owned).collect();
    let names = files.iter().filter_map(|path| path.file_name());
    let watch = Watch::new(&folders, names.map(|name| name.to_string_lossy().into_owned()).collect());
    let mut waiter = watch.waiter();
    let mut seen = None;
    loop {
        let state = files.map(stamp);
        if seen.as_ref() != Some(&state) {
            host.auth.adopt().await;
            seen = Some(state);
        }
        let settings = host.settings().await;
        waiter.hint(settings.sync_debounce, settings.sync_poll).await;
    }
}

/// Tells what the user wants of accounts, projects and money whenever a file of it changed.
async fn policies(host: Host, sender: UnboundedSender<Msg>) {
    let stores = [Shelved::Policies, Shelved::Profiles, Shelved::Budgets];
    let paths = stores.map(|store| host.places.root().join(store.file()));
    let names = stores.map(|store| store.file().to_owned());
    let watch = Watch::new(&[host.places.root().to_owned()], names.into());
    let mut waiter = watch.waiter();
    // What was read at the start is told by its own effect.
    let mut seen = paths.each_ref().map(|path| stamp(path));
    loop {
        let settings = host.settings().await;
        waiter.hint(settings.sync_debounce, settings.sync_poll).await;
        let state = paths.each_ref().map(|path| stamp(path));
        let [policies, rules @ ..] = &state;
        let [old_policies, old_rules @ ..] = &seen;
        let mut news = Vec::new();
        if policies != old_policies
            && let Ok(found) = host.store.policies().await
        {
            news.push(StoreMsg::Policies(found));
        }
        if rules != old_rules {
            news.push(StoreMsg::Ruled(perform::governance(&host).await));
        }
        seen = state;
        for message in news {
            if sender.send(Msg::Store(message)).is_err() {
                return;
            }
        }
    }
}

/// What tells one state of a file from another without reading it; `None` = missing.
fn stamp(path: &Path) -> Option<(u64, SystemTime)> {
    let meta = path.metadata().ok()?;
    Some((meta.len(), meta.modified().ok()?))
}

async fn settings(host: Host, sender: UnboundedSender<Msg>) {
    let mut known = host.config().await;
    loop {
        // What changed between the first reading and this subscription is told, too.
        if sender.send(Msg::Store(StoreMsg::Settings(known.clone()))).is_err() {
            return;
        }
        known = host.store.reconfigured(&known).await;
    }
}

async fn peers(host: Host, every: Span, sender: UnboundedSender<Msg>) {
    let mut titles = Titles::default();
    loop {
        host.clock.sleep(every).await;
        let mut seen = perform::look(&host).await;
        titles.fill(&host, &mut seen).await;
        if sender.send(Msg::Peers(PeersMsg::Seen(seen))).is_err() {
            return;
        }
    }
}

async fn figures(host: Host, every: Span, sender: UnboundedSender<Msg>) {
    loop {
        host.clock.sleep(every).await;
        for message in perform::figures(&host, host.clock.now() - LEDGER).await {
            if sender.send(message).is_err() {
                return;
            }
        }
    }
}

/// The end of our own log, whenever it has grown.
async fn log(host: Host, every: Span, sender: UnboundedSender<Msg>) {
    let mut seen = None;
    loop {
        let folder = host.places.logs();
        let known = seen.clone();
        let read = tokio::task::spawn_blocking(move || {
            let state = logs::stamp(&folder);
            (known.as_ref() != Some(&state)).then(|| (state, logs::tail(&folder)))
        });
        if let Ok(Some((state, tail))) = read.await {
            seen = Some(state);
            if sender.send(Msg::Log(Box::new(tail))).is_err() {
                return;
            }
        }
        host.clock.sleep(every).await;
    }
}

#[cfg(unix)]
async fn signals(sender: UnboundedSender<Msg>) {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate), Ok(mut hang_up)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()), signal(SignalKind::hangup()))
    else {
        return;
    };
    loop {
        let received = tokio::select! {
            _ = interrupt.recv() => Signal::Interrupt,
            _ = terminate.recv() => Signal::Terminate,
            _ = hang_up.recv() => Signal::HangUp,
        };
        if sender.send(Msg::Signal(received)).is_err() {
            return;
        }
    }
}

#[cfg(not(unix))]
async fn signals(sender: UnboundedSender<Msg>) {
    while tokio::signal::ctrl_c().await.is_ok() {
        if sender.send(Msg::Signal(Signal::Interrupt)).is_err() {
            return;
        }
    }
}
