//! The keepers: what turns left on the desk is carried to disk in batches, beside the request path.
//!
//! A limit or a dead token is written at once, a last use may wait half a second (five under load), ledger rows as
//! long, bonds two seconds, quota five; the observability files change at most once a second. All of it is flushed
//! when the proxy ends.

use std::collections::VecDeque;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::base::{Moment, Span};
use crate::domain::attempts::Budget;
use crate::domain::facts::ProxyFact;
use crate::domain::policy::budget::Window;
use crate::domain::policy::compose::{Count, Governance};
use crate::domain::selection::replay::Kept;
use crate::domain::usage::tally::{Growth, Tail};
use crate::formats::affinity;
use crate::formats::capabilities;
use crate::formats::decisions;
use crate::formats::observability::{Beside, Observed};
use crate::ports::{Ports, Store as _};
use crate::proxy::company::{Met, meet};
use crate::proxy::hub::Hub;

const GATHER: Duration = Duration::from_millis(500);
/// Fewest time between two writes of the pool that could both have waited: under load every request uses an account,
/// and a write locks, journals and syncs.
const SPACED: Duration = Duration::from_secs(5);
const LEDGER_GATHER: Duration = Duration::from_millis(500);
const DECISIONS: Duration = Duration::from_millis(250);
const BONDS: Duration = Duration::from_secs(2);
const CAPABILITIES: Duration = Duration::from_secs(5);
const QUOTA: Duration = Duration::from_secs(5);
const OBSERVE: Duration = Duration::from_secs(1);
/// How often profiles and budgets are looked at, and the rows of other processes.
const RULES: Duration = Duration::from_millis(500);
/// How often they are, where that means to read the whole ledger.
const COUNT: Span = Span::seconds(10);
/// Pause after a failed write.
const AGAIN: Duration = Duration::from_secs(2);
/// Shards that nobody renewed for so long count for nothing.
const SHARD_STALE: Span = Span::hours(24);

/// Files a proxy writes by itself.
#[derive(Debug, Clone)]
pub(super) struct Files {
    /// `runtime-affinity.json`
    pub(super) affinity: PathBuf,
    /// `ext/capabilities.json`
    pub(super) capabilities: PathBuf,
    /// `runtime-observability.json`
    pub(super) observability: PathBuf,
    /// `ext/observability`
    pub(super) shards: PathBuf,
    /// `run`
    pub(super) run: PathBuf,
    /// `run/decisions.jsonl`
    pub(super) decisions: PathBuf,
}

/// Carries until `end`, then once more.
pub(super) async fn keep<P: Ports>(hub: Arc<Hub<P>>, files: Files, tail: Tail, end: CancellationToken) {
    tokio::join!(
        keep_changes(&hub, &end),
        every(&hub, &end, LEDGER_GATHER, Batch::Ledger, &files),
        every(&hub, &end, DECISIONS, Batch::Decisions, &files),
        every(&hub, &end, BONDS, Batch::Bonds, &files),
        every(&hub, &end, CAPABILITIES, Batch::Capabilities, &files),
        every(&hub, &end, QUOTA, Batch::Quota, &files),
        every(&hub, &end, OBSERVE, Batch::Observed, &files),
        keep_rules(&hub, &files, tail, &end),
    );
    let _ = commit(&hub).await;
    for batch in
        [Batch::Ledger, Batch::Decisions, Batch::Bonds, Batch::Capabilities, Batch::Quota, Batch::Observed]
    {
        carry(&hub, batch, &files).await;
    }
    let shard = shard_of(&files.shards);
    let _ = tokio::task::spawn_blocking(move || fs::remove_file(shard)).await;
}

/// Follows profiles and budgets, and what other processes use of these.
async fn keep_rules<P: Ports>(hub: &Hub<P>, files: &Files, mut tail: Tail, end: &CancellationToken) {
    let mut counted = hub.now();
    let mut met = Met::default();
    meet(hub, &files.run, &mut met).await;
    loop {
        tokio::select! {
            biased;
            () = end.cancelled() => return,
            () = tokio::time::sleep(RULES) => {}
        }
        meet(hub, &files.run, &mut met).await;
        let read = hub.ports.store().rules().await;
        let (count, counts) = hub.with_pool(|pool, now, _| {
            let count = pool.set_rules(read);
            if count == Count::Anew {
                pool.reconsider(now);
            }
            (count, pool.has_budgets())
        });
        // Without a number of the file every reading is one of everything.
        let is_cheap = tail.file.is_some() || hub.now().since(counted) >= COUNT;
        if !counts || !(count == Count::Anew || is_cheap) {
            continue;
        }
        let from = if count == Count::Anew { Tail::default() } else { tail };
        counted = hub.now();
        match grown(hub, from).await {
            Ok((growth, next)) => {
                tail = next;
                hub.with_pool(|pool, now, _| pool.grow(growth, now));
            }
            Err(why) => hub.desk.failed(why),
        }
    }
}

