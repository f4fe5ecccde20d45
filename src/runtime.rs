//! The loop, its services and its shells.

mod ask;
pub mod bridge;
pub mod checkup;
pub mod chore;
pub mod demo;
pub mod engine;
mod feed;
pub mod guardian;
pub mod history;
pub mod host;
pub mod input;
pub mod launch;
pub mod listen;
mod logging;
mod login;
mod looks;
mod offer;
pub mod perform;
pub mod rotation;
pub mod router;
pub mod screen;
pub mod services;
pub mod settings;
pub mod shell;
pub mod skins;
pub mod terminal;
pub mod titles;
pub mod uninstall;
mod watch;

use std::io::{self, Write as _};
use std::sync::Arc;

use crate::adapters::clock::SystemClock;
use crate::adapters::disk::{atomic, perms};
use crate::adapters::entropy::SystemEntropy;
use crate::adapters::env::Env;
use crate::adapters::made::Made;
use crate::adapters::places;
use crate::adapters::store::DiskStore;
use crate::app::effect::Capture;
use crate::app::flows::login::{Method, Request};
use crate::app::flows::serve::Announce;
use crate::app::goal::{Command, Entry, Forwarding, Goal, Listing, Serving};
use crate::app::keys::hints::Signs;
use crate::app::lines::Lines;
use crate::app::model::{Boot, Model};
use crate::app::options::{Chatter, Face, Form, Options, Pages, Root};
use crate::app::outcome::{Body, Outcome, Shape};
use crate::app::world::Setting;
use crate::base::calendar::Zone;
use crate::domain::bind::heal::Rotation;
use crate::domain::endpoints::Endpoints;
use crate::domain::login::paste::Typist;
use crate::domain::places::Places;
use crate::domain::problem::{Exit, Hint, Problem};
use crate::domain::settings::Settings;
use crate::ports::store::StoreError;
use crate::ports::{Clock as _, Entropy as _};
use crate::report;
use crate::runtime::demo::Demo;
use crate::runtime::host::{Asks, Host, Surroundings};
use crate::runtime::shell::dashboard::Dashboard;
use crate::runtime::shell::headless::Headless;
use crate::runtime::shell::plain::Plain;
use crate::view::plain;
use crate::view::skin::Glyphs;

/// The size assumed where nothing is drawn.
const NO_SCREEN: (u16, u16) = (80, 24);

/// Does what the command line asked for, prints its report and returns how the process ends.
pub fn run(goal: Goal, options: Options) -> Exit {
    terminal::hook_panics();
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            let problem = Problem::new("internal", Exit::Failed, "the program could not start")
                .because(error.to_string());
            return refuse(&goal, problem, options.form);
        }
    };
    runtime.block_on(start(goal, options))
}

