//! Acts on the user's system that are done in one go and told step by step: the launcher, the first-run set-up, and
//! the list of what this program does.

use crate::domain::uninstall::Step;

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chore {
    /// The launcher of the desktop app.
    Launcher {
        /// It goes.
        remove: bool,
        /// Nothing is changed.
        dry_run: bool,
    },
    /// `setup`.
    SetUp {
        /// What a set-up did is taken back.
        undo: bool,
        /// Nothing is changed.
        dry_run: bool,
    },
    /// `features`.
    Features,
}

impl Chore {
    /// The command's word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Launcher { .. } => "app-launcher",
            Self::SetUp { .. } => "setup",
            Self::Features => "features",
        }
    }

    /// The same, only looked at.
    #[must_use]
    pub const fn looked_at(self) -> Self {
        match self {
            Self::Launcher { remove, .. } => Self::Launcher { remove, dry_run: true },
            Self::SetUp { undo, .. } => Self::SetUp { undo, dry_run: true },
            Self::Features => Self::Features,
        }
    }

    /// Whether nothing is changed.
    pub const fn is_dry(self) -> bool {
        match self {
            Self::Launcher { dry_run, .. } | Self::SetUp { dry_run, .. } => dry_run,
            Self::Features => true,
        }
    }
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Done {
    /// Step by step.
    pub steps: Vec<Step>,
}

/// Something this program does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Feature {
    /// Stable word.
    pub id: &'static str,
    /// In words.
    pub title: &'static str,
    /// Since which version.
    pub since: &'static str,
}

const fn feature(id: &'static str, title: &'static str) -> Feature {
    Feature { id, title, since: "0.1.0" }
}

/// What this program does, in the order in which people meet it.
pub const FEATURES: [Feature; 38] = [
    feature("dashboard", "Full-screen dashboard over accounts, limits and live traffic"),
    feature("demo", "Rehearsal without an account: fake back end, sample accounts, simulated client"),
    feature("headless", "Every command with text or JSON and a fixed exit code"),
    feature("login-browser", "Sign in with the browser, PKCE and a loopback callback"),
    feature("login-device", "Sign in with a device code"),
    feature("login-manual", "Sign in with a pasted link, also in two runs"),
    feature("import-scan", "Find sign-ins that other programs keep and take them over"),
    feature("workspaces", "Several workspaces of one person, chosen per account"),
    feature("forwarder", "The official Codex CLI with rotation, history and files untouched"),
    feature("websocket", "Rotation over WebSocket, with reconnects the client knows"),
    feature("http", "Rotation over HTTP with streaming answers"),
    feature("mid-turn", "Moving to another account in the middle of a turn"),
    feature("preflight", "Check and repair of the official login before each launch"),
    feature("login-guard", "Question before the official login or logout ends a stored session"),
    feature("forced-account", "One account for one launch"),
    feature("shared-proxy", "One proxy for many launches"),
    feature("app-bind", "Persistent or leased bind for desktop app and IDE, taken back byte for byte"),
    feature("service", "The proxy as a service of the user's session"),
    feature("selection", "Six strategies, pins, pause, drain and weights, explained"),
    feature("why-selected", "Explanation of the next, the last and any kept decision"),
    feature("forecast", "Which account is good, for how long, and what happens next"),
    feature("quota", "Limits from answers, headers, frames and the usage endpoint, with their age"),
    feature("quota-deferral", "Leaving an account before its limit is reached"),
    feature("refresh", "One owner of single-use refresh tokens, journalled and crash-safe"),
    feature("usage", "Requests, tokens and cost by model, account, project and time"),
    feature("budgets", "Limits on requests, tokens and cost that the proxy obeys"),
    feature("profiles", "Routing profiles per project"),
    feature("policies", "Tags, notes, weights, pause and drain per account"),
    feature("monitor", "Live turns, sessions and counters, as a pane and as an event stream"),
    feature("metrics", "A page for Prometheus"),
    feature("backups", "Rotating, hourly, daily and named copies, with restore and undo"),
    feature("doctor", "Diagnosis with repairs that are shown before they are made"),
    feature("legacy", "Clean-up after the original package, its bind and its temporary homes"),
    feature("history", "Kept sessions of every provider, listed, searched, resumed and filed anew"),
    feature("settings", "One table of settings with sources, bounds and live preview"),
    feature("report", "One masked document for whoever wants to help"),
    feature("launcher", "A launcher of the desktop app that goes through rotation"),
    feature("uninstall", "Taking everything out again, step by step, with its state"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_feature_has_a_word_of_its_own() {
        let mut ids: Vec<&str> = FEATURES.iter().map(|feature| feature.id).collect();
        ids.sort_unstable();
        ids.dedup();

        assert_eq!(ids.len(), FEATURES.len());
    }

    #[test]
    fn looking_at_a_chore_changes_nothing() {
        for chore in [
            Chore::Launcher { remove: true, dry_run: false },
            Chore::SetUp { undo: false, dry_run: false },
            Chore::Features,
        ] {
            assert!(chore.looked_at().is_dry());
            assert_eq!(chore.looked_at().word(), chore.word());
        }
    }
}
