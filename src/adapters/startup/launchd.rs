//! Launch agents of macOS. Written by the documentation; never run by a test of this project.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::Service;

/// The names under which the reference's clean-up finds them, too.
const fn label(service: Service) -> &'static str {
    match service {
        Service::Router => "com.ndycode.codex-multi-auth.runtime-router",
        Service::Serve => "com.ndycode.codex-multi-auth.serve",
    }
}

pub(super) fn file(home: &Path, service: Service) -> PathBuf {
    home.join("Library/LaunchAgents").join(format!("{}.plist", label(service)))
}

pub(super) fn bootstrap(file: &Path, user: u32) -> Vec<String> {
    vec!["bootstrap".to_owned(), format!("gui/{user}"), file.display().to_string()]
}

pub(super) fn bootout(service: Service, user: u32) -> Vec<String> {
    vec!["bootout".to_owned(), target(service, user)]
}

pub(super) fn kickstart(service: Service, user: u32) -> Vec<String> {
    vec!["kickstart".to_owned(), target(service, user)]
}

pub(super) fn kill(service: Service, user: u32) -> Vec<String> {
    vec!["kill".to_owned(), "SIGTERM".to_owned(), target(service, user)]
}

fn target(service: Service, user: u32) -> String {
    format!("gui/{user}/{}", label(service))
}

/// It runs at login, and again only after a crash.
pub(super) fn agent(service: Service, program: &Path, words: &[String]) -> String {
    let program = program.to_string_lossy();
    let mut arguments = String::new();
    for word in std::iter::once(program.as_ref()).chain(words.iter().map(String::as_str)) {
        let _ = writeln!(arguments, "    <string>{}</string>", escaped(word));
    }
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n<plist version=\"1.0\">\n<dict>\n  <key>Label</key>\n  <string>{}</string>\n  <key>ProgramArguments</key>\n  <array>\n{arguments}  </array>\n  <key>RunAtLoad</key>\n  <true/>\n  <key>KeepAlive</key>\n  <dict>\n    <key>Crashed</key>\n    <true/>\n  </dict>\n  <key>ProcessType</key>\n  <string>Background</string>\n</dict>\n</plist>\n",
        label(service)
    )
}

fn escaped(word: &str) -> String {
    word.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_names_its_words_and_restarts_after_a_crash_only() {
        let text = agent(Service::Router, Path::new("/opt/a&b"), &["--state".to_owned()]);

        assert!(text.contains("<string>/opt/a&amp;b</string>\n    <string>--state</string>"), "{text}");
        assert!(text.contains("<key>Crashed</key>\n    <true/>"), "{text}");
    }
}
