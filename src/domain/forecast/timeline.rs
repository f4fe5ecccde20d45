//! The coming hours: when each account is usable, and whether the pool runs dry (dashboard.md §12.5).
//!
//! A window goes on at its own pace until its reset; a fresh window starts without one. For the pool as a whole
//! the pace of accounts that drop out falls to those that are left.

use crate::base::{Moment, Percent, Span};
use crate::domain::account::{Account, AccountKey};
use crate::domain::label::{LOW, State};
use crate::domain::quota::pace::{Outlook, elapsed, outlook};
use crate::domain::quota::snapshot::Snapshot;
use crate::domain::quota::window::Window;

/// How far ahead the pool is followed.
const HORIZON: Span = Span::days(7);
/// How closely.
const STEP: Span = Span::minutes(10);
/// Steps of a sum do not quite reach a hundred.
const USED_UP: f64 = 99.999;
/// A share this small tells nothing about a pace.
const ENOUGH: f64 = 3.0;

/// A stretch of an account's future.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cell {
    /// Can serve.
    Usable,
    /// Can serve, with 15 % or less left.
    Low,
    /// Cannot.
    Closed,
    /// Nobody knows.
    Unknown,
}

/// What is worth saying about an account's future.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Note {
    /// Switched off.
    Off,
    /// Paused or drained by the user.
    HeldBack,
    /// Only a new sign-in helps.
    NeedsSignIn,
    /// Nobody knows whether its sign-in still works.
    Uncertain,
    /// Rests until then.
    CoolingUntil(Moment),
    /// Empty until that reset; `None` when it is not known.
    ResetsAt(Option<Reset>),
    /// Used up at the present pace before its window starts anew.
    EmptyAt(Moment),
    /// Nothing used yet.
    Full,
    /// Lasts; the next reset, if there is one.
    Lasts(Option<Reset>),
    /// No figures.
    NoFigures,
}

/// A reset and the window it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reset {
    /// When.
    pub at: Moment,
    /// Declared length of the window in minutes; `None` when a stored limit names the moment only.
    pub minutes: Option<u32>,
}

/// One account's future.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Whose.
    pub key: AccountKey,
    /// Equal stretches from now on.
    pub cells: Vec<Cell>,
    /// In a few words.
    pub note: Note,
}

/// The future of one account in `cells` stretches of `each`.
pub fn line(
    account: &Account,
    snapshot: Option<&Snapshot>,
    state: State,
    at: Moment,
    each: Span,
    cells: usize,
) -> Line {
    let closed = closed_until(state);
    let mut moment = at;
    let mut future = Vec::with_capacity(cells);
    for _ in 0..cells {
        future.push(match closed {
            Closed::Forever => Cell::Unknown,
            Closed::Until(until) if moment < until => Cell::Closed,
            Closed::Until(_) | Closed::Not => snapshot
                .map_or(if moment == at { Cell::Usable } else { Cell::Unknown }, |snapshot| {
                    cell(snapshot, at, moment)
                }),
        });
        moment = moment + each;
    }
    Line { key: account.key.clone(), cells: future, note: note(snapshot, state, at) }
}

enum Closed {
    Not,
    Until(Moment),
    Forever,
}

fn closed_until(state: State) -> Closed {
    match state {
        State::Off
        | State::SignIn
        | State::Uncertain
        | State::Paused
        | State::Draining
        | State::Empty(None) => Closed::Forever,
        State::Cooling(until) | State::Empty(Some(until)) => Closed::Until(until),
        State::InUse | State::Low | State::Ready => Closed::Not,
    }
}

fn cell(snapshot: &Snapshot, at: Moment, moment: Moment) -> Cell {
    let left = snapshot.windows().filter_map(|window| left_at(window, at, moment)).reduce(f64::min);
    match left {
        None => Cell::Unknown,
        Some(left) if left <= 0.0 => Cell::Closed,
        Some(left) if left <= LOW => Cell::Low,
        Some(_) => Cell::Usable,
    }
}

/// What is left of a window at a later moment, at its present pace.
fn left_at(window: &Window, at: Moment, moment: Moment) -> Option<f64> {
    let used = window.used?.value();
    if window.resets_at.is_some_and(|reset| reset <= moment) {
        return Some(100.0);
    }
    let hours = at.until(moment).as_hours();
    Some(100.0 - used - pace(window, at).unwrap_or(0.0) * hours)
}

/// Points per hour; `None` when the window does not tell.
fn pace(window: &Window, at: Moment) -> Option<f64> {
    let used = window.used?.value();
    let passed = elapsed(window, at)?.value();
    if used < ENOUGH || passed < ENOUGH {
        return None;
    }
    let hours = Span::minutes(i64::from(window.minutes?)).as_hours() * passed / 100.0;
    (hours > 0.0).then(|| used / hours)
}

