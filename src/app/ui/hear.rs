//! What the interface makes of messages: lists are rebuilt, cursors follow their rows, news become messages.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Ui;
use super::vault::vault_told;
use crate::app::flows::login::Ending;
use crate::app::goal::Tab;
use crate::app::msg::{Msg, PeersMsg, StoreMsg};
use crate::app::outcome::{Body, Checked, Done, Found, Outcome, RulesTold, Switched, Trial};
use crate::app::overlays::Overlay;
use crate::app::overlays::told::Told;
use crate::app::screens::monitor::{short_name, status, via};
use crate::app::screens::settings::Saving;
use crate::app::toasts::{Level, Toast};
use crate::app::world::World;
use crate::base::text::clean;
use crate::base::{Moment, calendar};
use crate::domain::account::{AccountKey, Switch};
use crate::domain::facts::TurnRow;
use crate::domain::label;
use crate::domain::login::admission::Admitted;
use crate::domain::policy::account::Changed;
use crate::domain::problem::{Hint, Problem};
use crate::domain::refresh::words;
use crate::domain::settings::report::Report;
use crate::domain::settings::report::Saved;
use crate::domain::survey::Standing;
use crate::domain::usage::rollup::Figures;

/// What was already told, so that nothing is told twice.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Heard {
    /// Newest move of a session that was told.
    moved: Option<Moment>,
    /// Accounts known to need a sign-in.
    dead: Option<BTreeSet<AccountKey>>,
    /// Whether a recovery was told.
    recovered: bool,
    /// The settings that were told.
    config: Option<Arc<Report>>,
    /// How many settings are known to have changed here and elsewhere.
    contested: usize,
}

impl Ui {
    /// Takes a message that the world has folded in already.
    pub fn hear(&mut self, message: &Msg, world: &World, at: Moment) {
        let remembers = matches!(
            message,
            Msg::Store(
                StoreMsg::Loaded(_) | StoreMsg::Committed(..) | StoreMsg::Quota(_) | StoreMsg::Usage(_)
            )
        );
        if let Some(detail) = self.detail.as_mut().filter(|_| remembers) {
            detail.stale = true;
        }
        match message {
            Msg::Store(StoreMsg::Usage(rows)) => {
                self.figures = Figures::of(rows);
                self.usage.ask_again();
            }
            Msg::Store(StoreMsg::Looks(looks)) => {
                self.keys = looks.keys.clone();
                self.painted += 1;
                for note in &looks.notes {
                    self.say(Toast::new(Level::Warn, "looks", note.clone()), world, at);
                }
            }
            Msg::Store(StoreMsg::Summed(_, summed)) => match summed.as_ref() {
                Ok((reading, trouble)) => self.usage.take(reading, trouble.as_ref(), world),
                Err(problem) => self.usage.fail(&problem.what),
            },
            Msg::Store(StoreMsg::Vault(_, answer)) => {
                self.hear_of_finds(answer);
                self.experimental.hear(answer);
                self.hear_of_backups(answer, world, at);
                self.tell_of_pool(world, at);
            }
            Msg::Store(StoreMsg::Loaded(_) | StoreMsg::Committed(..)) => self.tell_of_pool(world, at),
            Msg::Peers(PeersMsg::Seen(_)) => self.tell_of_moves(world, at),
            Msg::Peers(PeersMsg::Steered(told)) => self.tell_of_steering(told, world, at),
            // Below whatever the person opened meanwhile.
            Msg::Worded(outcome, text) => {
                self.overlays.insert(0, Overlay::Told(Told::of(outcome.clone(), text, self.size.0)));
            }
            Msg::Log(tail) => self.logs.take((**tail).clone()),
            Msg::Filed(path, trouble) => self.tell_of_file(path, trouble.as_deref(), world, at),
            // A key changes no fact: the lists stay as they are, so a key costs the same for any pool.
            Msg::Input(_) => return,
            Msg::Store(StoreMsg::Settings(_)) => self.tell_of_settings(world, at),
            Msg::Store(StoreMsg::Configured(..) | StoreMsg::ConfigFile(..)) => {
                // Who changed them here knows.
                self.heard.config = Some(Arc::clone(&world.config));
                self.toasts.apart = world.settings.limit_toast_apart;
                if let Msg::Store(StoreMsg::Configured(_, saved)) = message {
                    self.tell_of_saving(saved, world, at);
                }
            }
            Msg::Store(
                StoreMsg::Quota(_)
                | StoreMsg::Capabilities(_)
                | StoreMsg::Stock(_)
                | StoreMsg::Chronicle(_)
                | StoreMsg::Policies(_)
                | StoreMsg::Ruled(_)
                | StoreMsg::RuleSet(..)
                | StoreMsg::PolicySet(..),
            )
            | Msg::Ticked
            | Msg::Elapsed
            | Msg::Upstream(_)
            | Msg::Auth(_)
            | Msg::Codex(_)
            | Msg::Login(..)
            | Msg::Answered(..)
            | Msg::NotCopied(_)
            | Msg::Peers(PeersMsg::Next(..) | PeersMsg::Recalled(..))
            | Msg::Service(_)
            | Msg::Checkup(..)
            | Msg::Bridge(..)
            | Msg::History(..)
            | Msg::Rotation(..)
            | Msg::Chored(..)
            | Msg::Uninstalled(..)
            | Msg::Signal(_) => {}
        }
        self.refresh(world, at);
    }

