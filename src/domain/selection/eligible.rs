//! Skip reasons, in their order (runtime.md §7.1).
