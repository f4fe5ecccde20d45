//! What commands print: outcome in, text or one JSON document out. Pure; nothing here writes.
//!
//! Text goes to stdout, failures and warnings to stderr; with JSON everything is in the one document on
//! stdout. Keys of the reference keep their names, types and index bases; ours are additions.

pub mod bridge;
pub mod checkup;
mod chore;
pub mod config;
pub mod flagged;
pub mod forecast;
pub mod full;
pub mod history;
pub mod json;
pub mod line;
pub mod login;
pub mod models;
pub mod monitor;
pub mod policy;
pub mod pool;
pub mod rotation;
pub mod rules;
pub mod seats;
pub mod status;
pub mod switch;
pub mod text;
pub mod uninstall;
pub mod usage;
pub mod vault;
pub mod why;

use crate::app::outcome::rotation::Told;
use crate::app::outcome::{Body, Form, Listing, Outcome};
use crate::domain::problem::Problem;

/// What goes where.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Printed {
    /// For stdout, line ends included.
    pub out: String,
    /// For stderr, line ends included.
    pub err: String,
}

/// A file that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Where.
    pub path: std::path::PathBuf,
    /// What it holds.
    pub text: String,
}

/// Prints an outcome.
pub fn print(outcome: &Outcome, form: Form) -> Printed {
    let mut out = Vec::new();
    let err = print_to(outcome, form, &mut |piece| out.extend_from_slice(piece));
    Printed { out: String::from_utf8(out).unwrap_or_default(), err }
}

/// Prints an outcome piece by piece, so that a list of thousands never stands in memory as a whole. Returns what
/// is for stderr.
pub fn print_to(outcome: &Outcome, form: Form, out: &mut dyn FnMut(&[u8])) -> String {
    match form {
        Form::Text => {
            let printed = plain(outcome);
            out(printed.out.as_bytes());
            printed.err
        }
        Form::Json => {
            document(outcome, out);
            String::new()
        }
    }
}

/// The document of an outcome cut down to the members that are asked for; `None` when all are.
pub fn chosen(outcome: &Outcome, form: Form, fields: &[String]) -> Option<String> {
    if fields.is_empty() || form == Form::Text || matches!(outcome.body, Body::Problem(_)) {
        return None;
    }
    let whole = if let Body::Status(Listing::Line, facts) = &outcome.body {
        line::value(outcome, facts)
    } else {
        value(outcome)?
    };
    Some(json::pretty(&json::chosen(&whole, fields)))
}

/// Prints an outcome as one line of a stream (`--watch --json`).
pub fn print_line(outcome: &Outcome) -> String {
    value(outcome).map(|value| json::compact(&value)).unwrap_or_default()
}

/// Prints a refused command line.
pub fn refusal(problem: &Problem, command: &str, form: Form) -> Printed {
    match form {
        Form::Text => Printed { out: String::new(), err: text::problem(problem) },
        Form::Json => Printed { out: json::pretty(&json::problem(command, problem)), err: String::new() },
    }
}

/// The file that a command was asked to write, if so.
pub fn file(outcome: &Outcome) -> Option<Kept> {
    if let Body::Report(told, reporting) = &outcome.body {
        let path = reporting.out.clone()?;
        return Some(Kept { path, text: json::pretty(&full::value(outcome, told, reporting)) });
    }
    None
}

fn document(outcome: &Outcome, out: &mut dyn FnMut(&[u8])) {
    if let Body::Status(Listing::Line, facts) = &outcome.body {
        out(json::pretty(&line::value(outcome, facts)).as_bytes());
    } else if let Body::Status(_, facts) = &outcome.body {
        status::document(outcome, facts, out);
    } else if let Some(value) = value(outcome) {
        let text = if is_one_line(&outcome.body) { json::compact(&value) } else { json::pretty(&value) };
        out(text.as_bytes());
    }
}

/// Whether the reference prints a document as one line; scripts read it by lines.
fn is_one_line(body: &Body) -> bool {
    if let Body::Rotation(told) = body {
        return matches!(**told, Told::Limits(_) | Told::Runtime(_));
    }
    matches!(body, Body::Uninstalled(..))
}

