//! The matrix of the promise: each named point of each kind of change, fifty times, and each error at each write.
//!
//! A repetition is a random pool, a random command of its kind and a random one of the passages that the command has
//! there; the passages come from a trace of its twin, so none is guessed and none is left out. Rounds are seeds: what
//! fails names its seed, and a run that was stopped goes on where `CRASH_TALLY` says it was.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Mutex;

use fastrand::Rng;

use super::operations::OPERATIONS;
use super::trial::{ABORTED, Operation, Stage};
use crate::process::refresh::matrix::ERRORS;

/// Repetitions of each point.
const OFTEN: u32 = 50;
/// Trials at once: the machine has other things to do.
const WORKERS: usize = 2;
/// Rounds after which a point that few homes pass is left as it is, and said so.
const ROUNDS: u64 = 400;

/// A kind of change and its points.
pub(super) struct Kind {
    name: &'static str,
    commands: &'static [&'static str],
    /// How the names of its points begin.
    points: &'static [&'static str],
}

const SAVING: &[&str] =
    &["switch", "unpin", "account disable", "account enable", "account label", "account remove"];
const ALL: &[&str] = &[""];

/// The kinds of the promise; a refresh has its own matrix.
pub(super) const KINDS: &[Kind] = &[
    Kind { name: "save", commands: SAVING, points: &["save.", "snapshot.", "disk."] },
    Kind { name: "backup rotation", commands: SAVING, points: &["backup."] },
    Kind { name: "import", commands: &["import"], points: ALL },
    Kind { name: "restore", commands: &["backup restore"], points: ALL },
    Kind { name: "delete-all", commands: &["account remove --all"], points: ALL },
    Kind { name: "named backup", commands: &["backup create"], points: ALL },
    Kind { name: "settings", commands: &["config set", "config unset"], points: ALL },
];

impl Kind {
    fn operation(&self, rng: &mut Rng) -> &'static Operation {
        let name = self.commands[rng.usize(0..self.commands.len())];
        OPERATIONS.iter().find(|one| one.name == name).expect("an operation of that name")
    }

    fn has(&self, point: &str) -> bool {
        self.points.iter().any(|begin| point.starts_with(begin))
    }
}

/// How often each point of each kind was cut.
type Tally = BTreeMap<String, u32>;

/// Kills each kind of change at each of its points, so many times.
pub(super) fn kill_all(often: u32) -> Tally {
    let tally = Mutex::new(read_tally());
    let rounds = Mutex::new(1..=ROUNDS);
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                loop {
                    let Some(round) = rounds.lock().expect("no worker panicked").next() else { return };
                    if round > u64::from(often) && is_full(&tally, often) {
                        return;
                    }
                    for (index, kind) in (0..).zip(KINDS) {
                        kill_in_turn(kind, round * 100 + index, often, &tally);
                    }
                    let tally = tally.lock().expect("no worker panicked");
                    let cuts: u32 = tally.values().sum();
                    println!("round {round} done, {cuts} kills at {} points", tally.len());
                    write_tally(&tally);
                }
            });
        }
    });
    tally.into_inner().expect("no worker panicked")
}

/// One home, cut once at each point that has not had enough.
fn kill_in_turn(kind: &Kind, seed: u64, often: u32, tally: &Mutex<Tally>) {
    let mut rng = Rng::with_seed(seed);
    let operation = kind.operation(&mut rng);
    let lacks = |point: &str| {
        let name = format!("{}: {point}", kind.name);
        *tally.lock().expect("no worker panicked").entry(name).or_default() < often
    };
    // A kind that had enough everywhere needs no home; one that was never looked at does.
    let begin = format!("{}: ", kind.name);
    let known = tally.lock().expect("no worker panicked").clone();
    let mut own = known.iter().filter(|(name, _)| name.starts_with(&begin)).peekable();
    if own.peek().is_some() && own.all(|(_, cuts)| *cuts >= often) && seed / 100 > u64::from(often) {
        return;
    }
    let stage = Stage::new(operation, seed);
    for (point, passages) in stage.passages() {
        if !kind.has(point) || !lacks(point) {
            continue;
        }
        let fault = format!("{point}:{}", rng.u32(1..=passages));
        let trial = stage.trial(&mut rng);
        // Beside a neighbour that repaired something first there may be fewer passages.
        if trial.hit(&fault).code() == ABORTED {
            trial.survives(&fault);
            let name = format!("{}: {point}", kind.name);
            *tally.lock().expect("no worker panicked").entry(name).or_default() += 1;
        }
    }
}

