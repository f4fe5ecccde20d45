//! Which account is in use now, by the newest signal.
