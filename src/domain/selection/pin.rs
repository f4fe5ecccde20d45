//! Forced and manual pins, and what to say when they block (runtime.md §13.2).
