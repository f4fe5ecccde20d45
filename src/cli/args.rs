//! The command line as clap reads it. Only commands that work are here: help, completions and suggestions
//! are made from this table.

mod bridge;
mod checkup;
mod config;
mod forecast;
mod history;
pub(super) mod lean;
mod login;
mod policy;
mod rotation;
mod rules;
mod usage;
mod vault;

use std::ffi::OsString;

use clap::{Args, CommandFactory as _, Parser, Subcommand, ValueEnum};

use crate::app::options::Colour;
pub use crate::cli::args::bridge::{BridgeArgs, IntegrationsArgs};
pub use crate::cli::args::checkup::{DoctorArgs, FixArgs, VerifyArgs};
pub use crate::cli::args::config::{ConfigWord, TemplateArgs};
pub use crate::cli::args::forecast::{BestArgs, CheckArgs, ForecastArgs, ReportArgs, TryArgs, WorkspaceArgs};
pub use crate::cli::args::history::HistoryArgs;
pub use crate::cli::args::login::LoginArgs;
pub use crate::cli::args::rotation::RotationArgs;
pub use crate::cli::args::rules::{BudgetArgs, ProfileWord, ProfileWords};
pub use crate::cli::args::usage::{Format, ModelsArgs, UsageArgs};
pub use crate::cli::args::vault::{AccountWord, BackupWord, ExportArgs, FlaggedWord, ImportArgs, SyncWord};
use crate::domain::chore::Chore;
use crate::domain::selection::Strategy;

/// The name under which help and completions speak.
pub const PROGRAM: &str = "codex-multi-auth";

/// The whole command line of the manager.
#[derive(Debug, Clone, PartialEq, Eq, Parser)]
#[command(
    name = PROGRAM,
    bin_name = PROGRAM,
    about = "Several of your own ChatGPT accounts with the official Codex CLI",
    after_help = "Without a command the dashboard opens; without a terminal it is `status`.\nNew here? Run `codex-multi-auth --demo`.",
    disable_version_flag = true,
    args_override_self = true,
    max_term_width = 100
)]
pub struct Cli {
    /// Flags of every command.
    #[command(flatten)]
    pub global: Global,
    /// The command.
    #[command(subcommand)]
    pub word: Option<Word>,
}

/// Flags of every command.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Global {
    /// Print and exit: no screen, no prompt
    #[arg(long, global = true, help_heading = "Global options")]
    pub headless: bool,
    /// Print one JSON document, errors included; implies --headless
    #[arg(long, short = 'j', global = true, help_heading = "Global options")]
    pub json: bool,
    /// Rehearse with a built-in fake back end and six sample accounts; nothing of yours is read or written
    #[arg(
        long,
        global = true,
        value_name = "SCENARIO",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "tour",
        help_heading = "Global options"
    )]
    pub demo: Option<String>,
    /// Colour on the screen: auto, always or never
    #[arg(
        long,
        global = true,
        value_enum,
        hide_possible_values = true,
        default_value_t,
        value_name = "WHEN",
        help_heading = "Global options"
    )]
    pub color: When,
    /// Nothing on stdout but the asked-for value
    #[arg(long, short = 'q', global = true, help_heading = "Global options")]
    pub quiet: bool,
    /// Lines of the log on stderr, too (headless)
    #[arg(long, global = true, conflicts_with = "quiet", help_heading = "Global options")]
    pub verbose: bool,
    /// The dashboard line by line, for screen readers
    #[arg(long, global = true, help_heading = "Global options")]
    pub plain: bool,
    /// Ask around for no longer than this many seconds: check, forecast, best, report and fix
    #[arg(
        long,
        global = true,
        value_name = "SECONDS",
        value_parser = clap::value_parser!(u32).range(1..=3_600),
        help_heading = "Global options"
    )]
    pub timeout: Option<u32>,
    /// Shape of the answer: text, json, and for the rows of `usage` csv or ndjson; implies --headless
    #[arg(
        long,
        global = true,
        value_enum,
        value_name = "SHAPE",
        hide_possible_values = true,
        help_heading = "Global options"
    )]
    pub format: Option<Format>,
    /// Only these members of a document, commas between, a dot goes inside: accounts.label; implies --json
    #[arg(long, global = true, value_name = "NAMES", value_delimiter = ',', help_heading = "Global options")]
    pub fields: Vec<String>,
    /// Answer the questions of an act with yes
    #[arg(long, short = 'y', global = true, help_heading = "Global options")]
    pub yes: bool,
    /// Exit with 0 or 1 only, as older scripts expect
    #[arg(long, global = true, help_heading = "Global options")]
    pub exit_zero: bool,
    /// Work on the pool of the project around the current folder
    #[arg(long, global = true, overrides_with = "user_pool", help_heading = "Global options")]
    pub project: bool,
    /// Work on your own pool, whatever the settings say about projects
    #[arg(
        long = "global",
        id = "user_pool",
        global = true,
        overrides_with = "project",
        help_heading = "Global options"
    )]
    pub user_pool: bool,
    /// Acknowledge once that this is your own use of your own accounts
    #[arg(long, global = true, help_heading = "Global options")]
    pub accept_terms: bool,
    /// Name people where they are masked: in what `report` hands on
    #[arg(long, global = true, help_heading = "Global options")]
    pub show_identities: bool,
    /// Let root write into a home that belongs to another user
    #[arg(long, global = true, help_heading = "Global options")]
    pub allow_root: bool,
    /// Print the version
    #[arg(long, short = 'v', global = true, help_heading = "Global options")]
    pub version: bool,
}

