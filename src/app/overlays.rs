//! State of what lies over a screen. The innermost one takes the keys; the screen below keeps updating.

pub mod ask;
pub mod confirm;
pub mod differences;
pub mod for_model;
pub mod found;
pub mod help;
pub mod messages;
pub mod palette;
pub mod reasons;
pub mod seats;
pub mod terms;
pub mod told;
pub mod wants;
pub mod wizard;

use crate::app::keys::Scope;
use crate::app::screens::monitor::TurnId;

/// One overlay.
#[derive(Debug, Clone, PartialEq)]
pub enum Overlay {
    /// Keys.
    Help(help::Help),
    /// Commands.
    Palette(palette::Palette),
    /// A question.
    Confirm(confirm::Confirm),
    /// A question answered by typing.
    Ask(ask::Ask),
    /// Changed settings.
    Differences(differences::Differences),
    /// What is wanted of an account.
    Wants(wants::Wants),
    /// Workspaces of an account.
    Seats(seats::Seats),
    /// Why accounts stand where they stand.
    Reasons(reasons::Reasons),
    /// The model to look ahead for.
    ForModel(for_model::ForModel),
    /// Past messages.
    Messages(messages::Messages),
    /// Attempts of one turn.
    Turn(TurnId),
    /// Sign-ins found on this computer.
    Found(found::Found),
    /// The acknowledgement.
    Terms(terms::Terms),
    /// What a command said.
    Told(told::Told),
    /// Adding an account.
    Wizard(Box<wizard::Wizard>),
}

impl Overlay {
    /// Where its keys are looked up, innermost first.
    pub fn scopes(&self) -> &'static [Scope] {
        match self {
            Self::Help(help) if help.filter.is_some() => &[Scope::Field],
            Self::Help(_) => &[Scope::Help, Scope::Moving],
            Self::Palette(_) => &[Scope::Palette],
            Self::Confirm(_) => &[Scope::Confirm],
            Self::Ask(_) => &[Scope::Typed],
            Self::Differences(_) => &[Scope::Differences, Scope::Moving],
            Self::Wants(_) => &[Scope::Wants],
            Self::Seats(_) => &[Scope::Seats],
            Self::Reasons(_) => &[Scope::Reasons, Scope::Moving],
            Self::ForModel(_) => &[Scope::ForModel, Scope::Moving],
            Self::Messages(_) => &[Scope::Messages, Scope::Moving],
            Self::Turn(_) => &[Scope::Turn],
            Self::Found(_) => &[Scope::Found],
            Self::Terms(_) => &[Scope::Terms],
            Self::Told(_) => &[Scope::Told, Scope::Moving],
            Self::Wizard(open) => open.scopes(),
        }
    }
}
