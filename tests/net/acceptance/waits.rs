//! 4: how long upstream says to wait, in every way it is said.

use codex_multi_auth::base::{Moment, Span};
use codex_multi_auth::formats::scenario::Scenario;

use crate::support::origin::{Origin, answer};
use crate::support::stand::Stand;

/// The wait that is stored after one answer, measured from its arrival.
async fn stored(said: String) -> Span {
    let origin = Origin::start(move |_| said.clone()).await;
    let url = origin.url();
    let stand = Stand::start(Scenario::pool(["alpha"]).with("alpha", |player| player.origin = url)).await;

    let at = now();
    let (status, _, _) = stand.turn("thread", "hello").await;

    assert_eq!(status, 429);
    let limit = stand.until(|kept| kept.roster.accounts[0].limits.values().max().copied()).await;
    at.until(limit)
}

fn now() -> Moment {
    use codex_multi_auth::ports::Clock as _;
    codex_multi_auth::adapters::clock::SystemClock::new().now()
}

fn http_date(at: Moment) -> String {
    let day = 86_400;
    let secs = at.millis() / 1_000;
    let (days, rest) = (secs.div_euclid(day), secs.rem_euclid(day));
    // Civil date from days, by Howard Hinnant's algorithm.
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let d = doy - (153 * mp + 2) / 5 + 1;
    let m = if mp < 10 { mp + 3 } else { mp - 9 };
    let y = yoe + era * 400 + i64::from(m <= 2);
    let names = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let weekday =
        ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"][usize::try_from(days.rem_euclid(7)).unwrap()];
    let month = names[usize::try_from(m - 1).unwrap()];
    format!("{weekday}, {d:02} {month} {y} {:02}:{:02}:{:02} GMT", rest / 3_600, rest / 60 % 60, rest % 60)
}

#[tokio::test]
async fn every_way_to_state_a_wait_is_understood_to_the_second() {
    let limit = |more: &str| {
        format!("{{\"error\":{{\"type\":\"usage_limit_reached\",\"message\":\"limit\"{more}}}}}")
    };
    let json = "content-type: application/json\r\n";
    let in_600 = || now() + Span::seconds(600);
    let cases: Vec<(&str, String, String, i64)> = vec![
        ("resets_at", json.to_owned(), limit(&format!(",\"resets_at\":{}", in_600().millis() / 1_000)), 600),
        ("resets_in_seconds", json.to_owned(), limit(",\"resets_in_seconds\":600"), 600),
        (
            "an exhausted window",
            format!(
                "{json}x-codex-primary-used-percent: 100\r\nx-codex-primary-window-minutes: 300\r\nx-codex-primary-reset-after-seconds: 600\r\n"
            ),
            limit(""),
            600,
        ),
        ("retry-after-ms", format!("{json}retry-after-ms: 600000\r\n"), limit(""), 600),
        ("retry-after", format!("{json}retry-after: 600\r\n"), limit(""), 600),
        ("retry-after as a date", format!("{json}retry-after: {}\r\n", http_date(in_600())), limit(""), 600),
        ("retry_after_ms", json.to_owned(), limit(",\"retry_after_ms\":600000"), 600),
        ("retry_after", json.to_owned(), limit(",\"retry_after\":600"), 600),
        (
            "the message",
            json.to_owned(),
            "{\"error\":{\"type\":\"usage_limit_reached\",\"message\":\"Please try again in 10 minutes\"}}"
                .to_owned(),
            600,
        ),
        (
            "x-ratelimit-reset",
            format!("{json}x-ratelimit-reset: {}\r\n", in_600().millis() / 1_000),
            limit(""),
            600,
        ),
        ("nothing", json.to_owned(), limit(""), 60),
        ("more than seven days", json.to_owned(), limit(",\"resets_in_seconds\":99999999"), 604_800),
        (
            "the longest of the exhausted windows",
            format!(
                "{json}retry-after: 5\r\nx-codex-primary-used-percent: 100\r\nx-codex-primary-reset-after-seconds: 300\r\nx-codex-secondary-used-percent: 100\r\nx-codex-secondary-reset-after-seconds: 600\r\n"
            ),
            limit(""),
            600,
        ),
    ];
    for (case, headers, body, seconds) in cases {
        let wait = stored(answer("429 Too Many Requests", &headers, &body)).await;

        let off = (wait.as_millis() - seconds * 1_000).abs();
        assert!(off <= 1_500, "{case}: {wait:?} instead of {seconds} s");
    }
}
