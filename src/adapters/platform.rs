//! What differs per operating system, one small module each (D31). The only place with unsafe code (D33).

#[cfg(unix)]
pub mod unix;

/// How many files this process may open; `None` where there is no such limit.
pub fn descriptors() -> Option<u64> {
    #[cfg(unix)]
    return unix::descriptors();
    #[cfg(not(unix))]
    return None;
}

/// Lets this process open as many files as it may ask for.
pub fn raise_descriptors() {
    #[cfg(unix)]
    unix::raise_descriptors();
}

/// Bytes free for this user on the file system of a path.
pub fn free_space(path: &std::path::Path) -> Option<u64> {
    #[cfg(unix)]
    return unix::free_space(path);
    #[cfg(not(unix))]
    {
        let _ = path;
        None
    }
}

/// Stops this process as Ctrl-Z would, until it is continued. Does nothing where there is no job control.
pub fn stop_self() {
    #[cfg(unix)]
    unix::stop_self();
}

/// Lets a program that is about to be started outlive this one and its terminal.
pub fn detach(command: &mut std::process::Command) {
    #[cfg(unix)]
    unix::detach(command);
    #[cfg(not(unix))]
    let _ = command;
}
