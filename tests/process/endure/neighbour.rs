//! A running 2.8.7: it takes no lock, reads the pool, waits, and writes its whole document back in its own order.
//!
//! What can be promised beside it is less than among ourselves. Our save compares the file once more right before the
//! rename, so what it wrote is taken in and not written over. The other way round nobody can help: a change of ours
//! that falls between its reading and its writing is undone by it, and these tests allow exactly that and no more.
//! Tokens are safe even then, because the result of a refresh stays on disk until the pool has it.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use codex_multi_auth::domain::identity::sha256_hex;
use fastrand::Rng;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::pause;
use crate::support::dirs::Home;

/// When it read, and when it had written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Turn {
    pub(super) read: Instant,
    pub(super) written: Instant,
}

/// A writer on a thread of its own.
pub(super) struct Neighbour {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<(Vec<Turn>, Vec<String>)>,
}

/// When it writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Aim {
    /// Whenever it likes.
    Random,
    /// The moment our journal is there: between our reading and our rename.
    AtOurSaves,
}

impl Neighbour {
    pub(super) fn start(home: &Home, aim: Aim, seed: u64) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&stop);
        let pool = home.root().join("openai-codex-accounts.json");
        let thread = std::thread::spawn(move || live(&pool, aim, &flag, &mut Rng::with_seed(seed)));
        Self { stop, thread }
    }

    /// Its turns, and the addresses of the accounts it signed in.
    pub(super) fn finish(self) -> (Vec<Turn>, Vec<String>) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("the neighbour goes on")
    }
}

fn live(pool: &PathBuf, aim: Aim, stop: &AtomicBool, rng: &mut Rng) -> (Vec<Turn>, Vec<String>) {
    let mut turns = Vec::new();
    let mut guests = Vec::new();
    let journal = with(pool, ".wal");
    while !stop.load(Ordering::Relaxed) {
        match aim {
            Aim::Random => pause(Duration::from_millis(rng.u64(50..400))),
            Aim::AtOurSaves if journal.exists() => {}
            Aim::AtOurSaves => {
                pause(Duration::from_micros(50));
                continue;
            }
        }
        let read = Instant::now();
        let Some(mut document) =
            fs::read(pool).ok().and_then(|text| serde_json::from_slice::<Value>(&text).ok())
        else {
            continue;
        };
        let rows = document["accounts"].as_array_mut().expect("rows");
        let first = rng.usize(0..rows.len());
        rows[first]["lastUsed"] = rng.u64(1_790_000_000_000..1_790_100_000_000).into();
        if guests.len() < 5 && rng.u8(0..3) == 0 {
            let number = guests.len();
            let email = format!("guest-{number}@example.com");
            rows.push(json!({
                "accountId": format!("guest-workspace-{number}"), "email": email,
                "refreshToken": format!("rt_guest_{number}"), "addedAt": 1_790_000_000_000_u64,
                "lastUsed": 1_790_000_000_000_u64,
            }));
            guests.push(email);
        }
        if aim == Aim::Random {
            pause(Duration::from_millis(rng.u64(0..30)));
        }
        save(pool, &document, aim, rng);
        turns.push(Turn { read, written: Instant::now() });
        if aim == Aim::AtOurSaves {
            // A save starts over five times at most, so not all of them may be hit.
            pause(Duration::from_millis(rng.u64(20..120)));
        }
    }
    (turns, guests)
}

/// The order of storage.md §6.1. Aimed, only the rename matters, and it has to be quick.
fn save(pool: &PathBuf, document: &Value, aim: Aim, rng: &mut Rng) {
    let text = serde_json::to_string_pretty(document).expect("printable");
    if aim == Aim::Random {
        for (from, to) in [(".bak.1", ".bak.2"), (".bak", ".bak.1"), ("", ".bak")] {
            let staged = with(pool, &format!("{to}.rotate.{}.tmp", rng.u32(..)));
            if fs::copy(with(pool, from), &staged).is_ok() {
                fs::rename(&staged, with(pool, to)).expect("the backup");
            }
        }
        let entry = json!({
            "version": 1, "path": pool.display().to_string(), "checksum": sha256_hex(text.as_bytes()), "content": text,
        });
        write(&with(pool, ".wal"), &entry.to_string());
    }
    let staged = with(pool, &format!(".{}.1790000000000.{:08x}.tmp", std::process::id(), rng.u32(..)));
    write(&staged, &text);
    fs::rename(&staged, pool).expect("the pool");
    if aim == Aim::Random {
        let _ = fs::remove_file(with(pool, ".wal"));
    }
}

fn write(path: &PathBuf, text: &str) {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .expect("writable");
    file.write_all(text.as_bytes()).expect("written");
}

fn with(pool: &std::path::Path, suffix: &str) -> PathBuf {
    let name = pool.file_name().expect("a name").to_string_lossy();
    pool.with_file_name(format!("{name}{suffix}"))
}
