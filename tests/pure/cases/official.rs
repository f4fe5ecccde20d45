//! The official CLI's files: what they say is read, then the selection of the case is written into them.

use std::sync::Arc;

use codex_multi_auth::adapters::codex::home::CodexHome;
use codex_multi_auth::base::{Moment, Secret};
use codex_multi_auth::domain::account::{Account, Credentials, Tokens};
use codex_multi_auth::domain::official::{Consent, Listed, Roll, Written};
use codex_multi_auth::formats::jwt;
use serde_json::{Map, Value, json};

use super::{Ask, Found};
use crate::support::staged::Staged;

pub(super) async fn perform(staged: &Staged, ask: Ask<'_>) -> Found {
    let clock = crate::support::staged::Still(staged.now());
    let home = CodexHome::new(staged.store(), Arc::new(staged.places()), clock);
    let steps = staged.case["reference_2_8_7"]["steps"].as_array().expect("steps");
    let step = |name: &str| steps.iter().find(|step| step["op"] == name);
    // After the selection the files say something else, so only the first look is held against the record.
    let is_fresh = !staged.places().backups_official().exists() && matches!(ask, Ask::Run);
    if let Some(state) = step("cli-state").filter(|_| is_fresh) {
        let read = home.state().await;
        if read.as_ref().is_none_or(|roll| roll.sync_version.is_none()) {
            assert_eq!(read.map_or(Value::Null, |roll| told(staged, &roll)), shown(staged, &state["result"]));
        }
    }
    let selection = selection(&step("sync").expect("a selection")["arg"]);
    let consent = if matches!(ask, Ask::Yes) { Consent::Given } else { Consent::NotGiven };
    let written = home.select(&selection, consent, staged.now()).await.expect("no trouble");
    let outcome = match written {
        Written::Done | Written::Unchanged => "written",
        Written::Changed | Written::Skipped(_) => "not-written",
    };
    Found { outcome: outcome.to_owned(), facts: Map::new() }
}

/// The account that the case selects.
fn selection(arg: &Value) -> Account {
    let text = |name: &str| arg[name].as_str().map(str::to_owned);
    let (access, id_token) = (text("accessToken"), text("idToken"));
    Account {
        account_id: text("accountId"),
        email: text("email").as_deref().and_then(jwt::email_key),
        credentials: Credentials {
            claims: jwt::claims(access.as_deref(), id_token.as_deref()).into(),
            refresh: text("refreshToken").unwrap_or_default().into(),
            access: access.map(Secret::new),
            id_token: id_token.map(Secret::new),
            expires_at: arg["expiresAt"].as_i64().map(Moment::from_millis),
            tokens: Tokens::Here,
        },
        ..Account::sample("selected")
    }
}

/// What was read, in the words of the record.
fn told(staged: &Staged, roll: &Roll) -> Value {
    let entry = |entry: &Listed| {
        let login = &entry.login;
        let secret = |token: &Option<Secret>| token.as_ref().map(|token| token.expose().to_owned());
        json!({
            "accountId": login.account_id,
            "email": login.claims.email,
            "accessToken": secret(&login.access),
            "refreshToken": secret(&login.refresh),
            "expiresAt": login.claims.expires_at.map(Moment::millis),
            "isActive": entry.active,
        })
    };
    let places = staged.places();
    let path = if places.accounts_json().exists() { places.accounts_json() } else { places.auth_json() };
    let mut told = json!({
        "path": path,
        "accounts": roll.entries.iter().map(entry).collect::<Vec<_>>(),
        "activeAccountId": roll.active_id,
        "activeEmail": roll.active_email,
    });
    // The record leaves out what it does not know.
    if let Some(object) = told.as_object_mut() {
        object.retain(|_, value| !value.is_null());
    }
    told
}

fn shown(staged: &Staged, recorded: &Value) -> Value {
    let text = recorded.to_string().replace("$HOME", &staged.home().to_string_lossy());
    serde_json::from_str(&text).expect("still a document")
}
