//! The one table of keys: scope → keys → action → label. Dispatch, help, hints and palette read it, so none
//! of them can name a key that does nothing.
//!
//! Within a scope a key has one meaning. Scopes are asked innermost first; what the inner one does not bind
//! falls through to the outer, except in a dialog or a text field, which take every letter.

mod custom;
pub mod hints;
mod table;
mod wishes;

use crate::app::action::Action;
use crate::app::input::{Code, Held, Key};

pub use custom::Table;
pub use table::binds;

/// Where a key is pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Everywhere but in dialogs and text fields.
    Everywhere,
    /// The full dashboard: where there are tabs.
    Tabs,
    /// A list or a text that can be moved in.
    Moving,
    /// Accounts, list.
    Accounts,
    /// Accounts, a filter that nothing matches.
    NothingFound,
    /// Accounts, one account.
    Detail,
    /// Forecast, while the recommended account is offered.
    Offer,
    /// Forecast.
    Forecast,
    /// Usage.
    Usage,
    /// Usage, budgets.
    Budgets,
    /// Monitor, the bridge.
    Bridge,
    /// Monitor, nothing to list.
    NoRows,
    /// Monitor, turns.
    Turns,
    /// Monitor, sessions.
    Sessions,
    /// Settings, the list of panels.
    Panels,
    /// Settings, rows that can be changed.
    Sheet,
    /// Settings, rows to read.
    Reading,
    /// Settings, a value that is typed.
    Value,
    /// Settings, backups.
    Backups,
    /// Settings, routing profiles.
    Profiles,
    /// Staged features.
    Experimental,
    /// Logs, lines.
    LogLines,
    /// Logs, kept sessions.
    LogSessions,
    /// Narrow pane.
    Pane,
    /// No account yet, or a pool that cannot be read.
    Bare,
    /// The first start.
    Welcome,
    /// Sign-ins found on this computer.
    Found,
    /// The acknowledgement.
    Terms,
    /// Adding an account: the menu of ways.
    WizardMenu,
    /// Adding an account: a yes or no.
    WizardQuestion,
    /// Adding an account: while it is waited for.
    Wizard,
    /// Adding an account: it is in the pool.
    WizardDone,
    /// Adding an account: it is in the pool, and the settings allow no more.
    WizardLast,
    /// A question.
    Confirm,
    /// A question that is answered by typing a word.
    Typed,
    /// Settings, changed values.
    Differences,
    /// What is wanted of an account.
    Wants,
    /// The workspaces of an account.
    Seats,
    /// Why accounts stand where they stand.
    Reasons,
    /// What a command said.
    Told,
    /// Choosing the model to look ahead for.
    ForModel,
    /// Help.
    Help,
    /// Command palette.
    Palette,
    /// Message history.
    Messages,
    /// One turn.
    Turn,
    /// A text field.
    Field,
}

/// Headings of the help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// Moving about.
    Move,
    /// Finding.
    Find,
    /// What is shown and how.
    View,
    /// One account.
    Account,
    /// The whole pool.
    Pool,
    /// Turns and sessions.
    Monitor,
    /// Settings and backups.
    Settings,
    /// Logs, health and kept sessions.
    Logs,
    /// Whatever is open.
    Always,
    /// Known from every dialog; not listed.
    Hidden,
}

impl Group {
    /// Its heading.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Move => "MOVE",
            Self::Find => "FIND",
            Self::View => "VIEW",
            Self::Account => "ACCOUNT",
            Self::Pool => "POOL",
            Self::Monitor => "MONITOR",
            Self::Settings => "SETTINGS",
            Self::Logs => "LOGS",
            Self::Always => "ALWAYS",
            Self::Hidden => "",
        }
    }
}

/// One key, or two in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Chord {
    /// One key.
    One(Key),
    /// A leader and a key.
    Two(Key, Key),
}

impl Chord {
    /// As help and hints write it.
    pub fn name(self) -> String {
        match self {
            Self::One(key) => key_name(key),
            Self::Two(leader, key) => format!("{}{}", key_name(leader), key_name(key)),
        }
    }
}

fn key_name(key: Key) -> String {
    let code = match key.code {
        Code::Char(' ') => "space".to_owned(),
        Code::Char(character) => character.to_string(),
        Code::Enter => "⏎".to_owned(),
        Code::Esc => "esc".to_owned(),
        Code::Tab => "tab".to_owned(),
        Code::BackTab => "shift-tab".to_owned(),
        Code::Backspace => "backspace".to_owned(),
        Code::Delete => "del".to_owned(),
        Code::Up => "↑".to_owned(),
        Code::Down => "↓".to_owned(),
        Code::Left => "←".to_owned(),
        Code::Right => "→".to_owned(),
        Code::PageUp => "PgUp".to_owned(),
        Code::PageDown => "PgDn".to_owned(),
        Code::Home => "Home".to_owned(),
        Code::End => "End".to_owned(),
        Code::F(number) => format!("F{number}"),
    };
    match key.held {
        Held::None => code,
        Held::Ctrl => format!("ctrl-{code}"),
        Held::Alt => format!("alt-{code}"),
    }
}

