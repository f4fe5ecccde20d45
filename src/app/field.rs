//! A one-line text field: editing is the text area's, this adds one line, comparison and our keys.

use ratatui::layout::Rect;
use tui_textarea::{Input as AreaInput, Key as AreaKey, TextArea};

use crate::app::input::{Code, Held, Key};

/// What is typed, with its caret.
#[derive(Debug, Clone, Default)]
pub struct Field {
    area: TextArea<'static>,
}

impl PartialEq for Field {
    fn eq(&self, other: &Self) -> bool {
        self.area.lines() == other.area.lines() && self.caret() == other.caret()
    }
}

impl Field {
    /// A field holding `text`, caret at its end.
    pub fn holding(text: &str) -> Self {
        let mut area = TextArea::new(vec![one_line(text)]);
        area.move_cursor(tui_textarea::CursorMove::End);
        Self { area }
    }

    /// The text.
    pub fn text(&self) -> &str {
        self.area.lines().first().map_or("", String::as_str)
    }

    /// Characters before the caret.
    pub fn caret(&self) -> usize {
        self.area.cursor().1
    }

    /// The text before the caret, for placing it on screen.
    pub fn before_caret(&self) -> &str {
        let text = self.text();
        let end = text.char_indices().nth(self.caret()).map_or(text.len(), |(at, _)| at);
        text.get(..end).unwrap_or(text)
    }

    /// Takes an editing key; returns whether the text changed.
    pub fn press(&mut self, key: Key) -> Edited {
        let Some(input) = editing(key) else { return Edited::No };
        if self.area.input(input) { Edited::Yes } else { Edited::No }
    }

    /// Takes pasted text, line breaks as blanks.
    pub fn paste(&mut self, text: &str) {
        self.area.insert_str(one_line(text));
    }
}

/// Whether a key changed the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edited {
    /// It did.
    Yes,
    /// It moved the caret, or nothing.
    No,
}

fn one_line(text: &str) -> String {
    crate::base::text::clean(text).trim_end().to_owned()
}

fn editing(key: Key) -> Option<AreaInput> {
    let code = match key.code {
        Code::Char(character) => AreaKey::Char(character),
        Code::Backspace => AreaKey::Backspace,
        Code::Delete => AreaKey::Delete,
        Code::Left => AreaKey::Left,
        Code::Right => AreaKey::Right,
        Code::Home => AreaKey::Home,
        Code::End => AreaKey::End,
        Code::Enter
        | Code::Esc
        | Code::Tab
        | Code::BackTab
        | Code::Up
        | Code::Down
        | Code::PageUp
        | Code::PageDown
        | Code::F(_) => return None,
    };
    // Ctrl-m is Enter in the text area's table; a one-line field has no second line.
    if key == Key::ctrl('m') {
        return None;
    }
    let shift = false;
    Some(AreaInput { key: code, ctrl: key.held == Held::Ctrl, alt: key.held == Held::Alt, shift })
}

/// The part of `text` that a row of `area` can show, with the caret's column in it.
pub fn window(field: &Field, area: Rect) -> (String, u16) {
    let room = usize::from(area.width.saturating_sub(1));
    let before = crate::base::text::width(field.before_caret());
    let hidden = before.saturating_sub(room);
    let mut skipped = 0;
    let shown: String = field
        .text()
        .chars()
        .skip_while(|c| {
            let skip = skipped < hidden;
            skipped += crate::base::text::width(c.encode_utf8(&mut [0; 4]));
            skip
        })
        .collect();
    let shown = crate::base::text::prefix(&shown, usize::from(area.width)).to_owned();
    (shown, u16::try_from(before - hidden).unwrap_or(u16::MAX).min(area.width.saturating_sub(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typing_edits_at_the_caret() {
        let mut field = Field::holding("ab");

        field.press(Key::plain(Code::Left));
        assert_eq!(field.press(Key::char('x')), Edited::Yes);
        field.paste("1\n2");

        assert_eq!(field.text(), "ax1 2b");
        assert_eq!(field.before_caret(), "ax1 2");
        assert_eq!(field.press(Key::plain(Code::Enter)), Edited::No);
    }

    #[test]
    fn the_caret_stays_inside_a_narrow_row() {
        let field = Field::holding("abcdefgh");

        let (shown, column) = window(&field, Rect::new(0, 0, 5, 1));

        assert_eq!((shown.as_str(), column), ("efgh", 4));
    }
}
