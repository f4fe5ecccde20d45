//! Autostart entries of desktop sessions.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::Service;

pub(super) fn file(config: &Path, service: Service) -> PathBuf {
    config.join("autostart").join(format!("{}.desktop", service.name()))
}

pub(super) fn entry(title: &str, program: &Path, words: &[String]) -> String {
    let mut exec = quoted(&program.to_string_lossy());
    for word in words {
        let _ = write!(exec, " {}", quoted(word));
    }
    format!(
        "[Desktop Entry]\nType=Application\nName={title}\nExec={exec}\nTerminal=false\nNoDisplay=true\nX-GNOME-Autostart-enabled=true\n"
    )
}

/// A word of `Exec`: quoted by the Desktop Entry rules, then escaped once more as a string of the file.
pub(super) fn quoted(word: &str) -> String {
    let mut out = String::from("\"");
    for c in word.chars() {
        match c {
            '"' | '`' | '$' => out.extend(['\\', '\\', c]),
            '\\' => out.push_str("\\\\\\\\"),
            '%' => out.push_str("%%"),
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
        let entry = entry("t", Path::new(r"/opt/a b\c`$d 5%"), &[]);

        assert!(entry.contains(r#"Exec="/opt/a b\\\\c\\`\\$d 5%%""#), "{entry}");
    }
}
