//! `budget …` and `profile …` as clap reads them: what the user rules for projects and money.

use clap::{Args, Subcommand, ValueEnum};

use crate::app::flows::rules::{Members, Order, Wanted};
use crate::domain::policy::account;
use crate::domain::policy::budget;
use crate::domain::policy::edit::ProfileEdit;
use crate::domain::problem::{Exit, Problem};

/// A word behind `budget`.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum BudgetWord {
    /// Show all budgets and what is used of each
    List,
    /// Show one budget: used, limits, pace and when it begins anew
    Show(BudgetKey),
    /// Ask whether a budget lets requests through; exit 4 when it is used up
    Check(BudgetKey),
    /// Set a budget, in place of the old one of its key
    Limit(LimitArgs),
    /// Remove a budget
    Remove(BudgetKey),
}

/// Which budget.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct BudgetKey {
    /// global, project:KEY (or project:.), account:ACCOUNT, model:MODEL, tag:TAG, token:ID, or a profile's word
    #[arg(value_name = "KEY")]
    pub key: String,
}

/// Arguments of `budget limit`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct LimitArgs {
    /// global, project:KEY (or project:.), account:ACCOUNT, model:MODEL, tag:TAG, token:ID, or a profile's word
    #[arg(value_name = "KEY")]
    pub key: String,
    /// How long it counts: hour, day, week or month, as the calendar has them in UTC
    #[arg(long, value_enum, hide_possible_values = true, value_name = "WINDOW")]
    pub window: Window,
    /// At most so many requests
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub requests: Option<u64>,
    /// At most so many tokens, of all kinds
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub tokens: Option<u64>,
    /// At most so many dollars, at the prices of the API
    #[arg(long, value_name = "USD")]
    pub cost: Option<String>,
}

/// How long a budget counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Window {
    /// From the top of the hour
    Hour,
    /// From midnight
    Day,
    /// From Monday
    Week,
    /// From the first of the month
    Month,
}

impl From<Window> for budget::Window {
    fn from(window: Window) -> Self {
        match window {
            Window::Hour => Self::Hour,
            Window::Day => Self::Day,
            Window::Week => Self::Week,
            Window::Month => Self::Month,
        }
    }
}

/// Arguments of `budget`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct BudgetArgs {
    /// What to do; without a word all budgets are shown
    #[command(subcommand)]
    pub word: Option<BudgetWord>,
}

impl BudgetArgs {
    /// What is asked for.
    ///
    /// # Errors
    /// A limit that makes no sense, or none at all.
    pub fn order(self) -> Result<Order, Problem> {
        Ok(match self.word {
            None | Some(BudgetWord::List) => Order::Budgets,
            Some(BudgetWord::Show(of)) => Order::Budget(of.key),
            Some(BudgetWord::Check(of)) => Order::Check(of.key),
            Some(BudgetWord::Remove(of)) => Order::Unlimit(of.key),
            Some(BudgetWord::Limit(args)) => {
                let cost = args.cost.as_deref().map(dollars).transpose()?;
                if args.requests.is_none() && args.tokens.is_none() && cost.is_none() {
                    return Err(Problem::new("bad-argument", Exit::Usage, "a budget needs a limit")
                        .because("give --requests, --tokens or --cost, or several of them"));
                }
                Order::Limit(Wanted {
                    key: args.key,
                    window: args.window.into(),
                    requests: args.requests,
                    tokens: args.tokens,
                    cost,
                })
            }
        })
    }
}

/// Dollars as they are typed: digits with at most one point.
fn dollars(text: &str) -> Result<f64, Problem> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let value = text.parse::<f64>().ok().filter(|value| is_plain && *value > 0.0 && value.is_finite());
    value.ok_or_else(|| {
        Problem::new("out-of-range", Exit::Usage, format!("`{text}` is no amount of dollars"))
            .because("an amount is a number above 0, such as 12.50")
    })
}

/// A word behind `profile`.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum ProfileWord {
    /// Show the routing profiles of all projects
    List,
    /// Show the routing profile of a project
    Show(ProfileKey),
    /// Change the named members of a project's routing profile; an empty value clears one
    Set(ProfileArgs),
    /// Remove the routing profile of a project
    Unset(ProfileKey),
    /// Open the routing profiles in the dashboard
    Edit(ProfileKey),
}

