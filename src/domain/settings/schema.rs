//! The one table of settings: key, kind with default and bounds, variable, help, and the field it fills.
//!
//! The loader, `config explain`, the settings screen and the reference page read this table; a new setting is
//! one row. Defaults stand here and in [`Settings::default`]; a test holds them together.

use crate::base::Span;
use crate::domain::selection::Strategy;
use crate::domain::settings::{BackgroundNetwork, Injection, Settings};

/// What values a key takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// `true` or `false`.
    Flag(bool),
    /// A finite number inside bounds; some take zero for "off" below their least value.
    Number {
        /// Value when nothing is set.
        default: f64,
        /// Least value.
        least: f64,
        /// Greatest value.
        most: f64,
        /// Whether zero is a value, too.
        zero: Zero,
    },
    /// One of a list of words; the first word is the default.
    Word(&'static [&'static str]),
    /// Free text.
    Text(&'static str),
}

/// Whether zero is allowed below the least value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zero {
    /// Zero turns the thing off.
    TurnsOff,
    /// Zero is nothing special.
    Plain,
}

/// Where the key lives and whose rules it follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// `pluginConfig`, known to the reference: a stored value out of bounds is ignored.
    Shared,
    /// `pluginConfig`, ours: a value out of bounds is clamped.
    Ours,
    /// `dashboardDisplaySettings`: clamped, no variable.
    Display,
}

/// A value on its way into a field.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Of [`Kind::Flag`].
    Flag(bool),
    /// Of [`Kind::Number`], inside its bounds.
    Number(f64),
    /// Of [`Kind::Word`] and [`Kind::Text`].
    Text(String),
}

/// One setting.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// Name in the file.
    pub key: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// Variables, the first set one counts.
    pub env: &'static [&'static str],
    /// Where it lives.
    pub section: Section,
    /// One line for people.
    pub help: &'static str,
    /// Puts a value into its field.
    pub put: fn(&mut Settings, &Value),
}

/// All names of variables in the table.
pub fn variables() -> impl Iterator<Item = &'static str> {
    ROWS.iter().flat_map(|row| row.env.iter().copied())
}

/// The row of a key.
pub fn row(key: &str) -> Option<&'static Row> {
    ROWS.iter().find(|row| row.key == key)
}

const MS_MAX: f64 = 1e12;

const fn flag(default: bool) -> Kind {
    Kind::Flag(default)
}

const fn number(default: f64, least: f64, most: f64) -> Kind {
    Kind::Number { default, least, most, zero: Zero::Plain }
}

const fn number_or_off(default: f64, least: f64, most: f64) -> Kind {
    Kind::Number { default, least, most, zero: Zero::TurnsOff }
}

macro_rules! row {
    ($section:ident, $key:literal, $kind:expr, [$($env:literal),*], $put:expr, $help:literal) => {
        Row {
            key: $key,
            kind: $kind,
            env: &[$($env),*],
            section: Section::$section,
            help: $help,
            put: $put,
        }
    };
}

