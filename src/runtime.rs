//! The loop, its services and its shells.
