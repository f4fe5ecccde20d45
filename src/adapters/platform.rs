//! What differs per operating system, one small module each (D31). The only place with unsafe code (D33).

#[cfg(unix)]
pub mod unix;
