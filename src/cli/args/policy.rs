//! `account tag … drain` and `account policy` as clap reads them: what the user wants of an account.

use clap::{Args, Subcommand};

use crate::app::flows::policy::Order;
use crate::domain::account::Switch;
use crate::domain::policy::account::{self, PolicyEdit};
use crate::domain::problem::{Exit, Problem};

/// Which account.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Whom {
    /// Number, e-mail, label, id or a unique beginning of one
    #[arg(value_name = "ACCOUNT")]
    pub account: String,
}

/// Which account, and a tag.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Tagged {
    /// Number, e-mail, label, id or a unique beginning of one
    #[arg(value_name = "ACCOUNT")]
    pub account: String,
    /// The tag: letters, digits, `.`, `_` and `-`
    #[arg(value_name = "TAG")]
    pub tag: String,
}

/// Which account, and how heavy.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Weighed {
    /// Number, e-mail, label, id or a unique beginning of one
    #[arg(value_name = "ACCOUNT")]
    pub account: String,
    /// 0 to 10; 1 is the weight of an account without one
    #[arg(value_name = "WEIGHT")]
    pub weight: String,
}

/// Which account, and a note.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Noted {
    /// Number, e-mail, label, id or a unique beginning of one
    #[arg(value_name = "ACCOUNT")]
    pub account: String,
    /// The note; none removes it
    #[arg(value_name = "TEXT")]
    pub text: Vec<String>,
}

/// A word behind `account policy`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub enum PolicyWord {
    /// Show tags, weight, pause, drain and note of every account
    List,
}

/// A pause or a drain, or the end of one.
pub(super) fn held(whom: Whom, edit: fn(Switch) -> PolicyEdit, switch: Switch) -> Order {
    Order::Edit(whom.account, edit(switch))
}

/// A tag more, or one less.
pub(super) fn tagged(tagged: Tagged, edit: fn(String) -> PolicyEdit) -> Result<Order, Problem> {
    let tag = account::tag(&tagged.tag).filter(|tag| tag.chars().any(|c| c != '-'));
    let tag = tag.ok_or_else(|| {
        Problem::new("bad-argument", Exit::Usage, format!("`{}` is no tag", tagged.tag))
            .because("a tag is made of letters, digits, dots, underscores and dashes")
    })?;
    Ok(Order::Edit(tagged.account, edit(tag)))
}

/// Another weight.
pub(super) fn weighed(weighed: Weighed) -> Result<Order, Problem> {
    let bad = || {
        Problem::new("out-of-range", Exit::Usage, format!("`{}` is no weight", weighed.weight))
            .because("a weight is a number from 0 to 10, with at most two decimals")
    };
    let hundredths = account::hundredths(&weighed.weight).ok_or_else(bad)?;
    Ok(Order::Edit(weighed.account, PolicyEdit::Weight(hundredths)))
}

/// Another note.
pub(super) fn noted(noted: Noted) -> Order {
    let text = noted.text.join(" ");
    Order::Edit(noted.account, PolicyEdit::Note((!text.trim().is_empty()).then_some(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_numbers_from_nought_to_ten() {
        for (text, hundredths) in
            [("0", 0), ("1", 100), ("2.5", 250), ("9.99", 999), ("10", 1_000), ("10.00", 1_000)]
        {
            let order = weighed(Weighed { account: "a".to_owned(), weight: text.to_owned() });
            assert_eq!(order, Ok(Order::Edit("a".to_owned(), PolicyEdit::Weight(hundredths))), "{text}");
        }
        for text in ["", "-1", "10.01", "11", "1e1", "5abc", "NaN", ".5", "1.234", "99999"] {
            let order = weighed(Weighed { account: "a".to_owned(), weight: text.to_owned() });
            assert!(order.is_err(), "{text}");
        }
    }

    #[test]
    fn tags_are_normalised_and_empty_ones_refused() {
        let of = |tag: &str| tagged(Tagged { account: "a".to_owned(), tag: tag.to_owned() }, PolicyEdit::Tag);

        assert_eq!(of(" Team A "), Ok(Order::Edit("a".to_owned(), PolicyEdit::Tag("team-a".to_owned()))));
        assert!(of("").is_err() && of("???").is_err());
    }
}
