//! A lock on file systems that know none: a file that only one process can make.
//!
//! It names process and host, and its owner writes it anew every ten seconds. One whose owner is dead on this
//! host, or that nobody renewed for thirty seconds of the file system's own time, may be taken away; who does it
//! moves it aside first and looks at what he moved, so that two of them never take the same one.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use crate::adapters::disk::perms;

/// How often an owner renews.
const BEAT: Duration = Duration::from_secs(10);
/// Without a sign of life for this long a claim is nobody's.
const DEAD: Duration = Duration::from_secs(30);

/// A file that stands for a lock; removed when dropped.
#[derive(Debug)]
pub(super) struct Claim {
    path: PathBuf,
    text: String,
    stop: Option<Sender<()>>,
    beat: Option<JoinHandle<()>>,
}

impl Claim {
    /// Makes the claim, unless somebody alive has one.
    pub(super) fn make(lock: &Path) -> io::Result<Option<Self>> {
        let path = beside(lock);
        let text = format!("{} {} {}\n", std::process::id(), host(), perms::random_hex());
        if !write_new(&path, &text)? {
            if !is_stale(&path)? {
                return Ok(None);
            }
            take_away(&path)?;
            if !write_new(&path, &text)? {
                return Ok(None);
            }
        }
        let (stop, stopped) = mpsc::channel();
        let (target, line) = (path.clone(), text.clone());
        let beat = std::thread::Builder::new().name("lock".to_owned()).spawn(move || {
            while stopped.recv_timeout(BEAT) == Err(RecvTimeoutError::Timeout) {
                // Writing it anew lets the file system set the time, whatever our clock says.
                if is_text(&target, &line) {
                    let _ = fs::write(&target, &line);
                }
            }
        })?;
        Ok(Some(Self { path, text, stop: Some(stop), beat: Some(beat) }))
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(beat) = self.beat.take() {
            let _ = beat.join();
        }
        if is_text(&self.path, &self.text) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// The process that has the claim.
pub(super) fn holder(lock: &Path) -> Option<u32> {
    fs::read_to_string(beside(lock)).ok()?.split_whitespace().next()?.parse().ok()
}

fn beside(lock: &Path) -> PathBuf {
    let mut name = lock.as_os_str().to_owned();
    name.push(".claim");
    PathBuf::from(name)
}

fn write_new(path: &Path, text: &str) -> io::Result<bool> {
    match perms::new_file().open(path) {
        Ok(mut file) => file.write_all(text.as_bytes()).map(|()| true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

fn is_text(path: &Path, text: &str) -> bool {
    fs::read_to_string(path).is_ok_and(|there| there == text)
}

fn is_stale(path: &Path) -> io::Result<bool> {
    let Ok(text) = fs::read_to_string(path) else { return Ok(true) };
    let mut words = text.split(' ');
    let pid = words.next().and_then(|pid| pid.parse().ok());
    let here = host();
    let ours = !here.is_empty() && words.next() == Some(here.as_str());
    if ours && pid.is_some_and(|pid| !perms::process_lives(pid)) {
        return Ok(true);
    }
    let Ok(renewed) = fs::metadata(path).and_then(|meta| meta.modified()) else { return Ok(true) };
    Ok(now_there(path)?.duration_since(renewed).is_ok_and(|silent| silent > DEAD))
}

/// The time as the file system sees it: that of a server, on a network mount.
fn now_there(path: &Path) -> io::Result<SystemTime> {
    let probe = path.with_extension(perms::random_hex());
    let made = perms::new_file().open(&probe).and_then(|file| file.metadata()?.modified());
    let _ = fs::remove_file(&probe);
    made
}

fn take_away(path: &Path) -> io::Result<()> {
    let Ok(seen) = fs::read_to_string(path) else { return Ok(()) };
    let aside = path.with_extension(perms::random_hex());
    match fs::rename(path, &aside) {
        Ok(()) if is_text(&aside, &seen) => fs::remove_file(&aside),
        // Somebody was faster and made his own in between: it goes back, unless there is another one by now.
        Ok(()) => {
            let _ = fs::hard_link(&aside, path);
            fs::remove_file(&aside)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// What this machine calls itself; empty where it does not say.
fn host() -> String {
    let name =
        ["/proc/sys/kernel/hostname", "/etc/hostname"].iter().find_map(|path| fs::read_to_string(path).ok());
    name.map(|name| name.trim().replace(char::is_whitespace, "-")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claimed(text: &str, age: Duration) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let lock = dir.path().join("x.lock");
        fs::write(beside(&lock), text).unwrap();
        let now = now_there(&beside(&lock)).unwrap();
        fs::OpenOptions::new().write(true).open(beside(&lock)).unwrap().set_modified(now - age).unwrap();
        (dir, lock)
    }

    #[test]
    fn a_claim_is_taken_over_only_from_the_dead_and_the_silent() {
        let living = format!("{} {} aa\n", std::process::id(), host());
        let dead = format!("{} {} aa\n", i32::MAX, host());
        let far = "1 another-host aa\n".to_owned();
        let (fresh, silent) = (Duration::from_secs(1), Duration::from_secs(31));
        for (name, text, age, free) in [
            ("a living process", &living, fresh, false),
            ("a dead process", &dead, fresh, true),
            ("a process elsewhere", &far, fresh, false),
            ("a silent process elsewhere", &far, silent, true),
        ] {
            let (_dir, lock) = claimed(text, age);

            let claim = Claim::make(&lock).unwrap();

            assert_eq!(claim.is_some(), free, "{name}");
        }
    }

    #[test]
    fn a_claim_is_gone_after_its_owner_and_never_somebody_elses() {
        let dir = tempfile::tempdir().unwrap();
        let lock = dir.path().join("x.lock");
        let first = Claim::make(&lock).unwrap().unwrap();
        fs::write(beside(&lock), "1 another-host aa\n").unwrap();

        drop(first);

        assert_eq!(holder(&lock), Some(1));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
