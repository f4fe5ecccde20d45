//! What is worth naming in the last line, scope by scope: which action, how it is called, and how soon it gives way.

use crate::app::action::Action;
use crate::app::keys::Scope;

/// A candidate: lower ranks are dropped last.
pub(super) struct Wish {
    pub(super) rank: u8,
    pub(super) action: Action,
    pub(super) until: Option<Action>,
    pub(super) word: &'static str,
    /// What is said instead where the line is narrow.
    pub(super) brief: Option<&'static str>,
}

impl Wish {
    const fn or(mut self, brief: &'static str) -> Self {
        self.brief = Some(brief);
        self
    }
}

const fn wish(rank: u8, action: Action, word: &'static str) -> Wish {
    Wish { rank, action, until: None, word, brief: None }
}

const fn pair(rank: u8, action: Action, until: Action, word: &'static str) -> Wish {
    Wish { rank, action, until: Some(until), word, brief: None }
}

const HELP: Wish = wish(0, Action::Help, "help");
const PANES: Wish = pair(4, Action::Previous, Action::Next, "pane");
const FIND: Wish = wish(3, Action::Filter, "find a setting").or("find");
const DISCARD: Wish = wish(0, Action::Back, "discard").or("");
const HELP_LAST: Wish = wish(0, Action::Help, "help").or("");
const LESS_MORE: Wish = pair(2, Action::Less, Action::More, "adjust");
const QUIT: Wish = wish(0, Action::Leave, "");
const BACK: Wish = wish(0, Action::Back, "back");
const BACK_LAST: Wish = wish(0, Action::Back, "back").or("");
const CLOSE: Wish = wish(0, Action::Back, "close");
const COMMANDS: Wish = wish(8, Action::Palette, "commands");
const MOVE: Wish = pair(9, Action::Up, Action::Down, "move");

