//! Words for accounts and their states (dashboard.md §11.4).
