//! What tokens would cost over the API, in USD per million: an equivalent for comparing, nobody is charged it.
//!
//! Output already includes reasoning (DB-51), so reasoning is not charged again. A price belongs to the model a name
//! stands for (CLI-38); the user's own prices win over the table, and a name that resembles no model has none.

use std::collections::BTreeMap;

use crate::domain::facts::TurnTokens;
use crate::domain::model::table;

/// USD per million tokens.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Price {
    /// Input that was not cached.
    pub input: f64,
    /// Output, reasoning included.
    pub output: f64,
    /// Cached input.
    pub cached: f64,
}

const fn price(input: f64, output: f64, cached: f64) -> Price {
    Price { input, output, cached }
}

/// Prices of the reference, by model.
const TABLE: [(&str, Price); 7] = [
    ("gpt-5.3-codex", price(1.25, 10.0, 0.125)),
    ("gpt-5.2", price(1.25, 10.0, 0.125)),
    ("gpt-5.4", price(2.0, 12.0, 0.2)),
    ("gpt-5.5", price(2.0, 12.0, 0.2)),
    ("gpt-5.6-sol", price(5.0, 30.0, 0.5)),
    ("gpt-5.6-terra", price(2.5, 15.0, 0.25)),
    ("gpt-5.6-luna", price(1.0, 6.0, 0.1)),
];

/// The prices that hold: the user's own, then the table.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Prices {
    own: BTreeMap<String, Price>,
}

impl Prices {
    /// The user's prices over the table.
    pub fn new(own: BTreeMap<String, Price>) -> Self {
        Self { own }
    }

    /// The price of a model under any of its names.
    pub fn of(&self, model: &str) -> Option<Price> {
        let own = |name: &str| self.own.get(name).copied();
        if let Some(price) = own(&model.trim().to_ascii_lowercase()) {
            return Some(price);
        }
        let name = table::known(model)?.name;
        own(name).or_else(|| TABLE.iter().find(|(known, _)| *known == name).map(|(_, price)| *price))
    }
}

impl Price {
    /// What these tokens cost, rounded to 8 decimals.
    pub fn cost(self, tokens: &TurnTokens) -> f64 {
        let fresh = tokens.input.saturating_sub(tokens.cached);
        let sum = count(fresh) * self.input
            + count(tokens.output) * self.output
            + count(tokens.cached) * self.cached;
        (sum / 1e6 * 1e8).round() / 1e8
    }
}

/// The cost of one turn by the table, as the ledger keeps it; `None` for models without a price.
pub fn cost(model: Option<&str>, tokens: &TurnTokens) -> Option<f64> {
    Some(Prices::default().of(model?)?.cost(tokens))
}

fn count(tokens: u64) -> f64 {
    f64::from(u32::try_from(tokens).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cached_input_is_cheap_and_reasoning_is_not_charged_twice() {
        let tokens = TurnTokens {
            input: 1_000_000,
            output: 100_000,
            cached: 400_000,
            reasoning: 90_000,
            total: 1_100_000,
        };

        let cost = |model| cost(Some(model), &tokens);

        assert_eq!(cost("gpt-5.5"), Some(2.48));
        assert_eq!(cost("gpt-5.3-codex"), Some(1.8));
        assert_eq!(cost("GPT-5.1-codex-max"), Some(1.8));
        assert_eq!(cost("gpt-5.5-pro"), None);
        assert_eq!(cost("o3"), None);
        assert_eq!(super::cost(None, &tokens), None);
    }

    #[test]
    fn the_users_own_price_wins_and_prices_what_the_table_does_not() {
        let own = price(1.0, 1.0, 1.0);
        let prices = Prices::new(BTreeMap::from([("gpt-5.5".to_owned(), own), ("o3".to_owned(), own)]));

        assert_eq!(prices.of("gpt-5.5-2026-04-23"), Some(own));
        assert_eq!(prices.of("o3"), Some(own));
        assert_eq!(prices.of("gpt-5.2"), Some(price(1.25, 10.0, 0.125)));
    }
}
