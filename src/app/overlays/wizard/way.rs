//! The ways to sign in, in the order of the menu.

use crate::app::flows::login::{Method, Request};
use crate::app::options::Form;
use crate::domain::login::paste::Typist;
use crate::domain::terms::Consent;

/// A way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// A browser on this computer.
    Browser,
    /// A browser elsewhere; the callback is pasted.
    Paste,
    /// A code typed on another device.
    Device,
}

/// Rows of the menu: the ways, the backups, and the sign-ins found on this computer.
pub(super) const ROWS: usize = 5;

impl Way {
    /// All ways with what they are called and what they are for.
    pub const ALL: [(Self, &'static str, &'static str); 3] = [
        (Self::Browser, "Sign in with the browser", "this computer"),
        (Self::Paste, "Paste a callback", "other browser, private window"),
        (Self::Device, "Sign in with a device code", "SSH, containers, phone"),
    ];

    /// The short name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Browser => "browser",
            Self::Paste => "paste",
            Self::Device => "device code",
        }
    }

    /// Its row in the menu.
    pub fn place(self) -> usize {
        Self::ALL.iter().position(|(one, ..)| *one == self).unwrap_or(0)
    }

    /// The way behind a method of the command line; `None` for what the surroundings decide.
    pub fn of(method: &Method) -> Option<Self> {
        match method {
            Method::Browser => Some(Self::Browser),
            Method::Manual | Method::PrintUrl | Method::Complete(_) => Some(Self::Paste),
            Method::Device => Some(Self::Device),
            Method::Fitting => None,
        }
    }

    /// What it asks of the flow.
    pub(super) fn request(self) -> Request {
        let method = match self {
            Self::Browser => Method::Browser,
            Self::Paste => Method::Manual,
            Self::Device => Method::Device,
        };
        Request {
            method,
            workspace: None,
            again: None,
            whom: None,
            consent: Consent::Unsaid,
            typist: Typist::Screen,
            form: Form::Text,
        }
    }
}
