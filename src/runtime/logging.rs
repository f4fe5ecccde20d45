//! Our own log: one JSON object per line in `<root>/logs/codex-multi-auth.<day>.jsonl`, 14 days of it, mode 0600.
//!
//! A line holds `timestamp`, `level`, `part` (who speaks), `message`, and what the speaker adds; accounts stand by their
//! short key. Whatever looks like a secret or an identity is masked once more on the way out. Nothing is opened before
//! the first line, so a command with nothing to say leaves no file. Lines are written by a thread of their own, those of
//! a quarter of a second together: a slow disk loses lines, it never holds a request, and a request costs no write.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tracing::level_filters::LevelFilter;
use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::Layer as _;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::adapters::clock::SystemClock;
use crate::adapters::disk::perms;
use crate::adapters::env::Env;
use crate::app::goal::Goal;
use crate::app::options::{Chatter, Face, Options};
use crate::base::redact;
use crate::ports::Clock as _;

/// Beginning of every file's name.
const NAME: &str = "codex-multi-auth";
const ENDING: &str = "jsonl";
/// Days that are kept.
const DAYS: usize = 14;
/// Lines that wait for the writing thread; more are lost.
const WAITING: usize = 8_192;
/// How long the first of several lines waits for the others.
const GATHERED: Duration = Duration::from_millis(250);
/// Bytes that are enough for a write.
const ENOUGH: usize = 64 * 1024;

/// The log of this process; what is still under way is written when it is dropped.
#[derive(Debug)]
pub(super) struct Log(Arc<Sink>);

/// Begins the log. A second one in the same process, as in a test, changes nothing.
pub(super) fn start(env: &Env, goal: &Goal, options: &Options, folder: PathBuf) -> Log {
    let level = level(env, goal, options.chatter);
    let sink = Arc::new(Sink { folder, open: Mutex::default() });
    let file = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_target(false)
        .with_writer(Lines(Arc::clone(&sink)))
        .with_filter(ours(level));
    let is_wanted = env.console_log.as_deref() == Some("1") || options.chatter == Chatter::Verbose;
    let console = (is_wanted && options.face != Face::Screen).then(|| {
        tracing_subscriber::fmt::layer()
            .with_target(false)
            .with_ansi(false)
            .without_time()
            .with_writer(io::stderr)
            .with_filter(ours(level))
    });
    let _ = tracing_subscriber::registry().with(file).with(console).try_init();
    Log(sink)
}

/// Lines of this program alone: what its libraries have to say names hosts and headers.
fn ours(level: LevelFilter) -> tracing_subscriber::filter::Targets {
    tracing_subscriber::filter::Targets::new().with_target("codex_multi_auth", level)
}

/// What runs for long tells what it does; one command tells what went wrong.
fn level(env: &Env, goal: &Goal, chatter: Chatter) -> LevelFilter {
    let usual = match goal {
        Goal::Run(_) if chatter != Chatter::Verbose => LevelFilter::ERROR,
        Goal::Run(_) => LevelFilter::DEBUG,
        Goal::Dashboard(_) | Goal::Forward(_) | Goal::Serve(_) => LevelFilter::INFO,
    };
    let named =
        env.log_level.as_deref().map(str::trim).and_then(|word| match word.to_ascii_lowercase().as_str() {
            "trace" => Some(LevelFilter::TRACE),
            "debug" => Some(LevelFilter::DEBUG),
            "info" => Some(LevelFilter::INFO),
            "warn" => Some(LevelFilter::WARN),
            "error" => Some(LevelFilter::ERROR),
            _ => None,
        });
    let lifted = [&env.debug_plugin, &env.request_logging].iter().any(|one| one.as_deref() == Some("1"));
    named.unwrap_or(if lifted { LevelFilter::DEBUG } else { usual })
}

/// Where lines go, opened by the first of them.
#[derive(Debug)]
struct Sink {
    folder: PathBuf,
    open: Mutex<Option<Open>>,
}

#[derive(Debug)]
struct Open {
    lines: Option<SyncSender<Vec<u8>>>,
    writer: Option<JoinHandle<()>>,
}

impl Sink {
    fn write(&self, line: &[u8]) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let open = open.get_or_insert_with(|| Open::new(&self.folder));
        if let Some(lines) = &open.lines {
            let _ = lines.try_send(redact::text(&String::from_utf8_lossy(line)).into_bytes());
        }
    }
}

