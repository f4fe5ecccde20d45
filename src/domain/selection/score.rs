//! The hybrid score (runtime.md §7.3).
