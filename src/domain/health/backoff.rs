//! Growing waits after repeated throttling (runtime.md §20.3).
