//! Adding an account: choose how, sign in, done (dashboard.md §12.4). The flow does the work; the wizard shows where
//! it stands and hands answers on.

use crate::app::action::Action;
use crate::app::field::Field;
use crate::app::flows::Ticket;
use crate::app::flows::login::{Method, Request, Standing};
use crate::app::intent::{Intent, SignIn};
use crate::app::keys::Scope;
use crate::app::options::Form;
use crate::base::Secret;
use crate::domain::login::paste::{Line, Typist};
use crate::domain::problem::Problem;
use crate::domain::terms::Consent;

/// Ways to sign in, in the order of the menu.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// A browser on this computer.
    Browser,
    /// A browser elsewhere; the callback is pasted.
    Paste,
    /// A code typed on another device.
    Device,
}

impl Way {
    /// All ways with what they are called and what they are for.
    pub const ALL: [(Self, &'static str, &'static str); 3] = [
        (Self::Browser, "Sign in with the browser", "this computer"),
        (Self::Paste, "Paste a callback", "other browser, private window"),
        (Self::Device, "Sign in with a device code", "SSH, containers, phone"),
    ];

    /// The short name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Browser => "browser",
            Self::Paste => "paste",
            Self::Device => "device code",
        }
    }

    fn request(self) -> Request {
        let method = match self {
            Self::Browser => Method::Browser,
            Self::Paste => Method::Manual,
            Self::Device => Method::Device,
        };
        Request {
            method,
            workspace: None,
            consent: Consent::Unsaid,
            typist: Typist::Screen,
            form: Form::Text,
        }
    }
}

/// The open wizard.
#[derive(Debug, Clone, PartialEq)]
pub struct Wizard {
    /// The flow that runs.
    pub ticket: Option<Ticket>,
    /// Where it stands.
    pub stage: Stage,
    /// Cursor of the menu.
    pub place: usize,
    /// The way that was chosen.
    pub way: Option<Way>,
    /// The callback while it is pasted; its text is not shown.
    pub field: Option<Field>,
    /// What was just done.
    pub note: &'static str,
}

/// Where the wizard stands.
#[derive(Debug, Clone, PartialEq)]
pub enum Stage {
    /// How?
    Choose,
    /// A flow runs.
    Running(Standing),
    /// It ended badly: again, another way, or back.
    Failed(Problem),
}

impl Default for Wizard {
    fn default() -> Self {
        Self { ticket: None, stage: Stage::Choose, place: 0, way: None, field: None, note: "" }
    }
}

/// What an action does to the wizard.
pub enum Then {
    /// It stays.
    Stay(Box<Wizard>, Vec<Intent>),
    /// It closes.
    Close(Vec<Intent>),
}

