//! Adding an account: choose how, sign in, done (dashboard.md §12.4). The flow does the work; the wizard shows where
//! it stands and hands answers on.

mod way;

pub use way::Way;

use crate::app::action::Action;
use crate::app::field::Field;
use crate::app::flows::Ticket;
use crate::app::flows::login::{Request, SignedIn, Standing, unusable_workspace};
use crate::app::intent::{Intent, SignIn};
use crate::app::keys::Scope;
use crate::base::Secret;
use crate::domain::account::AccountKey;
use crate::domain::change::Pin;
use crate::domain::login::admission::Place;
use crate::domain::login::paste::Line;
use crate::domain::problem::Problem;
use crate::domain::terms::Consent;

/// The open wizard.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Wizard {
    /// The flow that runs.
    pub ticket: Option<Ticket>,
    /// Where it stands.
    pub stage: Stage,
    /// Cursor of the menu.
    pub place: usize,
    /// The way that was chosen.
    pub way: Option<Way>,
    /// What is being typed.
    pub field: Option<Field>,
    /// What it is typed for.
    pub typing: Typing,
    /// What was just done.
    pub note: String,
    /// The workspace that must come back.
    pub workspace: Option<String>,
    /// The account that signs in again.
    pub again: Option<Again>,
    /// What its end means.
    pub leave: Leave,
    /// `--accept-terms`
    pub consent: Consent,
    /// How many accounts the settings allow, if they say.
    pub most: Option<usize>,
}

/// An account that signs in again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Again {
    /// Which.
    pub key: AccountKey,
    /// Its label.
    pub label: String,
}

/// What is being typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Typing {
    /// The callback; its text is not shown.
    #[default]
    Callback,
    /// The id of a workspace.
    Workspace,
    /// A name for the account.
    Name,
}

/// What the end of a sign-in means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Leave {
    /// Back to the screen below.
    #[default]
    Screen,
    /// The program was started for it.
    Program,
}

/// Where the wizard stands.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Stage {
    /// How?
    #[default]
    Choose,
    /// A flow runs.
    Running(Standing),
    /// It is in the pool.
    Stored(Box<SignedIn>),
    /// It ended badly: again, another way, or back.
    Failed(Problem),
}

/// What an action does to the wizard.
pub enum Then {
    /// It stays.
    Stay(Box<Wizard>, Vec<Intent>),
    /// It closes.
    Close(Vec<Intent>),
    /// It gives way to the backups.
    Backups(Vec<Intent>),
    /// It gives way to the sign-ins found on this computer.
    Found(Vec<Intent>),
}

