//! Figures and names as people read them on every screen.

use crate::app::ui::{Clock, Mask};
use crate::base::text::clean;
use crate::base::{Moment, Span, calendar};
use crate::domain::account::Account;
use crate::domain::label;
use crate::domain::quota::window::Window;
use crate::view::scene::Scene;

/// The mark of cut text.
pub const CUT: &str = "…";
/// An unknown figure.
pub const UNKNOWN: &str = "–";

/// Tokens: `950`, `18.2k`, `1.2M`.
pub fn tokens(count: u64) -> String {
    let scaled = |unit: u64, sign: char| format!("{}.{}{sign}", count / unit, count % unit * 10 / unit);
    match count {
        0..1_000 => count.to_string(),
        1_000..1_000_000 => scaled(1_000, 'k'),
        _ => scaled(1_000_000, 'M'),
    }
}

/// Shorter ago than this is now.
const NOW: Span = Span::seconds(5);

/// How long ago: `12s ago`, `just now`.
pub fn ago(span: Span) -> String {
    if span < NOW { "just now".to_owned() } else { format!("{} ago", calendar::long(span)) }
}

/// `1 session`, `2 sessions`.
pub fn count(number: u64, one: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {one}s") }
}

/// A plan as people write it: `Plus`, `Biz`.
pub fn plan(plan: Option<&str>, room: usize) -> String {
    let known = plan.map(str::trim).filter(|plan| !plan.is_empty());
    let Some(plan) = known else { return UNKNOWN.to_owned() };
    let lower = plan.to_ascii_lowercase();
    let short = match lower.as_str() {
        "business" if room < 8 => "Biz",
        "enterprise" if room < 10 => "Ent",
        _ => "",
    };
    if !short.is_empty() {
        return short.to_owned();
    }
    let cleaned = clean(&lower);
    let mut letters = cleaned.chars();
    let text: String =
        letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default();
    crate::base::text::truncate(&text, room, CUT)
}

impl Scene<'_> {
    /// An account's name: label, else e-mail, else its position; masked when asked, harmless always.
    pub fn name(&self, account: &Account, index: usize) -> String {
        self.masked(&clean(&label::name(account, index + 1)))
    }

    /// The name for narrow columns.
    pub fn short_name(&self, account: &Account, index: usize) -> String {
        let name = clean(&label::short_name(account, index + 1)).into_owned();
        let is_address = account.label.is_none() && account.email.is_some();
        if self.ui.mask == Mask::On && is_address { format!("{}***", two(&name)) } else { name }
    }

    /// The short name behind a key.
    pub fn short_name_of(&self, key: Option<&crate::domain::account::AccountKey>) -> String {
        let Some(key) = key else { return UNKNOWN.to_owned() };
        let Some(index) = self.world.roster.index_of(key) else { return "gone".to_owned() };
        self.world
            .roster
            .accounts
            .get(index)
            .map(|account| self.short_name(account, index))
            .unwrap_or_default()
    }

    /// An e-mail address, masked when asked.
    pub fn masked(&self, text: &str) -> String {
        match (self.ui.mask, text.split_once('@')) {
            (Mask::On, Some((local, domain))) => {
                let last = domain.rsplit('.').next().unwrap_or(domain);
                format!("{}***@***.{last}", two(local))
            }
            (Mask::On | Mask::Off, _) => text.to_owned(),
        }
    }

    /// Running text with every e-mail address in it masked, when asked.
    pub fn veiled(&self, text: &str) -> String {
        if self.ui.mask == Mask::Off || !text.contains('@') {
            return text.to_owned();
        }
        let belongs = |c: char| c.is_alphanumeric() || "@._-+%".contains(c);
        let mut veiled = String::with_capacity(text.len());
        for piece in text.split_inclusive(|c| !belongs(c)) {
            let word = piece.trim_end_matches(|c| !belongs(c));
            veiled.push_str(&self.masked(word));
            veiled.push_str(piece.get(word.len()..).unwrap_or(""));
        }
        veiled
    }

    /// A moment ahead in a table cell of six: `1h19m`, or `15:57`.
    pub fn ahead(&self, until: Moment) -> String {
        match self.ui.clock {
            Clock::Countdown => calendar::short(self.now.until(until)),
            Clock::Time => {
                let near = calendar::near(until, self.now, &self.world.setting.zone);
                // `Tue 18:23` does not fit a cell; the hour does.
                match near.split_once(' ') {
                    Some((day, clock)) => match clock.split_once(':') {
                        Some((hour, _)) => format!("{day}{hour}h"),
                        None => near,
                    },
                    None => near,
                }
            }
        }
    }

    /// When a window starts anew, in a table cell: `idle` when nothing of it is used.
    pub fn reset(&self, window: &Window) -> String {
        if window.used.is_some_and(|used| used.rounded() == 0) {
            return "idle".to_owned();
        }
        match window.resets_at {
            Some(reset) if reset <= self.now => "idle".to_owned(),
            Some(reset) => self.ahead(reset),
            None => UNKNOWN.to_owned(),
        }
    }

    /// A moment by the clock: `15:57`, `Tue 18:23`, `24 Nov`.
    pub fn near(&self, at: Moment) -> String {
        calendar::near(at, self.now, &self.world.setting.zone)
    }

    /// Time of day: `14:38`.
    pub fn clock(&self, at: Moment) -> String {
        calendar::clock(at, &self.world.setting.zone)
    }

    /// How long ago something was.
    pub fn ago(&self, at: Moment) -> String {
        ago(self.now.since(at))
    }
}

fn two(text: &str) -> String {
    text.chars().take(2).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_short() {
        assert_eq!(tokens(950), "950");
        assert_eq!(tokens(18_290), "18.2k");
        assert_eq!(tokens(1_249_000), "1.2M");
        assert_eq!(plan(Some("plus"), 4), "Plus");
        assert_eq!(plan(Some("business"), 4), "Biz");
        assert_eq!(plan(None, 4), "–");
        assert_eq!(count(1, "turn"), "1 turn");
    }
}
