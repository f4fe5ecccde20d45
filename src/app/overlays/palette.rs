//! Every command that works here, found by typing any of its letters in order.
//!
//! The list comes from the key table and the pool; a command that does nothing in this place is not in it.

use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};

use crate::app::action::Action;
use crate::app::field::Field;
use crate::app::goal::Tab;
use crate::app::keys::{Bind, Group, Scope, Table, binds};
use crate::app::world::World;
use crate::base::text::clean;
use crate::domain::account::{AccountKey, Switch};
use crate::domain::label;
use crate::domain::settings::schema;

/// Rows offered at most: more cannot be told apart.
const MOST: usize = 200;

/// What a row does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Run {
    /// An action of the screen below.
    Act(Action),
    /// Uses and pins an account.
    Use(AccountKey),
    /// Checks an account's limits.
    Check(AccountKey),
    /// Switches an account on or off.
    Turn(AccountKey, Switch),
    /// Opens an account.
    Open(AccountKey),
    /// Asks whether to delete an account.
    Delete(AccountKey),
    /// Goes to a setting.
    Setting(&'static str),
}

/// One row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// In words.
    pub title: String,
    /// The command that does the same, without the program's name; empty when there is none.
    pub command: String,
    /// The key that does the same.
    pub key: String,
    /// What it does.
    pub run: Run,
}

/// The open palette.
#[derive(Debug, Clone, PartialEq)]
pub struct Palette {
    /// What is typed.
    pub field: Field,
    /// Cursor.
    pub place: usize,
    /// First row shown.
    pub offset: usize,
    /// Rows that match, best first.
    pub rows: Vec<Row>,
    /// All there are.
    pub total: usize,
    scopes: Vec<Scope>,
    keys: Table,
}

impl Palette {
    /// The palette over a screen with these scopes.
    pub fn over(scopes: Vec<Scope>, keys: Table, world: &World) -> Self {
        let field = Field::default();
        let mut palette = Self { field, place: 0, offset: 0, rows: Vec::new(), total: 0, scopes, keys };
        palette.search(world);
        palette
    }

    /// Finds what matches the text.
    pub fn search(&mut self, world: &World) {
        let rows = rows(&self.keys, &self.scopes, world);
        self.total = rows.len();
        self.rows = if self.field.text().trim().is_empty() { rows } else { best(rows, self.field.text()) };
        self.rows.truncate(MOST);
        self.place = 0;
        self.offset = 0;
    }

    /// The row under the cursor.
    pub fn chosen(&self) -> Option<&Row> {
        self.rows.get(self.place)
    }
}

/// Rows of the palette on a screen of this height.
pub fn room(height: u16) -> usize {
    usize::from(height.saturating_sub(12).clamp(3, 12))
}

fn best(rows: Vec<Row>, text: &str) -> Vec<Row> {
    let mut matcher = Matcher::new(Config::DEFAULT);
    let pattern = Pattern::parse(text, CaseMatching::Ignore, Normalization::Smart);
    let mut buffer = Vec::new();
    let mut scored: Vec<(u32, Row)> = rows
        .into_iter()
        .filter_map(|row| Some((pattern.score(Utf32Str::new(&row.title, &mut buffer), &mut matcher)?, row)))
        .collect();
    scored.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
    scored.into_iter().map(|(_, row)| row).collect()
}

fn rows(keys: &Table, scopes: &[Scope], world: &World) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    let mut here: Vec<&Bind> = binds().filter(|bind| scopes.contains(&bind.scope)).collect();
    here.sort_by_key(|bind| weight(bind.group));
    for bind in here {
        let here = title_here(bind.action, scopes).map(str::to_owned);
        let Some(title) = here.or_else(|| title(bind.action)) else { continue };
        let Some(key) = keys.shown(scopes, bind.action) else { continue };
        if rows.iter().all(|row| row.run != Run::Act(bind.action)) {
            let command = command(bind.action).to_owned();
            rows.push(Row { title, command, key: key.name(), run: Run::Act(bind.action) });
        }
    }
    if scopes.contains(&Scope::Accounts) || scopes.contains(&Scope::Detail) {
        rows.extend(world.roster.accounts.iter().enumerate().flat_map(|(index, account)| {
            let name = clean(&label::name(account, index + 1)).into_owned();
            let key = &account.key;
            let (turn, to) =
                if account.is_on() { ("Switch off", Switch::Off) } else { ("Switch on", Switch::On) };
            [
                row(format!("Use {name}"), format!("switch {}", argument(&name)), Run::Use(key.clone())),
                row(format!("Open {name}"), String::new(), Run::Open(key.clone())),
                row(format!("Check {name}"), String::new(), Run::Check(key.clone())),
                row(format!("{turn} {name}"), String::new(), Run::Turn(key.clone(), to)),
                row(
                    format!("Delete {name} …"),
                    format!("account remove {}", argument(&name)),
                    Run::Delete(key.clone()),
                ),
            ]
        }));
    }
    rows.extend(schema::rows().map(|setting| {
        let command = format!("config set {}", setting.key);
        row(format!("Settings: {}", setting.title), command, Run::Setting(setting.key))
    }));
    rows
}

