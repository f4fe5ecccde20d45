//! `login`: one sign-in by browser, device code or pasted callback, headless or at a terminal (login.md).
//!
//! The flow holds the attempt and judges what comes back; sockets, files and the terminal are effects. Nothing is
//! stored before a session was granted, and then in one commit, so breaking off at any point changes nothing.

mod ending;
mod request;
mod standing;
mod storing;
mod talk;
mod words;

pub use ending::{Ending, SignedIn};
pub use request::{Method, Request, unusable_workspace};
pub use standing::{Standing, Waiting};
pub use talk::{Courtesy, Listening, LoginEffect, LoginMsg, Opened, Survey, V6};
pub use words::notice;

use crate::app::effect::{Effect, Effects};
use crate::app::flows::{Step, Ticket};
use crate::app::msg::{CodexMsg, Msg, Signal, StoreMsg};
use crate::app::outcome::{Body, Outcome};
use crate::app::world::World;
use crate::base::{Moment, Secret};
use crate::domain::login::PORTS;
use crate::domain::login::admission::SignIn;
use crate::domain::login::attempt::{Attempt, KEPT_FOR, Prompt, Wish};
use crate::domain::login::browser::Outlook;
use crate::domain::login::device::DeviceCode;
use crate::domain::login::failure::{Failure, Question};
use crate::domain::login::paste::{self, Line, Paste, Typist};
use crate::domain::problem::{Exit, Problem};
use crate::domain::terms::{self, By, Gate};

const COMMAND: &str = "login";
/// Bad pastes a person may make before the flow gives up.
const BAD_PASTES: u8 = 3;

/// The flow's state.
#[derive(Debug, Clone, PartialEq)]
pub struct Flow {
    ticket: Ticket,
    request: Request,
    stage: Stage,
    attempt: Option<Box<Attempt>>,
    sign_in: Option<Box<SignIn>>,
    report: Option<Box<SignedIn>>,
    outlook: Outlook,
    bad_pastes: u8,
    waiting: Option<Box<Waiting>>,
    device: Option<Box<DeviceCode>>,
    complaint: Option<Problem>,
    holder: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    World,
    Survey,
    AskTerms,
    RecordTerms,
    Mint,
    Keep,
    Recall,
    Paste,
    Listen,
    AskPort,
    Browser,
    AskDevice,
    Device,
    Exchange,
    AskWorkspace,
    AskOther,
    SetAside,
    Commit,
    Mirror,
}

impl Flow {
    /// A flow that waits for the pool.
    pub fn new(ticket: Ticket, request: Request) -> Self {
        Self {
            ticket,
            request,
            stage: Stage::World,
            attempt: None,
            sign_in: None,
            report: None,
            outlook: Outlook::Likely,
            bad_pastes: 0,
            waiting: None,
            device: None,
            complaint: None,
            holder: None,
        }
    }

    /// Hears a message.
    pub fn on(&mut self, message: &Msg, world: &World, at: Moment) -> Step {
        if let Msg::Signal(signal) = message
            && *signal != Signal::Continued
        {
            return self.interrupted(*signal);
        }
        if self.stage == Stage::World {
            return self.begin(world);
        }
        if let Msg::Login(ticket, message) = message
            && *ticket == self.ticket
        {
            return self.heard(message, world, at);
        }
        if let Msg::Store(StoreMsg::Committed(ticket, answer)) = message
            && *ticket == self.ticket
        {
            return match answer {
                Ok(loaded) => self.committed(loaded, world),
                Err(problem) => self.fail(&Failure::Ours(Box::new(problem.clone()))),
            };
        }
        if let Msg::Codex(CodexMsg::Mirrored(ticket, mirrored)) = message
            && *ticket == self.ticket
        {
            return self.finish(Some(mirrored.clone()));
        }
        wait()
    }

    fn begin(&mut self, world: &World) -> Step {
        if !world.is_complete() {
            return wait();
        }
        if let Some(problem) = &world.trouble {
            return self.fail(&Failure::Ours(Box::new(problem.clone())));
        }
        if let Some(word) = self.request.whom.take() {
            match world.meant(&word) {
                Ok(key) => self.request.again = Some(key),
                Err(problem) => return self.fail(&Failure::Ours(Box::new(problem))),
            }
        }
        self.go(Stage::Survey, LoginEffect::Survey)
    }

