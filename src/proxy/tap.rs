//! The passive reader beside the relay (runtime.md DB-28): it sees the bytes of a stream on their way and hands the
//! turn the facts in them. It never delays, alters or keeps a byte, and a stream it cannot read is relayed all the
//! same.

use std::collections::VecDeque;

use crate::base::Moment;
use crate::formats::events::{self, Fact};
use crate::formats::sse::{Scan, Want};

/// Reads one response stream.
#[derive(Debug, Default)]
pub(super) struct Tap {
    scan: Scan,
}

impl Tap {
    /// Reads the next bytes and appends the facts of all events that end in them.
    pub(super) fn read(&mut self, chunk: &[u8], at: Moment, facts: &mut VecDeque<Fact>) {
        let had_given_up = self.scan.has_given_up();
        self.scan.feed(chunk, want, |event| facts.push_back(events::sse(event.name, event.data, at)));
        if !had_given_up && self.scan.has_given_up() {
            // Whatever it was, it is output; a turn that waits for the first output must not wait forever.
            facts.push_back(Fact::Output);
        }
    }
}

/// Deltas and echoes make up the bulk of a stream and say nothing but that they are there.
fn want(name: &str) -> Want {
    const READ: [&str; 5] = [
        "response.completed",
        "response.done",
        "response.incomplete",
        "response.failed",
        "response.output_item.done",
    ];
    if name.starts_with("response.") && !READ.contains(&name) { Want::Name } else { Want::Data }
}
