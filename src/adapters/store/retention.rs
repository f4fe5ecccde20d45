//! What may be forgotten: files in quarantine, after a time in which anybody would have missed them.

use std::fs;

use crate::adapters::store::recover::{modified, names};
use crate::base::{Moment, Span};
use crate::domain::places::Places;

/// How long a file stays in quarantine.
const QUARANTINED: Span = Span::days(90);
/// The newest ones stay whatever their age.
const NEVER_BELOW: usize = 5;

/// Removes what has been in quarantine for too long. Only files with a time in front of their name are ours.
pub(super) fn sweep_quarantine(places: &Places, at: Moment) {
    let directory = places.quarantine();
    let mut ours: Vec<String> = names(&directory).into_iter().filter(|name| is_quarantined(name)).collect();
    if ours.len() <= NEVER_BELOW {
        return;
    }
    // The time in front makes the order of names the order of time.
    ours.sort_unstable();
    ours.truncate(ours.len() - NEVER_BELOW);
    for name in ours {
        let path = directory.join(name);
        if modified(&path).is_some_and(|since| at.since(since) > QUARANTINED) {
            let _ = fs::remove_file(path);
        }
    }
}

fn is_quarantined(name: &str) -> bool {
    name.split_once('-').is_some_and(|(stamp, _)| {
        let time = stamp.strip_suffix('Z').and_then(|stamp| stamp.split_once('T'));
        let digits =
            |text: &str, count| text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
        time.is_some_and(|(day, time)| digits(day, 8) && digits(time, 9))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::disk::atomic;
    use crate::base::calendar;
    use std::time::{Duration, SystemTime};

    #[test]
    fn old_files_leave_quarantine_but_never_the_newest_five_nor_what_is_not_ours() {
        let dir = tempfile::tempdir().unwrap();
        let places = Places::under(dir.path(), dir.path());
        let now = Moment::from_secs(1_790_000_000);
        let put = |name: String, days: i64| {
            let at = now - Span::days(days);
            let path = places.quarantine().join(name.replace("AT", &calendar::stamp(at)));
            atomic::write(&path, b"x").unwrap();
            let time = SystemTime::UNIX_EPOCH + Duration::from_millis(u64::try_from(at.millis()).unwrap());
            fs::OpenOptions::new().write(true).open(path).unwrap().set_modified(time).unwrap();
        };
        for days in [300, 200, 100, 99, 98, 97] {
            put("AT-pool.json".to_owned(), days);
        }
        put("AT-pool.json".to_owned(), 80);
        put("mine.json".to_owned(), 400);

        sweep_quarantine(&places, now);

        let left = names(&places.quarantine());
        assert_eq!(left.len(), 6, "{left:?}");
        assert!(left.contains(&"mine.json".to_owned()));
        assert!(!left.iter().any(|name| name.starts_with(&calendar::stamp(now - Span::days(200)))));
    }
}
