//! Launching the official CLI through the proxy.
