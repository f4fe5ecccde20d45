//! Effects as port calls: one function per group; what comes back is a message.
//!
//! Store effects go through one ordered queue, so two commits never overtake each other; everything else runs
//! as a task of its own, aborted by its ticket or at the end.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::{AbortHandle, JoinHandle, JoinSet};

use crate::adapters::clipboard;
use crate::adapters::upstream::probe;
use crate::app::effect::{AuthEffect, CodexEffect, Effect, PeersEffect, StoreEffect, UpstreamEffect};
use crate::app::flows::Ticket;
use crate::app::model::Model;
use crate::app::msg::{AuthMsg, CodexMsg, Msg, PeersMsg, StoreMsg, UpstreamMsg};
use crate::base::{Moment, Secret, Span};
use crate::domain::account::{Account, AccountKey};
use crate::domain::capability::Capabilities;
use crate::domain::facts::PeerStatus;
use crate::domain::facts::Steer;
use crate::domain::policy::compose::Governance;
use crate::domain::problem::{Exit, Hint, Problem};
use crate::domain::quota::snapshot::Snapshot;
use crate::domain::roster::Roster;
use crate::domain::shelf::Found;
use crate::domain::survey::{Kind, Unread};
use crate::domain::usage::tally::Tail;
use crate::ports::upstream::ReadError;
use crate::ports::{Auth as _, Clock as _, Peers as _, Store as _, Upstream as _, Vault as _};
use crate::runtime::ask;
use crate::runtime::host::Host;
use crate::runtime::login;

/// How long running tasks may take to end once the program ends.
const GRACE: Span = Span::seconds(2);

/// Carries effects out.
pub struct Performer {
    host: Host,
    sender: UnboundedSender<Msg>,
    tasks: JoinSet<()>,
    by_ticket: BTreeMap<Ticket, Vec<AbortHandle>>,
    store: UnboundedSender<StoreEffect>,
    queue: JoinHandle<()>,
}

impl Performer {
    /// A performer that answers into `sender`.
    pub fn new(host: Host, sender: UnboundedSender<Msg>) -> Self {
        let (store, effects) = unbounded_channel();
        let queue = tokio::spawn(in_order(host.clone(), sender.clone(), effects));
        Self { host, sender, tasks: JoinSet::new(), by_ticket: BTreeMap::new(), store, queue }
    }

    /// Has a tool of the platform copy a text; without one the terminal is asked to.
    pub fn copy(&mut self, text: Secret) {
        let (host, sender) = (self.host.clone(), self.sender.clone());
        self.spawn(None, async move {
            if host.demo.is_some() || !clipboard::copy(&host.env, &text).await {
                let _ = sender.send(Msg::NotCopied(text));
            }
        });
    }

