//! From arguments to what the program is to do: the launch matrix (architecture.md §6, decisions.md D2).
//!
//! Pure: terminal and environment come in as facts, everything that can be refused is refused before a root
//! is opened.

mod flags;

use std::ffi::OsString;

use clap::Parser as _;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::app::checkup::{Fixing, Order};
use crate::app::flows::config::Ask;
use crate::app::flows::login::{Method, Request};
use crate::app::flows::rules;
use crate::app::goal::{
    Choosing, Command, Entry, Forwarding, Goal, Listing, Moments, Replaying, Serving, Tab,
};
use crate::app::history;
use crate::app::options::{Consent, Face, Form, Options, Root};
use crate::base::Span;
use crate::cli::args::{
    AccountWord, Cli, DebugWord, Global, PROGRAM, ProfileWord, UninstallArgs, UsageArgs, WhyArgs, Word,
    completions, lean,
};
use crate::cli::dispatch::flags::{
    chatter, form, identities, numbers, over, pages, shaped, terms_consent, typist,
};
use crate::cli::exit::Numbers;
use crate::cli::man;
use crate::cli::personality::Persona;
use crate::domain::chore::Chore;
use crate::domain::problem::{Exit, Hint, Problem};
use crate::domain::scope::Wish;
use crate::domain::selection::Strategy;
use crate::domain::settings::schema;
use crate::domain::uninstall;

/// What stands around the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Surroundings {
    /// Whether a person can see and type.
    pub terminal: Terminal,
    /// Whether `CODEX_MULTI_AUTH_HEADLESS` or the setting asks for the scripted face.
    pub preference: Preference,
}

/// Whether stdin and stdout are a person's terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Terminal {
    /// Both are, and nothing says that a program sits behind it.
    Interactive,
    /// One of them is not.
    Absent,
}

/// What the user wants when no flag says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preference {
    /// Screens where they fit.
    Screen,
    /// `CODEX_MULTI_AUTH_HEADLESS=1` or `headlessByDefault`.
    Headless,
}

/// What to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Invocation {
    /// Start the program.
    Start(Box<Started>),
    /// Print and end well: help, version, completions.
    Print(Vec<u8>),
    /// Write these files and end.
    Write(Vec<(std::path::PathBuf, String)>),
    /// A refused command line.
    Refuse(Box<Refusal>),
}

/// A program start.
#[derive(Debug, Clone, PartialEq)]
pub struct Started {
    /// What to do.
    pub goal: Goal,
    /// How to present it.
    pub options: Options,
    /// The command's word, for exit codes.
    pub command: &'static str,
    /// Which exit codes the caller expects.
    pub numbers: Numbers,
}

/// A refused command line.
#[derive(Debug, Clone, PartialEq)]
pub struct Refusal {
    /// Why.
    pub problem: Problem,
    /// The word of the command, when one was recognised.
    pub command: String,
    /// What the answer looks like.
    pub form: Form,
    /// Which exit codes the caller expects.
    pub numbers: Numbers,
}

/// Decides.
pub fn dispatch(persona: Persona, around: Surroundings) -> Invocation {
    match persona {
        Persona::Manager(args) => manager(&args, around),
        Persona::Forwarder { global, args } => forwarder(&global, args, around),
        Persona::Mcodex(args) => forwarder(&[], args, around),
    }
}

