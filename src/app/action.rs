//! What a person can want: the right side of the key table, and what the command palette lists.

use crate::app::goal::Tab;

/// A wish that can be bound to a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// One row up.
    Up,
    /// One row down.
    Down,
    /// One page up.
    PageUp,
    /// One page down.
    PageDown,
    /// First row.
    First,
    /// Last row.
    Last,
    /// The account before this one; the answer to the left.
    Previous,
    /// The account after this one; the answer to the right.
    Next,
    /// The tab to the right.
    NextTab,
    /// The tab to the left.
    PreviousTab,
    /// That tab.
    Go(Tab),
    /// Opens or runs the focused thing.
    Open,
    /// Closes an overlay, clears the filter, goes back; never quits.
    Back,
    /// Goes back; quits from the top.
    Leave,
    /// Cancels; twice within a second quits.
    Interrupt,
    /// Takes the last act back.
    Undo,
    /// Copies what the focus shows, never a token.
    Copy,
    /// Filters the list.
    Filter,
    /// Lists the keys.
    Help,
    /// Lists every command.
    Palette,
    /// Lists past messages.
    Messages,
    /// Time until, or time of day.
    Clock,
    /// Shows or masks e-mail addresses.
    Mask,
    /// The narrow pane, and back.
    Narrow,
    /// Draws everything anew.
    Redraw,
    /// Stops the program until it is continued.
    Suspend,
    /// Takes the mouse, or gives it back to the terminal.
    Mouse,
    /// Uses the focused account and pins it.
    Use,
    /// Uses the focused account without a pin.
    UsePlain,
    /// Uses and pins the account with this number.
    UseRow(u8),
    /// Pins the focused account, or removes its pin.
    Pin,
    /// Switches the focused account on or off.
    Power,
    /// Asks for the limits of the focused account.
    Check,
    /// Signs in to the focused account again.
    SignInAgain,
    /// Spends a refresh of every account, after a question.
    RefreshAll,
    /// Tags of the focused account.
    Tags,
    /// A note on the focused account.
    Note,
    /// Weight, pause, drain and name of the focused account.
    Wants,
    /// Workspaces of the focused account.
    Workspaces,
    /// Uses the account that the forecast recommends.
    Best,
    /// Why an account stands where it stands.
    Why,
    /// The reasons of every account.
    WhyAll,
    /// Asks every account for a short answer of a model, after a question.
    ProbeAll,
    /// The model that is looked ahead for.
    ForModel,
    /// The next decision, or the last one.
    WhichDecision,
    /// Whether the answer of a running proxy counts.
    RuntimeOverlay,
    /// Asks for the limits of all accounts.
    CheckAll,
    /// The next sort order.
    Sort,
    /// Details of the focused row only, or of every row.
    Layout,
    /// Follows the newest row, or stays.
    Follow,
    /// Sessions instead of turns, and back.
    Sessions,
    /// Pins a session to its account, or lets it go.
    PinSession,
    /// Moves a session to another account at its next turn.
    MoveSession,
    /// Lets the account of a session take no new ones.
    DrainSession,
    /// Groups usage by the next thing.
    Regroup,
    /// Looks over the next window of time.
    Widen,
    /// Models by account, and back.
    Models,
    /// Switches a setting on or off, or takes its next word.
    Toggle,
    /// The next smaller value.
    Less,
    /// The next greater value.
    More,
    /// Writes the changed settings.
    Save,
    /// The focused setting back to its default.
    Reset,
    /// Every setting of the panel back to its default.
    ResetPanel,
    /// Changed settings, before and after.
    Differences,
    /// A new backup.
    Create,
    /// Checks whether a backup can be read.
    Verify,
    /// Takes accounts in from a file.
    Import,
    /// Writes the accounts to a file.
    Export,
    /// Removes the focused thing, after a question.
    Delete,
    /// Removes all accounts, after a question.
    DeleteAll,
    /// Goes to the backups, to put one back.
    Restore,
    /// Carry the preview out, after a question.
    Apply,
    /// Shows lines that matter as much as the next level, or more.
    Level,
    /// Lines of the next part alone.
    Part,
    /// The next line that holds what is looked for.
    NextHit,
    /// The line before that holds it.
    PreviousHit,
    /// Looks at everything.
    Diagnose,
    /// Safe repairs: what would be mended, then the question.
    Mend,
    /// Goes on with a kept session of the official CLI.
    Resume,
    /// Budgets, and back.
    Budgets,
    /// Changes the focused thing as text.
    Edit,
    /// The bridge, and back.
    Bridge,
    /// A new key in place of the focused one, after a question.
    Rotate,
    /// How each tool is pointed at the bridge.
    Snippets,
    /// Ends every cooldown, after a question.
    Unrest,
    /// Rotation on or off, after a question.
    Rotation,
    /// Binds the desktop app, or takes the bind back, after a question.
    Bind,
    /// Tries flagged accounts again.
    TryAgain,
    /// Adds an account.
    AddAccount,
    /// Opens the sign-in page again.
    OpenPage,
    /// Pastes the address the browser ended on.
    PasteCallback,
    /// Signs in with a device code instead.
    ByDevice,
    /// Signs in with the browser instead.
    ByBrowser,
    /// Copies the link of the page.
    CopyLink,
    /// Requires a ChatGPT workspace.
    Workspace,
    /// Gives the account a name.
    Rename,
    /// Says yes to what is asked.
    Yes,
    /// Says no to what is asked.
    No,
}

impl Action {
    /// Rows this moves by, a page being `page` rows; `None` when it is no movement.
    pub fn steps(self, page: usize) -> Option<isize> {
        let page = isize::try_from(page.max(1)).unwrap_or(1);
        let far = isize::MAX / 2;
        let table = [
            (Self::Up, -1),
            (Self::Down, 1),
            (Self::PageUp, -page),
            (Self::PageDown, page),
            (Self::First, -far),
            (Self::Last, far),
        ];
        table.into_iter().find(|(action, _)| *action == self).map(|(_, by)| by)
    }
}
