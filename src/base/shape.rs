//! Collections that cannot grow without bound.

use std::collections::VecDeque;

/// The newest `N` values; pushing to a full ring drops the oldest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ring<T, const N: usize> {
    items: VecDeque<T>,
}

impl<T, const N: usize> Default for Ring<T, N> {
    fn default() -> Self {
        Self { items: VecDeque::new() }
    }
}

impl<T, const N: usize> Ring<T, N> {
    /// Appends the newest value.
    pub fn push(&mut self, item: T) {
        if self.items.len() >= N {
            self.items.pop_front();
        }
        self.items.push_back(item);
    }

    /// Oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &T> + ExactSizeIterator {
        self.items.iter()
    }

    /// Oldest first, mutable.
    pub fn iter_mut(&mut self) -> impl DoubleEndedIterator<Item = &mut T> + ExactSizeIterator {
        self.items.iter_mut()
    }

    /// The value at a place, counted from the oldest.
    pub fn get_mut(&mut self, place: usize) -> Option<&mut T> {
        self.items.get_mut(place)
    }

    /// The newest value.
    pub fn newest(&self) -> Option<&T> {
        self.items.back()
    }

    /// How many values are held, at most `N`.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether nothing is held.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.items.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_ring_drops_its_oldest_value() {
        let mut ring = Ring::<u8, 2>::default();

        for n in 1..=3 {
            ring.push(n);
        }

        assert_eq!(ring.iter().copied().collect::<Vec<_>>(), [2, 3]);
    }
}
