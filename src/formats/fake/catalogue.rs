//! The model catalogue and the list of workspaces.

use serde_json::{Value, json};

/// `etag` of the catalogue.
pub const MODELS_ETAG: &str = "W/\"rehearsal-models-1\"";

/// The answer of `GET …/codex/models`.
pub fn models(slugs: &[String]) -> String {
    let models: Vec<Value> =
        slugs.iter().zip(1_u32..).map(|(slug, priority)| model(slug, priority)).collect();
    json!({"models": models}).to_string()
}

fn model(slug: &str, priority: u32) -> Value {
    let levels: Vec<Value> = ["low", "medium", "high"]
        .iter()
        .map(|effort| json!({"effort": effort, "description": effort}))
        .collect();
    json!({
        "slug": slug,
        "display_name": slug.to_uppercase(),
        "description": "A model of the rehearsal.",
        "default_reasoning_level": "medium",
        "supported_reasoning_levels": levels,
        "shell_type": "unified_exec",
        "visibility": "list",
        "supported_in_api": true,
        "priority": priority,
        "minimal_client_version": "0.1.0",
        "availability_nux": null,
        "upgrade": null,
        "base_instructions": "You are a rehearsed model.",
        "model_messages": null,
        "include_skills_usage_instructions": false,
        "additional_speed_tiers": [],
        "service_tiers": [],
        "supports_reasoning_summaries": true,
        "default_reasoning_summary": "none",
        "support_verbosity": true,
        "default_verbosity": "low",
        "apply_patch_tool_type": "freeform",
        "web_search_tool_type": "text_and_image",
        "truncation_policy": {"mode": "tokens", "limit": 10000},
        "supports_parallel_tool_calls": true,
        "supports_image_detail_original": true,
        "context_window": 272_000,
        "max_context_window": 272_000,
        "effective_context_window_percent": 95,
        "experimental_supported_tools": [],
        "input_modalities": ["text", "image"],
        "supports_search_tool": true,
        "supports_experimental_context": false,
        "use_responses_lite": false,
        "supports_reasoning_effort_updates": false,
        "node_repl_auto_review_required": false,
        "node_repl_disabled": false,
    })
}

/// One workspace of `accounts/check`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seat {
    /// The id.
    pub id: String,
    /// The plan.
    pub plan: String,
    /// Whether it is switched off.
    pub deactivated: bool,
    /// `workspace_backend_origin`.
    pub origin: String,
    /// `account_routing_override`.
    pub routing: String,
}

/// The answer of `GET …/wham/accounts/check`.
pub fn check(seats: &[Seat]) -> String {
    let entries: Vec<Value> = seats
        .iter()
        .map(|seat| {
            let shared = ["team", "business", "enterprise", "edu"].contains(&seat.plan.as_str());
            json!({
                "id": seat.id,
                "name": if shared { json!("Rehearsal") } else { Value::Null },
                "structure": if shared { "workspace" } else { "personal" },
                "plan_type": seat.plan,
                "account_user_role": "account-owner",
                "is_deactivated": seat.deactivated,
                "can_access_with_session": !seat.deactivated,
                "sso_connection_name": null,
                "is_fedramp_compliant_workspace": false,
                "profile_picture_url": null,
                "workspace_backend_origin": seat.origin,
                "account_routing_override": seat.routing,
            })
        })
        .collect();
    let ids: Vec<&str> = seats.iter().map(|seat| seat.id.as_str()).collect();
    json!({"accounts": entries, "account_ordering": ids, "default_account_id": ids.first()}).to_string()
}

/// The answer of `GET …/wham/rate-limit-reset-credits`.
pub fn reset_credits() -> String {
    json!({"credits": [], "available_count": 0}).to_string()
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::*;

    fn members(value: &Value) -> Vec<String> {
        value.as_object().unwrap().keys().cloned().collect()
    }

    #[test]
    fn a_model_has_the_members_of_a_captured_one() {
        let captured = include_str!("../../../tests/fixtures/codex-client/models.response.json");
        let captured: Value = serde_json::from_str(captured).unwrap();
        let ours: Value = serde_json::from_str(&models(&["gpt-5.5".to_owned()])).unwrap();

        assert_eq!(members(&ours["models"][0]), members(&captured["body"]["models"][0]));
    }

    #[test]
    fn a_seat_has_the_members_of_a_captured_one() {
        let captured = include_str!("../../../tests/fixtures/codex-client/accounts_check.response.json");
        let captured: Value = serde_json::from_str(captured).unwrap();
        let seat = Seat {
            id: "id".to_owned(),
            plan: "plus".to_owned(),
            deactivated: false,
            origin: "NO_CONSTRAINT".to_owned(),
            routing: "NO_CONSTRAINT".to_owned(),
        };
        let ours: Value = serde_json::from_str(&check(&[seat])).unwrap();

        assert_eq!(members(&ours), members(&captured["body"]));
        assert_eq!(members(&ours["accounts"][0]), members(&captured["body"]["accounts"][0]));
    }
}
