//! The groups of the tab in their order, and what each of them lists.

use crate::app::keys::{Bind, Group as Heading, Scope, binds};
use crate::app::screens::settings::Fold;
use crate::app::world::World;
use crate::domain::settings::schema::{Kind, Panel, Row, Verdict, rows};

/// A group of the list at the left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Page {
    /// What the account list shows and how it is sorted.
    #[default]
    AccountList,
    /// The fields of a row's summary.
    DetailsLine,
    /// How the dashboard behaves.
    Behaviour,
    /// Palette, colour depth, glyphs.
    Theme,
    /// Every key.
    Keys,
    /// Launches, conversations, the official CLI's files.
    Session,
    /// Which account serves, and when it rests.
    Rotation,
    /// Tokens, background calls, files kept.
    Refresh,
    /// Timeouts and limits.
    Performance,
    /// Rules of projects.
    Profiles,
    /// Copies of the pool.
    Backups,
    /// Files and folders.
    Paths,
    /// Variables that hold settings fast.
    Environment,
    /// Version and terms.
    About,
    /// What taking everything out again does.
    Remove,
}

/// One line of the list of groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupLine {
    /// A heading.
    Heading(&'static str),
    /// A group.
    Page(Page),
    /// Nothing.
    Blank,
}

impl Page {
    /// All groups in order.
    pub const ALL: [Self; 15] = [
        Self::AccountList,
        Self::DetailsLine,
        Self::Behaviour,
        Self::Theme,
        Self::Keys,
        Self::Session,
        Self::Rotation,
        Self::Refresh,
        Self::Performance,
        Self::Profiles,
        Self::Backups,
        Self::Paths,
        Self::Environment,
        Self::About,
        Self::Remove,
    ];

    /// Its title, and a shorter one for narrow screens.
    pub const fn titles(self) -> (&'static str, &'static str) {
        match self {
            Self::AccountList => ("Account list", "Account list"),
            Self::DetailsLine => ("Details line", "Details line"),
            Self::Behaviour => ("Behaviour", "Behaviour"),
            Self::Theme => ("Theme & glyphs", "Theme"),
            Self::Keys => ("Keys", "Keys"),
            Self::Session => ("Session & sync", "Session & sync"),
            Self::Rotation => ("Rotation & quota", "Rotation & quota"),
            Self::Refresh => ("Refresh & recovery", "Refresh"),
            Self::Performance => ("Performance", "Performance"),
            Self::Profiles => ("Routing profiles", "Profiles"),
            Self::Backups => ("Backups", "Backups"),
            Self::Paths => ("Paths", "Paths"),
            Self::Environment => ("Environment", "Environment"),
            Self::About => ("Version & terms", "Version & terms"),
            Self::Remove => ("Remove integration", "Remove"),
        }
    }

    /// The heading it stands under.
    pub const fn heading(self) -> &'static str {
        match self {
            Self::AccountList | Self::DetailsLine | Self::Behaviour | Self::Theme | Self::Keys => "GENERAL",
            Self::Session | Self::Rotation | Self::Refresh | Self::Performance | Self::Profiles => "RUNTIME",
            Self::Backups | Self::Paths | Self::Environment => "FILES",
            Self::About | Self::Remove => "ABOUT",
        }
    }

    /// The panels of the settings table that it lists.
    const fn panels(self) -> &'static [Panel] {
        match self {
            Self::AccountList => &[Panel::AccountList],
            Self::DetailsLine => &[Panel::DetailsLine],
            Self::Behaviour => &[Panel::Behaviour],
            Self::Theme => &[Panel::Theme],
            Self::Session => &[Panel::Session, Panel::Experimental],
            Self::Rotation => &[Panel::Rotation],
            Self::Refresh => &[Panel::Refresh],
            Self::Performance => &[Panel::Performance, Panel::Host],
            Self::Keys
            | Self::Profiles
            | Self::Backups
            | Self::Paths
            | Self::Environment
            | Self::About
            | Self::Remove => &[],
        }
    }

    /// Whether a setting is listed here.
    pub fn holds(self, row: &Row) -> bool {
        self.panels().contains(&row.panel)
    }

    /// Whether it lists settings.
    pub fn is_sheet(self) -> bool {
        !self.panels().is_empty()
    }

    /// Whether a change of it can be seen in the preview of the list.
    pub const fn has_preview(self) -> bool {
        matches!(self, Self::AccountList | Self::DetailsLine | Self::Theme)
    }

    /// Its settings, without those that are folded away.
    pub fn settings(self) -> impl Iterator<Item = &'static Row> {
        rows().filter(move |row| self.holds(row) && !is_folded(row))
    }

    /// Its rows.
    pub fn lines(self, world: &World, fold: Fold) -> Vec<Line> {
        match self {
            Self::Keys => keys(),
            Self::Paths => (0..world.stock.len()).map(Line::Place).collect(),
            Self::Environment => variables(world),
            Self::Profiles => (0..world.governance.rules.profiles.len()).map(Line::Profile).collect(),
            Self::Backups | Self::About | Self::Remove => Vec::new(),
            Self::AccountList
            | Self::DetailsLine
            | Self::Behaviour
            | Self::Theme
            | Self::Session
            | Self::Rotation
            | Self::Refresh
            | Self::Performance => self.sheet(fold),
        }
    }

    /// Its settings as rows.
    pub(super) fn sheet(self, fold: Fold) -> Vec<Line> {
        let mut lines: Vec<Line> = Vec::new();
        for row in self.settings() {
            lines.push(Line::Setting(row));
            if let Kind::List(words) = row.kind {
                lines.extend((0..words.len()).map(|at| Line::Part(row, at)));
            }
        }
        let folded: Vec<&'static Row> = rows().filter(|row| self.holds(row) && is_folded(row)).collect();
        if !folded.is_empty() {
            lines.push(Line::Fold(folded.len()));
        }
        if fold == Fold::Open {
            lines.extend(folded.into_iter().map(Line::Setting));
        }
        lines
    }

    /// The list of groups.
    pub fn list() -> Vec<GroupLine> {
        let mut lines = Vec::new();
        let mut heading = "";
        for page in Self::ALL {
            if page.heading() != heading {
                if !heading.is_empty() {
                    lines.push(GroupLine::Blank);
                }
                heading = page.heading();
                lines.push(GroupLine::Heading(heading));
            }
            lines.push(GroupLine::Page(page));
        }
        lines
    }
}