/// When text is coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum When {
    /// On a terminal
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

impl From<When> for Colour {
    fn from(when: When) -> Self {
        match when {
            When::Auto => Self::Auto,
            When::Always => Self::Always,
            When::Never => Self::Never,
        }
    }
}

/// A command.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum Word {
    /// Show the accounts, their state and who serves next
    Status(StatusArgs),
    /// The same as status
    List(StatusArgs),
    /// Use an account from now on, and pin it
    Switch {
        /// Number, e-mail, label, id or a unique beginning of one
        #[arg(value_name = "ACCOUNT")]
        account: Option<String>,
    },
    /// Add one of your own ChatGPT accounts, or sign in to one again
    Login(LoginArgs),
    /// Let the accounts rotate again after a switch
    Unpin,
    /// Explain which account serves the next request, and why
    #[command(name = "why-selected")]
    WhySelected(WhyArgs),
    /// Ask whether each account is signed in and what is left of its limits
    Check(CheckArgs),
    /// Show which account is best next, how risky each one is, and why
    Forecast(ForecastArgs),
    /// Use the account that the forecast recommends
    Best(BestArgs),
    /// Show the workspaces of an account, or use one of them
    Workspace(WorkspaceArgs),
    /// Try accounts that were set aside again, and bring back those that work
    #[command(name = "verify-flagged")]
    VerifyFlagged(TryArgs),
    /// Everything about pool, forecast and running proxies in one document, for whoever wants to help
    Report(ReportArgs),
    /// Look for what is wrong with accounts, files and the official CLI
    Doctor(DoctorArgs),
    /// Renew what is due and switch off accounts that must sign in again
    Fix(FixArgs),
    /// Check how paths of projects are found
    Verify(VerifyArgs),
    /// Sum up requests, tokens and cost, by model, account, project or time
    Usage(UsageArgs),
    /// Show which account can serve which model
    Models(ModelsArgs),
    /// Show and set budgets: limits on requests, tokens and cost that the proxy obeys
    Budget(BudgetArgs),
    /// Show and change how the requests of a project are routed
    Profile(ProfileWords),
    /// An address for programs that are not the official CLI
    Bridge(BridgeArgs),
    /// Print how other tools are pointed at the bridge
    Integrations(IntegrationsArgs),
    /// Find, show and go on with kept sessions of the official CLI
    History(HistoryArgs),
    /// Show and change settings
    #[command(subcommand)]
    Config(ConfigWord),
    /// Print or write a configuration for a plugin host
    #[command(name = "init-config")]
    InitConfig(TemplateArgs),
    /// Keep copies of the pool and bring them back
    #[command(subcommand)]
    Backup(BackupWord),
    /// Write the pool to a file
    Export(ExportArgs),
    /// Add the accounts of a file to the pool; what is newer stays
    Import(ImportArgs),
    /// Delete, switch or name an account
    #[command(subcommand)]
    Account(AccountWord),
    /// Look after accounts that were set aside because their sign-in was refused
    #[command(subcommand)]
    Flagged(FlaggedWord),
    /// Take the accounts over into the pool of oc-chatgpt-multi-auth, with a preview first
    #[command(subcommand)]
    Sync(SyncWord),
    /// Watch turns, sessions and usage
    Monitor {
        /// Open the small pane for a spare terminal
        #[arg(long)]
        pane: bool,
        /// Print a new report every few seconds; with --json one document per line
        #[arg(
            long,
            value_name = "SECONDS",
            num_args = 0..=1,
            require_equals = true,
            default_missing_value = "2",
            value_parser = clap::value_parser!(u32).range(1..=3_600)
        )]
        watch: Option<u32>,
    },
    /// Switch rotation on and off, bind desktop app and IDE, reset what was learnt
    Rotation(RotationArgs),
    /// Set desktop app and launcher up, where an app is; asks first and names every file
    Setup(SetupArgs),
    /// List what this program does
    Features,
    /// Gather what helps whoever helps you
    #[command(subcommand)]
    Debug(DebugWord),
    /// The launcher of the desktop app
    #[command(name = "__launcher", hide = true, bin_name = "codex-multi-auth-app-launcher")]
    Launcher(LauncherArgs),
    /// Remove what this program put on the computer; asks first
    Uninstall(UninstallArgs),
    /// Run the proxy in the foreground, until it is stopped
    Serve {
        /// Loopback port; 0 takes a free one
        #[arg(long, default_value_t = 0, value_name = "PORT")]
        port: u16,
    },
    /// Serve the persistent bind
    #[command(name = "__router", hide = true)]
    Router {
        /// State file of the bind
        #[arg(long, value_name = "PATH")]
        state: std::path::PathBuf,
    },
    /// Run the official Codex CLI with these accounts; --account and --print-launch are ours
    #[command(disable_help_flag = true)]
    Codex {
        /// Arguments of the official CLI, untouched
        #[arg(value_name = "ARGS", trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
    /// Print the manual, or write one page per command
    #[command(hide = true)]
    Man {
        /// Folder for the pages
        #[arg(long, value_name = "DIR")]
        out: Option<std::path::PathBuf>,
    },
    /// Print a completion script for a shell
    Completions {
        /// Shell
        #[arg(value_enum, value_name = "SHELL")]
        shell: clap_complete::Shell,
    },
}

