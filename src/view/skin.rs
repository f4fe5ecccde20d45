//! How roles look on this terminal: theme, colour depth and glyph set, decided from given facts.
//!
//! Screens ask for a role's style and draw Unicode; in ASCII mode the finished frame is translated cell by
//! cell (every glyph has a twin of the same width), so no screen can forget a glyph.

use ratatui::buffer::Buffer;
use ratatui::style::{Modifier, Style};

use crate::formats::theme::{Role, Theme};
use crate::view::theme;

/// How many colours there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// 24 bit.
    True,
    /// 256.
    Indexed,
    /// 16.
    Sixteen,
    /// No colour at all.
    None,
}

/// Which characters may be drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Glyphs {
    /// Box drawing, blocks and signs.
    Unicode,
    /// Seven bits.
    Ascii,
}

/// The answer of `--color`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Choice {
    /// By the environment.
    #[default]
    Auto,
    /// On.
    Always,
    /// Off.
    Never,
}

/// What decides about colour and glyphs; the adapters read the environment, this module only judges.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Circumstances {
    /// `--color`.
    pub choice: Choice,
    /// `FORCE_COLOR`.
    pub force_color: Option<String>,
    /// `CLICOLOR_FORCE`.
    pub clicolor_force: Option<String>,
    /// `NO_COLOR`.
    pub no_color: Option<String>,
    /// `TERM`.
    pub term: Option<String>,
    /// `COLORTERM`.
    pub colorterm: Option<String>,
    /// `CODEX_TUI_COLOR_PROFILE`, else the setting.
    pub profile: Option<String>,
    /// `CODEX_TUI_GLYPHS`, else the setting.
    pub glyphs: Option<String>,
    /// The first non-empty of `LC_ALL`, `LC_CTYPE`, `LANG`.
    pub locale: Option<String>,
    /// `WT_SESSION` is set.
    pub windows_terminal: bool,
    /// Standard output is a terminal.
    pub terminal: bool,
}

impl Circumstances {
    /// The colour depth (dashboard.md §15.3).
    pub fn depth(&self) -> Depth {
        if !self.is_coloured() {
            return Depth::None;
        }
        match self.profile.as_deref().map(str::trim) {
            Some("truecolor") => return Depth::True,
            Some("ansi256") => return Depth::Indexed,
            Some("ansi16") => return Depth::Sixteen,
            Some(_) | None => {}
        }
        let colorterm = self.colorterm.as_deref().unwrap_or("").to_ascii_lowercase();
        if colorterm.contains("truecolor") || colorterm.contains("24bit") {
            return Depth::True;
        }
        let term = self.term.as_deref().unwrap_or("");
        if term.contains("256color") { Depth::Indexed } else { Depth::Sixteen }
    }

    fn is_coloured(&self) -> bool {
        match self.choice {
            Choice::Always => return true,
            Choice::Never => return false,
            Choice::Auto => {}
        }
        if let Some(force) = said(self.force_color.as_deref()) {
            return force != "0" && !force.eq_ignore_ascii_case("false");
        }
        if said(self.clicolor_force.as_deref()).is_some_and(|force| force != "0") {
            return true;
        }
        if self.no_color.as_deref().is_some_and(|text| !text.is_empty()) {
            return false;
        }
        self.terminal && !self.is_dumb()
    }

    /// Whether the terminal can only append text.
    pub fn is_dumb(&self) -> bool {
        self.term.as_deref() == Some("dumb")
    }

    /// The glyph set (dashboard.md §15.3).
    pub fn glyph_set(&self) -> Glyphs {
        match self.glyphs.as_deref().map(str::trim) {
            Some("unicode") => return Glyphs::Unicode,
            Some("ascii") => return Glyphs::Ascii,
            Some(_) | None => {}
        }
        let locale = self.locale.as_deref().unwrap_or("").to_ascii_lowercase();
        let utf8 = locale.contains("utf-8") || locale.contains("utf8");
        let console = self.term.as_deref() == Some("linux");
        if self.windows_terminal || (utf8 && !console) { Glyphs::Unicode } else { Glyphs::Ascii }
    }
}

fn said(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}

/// A theme resolved for one terminal; styles are worked out once, a frame asks for hundreds.
#[derive(Debug, Clone, PartialEq)]
pub struct Skin {
    depth: Depth,
    glyphs: Glyphs,
    text: Style,
    dim: Style,
    heading: Style,
    accent: Style,
    good: Style,
    warn: Style,
    bad: Style,
    border: Style,
    selection: Style,
}

