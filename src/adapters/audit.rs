//! Appends to the audit log and rotates it: five files of 10 MiB, 0600. A log that cannot be written is told to
//! our own log and stops nothing, because the change it would tell of has happened.

use std::fs;
use std::io;

use crate::adapters::disk::lock::FileLock;
use crate::adapters::disk::{jsonl, perms};
use crate::domain::audit::Record;
use crate::domain::places::Places;
use crate::formats::audit;

/// Size at which a file is full.
const FULL: u64 = 10 * 1024 * 1024;
/// Files kept beside the current one.
const OLDER: usize = 4;

/// Appends entries.
pub fn append(places: &Places, records: &[Record]) {
    if records.is_empty() {
        return;
    }
    if let Err(error) = try_append(places, records) {
        tracing::warn!(%error, "the audit log could not be written");
    }
}

fn try_append(places: &Places, records: &[Record]) -> io::Result<()> {
    let path = places.audit_log();
    perms::private_dir(&places.logs())?;
    if fs::metadata(&path).is_ok_and(|meta| meta.len() >= FULL) {
        rotate(places)?;
    }
    let lines: String = records.iter().map(|record| audit::print(record) + "\n").collect();
    jsonl::append(&path, &lines)
}

/// `audit.log` → `audit.1.log` → … → `audit.4.log`. Who finds another process at it leaves it to that one.
fn rotate(places: &Places) -> io::Result<()> {
    let Some(_lock) = FileLock::try_now(&places.lock("audit"))? else { return Ok(()) };
    let path = places.audit_log();
    if fs::metadata(&path).map_or(0, |meta| meta.len()) < FULL {
        return Ok(());
    }
    let numbered = |number: usize| places.logs().join(format!("audit.{number}.log"));
    for number in (1..OLDER).rev() {
        match fs::rename(numbered(number), numbered(number + 1)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
    }
    fs::rename(path, numbered(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Moment;
    use crate::domain::audit::{Action, Ending};

    #[test]
    fn a_full_log_makes_room_and_the_oldest_goes() {
        let dir = tempfile::tempdir().unwrap();
        let places = Places::under(dir.path().join("root"), dir.path().join("codex"));
        let record = Record {
            at: Moment::EPOCH,
            action: Action::AccountSwitch,
            actor: None,
            resource: "pool".to_owned(),
            ending: Ending::Success,
            more: Vec::new(),
        };
        for _ in 0..7 {
            append(&places, std::slice::from_ref(&record));
            fs::OpenOptions::new().write(true).open(places.audit_log()).unwrap().set_len(FULL).unwrap();
        }
        append(&places, std::slice::from_ref(&record));

        let mut names: Vec<String> = fs::read_dir(places.logs())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        assert_eq!(names, ["audit.1.log", "audit.2.log", "audit.3.log", "audit.4.log", "audit.log"]);
        assert_eq!(fs::read_to_string(places.audit_log()).unwrap().lines().count(), 1);
    }
}
