//! What each action does in the settings tab, and what the tab needs to know to be drawn.

use super::Ui;
use super::hear::problem_told;
use crate::app::action::Action;
use crate::app::field::Field;
use crate::app::flows::vault::CORRUPT;
use crate::app::geometry::Kind as Kind_;
use crate::app::goal::Tab;
use crate::app::intent::Intent;
use crate::app::keys::Scope;
use crate::app::overlays::Overlay;
use crate::app::overlays::ask::{Ask, Purpose};
use crate::app::overlays::confirm::{Confirm, Deed};
use crate::app::overlays::differences::Differences;
use crate::app::screens::monitor::decision_name;
use crate::app::screens::settings::{Fold, Line, Page, Saving, Side, Stock, Typing, draft, moved, words};
use crate::app::toasts::{Level, Toast};
use crate::app::world::World;
use crate::base::Moment;
use crate::base::text::clean;
use crate::domain::backup::{Backup, Kind as Copied};
use crate::domain::settings::schema::{Kind, Row, Value};
use crate::domain::vault::{Act, Run, Source};

impl Ui {
    /// Where keys are looked up in the tab.
    pub(super) fn settings_scopes(&self) -> Vec<Scope> {
        let inner = match (self.sheet.side, self.sheet.page) {
            (Side::Groups, _) => Scope::Panels,
            (Side::Rows, _) if !self.sheet.needle.is_empty() => Scope::Sheet,
            (Side::Rows, Page::Backups) => Scope::Backups,
            (Side::Rows, Page::Profiles) => Scope::Profiles,
            (Side::Rows, page) if page.is_sheet() => Scope::Sheet,
            (Side::Rows, _) => Scope::Reading,
        };
        // One page of text has no rows to move among.
        let is_text = matches!(self.sheet.page, Page::About | Page::Remove);
        if self.sheet.side == Side::Rows && is_text && self.sheet.needle.is_empty() {
            return vec![inner];
        }
        vec![inner, Scope::Moving]
    }

