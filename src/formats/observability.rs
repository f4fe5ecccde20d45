//! `<root>/runtime-observability.json` and the per-process shards behind it (runtime.md §18).
//!
//! Every proxy writes its own shard and, from all shards of living processes, the merged file that the reference's
//! readers know: counters are sums, points in time are the newest.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::base::Moment;
use crate::domain::facts::ProxyPulse;
use crate::domain::failure::Class;
use crate::domain::roster::Roster;
use crate::domain::usage::entry::Ending;
use crate::domain::usage::meter::Meter;

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
    /// 0-based positions of accounts the user's rules keep back.
    pub policy_blocked_indexes: Vec<usize>,
    /// Why, by position.
    pub policy_blocked_reasons: BTreeMap<String, Vec<String>>,
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
    outbound_request_attempt_budget: u64,
    outbound_request_attempts_consumed: u64,
    request_attempt_budget_exhaustions: u64,
    pool_exhaustion_fast_fails: u64,
    server_burst_fast_fails: u64,
    rate_limited_responses: u64,
    server_errors: u64,
    network_errors: u64,
    user_aborts: u64,
    auth_refresh_failures: u64,
    empty_response_retries: u64,
    account_rotations: u64,
    same_account_retries: u64,
    stream_failover_attempts: u64,
    stream_failover_candidates_considered: u64,
    last_stream_failover_candidate_count: u64,
    stream_failover_recoveries: u64,
    stream_failover_cross_account_recoveries: u64,
    cumulative_latency_ms: u64,
    usage_requests: u64,
    account_checks: u64,
    refresh_endpoint_requests: u64,
    ws_sockets: u64,
    ws_turns: u64,
    ws_rotations: u64,
    reasoning_strips: u64,
    upstream_requests: u64,
    last_request_at: Option<i64>,
    last_error: Option<String>,
    #[serde(flatten)]
    unknown: BTreeMap<String, Value>,
}

/// What a proxy counts beside its pulse and its meter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Beside {
    /// Uses of the refresh endpoint.
    pub refresh_endpoint: u64,
    /// Questions for an account's routing.
    pub account_checks: u64,
    /// How many sends one request may need.
    pub attempt_budget: u32,
    /// The newest request that runs.
    pub running: Option<u64>,
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
    /// A shard from what a proxy counts; what names the account is filled by whoever knows the roster.
    pub fn of(pulse: &ProxyPulse, meter: &Meter, beside: &Beside, roster: &Roster, at: Moment) -> Self {
        let exhaustion = pulse.exhaustion.as_deref();
        let skips = exhaustion.into_iter().flat_map(|one| &one.skips);
        Self {
            updated_at: at.millis(),
            current_request_id: beside.running.map(|id| id.to_string()),
            responses_requests: pulse.total,
            auth_refresh_requests: pulse.refreshes,
            pool_exhaustion_cooldown_until: pulse.closed_until.0.map(Moment::millis),
            server_burst_cooldown_until: pulse.closed_until.1.map(Moment::millis),
            last_account_updated_at: pulse.last_account_at.map(Moment::millis),
            last_pool_exhaustion_reason: exhaustion.map(|one| one.reason.clone()),
            last_pool_exhaustion_retry_after_ms: exhaustion.map(|one| one.retry_after.as_millis()),
            last_pool_exhaustion_skip_reasons: skips
                .filter_map(|(key, why)| Some((roster.index_of(key)?.to_string(), why.clone())))
                .collect(),
            last_runtime_reset_at: pulse.reset_at.map(Moment::millis),
            last_runtime_reset_reason: pulse.reset_at.map(|_| "user".to_owned()),
            last_runtime_reload_at: pulse.reloaded_at.map(Moment::millis),
            last_runtime_reload_reason: pulse.reloaded_at.map(|_| "account-file".to_owned()),
            runtime_metrics: Metrics::of(pulse, meter, beside),
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
        self.pool_exhaustion_cooldown_until =
            self.pool_exhaustion_cooldown_until.max(other.pool_exhaustion_cooldown_until);
        self.server_burst_cooldown_until =
            self.server_burst_cooldown_until.max(other.server_burst_cooldown_until);
        if other.last_runtime_reset_at > self.last_runtime_reset_at {
            self.last_runtime_reset_at = other.last_runtime_reset_at;
            self.last_runtime_reset_reason.clone_from(&other.last_runtime_reset_reason);
        }
        if other.last_runtime_reload_at > self.last_runtime_reload_at {
            self.last_runtime_reload_at = other.last_runtime_reload_at;
            self.last_runtime_reload_reason.clone_from(&other.last_runtime_reload_reason);
        }
        if other.updated_at > self.updated_at {
            self.updated_at = other.updated_at;
            self.current_request_id.clone_from(&other.current_request_id);
            self.account_skip_reasons.clone_from(&other.account_skip_reasons);
            self.policy_blocked_indexes.clone_from(&other.policy_blocked_indexes);
            self.policy_blocked_reasons.clone_from(&other.policy_blocked_reasons);
            self.last_pool_exhaustion_reason.clone_from(&other.last_pool_exhaustion_reason);
            self.last_pool_exhaustion_retry_after_ms = other.last_pool_exhaustion_retry_after_ms;
            self.last_pool_exhaustion_skip_reasons.clone_from(&other.last_pool_exhaustion_skip_reasons);
        }
        self
    }
}

