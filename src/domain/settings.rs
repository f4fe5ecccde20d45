//! Settings: one table of keys, and the typed values the rest of the program reads.
//!
//! Default < file < environment < flag. A value outside its bounds is clamped and reported, an invalid one is
//! ignored and reported; neither ever invalidates its neighbours (settings.md §1.3).

pub mod act;
pub mod display;
pub mod edit;
pub mod report;
pub mod resolve;
pub mod schema;
mod table;

use crate::base::Span;
use crate::domain::selection::Strategy;
pub use crate::domain::settings::display::{Display, Layout, Notify};

/// Effective values, typed. Field names follow the keys of settings.md.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// `codexRuntimeRotationProxy`
    pub rotation: bool,
    /// `headlessByDefault`
    pub headless_by_default: bool,
    /// `injection`: `base-url` (default) or `provider`.
    pub injection: Injection,
    /// `preflightCacheMs`
    pub preflight_cache: Span,
    /// `codexCliSync`
    pub codex_cli_sync: bool,
    /// `adoptOfficialTokens`
    pub adopt_official_tokens: bool,
    /// `showEmails`
    pub show_emails: bool,
    /// `proxyWebSocket`
    pub web_socket: bool,
    /// `connectTimeoutMs`
    pub connect_timeout: Span,
    /// `fetchTimeoutMs`
    pub fetch_timeout: Span,
    /// `streamStallTimeoutMs`
    pub stream_stall: Span,
    /// `sseHoldbackMs`
    pub sse_holdback: Span,
    /// `preResponseDeadlineMs`
    pub pre_response_deadline: Span,
    /// `requestDeadlineMs`; zero = off.
    pub request_deadline: Span,
    /// `wsConnectTimeoutMs`
    pub ws_connect_timeout: Span,
    /// `wsPingIntervalMs`; zero = off.
    pub ws_ping_interval: Span,
    /// `wsIdleCloseMs`; zero = never.
    pub ws_idle_close: Span,
    /// `maxConcurrentRequests`
    pub max_concurrent_requests: usize,
    /// `maxClientSockets`
    pub max_client_sockets: usize,
    /// `metricsEndpoint`
    pub metrics: bool,
    /// `attachToServe`
    pub attach_to_serve: bool,
    /// `decisionLog`
    pub decision_log: bool,
    /// `decisionLogMaxBytes`
    pub decision_log_max: u64,
    /// `bridgePort`
    pub bridge_port: u16,
    /// `shutdownGraceMs`
    pub shutdown_grace: Span,
    /// `stripForeignReasoning`
    pub strip_foreign_reasoning: bool,
    /// `cascadeGuard`: `true` = `stop`.
    pub cascade_guard: bool,
    /// `egressProxy`; empty = environment.
    pub egress_proxy: String,
    /// `tokenRefreshSkewMs`
    pub token_refresh_skew: Span,
    /// `networkErrorCooldownMs`
    pub network_error_cooldown: Span,
    /// `serverErrorCooldownMs`
    pub server_error_cooldown: Span,
    /// `tokenInvalidationCooldownMs`
    pub token_invalidation_cooldown: Span,
    /// `minRotationIntervalMs`
    pub min_rotation_interval: Span,
    /// `pidOffsetEnabled`
    pub pid_offset: bool,
    /// `selectionStrategy`, else `schedulingStrategy`.
    pub strategy: Strategy,
    /// `minDwellMs`
    pub min_dwell: Span,
    /// `sessionAffinity`
    pub session_affinity: bool,
    /// `sessionAffinityTtlMs`
    pub session_affinity_ttl: Span,
    /// `sessionAffinityMaxEntries`
    pub session_affinity_max: usize,
    /// `liveAccountSync`
    pub live_sync: bool,
    /// `liveAccountSyncDebounceMs`
    pub sync_debounce: Span,
    /// `liveAccountSyncPollMs`
    pub sync_poll: Span,
    /// `retryAllAccountsMaxRetries`; zero = the default attempt cap.
    pub retry_all_max_retries: u32,
    /// `emptyResponseMaxRetries`
    pub empty_response_max_retries: u32,
    /// `emptyResponseRetryDelayMs`
    pub empty_response_delay: Span,
    /// `rateLimitShortRetryThresholdMs`
    pub short_retry_threshold: Span,
    /// `preemptiveQuotaEnabled`
    pub preemptive_quota: bool,
    /// `preemptiveQuotaRemainingPercent5h`
    pub preemptive_primary: f64,
    /// `preemptiveQuotaRemainingPercent7d`
    pub preemptive_secondary: f64,
    /// `preemptiveQuotaMaxDeferralMs`
    pub preemptive_max_deferral: Span,
    /// `proactiveRefreshGuardian`
    pub refresh_guardian: bool,
    /// `proactiveRefreshIntervalMs`
    pub refresh_interval: Span,
    /// `proactiveRefreshBufferMs`
    pub refresh_buffer: Span,
    /// `backgroundNetwork`
    pub background_network: BackgroundNetwork,
    /// `storageBackupEnabled`
    pub storage_backup: bool,
    /// `loginPortHandover`
    pub login_port_handover: bool,
    /// `usageLedgerMaxBytes`
    pub ledger_max_bytes: u64,
    /// `usageLedgerKeep`; zero = all.
    pub ledger_keep: usize,
    /// `auditLog`
    pub audit_log: bool,
    /// `perProjectAccounts`
    pub per_project: bool,
    /// `snapshotHourlyKeep` and `snapshotDailyKeep`.
    pub snapshots: (usize, usize),
    /// `maxAccounts`; zero = no limit.
    pub max_accounts: usize,
    /// `parallelProbing`
    pub parallel_probing: bool,
    /// `parallelProbingMaxConcurrency`
    pub probes_at_once: usize,
    /// `tuiTheme`, else `uiThemePreset`.
    pub theme: String,
    /// Whether `tuiTheme` is set, which `uiAccentColor` gives way to.
    pub themed: bool,
    /// `tuiMouse`
    pub mouse: bool,
    /// `tuiPlain`
    pub plain: bool,
    /// `codexTuiColorProfile`; empty = by terminal.
    pub color_profile: String,
    /// `codexTuiGlyphMode`: `auto`, `ascii`, `unicode`.
    pub glyphs: String,
    /// `menuSortQuickSwitchVisibleRow`
    pub quick_switch_visible_row: bool,
    /// `menuQuotaTtlMs`
    pub quota_ttl: Span,
    /// `toastDurationMs`
    pub toast_duration: Span,
    /// `rateLimitToastDebounceMs`
    pub limit_toast_apart: Span,
    /// What lists, details and printed results show.
    pub display: Display,
    /// What was ignored or clamped while resolving, for people.
    pub notes: Vec<String>,
}

