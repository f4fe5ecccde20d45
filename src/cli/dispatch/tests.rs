use super::*;
use crate::app::flows::survey::Tokens;
use crate::app::goal::{Checking, Reporting, Seating, Trying};
use crate::cli::personality::{Bypass, read};

const TERMINAL: Surroundings =
    Surroundings { terminal: Terminal::Interactive, preference: Preference::Screen };
const PIPE: Surroundings = Surroundings { terminal: Terminal::Absent, preference: Preference::Screen };

fn invoked(line: &str, around: Surroundings) -> Invocation {
    let argv: Vec<OsString> =
        std::iter::once("codex-multi-auth").chain(line.split_whitespace()).map(OsString::from).collect();
    dispatch(read(&argv, Bypass::Off), around)
}

fn started(line: &str, around: Surroundings) -> Started {
    let invocation = invoked(line, around);
    let Invocation::Start(started) = invocation else { panic!("{line}: {invocation:?}") };
    *started
}

fn refusal(line: &str) -> Refusal {
    let invocation = invoked(line, PIPE);
    let Invocation::Refuse(refusal) = invocation else { panic!("{line}: {invocation:?}") };
    *refusal
}

fn printed(line: &str) -> String {
    let invocation = invoked(line, PIPE);
    let Invocation::Print(text) = invocation else { panic!("{line}: {invocation:?}") };
    String::from_utf8(text).unwrap()
}

fn entry(tab: Tab, command: Command) -> Goal {
    Goal::Dashboard(Entry { tab: Some(tab), pane: false, command: Some(command) })
}

fn checking() -> Checking {
    Checking { accounts: Vec::new(), off_too: false, tokens: Tokens::WhenDue }
}

fn seating(workspace: Option<usize>) -> Seating {
    Seating { account: "2".to_owned(), workspace }
}

#[test]
fn the_launch_matrix_holds() {
    let pane = Goal::Dashboard(Entry { tab: Some(Tab::Monitor), pane: true, command: None });
    for (line, around, goal, face) in [
        ("", TERMINAL, Goal::Dashboard(Entry::default()), Face::Screen),
        ("", PIPE, status(Listing::Status), Face::Headless),
        ("--headless", TERMINAL, status(Listing::Status), Face::Headless),
        ("--json", TERMINAL, status(Listing::Status), Face::Headless),
        ("-q", TERMINAL, status(Listing::Status), Face::Headless),
        ("status", TERMINAL, entry(Tab::Accounts, Command::Status(Listing::Status)), Face::Screen),
        ("list", PIPE, status(Listing::List), Face::Headless),
        ("status --line", TERMINAL, status(Listing::Line), Face::Terminal),
        ("status --watch", TERMINAL, status(Listing::Status), Face::Terminal),
        ("monitor", TERMINAL, entry(Tab::Monitor, Command::Monitor), Face::Screen),
        ("monitor --pane", TERMINAL, pane, Face::Screen),
        ("monitor --pane", PIPE, Goal::Run(Command::Monitor), Face::Headless),
        ("why-selected -l", TERMINAL, entry(Tab::Forecast, Command::Why(Moments::Last)), Face::Screen),
        ("why-selected", PIPE, Goal::Run(Command::Why(Moments::Now)), Face::Headless),
        ("check", TERMINAL, entry(Tab::Accounts, Command::Check(checking())), Face::Screen),
        ("check --json", TERMINAL, Goal::Run(Command::Check(checking())), Face::Headless),
        ("verify-flagged", TERMINAL, entry(Tab::Accounts, Command::Flagged(Trying::default())), Face::Screen),
        ("report", TERMINAL, entry(Tab::Logs, Command::Report(Reporting::default())), Face::Screen),
        ("workspace 2", TERMINAL, entry(Tab::Accounts, Command::Workspace(seating(None))), Face::Screen),
        ("workspace 2 1", TERMINAL, Goal::Run(Command::Workspace(seating(Some(1)))), Face::Terminal),
        ("auth switch work", TERMINAL, Goal::Run(Command::Switch("work".into())), Face::Terminal),
        ("unpin", PIPE, Goal::Run(Command::Unpin), Face::Headless),
        (
            "serve --port 8123",
            TERMINAL,
            Goal::Serve(Serving { port: Some(8_123), ..Serving::default() }),
            Face::Terminal,
        ),
        ("serve", PIPE, Goal::Serve(Serving::default()), Face::Headless),
        (
            "codex exec -j",
            TERMINAL,
            Goal::Forward(Forwarding { args: vec!["exec".into(), "-j".into()], resume: None }),
            Face::Terminal,
        ),
    ] {
        let started = started(line, around);
        assert_eq!((started.goal, started.options.face), (goal, face), "{line}");
    }
}

#[test]
fn the_headless_preference_counts_like_the_flag() {
    let around = Surroundings { preference: Preference::Headless, ..TERMINAL };

    assert_eq!(started("", around).goal, status(Listing::Status));
}

#[test]
fn global_flags_stand_before_or_after_the_command() {
    for line in ["--json --exit-zero status", "status -j --exit-zero", "--json auth status --exit-zero"] {
        let started = started(line, TERMINAL);
        assert_eq!((started.options.form, started.numbers), (Form::Json, Numbers::ZeroOrOne), "{line}");
    }
}

#[test]
fn a_rehearsal_has_a_name_and_never_launches_the_official_program() {
    assert_eq!(started("--demo", TERMINAL).options.demo.as_deref(), Some("tour"));
    assert_eq!(started("status --demo=storm", PIPE).options.demo.as_deref(), Some("storm"));
    assert_eq!(refusal("--demo codex exec hi").problem.exit, Exit::Usage);
}

#[test]
fn an_unknown_command_is_named_with_a_suggestion() {
    let refusal = refusal("statsu --json");

    assert_eq!(refusal.problem.what, "Unknown command: statsu");
    assert_eq!(refusal.problem.code, "unknown-command");
    assert!(refusal.problem.hints.contains(&Hint::Run("status".into())), "{:?}", refusal.problem.hints);
    assert_eq!((refusal.form, refusal.problem.exit), (Form::Json, Exit::Usage));
}

#[test]
fn bad_arguments_name_what_is_wrong() {
    for (line, part) in [
        ("switch", "Missing index. Usage: codex-multi-auth switch <index>"),
        ("status --lines", "--lines"),
        ("why-selected -n -l", "--now"),
        ("serve --port 99999", "99999"),
        ("unpin please", "please"),
        ("monitor --watch=0", "0"),
        ("--color pink status", "pink"),
    ] {
        let refusal = refusal(line);
        assert!(refusal.problem.what.contains(part), "{line}: {:?}", refusal.problem);
        assert_eq!((refusal.problem.code, refusal.problem.exit), ("bad-argument", Exit::Usage), "{line}");
    }
}

#[test]
fn version_and_help_work_on_every_level() {
    let version = concat!(env!("CARGO_PKG_VERSION"), "\n");
    for line in
        ["--version", "-v", "status --version", "switch -v", "completions --version", "auth --version"]
    {
        assert_eq!(printed(line), version, "{line}");
    }
    for line in
        ["--help", "-h", "auth --help", "status -h", "switch --help", "why-selected -h", "serve --help"]
    {
        assert!(printed(line).contains("Usage: codex-multi-auth"), "{line}");
    }
}
