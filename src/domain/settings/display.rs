//! What the account list, its details and printed results show.

use crate::base::Span;

/// Themes that need no file.
pub const BUILT_IN_THEMES: [&str; 5] = ["green", "blue", "mono", "high-contrast", "light"];

/// The typed values of `dashboardDisplaySettings` and of what belongs to them.
#[derive(Debug, Clone, PartialEq)]
pub struct Display {
    /// `menuShowStatusBadge`: the state of an account.
    pub status: bool,
    /// `menuShowCurrentBadge`: the sign of the account in use.
    pub marker: bool,
    /// `menuShowLastUsed`
    pub last_used: bool,
    /// `menuShowQuotaSummary`: bars or figures of the windows.
    pub limits: bool,
    /// `menuShowQuotaCooldown`: when windows reset.
    pub resets: bool,
    /// `menuShowFetchStatus`: that limits are being asked for.
    pub fetching: bool,
    /// `menuHighlightCurrentRow`
    pub highlight: bool,
    /// `menuSortEnabled`
    pub sorted: bool,
    /// `menuSortMode` is `ready-first`; else the stored order.
    pub ready_first: bool,
    /// `menuSortPinCurrent`
    pub current_first: bool,
    /// `menuLayoutMode`
    pub layout: Layout,
    /// `menuStatuslineFields`: some of `last-used`, `limits`, `status`.
    pub fields: Vec<String>,
    /// `showPerAccountRows`: rows of check, fix and forecast.
    pub account_rows: bool,
    /// `showQuotaDetails`: limits in those rows.
    pub quota_details: bool,
    /// `showForecastReasons`
    pub reasons: bool,
    /// `showRecommendations`
    pub recommendations: bool,
    /// `showLiveProbeNotes`
    pub probe_notes: bool,
    /// `actionAutoReturnMs`; zero = no timed return.
    pub auto_return: Span,
    /// `tuiAutoReturn`: whether that time counts at all.
    pub returns: bool,
    /// `actionPauseOnKey`
    pub pause_on_key: bool,
    /// `menuAutoFetchLimits`; needs `backgroundNetwork` on.
    pub auto_fetch: bool,
    /// `uiAccentColor`: `green`, `cyan`, `blue` or `yellow`.
    pub accent: String,
    /// `tuiCapacityByPlan`
    pub by_plan: bool,
    /// `tuiNotify`
    pub notify: Notify,
}

/// Whose details the list shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Layout {
    /// Those of the chosen row.
    #[default]
    Compact,
    /// Those of every row.
    Expanded,
}

/// How the terminal is told of what needs a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Notify {
    /// Not at all.
    #[default]
    Off,
    /// The bell.
    Bell,
    /// An OSC 9 notice.
    Osc9,
}

impl Default for Display {
    fn default() -> Self {
        Self {
            status: true,
            marker: true,
            last_used: true,
            limits: true,
            resets: true,
            fetching: true,
            highlight: true,
            sorted: true,
            ready_first: true,
            current_first: false,
            layout: Layout::Compact,
            fields: ["last-used", "limits", "status"].map(str::to_owned).to_vec(),
            account_rows: true,
            quota_details: true,
            reasons: true,
            recommendations: true,
            probe_notes: true,
            auto_return: Span::seconds(2),
            returns: false,
            pause_on_key: true,
            auto_fetch: true,
            accent: "green".to_owned(),
            by_plan: false,
            notify: Notify::Off,
        }
    }
}
