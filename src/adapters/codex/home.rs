//! The official CLI's home: `auth.json` and `config.toml`.
//!
//! `auth.json` is another program's file, which that program rewrites in place. So every change is made under
//! the home's lock on the bytes as they stand, is compared once more right before the rename, and leaves what it
//! does not know alone. A login nobody else holds is copied aside before it goes.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::adapters::disk::atomic::{self, Staged};
use crate::adapters::disk::lock::FileLock;
use crate::adapters::disk::perms;
use crate::adapters::fault;
use crate::base::{Moment, Span, calendar};
use crate::domain::account::{Account, AccountKey, Credentials};
use crate::domain::change::Change;
use crate::domain::launch::config::ConfigFacts;
use crate::domain::official::{Aside, ChatGpt, Consent, Login, Roll, Stamp, Written};
use crate::domain::places::Places;
use crate::domain::roster::Roster;
use crate::domain::token;
use crate::formats::codex_accounts::{self, Selected};
use crate::formats::codex_auth::{self, Owner};
use crate::formats::codex_config;
use crate::ports::home::Home;
use crate::ports::{Clock, Store};

/// As for every lock of ours.
const LOCK_WITHIN: Span = Span::seconds(10);

/// `ports::Home` over files.
#[derive(Clone)]
pub struct CodexHome<S, C> {
    store: S,
    places: Arc<Places>,
    clock: C,
}

impl<S: Store, C: Clock> CodexHome<S, C> {
    /// The home that `places` names; `store` knows whose tokens a file holds.
    pub fn new(store: S, places: Arc<Places>, clock: C) -> Self {
        Self { store, places, clock }
    }

    /// Puts `account` into the official files because a person chose it: whatever login stands there now is
    /// replaced, but somebody's API key, agent identity or personal token only with `consent`.
    ///
    /// # Errors
    /// What went wrong, for people; the files are as they were.
    pub async fn select(&self, account: &Account, consent: Consent, at: Moment) -> Result<Written, String> {
        let seen = match self.login().await {
            Login::Absent => None,
            Login::ChatGpt(login) => Some(login.stamp),
            Login::Unreadable { path, detail } => {
                return Ok(Written::Skipped(format!(
                    "{path} cannot be read ({detail}) and was left as it is"
                )));
            }
            Login::Other { stamp, .. } if consent == Consent::Given => Some(stamp),
            Login::Other { kind, .. } => {
                let why = format!("auth.json holds {kind}; with `--yes` it is replaced and a copy is kept");
                return Ok(Written::Skipped(why));
            }
        };
        self.replace(seen.as_ref(), account, at).await
    }

    /// What the official files say together; `None` when they cannot be read or must not be.
    pub async fn state(&self) -> Option<Roll> {
        if self.objection().await.is_some() {
            return None;
        }
        let accounts = atomic::read_text(self.places.accounts_json()).ok().flatten();
        let auth = atomic::read(self.auth()).ok().flatten();
        codex_accounts::state(accounts.as_deref(), auth.as_deref())
    }

    fn auth(&self) -> &Path {
        self.places.auth_json()
    }

    fn read(&self) -> (Option<Vec<u8>>, Login) {
        let path = self.auth().display().to_string();
        match atomic::read(self.auth()) {
            Ok(bytes) => {
                let login = codex_auth::read(bytes.as_deref(), &path);
                (bytes, login)
            }
            Err(error) => (None, Login::Unreadable { path, detail: error.to_string() }),
        }
    }

    async fn lock(&self) -> Result<FileLock, String> {
        FileLock::acquire(&self.places.codex_home_lock(), LOCK_WITHIN)
            .await
            .map_err(|error| error.to_string())
    }

    /// Whether anything may be written, and why not.
    async fn objection(&self) -> Option<Written> {
        let settings = self.store.settings().await.unwrap_or_default();
        let why = "writing the official CLI's files is switched off (`codexCliSync`)";
        (!settings.codex_cli_sync).then(|| Written::Skipped(why.to_owned()))
    }