/// How the official CLI is pointed at the proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Injection {
    /// One `openai_base_url` setting (D10).
    #[default]
    BaseUrl,
    /// A custom provider, for CLIs without that key.
    Provider,
}

/// Whether requests nobody asked for may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BackgroundNetwork {
    /// Off until answered.
    #[default]
    Ask,
    /// Allowed.
    On,
    /// Refused.
    Off,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            rotation: true,
            headless_by_default: false,
            injection: Injection::BaseUrl,
            preflight_cache: Span::millis(300_000),
            codex_cli_sync: true,
            adopt_official_tokens: true,
            show_emails: false,
            web_socket: true,
            connect_timeout: Span::seconds(10),
            fetch_timeout: Span::seconds(60),
            stream_stall: Span::seconds(300),
            sse_holdback: Span::seconds(60),
            pre_response_deadline: Span::seconds(120),
            request_deadline: Span::ZERO,
            ws_connect_timeout: Span::seconds(12),
            ws_ping_interval: Span::seconds(30),
            ws_idle_close: Span::hours(1),
            max_concurrent_requests: 512,
            max_client_sockets: 2_048,
            metrics: false,
            attach_to_serve: true,
            decision_log: true,
            decision_log_max: 4_194_304,
            bridge_port: 1_456,
            shutdown_grace: Span::seconds(2),
            strip_foreign_reasoning: true,
            cascade_guard: true,
            egress_proxy: String::new(),
            token_refresh_skew: Span::seconds(60),
            network_error_cooldown: Span::seconds(6),
            server_error_cooldown: Span::seconds(4),
            token_invalidation_cooldown: Span::seconds(300),
            min_rotation_interval: Span::seconds(60),
            pid_offset: true,
            strategy: Strategy::Hybrid,
            min_dwell: Span::seconds(300),
            session_affinity: true,
            session_affinity_ttl: Span::seconds(1_200),
            session_affinity_max: 512,
            live_sync: true,
            sync_debounce: Span::millis(250),
            sync_poll: Span::seconds(2),
            retry_all_max_retries: 0,
            empty_response_max_retries: 2,
            empty_response_delay: Span::seconds(1),
            short_retry_threshold: Span::seconds(5),
            preemptive_quota: true,
            preemptive_primary: 5.0,
            preemptive_secondary: 5.0,
            preemptive_max_deferral: Span::hours(2),
            refresh_guardian: true,
            refresh_interval: Span::seconds(60),
            refresh_buffer: Span::minutes(5),
            background_network: BackgroundNetwork::Ask,
            storage_backup: true,
            login_port_handover: true,
            ledger_max_bytes: 33_554_432,
            ledger_keep: 24,
            audit_log: true,
            per_project: true,
            snapshots: (24, 7),
            max_accounts: 0,
            parallel_probing: false,
            probes_at_once: 2,
            theme: "green".to_owned(),
            themed: false,
            mouse: true,
            plain: false,
            color_profile: String::new(),
            glyphs: "auto".to_owned(),
            quick_switch_visible_row: true,
            quota_ttl: Span::minutes(5),
            toast_duration: Span::seconds(5),
            limit_toast_apart: Span::minutes(1),
            display: Display::default(),
            notes: Vec::new(),
        }
    }
}
