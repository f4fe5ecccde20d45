//! The loop: perform effects, keep subscriptions in step, brief the services, draw, wait for one message.
//!
//! A frame is drawn when no message waits and at least 8 ms passed since the last one; what nobody typed makes
//! at most 30 frames a second, 4 while the terminal is in the background (dashboard.md §15.1).

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::io;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::app::effect::{DesktopEffect, Effect, Effects};
use crate::app::input::{Focus, Input};
use crate::app::model::Model;
use crate::app::msg::{Msg, StoreMsg};
use crate::app::outcome::Form;
use crate::app::sub::Sub;
use crate::app::{subscriptions, update};
use crate::base::{Moment, Span};
use crate::domain::problem::Exit;
use crate::ports::Clock;
use crate::runtime::host::Host;
use crate::runtime::listen::{self, Listener};
use crate::runtime::perform::{self, Performer};
use crate::runtime::services::Services;

/// Frames for keys: no two within this.
const KEYS: Span = Span::millis(8);
/// Frames for everything else.
const NEWS: Span = Span::millis(33);
/// Frames while the terminal is in the background.
const AWAY: Span = Span::millis(250);
/// Messages taken between two looks at the screen.
const BATCH: usize = 64;

/// Who shows the model.
pub trait Shell {
    /// Shows the model as it is now.
    ///
    /// # Errors
    /// When the terminal is lost.
    fn present(&mut self, model: &Model) -> io::Result<()>;
    /// Does what only the owner of the terminal can do.
    ///
    /// # Errors
    /// When the terminal is lost.
    fn desktop(&mut self, effect: &DesktopEffect) -> io::Result<()>;
    /// A line for people, now.
    fn tell(&mut self, line: &str);
    /// A line for programs, now.
    fn announce(&mut self, line: &str);
    /// Whether anybody looks.
    fn is_screen(&self) -> bool;
}

/// Whether the shell has no part in an effect.
fn is_ours(effect: &DesktopEffect) -> bool {
    matches!(
        effect,
        DesktopEffect::Copy(_)
            | DesktopEffect::CopyReport(_)
            | DesktopEffect::Tell(_)
            | DesktopEffect::File(_)
            | DesktopEffect::Save(..)
    )
}

/// What is done without the shell: texts are copied, put into words, or written to a file.
fn ours(effect: DesktopEffect, performer: &mut Performer, sender: &mpsc::UnboundedSender<Msg>) {
    match effect {
        DesktopEffect::Copy(text) => performer.copy(text),
        DesktopEffect::CopyReport(outcome) => {
            performer.copy(crate::report::print(&outcome, Form::Json).out.into());
        }
        DesktopEffect::Tell(outcome) => {
            let printed = crate::report::print(&outcome, Form::Text);
            let _ = sender.send(Msg::Worded(outcome, printed.out + &printed.err));
        }
        DesktopEffect::File(outcome) => {
            if let Some((path, trouble)) = crate::runtime::file(&outcome) {
                let _ = sender.send(Msg::Filed(path, trouble));
            }
        }
        DesktopEffect::Save(outcome, path, form) => {
            let trouble = crate::runtime::save(&outcome, &path, form);
            let _ = sender.send(Msg::Filed(path, trouble));
        }
        DesktopEffect::CopyByTerminal(_)
        | DesktopEffect::Bell
        | DesktopEffect::Suspend
        | DesktopEffect::Redraw
        | DesktopEffect::Mouse(_) => {}
    }
}

