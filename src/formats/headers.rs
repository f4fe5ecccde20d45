//! Quota and waiting times in response headers (runtime.md §11).
//!
//! Headers come as pairs, so that this floor needs no HTTP library. Every family of quota headers becomes one
//! snapshot: `x-codex-…` is the account itself, `x-<limit-id>-…` a limit of some models only (DB-23).

use crate::base::{Moment, Percent, Span, calendar};
use crate::domain::quota::snapshot::{Credits, Snapshot, Source};
use crate::domain::quota::window::Window;

/// Snapshots of all quota headers of one answer, the account's own first.
pub fn quota<'a>(
    headers: impl Iterator<Item = (&'a str, &'a str)>,
    status: u16,
    model: Option<&str>,
    at: Moment,
) -> Vec<Snapshot> {
    let mut families: Vec<(&str, Snapshot)> = Vec::new();
    let mut plan = None;
    let mut credits: Option<Credits> = None;
    for (name, value) in headers {
        let Some(rest) = name.strip_prefix("x-") else { continue };
        let value = value.trim();
        if let Some((family, field)) = split(rest, "-primary-").filter(|(_, field)| is_field(field)) {
            let window = entry(&mut families, family, status, model, at).primary.get_or_insert_default();
            fill(window, field, value, at);
        } else if let Some((family, field)) = split(rest, "-secondary-").filter(|(_, field)| is_field(field))
        {
            let window = entry(&mut families, family, status, model, at).secondary.get_or_insert_default();
            fill(window, field, value, at);
        } else if rest == "codex-plan-type" {
            plan = Some(value.to_owned()).filter(|plan| !plan.is_empty());
        } else if let Some(field) = rest.strip_prefix("codex-credits-") {
            let credits = credits.get_or_insert_default();
            match field {
                "has-credits" => credits.has = value.eq_ignore_ascii_case("true"),
                "unlimited" => credits.unlimited = value.eq_ignore_ascii_case("true"),
                "balance" => credits.balance = Some(value.to_owned()).filter(|balance| !balance.is_empty()),
                _ => {}
            }
        }
    }
    families.retain(|(_, snapshot)| {
        snapshot.windows().any(|window| window.used.is_some() || window.resets_at.is_some())
    });
    families.sort_by_key(|(family, _)| *family != "codex");
    for (family, snapshot) in &mut families {
        snapshot.plan.clone_from(&plan);
        if *family == "codex" {
            snapshot.credits.clone_from(&credits);
        }
    }
    families.into_iter().map(|(_, snapshot)| snapshot).collect()
}

fn split<'a>(rest: &'a str, middle: &str) -> Option<(&'a str, &'a str)> {
    rest.split_once(middle).filter(|(family, _)| !family.is_empty())
}

fn is_field(field: &str) -> bool {
    matches!(field, "used-percent" | "window-minutes" | "reset-after-seconds" | "reset-at")
}

fn entry<'f, 'a>(
    families: &'f mut Vec<(&'a str, Snapshot)>,
    family: &'a str,
    status: u16,
    model: Option<&str>,
    at: Moment,
) -> &'f mut Snapshot {
    let position = families.iter().position(|(name, _)| *name == family).unwrap_or_else(|| {
        let snapshot = Snapshot {
            primary: None,
            secondary: None,
            plan: None,
            limit_id: Some(family.to_owned()),
            credits: None,
            status,
            model: model.map(str::to_owned),
            at,
            source: Source::Headers,
            ..Snapshot::default()
        };
        families.push((family, snapshot));
        families.len() - 1
    });
    #[expect(clippy::indexing_slicing, reason = "the position was found or pushed above")]
    &mut families[position].1
}

fn fill(window: &mut Window, field: &str, value: &str, at: Moment) {
    match field {
        "used-percent" => {
            window.used = value.parse::<f64>().ok().filter(|used| used.is_finite()).map(Percent::new);
        }
        "window-minutes" => window.minutes = value.parse().ok().filter(|minutes| *minutes > 0),
        "reset-after-seconds" => {
            if let Some(seconds) = value.parse::<i64>().ok().filter(|seconds| *seconds > 0) {
                window.resets_at = Some(at + Span::seconds(seconds));
            }
        }
        // The relative form is preferred: it does not depend on the two clocks agreeing.
        _ if window.resets_at.is_none() => window.resets_at = moment(value),
        _ => {}
    }
}

/// A reset time: digits below 10¹⁰ are seconds, above milliseconds; otherwise an HTTP date.
pub fn moment(value: &str) -> Option<Moment> {
    if value.is_empty() {
        return None;
    }
    if value.bytes().all(|byte| byte.is_ascii_digit()) {
        return value.parse().ok().map(epoch);
    }
    calendar::http_date(value)
}

/// Epoch seconds below 10¹⁰, else epoch milliseconds.
pub fn epoch(number: i64) -> Moment {
    if number < 10_000_000_000 { Moment::from_secs(number) } else { Moment::from_millis(number) }
}

/// Waiting times and the active limit of an answer's headers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Waits {
    /// `retry-after-ms`, else `retry-after`.
    pub retry: Option<Span>,
    /// The longest `x-ratelimit-reset…`.
    pub window: Option<Span>,
    /// `x-codex-active-limit`.
    pub active_limit: Option<String>,
    /// Whether the edge answered (`cf-mitigated`).
    pub mitigated: bool,
}

