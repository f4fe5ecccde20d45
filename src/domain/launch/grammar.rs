//! Scanner over the arguments of the official CLI, as a versioned table (forwarder.md §3).
