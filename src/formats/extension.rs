//! `ext/accounts.json`: members of accounts that the reference would strip from the pool (storage.md §13.5).
//!
//! Keyed by record id, with hashes of workspace id and e-mail beside it for the day a record id was lost.
//! Losing the file loses convenience: the id token comes back with the next refresh or login, the routing with
//! the next discovery.

use std::cell::OnceCell;
use std::collections::HashMap;

use crate::base::{Moment, Secret, Span};
use crate::domain::account::{Account, AccountKey, Arrival, Door};
use crate::domain::identity::fingerprint;
use crate::domain::token;
use crate::domain::workspace::Routing;
use crate::formats::lossless::{self, Object};

/// How many spent refresh tokens of an account are remembered (by hash), and for how long.
const HISTORY: usize = 16;
const HISTORY_LIFE: Span = Span::days(30);

/// The file as read, with an index over its records.
#[derive(Debug, Clone, Default)]
pub struct Extension<'a> {
    top: Object<'a>,
    records: HashMap<String, &'a str>,
    /// New texts of records; `None` = forgotten.
    edited: HashMap<String, Option<String>>,
    pin_moved: bool,
    /// Records by the hashes of workspace id and e-mail; built when a record id is missing.
    people: OnceCell<HashMap<(String, String), &'a str>>,
}

/// What it knows about one account.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Record {
    /// Needed for `auth.json`.
    pub id_token: Option<Secret>,
    /// When a refresh was cut.
    pub uncertain_since: Option<Moment>,
    /// Where upstream wants this account's traffic.
    pub routing: Option<Routing>,
    /// How the session came here.
    pub arrival: Option<Arrival>,
    /// Hashes of refresh tokens that were replaced, oldest first.
    pub history: Vec<(String, Moment)>,
}

impl<'a> Extension<'a> {
    /// Reads the file; a damaged one counts as empty, because it holds nothing that cannot be learnt again.
    pub fn parse(text: &'a str) -> Self {
        let top = Object::parse(text).unwrap_or_default();
        let records = match top.borrowed("records").map(Object::parse) {
            Some(Ok(all)) => all.borrowed_members().map(|(key, raw)| (key.to_owned(), raw)).collect(),
            Some(Err(_)) | None => HashMap::new(),
        };
        Self { top, records, edited: HashMap::new(), pin_moved: false, people: OnceCell::new() }
    }

    /// What is known about an account: by record id, else by the hashes of who it is.
    pub fn record_of(&self, account: &Account) -> Option<Record> {
        if self.records.is_empty() && self.edited.is_empty() {
            return None;
        }
        self.raw(account.key.as_str()).or_else(|| self.raw_of_person(account)).map(read)
    }

    /// The account's spent refresh tokens.
    pub fn history_of(&self, key: &AccountKey) -> Vec<(String, Moment)> {
        self.raw(key.as_str()).map(read).unwrap_or_default().history
    }

    /// All record ids with their spent refresh tokens.
    pub fn histories(&self) -> impl Iterator<Item = (&str, Vec<(String, Moment)>)> {
        self.records.iter().map(|(key, raw)| (key.as_str(), read(raw).history))
    }

    /// The pin by record id; only while the pool's generation is the one it was set at, because the reference
    /// moves the pin without knowing this file.
    pub fn pin(&self, generation: u64) -> Option<AccountKey> {
        let same = self.top.count("pinnedAtGeneration") == Some(generation);
        same.then(|| self.top.text("pinnedRecordId")).flatten().map(AccountKey::new)
    }

    /// When that pin was set.
    pub fn pinned_at(&self, generation: u64) -> Option<Moment> {
        self.pin(generation).and_then(|_| self.top.millis("pinnedAt")).map(Moment::from_millis)
    }

    /// The highest generation we ever wrote; the reference's login drops the one in the pool.
    pub fn generation(&self) -> u64 {
        self.top.count("generation").unwrap_or(0)
    }

    /// Remembers the pin by identity, and since when it holds.
    pub fn set_pin(&mut self, pin: Option<&AccountKey>, since: Option<Moment>, generation: u64) {
        match since.filter(|_| pin.is_some()) {
            Some(since) => self.top.set("pinnedAt", since.millis()),
            None => self.top.remove("pinnedAt"),
        }
        match pin {
            Some(key) => self.top.set("pinnedRecordId", key.as_str()),
            None => self.top.remove("pinnedRecordId"),
        }
        self.pin_moved = true;
        self.top.set("pinnedAtGeneration", generation);
        self.top.set("generation", generation.max(self.generation()));
    }

    /// Follows a change of an account.
    pub fn follow(&mut self, old: Option<&Account>, new: &Account, at: Moment) {
        let same = old.is_some_and(|old| {
            old.credentials.id_token == new.credentials.id_token
                && old.credentials.refresh == new.credentials.refresh
                && old.uncertain_since == new.uncertain_since
                && old.routing == new.routing
                && old.arrival == new.arrival
        });
        let bare = new.credentials.id_token.is_none()
            && new.uncertain_since.is_none()
            && new.routing.is_none()
            && new.arrival.is_none();
        if same || (old.is_none() && bare) {
            return;
        }
        let stored =
            self.raw(new.key.as_str()).or_else(|| self.raw_of_person(new)).unwrap_or("{}").to_owned();
        let mut record = Object::parse(&stored).unwrap_or_default();
        match &new.credentials.id_token {
            Some(token) => record.set("idToken", token.expose()),
            None => record.remove("idToken"),
        }
        match new.uncertain_since {
            Some(since) => record.set("uncertain", serde_json::json!({ "since": since.millis() })),
            None => record.remove("uncertain"),
        }
        match &new.routing {
            Some(routing) => record.set(
                "routing",
                serde_json::json!({
                    "origin": routing.origin,
                    "override": routing.over,
                    "checkedAt": routing.checked_at.millis(),
                }),
            ),
            None => record.remove("routing"),
        }
        if let Some(Arrival { at, by }) = new.arrival {
            record.set("signedIn", serde_json::json!({ "at": at.millis(), "by": by.word() }));
        }
        if let Some(spent) =
            old.map(|old| &old.credentials.refresh).filter(|spent| **spent != new.credentials.refresh)
        {
            let history = grown(read(&stored).history, token::hash(spent), at);
            let rows: Vec<_> = history
                .iter()
                .map(|(hash, at)| serde_json::json!({ "hash": hash, "at": at.millis() }))
                .collect();
            record.set("refreshHistory", rows);
        }
        if let Some(id) = &new.account_id {
            record.set("accountHash", fingerprint(id));
        }
        if let Some(email) = &new.email {
            record.set("emailHash", fingerprint(email));
        }
        self.edited.insert(new.key.as_str().to_owned(), Some(record.to_text()));
    }