    /// Does what an action means in the tab; `None` when it means what it means everywhere.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the tab answers some actions; the rest are for everywhere"
    )]
    pub(super) fn act_on_settings(
        &mut self,
        action: Action,
        world: &World,
        at: Moment,
    ) -> Option<Vec<Intent>> {
        let page = self.room().saturating_sub(1);
        if let Some(by) = action.steps(page) {
            self.move_in_settings(by, world);
            return Some(Vec::new());
        }
        match action {
            Action::Previous | Action::Next => self.other_side(),
            Action::Open if self.sheet.side == Side::Groups => self.sheet.side = Side::Rows,
            Action::Open | Action::Create | Action::Delete
                if self.sheet.page == Page::Profiles && self.sheet.needle.is_empty() =>
            {
                self.act_on_profiles(action, world);
            }
            Action::Open if self.is_in_backups() => self.offer_backup(world, at),
            Action::Open => self.edit(world, at),
            Action::Toggle => self.toggle(world, at),
            Action::Less => self.nudge(-1, world, at),
            Action::More => self.nudge(1, world, at),
            Action::Save => return Some(self.save(world, at)),
            Action::Reset => self.reset_one(world, at),
            Action::ResetPanel => self.reset_page(world, at),
            Action::Differences => self.differ(world, at),
            Action::Create => self.ask_name(),
            Action::Import => self.ask_import(),
            Action::Export => self.ask_export(world),
            Action::Verify => return Some(self.verify(world, at)),
            Action::Delete => self.ask_delete_backup(world, at),
            Action::Copy => return Some(self.copy_row(world, at)),
            _ => return None,
        }
        Some(Vec::new())
    }

    /// What must be read before the open page can be drawn.
    pub fn wanted(&mut self, world: &World, at: Moment) -> Vec<Intent> {
        if let Some(Overlay::Turn(id)) = self.overlays.last() {
            let name = decision_name(*id);
            if self.recalling.as_ref() != Some(&name) {
                self.recalling = Some(name.clone());
                return vec![Intent::Recall(name)];
            }
        } else {
            self.recalling = None;
        }
        if let Some(detail) = &mut self.detail
            && std::mem::take(&mut detail.stale)
        {
            return vec![Intent::Recount];
        }
        if self.tab == Tab::Usage {
            return self.usage.wanted(at).map(|query| Intent::Sum(Box::new(query))).into_iter().collect();
        }
        if self.tab == Tab::Monitor && self.bridge.open {
            return self.wanted_by_bridge();
        }
        if self.tab == Tab::Logs && self.layout().kind != Kind_::Pane {
            return self.wanted_by_logs();
        }
        if self.tab == Tab::Experimental {
            return self.wanted_by_experiments();
        }
        // The first start offers a backup, so it has to know whether there is one.
        let bare = self.tab == Tab::Accounts && world.loaded && Self::is_bare(world);
        let open = self.tab == Tab::Settings && self.sheet.page == Page::Backups;
        if open || bare {
            let act = self.sheet.backups.wanted();
            return act.map(|act| Intent::Inspect(Box::new(act))).into_iter().collect();
        }
        let paths = self.tab == Tab::Settings && self.sheet.page == Page::Paths;
        if paths && self.sheet.stock == Stock::Unknown {
            self.sheet.stock = Stock::Asked;
            return vec![Intent::TakeStock];
        }
        Vec::new()
    }

    fn is_in_backups(&self) -> bool {
        self.sheet.page == Page::Backups && self.sheet.needle.is_empty()
    }

    fn other_side(&mut self) {
        self.sheet.side = if self.sheet.side == Side::Groups { Side::Rows } else { Side::Groups };
    }

    pub(super) fn move_in_settings(&mut self, by: isize, world: &World) {
        if self.sheet.side == Side::Groups {
            let place = Page::ALL.iter().position(|page| *page == self.sheet.page).unwrap_or(0);
            let next = place.saturating_add_signed(by).min(Page::ALL.len() - 1);
            if let Some(page) = Page::ALL.get(next) {
                self.sheet.needle.clear();
                self.sheet.turn_to(*page, world);
                // What is there may have changed since the last look.
                self.sheet.stock = Stock::Unknown;
            }
            return;
        }
        if self.is_in_backups() {
            let place = self.sheet.backups.place.saturating_add_signed(by);
            self.sheet.backups.go(place);
            return;
        }
        let place = self.sheet.place.saturating_add_signed(by);
        self.sheet.go(place);
    }

    /// The setting under the cursor, when nothing holds it fast.
    fn changeable(&mut self, world: &World, at: Moment) -> Option<&'static Row> {
        let row = self.sheet.setting()?;
        let Some(name) = draft::locked(row, &world.config) else { return Some(row) };
        let text = format!("{} is set by {name}: unset the variable to change it here", row.title);
        self.say(Toast::new(Level::Info, "settings", text).with(format!("key {}", row.key)), world, at);
        None
    }

    fn toggle(&mut self, world: &World, at: Moment) {
        if let Some(Line::Fold(_)) = self.sheet.focused() {
            self.sheet.fold = if self.sheet.fold == Fold::Open { Fold::Closed } else { Fold::Open };
            self.sheet.list(world);
            return;
        }
        let Some(row) = self.changeable(world, at) else { return };
        if let Some(Line::Part(_, place)) = self.sheet.focused() {
            self.toggle_part(row, place, world, at);
            return;
        }
        let value = self.sheet.draft.value(row, &world.config);
        let next = match value {
            Value::Flag(flag) => Some(Value::Flag(!flag)),
            Value::Text(_) => moved(row, &value, 1),
            Value::Number(_) | Value::List(_) | Value::Map(_) => None,
        };
        match next {
            Some(next) => self.sheet.change(row, next, world),
            None => self.edit_text(row, world),
        }
    }

    fn nudge(&mut self, by: i32, world: &World, at: Moment) {
        let Some(row) = self.changeable(world, at) else { return };
        if let Some(Line::Part(_, place)) = self.sheet.focused() {
            self.move_part(row, place, by, world);
            return;
        }
        let value = self.sheet.draft.value(row, &world.config);
        match moved(row, &value, by) {
            Some(next) => self.sheet.change(row, next, world),
            None if matches!(row.kind, Kind::Number { .. }) => {
                let end = if by < 0 { "the least" } else { "the greatest" };
                let text = format!(
                    "{}: {end} a key reaches; enter types a value ({})",
                    row.title,
                    words::bounds(row)
                );
                self.say(Toast::new(Level::Info, "settings", text), world, at);
            }
            None => self.edit_text(row, world),
        }
    }

    fn edit(&mut self, world: &World, at: Moment) {
        let line = self.sheet.focused();
        if let Some(Line::Fold(_) | Line::Part(..)) = line {
            self.toggle(world, at);
            return;
        }
        let Some(row) = self.changeable(world, at) else { return };
        match row.kind {
            Kind::Flag(_) | Kind::Word(_) => self.toggle(world, at),
            Kind::Number { .. } | Kind::Text(_) | Kind::List(_) | Kind::Map => self.edit_text(row, world),
        }
    }

    fn edit_text(&mut self, row: &'static Row, world: &World) {
        let value = self.sheet.draft.value(row, &world.config);
        let field = Field::holding(&words::editable(row, &value));
        self.sheet.typing = Some(Typing { row, field, wrong: None });
    }

    /// Takes the typed value, or says what is wrong with it and stays.
    pub(super) fn take_typed(&mut self, action: Action, world: &World) {
        let Some(mut typing) = self.sheet.typing.take() else { return };
        if action != Action::Open {
            return;
        }
        let text = typing.field.text().trim().to_owned();
        if text.is_empty() {
            self.sheet.reset(typing.row, world);
            return;
        }
        match typing.row.parse(&text) {
            Ok(value) => self.sheet.change(typing.row, value, world),
            Err(wrong) => {
                typing.wrong = Some(wrong);
                self.sheet.typing = Some(typing);
            }
        }
    }

    fn toggle_part(&mut self, row: &'static Row, place: usize, world: &World, at: Moment) {
        let (mut chosen, words) = parts(row, &self.sheet.draft.value(row, &world.config));
        let Some(word) = words.get(place) else { return };
        match chosen.iter().position(|other| other == word) {
            Some(_) if chosen.len() == 1 => {
                let text = "the last field stays: a summary without fields says nothing";
                self.say(Toast::new(Level::Info, "settings", text), world, at);
                return;
            }
            Some(known) => {
                chosen.remove(known);
            }
            None => chosen.push(word.clone()),
        }
        self.keep_on(row, word, chosen, world);
    }

    /// Moves a chosen word of a list one place up or down, the cursor with it.
    fn move_part(&mut self, row: &'static Row, place: usize, by: i32, world: &World) {
        let (mut chosen, words) = parts(row, &self.sheet.draft.value(row, &world.config));
        let Some(word) = words.get(place) else { return };
        let Some(from) = chosen.iter().position(|other| other == word) else { return };
        let to = from.saturating_add_signed(isize::try_from(by).unwrap_or(0)).min(chosen.len() - 1);
        chosen.swap(from, to);
        self.keep_on(row, word, chosen, world);
    }

    fn keep_on(&mut self, row: &'static Row, word: &str, chosen: Vec<String>, world: &World) {
        self.sheet.change(row, Value::List(chosen), world);
        let (_, words) = parts(row, &self.sheet.draft.value(row, &world.config));
        let wanted = words.iter().position(|other| other == word);
        let place = self
            .sheet
            .lines
            .iter()
            .position(|line| matches!(line, Line::Part(of, at) if *of == row && Some(*at) == wanted));
        self.sheet.place = place.unwrap_or(self.sheet.place);
    }

    fn reset_one(&mut self, world: &World, at: Moment) {
        let Some(row) = self.changeable(world, at) else { return };
        self.sheet.reset(row, world);
    }

    fn reset_page(&mut self, world: &World, at: Moment) {
        if !self.sheet.needle.is_empty() || !self.sheet.page.is_sheet() {
            let text = "this group has nothing to reset";
            self.say(Toast::new(Level::Info, "key R", text), world, at);
            return;
        }
        for row in self.sheet.page.settings() {
            if draft::locked(row, &world.config).is_none() {
                self.sheet.reset(row, world);
            }
        }
        let text = format!("{}: back to the defaults once you save", self.sheet.page.titles().0);
        self.say(Toast::new(Level::Info, "key R", text), world, at);
    }

    fn differ(&mut self, world: &World, at: Moment) {
        if self.sheet.is_dirty() {
            self.overlays.push(Overlay::Differences(Differences::default()));
            return;
        }
        self.say(Toast::new(Level::Info, "key d", "nothing is changed"), world, at);
    }

    /// Writes what was changed.
    pub(super) fn save(&mut self, world: &World, at: Moment) -> Vec<Intent> {
        if !self.sheet.is_dirty() {
            self.say(Toast::new(Level::Info, "key s", "nothing is changed"), world, at);
            return Vec::new();
        }
        self.sheet.saving = Saving::Yes;
        vec![Intent::Configure(self.sheet.draft.edits())]
    }

    /// Asks what becomes of unsaved changes before `onward`.
    pub(super) fn ask_unsaved(&mut self, onward: Option<Deed>) {
        let count = self.sheet.draft.len();
        let title =
            if count == 1 { "1 unsaved change".to_owned() } else { format!("{count} unsaved changes") };
        let keys: Vec<&str> = self.sheet.draft.keys().take(6).collect();
        let more =
            if count > keys.len() { format!(" and {} more", count - keys.len()) } else { String::new() };
        let saved = [Deed::Save].into_iter().chain(onward.clone());
        let dropped = [Deed::Drop].into_iter().chain(onward);
        let question = Confirm::new(title, "Stay", "Save", saved)
            .saying(format!("{}{more}", keys.join(", ")))
            .saying("Saving writes these keys and no others; dropping leaves the file as it is.")
            .or("Drop", dropped);
        self.overlays.push(Overlay::Confirm(question));
    }

    fn copy_row(&mut self, world: &World, at: Moment) -> Vec<Intent> {
        let (text, told) = match self.sheet.focused() {
            _ if self.is_in_backups() => {
                let Some(backup) = self.sheet.backups.focused() else { return Vec::new() };
                (backup.path.display().to_string(), "copied the path")
            }
            Some(Line::Setting(row) | Line::Part(row, _)) => (row.key.to_owned(), "copied the key"),
            Some(Line::Variable(_, name)) => (name.to_owned(), "copied the variable's name"),
            Some(Line::Place(place)) => {
                let Some(item) = world.stock.get(place) else { return Vec::new() };
                (item.path.clone(), "copied the path")
            }
            Some(Line::Profile(place)) => {
                let profile = world.governance.rules.profiles.values().nth(place);
                let Some(profile) = profile else { return Vec::new() };
                (profile.identity_root.clone(), "copied the project's folder")
            }
            Some(Line::Bind(bind)) => {
                let keys: Vec<String> = self.keys.keys(bind).iter().map(|chord| chord.name()).collect();
                (format!("{}  {}", keys.join(", "), bind.label), "copied the key")
            }
            Some(Line::Title(_) | Line::Fold(_) | Line::Scope(_)) | None => {
                (world.config.target.clone(), "copied the path of the settings")
            }
        };
        self.say(Toast::new(Level::Done, "key y", told), world, at);
        vec![Intent::Copy(text)]
    }
}

