//! `quota-cache.json` (storage.md §9.1): the newest windows per account, shared with the reference.
//!
//! An entry is keyed by account id when that id is unique in the pool, else by e-mail when that is
//! unambiguous. Unknown members survive; an e-mail entry that an id entry supersedes is removed.

use std::collections::HashMap;

use crate::base::{Moment, Percent, Span};
use crate::domain::account::{Account, AccountKey};
use crate::domain::quota::snapshot::{Snapshot, Source};
use crate::domain::quota::window::Window;
use crate::domain::roster::Roster;
use crate::formats::lossless::{Object, ParseJsonError};

/// How long an entry outlives its account. Nobody can use an older one anyway: every window has ended by then.
const KEPT: Span = Span::days(30);

/// Which place of the file holds an account's entry.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    Id(String),
    Email(String),
}

/// Reads the entries of all accounts of a pool; entries that miss `updatedAt`, `status` or `model` are no
/// entries.
///
/// # Errors
/// When the text is not a JSON object of version 1.
pub fn read(text: &str, roster: &Roster) -> Result<Vec<(AccountKey, Snapshot)>, ParseJsonError> {
    let document = Object::parse(text)?;
    if document.number("version") != Some(1.0) {
        return Err(ParseJsonError { detail: "has another version than 1".to_owned() });
    }
    let names = Names::of(roster);
    let (by_id, by_email) = (document.object("byAccountId"), document.object("byEmail"));
    Ok(roster
        .accounts
        .iter()
        .filter_map(|account| {
            let entry = match names.place(account)? {
                Place::Id(id) => by_id.as_ref().and_then(|entries| entries.object(&id)),
                Place::Email(email) => by_email.as_ref().and_then(|entries| entries.object(&email)),
            };
            Some((account.key.clone(), snapshot(&entry?)?))
        })
        .collect())
}

/// Puts observations into the file's text (`None` = no file yet) and drops entries of accounts that are gone for
/// long. Returns `None` when no observation is newer than what is there, so that nothing needs to be written.
///
/// # Errors
/// When the text is not a JSON object.
pub fn merge(
    text: Option<&str>,
    roster: &Roster,
    observations: &[(AccountKey, Snapshot)],
    at: Moment,
) -> Result<Option<String>, ParseJsonError> {
    let mut document = match text {
        Some(text) => Object::parse(text)?,
        None => Object::default(),
    };
    if !document.has("version") {
        document.set("version", 1);
    }
    let mut by_id = document.object("byAccountId").unwrap_or_default().into_owned();
    let mut by_email = document.object("byEmail").unwrap_or_default().into_owned();
    let names = Names::of(roster);
    let mut changed = false;
    for (key, observation) in observations {
        let Some(account) = roster.get(key) else { continue };
        let Some(place) = names.place(account) else { continue };
        let (entries, name) = match &place {
            Place::Id(id) => (&mut by_id, id),
            Place::Email(email) => (&mut by_email, email),
        };
        let old = entries.object(name);
        if old
            .as_ref()
            .and_then(|old| old.millis("updatedAt"))
            .is_some_and(|at| at >= observation.at.millis())
        {
            continue;
        }
        let fresh = entry(old.map(Object::into_owned), observation);
        entries.set_object(name, &fresh);
        if let (Place::Id(_), Some(email)) = (&place, &account.email) {
            by_email.remove(email);
        }
        changed = true;
    }
    if !changed {
        return Ok(None);
    }
    forget(&mut by_id, |id| names.ids.contains_key(id), at);
    forget(&mut by_email, |email| names.emails.contains_key(email), at);
    document.set_object("byAccountId", &by_id);
    document.set_object("byEmail", &by_email);
    Ok(Some(format!("{}\n", document.to_pretty())))
}

/// Drops entries of accounts that are in no pool we know and were not seen for long.
fn forget(entries: &mut Object<'static>, is_known: impl Fn(&str) -> bool, at: Moment) {
    let old = |(name, raw): (&str, &str)| {
        let seen = Object::parse(raw).ok()?.millis("updatedAt").map(Moment::from_millis)?;
        (!is_known(name) && at.since(seen) > KEPT).then(|| name.to_owned())
    };
    let gone: Vec<String> = entries.iter().filter_map(old).collect();
    for name in gone {
        entries.remove(&name);
    }
}

/// How often each id and e-mail occurs in a pool; counted once, so that thousands of accounts stay cheap.
struct Names<'a> {
    ids: HashMap<&'a str, usize>,
    emails: HashMap<&'a str, usize>,
}

impl<'a> Names<'a> {
    fn of(roster: &'a Roster) -> Self {
        let mut names = Self { ids: HashMap::new(), emails: HashMap::new() };
        for account in &roster.accounts {
            if let Some(id) = account.workspace_id() {
                *names.ids.entry(id).or_default() += 1;
            }
            if let Some(email) = account.email.as_deref() {
                *names.emails.entry(email).or_default() += 1;
            }
        }
        names
    }

    /// Where an account's entry stands; `None` when neither its id nor its e-mail is unambiguous.
    fn place(&self, account: &Account) -> Option<Place> {
        if let Some(id) = account.workspace_id()
            && self.ids.get(id) == Some(&1)
        {
            return Some(Place::Id(id.to_owned()));
        }
        let email = account.email.as_deref()?;
        (self.emails.get(email) == Some(&1)).then(|| Place::Email(email.to_owned()))
    }
}