/// What concerns the focus comes first.
fn weight(group: Group) -> u8 {
    match group {
        Group::Account | Group::Monitor | Group::Settings | Group::Logs => 0,
        Group::Pool => 1,
        Group::Find => 2,
        Group::View => 3,
        Group::Move => 4,
        Group::Always | Group::Hidden => 5,
    }
}

fn row(title: String, command: String, run: Run) -> Row {
    Row { title, command, key: String::new(), run }
}

/// A name as one argument of a shell.
pub fn argument(name: &str) -> String {
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || "@.-_+:".contains(c));
    if plain && !name.is_empty() { name.to_owned() } else { format!("'{}'", name.replace('\'', "'\\''")) }
}

/// What an action is called where a pane gives it a meaning of its own.
fn title_here(action: Action, scopes: &[Scope]) -> Option<&'static str> {
    let titles = [
        (Scope::LogLines, Action::Sessions, "Kept sessions of the official CLI"),
        (Scope::LogSessions, Action::Sessions, "Lines of the log"),
        (Scope::Budgets, Action::Delete, "Delete the focused budget …"),
        (Scope::Bridge, Action::Delete, "Revoke the focused key …"),
        (Scope::Profiles, Action::Delete, "Delete the focused profile …"),
        (Scope::Bridge, Action::Toggle, "Start or stop the bridge"),
        (Scope::Budgets, Action::Create, "New budget …"),
        (Scope::Bridge, Action::Create, "New key for a client of the bridge …"),
        (Scope::Profiles, Action::Create, "New routing profile …"),
        (Scope::LogLines, Action::Export, "Report for a bug, masked …"),
        (Scope::Usage, Action::Export, "Export the table of usage to a file …"),
        (Scope::Budgets, Action::Edit, "Edit the focused budget …"),
        (Scope::Bridge, Action::Rotate, "Rotate the focused key …"),
        (Scope::Bridge, Action::Snippets, "Snippets: how each tool is pointed at the bridge"),
        (Scope::Backups, Action::Delete, "Delete the focused backup …"),
    ];
    titles
        .into_iter()
        .find(|(scope, other, _)| *other == action && scopes.contains(scope))
        .map(|(_, _, words)| words)
}

/// What can be done with a session.
fn of_session(action: Action) -> Option<String> {
    let titles = [
        (Action::PinSession, "Pin the session to its account, or let it go"),
        (Action::MoveSession, "Move the session at its next turn"),
        (Action::DrainSession, "Drain the account of the session …"),
    ];
    titles.into_iter().find(|(other, _)| *other == action).map(|(_, words)| words.to_owned())
}