    /// Carries one effect out; terminal effects never get here.
    pub fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Store(effect) => {
                let _ = self.store.send(effect);
            }
            Effect::Auth(AuthEffect::Refresh(ticket, key, reason)) => {
                let host = self.host.clone();
                self.run(Some(ticket), async move {
                    let outcome = host.auth.refresh(&key, reason, None).await;
                    Msg::Auth(AuthMsg::Refreshed(ticket, key, outcome))
                });
            }
            Effect::Upstream(UpstreamEffect::Usage(ticket, key)) => {
                let host = self.host.clone();
                self.run(Some(ticket), async move {
                    let answer = usage(&host, &key).await;
                    Msg::Upstream(UpstreamMsg::Usage(ticket, key, Box::new(answer)))
                });
            }
            Effect::Upstream(UpstreamEffect::Probe(ticket, key, model)) => {
                let host = self.host.clone();
                self.run(Some(ticket), async move {
                    let answer = probe(&host, &key, model.as_deref()).await;
                    Msg::Upstream(UpstreamMsg::Probed(ticket, key, answer))
                });
            }
            Effect::Codex(effect) => self.codex(effect),
            Effect::Login(ticket, effect) => {
                let work = login::perform(self.host.clone(), self.sender.clone(), ticket, effect);
                self.spawn(Some(ticket), work);
            }
            Effect::Ask(ticket, query) => {
                let host = self.host.clone();
                self.run(Some(ticket), async move { Msg::Answered(ticket, ask::ask(&host, &query).await) });
            }
            Effect::Peers(effect) => self.peers(effect),
            Effect::Checkup(ticket, act) => {
                let host = self.host.clone();
                self.run(Some(ticket), async move {
                    Msg::Checkup(ticket, crate::runtime::checkup::carry_out(&host, act).await)
                });
            }
            Effect::Bridge(ticket, order) => {
                let host = self.host.clone();
                self.run(Some(ticket), async move {
                    Msg::Bridge(ticket, crate::runtime::bridge::carry_out(&host, order).await)
                });
            }
            Effect::History(ticket, act) => {
                let host = self.host.clone();
                self.run(Some(ticket), async move {
                    Msg::History(ticket, crate::runtime::history::carry_out(&host, act).await)
                });
            }
            Effect::Rotation(ticket, act) => {
                let host = self.host.clone();
                self.run(Some(ticket), async move {
                    Msg::Rotation(ticket, crate::runtime::rotation::carry_out(&host, act).await)
                });
            }
            Effect::Chore(ticket, chore) => {
                let host = self.host.clone();
                self.run(Some(ticket), async move {
                    Msg::Chored(
                        ticket,
                        Box::new(Box::pin(crate::runtime::chore::carry_out(&host, chore)).await),
                    )
                });
            }
            Effect::Uninstall(ticket, wish) => {
                let host = self.host.clone();
                self.run(Some(ticket), async move {
                    let told = crate::runtime::uninstall::carry_out(&host, wish).await;
                    Msg::Uninstalled(ticket, Box::new(told))
                });
            }
            Effect::Desktop(_)
            | Effect::Tell(_)
            | Effect::Announce(_)
            | Effect::Cancel(_)
            | Effect::Exit(_) => {}
        }
    }

    fn codex(&mut self, effect: CodexEffect) {
        let host = self.host.clone();
        match effect {
            CodexEffect::Mirror(ticket, key) => {
                self.run(Some(ticket), async move {
                    Msg::Codex(CodexMsg::Mirrored(ticket, host.mirror(&key).await))
                });
            }
            CodexEffect::Plan(ticket, args) => {
                self.run(Some(ticket), async move {
                    Msg::Codex(CodexMsg::Planned(ticket, host.plan(args).await))
                });
            }
            CodexEffect::Preflight(ticket) => {
                self.run(Some(ticket), async move {
                    Msg::Codex(CodexMsg::Preflighted(ticket, host.preflight().await))
                });
            }
            CodexEffect::Launch(ticket, args, through) => {
                self.run(Some(ticket), async move {
                    Msg::Codex(CodexMsg::Ended(ticket, host.launch(args, through).await))
                });
            }
        }
    }

    fn peers(&mut self, effect: PeersEffect) {
        let host = self.host.clone();
        match effect {
            PeersEffect::Look => {
                self.run(None, async move { Msg::Peers(PeersMsg::Seen(look(&host).await)) });
            }
            PeersEffect::Next(ticket, ask) => self.run(Some(ticket), async move {
                for peer in host.peers.list().await {
                    if let Some(decision) = host.peers.next(&peer, &ask).await {
                        return Msg::Peers(PeersMsg::Next(ticket, Some(decision)));
                    }
                }
                Msg::Peers(PeersMsg::Next(ticket, None))
            }),
            PeersEffect::Recall(ticket, word) => self.run(Some(ticket), async move {
                let run = host.places.run();
                let name = word.clone();
                let found = tokio::task::spawn_blocking(move || recall(&run, &word)).await;
                Msg::Peers(PeersMsg::Recalled(ticket, name, found.ok().flatten().map(Box::new)))
            }),
            PeersEffect::Steer { pid, session, steer } => {
                let sender = self.sender.clone();
                self.spawn(None, async move {
                    let told = steer_session(&host, pid, &session, &steer).await;
                    let _ = sender.send(Msg::Peers(PeersMsg::Steered(told)));
                    let _ = sender.send(Msg::Peers(PeersMsg::Seen(look(&host).await)));
                });
            }
            PeersEffect::Reload => {
                self.tasks.spawn(async move {
                    for peer in host.peers.list().await {
                        host.peers.reload(&peer).await;
                    }
                });
            }
        }
    }

    fn run(&mut self, ticket: Option<Ticket>, work: impl Future<Output = Msg> + Send + 'static) {
        let sender = self.sender.clone();
        self.spawn(ticket, async move {
            let _ = sender.send(work.await);
        });
    }

    fn spawn(&mut self, ticket: Option<Ticket>, work: impl Future<Output = ()> + Send + 'static) {
        let handle = self.tasks.spawn(work);
        if let Some(ticket) = ticket {
            let handles = self.by_ticket.entry(ticket).or_default();
            handles.retain(|handle| !handle.is_finished());
            handles.push(handle);
        }
        while self.tasks.try_join_next().is_some() {}
    }

    /// Aborts what runs under a ticket. A refresh that was sent goes on inside its owner.
    pub fn cancel(&mut self, ticket: Ticket) {
        for handle in self.by_ticket.remove(&ticket).unwrap_or_default() {
            handle.abort();
        }
    }

    /// Lets queued store work end, then aborts the rest.
    pub async fn finish(mut self) {
        drop(self.store);
        let _ = self.queue.await;
        let _ = tokio::time::timeout(GRACE.to_duration(), async {
            while self.tasks.join_next().await.is_some() {}
        })
        .await;
        self.tasks.shutdown().await;
        self.host.auth.shutdown().await;
    }
}