impl Open {
    /// A folder that cannot be written to silences the log and nothing else.
    fn new(folder: &Path) -> Self {
        let Ok(daily) = Daily::open(folder) else { return Self { lines: None, writer: None } };
        let (lines, waiting) = sync_channel(WAITING);
        let writer = std::thread::Builder::new().name("log".to_owned()).spawn(move || write(daily, &waiting));
        Self { lines: Some(lines), writer: writer.ok() }
    }
}

/// Writes lines until nobody sends any more.
fn write(mut daily: Daily, waiting: &Receiver<Vec<u8>>) {
    while let Ok(mut lines) = waiting.recv() {
        let mut is_last = false;
        let mut left = GATHERED;
        let clock = SystemClock::new();
        let begun = clock.now();
        while lines.len() < ENOUGH && !left.is_zero() {
            match waiting.recv_timeout(left) {
                Ok(line) => lines.extend_from_slice(&line),
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => {
                    is_last = true;
                    break;
                }
            }
            left = GATHERED.saturating_sub(clock.now().since(begun).to_duration());
        }
        let _ = daily.write_all(&lines);
        if is_last {
            return;
        }
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        let mut open = self.0.open.lock().unwrap_or_else(PoisonError::into_inner);
        // The thread ends when it has written what is there.
        if let Some(open) = open.as_mut() {
            open.lines = None;
            if let Some(writer) = open.writer.take() {
                let _ = writer.join();
            }
        }
    }
}

/// One file per day, each for its owner alone.
struct Daily {
    folder: PathBuf,
    inner: RollingFileAppender,
    /// The day, in UTC as the library counts them, whose file is closed to others.
    day: i64,
}

impl Daily {
    fn open(folder: &Path) -> io::Result<Self> {
        perms::private_dir(folder)?;
        let inner = RollingFileAppender::builder()
            .rotation(Rotation::DAILY)
            .filename_prefix(NAME)
            .filename_suffix(ENDING)
            .max_log_files(DAYS)
            .build(folder)
            .map_err(io::Error::other)?;
        let daily = Self { folder: folder.to_owned(), inner, day: today() };
        daily.close_to_others()?;
        Ok(daily)
    }

    /// The library makes its files as the process's mask says; the folder is private either way.
    fn close_to_others(&self) -> io::Result<()> {
        let all = fs::read_dir(&self.folder)?.flatten().map(|entry| entry.path());
        for path in all.filter(|path| is_log(path)) {
            perms::tighten(&path);
        }
        Ok(())
    }
}

fn today() -> i64 {
    /// Milliseconds of a day.
    const DAY: i64 = 86_400_000;
    SystemClock::new().now().millis().div_euclid(DAY)
}

fn is_log(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    name.starts_with(NAME) && path.extension().is_some_and(|ending| ending == ENDING)
}

impl Write for Daily {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(line)?;
        let today = today();
        if today != self.day {
            self.day = today;
            let _ = self.close_to_others();
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Hands whole lines to the sink.
struct Lines(Arc<Sink>);

struct Line<'a>(&'a Sink);

impl Write for Line<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.write(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Self::Writer {
        Line(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_tells_what_went_wrong_and_a_service_what_it_does() {
        let run = Goal::Run(crate::app::goal::Command::Monitor);
        let serve = Goal::Serve(crate::app::goal::Serving::default());
        let env = |name: &str, value: &str| Env::from(|asked| (asked == name).then(|| value.to_owned()));

        assert_eq!(level(&env("", ""), &run, Chatter::Normal), LevelFilter::ERROR);
        assert_eq!(level(&env("", ""), &serve, Chatter::Normal), LevelFilter::INFO);
        assert_eq!(level(&env("DEBUG_CODEX_PLUGIN", "1"), &run, Chatter::Normal), LevelFilter::DEBUG);
        assert_eq!(
            level(&env("CODEX_PLUGIN_LOG_LEVEL", " Warn "), &serve, Chatter::Normal),
            LevelFilter::WARN
        );
        assert_eq!(level(&env("CODEX_PLUGIN_LOG_LEVEL", "loud"), &serve, Chatter::Normal), LevelFilter::INFO);
    }
}