fn note(snapshot: Option<&Snapshot>, state: State, at: Moment) -> Note {
    match state {
        State::Off => return Note::Off,
        State::Paused | State::Draining => return Note::HeldBack,
        State::SignIn => return Note::NeedsSignIn,
        State::Uncertain => return Note::Uncertain,
        State::Cooling(until) => return Note::CoolingUntil(until),
        State::Empty(until) => {
            return Note::ResetsAt(until.map(|at| Reset { at, minutes: length(snapshot, at) }));
        }
        State::InUse | State::Low | State::Ready => {}
    }
    let Some(snapshot) = snapshot else { return Note::NoFigures };
    let ends = snapshot.windows().filter_map(|window| match outlook(window, at)? {
        Outlook::EmptyAt(end) => Some(end),
        Outlook::Lasts => None,
    });
    if let Some(end) = ends.min() {
        return Note::EmptyAt(end);
    }
    let mut left = snapshot.windows().filter_map(|window| window.left(at)).peekable();
    if left.peek().is_some() && left.all(|left| left.value() >= Percent::FULL.value()) {
        return Note::Full;
    }
    let next = snapshot.windows().filter_map(|window| window.resets_at).filter(|reset| *reset > at).min();
    Note::Lasts(next.map(|next| Reset { at: next, minutes: length(Some(snapshot), next) }))
}

/// The length of the window that starts anew then.
fn length(snapshot: Option<&Snapshot>, reset: Moment) -> Option<u32> {
    snapshot?.windows().find(|window| window.resets_at == Some(reset))?.minutes
}

/// How long the pool lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Runway {
    /// Nobody can serve now.
    Dry,
    /// At the present pace nobody can serve from then on.
    DryAt(Moment),
    /// It does not run dry within a week.
    Lasts,
    /// No account tells a pace.
    Unknown,
}

/// Points per hour that the pool uses of its shorter and of its longer windows.
#[derive(Debug, Clone, Copy, Default)]
struct Burn {
    primary: f64,
    secondary: f64,
}

/// One account on its way through the week.
struct Runner {
    closed: Moment,
    primary: Option<Tank>,
    secondary: Option<Tank>,
}

/// A window on its way through the week.
struct Tank {
    used: f64,
    minutes: Option<u32>,
    reset: Option<Moment>,
}

impl Tank {
    fn of(window: Option<&Window>, at: Moment) -> Option<Self> {
        let window = window?;
        let used = 100.0 - window.left(at)?.value();
        let reset = window.resets_at.filter(|reset| *reset > at);
        Some(Self { used, minutes: window.minutes, reset })
    }

    fn renew(&mut self, moment: Moment) {
        if let Some(end) = self.reset.filter(|end| *end <= moment) {
            self.used = 0.0;
            self.reset = self.minutes.map(|minutes| end + Span::minutes(i64::from(minutes)));
        }
    }
}

impl Runner {
    fn is_usable(&self, moment: Moment) -> bool {
        let tanks = self.primary.iter().chain(&self.secondary);
        self.closed <= moment && tanks.into_iter().all(|tank| tank.used < USED_UP)
    }

    fn renew(&mut self, moment: Moment) {
        for tank in self.primary.iter_mut().chain(&mut self.secondary) {
            tank.renew(moment);
        }
    }

    fn serve(&mut self, burn: Burn, hours: f64) {
        for (tank, points) in [(&mut self.primary, burn.primary), (&mut self.secondary, burn.secondary)] {
            if let Some(tank) = tank {
                tank.used += points * hours;
            }
        }
    }
}

/// Follows the pool at its present pace; `accounts` are those that take part, with their state and figures.
pub fn runway<'a>(accounts: impl IntoIterator<Item = (State, Option<&'a Snapshot>)>, at: Moment) -> Runway {
    let mut burn = Burn::default();
    let mut runners = Vec::new();
    for (state, snapshot) in accounts {
        let closed = match closed_until(state) {
            Closed::Forever => continue,
            Closed::Until(until) => until,
            Closed::Not => at,
        };
        let (primary, secondary) = snapshot.map_or((None, None), |snapshot| snapshot.places().into());
        if closed <= at {
            let points = |window: Option<&Window>| window.and_then(|window| pace(window, at)).unwrap_or(0.0);
            burn.primary += points(primary);
            burn.secondary += points(secondary);
        }
        runners.push(Runner { closed, primary: Tank::of(primary, at), secondary: Tank::of(secondary, at) });
    }
    if !runners.iter().any(|runner| runner.is_usable(at)) {
        return Runway::Dry;
    }
    if burn.primary + burn.secondary <= 0.0 {
        return Runway::Unknown;
    }
    follow(&mut runners, burn, at)
}

