//! Error bodies: those of the back end, read into an `Answer`, and those the proxy writes itself.