    /// Rebuilds every list from what is known.
    pub fn refresh(&mut self, world: &World, at: Moment) {
        if self.tab == Tab::Usage {
            self.usage.list(world);
            self.usage.count(world, at);
        }
        self.accounts.refresh(world, at);
        self.monitor.refresh(world, at);
        if self.tab == Tab::Forecast {
            self.outlook.refresh(world, self.layout().kind, at);
            self.explain_at_the_start(world, at);
        }
        if self.tab == Tab::Settings {
            self.sheet.list(world);
        }
        if self.detail.as_ref().is_some_and(|detail| world.roster.get(&detail.key).is_none()) {
            self.detail = None;
        }
        if let Some(detail) = &mut self.detail {
            detail.recount(world);
        }
        if self.undo_until.is_some_and(|until| until <= at) {
            self.undo_until = None;
        }
        self.scroll();
    }

    fn tell_of_settings(&mut self, world: &World, at: Moment) {
        self.toasts.apart = world.settings.limit_toast_apart;
        let known = self.heard.config.replace(Arc::clone(&world.config));
        if let Some(known) = &known {
            let changed = known.changes(&world.config);
            if !changed.is_empty() {
                let few = changed.iter().take(3).copied().collect::<Vec<_>>().join(", ");
                let more = changed.len().saturating_sub(3);
                let text = if more == 0 { few } else { format!("{few} and {more} more") };
                self.say(
                    Toast::new(Level::Info, "watch", format!("settings changed on disk: {text}")),
                    world,
                    at,
                );
            }
        }
        let old = known.map(|known| known.notes()).unwrap_or_default();
        let fresh: Vec<String> =
            world.config.notes().into_iter().filter(|note| !old.contains(note)).collect();
        if let Some((first, rest)) = fresh.split_first() {
            let toast =
                Toast::new(Level::Warn, "settings", clean(&nearby(first, &world.config)).into_owned())
                    .like("config validate")
                    .with(clean(first).into_owned());
            let toast = rest.iter().fold(toast, |toast, note| toast.with(clean(note).into_owned()));
            self.say(toast, world, at);
        }
        self.tell_of_draft(world, at);
    }

    /// What was changed here and is in the file by now needs no saving; what somebody else changed is told once.
    fn tell_of_draft(&mut self, world: &World, at: Moment) {
        let contested = self.sheet.contested(world);
        if contested.len() > self.heard.contested && self.sheet.saving == Saving::No {
            let names: Vec<&str> = contested.iter().map(|row| row.key).collect();
            let text = format!("{} changed elsewhere meanwhile: saving replaces it", names.join(", "));
            self.say(Toast::new(Level::Warn, "settings", text), world, at);
        }
        self.heard.contested = contested.len();
        self.sheet.settle(world);
    }