fn follow(runners: &mut [Runner], burn: Burn, at: Moment) -> Runway {
    let end = at + HORIZON;
    let mut moment = at;
    while moment < end {
        for runner in runners.iter_mut() {
            runner.renew(moment);
        }
        let usable = runners.iter().filter(|runner| runner.is_usable(moment)).count();
        if usable == 0 {
            return Runway::DryAt(moment);
        }
        let hours = STEP.as_hours() / Percent::count(usable);
        for runner in runners.iter_mut().filter(|runner| runner.is_usable(moment)) {
            runner.serve(burn, hours);
        }
        moment = moment + STEP;
    }
    Runway::Lasts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::quota::snapshot::Source;

    const NOW: Moment = Moment::from_secs(1_000_000);
    const HOUR: Span = Span::hours(1);

    fn window(used: f64, minutes: u32, ahead: Span) -> Window {
        Window {
            used: Some(Percent::new(used)),
            minutes: Some(minutes),
            resets_at: Some(NOW + ahead),
            ..Window::default()
        }
    }

    fn snapshot(primary: Window) -> Snapshot {
        Snapshot {
            primary: Some(primary),
            secondary: None,
            plan: None,
            limit_id: None,
            credits: None,
            status: 200,
            model: None,
            at: NOW,
            source: Source::Usage,
            ..Snapshot::default()
        }
    }

    fn cells(state: State, snapshot: Option<&Snapshot>) -> Vec<Cell> {
        line(&Account::sample("alpha"), snapshot, state, NOW, HOUR, 6).cells
    }

    #[test]
    fn a_fast_window_runs_low_then_empty_and_is_full_after_its_reset() {
        use Cell::{Closed, Low, Usable};
        // Half gone in one of five hours: empty in one more, back in four.
        let fast = snapshot(window(50.0, 300, Span::hours(4)));
        // 60 % gone in two and a half hours: 24 points an hour, twelve minutes short of the reset.
        let near = snapshot(window(64.0, 300, Span::millis(9_000_000)));

        assert_eq!(cells(State::Ready, Some(&fast)), [Usable, Closed, Closed, Closed, Usable, Usable]);
        assert_eq!(cells(State::Ready, Some(&near)), [Usable, Low, Closed, Usable, Usable, Usable]);
    }

    #[test]
    fn a_rest_closes_and_a_dead_sign_in_is_unknown() {
        use Cell::{Closed, Unknown, Usable};
        let slow = snapshot(window(10.0, 300, HOUR));

        assert_eq!(
            cells(State::Cooling(NOW + Span::hours(2)), Some(&slow)),
            [Closed, Closed, Usable, Usable, Usable, Usable]
        );
        assert_eq!(cells(State::SignIn, Some(&slow)), [Unknown; 6]);
        assert_eq!(cells(State::Ready, None), [Usable, Unknown, Unknown, Unknown, Unknown, Unknown]);
    }

    #[test]
    fn the_note_says_what_comes_first() {
        let note = |state, snapshot: Option<&Snapshot>| {
            line(&Account::sample("alpha"), snapshot, state, NOW, HOUR, 1).note
        };
        let fast = snapshot(window(80.0, 300, Span::minutes(150)));
        let slow = snapshot(window(10.0, 300, HOUR));
        let fresh = snapshot(window(0.0, 300, HOUR));

        assert_eq!(note(State::Ready, Some(&fast)), Note::EmptyAt(NOW + Span::millis(2_250_000)));
        assert_eq!(
            note(State::InUse, Some(&slow)),
            Note::Lasts(Some(Reset { at: NOW + HOUR, minutes: Some(300) }))
        );
        assert_eq!(note(State::Ready, Some(&fresh)), Note::Full);
        assert_eq!(note(State::Ready, None), Note::NoFigures);
        assert_eq!(note(State::Empty(None), Some(&fast)), Note::ResetsAt(None));
    }

    #[test]
    fn the_pool_lasts_longer_with_a_second_account_to_fall_back_on() {
        let fast = snapshot(window(50.0, 300, Span::hours(4)));
        let full = snapshot(window(0.0, 300, Span::hours(4)));

        let alone = runway([(State::InUse, Some(&fast))], NOW);
        let both = runway([(State::InUse, Some(&fast)), (State::Ready, Some(&full))], NOW);

        assert_eq!(alone, Runway::DryAt(NOW + HOUR));
        let (Runway::DryAt(alone), Runway::DryAt(both)) = (alone, both) else {
            panic!("{alone:?} {both:?}");
        };
        assert!(both > alone);
    }

    #[test]
    fn a_slow_pool_lasts_an_empty_one_is_dry_and_an_untold_one_unknown() {
        let slow = snapshot(window(10.0, 300, Span::hours(2)));
        let gone = snapshot(window(100.0, 300, Span::hours(2)));
        let fresh = snapshot(window(0.0, 300, Span::hours(2)));

        assert_eq!(runway([(State::InUse, Some(&slow))], NOW), Runway::Lasts);
        assert_eq!(runway([(State::Empty(Some(NOW + HOUR)), Some(&gone))], NOW), Runway::Dry);
        assert_eq!(runway([(State::Ready, Some(&fresh))], NOW), Runway::Unknown);
        assert_eq!(runway([(State::SignIn, Some(&slow))], NOW), Runway::Dry);
    }
}
