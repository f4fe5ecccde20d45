//! What upstream's answer means: for the account and for the request (runtime.md §10).
