//! The system's secure random source.

use crate::ports::Entropy;

/// `ports::Entropy` over the system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    #[expect(
        clippy::panic,
        reason = "without randomness no secret can be made, and a guessable one is worse than none"
    )]
    fn fill(&self, bytes: &mut [u8]) {
        if let Err(error) = getrandom::fill(bytes) {
            panic!("the system gave no randomness: {error}");
        }
    }
}
