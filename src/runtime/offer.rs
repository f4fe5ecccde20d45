//! Told once on a terminal: that the original package left sessions or files, and which command takes care of them
//! (forwarder.md §13). Bounded, so that no launch waits for it; nothing is changed by itself.

use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

use crate::adapters::codex::refile;
use crate::adapters::disk::atomic;
use crate::adapters::leftovers::Leftovers;
use crate::app::goal::Goal;
use crate::app::options::{Chatter, Face, Options};
use crate::formats::offered;
use crate::ports::Clock as _;
use crate::runtime::host::Host;

/// The longest a start looks.
const WITHIN: Duration = Duration::from_millis(50);

/// Looks, unless it did before, and tells what it found.
pub(super) fn offer(host: &Host, goal: &Goal, options: &Options) {
    let is_seen = matches!(goal, Goal::Forward(_) | Goal::Run(_))
        && options.face != Face::Headless
        && options.chatter != Chatter::Quiet
        && std::io::stderr().is_terminal();
    let mark = host.places.ext("history-migration.json");
    if !is_seen || host.demo.is_some() || !host.places.root().is_dir() || mark.exists() {
        return;
    }
    // Whoever has too many to look through in time is asked nothing; `doctor` counts them all.
    let Some(sessions) = refile::misfiled(&host.places, Some(WITHIN)) else { return };
    let at = host.clock.now();
    if atomic::write(&mark, offered::print(at, sessions).as_bytes()).is_err() {
        return;
    }
    let mut err = std::io::stderr().lock();
    if sessions > 0 {
        let (what, verb) = if sessions == 1 { ("session", "is") } else { ("sessions", "are") };
        let _ = writeln!(
            err,
            "{sessions} {what} of the original package {verb} not in the official list: `codex-multi-auth history migrate` files them there"
        );
    }
    if Leftovers::new(&host.places, &host.env, at).glance() {
        let _ = writeln!(err, "The original package left files behind: `codex-multi-auth doctor` lists them");
    }
}