    fn tell_of_saving(&mut self, saved: &Result<Saved, Problem>, world: &World, at: Moment) {
        let asked = std::mem::take(&mut self.sheet.saving) == Saving::Yes;
        let count = self.sheet.draft.len();
        match saved {
            Ok(saved) => {
                self.sheet.settle(world);
                self.heard.contested = 0;
                let written = count.saturating_sub(self.sheet.draft.len());
                let text = if written == 1 {
                    "1 setting saved".to_owned()
                } else {
                    format!("{written} settings saved")
                };
                if let (true, Some(note)) = (asked, saved.notes.first()) {
                    // What became of the old file matters more than the count.
                    let toast = Toast::new(Level::Warn, "key s", format!("{text}; {note}"))
                        .with(world.config.target.clone());
                    let more = saved.notes.iter().skip(1).cloned();
                    self.say(more.fold(toast, Toast::with), world, at);
                } else if asked {
                    let toast = Toast::new(Level::Done, "key s", text).with(world.config.target.clone());
                    self.say(toast, world, at);
                } else if let Some(note) = saved.notes.first() {
                    self.say(Toast::new(Level::Warn, "settings", note.clone()), world, at);
                }
            }
            Err(problem) => self.toasts.push(problem_told(problem), world.settings.toast_duration, at),
        }
    }

    fn tell_of_pool(&mut self, world: &World, at: Moment) {
        if let (Some(recovery), false) = (&world.recovery, self.heard.recovered) {
            self.heard.recovered = true;
            self.say(
                Toast::new(Level::Warn, "store", recovery.told()).with(recovery.path.clone()),
                world,
                at,
            );
        }
        let dead: BTreeSet<AccountKey> = world
            .roster
            .accounts
            .iter()
            .filter(|account| account.is_on())
            .filter(|account| account.invalidation.is_some() || account.uncertain_since.is_some())
            .map(|account| account.key.clone())
            .collect();
        let known = self.heard.dead.replace(dead.clone());
        // What was so at the start is on screen already; only news are told.
        let Some(known) = known else { return };
        for key in dead.difference(&known) {
            let Some(advice) = world.roster.get(key).and_then(words::advice) else { continue };
            let text = format!("{} {}", short_name(world, key), advice.what);
            self.say(Toast::new(Level::Error, "refresh", text).about(key).with(advice.help), world, at);
        }
    }

    fn tell_of_moves(&mut self, world: &World, at: Moment) {
        let told = self.heard.moved;
        let mut newest = told;
        let mut moves: Vec<(&AccountKey, &str, Option<&AccountKey>, usize)> = Vec::new();
        for session in world.peers.iter().flat_map(|peer| &peer.sessions) {
            let Some((from, when, why)) = &session.moved else { continue };
            newest = newest.max(Some(*when));
            if told.is_none_or(|told| *when <= told) {
                continue;
            }
            let to = session.account.as_ref();
            match moves.iter_mut().find(|(other, _, target, _)| *other == from && *target == to) {
                Some((_, _, _, count)) => *count += 1,
                None => moves.push((from, why, to, 1)),
            }
        }
        for (from, why, to, count) in moves {
            let sessions = if count == 1 { "1 session".to_owned() } else { format!("{count} sessions") };
            let to = to.map_or_else(|| "the next account".to_owned(), |to| short_name(world, to));
            let from_name = short_name(world, from);
            let why = clean(why);
            let text = if why.is_empty() || why.starts_with("moved") {
                format!("{sessions} moved from {from_name} to {to}")
            } else {
                format!("{from_name}: {why}; {sessions} moved to {to}")
            };
            self.say(Toast::new(Level::Warn, "proxy", text).about(from), world, at);
        }
        // Moves from before the dashboard looked are history, not news.
        self.heard.moved = newest.or(Some(at));
    }

    fn tell_of_file(&mut self, path: &std::path::Path, trouble: Option<&str>, world: &World, at: Moment) {
        let shown = path.display().to_string();
        let name = path.file_name().map_or_else(|| shown.clone(), |name| name.to_string_lossy().into_owned());
        let toast = match trouble {
            None => Toast::new(Level::Done, "report", format!("wrote {}", clean(&name))),
            Some(why) => Toast::new(Level::Error, "report", format!("{} could not be written", clean(&name)))
                .with(clean(why).into_owned()),
        };
        self.say(toast.with(shown).like("report --out"), world, at);
    }

    /// Tells how a flow ended; `undo_until` is set when it can be taken back.
    pub fn finished(&mut self, outcome: &Outcome, world: &World, undo_until: Option<Moment>, at: Moment) {
        self.undo_until = undo_until;
        let Some(toast) = told(outcome) else { return };
        let stays = match undo_until {
            Some(until) if toast.level == Level::Done => until.since(at),
            Some(_) | None => world.settings.toast_duration,
        };
        self.toasts.push(toast, stays, at);
        self.refresh(world, at);
    }