#[expect(clippy::too_many_lines, reason = "one arm per command, and no command without one")]
fn manager(args: &[OsString], around: Surroundings) -> Invocation {
    if wants_version(args) {
        return version();
    }
    let cli = match parse(args) {
        Ok(cli) => cli,
        Err(error) => return refused(&error, args),
    };
    let Cli { mut global, word } = cli;
    if global.version {
        return version();
    }
    if let Err(problem) = shaped(&mut global, word.as_ref()) {
        return refused_line(problem, word.as_ref().map_or("status", Word::name), &global);
    }
    global.json |= !global.fields.is_empty();
    if let Some(Word::Profile(_)) = &word {
        // `--project .` names the profile's project here, not the pool to work on.
        global.project = false;
    }
    let refuse = |problem: Problem, command: &str| {
        Invocation::Refuse(Box::new(Refusal {
            problem,
            command: command.to_owned(),
            form: form(&global),
            numbers: numbers(&global),
        }))
    };
    let manner = manner(&global, around);
    let command = word.as_ref().map_or("status", Word::name);
    let Some(word) = word else {
        let goal = match manner {
            Preference::Headless => status(Listing::Status),
            Preference::Screen => Goal::Dashboard(Entry::default()),
        };
        return start(goal, &global, manner, None, command);
    };
    let mut out = None;
    let (goal, watch) = match word {
        Word::Features => (Goal::Run(Command::Chore(Chore::Features)), None),
        Word::Setup(args) => (Goal::Run(Command::Chore(args.into())), None),
        Word::Launcher(args) => (Goal::Run(Command::Chore(args.into())), None),
        Word::Man { out: None } => return Invocation::Print(man::whole().into_bytes()),
        Word::Man { out: Some(folder) } => return Invocation::Write(man::pages(&folder)),
        Word::Completions { shell } => return Invocation::Print(completions(shell)),
        Word::Status(args) | Word::List(args) if args.line => (status(Listing::Line), args.watch),
        Word::Status(args) => {
            (view(Tab::Accounts, Command::Status(Listing::Status), manner, args.watch), args.watch)
        }
        Word::List(args) => {
            (view(Tab::Accounts, Command::Status(Listing::List), manner, args.watch), args.watch)
        }
        Word::Switch { account: None } => return refuse(missing_index(), command),
        Word::Switch { account: Some(account) } => (Goal::Run(Command::Switch(account)), None),
        Word::Login(args) => match args.request(terms_consent(&global), typist(manner), form(&global)) {
            Ok(request) => (sign_in(request, manner), None),
            Err(problem) => return refuse(problem, command),
        },
        Word::Unpin => (Goal::Run(Command::Unpin), None),
        Word::WhySelected(WhyArgs { request: Some(request), strategy, without, .. }) => {
            let strategy = strategy.as_deref().and_then(Strategy::from_word);
            let command = Command::Replay(Replaying { request, strategy, without });
            (view(Tab::Forecast, command, manner, None), None)
        }
        Word::WhySelected(WhyArgs { last, .. }) => {
            let moment = if last { Moments::Last } else { Moments::Now };
            (view(Tab::Forecast, Command::Why(moment), manner, None), None)
        }
        Word::Check(args) if args.fix => {
            let order = Order::Fix(Fixing { dry_run: false, live: true });
            (Goal::Run(Command::Checkup(order)), None)
        }
        Word::Check(args) => (view(Tab::Accounts, Command::Check(args.into()), manner, None), None),
        Word::Forecast(args) => match args.forecasting() {
            Ok(asked) => (view(Tab::Forecast, Command::Forecast(asked), manner, None), None),
            Err(problem) => return refuse(problem, command),
        },
        Word::Best(args) => {
            let now = args.apply || args.dry_run;
            match args.choosing() {
                Ok(asked) if now => (Goal::Run(Command::Best(asked)), None),
                Ok(asked) => (best(asked, manner), None),
                Err(problem) => return refuse(problem, command),
            }
        }
        Word::Report(args) | Word::Debug(DebugWord::Bundle(args)) => {
            match args.reporting(identities(&global)) {
                // A file is for another program.
                Ok(asked) if asked.out.is_some() => (Goal::Run(Command::Report(asked)), None),
                Ok(asked) => (view(Tab::Logs, Command::Report(asked), manner, None), None),
                Err(problem) => return refuse(problem, command),
            }
        }
        Word::VerifyFlagged(args) => (view(Tab::Accounts, Command::Flagged(args.into()), manner, None), None),
        // Choosing one is an act.
        Word::Workspace(args) if args.workspace.is_some() => {
            (Goal::Run(Command::Workspace(args.into())), None)
        }
        Word::Workspace(args) => (view(Tab::Accounts, Command::Workspace(args.into()), manner, None), None),
        Word::Config(word) => (config(word.ask(over(&global)), manner), None),
        Word::InitConfig(args) => (Goal::Run(Command::Config(args.ask(over(&global)))), None),
        Word::Doctor(args) => (view(Tab::Logs, Command::Checkup(args.into()), manner, None), None),
        Word::Fix(args) => (view(Tab::Logs, Command::Checkup(args.into()), manner, None), None),
        Word::Verify(args) => (view(Tab::Logs, Command::Checkup(args.into()), manner, None), None),
        Word::Usage(UsageArgs { act: Some(act), .. }) => (Goal::Run(Command::Checkup(act.into())), None),
        Word::Usage(args) => {
            let watch = args.watch;
            out.clone_from(&args.out);
            (view(Tab::Usage, Command::Usage(args.asked(global.json, global.format)), manner, watch), watch)
        }
        Word::Bridge(args) => (args.goal(), None),
        Word::Integrations(args) => (args.goal(), None),
        Word::History(args) => match args.goal() {
            Ok(goal) => (kept(goal, manner), None),
            Err(problem) => return refuse(problem, command),
        },
        Word::Models(args) => (view(Tab::Usage, Command::Models(args.into()), manner, None), None),
        Word::Budget(args) => match args.order() {
            Ok(order) => (ruled(order, manner), None),
            Err(problem) => return refuse(problem, command),
        },
        Word::Profile(words) => {
            let is_edit = matches!(words.word, Some(ProfileWord::Edit(_)));
            match words.order() {
                Ok(order) if is_edit => (view(Tab::Settings, Command::Rules(order), manner, None), None),
                Ok(order) => (Goal::Run(Command::Rules(order)), None),
                Err(problem) => return refuse(problem, command),
            }
        }
        Word::Backup(word) => match word.errand() {
            Ok(errand) => (Goal::Run(Command::Vault(errand)), None),
            Err(problem) => return refuse(problem, command),
        },
        Word::Account(AccountWord::Relogin(args)) => {
            match args.request(terms_consent(&global), typist(manner), form(&global)) {
                Ok(request) => (sign_in(request, manner), None),
                Err(problem) => return refuse(problem, command),
            }
        }
        Word::Account(word) => match word.command() {
            Ok(order) => (Goal::Run(order), None),
            Err(problem) => return refuse(problem, command),
        },
        Word::Export(args) => (Goal::Run(Command::Vault(args.into())), None),
        Word::Import(args) => (Goal::Run(Command::Vault(args.errand(terms_consent(&global)))), None),
        Word::Flagged(word) => (Goal::Run(Command::Vault(word.into())), None),
        Word::Sync(word) => (Goal::Run(Command::Vault(word.into())), None),
        Word::Monitor { pane: true, .. } if manner == Preference::Screen => {
            (Goal::Dashboard(Entry { tab: Some(Tab::Monitor), pane: true, command: None }), None)
        }
        Word::Monitor { watch, .. } => (view(Tab::Monitor, Command::Monitor, manner, watch), watch),
        Word::Rotation(args) => {
            let watch = args.watch();
            (args.into(), watch)
        }
        Word::Uninstall(UninstallArgs { dry_run, clear_accounts, purge, revoke }) => {
            (Goal::Run(Command::Uninstall(uninstall::Wish { dry_run, clear_accounts, purge, revoke })), None)
        }
        Word::Serve { port } => {
            (Goal::Serve(Serving { port: (port != 0).then_some(port), ..Serving::default() }), None)
        }
        Word::Router { state } => (Goal::Serve(Serving { router: Some(state), ..Serving::default() }), None),
        // The word itself is cut off before this parser; it stands in the table for help and completions.
        Word::Codex { args } => (Goal::Forward(Forwarding { args, resume: None }), None),
    };
    let mut invocation = start(goal, &global, manner, watch, command);
    if let Invocation::Start(started) = &mut invocation {
        started.options.out = out;
    }
    invocation
}

