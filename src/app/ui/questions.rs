//! Questions before something is deleted, brought back or written outside, and what their answers start.

use super::Ui;
use crate::app::action::Action;
use crate::app::bridge;
use crate::app::flows::rules::Order;
use crate::app::flows::usage::{Shape, Told};
use crate::app::flows::vault::label as own_label;
use crate::app::goal::{Command, Reporting, Tab};
use crate::app::intent::Intent;
use crate::app::msg::{Msg, Reply};
use crate::app::options::Form;
use crate::app::outcome::{Body, Outcome};
use crate::app::overlays::Overlay;
use crate::app::overlays::ask::{Ask, Purpose, SURE};
use crate::app::overlays::confirm::Confirm;
use crate::app::overlays::differences::Differences;
use crate::app::rulewords;
use crate::app::screens::settings::{Page, Side};
use crate::app::toasts::{Level, Toast};
use crate::app::world::World;
use crate::base::text::clean;
use crate::base::{Moment, calendar};
use crate::domain::account::Account;
use crate::domain::backup::{Name, State};
use crate::domain::label;
use crate::domain::policy::account::{self, PolicyEdit};
use crate::domain::problem::{Exit, Problem};
use crate::domain::settings::edit::Edit;
use crate::domain::settings::schema::row;
use crate::domain::vault::{Act, Answer, Copies, Existing, Run, Source};

impl Ui {
    /// Stores settings at once, without the settings tab; what a variable holds fast is told instead.
    pub(super) fn set(&mut self, words: &[(&str, &str)], world: &World, at: Moment) -> Vec<Intent> {
        let mut edits = Vec::new();
        for (key, word) in words {
            let Some(row) = row(key) else { continue };
            let held = self.sheet.draft.value(row, &world.config);
            if let Ok(value) = row.parse(word)
                && value != held
            {
                edits.push(Edit::set(row, value));
            }
        }
        if edits.is_empty() {
            return Vec::new();
        }
        let told: Vec<String> = words.iter().map(|(key, word)| format!("{key} {word}")).collect();
        let text = match words.last() {
            Some(("menuSortMode", word)) => format!("sort: {}", word.replace('-', " ")),
            Some(("menuLayoutMode", "expanded-rows")) => "details of every row".to_owned(),
            Some(_) | None => "details of the chosen row".to_owned(),
        };
        let command = told.last().map(|last| format!("config set {last}")).unwrap_or_default();
        self.say(Toast::new(Level::Info, "key", text).like(command), world, at);
        vec![Intent::Configure(edits)]
    }

    /// Asks before an account is deleted.
    pub(super) fn ask_delete(&mut self, account: &Account, world: &World, at: Moment) -> Vec<Intent> {
        let number = world.roster.index_of(&account.key).map_or(0, |index| index + 1);
        let name = clean(&label::name(account, number)).into_owned();
        let act = Intent::Vault(Box::new(Act::Remove(account.key.clone())));
        let mut question = Confirm::new(format!("Delete {name}?"), "Keep", "Delete", [act])
            .saying("The account leaves this pool. The session at OpenAI stays valid.");
        let bound = world
            .peers
            .iter()
            .flat_map(|peer| &peer.sessions)
            .filter(|session| session.account.as_ref() == Some(&account.key))
            .count();
        let used = if account.last_used == Moment::EPOCH {
            "It was never used".to_owned()
        } else {
            format!("It was last used {} ago", calendar::long(at.since(account.last_used)))
        };
        question = question.saying(match bound {
            0 => format!("{used}."),
            1 => format!("{used}; 1 session is bound to it and moves on."),
            many => format!("{used}; {many} sessions are bound to it and move on."),
        });
        self.overlays
            .push(Overlay::Confirm(question.saying("A backup is written first; undo works for 10 s.")));
        Vec::new()
    }

    /// Asks for the word that deletes all accounts.
    pub(super) fn ask_delete_all(&mut self, world: &World, at: Moment) {
        let count = world.roster.accounts.len();
        if count == 0 {
            self.say(Toast::new(Level::Info, "key D", "there is no account to delete"), world, at);
            return;
        }
        let ask = Ask::new("Delete all accounts?", "type DELETE", Purpose::DeleteAll)
            .saying(format!(
                "All {count} accounts leave this pool. Their sessions at OpenAI stay valid, named backups stay."
            ))
            .saying("A backup is written first; undo works for 30 s.");
        self.overlays.push(Overlay::Ask(ask));
    }

    /// Lists and comparisons go to the backups; a verified copy is told.
    pub(super) fn hear_of_backups(&mut self, answer: &Result<Answer, Problem>, world: &World, at: Moment) {
        let Some(backup) = self.sheet.backups.hear(answer) else { return };
        let name = clean(&backup.name).into_owned();
        let toast = match &backup.state {
            State::Good => {
                let count = if backup.accounts == 1 {
                    "1 account".to_owned()
                } else {
                    format!("{} accounts", backup.accounts)
                };
                Toast::new(Level::Done, "key v", format!("{name} is good: {count} can be put back"))
            }
            State::Empty => {
                Toast::new(Level::Warn, "key v", format!("{name} can be read, but holds no account"))
            }
            State::Newer(version) => {
                Toast::new(Level::Error, "key v", format!("{name} is of a newer version"))
                    .with(format!("its format is {version}: update codex-multi-auth"))
            }
            State::Damaged(why) => {
                Toast::new(Level::Error, "key v", format!("{name} is damaged")).with(clean(why).into_owned())
            }
        };
        self.say(toast.with(backup.path.display().to_string()).like("backup verify"), world, at);
    }