/// Runs until an effect ends the program; the caller restores the terminal and prints.
pub async fn run<S: Shell>(mut model: Model, effects: Effects, host: Host, shell: &mut S) -> (Exit, Model) {
    let (sender, mut receiver) = mpsc::unbounded_channel::<Msg>();
    let root = CancellationToken::new();
    let mut performer = Performer::new(host.clone(), sender.clone());
    let mut services = Services::new(host.clone(), sender.clone(), &model);
    let mut listeners: BTreeMap<Sub, Listener> = BTreeMap::new();
    let mut queue = effects;
    let mut drawn = Drawn::since(host.clock.now());
    let exit = 'run: loop {
        for effect in std::mem::take(&mut queue) {
            match effect {
                Effect::Exit(exit) => break 'run exit,
                Effect::Tell(line) => shell.tell(&line),
                Effect::Announce(line) => shell.announce(line.expose()),
                Effect::Desktop(effect) if is_ours(&effect) => ours(effect, &mut performer, &sender),
                Effect::Desktop(effect) => {
                    if matches!(effect, DesktopEffect::Suspend)
                        && let Some(input) = listeners.remove(&Sub::Input)
                    {
                        input.stop().await;
                    }
                    if shell.desktop(&effect).is_err() {
                        break 'run Exit::Failed;
                    }
                    drawn.dirty();
                }
                Effect::Cancel(ticket) => performer.cancel(ticket),
                effect @ (Effect::Store(_)
                | Effect::Auth(_)
                | Effect::Upstream(_)
                | Effect::Codex(_)
                | Effect::Login(..)
                | Effect::Ask(..)
                | Effect::Peers(_)
                | Effect::Checkup(..)
                | Effect::Bridge(..)
                | Effect::History(..)
                | Effect::Rotation(..)
                | Effect::Chore(..)
                | Effect::Uninstall(..)) => performer.perform(effect),
            }
        }
        let wanted = subscriptions(&model);
        let gone: Vec<Sub> = listeners.keys().filter(|sub| !wanted.contains(sub)).cloned().collect();
        for sub in gone {
            if let Some(listener) = listeners.remove(&sub) {
                listener.stop().await;
            }
        }
        for sub in wanted {
            if let Entry::Vacant(place) = listeners.entry(sub) {
                let listener = listen::start(place.key(), &host, &sender, &root, &mut services);
                place.insert(listener);
            }
        }
        services.brief(&model);
        let now = host.clock.now();
        if drawn.is_due(&model, now) {
            if shell.present(&model).is_err() {
                break 'run Exit::Failed;
            }
            drawn.done(now);
        }
        let message = match drawn.wait(&model, now, shell.is_screen()) {
            None => receiver.recv().await,
            Some(span) => tokio::select! {
                biased;
                message = receiver.recv() => message,
                () = host.clock.sleep(span) => continue,
            },
        };
        let Some(message) = message else { break 'run Exit::Failed };
        let mut next = Some(message);
        for _ in 0..BATCH {
            let Some(message) = next.take() else { break };
            drawn.heard(&message);
            queue.extend(update(&mut model, host.clock.now(), message));
            next = receiver.try_recv().ok();
        }
        if let Some(message) = next {
            drawn.heard(&message);
            queue.extend(update(&mut model, host.clock.now(), message));
        }
    };
    root.cancel();
    for (_, listener) in listeners {
        listener.stop().await;
    }
    services.stop().await;
    performer.finish().await;
    perform::drain(&mut model, &mut receiver, host.clock.now());
    (exit, model)
}

/// When the next frame may and must be drawn.
#[derive(Debug)]
struct Drawn {
    begun: Moment,
    at: Option<Moment>,
    news: bool,
    keys: bool,
}

impl Drawn {
    fn since(begun: Moment) -> Self {
        Self { begun, at: None, news: false, keys: false }
    }

    fn dirty(&mut self) {
        self.keys = true;
    }

    fn heard(&mut self, message: &Msg) {
        let typed = matches!(
            message,
            Msg::Input(Input::Key(_) | Input::Mouse(_) | Input::Pasted(_) | Input::Resized { .. })
        );
        // The pool is what the first frame waits for, and it changes rarely.
        let urgent = typed || matches!(message, Msg::Store(StoreMsg::Loaded(_)));
        self.keys |= urgent;
        self.news |= !urgent;
    }

    fn pause(&self, model: &Model) -> Span {
        if self.keys {
            KEYS
        } else if model.focus == Focus::Away {
            AWAY
        } else {
            NEWS
        }
    }

    /// When the frame that is owed may be drawn; `None` = nothing is owed. The first one gives the pool a moment to
    /// come: an empty one would only delay the one that shows something.
    fn due(&self, model: &Model) -> Option<Moment> {
        match self.at {
            None if model.world.loaded => Some(self.begun),
            None => Some(self.begun + KEYS),
            Some(at) => (self.keys || self.news).then(|| at + self.pause(model)),
        }
    }

    fn is_due(&self, model: &Model, now: Moment) -> bool {
        self.due(model).is_some_and(|due| now >= due)
    }

    /// How long until a frame that is owed may be drawn; `None` = nothing is owed.
    fn wait(&self, model: &Model, now: Moment, screen: bool) -> Option<Span> {
        let due = self.due(model).filter(|_| screen)?;
        Some(Span::millis(now.until(due).as_millis().max(1)))
    }

    fn done(&mut self, now: Moment) {
        self.at = Some(now);
        self.keys = false;
        self.news = false;
    }
}
