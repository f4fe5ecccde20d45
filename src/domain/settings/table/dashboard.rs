//! How the dashboard looks and behaves, in members of ours.

use crate::domain::settings::Notify;
use crate::domain::settings::schema::{Kind, NO_MOST, Row, flag, is, ms, setting, span, word};

#[rustfmt::skip] // one row of the table, two or three lines of text
pub(super) const ROWS: &[Row] = &[
    setting!(Ours Acts Theme "tuiTheme" = Kind::Text(""), ["CODEX_MULTI_AUTH_THEME"],
        "theme", "green, blue, mono, high-contrast, light, or the name of a file in `themes`; unset: the base colours",
        |s, v| if !word(v).trim().is_empty() { word(v).trim().clone_into(&mut s.theme); s.themed = true; }),
    setting!(Shared Acts Theme "codexTuiColorProfile" = Kind::Word(&["truecolor", "ansi16", "ansi256"]),
        ["CODEX_TUI_COLOR_PROFILE"],
        "colour depth", "how many colours; while it is unset, as many as the terminal can show",
        |s, v| word(v).clone_into(&mut s.color_profile)),
    setting!(Shared Acts Theme "codexTuiGlyphMode" = Kind::Word(&["auto", "ascii", "unicode"]), ["CODEX_TUI_GLYPHS"],
        "glyphs", "signs and lines of the screens; auto: what the terminal can show",
        |s, v| word(v).clone_into(&mut s.glyphs)),
    setting!(Ours Acts Behaviour "tuiPlain" = flag(false), [],
        "plain", "the dashboard line by line, for screen readers; the same as `--plain`", |s, v| s.plain = is(v)),
    setting!(Shared Acts Behaviour "codexTuiV2" = flag(true), ["CODEX_TUI_V2"],
        "styled screens", "off: the same as `tuiPlain`", |s, v| s.plain = s.plain || !is(v)),
    setting!(Ours Acts Behaviour "tuiMouse" = flag(true), [],
        "mouse", "off leaves text selection to the terminal", |s, v| s.mouse = is(v)),
    setting!(Ours Idle Behaviour "tuiAutoReturn" = flag(false), [],
        "results close alone", "close result panes after `actionAutoReturnMs`",
        |s, v| s.display.returns = is(v)),
    setting!(Ours Idle AccountList "tuiCapacityByPlan" = flag(false), [],
        "weigh by plan", "weigh pool capacity by plan", |s, v| s.display.by_plan = is(v)),
    setting!(Ours Idle Behaviour "tuiNotify" = Kind::Word(&["off", "bell", "osc9"]), [],
        "notify", "tell the terminal when an account in use is nearly empty, the pool is empty, a sign-in is needed, \
         a window reset",
        |s, v| s.display.notify = match word(v) {
            "bell" => Notify::Bell,
            "osc9" => Notify::Osc9,
            _ => Notify::Off,
        }),
    setting!(Shared Acts Behaviour "toastDurationMs" = ms(5_000.0, 1_000.0, NO_MOST), ["CODEX_AUTH_TOAST_DURATION_MS"],
        "messages stay", "how long a message stays", |s, v| s.toast_duration = span(v)).stepping(1_000.0),
    setting!(Shared Acts Behaviour "rateLimitToastDebounceMs" = ms(60_000.0, 0.0, NO_MOST),
        ["CODEX_AUTH_RATE_LIMIT_TOAST_DEBOUNCE_MS"],
        "equal messages apart", "a message that repeats within this time is counted, not shown anew",
        |s, v| s.limit_toast_apart = span(v)).stepping(10_000.0),
];
