//! Hourly and per-minute sums over ledger rows.