    fn heard(&mut self, message: &LoginMsg, world: &World, at: Moment) -> Step {
        match (self.stage, message) {
            (Stage::Survey, LoginMsg::Surveyed(survey)) => self.surveyed(survey, world),
            (Stage::AskTerms, LoginMsg::Read(line)) if is_yes(line) => {
                self.go(Stage::RecordTerms, LoginEffect::Acknowledge(By::Dashboard))
            }
            (Stage::RecordTerms, LoginMsg::Acknowledged(Ok(()))) => self.choose(world),
            (Stage::Mint, LoginMsg::Minted(Ok(attempt))) => self.minted(attempt),
            (Stage::Keep, LoginMsg::Kept(Ok(()))) => self.printed(at),
            (Stage::Recall, LoginMsg::Minted(Ok(attempt))) => self.recalled(attempt),
            (Stage::Listen, LoginMsg::Listening(Ok(listening))) => self.listening(listening, at),
            (Stage::Listen, LoginMsg::PortTaken(holder)) => {
                self.stage = Stage::AskPort;
                self.holder.clone_from(holder);
                wait()
            }
            (Stage::AskPort, LoginMsg::Read(line)) => {
                let courtesy = if is_yes(line) { Courtesy::Ask } else { Courtesy::Leave };
                let wish = self.wish(world);
                self.go(Stage::Listen, LoginEffect::Listen(wish, courtesy))
            }
            (Stage::Browser, LoginMsg::Opened(opened)) => self.opened(*opened),
            (Stage::Browser | Stage::Paste, LoginMsg::Read(line)) => self.pasted(line),
            (Stage::AskDevice, LoginMsg::Device(Ok(code))) => self.device(code),
            (Stage::Browser | Stage::Device | Stage::Exchange, LoginMsg::Granted(Ok(sign_in))) => {
                self.granted(sign_in, world)
            }
            (Stage::AskWorkspace, LoginMsg::Read(line)) if is_yes(line) => self.identify(world),
            (Stage::AskWorkspace, LoginMsg::Read(_)) => self.set_aside(),
            (Stage::AskOther, LoginMsg::Read(line)) if is_yes(line) => self.store(world),
            (Stage::AskTerms | Stage::AskOther, LoginMsg::Read(_)) => self.fail(&Failure::Cancelled),
            (Stage::SetAside, LoginMsg::WasSetAside(Ok(path))) => self.refuse_workspace(path.clone()),
            (Stage::Mirror, LoginMsg::WroteBack(warning)) => {
                if let (Some(report), Some(warning)) = (&mut self.report, warning) {
                    report.warnings.push(warning.clone());
                }
                self.finish(None)
            }
            (
                _,
                LoginMsg::Acknowledged(Err(failure))
                | LoginMsg::Minted(Err(failure))
                | LoginMsg::Kept(Err(failure))
                | LoginMsg::Listening(Err(failure))
                | LoginMsg::Device(Err(failure))
                | LoginMsg::Granted(Err(failure))
                | LoginMsg::WasSetAside(Err(failure)),
            ) => self.fail(failure),
            // An answer to a question that is no longer open.
            _ => wait(),
        }
    }

    fn surveyed(&mut self, survey: &Survey, world: &World) -> Step {
        self.outlook = survey.outlook;
        if self.request.workspace.is_none()
            && let Some(workspace) = &survey.workspace
        {
            if let Some(problem) = unusable_workspace(workspace) {
                return self.fail(&Failure::Ours(Box::new(problem)));
            }
            self.request.workspace = Some(workspace.clone());
        }
        if world.setting.demo.is_some() {
            return self.choose(world);
        }
        let accounts = world.roster.accounts.len();
        match (terms::gate(survey.acknowledged, accounts, self.request.consent), self.request.typist) {
            (Gate::Open, _) => self.choose(world),
            (Gate::Record(by), _) => {
                self.stage = Stage::RecordTerms;
                let notice = if by == By::Notice { words::notice() } else { Effects::new() };
                let mut effects = self.said(notice);
                effects.push(self.effect(LoginEffect::Acknowledge(by)));
                Step::Wait(effects)
            }
            (Gate::Ask, Typist::Script) => self.fail(&Failure::NeedsAnswer(Question::Terms)),
            (Gate::Ask, Typist::Person | Typist::Screen) => self.ask(Stage::AskTerms, words::terms()),
        }
    }

