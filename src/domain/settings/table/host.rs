//! What only the JavaScript plugin host acts on: accepted, validated, shown and preserved.

use crate::domain::settings::schema::{Kind, Row, count, flag, nowhere, setting};

#[rustfmt::skip] // one row of the table, two or three lines of text
pub(super) const ROWS: &[Row] = &[
    setting!(Shared Kept Host "codexMode" = flag(true), ["CODEX_MODE"],
        "Codex mode", "the plugin host speaks as the Codex CLI", nowhere),
    setting!(Shared Kept Host "fastSession" = flag(false), ["CODEX_AUTH_FAST_SESSION"],
        "fast session", "the plugin host shortens requests", nowhere),
    setting!(Shared Kept Host "fastSessionStrategy" = Kind::Word(&["hybrid", "always"]),
        ["CODEX_AUTH_FAST_SESSION_STRATEGY"],
        "fast session strategy", "when the plugin host shortens them", nowhere),
    setting!(Shared Kept Host "fastSessionMaxInputItems" = count(30.0, 8.0, 200.0),
        ["CODEX_AUTH_FAST_SESSION_MAX_INPUT_ITEMS"],
        "fast session items", "how many input items the plugin host keeps", nowhere).stepping(2.0),
    setting!(Shared Kept Host "sessionRecovery" = flag(true), ["CODEX_AUTH_SESSION_RECOVERY"],
        "session recovery", "the plugin host repairs broken sessions", nowhere),
    setting!(Shared Kept Host "autoResume" = flag(true), ["CODEX_AUTH_AUTO_RESUME"],
        "auto resume", "the plugin host goes on after such a repair", nowhere),
    setting!(Shared Kept Host "responseContinuation" = flag(false), ["CODEX_AUTH_RESPONSE_CONTINUATION"],
        "continuation", "the plugin host continues cut answers", nowhere),
    setting!(Shared Kept Host "unsupportedCodexPolicy" = Kind::Word(&["strict", "fallback"]),
        ["CODEX_AUTH_UNSUPPORTED_MODEL_POLICY", "CODEX_AUTH_FALLBACK_UNSUPPORTED_MODEL"],
        "unsupported models", "what the plugin host does about a model the account may not use; the proxy never \
         rewrites the model", nowhere),
    setting!(Shared Kept Host "fallbackOnUnsupportedCodexModel" = flag(false),
        ["CODEX_AUTH_UNSUPPORTED_MODEL_POLICY", "CODEX_AUTH_FALLBACK_UNSUPPORTED_MODEL"],
        "fall back, older name", "the older name of `unsupportedCodexPolicy`: `true` = `fallback`", nowhere),
    setting!(Shared Kept Host "fallbackToGpt52OnUnsupportedGpt53" = flag(true), ["CODEX_AUTH_FALLBACK_GPT53_TO_GPT52"],
        "fall back to GPT 5.2", "the plugin host may ask GPT 5.2 instead of GPT 5.3", nowhere),
    setting!(Shared Kept Host "unsupportedCodexFallbackChain" = Kind::Map, [],
        "fallback chain", "which models the plugin host asks instead", nowhere),
];