    /// Puts `text` in the place of `old` unless somebody was faster.
    fn publish(&self, old: Option<&[u8]>, text: &str) -> Result<Written, String> {
        publish(self.auth(), old, text)
    }

    /// What the selection means for `accounts.json`.
    fn beside(&self, account: &Account, at: Moment) -> Result<Beside, String> {
        let path = self.places.accounts_json();
        let bytes = atomic::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
        let Some(bytes) = bytes else { return Ok(Beside::Nothing) };
        let Ok(text) = std::str::from_utf8(&bytes) else { return Ok(Beside::Nothing) };
        Ok(match codex_accounts::select(text, account, at) {
            Selected::Text(text) => Beside::Selected { old: bytes, text },
            Selected::NoEntry => Beside::Stranger,
            Selected::NoFile => Beside::Nothing,
        })
    }

    /// The logins that the official files hold: that of `auth.json`, and those of an older `accounts.json`.
    fn logins(&self) -> Vec<ChatGpt> {
        let mut logins = Vec::new();
        if let Login::ChatGpt(login) = self.read().1 {
            logins.push(*login);
        }
        let listed = atomic::read_text(self.places.accounts_json()).ok().flatten();
        let roll = listed.as_deref().and_then(codex_accounts::read).unwrap_or_default();
        logins.extend(roll.entries.into_iter().map(|entry| entry.login));
        logins
    }

    /// Copies a login aside unless the pool holds it anyway.
    async fn keep(&self, bytes: &[u8], login: &Login, at: Moment) -> Result<(), String> {
        let known = match login {
            Login::Absent => true,
            Login::ChatGpt(login) => self.is_known(login).await && !has_api_key(bytes),
            Login::Other { .. } | Login::Unreadable { .. } => false,
        };
        if known {
            return Ok(());
        }
        let to = self.aside_path(at);
        let kept = atomic::write(&to, bytes).and_then(|()| fault::pass("mirror.aside"));
        kept.map_err(|error| format!("{}: {error}", to.display()))
    }

    async fn is_known(&self, login: &ChatGpt) -> bool {
        let Some(refresh) = login.refresh.as_ref().filter(|refresh| !refresh.is_blank()) else { return true };
        self.store.owner_of_refresh(&token::hash(refresh)).await.is_some()
    }

    /// `backups-official/auth.<UTC>.json`, with a number where that is taken.
    fn aside_path(&self, at: Moment) -> PathBuf {
        let stamp = calendar::stamp(at);
        let folder = self.places.backups_official();
        let first = folder.join(format!("auth.{stamp}.json"));
        if !first.exists() {
            return first;
        }
        let mut further = (2..).map(|number: u32| folder.join(format!("auth.{stamp}-{number}.json")));
        further.find(|path| !path.exists()).unwrap_or(first)
    }
}

/// `accounts.json` and a selection.
enum Beside {
    /// There is no such file.
    Nothing,
    /// It lists other accounts only.
    Stranger,
    /// It lists the account.
    Selected {
        /// As it stands.
        old: Vec<u8>,
        /// As it is to be.
        text: String,
    },
}

/// Replaces a file by `text` unless it is no longer `old`; a link stays one.
fn publish(path: &Path, old: Option<&[u8]>, text: &str) -> Result<Written, String> {
    if old == Some(text.as_bytes()) {
        return Ok(Written::Unchanged);
    }
    let staged = || -> io::Result<Written> {
        let mut staged = Staged::write(path, text.as_bytes())?;
        staged.sync()?;
        fault::pass("mirror.staged")?;
        if atomic::read(path)?.as_deref() != old {
            return Ok(Written::Changed);
        }
        staged.publish()?;
        fault::pass("mirror.written")?;
        Ok(Written::Done)
    };
    staged().map_err(|error| format!("{}: {error}", path.display()))
}