    /// The method, once nothing stands against it.
    fn choose(&mut self, world: &World) -> Step {
        let wish = self.wish(world);
        match (&self.request.method, self.request.typist) {
            (Method::Device, _) | (Method::Fitting, Typist::Script) => {
                self.go(Stage::AskDevice, LoginEffect::AskDevice)
            }
            (Method::Manual | Method::PrintUrl, _) => self.go(Stage::Mint, LoginEffect::Mint(wish)),
            (Method::Complete(_), _) => self.go(Stage::Recall, LoginEffect::Recall),
            (Method::Browser, _) => self.go(Stage::Listen, LoginEffect::Listen(wish, self.courtesy())),
            (Method::Fitting, Typist::Person | Typist::Screen) => match self.outlook {
                Outlook::Suppressed => self.go(Stage::Mint, LoginEffect::Mint(wish)),
                Outlook::Likely => self.go(Stage::Listen, LoginEffect::Listen(wish, self.courtesy())),
                Outlook::Unlikely(why) => {
                    self.stage = Stage::AskDevice;
                    let mut effects = self.said(vec![words::no_browser(why)]);
                    effects.push(self.effect(LoginEffect::AskDevice));
                    Step::Wait(effects)
                }
            },
        }
    }

    fn wish(&self, world: &World) -> Wish {
        let prompt = if world.roster.accounts.is_empty() { Prompt::AsKnown } else { Prompt::Login };
        Wish { prompt, workspace: self.request.workspace.clone() }
    }

    /// On a screen a person decides whether somebody else's sign-in gives way.
    fn courtesy(&self) -> Courtesy {
        if self.request.typist == Typist::Screen { Courtesy::Question } else { Courtesy::Ask }
    }

    fn minted(&mut self, attempt: &Attempt) -> Step {
        let attempt = Box::new(attempt.clone());
        self.attempt = Some(attempt.clone());
        if self.request.method == Method::PrintUrl {
            return self.go(Stage::Keep, LoginEffect::Keep(attempt));
        }
        self.stage = Stage::Paste;
        let words = words::paste_here(&attempt.url, self.request.typist, self.request.form, self.ticket);
        self.read_callback(words)
    }

    fn printed(&mut self, at: Moment) -> Step {
        let url = self.attempt.as_ref().map(|attempt| attempt.url.clone()).unwrap_or_default();
        self.end(Effects::new(), Ending::Printed { url, until: at + KEPT_FOR })
    }

    fn recalled(&mut self, attempt: &Attempt) -> Step {
        self.attempt = Some(Box::new(attempt.clone()));
        self.stage = Stage::Paste;
        let Method::Complete(Some(callback)) = &self.request.method else {
            return self.read_callback(Effects::new());
        };
        self.pasted(&Line::Text(callback.clone()))
    }

    fn listening(&mut self, listening: &Listening, at: Moment) -> Step {
        let attempt = Box::new(listening.attempt.clone());
        self.stage = Stage::Browser;
        self.waiting = Some(Box::new(Waiting {
            url: attempt.url.clone(),
            port: listening.port,
            v6: listening.v6,
            since: at,
            opened: None,
            complaint: None,
        }));
        let mut words = words::browser(&attempt.url, listening.port, self.ticket, self.request.form);
        let open = self.effect(LoginEffect::Open(attempt.url.clone()));
        self.attempt = Some(attempt);
        if self.request.typist == Typist::Screen {
            return Step::Wait(vec![open]);
        }
        words.push(open);
        self.read_callback(words)
    }

    fn opened(&mut self, opened: Opened) -> Step {
        if let Some(waiting) = &mut self.waiting {
            waiting.opened = Some(opened);
        }
        Step::Wait(self.said(words::opened(opened)))
    }

    fn device(&mut self, code: &DeviceCode) -> Step {
        self.stage = Stage::Device;
        self.device = Some(Box::new(code.clone()));
        let mut effects = self.said(words::device(code, self.ticket, self.request.form));
        effects.push(self.effect(LoginEffect::AwaitDevice(Box::new(code.clone()))));
        Step::Wait(effects)
    }