impl Skin {
    /// Resolves `theme` for a terminal. Without colour weight and reverse video take its place.
    pub fn new(theme: Theme, depth: Depth, glyphs: Glyphs) -> Self {
        let theme = theme.over(&theme::built_in("green"));
        let colour = |role| theme::colour(&theme, role, depth);
        let ink = |role| Style::new().fg(colour(role));
        let or = |role, weight: Modifier| {
            if depth == Depth::None { Style::new().add_modifier(weight) } else { ink(role) }
        };
        let selection = if depth == Depth::None {
            Style::new().add_modifier(Modifier::REVERSED)
        } else {
            ink(Role::SelectionText).bg(colour(Role::Selection))
        };
        Self {
            depth,
            glyphs,
            text: ink(Role::Text),
            dim: or(Role::Dim, Modifier::DIM),
            heading: ink(Role::Heading).add_modifier(Modifier::BOLD),
            accent: or(Role::Accent, Modifier::BOLD),
            good: ink(Role::Good),
            warn: ink(Role::Warn),
            bad: or(Role::Bad, Modifier::BOLD),
            border: or(Role::Border, Modifier::DIM),
            selection,
        }
    }

    /// A built-in theme on a terminal.
    pub fn built_in(name: &str, depth: Depth, glyphs: Glyphs) -> Self {
        Self::new(theme::built_in(name), depth, glyphs)
    }

    /// Colour depth in use.
    pub fn depth(&self) -> Depth {
        self.depth
    }

    /// Glyph set in use.
    pub fn glyphs(&self) -> Glyphs {
        self.glyphs
    }

    /// Whether there is any colour.
    pub fn is_coloured(&self) -> bool {
        self.depth != Depth::None
    }

    /// Primary text.
    pub fn text(&self) -> Style {
        self.text
    }

    /// Secondary text.
    pub fn dim(&self) -> Style {
        self.dim
    }

    /// Titles.
    pub fn heading(&self) -> Style {
        self.heading
    }

    /// The accent.
    pub fn accent(&self) -> Style {
        self.accent
    }

    /// All is well.
    pub fn good(&self) -> Style {
        self.good
    }

    /// Soon not well.
    pub fn warn(&self) -> Style {
        self.warn
    }

    /// Not well.
    pub fn bad(&self) -> Style {
        self.bad
    }

    /// Rules and frames.
    pub fn border(&self) -> Style {
        self.border
    }

    /// The focused row, the chosen button, the present tab.
    pub fn selection(&self) -> Style {
        self.selection
    }

    /// Replaces every glyph of a finished frame by its ASCII twin, when that is the glyph set.
    pub fn translate(&self, buffer: &mut Buffer) {
        if self.glyphs == Glyphs::Unicode {
            return;
        }
        for at in 0..buffer.content.len() {
            let Some(cell) = buffer.content.get_mut(at) else { break };
            if cell.symbol() == ENTER {
                spell(&mut buffer.content, at);
            } else if !cell.symbol().is_ascii() {
                let twin = cell.symbol().chars().next().map_or(' ', ascii);
                cell.set_char(twin);
            }
        }
    }
}

/// The one key whose sign has no twin of its width.
const ENTER: &str = "⏎";

/// Spells the enter key over the blanks that follow it, as far as they go.
fn spell(cells: &mut [ratatui::buffer::Cell], at: usize) {
    let blanks = cells.iter().skip(at + 1).take(5).take_while(|cell| cell.symbol() == " ").count();
    let word = if blanks == 5 { "enter" } else { "e" };
    for (cell, letter) in cells.iter_mut().skip(at).zip(word.chars()) {
        cell.set_char(letter);
    }
}

