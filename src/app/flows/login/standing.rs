//! Where a running sign-in stands, for the screen that shows it.

use crate::app::flows::login::talk::{Opened, V6};
use crate::app::flows::login::{Flow, Stage};
use crate::base::{Moment, Secret};
use crate::domain::login::device::DeviceCode;
use crate::domain::problem::Problem;

/// Where it stands.
#[derive(Debug, Clone, PartialEq)]
pub enum Standing {
    /// Something is asked for; nothing to do but wait or cancel.
    Working(&'static str),
    /// The acknowledgement is asked for.
    Terms,
    /// A browser is waited for.
    Browser(Box<Waiting>),
    /// A pasted callback is waited for; nobody listens.
    Paste {
        /// The link to open.
        url: Secret,
        /// What was wrong with the last paste.
        complaint: Option<Problem>,
    },
    /// A code is to be typed on another device.
    Device(Box<DeviceCode>),
    /// Another sign-in holds the first port: may it be ended?
    Port {
        /// Who, as far as that can be known.
        holder: Option<String>,
    },
    /// Another account signed in than was to: add it?
    Other {
        /// Who came.
        came: String,
    },
    /// Another workspace came than was required: keep it?
    Workspace {
        /// What was asked for.
        wanted: String,
        /// What came.
        got: Option<String>,
    },
}

impl Standing {
    /// Whether it waits for a yes or no.
    pub fn is_question(&self) -> bool {
        matches!(self, Self::Terms | Self::Port { .. } | Self::Workspace { .. } | Self::Other { .. })
    }
}

/// A browser that is waited for.
#[derive(Debug, Clone, PartialEq)]
pub struct Waiting {
    /// The link to open.
    pub url: Secret,
    /// 1455 or 1457.
    pub port: u16,
    /// Whether `[::1]` is listened on, too.
    pub v6: V6,
    /// Since when.
    pub since: Moment,
    /// Whether a browser was started.
    pub opened: Option<Opened>,
    /// What was wrong with the last paste.
    pub complaint: Option<Problem>,
}

impl Flow {
    /// Where it stands.
    pub fn standing(&self) -> Standing {
        let url = || self.attempt.as_ref().map(|attempt| attempt.url.clone()).unwrap_or_default();
        match self.stage {
            Stage::AskTerms => Standing::Terms,
            Stage::Browser => match &self.waiting {
                Some(waiting) => {
                    let complaint = self.complaint.clone();
                    Standing::Browser(Box::new(Waiting { complaint, ..(**waiting).clone() }))
                }
                None => Standing::Working("listening"),
            },
            Stage::Paste => Standing::Paste { url: url(), complaint: self.complaint.clone() },
            Stage::Device => match &self.device {
                Some(code) => Standing::Device(code.clone()),
                None => Standing::Working("waiting for a code"),
            },
            Stage::AskWorkspace => Standing::Workspace {
                wanted: self.request.workspace.clone().unwrap_or_default(),
                got: self.sign_in.as_ref().and_then(|one| one.credentials.claims.workspace_id.clone()),
            },
            Stage::AskPort => Standing::Port { holder: self.holder.clone() },
            Stage::AskOther => Standing::Other { came: self.came() },
            Stage::AskDevice => Standing::Working("asking for a code"),
            Stage::Listen => Standing::Working("taking a port for the callback"),
            Stage::Exchange => Standing::Working("finishing the sign-in"),
            Stage::Commit | Stage::Mirror | Stage::SetAside => Standing::Working("storing"),
            Stage::World | Stage::Survey | Stage::RecordTerms | Stage::Mint | Stage::Keep | Stage::Recall => {
                Standing::Working("starting")
            }
        }
    }
}
