//! The drawing end of the terminal: one buffered write per frame, nothing at all when nothing changed.
//!
//! The terminal library writes cursor and colour resets even for an empty difference; an idle dashboard must
//! not write a byte (performance.md T5). So frames are collected here, empty ones are dropped, and the others
//! leave in one write between the marks of a synchronised update (DEC private mode 2026; terminals that do
//! not know it ignore it).

use std::io::{self, Write};

use ratatui::backend::{Backend, ClearType, CrosstermBackend, WindowSize};
use ratatui::buffer::Cell;
use ratatui::layout::{Position, Size};

const SYNC_BEGIN: &[u8] = b"\x1b[?2026h";
const SYNC_END: &[u8] = b"\x1b[?2026l";

/// A backend that speaks only when it has something to say.
#[derive(Debug)]
pub struct Screen<W: Write> {
    inner: CrosstermBackend<Vec<u8>>,
    out: W,
    cursor: Cursor,
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
        Self { inner: CrosstermBackend::new(Vec::with_capacity(16 * 1024)), out, cursor: Cursor::Unknown }
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
        let frame = self.inner.writer_mut();
        if frame.is_empty() {
            return Ok(());
        }
        let mut whole = Vec::with_capacity(frame.len() + SYNC_BEGIN.len() + SYNC_END.len());
        whole.extend_from_slice(SYNC_BEGIN);
        whole.append(frame);
        whole.extend_from_slice(SYNC_END);
        self.out.write_all(&whole)?;
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use ratatui::Terminal;
    use ratatui::layout::Rect;
    use ratatui::widgets::Widget;
    use ratatui::{TerminalOptions, Viewport};

    use super::*;

    fn terminal(out: &mut Vec<u8>) -> Terminal<Screen<&mut Vec<u8>>> {
        let options = TerminalOptions { viewport: Viewport::Fixed(Rect::new(0, 0, 20, 3)) };
        Terminal::with_options(Screen::new(out), options).unwrap()
    }

    #[test]
    fn an_unchanged_frame_writes_nothing() {
        let mut out = Vec::new();
        let mut terminal = terminal(&mut out);
        terminal.draw(|frame| "hello".render(frame.area(), frame.buffer_mut())).unwrap();
        let mut quiet = Vec::new();
        std::mem::swap(terminal.backend_mut().out, &mut quiet);

        terminal.draw(|frame| "hello".render(frame.area(), frame.buffer_mut())).unwrap();

        assert!(!quiet.is_empty());
        assert_eq!(terminal.backend_mut().out, &Vec::<u8>::new());
    }

    #[test]
    fn a_changed_frame_leaves_inside_one_synchronised_update() {
        let mut out = Vec::new();

        terminal(&mut out).draw(|frame| "hello".render(frame.area(), frame.buffer_mut())).unwrap();

        assert!(out.starts_with(SYNC_BEGIN));
        assert!(out.ends_with(SYNC_END));
        assert!(String::from_utf8_lossy(&out).contains("hello"));
    }
}