/// Reads what headers say about waiting.
pub fn waits<'a>(headers: impl Iterator<Item = (&'a str, &'a str)>, at: Moment) -> Waits {
    let mut waits = Waits::default();
    let mut millis = None;
    for (name, value) in headers {
        let value = value.trim();
        if name == "retry-after-ms" {
            millis = value.parse::<i64>().ok().filter(|ms| *ms > 0).map(Span::millis);
        } else if name == "retry-after" {
            waits.retry = retry_after(value, at);
        } else if name.starts_with("x-ratelimit-reset") {
            waits.window = waits.window.max(window_reset(value, at));
        } else if name == "x-codex-active-limit" && !value.is_empty() {
            waits.active_limit = Some(value.to_owned());
        } else if name == "cf-mitigated" {
            waits.mitigated = true;
        }
    }
    waits.retry = millis.or(waits.retry);
    waits
}

fn retry_after(value: &str, at: Moment) -> Option<Span> {
    if let Ok(seconds) = value.parse::<i64>() {
        return (seconds > 0).then(|| Span::seconds(seconds));
    }
    calendar::http_date(value).map(|date| at.until(date)).filter(|wait| !wait.is_over())
}

/// `12`, `1795363695`, `1.5s`, `6m0s`, `250ms`.
fn window_reset(value: &str, at: Moment) -> Option<Span> {
    if let Ok(number) = value.parse::<f64>() {
        let is_epoch = number > 1_000_000_000.0;
        let wait = if is_epoch {
            at.until(moment(value.split('.').next().unwrap_or(value))?)
        } else {
            Span::seconds(1).scaled(number)
        };
        return Some(wait).filter(|wait| !wait.is_over());
    }
    let mut total = Span::ZERO;
    let mut rest = value;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').filter(|at| *at > 0)?;
        let (number, tail) = rest.split_at(digits);
        let letters = tail.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(letters);
        let one = match unit {
            "ms" => Span::millis(1),
            "s" => Span::seconds(1),
            "m" => Span::minutes(1),
            "h" => Span::hours(1),
            "d" => Span::days(1),
            _ => return None,
        };
        total = total + one.scaled(number.parse().ok()?);
        rest = tail;
    }
    Some(total).filter(|wait| !wait.is_over())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Moment = Moment::from_secs(1_795_360_000);

    fn read(pairs: &[(&str, &str)]) -> Vec<Snapshot> {
        quota(pairs.iter().copied(), 200, Some("gpt-5.5"), NOW)
    }

    #[test]
    fn both_windows_of_the_account_are_read_and_the_relative_reset_wins() {
        let all = read(&[
            ("x-codex-primary-reset-at", "1795363695"),
            ("x-codex-primary-used-percent", "99.6"),
            ("x-codex-primary-window-minutes", "300"),
            ("x-codex-primary-reset-after-seconds", "3600"),
            ("x-codex-secondary-used-percent", "10"),
            ("x-codex-secondary-reset-at", "1795446489"),
            ("x-codex-plan-type", "plus"),
            ("x-codex-credits-has-credits", "False"),
            ("x-codex-credits-balance", "0"),
        ]);

        assert_eq!(all.len(), 1);
        let own = &all[0];
        assert_eq!(own.limit_id.as_deref(), Some("codex"));
        assert_eq!(own.plan.as_deref(), Some("plus"));
        let primary = own.primary.unwrap();
        assert_eq!(primary.used, Some(Percent::new(99.6)));
        assert_eq!(primary.minutes, Some(300));
        assert_eq!(primary.resets_at, Some(NOW + Span::hours(1)));
        assert_eq!(own.secondary.unwrap().resets_at, Some(Moment::from_secs(1_795_446_489)));
        assert_eq!(
            own.credits,
            Some(Credits { has: false, unlimited: false, balance: Some("0".to_owned()) })
        );
    }

    #[test]
    fn further_limit_ids_become_snapshots_of_their_own() {
        let all = read(&[
            ("x-codex-bengalfox-primary-used-percent", "100"),
            ("x-codex-bengalfox-limit-name", "Spark"),
            ("x-codex-primary-used-percent", "5"),
            ("x-codex-primary-over-secondary-limit-percent", "0"),
        ]);

        let ids: Vec<_> = all.iter().filter_map(|snapshot| snapshot.limit_id.as_deref()).collect();
        assert_eq!(ids, ["codex", "codex-bengalfox"]);
    }

    #[test]
    fn an_answer_without_a_percentage_or_a_reset_says_nothing() {
        assert_eq!(read(&[("x-codex-primary-window-minutes", "300"), ("x-codex-plan-type", "plus")]), []);
        assert_eq!(read(&[("x-codex-primary-used-percent", "NaN")]), []);
    }

    #[test]
    fn waiting_times_are_read_in_every_encoding() {
        for (pairs, retry, window) in [
            (vec![("retry-after", "2")], Some(Span::seconds(2)), None),
            (vec![("retry-after", "2"), ("retry-after-ms", "1500")], Some(Span::millis(1_500)), None),
            (vec![("retry-after", "0")], None, None),
            (vec![("retry-after", "soon")], None, None),
            (vec![("retry-after", "Sun, 22 Nov 2026 15:07:40 GMT")], Some(Span::seconds(60)), None),
            (
                vec![("x-ratelimit-reset-tokens", "6m0s"), ("x-ratelimit-reset-requests", "1.5s")],
                None,
                Some(Span::minutes(6)),
            ),
            (vec![("x-ratelimit-reset", "12")], None, Some(Span::seconds(12))),
            (vec![("x-ratelimit-reset", "1795360030")], None, Some(Span::seconds(30))),
            (vec![("x-ratelimit-reset", "never")], None, None),
        ] {
            let waits = waits(pairs.iter().copied(), NOW);
            assert_eq!((waits.retry, waits.window), (retry, window), "{pairs:?}");
        }
    }
}
