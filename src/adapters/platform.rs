//! What differs per operating system, one small module each (D31). The only place with unsafe code (D33).

#[cfg(unix)]
pub mod unix;

/// Stops this process as Ctrl-Z would, until it is continued. Does nothing where there is no job control.
pub fn stop_self() {
    #[cfg(unix)]
    unix::stop_self();
}