async fn start(goal: Goal, options: Options) -> Exit {
    let mut env = Env::read();
    if let Goal::Serve(Serving { router: Some(state), .. }) = &goal
        && let Some(ended) = router::prepare(&mut env, state).await
    {
        return ended;
    }
    let host = match build(&goal, &options, env) {
        Ok(host) => Host { consent: options.consent, ..host },
        Err(problem) => return refuse(&goal, problem, options.form),
    };
    let had_home = host.places.codex_home().exists();
    let _log = logging::start(&host.env, &goal, &options, host.places.logs());
    if options.face == Face::Headless && matches!(goal, Goal::Run(_)) {
        host.store.work_alone();
    }
    match stranger(&host, &options) {
        Some(problem) if !only_looks(&goal) => return refuse(&goal, problem, options.form),
        Some(_) => {}
        None => host.auth.recover().await,
    }
    if options.face != Face::Screen {
        host.store.tell_waits(|holder| {
            let whom = holder.map(|pid| format!(" (pid {pid})")).unwrap_or_default();
            let _ = writeln!(io::stderr().lock(), "waiting for another process{whom} to finish its change");
        });
    }
    let settings = host.settings().await;
    heal(&host, &goal, &options, &settings).await;
    if stranger(&host, &options).is_none() {
        offer::offer(&host, &goal, &options);
    }
    let goal = settle(goal, &options, &settings);
    if lists_only(&goal) {
        host.store.only_list();
    }
    if let (Goal::Run(_), Some(pause)) = (&goal, options.watch) {
        return Box::pin(watch::watch(&host, &goal, &options, pause)).await;
    }
    // Asked only where there is a screen: without a terminal the library starts `tput` to learn it.
    let size = if matches!(goal, Goal::Dashboard(_)) { crossterm::terminal::size().ok() } else { None };
    let boot = boot(&goal, &host, options.form, size.unwrap_or(NO_SCREEN)).await;
    let (mut model, effects) = crate::app::init(goal, boot);
    model.limit = options.limit;
    let (exit, model) = if matches!(model.goal, Goal::Dashboard(_)) {
        let capture = if settings.mouse { Capture::On } else { Capture::Off };
        let skins = skins::Skins::new(&host.env, host.places.clone(), options.colour);
        if is_plain(&options, &settings) || skins.is_dumb() {
            model.ui.lines = Some(Lines::default());
            model.ui.size = plain::SIZE;
            let ended = engine::run(model, effects, host.clone(), &mut Plain::default()).await;
            return end(ended, host, had_home, options).await;
        }
        if skins.glyphs(&settings) == Glyphs::Ascii {
            model.ui.signs = Signs::Ascii;
        }
        let mut shell = match Dashboard::new(capture, skins) {
            Ok(shell) => shell,
            Err(error) => {
                let problem = Problem::new("internal", Exit::Failed, "the terminal could not be taken")
                    .because(error.to_string())
                    .hint(Hint::Say("Add `--headless` to print instead".to_owned()));
                return refuse(&model.goal, problem, options.form);
            }
        };
        engine::run(model, effects, host.clone(), &mut shell).await
    } else {
        engine::run(model, effects, host.clone(), &mut Headless).await
    };
    end((exit, model), host, had_home, options).await
}

/// What is left to do when the loop has ended.
async fn end((exit, model): (Exit, Model), host: Host, had_home: bool, options: Options) -> Exit {
    if let Some(session) = model.resume.clone().filter(|_| exit == Exit::Ok) {
        let forwarding = Forwarding { args: Vec::new(), resume: Some(session) };
        let options = Options { face: Face::Terminal, ..options };
        return Box::pin(start(Goal::Forward(forwarding), options)).await;
    }
    if matches!(model.goal, Goal::Forward(_)) {
        host.settle_selection().await;
    }
    if !had_home && host.places.root().is_dir() {
        // It goes again with us, if nobody else uses it.
        let _ = Made::of(&host.places).note_folder(host.places.codex_home());
    }
    let exit = print_outcome(&model, &options).unwrap_or(exit);
    // The process ends here and the system takes its memory back; freeing thousands of accounts one by one would
    // take longer than printing them.
    std::mem::forget(model);
    exit
}

/// Whether lines take the place of the screen.
fn is_plain(options: &Options, settings: &Settings) -> bool {
    options.pages == Pages::Spoken || settings.plain
}

fn build(goal: &Goal, options: &Options, env: Env) -> Result<Host, Problem> {
    let endpoints = Endpoints::resolve(
        env.upstream_base_url.as_deref(),
        env.upstream_base_url_alias.as_deref(),
        env.auth_base_url.as_deref(),
    )?;
    let asks = if options.face == Face::Headless { Asks::Nobody } else { Asks::Person };
    let Some(scenario) = &options.demo else {
        let places = pool_of(&env, options)?;
        let around = Surroundings { places, env, endpoints, demo: None };
        return Host::build(around, asks);
    };
    if matches!(goal, Goal::Forward(_)) {
        return Err(Problem::new(
            "bad-argument",
            Exit::Usage,
            "the official CLI cannot be launched in a rehearsal",
        )
        .because("it would ask the real host about a made-up account")
        .hint(Hint::Say("Leave out `--demo` to launch it for real".to_owned())));
    }
    if endpoints.backend_overridden || endpoints.auth_overridden {
        return Err(Problem::new(
            "unsafe-override",
            Exit::Usage,
            "a rehearsal brings its own back end, but an endpoint override is set",
        )
        .hint(Hint::Say(
            "Unset `CODEX_MULTI_AUTH_UPSTREAM_BASE_URL` and `CODEX_MULTI_AUTH_AUTH_BASE_URL`".to_owned(),
        )));
    }
    let demo = Arc::new(Demo::open(scenario, SystemClock::new().now())?);
    Host::build(demo.surroundings(env)?, asks)
}

