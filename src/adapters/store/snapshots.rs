//! Hourly and daily snapshots of the pool (storage.md §3.1): three rotating backups do not reach back a day when
//! a proxy saves all the time.
//!
//! The first save of an hour and of a day is kept as it was saved. Nobody depends on a snapshot, so a failure
//! is logged and the save stands.

use std::io;

use crate::adapters::disk::atomic;
use crate::adapters::fault;
use crate::adapters::store::recover::names;
use crate::base::{Moment, calendar};
use crate::domain::places::Places;

/// How many of each kind are kept; 0 = none are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Keep {
    /// `snapshotHourlyKeep`.
    pub(super) hourly: usize,
    /// `snapshotDailyKeep`.
    pub(super) daily: usize,
}

#[cfg(test)]
impl Default for Keep {
    fn default() -> Self {
        Self { hourly: 24, daily: 7 }
    }
}

/// Keeps the text as the snapshot of its hour and of its day, where these have none yet.
pub(super) fn keep(places: &Places, text: &str, keep: Keep, at: Moment) {
    if let Err(error) = try_keep(places, text, keep, at) {
        tracing::warn!(%error, "the pool is saved, a snapshot of it is not");
    }
}

fn try_keep(places: &Places, text: &str, keep: Keep, at: Moment) -> io::Result<()> {
    let directory = places.snapshots();
    let hour = calendar::hour(at);
    let day = hour.split('T').next().unwrap_or_default();
    let known = names(&directory);
    // Under the pool lock nobody else is at work here: these are of writers that died.
    for name in known.iter().filter(|name| name.rsplit('.').next() == Some("tmp") && name.contains("ly-")) {
        let _ = atomic::remove(&directory.join(name));
    }
    for (kind, period, most) in [("hourly-", hour.as_str(), keep.hourly), ("daily-", day, keep.daily)] {
        let mut ours: Vec<&String> = known.iter().filter(|name| is_snapshot(name, kind)).collect();
        // A name tells its time, so the order of names is the order of time.
        ours.sort_unstable();
        let taken = ours.iter().any(|name| name.get(kind.len()..).is_some_and(|at| at.starts_with(period)));
        let made = usize::from(!taken && most > 0);
        if made > 0 {
            fault::pass("snapshot.begun")?;
            atomic::write(&directory.join(format!("{kind}{hour}.json")), text.as_bytes())?;
        }
        let surplus = (ours.len() + made).saturating_sub(most);
        for name in ours.into_iter().take(surplus) {
            atomic::remove(&directory.join(name))?;
        }
    }
    Ok(())
}

fn is_snapshot(name: &str, kind: &str) -> bool {
    let time = name.strip_prefix(kind).and_then(|rest| rest.strip_suffix(".json"));
    time.and_then(|time| time.split_once('T')).is_some_and(|(day, hour)| {
        let digits =
            |text: &str, count| text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
        digits(day, 8) && digits(hour, 2)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Span;

    const START: Moment = Moment::from_secs(1_790_000_000);

    fn listing(places: &Places) -> Vec<String> {
        let mut all = names(&places.snapshots());
        all.sort();
        all
    }

    #[test]
    fn the_first_save_of_an_hour_and_of_a_day_is_kept_as_saved() {
        let dir = tempfile::tempdir().unwrap();
        let places = Places::under(dir.path(), dir.path());

        keep(&places, "one", Keep::default(), START);
        keep(&places, "two", Keep::default(), START + Span::minutes(1));
        keep(&places, "three", Keep::default(), START + Span::hours(1));

        assert_eq!(
            listing(&places),
            ["daily-20260921T14.json", "hourly-20260921T14.json", "hourly-20260921T15.json"]
        );
        let text = |name: &str| std::fs::read_to_string(places.snapshots().join(name)).unwrap();
        assert_eq!(text("hourly-20260921T14.json"), "one");
        assert_eq!(text("hourly-20260921T15.json"), "three");
    }

    #[test]
    fn only_as_many_as_wanted_are_kept_and_other_files_stay() {
        let dir = tempfile::tempdir().unwrap();
        let places = Places::under(dir.path(), dir.path());
        atomic::write(&places.snapshots().join("hourly-mine.json"), b"x").unwrap();

        for hour in 0..60 {
            keep(&places, "text", Keep { hourly: 5, daily: 2 }, START + Span::hours(hour));
        }

        let all = listing(&places);
        assert_eq!(all.iter().filter(|name| name.starts_with("daily-")).count(), 2);
        assert_eq!(all.iter().filter(|name| is_snapshot(name, "hourly-")).count(), 5);
        assert_eq!(all.iter().filter(|name| name.starts_with("hourly-")).max().unwrap(), "hourly-mine.json");
        assert!(all.contains(&"hourly-20260924T01.json".to_owned()), "{all:?}");
    }

    #[test]
    fn nothing_is_kept_where_nothing_is_wanted() {
        let dir = tempfile::tempdir().unwrap();
        let places = Places::under(dir.path(), dir.path());

        keep(&places, "text", Keep { hourly: 0, daily: 0 }, START);

        assert!(!places.snapshots().exists());
    }
}
