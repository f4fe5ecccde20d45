//! The argument grammar of the official CLI's root command, as far as a launch must understand it.
//!
//! The table is data with a version: a newer CLI may know more, and an unknown word is treated as a request
//! that wants rotation. The scanner classifies; it never decides where our own arguments go (they go first).

use std::ffi::OsStr;

/// The official version the table was checked with.
pub const TABLE_VERSION: &str = "0.169.0";

/// Options whose value is the next argument.
const TAKES_VALUE: [&str; 32] = [
    "-c",
    "--config",
    "--enable",
    "--disable",
    "--listen",
    "--remote",
    "--remote-auth-token-env",
    "--ws-auth",
    "--ws-token-file",
    "--ws-token-sha256",
    "--ws-shared-secret-file",
    "--ws-issuer",
    "--ws-audience",
    "--ws-max-clock-skew-seconds",
    "--download-url",
    "-m",
    "--model",
    "--local-provider",
    "-p",
    "--profile",
    "-s",
    "--sandbox",
    "-a",
    "--ask-for-approval",
    "-C",
    "--cd",
    "--add-dir",
    "--output-schema",
    "--color",
    "-o",
    "--output-last-message",
    "--experimental_issuer",
];

/// Options that take every following argument up to the next option.
const TAKES_MANY: [&str; 2] = ["-i", "--image"];

/// Words that are a root command when they stand free.
const COMMANDS: [&str; 31] = [
    "exec",
    "review",
    "login",
    "logout",
    "mcp",
    "plugin",
    "mcp-server",
    "app-server",
    "remote-control",
    "app",
    "completion",
    "update",
    "doctor",
    "sandbox",
    "debug",
    "apply",
    "resume",
    "archive",
    "delete",
    "migrate-rollouts",
    "unarchive",
    "fork",
    "cloud",
    "exec-server",
    "features",
    "help",
    "auth",
    "responses-api-proxy",
    "cloud-tasks",
    "execpolicy",
    "stdio-to-uds",
];

const ALIASES: [(&str, &str); 2] = [("e", "exec"), ("a", "apply")];

/// What an argument list asks the official CLI to do.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scan {
    /// The root command, aliases resolved; `None` = the interactive screen, with or without a prompt.
    pub command: Option<&'static str>,
    /// Free words after the command.
    pub words: Vec<String>,
    /// `-h` or `--help` stands before `--`.
    pub help: bool,
    /// Nothing but `--help -h --version -V` was given.
    pub info_only: bool,
    /// `-c key=value` pairs, in order.
    pub overrides: Vec<(String, String)>,
    /// `-p`, the last one.
    pub profile: Option<String>,
    /// `--oss` or `--local-provider`: a model on this machine.
    pub local: Option<&'static str>,
    /// `-C`/`--cd`, the last one.
    pub directory: Option<String>,
}

impl Scan {
    /// The last `-c` value of a key, without the quotes of a TOML string.
    pub fn setting(&self, key: &str) -> Option<&str> {
        self.overrides.iter().rev().find(|(name, _)| name == key).map(|(_, value)| unquoted(value))
    }
}

/// Reads an argument list without our own flags.
pub fn scan<S: AsRef<OsStr>>(args: &[S]) -> Scan {
    let texts: Vec<_> = args.iter().map(|arg| arg.as_ref().to_string_lossy()).collect();
    let mut scan = Scan {
        info_only: !texts.is_empty()
            && texts.iter().all(|arg| matches!(arg.as_ref(), "--help" | "-h" | "--version" | "-V")),
        ..Scan::default()
    };
    let mut rest = texts.iter().map(AsRef::as_ref).peekable();
    while let Some(token) = rest.next() {
        if token == "--" {
            break;
        }
        if TAKES_MANY.contains(&token) {
            while rest.next_if(|next: &&str| !next.starts_with('-')).is_some() {}
        } else if TAKES_VALUE.contains(&token) {
            if let Some(value) = rest.next() {
                scan.option(token, value);
            }
        } else if token.starts_with('-') && token != "-" {
            scan.single(token);
        } else {
            scan.free(token);
        }
    }
    scan
}

