//! What a screen or overlay asks the loop to do. Screens never perform work.

use crate::app::effect::Capture;
use crate::app::flows::Ticket;
use crate::app::flows::login::Request;
use crate::app::goal::Command;
use crate::app::msg::Msg;
use crate::app::options::Form;
use crate::app::outcome::Outcome;
use crate::app::overlays::terms;
use crate::base::Secret;
use crate::domain::account::{AccountKey, Switch};
use crate::domain::change::Pin;
use crate::domain::facts::Steer;
use crate::domain::login::paste::Line;
use crate::domain::policy::account::PolicyEdit;
use crate::domain::selection::Ask;
use crate::domain::settings::edit::Edit;
use crate::domain::usage::reading::Query;
use crate::domain::vault::Act;

/// One wish.
#[derive(Debug, Clone, PartialEq)]
pub enum Intent {
    /// Use an account, with or without pinning it.
    Use(AccountKey, Pin),
    /// Something about a sign-in.
    SignIn(SignIn),
    /// The acknowledgement was answered.
    Terms(terms::Answer),
    /// Remove the pin.
    Unpin,
    /// Switch an account on or off.
    Turn(AccountKey, Switch),
    /// Give an account a name, or take it away.
    Label(AccountKey, Option<String>),
    /// Ask the usage endpoint for these accounts.
    Check(Vec<AccountKey>),
    /// Spend a refresh of each of these accounts, then ask the usage endpoint.
    Renew(Vec<AccountKey>),
    /// Ask each of these accounts for a short answer of a model, of any when none is named; that spends quota.
    Probe(Vec<AccountKey>, Option<String>),
    /// Ask a running proxy whom it would choose.
    Foresee(Box<Ask>),
    /// Want something else of an account.
    Rule(AccountKey, PolicyEdit),
    /// Want something of a session.
    Steer {
        /// The process of its proxy.
        pid: u32,
        /// First characters of its hash.
        session: String,
        /// What.
        steer: Steer,
    },
    /// Take back the last undoable act.
    Undo,
    /// Cancel every running task.
    CancelTasks,
    /// Leave the program the calm way.
    Quit,
    /// Leave the program at once, as interrupted (Ctrl-C twice).
    Interrupt,
    /// Stop the process until it is continued.
    Suspend,
    /// Draw everything anew.
    Redraw,
    /// Put text on the clipboard.
    Copy(String),
    /// Put a secret that is shown on the clipboard.
    CopySecret(Secret),
    /// Write what a command would print to a file.
    Save(Box<Outcome>, std::path::PathBuf, Form),
    /// Put the document a command would print on the clipboard.
    CopyReport(Box<Outcome>),
    /// Take or give back the mouse.
    Mouse(Capture),
    /// Write these settings.
    Configure(Vec<Edit>),
    /// Have the keeper of backups do this.
    Vault(Box<Act>),
    /// Ask the keeper of backups something that changes nothing.
    Inspect(Box<Act>),
    /// Do what a command does, and show how it ended.
    Run(Box<Command>),
    /// An answer to what a flow asked.
    Reply(Box<Msg>),
    /// Leave the program and go on with a kept session of the official CLI.
    Resume(String),
    /// Sum the ledger up.
    Sum(Box<Query>),
    /// Look for the decision of a request.
    Recall(String),
    /// Look which files there are.
    TakeStock,
    /// Read what is remembered of accounts.
    Recount,
    /// Keep the screen's state (tab, sort, …) for the next start; text of `ui-state.json`'s inner members.
    Remember(String),
}

/// What is wished of a sign-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignIn {
    /// Start one.
    Start(Request),
    /// Answer what it asks for, or hand it a pasted callback.
    Answer(Ticket, Line),
    /// Open its page again.
    OpenPage(Ticket, Secret),
    /// Break it off.
    Stop(Ticket),
}