    /// Forgets a removed account: its id token is a secret of somebody who is no longer here.
    pub fn forget(&mut self, key: &AccountKey) {
        if self.raw(key.as_str()).is_some() {
            self.edited.insert(key.as_str().to_owned(), None);
        }
    }

    /// An account's record as it stands, with members nobody knows.
    pub fn record_text(&self, key: &AccountKey) -> Option<&str> {
        self.raw(key.as_str())
    }

    /// Puts an account's record back.
    pub fn put_back(&mut self, key: &AccountKey, record: &str) {
        self.edited.insert(key.as_str().to_owned(), Some(record.to_owned()));
    }

    /// Puts back every record that an earlier state of the file had and this one has not.
    pub fn take_over(&mut self, earlier: &Extension<'_>) {
        for (key, record) in &earlier.records {
            if self.raw(key).is_none() {
                self.edited.insert(key.clone(), Some((*record).to_owned()));
            }
        }
    }

    /// Forgets everybody, when the user removed every account; only the generation goes on.
    pub fn clear(&mut self, pool_generation: u64) {
        let generation = self.generation().max(pool_generation) + 1;
        self.edited = self.records.keys().map(|key| ((*key).clone(), None)).collect();
        self.set_pin(None, None, generation);
    }

    /// Whether something was set since it was read.
    pub fn is_changed(&self) -> bool {
        !self.edited.is_empty() || self.pin_moved
    }

    /// The text to be saved.
    pub fn to_text(&self) -> String {
        let stored = self.top.raw("records").unwrap_or("{}").to_owned();
        let mut records = Object::parse(&stored).unwrap_or_default();
        let mut edited: Vec<_> = self.edited.iter().collect();
        edited.sort();
        for (key, text) in edited {
            match text {
                Some(text) => records.set_raw(key, text.clone()),
                None => records.remove(key),
            }
        }
        let mut top = self.top.clone();
        if !top.has("version") {
            top.set("version", 1);
        }
        top.set_object("records", &records);
        top.to_pretty() + "\n"
    }

    fn raw(&self, key: &str) -> Option<&str> {
        match self.edited.get(key) {
            Some(edited) => edited.as_deref(),
            None => self.records.get(key).copied(),
        }
    }

    fn raw_of_person(&self, account: &Account) -> Option<&str> {
        let (id, email) = (account.account_id.as_deref()?, account.email.as_deref()?);
        let people = self.people.get_or_init(|| {
            let person = |raw: &&'a str| {
                let record = Object::parse(raw).ok()?;
                Some((record.text("accountHash")?, record.text("emailHash")?))
            };
            self.records.values().filter_map(|raw| Some((person(raw)?, *raw))).collect()
        });
        people.get(&(fingerprint(id), fingerprint(email))).copied()
    }
}

fn read(raw: &str) -> Record {
    let Ok(record) = Object::parse(raw) else { return Record::default() };
    let routing = record.object("routing").map(|routing| Routing {
        origin: routing.text("origin"),
        over: routing.text("override"),
        checked_at: Moment::from_millis(routing.millis("checkedAt").unwrap_or(0)),
    });
    let spent = |raw: &&str| {
        let one = Object::parse(raw).ok()?;
        Some((one.text("hash")?, Moment::from_millis(one.millis("at")?)))
    };
    Record {
        id_token: record.text("idToken").filter(|token| !token.is_empty()).map(Secret::new),
        uncertain_since: record
            .object("uncertain")
            .and_then(|mark| mark.millis("since"))
            .map(Moment::from_millis),
        routing,
        arrival: arrival(&record),
        history: record
            .raw("refreshHistory")
            .and_then(lossless::list)
            .unwrap_or_default()
            .iter()
            .filter_map(spent)
            .collect(),
    }
}

/// The newest of the ways in which its session is known to have come.
fn arrival(record: &Object<'_>) -> Option<Arrival> {
    let at = |name: &str| {
        record
            .object(name)
            .and_then(|told| told.millis("at").map(|at| (Moment::from_millis(at), told.text("by"))))
    };
    let signed_in = at("signedIn").and_then(|(at, by)| Some(Arrival { at, by: Door::from_word(&by?)? }));
    let imported = at("importedFrom").map(|(at, _)| Arrival { at, by: Door::Import });
    [signed_in, imported].into_iter().flatten().max_by_key(|arrival| arrival.at)
}

fn grown(mut history: Vec<(String, Moment)>, hash: String, at: Moment) -> Vec<(String, Moment)> {
    history.retain(|(old, since)| *old != hash && at.since(*since) < HISTORY_LIFE);
    history.push((hash, at));
    let surplus = history.len().saturating_sub(HISTORY);
    history.drain(..surplus);
    history
}