/// Arguments of `why-selected`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct WhyArgs {
    /// Explain the next request (default)
    #[arg(long, short = 'n', conflicts_with = "last")]
    pub now: bool,
    /// Explain the last request
    #[arg(long, short = 'l')]
    pub last: bool,
    /// Explain a kept decision: the number of its request, alone or as PID-REQUEST
    #[arg(long, value_name = "ID", conflicts_with_all = ["now", "last"])]
    pub request: Option<String>,
    /// With --request: whom this strategy would have chosen
    #[arg(long, requires = "request", value_parser = Strategy::ALL.map(Strategy::word))]
    pub strategy: Option<String>,
    /// With --request: who would have served without this account
    #[arg(long, value_name = "ACCOUNT", requires = "request")]
    pub without: Option<String>,
}

/// Arguments of `status` and `list`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct StatusArgs {
    /// One line for prompts and status bars
    #[arg(long)]
    pub line: bool,
    /// Print a new report every few seconds; with --json one document per line
    #[arg(
        long,
        value_name = "SECONDS",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "2",
        value_parser = clap::value_parser!(u32).range(1..=3_600)
    )]
    pub watch: Option<u32>,
}

/// Arguments of `setup`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Args)]
pub struct SetupArgs {
    /// Take back what a set-up did
    #[arg(long)]
    pub undo: bool,
    /// Only say what would be done
    #[arg(long, short = 'n')]
    pub dry_run: bool,
}