/// The table.
#[rustfmt::skip] // one row of the table, two lines of text
pub const ROWS: &[Row] = &[
    // Launch and official CLI.
    row!(Shared, "codexRuntimeRotationProxy", flag(true), ["CODEX_MULTI_AUTH_RUNTIME_ROTATION_PROXY"],
        |s, v| s.rotation = is(v), "send forwarded sessions through the loopback proxy"),
    row!(Ours, "headlessByDefault", flag(false), ["CODEX_MULTI_AUTH_HEADLESS"],
        |s, v| s.headless_by_default = is(v),
        "every command prints and exits: no full screen, no question, no browser"),
    row!(Ours, "injection", Kind::Word(&["base-url", "provider"]), ["CODEX_MULTI_AUTH_INJECTION"],
        |s, v| s.injection = if word(v) == "provider" { Injection::Provider } else { Injection::BaseUrl },
        "how the official CLI is pointed at the proxy; `provider` only for old CLIs"),
    row!(Ours, "preflightCacheMs", number(300_000.0, 0.0, 3_600_000.0), ["CODEX_MULTI_AUTH_PREFLIGHT_CACHE_MS"],
        |s, v| s.preflight_cache = span(v),
        "how long a successful check of the signed-in account is trusted before the next launch"),
    row!(Ours, "codexCliSync", flag(true), ["CODEX_MULTI_AUTH_SYNC_CODEX_CLI", "CODEX_AUTH_SYNC_CODEX_CLI"],
        |s, v| s.codex_cli_sync = is(v), "may the official CLI's files be written at all"),
    row!(Ours, "adoptOfficialTokens", flag(true), [],
        |s, v| s.adopt_official_tokens = is(v), "take over tokens that the official CLI refreshed itself"),
    row!(Ours, "showEmails", flag(false), ["CODEX_MULTI_AUTH_SHOW_EMAILS"],
        |s, v| s.show_emails = is(v), "e-mail addresses in the status line and in output meant for sharing"),
    row!(Ours, "backgroundNetwork", Kind::Word(&["ask", "on", "off"]), ["CODEX_MULTI_AUTH_BACKGROUND_NETWORK"],
        |s, v| s.background_network = background(v),
        "checks nobody asked for; `ask` is off until answered"),
    // Proxy, selection, quota.
    row!(Ours, "proxyWebSocket", flag(true), ["CODEX_MULTI_AUTH_WEBSOCKET"],
        |s, v| s.web_socket = is(v), "accept WebSocket; off: clients use HTTP"),
    row!(Ours, "connectTimeoutMs", number(10_000.0, 500.0, 60_000.0), ["CODEX_AUTH_CONNECT_TIMEOUT_MS"],
        |s, v| s.connect_timeout = span(v), "TCP, and again TLS, to upstream"),
    row!(Shared, "fetchTimeoutMs", number(60_000.0, 1_000.0, MS_MAX), ["CODEX_AUTH_FETCH_TIMEOUT_MS"],
        |s, v| s.fetch_timeout = span(v), "time until upstream response headers"),
    row!(Shared, "streamStallTimeoutMs", number(300_000.0, 1_000.0, MS_MAX), ["CODEX_AUTH_STREAM_STALL_TIMEOUT_MS"],
        |s, v| s.stream_stall = span(v), "stalled stream or socket"),
    row!(Ours, "sseHoldbackMs", number(60_000.0, 0.0, 240_000.0), ["CODEX_AUTH_SSE_HOLDBACK_MS"],
        |s, v| s.sse_holdback = span(v),
        "how long an answer without output may be held so that another account can still take over"),
    row!(Ours, "preResponseDeadlineMs", number(120_000.0, 5_000.0, 280_000.0),
        ["CODEX_AUTH_PRE_RESPONSE_DEADLINE_MS"],
        |s, v| s.pre_response_deadline = span(v), "after this no further account is tried for a request"),
    row!(Ours, "requestDeadlineMs", number_or_off(0.0, 60_000.0, 86_400_000.0), ["CODEX_AUTH_REQUEST_DEADLINE_MS"],
        |s, v| s.request_deadline = span(v), "upper limit of one request including its stream; 0 = off"),
    row!(Ours, "wsConnectTimeoutMs", number(12_000.0, 1_000.0, 14_000.0), ["CODEX_AUTH_WS_CONNECT_TIMEOUT_MS"],
        |s, v| s.ws_connect_timeout = span(v), "all attempts to open the upstream socket"),
    row!(Ours, "wsPingIntervalMs", number_or_off(30_000.0, 5_000.0, 120_000.0), ["CODEX_AUTH_WS_PING_INTERVAL_MS"],
        |s, v| s.ws_ping_interval = span(v), "keep-alive towards upstream; 0 = off"),
    row!(Ours, "wsIdleCloseMs", number_or_off(3_600_000.0, 60_000.0, MS_MAX), ["CODEX_AUTH_WS_IDLE_CLOSE_MS"],
        |s, v| s.ws_idle_close = span(v), "close a socket without a turn; 0 = never"),
    row!(Ours, "maxConcurrentRequests", number(512.0, 1.0, 65_536.0), ["CODEX_AUTH_MAX_CONCURRENT_REQUESTS"],
        |s, v| s.max_concurrent_requests = size(v), "requests and turns in flight"),
    row!(Ours, "maxClientSockets", number(2_048.0, 1.0, 65_536.0), ["CODEX_AUTH_MAX_CLIENT_SOCKETS"],
        |s, v| s.max_client_sockets = size(v),
        "open client connections; never above what the descriptor limit allows"),
    row!(Ours, "shutdownGraceMs", number(2_000.0, 0.0, 4_000.0), ["CODEX_AUTH_SHUTDOWN_GRACE_MS"],
        |s, v| s.shutdown_grace = span(v), "running streams at shutdown"),
    row!(Ours, "stripForeignReasoning", flag(true), ["CODEX_AUTH_STRIP_FOREIGN_REASONING"],
        |s, v| s.strip_foreign_reasoning = is(v),
        "drop unreadable reasoning items after a change of account instead of failing the turn"),
    row!(Ours, "cascadeGuard", Kind::Word(&["stop", "rotate"]), ["CODEX_AUTH_CASCADE_GUARD"],
        |s, v| s.cascade_guard = word(v) == "stop",
        "after two sign-outs within a minute use only accounts proven good"),
    row!(Ours, "egressProxy", Kind::Text(""), ["CODEX_MULTI_AUTH_EGRESS_PROXY"],
        |s, v| word(v).trim().clone_into(&mut s.egress_proxy),
        "one proxy for all outgoing traffic; empty: HTTPS_PROXY, ALL_PROXY, NO_PROXY"),
    row!(Shared, "tokenRefreshSkewMs", number(60_000.0, 0.0, MS_MAX), ["CODEX_AUTH_TOKEN_REFRESH_SKEW_MS"],
        |s, v| s.token_refresh_skew = span(v), "refresh this long before expiry"),
    row!(Shared, "networkErrorCooldownMs", number(6_000.0, 0.0, MS_MAX), ["CODEX_AUTH_NETWORK_ERROR_COOLDOWN_MS"],
        |s, v| s.network_error_cooldown = span(v), "rest after a network error"),
    row!(Shared, "serverErrorCooldownMs", number(4_000.0, 0.0, MS_MAX), ["CODEX_AUTH_SERVER_ERROR_COOLDOWN_MS"],
        |s, v| s.server_error_cooldown = span(v), "rest after a server error"),
    row!(Shared, "tokenInvalidationCooldownMs", number(300_000.0, 0.0, MS_MAX),
        ["CODEX_AUTH_TOKEN_INVALIDATION_COOLDOWN_MS"],
        |s, v| s.token_invalidation_cooldown = span(v), "rest after upstream invalidated a token"),
    row!(Shared, "minRotationIntervalMs", number(60_000.0, 0.0, MS_MAX), ["CODEX_AUTH_MIN_ROTATION_INTERVAL_MS"],
        |s, v| s.min_rotation_interval = span(v), "stay with the last account; 0 = off"),
    row!(Shared, "pidOffsetEnabled", flag(true), ["CODEX_AUTH_PID_OFFSET_ENABLED"],
        |s, v| s.pid_offset = is(v), "spread processes over accounts"),
    row!(Shared, "schedulingStrategy", Kind::Word(&["hybrid", "sequential"]), ["CODEX_AUTH_SCHEDULING_STRATEGY"],
        |s, v| s.strategy = strategy(v), "spread or drain first; read while `selectionStrategy` is unset"),
    row!(Ours, "selectionStrategy", Kind::Word(&["", "hybrid", "sequential"]), ["CODEX_AUTH_SELECTION_STRATEGY"],
        |s, v| if !word(v).is_empty() { s.strategy = strategy(v); }, "how the next account is chosen"),
    row!(Ours, "minDwellMs", number(300_000.0, 0.0, 3_600_000.0), ["CODEX_AUTH_MIN_DWELL_MS"],
        |s, v| s.min_dwell = span(v),
        "how long a session stays on an account before it may move for preference only"),
    row!(Shared, "sessionAffinity", flag(true), ["CODEX_AUTH_SESSION_AFFINITY"],
        |s, v| s.session_affinity = is(v), "keep a conversation on one account"),
    row!(Shared, "sessionAffinityTtlMs", number(1_200_000.0, 1_000.0, MS_MAX), ["CODEX_AUTH_SESSION_AFFINITY_TTL_MS"],
        |s, v| s.session_affinity_ttl = span(v), "how long a conversation keeps its account"),
    row!(Shared, "sessionAffinityMaxEntries", number(512.0, 8.0, 1e9), ["CODEX_AUTH_SESSION_AFFINITY_MAX_ENTRIES"],
        |s, v| s.session_affinity_max = size(v), "how many conversations are remembered"),
    row!(Shared, "retryAllAccountsMaxRetries", number(0.0, 0.0, 1e9), ["CODEX_AUTH_RETRY_ALL_MAX_RETRIES"],
        |s, v| s.retry_all_max_retries = small(v), "attempts per request are this plus one; 0 = four"),
    row!(Shared, "emptyResponseMaxRetries", number(2.0, 0.0, 1e9), ["CODEX_AUTH_EMPTY_RESPONSE_MAX_RETRIES"],
        |s, v| s.empty_response_max_retries = small(v), "re-sends of a 200 without output"),
    row!(Shared, "emptyResponseRetryDelayMs", number(1_000.0, 0.0, MS_MAX),
        ["CODEX_AUTH_EMPTY_RESPONSE_RETRY_DELAY_MS"],
        |s, v| s.empty_response_delay = span(v), "pause before such a re-send"),
    row!(Shared, "rateLimitShortRetryThresholdMs", number(5_000.0, 0.0, MS_MAX),
        ["CODEX_AUTH_RATE_LIMIT_SHORT_RETRY_THRESHOLD_MS"],
        |s, v| s.short_retry_threshold = span(v), "retry the same account below this wait"),
    row!(Shared, "preemptiveQuotaEnabled", flag(true), ["CODEX_AUTH_PREEMPTIVE_QUOTA_ENABLED"],
        |s, v| s.preemptive_quota = is(v), "avoid nearly exhausted accounts"),
    row!(Shared, "preemptiveQuotaRemainingPercent5h", number(5.0, 0.0, 100.0),
        ["CODEX_AUTH_PREEMPTIVE_QUOTA_5H_REMAINING_PCT"],
        |s, v| s.preemptive_primary = float(v), "what counts as nearly exhausted in the short window"),
    row!(Shared, "preemptiveQuotaRemainingPercent7d", number(5.0, 0.0, 100.0),
        ["CODEX_AUTH_PREEMPTIVE_QUOTA_7D_REMAINING_PCT"],
        |s, v| s.preemptive_secondary = float(v), "what counts as nearly exhausted in the long window"),
    row!(Shared, "preemptiveQuotaMaxDeferralMs", number(7_200_000.0, 1_000.0, MS_MAX),
        ["CODEX_AUTH_PREEMPTIVE_QUOTA_MAX_DEFERRAL_MS"],
        |s, v| s.preemptive_max_deferral = span(v), "how long such an account is avoided without a known reset"),
    // Storage, refresh, background.
    row!(Shared, "storageBackupEnabled", flag(true), ["CODEX_AUTH_STORAGE_BACKUP_ENABLED"],
        |s, v| s.storage_backup = is(v), "write and use rotating backups"),
    row!(Shared, "liveAccountSyncDebounceMs", number(250.0, 50.0, MS_MAX),
        ["CODEX_AUTH_LIVE_ACCOUNT_SYNC_DEBOUNCE_MS"],
        |s, v| s.sync_debounce = span(v), "wait for more changes of the pool before reading it"),
    row!(Shared, "liveAccountSyncPollMs", number(2_000.0, 500.0, MS_MAX), ["CODEX_AUTH_LIVE_ACCOUNT_SYNC_POLL_MS"],
        |s, v| s.sync_poll = span(v), "look for changes of the pool where notifications are missing"),
    row!(Shared, "proactiveRefreshGuardian", flag(true), ["CODEX_AUTH_PROACTIVE_GUARDIAN"],
        |s, v| s.refresh_guardian = is(v), "refresh tokens ahead of expiry while a proxy runs"),
    // Dashboard.
    row!(Shared, "codexTuiColorProfile", Kind::Word(&["", "truecolor", "ansi16", "ansi256"]),
        ["CODEX_TUI_COLOR_PROFILE"],
        |s, v| word(v).clone_into(&mut s.color_profile), "colour depth; unset: by terminal"),
    row!(Shared, "codexTuiGlyphMode", Kind::Word(&["auto", "ascii", "unicode"]), ["CODEX_TUI_GLYPHS"],
        |s, v| word(v).clone_into(&mut s.glyphs), "glyph set"),
    row!(Shared, "toastDurationMs", number(5_000.0, 1_000.0, MS_MAX), ["CODEX_AUTH_TOAST_DURATION_MS"],
        |s, v| s.toast_duration = span(v), "how long a notice stays"),
    row!(Display, "uiThemePreset", Kind::Word(&["green", "blue"]), [],
        |s, v| word(v).clone_into(&mut s.theme), "palette of the reference"),
    row!(Ours, "tuiTheme", Kind::Text(""), ["CODEX_MULTI_AUTH_THEME"],
        |s, v| if !word(v).trim().is_empty() { word(v).trim().clone_into(&mut s.theme); },
        "theme: green, blue, mono, high-contrast, light, or a file name in themes/; wins over uiThemePreset"),
    row!(Ours, "tuiPlain", flag(false), [],
        |s, v| s.plain = is(v), "plain mode: no alternate screen, line output"),
    row!(Shared, "codexTuiV2", flag(true), ["CODEX_TUI_V2"],
        |s, v| s.plain = s.plain || !is(v), "off: plain mode"),
    row!(Ours, "tuiMouse", flag(true), [],
        |s, v| s.mouse = is(v), "mouse; off leaves text selection to the terminal"),
    row!(Display, "menuSortQuickSwitchVisibleRow", flag(true), [],
        |s, v| s.quick_switch_visible_row = is(v), "number keys follow the visible order"),
    row!(Display, "menuQuotaTtlMs", number(300_000.0, 60_000.0, 1_800_000.0), [],
        |s, v| s.quota_ttl = span(v), "age after which limits are fetched again"),
];