/// One row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bind {
    /// Where it holds.
    pub scope: Scope,
    /// Keys, the one shown in hints first.
    pub keys: &'static [Chord],
    /// What it does.
    pub action: Action,
    /// In a few words, imperative.
    pub label: &'static str,
    /// Under which heading of the help.
    pub group: Group,
}

/// What a key means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// That.
    Act(Action),
    /// The first of two.
    Leader,
    /// Nothing here.
    Nothing,
}

/// What `key` means in `scopes` by the table alone, innermost first, after a `leader` pressed before.
pub fn find(scopes: &[Scope], leader: Option<Key>, key: Key) -> Found {
    Table::default().find(scopes, leader, key)
}

/// One line of the help: keys and what they do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Heading.
    pub group: Group,
    /// Keys as written.
    pub keys: String,
    /// What they do.
    pub label: &'static str,
}

/// The help of the active scopes: rows of one label are written as one line.
pub fn help(table: &Table, scopes: &[Scope]) -> Vec<Entry> {
    let mut families: Vec<(Group, &'static str, Vec<&[Chord]>)> = Vec::new();
    for (bind, chords) in table.rows().filter(|(bind, _)| bind.group != Group::Hidden) {
        if !reaches(table, scopes, bind, chords) {
            continue;
        }
        match families.iter_mut().find(|(group, label, _)| *group == bind.group && *label == bind.label) {
            Some((_, _, keys)) => keys.push(chords),
            None => families.push((bind.group, bind.label, vec![chords])),
        }
    }
    families.sort_by_key(|(group, _, _)| *group);
    families.into_iter().map(|(group, label, keys)| Entry { group, keys: written(&keys), label }).collect()
}

impl Scope {
    /// All scopes in the order of the documentation.
    pub const ALL: [Self; 46] = [
        Self::Everywhere,
        Self::Tabs,
        Self::Moving,
        Self::Accounts,
        Self::NothingFound,
        Self::Detail,
        Self::Offer,
        Self::Forecast,
        Self::Usage,
        Self::Budgets,
        Self::Bridge,
        Self::NoRows,
        Self::Turns,
        Self::Sessions,
        Self::Panels,
        Self::Sheet,
        Self::Reading,
        Self::Value,
        Self::Backups,
        Self::Profiles,
        Self::Experimental,
        Self::LogLines,
        Self::LogSessions,
        Self::Pane,
        Self::Bare,
        Self::Welcome,
        Self::Found,
        Self::Terms,
        Self::WizardMenu,
        Self::WizardQuestion,
        Self::Wizard,
        Self::WizardDone,
        Self::WizardLast,
        Self::Confirm,
        Self::Typed,
        Self::Differences,
        Self::Wants,
        Self::Seats,
        Self::Reasons,
        Self::Told,
        Self::ForModel,
        Self::Help,
        Self::Palette,
        Self::Messages,
        Self::Turn,
        Self::Field,
    ];

    /// Its heading in the documentation.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Everywhere => "Everywhere but in dialogs and text fields",
            Self::Tabs => "Where there are tabs",
            Self::Moving => "In lists",
            Self::Accounts => "Accounts, the list",
            Self::NothingFound => "Accounts, when the filter matches nothing",
            Self::Detail => "Accounts, one account",
            Self::Offer => "Forecast, while the recommended account is offered",
            Self::Forecast => "Forecast",
            Self::Usage => "Usage",
            Self::Budgets => "Usage, budgets",
            Self::Bridge => "Monitor, the bridge",
            Self::NoRows => "Monitor, when there is nothing to list",
            Self::Turns => "Monitor, turns",
            Self::Sessions => "Monitor, sessions",
            Self::Panels => "Settings, the list of panels",
            Self::Sheet => "Settings, rows that can be changed",
            Self::Reading => "Settings, rows to read",
            Self::Value => "Settings, a value that is typed",
            Self::Backups => "Settings, backups",
            Self::Profiles => "Settings, routing profiles",
            Self::Experimental => "Experimental",
            Self::LogLines => "Logs, lines",
            Self::LogSessions => "Logs, kept sessions",
            Self::Pane => "Narrow pane",
            Self::Bare => "No account yet, or a pool that cannot be read",
            Self::Welcome => "First start",
            Self::Found => "Sign-ins found on this computer",
            Self::Terms => "First start, the acknowledgement",
            Self::WizardMenu => "Adding an account, choosing how",
            Self::WizardQuestion => "Adding an account, a question",
            Self::Wizard => "Adding an account, while it is waited for",
            Self::WizardDone => "Adding an account, when it is in the pool",
            Self::WizardLast => "Adding an account, when it is in the pool and the last one allowed",
            Self::Confirm => "A question",
            Self::Typed => "A question answered by typing",
            Self::Differences => "Changed settings, before and after",
            Self::Wants => "What is wanted of an account",
            Self::Seats => "Workspaces of an account",
            Self::Reasons => "Why accounts stand where they stand",
            Self::Told => "What a command said",
            Self::ForModel => "Choosing the model to look ahead for",
            Self::Help => "Help",
            Self::Palette => "Command palette",
            Self::Messages => "Message history",
            Self::Turn => "One turn",
            Self::Field => "A text field",
        }
    }
}

