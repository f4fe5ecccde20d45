//! The shared state: what is known of the pool, its quota, its use and the proxies that serve from it.
//!
//! Facts of the store, of live proxies and of services are folded in here and nowhere else; screens and flows
//! only read.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::app::msg::{AuthMsg, Msg, PeersMsg, ServiceMsg, StoreMsg, UpstreamMsg};
use crate::app::outcome::{BackgroundCalls, Facts, Named};
use crate::base::Moment;
use crate::base::calendar::Zone;
use crate::domain::account::{Account, AccountKey};
use crate::domain::capability::Capabilities;
use crate::domain::chance::seeded;
use crate::domain::change::Change;
use crate::domain::chronicle::Chronicle;
use crate::domain::facts::{PeerStatus, ProxyFact};
use crate::domain::forecast::Finding;
use crate::domain::policy::account::{Policies, tag};
use crate::domain::policy::compose::Governance;
use crate::domain::pool::{Known, Pool};
use crate::domain::presence;
use crate::domain::problem::Problem;
use crate::domain::quota::snapshot::Snapshot;
use crate::domain::recovery::{Beside, Health, Loaded, Recovery};
use crate::domain::reference;
use crate::domain::roster::Roster;
use crate::domain::selection::Ask;
use crate::domain::selection::explain::Decision;
use crate::domain::selection::replay::Kept;
use crate::domain::settings::Settings;
use crate::domain::settings::act::Done;
use crate::domain::settings::edit::{Edit, with_twins};
use crate::domain::settings::report::Report;
use crate::domain::shelf::Found;
use crate::domain::stock::Item;
use crate::domain::survey::Standing;
use crate::domain::usage::entry::Entry;
use crate::domain::vault::Answer;

/// Given facts of this process that never change while it runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    /// Path of the pool file, for people.
    pub storage_path: String,
    /// Key of the project whose pool this is.
    pub project: Option<String>,
    /// Key of the project around the folder in which this process works: its profile and budgets hold here.
    pub here: Option<String>,
    /// Its folder, for people.
    pub here_root: Option<String>,
    /// Codex home, for people.
    pub codex_home: String,
    /// Folder of the named backups, for people.
    pub backups: String,
    /// The person's home, for people.
    pub home: String,
    /// Active endpoint overrides: upstream, auth.
    pub overrides: (Option<String>, Option<String>),
    /// Name of the rehearsal.
    pub demo: Option<String>,
    /// The system's zone.
    pub zone: Zone,
}

/// What is known.
#[derive(Debug, Clone, PartialEq)]
pub struct World {
    /// Given facts.
    pub setting: Setting,
    /// The pool; changes of ours that are under way are already in it.
    pub roster: Arc<Roster>,
    /// Its revision on disk.
    pub revision: u64,
    /// Whether the pool has been read at least once.
    pub loaded: bool,
    /// State of its files.
    pub health: Health,
    /// Which files there are.
    pub beside: Beside,
    /// Set when a journal or backup was used.
    pub recovery: Option<Recovery>,
    /// What the user wants of accounts.
    pub policies: Arc<Policies>,
    /// Why the policies cannot be read, if so; those known before still hold.
    pub policy_trouble: Option<String>,
    /// Whether the policies could be read once.
    pub policies_read: bool,
    /// What the user rules for projects and money, with what was used of it.
    pub governance: Arc<Governance>,
    /// Why that cannot be read, if so; what was known before still holds.
    pub rule_trouble: Option<String>,
    /// What traffic taught about who may ask for which model.
    pub capabilities: Arc<Capabilities>,
    /// Why the pool cannot be read, if so.
    pub trouble: Option<Problem>,
    /// Every setting with its value and where it comes from.
    pub config: Arc<Report>,
    /// Effective settings: the values of `config`, typed.
    pub settings: Arc<Settings>,
    /// Whether the settings have been read.
    pub settled: bool,
    /// Whether the quota cache has been read, as far as there is a pool to read it for.
    pub measured: bool,
    /// Newest quota per account.
    pub quota: BTreeMap<AccountKey, Snapshot>,
    /// Files and folders of the program, as they were looked at last.
    pub stock: Vec<Item>,
    /// Live proxies.
    pub peers: Vec<PeerStatus>,
    /// Whether live proxies have been looked for.
    pub looked: bool,
    /// Whether the ledger has been read.
    pub counted: bool,
    /// Ledger rows of the last 24 hours, oldest first.
    pub usage: Arc<Vec<Entry>>,
    /// What is remembered of accounts, as it was read last.
    pub chronicle: Arc<Chronicle>,
    /// Requests nobody asked for.
    pub background: BackgroundCalls,
    /// A live proxy's newest answer to the plain question; `None` while none is alive.
    pub answer: Option<Decision>,
    /// The kept decision that was looked for last, by its name.
    pub recalled: Option<(String, Option<Box<Kept>>)>,
    /// What questions to the back end showed about accounts.
    pub findings: BTreeMap<AccountKey, Finding>,
    /// Accounts whose quota is being asked for now.
    pub checking: Vec<AccountKey>,
}