fn is_full(tally: &Mutex<Tally>, often: u32) -> bool {
    tally.lock().expect("no worker panicked").values().all(|cuts| *cuts >= often)
}

/// Lets the disk fail once with each error at each passage of each point of each command; says how often.
pub(super) fn fail_all(seed: u64) -> usize {
    let work: Vec<(&Operation, &str)> =
        OPERATIONS.iter().flat_map(|operation| ERRORS.map(|error| (operation, error))).collect();
    let work = Mutex::new((0..).zip(work));
    let failures = Mutex::new(0);
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                loop {
                    let next = work.lock().expect("no worker panicked").next();
                    let Some((index, (operation, error))) = next else { return };
                    let failed = fail_in_turn(operation, error, seed + index);
                    *failures.lock().expect("no worker panicked") += failed;
                    println!("{}, {error}: {failed} failures of the disk", operation.name);
                }
            });
        }
    });
    failures.into_inner().expect("no worker panicked")
}

fn fail_in_turn(operation: &Operation, error: &str, seed: u64) -> usize {
    let mut rng = Rng::with_seed(seed);
    let stage = Stage::new(operation, seed);
    let mut failed = 0;
    for (point, passages) in stage.passages() {
        for passage in 1..=passages {
            let fault = format!("{point}:{passage}={error}");
            let trial = stage.trial(&mut rng);
            let ran = trial.hit(&fault);
            trial.told_the_truth(&fault, &ran);
            failed += 1;
        }
    }
    failed
}

/// Where a run that goes on reads what others did.
#[expect(clippy::disallowed_methods, reason = "a long run says in a variable where its tally is")]
fn tally_file() -> Option<PathBuf> {
    std::env::var("CRASH_TALLY").ok().map(PathBuf::from)
}

fn read_tally() -> Tally {
    let text = tally_file().and_then(|file| std::fs::read_to_string(file).ok()).unwrap_or_default();
    let pair =
        |line: &str| line.rsplit_once(' ').map(|(name, cuts)| (name.to_owned(), cuts.parse().unwrap_or(0)));
    text.lines().filter_map(pair).collect()
}

fn write_tally(tally: &Tally) {
    let Some(file) = tally_file() else { return };
    let lines: Vec<String> = tally.iter().map(|(name, cuts)| format!("{name} {cuts}")).collect();
    std::fs::write(file, lines.join("\n")).expect("a tally");
}

#[test]
#[ignore = "long: fifty random repetitions of each named point of each kind of change"]
fn each_kind_of_change_killed_fifty_times_at_each_of_its_points() {
    let tally = kill_all(OFTEN);

    for (name, cuts) in &tally {
        println!("{name}: {cuts}");
    }
    let kinds: Vec<_> = KINDS.iter().map(|kind| kind.name).collect();
    let missing: Vec<_> =
        kinds.iter().filter(|kind| !tally.keys().any(|name| name.starts_with(**kind))).collect();
    assert_eq!(missing, Vec::<&&str>::new());
    let few: Vec<_> = tally.iter().filter(|(_, cuts)| **cuts < OFTEN).collect();
    assert_eq!(few, Vec::new(), "cut too seldom");
}

#[test]
#[ignore = "long: each error at each passage of each point of each command"]
fn each_error_at_each_write_of_each_command() {
    println!("{} failures of the disk", fail_all(7_000));
}

#[test]
fn every_named_point_of_a_change_belongs_to_a_kind() {
    let seen: std::collections::BTreeSet<String> = (1..)
        .zip(KINDS)
        .flat_map(|(seed, kind)| {
            let stage = Stage::new(kind.operation(&mut Rng::with_seed(seed)), seed);
            let own =
                stage.passages().filter(|(point, _)| kind.has(point)).map(|(point, _)| point.to_owned());
            own.collect::<Vec<_>>()
        })
        .collect();
    let left: Vec<&str> = super::NAMED
        .iter()
        .flat_map(|begin| super::points(begin))
        .filter(|point| !seen.contains(*point))
        .collect();

    assert_eq!(left, Vec::<&str>::new(), "no kind of change passes them");
}