impl Scan {
    fn single(&mut self, token: &str) {
        if matches!(token, "-h" | "--help") {
            self.help = true;
        } else if token == "--oss" {
            self.local = Some("--oss");
        } else if let Some((name, value)) = token.strip_prefix("--").and_then(|long| long.split_once('=')) {
            self.option(&format!("--{name}"), value);
        } else if let Some((name, value)) = attached(token) {
            self.option(name, value);
        }
    }

    fn option(&mut self, name: &str, value: &str) {
        match name {
            "-c" | "--config" => {
                if let Some((key, value)) = value.split_once('=') {
                    self.overrides.push((key.trim().to_owned(), value.trim().to_owned()));
                }
            }
            "-p" | "--profile" => self.profile = Some(value.to_owned()),
            "-C" | "--cd" => self.directory = Some(value.to_owned()),
            "--local-provider" => self.local = Some("--local-provider"),
            _ => {}
        }
    }

    fn free(&mut self, token: &str) {
        if self.command.is_some() {
            self.words.push(token.to_owned());
            return;
        }
        let name = ALIASES.iter().find(|(alias, _)| *alias == token).map_or(token, |(_, name)| name);
        self.command = COMMANDS.iter().find(|command| **command == name).copied();
    }
}

/// `-cKEY=VALUE`, `-pNAME`, with or without `=` after the letter.
fn attached(token: &str) -> Option<(&str, &str)> {
    let letter = token.get(..2)?;
    if !matches!(letter, "-c" | "-p" | "-C") {
        return None;
    }
    let value = token.get(2..)?;
    Some((letter, value.strip_prefix('=').unwrap_or(value)))
}

fn unquoted(value: &str) -> &str {
    let value = value.trim();
    ['"', '\''].into_iter().find_map(|quote| value.strip_prefix(quote)?.strip_suffix(quote)).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Scan {
        scan(&line.split_whitespace().collect::<Vec<_>>())
    }

    #[test]
    fn the_first_free_root_word_is_the_command() {
        for (line, command) in [
            ("", None),
            ("exec hello", Some("exec")),
            ("e hello", Some("exec")),
            ("a", Some("apply")),
            ("-m gpt-5 exec", Some("exec")),
            ("-m exec", None),
            ("--model=x review", Some("review")),
            ("fix the bug", None),
            ("prompt exec", Some("exec")),
            ("-- exec", None),
            ("exec -- login", Some("exec")),
            ("-i one.png two.png -s read-only exec", Some("exec")),
            ("-i one.png exec", None),
            ("-c model_provider=x resume", Some("resume")),
            ("-cmodel=x fork", Some("fork")),
            ("--enable apps app-server", Some("app-server")),
            ("--future-flag exec", Some("exec")),
            ("exec resume --last", Some("exec")),
            ("- exec", Some("exec")),
        ] {
            assert_eq!(read(line).command, command, "{line}");
        }
    }

    #[test]
    fn help_counts_only_before_the_double_dash_and_never_as_a_value() {
        for (line, help, info) in [
            ("--help", true, true),
            ("-h -V", true, true),
            ("--version", false, true),
            ("exec --help", true, false),
            ("exec -- --help", false, false),
            ("-m --help exec", false, false),
            ("", false, false),
        ] {
            let scan = read(line);
            assert_eq!((scan.help, scan.info_only), (help, info), "{line}");
        }
    }

    #[test]
    fn settings_are_read_in_every_spelling_and_the_last_one_wins() {
        for line in [
            "-c model_provider=\"azure\"",
            "-cmodel_provider=azure",
            "-c=model_provider=azure",
            "--config model_provider='azure'",
            "--config=model_provider=azure",
            "-c model_provider=openai exec -c model_provider=azure",
        ] {
            assert_eq!(read(line).setting("model_provider"), Some("azure"), "{line}");
        }
        assert_eq!(read("exec -- -c model_provider=azure").setting("model_provider"), None);
    }

    #[test]
    fn profile_directory_and_local_models_are_noticed() {
        let scan = read("-p work --cd /tmp --oss exec app-words here");

        assert_eq!(scan.profile.as_deref(), Some("work"));
        assert_eq!(scan.directory.as_deref(), Some("/tmp"));
        assert_eq!(scan.local, Some("--oss"));
        assert_eq!(scan.words, ["app-words", "here"]);
    }
}
