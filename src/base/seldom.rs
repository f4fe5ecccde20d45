//! A part that most of many values do not have: one word where it is missing, read as an empty one.

use std::fmt;
use std::ops::{Deref, DerefMut};

/// What a missing part reads as.
pub trait Nothing: Default + 'static {
    /// The one empty value.
    fn nothing() -> &'static Self;
}

/// A `T` that takes no room until something is written into it.
#[derive(Clone)]
pub struct Seldom<T>(Option<Box<T>>);

impl<T> Default for Seldom<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T: Nothing> Deref for Seldom<T> {
    type Target = T;

    fn deref(&self) -> &T {
        match &self.0 {
            Some(value) => value,
            None => T::nothing(),
        }
    }
}

impl<T: Nothing> DerefMut for Seldom<T> {
    fn deref_mut(&mut self) -> &mut T {
        self.0.get_or_insert_default()
    }
}

impl<T: Nothing + PartialEq> From<T> for Seldom<T> {
    fn from(value: T) -> Self {
        Self(if value == *T::nothing() { None } else { Some(Box::new(value)) })
    }
}

impl<T: Nothing + PartialEq> PartialEq for Seldom<T> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T: Nothing + Eq> Eq for Seldom<T> {}

impl<T: Nothing + fmt::Debug> fmt::Debug for Seldom<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::*;

    #[derive(Debug, Clone, Default, PartialEq, Eq)]
    struct Part {
        number: u32,
    }

    impl Nothing for Part {
        fn nothing() -> &'static Self {
            static NOTHING: LazyLock<Part> = LazyLock::new(Part::default);
            &NOTHING
        }
    }

    #[test]
    fn a_missing_part_reads_as_an_empty_one_and_takes_what_is_written() {
        let mut part = Seldom::<Part>::default();
        assert_eq!(part.number, 0);
        assert!(part.0.is_none());

        part.number = 7;

        assert_eq!((part.number, format!("{part:?}").as_str()), (7, "Part { number: 7 }"));
    }

    #[test]
    fn an_empty_part_equals_a_missing_one() {
        let mut written = Seldom::<Part>::default();
        *written = Part::default();

        assert_eq!(written, Seldom::default());
        assert_eq!(Seldom::from(Part::default()), Seldom::default());
        assert_ne!(Seldom::from(Part { number: 1 }), Seldom::default());
        assert_eq!(size_of::<Seldom<Part>>(), size_of::<usize>());
    }
}
