//! When two records are the same person on the same seat.
//!
//! An account is a user (e-mail or subject) plus a workspace id: seats of one workspace and workspaces of one
//! e-mail stay apart (D21). The matching order is the reference's, so both programs merge the same rows; the
//! index makes it linear, because a pool of thousands must load at once.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use sha2::{Digest, Sha256};

use crate::base::Moment;
use crate::domain::account::Account;

/// The parts of a record that tell who it is, normalised: trimmed, e-mail lower-cased, blank = absent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Person {
    /// Stored workspace id.
    pub id: Option<String>,
    /// Workspace id claimed by the tokens, when it differs from the stored one.
    pub claim: Option<String>,
    /// E-mail.
    pub email: Option<String>,
    /// SHA-256 of the refresh token; the token itself is not copied around.
    pub token: Option<[u8; 32]>,
    /// Last use, for "newest".
    pub last_used: Moment,
    /// When it was added, for "newest".
    pub added_at: Moment,
}

/// Whether a workspace id alone may identify a candidate without e-mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fallback {
    /// Selection, login, management.
    Allowed,
    /// De-duplication.
    Refused,
}

impl Person {
    /// Builds the normalised parts from raw ones.
    pub fn new(id: Option<&str>, email: Option<&str>, refresh: Option<&str>) -> Self {
        let filled =
            |text: Option<&str>| text.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
        Self {
            id: filled(id),
            email: filled(email).map(|email| email.to_lowercase()),
            token: refresh
                .map(str::trim)
                .filter(|token| !token.is_empty())
                .map(|token| Sha256::digest(token).into()),
            ..Self::default()
        }
    }

    /// Who an account is, with the workspace its tokens claim.
    pub fn of(account: &Account) -> Self {
        Self::new(
            account.account_id.as_deref(),
            account.email.as_deref(),
            Some(account.credentials.refresh.expose()),
        )
        .claiming(account.credentials.claims.workspace_id.as_deref())
        .seen(account.last_used, account.added_at)
    }

    /// Adds the workspace id the tokens claim.
    #[must_use]
    pub fn claiming(mut self, claim: Option<&str>) -> Self {
        self.claim = claim.map(str::to_owned).filter(|claim| self.id.as_ref() != Some(claim));
        self
    }

    /// Adds the times that decide which of several is the newest.
    #[must_use]
    pub fn seen(mut self, last_used: Moment, added_at: Moment) -> Self {
        self.last_used = last_used;
        self.added_at = added_at;
        self
    }

    fn ids(&self) -> impl Iterator<Item = &str> {
        self.id.as_deref().into_iter().chain(self.claim.as_deref())
    }

    fn has_id(&self) -> bool {
        self.id.is_some() || self.claim.is_some()
    }

    fn shares_id_with(&self, other: &Self) -> bool {
        self.ids().any(|id| other.ids().any(|theirs| theirs == id))
    }

    fn contradicts(&self, other: &Self) -> bool {
        (self.has_id() && other.has_id() && !self.shares_id_with(other)) || self.other_email(other)
    }

    fn other_email(&self, other: &Self) -> bool {
        matches!((&self.email, &other.email), (Some(mine), Some(theirs)) if mine != theirs)
    }

    fn age(&self) -> (Moment, Moment) {
        (self.last_used, self.added_at)
    }
}

/// The row a candidate belongs to, by the first rule that yields one (storage.md §5.2).
pub fn find(rows: &[Person], candidate: &Person, fallback: Fallback) -> Option<usize> {
    let all = || rows.iter().enumerate();
    decide(
        candidate,
        fallback,
        &Hits {
            email: all()
                .filter(|(_, row)| candidate.email.is_some() && row.email == candidate.email)
                .collect(),
            token: all()
                .filter(|(_, row)| candidate.token.is_some() && row.token == candidate.token)
                .collect(),
            id: all().filter(|(_, row)| candidate.shares_id_with(row)).collect(),
        },
    )
}