fn is(value: &Value) -> bool {
    *value == Value::Flag(true)
}

fn float(value: &Value) -> f64 {
    match value {
        Value::Number(number) => *number,
        Value::Flag(_) | Value::Text(_) => 0.0,
    }
}

fn span(value: &Value) -> Span {
    Span::millis(1).scaled(float(value))
}

fn size(value: &Value) -> usize {
    usize::try_from(span(value).as_millis()).unwrap_or(usize::MAX)
}

fn small(value: &Value) -> u32 {
    u32::try_from(span(value).as_millis()).unwrap_or(u32::MAX)
}

fn word(value: &Value) -> &str {
    match value {
        Value::Text(text) => text,
        Value::Flag(_) | Value::Number(_) => "",
    }
}

fn background(value: &Value) -> BackgroundNetwork {
    match word(value) {
        "on" => BackgroundNetwork::On,
        "off" => BackgroundNetwork::Off,
        _ => BackgroundNetwork::Ask,
    }
}

fn strategy(value: &Value) -> Strategy {
    if word(value) == Strategy::Sequential.word() { Strategy::Sequential } else { Strategy::Hybrid }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_and_the_defaults_are_the_same() {
        let mut settings = Settings::default();
        for row in ROWS {
            let value = match row.kind {
                Kind::Flag(default) => Value::Flag(default),
                Kind::Number { default, .. } => Value::Number(default),
                Kind::Word(words) => Value::Text(words[0].to_owned()),
                Kind::Text(default) => Value::Text(default.to_owned()),
            };

            (row.put)(&mut settings, &value);

            assert_eq!(settings, Settings::default(), "{}", row.key);
        }
    }

    #[test]
    fn no_key_and_no_variable_stands_twice() {
        let mut keys: Vec<_> = ROWS.iter().map(|row| row.key).chain(variables()).collect();
        let all = keys.len();
        keys.sort_unstable();
        keys.dedup();

        assert_eq!(keys.len(), all);
    }
}