/// Twins of glyphs, each as wide as the glyph.
const TWINS: [(&str, char); 26] = [
    ("─–−░▃", '-'),
    ("│", '|'),
    ("┌┐└┘├┤┬┴┼✓▅", '+'),
    ("▸›→", '>'),
    ("‹←", '<'),
    ("↑", '^'),
    ("↓", 'v'),
    ("█▇", '#'),
    ("▒▄", '='),
    ("…◐", '~'),
    ("●▆•", '*'),
    ("○óòôõö", 'o'),
    ("◌·▁", '.'),
    ("×", 'x'),
    ("◓", '/'),
    ("◑◒", '\\'),
    ("▂", ':'),
    ("äáàâãå", 'a'),
    ("éèêë", 'e'),
    ("íìîï", 'i'),
    ("üúùû", 'u'),
    ("ÄÁÀÂÃÅ", 'A'),
    ("ÖÓÒÔÕ", 'O'),
    ("ÜÚÙÛ", 'U'),
    ("ñ", 'n'),
    ("çć", 'c'),
];

/// The twin of a glyph; what has none becomes a question mark rather than bytes the terminal cannot show.
pub fn ascii(glyph: char) -> char {
    TWINS.iter().find(|(glyphs, _)| glyphs.contains(glyph)).map_or('?', |(_, twin)| *twin)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::layout::Rect;

    fn plain() -> Circumstances {
        Circumstances { terminal: true, term: Some("xterm".to_owned()), ..Circumstances::default() }
    }

    fn set(text: &str) -> Option<String> {
        (!text.contains('\0')).then(|| text.to_owned())
    }

    #[test]
    fn colour_is_decided_in_the_documented_order() {
        for (name, given, depth) in [
            ("a bare terminal", plain(), Depth::Sixteen),
            ("not a terminal", Circumstances { terminal: false, ..plain() }, Depth::None),
            ("dumb", Circumstances { term: set("dumb"), ..plain() }, Depth::None),
            ("256", Circumstances { term: set("xterm-256color"), ..plain() }, Depth::Indexed),
            ("truecolor", Circumstances { colorterm: set("truecolor"), ..plain() }, Depth::True),
            (
                "setting",
                Circumstances { profile: set("ansi256"), colorterm: set("truecolor"), ..plain() },
                Depth::Indexed,
            ),
            ("no colour", Circumstances { no_color: set("1"), ..plain() }, Depth::None),
            ("empty no colour", Circumstances { no_color: set(""), ..plain() }, Depth::Sixteen),
            (
                "forced",
                Circumstances { force_color: set("1"), no_color: set("1"), ..plain() },
                Depth::Sixteen,
            ),
            ("forced off", Circumstances { force_color: set("false"), ..plain() }, Depth::None),
            (
                "clicolor",
                Circumstances { clicolor_force: set("1"), no_color: set("1"), ..plain() },
                Depth::Sixteen,
            ),
            (
                "clicolor zero",
                Circumstances { clicolor_force: set("0"), no_color: set("1"), ..plain() },
                Depth::None,
            ),
            ("never", Circumstances { choice: Choice::Never, force_color: set("1"), ..plain() }, Depth::None),
            (
                "always",
                Circumstances { choice: Choice::Always, no_color: set("1"), ..plain() },
                Depth::Sixteen,
            ),
        ] {
            assert_eq!(given.depth(), depth, "{name}");
        }
    }

    #[test]
    fn glyphs_follow_setting_locale_and_console() {
        for (name, given, glyphs) in [
            ("no locale", plain(), Glyphs::Ascii),
            ("utf-8", Circumstances { locale: set("de_DE.UTF-8"), ..plain() }, Glyphs::Unicode),
            (
                "console",
                Circumstances { locale: set("C.utf8"), term: set("linux"), ..plain() },
                Glyphs::Ascii,
            ),
            ("windows terminal", Circumstances { windows_terminal: true, ..plain() }, Glyphs::Unicode),
            ("asked for", Circumstances { glyphs: set("unicode"), ..plain() }, Glyphs::Unicode),
            (
                "auto",
                Circumstances { glyphs: set("auto"), locale: set("C.UTF-8"), ..plain() },
                Glyphs::Unicode,
            ),
        ] {
            assert_eq!(given.glyph_set(), glyphs, "{name}");
        }
    }

    #[test]
    fn an_ascii_frame_holds_seven_bits_only() {
        let skin = Skin::built_in("green", Depth::None, Glyphs::Ascii);
        let mut buffer = Buffer::empty(Rect::new(0, 0, 12, 1));
        buffer.set_string(0, 0, "▸ ● █░ 日é…", Style::new());

        skin.translate(&mut buffer);

        assert!(buffer.content.iter().all(|cell| cell.symbol().is_ascii()), "{buffer:?}");
    }
}
