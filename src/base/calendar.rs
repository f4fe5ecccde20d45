//! Civil dates and clocks, thin over jiff. The zone is a value handed in; this module never asks the system's.
//!
//! Durations have one shape in tables ([`short`]: `45s 22m 1h19m 2d03h`) and one in running text ([`long`]:
//! `1h 19m`, `2d 3h`); both show at most two units and round down, so a countdown never promises too little.

use jiff::Timestamp;
use jiff::civil::DateTime;

use crate::base::{Moment, Span};

/// A time zone given as a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone(jiff::tz::TimeZone);

impl Zone {
    /// UTC.
    pub fn utc() -> Self {
        Self(jiff::tz::TimeZone::UTC)
    }

    /// Wraps a zone that the clock adapter read.
    pub fn new(zone: jiff::tz::TimeZone) -> Self {
        Self(zone)
    }

    /// The zone for jiff.
    pub fn inner(&self) -> &jiff::tz::TimeZone {
        &self.0
    }

    fn civil(&self, at: Moment) -> DateTime {
        let stamp = Timestamp::from_millisecond(at.millis()).unwrap_or(Timestamp::UNIX_EPOCH);
        self.0.to_datetime(stamp)
    }
}

/// A moment in UTC for file names: `20260921T141320000Z`.
pub fn stamp(at: Moment) -> String {
    let time = Zone::utc().civil(at);
    format!("{}Z", time.strftime("%Y%m%dT%H%M%S%3f"))
}

/// A moment in UTC for names that people read: `20260921-141320`.
pub fn label(at: Moment) -> String {
    Zone::utc().civil(at).strftime("%Y%m%d-%H%M%S").to_string()
}

/// The hour of a moment in UTC, for names: `20260921T14`.
pub fn hour(at: Moment) -> String {
    Zone::utc().civil(at).strftime("%Y%m%dT%H").to_string()
}

/// A moment as RFC 3339 in UTC with milliseconds: `2026-09-21T14:13:20.000Z`.
pub fn rfc3339(at: Moment) -> String {
    let time = Zone::utc().civil(at);
    format!("{}Z", time.strftime("%Y-%m-%dT%H:%M:%S%.3f"))
}

/// Midnight UTC of the first of the month a moment lies in.
pub fn month_start(at: Moment) -> Moment {
    let first = Zone::utc().civil(at).date().first_of_month().to_datetime(jiff::civil::Time::midnight());
    let stamp = jiff::tz::TimeZone::UTC.to_timestamp(first);
    stamp.map_or(Moment::EPOCH, |stamp| Moment::from_millis(stamp.as_millisecond()))
}

/// Midnight UTC of the first of the month after the one a moment lies in.
pub fn next_month(at: Moment) -> Moment {
    // No month is longer than 31 days, and 32 days after its first lie in the next.
    month_start(month_start(at) + Span::days(32))
}

/// The moment behind an RFC 3339 text.
pub fn from_rfc3339(text: &str) -> Option<Moment> {
    text.trim().parse::<Timestamp>().ok().map(|stamp| Moment::from_millis(stamp.as_millisecond()))
}

/// A duration for a table cell: `45s`, `22m`, `1h19m`, `2d03h`, `130d`.
pub fn short(span: Span) -> String {
    let Units { days, hours, minutes, seconds } = Units::of(span);
    match (days, hours, minutes) {
        (100.., _, _) => format!("{days}d"),
        (1.., _, _) => format!("{days}d{hours:02}h"),
        (_, 1.., _) => format!("{hours}h{minutes:02}m"),
        (_, _, 1..) => format!("{minutes}m"),
        _ => format!("{seconds}s"),
    }
}

/// A duration for running text: `45s`, `22m`, `1h 19m`, `2d 3h`, `3d`.
pub fn long(span: Span) -> String {
    let Units { days, hours, minutes, seconds } = Units::of(span);
    match (days, hours, minutes) {
        (100.., _, _) | (1.., 0, _) => format!("{days}d"),
        (1.., _, _) => format!("{days}d {hours}h"),
        (_, 1.., 0) => format!("{hours}h"),
        (_, 1.., _) => format!("{hours}h {minutes}m"),
        (_, _, 1..) => format!("{minutes}m"),
        _ => format!("{seconds}s"),
    }
}

/// How long something took: `0.4s`, `12.9s`, `3m12s`.
pub fn took(span: Span) -> String {
    let ms = span.as_millis().max(0);
    if ms < 100_000 {
        return format!("{}.{}s", ms / 1_000, ms % 1_000 / 100);
    }
    let seconds = ms / 1_000;
    if seconds < 3_600 { format!("{}m{:02}s", seconds / 60, seconds % 60) } else { short(span) }
}

struct Units {
    days: i64,
    hours: i64,
    minutes: i64,
    seconds: i64,
}

impl Units {
    fn of(span: Span) -> Self {
        let seconds = span.as_secs().max(0);
        Self {
            days: seconds / 86_400,
            hours: seconds / 3_600 % 24,
            minutes: seconds / 60 % 60,
            seconds: seconds % 60,
        }
    }
}

