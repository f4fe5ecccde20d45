//! Nobody looks: lines on stderr while it runs, one report on stdout at the end.

use std::io::{self, Write as _};

use crate::app::effect::DesktopEffect;
use crate::app::model::Model;
use crate::runtime::engine::Shell;

/// The headless presenter.
#[derive(Debug, Clone, Copy, Default)]
pub struct Headless;

impl Shell for Headless {
    fn present(&mut self, _: &Model) -> io::Result<()> {
        Ok(())
    }

    fn desktop(&mut self, _: &DesktopEffect) -> io::Result<()> {
        Ok(())
    }

    fn tell(&mut self, line: &str) {
        let _ = writeln!(io::stderr().lock(), "{line}");
    }

    fn announce(&mut self, line: &str) {
        let mut out = io::stdout().lock();
        let _ = writeln!(out, "{line}").and_then(|()| out.flush());
    }

    fn is_screen(&self) -> bool {
        false
    }
}