async fn in_order(host: Host, sender: UnboundedSender<Msg>, mut effects: UnboundedReceiver<StoreEffect>) {
    while let Some(effect) = effects.recv().await {
        let message = match effect {
            StoreEffect::Load => StoreMsg::Loaded(host.store.load().await.map_err(Into::into)),
            StoreEffect::Settings => StoreMsg::Settings(host.config().await),
            StoreEffect::ConfigFile(ticket, act) => {
                StoreMsg::ConfigFile(ticket, crate::runtime::settings::perform(&host, act).await)
            }
            StoreEffect::Configure(ticket, edits) => {
                StoreMsg::Configured(ticket, host.store.configure(edits).await)
            }
            StoreEffect::Stock => StoreMsg::Stock(host.take_stock().await),
            StoreEffect::Sum(ticket, query) => {
                // A long ledger takes a while, and nothing waits for it in order.
                let (host, sender) = (host.clone(), sender.clone());
                tokio::spawn(async move {
                    let summed = host.store.sum(*query).await.map_err(Into::into);
                    let _ = sender.send(Msg::Store(StoreMsg::Summed(ticket, Box::new(summed))));
                });
                continue;
            }
            StoreEffect::Policies => match host.store.policies().await {
                Ok(found) => StoreMsg::Policies(found),
                Err(error) => StoreMsg::Policies(Found::Damaged { detail: error.to_string() }),
            },
            StoreEffect::Rule(ticket, edit) => {
                let changed = host.store.change_rule(*edit).await.map_err(Problem::from);
                let read = match changed {
                    Ok(changed) => governance(&host).await.map(|rules| (rules, changed)).map_err(unreadable),
                    Err(problem) => Err(problem),
                };
                StoreMsg::RuleSet(ticket, read)
            }
            StoreEffect::Rules => StoreMsg::Ruled(governance(&host).await),
            StoreEffect::Policy(ticket, key, edit) => {
                StoreMsg::PolicySet(ticket, host.store.change_policy(&key, edit).await.map_err(Into::into))
            }
            StoreEffect::Quota => match host.store.load().await {
                Ok(loaded) => StoreMsg::Quota(host.store.quota(&loaded.roster).await.unwrap_or_default()),
                // The trouble itself is told by `Loaded`; whoever waits for figures must not wait for ever.
                Err(_) => StoreMsg::Quota(BTreeMap::new()),
            },
            StoreEffect::Chronicle => StoreMsg::Chronicle(Box::new(host.chronicle().await)),
            StoreEffect::Capabilities => StoreMsg::Capabilities(learnt(&host).await),
            StoreEffect::Usage(since) => StoreMsg::Usage(host.store.usage(since).await.unwrap_or_default()),
            StoreEffect::Commit(ticket, changes) => {
                StoreMsg::Committed(ticket, host.store.commit(changes).await.map_err(Into::into))
            }
            StoreEffect::Vault(ticket, act) => {
                StoreMsg::Vault(ticket, Box::new(host.store.carry_out(*act).await))
            }
            StoreEffect::Remember(text) => {
                host.remember(text).await;
                continue;
            }
        };
        if sender.send(Msg::Store(message)).is_err() {
            return;
        }
    }
}

fn unreadable(why: String) -> Problem {
    Problem::new("storage-unreadable", Exit::Failed, why).hint(Hint::Run("doctor".to_owned()))
}

/// Profiles and budgets with what was used of them; the ledger is read only where something is counted.
///
/// # Errors
/// Which file cannot be read and why, in words.
pub async fn governance(host: &Host) -> Result<Arc<Governance>, String> {
    let rules = host.store.rules().await?;
    let now = host.clock.now();
    let Some(since) = rules.budgets.values().map(|limit| limit.window.start(now)).min() else {
        return Ok(Arc::new(Governance { rules, tally: Arc::default() }));
    };
    let (growth, _) = host.store.grown(since, Tail::default(), rules.prices.clone()).await?;
    Ok(Arc::new(Governance { tally: growth.into_tally(&rules.prices), rules }))
}

/// Granted resets are asked for again only after this.
const BANKED: Span = Span::minutes(30);

