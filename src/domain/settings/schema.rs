//! The table of keys: name, environment variable, bounds, help.
