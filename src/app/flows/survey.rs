//! Asking the back end about several accounts, one at a time or as many as `parallelProbing` allows: tokens are brought up to date when they are due,
//! then the usage endpoint is asked, which spends nothing. Part of the flows that need fresh figures.

use std::collections::{BTreeMap, VecDeque};

use crate::app::effect::{AuthEffect, Effect, Effects, UpstreamEffect};
use crate::app::flows::Ticket;
use crate::app::msg::{AuthMsg, Msg, UpstreamMsg};
use crate::app::world::World;
use crate::base::{Moment, Span};
use crate::domain::account::{Account, AccountKey};
use crate::domain::refresh::Reason;
use crate::domain::survey::{Calls, Kind, Standing, Unread};

/// An access token this close to its end is renewed first (commands.md §2.1).
const USABLE: Span = Span::minutes(5);

/// When tokens are renewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tokens {
    /// When the access token is missing or about to end.
    WhenDue,
    /// Always: the person asked for it.
    Always,
}

/// A survey under way.
#[derive(Debug, Clone, PartialEq)]
pub struct Survey {
    ticket: Ticket,
    tokens: Tokens,
    waiting: VecDeque<AccountKey>,
    running: Vec<AccountKey>,
    standings: BTreeMap<AccountKey, Standing>,
    calls: Calls,
    /// Whether each account is asked for an answer, too; of which model.
    #[expect(
        clippy::option_option,
        reason = "no probe, and a probe of whatever model is cheapest, are two things"
    )]
    probe: Option<Option<String>>,
}

impl Survey {
    /// A survey of these accounts; nothing is asked before [`Survey::go_on`].
    pub fn new(ticket: Ticket, keys: Vec<AccountKey>, tokens: Tokens) -> Self {
        Self {
            ticket,
            tokens,
            waiting: keys.into(),
            running: Vec::new(),
            standings: BTreeMap::new(),
            calls: Calls::default(),
            probe: None,
        }
    }

    /// Accounts being asked about now.
    pub fn running(&self) -> &[AccountKey] {
        &self.running
    }

    /// How many have been asked about so far, and how many there are.
    pub fn progress(&self) -> (usize, usize) {
        let done = self.standings.len();
        (done, done + self.running.len() + self.waiting.len())
    }

    /// Whether every account has its standing.
    pub fn is_over(&self) -> bool {
        self.running.is_empty() && self.waiting.is_empty()
    }

    /// What was learnt.
    pub fn standings(&self) -> &BTreeMap<AccountKey, Standing> {
        &self.standings
    }

    /// Requests made.
    pub fn calls(&self) -> Calls {
        self.calls
    }

    /// Also asks for a short answer of a model, of any when none is named; that spends quota.
    #[must_use]
    pub fn probing(mut self, model: Option<String>) -> Self {
        self.probe = Some(model);
        self
    }

    /// Asks about the next accounts.
    pub fn go_on(&mut self, world: &World, at: Moment) -> Effects {
        let mut effects = Effects::new();
        let settings = &world.settings;
        let most = if settings.parallel_probing { settings.probes_at_once.max(1) } else { 1 };
        while self.running.len() < most {
            let Some(key) = self.waiting.pop_front() else { break };
            match world.roster.get(&key).map(|account| self.first(account, at)) {
                None => {}
                Some(Err(standing)) => {
                    self.standings.insert(key, standing);
                }
                Some(Ok(effect)) => {
                    effects.push(effect);
                    self.running.push(key);
                }
            }
        }
        effects
    }

    /// The first question about an account, or its standing where none may be asked.
    fn first(&mut self, account: &Account, at: Moment) -> Result<Effect, Standing> {
        if let Some(dead) = account.invalidation.as_ref().filter(|_| self.tokens == Tokens::WhenDue) {
            let code = dead.code.clone().unwrap_or_else(|| "signed out".to_owned());
            return Err(Standing::NeedsLogin(code));
        }
        if account.uncertain_since.is_some() && self.tokens == Tokens::WhenDue {
            return Err(Standing::Uncertain);
        }
        if self.tokens == Tokens::WhenDue && !account.needs_refresh(at, USABLE) {
            return Ok(self.usage(account.key.clone()));
        }
        let reason = match self.tokens {
            Tokens::WhenDue => Reason::ProactiveExpiry,
            Tokens::Always => Reason::Forced,
        };
        self.calls.refresh += 1;
        Ok(Effect::Auth(AuthEffect::Refresh(self.ticket, account.key.clone(), reason)))
    }

