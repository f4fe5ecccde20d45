//! What `config` does beyond single values: a whole file in an editor, a template for the plugin host.

use crate::domain::settings::report::Saved;

/// What is asked of the files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// Open a copy in the person's editor, check it, put it in the place of the file.
    Edit,
    /// Write a template to a path.
    Template {
        /// Which one.
        template: Template,
        /// Where to.
        path: String,
        /// Whether a file that stands there may be replaced.
        over: Over,
    },
}

/// Whether an existing file may be replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// After a yes.
    Ask,
    /// It was said already.
    Yes,
}

/// Which configuration of the plugin host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Template {
    /// Ten models with their efforts as variants.
    #[default]
    Modern,
    /// One entry per model and effort, for hosts without variants.
    Legacy,
    /// Options only.
    Minimal,
}

/// What was done.
#[derive(Debug, Clone, PartialEq)]
pub enum Done {
    /// The editor was closed and the file stands; `None` = nothing was changed.
    Edited(Option<Saved>),
    /// The template stands at its path.
    Written {
        /// Where.
        path: String,
        /// Whether a file was replaced.
        replaced: bool,
    },
}
