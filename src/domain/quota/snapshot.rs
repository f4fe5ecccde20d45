//! What is known of an account's windows; the newest observation of a window wins.
//!
//! The usage endpoint tells all windows at once, headers and frames tell some: what a partial observation leaves out
//! stays as it was known, with its own time, until its reset has passed.

use crate::base::{Moment, Percent, Span};
use crate::domain::quota::window::Window;

/// Windows at least this long are the long ones.
const LONG: u32 = 1_440;

/// Where a number came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Source {
    /// `GET …/wham/usage`.
    Usage,
    /// Response headers.
    Headers,
    /// A `codex.rate_limits` event or frame.
    Frame,
    /// The model probe.
    Probe,
    /// The cache file, which does not say.
    #[default]
    Cache,
}

impl Source {
    /// All of them.
    const ALL: [Self; 5] = [Self::Usage, Self::Headers, Self::Frame, Self::Probe, Self::Cache];

    /// The word in files and JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Usage => "usage",
            Self::Headers => "headers",
            Self::Frame => "frame",
            Self::Probe => "probe",
            Self::Cache => "cache",
        }
    }

    /// The source behind a stored word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|source| source.word() == word)
    }
}

/// Credits as declared.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Credits {
    /// Whether the account has any.
    pub has: bool,
    /// Whether they never run out.
    pub unlimited: bool,
    /// Balance as upstream writes it.
    pub balance: Option<String>,
}

/// A limit beside the account's own, for some models or features.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Extra {
    /// Its id, with dashes.
    pub id: String,
    /// Its name for people.
    pub name: Option<String>,
    /// First window.
    pub primary: Option<Window>,
    /// Second window.
    pub secondary: Option<Window>,
    /// When it was observed.
    pub at: Moment,
}

impl Extra {
    /// Its windows, the shorter one first.
    pub fn windows(&self) -> impl Iterator<Item = &Window> {
        places(self.primary.as_ref(), self.secondary.as_ref()).into_iter().flatten()
    }
}

/// Resets that were granted and not used yet. Shown, never redeemed by us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Banked {
    /// How many.
    pub available: u32,
    /// When the next of them is lost.
    pub expires_at: Option<Moment>,
    /// When this was learnt.
    pub at: Moment,
}

/// One observation, or what all of them together say.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Snapshot {
    /// The first window as upstream orders them (usually five hours).
    pub primary: Option<Window>,
    /// The second one (usually seven days).
    pub secondary: Option<Window>,
    /// Plan type.
    pub plan: Option<String>,
    /// Limit id these windows belong to; `None` or `codex` means the whole account.
    pub limit_id: Option<String>,
    /// Credits, when declared.
    pub credits: Option<Credits>,
    /// HTTP status that carried it (200, 429).
    pub status: u16,
    /// Model of the request, for the cache file.
    pub model: Option<String>,
    /// When it was observed.
    pub at: Moment,
    /// Where it came from.
    pub source: Source,
    /// Limits beside the account's own.
    pub extra: Vec<Extra>,
    /// Resets that were granted, when that was asked.
    pub banked: Option<Banked>,
}

impl Snapshot {
    /// Both windows that are declared, the shorter one first, whatever their order upstream.
    pub fn windows(&self) -> impl Iterator<Item = &Window> {
        self.places().into_iter().flatten()
    }

    /// The short and the long window by their declared lengths. Of two long or two short ones the shorter stands
    /// first; one that declares no length stands where upstream put it.
    pub fn places(&self) -> [Option<&Window>; 2] {
        places(self.primary.as_ref(), self.secondary.as_ref())
    }

    /// When a window of this snapshot was observed.
    pub fn seen(&self, window: &Window) -> Moment {
        window.seen.unwrap_or(self.at)
    }

    /// What is left in the tighter window.
    pub fn tightest(&self, at: Moment) -> Option<Percent> {
        self.windows()
            .filter_map(|window| window.left(at))
            .reduce(|a, b| if b.value() < a.value() { b } else { a })
    }

    /// When the last exhausted window starts anew; `None` when none is exhausted.
    pub fn exhausted_until(&self, at: Moment) -> Option<Moment> {
        self.windows()
            .filter(|window| window.is_exhausted(self.at, at))
            .filter_map(|window| window.resets_at)
            .max()
    }

