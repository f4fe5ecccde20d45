//! Starters and assertions that more than one group of tests uses.
