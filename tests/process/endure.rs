//! Ten processes at once on one root, peacefully and killed at random, while a reader looks on.
//!
//! Every worker is a thread that starts one real program after the other against the rehearsal back end and writes
//! down what was acknowledged; [`history`] then says whether the files can be explained by it. The long forms are
//! ignored: `cargo test --test suite process::endure -- --ignored --test-threads 1`.

mod history;
mod neighbour;
mod reader;

use std::collections::BTreeSet;
use std::fs;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use codex_multi_auth::base::Span;
use codex_multi_auth::formats::scenario::Scenario;
use fastrand::Rng;
use rustix::process::Signal;
use serde_json::json;
use tokio::time::Instant;

use self::history::{Deed, History, Verb};
use self::neighbour::{Aim, Neighbour};
use self::reader::Reader;
use crate::support::dirs::Home;
use crate::support::play::Play;
use crate::support::process::{Ran, Running, run};

/// Processes at once.
const WORKERS: u64 = 10;
/// Accounts people switch to; their tokens have run out at the beginning.
const CHOSEN: [&str; 3] = ["chosen-1", "chosen-2", "chosen-3"];
/// Accounts that are switched on and off.
const TOGGLED: [&str; 3] = ["toggled-1", "toggled-2", "toggled-3"];
/// Accounts that come and go.
const PASSING: [&str; 3] = ["passing-1", "passing-2", "passing-3"];
/// Whose tokens are due every few seconds: tokens are renewed when less than five minutes are left.
const HURRIED: [&str; 2] = ["hurried-1", "hurried-2"];
const HURRIED_LIFE: Span = Span::seconds(310);

/// Long enough for each kind of command to have been done, on a busy machine too.
const ENOUGH: Duration = Duration::from_secs(15);

/// How rough the load is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    Peaceful,
    /// A third of all programs is killed at some moment.
    Deadly,
    /// Beside a program that takes no lock.
    Beside,
}

struct Siege {
    play: Play,
    home: Home,
}

impl Siege {
    fn new() -> Self {
        let names = [&CHOSEN[..], &TOGGLED, &PASSING, &HURRIED].concat();
        let mut scenario = Scenario::pool(names);
        for name in CHOSEN {
            scenario = scenario.with(name, |one| one.token_left = Some(Span::hours(-1)));
        }
        for name in HURRIED {
            scenario = scenario.with(name, |one| {
                one.token_life = HURRIED_LIFE;
                one.token_left = Some(Span::hours(-1));
            });
        }
        let play = Play::start(scenario);
        let home = play.home();
        for name in PASSING {
            let login = play.login(name);
            let row = json!({
                "accountId": login.account_id, "accountIdSource": "token", "email": login.email,
                "refreshToken": login.refresh, "accessToken": login.access, "expiresAt": login.expires_at_ms,
                "addedAt": 1_760_000_000_000_i64, "lastUsed": 1_760_000_000_000_i64,
            });
            let pool = json!({ "version": 3, "accounts": [row], "activeIndex": 0 });
            home.write(&home.work().join(format!("{name}.json")), &pool.to_string());
        }
        Self { play, home }
    }

    /// Lets the workers loose for so long and returns what they did.
    fn hold(&self, time: Duration, manner: Manner, seed: u64) -> History {
        let history = History::begin(&self.home, &self.play);
        let deeds = Mutex::new(Vec::new());
        let end = Instant::now() + time;
        let reader = Reader::start(&self.home);
        std::thread::scope(|scope| {
            for worker in 0..WORKERS {
                let deeds = &deeds;
                scope.spawn(move || self.work(Rng::with_seed(seed * WORKERS + worker), end, manner, deeds));
            }
        });
        let seen = reader.finish();
        history.with(deeds.into_inner().expect("no worker panicked"), seen)
    }

    fn work(&self, mut rng: Rng, end: Instant, manner: Manner, deeds: &Mutex<Vec<Deed>>) {
        while Instant::now() < end {
            let verb = Verb::any(&mut rng);
            let words = verb.words(&self.play, &self.home);
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let began = Instant::now();
            let running = Running::start(&mut self.home.manager(&words));
            if manner == Manner::Deadly && rng.u8(0..3) == 0 {
                pause(Duration::from_millis(rng.u64(1..120)));
                running.signal(Signal::KILL);
            }
            let ran = running.finish();
            let deed = Deed::judge(verb, began, Instant::now(), &ran, manner);
            let deed = deed.unwrap_or_else(|| failed(&words, &ran));
            deeds.lock().expect("no worker panicked").push(deed);
        }
    }

    /// Every row has the last token that was given out for it: no answer of a refresh was lost.
    fn holds_the_newest_tokens(&self) {
        let pool = self.home.pool();
        for row in pool["accounts"].as_array().expect("rows") {
            let email = row["email"].as_str().expect("an address");
            let login = self.play.login(email.strip_suffix("@example.com").expect("of the scenario"));
            assert!(row["refreshToken"] == login.refresh, "{email} lost its newest token");
            assert!(row["accessToken"] == login.access, "{email} lost its newest access token");
        }
    }