/// The one row that a login can mean, and what it has for it.
fn news(login: &ChatGpt, roster: &Roster) -> Option<(AccountKey, Credentials)> {
    let credentials = codex_auth::credentials(login)?;
    let mut rows = roster.accounts.iter().filter(|account| login.is(account));
    // Two rows that could both be meant: taking the wrong one would merge two people.
    let (Some(account), None) = (rows.next(), rows.next()) else { return None };
    // The pool file has no place for id tokens, so a row may lack the one that belongs to its own tokens.
    let completes = account.credentials.id_token.is_none()
        && login.id_token.is_some()
        && login.access == account.credentials.access;
    (is_newer(login, account) || completes).then(|| (account.key.clone(), credentials))
}

/// A key that lives beside the tokens belongs to nobody but its file.
fn has_api_key(bytes: &[u8]) -> bool {
    let text = std::str::from_utf8(bytes).unwrap_or_default();
    let file = crate::formats::lossless::Object::parse(text).unwrap_or_default();
    file.text("OPENAI_API_KEY").is_some_and(|key| !key.trim().is_empty())
}

fn stamp_of(login: &Login) -> Option<&Stamp> {
    match login {
        Login::ChatGpt(login) => Some(&login.stamp),
        Login::Other { stamp, .. } => Some(stamp),
        Login::Absent | Login::Unreadable { .. } => None,
    }
}

fn text_of(bytes: Option<&[u8]>) -> Option<&str> {
    bytes.and_then(|bytes| std::str::from_utf8(bytes).ok())
}

impl<S: Store, C: Clock> Home for CodexHome<S, C> {
    async fn login(&self) -> Login {
        self.read().1
    }

    async fn repair(&self, seen: &Stamp, at: Moment) -> Result<Written, String> {
        if let Some(objection) = self.objection().await {
            return Ok(objection);
        }
        let _lock = self.lock().await?;
        let (bytes, login) = self.read();
        let Login::ChatGpt(login) = login else { return Ok(Written::Changed) };
        if login.stamp != *seen {
            return Ok(Written::Changed);
        }
        let old = text_of(bytes.as_deref()).unwrap_or_default();
        let text = codex_auth::repair(old, &login, at).map_err(|error| error.to_string())?;
        self.publish(bytes.as_deref(), &text)
    }

    async fn replace(&self, seen: Option<&Stamp>, account: &Account, at: Moment) -> Result<Written, String> {
        if let Some(objection) = self.objection().await {
            return Ok(objection);
        }
        let _lock = self.lock().await?;
        let (bytes, login) = self.read();
        if let Login::Unreadable { path, detail } = &login {
            return Ok(Written::Skipped(format!("{path} cannot be read ({detail}) and was left as it is")));
        }
        if stamp_of(&login) != seen {
            return Ok(Written::Changed);
        }
        let owner = match &login {
            Login::ChatGpt(old) if old.is(account) => {
                if is_newer(old, account) {
                    return Ok(Written::Skipped("auth.json holds newer tokens of this account".to_owned()));
                }
                Owner::Stays
            }
            Login::ChatGpt(_) | Login::Other { .. } | Login::Absent | Login::Unreadable { .. } => {
                Owner::Changes
            }
        };
        let text = match codex_auth::select(text_of(bytes.as_deref()), account, None, owner) {
            Ok(text) => text,
            Err(error) => return Ok(Written::Skipped(error.to_string())),
        };
        let beside = match self.beside(account, at)? {
            Beside::Stranger if bytes.is_none() => {
                let path = self.places.accounts_json().display().to_string();
                return Ok(Written::Skipped(format!("{path} does not hold this account")));
            }
            Beside::Stranger | Beside::Nothing => None,
            Beside::Selected { old, text } => Some((old, text)),
        };
        if let (Owner::Changes, Some(bytes)) = (owner, &bytes) {
            self.keep(bytes, &login, at).await?;
        }
        if let Some((old, text)) = beside {
            if publish(self.places.accounts_json(), Some(&old), &text)? == Written::Changed {
                return Ok(Written::Changed);
            }
            fault::pass("mirror.beside").map_err(|error| error.to_string())?;
        }
        self.publish(bytes.as_deref(), &text)
    }

