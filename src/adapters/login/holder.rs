//! Who holds a loopback port, as far as the system tells: the words a person needs to free it.

use std::path::Path;

/// The program that listens on a port, with its id; `None` where that cannot be known.
#[cfg(target_os = "linux")]
pub(super) fn holder(port: u16) -> Option<String> {
    let inodes: Vec<String> = ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .filter_map(|table| std::fs::read_to_string(table).ok())
        .flat_map(|table| listening(&table, port))
        .collect();
    let processes = std::fs::read_dir("/proc").ok()?;
    processes.filter_map(Result::ok).find_map(|process| {
        let path = process.path();
        let id = path.file_name()?.to_str()?.parse::<u32>().ok()?;
        let handles = std::fs::read_dir(path.join("fd")).ok()?;
        let is_holder = handles.filter_map(Result::ok).any(|handle| {
            std::fs::read_link(handle.path()).is_ok_and(|target| {
                let target = target.to_string_lossy();
                inodes.iter().any(|inode| *target == format!("socket:[{inode}]"))
            })
        });
        is_holder.then(|| format!("{} (process {id})", name(&path)))
    })
}

/// The program that listens on a port; not known on this system.
#[cfg(not(target_os = "linux"))]
pub(super) fn holder(_port: u16) -> Option<String> {
    None
}

#[cfg(target_os = "linux")]
fn name(process: &Path) -> String {
    let text = std::fs::read_to_string(process.join("comm")).unwrap_or_default();
    let name: String = text.trim().chars().filter(|c| !c.is_control()).take(40).collect();
    if name.is_empty() { "a program".to_owned() } else { name }
}

/// Inodes of the sockets that listen on `port` in a table of the kernel.
#[cfg(target_os = "linux")]
fn listening(table: &str, port: u16) -> Vec<String> {
    const LISTEN: &str = "0A";
    let wanted = format!(":{port:04X}");
    table
        .lines()
        .skip(1)
        .filter_map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let is_it = fields.get(1)?.ends_with(&wanted) && *fields.get(3)? == LISTEN;
            is_it.then(|| fields.get(9).map(|inode| (*inode).to_owned())).flatten()
        })
        .collect()
}

/// How to find out who holds the first port, by the command of this system.
pub(super) fn inspection(wsl: Option<&str>) -> Vec<String> {
    let windows = "In PowerShell: `Get-NetTCPConnection -LocalPort 1455`";
    let linux = "See who holds it with `ss -lptn 'sport = :1455'`";
    if cfg!(windows) {
        return vec![windows.to_owned(), "A WSL distribution may hold the port, too".to_owned()];
    }
    if cfg!(target_os = "macos") {
        return vec!["See who holds it with `lsof -nP -iTCP:1455 -sTCP:LISTEN`".to_owned()];
    }
    match wsl {
        None => vec![linux.to_owned()],
        Some(name) => vec![
            linux.to_owned(),
            windows.to_owned(),
            format!(
                "The browser runs on the Windows side of {name}, and both sides contend for localhost:1455"
            ),
        ],
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn our_own_listener_is_found_by_its_port() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();

        let found = holder(port).unwrap();

        assert!(found.contains(&format!("process {}", std::process::id())), "{found}");
    }

    #[test]
    fn only_listening_sockets_of_the_port_count() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n   \
                     0: 0100007F:05AF 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 111 1\n   \
                     1: 0100007F:05AF 0100007F:9C40 01 00000000:00000000 00:00000000 00000000  1000        0 222 1\n   \
                     2: 0100007F:05B1 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 333 1\n";

        assert_eq!(listening(table, 1455), ["111"]);
    }
}
