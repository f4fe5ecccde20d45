//! Manual pages from the table of commands: one page per command, none that could name a flag there is not.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Arg, Command, CommandFactory as _};

use crate::cli::args::{Cli, PROGRAM};

/// All pages, one after the other.
pub fn whole() -> String {
    all().into_iter().map(|(_, page)| page).collect()
}

/// Every page with the file it belongs into.
pub fn pages(folder: &Path) -> Vec<(PathBuf, String)> {
    all().into_iter().map(|(name, page)| (folder.join(format!("{name}.1")), page)).collect()
}

/// Writes pages; how the process ends.
pub(super) fn write(files: &[(PathBuf, String)]) -> ExitCode {
    use std::io::Write as _;
    for (path, page) in files {
        let made = path.parent().map_or(Ok(()), std::fs::create_dir_all);
        if let Err(error) = made.and_then(|()| std::fs::write(path, page)) {
            let _ = writeln!(std::io::stderr(), "{} could not be written: {error}", path.display());
            return ExitCode::from(1);
        }
    }
    let _ = writeln!(std::io::stdout(), "Wrote {} pages", files.len());
    ExitCode::SUCCESS
}

fn all() -> Vec<(String, String)> {
    let mut program = Cli::command();
    program.build();
    let mut pages = Vec::new();
    walk(&program, PROGRAM, &mut pages);
    pages
}

fn walk(command: &Command, name: &str, pages: &mut Vec<(String, String)>) {
    pages.push((name.replace(' ', "-"), page(command, name)));
    for inner in command.get_subcommands().filter(|inner| !inner.is_hide_set() && inner.get_name() != "help")
    {
        walk(inner, &format!("{name} {}", inner.get_name()), pages);
    }
}

fn page(command: &Command, name: &str) -> String {
    let title = name.replace(' ', "-");
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let mut page = format!(".TH \"{}\" \"1\" \"\" \"{PROGRAM} {}\"\n", title.to_uppercase(), VERSION);
    let _ = write!(page, ".SH NAME\n{} \\- {}\n", dashed(&title), dashed(&about));
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ").trim();
    let _ = write!(page, ".SH SYNOPSIS\n{}\n.SH DESCRIPTION\n{}\n", dashed(usage), dashed(&about));
    let is_program = name == PROGRAM;
    let shown = |arg: &&Arg| !arg.is_hide_set() && (is_program || !arg.is_global_set());
    let args: Vec<&Arg> = command.get_arguments().filter(shown).collect();
    if !args.is_empty() {
        page.push_str(".SH OPTIONS\n");
        for arg in args {
            option(&mut page, arg);
        }
    }
    if !is_program {
        let _ = writeln!(page, ".PP\nThe global options stand in \\fB{}\\fR(1).", dashed(PROGRAM));
    }
    let inner =
        || command.get_subcommands().filter(|inner| !inner.is_hide_set() && inner.get_name() != "help");
    if inner().next().is_some() {
        page.push_str(".SH COMMANDS\n");
        for inner in inner() {
            let about = inner.get_about().map(ToString::to_string).unwrap_or_default();
            let _ = write!(page, ".TP\n\\fB{}\\fR\n{}\n", dashed(inner.get_name()), dashed(&about));
        }
    }
    page.push_str(EXIT);
    page
}

const VERSION: &str = env!("CARGO_PKG_VERSION");

const EXIT: &str = ".SH EXIT STATUS\n0 done; 1 it failed; 2 wrong usage; 3 cancelled, or an answer is needed; 4 done, and \
something needs attention; 5 no accounts; 6 network unreachable; 130 interrupted.\n";

fn option(page: &mut String, arg: &Arg) {
    let mut names = Vec::new();
    if let Some(short) = arg.get_short() {
        names.push(format!("\\-{short}"));
    }
    if let Some(long) = arg.get_long() {
        names.push(dashed(&format!("--{long}")));
    }
    let mut head = names.iter().map(|name| format!("\\fB{name}\\fR")).collect::<Vec<_>>().join(", ");
    if arg.get_action().takes_values() {
        let value =
            arg.get_value_names().and_then(|names| names.first()).map_or("VALUE", |name| name.as_str());
        let _ = write!(head, "{}\\fI{value}\\fR", if head.is_empty() { "" } else { " " });
    }
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let _ = write!(page, ".TP\n{head}\n{}\n", dashed(&help));
}

/// Text for the typesetter: dashes stay dashes, and no line looks like one of its requests.
fn dashed(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-");
    if text.starts_with(['.', '\'']) { format!("\\&{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_a_page_with_its_flags() {
        let pages = pages(Path::new("/man"));

        let page = |name: &str| {
            let path = Path::new("/man").join(name);
            pages.iter().find(|(at, _)| *at == path).map(|(_, text)| text.as_str()).unwrap()
        };
        assert!(page("codex-multi-auth.1").contains("\\fB\\-\\-headless\\fR"));
        assert!(page("codex-multi-auth-status.1").contains("\\fB\\-\\-watch\\fR"));
        assert!(page("codex-multi-auth-config-set.1").contains(".SH SYNOPSIS"));
        assert!(pages.iter().all(|(path, _)| !path.to_string_lossy().contains("__router")));
    }
}
