//! `quota-cache.json` (storage.md §9.1): the newest windows per account, shared with the reference.
//!
//! An entry is keyed by account id when that id is unique in the pool, else by e-mail when that is
//! unambiguous. Unknown members survive; an e-mail entry that an id entry supersedes is removed.

use std::collections::HashMap;

use crate::base::{Moment, Percent, Span};
use crate::domain::account::{Account, AccountKey};
use crate::domain::quota::snapshot::{Banked, Credits, Extra, Snapshot, Source};
use crate::domain::quota::window::Window;
use crate::domain::roster::Roster;
use crate::formats::lossless::{Object, ParseJsonError, joined};

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
        let known = old.as_ref().and_then(known);
        if known.as_ref().is_some_and(|known| observation.is_own() && known.at == observation.at) {
            continue;
        }
        let Some(all) = Snapshot::learn(known.as_ref(), observation) else { continue };
        let fresh = entry(old.map(Object::into_owned), &all);
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

/// What an entry says; one that cannot be used still says when it was written.
fn known(entry: &Object<'_>) -> Option<Snapshot> {
    let at = Moment::from_millis(entry.millis("updatedAt")?);
    Some(snapshot(entry).unwrap_or(Snapshot { at, ..Snapshot::default() }))
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
        credits: entry.object("credits").map(|credits| Credits {
            has: credits.flag("hasCredits").unwrap_or(false),
            unlimited: credits.flag("unlimited").unwrap_or(false),
            balance: credits.text("balance"),
        }),
        source: entry.text("source").and_then(|word| Source::from_word(&word)).unwrap_or_default(),
        extra: entry.list("extraLimits").into_iter().flatten().filter_map(read_extra).collect(),
        banked: entry.object("resetCredits").and_then(|banked| {
            Some(Banked {
                available: u32::try_from(banked.count("available")?).ok()?,
                expires_at: banked.millis("expiresAtMs").map(Moment::from_millis),
                at: Moment::from_millis(banked.millis("updatedAt")?),
            })
        }),
    })
}

fn read_extra(text: &str) -> Option<Extra> {
    let extra = Object::parse(text).ok()?;
    Some(Extra {
        id: extra.text("id")?,
        name: extra.text("name"),
        primary: extra.object("primary").and_then(|window| read_window(&window)),
        secondary: extra.object("secondary").and_then(|window| read_window(&window)),
        at: Moment::from_millis(extra.millis("updatedAt")?),
    })
}

fn read_window(window: &Object<'_>) -> Option<Window> {
    let window = Window {
        used: window.number("usedPercent").map(Percent::new),
        minutes: window.count("windowMinutes").and_then(|minutes| u32::try_from(minutes).ok()),
        resets_at: window.millis("resetAtMs").map(Moment::from_millis),
        seen: window.millis("seenAtMs").map(Moment::from_millis),
    };
    (window != Window::default()).then_some(window)
}