/// Arguments of the launcher.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Args)]
pub struct LauncherArgs {
    /// Take it away again
    #[arg(long)]
    pub remove: bool,
    /// Only say what would be done
    #[arg(long, short = 'n')]
    pub dry_run: bool,
}

impl From<SetupArgs> for Chore {
    fn from(SetupArgs { undo, dry_run }: SetupArgs) -> Self {
        Self::SetUp { undo, dry_run }
    }
}

impl From<LauncherArgs> for Chore {
    fn from(LauncherArgs { remove, dry_run }: LauncherArgs) -> Self {
        Self::Launcher { remove, dry_run }
    }
}

/// A word behind `debug`.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum DebugWord {
    /// The same as `report`: everything in one masked document, shown before it is written anywhere
    Bundle(ReportArgs),
}

/// Arguments of `uninstall`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Args)]
pub struct UninstallArgs {
    /// Only say what would go
    #[arg(long, short = 'n')]
    pub dry_run: bool,
    /// Delete every stored sign-in with all its copies; the official CLI's own stays
    #[arg(long)]
    pub clear_accounts: bool,
    /// Delete the whole folder of this program, settings and usage included
    #[arg(long)]
    pub purge: bool,
    /// End every stored sign-in at the sign-in service before it is deleted; one that auth.json holds ends with it
    #[arg(long)]
    pub revoke: bool,
}

impl Word {
    /// The command as typed and as JSON names it.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Status(_) => "status",
            Self::List(_) => "list",
            Self::Switch { .. } => "switch",
            Self::Login(_) => "login",
            Self::Unpin => "unpin",
            Self::WhySelected(_) => "why-selected",
            Self::Check(_) => "check",
            Self::Forecast(_) => "forecast",
            Self::Best(_) => "best",
            Self::Workspace(_) => "workspace",
            Self::VerifyFlagged(_) => "verify-flagged",
            Self::Report(_) | Self::Debug(_) => "report",
            Self::Doctor(_) => "doctor",
            Self::Fix(_) => "fix",
            Self::Verify(_) => "verify",
            Self::Usage(_) => "usage",
            Self::Models(_) => "models",
            Self::Budget(_) => "budget",
            Self::Profile(_) => "profile",
            Self::Bridge(_) => "bridge",
            Self::Integrations(_) => "integrations",
            Self::History(_) => "history",
            Self::Config(_) => "config",
            Self::InitConfig(_) => "init-config",
            Self::Backup(_) => "backup",
            Self::Export(_) => "export",
            Self::Import(_) => "import",
            Self::Account(_) => "account",
            Self::Flagged(_) => "flagged",
            Self::Sync(_) => "sync",
            Self::Monitor { .. } => "monitor",
            Self::Rotation(_) => "rotation",
            Self::Setup(_) => "setup",
            Self::Features => "features",
            Self::Launcher(_) => "app-launcher",
            Self::Uninstall(_) => "uninstall",
            Self::Serve { .. } => "serve",
            Self::Router { .. } => "__router",
            Self::Codex { .. } => "codex",
            Self::Man { .. } => "man",
            Self::Completions { .. } => "completions",
        }
    }
}

/// The completion script of a shell.
pub fn completions(shell: clap_complete::Shell) -> Vec<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), PROGRAM, &mut script);
    script
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_commands_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_knows_its_own_name() {
        for line in [
            "login",
            "status",
            "list",
            "switch 1",
            "unpin",
            "why-selected",
            "monitor",
            "serve",
            "config list",
            "init-config",
            "completions bash",
        ] {
            let cli = Cli::try_parse_from(std::iter::once(PROGRAM).chain(line.split(' '))).unwrap();
            assert_eq!(Some(cli.word.unwrap().name()), line.split(' ').next(), "{line}");
        }
    }

    #[test]
    fn every_command_has_a_completion() {
        let script = String::from_utf8(completions(clap_complete::Shell::Bash)).unwrap();

        for command in Cli::command().get_subcommands() {
            assert!(script.contains(command.get_name()), "{}", command.get_name());
        }
    }
}
