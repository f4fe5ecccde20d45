//! `report`: everything a person needs who wants to help, in one document.

use std::sync::Arc;

use crate::app::effect::Effects;
use crate::app::flows::forecast::{Outlook, Progress};
use crate::app::flows::{Step, Ticket};
use crate::app::goal::{Identities, Reporting};
use crate::app::msg::Msg;
use crate::app::outcome::{Body, Forecasted, Outcome};
use crate::app::world::World;
use crate::base::{Moment, redact};
use crate::domain::problem::Exit;
use crate::domain::selection::Ask;

const COMMAND: &str = "report";

/// The flow's state.
#[derive(Debug, Clone, PartialEq)]
pub struct Flow {
    reporting: Reporting,
    outlook: Outlook,
}

impl Flow {
    /// A flow that waits for the world.
    pub fn new(ticket: Ticket, reporting: Reporting) -> Self {
        let outlook = Outlook::new(ticket, reporting.forecasting.clone());
        Self { reporting, outlook }
    }

    /// Hears a message. A pool that is empty or cannot be read is reported like any other.
    pub fn on(&mut self, message: &Msg, world: &World, at: Moment) -> Step {
        let (decision, trouble) = match self.outlook.on(message, world, at) {
            Progress::Wait(effects) => return Step::Wait(effects),
            Progress::Failed(problem) if problem.exit == Exit::Cancelled => {
                let outcome = Outcome { command: COMMAND, exit: problem.exit, body: Body::Problem(problem) };
                return Step::Done(Effects::new(), Box::new(outcome));
            }
            Progress::Failed(problem) => (world.foresee_for(&Ask::plain(), at), Some(problem.exit)),
            Progress::Known(decision) => (decision, None),
        };
        let (mut told, exit) = self.outlook.told(decision, world, at);
        if self.reporting.identities == Identities::Masked {
            mask(&mut told, &world.setting.home);
        }
        // A report that was made is a success, whatever it tells; what cannot be read at all is not.
        let exit = trouble.unwrap_or(if exit == Exit::Network { exit } else { Exit::Ok });
        let body = Body::Report(Box::new(told), self.reporting.clone());
        Step::Done(Effects::new(), Box::new(Outcome { command: COMMAND, exit, body }))
    }
}

/// Takes people out of what is handed on: addresses and ids are masked, names of the user's own are left out.
fn mask(told: &mut Forecasted, home: &str) {
    let names: Vec<(String, String)> = told
        .facts
        .roster
        .accounts
        .iter()
        .enumerate()
        .flat_map(|(index, account)| {
            let mask = account
                .email
                .as_deref()
                .map_or_else(String::new, |email| format!(" ({})", redact::email(email)));
            let masked = format!("Account {}{mask}", index + 1);
            [&account.label, &account.email]
                .into_iter()
                .flatten()
                .map(move |name| (name.clone(), masked.clone()))
        })
        .collect();
    let words = |text: &str| {
        let text = names.iter().fold(text.to_owned(), |text, (name, masked)| text.replace(name, masked));
        redact::text(&text)
    };
    for note in &mut told.notes {
        *note = words(note);
    }
    told.forecast.reason = words(&told.forecast.reason);
    for reason in told.forecast.prospects.iter_mut().flat_map(|one| &mut one.reasons) {
        reason.text = words(&reason.text);
    }
    told.facts.storage_path = redact::path(&told.facts.storage_path, home);
    for account in &mut Arc::make_mut(&mut told.facts.roster).accounts {
        account.label = None;
        account.email = account.email.as_deref().map(redact::email);
        account.account_id = account.account_id.as_deref().map(redact::id);
        account.workspaces.clear();
        let claims = &mut account.credentials.claims;
        claims.email.clone_from(&account.email);
        claims.workspace_id = claims.workspace_id.as_deref().map(redact::id);
        claims.subject = None;
    }
}
