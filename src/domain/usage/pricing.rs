//! What tokens would cost over the API, in USD per million: an equivalent for comparing, nobody is charged it.
//!
//! Output already includes reasoning (DB-51), so reasoning is not charged again.

use crate::domain::facts::TurnTokens;

/// Model prefix, input, output, cached input.
const PRICES: [(&str, f64, f64, f64); 6] = [
    ("gpt-5.6-sol", 5.0, 30.0, 0.5),
    ("gpt-5.6-terra", 2.5, 15.0, 0.25),
    ("gpt-5.6-luna", 1.0, 6.0, 0.1),
    ("gpt-5.4", 2.0, 12.0, 0.2),
    ("gpt-5.5", 2.0, 12.0, 0.2),
    ("gpt-5.2", 1.25, 10.0, 0.125),
];

/// Price of the codex models.
const CODEX: (f64, f64, f64) = (1.25, 10.0, 0.125);

/// The cost of one turn, rounded to 8 decimals; `None` for models without a price.
pub fn cost(model: Option<&str>, tokens: &TurnTokens) -> Option<f64> {
    let (input, output, cached) = price(model?)?;
    let fresh = tokens.input.saturating_sub(tokens.cached);
    let sum = count(fresh) * input + count(tokens.output) * output + count(tokens.cached) * cached;
    Some((sum / 1e6 * 1e8).round() / 1e8)
}

fn price(model: &str) -> Option<(f64, f64, f64)> {
    if model.starts_with("gpt-5") && model.contains("codex") {
        return Some(CODEX);
    }
    // Small and large variants have prices of their own, which nobody told.
    let is_variant = |rest: &str| ["-pro", "-mini", "-nano"].iter().any(|variant| rest.starts_with(variant));
    PRICES
        .iter()
        .find(|(name, ..)| model.strip_prefix(name).is_some_and(|rest| !is_variant(rest)))
        .map(|(_, input, output, cached)| (*input, *output, *cached))
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
        assert_eq!(cost("gpt-5.5-pro"), None);
        assert_eq!(cost("o3"), None);
        assert_eq!(super::cost(None, &tokens), None);
    }
}