fn snapshot(entry: &Object<'_>) -> Option<Snapshot> {
    Some(Snapshot {
        at: Moment::from_millis(entry.millis("updatedAt")?),
        status: u16::try_from(entry.count("status")?).ok()?,
        model: Some(entry.text("model")?),
        primary: entry.object("primary").and_then(|window| read_window(&window)),
        secondary: entry.object("secondary").and_then(|window| read_window(&window)),
        plan: entry.text("planType"),
        limit_id: None,
        credits: None,
        source: Source::Cache,
    })
}

fn read_window(window: &Object<'_>) -> Option<Window> {
    let window = Window {
        used: window.number("usedPercent").map(Percent::new),
        minutes: window.count("windowMinutes").and_then(|minutes| u32::try_from(minutes).ok()),
        resets_at: window.millis("resetAtMs").map(Moment::from_millis),
    };
    (window != Window::default()).then_some(window)
}

fn entry(old: Option<Object<'static>>, observation: &Snapshot) -> Object<'static> {
    let mut entry = old.unwrap_or_default();
    entry.set("updatedAt", observation.at.millis());
    entry.set("status", observation.status);
    entry.set("model", observation.model.as_deref().unwrap_or("unknown"));
    if let Some(plan) = &observation.plan {
        entry.set("planType", plan);
    }
    entry.set_object("primary", &write_window(observation.primary.as_ref()));
    entry.set_object("secondary", &write_window(observation.secondary.as_ref()));
    entry
}

fn write_window(window: Option<&Window>) -> Object<'static> {
    let mut object = Object::default();
    let Some(window) = window else { return object };
    if let Some(used) = window.used {
        object.set("usedPercent", used.value());
    }
    if let Some(minutes) = window.minutes {
        object.set("windowMinutes", minutes);
    }
    if let Some(reset) = window.resets_at {
        object.set("resetAtMs", reset.millis());
    }
    object
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::*;

    const NOW: Moment = Moment::from_millis(10);

    fn observed(at: i64, used: f64) -> Snapshot {
        let window = Window {
            used: Some(Percent::new(used)),
            minutes: Some(300),
            resets_at: Some(Moment::from_millis(9_000)),
        };
        Snapshot {
            primary: Some(window),
            secondary: None,
            plan: Some("plus".to_owned()),
            limit_id: None,
            credits: None,
            status: 200,
            model: Some("gpt-5.3-codex".to_owned()),
            at: Moment::from_millis(at),
            source: Source::Headers,
        }
    }

    fn pool(names: &[&str]) -> Roster {
        Roster { accounts: names.iter().map(|name| Account::sample(name)).collect(), ..Roster::default() }
    }

    #[test]
    fn what_is_kept_is_read_back_from_the_cache() {
        let roster = pool(&["one", "two"]);
        let key = roster.accounts[0].key.clone();

        let text = merge(None, &roster, &[(key.clone(), observed(5, 40.5))], NOW).unwrap().unwrap();

        let expected = Snapshot { source: Source::Cache, ..observed(5, 40.5) };
        assert_eq!(read(&text, &roster).unwrap(), [(key, expected)]);
        assert!(text.ends_with("}\n"));
    }

    #[test]
    fn the_newest_observation_wins_and_unknown_members_survive() {
        let roster = pool(&["one"]);
        let key = roster.accounts[0].key.clone();
        let old = r#"{"version":1,"mine":[1.50],"byAccountId":{"ws-one":{"updatedAt":9,"status":200,"model":"m","x":1},"other":{}},"byEmail":{}}"#;

        assert_eq!(merge(Some(old), &roster, &[(key.clone(), observed(8, 1.0))], NOW).unwrap(), None);
        let text = merge(Some(old), &roster, &[(key, observed(10, 1.0))], NOW).unwrap().unwrap();

        assert!(text.contains("1.50") && text.contains("\"x\": 1") && text.contains("\"other\""), "{text}");
    }

    #[test]
    fn entries_of_accounts_long_gone_are_dropped() {
        let roster = pool(&["one"]);
        let key = roster.accounts[0].key.clone();
        let day = Span::days(1).as_millis();
        let old = format!(
            r#"{{"version":1,"byAccountId":{{"ws-one":{{"updatedAt":1}},"gone":{{"updatedAt":{}}},"late":{{"updatedAt":{}}},"odd":{{}}}}}}"#,
            9 * day,
            11 * day
        );
        let at = Moment::from_millis(40 * day);

        let text = merge(Some(&old), &roster, &[(key, observed(40 * day, 1.0))], at).unwrap().unwrap();

        let left = Object::parse(&text).unwrap().object("byAccountId").unwrap().into_owned();
        assert_eq!(left.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["ws-one", "late", "odd"]);
    }

    #[test]
    fn two_seats_of_one_workspace_share_no_entry() {
        let mut roster = pool(&["one", "two"]);
        for account in &mut roster.accounts {
            account.credentials.claims.workspace_id = Some("ws-same".to_owned());
        }
        let key = roster.accounts[1].key.clone();

        let text = merge(None, &roster, &[(key.clone(), observed(5, 1.0))], NOW).unwrap().unwrap();

        assert!(text.contains("two@example.com") && !text.contains("ws-same"), "{text}");
        assert_eq!(read(&text, &roster).unwrap().first().map(|(key, _)| key.clone()), Some(key));
    }

    #[test]
    fn a_file_that_is_no_cache_is_an_error_not_an_empty_cache() {
        for text in ["", "[]", "{\"version\":2}"] {
            assert!(read(text, &Roster::default()).is_err(), "{text}");
        }
    }
}