    /// How many calls there were, and for how many tokens of the accounts that hurry.
    fn calls(&self) -> String {
        let calls = self.play.backend().record().at("token");
        let hurried = |name: &Option<String>| name.as_deref().is_some_and(|name| HURRIED.contains(&name));
        let again = calls.iter().filter(|call| hurried(&call.account)).count();
        format!("{} refreshes, {again} of them of tokens that ran out again and again", calls.len())
    }

    /// Exactly one call for each token that ran out, and none twice.
    fn asked_once(&self, history: &History) {
        self.play.assert_no_violation();
        let calls = self.play.backend().record().at("token");
        for name in CHOSEN {
            let asked = calls.iter().filter(|call| call.account.as_deref() == Some(name)).count();
            assert_eq!(
                asked,
                usize::from(history.was_checked(name)),
                "calls for {name}\n{}",
                self.play.story()
            );
        }
        for name in HURRIED {
            let times: Vec<i64> = calls
                .iter()
                .filter(|call| call.account.as_deref() == Some(name))
                .map(|call| call.at)
                .collect();
            let least = HURRIED_LIFE.as_millis() - Span::minutes(5).as_millis() - 500;
            assert!(times.windows(2).all(|pair| pair[1] - pair[0] >= least), "{name}: {times:?}");
        }
    }
}

#[track_caller]
fn failed(words: &[&str], ran: &Ran) -> ! {
    panic!("{words:?} ended with {}\n{}\n{}", ran.code(), ran.stdout, ran.stderr)
}

/// Waits for so long; nothing ever comes over the channel.
fn pause(time: Duration) {
    let (_keep, never): (_, Receiver<()>) = channel();
    let _ = never.recv_timeout(time);
}

fn peace(time: Duration, seed: u64) {
    let siege = Siege::new();

    let history = siege.hold(time, Manner::Peaceful, seed);

    history.explains_the_files();
    history.generation_only_grew();
    siege.asked_once(&history);
    siege.holds_the_newest_tokens();
    left_tidy(&siege.home);
    if time >= ENOUGH {
        assert_eq!(history.missing(), Vec::<&str>::new(), "nobody did that");
    }
    println!("{}; {}", history.summary(), siege.calls());
}

fn war(time: Duration, seed: u64) {
    let siege = Siege::new();

    let history = siege.hold(time, Manner::Deadly, seed);

    history.explains_the_files();
    history.generation_only_grew();
    siege.play.assert_no_violation();
    left_tidy(&siege.home);
    println!("{}", history.summary());
}

/// Beside a program that takes no lock.
fn beside(time: Duration, aim: Aim, seed: u64) {
    let siege = Siege::new();
    let neighbour = Neighbour::start(&siege.home, aim, seed);

    let history = siege.hold(time, Manner::Beside, seed).beside(neighbour.finish());
    // The next start takes in what a refresh had left for the pool.
    run(&mut siege.home.manager(&["status", "--json"]));

    history.explains_the_files();
    siege.play.assert_no_violation();
    let held = siege.home.pool();
    for name in CHOSEN {
        let newest = siege.play.login(name).refresh;
        let rows = held["accounts"].as_array().expect("rows");
        assert!(rows.iter().any(|row| row["refreshToken"] == newest), "{name} lost its newest token");
    }
    let (undone, turns) = history.undone();
    println!("{}; {turns} turns of the neighbour fell on {undone} of them", history.summary());
}

#[test]
fn beside_a_neighbour_without_locks_nothing_is_lost_but_what_it_undoes_itself() {
    beside(Duration::from_secs(3), Aim::Random, 6);
}

#[test]
fn what_a_neighbour_writes_during_our_save_is_taken_in() {
    beside(Duration::from_secs(3), Aim::AtOurSaves, 7);
}

#[test]
#[ignore = "a minute"]
fn for_a_minute_beside_a_neighbour() {
    beside(Duration::from_secs(30), Aim::Random, 8);
    beside(Duration::from_secs(30), Aim::AtOurSaves, 9);
}

/// One more peaceful command, and nothing of the dead is left.
fn left_tidy(home: &Home) {
    run(&mut home.manager(&["switch", "chosen-1@example.com"]));
    let left: BTreeSet<String> = home
        .files()
        .into_keys()
        .map(|path| path.display().to_string())
        .filter(|path| {
            path.contains("openai-codex-accounts.json") && (path.ends_with(".tmp") || path.ends_with(".wal"))
        })
        .collect();
    assert_eq!(left, BTreeSet::new());
    for (path, mode) in home.modes(&home.root()) {
        assert_eq!(mode & 0o077, 0, "{} has mode {mode:o}", path.display());
    }
    let log = fs::read_dir(home.root().join("quarantine")).map_or(0, Iterator::count);
    assert_eq!(log, 0, "nothing was ever unusable");
}

#[test]
fn ten_processes_lose_nothing() {
    peace(Duration::from_secs(4), 1);
}

#[test]
fn ten_processes_killed_at_random_lose_nothing_that_was_acknowledged() {
    war(Duration::from_secs(4), 2);
}

#[test]
#[ignore = "fifteen seconds; run by .ci/run"]
fn for_a_quarter_of_a_minute() {
    peace(Duration::from_secs(15), 3);
}

#[test]
#[ignore = "a minute"]
fn for_a_minute_in_peace() {
    peace(Duration::from_mins(1), 4);
}

#[test]
#[ignore = "a minute"]
fn for_a_minute_under_fire() {
    war(Duration::from_mins(1), 5);
}
