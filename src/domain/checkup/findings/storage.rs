//! The pool's files and what lies around them.

use crate::base::calendar;
use crate::domain::checkup::Finding;
use crate::domain::checkup::facts::Facts;
use crate::domain::checkup::findings::{count, counted, some};
use crate::domain::checkup::repair::Repair;
use crate::domain::problem::Hint;
use crate::domain::recovery::Health;

/// A pool needs little, but a full disk loses a refreshed token.
const SCARCE: u64 = 100 << 20;
const TOO_LITTLE: u64 = 10 << 20;

pub(super) fn pool(facts: &Facts, all: &mut Vec<Finding>) {
    let path = facts.paths.pool.display();
    match &facts.files.size {
        None => {
            all.push(Finding::warn("storage-file", "There is no pool file yet").details(path.to_string()));
        }
        Some(size) => {
            if size.is_ok() {
                all.push(Finding::ok("storage-file", "The pool file exists").details(path.to_string()));
            }
            all.push(match size {
                Err(why) => {
                    Finding::error("storage-readable", format!("The pool file cannot be read: {why}"))
                        .details(path.to_string())
                        .hint("Look what stands there, and who may read it")
                }
                Ok(0) => Finding::warn("storage-readable", "The pool file is empty"),
                Ok(_) => Finding::ok("storage-readable", "The pool file can be read"),
            });
        }
    }
    all.push(health(facts));
    all.push(match facts.files.copies {
        0 => Finding::info("storage-backups", "There is no copy of the pool yet")
            .hint("The next command that changes the pool makes one"),
        copies => {
            Finding::ok("storage-backups", format!("{} can be read", counted(copies, "copy", "copies")))
        }
    });
}

fn health(facts: &Facts) -> Finding {
    const KEY: &str = "storage-health";
    let Some(trouble) = &facts.pool.trouble else {
        return match facts.pool.health {
            Health::Healthy => Finding::ok(KEY, "The pool is healthy"),
            Health::Empty => Finding::info(KEY, "The pool has no accounts"),
            Health::IntentionalReset => Finding::info(KEY, "All accounts were deleted on purpose"),
            Health::Recoverable => Finding::warn(KEY, "The pool was damaged and is read from a copy")
                .hint("The next command that changes it saves it anew"),
            Health::Corrupt => Finding::error(KEY, "The pool is damaged"),
        };
    };
    let finding = Finding::error(KEY, trouble.what.clone());
    if trouble.code != "storage-corrupt" {
        let said =
            trouble.hints.iter().find_map(|hint| if let Hint::Say(text) = hint { Some(text) } else { None });
        return match said {
            Some(text) => finding.hint(text.clone()),
            None => finding,
        };
    }
    match &facts.pool.copy {
        Some(copy) => finding
            .hint("Run `codex-multi-auth doctor --fix` to restore the newest copy")
            .repaired_by(Repair::Restore { from: copy.path.clone(), accounts: copy.accounts }),
        None => finding.hint("No copy can be read; sign in again, the damaged file is kept in quarantine"),
    }
}

pub(super) fn around(facts: &Facts, all: &mut Vec<Finding>) {
    let files = &facts.files;
    if let Some(why) = &files.unwritable {
        all.push(
            Finding::error("storage-writable", format!("The folder cannot be written: {why}"))
                .details(facts.paths.root.display().to_string())
                .hint("Make it a folder you may write to, or set `CODEX_MULTI_AUTH_DIR` to one that is"),
        );
    }
    // What cannot be written cannot be mended: the finding above says what to do first.
    let mended = |finding: Finding, repair: Repair| match files.unwritable {
        None => finding.repaired_by(repair),
        Some(_) => finding,
    };
    if let Some(since) = files.reset_since {
        all.push(
            Finding::info("reset-marker", "A deletion of all accounts is marked")
                .details(format!("since {}", calendar::rfc3339(since)))
                .hint("It ends with the next account that is added"),
        );
    }
    all.push(match files.loose.len() {
        0 => Finding::ok("permissions", "Files and folders are private"),
        loose => mended(
            Finding::warn("permissions", format!("{} can be read by others", count(loose, "path")))
                .details(some(files.loose.iter().map(|path| path.display()))),
            Repair::Tighten(files.loose.clone()),
        ),
    });
    if !files.foreign.is_empty() {
        all.push(
            Finding::error("owner", format!("{} belong to another user", count(files.foreign.len(), "path")))
                .details(some(files.foreign.iter().map(|path| path.display())))
                .hint("Run the program as the owner of these files"),
        );
    }
    match &files.locking {
        Some(Ok(())) => all.push(Finding::ok("locking", "The file system locks files")),
        Some(Err(why)) => {
            all.push(Finding::warn("locking", format!("The file system does not lock files: {why}")).hint(
                "Lock files of our own stand in; put the folder on a local disk with CODEX_MULTI_AUTH_DIR",
            ));
        }
        None => {}
    }
    all.push(match files.leftovers.len() {
        0 => Finding::ok("stale-files", "No crashed program left anything behind"),
        left => mended(
            Finding::warn("stale-files", format!("Crashed programs left {}", count(left, "file")))
                .details(some(files.leftovers.iter().map(|path| path.display()))),
            Repair::Sweep(files.leftovers.clone()),
        ),
    });
    if files.unclaimed_results > 0 {
        let results = count(files.unclaimed_results, "refresh result");
        all.push(Finding::info("refresh-results", format!("{results} belong to no account of the pool")));
    }
    if !files.quarantine.is_empty() {
        all.push(
            Finding::info("quarantine", format!("{} in quarantine", count(files.quarantine.len(), "file")))
                .details(some(&files.quarantine))
                .hint("Files that could not be read are kept there for 90 days"),
        );
    }
    match files.free {
        Some(free) if free < TOO_LITTLE => {
            all.push(Finding::error("disk-space", "The disk is full").details(format!("{free} bytes free")));
        }
        Some(free) if free < SCARCE => {
            let free = free >> 20;
            all.push(Finding::warn("disk-space", format!("Only {free} MiB are free where the pool is")));
        }
        Some(_) => all.push(Finding::ok("disk-space", "There is room on the disk")),
        None => {}
    }
    if !files.from_the_future.is_empty() {
        all.push(
            Finding::warn("clock", "Files are newer than the clock says it is")
                .details(some(files.from_the_future.iter().map(|path| path.display())))
                .hint("Set the clock; times of tokens and limits are compared with it"),
        );
    }
    if !files.legacy.is_empty() {
        all.push(
            Finding::info("legacy-files", format!("{} of older versions", count(files.legacy.len(), "file")))
                .details(some(files.legacy.iter().map(|path| path.display())))
                .hint("They are read where nothing newer exists, and never deleted"),
        );
    }
}