async fn grown<P: Ports>(hub: &Hub<P>, tail: Tail) -> Result<(Growth, Tail), String> {
    let prices = hub.with_pool(|pool, _, _| pool.prices());
    hub.ports.store().grown(Window::earliest(hub.now()), tail, prices).await
}

/// Profiles and budgets with what was used of them, and how far the ledger was read for that; it is not read where
/// nothing is counted.
pub(super) async fn governance<P: Ports>(ports: &P, now: Moment) -> Result<(Governance, Tail), String> {
    let rules = ports.store().rules().await?;
    if rules.budgets.is_empty() {
        return Ok((Governance { rules, tally: Arc::default() }, Tail::default()));
    }
    let since = Window::earliest(now);
    let (growth, tail) = ports.store().grown(since, Tail::default(), rules.prices.clone()).await?;
    Ok((Governance { tally: growth.into_tally(&rules.prices), rules }, tail))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Batch {
    Ledger,
    Decisions,
    Bonds,
    Capabilities,
    Quota,
    Observed,
}

async fn keep_changes<P: Ports>(hub: &Hub<P>, end: &CancellationToken) {
    let mut next = tokio::time::Instant::now();
    loop {
        tokio::select! {
            biased;
            () = end.cancelled() => return,
            () = hub.desk.urgent.notified() => {}
            () = hub.desk.gathering.notified() => {
                let soon = tokio::time::Instant::now() + GATHER;
                tokio::select! {
                    biased;
                    () = end.cancelled() => return,
                    () = hub.desk.urgent.notified() => {}
                    () = tokio::time::sleep_until(soon.max(next)) => {}
                }
            }
        }
        next = tokio::time::Instant::now() + SPACED;
        if !commit(hub).await {
            tokio::select! {
                biased;
                () = end.cancelled() => return,
                () = tokio::time::sleep(AGAIN) => hub.desk.urgent.notify_one(),
            }
        }
    }
}

/// Commits what waits; what could not be written waits on.
async fn commit<P: Ports>(hub: &Hub<P>) -> bool {
    let changes = std::mem::take(&mut hub.desk.pending().changes);
    if changes.is_empty() {
        return true;
    }
    match hub.ports.store().commit(changes.clone()).await {
        Ok(_) => {
            hub.desk.announce(vec![ProxyFact::Changed(changes)], None, hub.now());
            true
        }
        Err(error) => {
            let mut pending = hub.desk.pending();
            let newer = std::mem::replace(&mut pending.changes, changes);
            pending.changes.extend(newer);
            drop(pending);
            hub.desk.failed(error.to_string());
            false
        }
    }
}

/// Waits for something to do, gathers for `pause`, carries; nothing runs while nothing happens.
async fn every<P: Ports>(
    hub: &Hub<P>,
    end: &CancellationToken,
    pause: Duration,
    batch: Batch,
    files: &Files,
) {
    let mut stirred = hub.desk.stirred();
    loop {
        tokio::select! {
            biased;
            () = end.cancelled() => return,
            changed = stirred.changed() => if changed.is_err() { return },
        }
        tokio::select! {
            biased;
            () = end.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
        stirred.mark_unchanged();
        carry(hub, batch, files).await;
    }
}

async fn carry<P: Ports>(hub: &Hub<P>, batch: Batch, files: &Files) {
    match batch {
        Batch::Ledger => {
            let rows: Vec<_> = hub.desk.pending().entries.drain(..).collect();
            if !rows.is_empty()
                && let Err(error) = hub.ports.store().append(rows).await
            {
                hub.desk.failed(error.to_string());
            }
        }
        Batch::Decisions => {
            let kept = std::mem::take(&mut hub.desk.pending().decisions);
            if !kept.is_empty() {
                let (path, most) =
                    (files.decisions.clone(), hub.setting(|settings| settings.decision_log_max));
                on_disk(hub, move || append_decisions(&path, &kept, most)).await;
            }
        }
        Batch::Quota => {
            let observed = std::mem::take(&mut hub.desk.pending().quota);
            if observed.is_empty() {
                return;
            }
            let rows = observed.into_iter().map(|((key, _), snapshot)| (key, snapshot)).collect();
            let roster = hub.roster();
            if let Err(error) = hub.ports.store().keep_quota(&roster, rows).await {
                hub.desk.failed(error.to_string());
            }
        }
        Batch::Bonds => {
            let has_goals_changed = hub.goals.take_changed();
            let goals = hub.goals.all();
            let text = hub.with_pool(|pool, _, _| {
                (pool.take_bonds_changed() || has_goals_changed)
                    .then(|| affinity::print(pool.bonds(), &goals))
            });
            if let Some(text) = text {
                let path = files.affinity.clone();
                on_disk(hub, move || write_private(&path, text.as_bytes())).await;
            }
        }
        Batch::Capabilities => {
            if !hub.with_pool(|pool, _, _| pool.capabilities().take_changed()) {
                return;
            }
            // What another process learnt meanwhile stays in the file.
            let others = hub.ports.store().capabilities(&hub.roster()).await;
            let text = hub.with_pool(|pool, now, _| {
                pool.restore_capabilities(&others, now);
                capabilities::print(pool.capabilities())
            });
            let path = files.capabilities.clone();
            on_disk(hub, move || write_private(&path, text.as_bytes())).await;
        }
        Batch::Observed => {
            let shard = observed(hub);
            let (files, now) = (files.clone(), hub.now());
            on_disk(hub, move || write_observed(&files, shard, now)).await;
        }
    }
}

async fn on_disk<P: Ports>(hub: &Hub<P>, work: impl FnOnce() -> io::Result<()> + Send + 'static) {
    if let Ok(Err(error)) = tokio::task::spawn_blocking(work).await {
        hub.desk.failed(format!("runtime files: {error}"));
    }
}

/// This proxy's shard, with the newest account named by its position.
fn observed<P: Ports>(hub: &Hub<P>) -> Observed {
    let pulse = hub.pulse();
    let roster = hub.roster();
    let beside = Beside {
        refresh_endpoint: hub.desk.refresh_endpoint(),
        account_checks: hub.routes.asked(),
        attempt_budget: hub.with_pool(|pool, _, _| Budget::new(pool.len(), pool.settings()).most_sends()),
        running: hub.desk.running(),
    };
    let mut observed = hub.desk.with_meter(|meter| Observed::of(&pulse, meter, &beside, &roster, hub.now()));
    if let Some(key) = &pulse.last_account
        && let Some(index) = roster.index_of(key)
    {
        observed.last_account_index = Some(index);
        observed.last_account_label = Some(format!("Account {}", index + 1));
        observed.last_account_id =
            roster.get(key).and_then(|account| account.workspace_id()).map(str::to_owned);
    }
    let decision = hub.explain(&crate::domain::selection::Ask::plain());
    for candidate in decision.candidates {
        let Some(skip) = candidate.skip else { continue };
        if skip.reason.starts_with("policy") {
            observed.policy_blocked_indexes.push(candidate.index);
            observed.policy_blocked_reasons.insert(candidate.index.to_string(), vec![skip.reason.clone()]);
        }
        observed.account_skip_reasons.insert(candidate.index.to_string(), skip.reason);
    }
    observed
}

fn shard_of(dir: &Path) -> PathBuf {
    dir.join(format!("{}.json", std::process::id()))
}

/// Writes the shard and the view merged over all living processes.
fn write_observed(files: &Files, shard: Observed, now: Moment) -> io::Result<()> {
    let own = shard_of(&files.shards);
    write_private(&own, shard.print().as_bytes())?;
    let mut merged = shard;
    for entry in fs::read_dir(&files.shards)?.flatten() {
        let path = entry.path();
        if path == own || path.extension().is_none_or(|kind| kind != "json") {
            continue;
        }
        let other = fs::read_to_string(&path).ok().and_then(|text| Observed::parse(&text));
        match other {
            Some(other) if is_alive(&path) && now.since(other.updated_at()) < SHARD_STALE => {
                merged = merged.merged_with(&other);
            }
            Some(_) | None => {
                let _ = fs::remove_file(&path);
            }
        }
    }
    write_private(&files.observability, merged.print().as_bytes())
}

/// Appends to the log in one write, so that lines of two processes never mix; a full log becomes the earlier one.
fn append_decisions(path: &Path, kept: &VecDeque<Kept>, most: u64) -> io::Result<()> {
    private_dir(path.parent().unwrap_or(Path::new(".")))?;
    if fs::metadata(path).is_ok_and(|file| file.len() >= most) {
        fs::rename(path, path.with_file_name("decisions.1.jsonl"))?;
    }
    let lines: String = kept.iter().map(decisions::line).collect();
    let mut options = fs::OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(lines.as_bytes())
}

/// Whether the process named by a shard lives, where the system has a folder per process.
pub(super) fn is_alive(shard: &Path) -> bool {
    let processes = Path::new("/proc/self");
    !processes.exists() || shard.file_stem().is_some_and(|pid| Path::new("/proc").join(pid).exists())
}

/// Replaces a file of ours at once and readable by us alone.
pub(super) fn write_private(path: &Path, text: &[u8]) -> io::Result<()> {
    let dir = path.parent().unwrap_or(Path::new("."));
    private_dir(dir)?;
    // The temporary file is created with mode 0600.
    let mut file = tempfile::NamedTempFile::new_in(dir)?;
    file.write_all(text)?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// A folder only we may look into; an existing one stays as it is.
pub(super) fn private_dir(dir: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)
}