impl World {
    /// Which account a person means: by number, e-mail, label, id, a unique beginning of one, or a tag (CLI-41).
    ///
    /// # Errors
    /// As [`reference::resolve_tagged`].
    pub fn meant(&self, word: &str) -> Result<AccountKey, Problem> {
        let tag = tag(word);
        reference::resolve_tagged(word, &self.roster, |account| {
            let policy = self.policies.of(account);
            policy.zip(tag.as_ref()).is_some_and(|(policy, tag)| policy.tags.contains(tag))
        })
    }

    /// An empty world in its setting.
    pub fn new(setting: Setting, at: Moment) -> Self {
        Self {
            setting,
            roster: Arc::default(),
            revision: 0,
            loaded: false,
            health: Health::Empty,
            beside: Beside::default(),
            recovery: None,
            policies: Arc::default(),
            policy_trouble: None,
            policies_read: false,
            governance: Arc::default(),
            rule_trouble: None,
            capabilities: Arc::default(),
            trouble: None,
            config: Arc::default(),
            settings: Arc::default(),
            settled: false,
            measured: false,
            quota: BTreeMap::new(),
            stock: Vec::new(),
            peers: Vec::new(),
            looked: false,
            counted: false,
            usage: Arc::default(),
            chronicle: Arc::default(),
            background: BackgroundCalls { since: at, ..BackgroundCalls::default() },
            answer: None,
            recalled: None,
            findings: BTreeMap::new(),
            checking: Vec::new(),
        }
    }

