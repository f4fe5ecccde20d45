//! Chance as an argument: the one generator that floors above hand down. Never for secrets.

/// The seeded generator of pools and machines.
pub type Rng = fastrand::Rng;

/// A generator that draws the same numbers for the same seed.
pub fn seeded(seed: u64) -> Rng {
    Rng::with_seed(seed)
}