    /// Shows a message.
    pub fn toast(&mut self, toast: Toast, world: &World, at: Moment) {
        self.say(toast, world, at);
    }
}

fn told(outcome: &Outcome) -> Option<Toast> {
    Some(match &outcome.body {
        Body::Switched(switched) => switch_told(switched),
        Body::Unpinned(Some(former), _) => {
            Toast::new(Level::Done, "key p", format!("unpinned {}", clean(&former.label)))
                .about(&former.key)
                .like("unpin")
        }
        Body::Unpinned(None, _) => Toast::new(Level::Info, "key p", "nothing was pinned").like("unpin"),
        Body::Toggled { of, now } => {
            let now = if *now == Switch::On { "on" } else { "off" };
            Toast::new(Level::Done, "key e", format!("{} is {now}", clean(&of.label))).about(&of.key)
        }
        Body::Checked(checked) => checked_told(checked),
        Body::Best(best) => {
            let done = matches!(best.done, Done::Switched(_));
            let level = if done { Level::Done } else { Level::Info };
            let verb = if done { "switched to" } else { "already on" };
            Toast::new(level, "best", format!("{verb} {}: {}", clean(&best.account.label), best.reason))
                .about(&best.account.key)
        }
        Body::Tried(tried) => {
            let back = tried.rows.iter().filter(|row| row.outcome == Trial::Restored).count();
            let text = format!("{back} of {} flagged accounts work again", tried.rows.len());
            tried
                .rows
                .iter()
                .fold(Toast::new(Level::Info, "key v", text).like("verify-flagged"), |toast, row| {
                    toast.with(format!("{}: {}", clean(&row.account.label), clean(&row.message)))
                })
        }
        Body::Login(ending) => login_told(ending),
        Body::Ruled(ruled) => {
            let text = format!("{}: {}", clean(&ruled.account.label), clean(&ruled.said));
            let level = if ruled.warning.is_some() { Level::Warn } else { Level::Done };
            Toast::new(level, "key P", text).about(&ruled.account.key)
        }
        Body::Rules(told) => return rules_told(told),
        Body::Vault(told) => return vault_told(told),
        Body::Undone(what) => Toast::new(Level::Done, "key u", format!("undone: {}", clean(what))),
        Body::Problem(problem) => problem_told(problem),
        Body::Status(..)
        | Body::Why(..)
        | Body::Monitor(_)
        | Body::Usage(_)
        | Body::Models(_)
        | Body::Forecast(_)
        | Body::Report(..)
        | Body::Seats(_)
        | Body::Policies(_)
        | Body::Config(_)
        | Body::Checkup(_)
        | Body::Bridge(_)
        | Body::History(_)
        | Body::Rotation(_)
        | Body::Chored(..)
        | Body::Uninstalled(..)
        | Body::Silent => {
            return None;
        }
    })
}

fn rules_told(told: &RulesTold) -> Option<Toast> {
    let is = |changed: &Changed, said: &str| {
        if *changed == Changed::Yes { said.to_owned() } else { "nothing had to change".to_owned() }
    };
    let text = match &told.found {
        Found::Limited(Some(_), changed) => format!("budget {}: {}", told.about, is(changed, "set")),
        Found::Limited(None, changed) => format!("budget {}: {}", told.about, is(changed, "removed")),
        Found::Profiled(Some(_), changed) => format!("profile {}: {}", told.about, is(changed, "set")),
        Found::Profiled(None, changed) => format!("profile {}: {}", told.about, is(changed, "removed")),
        Found::Budgets(_) | Found::Budget(_) | Found::Profiles(_) => return None,
    };
    let toast = Toast::new(Level::Done, "rules", clean(&text).into_owned());
    Some(told.notes.iter().fold(toast, |toast, note| toast.with(note.clone())))
}

