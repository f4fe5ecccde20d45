//! What the person does, in our own words: keys, mouse, paste, size. `runtime::input` translates the
//! terminal library's events into these; everything else in the program knows only these.

/// A key without modifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Code {
    /// A character as typed (`S` is shift-s; no separate shift flag for characters).
    Char(char),
    /// Enter, keypad included.
    Enter,
    /// Escape.
    Esc,
    /// Tab.
    Tab,
    /// Shift-tab.
    BackTab,
    /// Backspace.
    Backspace,
    /// Delete.
    Delete,
    /// Arrow up.
    Up,
    /// Arrow down.
    Down,
    /// Arrow left.
    Left,
    /// Arrow right.
    Right,
    /// Page up.
    PageUp,
    /// Page down.
    PageDown,
    /// Home.
    Home,
    /// End.
    End,
    /// A function key.
    F(u8),
}

/// The modifier held with a key; characters carry their shift in themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Held {
    /// None.
    #[default]
    None,
    /// Ctrl.
    Ctrl,
    /// Alt.
    Alt,
}

/// A key press.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// Which key.
    pub code: Code,
    /// With what.
    pub held: Held,
}

impl Key {
    /// A character without modifier.
    pub const fn char(character: char) -> Self {
        Self { code: Code::Char(character), held: Held::None }
    }

    /// A key without modifier.
    pub const fn plain(code: Code) -> Self {
        Self { code, held: Held::None }
    }

    /// Ctrl with a lower-case character.
    pub const fn ctrl(character: char) -> Self {
        Self { code: Code::Char(character), held: Held::Ctrl }
    }

    /// Alt with a character.
    pub const fn alt(character: char) -> Self {
        Self { code: Code::Char(character), held: Held::Alt }
    }
}

/// What the mouse did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Click {
    /// Left button down.
    Press,
    /// Wheel up.
    WheelUp,
    /// Wheel down.
    WheelDown,
}

/// A mouse event at a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mouse {
    /// What.
    pub click: Click,
    /// 0-based column.
    pub column: u16,
    /// 0-based row.
    pub row: u16,
}

/// Anything from the terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A key.
    Key(Key),
    /// The mouse.
    Mouse(Mouse),
    /// Bracketed paste.
    Pasted(String),
    /// New size in cells.
    Resized {
        /// Columns.
        width: u16,
        /// Rows.
        height: u16,
    },
    /// The terminal gained or lost the focus.
    Focus(Focus),
    /// A line, where lines are typed instead of keys.
    Line(String),
    /// No more lines will come.
    Ended,
    /// The terminal is gone.
    Lost,
}

/// Whether the terminal has the focus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Focus {
    /// Yes, or nobody tells.
    #[default]
    Here,
    /// No.
    Away,
}
