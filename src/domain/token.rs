//! When tokens are due, and which of two sets is newer.
