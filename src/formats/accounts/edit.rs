//! Writing a changed account back into its row: only members whose meaning changed are touched.

use crate::base::{Moment, Secret};
use crate::domain::account::{Account, AccountKey, CooldownReason, IdSource, SwitchReason};
use crate::domain::change::Change;
use crate::domain::roster::Roster;
use crate::domain::workspace::Workspace;
use crate::formats::accounts::Extent;
use crate::formats::accounts::row::decode_claims;
use crate::formats::lossless::{self, Object};

/// The account a change is about, in the pool it is about to be applied to.
pub(super) fn subject(change: &Change, roster: &Roster) -> Option<AccountKey> {
    match change {
        Change::SignedIn(sign_in) => Some(roster.key_for(sign_in)),
        Change::Added(account) => {
            let row = roster.row_for(account).and_then(|index| roster.accounts.get(index));
            Some(row.map_or_else(|| account.key.clone(), |row| row.key.clone()))
        }
        Change::Reinstated { account, .. } => Some(account.key.clone()),
        Change::Renewed { key, .. }
        | Change::Invalidated { key, .. }
        | Change::BecameUncertain { key, .. }
        | Change::Limited { key, .. }
        | Change::Cooled { key, .. }
        | Change::Recovered { key }
        | Change::Used { key, .. }
        | Change::WorkspaceSwitched { key, .. }
        | Change::Switched { key, .. }
        | Change::Selected { key, .. }
        | Change::CursorMoved { key, .. }
        | Change::Removed { key }
        | Change::Identified { key, .. }
        | Change::Relabelled { key, .. }
        | Change::RoutingLearnt { key, .. } => Some(key.clone()),
        Change::Unpinned | Change::SelectionRestored { .. } | Change::Cleared { .. } => None,
    }
}

/// Fills in what new tokens tell about an account that did not know it yet; what is stored stays (D17).
pub(super) fn complete(account: &mut Account) {
    decode_claims(&mut account.credentials);
    if account.email.is_none() {
        account.email.clone_from(&account.credentials.claims.email);
    }
    if account.account_id.as_deref().is_none_or(|id| id.trim().is_empty())
        && let Some(claim) = &account.credentials.claims.workspace_id
    {
        account.account_id = Some(claim.clone());
        account.id_source =
            if account.credentials.id_token.is_some() { IdSource::IdToken } else { IdSource::Token };
    }
}

/// The row's new text and how far the change reaches; `None` when its members mean the same as before.
pub(in crate::formats) fn rewrite(
    text: &str,
    old: Option<&Account>,
    new: &Account,
) -> Option<(String, Extent)> {
    let mut row = Edit { row: Object::parse(text).unwrap_or_default(), extent: Extent::Nothing };
    if old.is_none() && !row.row.has("recordId") {
        row.set("recordId", &new.key.as_str(), Extent::Durable);
    }
    let is_new = old.is_none();

    if is_new || old.map(|old| &old.account_id) != Some(&new.account_id) {
        row.text("accountId", new.account_id.as_deref());
        row.text("accountIdSource", new.account_id.as_ref().map(|_| source_word(new.id_source)));
    }
    if is_new || old.map(|old| &old.label) != Some(&new.label) {
        row.text("accountLabel", new.label.as_deref());
    }
    if is_new || old.map(|old| &old.email) != Some(&new.email) {
        row.text("email", new.email.as_deref());
    }
    row.tokens(old, new);
    if old.map_or(!new.is_on(), |old| old.switch != new.switch) {
        row.set("enabled", &new.is_on(), Extent::Durable);
    }
    if is_new {
        row.moment("addedAt", Some(new.added_at), Extent::Durable);
    }
    if old.map(|old| old.last_used) != Some(new.last_used) {
        row.moment("lastUsed", Some(new.last_used), Extent::Volatile);
    }
    if old.and_then(|old| old.switch_reason) != new.switch_reason {
        row.word("lastSwitchReason", new.switch_reason.map(SwitchReason::word));
    }
    if old.map_or(!new.limits.is_empty(), |old| old.limits != new.limits) {
        row.limits(new);
    }
    if old.and_then(|old| old.cooldown) != new.cooldown {
        row.moment("coolingDownUntil", new.cooldown.map(|rest| rest.until), Extent::Volatile);
        let reason = new.cooldown.and_then(|rest| rest.reason);
        row.word("cooldownReason", reason.map(CooldownReason::word));
    }
    if old.and_then(|old| old.invalidation.as_ref()) != new.invalidation.as_ref() {
        let mark = new.invalidation.as_ref();
        row.moment("authInvalidatedAt", mark.map(|mark| mark.at), Extent::Durable);
        row.text("authInvalidationErrorCode", mark.and_then(|mark| mark.code.as_deref()));
    }
    if old.map_or(!new.workspaces.is_empty(), |old| old.workspaces != new.workspaces) {
        row.workspaces(&new.workspaces);
    }
    if old.map_or(0, |old| old.current_workspace) != new.current_workspace {
        row.set("currentWorkspaceIndex", &new.current_workspace, Extent::Durable);
    }
    (row.extent > Extent::Nothing).then(|| (row.row.to_text(), row.extent))
}

