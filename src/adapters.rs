//! The outside world behind the ports: files, network, processes, clock.
