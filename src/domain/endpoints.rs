//! Hosts and the two loopback-only overrides (D25), validated here.