/// Which project.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct ProfileKey {
    /// Key of the project; `.` and nothing are the project around this folder
    #[arg(id = "profile_of", value_name = "PROJECT")]
    pub project: Option<String>,
}

/// Arguments of `profile set`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct ProfileArgs {
    /// Key of the project; `.` and nothing are the project around this folder
    #[arg(id = "profile_of", value_name = "PROJECT")]
    pub project: Option<String>,
    /// Accounts with one of these tags come first
    #[arg(long, value_name = "TAG,…", value_delimiter = ',')]
    pub prefer: Option<Vec<String>>,
    /// Accounts with one of these tags come last
    #[arg(long, value_name = "TAG,…", value_delimiter = ',')]
    pub avoid: Option<Vec<String>>,
    /// Only models whose names contain one of these
    #[arg(long, value_name = "MODEL,…", value_delimiter = ',')]
    pub allow: Option<Vec<String>>,
    /// No model whose name contains one of these
    #[arg(long, value_name = "MODEL,…", value_delimiter = ',')]
    pub deny: Option<Vec<String>>,
    /// Weight of an account for this project, 0 to 10; without a number it is taken away
    #[arg(long = "weight", value_name = "ACCOUNT=WEIGHT")]
    pub weights: Vec<String>,
    /// The budget that counts for this project
    #[arg(long, value_name = "KEY")]
    pub budget: Option<String>,
}

/// Arguments of `profile`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct ProfileWords {
    /// What to do; without a word all profiles are shown
    #[command(subcommand)]
    pub word: Option<ProfileWord>,
}

impl ProfileWords {
    /// What is asked for.
    ///
    /// # Errors
    /// A weight that is none, or nothing to change.
    pub fn order(self) -> Result<Order, Problem> {
        Ok(match self.word {
            None | Some(ProfileWord::List | ProfileWord::Edit(_)) => Order::Profiles,
            Some(ProfileWord::Show(of)) => Order::Profile(of.project),
            Some(ProfileWord::Unset(of)) => Order::Unprofiled(of.project),
            Some(ProfileWord::Set(args)) => {
                let weights = args.weights.iter().map(|text| weight(text)).collect::<Result<Vec<_>, _>>()?;
                let edit = ProfileEdit {
                    prefer: args.prefer,
                    avoid: args.avoid,
                    allow: args.allow,
                    deny: args.deny,
                    weights: Vec::new(),
                    budget: args.budget,
                };
                if edit.is_empty() && weights.is_empty() {
                    return Err(Problem::new("bad-argument", Exit::Usage, "nothing to change was given")
                        .because("give --prefer, --avoid, --allow, --deny, --weight or --budget"));
                }
                Order::Profiled(args.project, Members { edit, weights })
            }
        })
    }
}

/// `ACCOUNT=WEIGHT`, or `ACCOUNT=` to take it away.
fn weight(text: &str) -> Result<(String, Option<f64>), Problem> {
    let bad = || {
        Problem::new("out-of-range", Exit::Usage, format!("`{text}` is no weight"))
            .because("write ACCOUNT=WEIGHT with a weight from 0 to 10, at most two decimals")
    };
    let (account, weight) = text.rsplit_once('=').ok_or_else(bad)?;
    if weight.is_empty() {
        return Ok((account.to_owned(), None));
    }
    let hundredths = account::hundredths(weight).ok_or_else(bad)?;
    Ok((account.to_owned(), Some(f64::from(hundredths) / 100.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_and_weights_are_read_strictly() {
        assert_eq!(dollars("12.5").ok(), Some(12.5));
        for text in ["", "0", "-1", "5abc", "1e3", "NaN", "inf", "1.2.3"] {
            assert!(dollars(text).is_err(), "{text}");
        }
        assert_eq!(weight("a=b@x.y=2.5").ok(), Some(("a=b@x.y".to_owned(), Some(2.5))));
        assert_eq!(weight("2=").ok(), Some(("2".to_owned(), None)));
        for text in ["2", "2=11", "2=x", "2=-1"] {
            assert!(weight(text).is_err(), "{text}");
        }
    }
}
