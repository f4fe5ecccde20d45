//! Fast-fail gates of a whole pool: exhaustion and server bursts (runtime.md §20.2).
