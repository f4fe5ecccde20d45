//! `Problem`, the one shape in which a failure reaches a person or a script: what happened, why, what to do.

pub mod codes;

/// Classes of process exit (decisions.md D4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0
    Ok,
    /// 1
    Failed,
    /// 2
    Usage,
    /// 3: cancelled, or needs an answer.
    Cancelled,
    /// 4: done, and something needs attention.
    Attention,
    /// 5
    NoAccounts,
    /// 6
    Network,
    /// 128 + signal; SIGINT is 130.
    Signal(u8),
    /// The forwarded child's own code.
    Child(i32),
}

impl Exit {
    /// The number the process ends with.
    pub fn code(self) -> i32 {
        match self {
            Self::Ok => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Cancelled => 3,
            Self::Attention => 4,
            Self::NoAccounts => 5,
            Self::Network => 6,
            Self::Signal(number) => 128 + i32::from(number),
            Self::Child(code) => code,
        }
    }
}

/// What to do about a problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hint {
    /// A command line that exists, without the program's name ("switch work").
    Run(String),
    /// A key of the dashboard ("r").
    Press(&'static str),
    /// A sentence.
    Say(String),
}

/// A failure as people and scripts see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Stable kebab-case word (commands.md §1.7).
    pub code: &'static str,
    /// What happened, one sentence without full stop.
    pub what: String,
    /// Causes, outermost first.
    pub because: Vec<String>,
    /// What helps.
    pub hints: Vec<Hint>,
    /// How the process ends on it.
    pub exit: Exit,
}

impl Problem {
    /// A problem without causes and hints yet.
    pub fn new(code: &'static str, exit: Exit, what: impl Into<String>) -> Self {
        Self { code, what: what.into(), because: Vec::new(), hints: Vec::new(), exit }
    }

    /// Adds a cause.
    #[must_use]
    pub fn because(mut self, cause: impl Into<String>) -> Self {
        self.because.push(cause.into());
        self
    }

    /// Adds a hint.
    #[must_use]
    pub fn hint(mut self, hint: Hint) -> Self {
        self.hints.push(hint);
        self
    }
}