fn value(outcome: &Outcome) -> Option<serde_json::Value> {
    Some(match &outcome.body {
        Body::Status(_, facts) => status::value(outcome, facts),
        Body::Switched(switched) => switch::switched_value(outcome, switched),
        Body::Unpinned(former, facts) => switch::unpinned_value(outcome, former.as_ref(), facts),
        Body::Why(moments, origin, facts) => why::value(outcome, *moments, *origin, facts),
        Body::Monitor(facts) => monitor::value(outcome, facts),
        Body::Usage(told) => usage::value(outcome, told),
        Body::Models(told) => models::value(outcome, told),
        Body::Toggled { of, now } => switch::toggled_value(outcome, of, *now),
        Body::Checked(checked) => forecast::checked_value(outcome, checked),
        Body::Forecast(forecasted) => forecast::value(outcome, forecasted),
        Body::Best(best) => forecast::best_value(outcome, best),
        Body::Report(told, reporting) => full::value(outcome, told, reporting),
        Body::Tried(tried) => flagged::value(outcome, tried),
        Body::Seats(seats) => seats::value(outcome, seats),
        Body::Login(ending) => login::value(outcome, ending),
        Body::Checkup(report) => checkup::value(outcome, report),
        Body::Bridge(told) => bridge::value(outcome, told),
        Body::History(told) => history::value(outcome, told),
        Body::Rotation(told) => rotation::value(outcome, told),
        Body::Chored(chore, done) => chore::value(outcome, *chore, done),
        Body::Uninstalled(wish, told) => uninstall::value(outcome, *wish, told),
        Body::Ruled(ruled) => policy::ruled_value(outcome, ruled),
        Body::Policies(facts) => policy::list_value(outcome, facts),
        Body::Rules(told) => rules::value(outcome, told),
        Body::Vault(told) => vault::value(outcome, told),
        Body::Undone(what) => switch::undone_value(outcome, what),
        Body::Config(told) => config::value(outcome, told),
        Body::Problem(problem) => json::problem(outcome.command, problem),
        Body::Silent => return None,
    })
}

fn plain(outcome: &Outcome) -> Printed {
    let out = match &outcome.body {
        Body::Status(Listing::Line, facts) => line::text(facts),
        Body::Status(Listing::Status | Listing::List, facts) => {
            let err = facts.trouble.as_ref().map(text::problem).unwrap_or_default();
            return Printed { out: status::text(facts), err };
        }
        Body::Switched(switched) => return switch::switched_text(switched),
        Body::Unpinned(former, _) => switch::unpinned_text(former.as_ref()),
        Body::Why(moments, origin, facts) => why::text(*moments, *origin, facts),
        Body::Monitor(facts) => monitor::text(facts),
        Body::Usage(told) => return usage::printed(outcome, told, Form::Text),
        Body::Models(told) => models::text(told),
        Body::Toggled { of, now } => switch::toggled_text(of, *now),
        Body::Checked(checked) => return forecast::checked_printed(outcome, checked),
        Body::Forecast(forecasted) => return forecast::printed(outcome, forecasted),
        Body::Best(best) => return forecast::best_printed(best),
        Body::Report(told, reporting) => return full::printed(outcome, told, reporting),
        Body::Tried(tried) => return flagged::printed(outcome, tried),
        Body::Seats(seats) => return seats::printed(seats),
        Body::Login(ending) => return login::printed(ending),
        Body::Checkup(report) => return checkup::printed(outcome, report),
        Body::Bridge(told) => bridge::plain(told),
        Body::History(told) => return history::printed(told),
        Body::Rotation(told) => return rotation::printed(outcome, told),
        Body::Chored(chore, done) => return chore::printed(*chore, done),
        Body::Uninstalled(wish, told) => return uninstall::printed(*wish, told),
        Body::Ruled(ruled) => return policy::ruled_text(ruled),
        Body::Policies(facts) => policy::list_text(facts),
        Body::Rules(told) => return rules::printed(told),
        Body::Vault(told) => return vault::printed(outcome, told),
        Body::Undone(what) => format!("Undone: {what}\n"),
        Body::Config(told) => return config::printed(told),
        Body::Problem(problem) => return Printed { out: String::new(), err: text::problem(problem) },
        Body::Silent => String::new(),
    };
    Printed { out, err: String::new() }
}

#[cfg(test)]
mod tests;
