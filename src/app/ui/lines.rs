//! Typed lines in place of keys.

use super::Ui;
use crate::app::field::Field;
use crate::app::lines::{self, Meaning};
use crate::app::toasts::{Level, Toast};
use crate::app::world::World;
use crate::base::Moment;
use crate::base::text::clean;

impl Ui {
    /// Takes a typed line; what it means for keys is for the caller.
    pub(in crate::app) fn heard_line(&mut self, line: &str, world: &World, at: Moment) -> Meaning {
        let field = if self.field().is_some() { lines::Field::Open } else { lines::Field::Closed };
        let meaning = lines::meaning(&self.keys, &self.scopes(world), field, line);
        let counts = self.lines.get_or_insert_default();
        counts.typed += 1;
        match meaning {
            Meaning::Page => counts.pages += 1,
            Meaning::Help => counts.helps += 1,
            Meaning::Nothing => {
                let text = format!("nothing here is called `{}`; ? lists what is", clean(line.trim()));
                self.say(Toast::new(Level::Info, "line", text), world, at);
            }
            Meaning::Keys(_) | Meaning::Text(_) => {}
        }
        meaning
    }

    /// Puts a text into the open field, in place of what it holds.
    pub(in crate::app) fn fill(&mut self, text: &str, world: &World, at: Moment) {
        if let Some(field) = self.field() {
            *field = Field::holding(text);
            self.edited(world, at);
        }
    }
}
