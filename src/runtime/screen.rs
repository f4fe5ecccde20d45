//! The drawing end of the terminal: one buffered write per frame, nothing at all when nothing changed.
//!
//! The terminal library writes cursor and colour resets even for an empty difference; an idle dashboard must
//! not write a byte (performance.md T5). So frames are collected here, empty ones are dropped, and the others
//! leave in one write between the marks of a synchronised update (DEC private mode 2026; terminals that do
//! not know it ignore it).

use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;

use ratatui::backend::{Backend, ClearType, CrosstermBackend, WindowSize};
use ratatui::buffer::Cell;
use ratatui::layout::{Position, Size};

const SYNC_BEGIN: &[u8] = b"\x1b[?2026h";
const SYNC_END: &[u8] = b"\x1b[?2026l";

/// A backend that speaks only when it has something to say.
#[derive(Debug)]
pub struct Screen<W: Write> {
    inner: CrosstermBackend<Frame>,
    frame: Frame,
    out: W,
    cursor: Cursor,
}

/// Collects a frame; its flush does nothing, so that nothing leaves in pieces.
#[derive(Debug, Clone, Default)]
struct Frame(Rc<RefCell<Vec<u8>>>);

impl Write for Frame {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cursor {
    Unknown,
    Hidden,
    Shown,
}

impl<W: Write> Screen<W> {
    /// A screen that writes to `out`.
    pub fn new(out: W) -> Self {
        let frame = Frame::default();
        Self { inner: CrosstermBackend::new(frame.clone()), frame, out, cursor: Cursor::Unknown }
    }

    /// Forgets what is known of the cursor, after somebody else used the terminal.
    pub fn forget(&mut self) {
        self.cursor = Cursor::Unknown;
    }
}

impl<W: Write> Backend for Screen<W> {
    type Error = io::Error;

    fn draw<'a, I>(&mut self, content: I) -> io::Result<()>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        let mut content = content.peekable();
        if content.peek().is_none() {
            return Ok(());
        }
        self.inner.draw(content)
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        if self.cursor == Cursor::Hidden {
            return Ok(());
        }
        self.cursor = Cursor::Hidden;
        self.inner.hide_cursor()
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        if self.cursor == Cursor::Shown {
            return Ok(());
        }
        self.cursor = Cursor::Shown;
        self.inner.show_cursor()
    }

    fn get_cursor_position(&mut self) -> io::Result<Position> {
        Ok(Position::ORIGIN)
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        self.inner.set_cursor_position(position)
    }

    fn clear(&mut self) -> io::Result<()> {
        self.inner.clear()
    }

    fn clear_region(&mut self, clear_type: ClearType) -> io::Result<()> {
        self.inner.clear_region(clear_type)
    }

    fn size(&self) -> io::Result<Size> {
        self.inner.size()
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        self.inner.window_size()
    }

    fn flush(&mut self) -> io::Result<()> {
        let mut frame = self.frame.0.borrow_mut();
        if frame.is_empty() {
            return Ok(());
        }
        let mut whole = Vec::with_capacity(frame.len() + SYNC_BEGIN.len() + SYNC_END.len());
        whole.extend_from_slice(SYNC_BEGIN);
        whole.append(&mut frame);
        whole.extend_from_slice(SYNC_END);
        self.out.write_all(&whole)?;
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Rect;
    use ratatui::widgets::Widget;
    use ratatui::{Terminal, TerminalOptions, Viewport};

    use super::*;

    fn drawn(texts: &[&str]) -> Vec<Vec<u8>> {
        let options = TerminalOptions { viewport: Viewport::Fixed(Rect::new(0, 0, 20, 3)) };
        let mut terminal = Terminal::with_options(Screen::new(Vec::new()), options).unwrap();
        let draw = |text: &&str| {
            terminal.draw(|frame| text.render(frame.area(), frame.buffer_mut())).unwrap();
            std::mem::take(&mut terminal.backend_mut().out)
        };
        texts.iter().map(draw).collect()
    }

    #[test]
    fn an_unchanged_frame_writes_nothing() {
        let frames = drawn(&["hello", "hello"]);

        assert!(!frames[0].is_empty());
        assert_eq!(frames[1], b"");
    }

    #[test]
    fn a_changed_frame_leaves_inside_one_synchronised_update() {
        let frames = drawn(&["hello", "hullo"]);

        for frame in &frames {
            assert!(frame.starts_with(SYNC_BEGIN) && frame.ends_with(SYNC_END));
        }
        assert!(frames[1].len() < frames[0].len());
    }
}