/// Hours and minutes: `14:38`.
pub fn clock(at: Moment, zone: &Zone) -> String {
    let civil = zone.civil(at);
    format!("{:02}:{:02}", civil.hour(), civil.minute())
}

/// Hours, minutes and seconds: `14:37:58`.
pub fn clock_seconds(at: Moment, zone: &Zone) -> String {
    format!("{}:{:02}", clock(at, zone), zone.civil(at).second())
}

/// A moment as near as it needs to be named: `15:57` today, `Tue 18:23` within six days, else `24 Nov`.
pub fn near(at: Moment, now: Moment, zone: &Zone) -> String {
    let (then, today) = (zone.civil(at), zone.civil(now));
    let days = match then.date().since(today.date()) {
        Ok(span) => span.get_days().abs(),
        Err(_) => i32::MAX,
    };
    match days {
        0 => clock(at, zone),
        1..=6 => format!("{} {}", weekday(then), clock(at, zone)),
        _ => day(at, zone),
    }
}

/// Day and month: `24 Nov`.
pub fn day(at: Moment, zone: &Zone) -> String {
    let civil = zone.civil(at);
    format!("{} {}", civil.day(), month(civil))
}

/// Day, month and year: `24 Nov 2026`.
pub fn date(at: Moment, zone: &Zone) -> String {
    format!("{} {}", day(at, zone), zone.civil(at).year())
}

fn weekday(civil: DateTime) -> &'static str {
    use jiff::civil::Weekday::{Friday, Monday, Saturday, Sunday, Thursday, Tuesday, Wednesday};
    match civil.weekday() {
        Monday => "Mon",
        Tuesday => "Tue",
        Wednesday => "Wed",
        Thursday => "Thu",
        Friday => "Fri",
        Saturday => "Sat",
        Sunday => "Sun",
    }
}

fn month(civil: DateTime) -> &'static str {
    const NAMES: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    usize::try_from(civil.month() - 1).ok().and_then(|index| NAMES.get(index)).copied().unwrap_or("–")
}

/// The moment behind a date, or a date with a time; UTC where no zone is named.
pub fn from_date(text: &str) -> Option<Moment> {
    let text = text.trim();
    if let Some(at) = from_rfc3339(text) {
        return Some(at);
    }
    let civil = text.parse::<jiff::civil::Date>().map(|date| date.to_datetime(jiff::civil::Time::midnight()));
    let civil = text.parse::<DateTime>().or(civil).ok()?;
    let stamp = jiff::tz::TimeZone::UTC.to_timestamp(civil).ok()?;
    Some(Moment::from_millis(stamp.as_millisecond()))
}

/// A day in UTC: `2026-09-21`.
pub fn day_of(at: Moment) -> String {
    Zone::utc().civil(at).strftime("%Y-%m-%d").to_string()
}

/// An hour in UTC: `2026-09-21T14:00Z`.
pub fn hour_of(at: Moment) -> String {
    Zone::utc().civil(at).strftime("%Y-%m-%dT%H:00Z").to_string()
}

/// The moment of an HTTP date (`Sun, 06 Nov 1994 08:49:37 GMT`).
pub fn http_date(text: &str) -> Option<Moment> {
    let zoned = jiff::fmt::rfc2822::parse(text.trim()).ok()?;
    Some(Moment::from_millis(zoned.timestamp().as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_at_most_two_units() {
        for (seconds, table, text) in [
            (-5, "0s", "0s"),
            (45, "45s", "45s"),
            (22 * 60 + 59, "22m", "22m"),
            (3_600, "1h00m", "1h"),
            (79 * 60, "1h19m", "1h 19m"),
            (51 * 3_600, "2d03h", "2d 3h"),
            (3 * 86_400, "3d00h", "3d"),
            (130 * 86_400 + 3_600, "130d", "130d"),
        ] {
            assert_eq!(short(Span::seconds(seconds)), table);
            assert_eq!(long(Span::seconds(seconds)), text);
        }
    }

    #[test]
    fn what_something_took_keeps_a_tenth_until_minutes_matter() {
        for (ms, text) in
            [(0, "0.0s"), (420, "0.4s"), (12_960, "12.9s"), (99_999, "99.9s"), (192_000, "3m12s")]
        {
            assert_eq!(took(Span::millis(ms)), text);
        }
    }

    #[test]
    fn a_moment_is_named_as_near_as_it_is() {
        let zone = Zone::utc();
        let now = Moment::from_secs(1_795_358_280); // Sun 22 Nov 2026 14:38

        for (ahead, text) in [
            (Span::minutes(79), "15:57"),
            (Span::hours(51), "Tue 17:38"),
            (Span::days(2), "Tue 14:38"),
            (Span::days(9), "1 Dec"),
        ] {
            assert_eq!(near(now + ahead, now, &zone), text);
        }
        assert_eq!(clock_seconds(now, &zone), "14:38:00");
        assert_eq!(date(now, &zone), "22 Nov 2026");
    }

    #[test]
    fn moments_outside_the_calendar_do_not_panic() {
        assert_eq!(clock(Moment::from_millis(i64::MAX), &Zone::utc()), "00:00");
    }
}