struct Hits<'a> {
    email: Vec<(usize, &'a Person)>,
    token: Vec<(usize, &'a Person)>,
    id: Vec<(usize, &'a Person)>,
}

fn decide(candidate: &Person, fallback: Fallback, hits: &Hits<'_>) -> Option<usize> {
    let same_seat = hits.email.iter().filter(|(_, row)| candidate.shares_id_with(row));
    if let Some(index) = newest(same_seat.copied()) {
        return Some(index);
    }
    if let Some(index) = safe_email(candidate, &hits.email) {
        return Some(index);
    }
    let anonymous = !candidate.has_id() && candidate.email.is_none();
    let spoiled = hits.token.iter().any(|(_, row)| candidate.contradicts(row));
    let ambiguous = anonymous && hits.token.len() > 1;
    if !spoiled
        && !ambiguous
        && let Some(index) = newest(hits.token.iter().copied())
    {
        return Some(index);
    }
    if candidate.email.is_none() && fallback == Fallback::Refused {
        return None;
    }
    match hits.id.as_slice() {
        [(index, row)] if !candidate.other_email(row) => Some(*index),
        _ => None,
    }
}

/// The newest row of that e-mail, as long as no two of them (the candidate included) name different seats.
fn safe_email(candidate: &Person, rows: &[(usize, &Person)]) -> Option<usize> {
    let mut known = candidate.has_id().then_some(candidate);
    for (_, row) in rows.iter().filter(|(_, row)| row.has_id()) {
        match known {
            Some(first) if !first.shares_id_with(row) => return None,
            Some(_) => {}
            None => known = Some(row),
        }
    }
    newest(rows.iter().copied())
}

fn newest<'a>(rows: impl Iterator<Item = (usize, &'a Person)>) -> Option<usize> {
    rows.max_by_key(|(index, row)| (row.age(), *index)).map(|(index, _)| index)
}

/// One record that stays after de-duplication.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Its index among the input rows.
    pub index: usize,
    /// Input rows it stands for, too; members it lacks may be taken from them.
    pub absorbed: Vec<usize>,
}

/// Merges rows that are the same person and seat: the newer one takes the place of the older (storage.md §5.3).
pub fn deduplicate(rows: &[Person]) -> Vec<Kept> {
    if all_differ(rows) {
        return (0..rows.len()).map(|index| Kept { index, absorbed: Vec::new() }).collect();
    }
    let mut kept: Vec<Kept> = (0..rows.len()).map(|index| Kept { index, absorbed: Vec::new() }).collect();
    loop {
        let before = kept.len();
        kept = pass(rows, kept);
        if kept.len() == before {
            return kept;
        }
    }
}

/// Whether no two rows share any part of an identity, which is the rule: then there is nothing to match.
fn all_differ(rows: &[Person]) -> bool {
    let mut emails = HashSet::with_capacity(rows.len());
    let mut ids = HashSet::with_capacity(rows.len());
    let mut tokens = HashSet::with_capacity(rows.len());
    rows.iter().all(|row| {
        row.email.as_deref().is_none_or(|email| emails.insert(email))
            && row.ids().all(|id| ids.insert(id))
            && row.token.is_none_or(|token| tokens.insert(token))
    })
}

fn pass(rows: &[Person], input: Vec<Kept>) -> Vec<Kept> {
    let mut kept: Vec<Kept> = Vec::with_capacity(input.len());
    let mut index = Index::default();
    for one in input {
        let Some(person) = rows.get(one.index) else { continue };
        let place = index.find(rows, &kept, person).and_then(|place| Some((place, kept.get_mut(place)?)));
        let Some((place, standing)) = place else {
            index.insert(person, kept.len());
            kept.push(one);
            continue;
        };
        let Some(old) = rows.get(standing.index) else { continue };
        if person.age() >= old.age() {
            index.remove(old, place);
            index.insert(person, place);
            let loser = std::mem::replace(standing, one);
            standing.absorbed.push(loser.index);
            standing.absorbed.extend(loser.absorbed);
        } else {
            standing.absorbed.push(one.index);
            standing.absorbed.extend(one.absorbed);
        }
    }
    kept
}

/// Places of kept rows by each part of their identity.
#[derive(Default)]
struct Index<'a> {
    email: HashMap<&'a str, Vec<usize>>,
    id: HashMap<&'a str, Vec<usize>>,
    token: HashMap<[u8; 32], Vec<usize>>,
}

impl<'a> Index<'a> {
    fn insert(&mut self, person: &'a Person, place: usize) {
        if let Some(email) = &person.email {
            self.email.entry(email).or_default().push(place);
        }
        if let Some(id) = &person.id {
            self.id.entry(id).or_default().push(place);
        }
        if let Some(token) = person.token {
            self.token.entry(token).or_default().push(place);
        }
    }

    fn remove(&mut self, person: &'a Person, place: usize) {
        let lists = [
            person.email.as_deref().and_then(|email| self.email.get_mut(email)),
            person.id.as_deref().and_then(|id| self.id.get_mut(id)),
            person.token.and_then(|token| self.token.get_mut(&token)),
        ];
        for list in lists.into_iter().flatten() {
            list.retain(|other| *other != place);
        }
    }

    fn find(&self, rows: &'a [Person], kept: &[Kept], person: &Person) -> Option<usize> {
        let at = |places: Option<&Vec<usize>>| -> Vec<(usize, &'a Person)> {
            let row = |place: usize| Some((place, rows.get(kept.get(place)?.index)?));
            places.into_iter().flatten().filter_map(|place| row(*place)).collect()
        };
        let hits = Hits {
            email: at(person.email.as_deref().and_then(|email| self.email.get(email))),
            token: at(person.token.and_then(|token| self.token.get(&token))),
            id: at(person.id.as_deref().and_then(|id| self.id.get(id))),
        };
        decide(person, Fallback::Refused, &hits)
    }
}

