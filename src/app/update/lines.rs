//! What the terminal sends: keys, and typed lines with the keys they stand for.

use crate::app::effect::Effects;
use crate::app::input::{Code, Input, Key};
use crate::app::intent::Intent;
use crate::app::lines::Meaning;
use crate::app::model::Model;
use crate::base::Moment;
use crate::domain::problem::Exit;

impl Model {
    pub(super) fn input(&mut self, input: &Input, at: Moment) -> Effects {
        if let Input::Focus(focus) = input {
            self.focus = *focus;
        }
        if *input == Input::Lost {
            self.exit = Some(Exit::Failed);
            return Effects::new();
        }
        if *input == Input::Ended {
            return self.obey(Intent::Quit, at);
        }
        if let Input::Line(line) = input {
            return self.line(line, at);
        }
        let intents = self.ui.on_input(input, &self.world, at);
        let mut effects = Effects::new();
        for intent in intents {
            effects.extend(self.obey(intent, at));
        }
        effects
    }

    /// A line in place of keys: the keys it stands for are pressed one after the other.
    fn line(&mut self, line: &str, at: Moment) -> Effects {
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
