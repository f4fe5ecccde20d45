//! The hot state of a proxy and the one place where it changes.