impl Wizard {
    /// Where its keys are looked up.
    pub fn scopes(&self) -> &'static [Scope] {
        match (&self.field, &self.stage) {
            (Some(_), _) => &[Scope::Field],
            (None, Stage::Choose | Stage::Failed(_)) => &[Scope::WizardMenu],
            (None, Stage::Stored(_)) if self.is_full() => &[Scope::WizardLast],
            (None, Stage::Stored(_)) => &[Scope::WizardDone],
            (None, Stage::Running(standing)) if standing.is_question() => &[Scope::WizardQuestion],
            (None, Stage::Running(_)) => &[Scope::Wizard],
        }
    }

    /// Whether what was stored is the last account that the settings allow.
    pub fn is_full(&self) -> bool {
        let Stage::Stored(done) = &self.stage else { return false };
        self.most.is_some_and(|most| done.total >= most)
    }

    /// Starts a way from the beginning.
    pub fn begin(mut self, way: Way) -> (Box<Self>, Vec<Intent>) {
        let mut intents = self.stop();
        self.way = Some(way);
        self.place = way.place();
        self.stage = Stage::Running(Standing::Working("starting"));
        self.field = None;
        self.note.clear();
        let request = Request {
            workspace: self.workspace.clone(),
            consent: self.consent,
            again: self.again.as_ref().map(|again| again.key.clone()),
            ..way.request()
        };
        intents.push(Intent::SignIn(SignIn::Start(request)));
        (Box::new(self), intents)
    }

    fn stop(&mut self) -> Vec<Intent> {
        self.ticket.take().map(|ticket| Intent::SignIn(SignIn::Stop(ticket))).into_iter().collect()
    }

    fn stay(self) -> Then {
        Then::Stay(Box::new(self), Vec::new())
    }

    fn start(self, way: Way) -> Then {
        let (wizard, intents) = self.begin(way);
        Then::Stay(wizard, intents)
    }

    /// Takes an action.
    #[expect(clippy::wildcard_enum_match_arm, reason = "a wizard takes few of the many actions")]
    pub fn act(mut self, action: Action) -> Then {
        if self.field.is_some() {
            return self.act_on_field(action);
        }
        if matches!(action, Action::Interrupt | Action::Back | Action::Leave) {
            let mut intents = self.stop();
            intents.extend((self.leave == Leave::Program).then_some(Intent::Quit));
            return Then::Close(intents);
        }
        if let Stage::Stored(done) = &self.stage {
            let done = done.clone();
            return self.act_on_stored(&done, action);
        }
        if action == Action::UseRow(4) {
            return Then::Backups(self.stop());
        }
        if action == Action::UseRow(5) {
            return Then::Found(self.stop());
        }
        if let Some(by) = action.steps(1) {
            self.place = self.place.saturating_add_signed(by).min(way::ROWS - 1);
            return self.stay();
        }
        if action == Action::Open && self.place >= Way::ALL.len() {
            let intents = self.stop();
            return if self.place == Way::ALL.len() { Then::Backups(intents) } else { Then::Found(intents) };
        }
        if let Some(way) = self.asked(action) {
            return self.start(way);
        }
        match action {
            Action::Yes | Action::No => self.answer(action),
            Action::PasteCallback => self.paste(),
            Action::Copy => self.copy(),
            Action::CopyLink => self.copy_link(),
            Action::Workspace => {
                let known = self.workspace.clone().unwrap_or_default();
                self.type_in(Typing::Workspace, &known)
            }
            Action::OpenPage => match self.link() {
                Some(url) => self.noted("opening the page again", |ticket| SignIn::OpenPage(ticket, url)),
                None => self.stay(),
            },
            _ => self.stay(),
        }
    }

    /// The way an action asks for.
    #[expect(clippy::wildcard_enum_match_arm, reason = "a wizard takes few of the many actions")]
    fn asked(&self, action: Action) -> Option<Way> {
        let at = |place: usize| Way::ALL.get(place).map(|(way, ..)| *way);
        match action {
            Action::UseRow(number) => at(usize::from(number).wrapping_sub(1)),
            Action::Open => at(self.place),
            Action::ByDevice => Some(Way::Device),
            Action::ByBrowser => Some(Way::Browser),
            _ => None,
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "a wizard takes few of the many actions")]
    fn act_on_stored(mut self, done: &SignedIn, action: Action) -> Then {
        match action {
            Action::AddAccount => {
                self.stage = Stage::Choose;
                self.again = None;
                self.note.clear();
                self.stay()
            }
            Action::UsePlain if done.place == Place::Behind => {
                let key = done.account.key.clone();
                let now = SignedIn { place: Place::Active, ..done.clone() };
                self.stage = Stage::Stored(Box::new(now));
                Then::Stay(Box::new(self), vec![Intent::Use(key, Pin::Clear)])
            }
            Action::Rename => self.type_in(Typing::Name, ""),
            _ => self.stay(),
        }
    }

    fn answer(self, action: Action) -> Then {
        let text = if action == Action::Yes { "y" } else { "n" };
        let line = Line::Text(Secret::from(text));
        self.noted("", |ticket| SignIn::Answer(ticket, line))
    }

    fn type_in(mut self, typing: Typing, text: &str) -> Then {
        self.field = Some(Field::holding(text));
        self.typing = typing;
        self.note.clear();
        self.stay()
    }

    /// Opens the field; a callback may also come while the browser is waited for.
    fn paste(self) -> Then {
        if matches!(self.stage, Stage::Running(Standing::Browser(_) | Standing::Paste { .. })) {
            return self.type_in(Typing::Callback, "");
        }
        self.start(Way::Paste)
    }

    fn act_on_field(mut self, action: Action) -> Then {
        let text = self.field.take().map(|field| field.text().to_owned()).unwrap_or_default();
        if action != Action::Open {
            return self.stay();
        }
        match self.typing {
            Typing::Workspace => self.require(text.trim()),
            Typing::Callback | Typing::Name if text.trim().is_empty() => self.stay(),
            Typing::Callback => {
                let line = Line::Text(Secret::new(text));
                self.noted("checking what was pasted", |ticket| SignIn::Answer(ticket, line))
            }
            Typing::Name => {
                let Stage::Stored(done) = &self.stage else { return self.stay() };
                let wish = Intent::Label(done.account.key.clone(), Some(text.trim().to_owned()));
                self.note = format!("called {}", text.trim());
                Then::Stay(Box::new(self), vec![wish])
            }
        }
    }

    /// Requires a workspace; an attempt that runs starts anew, because the link names it.
    fn require(mut self, id: &str) -> Then {
        if id.is_empty() {
            self.workspace = None;
        } else if let Some(problem) = unusable_workspace(id) {
            self.note = problem.what.replace("--org", "this field");
            return self.stay();
        } else {
            self.workspace = Some(id.to_owned());
        }
        match (self.way, &self.stage) {
            (Some(way), Stage::Running(_)) => self.start(way),
            (Some(_) | None, _) => self.stay(),
        }
    }

    /// The link that can be opened or copied now.
    pub fn link(&self) -> Option<Secret> {
        let Stage::Running(standing) = &self.stage else { return None };
        match standing {
            Standing::Browser(waiting) => Some(waiting.url.clone()),
            Standing::Paste { url, .. } => Some(url.clone()),
            Standing::Device(code) => Some(Secret::from(code.page.as_str())),
            Standing::Working(_)
            | Standing::Terms
            | Standing::Port { .. }
            | Standing::Workspace { .. }
            | Standing::Other { .. } => None,
        }
    }

    fn copy(mut self) -> Then {
        let Stage::Running(Standing::Device(code)) = &self.stage else { return self.copy_link() };
        let text = code.user_code.expose().to_owned();
        "code copied".clone_into(&mut self.note);
        Then::Stay(Box::new(self), vec![Intent::Copy(text)])
    }

    fn copy_link(mut self) -> Then {
        let Some(url) = self.link() else { return self.stay() };
        "link copied".clone_into(&mut self.note);
        Then::Stay(Box::new(self), vec![Intent::Copy(url.expose().to_owned())])
    }

    fn noted(mut self, note: &str, wish: impl FnOnce(Ticket) -> SignIn) -> Then {
        note.clone_into(&mut self.note);
        let intents = self.ticket.map(|ticket| Intent::SignIn(wish(ticket))).into_iter().collect();
        Then::Stay(Box::new(self), intents)
    }

    /// Whether a countdown moves.
    pub fn is_waiting(&self) -> bool {
        matches!(self.stage, Stage::Running(Standing::Browser(_) | Standing::Device(_)))
    }
}
