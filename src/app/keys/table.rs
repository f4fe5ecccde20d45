//! The rows. Order within a group is the order of the help.

use super::{Bind, Chord, Group, Scope};
use crate::app::action::Action;
use crate::app::goal::Tab;
use crate::app::input::{Code, Held, Key};

const fn c(character: char) -> Chord {
    Chord::One(Key::char(character))
}

const fn k(code: Code) -> Chord {
    Chord::One(Key::plain(code))
}

const fn ctrl(character: char) -> Chord {
    Chord::One(Key::ctrl(character))
}

const fn alt(character: char) -> Chord {
    Chord::One(Key::alt(character))
}

const fn g(character: char) -> Chord {
    Chord::Two(Key::char('g'), Key::char(character))
}

const fn twice(character: char) -> Chord {
    Chord::Two(Key::char(character), Key::char(character))
}

const fn row(
    scope: Scope,
    group: Group,
    keys: &'static [Chord],
    action: Action,
    label: &'static str,
) -> Bind {
    Bind { scope, keys, action, label, group }
}

/// The digit rows of a scope.
macro_rules! digits {
    ($scope:expr, $group:expr) => {
        [
            row($scope, $group, &[c('1')], Action::UseRow(1), USE_ROW),
            row($scope, $group, &[c('2')], Action::UseRow(2), USE_ROW),
            row($scope, $group, &[c('3')], Action::UseRow(3), USE_ROW),
            row($scope, $group, &[c('4')], Action::UseRow(4), USE_ROW),
            row($scope, $group, &[c('5')], Action::UseRow(5), USE_ROW),
            row($scope, $group, &[c('6')], Action::UseRow(6), USE_ROW),
            row($scope, $group, &[c('7')], Action::UseRow(7), USE_ROW),
            row($scope, $group, &[c('8')], Action::UseRow(8), USE_ROW),
            row($scope, $group, &[c('9')], Action::UseRow(9), USE_ROW),
        ]
    };
}

const USE_ROW: &str = "use that account, pin it";

/// Ctrl with a key that is not a character.
const CTRL_C: Chord = Chord::One(Key { code: Code::Char('c'), held: Held::Ctrl });

