//! Is everything in order, and if not, what puts it right? (commands.md §4.11)
//!
//! One look gathers [`facts::Facts`]; from them alone follow the [`Finding`]s and the ordered [`repair::Repair`]s.
//! `doctor`, the storage part of `fix` and the screens show the same findings, so none of them can disagree.
//! A repair that is not needed is not offered, and what nobody knows is no fault.

pub mod facts;
pub mod findings;
pub mod repair;
pub mod sandbox;

pub use findings::findings;

use crate::domain::checkup::repair::Repair;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// As it should be.
    Ok,
    /// Worth knowing, nothing to do.
    Info,
    /// Something to look at.
    Warn,
    /// Something that stands in the way.
    Error,
}

impl Severity {
    /// The word in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Stable word.
    pub key: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What was found, one sentence.
    pub message: String,
    /// More of it: values, places.
    pub details: Option<String>,
    /// What to do about it.
    pub hint: Option<String>,
    /// What `doctor --fix` does about it.
    pub repair: Option<Repair>,
}

impl Finding {
    /// A finding without details, hint and repair.
    pub fn new(key: &'static str, severity: Severity, message: impl Into<String>) -> Self {
        Self { key, severity, message: message.into(), details: None, hint: None, repair: None }
    }

    /// As it should be.
    pub fn ok(key: &'static str, message: impl Into<String>) -> Self {
        Self::new(key, Severity::Ok, message)
    }

    /// Worth knowing.
    pub fn info(key: &'static str, message: impl Into<String>) -> Self {
        Self::new(key, Severity::Info, message)
    }

    /// To be looked at.
    pub fn warn(key: &'static str, message: impl Into<String>) -> Self {
        Self::new(key, Severity::Warn, message)
    }

    /// In the way.
    pub fn error(key: &'static str, message: impl Into<String>) -> Self {
        Self::new(key, Severity::Error, message)
    }

    /// Adds details.
    #[must_use]
    pub fn details(mut self, details: impl Into<String>) -> Self {
        self.details = Some(details.into());
        self
    }

    /// Adds what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds what `doctor --fix` does.
    #[must_use]
    pub fn repaired_by(mut self, repair: Repair) -> Self {
        self.repair = Some(repair);
        self
    }
}

/// What is to be done about findings, in the order in which it has to happen.
pub fn plan(findings: &[Finding]) -> Vec<Repair> {
    let mut plan: Vec<Repair> = findings.iter().filter_map(|finding| finding.repair.clone()).collect();
    plan.sort_by_key(Repair::rank);
    plan
}

/// How many findings there are of each severity: ok, info, warn, error.
pub fn summary(findings: &[Finding]) -> [usize; 4] {
    let count = |severity| findings.iter().filter(|finding| finding.severity == severity).count();
    [count(Severity::Ok), count(Severity::Info), count(Severity::Warn), count(Severity::Error)]
}