const ACCOUNTS: &[Wish] = &[
    MOVE,
    wish(1, Action::Open, "open"),
    pair(1, Action::UseRow(1), Action::UseRow(9), "use"),
    wish(3, Action::Filter, "find"),
    wish(2, Action::Use, "use"),
    wish(3, Action::Pin, "pin"),
    wish(2, Action::Power, "on/off"),
    wish(4, Action::Check, "check"),
    wish(6, Action::CheckAll, "check all"),
    wish(3, Action::Delete, "delete"),
    wish(5, Action::Sort, "sort"),
    wish(5, Action::Layout, "layout"),
    COMMANDS,
    HELP,
    QUIT,
];
const NOTHING: &[Wish] = &[wish(0, Action::Filter, "find"), wish(0, Action::Back, "clear"), HELP, QUIT];
const DETAIL: &[Wish] = &[
    wish(1, Action::Use, "use"),
    wish(1, Action::Pin, "pin/unpin").or("pin"),
    wish(1, Action::SignInAgain, "sign in again").or("sign in"),
    wish(1, Action::Power, "on/off"),
    wish(2, Action::Workspaces, "workspace"),
    wish(3, Action::Tags, "tags"),
    wish(5, Action::Note, "note"),
    wish(4, Action::Wants, "policy"),
    wish(1, Action::Check, "check now").or("check"),
    wish(6, Action::Copy, "copy"),
    wish(1, Action::Delete, "delete"),
    pair(5, Action::Previous, Action::Next, "other"),
    BACK_LAST,
    HELP_LAST,
];
const PANELS: &[Wish] = &[
    pair(5, Action::Up, Action::Down, "move"),
    PANES,
    wish(1, Action::Open, "go in"),
    FIND,
    wish(1, Action::Save, "save"),
    wish(6, Action::ResetPanel, "reset group"),
    wish(5, Action::Differences, "diff"),
    DISCARD,
    HELP,
    QUIT,
];
const SHEET: &[Wish] = &[
    pair(5, Action::Up, Action::Down, "move"),
    PANES,
    wish(2, Action::Toggle, "toggle"),
    LESS_MORE,
    wish(8, Action::Open, "edit"),
    FIND,
    wish(1, Action::Save, "save"),
    wish(2, Action::Reset, "reset one").or("reset"),
    wish(8, Action::ResetPanel, "reset group"),
    wish(8, Action::Differences, "diff"),
    DISCARD,
    HELP_LAST,
];
const EXPERIMENTAL: &[Wish] = &[
    wish(0, Action::Open, "preview"),
    wish(0, Action::Apply, "apply (asks)").or("apply"),
    wish(4, Action::Copy, "copy report").or("copy"),
    pair(3, Action::Less, Action::More, "interval"),
    wish(2, Action::Toggle, "toggle"),
    wish(1, Action::Save, "save"),
    wish(1, Action::Back, "back"),
    HELP,
];
const LOG_LINES: &[Wish] = &[
    wish(1, Action::Follow, "follow"),
    wish(1, Action::Level, "level"),
    wish(5, Action::Part, "part"),
    wish(1, Action::Filter, "find"),
    pair(6, Action::NextHit, Action::PreviousHit, "next"),
    wish(1, Action::Diagnose, "diagnose"),
    wish(1, Action::Mend, "safe repairs"),
    wish(2, Action::Sessions, "sessions"),
    wish(6, Action::Copy, "copy line"),
    wish(1, Action::Export, "export bundle").or("export"),
    COMMANDS,
    HELP_LAST,
    wish(7, Action::Leave, "quit"),
];
const LOG_SESSIONS: &[Wish] = &[
    pair(4, Action::Up, Action::Down, "move"),
    wish(0, Action::Open, "preview"),
    wish(0, Action::Resume, "resume"),
    wish(2, Action::Filter, "find"),
    wish(1, Action::Sessions, "lines"),
    wish(5, Action::Copy, "copy id"),
    BACK,
    HELP,
];
const READING: &[Wish] = &[
    pair(5, Action::Up, Action::Down, "move"),
    PANES,
    FIND,
    wish(6, Action::Copy, "copy"),
    wish(4, Action::Save, "save"),
    wish(7, Action::Differences, "diff"),
    wish(0, Action::Back, "back"),
    HELP,
];
const VALUE: &[Wish] = &[wish(0, Action::Open, "keep"), wish(0, Action::Back, "as it was")];
const BACKUPS: &[Wish] = &[
    wish(0, Action::Open, "merge or replace"),
    wish(1, Action::Create, "new"),
    wish(2, Action::Verify, "verify"),
    wish(2, Action::Import, "import"),
    wish(2, Action::Export, "export"),
    wish(2, Action::Delete, "delete"),
    wish(0, Action::Back, ""),
    HELP,
];
const TYPED: &[Wish] = &[wish(0, Action::Open, "do it"), wish(0, Action::Back, "keep")];
const WANTS: &[Wish] = &[
    pair(2, Action::Up, Action::Down, "move"),
    pair(1, Action::Less, Action::More, "weight"),
    wish(0, Action::Toggle, "switch"),
    wish(0, Action::Open, "change"),
    wish(1, Action::Undo, "undo"),
    CLOSE,
];
const SEATS: &[Wish] = &[pair(1, Action::Up, Action::Down, "move"), wish(0, Action::Open, "use"), CLOSE];
const DIFFERENCES: &[Wish] =
    &[pair(1, Action::Up, Action::Down, "scroll"), wish(0, Action::Save, "save"), CLOSE];