const PLAIN: &[Bind] = {
    use Group as G;
    use Scope as S;
    &[
        // Moving
        row(S::Moving, G::Move, &[k(Code::Up), c('k')], Action::Up, "one row"),
        row(S::Moving, G::Move, &[k(Code::Down), c('j')], Action::Down, "one row"),
        row(S::Moving, G::Move, &[g('g'), k(Code::Home)], Action::First, "first, last"),
        row(S::Moving, G::Move, &[c('G'), k(Code::End)], Action::Last, "first, last"),
        row(S::Moving, G::Move, &[k(Code::PageUp), ctrl('u')], Action::PageUp, "one page"),
        row(S::Moving, G::Move, &[k(Code::PageDown), ctrl('d')], Action::PageDown, "one page"),
        row(S::Tabs, G::Move, &[k(Code::Tab), k(Code::Right)], Action::NextTab, "next, last tab"),
        row(S::Tabs, G::Move, &[k(Code::BackTab), k(Code::Left)], Action::PreviousTab, "next, last tab"),
        row(S::Tabs, G::Move, &[g('a'), alt('1')], Action::Go(Tab::Accounts), "that tab"),
        row(S::Tabs, G::Move, &[g('f'), alt('2')], Action::Go(Tab::Forecast), "that tab"),
        row(S::Tabs, G::Move, &[g('u'), alt('3')], Action::Go(Tab::Usage), "that tab"),
        row(S::Tabs, G::Move, &[g('m'), alt('4')], Action::Go(Tab::Monitor), "that tab"),
        row(S::Tabs, G::Move, &[g('s'), alt('5')], Action::Go(Tab::Settings), "that tab"),
        row(S::Tabs, G::Move, &[g('e'), alt('6')], Action::Go(Tab::Experimental), "that tab"),
        row(S::Tabs, G::Move, &[g('l'), alt('7')], Action::Go(Tab::Logs), "that tab"),
        row(S::Everywhere, G::Move, &[k(Code::Esc)], Action::Back, "back"),
        // Finding
        row(S::Accounts, G::Find, &[c('/')], Action::Filter, "filter as you type"),
        row(S::NothingFound, G::Find, &[c('/')], Action::Filter, "filter as you type"),
        row(S::NoRows, G::Find, &[c('/')], Action::Filter, "filter as you type"),
        row(S::NoRows, G::Monitor, &[c('s')], Action::Sessions, "turns, sessions"),
        row(S::Turns, G::Find, &[c('/')], Action::Filter, "filter as you type"),
        row(S::Sessions, G::Find, &[c('/')], Action::Filter, "filter as you type"),
        row(S::Tabs, G::Find, &[c(':'), ctrl('p')], Action::Palette, "every command"),
        row(S::Tabs, G::Find, &[c('M')], Action::Messages, "message history"),
        // What is shown
        row(S::Accounts, G::View, &[c('o')], Action::Sort, "sort"),
        row(S::Everywhere, G::View, &[c('h')], Action::Clock, "countdown or clock"),
        row(S::Everywhere, G::View, &[c('*')], Action::Mask, "show or mask e-mails"),
        row(S::Everywhere, G::View, &[c('z')], Action::Narrow, "narrow pane, and back"),
        row(S::Everywhere, G::View, &[ctrl('l')], Action::Redraw, "redraw"),
        row(S::Everywhere, G::View, &[ctrl('o')], Action::Mouse, "mouse capture"),
        // One account
        row(S::Accounts, G::Account, &[k(Code::Enter)], Action::Open, "open details"),
        row(S::Accounts, G::Account, &[c('s')], Action::Use, "use and pin"),
        row(S::Accounts, G::Account, &[c('S')], Action::UsePlain, "use without a pin"),
        row(S::Accounts, G::Account, &[c('p')], Action::Pin, "pin, unpin"),
        row(S::Accounts, G::Account, &[c('e')], Action::Power, "switch on, off"),
        row(S::Accounts, G::Account, &[c('c')], Action::Check, "check limits now"),
        row(S::Accounts, G::Account, &[c('r')], Action::SignInAgain, "sign in again"),
        row(S::Accounts, G::Account, &[c('w')], Action::Workspaces, "workspaces"),
        row(S::Accounts, G::Account, &[c('t')], Action::Tags, "tags"),
        row(S::Accounts, G::Account, &[c('n')], Action::Note, "note"),
        row(S::Accounts, G::Account, &[c('P')], Action::Wants, "weight, pause, drain, name"),
        row(S::Accounts, G::Account, &[c('y')], Action::Copy, "copy id"),
        row(S::Accounts, G::Account, &[c('d')], Action::Delete, "delete (asks, undo 10 s)"),
        row(S::Accounts, G::View, &[c('l')], Action::Layout, "layout"),
        row(S::Accounts, G::Pool, &[c('b')], Action::Best, "best (opens Forecast)"),
        row(S::Accounts, G::Pool, &[c('C')], Action::CheckAll, "check all"),
        row(S::Accounts, G::Pool, &[c('R')], Action::RefreshAll, "refresh all (asks)"),
        row(S::Accounts, G::Pool, &[c('F')], Action::Mend, "safe repairs (plan first)"),
        row(S::Accounts, G::Pool, &[twice('D')], Action::DeleteAll, "delete all (asks)"),
        row(S::Accounts, G::Pool, &[c('a')], Action::AddAccount, "add an account"),
        row(S::Bare, G::Pool, &[c('a'), k(Code::Enter)], Action::AddAccount, "add an account"),
        // Detail
        row(S::Detail, G::Move, &[k(Code::Left)], Action::Previous, "other account"),
        row(S::Detail, G::Move, &[k(Code::Right)], Action::Next, "other account"),
        row(S::Detail, G::Account, &[c('s')], Action::Use, "use and pin"),
        row(S::Detail, G::Hidden, &[c('S')], Action::Use, "use and pin"),
        row(S::Detail, G::Account, &[c('p')], Action::Pin, "pin, unpin"),
        row(S::Detail, G::Account, &[c('e')], Action::Power, "switch on, off"),
        row(S::Detail, G::Hidden, &[c('E')], Action::Power, "switch on, off"),
        row(S::Detail, G::Account, &[c('c')], Action::Check, "check limits now"),
        row(S::Detail, G::Account, &[c('r')], Action::SignInAgain, "sign in again"),
        row(S::Detail, G::Account, &[c('w')], Action::Workspaces, "workspaces"),
        row(S::Detail, G::Account, &[c('t')], Action::Tags, "tags"),
        row(S::Detail, G::Account, &[c('n')], Action::Note, "note"),
        row(S::Detail, G::Account, &[c('P')], Action::Wants, "weight, pause, drain, name"),
        row(S::Detail, G::Hidden, &[c('R')], Action::SignInAgain, "sign in again"),
        row(S::Detail, G::Account, &[c('y')], Action::Copy, "copy id"),
        row(S::Detail, G::Account, &[c('d')], Action::Delete, "delete (asks, undo 10 s)"),
        row(S::Detail, G::Hidden, &[c('D')], Action::Delete, "delete (asks, undo 10 s)"),
        row(S::Detail, G::Pool, &[c('C')], Action::CheckAll, "check all"),
        // Usage
        row(S::Usage, G::View, &[c('o')], Action::Regroup, "group by the next thing"),
        row(S::Usage, G::View, &[c('w')], Action::Widen, "next window of time"),
        row(S::Usage, G::View, &[k(Code::Enter)], Action::Open, "drill down"),
        row(S::Usage, G::View, &[c('m')], Action::Models, "models by account"),
        row(S::Usage, G::View, &[c('y')], Action::Copy, "copy the table"),
        row(S::Usage, G::Find, &[c('/')], Action::Filter, "filter as you type"),
        // Forecast
        row(S::Offer, G::Account, &[k(Code::Enter)], Action::Best, "use the recommended account"),
        row(S::Forecast, G::Account, &[k(Code::Enter)], Action::Why, "why it stands there"),
        row(S::Forecast, G::Pool, &[c('b')], Action::Best, "use the best"),
        row(S::Forecast, G::Account, &[c('s')], Action::Use, "use and pin"),
        row(S::Forecast, G::Hidden, &[c('S')], Action::UsePlain, "use without a pin"),
        row(S::Forecast, G::Pool, &[c('v'), c('C')], Action::CheckAll, "live check"),
        row(S::Forecast, G::Pool, &[c('V')], Action::ProbeAll, "model probe (asks, spends)"),
        row(S::Forecast, G::View, &[c('m')], Action::ForModel, "model to look ahead for"),
        row(S::Forecast, G::View, &[c('x')], Action::WhyAll, "explain all"),
        row(S::Forecast, G::View, &[c('l')], Action::WhichDecision, "next or last decision"),
        row(S::Forecast, G::View, &[c('r')], Action::RuntimeOverlay, "runtime overlay, files only"),
        row(S::Forecast, G::Account, &[c('y')], Action::Copy, "copy the ranking as JSON"),
        // No account
        row(S::Bare, G::Pool, &[c('b')], Action::Restore, "restore a backup"),
        // Settings
        row(S::Panels, G::Move, &[k(Code::Left)], Action::Previous, "other pane"),
        row(S::Panels, G::Move, &[k(Code::Right)], Action::Next, "other pane"),
        row(S::Panels, G::Settings, &[k(Code::Enter)], Action::Open, "go into the panel"),
        row(S::Panels, G::Settings, &[c('s')], Action::Save, "save"),
        row(S::Panels, G::Settings, &[c('R')], Action::ResetPanel, "reset the group"),
        row(S::Panels, G::Settings, &[c('d')], Action::Differences, "what is changed"),
        row(S::Panels, G::Find, &[c('/')], Action::Filter, "find a setting"),
        row(S::Sheet, G::Move, &[k(Code::Left)], Action::Previous, "other pane"),
        row(S::Sheet, G::Move, &[k(Code::Right)], Action::Next, "other pane"),
        row(S::Sheet, G::Settings, &[c(' ')], Action::Toggle, "switch, next word"),
        row(S::Sheet, G::Settings, &[c('-'), c('[')], Action::Less, "less, more"),
        row(S::Sheet, G::Settings, &[c('+'), c(']'), c('=')], Action::More, "less, more"),
        row(S::Sheet, G::Settings, &[k(Code::Enter)], Action::Open, "edit as text"),
        row(S::Sheet, G::Settings, &[c('s')], Action::Save, "save"),
        row(S::Sheet, G::Settings, &[c('r')], Action::Reset, "reset one"),
        row(S::Sheet, G::Settings, &[c('R')], Action::ResetPanel, "reset the group"),
        row(S::Sheet, G::Settings, &[c('d')], Action::Differences, "what is changed"),
        row(S::Sheet, G::Settings, &[c('y')], Action::Copy, "copy the key"),
        row(S::Sheet, G::Find, &[c('/')], Action::Filter, "find a setting"),
        row(S::Reading, G::Move, &[k(Code::Left)], Action::Previous, "other pane"),
        row(S::Reading, G::Move, &[k(Code::Right)], Action::Next, "other pane"),
        row(S::Reading, G::Settings, &[c('s')], Action::Save, "save"),
        row(S::Reading, G::Settings, &[c('d')], Action::Differences, "what is changed"),
        row(S::Reading, G::Settings, &[c('y')], Action::Copy, "copy the row"),
        row(S::Reading, G::Find, &[c('/')], Action::Filter, "find a setting"),
        row(S::Value, G::Hidden, &[k(Code::Enter)], Action::Open, "keep"),
        row(S::Value, G::Hidden, &[k(Code::Esc)], Action::Back, "as it was"),
        row(S::Value, G::Hidden, &[CTRL_C], Action::Interrupt, "as it was"),
        row(S::Backups, G::Move, &[k(Code::Left)], Action::Previous, "other pane"),
        row(S::Backups, G::Move, &[k(Code::Right)], Action::Next, "other pane"),
        row(S::Backups, G::Settings, &[k(Code::Enter)], Action::Open, "merge or replace"),
        row(S::Backups, G::Settings, &[c('a')], Action::Create, "new backup"),
        row(S::Backups, G::Settings, &[c('v')], Action::Verify, "verify"),
        row(S::Backups, G::Settings, &[c('i')], Action::Import, "import a file"),
        row(S::Backups, G::Settings, &[c('x')], Action::Export, "export to a file"),
        row(S::Backups, G::Settings, &[c('d')], Action::Delete, "delete (asks)"),
        row(S::Backups, G::Settings, &[c('s')], Action::Save, "save the settings"),
        row(S::Backups, G::Settings, &[c('y')], Action::Copy, "copy the path"),
        row(S::Backups, G::Find, &[c('/')], Action::Filter, "find a setting"),
        // Experimental
        row(S::Experimental, G::Settings, &[k(Code::Enter)], Action::Open, "preview, open"),
        row(S::Experimental, G::Settings, &[c('A'), c('a')], Action::Apply, "apply the preview (asks)"),
        row(S::Experimental, G::Settings, &[c(' ')], Action::Toggle, "switch on, off"),
        row(S::Experimental, G::Settings, &[c('-'), c('[')], Action::Less, "shorter, longer interval"),
        row(
            S::Experimental,
            G::Settings,
            &[c('+'), c(']'), c('=')],
            Action::More,
            "shorter, longer interval",
        ),
        row(S::Experimental, G::Settings, &[c('s')], Action::Save, "save"),
        row(S::Experimental, G::Settings, &[c('y')], Action::Copy, "copy the preview"),
        row(S::Experimental, G::Settings, &[c('1')], Action::UseRow(1), "that feature"),
        row(S::Experimental, G::Settings, &[c('2')], Action::UseRow(2), "that feature"),
        row(S::Experimental, G::Settings, &[c('3')], Action::UseRow(3), "that feature"),
        row(S::Experimental, G::Settings, &[c('4')], Action::UseRow(4), "that feature"),
        row(S::Experimental, G::Settings, &[c('5')], Action::UseRow(5), "that feature"),
        // Logs
        row(S::LogLines, G::Logs, &[c('f')], Action::Follow, "follow the newest"),
        row(S::LogLines, G::Logs, &[c('l')], Action::Level, "next level"),
        row(S::LogLines, G::Logs, &[c('p')], Action::Part, "next part"),
        row(S::LogLines, G::Find, &[c('/')], Action::Filter, "find"),
        row(S::LogLines, G::Find, &[c('n')], Action::NextHit, "next, last hit"),
        row(S::LogLines, G::Find, &[c('N')], Action::PreviousHit, "next, last hit"),
        row(S::LogLines, G::Logs, &[c('D')], Action::Diagnose, "diagnose"),
        row(S::LogLines, G::Logs, &[c('F')], Action::Mend, "safe repairs (plan first)"),
        row(S::LogLines, G::Logs, &[c('s')], Action::Sessions, "kept sessions"),
        row(S::LogLines, G::Logs, &[c('e')], Action::Export, "report, bundle"),
        row(S::LogLines, G::Logs, &[c('y')], Action::Copy, "copy the line"),
        row(S::LogSessions, G::Logs, &[k(Code::Enter)], Action::Open, "preview"),
        row(S::LogSessions, G::Logs, &[c('o')], Action::Resume, "resume (asks)"),
        row(S::LogSessions, G::Find, &[c('/')], Action::Filter, "filter as you type"),
        row(S::LogSessions, G::Logs, &[c('s')], Action::Sessions, "lines of the log"),
        row(S::LogSessions, G::Logs, &[c('y')], Action::Copy, "copy the id"),
        // Monitor
        row(
            S::Turns,
            G::Monitor,
            &[k(Code::Enter), c('W')],
            Action::Open,
            "the turn: attempts, decision, what if",
        ),
        row(S::Turns, G::Monitor, &[c('s')], Action::Sessions, "sessions"),
        row(S::Turns, G::Monitor, &[c('f')], Action::Follow, "follow the newest"),
        row(S::Turns, G::Monitor, &[c('y')], Action::Copy, "copy the row"),
        row(S::Sessions, G::Monitor, &[k(Code::Enter)], Action::Open, "turns of the session"),
        row(S::Sessions, G::Monitor, &[c('s')], Action::Sessions, "turns"),
        row(S::Sessions, G::Monitor, &[c('p')], Action::PinSession, "pin, or let go"),
        row(S::Sessions, G::Monitor, &[c('m')], Action::MoveSession, "move at the next turn"),
        row(S::Sessions, G::Monitor, &[c('w')], Action::DrainSession, "drain its account"),
        row(S::Sessions, G::Monitor, &[c('f')], Action::Follow, "follow the newest"),
        row(S::Sessions, G::Monitor, &[c('y')], Action::Copy, "copy the row"),
        // Pane
        row(S::Pane, G::Account, &[k(Code::Enter)], Action::Open, "full dashboard"),
        row(S::Pane, G::Account, &[c('s')], Action::Use, "use and pin"),
        // Whatever is open
        row(S::Everywhere, G::Always, &[c('u')], Action::Undo, "undo, while offered"),
        row(S::Everywhere, G::Always, &[CTRL_C], Action::Interrupt, "cancel, twice quits"),
        row(S::Everywhere, G::Always, &[ctrl('z')], Action::Suspend, "suspend"),
        row(S::Everywhere, G::Always, &[c('q')], Action::Leave, "back, quit"),
        row(S::Everywhere, G::Hidden, &[c('Q')], Action::Leave, "back, quit"),
        row(S::Everywhere, G::Always, &[c('?')], Action::Help, "this help"),
        // Overlays
        row(S::Help, G::Hidden, &[k(Code::Esc), c('?'), c('q')], Action::Back, "close"),
        row(S::Help, G::Hidden, &[c('/')], Action::Filter, "filter"),
        row(S::Help, G::Hidden, &[CTRL_C], Action::Interrupt, "close"),
        row(S::Messages, G::Hidden, &[k(Code::Esc), c('M'), c('q')], Action::Back, "close"),
        row(S::Messages, G::Hidden, &[k(Code::Enter)], Action::Open, "go to its subject"),
        row(S::Messages, G::Hidden, &[c('y')], Action::Copy, "copy"),
        row(S::Messages, G::Hidden, &[CTRL_C], Action::Interrupt, "close"),
        row(S::Turn, G::Hidden, &[k(Code::Esc), c('q'), k(Code::Enter)], Action::Back, "close"),
        row(S::Turn, G::Hidden, &[c('y')], Action::Copy, "copy"),
        row(S::Turn, G::Hidden, &[CTRL_C], Action::Interrupt, "close"),
        row(S::Palette, G::Hidden, &[k(Code::Up), ctrl('k')], Action::Up, "choose"),
        row(S::Palette, G::Hidden, &[k(Code::Down), ctrl('j')], Action::Down, "choose"),
        row(S::Palette, G::Hidden, &[k(Code::PageUp)], Action::PageUp, "page"),
        row(S::Palette, G::Hidden, &[k(Code::PageDown)], Action::PageDown, "page"),
        row(S::Palette, G::Hidden, &[k(Code::Enter)], Action::Open, "run"),
        row(S::Palette, G::Hidden, &[k(Code::Esc), ctrl('p')], Action::Back, "close"),
        row(S::Palette, G::Hidden, &[CTRL_C], Action::Interrupt, "close"),
        row(S::Confirm, G::Hidden, &[k(Code::Left), k(Code::BackTab), c('h')], Action::Previous, "choose"),
        row(S::Confirm, G::Hidden, &[k(Code::Right), k(Code::Tab), c('l')], Action::Next, "choose"),
        row(S::Confirm, G::Hidden, &[k(Code::Enter)], Action::Open, "the focused answer"),
        row(S::Confirm, G::Hidden, &[c('y'), c('Y')], Action::Yes, "yes"),
        row(S::Confirm, G::Hidden, &[c('n'), c('N'), k(Code::Esc), c('q')], Action::No, "no"),
        row(S::Confirm, G::Hidden, &[c(' ')], Action::Toggle, "toggle"),
        row(S::Confirm, G::Hidden, &[CTRL_C], Action::Interrupt, "close"),
        row(S::Typed, G::Hidden, &[k(Code::Enter)], Action::Open, "do it"),
        row(S::Typed, G::Hidden, &[k(Code::Esc)], Action::Back, "keep"),
        row(S::Typed, G::Hidden, &[CTRL_C], Action::Interrupt, "close"),
        row(S::Differences, G::Hidden, &[k(Code::Esc), c('d'), c('q')], Action::Back, "close"),
        row(S::Differences, G::Hidden, &[c('s')], Action::Save, "save"),
        row(S::Differences, G::Hidden, &[CTRL_C], Action::Interrupt, "close"),
        // First start
        row(S::Welcome, G::Move, &[k(Code::Up), c('k')], Action::Up, "move"),
        row(S::Welcome, G::Move, &[k(Code::Down), c('j')], Action::Down, "move"),
        row(S::Welcome, G::Pool, &[k(Code::Enter)], Action::Open, "choose"),
        row(S::Welcome, G::Pool, &[c('1')], Action::UseRow(1), "sign in with the browser"),
        row(S::Welcome, G::Pool, &[c('2')], Action::UseRow(2), "paste a callback"),
        row(S::Welcome, G::Pool, &[c('3')], Action::UseRow(3), "sign in with a device code"),
        row(S::Welcome, G::Pool, &[c('4'), c('b')], Action::UseRow(4), "restore a backup"),
        row(S::Welcome, G::Pool, &[c('5')], Action::UseRow(5), "take over sign-ins found here"),
        row(S::Welcome, G::Pool, &[c('a')], Action::AddAccount, "add an account"),
        row(S::Found, G::Hidden, &[k(Code::Up), c('k')], Action::Up, "move"),
        row(S::Found, G::Hidden, &[k(Code::Down), c('j')], Action::Down, "move"),
        row(S::Found, G::Hidden, &[c(' ')], Action::Toggle, "choose"),
        row(S::Found, G::Hidden, &[k(Code::Enter)], Action::Open, "import"),
        row(S::Found, G::Hidden, &[c('r')], Action::AddAccount, "sign in instead"),
        row(S::Found, G::Hidden, &[k(Code::Esc), c('q')], Action::Back, "back"),
        row(S::Found, G::Hidden, &[CTRL_C], Action::Interrupt, "back"),
        row(S::Terms, G::Hidden, &[k(Code::Left), k(Code::BackTab), c('h')], Action::Previous, "choose"),
        row(S::Terms, G::Hidden, &[k(Code::Right), k(Code::Tab), c('l')], Action::Next, "choose"),
        row(S::Terms, G::Hidden, &[k(Code::Enter)], Action::Open, "the focused answer"),
        row(S::Terms, G::Hidden, &[c(' ')], Action::Toggle, "toggle"),
        row(S::Terms, G::Hidden, &[c('y'), c('Y')], Action::Yes, "I understand"),
        row(S::Terms, G::Hidden, &[c('n'), c('N'), k(Code::Esc), c('q')], Action::No, "quit"),
        row(S::Terms, G::Hidden, &[CTRL_C], Action::Interrupt, "quit"),
        row(S::Wants, G::Hidden, &[k(Code::Up), c('k')], Action::Up, "move"),
        row(S::Wants, G::Hidden, &[k(Code::Down), c('j')], Action::Down, "move"),
        row(S::Wants, G::Hidden, &[c(' ')], Action::Toggle, "switch"),
        row(S::Wants, G::Hidden, &[c('-'), c('['), k(Code::Left)], Action::Less, "less"),
        row(S::Wants, G::Hidden, &[c('+'), c(']'), c('='), k(Code::Right)], Action::More, "more"),
        row(S::Wants, G::Hidden, &[k(Code::Enter)], Action::Open, "change"),
        row(S::Wants, G::Hidden, &[c('u')], Action::Undo, "undo"),
        row(S::Wants, G::Hidden, &[k(Code::Esc), c('P'), c('q')], Action::Back, "close"),
        row(S::Wants, G::Hidden, &[CTRL_C], Action::Interrupt, "close"),
        row(S::Seats, G::Hidden, &[k(Code::Up), c('k')], Action::Up, "move"),
        row(S::Seats, G::Hidden, &[k(Code::Down), c('j')], Action::Down, "move"),
        row(S::Seats, G::Hidden, &[k(Code::Enter)], Action::Open, "use"),
        row(S::Seats, G::Hidden, &[k(Code::Esc), c('w'), c('q')], Action::Back, "close"),
        row(S::Seats, G::Hidden, &[CTRL_C], Action::Interrupt, "close"),
        row(S::Reasons, G::Hidden, &[k(Code::Enter)], Action::Open, "open the account"),
        row(S::Reasons, G::Hidden, &[c('y')], Action::Copy, "copy"),
        row(S::Reasons, G::Hidden, &[k(Code::Esc), c('q'), c('x')], Action::Back, "close"),
        row(S::Reasons, G::Hidden, &[CTRL_C], Action::Interrupt, "close"),
        row(S::Told, G::Hidden, &[c('y')], Action::Copy, "copy as JSON"),
        row(S::Told, G::Hidden, &[c('e')], Action::Export, "write a report to a file"),
        row(S::Told, G::Hidden, &[k(Code::Esc), k(Code::Enter), c('q')], Action::Back, "close"),
        row(S::Told, G::Hidden, &[CTRL_C], Action::Interrupt, "close"),
        row(S::ForModel, G::Hidden, &[k(Code::Enter)], Action::Open, "look ahead for it"),
        row(S::ForModel, G::Hidden, &[k(Code::Esc), c('m'), c('q')], Action::Back, "close"),
        row(S::ForModel, G::Hidden, &[CTRL_C], Action::Interrupt, "close"),
        // Adding an account
        row(S::WizardMenu, G::Hidden, &[k(Code::Up), c('k')], Action::Up, "move"),
        row(S::WizardMenu, G::Hidden, &[k(Code::Down), c('j')], Action::Down, "move"),
        row(S::WizardMenu, G::Hidden, &[k(Code::Enter)], Action::Open, "choose"),
        row(S::WizardMenu, G::Hidden, &[c('1')], Action::UseRow(1), "browser"),
        row(S::WizardMenu, G::Hidden, &[c('2')], Action::UseRow(2), "paste"),
        row(S::WizardMenu, G::Hidden, &[c('3')], Action::UseRow(3), "device code"),
        row(S::WizardMenu, G::Hidden, &[c('4')], Action::UseRow(4), "backup"),
        row(S::WizardMenu, G::Hidden, &[c('5')], Action::UseRow(5), "sign-ins found here"),
        row(S::WizardMenu, G::Hidden, &[c('w')], Action::Workspace, "workspace"),
        row(S::WizardMenu, G::Hidden, &[k(Code::Esc), c('q')], Action::Back, "back"),
        row(S::WizardMenu, G::Hidden, &[CTRL_C], Action::Interrupt, "back"),
        row(S::WizardQuestion, G::Hidden, &[c('y'), c('Y')], Action::Yes, "yes"),
        row(S::WizardQuestion, G::Hidden, &[c('n'), c('N'), k(Code::Esc), c('q')], Action::No, "no"),
        row(S::WizardQuestion, G::Hidden, &[CTRL_C], Action::Interrupt, "cancel"),
        row(S::Wizard, G::Hidden, &[c('o')], Action::OpenPage, "open again"),
        row(S::Wizard, G::Hidden, &[c('c')], Action::Copy, "copy"),
        row(S::Wizard, G::Hidden, &[c('p')], Action::PasteCallback, "paste"),
        row(S::Wizard, G::Hidden, &[c('d')], Action::ByDevice, "device code"),
        row(S::Wizard, G::Hidden, &[c('b')], Action::ByBrowser, "browser"),
        row(S::Wizard, G::Hidden, &[c('l')], Action::CopyLink, "copy link"),
        row(S::Wizard, G::Hidden, &[c('w')], Action::Workspace, "workspace"),
        row(S::Wizard, G::Hidden, &[c('1')], Action::UseRow(1), "browser"),
        row(S::Wizard, G::Hidden, &[c('2')], Action::UseRow(2), "paste"),
        row(S::Wizard, G::Hidden, &[c('3')], Action::UseRow(3), "device code"),
        row(S::Wizard, G::Hidden, &[c('4')], Action::UseRow(4), "backup"),
        row(S::Wizard, G::Hidden, &[k(Code::Esc), c('q')], Action::Back, "cancel"),
        row(S::Wizard, G::Hidden, &[CTRL_C], Action::Interrupt, "cancel"),
        row(S::WizardDone, G::Hidden, &[k(Code::Enter), k(Code::Esc), c('q')], Action::Back, "done"),
        row(S::WizardDone, G::Hidden, &[c('a')], Action::AddAccount, "add another"),
        row(S::WizardDone, G::Hidden, &[c('s')], Action::UsePlain, "make it the account in use"),
        row(S::WizardDone, G::Hidden, &[c('n')], Action::Rename, "name it"),
        row(S::WizardDone, G::Hidden, &[CTRL_C], Action::Interrupt, "done"),
        row(S::WizardLast, G::Hidden, &[k(Code::Enter), k(Code::Esc), c('q')], Action::Back, "done"),
        row(S::WizardLast, G::Hidden, &[c('s')], Action::UsePlain, "make it the account in use"),
        row(S::WizardLast, G::Hidden, &[c('n')], Action::Rename, "name it"),
        row(S::WizardLast, G::Hidden, &[CTRL_C], Action::Interrupt, "done"),
    ]
};

const FIELD: &[Bind] = &[
    row(Scope::Field, Group::Hidden, &[k(Code::Enter)], Action::Open, "keep"),
    row(Scope::Field, Group::Hidden, &[k(Code::Esc)], Action::Back, "clear"),
    row(Scope::Field, Group::Hidden, &[CTRL_C], Action::Interrupt, "clear"),
];

const ACCOUNT_DIGITS: &[Bind] = &digits!(Scope::Accounts, Group::Account);
const PANE_DIGITS: &[Bind] = &digits!(Scope::Pane, Group::Account);

/// Every key of the dashboard.
pub fn binds() -> impl Iterator<Item = &'static Bind> {
    [PLAIN, ACCOUNT_DIGITS, PANE_DIGITS, FIELD].into_iter().flatten()
}