fn refused_line(problem: Problem, command: &str, global: &Global) -> Invocation {
    let (form, numbers) = (form(global), numbers(global));
    Invocation::Refuse(Box::new(Refusal { problem, command: command.to_owned(), form, numbers }))
}

fn forwarder(global: &[OsString], args: Vec<OsString>, around: Surroundings) -> Invocation {
    let global = match parse(global) {
        Ok(cli) => cli.global,
        Err(error) => return refused(&error, global),
    };
    if global.demo.is_some() {
        let problem =
            Problem::new("bad-argument", Exit::Usage, "the official CLI is never launched in a rehearsal")
                .because("it would ask the real back end about a made-up account")
                .hint(Hint::Run("--demo".to_owned()));
        let (form, numbers) = (form(&global), numbers(&global));
        return Invocation::Refuse(Box::new(Refusal { problem, command: "codex".to_owned(), form, numbers }));
    }
    let manner = manner(&global, around);
    start(Goal::Forward(Forwarding { args, resume: None }), &global, manner, None, "codex")
}

fn start(
    goal: Goal,
    global: &Global,
    manner: Preference,
    watch: Option<u32>,
    command: &'static str,
) -> Invocation {
    let face = match &goal {
        _ if manner == Preference::Headless => Face::Headless,
        Goal::Dashboard(_) => Face::Screen,
        Goal::Run(_) | Goal::Forward(_) | Goal::Serve(_) => Face::Terminal,
    };
    let options = Options {
        face,
        form: form(global),
        colour: global.color.into(),
        chatter: chatter(global),
        demo: global.demo.clone(),
        pool: match (global.project, global.user_pool) {
            (true, _) => Wish::Project,
            (_, true) => Wish::Global,
            (false, false) => Wish::Usual,
        },
        root: if global.allow_root { Root::Writes } else { Root::Looks },
        watch: watch.map(|seconds| Span::seconds(i64::from(seconds))),
        consent: if global.yes { Consent::Given } else { Consent::NotGiven },
        limit: global.timeout.map(|seconds| Span::seconds(i64::from(seconds))),
        fields: global.fields.clone(),
        pages: pages(global),
        out: None,
    };
    Invocation::Start(Box::new(Started { goal, options, command, numbers: numbers(global) }))
}

