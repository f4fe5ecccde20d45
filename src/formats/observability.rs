//! `<root>/runtime-observability.json` and the per-process shards behind it (runtime.md §18).
//!
//! Every proxy writes its own shard and, from all shards of living processes, the merged file that the reference's
//! readers know: counters are sums, points in time are the newest.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::base::Moment;
use crate::domain::facts::ProxyPulse;

/// One shard, or the merged file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Observed {
    version: u32,
    updated_at: i64,
    current_request_id: Option<String>,
    responses_requests: u64,
    auth_refresh_requests: u64,
    diagnostic_probe_requests: u64,
    pool_exhaustion_cooldown_until: Option<i64>,
    server_burst_cooldown_until: Option<i64>,
    /// 0-based position of the newest served account.
    pub last_account_index: Option<usize>,
    /// `Account N`.
    pub last_account_label: Option<String>,
    last_account_email: Option<String>,
    /// Its workspace id.
    pub last_account_id: Option<String>,
    /// When it was served.
    pub last_account_updated_at: Option<i64>,
    last_pool_exhaustion_reason: Option<String>,
    last_pool_exhaustion_retry_after_ms: Option<i64>,
    last_pool_exhaustion_skip_reasons: BTreeMap<String, String>,
    last_runtime_reset_at: Option<i64>,
    last_runtime_reset_reason: Option<String>,
    last_runtime_reload_at: Option<i64>,
    last_runtime_reload_reason: Option<String>,
    /// 0-based position → contract word, for accounts that are passed over.
    pub account_skip_reasons: BTreeMap<String, String>,
    policy_blocked_indexes: Vec<usize>,
    policy_blocked_reasons: BTreeMap<String, Vec<String>>,
    runtime_metrics: Metrics,
    #[serde(flatten)]
    unknown: BTreeMap<String, Value>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Metrics {
    started_at: Option<i64>,
    total_requests: u64,
    successful_requests: u64,
    failed_requests: u64,
    responses_requests: u64,
    auth_refresh_requests: u64,
    diagnostic_probe_requests: u64,
    account_rotations: u64,
    same_account_retries: u64,
    refresh_endpoint_requests: u64,
    upstream_requests: u64,
    ws_sockets: u64,
    reasoning_strips: u64,
    last_request_at: Option<i64>,
    last_error: Option<String>,
    #[serde(flatten)]
    unknown: BTreeMap<String, Value>,
}

impl Default for Observed {
    fn default() -> Self {
        Self {
            version: 1,
            updated_at: 0,
            current_request_id: None,
            responses_requests: 0,
            auth_refresh_requests: 0,
            diagnostic_probe_requests: 0,
            pool_exhaustion_cooldown_until: None,
            server_burst_cooldown_until: None,
            last_account_index: None,
            last_account_label: None,
            last_account_email: None,
            last_account_id: None,
            last_account_updated_at: None,
            last_pool_exhaustion_reason: None,
            last_pool_exhaustion_retry_after_ms: None,
            last_pool_exhaustion_skip_reasons: BTreeMap::new(),
            last_runtime_reset_at: None,
            last_runtime_reset_reason: None,
            last_runtime_reload_at: None,
            last_runtime_reload_reason: None,
            account_skip_reasons: BTreeMap::new(),
            policy_blocked_indexes: Vec::new(),
            policy_blocked_reasons: BTreeMap::new(),
            runtime_metrics: Metrics::default(),
            unknown: BTreeMap::new(),
        }
    }
}

impl Observed {
    /// A shard from a pulse; what names the account is filled by whoever knows the roster.
    pub fn of(pulse: &ProxyPulse, refresh_endpoint: u64, at: Moment) -> Self {
        Self {
            updated_at: at.millis(),
            responses_requests: pulse.total,
            auth_refresh_requests: pulse.refreshes,
            last_account_updated_at: pulse.last_account_at.map(Moment::millis),
            runtime_metrics: Metrics {
                started_at: Some(pulse.started_at.millis()),
                total_requests: pulse.total,
                successful_requests: pulse.ok,
                failed_requests: pulse.failed,
                responses_requests: pulse.total,
                auth_refresh_requests: pulse.refreshes,
                account_rotations: pulse.rotated,
                same_account_retries: pulse.retries,
                refresh_endpoint_requests: refresh_endpoint,
                upstream_requests: pulse.upstream,
                ws_sockets: u64::from(pulse.sockets),
                reasoning_strips: pulse.reasoning_strips,
                last_request_at: pulse.last_account_at.map(Moment::millis),
                last_error: pulse.last_error.clone(),
                ..Metrics::default()
            },
            ..Self::default()
        }
    }

