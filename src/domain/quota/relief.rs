//! When fresh figures speak for an account: a limit that was learnt earlier is a hypothesis, and a later look at
//! the windows themselves can end it before its time (a reset that came early, a limit of another plan).

use crate::base::Span;
use crate::domain::account::{Account, CooldownReason};
use crate::domain::quota::snapshot::{Snapshot, Source};

/// Shorter limits are throttles; they are over before anybody could be wrong about them.
const SHORT: Span = Span::minutes(2);

/// Whether `fresh` shows that what stands against the account for want of quota no longer holds.
///
/// Only the usage endpoint counts: it tells every window, while headers and frames may tell of one limit among
/// several. A rest for another reason is left alone.
pub fn is_lifted(account: &Account, fresh: &Snapshot) -> bool {
    let speaks = fresh.source == Source::Usage && fresh.status == 200;
    let knows = fresh.windows().any(|window| window.used.is_some());
    if !speaks || !knows || fresh.is_exhausted(fresh.at) {
        return false;
    }
    let later = fresh.at + SHORT;
    let rest = account.cooling_until(fresh.at);
    if rest.is_some_and(|rest| rest.reason != Some(CooldownReason::RateLimit)) {
        return false;
    }
    rest.is_some_and(|rest| rest.until > later) || account.limits.values().any(|until| *until > later)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Moment, Percent};
    use crate::domain::account::Cooldown;
    use crate::domain::quota::window::Window;

    const NOW: Moment = Moment::from_secs(1_000_000);

    fn fresh(used: f64, source: Source, status: u16) -> Snapshot {
        let window = Window {
            used: Some(Percent::new(used)),
            minutes: Some(300),
            resets_at: Some(NOW + Span::hours(5)),
            ..Window::default()
        };
        Snapshot {
            primary: Some(window),
            secondary: None,
            plan: None,
            limit_id: None,
            credits: None,
            status,
            model: None,
            at: NOW,
            source,
            ..Snapshot::default()
        }
    }

    fn limited(ahead: Span) -> Account {
        let mut account = Account::sample("alpha");
        account.limits.insert("gpt-5-codex".to_owned(), NOW + ahead);
        account
    }

    fn resting(reason: CooldownReason) -> Account {
        let mut account = Account::sample("alpha");
        account.cooldown = Some(Cooldown { until: NOW + Span::hours(1), reason: Some(reason) });
        account
    }

    #[test]
    fn a_full_window_ends_a_long_limit_and_nothing_else() {
        let good = fresh(3.0, Source::Usage, 200);
        for (name, account, snapshot, lifted) in [
            ("long limit", limited(Span::hours(3)), good.clone(), true),
            ("rate limit rest", resting(CooldownReason::RateLimit), good.clone(), true),
            ("throttle", limited(Span::seconds(40)), good.clone(), false),
            ("network rest", resting(CooldownReason::NetworkError), good.clone(), false),
            ("nothing to lift", Account::sample("alpha"), good, false),
            ("still empty", limited(Span::hours(3)), fresh(100.0, Source::Usage, 200), false),
            ("headers only", limited(Span::hours(3)), fresh(3.0, Source::Headers, 200), false),
            ("refused", limited(Span::hours(3)), fresh(3.0, Source::Usage, 429), false),
        ] {
            assert_eq!(is_lifted(&account, &snapshot), lifted, "{name}");
        }
    }
}