    fn pasted(&mut self, line: &Line) -> Step {
        let Some(attempt) = self.attempt.clone() else { return self.fail(&Failure::NoAttempt) };
        if *line == Line::Terminal {
            return self.fail(&Failure::NeedsAnswer(Question::Callback));
        }
        // Enter is no answer while the browser may still come.
        let is_blank = line.text().is_some_and(|text| text.trim().is_empty());
        if self.stage == Stage::Browser && is_blank {
            return self.read_callback(Effects::new());
        }
        let failure = match paste::judge(line.text(), &attempt.state) {
            Paste::Code(code) => return self.exchange(attempt, code),
            Paste::Cancelled => return self.fail(&Failure::Cancelled),
            Paste::Denied(denial) => return self.fail(&Failure::Denied(denial)),
            Paste::Incomplete(missing) => Failure::Incomplete(missing),
            Paste::OtherAttempt => Failure::OtherAttempt,
        };
        self.complaint = Some(failure.problem());
        if self.request.typist == Typist::Screen {
            return wait();
        }
        self.bad_pastes += 1;
        let is_one_shot = matches!(self.request.method, Method::Complete(Some(_)));
        if self.request.typist == Typist::Script || is_one_shot || self.bad_pastes >= BAD_PASTES {
            return self.fail(&failure);
        }
        self.read_callback(words::again(&failure.problem()))
    }

    fn exchange(&mut self, attempt: Box<Attempt>, code: Secret) -> Step {
        self.stage = Stage::Exchange;
        // The listener has nothing left to wait for.
        let effect = match self.request.method {
            Method::Complete(_) => LoginEffect::Complete(attempt, code),
            Method::Fitting | Method::Browser | Method::Device | Method::Manual | Method::PrintUrl => {
                LoginEffect::Exchange(attempt, code)
            }
        };
        Step::Wait(vec![Effect::Cancel(self.ticket), self.effect(effect)])
    }

    fn interrupted(&self, signal: Signal) -> Step {
        let exit = Exit::Signal(signal.number());
        let problem = Problem::new("interrupted", exit, "Interrupted: nothing was stored");
        self.end(vec![Effect::Cancel(self.ticket)], Ending::Failed(problem))
    }

    fn fail(&self, failure: &Failure) -> Step {
        self.end(vec![Effect::Cancel(self.ticket)], Ending::Failed(failure.problem()))
    }

    #[expect(clippy::unused_self, reason = "reads like its neighbours where a flow ends")]
    fn end(&self, effects: Effects, ending: Ending) -> Step {
        let exit = ending.exit();
        Step::Done(effects, Box::new(Outcome { command: COMMAND, exit, body: Body::Login(Box::new(ending)) }))
    }

    /// What is said at a terminal; a screen shows where the flow stands instead.
    fn said(&self, words: Effects) -> Effects {
        if self.request.typist != Typist::Screen {
            return words;
        }
        words
            .into_iter()
            .filter(|effect| {
                !matches!(
                    effect,
                    Effect::Tell(_) | Effect::Announce(_) | Effect::Login(_, LoginEffect::Whisper(_))
                )
            })
            .collect()
    }

    fn ask(&mut self, stage: Stage, words: Effects) -> Step {
        self.stage = stage;
        let mut effects = self.said(words);
        if self.request.typist != Typist::Screen {
            effects.push(self.effect(LoginEffect::ReadAnswer));
        }
        Step::Wait(effects)
    }

    fn read_callback(&self, words: Effects) -> Step {
        let mut effects = self.said(words);
        if self.request.typist != Typist::Screen {
            effects.push(self.effect(LoginEffect::ReadCallback(self.request.typist)));
        }
        Step::Wait(effects)
    }

    fn go(&mut self, stage: Stage, effect: LoginEffect) -> Step {
        self.stage = stage;
        Step::Wait(vec![self.effect(effect)])
    }

    fn effect(&self, effect: LoginEffect) -> Effect {
        Effect::Login(self.ticket, effect)
    }
}

/// The port that a pasted callback names: nobody listens there, so the first one will do.
pub const PASTE_PORT: u16 = PORTS[0];

fn is_yes(line: &Line) -> bool {
    line.text().is_some_and(|text| ["y", "yes"].contains(&text.trim().to_lowercase().as_str()))
}

fn wait() -> Step {
    Step::Wait(Effects::new())
}
