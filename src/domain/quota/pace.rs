//! Pace and run-out time (dashboard.md §11.5).
