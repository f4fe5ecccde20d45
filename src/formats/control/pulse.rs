//! The pulse: counters and per-account states.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::base::Moment;
use crate::domain::account::AccountKey;
use crate::domain::facts::{AccountPulse, ProxyPulse};

#[derive(Serialize, Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Pulse {
    started_at: i64,
    port: u16,
    total_requests: u64,
    successful_requests: u64,
    failed_requests: u64,
    rotations: u64,
    in_flight: u32,
    upstream_requests: u64,
    sockets: u32,
    sessions: u32,
    retries: u64,
    refreshes: u64,
    reasoning_strips: u64,
    last_account: Option<String>,
    last_account_updated_at: Option<i64>,
    accounts: BTreeMap<String, Account>,
    last_error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    peer_check_off: Option<String>,
}

#[derive(Serialize, Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Account {
    health: f64,
    bucket: f64,
    circuit: String,
    in_flight: u32,
}

impl From<&ProxyPulse> for Pulse {
    fn from(pulse: &ProxyPulse) -> Self {
        Self {
            started_at: pulse.started_at.millis(),
            port: pulse.port,
            total_requests: pulse.total,
            successful_requests: pulse.ok,
            failed_requests: pulse.failed,
            rotations: pulse.rotated,
            in_flight: pulse.in_flight,
            upstream_requests: pulse.upstream,
            sockets: pulse.sockets,
            sessions: pulse.sessions,
            retries: pulse.retries,
            refreshes: pulse.refreshes,
            reasoning_strips: pulse.reasoning_strips,
            last_account: pulse.last_account.as_ref().map(|key| key.as_str().to_owned()),
            last_account_updated_at: pulse.last_account_at.map(Moment::millis),
            accounts: pulse
                .accounts
                .iter()
                .map(|(key, account)| {
                    let account = Account {
                        health: account.health,
                        bucket: account.bucket,
                        circuit: account.circuit.to_owned(),
                        in_flight: account.in_flight,
                    };
                    (key.as_str().to_owned(), account)
                })
                .collect(),
            last_error: pulse.last_error.clone(),
            peer_check_off: pulse.unseen.clone(),
        }
    }
}

impl Pulse {
    pub(super) fn into_pulse(self) -> ProxyPulse {
        ProxyPulse {
            started_at: Moment::from_millis(self.started_at),
            port: self.port,
            total: self.total_requests,
            ok: self.successful_requests,
            failed: self.failed_requests,
            rotated: self.rotations,
            in_flight: self.in_flight,
            upstream: self.upstream_requests,
            sockets: self.sockets,
            sessions: self.sessions,
            retries: self.retries,
            refreshes: self.refreshes,
            reasoning_strips: self.reasoning_strips,
            last_account: self.last_account.map(AccountKey::new),
            last_account_at: self.last_account_updated_at.map(Moment::from_millis),
            accounts: self
                .accounts
                .into_iter()
                .map(|(key, account)| {
                    let account = AccountPulse {
                        health: account.health,
                        bucket: account.bucket,
                        circuit: circuit(&account.circuit),
                        in_flight: account.in_flight,
                    };
                    (AccountKey::new(key), account)
                })
                .collect(),
            last_error: self.last_error,
            unseen: self.peer_check_off,
            // The rest goes to the snapshot file only.
            ..ProxyPulse::default()
        }
    }

    /// Removes what names an account.
    pub(super) fn mask(&mut self) {
        self.last_account = None;
        self.accounts.clear();
    }
}

fn circuit(word: &str) -> &'static str {
    match word {
        "open" => "open",
        "half-open" => "half-open",
        _ => "closed",
    }
}
