//! When two records are the same person and seat (storage.md §5).
