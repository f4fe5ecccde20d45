//! The full screen.

use std::io::{self, Stdout, Write as _};

use crossterm::clipboard::CopyToClipboard;
use crossterm::execute;
use ratatui::Terminal;

use crate::adapters::platform;
use crate::app::effect::{Capture, DesktopEffect};
use crate::app::model::Model;
use crate::runtime::engine::Shell;
use crate::runtime::screen::Screen;
use crate::runtime::skins::Skins;
use crate::runtime::terminal::Guard;

/// The presenter that owns the terminal.
pub struct Dashboard {
    terminal: Terminal<Screen<Stdout>>,
    guard: Guard,
    skins: Skins,
}

impl Dashboard {
    /// Takes the terminal.
    ///
    /// # Errors
    /// When the terminal cannot be taken.
    pub fn new(mouse: Capture, skins: Skins) -> io::Result<Self> {
        let guard = Guard::take(mouse)?;
        let terminal = Terminal::new(Screen::new(io::stdout()))?;
        Ok(Self { terminal, guard, skins })
    }

    fn suspend(&mut self) -> io::Result<()> {
        self.guard.lend();
        platform::stop_self();
        self.guard.retake()?;
        self.redraw()
    }

    fn redraw(&mut self) -> io::Result<()> {
        self.terminal.backend_mut().forget();
        self.terminal.clear()
    }
}

impl Shell for Dashboard {
    fn present(&mut self, model: &Model) -> io::Result<()> {
        let skin = self.skins.of(model);
        self.terminal.draw(|frame| crate::view::view(model, skin, frame))?;
        crate::adapters::fault::pass("frame.drawn")
    }

    fn desktop(&mut self, effect: &DesktopEffect) -> io::Result<()> {
        match effect {
            DesktopEffect::CopyByTerminal(text) => {
                execute!(io::stdout(), CopyToClipboard::to_clipboard_from(text.expose()))
            }
            // The engine has a tool of the platform do these.
            DesktopEffect::Copy(_)
            | DesktopEffect::CopyReport(_)
            | DesktopEffect::File(_)
            | DesktopEffect::Save(..)
            | DesktopEffect::Tell(_) => Ok(()),
            DesktopEffect::Bell => {
                let mut out = io::stdout();
                out.write_all(b"\x07").and_then(|()| out.flush())
            }
            DesktopEffect::Suspend => self.suspend(),
            DesktopEffect::Redraw => self.redraw(),
            DesktopEffect::Mouse(capture) => self.guard.mouse(*capture),
        }
    }

    // While the screen is ours a line would tear it; what matters is in the model, too.
    fn tell(&mut self, _: &str) {}

    fn announce(&mut self, _: &str) {}

    fn is_screen(&self) -> bool {
        true
    }
}
