//! The terminal library's events as ours. The one table of foreign key codes.

use crossterm::event::{
    Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};

use crate::app::input::{Click, Code, Focus, Held, Input, Key, Mouse};

/// Translates an event; `None` for what means nothing to us (key releases, mouse moves).
pub fn translate(event: Event) -> Option<Input> {
    match event {
        Event::Key(key) => key_of(key).map(Input::Key),
        Event::Mouse(mouse) => mouse_of(mouse).map(Input::Mouse),
        Event::Paste(text) => Some(Input::Pasted(text)),
        Event::Resize(width, height) => Some(Input::Resized { width, height }),
        Event::FocusGained => Some(Input::Focus(Focus::Here)),
        Event::FocusLost => Some(Input::Focus(Focus::Away)),
    }
}

fn key_of(event: KeyEvent) -> Option<Key> {
    if event.kind == KeyEventKind::Release {
        return None;
    }
    let code = code_of(event.code)?;
    let held = if event.modifiers.contains(KeyModifiers::CONTROL) {
        Held::Ctrl
    } else if event.modifiers.contains(KeyModifiers::ALT) {
        Held::Alt
    } else {
        Held::None
    };
    let code = if code == Code::Tab && event.modifiers.contains(KeyModifiers::SHIFT) {
        Code::BackTab
    } else if let (Code::Char(character), Held::Ctrl) = (code, held) {
        Code::Char(character.to_ascii_lowercase())
    } else {
        code
    };
    Some(Key { code, held })
}

#[expect(clippy::wildcard_enum_match_arm, reason = "a table over another crate's open-ended key codes")]
fn code_of(code: KeyCode) -> Option<Code> {
    Some(match code {
        KeyCode::Char(character) => Code::Char(character),
        KeyCode::Enter => Code::Enter,
        KeyCode::Esc => Code::Esc,
        KeyCode::Tab => Code::Tab,
        KeyCode::BackTab => Code::BackTab,
        KeyCode::Backspace => Code::Backspace,
        KeyCode::Delete => Code::Delete,
        KeyCode::Up => Code::Up,
        KeyCode::Down => Code::Down,
        KeyCode::Left => Code::Left,
        KeyCode::Right => Code::Right,
        KeyCode::PageUp => Code::PageUp,
        KeyCode::PageDown => Code::PageDown,
        KeyCode::Home => Code::Home,
        KeyCode::End => Code::End,
        KeyCode::F(number) => Code::F(number),
        _ => return None,
    })
}

fn mouse_of(event: MouseEvent) -> Option<Mouse> {
    let click = if event.kind == MouseEventKind::Down(MouseButton::Left) {
        Click::Press
    } else if event.kind == MouseEventKind::ScrollUp {
        Click::WheelUp
    } else if event.kind == MouseEventKind::ScrollDown {
        Click::WheelDown
    } else {
        return None;
    };
    Some(Mouse { click, column: event.column, row: event.row })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_become_our_words() {
        for (event, input) in [
            (
                Event::Key(KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL)),
                Some(Input::Key(Key::ctrl('c'))),
            ),
            (
                Event::Key(KeyEvent::new(KeyCode::Char('S'), KeyModifiers::SHIFT)),
                Some(Input::Key(Key::char('S'))),
            ),
            (
                Event::Key(KeyEvent::new(KeyCode::BackTab, KeyModifiers::SHIFT)),
                Some(Input::Key(Key::plain(Code::BackTab))),
            ),
            (Event::Key(KeyEvent::new(KeyCode::CapsLock, KeyModifiers::NONE)), None),
            (Event::Resize(80, 24), Some(Input::Resized { width: 80, height: 24 })),
            (Event::FocusLost, Some(Input::Focus(Focus::Away))),
        ] {
            assert_eq!(translate(event.clone()), input, "{event:?}");
        }
    }
}