    /// Folds a message into what is known.
    #[expect(clippy::too_many_lines, reason = "one arm per message, and no message without one")]
    pub fn fold(&mut self, message: &Msg) {
        match message {
            Msg::Store(StoreMsg::Loaded(Ok(loaded)) | StoreMsg::Committed(_, Ok(loaded))) => {
                self.take(loaded);
            }
            Msg::Store(StoreMsg::Vault(_, answer)) => {
                if let Some(loaded) = answer.as_ref().as_ref().ok().and_then(Answer::pool) {
                    self.take(loaded);
                }
            }
            Msg::Store(StoreMsg::Loaded(Err(problem))) => {
                self.loaded = true;
                self.measured = true;
                self.health = Health::Corrupt;
                self.trouble = Some(problem.clone());
            }
            Msg::Store(StoreMsg::Settings(report)) => self.settle(report),
            Msg::Store(
                StoreMsg::Configured(_, Ok(saved)) | StoreMsg::ConfigFile(_, Ok(Done::Edited(Some(saved)))),
            ) => self.settle(&saved.report),
            Msg::Store(StoreMsg::Policies(found)) => self.take_policies(found),
            Msg::Store(StoreMsg::PolicySet(_, Ok((policies, _)))) => {
                self.policies = Arc::new(policies.clone());
                self.policies_read = true;
                self.policy_trouble = None;
            }
            Msg::Store(StoreMsg::Ruled(Ok(governance)) | StoreMsg::RuleSet(_, Ok((governance, _)))) => {
                (self.governance, self.rule_trouble) = (Arc::clone(governance), None);
            }
            Msg::Store(StoreMsg::Ruled(Err(why))) => self.rule_trouble = Some(why.clone()),
            Msg::Store(StoreMsg::Quota(quota)) => {
                self.measured = true;
                for (key, snapshot) in quota {
                    self.note_quota(key, snapshot);
                }
            }
            Msg::Store(StoreMsg::Capabilities(known)) => self.capabilities = Arc::clone(known),
            Msg::Store(StoreMsg::Stock(items)) => self.stock.clone_from(items),
            Msg::Store(StoreMsg::Chronicle(told)) => self.chronicle = Arc::new((**told).clone()),
            Msg::Store(StoreMsg::Usage(rows)) => {
                self.usage = Arc::new(rows.clone());
                self.counted = true;
            }
            Msg::Upstream(UpstreamMsg::Usage(_, key, answer)) => {
                self.checking.retain(|other| other != key);
                match answer.as_ref() {
                    Ok(snapshot) => {
                        self.note_quota(key, snapshot);
                        self.findings.remove(key);
                    }
                    Err(unread) => self.note_finding(key, &Standing::without_figures(unread)),
                }
            }
            Msg::Upstream(UpstreamMsg::Probed(_, key, answer)) => {
                self.checking.retain(|other| other != key);
                match answer {
                    Ok(all) => all.iter().for_each(|snapshot| self.note_quota(key, snapshot)),
                    Err(unread) => self.note_finding(key, &Standing::without_figures(unread)),
                }
            }
            Msg::Peers(PeersMsg::Seen(peers)) => {
                let titles = known_titles(&self.peers);
                self.peers.clone_from(peers);
                for row in self.peers.iter_mut().flat_map(|peer| &mut peer.sessions) {
                    row.title = row.title.take().or_else(|| titles.get(&row.id).cloned());
                }
                self.looked = true;
                if peers.is_empty() {
                    self.answer = None;
                }
            }
            Msg::Peers(PeersMsg::Recalled(_, name, found)) => {
                self.recalled = Some((name.clone(), found.clone()));
            }
            Msg::Peers(PeersMsg::Next(_, answer)) => self.answer.clone_from(answer),
            Msg::Auth(AuthMsg::Refreshed(_, key, outcome)) => match Standing::after(outcome) {
                Some(standing) => self.note_finding(key, &standing),
                None => {
                    self.findings.remove(key);
                }
            },
            Msg::Service(ServiceMsg::Fact(ProxyFact::Quota(key, snapshot))) => self.note_quota(key, snapshot),
            Msg::Service(ServiceMsg::Fact(ProxyFact::Changed(changes))) => self.guess(changes),
            // What was expected of a refused change is taken back.
            Msg::Store(StoreMsg::Configured(_, Err(_))) => self.settings = Arc::new(self.config.settings()),
            Msg::Store(
                StoreMsg::PolicySet(_, Err(_))
                | StoreMsg::RuleSet(_, Err(_))
                | StoreMsg::Committed(_, Err(_))
                | StoreMsg::ConfigFile(..)
                | StoreMsg::Looks(_)
                | StoreMsg::Summed(..),
            )
            | Msg::Input(_)
            | Msg::Ticked
            | Msg::Elapsed
            | Msg::Codex(_)
            | Msg::Login(..)
            | Msg::Answered(..)
            | Msg::NotCopied(_)
            | Msg::Worded(..)
            | Msg::Log(_)
            | Msg::Filed(..)
            | Msg::Service(_)
            | Msg::Checkup(..)
            | Msg::Bridge(..)
            | Msg::History(..)
            | Msg::Rotation(..)
            | Msg::Chored(..)
            | Msg::Peers(PeersMsg::Steered(_))
            | Msg::Uninstalled(..)
            | Msg::Signal(_) => {}
        }
    }

    /// Applies changes of ours before the store has confirmed them; the confirmation replaces the guess.
    pub fn guess(&mut self, changes: &[Change]) {
        let roster = Arc::make_mut(&mut self.roster);
        for change in changes {
            roster.apply(change);
        }
    }

    fn settle(&mut self, report: &Arc<Report>) {
        self.settled = true;
        if *self.config != **report {
            self.config = Arc::clone(report);
        }
        let settings = report.settings();
        if *self.settings != settings {
            self.settings = Arc::new(settings);
        }
    }

    /// Shows settings as they will be once they are written; what the store answers has the last word.
    pub fn expect(&mut self, edits: &[Edit]) {
        self.settings = Arc::new(self.config.preview(&with_twins(edits, &self.config)));
    }

    fn take(&mut self, loaded: &Loaded) {
        if self.loaded && loaded.revision < self.revision {
            return;
        }
        self.roster = loaded.roster.clone();
        self.revision = loaded.revision;
        self.health = loaded.health;
        self.beside = loaded.beside;
        if loaded.recovery.is_some() {
            self.recovery.clone_from(&loaded.recovery);
        }
        self.trouble = None;
        self.loaded = true;
    }

