//! The workspaces and organisations that tokens list (storage.md §5.4), as seats of an account.
//!
//! Which of them the session is bound to is another question, answered by the claim alone (`formats::jwt`);
//! platform organisations (`org-…`) are kept for information, switched off, and never sent.

use crate::domain::workspace::Workspace;
use crate::formats::jwt;
use crate::formats::lossless::{self, Object};

const AUTH: &str = "https://api.openai.com/auth";
const LISTS: [&str; 5] = ["organizations", "orgs", "accounts", "workspaces", "teams"];
const WRAPPERS: [&str; 6] = ["data", "items", "accounts", "organizations", "workspaces", "teams"];
const IDS: [&str; 8] = [
    "account_id",
    "accountId",
    "chatgpt_account_id",
    "organization_id",
    "org_id",
    "workspace_id",
    "team_id",
    "id",
];
const NAMES: [&str; 7] =
    ["name", "display_name", "title", "organization_name", "workspace_name", "team_name", "slug"];
const TYPES: [&str; 4] = ["type", "plan_type", "kind", "account_type"];
const ROLES: [&str; 3] = ["role", "membership_role", "user_role"];
const DEFAULTS: [&str; 7] =
    ["is_default", "isDefault", "default", "primary", "is_active", "isActive", "current"];
const PERSONAL: [&str; 3] = ["is_personal", "isPersonal", "personal"];

/// Returns the seats in the order of the reference: access token, its lists, id token, its lists; the first of an
/// id wins.
pub fn of(access: &str, id: Option<&str>) -> Vec<Workspace> {
    let mut seats = Seats::default();
    let access = jwt::payload(access);
    let access = access.as_deref().and_then(|text| Object::parse(text).ok()).unwrap_or_default();
    let id = id.and_then(jwt::payload);
    let id = id.as_deref().and_then(|text| Object::parse(text).ok()).unwrap_or_default();
    if let Some(own) = nested(&access, "chatgpt_account_id") {
        seats.add(&own, format!("Token account {}", tail(&own)), true);
    }
    seats.listed(&access);
    let own = nested(&id, "chatgpt_account_id")
        .or_else(|| first(&id, &["chatgpt_account_id", "account_id", "accountId"]));
    if let Some(own) = own {
        seats.add(&own, format!("ID token account {}", tail(&own)), false);
    }
    seats.listed(&id);
    seats.0
}

#[derive(Default)]
struct Seats(Vec<Workspace>);

impl Seats {
    fn add(&mut self, id: &str, name: String, is_default: bool) {
        if self.0.iter().any(|seat| seat.id == id) {
            return;
        }
        let is_workspace = !id.starts_with("org-");
        self.0.push(Workspace {
            id: id.to_owned(),
            name: Some(name),
            enabled: is_workspace,
            disabled_at: None,
            is_default: is_default && is_workspace,
        });
    }

    fn listed(&mut self, claims: &Object<'_>) {
        let auth = claims.object(AUTH).unwrap_or_default();
        for holder in [claims, &auth] {
            for name in LISTS {
                for entry in entries(holder, name) {
                    self.entry(entry);
                }
            }
        }
    }

    fn entry(&mut self, raw: &str) {
        let Ok(entry) = Object::parse(raw) else { return };
        let Some(id) = first(&entry, &IDS) else { return };
        let kind = first(&entry, &TYPES);
        let name = first(&entry, &NAMES).or_else(|| kind.clone()).unwrap_or_else(|| "Workspace".to_owned());
        let mut marks: Vec<String> =
            kind.into_iter().filter(|kind| !kind.eq_ignore_ascii_case(&name)).collect();
        marks.extend(first(&entry, &ROLES).map(|role| format!("role:{role}")));
        if yes(&entry, &PERSONAL) {
            marks.push("personal".to_owned());
        }
        let marks = if marks.is_empty() { String::new() } else { format!(" ({})", marks.join(", ")) };
        self.add(&id, format!("{name}{marks} {}", tail(&id)), yes(&entry, &DEFAULTS));
    }
}

fn entries<'a>(holder: &'a Object<'_>, name: &str) -> Vec<&'a str> {
    if let Some(list) = holder.list(name) {
        return list;
    }
    let Some(raw) = holder.raw(name) else { return Vec::new() };
    let Ok(wrapper) = Object::parse(raw) else { return Vec::new() };
    let inner = WRAPPERS.into_iter().find_map(|inner| wrapper.borrowed(inner));
    inner.and_then(lossless::list).unwrap_or_default()
}

fn nested(claims: &Object<'_>, name: &str) -> Option<String> {
    first(&claims.object(AUTH)?, &[name])
}

fn first(object: &Object<'_>, names: &[&str]) -> Option<String> {
    names
        .iter()
        .filter_map(|name| object.text(name))
        .map(|text| text.trim().to_owned())
        .find(|text| !text.is_empty())
}

fn yes(object: &Object<'_>, names: &[&str]) -> bool {
    names.iter().any(|name| {
        object.flag(name) == Some(true)
            || object.text(name).is_some_and(|text| text.eq_ignore_ascii_case("true"))
    })
}

/// `[id:<last six characters>]`
fn tail(id: &str) -> String {
    let skipped = id.chars().count().saturating_sub(6);
    format!("[id:{}]", id.chars().skip(skipped).collect::<String>())
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn the_list_is_the_one_of_the_reference() {
        let text = include_str!("../../tests/fixtures/storage/vectors/token-identity.json");
        let vectors: Value = serde_json::from_str(text).unwrap();
        for case in vectors["cases"].as_array().unwrap() {
            let expected: Vec<(String, String)> = case["reference"]["candidates"]
                .as_array()
                .unwrap()
                .iter()
                .map(|seat| {
                    let text = |name: &str| seat[name].as_str().unwrap().to_owned();
                    (text("accountId"), text("label"))
                })
                .collect();

            let seats = of(case["accessToken"].as_str().unwrap_or_default(), case["idToken"].as_str());

            let found: Vec<(String, String)> =
                seats.iter().map(|seat| (seat.id.clone(), seat.name.clone().unwrap())).collect();
            assert_eq!(found, expected, "{}", case["name"]);
            for seat in seats.iter().filter(|seat| seat.id.starts_with("org-")) {
                assert!(!seat.enabled && !seat.is_default, "{}", case["name"]);
            }
        }
    }
}
