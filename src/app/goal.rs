//! Why the program was started: set once, from the command line.

/// The tabs that exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Tab {
    /// What do I have, in which state.
    #[default]
    Accounts,
    /// Which account next.
    Forecast,
    /// What did I use.
    Usage,
    /// What happens right now.
    Monitor,
    /// How should it behave.
    Settings,
    /// Staged features.
    Experimental,
    /// What went wrong, is it healthy.
    Logs,
}

impl Tab {
    /// All tabs in order.
    pub const ALL: [Self; 7] = [
        Self::Accounts,
        Self::Forecast,
        Self::Usage,
        Self::Monitor,
        Self::Settings,
        Self::Experimental,
        Self::Logs,
    ];

    /// The tab so many places to the right, around the end.
    #[must_use]
    pub fn beside(self, by: isize) -> Self {
        let place = Self::ALL.iter().position(|tab| *tab == self).unwrap_or(0);
        let count = Self::ALL.len();
        let place = place.saturating_add(count).saturating_add_signed(by) % count;
        Self::ALL.get(place).copied().unwrap_or_default()
    }

    /// Title.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Accounts => "Accounts",
            Self::Forecast => "Forecast",
            Self::Usage => "Usage",
            Self::Monitor => "Monitor",
            Self::Settings => "Settings",
            Self::Experimental => "Experimental",
            Self::Logs => "Logs",
        }
    }
}

/// What to do and how to end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Goal {
    /// The full screen.
    Dashboard(Entry),
    /// One command, printed.
    Run(Command),
    /// The official CLI through the proxy.
    Forward(Forwarding),
    /// The proxy in the foreground.
    Serve(Serving),
}

/// Where the dashboard opens.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Entry {
    /// Tab; `None` = the last used one, else Accounts.
    pub tab: Option<Tab>,
    /// Pane mode.
    pub pane: bool,
    /// The view command that opened it: its flow starts after the first frame and gives the exit code.
    pub command: Option<Command>,
}

/// A command that is a flow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// `status`, `list`.
    Status(Listing),
    /// `switch <ref>`.
    Switch(String),
    /// `unpin`.
    Unpin,
    /// `why-selected`.
    Why(Moments),
    /// `why-selected --request`.
    Replay(Replaying),
    /// `config …`, `init-config`.
    Config(crate::app::flows::config::Ask),
    /// `monitor`.
    Monitor,
    /// `usage`.
    Usage(crate::app::flows::usage::Asked),
    /// `models`.
    Models(crate::app::flows::models::Asked),
    /// `backup …`, `export`, `import`, `account …`, `flagged …`.
    Vault(crate::app::flows::vault::Errand),
    /// `check`.
    Check(Checking),
    /// `forecast`.
    Forecast(Forecasting),
    /// `best`.
    Best(Choosing),
    /// `report`.
    Report(Reporting),
    /// `verify-flagged`.
    Flagged(Trying),
    /// `workspace`.
    Workspace(Seating),
    /// `login`.
    Login(crate::app::flows::login::Request),
    /// `bridge …`, `integrations`.
    Bridge(crate::app::bridge::Order),
    /// `history …`.
    History(crate::app::history::Order),
    /// `rotation …`.
    Rotation(crate::app::rotation::Order),
    /// `setup`, `features`, the launcher.
    Chore(crate::domain::chore::Chore),
    /// `uninstall`.
    Uninstall(crate::domain::uninstall::Wish),
    /// `doctor`, `fix`, `verify`, `usage rotate`.
    Checkup(crate::app::checkup::Order),
    /// `budget …`, `profile …`.
    Rules(crate::app::flows::rules::Order),
    /// `account pause` and the like, `account policy list`; with its word.
    Policy(crate::app::flows::policy::Order, &'static str),
}

impl Command {
    /// Whether it makes or takes back a bind itself, so that nobody heals it under its hands.
    pub fn changes_bind(&self) -> bool {
        matches!(self, Self::Uninstall(_) | Self::Chore(crate::domain::chore::Chore::SetUp { .. }))
            || matches!(self, Self::Rotation(order) if order.changes_bind())
    }
}