struct Edit<'a> {
    row: Object<'a>,
    extent: Extent,
}

impl Edit<'_> {
    fn set(&mut self, name: &str, value: &impl serde::Serialize, extent: Extent) {
        self.row.set(name, value);
        self.extent = self.extent.max(extent);
    }

    fn drop(&mut self, name: &str, extent: Extent) {
        if self.row.has(name) {
            self.row.remove(name);
            self.extent = self.extent.max(extent);
        }
    }

    /// Never `null`: the reference's strict reader refuses it for optional members.
    fn text(&mut self, name: &str, value: Option<&str>) {
        match value {
            Some(value) => self.set(name, &value, Extent::Durable),
            None => self.drop(name, Extent::Durable),
        }
    }

    fn word(&mut self, name: &str, value: Option<&str>) {
        match value {
            Some(value) => self.set(name, &value, Extent::Volatile),
            None => self.drop(name, Extent::Volatile),
        }
    }

    fn moment(&mut self, name: &str, value: Option<Moment>, extent: Extent) {
        match value {
            Some(value) => self.set(name, &value.millis(), extent),
            None => self.drop(name, extent),
        }
    }

    fn tokens(&mut self, old: Option<&Account>, new: &Account) {
        let (was, is) = (old.map(|old| &old.credentials), &new.credentials);
        if was.map(|was| &was.refresh) != Some(&is.refresh) {
            self.set("refreshToken", &is.refresh.expose(), Extent::Durable);
        }
        if was.is_none_or(|was| was.access != is.access) {
            self.text("accessToken", is.access.as_ref().map(Secret::expose));
        }
        if was.is_none_or(|was| was.expires_at != is.expires_at) {
            self.moment("expiresAt", is.expires_at, Extent::Durable);
        }
    }

    fn limits(&mut self, new: &Account) {
        if new.limits.is_empty() {
            self.drop("rateLimitResetTimes", Extent::Volatile);
            return;
        }
        let stored = self.row.object("rateLimitResetTimes").unwrap_or_default().to_text();
        let Ok(mut map) = Object::parse(&stored) else { return };
        let gone: Vec<String> = map
            .iter()
            .map(|(name, _)| name.to_owned())
            .filter(|name| !new.limits.contains_key(name))
            .collect();
        for name in gone {
            // A member that is no time is not ours to remove.
            if map.millis(&name).is_some() {
                map.remove(&name);
            }
        }
        for (bucket, until) in &new.limits {
            if map.millis(bucket) != Some(until.millis()) {
                map.set(bucket, until.millis());
            }
        }
        let text = map.to_text();
        self.row.set_raw("rateLimitResetTimes", text);
        self.extent = self.extent.max(Extent::Volatile);
    }

    fn workspaces(&mut self, seats: &[Workspace]) {
        let stored = self.row.raw("workspaces").unwrap_or_default().to_owned();
        let old = lossless::list(&stored).unwrap_or_default();
        let texts: Vec<String> = seats.iter().map(|seat| seat_text(&old, seat)).collect();
        self.row.set_raw("workspaces", lossless::joined(texts.iter().map(String::as_str)));
        self.extent = Extent::Durable;
    }
}

/// A seat in its old text where there is one, so that members we do not know stay.
fn seat_text(old: &[&str], seat: &Workspace) -> String {
    let same =
        |raw: &&&str| Object::parse(raw).is_ok_and(|object| object.text("id").as_ref() == Some(&seat.id));
    let mut object = old.iter().find(same).and_then(|raw| Object::parse(raw).ok()).unwrap_or_default();
    if object.text("id").as_ref() != Some(&seat.id) {
        object.set("id", &seat.id);
    }
    match &seat.name {
        Some(name) if object.text("name").as_ref() != Some(name) => object.set("name", name),
        Some(_) | None => {}
    }
    if object.flag("enabled") != Some(seat.enabled) {
        object.set("enabled", seat.enabled);
    }
    match seat.disabled_at {
        Some(at) if object.millis("disabledAt") != Some(at.millis()) => object.set("disabledAt", at.millis()),
        None => object.remove("disabledAt"),
        Some(_) => {}
    }
    if seat.is_default && object.flag("isDefault") != Some(true) {
        object.set("isDefault", true);
    }
    object.to_text()
}

const fn source_word(source: IdSource) -> &'static str {
    match source {
        IdSource::Token => "token",
        IdSource::IdToken => "id_token",
        IdSource::Org => "org",
        IdSource::Manual => "manual",
    }
}
