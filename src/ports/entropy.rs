//! Secure randomness.

/// The system's random source.
pub trait Entropy: Clone + Send + Sync + 'static {
    /// Fills `bytes` from the system's secure source.
    fn fill(&self, bytes: &mut [u8]);

    /// A seed for the model's or a pool's ordinary generator; never for secrets.
    fn seed(&self) -> u64 {
        let mut bytes = [0; 8];
        self.fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }
}