/// What `check` asks about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checking {
    /// Words that name accounts; none = all that take part.
    pub accounts: Vec<String>,
    /// Whether accounts that are switched off are asked about, too.
    pub off_too: bool,
    /// When tokens are renewed.
    pub tokens: crate::app::flows::survey::Tokens,
}

/// How `forecast` looks ahead.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Forecasting {
    /// Ask the usage endpoint first.
    pub live: bool,
    /// Show every account with all its reasons.
    pub explain: bool,
    /// Whether a live proxy's answer counts.
    pub overlay: Overlay,
    /// The model that is asked for; `None` = any.
    pub model: Option<Named>,
    /// Whether each account is asked for an answer of that model, which spends quota.
    pub probe: Probe,
    /// How far a live look goes.
    pub reach: Reach,
}

/// Whether a live proxy's answer counts, or only what the files say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Overlay {
    /// It does.
    #[default]
    On,
    /// `--no-runtime-overlay`
    Off,
}

/// Whether a model probe is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Probe {
    /// Nothing is spent.
    #[default]
    Off,
    /// `--probe model`: a yes is needed first.
    Model,
    /// It was agreed to already.
    Agreed,
}

/// A model as it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// As typed.
    pub requested: String,
    /// Its name on the wire.
    pub name: String,
}

/// How far a live look goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reach {
    /// At most so many accounts.
    pub accounts: Option<usize>,
    /// At most so many questions.
    pub questions: Option<usize>,
    /// Accounts whose tokens would have to be renewed are left out.
    pub cached_only: bool,
}

/// What `report` contains and where it goes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reporting {
    /// How it looks ahead.
    pub forecasting: Forecasting,
    /// A file for the document, too.
    pub out: Option<std::path::PathBuf>,
    /// Whether it names people.
    pub identities: Identities,
}

/// Whether what is handed on names people (CLI-17).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Identities {
    /// Addresses, names and ids are masked.
    #[default]
    Masked,
    /// `--show-identities`
    Shown,
}

/// How `verify-flagged` tries accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Trying {
    /// Nothing is tried.
    pub dry_run: bool,
    /// Accounts that work again stay flagged, with their new tokens.
    pub no_restore: bool,
}

/// What `workspace` shows or chooses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seating {
    /// Word that names the account.
    pub account: String,
    /// 1-based place of the workspace to use.
    pub workspace: Option<usize>,
}

/// How `best` chooses.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Choosing {
    /// How it looks ahead.
    pub forecasting: Forecasting,
    /// Only say whom it would use.
    pub dry_run: bool,
}

/// How `status` lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Listing {
    /// `status`.
    #[default]
    Status,
    /// `list`: the same under its other name.
    List,
    /// `status --line`: one line for prompts and status bars.
    Line,
}

/// Which decision `why-selected` explains.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Moments {
    /// The next one.
    #[default]
    Now,
    /// The last one.
    Last,
}

/// What `why-selected --request` asks of a kept decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replaying {
    /// Which: the request's number, alone or behind its process.
    pub request: String,
    /// Had this strategy been in force.
    pub strategy: Option<crate::domain::selection::Strategy>,
    /// Had this account not been there.
    pub without: Option<String>,
}

/// A forwarded run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Forwarding {
    /// The official CLI's arguments, untouched; ours (`--account`, `--print-launch`, `--yes`) still inside.
    pub args: Vec<std::ffi::OsString>,
    /// `history resume`: the session to go on with, its id or a beginning of it.
    pub resume: Option<String>,
}

/// A foreground proxy.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Serving {
    /// Port; `None` = ephemeral.
    pub port: Option<u16>,
    /// State file of the bind whose router this is.
    pub router: Option<std::path::PathBuf>,
    /// Whether it has the bridge's face, and for whom.
    pub bridge: Option<crate::domain::bridge::Access>,
}