/// The record id of a row that has none yet: stable as long as the row is not changed, stored at its first save.
pub fn record_id(added_at: &str, id: Option<&str>, email: Option<&str>, refresh: &str) -> String {
    let mut hash = Sha256::new();
    for (place, part) in
        [added_at, id.unwrap_or_default().trim(), &lower(email.unwrap_or_default().trim()), refresh.trim()]
            .into_iter()
            .enumerate()
    {
        if place > 0 {
            hash.update(b"\0");
        }
        hash.update(part);
    }
    hex("record:", &hash.finalize())
}

/// The text in lower case; most are already.
fn lower(text: &str) -> Cow<'_, str> {
    let is_lower = text.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase());
    if is_lower { Cow::Borrowed(text) } else { Cow::Owned(text.to_lowercase()) }
}

/// SHA-256 in hex.
pub fn sha256_hex(text: impl AsRef<[u8]>) -> String {
    hex("", &Sha256::digest(text.as_ref()))
}

/// A hash in hex behind `head`.
fn hex(head: &str, hash: &[u8]) -> String {
    const fn digit(value: u8) -> u8 {
        if value < 10 { b'0' + value } else { b'a' - 10 + value }
    }
    let mut digits = [0; 64];
    for (pair, byte) in digits.chunks_exact_mut(2).zip(hash) {
        if let [high, low] = pair {
            (*high, *low) = (digit(byte >> 4), digit(byte & 0x0f));
        }
    }
    let mut out = String::with_capacity(head.len() + digits.len());
    out.push_str(head);
    out.push_str(str::from_utf8(&digits).unwrap_or_default());
    out
}

/// `sha256:` and the hash of a trimmed text: how ledgers and the extension file name people.
pub fn fingerprint(text: &str) -> String {
    format!("sha256:{}", sha256_hex(text.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_id_is_the_one_the_reference_computes() {
        let id = record_id(
            "1780000001000",
            Some("acct-fixture-0001"),
            Some("User1@example.com"),
            "rt_fixture_0001_v1_AAAAbbbbCCCCdddd",
        );

        assert_eq!(id, "record:be327d44ca1b1f31ce5cf4395409853cb1b3d3e0063e70e8cd0d0d511c07e04a");
        assert_eq!(
            record_id("1", None, None, " r "),
            "record:1077fff3f94dcc0d2e2e3eb0e8770a6681710f086ebd42c06c981abec6adc530"
        );
    }

    #[test]
    fn a_claim_identifies_a_row_bound_to_an_organisation() {
        let row = Person::new(Some("org-1"), Some("a@x.io"), Some("r1")).claiming(Some("ws-1"));
        let other = Person::new(Some("ws-2"), Some("a@x.io"), Some("r2"));

        let found = find(&[other, row], &Person::new(Some("ws-1"), Some("A@x.io"), None), Fallback::Refused);

        assert_eq!(found, Some(1));
    }

    #[test]
    fn the_index_merges_exactly_what_plain_matching_merges() {
        let mut rng = fastrand::Rng::with_seed(7);
        for _ in 0..300 {
            let rows: Vec<Person> = (0..12)
                .map(|_| {
                    let mut pick = |prefix: &str, of: u8| {
                        let n = rng.u8(0..=of);
                        (n > 0).then(|| format!("{prefix}{n}"))
                    };
                    let (id, email, token) = (pick("a", 3), pick("e", 3), pick("t", 4));
                    let (used, added) = (i64::from(rng.u8(0..4)), i64::from(rng.u8(0..4)));
                    Person::new(id.as_deref(), email.as_deref(), token.as_deref())
                        .seen(Moment::from_millis(used), Moment::from_millis(added))
                })
                .collect();

            let kept: Vec<usize> = deduplicate(&rows).into_iter().map(|kept| kept.index).collect();

            assert_eq!(kept, plain(&rows));
        }
    }

    fn plain(rows: &[Person]) -> Vec<usize> {
        let mut kept: Vec<usize> = (0..rows.len()).collect();
        loop {
            let before = kept.len();
            let mut next: Vec<usize> = Vec::new();
            for index in kept {
                let standing: Vec<Person> = next.iter().map(|at| rows[*at].clone()).collect();
                match find(&standing, &rows[index], Fallback::Refused) {
                    Some(place) if rows[index].age() >= standing[place].age() => next[place] = index,
                    Some(_) => {}
                    None => next.push(index),
                }
            }
            kept = next;
            if kept.len() == before {
                return kept;
            }
        }
    }
}