    /// Opens the backups of the settings tab.
    pub(super) fn go_to_backups(&mut self, world: &World, at: Moment) -> Vec<Intent> {
        self.sheet.needle.clear();
        self.sheet.turn_to(Page::Backups, world);
        self.sheet.side = Side::Rows;
        self.go(Tab::Settings, world, at)
    }

    /// Takes a typed answer, or says what is wrong with it and stays.
    pub(super) fn take_answer(&mut self, mut ask: Ask, action: Action, world: &World) -> Vec<Intent> {
        if action != Action::Open {
            return ask.refused().into_iter().collect();
        }
        match confined(&ask, world).and_then(|()| answered(&ask, &world.setting.home)) {
            Ok(intent) => vec![intent],
            Err(wrong) => {
                ask.wrong = Some(wrong);
                self.overlays.push(Overlay::Ask(ask));
                Vec::new()
            }
        }
    }

    /// The list of changed settings takes its keys.
    pub(super) fn compare(
        &mut self,
        mut open: Differences,
        action: Action,
        world: &World,
        at: Moment,
    ) -> Vec<Intent> {
        if action == Action::Save {
            return self.save(world, at);
        }
        if let Some(by) = action.steps(10) {
            open.offset = open.offset.saturating_add_signed(by).min(self.sheet.draft.len().saturating_sub(1));
            self.overlays.push(Overlay::Differences(open));
        }
        Vec::new()
    }
}

fn ruled(order: Order) -> Intent {
    Intent::Run(Box::new(Command::Rules(order)))
}

/// The table as the end of the file's name has it.
fn usage_file(told: &Told, path: std::path::PathBuf) -> Intent {
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase());
    let (shape, form) = match ending.as_deref() {
        Some("json") => (Shape::Text, Form::Json),
        Some("txt") => (Shape::Text, Form::Text),
        Some(_) | None => (Shape::Csv, Form::Text),
    };
    let mut told = told.clone();
    told.asked.shape = shape;
    let outcome = Outcome { command: "usage", exit: Exit::Ok, body: Body::Usage(Box::new(told)) };
    Intent::Save(Box::new(outcome), path, form)
}

/// In a rehearsal a typed path stays inside it: the real home is neither read nor written.
fn confined(ask: &Ask, world: &World) -> Result<(), String> {
    let is_path =
        matches!(ask.purpose, Purpose::Import | Purpose::Export | Purpose::Report(_) | Purpose::Usage(_));
    if world.setting.demo.is_none() || !is_path {
        return Ok(());
    }
    let path = ask.path(&world.setting.home);
    let climbs = path.components().any(|part| part == std::path::Component::ParentDir);
    if path.starts_with(&world.setting.home) && !climbs {
        return Ok(());
    }
    Err("a rehearsal reads and writes only below its own ~".to_owned())
}

/// What an answer asks for.
fn answered(ask: &Ask, home: &str) -> Result<Intent, String> {
    let text = ask.field.text().trim();
    let act = |act| Ok(Intent::Vault(Box::new(act)));
    let first = |problem: &Problem| problem.because.first().unwrap_or(&problem.what).clone();
    match &ask.purpose {
        Purpose::DeleteAll if text == SURE => act(Act::Clear(Copies::Kept)),
        Purpose::DeleteAll => Err(format!("type {SURE} in capitals, or press esc to keep the accounts")),
        Purpose::NewBackup => match Name::parse(text) {
            Ok(name) => act(Act::Create(Some(name))),
            Err(problem) => Err(first(&problem)),
        },
        Purpose::Import | Purpose::Export if text.is_empty() => Err("type the path of a file".to_owned()),
        Purpose::Import => act(Act::Import(Source::File(ask.path(home)), Run::Real)),
        Purpose::Export => act(Act::Export(ask.path(home), Existing::Kept)),
        Purpose::Report(asked) if !text.is_empty() => {
            let asked = Reporting { out: Some(ask.path(home)), ..(**asked).clone() };
            Ok(Intent::Run(Box::new(Command::Report(asked))))
        }
        Purpose::Usage(told) if !text.is_empty() => Ok(usage_file(told, ask.path(home))),
        Purpose::Budget => rulewords::budget(text).map(|wanted| ruled(Order::Limit(wanted))),
        Purpose::Profile => {
            rulewords::profile(text).map(|(project, members)| ruled(Order::Profiled(Some(project), members)))
        }
        Purpose::BridgeKey if text.is_empty() => Err("give the key a name, such as the client's".to_owned()),
        Purpose::BridgeKey => {
            let wish = bridge::Wish { label: Some(text.to_owned()), ..bridge::Wish::default() };
            Ok(Intent::Run(Box::new(Command::Bridge(bridge::Order::Create(wish)))))
        }
        Purpose::Report(_) | Purpose::Usage(_) => Err("type the path of a file".to_owned()),
        Purpose::Word(ticket, word) if text == *word => {
            Ok(Intent::Reply(Box::new(Msg::Answered(*ticket, Reply::Yes))))
        }
        Purpose::Word(_, word) => Err(format!("type {word} in full, or press esc to leave everything")),
        Purpose::Label(key) => match own_label(text) {
            Ok(label) => Ok(Intent::Label(key.clone(), label)),
            Err(problem) => Err(first(&problem)),
        },
        Purpose::Tags(key) => {
            let words = text.split([',', ' ']).filter(|word| !word.is_empty());
            Ok(Intent::Rule(key.clone(), PolicyEdit::Tags(account::tags(words))))
        }
        Purpose::Note(key) => Ok(Intent::Rule(key.clone(), PolicyEdit::Note(account::note(text)))),
        Purpose::Weight(key) => match account::hundredths(text) {
            Some(weight) => Ok(Intent::Rule(key.clone(), PolicyEdit::Weight(weight))),
            None => Err("a weight is a number from 0 to 10, with at most two decimals".to_owned()),
        },
    }
}
