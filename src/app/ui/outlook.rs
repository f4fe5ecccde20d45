//! What the keys of the Forecast tab do: reasons, the model that is looked ahead for, which decision is explained,
//! and what is asked on request.

use super::Ui;
use crate::app::action::Action;
use crate::app::geometry::Kind;
use crate::app::goal::{Command, Entry, Forecasting, Moments, Named, Overlay as Runtime, Probe, Reach, Tab};
use crate::app::intent::Intent;
use crate::app::outcome::{Body, Forecasted, Outcome};
use crate::app::overlays::Overlay;
use crate::app::overlays::confirm::Confirm;
use crate::app::overlays::for_model::ForModel;
use crate::app::overlays::palette::Run;
use crate::app::overlays::reasons::{About, Part, Reasons};
use crate::app::screens::forecast::{Explain, Offer, Outlook, Which};
use crate::app::toasts::{Level, Toast};
use crate::app::world::World;
use crate::base::Moment;
use crate::base::text::clean;
use crate::domain::account::AccountKey;
use crate::domain::problem::Exit;
use crate::domain::survey::Calls;

/// What a key of this tab does.
type Act = fn(&mut Ui, &World, Moment);

impl Ui {
    /// The keys that only this tab has.
    pub(super) fn look_ahead(&mut self, action: Action, world: &World, at: Moment) -> Vec<Intent> {
        let keys: [(Action, Act); 6] = [
            (Action::Why, |ui, _, _| ui.explain_focused()),
            (Action::WhyAll, |ui, _, _| ui.overlays.push(Overlay::Reasons(Reasons::of(About::All)))),
            (Action::ProbeAll, Ui::ask_probe),
            (Action::ForModel, |ui, _, _| {
                let open = ForModel::on(ui.outlook.model.as_deref());
                ui.overlays.push(Overlay::ForModel(open));
            }),
            (Action::WhichDecision, Ui::other_decision),
            (Action::RuntimeOverlay, Ui::other_source),
        ];
        if let Some((_, act)) = keys.iter().find(|(key, _)| *key == action) {
            act(self, world, at);
        }
        Vec::new()
    }

    /// Why the focused account stands where it stands.
    pub(super) fn explain_focused(&mut self) {
        if let Some(prospect) = self.outlook.focused() {
            let about = About::One(prospect.key.clone());
            self.overlays.push(Overlay::Reasons(Reasons::of(about)));
        }
    }

    /// `--explain` shows all reasons as soon as there are any, `why-selected` those of the choice or the last decision.
    pub(super) fn explain_at_the_start(&mut self, world: &World, at: Moment) {
        if self.outlook.order.is_empty() || !world.is_complete() {
            return;
        }
        match std::mem::take(&mut self.outlook.explain) {
            Explain::No => {}
            Explain::Wanted => self.overlays.push(Overlay::Reasons(Reasons::of(About::All))),
            Explain::Next => self.explain_focused(),
            Explain::Last => self.other_decision(world, at),
        }
    }

    fn ask_probe(&mut self, world: &World, at: Moment) {
        let accounts = world.roster.accounts.iter();
        let keys: Vec<AccountKey> = accounts
            .filter(|account| account.is_on() && account.invalidation.is_none())
            .map(|account| account.key.clone())
            .collect();
        if keys.is_empty() {
            let text = "no account can be asked: all are off or need a sign-in";
            self.say(Toast::new(Level::Info, "key V", text), world, at);
            return;
        }
        let accounts =
            if keys.len() == 1 { "1 account".to_owned() } else { format!("{} accounts", keys.len()) };
        let model = self.outlook.model.clone();
        let of = model.as_deref().map_or_else(|| "the cheapest model".to_owned(), str::to_owned);
        let question =
            Confirm::new(format!("Probe {accounts}?"), "Keep", "Probe", [Intent::Probe(keys, model)])
                .saying(format!("Each one is asked for a short answer of {of}: that spends quota."))
                .saying("It shows who may use that model. Limits alone cost nothing: v reads them.");
        self.overlays.push(Overlay::Confirm(question));
    }

    fn other_decision(&mut self, world: &World, at: Moment) {
        if self.outlook.which == Which::Last {
            self.outlook.which = Which::Next;
            return;
        }
        if self.outlook.last(world).is_none() {
            let text = "no running proxy has decided anything yet: the next decision is explained";
            self.say(Toast::new(Level::Info, "key l", text), world, at);
            return;
        }
        self.outlook.which = Which::Last;
    }

    fn other_source(&mut self, world: &World, at: Moment) {
        let (overlay, text) = match (self.outlook.overlay, world.peers.is_empty()) {
            (Runtime::On, _) => (Runtime::Off, "files only: what a proxy started now would choose"),
            (Runtime::Off, true) => (Runtime::On, "no proxy is running: the files answer either way"),
            (Runtime::Off, false) => (Runtime::On, "the running proxy answers, with what it has learnt"),
        };
        self.outlook.overlay = overlay;
        self.outlook.refresh(world, self.layout().kind, at);
        self.say(Toast::new(Level::Info, "key r", text), world, at);
    }

