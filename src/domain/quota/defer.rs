//! When a snapshot speaks against using an account: a window is empty, or nearly so (runtime.md §11.4).
//!
//! Both answers are moments rather than verdicts, so that they are computed once per observation and compared once
//! per request. An empty window bars the account; a nearly empty one only moves it behind the others, because
//! deferral must never empty a pool (DB-26). The raw percentage counts, never a rounded one.

use crate::base::{Moment, Span};
use crate::domain::quota::snapshot::Snapshot;
use crate::domain::quota::window::Window;
use crate::domain::settings::Settings;

/// A reset further away than this after the observation is not believed for a deferral.
const TRUST: Span = Span::days(7);

/// Windows at least this long follow the threshold of the long window.
const LONG: u32 = 1_440;

/// What a snapshot says against an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Strain {
    /// A window is empty until then.
    pub empty_until: Option<Moment>,
    /// A window is nearly empty until then.
    pub near_until: Option<Moment>,
}

/// Reads the strain of an account-wide snapshot.
pub fn strain(snapshot: &Snapshot, settings: &Settings) -> Strain {
    let mut strain = Strain::default();
    // Who has credits goes on past an empty window.
    if snapshot.credits.as_ref().is_some_and(|credits| credits.has || credits.unlimited) {
        return strain;
    }
    let places = [
        (&snapshot.primary, settings.preemptive_primary),
        (&snapshot.secondary, settings.preemptive_secondary),
    ];
    for (window, by_place) in places {
        let Some(window) = window else { continue };
        let threshold = match window.minutes {
            Some(minutes) if minutes >= LONG => settings.preemptive_secondary,
            Some(_) => settings.preemptive_primary,
            None => by_place,
        };
        take(&mut strain, window, threshold, snapshot, settings);
    }
    if !settings.preemptive_quota {
        strain.near_until = None;
    }
    strain
}

fn take(strain: &mut Strain, window: &Window, threshold: f64, snapshot: &Snapshot, settings: &Settings) {
    let guess = snapshot.at + settings.preemptive_max_deferral;
    let Some(used) = window.used.map(crate::base::Percent::value) else {
        // A refused request whose window names no share: believed, but not for long.
        if snapshot.status == 429 {
            let until = window.resets_at.map_or(guess, |reset| reset.min(guess));
            strain.empty_until = strain.empty_until.max(Some(until));
        }
        return;
    };
    if used >= 100.0 {
        let end = window.resets_at.or_else(|| Some(snapshot.at + Span::minutes(i64::from(window.minutes?))));
        match end {
            Some(end) => strain.empty_until = strain.empty_until.max(Some(end)),
            None => strain.near_until = strain.near_until.max(Some(guess)),
        }
    } else if used >= 100.0 - threshold {
        let until = window.resets_at.map_or(guess, |reset| reset.min(snapshot.at + TRUST));
        strain.near_until = strain.near_until.max(Some(until));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Percent;
    use crate::domain::quota::snapshot::{Credits, Source};

    const NOW: Moment = Moment::from_secs(1_000_000);

    fn window(used: f64, minutes: Option<u32>, reset: Option<i64>) -> Window {
        Window {
            used: Some(Percent::new(used)),
            minutes,
            resets_at: reset.map(|secs| NOW + Span::seconds(secs)),
            ..Window::default()
        }
    }

    fn snapshot(primary: Window, secondary: Option<Window>) -> Snapshot {
        Snapshot {
            primary: Some(primary),
            secondary,
            plan: None,
            limit_id: None,
            credits: None,
            status: 200,
            model: None,
            at: NOW,
            source: Source::Headers,
            ..Snapshot::default()
        }
    }

    #[test]
    fn every_kind_of_window_strains_as_it_should() {
        for (name, primary, secondary, empty, near) in [
            ("plenty left", window(94.9, Some(300), Some(600)), None, None, None),
            ("nearly empty waits for its reset", window(96.0, Some(300), Some(600)), None, None, Some(600)),
            ("99.6 % is not empty", window(99.6, Some(300), Some(600)), None, None, Some(600)),
            (
                "nearly empty without a reset waits two hours",
                window(96.0, None, None),
                None,
                None,
                Some(7_200),
            ),
            ("empty waits for its reset", window(100.0, Some(300), Some(600)), None, Some(600), None),
            (
                "empty without a reset waits for its length",
                window(100.0, Some(300), None),
                None,
                Some(18_000),
                None,
            ),
            ("empty without anything is only avoided", window(104.0, None, None), None, None, Some(7_200)),
            (
                "the later window counts",
                window(100.0, Some(300), Some(600)),
                Some(window(100.0, Some(10_080), Some(400_000))),
                Some(400_000),
                None,
            ),
            (
                "a far reset is not believed",
                window(97.0, Some(43_200), Some(2_000_000)),
                None,
                None,
                Some(604_800),
            ),
        ] {
            let strain = strain(&snapshot(primary, secondary), &Settings::default());
            let at = |secs: Option<i64>| secs.map(|secs| NOW + Span::seconds(secs));
            assert_eq!((strain.empty_until, strain.near_until), (at(empty), at(near)), "{name}");
        }
    }

    #[test]
    fn thresholds_follow_the_length_of_the_window_and_the_switch() {
        let settings =
            Settings { preemptive_primary: 5.0, preemptive_secondary: 20.0, ..Settings::default() };
        let weekly_first = snapshot(window(85.0, Some(10_080), Some(600)), None);
        assert!(strain(&weekly_first, &settings).near_until.is_some());

        let off = Settings { preemptive_quota: false, ..settings };
        assert_eq!(strain(&weekly_first, &off), Strain::default());
    }

    #[test]
    fn credits_outlast_an_empty_window() {
        let mut snapshot = snapshot(window(100.0, Some(300), Some(600)), None);
        snapshot.credits = Some(Credits { has: true, unlimited: false, balance: Some("5".to_owned()) });

        assert_eq!(strain(&snapshot, &Settings::default()), Strain::default());
    }
}
