//! API-equivalent prices (runtime.md §17).
