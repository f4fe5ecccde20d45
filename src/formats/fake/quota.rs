//! Quota as headers, as a frame and as the answer of the usage endpoint.

use serde_json::{Value, json};

use crate::base::{Moment, Span};

/// Where an account stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    /// Plan.
    pub plan: String,
    /// First window.
    pub primary: Option<Window>,
    /// Second window.
    pub secondary: Option<Window>,
    /// The moment of the answer.
    pub at: Moment,
}

/// One window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Window {
    /// Used, in percent.
    pub used: f64,
    /// Length.
    pub minutes: i64,
    /// When it begins anew.
    pub reset_at: Moment,
}

impl Window {
    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.used >= 100.0
    }
}

impl Standing {
    /// The window that stops the account, the one with the later reset first.
    pub fn exhausted(&self) -> Option<Window> {
        let windows = [self.primary, self.secondary];
        windows.into_iter().flatten().filter(Window::is_empty).max_by_key(|window| window.reset_at)
    }

    fn left(&self, window: Window) -> i64 {
        self.at.until(window.reset_at).as_secs_ceil()
    }

    /// The `x-codex-…` headers.
    pub fn headers(&self) -> Vec<(String, String)> {
        let mut headers = vec![
            ("x-codex-plan-type".to_owned(), self.plan.clone()),
            ("x-codex-active-limit".to_owned(), "codex".to_owned()),
        ];
        for (name, window) in [("primary", self.primary), ("secondary", self.secondary)] {
            let Some(window) = window else { continue };
            let mut push =
                |suffix: &str, value: String| headers.push((format!("x-codex-{name}-{suffix}"), value));
            push("used-percent", percent(window.used).to_string());
            push("window-minutes", window.minutes.to_string());
            push("reset-after-seconds", self.left(window).to_string());
            push("reset-at", window.reset_at.secs().to_string());
        }
        headers.extend(
            [
                ("x-codex-primary-over-secondary-limit-percent", "0"),
                ("x-codex-credits-has-credits", "False"),
                ("x-codex-credits-unlimited", "False"),
                ("x-codex-credits-balance", "0"),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned())),
        );
        headers
    }

    /// The frame `codex.rate_limits`.
    pub fn frame(&self) -> String {
        let window = |window: Option<Window>| {
            window.map_or(Value::Null, |window| {
                json!({
                    "used_percent": percent(window.used),
                    "window_minutes": window.minutes,
                    "reset_after_seconds": self.left(window),
                    "reset_at": window.reset_at.secs(),
                })
            })
        };
        let stopped = self.exhausted().is_some();
        json!({
            "type": "codex.rate_limits",
            "plan_type": self.plan,
            "rate_limits": {
                "allowed": !stopped,
                "limit_reached": stopped,
                "primary": window(self.primary),
                "secondary": window(self.secondary),
            },
            "code_review_rate_limits": null,
            "additional_rate_limits": null,
            "promo": null,
            "credits": {"has_credits": false, "unlimited": false, "balance": "0"},
        })
        .to_string()
    }

    /// The answer of `GET …/wham/usage`.
    pub fn usage(&self, subject: &str, account_id: &str, email: &str) -> String {
        let window = |window: Option<Window>| {
            window.map_or(Value::Null, |window| {
                json!({
                    "used_percent": percent(window.used),
                    "limit_window_seconds": Span::minutes(window.minutes).as_secs(),
                    "reset_after_seconds": self.left(window),
                    "reset_at": window.reset_at.secs(),
                })
            })
        };
        let stopped = self.exhausted().is_some();
        json!({
            "user_id": subject,
            "account_id": account_id,
            "email": email,
            "plan_type": self.plan,
            "rate_limit": {
                "allowed": !stopped,
                "limit_reached": stopped,
                "primary_window": window(self.primary),
                "secondary_window": window(self.secondary),
            },
            "code_review_rate_limit": null,
            "additional_rate_limits": null,
            "credits": {
                "has_credits": false,
                "unlimited": false,
                "overage_limit_reached": false,
                "balance": "0",
                "approx_local_messages": [0, 0],
                "approx_cloud_messages": [0, 0],
            },
            "spend_control": {"reached": false},
            "rate_limit_reached_type": if stopped { json!("rate_limit_reached") } else { Value::Null },
            "promo": null,
        })
        .to_string()
    }
}

/// Whole numbers are written as such, others with two decimals at most.
fn percent(used: f64) -> Value {
    let rounded = (used * 100.0).round() / 100.0;
    if rounded.fract() == 0.0 {
        format!("{rounded:.0}").parse::<u64>().map_or_else(|_| json!(rounded), |whole| json!(whole))
    } else {
        json!(rounded)
    }
}