/// Whether a setting is kept for somebody else and listed only on demand.
pub fn is_folded(row: &Row) -> bool {
    row.verdict == Verdict::Kept || row.panel == Panel::Host || row.key == "menuShowDetailsForUnselectedRows"
}

/// One row at the right.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Line {
    /// The name of a group, among what was found.
    Title(Page),
    /// A setting.
    Setting(&'static Row),
    /// One word of a list; its place in the order shown.
    Part(&'static Row, usize),
    /// So many settings are kept for somebody else.
    Fold(usize),
    /// Keys of one place.
    Scope(Scope),
    /// A key.
    Bind(&'static Bind),
    /// The profile of a project, by its place among them.
    Profile(usize),
    /// A file or folder, by its place in the inventory.
    Place(usize),
    /// A variable that holds a setting fast.
    Variable(&'static Row, &'static str),
}

impl Line {
    /// Whether the cursor stops here.
    pub const fn is_reachable(self) -> bool {
        !matches!(self, Self::Title(_) | Self::Scope(_))
    }

    /// Its setting.
    pub const fn row(self) -> Option<&'static Row> {
        match self {
            Self::Setting(row) | Self::Part(row, _) | Self::Variable(row, _) => Some(row),
            Self::Title(_)
            | Self::Fold(_)
            | Self::Scope(_)
            | Self::Bind(_)
            | Self::Place(_)
            | Self::Profile(_) => None,
        }
    }
}

fn keys() -> Vec<Line> {
    let mut lines = Vec::new();
    for scope in Scope::ALL {
        let here: Vec<Line> = binds()
            .filter(|bind| bind.scope == scope && bind.group != Heading::Hidden)
            .map(Line::Bind)
            .collect();
        if !here.is_empty() {
            lines.push(Line::Scope(scope));
            lines.extend(here);
        }
    }
    lines
}

fn variables(world: &World) -> Vec<Line> {
    world.config.entries.iter().filter_map(|entry| Some(Line::Variable(entry.row, entry.locked?))).collect()
}

/// The settings of all groups whose key, name or help holds this.
pub fn found(needle: &str) -> Vec<Line> {
    let needle = needle.to_lowercase();
    let mut lines = Vec::new();
    for page in Page::ALL.into_iter().filter(|page| page.is_sheet()) {
        let hits: Vec<Line> =
            rows().filter(|row| page.holds(row) && matches(row, &needle)).map(Line::Setting).collect();
        if !hits.is_empty() {
            lines.push(Line::Title(page));
            lines.extend(hits);
        }
    }
    lines
}

fn matches(row: &Row, needle: &str) -> bool {
    needle.split_whitespace().all(|word| {
        row.key.to_lowercase().contains(word)
            || row.title.to_lowercase().contains(word)
            || row.help.to_lowercase().contains(word)
            || row.env.iter().any(|name| name.to_lowercase().contains(word))
    })
}
