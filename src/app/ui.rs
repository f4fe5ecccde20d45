//! stub
use crate::app::goal::*;
use crate::app::input::Input;
use crate::app::intent::Intent;
use crate::app::msg::Msg;
use crate::app::outcome::Outcome;
use crate::app::world::World;
use crate::base::*;
/// x
#[derive(Debug, Clone, PartialEq)]
pub struct Ui;
impl Ui {
    /// x
    pub fn new(_: &Entry, _: (u16, u16), _: &str) -> Self {
        Ui
    }
    /// x
    pub fn tab(&self) -> Tab {
        Tab::Accounts
    }
    /// x
    pub fn is_pane(&self) -> bool {
        false
    }
    /// x
    pub fn on_input(&mut self, _: &Input, _: &World, _: Moment) -> Vec<Intent> {
        vec![]
    }
    /// x
    pub fn hear(&mut self, _: &Msg, _: &World, _: Moment) {}
    /// x
    pub fn finished(&mut self, _: &Outcome, _: &World, _: Option<Moment>, _: Moment) {}
    /// x
    pub fn moving(&self, _: &World, _: Moment) -> Option<Span> {
        None
    }
}
