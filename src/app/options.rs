//! How a run is presented; set once, from the command line.

use crate::base::Span;
pub use crate::domain::official::Consent;
use crate::domain::scope::Wish;

/// Presentation of a run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Options {
    /// Screen, terminal lines or script.
    pub face: Face,
    /// What a report looks like.
    pub form: Form,
    /// Escape sequences in text.
    pub colour: Colour,
    /// How much is said beside the result.
    pub chatter: Chatter,
    /// Name of the rehearsal, with `--demo`.
    pub demo: Option<String>,
    /// `--project`, `--global`.
    pub pool: Wish,
    /// `--allow-root`.
    pub root: Root,
    /// `--watch`: repeat the report with this pause.
    pub watch: Option<Span>,
    /// `--yes`
    pub consent: Consent,
    /// `--timeout`: how long a command may ask around.
    pub limit: Option<Span>,
    /// `--fields`: the members of a document that are wanted; empty = all.
    pub fields: Vec<String>,
    /// `--plain`
    pub pages: Pages,
    /// `--out`: the report goes to this file.
    pub out: Option<std::path::PathBuf>,
}

/// How the dashboard is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pages {
    /// Drawn.
    #[default]
    Drawn,
    /// Line by line, for screen readers.
    Spoken,
}

/// What root may do in a home that is somebody else's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Root {
    /// Look only.
    #[default]
    Looks,
    /// Write, too.
    Writes,
}

/// Who is on the other side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Face {
    /// A person at the full screen.
    Screen,
    /// A person at a terminal who asked for an act: a few lines, at most one question.
    Terminal,
    /// A script: no prompt, no screen, bounded time.
    #[default]
    Headless,
}

/// What a report looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Form {
    /// For people.
    #[default]
    Text,
    /// Exactly one document.
    Json,
}

/// Whether text is coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Colour {
    /// On a terminal that shows colours, unless the environment says otherwise.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// How much is said beside the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Chatter {
    /// Notes on stderr.
    #[default]
    Normal,
    /// Nothing but the result and errors.
    Quiet,
    /// Lines of the log on stderr, too.
    Verbose,
}