    /// Whether any window is exhausted at `at`.
    pub fn is_exhausted(&self, at: Moment) -> bool {
        self.windows().any(|window| window.is_exhausted(self.at, at))
    }

    /// Whether it is about the account as a whole, not about one limit among several.
    pub fn is_own(&self) -> bool {
        self.limit_id.as_deref().is_none_or(|id| id == "codex")
    }

    /// What is known once `fresh` was observed; `None` when it is no news.
    pub fn learn(known: Option<&Self>, fresh: &Self) -> Option<Self> {
        match known {
            Some(known) if !fresh.is_own() => known.with_extra(fresh),
            Some(known) if known.at > fresh.at => None,
            Some(known) => Some(fresh.over(known)),
            None => fresh.is_own().then(|| fresh.clone()),
        }
    }

    fn with_extra(&self, fresh: &Self) -> Option<Self> {
        let id = fresh.limit_id.clone()?;
        let old = self.extra.iter().find(|extra| extra.id == id);
        if old.is_some_and(|old| old.at > fresh.at) {
            return None;
        }
        let name = old.and_then(|old| old.name.clone());
        let extra = Extra { id, name, primary: fresh.primary, secondary: fresh.secondary, at: fresh.at };
        let mut known = self.clone();
        match known.extra.iter_mut().find(|old| old.id == extra.id) {
            Some(old) => *old = extra,
            None => known.extra.push(extra),
        }
        Some(known)
    }

    /// A newer observation laid over an older one.
    fn over(&self, older: &Self) -> Self {
        let mut all = self.clone();
        if all.banked.is_none() {
            all.banked = older.banked;
        }
        if all.plan.is_none() {
            all.plan.clone_from(&older.plan);
        }
        // The usage endpoint tells everything: what it leaves out is not there any more.
        if self.source == Source::Usage {
            return all;
        }
        if all.credits.is_none() {
            all.credits.clone_from(&older.credits);
        }
        for extra in &older.extra {
            if all.extra.iter().all(|own| own.id != extra.id) {
                all.extra.push(extra.clone());
            }
        }
        all.primary = all.primary.map(|window| window.named_as(older.primary));
        all.secondary = all.secondary.map(|window| window.named_as(older.secondary));
        for (place, window) in [(Place::First, older.primary), (Place::Second, older.secondary)] {
            let Some(window) = window.filter(|window| self.leaves_out(window, place)) else { continue };
            let seen = older.seen(&window);
            let runs_until =
                window.resets_at.or_else(|| Some(seen + Span::minutes(i64::from(window.minutes?))));
            if runs_until.is_none_or(|end| end <= self.at) {
                continue;
            }
            let kept = Some(Window { seen: Some(seen), ..window });
            match (place, all.primary.is_none(), all.secondary.is_none()) {
                (Place::First, true, _) | (Place::Second, true, false) => all.primary = kept,
                (_, _, true) => all.secondary = kept,
                (_, false, false) => {}
            }
        }
        all
    }

    /// Whether nothing here speaks for a window that was known.
    fn leaves_out(&self, known: &Window, place: Place) -> bool {
        let here = match place {
            Place::First => self.primary,
            Place::Second => self.secondary,
        };
        let speaks = |own: &Window| own.minutes.is_some() && own.minutes == known.minutes;
        let nameless = |own: &Window| own.minutes.is_none() || known.minutes.is_none();
        !self.windows().any(speaks) && !here.as_ref().is_some_and(nameless)
    }
}

/// Where upstream put a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    First,
    Second,
}

fn places<'a>(primary: Option<&'a Window>, secondary: Option<&'a Window>) -> [Option<&'a Window>; 2] {
    let is_long = |window: &Window| window.minutes.map(|minutes| minutes >= LONG);
    match (primary, secondary) {
        (Some(first), Some(second)) => {
            let swapped = matches!((first.minutes, second.minutes), (Some(one), Some(two)) if one > two);
            if swapped { [secondary, primary] } else { [primary, secondary] }
        }
        (Some(only), None) if is_long(only) == Some(true) => [None, primary],
        (None, Some(only)) if is_long(only) == Some(false) => [secondary, None],
        (primary, secondary) => [primary, secondary],
    }
}

#[cfg(test)]
mod tests;
