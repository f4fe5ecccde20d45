//! The device-code flow: statuses, not error bodies, say "not yet" (login.md §4).

use crate::base::{Moment, Secret, Span};
use crate::domain::chance::Rng;

/// Nobody is waited for longer.
pub const LONGEST: Span = Span::minutes(15);
/// When the server names no pause.
pub const INTERVAL: Span = Span::seconds(5);
/// A shorter pause is not believed when the server is in trouble.
const SHORTEST: Span = Span::seconds(1);
/// Lost connections in a row before the flow gives up.
pub const LOST_CONNECTIONS: u32 = 5;

/// What the server handed out: a code to type on any device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceCode {
    /// The handle we poll with.
    pub id: Secret,
    /// What the person types. Shown once, written nowhere.
    pub user_code: Secret,
    /// Where it is typed.
    pub page: String,
    /// Pause between polls.
    pub interval: Span,
    /// When it was handed out.
    pub since: Moment,
    /// After this nobody needs to type it any more.
    pub deadline: Moment,
}

impl DeviceCode {
    /// The deadline of a code with the server's own expiry: never later than 15 minutes after `since`.
    pub fn deadline(since: Moment, expires_at: Option<Moment>) -> Moment {
        let latest = since + LONGEST;
        expires_at.map_or(latest, |end| end.min(latest))
    }

    /// How long the code is good, in words.
    pub fn lifetime(&self) -> String {
        budget(self.since.until(self.deadline))
    }
}

/// `40 seconds`, `15 minutes` (rounded up).
pub fn budget(span: Span) -> String {
    let seconds = span.as_secs_ceil().max(0);
    if seconds < 60 {
        return plural(seconds, "second");
    }
    plural((seconds + 59) / 60, "minute")
}

fn plural(count: i64, one: &str) -> String {
    format!("{count} {one}{}", if count == 1 { "" } else { "s" })
}

/// What a poll's answer asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Poll {
    /// The person has agreed: the body holds the code.
    Ready,
    /// Not yet, or not now: ask again after this.
    Again(Span),
    /// It will never be.
    Over,
}

/// Judges the status of a poll.
pub fn judge(status: u16, retry_after: Option<Span>, interval: Span, rng: &mut Rng) -> Poll {
    match status {
        200..=299 => Poll::Ready,
        403 | 404 => Poll::Again(retry_after.map_or(interval, |wait| wait.max(SHORTEST))),
        408 | 429 | 502..=504 => {
            Poll::Again(retry_after.map_or_else(|| trouble(interval, rng), |wait| wait.max(SHORTEST)))
        }
        _ => Poll::Over,
    }
}

/// The pause after trouble: the interval, varied by a tenth, at least a second.
pub fn trouble(interval: Span, rng: &mut Rng) -> Span {
    interval.scaled(0.9 + rng.f64() * 0.2).max(SHORTEST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::chance::seeded;

    #[test]
    fn statuses_decide_what_happens_next() {
        let mut rng = seeded(1);
        let mut ask =
            |status, after: Option<i64>| judge(status, after.map(Span::seconds), Span::seconds(5), &mut rng);

        assert_eq!(ask(200, None), Poll::Ready);
        assert_eq!(ask(403, None), Poll::Again(Span::seconds(5)));
        assert_eq!(ask(404, None), Poll::Again(Span::seconds(5)));
        assert_eq!(ask(404, Some(9)), Poll::Again(Span::seconds(9)));
        assert_eq!(ask(503, Some(2)), Poll::Again(Span::seconds(2)));
        assert_eq!(ask(429, Some(0)), Poll::Again(Span::seconds(1)));
        for status in [400, 401, 410, 500, 301] {
            assert_eq!(ask(status, None), Poll::Over, "{status}");
        }
        for status in [408, 429, 502, 503, 504] {
            let Poll::Again(wait) = ask(status, None) else { panic!("{status}") };
            assert!(wait >= Span::millis(4_500) && wait <= Span::millis(5_500), "{wait:?}");
        }
    }

    #[test]
    fn the_budget_is_told_in_seconds_below_a_minute_and_else_rounded_up() {
        for (span, words) in [
            (Span::seconds(10), "10 seconds"),
            (Span::seconds(1), "1 second"),
            (Span::seconds(60), "1 minute"),
            (Span::seconds(61), "2 minutes"),
            (Span::minutes(15), "15 minutes"),
        ] {
            assert_eq!(budget(span), words);
        }
    }

    #[test]
    fn the_servers_expiry_shortens_the_wait_and_never_lengthens_it() {
        let at = Moment::from_secs(1_000);

        assert_eq!(DeviceCode::deadline(at, None), at + LONGEST);
        assert_eq!(DeviceCode::deadline(at, Some(at + Span::seconds(10))), at + Span::seconds(10));
        assert_eq!(DeviceCode::deadline(at, Some(at + Span::hours(1))), at + LONGEST);
    }
}
