//! What a setting is: key, kind with default and bounds, variables, place on screen, words, and the field it fills.
//!
//! The table itself stands in `table`. The loader, `config`, the settings screen and the
//! reference page read it; a new setting is one row. Defaults stand in the rows and in [`Settings::default`]; a
//! test holds them together.

use crate::base::Span;
use crate::domain::settings::Settings;
use crate::domain::settings::table::TABLES;

/// What values a key takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// `true` or `false`.
    Flag(bool),
    /// A finite number inside bounds; some take zero for "off" below their least value.
    Number {
        /// Value when nothing is set.
        default: f64,
        /// Least value.
        least: f64,
        /// Greatest value.
        most: f64,
        /// Whether zero is a value, too.
        zero: Zero,
        /// What is counted.
        unit: Unit,
    },
    /// One of a list of words; the first word is the default. An empty first word means "unset".
    Word(&'static [&'static str]),
    /// Free text; empty means "unset".
    Text(&'static str),
    /// Some of a list of words, each once, in an order the person chooses; the default is all of them.
    List(&'static [&'static str]),
    /// Lists of words under names; the default is none.
    Map,
}

/// Whether zero is allowed below the least value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zero {
    /// Zero turns the thing off.
    TurnsOff,
    /// Zero is nothing special.
    Plain,
}

/// What a number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Milliseconds.
    Millis,
    /// Things.
    Count,
    /// Percent.
    Percent,
    /// Bytes.
    Bytes,
}

/// Where the key lives and whose rules it follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// `pluginConfig`, known to the reference: a stored value out of bounds is ignored, one of a variable clamped.
    Shared,
    /// `pluginConfig`, ours: a value out of bounds is clamped.
    Ours,
    /// `dashboardDisplaySettings`: rounded and clamped, no variable.
    Display,
}

/// The group a setting is shown in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Panel {
    /// What the account list shows and how it is sorted.
    AccountList,
    /// The fields of a row's summary, and what printed results show.
    DetailsLine,
    /// How the dashboard behaves.
    Behaviour,
    /// Palette, colour depth, glyphs.
    Theme,
    /// Launches, conversations, the official CLI's files.
    Session,
    /// Which account serves, and when it rests.
    Rotation,
    /// Tokens, background calls, files kept.
    Refresh,
    /// Timeouts and limits.
    Performance,
    /// Not settled yet.
    Experimental,
    /// Kept for the plugin host of the reference.
    Host,
}

impl Panel {
    /// All groups in the order they are listed.
    pub const ALL: [Self; 10] = [
        Self::AccountList,
        Self::DetailsLine,
        Self::Behaviour,
        Self::Theme,
        Self::Session,
        Self::Rotation,
        Self::Refresh,
        Self::Performance,
        Self::Experimental,
        Self::Host,
    ];

    /// Its heading.
    pub const fn title(self) -> &'static str {
        match self {
            Self::AccountList => "Account list",
            Self::DetailsLine => "Details line",
            Self::Behaviour => "Behaviour",
            Self::Theme => "Theme & glyphs",
            Self::Session => "Session & sync",
            Self::Rotation => "Rotation & quota",
            Self::Refresh => "Refresh & recovery",
            Self::Performance => "Performance",
            Self::Experimental => "Experimental",
            Self::Host => "Kept for the plugin host",
        }
    }
}

/// Whether a setting does something here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It has the effect its help says.
    Acts,
    /// Nothing here has a use for it (most served the JavaScript plugin host): validated, shown and preserved.
    Kept,
    /// Validated, shown and preserved; this version has nothing that reads it.
    Idle,
}

impl Verdict {
    /// The same in fewer words, for a line that has little room.
    pub const fn brief(self) -> Option<&'static str> {
        match self {
            Self::Acts => None,
            Self::Kept => Some("no effect here"),
            Self::Idle => Some("no effect in this version"),
        }
    }

    /// What a person has to know beside the help; nothing for a setting that acts.
    pub const fn note(self) -> Option<&'static str> {
        match self {
            Self::Acts => None,
            Self::Kept => Some("accepted and kept, no effect here"),
            Self::Idle => Some("accepted and kept, no effect in this version"),
        }
    }
}

/// A value of a setting.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Of [`Kind::Flag`].
    Flag(bool),
    /// Of [`Kind::Number`], inside its bounds.
    Number(f64),
    /// Of [`Kind::Word`] and [`Kind::Text`]; empty = unset.
    Text(String),
    /// Of [`Kind::List`].
    List(Vec<String>),
    /// Of [`Kind::Map`], in the order of the file.
    Map(Vec<(String, Vec<String>)>),
}

/// One setting.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// Name in the file.
    pub key: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// Variables, the first set one counts.
    pub env: &'static [&'static str],
    /// Where it lives.
    pub section: Section,
    /// The group it is shown in.
    pub panel: Panel,
    /// Whether it does something.
    pub verdict: Verdict,
    /// Its name on screen.
    pub title: &'static str,
    /// One line for people.
    pub help: &'static str,
    /// How far one key press moves a number; zero for everything else.
    pub step: f64,
    /// Values a key press goes through instead of steps, if any.
    pub offers: &'static [f64],
    /// Puts a value into its field.
    pub put: fn(&mut Settings, &Value),
}

/// A key stands once in the table, so it is the row's identity.
impl PartialEq for Row {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Row {
    /// The same row with a step.
    pub(super) const fn stepping(mut self, step: f64) -> Self {
        self.step = step;
        self
    }

    /// The same row with values to go through.
    pub(super) const fn offering(mut self, offers: &'static [f64]) -> Self {
        self.offers = offers;
        self
    }