fn entry(old: Option<Object<'static>>, known: &Snapshot) -> Object<'static> {
    let mut entry = old.unwrap_or_default();
    entry.set("updatedAt", known.at.millis());
    entry.set("status", known.status);
    entry.set("model", known.model.as_deref().unwrap_or("unknown"));
    entry.set("source", known.source.word());
    if let Some(plan) = &known.plan {
        entry.set("planType", plan);
    }
    entry.set_object("primary", &write_window(known.primary.as_ref()));
    entry.set_object("secondary", &write_window(known.secondary.as_ref()));
    match &known.credits {
        Some(credits) => {
            let mut object = Object::default();
            object.set("hasCredits", credits.has);
            object.set("unlimited", credits.unlimited);
            object.set("balance", &credits.balance);
            entry.set_object("credits", &object);
        }
        None => entry.remove("credits"),
    }
    if known.extra.is_empty() {
        entry.remove("extraLimits");
    } else {
        let extras: Vec<String> = known.extra.iter().map(write_extra).collect();
        entry.set_raw("extraLimits", joined(extras.iter().map(String::as_str)));
    }
    if let Some(banked) = &known.banked {
        let mut object = Object::default();
        object.set("available", banked.available);
        if let Some(end) = banked.expires_at {
            object.set("expiresAtMs", end.millis());
        }
        object.set("updatedAt", banked.at.millis());
        entry.set_object("resetCredits", &object);
    }
    entry
}

fn write_extra(extra: &Extra) -> String {
    let mut object = Object::default();
    object.set("id", &extra.id);
    if let Some(name) = &extra.name {
        object.set("name", name);
    }
    object.set_object("primary", &write_window(extra.primary.as_ref()));
    object.set_object("secondary", &write_window(extra.secondary.as_ref()));
    object.set("updatedAt", extra.at.millis());
    object.to_text()
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
    if let Some(seen) = window.seen {
        object.set("seenAtMs", seen.millis());
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
            ..Window::default()
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
            ..Snapshot::default()
        }
    }

    fn pool(names: &[&str]) -> Roster {
        Roster { accounts: names.iter().map(|name| Account::sample(name)).collect(), ..Roster::default() }
    }

    #[test]
    fn what_is_kept_is_read_back_from_the_cache() {
        let roster = pool(&["one", "two"]);
        let key = roster.accounts[0].key.clone();

        let window = Window { seen: Some(Moment::from_millis(3)), ..observed(5, 1.0).primary.unwrap() };
        let full = Snapshot {
            secondary: Some(window),
            credits: Some(Credits { has: true, unlimited: false, balance: Some("5.39".to_owned()) }),
            extra: vec![Extra {
                id: "codex-bengalfox".to_owned(),
                name: Some("Spark".to_owned()),
                primary: Some(window),
                secondary: None,
                at: Moment::from_millis(4),
            }],
            banked: Some(Banked {
                available: 1,
                expires_at: Some(Moment::from_millis(99)),
                at: Moment::from_millis(2),
            }),
            ..observed(5, 40.5)
        };

        let text = merge(None, &roster, &[(key.clone(), full.clone())], NOW).unwrap().unwrap();

        assert_eq!(read(&text, &roster).unwrap(), [(key, full)]);
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
    fn an_entry_of_the_reference_says_less_and_is_read_all_the_same() {
        let roster = pool(&["one"]);
        let old = r#"{"version":1,"byAccountId":{"ws-one":{"updatedAt":9,"status":429,"model":"m","primary":{"usedPercent":100,"windowMinutes":300},"secondary":{}}},"byEmail":{}}"#;

        let (_, snapshot) = read(old, &roster).unwrap().remove(0);

        assert_eq!((snapshot.source, snapshot.status, snapshot.secondary), (Source::Cache, 429, None));
        assert_eq!((snapshot.credits, snapshot.banked, snapshot.extra), (None, None, Vec::new()));
    }

    #[test]
    fn what_one_header_leaves_out_stays_in_the_cache() {
        let roster = pool(&["one"]);
        let key = roster.accounts[0].key.clone();
        let week = Window {
            used: Some(Percent::new(70.0)),
            minutes: Some(10_080),
            resets_at: Some(Moment::from_millis(9_000)),
            ..Window::default()
        };
        let both = Snapshot { secondary: Some(week), ..observed(5, 1.0) };
        let other = Snapshot { limit_id: Some("codex-bengalfox".to_owned()), ..observed(7, 100.0) };

        let text = merge(None, &roster, &[(key.clone(), both)], NOW).unwrap().unwrap();
        let text = merge(Some(&text), &roster, &[(key.clone(), observed(7, 2.0)), (key, other)], NOW)
            .unwrap()
            .unwrap();

        let (_, all) = read(&text, &roster).unwrap().remove(0);
        assert_eq!(all.primary.unwrap().used, Some(Percent::new(2.0)));
        assert_eq!(all.secondary.unwrap().seen, Some(Moment::from_millis(5)));
        assert_eq!(all.extra.first().unwrap().id, "codex-bengalfox");
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