/// Rows of the key table that make sense as a command: moving about and digits do not.
fn title(action: Action) -> Option<String> {
    let words = match action {
        Action::Go(tab) => return Some(format!("Go to {}", tab.title())),
        Action::Use => "Use the focused account, pin it",
        Action::UsePlain => "Use the focused account without a pin",
        Action::Pin => "Pin or unpin the focused account",
        Action::Power => "Switch the focused account on or off",
        Action::Check => "Check the limits of the focused account",
        Action::SignInAgain => "Sign in to the focused account again",
        Action::RefreshAll => "Refresh the tokens of all accounts …",
        Action::Tags => "Tags of the focused account …",
        Action::Note => "Note on the focused account …",
        Action::Wants => "Weight, pause, drain and name of the focused account …",
        Action::Workspaces => "Workspaces of the focused account",
        Action::Best => "Use the recommended account",
        Action::CheckAll => "Check the limits of all accounts",
        Action::Why => "Why the focused account stands where it stands",
        Action::WhyAll => "Explain all: the reasons of every account",
        Action::ProbeAll => "Model probe of all accounts, spends quota …",
        Action::ForModel => "Look ahead for a model …",
        Action::WhichDecision => "Explain the next or the last decision",
        Action::RuntimeOverlay => "Runtime overlay: a running proxy's answer, or the files only",
        Action::Copy => "Copy what is focused",
        Action::Open => "Open what is focused",
        Action::Undo => "Undo the last change",
        Action::Filter => "Filter the list",
        Action::Help => "Help: the keys of this screen",
        Action::Messages => "Message history",
        Action::Clock => "Show countdowns or clock times",
        Action::Mask => "Show or mask e-mails",
        Action::Narrow => "Narrow pane",
        Action::Redraw => "Redraw the screen",
        Action::Suspend => "Suspend the program",
        Action::Mouse => "Mouse capture on or off",
        Action::Sort => "Sort: ready first or stored order",
        Action::Follow => "Follow the newest",
        Action::Sessions => "Sessions or turns",
        Action::PinSession | Action::MoveSession | Action::DrainSession => return of_session(action),
        Action::Layout => "Layout: details of the chosen row or of every row",
        Action::Delete => "Delete the focused account …",
        Action::DeleteAll => "Delete all accounts …",
        Action::Restore => "Restore a backup …",
        Action::Apply => "Sync accounts to the companion tool …",
        Action::Toggle => "Switch the focused setting, or take its next word",
        Action::Save => "Save the changed settings",
        Action::Reset => "Reset the focused setting",
        Action::ResetPanel => "Reset every setting of the group",
        Action::Differences => "Show what is changed",
        Action::Create => "New backup …",
        Action::Verify => "Verify the focused backup",
        Action::Import => "Import accounts from a file …",
        Action::Export => "Export all accounts to a file …",
        Action::AddAccount => "Add an account",
        Action::Budgets => "Budgets, or the table of usage",
        Action::Bridge => "The bridge and the keys of its clients",
        Action::Unrest => "Clear all cooldowns …",
        Action::Rotation => "Rotation on or off …",
        Action::Bind => "Bind or unbind the desktop app …",
        Action::TryAgain => "Try flagged accounts again",
        Action::Level => "Log: the next level",
        Action::Part => "Log: the next part",
        Action::NextHit => "Log: the next hit",
        Action::PreviousHit => "Log: the hit before",
        Action::Diagnose => "Diagnose everything",
        Action::Mend => "Safe repairs: the plan, then the question …",
        Action::Resume => "Resume the focused session …",
        Action::Regroup => "Group usage by the next thing",
        Action::Widen => "Look over the next window of time",
        Action::Models => "Models by account",
        Action::Leave => "Quit",
        Action::Up
        | Action::Down
        | Action::PageUp
        | Action::PageDown
        | Action::First
        | Action::Last
        | Action::Previous
        | Action::Next
        | Action::NextTab
        | Action::PreviousTab
        | Action::Back
        | Action::Interrupt
        | Action::Palette
        | Action::UseRow(_)
        | Action::Less
        | Action::Edit
        | Action::Rotate
        | Action::Snippets
        | Action::More
        | Action::OpenPage
        | Action::PasteCallback
        | Action::CopyLink
        | Action::Workspace
        | Action::Rename
        | Action::ByDevice
        | Action::ByBrowser
        | Action::Yes
        | Action::No => return None,
    };
    Some(words.to_owned())
}

/// The command that does the same; empty where moving about has none, or where it needs the focused thing's name.
pub fn command(action: Action) -> &'static str {
    if let Action::Go(tab) = action {
        return match tab {
            Tab::Accounts => "status",
            Tab::Forecast => "forecast",
            Tab::Usage => "usage",
            Tab::Monitor => "monitor",
            Tab::Settings => "config explain",
            Tab::Experimental => "sync preview",
            Tab::Logs => "doctor",
        };
    }
    let commands = [
        (Action::Narrow, "monitor --pane"),
        (Action::Models, "models"),
        (Action::AddAccount, "login"),
        (Action::Best, "best --apply"),
        (Action::CheckAll, "check"),
        (Action::RefreshAll, "check --refresh"),
        (Action::Diagnose, "doctor"),
        (Action::Budgets, "budget list"),
        (Action::Bridge, "bridge status"),
        (Action::Rotate, "bridge token rotate"),
        (Action::Snippets, "integrations"),
        (Action::Unrest, "rotation reset-rate-limits"),
        (Action::Rotation, "rotation status"),
        (Action::Bind, "rotation bind-app"),
        (Action::TryAgain, "verify-flagged"),
        (Action::Mend, "doctor --fix"),
        (Action::Resume, "history resume"),
    ];
    commands.iter().find(|(other, _)| *other == action).map_or("", |(_, command)| command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_argument_of_a_shell() {
        assert_eq!(argument("alpha@example.com"), "alpha@example.com");
        assert_eq!(argument("home laptop"), "'home laptop'");
        assert_eq!(argument("it's"), "'it'\\''s'");
    }
}
