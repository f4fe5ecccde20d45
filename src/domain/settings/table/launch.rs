//! Launches, the official CLI's files, and calls nobody asked for.

use crate::domain::settings::schema::{
    Kind, NO_MOST, Row, flag, is, ms, ms_or_off, nowhere, setting, span, word,
};
use crate::domain::settings::{BackgroundNetwork, Injection, Settings};

#[rustfmt::skip] // one row of the table, two or three lines of text
pub(super) const ROWS: &[Row] = &[
    setting!(Shared Acts Session "codexRuntimeRotationProxy" = flag(true), ["CODEX_MULTI_AUTH_RUNTIME_ROTATION_PROXY"],
        "live rotation", "send forwarded sessions through the loopback proxy", |s, v| s.rotation = is(v)),
    setting!(Ours Acts Session "headlessByDefault" = flag(false), ["CODEX_MULTI_AUTH_HEADLESS"],
        "headless by default", "every command prints and exits: no full screen, no question, no browser",
        |s, v| s.headless_by_default = is(v)),
    setting!(Ours Acts Session "injection" = Kind::Word(&["base-url", "provider"]), ["CODEX_MULTI_AUTH_INJECTION"],
        "injection", "how the official CLI is pointed at the proxy; `provider` only for old CLIs, its sessions do not \
         show up in the normal history",
        |s, v| s.injection = if word(v) == "provider" { Injection::Provider } else { Injection::BaseUrl }),
    setting!(Ours Acts Session "preflightCacheMs" = ms(300_000.0, 0.0, 3_600_000.0),
        ["CODEX_MULTI_AUTH_PREFLIGHT_CACHE_MS"],
        "preflight trust", "how long a successful check of the signed-in account is trusted before the next launch",
        |s, v| s.preflight_cache = span(v)).stepping(60_000.0),
    setting!(Ours Acts Session "codexCliSync" = flag(true),
        ["CODEX_MULTI_AUTH_SYNC_CODEX_CLI", "CODEX_AUTH_SYNC_CODEX_CLI"],
        "write official files", "may the official CLI's files be written at all", |s, v| s.codex_cli_sync = is(v)),
    setting!(Ours Acts Session "adoptOfficialTokens" = flag(true), [],
        "adopt official tokens", "take over tokens that the official CLI refreshed itself",
        |s, v| s.adopt_official_tokens = is(v)),
    setting!(Ours Idle Session "modelRetryOnUnsupported" = flag(false), ["CODEX_MULTI_AUTH_MODEL_RETRY"],
        "retry with next model", "`exec` only: run again with the next model when the account may not use the asked \
         one and nothing was printed yet", nowhere),
    setting!(Ours Acts Session "bindRestartDaemon" = Kind::Word(&["ask", "always", "never"]),
        ["CODEX_MULTI_AUTH_BIND_RESTART_DAEMON"],
        "restart daemon on bind", "restart a running Codex background server after bind and unbind", nowhere),
    setting!(Ours Acts Session "loginPortHandover" = flag(true), ["CODEX_MULTI_AUTH_LOGIN_PORT_HANDOVER"],
        "take over login port", "ask another sign-in that holds port 1455 to give way", |s, v| s.login_port_handover = is(v)),
    setting!(Ours Acts Session "showEmails" = flag(false), ["CODEX_MULTI_AUTH_SHOW_EMAILS"],
        "show e-mails", "e-mail addresses in the status line and in output meant for sharing",
        |s, v| s.show_emails = is(v)),
    setting!(Ours Idle Refresh "statusQuotaRefreshIntervalMs" = ms_or_off(0.0, 60_000.0, NO_MOST),
        ["CODEX_MULTI_AUTH_STATUS_QUOTA_REFRESH_INTERVAL_MS"],
        "limits in a session", "refresh old limits during a session; 0 = off", nowhere).stepping(60_000.0),
    setting!(Ours Acts Refresh "backgroundNetwork" = Kind::Word(&["ask", "on", "off"]),
        ["CODEX_MULTI_AUTH_BACKGROUND_NETWORK"],
        "background calls", "checks nobody asked for (limits while the dashboard is open, update notice, refresh \
         outside sessions); `ask` = off until answered on first start; all of it is counted in `status`",
        background),
    setting!(Ours Idle Experimental "fullInterception" = flag(false), ["CODEX_MULTI_AUTH_FULL_INTERCEPTION"],
        "full interception", "also serve the account endpoints over local HTTPS, so that `/status` shows the serving \
         account", nowhere),
];

fn background(settings: &mut Settings, value: &crate::domain::settings::schema::Value) {
    settings.background_network = match word(value) {
        "on" => BackgroundNetwork::On,
        "off" => BackgroundNetwork::Off,
        _ => BackgroundNetwork::Ask,
    };
}