/// Backups.
impl Ui {
    /// Merge or replace: the focused copy, merge first.
    fn offer_backup(&mut self, world: &World, at: Moment) {
        let Some(backup) = self.sheet.backups.focused().cloned() else { return };
        if !backup.is_good() {
            let text = format!("{} cannot be put back: it holds no account that can be read", backup.name);
            self.say(
                Toast::new(Level::Warn, "backups", text).with(backup.path.display().to_string()),
                world,
                at,
            );
            return;
        }
        let ruined = match &world.trouble {
            Some(problem) if problem.code == CORRUPT => true,
            // Whole, but not for this version or this user: nothing may take its place.
            Some(problem) => {
                self.toasts.push(problem_told(problem), world.settings.toast_duration, at);
                return;
            }
            None => false,
        };
        let source = Source::File(backup.path.clone());
        let merge = Intent::Vault(Box::new(Act::Import(source.clone(), Run::Real)));
        let replace = Intent::Vault(Box::new(Act::Restore(source)));
        let name = clean(&backup.name).into_owned();
        if ruined {
            let question = Confirm::new(format!("Put back {name}?"), "Leave", "Put back", [replace]).saying(
                "The pool file cannot be read. It is kept in quarantine, and the backup takes its place.",
            );
            self.overlays.push(Overlay::Confirm(question));
            return;
        }
        let mut question =
            Confirm::new(format!("Put back {name}?"), "Keep", "Merge", [merge]).or("Replace", [replace]);
        if let Some(Ok(comparison)) = self.sheet.backups.comparison() {
            let count =
                |many: usize| if many == 1 { "1 account".to_owned() } else { format!("{many} accounts") };
            question = question
                .saying(format!(
                    "Merge adds {}; nothing leaves the pool.",
                    count(comparison.only_there.len())
                ))
                .saying(format!(
                    "Replace also drops {} that the backup does not have.",
                    count(comparison.only_here.len())
                ));
        }
        let question = question.saying(if world.roster.accounts.is_empty() {
            "The pool has no accounts now, so there is nothing to back up before."
        } else {
            "Newer tokens stay in both cases. The pool as it is now is backed up before either."
        });
        self.overlays.push(Overlay::Confirm(question));
    }