    /// The list of reasons takes its keys.
    pub(super) fn read_reasons(
        &mut self,
        mut open: Reasons,
        action: Action,
        world: &World,
        at: Moment,
    ) -> Vec<Intent> {
        let parts = open.parts(&self.outlook, world, at);
        let room = reasons_room(self.layout().kind, self.size.1);
        if let Some(by) = action.steps(room) {
            open.offset = open.offset.saturating_add_signed(by).min(parts.len().saturating_sub(room));
            self.overlays.push(Overlay::Reasons(open));
            return Vec::new();
        }
        if action == Action::Copy {
            let text: Vec<String> = parts.iter().map(|part| line(part, world)).collect();
            self.overlays.push(Overlay::Reasons(open));
            self.say(Toast::new(Level::Done, "key y", "copied the reasons"), world, at);
            return vec![Intent::Copy(text.join("\n"))];
        }
        let opened = open.shown(&self.outlook, world, at).filter(|_| action == Action::Open);
        opened.map(|key| self.run(Run::Open(key), world, at)).unwrap_or_default()
    }

    /// The list of models takes its keys.
    pub(super) fn choose_model(
        &mut self,
        mut open: ForModel,
        action: Action,
        world: &World,
        at: Moment,
    ) -> Vec<Intent> {
        if let Some(by) = action.steps(usize::from(self.size.1 / 2)) {
            open.place = open.place.saturating_add_signed(by).min(ForModel::count() - 1);
            self.overlays.push(Overlay::ForModel(open));
            return Vec::new();
        }
        if action != Action::Open {
            return Vec::new();
        }
        self.outlook.model = ForModel::model(open.place).map(|profile| profile.name.to_owned());
        let of = self.outlook.model.clone().unwrap_or_else(|| "any model".to_owned());
        self.say(Toast::new(Level::Info, "key m", format!("looking ahead for {of}")), world, at);
        self.outlook.refresh(world, self.layout().kind, at);
        vec![Intent::Foresee(Box::new(self.outlook.question()))]
    }

    /// The document `forecast --json --explain` would print.
    pub(super) fn copy_ranking(&mut self, world: &World, at: Moment) -> Vec<Intent> {
        let (Some(forecast), Some(decision)) = (&self.outlook.forecast, &self.outlook.decision) else {
            return Vec::new();
        };
        let mut facts = world.facts(at);
        facts.next = Some(decision.clone());
        let model = self.outlook.model.clone();
        let forecasting = Forecasting {
            live: false,
            explain: true,
            overlay: self.outlook.overlay,
            model: model.map(|name| Named { requested: name.clone(), name }),
            probe: Probe::Off,
            reach: Reach::default(),
        };
        let told = Forecasted {
            forecasting,
            forecast: forecast.clone(),
            notes: Vec::new(),
            calls: Calls::default(),
            considered: 0,
            facts,
        };
        let exit = if forecast.recommended.is_some() { Exit::Ok } else { Exit::Attention };
        let outcome = Outcome { command: "forecast", exit, body: Body::Forecast(Box::new(told)) };
        self.say(Toast::new(Level::Done, "key y", "copied the ranking as JSON"), world, at);
        vec![Intent::CopyReport(Box::new(outcome))]
    }

    /// Whether the tab is open; its keys mean something else elsewhere.
    pub(super) fn is_looking_ahead(&self) -> bool {
        self.tab == Tab::Forecast && self.layout().kind != Kind::Pane
    }
}

/// The forecast as a view command asks for it.
pub(super) fn opened(entry: &Entry) -> Outlook {
    match &entry.command {
        Some(Command::Forecast(asked)) => Outlook::asked(asked, Offer::No),
        Some(Command::Why(Moments::Now)) => Outlook { explain: Explain::Next, ..Outlook::default() },
        Some(Command::Why(Moments::Last)) => Outlook { explain: Explain::Last, ..Outlook::default() },
        Some(Command::Best(choosing)) => Outlook::asked(&choosing.forecasting, Offer::Best),
        Some(_) | None => Outlook::default(),
    }
}

/// Lines of the reasons on a screen of this height.
pub fn reasons_room(kind: Kind, height: u16) -> usize {
    let around = match kind {
        Kind::Wide | Kind::Medium => 9,
        Kind::Narrow | Kind::Pane | Kind::TooSmall => 8,
    };
    usize::from(height.saturating_sub(around).max(3))
}

fn line(part: &Part, world: &World) -> String {
    match part {
        Part::Account(key, availability) => {
            let name = world.named(key).map_or_else(String::new, |named| named.label);
            format!("{}: {}", clean(&name), availability.word())
        }
        Part::Reason(reason) => format!("{:>5}  {}", reason.points, clean(&reason.text)),
        Part::Risk(risk, level) => format!("{risk:>5}  {} risk", level.word()),
        Part::Engine(text) | Part::Window(text) => format!("       {text}"),
        Part::Blank => String::new(),
    }
}