const NO_ROWS: &[Wish] = &[
    wish(1, Action::Sessions, "turns, sessions"),
    wish(2, Action::Filter, "find"),
    wish(3, Action::Rotation, "rotation"),
    wish(1, Action::Bridge, "bridge"),
    wish(4, Action::Narrow, "pane mode"),
    COMMANDS,
    HELP,
    QUIT,
];
const TURNS: &[Wish] = &[
    wish(1, Action::Follow, "follow"),
    wish(1, Action::Sessions, "sessions"),
    wish(1, Action::Open, "details"),
    wish(3, Action::Filter, "find"),
    wish(2, Action::Unrest, "clear"),
    wish(2, Action::Rotation, "rotation"),
    wish(2, Action::Bind, "bind app").or("bind"),
    wish(1, Action::Bridge, "bridge"),
    wish(5, Action::Copy, "copy"),
    wish(4, Action::Narrow, "pane mode"),
    COMMANDS,
    HELP,
    QUIT,
];
const SESSIONS: &[Wish] = &[
    wish(1, Action::Open, "turns"),
    wish(0, Action::PinSession, "pin"),
    wish(0, Action::MoveSession, "move"),
    wish(1, Action::DrainSession, "drain account"),
    wish(2, Action::Filter, "find"),
    wish(1, Action::Sessions, "all turns"),
    BACK,
    HELP,
];
const USAGE: &[Wish] = &[
    wish(0, Action::Regroup, "group"),
    wish(0, Action::Widen, "window"),
    wish(1, Action::Open, "drill down").or("drill"),
    wish(2, Action::Filter, "filter"),
    wish(4, Action::Export, "export"),
    wish(1, Action::Budgets, "budgets"),
    wish(1, Action::Models, "models"),
    wish(6, Action::Copy, "copy"),
    COMMANDS,
    HELP,
    QUIT,
];
const BUDGETS: &[Wish] = &[
    pair(3, Action::Up, Action::Down, "move"),
    wish(0, Action::Create, "add"),
    wish(0, Action::Edit, "edit"),
    wish(0, Action::Delete, "delete"),
    wish(1, Action::Budgets, "table"),
    wish(2, Action::Models, "models"),
    BACK,
    HELP,
];
const BRIDGE: &[Wish] = &[
    wish(0, Action::Toggle, "start/stop"),
    wish(0, Action::Create, "new key"),
    wish(1, Action::Rotate, "rotate"),
    wish(1, Action::Delete, "revoke"),
    wish(1, Action::Snippets, "snippets"),
    wish(4, Action::Copy, "copy address"),
    BACK,
    HELP,
];
const PROFILES: &[Wish] = &[
    PANES,
    wish(0, Action::Create, "new"),
    wish(0, Action::Open, "edit"),
    wish(0, Action::Delete, "delete"),
    FIND,
    wish(0, Action::Back, "back"),
    HELP,
];
const FORECAST: &[Wish] = &[
    pair(7, Action::Up, Action::Down, "move"),
    wish(0, Action::Why, "why"),
    wish(0, Action::Best, "use best"),
    wish(1, Action::CheckAll, "live check"),
    wish(6, Action::ProbeAll, "model probe"),
    wish(2, Action::ForModel, "model"),
    wish(3, Action::WhyAll, "explain all"),
    wish(5, Action::WhichDecision, "next/last"),
    wish(5, Action::RuntimeOverlay, "runtime overlay"),
    wish(4, Action::Copy, "copy JSON"),
    HELP,
    QUIT,
];
const OFFER: &[Wish] = &[
    wish(0, Action::Best, "use it"),
    pair(1, Action::Up, Action::Down, "another"),
    wish(2, Action::CheckAll, "live check"),
    wish(3, Action::WhyAll, "explain all"),
    wish(0, Action::Back, "keep as it is"),
    HELP,
    QUIT,
];
const REASONS: &[Wish] = &[
    pair(1, Action::Up, Action::Down, "scroll"),
    wish(1, Action::Open, "open the account"),
    wish(2, Action::Copy, "copy"),
    CLOSE,
];
const TOLD: &[Wish] = &[
    pair(1, Action::Up, Action::Down, "scroll"),
    wish(3, Action::Export, "write a report"),
    wish(2, Action::Copy, "copy JSON"),
    CLOSE,
];
const FOR_MODEL: &[Wish] =
    &[pair(1, Action::Up, Action::Down, "move"), wish(0, Action::Open, "look ahead for it"), CLOSE];
