//! The dashboard by lines: a page when it is another one, a line when the focus moved, messages as they come.
//! Nothing is drawn over, nothing blinks, no escape byte is written; what time alone changes is told when asked for.

use std::io::{self, Write as _};

use crate::app::effect::DesktopEffect;
use crate::app::lines::Lines;
use crate::app::model::Model;
use crate::base::Moment;
use crate::runtime::engine::Shell;
use crate::view::plain::{self, Page};
use crate::view::skin::Skin;

/// Said once, so that nobody has to guess.
const WELCOME: &str =
    "Type a key or a number and press Enter. An empty line reads the page, ? lists the keys, q leaves.";

/// The presenter by lines.
pub struct Plain {
    skin: Skin,
    page: Page,
    lines: Lines,
    told: Option<Moment>,
    checking: usize,
    begun: bool,
}

impl Default for Plain {
    /// A presenter that has told nothing yet.
    fn default() -> Self {
        Self {
            skin: plain::skin(),
            page: Page::default(),
            lines: Lines::default(),
            told: None,
            checking: 0,
            begun: false,
        }
    }
}

impl Plain {
    fn news(&mut self, model: &Model) -> Vec<String> {
        let mut out = Vec::new();
        if !self.begun {
            out.push(WELCOME.to_owned());
            self.begun = true;
        }
        // The pool comes in a moment; a page without it would only be told twice.
        if !model.world.loaded && model.world.trouble.is_none() && model.ui.overlays.is_empty() {
            return out;
        }
        let page = plain::page(model, &self.skin);
        let lines = model.ui.lines.unwrap_or_default();
        let is_asked = lines.pages > self.lines.pages;
        if is_asked || page.title != self.page.title {
            out.push(page.title.clone());
            out.extend(page.lines.iter().map(|line| said(line.chosen, &line.text)));
        } else if lines.typed > self.lines.typed {
            out.extend(self.moved(&page));
        }
        if lines.helps > self.lines.helps {
            out.extend(plain::keys(model));
        }
        out.extend(self.messages(model));
        out.extend(self.task(model));
        // What time changed is not news; it is compared with when the next line comes.
        (self.page, self.lines) = (page, lines);
        out
    }

    /// What a key did to a page that is still the same one: the focused line, and lines that read differently.
    fn moved(&self, page: &Page) -> Vec<String> {
        let focus = |page: &Page| page.lines.iter().position(|line| line.chosen);
        let was = focus(&self.page);
        let now = focus(page);
        let mut out = Vec::new();
        for (at, line) in page.lines.iter().enumerate() {
            let is_new = self.page.lines.iter().all(|old| old.text != line.text);
            if is_new || (Some(at) == now && was != now) {
                out.push(said(line.chosen, &line.text));
            }
        }
        out
    }

    fn messages(&mut self, model: &Model) -> Vec<String> {
        let fresh: Vec<_> =
            model.ui.toasts.history().take_while(|shown| Some(shown.at) > self.told).collect();
        let out = fresh
            .iter()
            .rev()
            .map(|shown| format!("{}: {}", shown.toast.level.word(), shown.text()))
            .collect();
        self.told = fresh.first().map(|shown| shown.at).or(self.told);
        out
    }

    fn task(&mut self, model: &Model) -> Option<String> {
        let before = std::mem::replace(&mut self.checking, model.world.checking.len());
        match (before, self.checking) {
            (0, 0) => None,
            (0, count) => Some(format!("checking limits, {count} to go")),
            (_, 0) => Some("limits are checked".to_owned()),
            _ => None,
        }
    }
}

fn said(chosen: bool, text: &str) -> String {
    if chosen { format!("> {text}") } else { text.to_owned() }
}

impl Shell for Plain {
    fn present(&mut self, model: &Model) -> io::Result<()> {
        let news = self.news(model);
        if news.is_empty() {
            return Ok(());
        }
        let mut out = io::stdout().lock();
        for line in news {
            let clean: String = line.chars().filter(|letter| !letter.is_control()).collect();
            writeln!(out, "{clean}")?;
        }
        out.flush()
    }

    fn desktop(&mut self, effect: &DesktopEffect) -> io::Result<()> {
        match effect {
            DesktopEffect::CopyByTerminal(_) => {
                writeln!(io::stdout().lock(), "no tool to copy with was found")
            }
            DesktopEffect::Suspend => {
                crate::adapters::platform::stop_self();
                Ok(())
            }
            DesktopEffect::Copy(_)
            | DesktopEffect::CopyReport(_)
            | DesktopEffect::File(_)
            | DesktopEffect::Save(..)
            | DesktopEffect::Tell(_)
            | DesktopEffect::Bell
            | DesktopEffect::Redraw
            | DesktopEffect::Mouse(_) => Ok(()),
        }
    }

    fn tell(&mut self, line: &str) {
        let _ = writeln!(io::stderr().lock(), "{line}");
    }

    fn announce(&mut self, _: &str) {}

    fn is_screen(&self) -> bool {
        true
    }
}
