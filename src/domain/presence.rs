//! Which account is in use now: the newest sign of a live proxy, while it is fresh (commands.md §2.9).
//!
//! One rule for the dashboard, the reports and the status line, so that no two faces name different accounts.

use crate::base::{Moment, Span};
use crate::domain::account::AccountKey;
use crate::domain::facts::ProxyPulse;

/// A sign of use older than this says nothing about now.
const FRESH: Span = Span::hours(24);

/// The account that served last according to these proxies.
pub fn in_use<'a>(pulses: impl Iterator<Item = &'a ProxyPulse>, at: Moment) -> Option<&'a AccountKey> {
    pulses
        .filter_map(|pulse| Some((pulse.last_account_at?, pulse.last_account.as_ref()?)))
        .filter(|(when, _)| at.since(*when) <= FRESH)
        .max_by_key(|(when, _)| *when)
        .map(|(_, key)| key)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Moment = Moment::from_secs(1_000_000);

    fn pulse(name: &str, ago: Span) -> ProxyPulse {
        ProxyPulse {
            last_account: Some(AccountKey::new(name)),
            last_account_at: Some(NOW - ago),
            ..ProxyPulse::default()
        }
    }

    #[test]
    fn the_newest_fresh_sign_wins() {
        let pulses = [pulse("old", Span::hours(3)), pulse("new", Span::minutes(1)), ProxyPulse::default()];
        assert_eq!(in_use(pulses.iter(), NOW), Some(&AccountKey::new("new")));

        let stale = [pulse("stale", Span::hours(25))];
        assert_eq!(in_use(stale.iter(), NOW), None);
        assert_eq!(in_use(std::iter::empty(), NOW), None);
    }
}
