//! What a move by preference should cost (runtime.md §7.5), by simulation with the real health, bucket and score:
//! sessions that grow and remember, accounts that have bad spells, and every choice of constants over the same days.
//! `docs/decisions/024` holds the table that `the_table` prints.

use codex_multi_auth::base::{Moment, Span};
use codex_multi_auth::domain::health::bucket::Bucket;
use codex_multi_auth::domain::health::score::{Blow, Health};
use codex_multi_auth::domain::selection::price::{gain, price};
use codex_multi_auth::domain::selection::score::Facts;

const START: Moment = Moment::from_secs(1_795_000_000);
const ACCOUNTS: usize = 4;
const SESSIONS: usize = 12;
/// A working day, in steps of ten seconds.
const STEPS: u32 = 6 * 60 * 8;
const STEP: Span = Span::seconds(10);
/// How long a prompt cache is kept, and how much of the last turn it holds.
const CACHE: Span = Span::minutes(10);
const CACHED: f64 = 0.85;
/// What a turn that failed costs beside being read again: the wait, in tokens of input.
const FAILED: f64 = 5_000.0;

/// What a move has to gain.
#[derive(Debug, Clone, Copy)]
struct Terms {
    tokens_per_point: f64,
    least: f64,
    dwell: Span,
}

impl Terms {
    fn price(self, cached: f64) -> f64 {
        (cached / self.tokens_per_point).max(self.least)
    }
}

/// What is built in.
const OURS: Terms = Terms { tokens_per_point: 1_000.0, least: 10.0, dwell: Span::minutes(5) };

struct Account {
    health: Health,
    bucket: Bucket,
    last_used: Moment,
    /// While it lasts, half of its turns fail.
    bad_until: Moment,
}

struct Session {
    at: usize,
    context: f64,
    cached: f64,
    last: Moment,
    since: Moment,
}

#[derive(Debug, Clone, Copy, Default)]
struct Bill {
    uncached: f64,
    failures: f64,
    moves: f64,
}

impl Bill {
    /// In tokens of uncached input.
    fn sum(self) -> f64 {
        self.uncached + self.failures * FAILED
    }
}

/// One day; chance is drawn the same for all terms, whatever they choose.
fn day(seed: u64, terms: Terms) -> Bill {
    let mut bill = Bill::default();
    let mut weather = fastrand::Rng::with_seed(seed);
    let mut accounts: Vec<Account> = (0..ACCOUNTS)
        .map(|_| Account {
            health: Health::new(START),
            bucket: Bucket::new(START),
            last_used: START,
            bad_until: START,
        })
        .collect();
    let mut sessions: Vec<Session> = (0..SESSIONS)
        .map(|number| Session {
            at: number % ACCOUNTS,
            context: 8_000.0,
            cached: 0.0,
            last: START,
            since: START,
        })
        .collect();
    for step in 1..=STEPS {
        let now = START + Span::millis(STEP.as_millis() * i64::from(step));
        for account in &mut accounts {
            let (begins, length) = (weather.u32(..720) == 0, weather.i64(180..900));
            if begins {
                account.bad_until = now + Span::seconds(length);
            }
        }
        for session in &mut sessions {
            let (asks, fails, grows, ends) =
                (weather.u32(..6) == 0, weather.bool(), weather.u32(500..6_000), weather.u32(..300) == 0);
            if !asks {
                continue;
            }
            if ends {
                *session = Session { at: session.at, context: 8_000.0, cached: 0.0, last: now, since: now };
            }
            turn(&mut accounts, session, terms, (fails, f64::from(grows)), now, &mut bill);
        }
    }
    bill
}