    /// Reads a shard or the merged file.
    pub fn parse(text: &str) -> Option<Self> {
        serde_json::from_str::<Self>(text).ok().filter(|observed| observed.version == 1)
    }

    /// The file's text.
    pub fn print(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// When it was written.
    pub fn updated_at(&self) -> Moment {
        Moment::from_millis(self.updated_at)
    }

    /// Requests so far.
    pub fn total_requests(&self) -> u64 {
        self.runtime_metrics.total_requests
    }

    /// This view with another shard added.
    #[must_use]
    pub fn merged_with(mut self, other: &Self) -> Self {
        self.responses_requests += other.responses_requests;
        self.auth_refresh_requests += other.auth_refresh_requests;
        self.diagnostic_probe_requests += other.diagnostic_probe_requests;
        self.runtime_metrics.add(&other.runtime_metrics);
        if other.last_account_updated_at > self.last_account_updated_at {
            self.last_account_index = other.last_account_index;
            self.last_account_label.clone_from(&other.last_account_label);
            self.last_account_id.clone_from(&other.last_account_id);
            self.last_account_updated_at = other.last_account_updated_at;
        }
        if other.updated_at > self.updated_at {
            self.updated_at = other.updated_at;
            self.account_skip_reasons.clone_from(&other.account_skip_reasons);
        }
        self
    }
}

impl Metrics {
    fn add(&mut self, other: &Self) {
        for (own, others) in [
            (&mut self.total_requests, other.total_requests),
            (&mut self.successful_requests, other.successful_requests),
            (&mut self.failed_requests, other.failed_requests),
            (&mut self.responses_requests, other.responses_requests),
            (&mut self.auth_refresh_requests, other.auth_refresh_requests),
            (&mut self.diagnostic_probe_requests, other.diagnostic_probe_requests),
            (&mut self.account_rotations, other.account_rotations),
            (&mut self.same_account_retries, other.same_account_retries),
            (&mut self.refresh_endpoint_requests, other.refresh_endpoint_requests),
            (&mut self.upstream_requests, other.upstream_requests),
            (&mut self.ws_sockets, other.ws_sockets),
            (&mut self.reasoning_strips, other.reasoning_strips),
        ] {
            *own += others;
        }
        self.started_at = match (self.started_at, other.started_at) {
            (Some(own), Some(others)) => Some(own.min(others)),
            (own, others) => own.or(others),
        };
        if other.last_request_at > self.last_request_at {
            self.last_request_at = other.last_request_at;
            self.last_error.clone_from(&other.last_error);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shard(total: u64, at: i64, label: &str) -> Observed {
        let pulse = ProxyPulse {
            total,
            last_account_at: Some(Moment::from_millis(at)),
            started_at: Moment::from_millis(1),
            ..ProxyPulse::default()
        };
        let mut shard = Observed::of(&pulse, 0, Moment::from_millis(at));
        shard.last_account_label = Some(label.to_owned());
        shard
    }

    #[test]
    fn counters_add_up_and_the_newest_account_wins() {
        let merged = shard(2, 10, "Account 1").merged_with(&shard(3, 20, "Account 2"));

        assert_eq!(merged.total_requests(), 5);
        assert_eq!(merged.last_account_label.as_deref(), Some("Account 2"));
        assert_eq!(merged.updated_at(), Moment::from_millis(20));
    }

    #[test]
    fn members_of_others_survive_the_file() {
        let text =
            r#"{"version":1,"updatedAt":3,"fancy":{"a":1},"runtimeMetrics":{"cumulativeLatencyMs":7}}"#;

        let printed = Observed::parse(text).unwrap().print();

        assert!(printed.contains(r#""fancy":{"a":1}"#));
        assert!(printed.contains(r#""cumulativeLatencyMs":7"#));
        assert_eq!(Observed::parse("{\"version\":9}"), None);
    }
}
