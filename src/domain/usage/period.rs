//! `--since`, `--until`, `--last`: a moment as people type it.

use crate::base::{Moment, Span, calendar};

/// More minutes than a calendar holds are a slip of the finger.
const MOST_MINUTES: i64 = 1_000_000_000;

/// The moment a text names: `45m`, `24h`, `7d`, `2w` before `now`, all digits as Unix milliseconds, else a date
/// (`2026-11-03`, midnight UTC) or a date with a time. `None` for anything else, which is told, never ignored.
pub fn moment(text: &str, now: Moment) -> Option<Moment> {
    let text = text.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().ok().map(Moment::from_millis);
    }
    span(text).map(|back| now - back).or_else(|| calendar::from_date(text))
}

/// A length of time: a number and one of `m h d w`.
pub fn span(text: &str) -> Option<Span> {
    let text = text.trim();
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let number: i64 = number.parse().ok().filter(|_| number.bytes().all(|byte| byte.is_ascii_digit()))?;
    let minutes = match unit.to_ascii_lowercase().as_str() {
        "m" => 1,
        "h" => 60,
        "d" => 24 * 60,
        "w" => 7 * 24 * 60,
        _ => return None,
    };
    number.checked_mul(minutes).filter(|minutes| *minutes <= MOST_MINUTES).map(Span::minutes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_as_people_type_them() {
        let now = Moment::from_millis(1_790_000_000_000);
        for (text, expected) in [
            ("24h", Some(now - Span::hours(24))),
            ("2W", Some(now - Span::days(14))),
            ("90m", Some(now - Span::minutes(90))),
            ("1790000000123", Some(Moment::from_millis(1_790_000_000_123))),
            ("2026-09-21", Some(Moment::from_millis(1_789_948_800_000))),
            ("2026-09-21T14:13:20Z", Some(now)),
            ("2026-09-21T14:13", Some(now - Span::seconds(20))),
            ("2026-09-21 14:13:20", Some(now)),
            ("2026-09-31", None),
            ("yesterday", None),
            ("5abc", None),
            ("-1d", None),
            ("99999999999999d", None),
            ("", None),
        ] {
            assert_eq!(moment(text, now), expected, "{text}");
        }
    }
}
