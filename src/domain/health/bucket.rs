//! The local token bucket: ranks, never refuses (D26, runtime.md §9.1).
