//! A table of one command, for the commands that prompts, scripts and launches start all day.
//!
//! Building the table of every command is a third of a short start. A line of a common command is read with
//! the global flags and that command alone; whatever such a table does not accept, help and every error
//! among it, is read again with the whole table. What a part of a table accepts, the whole accepts with the
//! same meaning, so there is one grammar.

use std::ffi::{OsStr, OsString};

use clap::{ArgMatches, Args, Command, FromArgMatches as _};

use super::{Cli, Global, PROGRAM, StatusArgs, WhyArgs, Word};
use crate::cli::args::forecast::{ForecastArgs, ReportArgs};

/// A command with a table of its own.
struct Lean {
    name: &'static str,
    table: fn(Command) -> Command,
    word: fn(&ArgMatches) -> Option<Word>,
}

const LEAN: [Lean; 5] = [
    Lean {
        name: "status",
        table: StatusArgs::augment_args,
        word: |line| StatusArgs::from_arg_matches(line).ok().map(Word::Status),
    },
    Lean {
        name: "list",
        table: StatusArgs::augment_args,
        word: |line| StatusArgs::from_arg_matches(line).ok().map(Word::List),
    },
    Lean {
        name: "forecast",
        table: ForecastArgs::augment_args,
        word: |line| ForecastArgs::from_arg_matches(line).ok().map(Word::Forecast),
    },
    Lean {
        name: "report",
        table: ReportArgs::augment_args,
        word: |line| ReportArgs::from_arg_matches(line).ok().map(Word::Report),
    },
    Lean {
        name: "why-selected",
        table: WhyArgs::augment_args,
        word: |line| WhyArgs::from_arg_matches(line).ok().map(Word::WhySelected),
    },
];

/// The line, when a table of one common command, or of no command at all, accepts it.
pub(in crate::cli) fn read(args: &[OsString]) -> Option<Cli> {
    let lean = args.iter().find_map(|arg| LEAN.iter().find(|lean| OsStr::new(lean.name) == arg));
    let flags =
        Global::augment_args(Command::new(PROGRAM).disable_version_flag(true).args_override_self(true));
    let table = match lean {
        Some(lean) => flags.disable_help_subcommand(true).subcommand((lean.table)(Command::new(lean.name))),
        None => flags,
    };
    let line = std::iter::once(OsString::from(PROGRAM)).chain(args.iter().cloned());
    let line = table.try_get_matches_from(line).ok()?;
    let global = Global::from_arg_matches(&line).ok()?;
    let word = match (lean, line.subcommand()) {
        (Some(lean), Some((_, own))) => Some((lean.word)(own)?),
        (_, None) => None,
        (None, Some(_)) => return None,
    };
    Some(Cli { global, word })
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use proptest::prelude::*;

    use super::*;

    /// Words of every kind: commands with and without a table of their own, flags of both, values, and noise.
    const WORDS: [&str; 41] = [
        "why-selected",
        "status",
        "list",
        "forecast",
        "report",
        "login",
        "switch",
        "usage",
        "config",
        "help",
        "codex",
        "--json",
        "-j",
        "--headless",
        "--demo",
        "--demo=tour",
        "--color",
        "--color=never",
        "never",
        "--quiet",
        "-qy",
        "--yes",
        "--exit-zero",
        "--project",
        "--global",
        "--accept-terms",
        "--allow-root",
        "--version",
        "-h",
        "--help",
        "--line",
        "--watch",
        "--watch=5",
        "--live",
        "-lm",
        "gpt-5.5-codex",
        "--explain",
        "--",
        "2",
        "--nonsense",
        "--max-accounts=3",
    ];

    fn whole(args: &[OsString]) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(std::iter::once(OsString::from(PROGRAM)).chain(args.iter().cloned()))
    }

    #[test]
    fn common_lines_are_read_without_the_whole_table() {
        for line in [
            "",
            "--json",
            "status --headless --json",
            "--json list --line",
            "forecast --json --live --model gpt-5.5-codex",
            "report --headless --explain",
            "--color never status",
        ] {
            let args: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();

            assert_eq!(read(&args), whole(&args).ok(), "{line}");
            assert!(read(&args).is_some(), "{line}");
        }
    }

    #[test]
    fn help_and_errors_are_left_to_the_whole_table() {
        for line in ["--help", "status --help", "help status", "status --nonsense", "status list", "switch 1"]
        {
            let args: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();

            assert_eq!(read(&args), None, "{line}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1_500))]

        #[test]
        fn what_a_part_of_the_table_accepts_the_whole_reads_the_same(
            line in proptest::collection::vec(proptest::sample::select(&WORDS[..]), 0..6)
        ) {
            let args: Vec<OsString> = line.into_iter().map(OsString::from).collect();
            if let Some(cli) = read(&args) {
                prop_assert_eq!(Some(cli), whole(&args).ok());
            }
        }
    }
}