async fn usage(host: &Host, key: &AccountKey) -> Result<Snapshot, Unread> {
    let (roster, account) = asked(host, key).await?;
    let mut snapshot = host.upstream.usage(&account).await.map_err(|error| unread(&error))?;
    let kept = host.store.quota(&roster).await.unwrap_or_default();
    let known = kept.get(key).and_then(|known| known.banked);
    if snapshot.banked.is_none_or(|banked| banked.available > 0 && banked.expires_at.is_none())
        && known.is_none_or(|known| snapshot.at.since(known.at) >= BANKED)
    {
        // Optional: an answer nobody can read leaves what was known.
        snapshot.banked = host.upstream.banked(&account).await.ok().or(snapshot.banked);
    }
    snapshot.banked = snapshot.banked.or(known);
    keep(host, &roster, key, std::slice::from_ref(&snapshot)).await;
    Ok(snapshot)
}

async fn probe(host: &Host, key: &AccountKey, model: Option<&str>) -> Result<Vec<Snapshot>, Unread> {
    let (roster, account) = asked(host, key).await?;
    let all = probe::probe(&host.upstream, &account, model).await.map_err(|error| unread(&error))?;
    keep(host, &roster, key, &all).await;
    Ok(all)
}

async fn asked(host: &Host, key: &AccountKey) -> Result<(Arc<Roster>, Account), Unread> {
    let here = |why: String| Unread { kind: Kind::ServerError, why };
    let loaded = host.store.load().await.map_err(|error| here(Problem::from(error).what))?;
    let account = loaded.roster.get(key).cloned().ok_or_else(|| here("the account is gone".to_owned()))?;
    Ok((loaded.roster, account))
}

async fn keep(host: &Host, roster: &Roster, key: &AccountKey, all: &[Snapshot]) {
    let rows = all.iter().map(|snapshot| (key.clone(), snapshot.clone())).collect();
    if let Err(error) = host.store.keep_quota(roster, rows).await {
        tracing::warn!(%error, "the figures could not be kept");
    }
}

fn unread(error: &ReadError) -> Unread {
    let kind = match error {
        ReadError::Refused => Kind::TokenInvalid,
        ReadError::Unavailable(_) => Kind::WorkspaceDisabled,
        ReadError::Status(403) => Kind::NotEntitled,
        ReadError::Status(_) | ReadError::Invalid(_) => Kind::ServerError,
        ReadError::Transport(_) => Kind::Network,
        ReadError::NoToken => Kind::MissingRefreshToken,
    };
    Unread { kind, why: error.to_string() }
}

/// All live proxies of this root with their state.
pub async fn look(host: &Host) -> Vec<PeerStatus> {
    let mut seen = Vec::new();
    for peer in host.peers.list().await {
        if let Some(status) = host.peers.status(&peer).await {
            seen.push(status);
        }
    }
    seen
}

/// Passes a wish for a session on to the proxy that serves it.
async fn steer_session(host: &Host, pid: u32, session: &str, steer: &Steer) -> Result<String, String> {
    let peers = host.peers.list().await;
    let peer = peers.iter().find(|peer| peer.pid == pid).ok_or("its proxy has ended")?;
    host.peers.steer(peer, session, steer).await.map_err(|why| format!("session {session}: {why}"))?;
    Ok(match steer {
        Steer::Pin(_) => format!("session {session} is pinned to its account"),
        Steer::Free => format!("session {session} goes where the pool sends it"),
        Steer::Move => format!("session {session} moves at its next turn"),
    })
}

/// The newest kept decision a word names.
fn recall(run: &std::path::Path, word: &str) -> Option<crate::domain::selection::replay::Kept> {
    ["decisions.jsonl", "decisions.1.jsonl"]
        .into_iter()
        .filter_map(|file| std::fs::read_to_string(run.join(file)).ok())
        .find_map(|text| crate::formats::decisions::find(&text, word))
}

/// What traffic taught about models.
async fn learnt(host: &Host) -> Arc<Capabilities> {
    match host.store.load().await {
        Ok(loaded) => Arc::new(host.store.capabilities(&loaded.roster).await),
        Err(_) => Arc::default(),
    }
}

/// Quota cache and ledger as messages.
pub async fn figures(host: &Host, since: Moment) -> Vec<Msg> {
    let mut messages = Vec::new();
    if let Ok(loaded) = host.store.load().await
        && let Ok(quota) = host.store.quota(&loaded.roster).await
    {
        messages.push(Msg::Store(StoreMsg::Quota(quota)));
    }
    messages.push(Msg::Store(StoreMsg::Capabilities(learnt(host).await)));
    messages.push(Msg::Store(StoreMsg::Ruled(governance(host).await)));
    if let Ok(rows) = host.store.usage(since).await {
        messages.push(Msg::Store(StoreMsg::Usage(rows)));
    }
    messages
}

/// Takes in what arrived while the program ended, so that the returned model is the last word.
pub fn drain(model: &mut Model, receiver: &mut UnboundedReceiver<Msg>, now: Moment) {
    while let Ok(message) = receiver.try_recv() {
        crate::app::update(model, now, message);
    }
}
