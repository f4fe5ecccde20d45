//! Units of systemd's user manager.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::Service;

pub(super) fn file(config: &Path, service: Service) -> PathBuf {
    config.join("systemd/user").join(format!("{}.service", service.name()))
}

/// What `enable` puts beside it.
pub(super) fn link(config: &Path, service: Service) -> PathBuf {
    config.join("systemd/user/default.target.wants").join(format!("{}.service", service.name()))
}

pub(super) fn act(verb: &str, service: Service) -> Vec<String> {
    vec!["--user".to_owned(), verb.to_owned(), format!("{}.service", service.name())]
}

pub(super) fn unit(title: &str, program: &Path, words: &[String]) -> String {
    let mut exec = quoted(&program.to_string_lossy());
    for word in words {
        let _ = write!(exec, " {}", quoted(word));
    }
    format!(
        "[Unit]\nDescription={title}\n\n[Service]\nType=exec\nExecStart={exec}\nRestart=on-failure\nRestartSec=5\n\n[Install]\nWantedBy=default.target\n"
    )
}

/// A word of `ExecStart`: quoted as C does, with the manager's own signs doubled.
fn quoted(word: &str) -> String {
    let mut out = String::from("\"");
    for c in word.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '%' | '$' => out.extend([c, c]),
            '\n' => out.push_str("\\n"),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_paths_stay_one_word() {
        let unit = unit("t", Path::new("/opt/a \"b\" 100%/$x"), &["--state".to_owned()]);

        assert!(unit.contains(r#"ExecStart="/opt/a \"b\" 100%%/$$x" "--state""#), "{unit}");
    }
}