fn pool_of(env: &Env, options: &Options) -> Result<Places, Problem> {
    places::scoped(places::resolve(env), env, &places::current_dir(), options.pool, |places| {
        DiskStore::new(Arc::new(places.clone()), env, SystemClock::new()).settings_now().per_project
    })
}

/// Root in the home of another user: files made there would be root's, and their owner could not read them.
fn stranger(host: &Host, options: &Options) -> Option<Problem> {
    if options.root == Root::Writes || host.demo.is_some() {
        return None;
    }
    let home = host.places.user_home();
    let owner = perms::owner_over_root(home)?;
    let home = home.display().to_string();
    host.store.forbid(home.clone(), owner.clone());
    Some(StoreError::Foreign { home, owner }.into())
}

/// Mends what a crash left of the persistent bind; whoever is about to change it, or serves it, does so himself.
async fn heal(host: &Host, goal: &Goal, options: &Options, settings: &Settings) {
    let is_at_it = match goal {
        Goal::Serve(Serving { router: Some(_), .. }) => true,
        Goal::Run(command) => command.changes_bind(),
        Goal::Serve(_) | Goal::Dashboard(_) | Goal::Forward(_) => false,
    };
    if is_at_it || host.demo.is_some() || stranger(host, options).is_some() {
        return;
    }
    let rotation = if settings.rotation { Rotation::On } else { Rotation::Off };
    for line in host.binder.heal(host.places.config_toml(), rotation, host.clock.now()).await {
        let _ = writeln!(io::stderr().lock(), "{line}");
    }
}

/// Whether a command can do its work without writing anything.
fn only_looks(goal: &Goal) -> bool {
    match goal {
        Goal::Run(Command::Config(ask)) => !ask.is_act(),
        Goal::Run(Command::Rules(order)) => !order.is_act(),
        Goal::Run(Command::Bridge(order)) => !order.is_act(),
        Goal::Run(_) | Goal::Dashboard(_) | Goal::Forward(_) | Goal::Serve(_) => {
            matches!(
                goal,
                Goal::Run(
                    Command::Status(_)
                        | Command::Why(_)
                        | Command::Replay(_)
                        | Command::Monitor
                        | Command::Usage(_)
                        | Command::Models(_)
                )
            )
        }
    }
}

/// Whether a command shows accounts and neither asks nor tells anybody in their name.
fn lists_only(goal: &Goal) -> bool {
    match goal {
        Goal::Run(Command::Forecast(forecasting)) => !forecasting.live,
        Goal::Run(_) | Goal::Dashboard(_) | Goal::Forward(_) | Goal::Serve(_) => {
            matches!(goal, Goal::Run(Command::Status(_) | Command::Why(_)))
        }
    }
}

/// A screen is not opened where the settings ask for the scripted face.
fn settle(goal: Goal, options: &Options, settings: &Settings) -> Goal {
    match goal {
        Goal::Dashboard(entry) if options.face != Face::Screen || settings.headless_by_default => {
            match entry.command {
                Some(Command::Login(request)) if settings.headless_by_default => {
                    Goal::Run(Command::Login(Request { typist: Typist::Script, ..request }))
                }
                command => Goal::Run(command.unwrap_or(Command::Status(Listing::Status))),
            }
        }
        // Where lines are wanted a sign-in has its own: it asks and answers without a page around it.
        Goal::Dashboard(Entry { command: Some(Command::Login(request)), .. })
            if is_plain(options, settings) =>
        {
            Goal::Run(Command::Login(request))
        }
        Goal::Run(Command::Login(request)) if settings.headless_by_default => {
            Goal::Run(Command::Login(Request { typist: Typist::Script, ..request }))
        }
        Goal::Dashboard(_) | Goal::Run(_) | Goal::Forward(_) | Goal::Serve(_) => goal,
    }
}