impl Wizard {
    /// Where its keys are looked up.
    pub fn scopes(&self) -> &'static [Scope] {
        match (&self.field, &self.stage) {
            (Some(_), _) => &[Scope::Field],
            (None, Stage::Choose | Stage::Failed(_)) => &[Scope::WizardMenu],
            (None, Stage::Running(Standing::Terms | Standing::Workspace { .. })) => &[Scope::WizardQuestion],
            (None, Stage::Running(_)) => &[Scope::Wizard],
        }
    }

    /// Starts a way from the beginning.
    fn begin(mut self, way: Way) -> Then {
        let mut intents = self.stop();
        self.way = Some(way);
        self.place = Way::ALL.iter().position(|(one, ..)| *one == way).unwrap_or(0);
        self.stage = Stage::Running(Standing::Working("starting"));
        self.field = None;
        self.note = "";
        intents.push(Intent::SignIn(SignIn::Start(way.request())));
        Then::Stay(Box::new(self), intents)
    }

    fn stop(&mut self) -> Vec<Intent> {
        self.ticket.take().map(|ticket| Intent::SignIn(SignIn::Stop(ticket))).into_iter().collect()
    }

    /// Takes an action.
    pub fn act(mut self, action: Action) -> Then {
        if self.field.is_some() {
            return self.act_on_field(action);
        }
        if matches!(action, Action::Interrupt | Action::Back | Action::Leave) {
            return Then::Close(self.stop());
        }
        if let Action::UseRow(number) = action {
            let way = Way::ALL.get(usize::from(number).wrapping_sub(1)).map(|(way, ..)| *way);
            return self.begin_some(way);
        }
        if let Some(by) = action.steps(1) {
            self.place = self.place.saturating_add_signed(by).min(Way::ALL.len() - 1);
            return Then::Stay(Box::new(self), Vec::new());
        }
        let asked = [
            (Action::Open, Way::ALL.get(self.place).map(|(way, ..)| *way)),
            (Action::ByDevice, Some(Way::Device)),
            (Action::ByBrowser, Some(Way::Browser)),
        ];
        if let Some((_, way)) = asked.into_iter().find(|(one, _)| *one == action) {
            return self.begin_some(way);
        }
        if matches!(action, Action::Yes | Action::No) {
            return self.answer(action);
        }
        if action == Action::PasteCallback {
            return self.paste();
        }
        if action == Action::Copy {
            return self.copy();
        }
        match self.link() {
            Some(url) if action == Action::OpenPage => {
                self.noted("opening the page again", |ticket| SignIn::OpenPage(ticket, url))
            }
            Some(_) | None => Then::Stay(Box::new(self), Vec::new()),
        }
    }

    fn begin_some(self, way: Option<Way>) -> Then {
        match way {
            Some(way) => self.begin(way),
            None => Then::Stay(Box::new(self), Vec::new()),
        }
    }

    fn answer(self, action: Action) -> Then {
        let text = if action == Action::Yes { "y" } else { "n" };
        let line = Line::Text(Secret::from(text));
        self.noted("", |ticket| SignIn::Answer(ticket, line))
    }

    /// Opens the field; a callback may also come while the browser is waited for.
    fn paste(mut self) -> Then {
        if matches!(self.stage, Stage::Running(Standing::Browser(_) | Standing::Paste { .. })) {
            self.field = Some(Field::default());
            self.note = "";
            return Then::Stay(Box::new(self), Vec::new());
        }
        self.begin(Way::Paste)
    }

    fn act_on_field(mut self, action: Action) -> Then {
        let text = self.field.take().map(|field| field.text().to_owned()).unwrap_or_default();
        if action != Action::Open || text.trim().is_empty() {
            return Then::Stay(Box::new(self), Vec::new());
        }
        let line = Line::Text(Secret::new(text));
        self.noted("checking what was pasted", |ticket| SignIn::Answer(ticket, line))
    }

    /// The link that can be opened or copied now.
    pub fn link(&self) -> Option<Secret> {
        let Stage::Running(standing) = &self.stage else { return None };
        match standing {
            Standing::Browser(waiting) => Some(waiting.url.clone()),
            Standing::Paste { url, .. } => Some(url.clone()),
            Standing::Device(code) => Some(Secret::from(code.page.as_str())),
            Standing::Working(_) | Standing::Terms | Standing::Workspace { .. } => None,
        }
    }

    fn copy(mut self) -> Then {
        let (text, note) = match (&self.stage, self.link()) {
            (Stage::Running(Standing::Device(code)), _) => (code.user_code.clone(), "code copied"),
            (_, Some(url)) => (url, "link copied"),
            (_, None) => return Then::Stay(Box::new(self), Vec::new()),
        };
        self.note = note;
        Then::Stay(Box::new(self), vec![Intent::Copy(text.expose().to_owned())])
    }

    fn noted(mut self, note: &'static str, wish: impl FnOnce(Ticket) -> SignIn) -> Then {
        self.note = note;
        let intents = self.ticket.map(|ticket| Intent::SignIn(wish(ticket))).into_iter().collect();
        Then::Stay(Box::new(self), intents)
    }

    /// Whether a countdown moves.
    pub fn is_waiting(&self) -> bool {
        matches!(self.stage, Stage::Running(Standing::Browser(_) | Standing::Device(_)))
    }
}