fn status(listing: Listing) -> Goal {
    Goal::Run(Command::Status(listing))
}

/// `best` on a screen shows the choice, and a key uses it; headless it is used at once.
fn best(asked: Choosing, manner: Preference) -> Goal {
    let dry_run = manner == Preference::Screen;
    view(Tab::Forecast, Command::Best(Choosing { dry_run, ..asked }), manner, None)
}

/// A sign-in is a screen on a terminal, except where it is done in two runs.
fn sign_in(request: Request, manner: Preference) -> Goal {
    match request.method {
        Method::PrintUrl | Method::Complete(_) => Goal::Run(Command::Login(request)),
        Method::Fitting | Method::Browser | Method::Device | Method::Manual => {
            view(Tab::Accounts, Command::Login(request), manner, None)
        }
    }
}

/// A view command: its screen on a terminal, its report otherwise. `--watch` is a stream of reports.
fn view(tab: Tab, command: Command, manner: Preference, watch: Option<u32>) -> Goal {
    if manner == Preference::Headless || watch.is_some() {
        return Goal::Run(command);
    }
    Goal::Dashboard(Entry { tab: Some(tab), pane: false, command: Some(command) })
}

/// Budgets are a pane of the Usage tab; what changes one is done and said in a line.
fn ruled(order: rules::Order, manner: Preference) -> Goal {
    if order.is_act() {
        return Goal::Run(Command::Rules(order));
    }
    view(Tab::Usage, Command::Rules(order), manner, None)
}

/// Kept sessions are a pane of the Logs tab; filing them anew is done and said.
fn kept(goal: Goal, manner: Preference) -> Goal {
    match goal {
        Goal::Run(Command::History(order))
            if !matches!(order, history::Order::Migrate(_) | history::Order::Undo) =>
        {
            view(Tab::Logs, Command::History(order), manner, None)
        }
        Goal::Run(_) | Goal::Dashboard(_) | Goal::Forward(_) | Goal::Serve(_) => goal,
    }
}

