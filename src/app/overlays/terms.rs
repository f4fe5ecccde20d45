//! The one-time acknowledgement (dashboard.md §12.2). The safe answer is focused; background calls stay off until
//! they are allowed here or in the settings.

use crate::app::action::Action;

/// The open dialog.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Terms {
    /// The focused button.
    pub focus: Button,
    /// The box above the buttons.
    pub background: Background,
}

/// The buttons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Button {
    /// Leave the program.
    #[default]
    Quit,
    /// Go on.
    Agree,
}

/// Whether background calls are allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Background {
    /// They are not.
    #[default]
    Off,
    /// They are.
    On,
}

/// The answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Understood, with the choice about background calls.
    Agreed(Background),
    /// Not agreed to: the program ends.
    Declined,
}

/// What an action does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// It stays open.
    Stay(Terms),
    /// It was answered.
    Answer(Answer),
}

impl Terms {
    /// Takes an action.
    pub fn act(mut self, action: Action) -> Then {
        let agreed = Then::Answer(Answer::Agreed(self.background));
        let declined = Then::Answer(Answer::Declined);
        match (action, self.focus) {
            (Action::Yes, _) | (Action::Open, Button::Agree) => return agreed,
            (Action::No | Action::Interrupt, _) | (Action::Open, Button::Quit) => return declined,
            (Action::Previous, _) => self.focus = Button::Quit,
            (Action::Next, _) => self.focus = Button::Agree,
            (Action::Toggle, _) => {
                self.background = match self.background {
                    Background::Off => Background::On,
                    Background::On => Background::Off,
                };
            }
            // Keys of other scopes do not reach it.
            _ => {}
        }
        Then::Stay(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn enter_on_the_dialog_as_it_opens_leaves() {
        assert_eq!(Terms::default().act(Action::Open), Then::Answer(Answer::Declined));
    }

    #[test]
    fn the_choice_about_background_calls_travels_with_the_yes() {
        let Then::Stay(open) = Terms::default().act(Action::Toggle) else { panic!("it closed") };
        let Then::Stay(open) = open.act(Action::Next) else { panic!("it closed") };

        assert_eq!(open.act(Action::Open), Then::Answer(Answer::Agreed(Background::On)));
        assert_eq!(Terms::default().act(Action::Yes), Then::Answer(Answer::Agreed(Background::Off)));
    }
}
