//! Waits before the same account is tried again, with the variation that keeps clients from moving in step.

use crate::base::Span;

/// A wait upstream asked for, varied by ±20 % but never shorter than a tenth of a second.
pub fn around(wait: Span, rng: &mut fastrand::Rng) -> Span {
    wait.scaled(0.8 + 0.4 * rng.f64()).max(Span::millis(100))
}

/// The pause before an overloaded back end is asked once more: 250 … 1,000 ms.
pub fn after_overload(rng: &mut fastrand::Rng) -> Span {
    Span::millis(rng.i64(250..=1_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_stay_within_their_bounds() {
        let mut rng = fastrand::Rng::with_seed(7);
        for _ in 0..500 {
            let wait = around(Span::seconds(2), &mut rng);
            assert!((Span::millis(1_600)..=Span::millis(2_400)).contains(&wait), "{wait:?}");
            let pause = after_overload(&mut rng);
            assert!((Span::millis(250)..=Span::seconds(1)).contains(&pause), "{pause:?}");
        }
        assert_eq!(around(Span::ZERO, &mut rng), Span::millis(100));
    }
}