    pub(super) fn ask_name(&mut self) {
        let ask = Ask::new("New backup", "name", Purpose::NewBackup)
            .saying("Letters, digits, - and _. The file goes to the backups folder, readable by you only.");
        self.overlays.push(Overlay::Ask(ask));
    }

    fn ask_import(&mut self) {
        let ask = Ask::new("Import accounts from a file", "file", Purpose::Import)
            .saying("A pool or an export, of this program or of the original. Accounts are merged, newer tokens stay; nothing is removed.");
        self.overlays.push(Overlay::Ask(ask));
    }

    fn ask_export(&mut self, world: &World) {
        let home = world.setting.home.trim_end_matches('/');
        let ask = Ask::new("Export all accounts to a file", "file", Purpose::Export)
            .saying("The file holds the sign-ins of all accounts: whoever has it can use them. It is written readable by you only; a file that is there already is never replaced.")
            .holding(&format!("{home}/codex-accounts.json"));
        self.overlays.push(Overlay::Ask(ask));
    }

    fn verify(&mut self, world: &World, at: Moment) -> Vec<Intent> {
        let Some(backup) = self.sheet.backups.focused() else { return Vec::new() };
        let path = backup.path.clone();
        let text = format!("verifying {}", clean(&backup.name));
        self.say(Toast::new(Level::Info, "key v", text), world, at);
        self.sheet.backups.verifying = Some(path.clone());
        vec![Intent::Inspect(Box::new(Act::Verify(Some(Source::File(path)))))]
    }

