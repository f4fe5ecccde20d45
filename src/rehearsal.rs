//! The product without an account: a fake back end, its cast and its client.