    /// A file that cannot be read lifts nothing: what was known before still holds.
    fn take_policies(&mut self, found: &Found<Policies>) {
        match found {
            Found::Absent => self.policies = Arc::default(),
            Found::Whole(entries) => self.policies = Arc::new(entries.value.clone()),
            Found::Damaged { detail } => {
                self.policy_trouble = Some(format!("account-policies.json cannot be read ({detail})"));
                return;
            }
        }
        self.policies_read = true;
        self.policy_trouble = None;
    }

    fn note_finding(&mut self, key: &AccountKey, standing: &Standing) {
        if let Some(finding) = standing.finding() {
            self.findings.insert(key.clone(), finding);
        }
    }

    fn note_quota(&mut self, key: &AccountKey, snapshot: &Snapshot) {
        if let Some(known) = Snapshot::learn(self.quota.get(key), snapshot) {
            self.quota.insert(key.clone(), known);
        }
    }

    /// Whether everything a report needs has been read.
    pub fn is_complete(&self) -> bool {
        self.loaded && self.settled && self.looked && self.measured
    }

    /// The account in use now: what a live proxy served last (within 24 h), else none.
    pub fn in_use(&self, at: Moment) -> Option<&AccountKey> {
        presence::in_use(self.peers.iter().map(|peer| &peer.pulse), at)
    }

    /// What a proxy started here and now on the files would answer to the plain question: fresh trackers, no spread, and
    /// the rules of the project around this folder.
    pub fn foresee(&self, at: Moment) -> Decision {
        self.foresee_for(&Ask::plain(), at)
    }

    /// The same for another question.
    pub fn foresee_for(&self, ask: &Ask, at: Moment) -> Decision {
        let ask = Ask { project: ask.project.clone().or_else(|| self.setting.here.clone()), ..ask.clone() };
        self.pool(at).explain(&ask, at, &mut seeded(0))
    }

    /// The pool as a proxy would have it that starts now.
    pub fn pool(&self, at: Moment) -> Pool {
        let unread = self.policy_trouble.as_deref().or(self.rule_trouble.as_deref());
        let known = Known {
            roster: &self.roster,
            settings: &self.settings,
            policies: &self.policies,
            governed: unread.map_or(Ok(&self.governance), Err),
            quota: &self.quota,
        };
        Pool::started(&known, at)
    }

    /// Why the policies cannot be read, as long as they never could.
    pub fn unread_policies(&self) -> Option<&str> {
        self.policy_trouble.as_deref().filter(|_| !self.policies_read)
    }

    /// Files of rules that cannot be read, and what that means.
    fn refusals(&self) -> impl Iterator<Item = String> {
        let all = [&self.policy_trouble, &self.rule_trouble].into_iter().flatten();
        all.map(|trouble| format!("{trouble}: a proxy that starts now refuses every request until it can be"))
    }

    /// How messages name an account: label, else e-mail, else `Account N`.
    pub fn named(&self, key: &AccountKey) -> Option<Named> {
        let number = self.roster.index_of(key)? + 1;
        let label = self.roster.get(key).map(|account| name_of(account, number))?;
        Some(Named { key: key.clone(), number, label })
    }

    /// Everything a report may need.
    pub fn facts(&self, at: Moment) -> Facts {
        Facts {
            at,
            roster: self.roster.clone(),
            health: self.health,
            beside: self.beside,
            trouble: self.trouble.clone(),
            project: self.setting.project.clone(),
            recovery: self.recovery.clone(),
            storage_path: self.setting.storage_path.clone(),
            quota: self.quota.clone(),
            peers: self.peers.clone(),
            next: None,
            replay: None,
            usage: self.usage.as_ref().clone(),
            overrides: self.setting.overrides.clone(),
            background: self.background,
            demo: self.setting.demo.clone(),
            settings: self.settings.clone(),
            policies: self.policies.clone(),
            here: (self.setting.here.clone(), self.setting.here_root.clone()),
            governance: self.governance.clone(),
            capabilities: self.capabilities.clone(),
            notes: self.settings.notes.iter().cloned().chain(self.refusals()).collect(),
        }
    }
}

fn name_of(account: &Account, number: usize) -> String {
    account.label.clone().or_else(|| account.email.clone()).unwrap_or_else(|| format!("Account {number}"))
}
/// Beginnings of conversations that an earlier look found: not every look reads the rollouts.
fn known_titles(peers: &[PeerStatus]) -> BTreeMap<String, String> {
    let rows = peers.iter().flat_map(|peer| &peer.sessions);
    rows.filter_map(|row| Some((row.id.clone(), row.title.clone()?))).collect()
}