fn checked_told(checked: &Checked) -> Toast {
    let asked = checked.standings.len();
    let failed = || checked.standings.iter().filter(|(_, standing)| **standing != Standing::Available);
    let mut reasons: Vec<String> = failed().map(|(_, standing)| standing.sentence()).collect();
    reasons.dedup();
    let failures: Vec<String> = failed()
        .map(|(key, standing)| {
            let account = checked.facts.roster.index_of(key).zip(checked.facts.roster.get(key));
            let name = account
                .map_or_else(String::new, |(index, account)| label::name(account, index + 1).into_owned());
            format!("{name}: {}", standing.sentence())
        })
        .collect();
    let level = if failures.is_empty() { Level::Info } else { Level::Warn };
    let mut text = format!("limits checked, {} of {asked} answered", asked - failures.len());
    if let [only] = failures.as_slice() {
        text = format!("{text}; {}", clean(only));
    } else if let ([only], 2..) = (reasons.as_slice(), failures.len()) {
        text = format!("{text}; {}", clean(only));
    }
    failures.iter().fold(Toast::new(level, "task", text), |toast, line| toast.with(clean(line).into_owned()))
}

fn switch_told(switched: &Switched) -> Toast {
    let name = clean(&switched.to.label).into_owned();
    let text = format!("switched to {name}");
    let follow = match switched.sessions {
        0 => String::new(),
        1 => ", 1 session follows".to_owned(),
        many => format!(", {many} sessions follow"),
    };
    // What stands against it is worth more than how many follow.
    let (level, text) = match (&switched.unusable, &switched.refresh_warning) {
        (Some(why), _) => (Level::Warn, format!("{text}, but {why}")),
        (None, Some(why)) => (Level::Warn, format!("{text}; its tokens were not refreshed: {}", clean(why))),
        (None, None) => (Level::Done, format!("{text}{follow}")),
    };
    let followed =
        (level != Level::Done && !follow.is_empty()).then(|| follow.trim_start_matches(", ").to_owned());
    let before = switched.from.as_ref().map(|from| format!("before: {}", clean(&from.label)));
    let before = before.into_iter().chain(followed);
    let command = format!("switch {}", crate::app::overlays::palette::argument(&name));
    let toast = Toast::new(level, "key s", text).about(&switched.to.key).like(command);
    before.fold(toast, Toast::with)
}

/// A note without the folder of the settings: the path alone would fill the line.
fn nearby(note: &str, config: &Report) -> String {
    match config.target.rsplit_once(['/', '\\']) {
        Some((folder, name)) if !folder.is_empty() => {
            let separator = config.target.get(folder.len()..config.target.len() - name.len()).unwrap_or("/");
            note.replace(&format!("{folder}{separator}"), "")
        }
        Some(_) | None => note.to_owned(),
    }
}

fn login_told(ending: &Ending) -> Toast {
    match ending {
        Ending::Done(done) => {
            let name = clean(&done.account.label).into_owned();
            let text = match done.how {
                Admitted::Inserted => format!("added {name}"),
                Admitted::Updated => format!("{name} has a new session"),
                Admitted::Rebound => format!("{name} has a new session in another workspace"),
            };
            let toast = Toast::new(Level::Done, "key a", text).about(&done.account.key).like("login");
            done.warnings.iter().fold(toast, |toast, line| toast.with(clean(line).into_owned()))
        }
        Ending::Printed { .. } => Toast::new(Level::Info, "key a", "link printed").like("login"),
        Ending::Failed(problem) => problem_told(problem),
    }
}

pub(super) fn problem_told(problem: &Problem) -> Toast {
    let toast = Toast::new(Level::Error, "task", clean(&problem.what).into_owned());
    let because = problem.because.iter().map(|cause| clean(cause).into_owned());
    let hints = problem.hints.iter().map(|hint| match hint {
        Hint::Run(command) => format!("run codex-multi-auth {command}"),
        Hint::Press(key) => format!("press {key}"),
        Hint::Say(text) => text.clone(),
    });
    because.chain(hints).fold(toast, Toast::with)
}

/// A turn as one line of text, for the clipboard.
pub(super) fn turn_line(world: &World, turn: &TurnRow) -> String {
    let clock = calendar::clock_seconds(turn.at, &world.setting.zone);
    let account = turn.account.as_ref().map(|key| short_name(world, key)).unwrap_or_default();
    let took = turn.took.map(calendar::took).unwrap_or_default();
    let model = turn.model.as_deref().unwrap_or("");
    let text =
        format!("{clock} {account} {model} {} {} {took} {}", via(turn.via), status(&turn.status), turn.note);
    clean(&text).split_whitespace().collect::<Vec<_>>().join(" ")
}
