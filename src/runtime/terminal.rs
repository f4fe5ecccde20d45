//! Taking the terminal and giving it back, whatever happens.
//!
//! [`Guard`] holds raw mode, alternate screen, bracketed paste, focus events and mouse. It gives them back on
//! drop, on suspend and, through the hook that [`hook_panics`] installs, before a panic report is printed.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::event::{
    DisableBracketedPaste, DisableFocusChange, DisableMouseCapture, EnableBracketedPaste, EnableFocusChange,
    EnableMouseCapture,
};
use crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, SetTitle, disable_raw_mode, enable_raw_mode,
};
use crossterm::{cursor, execute};

use crate::app::effect::Capture;

/// Whether the terminal is ours at the moment. A panic hook has no other way to know.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// The terminal while it is ours.
#[derive(Debug)]
pub struct Guard {
    mouse: Capture,
}

impl Guard {
    /// Takes the terminal.
    ///
    /// # Errors
    /// When it cannot be switched to raw mode or written to; it is given back first.
    pub fn take(mouse: Capture) -> io::Result<Self> {
        let guard = Self { mouse };
        guard.enter()?;
        Ok(guard)
    }

    fn enter(&self) -> io::Result<()> {
        enable_raw_mode()?;
        TAKEN.store(true, Ordering::SeqCst);
        let mut out = io::stdout();
        execute!(
            out,
            EnterAlternateScreen,
            SetTitle("codex-multi-auth"),
            EnableBracketedPaste,
            EnableFocusChange,
            cursor::Hide
        )
        .and_then(|()| if self.mouse == Capture::On { execute!(out, EnableMouseCapture) } else { Ok(()) })
        .inspect_err(|_| give_back())
    }

    /// Takes the terminal again after [`Guard::lend`].
    ///
    /// # Errors
    /// As [`Guard::take`].
    pub fn retake(&self) -> io::Result<()> {
        self.enter()
    }

    /// Gives the terminal back for a while.
    pub fn lend(&self) {
        give_back();
    }

    /// Takes or gives back the mouse.
    ///
    /// # Errors
    /// When the terminal cannot be written to.
    pub fn mouse(&mut self, capture: Capture) -> io::Result<()> {
        self.mouse = capture;
        match capture {
            Capture::On => execute!(io::stdout(), EnableMouseCapture),
            Capture::Off => execute!(io::stdout(), DisableMouseCapture),
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        give_back();
    }
}

/// Gives the terminal back if it is ours; does nothing otherwise. Errors are of no use to anybody here.
pub fn give_back() {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    let mut out = io::stdout();
    let _ = execute!(
        out,
        DisableMouseCapture,
        DisableFocusChange,
        DisableBracketedPaste,
        LeaveAlternateScreen,
        cursor::Show
    );
    let _ = out.flush();
    let _ = disable_raw_mode();
}

/// Makes every panic give the terminal back before its report is printed.
pub fn hook_panics() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        give_back();
        report(panic);
    }));
}
