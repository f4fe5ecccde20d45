//! The health score (runtime.md §8).
