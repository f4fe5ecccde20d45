//! Theme files: TOML in, roles with their paints out.
//!
//! A theme names roles, never widgets. Each role is one paint or a list of up to three in falling depth
//! (truecolor, 256, 16), because the nearest of sixteen colours is seldom the readable one. A role that is
//! missing or not understood falls back to the base theme and is reported; nothing makes a theme unusable.

use std::collections::BTreeMap;

use toml_edit::{DocumentMut, Item, Value};

/// What a colour is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Primary text.
    Text,
    /// Secondary text, figures that are old.
    Dim,
    /// Titles.
    Heading,
    /// The one accent.
    Accent,
    /// All is well.
    Good,
    /// Soon not well.
    Warn,
    /// Not well.
    Bad,
    /// Rules and frames.
    Border,
    /// Ground of the focused row.
    Selection,
    /// Text on that ground.
    SelectionText,
}

impl Role {
    /// All roles in the order of the documentation.
    pub const ALL: [Self; 10] = [
        Self::Text,
        Self::Dim,
        Self::Heading,
        Self::Accent,
        Self::Good,
        Self::Warn,
        Self::Bad,
        Self::Border,
        Self::Selection,
        Self::SelectionText,
    ];

    /// Its key in a theme file.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Dim => "dim",
            Self::Heading => "heading",
            Self::Accent => "accent",
            Self::Good => "good",
            Self::Warn => "warn",
            Self::Bad => "bad",
            Self::Border => "border",
            Self::Selection => "selection",
            Self::SelectionText => "selection_text",
        }
    }

    /// The names the reference used for it.
    const fn aliases(self) -> &'static [&'static str] {
        match self {
            Self::Dim => &["muted"],
            Self::Good => &["primary", "success"],
            Self::Warn => &["warning"],
            Self::Bad => &["danger"],
            Self::Selection => &["focusBackground", "focus_background"],
            Self::SelectionText => &["focusText", "focus_text"],
            Self::Text | Self::Heading | Self::Accent | Self::Border => &[],
        }
    }
}

/// A colour as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paint {
    /// The terminal's own.
    Default,
    /// One of the sixteen, 0…15.
    Ansi(u8),
    /// One of 256.
    Index(u8),
    /// Red, green, blue.
    Rgb(u8, u8, u8),
}

/// A theme: what each role looks like, and what was odd about the file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Theme {
    roles: BTreeMap<Role, Vec<Paint>>,
    /// The ground the theme was made for.
    pub background: Option<Paint>,
    /// What was ignored, for people.
    pub notes: Vec<String>,
}

/// The text is not TOML.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the theme is not TOML: {detail}")]
pub struct ParseThemeError {
    /// Where and why.
    pub detail: String,
}

impl Theme {
    /// Reads a theme file.
    ///
    /// # Errors
    /// When the text is not TOML at all.
    pub fn parse(text: &str) -> Result<Self, ParseThemeError> {
        let document: DocumentMut = text
            .parse()
            .map_err(|error: toml_edit::TomlError| ParseThemeError { detail: error.message().to_owned() })?;
        let mut theme = Self::default();
        for role in Role::ALL {
            let mut names = std::iter::once(role.key()).chain(role.aliases().iter().copied());
            let Some((name, item)) = names.find_map(|name| Some((name, document.get(name)?))) else {
                continue;
            };
            match paints(item) {
                Some(paints) => {
                    theme.roles.insert(role, paints);
                }
                None => theme.notes.push(format!("`{name}` is not a colour; the base theme's is used")),
            }
        }
        theme.background =
            document.get("background").and_then(paints).and_then(|paints| paints.first().copied());
        theme.check_contrast();
        Ok(theme)
    }

    /// The paints of a role, deepest first; empty when the theme does not name it.
    pub fn paints(&self, role: Role) -> &[Paint] {
        self.roles.get(&role).map_or(&[], Vec::as_slice)
    }

    /// This theme with the roles it lacks taken from `base`.
    #[must_use]
    pub fn over(mut self, base: &Self) -> Self {
        for (role, paints) in &base.roles {
            self.roles.entry(*role).or_insert_with(|| paints.clone());
        }
        self.background = self.background.or(base.background);
        self
    }

    /// Text with less contrast than this cannot be read by everybody.
    fn check_contrast(&mut self) {
        let Some(ground) = self.background.and_then(rgb) else { return };
        for role in [Role::Text, Role::Dim, Role::Heading, Role::Accent, Role::Good, Role::Warn, Role::Bad] {
            let Some(ink) = self.paints(role).first().copied().and_then(rgb) else { continue };
            let ratio = contrast(ink, ground);
            if ratio < ENOUGH {
                let key = role.key();
                self.notes.push(format!(
                    "`{key}` has a contrast of {ratio:.1}:1 on the background; {ENOUGH}:1 is readable"
                ));
            }
        }
    }
}

