//! What the flow asks of the world, and what it hears back.

use crate::base::Secret;
use crate::domain::account::AccountKey;
use crate::domain::login::admission::SignIn;
use crate::domain::login::attempt::{Attempt, Wish};
use crate::domain::login::browser::Outlook;
use crate::domain::login::device::DeviceCode;
use crate::domain::login::failure::Failure;
use crate::domain::login::paste::{Line, Typist};
use crate::domain::terms::{Acknowledged, By};

/// What to do for a sign-in.
#[derive(Debug, Clone, PartialEq)]
pub enum LoginEffect {
    /// Look at the surroundings.
    Survey,
    /// Record the acknowledgement.
    Acknowledge(By),
    /// Mint an attempt whose callback nobody listens for.
    Mint(Wish),
    /// Keep an attempt for a later run.
    Keep(Box<Attempt>),
    /// Take a kept attempt up.
    Recall,
    /// Exchange the code of the kept attempt, which is forgotten with any answer.
    Complete(Box<Attempt>, Secret),
    /// Take a port, mint an attempt for it, wait for the browser and finish the sign-in.
    Listen(Wish, Courtesy),
    /// Open the sign-in page.
    Open(Secret),
    /// Read a pasted callback; it is not shown.
    ReadCallback(Typist),
    /// Read a yes or no.
    ReadAnswer,
    /// Give a code up for a session.
    Exchange(Box<Attempt>, Secret),
    /// Ask for a code to type on another device.
    AskDevice,
    /// Wait until it is typed, and finish the sign-in.
    AwaitDevice(Box<DeviceCode>),
    /// Keep a session that nobody asked for out of the pool.
    SetAside(Box<SignIn>),
    /// Bring `auth.json` up to date if it holds this account.
    WriteBack(AccountKey),
    /// Say something on stderr that may hold a secret.
    Whisper(Secret),
}

/// What happened to a sign-in.
#[derive(Debug, Clone, PartialEq)]
pub enum LoginMsg {
    /// The surroundings were looked at.
    Surveyed(Box<Survey>),
    /// The acknowledgement was recorded.
    Acknowledged(Result<(), Failure>),
    /// An attempt was minted.
    Minted(Result<Box<Attempt>, Failure>),
    /// The attempt was kept.
    Kept(Result<(), Failure>),
    /// The listener listens, or no port could be had.
    Listening(Result<Box<Listening>, Failure>),
    /// Another program holds the first port; which, as far as that can be known.
    PortTaken(Option<String>),
    /// The sign-in page was opened, or no browser could be started.
    Opened(Opened),
    /// A line was read.
    Read(Line),
    /// A device code was handed out.
    Device(Result<Box<DeviceCode>, Failure>),
    /// The session was granted, or not.
    Granted(Result<Box<SignIn>, Failure>),
    /// The session was put aside at this path.
    WasSetAside(Result<String, Failure>),
    /// `auth.json` was brought up to date; why not, in words.
    WroteBack(Option<String>),
}

/// The surroundings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Survey {
    /// What is on record of the acknowledgement.
    pub acknowledged: Option<Acknowledged>,
    /// Whether a browser is worth trying.
    pub outlook: Outlook,
    /// `CODEX_AUTH_ACCOUNT_ID`
    pub workspace: Option<String>,
    /// Who is signed in with the official CLI.
    pub official: Option<String>,
}

/// What happens to another sign-in that holds the first port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Courtesy {
    /// Nothing before a person was asked.
    Question,
    /// It is asked to end.
    Ask,
    /// It keeps its port.
    Leave,
}

/// A listener at work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listening {
    /// What it waits for.
    pub attempt: Attempt,
    /// 1455 or 1457.
    pub port: u16,
    /// Whether `[::1]` is listened on, too.
    pub v6: V6,
}

/// Whether `[::1]` is listened on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum V6 {
    /// It is.
    Listening,
    /// This machine has none, or somebody else holds it.
    Absent,
}

/// What became of opening a browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opened {
    /// A program took the address.
    Yes,
    /// None could be started.
    No,
}