    fn ask_delete_backup(&mut self, world: &World, at: Moment) {
        let Some(backup) = self.sheet.backups.focused() else { return };
        if backup.kind != Copied::Named {
            let text = "only named backups can be deleted; the others go by themselves when they are old";
            self.say(Toast::new(Level::Info, "key d", text), world, at);
            return;
        }
        let question = deletion(backup);
        self.overlays.push(Overlay::Confirm(question));
    }
}

fn deletion(backup: &Backup) -> Confirm {
    let act = Intent::Vault(Box::new(Act::Delete(Source::Named(backup.name.clone()))));
    let holds =
        if backup.accounts == 1 { "1 account".to_owned() } else { format!("{} accounts", backup.accounts) };
    Confirm::new(format!("Delete the backup {}?", clean(&backup.name)), "Keep", "Delete", [act])
        .saying(format!("It holds {holds}. The pool is not touched."))
        .saying("A deleted backup cannot be brought back.")
}

/// The chosen words of a list setting, and all its words: the chosen ones first, in their order.
pub fn parts(row: &Row, value: &Value) -> (Vec<String>, Vec<String>) {
    let chosen = if let Value::List(list) = value { list.clone() } else { Vec::new() };
    let all: &[&str] = if let Kind::List(words) = row.kind { words } else { &[] };
    let rest =
        all.iter().filter(|word| chosen.iter().all(|other| other != *word)).map(|word| (*word).to_owned());
    let words = chosen.iter().cloned().chain(rest).collect();
    (chosen, words)
}
