//! `login` as clap reads it.

use clap::Args;

use crate::app::flows::login::{Method, Request, unusable_workspace};
use crate::app::options::Form;
use crate::base::Secret;
use crate::domain::login::paste::Typist;
use crate::domain::problem::Problem;
use crate::domain::terms::Consent;

/// Arguments of `login`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct LoginArgs {
    /// Show a code to type on any device: for SSH, containers and phones
    #[arg(long, conflicts_with_all = ["manual", "no_browser", "print_url", "complete"])]
    pub device_auth: bool,
    /// Paste the address the browser ended on, instead of opening one here
    #[arg(long)]
    pub manual: bool,
    /// The same as --manual
    #[arg(long)]
    pub no_browser: bool,
    /// Require this ChatGPT workspace
    #[arg(long, value_name = "WORKSPACE-ID")]
    pub org: Option<String>,
    /// Print the address to open and end; --complete finishes within 10 minutes
    #[arg(long, conflicts_with = "complete")]
    pub print_url: bool,
    /// Finish what --print-url began, with the address the browser ended on (or with that on stdin)
    #[arg(long, value_name = "URL", num_args = 0..=1)]
    pub complete: Option<Option<Secret>>,
}

impl LoginArgs {
    /// What is asked for.
    ///
    /// # Errors
    /// `bad-argument` when the workspace cannot be required.
    pub fn request(self, consent: Consent, typist: Typist, form: Form) -> Result<Request, Problem> {
        if let Some(problem) = self.org.as_deref().and_then(unusable_workspace) {
            return Err(problem);
        }
        let method = if let Some(callback) = self.complete {
            Method::Complete(callback)
        } else if self.print_url {
            Method::PrintUrl
        } else if self.device_auth {
            Method::Device
        } else if self.manual || self.no_browser {
            Method::Manual
        } else {
            Method::Fitting
        };
        let workspace = self.org.map(|org| org.trim().to_owned());
        Ok(Request { method, workspace, again: None, whom: None, consent, typist, form })
    }
}