fn turn(
    accounts: &mut [Account],
    session: &mut Session,
    terms: Terms,
    (fails, grows): (bool, f64),
    now: Moment,
    bill: &mut Bill,
) {
    let parts: Vec<_> = accounts
        .iter()
        .map(|account| {
            let facts = Facts {
                health: account.health.read(now),
                tokens: account.bucket.read(now),
                last_used: account.last_used,
                in_flight: 0,
                sticky: 0.0,
                spread: 0.0,
                boost: 0.0,
            };
            facts.parts(now)
        })
        .collect();
    let best = |without: Option<usize>| {
        let of = |index: &usize| gain(&parts[session.at], &parts[*index]);
        (0..ACCOUNTS)
            .filter(|index| Some(*index) != without)
            .max_by(|a, b| of(a).total_cmp(&of(b)))
            .unwrap_or(0)
    };
    if now.since(session.last) > CACHE {
        session.cached = 0.0;
    }
    let (target, own) = (best(None), session.at);
    let pays = gain(&parts[own], &parts[target]) > terms.price(session.cached);
    let next = if pays && now.since(session.since) >= terms.dwell { target } else { own };
    let other = best(Some(next));
    let mut go = |session: &mut Session, to: usize| {
        if to != session.at {
            (session.at, session.since, session.cached) = (to, now, 0.0);
            bill.moves += 1.0;
        }
        bill.uncached += session.context - session.cached;
    };
    go(session, next);
    accounts[next].bucket.consume(now);
    accounts[next].last_used = now;
    if fails && accounts[next].bad_until > now {
        bill.failures += 1.0;
        accounts[next].health.take(Blow::Failure, now);
        // The next account reads all of it again.
        go(session, other);
        accounts[other].bucket.consume(now);
        accounts[other].last_used = now;
    }
    accounts[session.at].health.take(Blow::Success, now);
    session.cached = session.context * CACHED;
    session.context = (session.context + grows).min(220_000.0);
    session.last = now;
}

/// Days of the table, and of the tests.
const MANY: u64 = 24;
const FEW: u64 = 6;

fn days(terms: Terms, count: u64) -> Bill {
    let mut sum = Bill::default();
    for seed in 0..count {
        let bill = day(seed, terms);
        sum.uncached += bill.uncached;
        sum.failures += bill.failures;
        sum.moves += bill.moves;
    }
    sum
}

#[test]
fn the_terms_of_the_simulation_are_those_that_are_built_in() {
    for cached in [0_u32, 9_000, 25_000, 200_000] {
        assert!((price(u64::from(cached)) - OURS.price(f64::from(cached))).abs() < 1e-9, "{cached}");
    }
}

#[test]
fn the_price_of_a_move_is_near_the_best_of_the_simulated_days() {
    let ours = days(OURS, FEW).sum();
    let free = days(Terms { tokens_per_point: f64::INFINITY, least: 0.0, dwell: Span::ZERO }, FEW).sum();
    let mut best = f64::INFINITY;
    for tokens_per_point in [250.0, 500.0, 1_000.0, 2_000.0, 4_000.0] {
        for least in [5.0, 10.0, 20.0] {
            best = best.min(days(Terms { tokens_per_point, least, ..OURS }, FEW).sum());
        }
    }

    assert!(ours <= best * 1.05, "{:.3} of the best", ours / best);
    assert!(ours < free * 0.9, "a move without a price costs only {:.3} of ours", free / ours);
}

/// Prints what stands in the decision: `cargo test --test suite pure::moves::the_table -- --ignored --nocapture`.
#[test]
#[ignore = "prints a table"]
fn the_table() {
    let ours = days(OURS, MANY);
    eprintln!("| tokens per point | least | dwell | cost ÷ ours | uncached ÷ ours | failures | moves |");
    for dwell in [0, 1, 5, 15] {
        for tokens_per_point in [250.0, 500.0, 1_000.0, 2_000.0, 4_000.0, f64::INFINITY] {
            for least in [0.0, 5.0, 10.0, 20.0, 40.0, 101.0] {
                let bill = days(Terms { tokens_per_point, least, dwell: Span::minutes(dwell) }, MANY);
                eprintln!(
                    "| {tokens_per_point} | {least} | {dwell} min | {:.3} | {:.3} | {} | {} |",
                    bill.sum() / ours.sum(),
                    bill.uncached / ours.uncached,
                    bill.failures,
                    bill.moves
                );
            }
        }
    }
}
