//! `config` and `init-config` as clap reads them.

use clap::{Args, Subcommand, ValueEnum};

use crate::app::flows::config::Ask;
use crate::domain::settings::act::{Over, Template};
use crate::domain::vault::Run;

/// A word behind `config`.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum ConfigWord {
    /// Show every setting with its value
    List,
    /// Show where values come from, their bounds and what they do
    Explain {
        /// Only this setting
        #[arg(value_name = "KEY")]
        key: Option<String>,
    },
    /// Print one value
    Get {
        /// The setting
        #[arg(value_name = "KEY")]
        key: String,
    },
    /// Change one value
    Set {
        /// The setting
        #[arg(value_name = "KEY")]
        key: String,
        /// The value: true, 90s, 12%, a word, or words with commas between
        #[arg(value_name = "VALUE", allow_hyphen_values = true)]
        value: String,
        /// Only say what would change
        #[arg(long, short = 'n')]
        dry_run: bool,
    },
    /// Go back to the default by removing the stored value
    Unset {
        /// The setting
        #[arg(value_name = "KEY")]
        key: String,
        /// Only say what would change
        #[arg(long, short = 'n')]
        dry_run: bool,
    },
    /// Check the settings files and variables
    Validate,
    /// Print the path of the file that changes go to
    Path,
    /// Edit the file in VISUAL or EDITOR; it is checked before it counts
    Edit,
    /// Print or write a configuration for a plugin host
    Template(TemplateArgs),
}

/// Arguments of `config template` and `init-config`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct TemplateArgs {
    /// Which one
    #[arg(value_enum, default_value_t, value_name = "TEMPLATE")]
    pub which: Which,
    /// Write it to this path; asks before a file is replaced
    #[arg(long, value_name = "PATH", overrides_with = "stdout")]
    pub write: Option<String>,
    /// Print it (default)
    #[arg(long, overrides_with = "write")]
    pub stdout: bool,
}

/// Which template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Which {
    /// Models with their efforts as variants
    #[default]
    Modern,
    /// One entry per model and effort
    Legacy,
    /// Options only
    Minimal,
}

impl ConfigWord {
    /// What is asked; `over` says whether an existing file may be replaced.
    pub fn ask(self, over: Over) -> Ask {
        match self {
            Self::List => Ask::List,
            Self::Explain { key } => Ask::Explain(key),
            Self::Get { key } => Ask::Get(key),
            Self::Set { key, value, dry_run } => Ask::Set(key, value, run(dry_run)),
            Self::Unset { key, dry_run } => Ask::Unset(key, run(dry_run)),
            Self::Validate => Ask::Validate,
            Self::Path => Ask::Path,
            Self::Edit => Ask::Edit,
            Self::Template(args) => args.ask(over),
        }
    }
}

impl TemplateArgs {
    /// What is asked; `over` says whether an existing file may be replaced.
    pub fn ask(self, over: Over) -> Ask {
        let which = match self.which {
            Which::Modern => Template::Modern,
            Which::Legacy => Template::Legacy,
            Which::Minimal => Template::Minimal,
        };
        Ask::Template(which, self.write.map(|path| (path, over)))
    }
}

const fn run(dry: bool) -> Run {
    if dry { Run::Dry } else { Run::Real }
}
