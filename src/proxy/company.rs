//! Whether other proxies of this root live: only then is load spread by process (DB-17).

use std::fs;
use std::path::Path;

use crate::domain::bridge::Access;
use crate::domain::pool::Company;
use crate::formats::registry::Registration;
use crate::ports::Ports;
use crate::proxy::hub::Hub;
use crate::proxy::keep::is_alive;

/// The registry as it was looked at last.
#[derive(Debug, Default)]
pub(super) struct Met {
    looked: Option<(Option<std::time::SystemTime>, bool)>,
}

/// Looks whether other proxies of this root live: only then is load spread by process (DB-17). The folder is read when
/// an entry came or went; a killed proxy leaves its entry until somebody sweeps it, so the living are checked as well.
pub(super) async fn meet<P: Ports>(hub: &Hub<P>, run: &Path, met: &mut Met) {
    let spreads = hub.setting(|settings| settings.pid_offset);
    let changed = fs::metadata(run).and_then(|folder| folder.modified()).ok();
    if met.looked.replace((changed, spreads)) == Some((changed, spreads)) {
        return;
    }
    let folder = run.to_owned();
    let others = tokio::task::spawn_blocking(move || others_in(&folder)).await.unwrap_or_default();
    // The start id: no other process of this machine has the same.
    let seed = hub.started_at.millis().unsigned_abs().rotate_left(32) ^ u64::from(std::process::id());
    let company = if spreads && others > 0 { Company::Others { seed } } else { Company::Alone };
    hub.with_pool(|pool, _, _| pool.set_company(company));
}

/// How many other living processes host a proxy.
fn others_in(run: &Path) -> usize {
    let own = std::process::id();
    let entries = fs::read_dir(run).into_iter().flatten().flatten();
    let hosts = entries.filter(|entry| {
        let path = entry.path();
        path.extension().is_some_and(|kind| kind == "json")
            && fs::read_to_string(&path)
                .ok()
                .and_then(|text| Registration::parse(&text))
                .is_some_and(|entry| entry.pid != own && is_host(&entry.kind) && is_alive(&path))
    });
    hosts.count()
}

fn is_host(kind: &str) -> bool {
    matches!(kind, "inline" | "serve" | "router") || Access::of_kind(kind).is_some()
}
