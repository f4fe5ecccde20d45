//! A question that is answered by typing: a name, a path, or a word that makes sure.

use std::path::PathBuf;

use crate::app::field::Field;
use crate::app::flows::Ticket;
use crate::app::flows::usage::Told;
use crate::app::goal::Reporting;
use crate::app::intent::Intent;
use crate::app::msg::{Msg, Reply};
use crate::domain::account::AccountKey;

/// The question.
#[derive(Debug, Clone, PartialEq)]
pub struct Ask {
    /// What is asked.
    pub title: &'static str,
    /// What it means, one paragraph each.
    pub paragraphs: Vec<String>,
    /// What stands before the field.
    pub label: &'static str,
    /// The answer.
    pub field: Field,
    /// Why the answer cannot be taken, after an attempt.
    pub wrong: Option<String>,
    /// What the answer is for.
    pub purpose: Purpose,
}

/// What an answer is for.
#[derive(Debug, Clone, PartialEq)]
pub enum Purpose {
    /// Deletes all accounts, when the answer is [`SURE`].
    DeleteAll,
    /// The name of a new backup.
    NewBackup,
    /// The file to import.
    Import,
    /// The file to export to.
    Export,
    /// The name of an account; an empty one takes it away.
    Label(AccountKey),
    /// The tags of an account.
    Tags(AccountKey),
    /// The note on an account.
    Note(AccountKey),
    /// The weight of an account.
    Weight(AccountKey),
    /// The file a report goes to.
    Report(Box<Reporting>),
    /// The file the usage table goes to.
    Usage(Box<Told>),
    /// A budget in one line.
    Budget,
    /// A routing profile in one line.
    Profile,
    /// The name of a new key of the bridge.
    BridgeKey,
    /// A word that a flow asks for.
    Word(Ticket, &'static str),
}

/// The word that makes sure.
pub const SURE: &str = "DELETE";

impl Ask {
    /// A question with an empty answer.
    pub fn new(title: &'static str, label: &'static str, purpose: Purpose) -> Self {
        let field = Field::default();
        Self { title, paragraphs: Vec::new(), label, field, wrong: None, purpose }
    }

    /// With another paragraph.
    #[must_use]
    pub fn saying(mut self, paragraph: impl Into<String>) -> Self {
        self.paragraphs.push(paragraph.into());
        self
    }

    /// With an answer to begin with.
    #[must_use]
    pub fn holding(mut self, text: &str) -> Self {
        self.field = Field::holding(text);
        self
    }

    /// What the flow hears that waits for the answer, when there is none.
    pub fn refused(&self) -> Option<Intent> {
        let Purpose::Word(ticket, _) = &self.purpose else { return None };
        Some(Intent::Reply(Box::new(Msg::Answered(*ticket, Reply::No))))
    }

    /// The answer as a path; `~` is the home of the person.
    pub fn path(&self, home: &str) -> PathBuf {
        let text = self.field.text().trim();
        match text.strip_prefix("~/") {
            Some(rest) => PathBuf::from(home).join(rest),
            None => PathBuf::from(text),
        }
    }
}