async fn boot(goal: &Goal, host: &Host, form: Form, size: (u16, u16)) -> Boot {
    let overrides = (
        host.endpoints.backend_overridden.then(|| host.endpoints.backend.clone()),
        host.endpoints.auth_overridden.then(|| host.endpoints.auth.clone()),
    );
    let here = places::project(&host.places, &places::current_dir());
    Boot {
        at: host.clock.now(),
        setting: Setting {
            storage_path: host.places.pool().display().to_string(),
            project: host.places.scope().project().map(|project| project.key.clone()),
            here_root: here.as_ref().map(|project| project.identity_root.display().to_string()),
            here: here.map(|project| project.key),
            codex_home: host.places.codex_home().display().to_string(),
            backups: host.places.backups().display().to_string(),
            home: host.places.user_home().display().to_string(),
            overrides: if host.demo.is_some() { (None, None) } else { overrides },
            demo: host.demo.as_ref().map(|demo| demo.name().to_owned()),
            // What only lists shows spans, never times of day.
            zone: if lists_only(goal) { Zone::utc() } else { host.clock.zone() },
        },
        seed: SystemEntropy.seed(),
        pid: std::process::id(),
        announce: match form {
            Form::Json => Announce::Json,
            Form::Text => Announce::Text,
        },
        size,
        remembered: host.remembered().await,
        acknowledged: host.sign_in.acknowledged(),
    }
}

/// Prints how a command ended; another exit when its file could not be written.
fn print_outcome(model: &Model, options: &Options) -> Option<Exit> {
    if matches!(model.goal, Goal::Dashboard(_)) && !is_one_sign_in(&model.goal) {
        return None;
    }
    let outcome = model.outcome.as_ref()?;
    if let Some(path) = options.out.as_ref().filter(|_| !matches!(outcome.body, Body::Problem(_))) {
        return write_out(outcome, options, path);
    }
    let is_silent = options.chatter == Chatter::Quiet && options.form == Form::Text && is_act(&model.goal);
    print(outcome, options.form, &options.fields, if is_silent { Out::Silent } else { Out::Printed });
    report::file(outcome).as_ref().and_then(unwritten)
}

/// Whether what is for stdout is printed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Out {
    Printed,
    Silent,
}

/// Writes a report to a file; only where text was asked for is that said.
fn write_out(outcome: &Outcome, options: &Options, path: &std::path::Path) -> Option<Exit> {
    let printed = report::print(outcome, options.form);
    if let Err(error) = atomic::write(path, printed.out.as_bytes()) {
        let problem =
            Problem::new("read-only", Exit::Failed, format!("{} could not be written", path.display()))
                .because(error.to_string());
        let exit = problem.exit;
        let failed = Outcome { command: outcome.command, exit, body: Body::Problem(problem) };
        print(&failed, options.form, &[], Out::Printed);
        return Some(exit);
    }
    let is_text = options.form == Form::Text
        && !matches!(&outcome.body, Body::Usage(told) if told.asked.shape != Shape::Text);
    if is_text && options.chatter != Chatter::Quiet {
        let _ = writeln!(io::stdout().lock(), "Report written: {}", path.display());
    }
    let _ = io::stderr().lock().write_all(printed.err.as_bytes());
    None
}

/// A screen that was opened for one sign-in: what came of it stays in the terminal's history.
fn is_one_sign_in(goal: &Goal) -> bool {
    let Goal::Dashboard(Entry { command: Some(Command::Login(request)), .. }) = goal else { return false };
    request.method != Method::Fitting
}

/// Writes the file that an outcome is for; which, and why that did not work, if so.
fn file(outcome: &Outcome) -> Option<(std::path::PathBuf, Option<String>)> {
    let kept = report::file(outcome)?;
    let trouble = written(&kept).err().map(|error| error.to_string());
    Some((kept.path, trouble))
}

/// Writes what a command would print to a file that is not there yet; why that did not work, if so.
fn save(outcome: &Outcome, path: &std::path::Path, form: Form) -> Option<String> {
    if path.exists() {
        return Some("there is a file of that name already".to_owned());
    }
    let kept = report::Kept { path: path.to_owned(), text: report::print(outcome, form).out };
    written(&kept).err().map(|error| error.to_string())
}

