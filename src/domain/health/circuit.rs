//! The circuit breaker (runtime.md §9.3).
