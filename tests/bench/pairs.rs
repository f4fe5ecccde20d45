//! Two things measured in turns, so that a busy machine disturbs both alike, and compared pair by pair.

use std::fmt;

use color_eyre::Result;

/// The middle of `values`, and what lies a quarter below and above it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Middle {
    pub(crate) low: f64,
    pub(crate) median: f64,
    pub(crate) high: f64,
}

impl Middle {
    pub(crate) fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let at = |quarter: usize| {
            values.get(values.len().saturating_sub(1) * quarter / 4).copied().unwrap_or(f64::NAN)
        };
        Self { low: at(1), median: at(2), high: at(3) }
    }
}

/// How one thing compares with its floor.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ratio {
    pub(crate) ours: Middle,
    pub(crate) floor: Middle,
    pub(crate) quotient: Middle,
}

impl fmt::Display for Ratio {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Middle { low, median, high } = self.quotient;
        write!(out, "{median:.2} ({low:.2} … {high:.2})")
    }
}

/// Runs both `pairs` times, each first in every other pair.
pub(crate) fn compare(
    pairs: usize,
    mut ours: impl FnMut() -> Result<f64>,
    mut floor: impl FnMut() -> Result<f64>,
) -> Result<Ratio> {
    ours()?;
    floor()?;
    let mut taken = Vec::with_capacity(pairs);
    for pair in 0..pairs {
        if pair % 2 == 0 {
            let first = ours()?;
            taken.push((first, floor()?));
        } else {
            let first = floor()?;
            taken.push((ours()?, first));
        }
    }
    Ok(ratio(&taken))
}

/// The ratio of pairs that were taken elsewhere.
pub(crate) fn ratio(taken: &[(f64, f64)]) -> Ratio {
    Ratio {
        ours: Middle::of(taken.iter().map(|pair| pair.0).collect()),
        floor: Middle::of(taken.iter().map(|pair| pair.1).collect()),
        quotient: Middle::of(taken.iter().map(|pair| pair.0 / pair.1).collect()),
    }
}