    /// The value when nothing is set.
    pub fn default(&self) -> Value {
        match self.kind {
            Kind::Flag(default) => Value::Flag(default),
            Kind::Number { default, .. } => Value::Number(default),
            Kind::Word(words) => Value::Text(words.first().copied().unwrap_or_default().to_owned()),
            Kind::Text(default) => Value::Text(default.to_owned()),
            Kind::List(words) => Value::List(words.iter().map(|&word| word.to_owned()).collect()),
            Kind::Map => Value::Map(Vec::new()),
        }
    }

    /// The name of the object it is stored in.
    pub const fn object(&self) -> &'static str {
        match self.section {
            Section::Shared | Section::Ours => "pluginConfig",
            Section::Display => "dashboardDisplaySettings",
        }
    }
}

/// All rows of the table, in order.
pub fn rows() -> impl Iterator<Item = &'static Row> {
    TABLES.iter().flat_map(|table| table.iter())
}

/// All names of variables in the table; a variable that serves two keys comes twice.
pub fn variables() -> impl Iterator<Item = &'static str> {
    rows().flat_map(|row| row.env.iter().copied())
}

/// The row of a key.
pub fn row(key: &str) -> Option<&'static Row> {
    rows().find(|row| row.key == key)
}

pub(super) const NO_MOST: f64 = 1e12;

pub(super) const fn flag(default: bool) -> Kind {
    Kind::Flag(default)
}

pub(super) const fn ms(default: f64, least: f64, most: f64) -> Kind {
    Kind::Number { default, least, most, zero: Zero::Plain, unit: Unit::Millis }
}

pub(super) const fn ms_or_off(default: f64, least: f64, most: f64) -> Kind {
    Kind::Number { default, least, most, zero: Zero::TurnsOff, unit: Unit::Millis }
}

pub(super) const fn count(default: f64, least: f64, most: f64) -> Kind {
    Kind::Number { default, least, most, zero: Zero::Plain, unit: Unit::Count }
}

pub(super) const fn percent(default: f64) -> Kind {
    Kind::Number { default, least: 0.0, most: 100.0, zero: Zero::Plain, unit: Unit::Percent }
}

pub(super) const fn bytes(default: f64, least: f64, most: f64) -> Kind {
    Kind::Number { default, least, most, zero: Zero::Plain, unit: Unit::Bytes }
}

/// One row of a table.
macro_rules! setting {
    ($section:ident $verdict:ident $panel:ident $key:literal = $kind:expr, [$($env:literal),*],
     $title:literal, $help:literal, $put:expr) => {
        $crate::domain::settings::schema::Row {
            key: $key,
            kind: $kind,
            env: &[$($env),*],
            section: $crate::domain::settings::schema::Section::$section,
            panel: $crate::domain::settings::schema::Panel::$panel,
            verdict: $crate::domain::settings::schema::Verdict::$verdict,
            title: $title,
            help: $help,
            step: 0.0,
            offers: &[],
            put: $put,
        }
    };
}
pub(super) use setting;

/// For rows whose value no field holds.
pub(super) const fn nowhere(_: &mut Settings, _: &Value) {}

pub(super) fn is(value: &Value) -> bool {
    *value == Value::Flag(true)
}

pub(super) fn float(value: &Value) -> f64 {
    if let Value::Number(number) = value { *number } else { 0.0 }
}

pub(super) fn span(value: &Value) -> Span {
    Span::millis(1).scaled(float(value))
}

pub(super) fn size(value: &Value) -> usize {
    usize::try_from(span(value).as_millis()).unwrap_or(usize::MAX)
}

pub(super) fn whole(value: &Value) -> u64 {
    u64::try_from(span(value).as_millis()).unwrap_or(u64::MAX)
}

pub(super) fn small(value: &Value) -> u32 {
    u32::try_from(span(value).as_millis()).unwrap_or(u32::MAX)
}

pub(super) fn word(value: &Value) -> &str {
    if let Value::Text(text) = value { text } else { "" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_and_the_defaults_are_the_same() {
        let mut settings = Settings::default();
        // Unset, the terminal decides; only what is set is put into the field.
        for row in rows().filter(|row| row.key != "codexTuiColorProfile") {
            (row.put)(&mut settings, &row.default());

            assert_eq!(settings, Settings::default(), "{}", row.key);
        }
    }

    #[test]
    fn no_key_stands_twice_and_a_variable_only_where_two_keys_mean_one_thing() {
        let mut keys: Vec<_> = rows().map(|row| row.key).collect();
        let all = keys.len();
        keys.sort_unstable();
        keys.dedup();
        let mut names: Vec<_> = variables().collect();
        let every = names.len();
        names.sort_unstable();
        names.dedup();

        assert_eq!(keys.len(), all);
        // The two spellings of the unsupported-model policy share theirs.
        assert_eq!(names.len() + 2, every);
    }

    #[test]
    fn a_number_can_be_stepped_and_a_default_is_inside_its_bounds() {
        for row in rows() {
            let Kind::Number { default, least, most, zero, .. } = row.kind else { continue };

            assert!(row.step > 0.0 || !row.offers.is_empty(), "{} has no step", row.key);
            let off = zero == Zero::TurnsOff && default.total_cmp(&0.0).is_eq();
            assert!(off || (least..=most).contains(&default), "{}", row.key);
        }
    }

    #[test]
    fn every_row_has_its_words() {
        for row in rows() {
            assert!(!row.title.is_empty() && row.title.len() <= 26, "{}: {:?}", row.key, row.title);
            assert!(!row.help.is_empty() && !row.help.ends_with('.'), "{}", row.key);
        }
    }
}
