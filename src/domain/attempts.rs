//! How many upstream sends a request, and how many reconnects a turn, may cost (runtime.md §20.1, §22.7).
