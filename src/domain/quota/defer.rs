//! Pre-emptive deferral near exhaustion (runtime.md §11.4).