fn written(kept: &report::Kept) -> io::Result<()> {
    kept.path.parent().map_or(Ok(()), std::fs::create_dir_all)?;
    atomic::write(&kept.path, kept.text.as_bytes())
}

/// Puts a file where it was asked for; why that did not work, if so.
fn unwritten(kept: &report::Kept) -> Option<Exit> {
    let error = written(kept).err()?;
    let problem =
        Problem::new("read-only", Exit::Failed, format!("{} could not be written", kept.path.display()))
            .because(error.to_string());
    let said = report::refusal(&problem, "report", Form::Text);
    let _ = io::stderr().lock().write_all(said.err.as_bytes());
    Some(Exit::Failed)
}

/// Commands that do something: what they print is not what was asked for.
fn is_act(goal: &Goal) -> bool {
    match goal {
        Goal::Run(Command::Config(ask)) => ask.is_act(),
        Goal::Run(Command::Rules(order)) => order.is_act(),
        Goal::Run(Command::Checkup(order)) => order.is_act(),
        Goal::Run(Command::Bridge(order)) => order.is_act(),
        Goal::Run(Command::History(order)) => order.is_act(),
        Goal::Run(Command::Rotation(order)) => order.is_act(),
        Goal::Run(Command::Chore(chore)) => !chore.is_dry(),
        Goal::Run(Command::Uninstall(wish)) => !wish.dry_run,
        Goal::Run(_) | Goal::Dashboard(_) | Goal::Forward(_) | Goal::Serve(_) => {
            matches!(goal, Goal::Run(Command::Vault(errand)) if errand.is_act())
                || matches!(goal, Goal::Run(Command::Switch(_) | Command::Unpin | Command::Login(_)))
        }
    }
}

fn print(outcome: &Outcome, form: Form, fields: &[String], printed: Out) {
    let mut out = io::stdout().lock();
    if let Some(text) = report::chosen(outcome, form, fields) {
        let _ = out.write_all(text.as_bytes());
        return;
    }
    let mut is_read = printed == Out::Printed;
    let err = report::print_to(outcome, form, &mut |piece| {
        // A reader that has gone away is no failure of ours.
        is_read = is_read && out.write_all(piece).is_ok();
    });
    drop(out);
    let _ = io::stderr().lock().write_all(err.as_bytes());
}

fn refuse(goal: &Goal, problem: Problem, form: Form) -> Exit {
    let exit = problem.exit;
    print(&Outcome { command: word(goal), exit, body: Body::Problem(problem) }, form, &[], Out::Printed);
    exit
}

fn word(goal: &Goal) -> &'static str {
    let command = match goal {
        Goal::Forward(_) => return "codex",
        Goal::Serve(_) => return "serve",
        Goal::Dashboard(Entry { command, .. }) => command.as_ref(),
        Goal::Run(command) => Some(command),
    };
    match command {
        None | Some(Command::Status(Listing::Status | Listing::Line)) => "status",
        Some(Command::Status(Listing::List)) => "list",
        Some(Command::Switch(_)) => "switch",
        Some(Command::Unpin) => "unpin",
        Some(Command::Vault(errand)) => errand.command(),
        Some(Command::Why(_) | Command::Replay(_)) => "why-selected",
        Some(Command::Monitor) => "monitor",
        Some(Command::Usage(_)) => "usage",
        Some(Command::Models(_)) => "models",
        Some(Command::Check(_)) => "check",
        Some(Command::Forecast(_)) => "forecast",
        Some(Command::Best(_)) => "best",
        Some(Command::Report(_)) => "report",
        Some(Command::Flagged(_)) => "verify-flagged",
        Some(Command::Workspace(_)) => "workspace",
        Some(Command::Rules(order)) => order.command(),
        Some(Command::Policy(_, word)) => word,
        Some(Command::Config(ask)) => ask.word(),
        Some(Command::Login(_)) => "login",
        Some(Command::Checkup(order)) => order.word(),
        Some(Command::Bridge(order)) => order.word(),
        Some(Command::History(order)) => order.word(),
        Some(Command::Rotation(order)) => order.word(),
        Some(Command::Chore(chore)) => chore.word(),
        Some(Command::Uninstall(_)) => "uninstall",
    }
}