    async fn set_aside(&self, at: Moment) -> Result<Option<Aside>, String> {
        let _lock = self.lock().await?;
        let from = self.auth().to_owned();
        let said = |error: io::Error| format!("{}: {error}", from.display());
        let Some(bytes) = atomic::read(&from).map_err(said)? else { return Ok(None) };
        let to = self.aside_path(at);
        // Copied rather than renamed: the root may be on another file system, and the file may be a link.
        perms::private_dir(&self.places.backups_official()).map_err(said)?;
        atomic::write(&to, &bytes).map_err(said)?;
        atomic::remove(&from).map_err(said)?;
        Ok(Some(Aside { from, to }))
    }

    async fn put_back(&self, aside: &Aside) -> Result<Written, String> {
        let _lock = self.lock().await?;
        let said = |error: io::Error| format!("{}: {error}", aside.from.display());
        if atomic::read(&aside.from).map_err(said)?.is_some() {
            return Ok(Written::Changed);
        }
        let Some(bytes) = atomic::read(&aside.to).map_err(said)? else {
            return Ok(Written::Skipped(format!("{} is gone", aside.to.display())));
        };
        atomic::write(&aside.from, &bytes).map_err(said)?;
        atomic::remove(&aside.to).map_err(said)?;
        Ok(Written::Done)
    }

    async fn is_signed_out(&self) -> bool {
        self.logins().is_empty()
    }

    async fn newer(&self, roster: &Roster) -> Vec<Change> {
        let settings = self.store.settings().await.unwrap_or_default();
        if !settings.codex_cli_sync || !settings.adopt_official_tokens {
            return Vec::new();
        }
        let mut newest: Vec<(AccountKey, Credentials)> = Vec::new();
        for login in self.logins() {
            let Some((key, tokens)) = news(&login, roster) else { continue };
            match newest.iter_mut().find(|(known, _)| *known == key) {
                Some((_, held)) if token::is_newer(&tokens, held) => *held = tokens,
                Some(_) => {}
                None => newest.push((key, tokens)),
            }
        }
        let at = self.clock.now();
        let change = |(key, tokens)| Change::Renewed { key, credentials: Box::new(tokens), at };
        newest.into_iter().map(change).collect()
    }

    async fn write_back(&self, account: &Account, at: Moment) -> Result<Written, String> {
        if let Some(objection) = self.objection().await {
            return Ok(objection);
        }
        let _lock = self.lock().await?;
        let (bytes, login) = self.read();
        let Login::ChatGpt(login) = login else { return Ok(Written::Unchanged) };
        if !login.is(account) || is_newer(&login, account) || holds(&login, account) {
            return Ok(Written::Unchanged);
        }
        match codex_auth::select(text_of(bytes.as_deref()), account, Some(at), Owner::Stays) {
            Ok(text) => self.publish(bytes.as_deref(), &text),
            Err(error) => Ok(Written::Skipped(error.to_string())),
        }
    }

    async fn config(&self, profile: Option<&str>) -> Result<ConfigFacts, String> {
        let path = self.places.config_toml();
        let base = facts(path, profile)?;
        let Some(name) = profile.filter(|name| !name.contains(['/', '\\'])) else { return Ok(base) };
        let own = path.with_file_name(format!("{name}.config.toml"));
        Ok(base.under(facts(&own, None)?))
    }

    fn path(&self) -> String {
        self.places.codex_home().display().to_string()
    }
}

fn facts(path: &Path, profile: Option<&str>) -> Result<ConfigFacts, String> {
    let said = |why: String| format!("{}: {why}", path.display());
    let text = atomic::read_text(path).map_err(|error| said(error.to_string()))?;
    codex_config::facts(&text.unwrap_or_default(), profile).map_err(said)
}

/// Whether the file's tokens are known to be newer than the account's.
fn is_newer(login: &ChatGpt, account: &Account) -> bool {
    codex_auth::credentials(login).is_some_and(|tokens| token::is_newer(&tokens, &account.credentials))
}

/// Whether the file holds exactly the account's tokens.
fn holds(login: &ChatGpt, account: &Account) -> bool {
    let tokens = &account.credentials;
    login.refresh.as_ref() == Some(&tokens.refresh) && login.access == tokens.access && login.is_sound()
}

#[cfg(test)]
mod tests;