/// The page of the documentation that lists every key.
pub fn page() -> String {
    let mut page = String::from(
        "# Keys\n\nGenerated from the key table (`src/app/keys/table.rs`); a test keeps it current. The inner scope wins:\na dialog and a text field take every letter first. The last column is the name of the action in `keys.toml`\n([own keys](../screens.md#own-keys-and-themes)).\n",
    );
    for scope in Scope::ALL {
        let rows: Vec<&Bind> = binds().filter(|bind| bind.scope == scope).collect();
        if rows.is_empty() {
            continue;
        }
        page.extend(["\n## ", scope.title(), "\n\n| Keys | What they do | Name |\n| --- | --- | --- |\n"]);
        for bind in rows {
            let keys: Vec<String> = bind.keys.iter().map(|chord| format!("`{}`", chord.name())).collect();
            page.extend(["| ", &keys.join(", "), " | ", bind.label, " | `", &bind.action.id(), "` |\n"]);
        }
    }
    page
}

fn reaches(table: &Table, scopes: &[Scope], bind: &Bind, keys: &[Chord]) -> bool {
    scopes.contains(&bind.scope)
        && keys.iter().any(|chord| match chord {
            Chord::One(key) => table.find(scopes, None, *key) == Found::Act(bind.action),
            Chord::Two(leader, key) => table.find(scopes, Some(*leader), *key) == Found::Act(bind.action),
        })
}

/// Cells of the keys in a line of the help; a second way to press is left out where it does not fit.
pub const KEYS: usize = 14;

/// `↑ ↓  j k` for two rows of two keys; `1 … 9` for more rows than anybody reads.
fn written(rows: &[&[Chord]]) -> String {
    if let [first, .., last] = rows
        && rows.len() > 3
    {
        let end = |keys: &[Chord]| keys.first().map(|chord| chord.name()).unwrap_or_default();
        return format!("{} … {}", end(first), end(last));
    }
    let longest = rows.iter().map(|keys| keys.len()).max().unwrap_or(0);
    let column = |at: usize| {
        let names: Vec<String> =
            rows.iter().filter_map(|keys| keys.get(at)).map(|chord| chord.name()).collect();
        names.join(" ")
    };
    let both = (0..longest.min(2)).map(column).collect::<Vec<_>>().join("  ");
    if crate::base::text::width(&both) < KEYS { both } else { column(0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_has_two_meanings_in_one_scope() {
        for (at, bind) in binds().enumerate() {
            for other in binds().skip(at + 1).filter(|other| other.scope == bind.scope) {
                for chord in bind.keys {
                    assert!(
                        !other.keys.contains(chord),
                        "{:?}: {} is {} and {}",
                        bind.scope,
                        chord.name(),
                        bind.label,
                        other.label
                    );
                    let Chord::Two(leader, _) = *chord else { continue };
                    assert!(
                        !other.keys.contains(&Chord::One(leader)),
                        "{:?}: {} leads and acts",
                        bind.scope,
                        chord.name()
                    );
                }
            }
        }
    }

    #[test]
    fn an_inner_scope_wins_and_the_rest_falls_through() {
        let scopes = [Scope::Turns, Scope::Moving, Scope::Tabs, Scope::Everywhere];

        assert_eq!(find(&scopes, None, Key::char('s')), Found::Act(Action::Sessions));
        assert_eq!(find(&scopes, None, Key::char('j')), Found::Act(Action::Down));
        assert_eq!(find(&scopes, None, Key::char('?')), Found::Act(Action::Help));
        assert_eq!(find(&scopes, None, Key::char('g')), Found::Leader);
        assert_eq!(find(&scopes, Some(Key::char('g')), Key::char('g')), Found::Act(Action::First));
        assert_eq!(find(&scopes, Some(Key::char('g')), Key::char('x')), Found::Nothing);
    }

    #[test]
    fn help_writes_rows_of_one_label_on_one_line() {
        let table = Table::default();
        let help = help(&table, &[Scope::Accounts, Scope::Moving, Scope::Tabs, Scope::Everywhere]);
        let keys = |label| help.iter().find(|entry| entry.label == label).map(|entry| entry.keys.as_str());

        assert_eq!(keys("one row"), Some("↑ ↓  k j"));
        assert_eq!(keys("use that account, pin it"), Some("1 … 9"));
        assert_eq!(keys("first, last"), Some("gg G"));
    }
}
