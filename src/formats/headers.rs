//! Quota and waiting times in response headers (runtime.md §11).
