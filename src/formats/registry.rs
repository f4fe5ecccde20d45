//! `<root>/run/<pid>.json`: the registry entry of a live proxy (forwarder.md §9.2). It holds no secret: the path
//! prefix is given out over the control socket only.

use serde::{Deserialize, Serialize};

use crate::base::Moment;

/// A registry entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Registration {
    version: u32,
    /// Process id.
    pub pid: u32,
    started_at: i64,
    /// When the process itself began, epoch ms; tells a reused pid from the old process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process_start_time: Option<i64>,
    /// `inline`, `serve` or `router`.
    pub kind: String,
    /// Loopback port.
    pub port: u16,
    /// Its Codex home.
    #[serde(default)]
    pub codex_home: String,
    /// Project folder of an inline proxy.
    #[serde(default)]
    pub project: Option<String>,
    /// Control socket, when it does not stand beside this file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub socket: Option<String>,
}

/// The longest socket path that every system takes (their limits are 104 to 108 bytes).
pub const SOCKET_PATH_CAP: usize = 100;

impl Registration {
    /// An entry for a proxy that listens since `started_at`.
    pub fn new(pid: u32, started_at: Moment, kind: &str, port: u16) -> Self {
        Self {
            version: 1,
            pid,
            started_at: started_at.millis(),
            process_start_time: None,
            kind: kind.to_owned(),
            port,
            codex_home: String::new(),
            project: None,
            socket: None,
        }
    }

    /// When the proxy began to listen.
    pub fn started_at(&self) -> Moment {
        Moment::from_millis(self.started_at)
    }

    /// Reads an entry; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        serde_json::from_str::<Self>(text).ok().filter(|entry| entry.version == 1)
    }

    /// The file's text.
    pub fn print(&self) -> String {
        let mut text = serde_json::to_string(self).unwrap_or_default();
        text.push('\n');
        text
    }

    /// Whether a process that began at `process_start` can be the one that wrote this entry. Clocks of the two
    /// readings differ by rounding, never by seconds.
    pub fn is_of(&self, process_start: Option<Moment>) -> bool {
        match (self.process_start_time, process_start) {
            (Some(then), Some(now)) => (then - now.millis()).abs() <= 2_000,
            _ => true,
        }
    }
}

/// Start of a process from its `/proc/<pid>/stat` line and the `btime` of `/proc/stat`, at 100 ticks a second.
pub fn linux_start(stat: &str, system: &str) -> Option<Moment> {
    // The command name may hold spaces and brackets; the fields begin after its last bracket.
    let ticks: i64 = stat.rsplit_once(')')?.1.split_ascii_whitespace().nth(19)?.parse().ok()?;
    let boot: i64 = system.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()?;
    Some(Moment::from_millis(boot.saturating_mul(1_000).saturating_add(ticks.saturating_mul(10))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_survives_the_file() {
        let mut entry = Registration::new(42, Moment::from_millis(1_000), "serve", 4_455);
        entry.process_start_time = Some(900);
        entry.codex_home = "/home/me/.codex".to_owned();

        assert_eq!(Registration::parse(&entry.print()), Some(entry));
        assert_eq!(Registration::parse("{\"version\":2}"), None);
    }

    #[test]
    fn a_reused_pid_is_told_from_the_old_process() {
        let mut entry = Registration::new(42, Moment::EPOCH, "inline", 1);
        entry.process_start_time = Some(100_000);

        assert!(entry.is_of(Some(Moment::from_millis(100_010))));
        assert!(!entry.is_of(Some(Moment::from_millis(900_000))));
        assert!(entry.is_of(None));
    }

    #[test]
    fn the_start_of_a_process_is_read_behind_an_odd_name() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 250 0 0";

        assert_eq!(linux_start(stat, "cpu 1\nbtime 1000\n"), Some(Moment::from_millis(1_002_500)));
    }
}
