//! `history` as clap reads it.

use clap::{Args, Subcommand};

use crate::app::goal::{Command, Forwarding, Goal};
use crate::app::history::Order;
use crate::base::calendar::from_rfc3339;
use crate::base::{Moment, Span};
use crate::domain::history::{Filter, Migration, Since};
use crate::domain::problem::{Exit, Hint, Problem};

/// Arguments of `history`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct HistoryArgs {
    /// What to do; without a word the sessions are listed.
    #[command(subcommand)]
    pub word: Option<HistoryWord>,
    /// Filters of the list.
    #[command(flatten)]
    pub filters: Filters,
}

/// A word behind `history`.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum HistoryWord {
    /// List kept sessions, newest first, whatever their provider
    List(Filters),
    /// List sessions in which all these words were said
    Search {
        /// Words, in any letter case
        #[arg(value_name = "WORD", required = true)]
        words: Vec<String>,
        /// Filters of the list.
        #[command(flatten)]
        filters: Filters,
    },
    /// Show one session
    Show {
        /// Its id, or a beginning of it
        #[arg(value_name = "ID")]
        id: String,
    },
    /// Go on with a session, on your pool
    Resume {
        /// Its id, or a beginning of it
        #[arg(value_name = "ID")]
        id: String,
    },
    /// File sessions of the original package where the official CLI lists them; asks first
    Migrate {
        /// Only say what would be done
        #[arg(long, short = 'n')]
        dry_run: bool,
        /// Let the official CLI read all sessions anew at its next start
        #[arg(long)]
        rebuild_index: bool,
        /// Put everything back
        #[arg(long, conflicts_with_all = ["dry_run", "rebuild_index"])]
        undo: bool,
    },
}

/// Which sessions are listed.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Filters {
    /// Only of this provider
    #[arg(long, value_name = "NAME")]
    pub provider: Option<String>,
    /// Only of this folder and those below it
    #[arg(long, value_name = "PATH")]
    pub cwd: Option<String>,
    /// Only written to since: 30m, 12h, 7d, 2w, a date, or milliseconds
    #[arg(long, value_name = "WHEN")]
    pub since: Option<String>,
    /// Only with this word; may be given several times
    #[arg(long, value_name = "WORD")]
    pub search: Vec<String>,
    /// At most so many
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: Option<u32>,
}

impl Filters {
    fn filter(self, words: Vec<String>) -> Result<Filter, Problem> {
        let mut search = self.search;
        search.extend(words);
        Ok(Filter {
            provider: self.provider,
            cwd: self.cwd,
            since: self.since.as_deref().map(since).transpose()?,
            search,
            limit: self.limit.and_then(|limit| usize::try_from(limit).ok()),
        })
    }
}

impl HistoryArgs {
    /// What to do.
    ///
    /// # Errors
    /// When a moment cannot be read.
    pub fn goal(self) -> Result<Goal, Problem> {
        let order = match self.word {
            None => Order::List(self.filters.filter(Vec::new())?),
            Some(HistoryWord::List(filters)) => Order::List(filters.filter(Vec::new())?),
            Some(HistoryWord::Search { words, filters }) => Order::List(filters.filter(words)?),
            Some(HistoryWord::Show { id }) => Order::Show(id),
            Some(HistoryWord::Resume { id }) => {
                return Ok(Goal::Forward(Forwarding { args: Vec::new(), resume: Some(id) }));
            }
            Some(HistoryWord::Migrate { undo: true, .. }) => Order::Undo,
            Some(HistoryWord::Migrate { dry_run, rebuild_index, .. }) => {
                Order::Migrate(Migration { dry_run, rebuild_index })
            }
        };
        Ok(Goal::Run(Command::History(order)))
    }
}

/// `<n>m|h|d|w` before now, all digits = Unix ms, else a date or a moment of RFC 3339 (commands.md §4.15).
fn since(text: &str) -> Result<Since, Problem> {
    let trimmed = text.trim();
    let unknown = || {
        Problem::new("bad-argument", Exit::Usage, format!("`{text}` is no moment"))
            .hint(Hint::Say("Use 30m, 12h, 7d, 2w, 2026-11-20, or milliseconds since 1970".to_owned()))
    };
    if !trimmed.is_empty() && trimmed.bytes().all(|byte| byte.is_ascii_digit()) {
        return trimmed.parse().map(|ms| Since::At(Moment::from_millis(ms))).map_err(|_| unknown());
    }
    if let Some((number, unit)) = trimmed.split_at_checked(trimmed.len().saturating_sub(1))
        && let Ok(number) = number.parse::<i64>()
        && (0..=1_000_000).contains(&number)
    {
        let span = match unit.to_ascii_lowercase().as_str() {
            "m" => Some(Span::minutes(number)),
            "h" => Some(Span::hours(number)),
            "d" => Some(Span::days(number)),
            "w" => Some(Span::days(number.saturating_mul(7))),
            _ => None,
        };
        if let Some(span) = span {
            return Ok(Since::Ago(span));
        }
    }
    from_rfc3339(trimmed)
        .or_else(|| from_rfc3339(&format!("{trimmed}T00:00:00Z")))
        .map(Since::At)
        .ok_or_else(unknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_in_every_form_or_refused() {
        for (text, expected) in [
            ("30m", Some(Since::Ago(Span::minutes(30)))),
            ("12H", Some(Since::Ago(Span::hours(12)))),
            ("2w", Some(Since::Ago(Span::days(14)))),
            ("1790000000000", Some(Since::At(Moment::from_millis(1_790_000_000_000)))),
            ("1970-01-02", Some(Since::At(Moment::from_secs(86_400)))),
            ("1970-01-01T00:00:10Z", Some(Since::At(Moment::from_secs(10)))),
            ("yesterday", None),
            ("", None),
            ("-3d", None),
            ("3é", None),
        ] {
            assert_eq!(since(text).ok(), expected, "{text}");
        }
    }
}
