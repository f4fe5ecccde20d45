//! The user's Run key of Windows. Written by the documentation; never run by a test of this project.

use std::path::{Path, PathBuf};

use super::Service;

const KEY: &str = r"HKCU\Software\Microsoft\Windows\CurrentVersion\Run";

/// The value, as people are told of it.
pub(super) fn value(service: Service) -> PathBuf {
    PathBuf::from(format!(r"{KEY}\{}", service.name()))
}

pub(super) fn query(service: Service) -> Vec<String> {
    words(&["query", KEY, "/v", service.name()])
}

pub(super) fn delete(service: Service) -> Vec<String> {
    words(&["delete", KEY, "/v", service.name(), "/f"])
}

pub(super) fn add(service: Service, program: &Path, arguments: &[String]) -> Vec<String> {
    let line = std::iter::once(program.to_string_lossy().into_owned())
        .chain(arguments.iter().cloned())
        .map(|word| quoted(&word))
        .collect::<Vec<_>>()
        .join(" ");
    let mut all = words(&["add", KEY, "/v", service.name(), "/t", "REG_SZ", "/f", "/d"]);
    all.push(line);
    all
}

fn words(all: &[&str]) -> Vec<String> {
    all.iter().map(|word| (*word).to_owned()).collect()
}

/// A word as `CommandLineToArgvW` takes it apart again.
fn quoted(word: &str) -> String {
    let mut out = String::from("\"");
    let mut slashes = 0;
    for c in word.chars() {
        match c {
            '\\' => slashes += 1,
            '"' => {
                out.extend(std::iter::repeat_n('\\', slashes * 2 + 1));
                out.push('"');
                slashes = 0;
            }
            c => {
                out.extend(std::iter::repeat_n('\\', slashes));
                out.push(c);
                slashes = 0;
            }
        }
    }
    out.extend(std::iter::repeat_n('\\', slashes * 2));
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_survive_the_command_line() {
        for (word, expected) in [
            (r"C:\a b\c.exe", r#""C:\a b\c.exe""#),
            (r"ends\", r#""ends\\""#),
            ("a\"b", r#""a\"b""#),
            (r#"a\"b"#, r#""a\\\"b""#),
        ] {
            assert_eq!(quoted(word), expected, "{word}");
        }
    }
}