impl Metrics {
    fn of(pulse: &ProxyPulse, meter: &Meter, beside: &Beside) -> Self {
        let attempts = |classes: &[Class]| -> u64 {
            classes.iter().filter_map(|class| meter.attempts.get(class.word())).sum()
        };
        let aborts = meter.requests.iter().filter(|((_, ending), _)| *ending == Ending::Cancelled);
        let failed = meter.refreshes.iter().filter(|(word, _)| !matches!(**word, "renewed" | "adopted"));
        let (moved, recovered) = meter.moved;
        Self {
            started_at: Some(pulse.started_at.millis()),
            total_requests: pulse.total,
            successful_requests: pulse.ok,
            failed_requests: pulse.failed,
            responses_requests: pulse.total,
            auth_refresh_requests: pulse.refreshes,
            outbound_request_attempt_budget: u64::from(beside.attempt_budget),
            outbound_request_attempts_consumed: pulse.upstream,
            request_attempt_budget_exhaustions: meter.spent,
            pool_exhaustion_fast_fails: pulse.pool_fast_fails,
            server_burst_fast_fails: pulse.burst_fast_fails,
            rate_limited_responses: attempts(&[Class::UsageLimit, Class::Throttle]),
            server_errors: attempts(&[Class::Overload, Class::ServerError]),
            network_errors: attempts(&[Class::Network, Class::Offline]),
            user_aborts: aborts.map(|(_, count)| count).sum(),
            auth_refresh_failures: failed.map(|(_, count)| count).sum(),
            empty_response_retries: attempts(&[Class::Empty]),
            account_rotations: pulse.rotated,
            same_account_retries: pulse.retries,
            stream_failover_attempts: moved,
            stream_failover_candidates_considered: moved,
            last_stream_failover_candidate_count: u64::from(moved > 0),
            stream_failover_recoveries: recovered,
            stream_failover_cross_account_recoveries: recovered,
            cumulative_latency_ms: meter.latency.as_millis().unsigned_abs(),
            usage_requests: 0,
            account_checks: beside.account_checks,
            refresh_endpoint_requests: beside.refresh_endpoint,
            ws_sockets: u64::from(pulse.sockets),
            ws_turns: meter.socket_turns,
            ws_rotations: meter.reconnects,
            reasoning_strips: pulse.reasoning_strips,
            upstream_requests: pulse.upstream,
            last_request_at: meter.last_at.or(pulse.last_account_at).map(Moment::millis),
            last_error: pulse.last_error.clone(),
            ..Self::default()
        }
    }

    fn add(&mut self, other: &Self) {
        for (own, others) in [
            (&mut self.total_requests, other.total_requests),
            (&mut self.successful_requests, other.successful_requests),
            (&mut self.failed_requests, other.failed_requests),
            (&mut self.responses_requests, other.responses_requests),
            (&mut self.auth_refresh_requests, other.auth_refresh_requests),
            (&mut self.diagnostic_probe_requests, other.diagnostic_probe_requests),
            (&mut self.outbound_request_attempts_consumed, other.outbound_request_attempts_consumed),
            (&mut self.request_attempt_budget_exhaustions, other.request_attempt_budget_exhaustions),
            (&mut self.pool_exhaustion_fast_fails, other.pool_exhaustion_fast_fails),
            (&mut self.server_burst_fast_fails, other.server_burst_fast_fails),
            (&mut self.rate_limited_responses, other.rate_limited_responses),
            (&mut self.server_errors, other.server_errors),
            (&mut self.network_errors, other.network_errors),
            (&mut self.user_aborts, other.user_aborts),
            (&mut self.auth_refresh_failures, other.auth_refresh_failures),
            (&mut self.empty_response_retries, other.empty_response_retries),
            (&mut self.account_rotations, other.account_rotations),
            (&mut self.same_account_retries, other.same_account_retries),
            (&mut self.stream_failover_attempts, other.stream_failover_attempts),
            (&mut self.stream_failover_candidates_considered, other.stream_failover_candidates_considered),
            (&mut self.stream_failover_recoveries, other.stream_failover_recoveries),
            (
                &mut self.stream_failover_cross_account_recoveries,
                other.stream_failover_cross_account_recoveries,
            ),
            (&mut self.cumulative_latency_ms, other.cumulative_latency_ms),
            (&mut self.usage_requests, other.usage_requests),
            (&mut self.account_checks, other.account_checks),
            (&mut self.refresh_endpoint_requests, other.refresh_endpoint_requests),
            (&mut self.ws_sockets, other.ws_sockets),
            (&mut self.ws_turns, other.ws_turns),
            (&mut self.ws_rotations, other.ws_rotations),
            (&mut self.reasoning_strips, other.reasoning_strips),
            (&mut self.upstream_requests, other.upstream_requests),
        ] {
            *own += others;
        }
        self.outbound_request_attempt_budget =
            self.outbound_request_attempt_budget.max(other.outbound_request_attempt_budget);
        self.last_stream_failover_candidate_count =
            self.last_stream_failover_candidate_count.max(other.last_stream_failover_candidate_count);
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
        let beside = Beside::default();
        let (meter, roster) = (Meter::default(), Roster::default());
        let mut shard = Observed::of(&pulse, &meter, &beside, &roster, Moment::from_millis(at));
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
        let text = r#"{"version":1,"updatedAt":3,"fancy":{"a":1},"runtimeMetrics":{"cumulativeLatencyMs":7,"odd":[1]}}"#;

        let printed = Observed::parse(text).unwrap().print();

        assert!(printed.contains(r#""fancy":{"a":1}"#));
        assert!(printed.contains(r#""cumulativeLatencyMs":7"#) && printed.contains(r#""odd":[1]"#));
        assert_eq!(Observed::parse("{\"version\":9}"), None);
    }
}