const PANE: &[Wish] = &[
    pair(1, Action::UseRow(1), Action::UseRow(9), "use"),
    wish(3, Action::Use, "use"),
    wish(2, Action::Best, "best"),
    wish(1, Action::Open, "full"),
    wish(0, Action::Help, ""),
    wish(0, Action::Leave, "quit"),
];
const BARE: &[Wish] = &[
    wish(1, Action::AddAccount, "add an account"),
    wish(1, Action::Restore, "restore a backup"),
    COMMANDS,
    HELP,
    QUIT,
];
const WELCOME: &[Wish] = &[
    pair(2, Action::Up, Action::Down, "move"),
    wish(0, Action::Open, "choose"),
    pair(1, Action::UseRow(1), Action::UseRow(5), ""),
    COMMANDS,
    HELP,
    QUIT,
];
const FOUND: &[Wish] = &[
    pair(2, Action::Up, Action::Down, "move"),
    wish(1, Action::Toggle, "choose"),
    wish(0, Action::Open, "import"),
    wish(1, Action::AddAccount, "sign in instead"),
    BACK,
];
const TERMS: &[Wish] = &[
    pair(2, Action::Previous, Action::Next, "choose"),
    wish(1, Action::Toggle, "toggle"),
    wish(0, Action::Yes, "I understand"),
    wish(0, Action::No, "quit"),
];
const WIZARD_MENU: &[Wish] = &[
    pair(2, Action::Up, Action::Down, "move"),
    wish(0, Action::Open, "choose"),
    pair(1, Action::UseRow(1), Action::UseRow(5), ""),
    wish(2, Action::Workspace, "workspace"),
    BACK,
];
const WIZARD_QUESTION: &[Wish] = &[wish(0, Action::Yes, "yes"), wish(0, Action::No, "no")];
const WIZARD: &[Wish] = &[
    wish(1, Action::OpenPage, "open again"),
    wish(1, Action::Copy, "copy"),
    wish(1, Action::PasteCallback, "paste"),
    wish(2, Action::ByDevice, "device code"),
    wish(3, Action::ByBrowser, "browser"),
    wish(3, Action::Workspace, "workspace"),
    wish(0, Action::Back, "cancel"),
];
const WIZARD_DONE: &[Wish] = &[
    wish(0, Action::Back, "done"),
    wish(1, Action::AddAccount, "add another"),
    wish(1, Action::UsePlain, "make active"),
    wish(2, Action::Rename, "name it"),
];
const CONFIRM: &[Wish] = &[
    pair(0, Action::Previous, Action::Next, "choose"),
    wish(0, Action::Yes, "yes"),
    wish(0, Action::No, "no"),
];
const HELPING: &[Wish] =
    &[pair(1, Action::Up, Action::Down, "scroll"), wish(1, Action::Filter, "filter"), CLOSE];
const PALETTE: &[Wish] = &[pair(0, Action::Up, Action::Down, "choose"), wish(0, Action::Open, "run"), CLOSE];
const MESSAGES: &[Wish] = &[
    pair(0, Action::Up, Action::Down, "move"),
    wish(1, Action::Open, "go to its subject"),
    wish(1, Action::Copy, "copy"),
    CLOSE,
];
const TURN: &[Wish] = &[wish(1, Action::Copy, "copy"), CLOSE];
const FIELD: &[Wish] = &[wish(0, Action::Open, "keep"), wish(0, Action::Back, "clear")];

/// What is worth naming in a scope.
pub(super) fn wishes(scope: Scope) -> &'static [Wish] {
    match scope {
        Scope::Accounts => ACCOUNTS,
        Scope::NothingFound => NOTHING,
        Scope::Detail => DETAIL,
        Scope::Offer => OFFER,
        Scope::Forecast => FORECAST,
        Scope::Usage => USAGE,
        Scope::Budgets => BUDGETS,
        Scope::Bridge => BRIDGE,
        Scope::Profiles => PROFILES,
        Scope::NoRows => NO_ROWS,
        Scope::Turns => TURNS,
        Scope::Sessions => SESSIONS,
        Scope::Panels => PANELS,
        Scope::Sheet => SHEET,
        Scope::Reading => READING,
        Scope::Value => VALUE,
        Scope::Backups => BACKUPS,
        Scope::Experimental => EXPERIMENTAL,
        Scope::LogLines => LOG_LINES,
        Scope::LogSessions => LOG_SESSIONS,
        Scope::Typed => TYPED,
        Scope::Differences => DIFFERENCES,
        Scope::Pane => PANE,
        Scope::Bare | Scope::Everywhere | Scope::Tabs | Scope::Moving => BARE,
        Scope::Welcome => WELCOME,
        Scope::Found => FOUND,
        Scope::Terms => TERMS,
        Scope::WizardMenu => WIZARD_MENU,
        Scope::WizardQuestion => WIZARD_QUESTION,
        Scope::Wizard => WIZARD,
        Scope::WizardDone | Scope::WizardLast => WIZARD_DONE,
        Scope::Confirm => CONFIRM,
        Scope::Wants => WANTS,
        Scope::Seats => SEATS,
        Scope::Reasons => REASONS,
        Scope::Told => TOLD,
        Scope::ForModel => FOR_MODEL,
        Scope::Help => HELPING,
        Scope::Palette => PALETTE,
        Scope::Messages => MESSAGES,
        Scope::Turn => TURN,
        Scope::Field => FIELD,
    }
}
