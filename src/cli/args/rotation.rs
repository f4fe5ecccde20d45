//! `rotation` as clap reads it.

use clap::{Args, Subcommand};

use crate::app::goal::{Command, Goal};
use crate::app::rotation::Order;
use crate::domain::bind::Mode;
use crate::domain::rotation::{Binding, Daemon, Verb};

/// Arguments of `rotation`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct RotationArgs {
    /// What to do; without a word it is shown how things stand.
    #[command(subcommand)]
    pub word: Option<RotationWord>,
}

/// A word behind `rotation`.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum RotationWord {
    /// Show the switch, live proxies, the bind and the accounts
    Status {
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
    /// Send forwarded sessions through the proxy; where a desktop app is found, bind it, too
    Enable {
        /// Bind even where no desktop app is found
        #[arg(long)]
        bind_app: bool,
        /// How the bind is made.
        #[command(flatten)]
        how: BindArgs,
    },
    /// Send sessions straight to the back end, and take a bind back
    Disable {
        /// The background server of the official CLI.
        #[command(flatten)]
        daemon: DaemonArgs,
    },
    /// Send desktop app and IDE through a router: one key in the official CLI's config.toml
    BindApp {
        /// How the bind is made.
        #[command(flatten)]
        how: BindArgs,
        /// Only say which files it would touch
        #[arg(long, short = 'n')]
        dry_run: bool,
    },
    /// Take the bind back; every byte of config.toml that is yours stays
    UnbindApp {
        /// The background server of the official CLI.
        #[command(flatten)]
        daemon: DaemonArgs,
        /// Only say which files it would touch
        #[arg(long, short = 'n')]
        dry_run: bool,
    },
    /// Lift limits and cooldowns that were learnt, here and in live proxies
    ResetRateLimits {
        /// All accounts; the default
        #[arg(long, conflicts_with = "account")]
        all: bool,
        /// Only this account: number, e-mail, label, id, tag or a unique beginning of one
        #[arg(long, value_name = "ACCOUNT")]
        account: Option<String>,
        /// Only say what would be lifted
        #[arg(long, short = 'n')]
        dry_run: bool,
    },
    /// Have live proxies forget health, breakers and network rests
    ResetRuntime,
    /// Start `serve` with your session
    #[command(subcommand)]
    Service(ServiceWord),
}

/// How a bind is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Args)]
pub struct BindArgs {
    /// Only while it is used: the router takes it back by itself
    #[arg(long)]
    pub lease: bool,
    /// Replace an address of your own in config.toml; it comes back with the unbind
    #[arg(long)]
    pub replace: bool,
    /// The background server of the official CLI.
    #[command(flatten)]
    pub daemon: DaemonArgs,
}

/// The background server of the official CLI.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Args)]
pub struct DaemonArgs {
    /// Start the official CLI's background server anew, if one runs
    #[arg(long, overrides_with = "no_restart_daemon")]
    pub restart_daemon: bool,
    /// Let it run on
    #[arg(long, overrides_with = "restart_daemon")]
    pub no_restart_daemon: bool,
}

/// A word behind `rotation service`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub enum ServiceWord {
    /// Write the start-up entry; asks first
    Install,
    /// Remove it; asks first
    Remove,
    /// Start it now
    Start,
    /// Stop it now
    Stop,
    /// Show whether it is installed and runs
    Status,
}

impl DaemonArgs {
    const fn daemon(self) -> Daemon {
        match (self.restart_daemon, self.no_restart_daemon) {
            (true, _) => Daemon::Restart,
            (false, true) => Daemon::Leave,
            (false, false) => Daemon::AsSet,
        }
    }
}

impl BindArgs {
    const fn binding(self, dry_run: bool) -> Binding {
        let mode = if self.lease { Mode::Leased } else { Mode::Persistent };
        Binding { mode, replace: self.replace, daemon: self.daemon.daemon(), dry_run }
    }
}

impl RotationArgs {
    /// `--watch`
    pub fn watch(&self) -> Option<u32> {
        if let Some(RotationWord::Status { watch }) = &self.word { *watch } else { None }
    }
}

impl From<RotationArgs> for Goal {
    fn from(args: RotationArgs) -> Self {
        let order = match args.word {
            None | Some(RotationWord::Status { .. }) => Order::Status,
            Some(RotationWord::Enable { bind_app, how }) => {
                Order::Enable { bind: bind_app, binding: how.binding(false) }
            }
            Some(RotationWord::Disable { daemon }) => Order::Disable(daemon.daemon()),
            Some(RotationWord::BindApp { how, dry_run }) => Order::Bind(how.binding(dry_run)),
            Some(RotationWord::UnbindApp { daemon, dry_run }) => {
                Order::Unbind { daemon: daemon.daemon(), dry_run }
            }
            Some(RotationWord::ResetRateLimits { account, dry_run, .. }) => {
                Order::ResetLimits { account, dry_run }
            }
            Some(RotationWord::ResetRuntime) => Order::ResetRuntime,
            Some(RotationWord::Service(word)) => Order::Service(match word {
                ServiceWord::Install => Verb::Install,
                ServiceWord::Remove => Verb::Remove,
                ServiceWord::Start => Verb::Start,
                ServiceWord::Stop => Verb::Stop,
                ServiceWord::Status => Verb::Status,
            }),
        };
        Self::Run(Command::Rotation(order))
    }
}
