//! `ext/history-migration.json`: that sessions of the original package were looked for, and the user told of them.

use crate::base::Moment;
use crate::formats::lossless::Object;

/// The file's text.
pub fn print(at: Moment, sessions: usize) -> String {
    let mut object = Object::default();
    object.set("version", 1);
    object.set("at", at.millis());
    object.set("sessions", sessions);
    object.to_pretty() + "\n"
}
