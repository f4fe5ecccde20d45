//! What was done, what was acknowledged, and whether the files can be explained by it.
//!
//! Each fact of the pool (who is selected, who is pinned, whether an account is there and on) is a register. Its last
//! value has to come from a deed that no later acknowledged deed replaced: one that began after the other had ended.
//! A killed deed may have taken effect or not, but not after its process was gone.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use fastrand::Rng;
use serde_json::Value;
use tokio::time::Instant;

use super::neighbour::Turn;
use super::reader::Seen;
use super::{CHOSEN, HURRIED, Manner, PASSING, TOGGLED};
use crate::support::dirs::Home;
use crate::support::play::Play;
use crate::support::process::Ran;

/// What a worker does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    Switch(&'static str),
    Unpin,
    Enable(&'static str),
    Disable(&'static str),
    Add(&'static str),
    Remove(&'static str),
    Check(&'static str),
}

impl Verb {
    pub(super) fn any(rng: &mut Rng) -> Self {
        let pick = |rng: &mut Rng, names: &[&'static str]| names[rng.usize(0..names.len())];
        match rng.u8(0..14) {
            0..3 => Self::Switch(pick(rng, &CHOSEN)),
            3 => Self::Unpin,
            4..6 => Self::Enable(pick(rng, &TOGGLED)),
            6..8 => Self::Disable(pick(rng, &TOGGLED)),
            8..10 => Self::Add(pick(rng, &PASSING)),
            10..12 => Self::Remove(pick(rng, &PASSING)),
            12 => Self::Check(pick(rng, &CHOSEN)),
            _ => Self::Check(pick(rng, &HURRIED)),
        }
    }

    pub(super) fn words(self, play: &Play, home: &Home) -> Vec<String> {
        let email = |name: &str| play.login(name).email;
        let file = |name: &str| home.work().join(format!("{name}.json")).display().to_string();
        let words = match self {
            Self::Switch(name) => vec!["switch".to_owned(), email(name)],
            Self::Unpin => vec!["unpin".to_owned()],
            Self::Enable(name) => vec!["account".to_owned(), "enable".to_owned(), email(name)],
            Self::Disable(name) => vec!["account".to_owned(), "disable".to_owned(), email(name)],
            Self::Add(name) => vec!["import".to_owned(), file(name), "--yes".to_owned()],
            Self::Remove(name) => {
                vec!["account".to_owned(), "remove".to_owned(), email(name), "--yes".to_owned()]
            }
            Self::Check(name) => vec!["check".to_owned(), email(name)],
        };
        words.into_iter().chain(["--json".to_owned()]).collect()
    }

    /// What a person calls it.
    fn kind(self) -> &'static str {
        match self {
            Self::Switch(_) => "switch",
            Self::Unpin => "unpin",
            Self::Enable(_) => "enable",
            Self::Disable(_) => "disable",
            Self::Add(_) => "add",
            Self::Remove(_) => "delete",
            Self::Check(_) => "refresh",
        }
    }

    /// The registers it writes, with their values.
    fn writes(self) -> Vec<(String, Value)> {
        match self {
            Self::Switch(name) => {
                vec![
                    ("active".to_owned(), name.into()),
                    ("pin".to_owned(), name.into()),
                    (on(name), true.into()),
                ]
            }
            Self::Unpin => vec![("pin".to_owned(), Value::Null)],
            Self::Enable(name) => vec![(on(name), true.into())],
            Self::Disable(name) => vec![(on(name), false.into())],
            Self::Add(name) => vec![(there(name), true.into())],
            Self::Remove(name) => vec![(there(name), false.into())],
            Self::Check(_) => Vec::new(),
        }
    }
}

fn on(name: &str) -> String {
    format!("{name} is on")
}

fn there(name: &str) -> String {
    format!("{name} is there")
}

/// One program run.
#[derive(Debug, Clone)]
pub(super) struct Deed {
    verb: Verb,
    began: Instant,
    ended: Instant,
    /// It said that it is done.
    sure: bool,
}

impl Deed {
    /// None for an end that must not be. Without kills everything has to succeed; an account that is just not there,
    /// or already there, may be refused.
    pub(super) fn judge(
        verb: Verb,
        began: Instant,
        ended: Instant,
        ran: &Ran,
        manner: Manner,
    ) -> Option<Self> {
        let code = ran.code();
        let deadly = manner == Manner::Deadly;
        let killed = deadly && code == 137;
        let sure = matches!(code, 0 | 4);
        let passing = matches!(verb, Verb::Add(_) | Verb::Remove(_)) && code == 2;
        // A kill can leave a token uncertain; then its check says so with 1.
        let doubtful = deadly && matches!(verb, Verb::Check(_) | Verb::Switch(_)) && code == 1;
        // A neighbour that writes all the time may keep ours from writing at all; then it says so.
        let crowded = manner == Manner::Beside
            && code == 1
            && ["pool-changed", "storage-locked"].iter().any(|word| ran.stdout.contains(word));
        (killed || sure || passing || doubtful || crowded).then_some(Self { verb, began, ended, sure })
    }
}

/// A whole siege.
pub(super) struct History {
    pool: std::path::PathBuf,
    names: BTreeMap<String, &'static str>,
    before: Value,
    began: Instant,
    deeds: Vec<Deed>,
    seen: Seen,
    /// What a neighbour without locks did.
    turns: Vec<Turn>,
    guests: Vec<String>,
}

impl History {
    pub(super) fn begin(home: &Home, play: &Play) -> Self {
        let all = [&CHOSEN[..], &TOGGLED, &PASSING, &HURRIED].concat();
        Self {
            pool: home.root().join("openai-codex-accounts.json"),
            names: all.into_iter().map(|name| (play.login(name).email, name)).collect(),
            before: home.pool(),
            began: Instant::now(),
            deeds: Vec::new(),
            seen: Seen::default(),
            turns: Vec::new(),
            guests: Vec::new(),
        }
    }

    pub(super) fn with(self, deeds: Vec<Deed>, seen: Seen) -> Self {
        Self { deeds, seen, ..self }
    }

    pub(super) fn beside(self, (turns, guests): (Vec<Turn>, Vec<String>)) -> Self {
        Self { turns, guests, ..self }
    }

    /// Whether a neighbour's document from before a deed was written after it.
    fn is_undone(&self, deed: &Deed) -> bool {
        self.turns.iter().any(|turn| turn.read < deed.ended && turn.written > deed.began)
    }

    /// Acknowledged deeds that a neighbour may have undone, and what it wrote itself.
    pub(super) fn undone(&self) -> (usize, usize) {
        (self.deeds.iter().filter(|deed| deed.sure && self.is_undone(deed)).count(), self.turns.len())
    }

    pub(super) fn summary(&self) -> String {
        let sure = self.deeds.iter().filter(|deed| deed.sure).count();
        let mut text =
            format!("{} programs, {sure} acknowledged, {} readings", self.deeds.len(), self.seen.readings);
        let _ = write!(text, ", {} versions seen", self.seen.versions);
        text
    }

    /// The kinds of command of which none was acknowledged.
    pub(super) fn missing(&self) -> Vec<&'static str> {
        let kinds = ["switch", "unpin", "enable", "disable", "add", "delete", "refresh"];
        let done = |kind: &str| self.deeds.iter().any(|deed| deed.sure && deed.verb.kind() == kind);
        kinds.into_iter().filter(|kind| !done(kind)).collect()
    }

    /// Whether somebody made sure of the account's tokens.
    pub(super) fn was_checked(&self, name: &str) -> bool {
        let touches = |verb: Verb| matches!(verb, Verb::Check(one) | Verb::Switch(one) if one == name);
        self.deeds.iter().any(|deed| deed.sure && touches(deed.verb))
    }

    /// No acknowledged change is missing.
    #[track_caller]
    pub(super) fn explains_the_files(&self) {
        let text = std::fs::read(&self.pool).expect("a pool");
        let after: Value = serde_json::from_slice(&text).expect("a document");
        let (then, now) = (self.registers(&self.before), self.registers(&after));
        for (register, value) in &now {
            let first = Deed { verb: Verb::Unpin, began: self.began, ended: self.began, sure: true };
            let initial = then.get(register).map(|value| (&first, value.clone()));
            let writes: Vec<(&Deed, Value)> = self
                .deeds
                .iter()
                .flat_map(|deed| deed.verb.writes().into_iter().map(move |(name, value)| (deed, name, value)))
                .filter(|(_, name, _)| name == register)
                .map(|(deed, _, value)| (deed, value))
                .chain(initial)
                .collect();
            let replaced = |one: &Deed| {
                writes.iter().any(|(later, other)| {
                    later.sure && later.began > one.ended && other != value && !self.is_undone(later)
                })
            };
            let explained = writes.iter().any(|(deed, written)| written == value && !replaced(deed));
            assert!(explained, "{register} is {value}, which nobody made it last\n{writes:#?}");
        }
        let switches = self.deeds.iter().filter(|deed| matches!(deed.verb, Verb::Switch(_)));
        let (sure, all) = (switches.clone().filter(|deed| deed.sure).count(), self.deeds.len());
        if !self.turns.is_empty() {
            return;
        }
        let raised = after["affinityGeneration"].as_u64().unwrap_or(0);
        let raised = usize::try_from(raised).expect("small");
        assert!(raised >= sure && raised <= all, "{sure} switches of {all} programs raised it to {raised}");
    }

    #[track_caller]
    pub(super) fn generation_only_grew(&self) {
        assert_eq!(self.seen.faults, Vec::<String>::new());
        assert!(self.seen.versions > 1, "the reader saw changes");
    }

    fn registers(&self, pool: &Value) -> BTreeMap<String, Value> {
        let rows = pool["accounts"].as_array().expect("rows");
        let name = |row: &Value| row["email"].as_str().and_then(|email| self.names.get(email)).copied();
        let at = |index: &Value| {
            let index = index.as_u64().and_then(|index| usize::try_from(index).ok());
            index.and_then(|index| rows.get(index)).and_then(name).map_or(Value::Null, Value::from)
        };
        let mut all = BTreeMap::new();
        all.insert("active".to_owned(), at(&pool["activeIndex"]));
        all.insert("pin".to_owned(), at(&pool["pinnedAccountIndex"]));
        for name in PASSING {
            all.insert(there(name), false.into());
        }
        for row in rows {
            if row["email"].as_str().is_some_and(|email| self.guests.iter().any(|guest| guest == email)) {
                continue;
            }
            let name = name(row).unwrap_or_else(|| panic!("nobody added {row}"));
            if PASSING.contains(&name) {
                all.insert(there(name), true.into());
            } else {
                all.insert(on(name), (row["enabled"] != false).into());
            }
        }
        for guest in self.guests.iter().filter(|_| pool != &self.before) {
            assert!(rows.iter().any(|row| row["email"] == **guest), "{guest} of the neighbour is gone");
        }
        let expected = CHOSEN.len() + TOGGLED.len() + HURRIED.len();
        assert_eq!(
            all.keys().filter(|name| name.ends_with(" is on")).count(),
            expected,
            "an account is gone"
        );
        all
    }
}
