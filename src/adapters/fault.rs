//! Named places at which a test may end the process or make the disk fail; debug builds only.
//!
//! `CODEX_MULTI_AUTH_FAULT=<point>[:n]` aborts, without unwinding, at the n-th passage; with `=ENOSPC`, `EACCES`,
//! `EROFS` or `EIO` behind it that error is returned there instead. The list below is the only one: a test walks
//! it, so a point nobody crashes at cannot be added.

use std::io;

/// Every point there is.
pub const POINTS: [&str; 15] = [
    "save.locked",
    "save.rotated",
    "save.journalled",
    "save.written",
    "save.synced",
    "save.renamed",
    "save.cleaned",
    "refresh.locked",
    "refresh.intent",
    "refresh.sent",
    "refresh.answered",
    "refresh.result",
    "refresh.saved",
    "refresh.mirrored",
    "refresh.cleared",
];

/// Passes a point.
///
/// # Errors
/// The error a test asked for; never in a release build.
#[cfg(not(debug_assertions))]
#[inline]
pub fn pass(_point: &str) -> io::Result<()> {
    Ok(())
}

/// Passes a point.
///
/// # Errors
/// The error a test asked for; never in a release build.
#[cfg(debug_assertions)]
pub fn pass(point: &str) -> io::Result<()> {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU32, Ordering};

    static FAULT: OnceLock<Option<Fault>> = OnceLock::new();
    static PASSED: AtomicU32 = AtomicU32::new(0);

    debug_assert!(POINTS.contains(&point), "{point} is not in the list");
    let Some(fault) =
        FAULT.get_or_init(|| crate::adapters::env::fault().and_then(|text| Fault::parse(&text)))
    else {
        return Ok(());
    };
    if fault.point != point || PASSED.fetch_add(1, Ordering::SeqCst) + 1 != fault.passage {
        return Ok(());
    }
    match fault.code {
        Some(code) => Err(io::Error::from_raw_os_error(code)),
        None => std::process::abort(),
    }
}

#[cfg(debug_assertions)]
#[derive(Debug, PartialEq, Eq)]
struct Fault {
    point: String,
    passage: u32,
    code: Option<i32>,
}

#[cfg(debug_assertions)]
impl Fault {
    fn parse(text: &str) -> Option<Self> {
        let (place, error) = match text.split_once('=') {
            Some((place, error)) => (place, Some(error)),
            None => (text, None),
        };
        let (point, passage) = match place.split_once(':') {
            Some((point, passage)) => (point, passage.parse().ok()?),
            None => (place, 1),
        };
        let code = match error {
            None => None,
            Some("EACCES") => Some(13),
            Some("EIO") => Some(5),
            Some("ENOSPC") => Some(28),
            Some("EROFS") => Some(30),
            Some(_) => return None,
        };
        POINTS.contains(&point).then(|| Self { point: point.to_owned(), passage, code })
    }
}

#[cfg(all(test, debug_assertions))]
mod tests {
    use super::*;

    #[test]
    fn a_fault_names_point_passage_and_error() {
        let fault = |point: &str, passage, code| Some(Fault { point: point.to_owned(), passage, code });

        assert_eq!(Fault::parse("save.locked"), fault("save.locked", 1, None));
        assert_eq!(Fault::parse("save.synced:3=ENOSPC"), fault("save.synced", 3, Some(28)));
        assert_eq!(Fault::parse("save.nowhere"), None);
        assert_eq!(Fault::parse("save.locked=EWHAT"), None);
    }
}
