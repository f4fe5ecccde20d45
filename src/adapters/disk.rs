//! Files: whole-file atomic writes, locks, appended lines, watching, permissions.

pub mod atomic;
pub mod jsonl;
pub mod lock;
pub mod perms;
pub mod watch;
