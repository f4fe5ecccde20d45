//! Named places at which a test may end the process or make the disk fail; debug builds only.
//!
//! `CODEX_MULTI_AUTH_FAULT=<point>[:n]` aborts, without unwinding, at the n-th passage; with `=ENOSPC`, `EACCES`,
//! `EROFS` or `EIO` behind it that error is returned there instead, and with `=PANIC` it panics. `TRACE=<file>` ends nothing and appends
//! the name of each point that is passed, so a test knows what there is to cut. The list below is the only one: a test walks
//! it, so a point nobody crashes at cannot be added.

use std::io;

/// Every point there is. The `disk.` ones are passed by every whole-file write, so counting their passages reaches
/// each write of each operation, also of those without points of their own.
pub const POINTS: &[&str] = &[
    "disk.staged",
    "disk.written",
    "disk.synced",
    "disk.renamed",
    "save.locked",
    "backup.staged",
    "backup.shifted",
    "save.rotated",
    "save.journalled",
    "save.written",
    "save.synced",
    "save.renamed",
    "save.cleaned",
    "snapshot.begun",
    "refresh.locked",
    "refresh.leased",
    "refresh.intent",
    "refresh.sent",
    "refresh.answered",
    "refresh.result",
    "refresh.saved",
    "refresh.remembered",
    "refresh.mirrored",
    "refresh.cleared",
    "adopt.saved",
    "verdict.lost",
    "verdict.marked",
    "verdict.dead",
    "verdict.buried",
    "verdict.aside",
    "mirror.aside",
    "mirror.beside",
    "mirror.staged",
    "mirror.written",
    "backup.written",
    "restore.kept",
    "import.merged",
    "flag.written",
    "reclaim.saved",
    "reset.marked",
    "reset.removed",
    "settings.locked",
    "settings.backed",
    "settings.written",
    "settings.renamed",
    "bind.state",
    "bind.router",
    "bind.key",
    "bind.startup",
    "unbind.stopped",
    "unbind.key",
    "frame.drawn",
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

    static ORDER: OnceLock<Option<Order>> = OnceLock::new();
    static PASSED: AtomicU32 = AtomicU32::new(0);

    debug_assert!(POINTS.contains(&point), "{point} is not in the list");
    let order = ORDER.get_or_init(|| crate::adapters::env::fault().and_then(|text| Order::parse(&text)));
    let fault = match order {
        None => return Ok(()),
        Some(Order::Trace(file)) => return note(file, point),
        Some(Order::Fault(fault)) => fault,
    };
    if fault.point != point || PASSED.fetch_add(1, Ordering::SeqCst) + 1 != fault.passage {
        return Ok(());
    }
    match fault.end {
        End::Error(code) => Err(io::Error::from_raw_os_error(code)),
        End::Abort => std::process::abort(),
        End::Panic => panic_here(point),
    }
}

#[cfg(debug_assertions)]
#[expect(clippy::panic, reason = "a test asked for it")]
fn panic_here(point: &str) -> ! {
    panic!("fault at {point}")
}

/// Appends one line in one write, so that threads do not mix theirs.
#[cfg(debug_assertions)]
fn note(file: &str, point: &str) -> io::Result<()> {
    use std::io::Write as _;

    let mut trace = std::fs::OpenOptions::new().create(true).append(true).open(file)?;
    trace.write_all(format!("{point}\n").as_bytes())
}

/// What a test wants of the points.
#[cfg(debug_assertions)]
#[derive(Debug, PartialEq, Eq)]
enum Order {
    Fault(Fault),
    Trace(String),
}

#[cfg(debug_assertions)]
impl Order {
    fn parse(text: &str) -> Option<Self> {
        match text.strip_prefix("TRACE=") {
            Some(file) => Some(Self::Trace(file.to_owned())),
            None => Fault::parse(text).map(Self::Fault),
        }
    }
}

#[cfg(debug_assertions)]
#[derive(Debug, PartialEq, Eq)]
struct Fault {
    point: String,
    passage: u32,
    end: End,
}

#[cfg(debug_assertions)]
#[derive(Debug, PartialEq, Eq)]
enum End {
    Abort,
    Panic,
    Error(i32),
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
        let end = match error {
            None => End::Abort,
            Some("PANIC") => End::Panic,
            Some("EACCES") => End::Error(13),
            Some("EIO") => End::Error(5),
            Some("ENOSPC") => End::Error(28),
            Some("EROFS") => End::Error(30),
            Some(_) => return None,
        };
        POINTS.contains(&point).then(|| Self { point: point.to_owned(), passage, end })
    }
}

#[cfg(all(test, debug_assertions))]
mod tests {
    use super::*;

    #[test]
    fn a_fault_names_point_passage_and_error() {
        let fault = |point: &str, passage, end| Some(Fault { point: point.to_owned(), passage, end });

        assert_eq!(Fault::parse("save.locked"), fault("save.locked", 1, End::Abort));
        assert_eq!(Fault::parse("save.synced:3=ENOSPC"), fault("save.synced", 3, End::Error(28)));
        assert_eq!(Fault::parse("frame.drawn:2=PANIC"), fault("frame.drawn", 2, End::Panic));
        assert_eq!(Fault::parse("save.nowhere"), None);
        assert_eq!(Fault::parse("save.locked=EWHAT"), None);
    }

    #[test]
    fn a_trace_names_its_file() {
        assert_eq!(Order::parse("TRACE=/tmp/a=b"), Some(Order::Trace("/tmp/a=b".to_owned())));
        assert_eq!(Order::parse("save.nowhere"), None);
    }
}
