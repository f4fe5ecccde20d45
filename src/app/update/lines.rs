//! A typed line: the keys it stands for are pressed.

use crate::app::effect::Effects;
use crate::app::input::{Code, Input, Key};
use crate::app::lines::Meaning;
use crate::app::model::Model;
use crate::base::Moment;

impl Model {
    /// A line in place of keys: the keys it stands for are pressed one after the other.
    pub(super) fn line(&mut self, line: &str, at: Moment) -> Effects {
        let inputs = match self.ui.heard_line(line, &self.world, at) {
            Meaning::Keys(keys) => keys.into_iter().map(Input::Key).collect(),
            Meaning::Text(text) => {
                self.ui.fill(&text, &self.world, at);
                vec![Input::Key(Key::plain(Code::Enter))]
            }
            Meaning::Page | Meaning::Help | Meaning::Nothing => Vec::new(),
        };
        inputs.iter().flat_map(|input| self.input(input, at)).collect()
    }
}