    fn usage(&mut self, key: AccountKey) -> Effect {
        self.calls.usage += 1;
        Effect::Upstream(UpstreamEffect::Usage(self.ticket, key))
    }

    /// Hears a message; returns what to ask next, or `None` when it is about something else.
    pub fn on(&mut self, message: &Msg, world: &World, at: Moment) -> Option<Effects> {
        if *message == Msg::Elapsed {
            return Some(self.give_up());
        }
        if let Msg::Auth(AuthMsg::Refreshed(ticket, key, outcome)) = message
            && *ticket == self.ticket
        {
            let Some(standing) = Standing::after(outcome) else {
                return Some(vec![self.usage(key.clone())]);
            };
            return Some(self.settle(key, standing, world, at));
        }
        if let Msg::Upstream(UpstreamMsg::Usage(ticket, key, answer)) = message
            && *ticket == self.ticket
        {
            let standing = match (answer.as_ref(), &self.probe) {
                (Ok(_), Some(model)) => {
                    self.calls.probe += 1;
                    let probe = UpstreamEffect::Probe(self.ticket, key.clone(), model.clone());
                    return Some(vec![Effect::Upstream(probe)]);
                }
                (Ok(_), None) => Standing::Available,
                (Err(unread), _) => Standing::without_figures(unread),
            };
            return Some(self.settle(key, standing, world, at));
        }
        if let Msg::Upstream(UpstreamMsg::Probed(ticket, key, answer)) = message
            && *ticket == self.ticket
        {
            let standing = match answer {
                Ok(_) => Standing::Available,
                Err(unread) => Standing::without_figures(unread),
            };
            return Some(self.settle(key, standing, world, at));
        }
        None
    }

    /// Nothing more is waited for. A refresh that is under way goes on and keeps its tokens.
    fn give_up(&mut self) -> Effects {
        for key in self.waiting.drain(..).chain(self.running.drain(..)) {
            let why = "it took longer than `--timeout` allows".to_owned();
            self.standings.entry(key).or_insert(Standing::Unknown(Unread { kind: Kind::Network, why }));
        }
        vec![Effect::Cancel(self.ticket)]
    }

    fn settle(&mut self, key: &AccountKey, standing: Standing, world: &World, at: Moment) -> Effects {
        self.running.retain(|other| other != key);
        self.standings.insert(key.clone(), standing);
        self.go_on(world, at)
    }

    /// Whether every question failed on the way to the network.
    pub fn is_offline(&self) -> bool {
        let offline =
            |standing: &Standing| matches!(standing, Standing::Unknown(Unread { kind: Kind::Network, .. }));
        !self.standings.is_empty() && self.standings.values().all(offline)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::app::world::Setting;
    use crate::base::calendar::Zone;
    use crate::domain::roster::Roster;

    #[test]
    fn accounts_are_asked_one_at_a_time_unless_the_settings_allow_more() {
        let setting = Setting {
            storage_path: String::new(),
            backups: String::new(),
            home: String::new(),
            project: None,
            here: None,
            here_root: None,
            codex_home: String::new(),
            overrides: (None, None),
            demo: None,
            zone: Zone::utc(),
        };
        let at = Moment::from_secs(100);
        let mut world = World::new(setting, at);
        let accounts: Vec<Account> = ["a", "b", "c", "d"].map(Account::sample).to_vec();
        let keys: Vec<AccountKey> = accounts.iter().map(|account| account.key.clone()).collect();
        world.roster = Arc::new(Roster { accounts, ..Roster::default() });
        let mut asked = |parallel, most| {
            let settings = Arc::make_mut(&mut world.settings);
            (settings.parallel_probing, settings.probes_at_once) = (parallel, most);
            Survey::new(Ticket(1), keys.clone(), Tokens::WhenDue).go_on(&world, at).len()
        };

        assert_eq!((asked(false, 3), asked(true, 3), asked(true, 5)), (1, 3, 4));

        let mut survey = Survey::new(Ticket(1), keys.clone(), Tokens::WhenDue);
        survey.go_on(&world, at);
        assert_eq!(survey.on(&Msg::Elapsed, &world, at), Some(vec![Effect::Cancel(Ticket(1))]));
        assert!(survey.is_over(), "nothing is waited for after its time");
        assert_eq!(survey.standings().len(), 4);
    }
}
