//! What was asked for on the command line, or chosen in the wizard.

use crate::app::options::Form;
use crate::base::Secret;
use crate::domain::account::AccountKey;
use crate::domain::login::paste::Typist;
use crate::domain::problem::{Exit, Problem};
use crate::domain::terms::Consent;

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// How to sign in.
    pub method: Method,
    /// `--org`: the workspace that must come back.
    pub workspace: Option<String>,
    /// The account that is to sign in again.
    pub again: Option<AccountKey>,
    /// The same as a person calls it, until the pool is known: number, e-mail, label or id.
    pub whom: Option<String>,
    /// `--accept-terms`
    pub consent: Consent,
    /// Who is on the other side.
    pub typist: Typist,
    /// Where the link and the code are shown.
    pub form: Form,
}

/// How to sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Method {
    /// Whatever fits the surroundings.
    Fitting,
    /// A browser, whatever the surroundings say.
    Browser,
    /// `--device-auth`
    Device,
    /// `--manual`, `--no-browser`
    Manual,
    /// `--print-url`
    PrintUrl,
    /// `--complete`, with the callback or without it: then it is read from stdin.
    Complete(Option<Secret>),
}

/// Why a workspace id cannot be required, if so.
pub fn unusable_workspace(id: &str) -> Option<Problem> {
    let bad = |what: &str| Some(Problem::new("bad-argument", Exit::Usage, what));
    if id.trim().is_empty() {
        return bad("--org needs the id of a ChatGPT workspace");
    }
    if id.trim().starts_with("org-") {
        return bad("--org takes the id of a ChatGPT workspace, not of a platform organisation (org-…)").map(
            |problem| problem.because("requests with an organisation's id are refused by the back end"),
        );
    }
    None
}
