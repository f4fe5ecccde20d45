//! What `uninstall` is asked for, and what became of each of its steps (forwarder.md §27).

/// How far it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Wish {
    /// Nothing is changed.
    pub dry_run: bool,
    /// Every stored sign-in goes, too.
    pub clear_accounts: bool,
    /// The whole root goes.
    pub purge: bool,
    /// Every stored sign-in is ended at the sign-in service first; they all go then.
    pub revoke: bool,
}

impl Wish {
    /// Whether stored sign-ins go.
    pub const fn clears(&self) -> bool {
        self.clear_accounts || self.purge || self.revoke
    }
}

/// What became of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It is there now; with a dry run: it would be.
    Done,
    /// It is gone; with a dry run: it would go.
    Removed,
    /// What was there before is there again; with a dry run: it would be.
    Restored,
    /// Nothing was there.
    Absent,
    /// It was left alone; the message says why.
    Skipped,
    /// It is still there; the message says why.
    Failed,
}

impl State {
    /// The word in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Removed => "removed",
            Self::Restored => "restored",
            Self::Absent => "absent",
            Self::Skipped => "skipped",
            Self::Failed => "failed",
        }
    }

    /// Whether something changed, or would.
    pub const fn is_change(self) -> bool {
        matches!(self, Self::Done | Self::Removed | Self::Restored)
    }
}

/// One step and what it was about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Its word; several rows may share one.
    pub step: &'static str,
    /// The file, entry or folder.
    pub target: String,
    /// What became of it.
    pub state: State,
    /// The command that takes it back.
    pub undo: Option<&'static str>,
    /// More about it.
    pub message: Option<String>,
}

impl Step {
    /// A row.
    pub fn new(step: &'static str, target: impl Into<String>, state: State) -> Self {
        Self { step, target: target.into(), state, undo: None, message: None }
    }

    /// With the command that takes it back.
    #[must_use]
    pub const fn undone_by(mut self, command: &'static str) -> Self {
        self.undo = Some(command);
        self
    }

    /// With more about it.
    #[must_use]
    pub fn saying(mut self, message: impl Into<String>) -> Self {
        self.message = Some(message.into());
        self
    }
}

/// What all of it came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Uninstalled {
    /// Step by step.
    pub steps: Vec<Step>,
    /// What a person should know, a line each.
    pub warnings: Vec<String>,
}

impl Uninstalled {
    /// The words of the steps that changed something, each once, in order.
    pub fn removed(&self) -> Vec<&'static str> {
        let mut words: Vec<&'static str> = Vec::new();
        for step in self.steps.iter().filter(|step| step.state.is_change()) {
            if !words.contains(&step.step) {
                words.push(step.step);
            }
        }
        words
    }

    /// Whether nothing went wrong.
    pub fn is_whole(&self) -> bool {
        self.steps.iter().all(|step| step.state != State::Failed)
    }
}