/// `config explain` shows the setting on its screen; everything else is said in a few lines.
fn config(ask: Ask, manner: Preference) -> Goal {
    let known = match &ask {
        Ask::Explain(key) => key.as_ref().is_none_or(|key| schema::row(key).is_some()),
        Ask::List
        | Ask::Get(_)
        | Ask::Set(..)
        | Ask::Unset(..)
        | Ask::Validate
        | Ask::Path
        | Ask::Edit
        | Ask::Template(..) => false,
    };
    let command = Command::Config(ask);
    if known { view(Tab::Settings, command, manner, None) } else { Goal::Run(command) }
}

fn manner(global: &Global, around: Surroundings) -> Preference {
    let asked = global.headless || global.json || global.quiet;
    if asked || around.terminal == Terminal::Absent { Preference::Headless } else { around.preference }
}

fn parse(args: &[OsString]) -> Result<Cli, clap::Error> {
    if let Some(cli) = lean::read(args) {
        return Ok(cli);
    }
    Cli::try_parse_from(std::iter::once(OsString::from(PROGRAM)).chain(args.iter().cloned()))
}

/// `--version` works on every level, also where an argument is missing.
fn wants_version(args: &[OsString]) -> bool {
    args.iter().take_while(|arg| *arg != "--").any(|arg| arg == "--version" || arg == "-v")
        && !args.iter().any(|arg| arg == "--help" || arg == "-h")
}

fn version() -> Invocation {
    Invocation::Print(concat!(env!("CARGO_PKG_VERSION"), "\n").as_bytes().to_vec())
}

fn missing_index() -> Problem {
    Problem::new("bad-argument", Exit::Usage, "Missing index. Usage: codex-multi-auth switch <index>")
        .hint(Hint::Say("The account may also be named by e-mail, label or id".to_owned()))
        .hint(Hint::Run("status".to_owned()))
}

fn refused(error: &clap::Error, args: &[OsString]) -> Invocation {
    if error.kind() == ErrorKind::DisplayHelp {
        return Invocation::Print(error.render().to_string().into_bytes());
    }
    let has =
        |long: &str, short: &str| args.iter().any(|arg| arg == long || (!short.is_empty() && arg == short));
    let form = if has("--json", "-j") { Form::Json } else { Form::Text };
    let numbers = if has("--exit-zero", "") { Numbers::ZeroOrOne } else { Numbers::Full };
    let (problem, command) = match context(error, ContextKind::InvalidSubcommand) {
        Some(word) => (unknown_command(&word, error), word),
        None => (bad_argument(error), first_word(args)),
    };
    Invocation::Refuse(Box::new(Refusal { problem, command, form, numbers }))
}

fn unknown_command(word: &str, error: &clap::Error) -> Problem {
    let problem = Problem::new("unknown-command", Exit::Usage, format!("Unknown command: {word}"));
    match context(error, ContextKind::SuggestedSubcommand) {
        Some(near) => problem.hint(Hint::Run(near)),
        None => problem.hint(Hint::Run("--help".to_owned())),
    }
}

fn bad_argument(error: &clap::Error) -> Problem {
    let text = error.render().to_string();
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let what = lines.next().unwrap_or("the arguments cannot be read");
    let what = what.strip_prefix("error: ").unwrap_or(what);
    let mut problem = Problem::new("bad-argument", Exit::Usage, what);
    for line in lines {
        if let Some(usage) = line.strip_prefix("Usage: ") {
            problem = problem.hint(Hint::Say(format!("Usage: {usage}")));
        } else if let Some(tip) = line.strip_prefix("tip: ") {
            problem = problem.hint(Hint::Say(tip.to_owned()));
        } else if !line.starts_with("For more information") {
            problem = problem.because(line);
        }
    }
    problem
}

fn context(error: &clap::Error, kind: ContextKind) -> Option<String> {
    let value = error.get(kind)?;
    if let ContextValue::String(text) = value {
        return Some(text.clone());
    }
    // The nearest stands last.
    if let ContextValue::Strings(texts) = value { texts.last().cloned() } else { None }
}

fn first_word(args: &[OsString]) -> String {
    args.iter()
        .map(|arg| arg.to_string_lossy())
        .find(|arg| !arg.starts_with('-'))
        .map(std::borrow::Cow::into_owned)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests;