/// The contrast that the accessibility guidelines ask of text.
const ENOUGH: f64 = 4.5;

fn paints(item: &Item) -> Option<Vec<Paint>> {
    if let Some(list) = item.as_array() {
        let paints: Vec<Paint> = list.iter().filter_map(paint).collect();
        return (!paints.is_empty() && paints.len() == list.len()).then_some(paints);
    }
    Some(vec![paint(item.as_value()?)?])
}

fn paint(value: &Value) -> Option<Paint> {
    if let Some(index) = value.as_integer() {
        return u8::try_from(index).ok().map(Paint::Index);
    }
    let text = value.as_str()?.trim().to_ascii_lowercase();
    if let Some(hex) = text.strip_prefix('#') {
        if hex.len() != 6 || !hex.is_ascii() {
            return None;
        }
        let part = |range| hex.get(range).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        return Some(Paint::Rgb(part(0..2)?, part(2..4)?, part(4..6)?));
    }
    if text == "default" {
        return Some(Paint::Default);
    }
    NAMES.iter().find(|(name, _)| *name == text).map(|(_, number)| Paint::Ansi(*number))
}

const NAMES: [(&str, u8); 18] = [
    ("black", 0),
    ("red", 1),
    ("green", 2),
    ("yellow", 3),
    ("blue", 4),
    ("magenta", 5),
    ("cyan", 6),
    ("white", 7),
    ("gray", 8),
    ("grey", 8),
    ("bright-black", 8),
    ("bright-red", 9),
    ("bright-green", 10),
    ("bright-yellow", 11),
    ("bright-blue", 12),
    ("bright-magenta", 13),
    ("bright-cyan", 14),
    ("bright-white", 15),
];

fn rgb(paint: Paint) -> Option<(u8, u8, u8)> {
    match paint {
        Paint::Rgb(red, green, blue) => Some((red, green, blue)),
        Paint::Default | Paint::Ansi(_) | Paint::Index(_) => None,
    }
}

/// Contrast ratio of two colours, 1…21 (WCAG 2).
fn contrast(one: (u8, u8, u8), other: (u8, u8, u8)) -> f64 {
    let (a, b) = (luminance(one), luminance(other));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

fn luminance((red, green, blue): (u8, u8, u8)) -> f64 {
    let linear = |channel: u8| {
        let share = f64::from(channel) / 255.0;
        if share <= 0.040_45 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_write_a_colour_is_read() {
        let theme = Theme::parse(
            "text = 'default'\ndim = 'gray'\nheading = 255\naccent = '#4ade80'\nprimary = ['#010203', 40, 'green']",
        )
        .unwrap();

        assert_eq!(theme.paints(Role::Text), [Paint::Default]);
        assert_eq!(theme.paints(Role::Dim), [Paint::Ansi(8)]);
        assert_eq!(theme.paints(Role::Heading), [Paint::Index(255)]);
        assert_eq!(theme.paints(Role::Accent), [Paint::Rgb(0x4a, 0xde, 0x80)]);
        assert_eq!(theme.paints(Role::Good), [Paint::Rgb(1, 2, 3), Paint::Index(40), Paint::Ansi(2)]);
        assert_eq!(theme.notes, Vec::<String>::new());
    }

    #[test]
    fn a_bad_colour_is_reported_and_falls_back_to_the_base() {
        let base = Theme::parse("warn = 'yellow'\nbad = 'red'").unwrap();

        let theme = Theme::parse("warn = 'purplish'\nbad = 300").unwrap().over(&base);

        assert_eq!(theme.paints(Role::Warn), [Paint::Ansi(3)]);
        assert_eq!(theme.paints(Role::Bad), [Paint::Ansi(1)]);
        assert_eq!(theme.notes.len(), 2);
    }

    #[test]
    fn text_that_cannot_be_read_is_reported() {
        let theme = Theme::parse("background = '#ffffff'\ndim = '#cccccc'\nbad = '#990000'").unwrap();

        assert_eq!(theme.notes, ["`dim` has a contrast of 1.6:1 on the background; 4.5:1 is readable"]);
    }

    #[test]
    fn what_is_not_toml_is_an_error() {
        assert!(Theme::parse("accent = ").is_err());
    }
}
