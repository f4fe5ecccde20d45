//! `bridge …` and `integrations`.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::app::outcome::Outcome;
use crate::app::outcome::bridge::{Changed, Heard, Kind, Standing, Told};
use crate::base::{Moment, calendar};
use crate::domain::bridge::{Access, Living};
use crate::domain::client_token::{ClientToken, Reach};
use crate::report::{json, text};

/// The variable that holds a key.
const KEY: &str = "CODEX_MULTI_AUTH_LOCAL_KEY";

/// The document.
pub(super) fn value(outcome: &Outcome, told: &Told) -> Value {
    let mut members = json::frame(outcome.command, outcome.exit);
    let more = match told {
        Told::Heard(Heard::Standing(standing)) => json!({
            "running": standing.living.is_some(),
            "pid": standing.living.map(|living| living.pid),
            "baseUrl": standing.living.as_ref().map(Living::base_url),
            "auth": standing.living.is_none_or(|living| living.access == Access::Keyed),
            "tokens": { "active": standing.tokens.0, "revoked": standing.tokens.1 },
            "changed": standing.changed == Changed::Yes,
        }),
        Told::Heard(Heard::Tokens(tokens, at)) => {
            json!({ "tokens": tokens.iter().map(|one| token(one, *at)).collect::<Vec<_>>() })
        }
        Told::Heard(Heard::Minted(new, plain)) => {
            json!({ "token": token(new, new.created_at), "plainToken": plain.expose() })
        }
        Told::Heard(Heard::Revoked(id)) => json!({ "id": id, "revoked": true }),
        Told::Heard(Heard::Failed(problem)) => json!({ "error": json::error_value(problem) }),
        Told::Snippets(kinds, base, model) => json!({
            "snippets": kinds.iter().map(|kind| json!({
                "kind": kind.word(),
                "title": title(*kind),
                "body": body(*kind, base, model),
            })).collect::<Vec<_>>(),
        }),
    };
    json::extend(&mut members, more);
    Value::Object(members)
}

fn token(token: &ClientToken, at: Moment) -> Value {
    let Reach { scopes, models, expires_at } = &token.reach;
    json!({
        "id": token.id,
        "label": token.label,
        "prefix": token.prefix,
        "createdAt": token.created_at.millis(),
        "lastUsedAt": token.last_used.map(Moment::millis),
        "revokedAt": token.revoked_at.map(Moment::millis),
        "expiresAt": expires_at.map(Moment::millis),
        "scopes": scopes.iter().map(|scope| scope.word()).collect::<Vec<_>>(),
        "models": models,
        "state": token.state(at).word(),
    })
}

/// The text.
pub(super) fn plain(told: &Told) -> String {
    match told {
        Told::Heard(Heard::Standing(standing)) => standing_text(standing),
        Told::Heard(Heard::Tokens(tokens, _)) if tokens.is_empty() => {
            "No keys yet; `codex-multi-auth bridge token create` makes one\n".to_owned()
        }
        Told::Heard(Heard::Tokens(tokens, at)) => tokens.iter().fold(String::new(), |mut out, token| {
            let state = token.state(*at).word();
            let _ = writeln!(
                out,
                "{} {} {} {state}{}",
                token.id,
                token.prefix,
                token.label,
                limits(&token.reach)
            );
            out
        }),
        Told::Heard(Heard::Minted(new, plain)) => {
            format!("Key {} ({}), shown this once:\n{}\n", new.id, new.label, plain.expose())
        }
        Told::Heard(Heard::Revoked(id)) => format!("Key {id} works no more\n"),
        Told::Heard(Heard::Failed(problem)) => text::problem(problem),
        Told::Snippets(kinds, base, model) => {
            let all = kinds.iter().map(|kind| format!("# {}\n{}\n", title(*kind), body(*kind, base, model)));
            all.collect::<Vec<_>>().join("\n")
        }
    }
}

/// What a key is limited to, in words behind its row.
fn limits(reach: &Reach) -> String {
    let scopes: Vec<&str> = reach.scopes.iter().map(|scope| scope.word()).collect();
    let mut parts = Vec::new();
    if !scopes.is_empty() {
        parts.push(format!("only {}", scopes.join(", ")));
    }
    if !reach.models.is_empty() {
        parts.push(format!("only models {}", reach.models.join(", ")));
    }
    if let Some(end) = reach.expires_at {
        parts.push(format!("until {}", calendar::rfc3339(end)));
    }
    if parts.is_empty() { String::new() } else { format!("  ({})", parts.join("; ")) }
}

fn standing_text(standing: &Standing) -> String {
    let (active, revoked) = standing.tokens;
    let keys = format!("{}, {revoked} revoked", text::count(active, "key", "keys"));
    match standing.living {
        None => format!("The bridge does not run; it would listen on port {}\n{keys}\n", standing.port),
        Some(living) => {
            let who = match living.access {
                Access::Keyed => "for clients with a key",
                Access::Open => "for every program on this computer",
            };
            format!("The bridge runs at {}, {who} (pid {})\n{keys}\n", living.base_url(), living.pid)
        }
    }
}

const fn title(kind: Kind) -> &'static str {
    match kind {
        Kind::Opencode => "OpenCode",
        Kind::Openclaw => "OpenClaw",
        Kind::Python => "Python",
        Kind::Curl => "curl",
        Kind::Env => "Environment",
    }
}

/// Each tool reads a variable in its own way.
fn body(kind: Kind, base: &str, model: &str) -> String {
    match kind {
        Kind::Opencode => pretty(&json!({
            "provider": { "openai": {
                "options": { "apiKey": format!("{{env:{KEY}}}"), "baseURL": base },
                "models": { model: { "name": format!("{model} via codex-multi-auth") } },
            } },
        })),
        Kind::Openclaw => pretty(&json!({
            "providers": { "openai": { "apiKey": format!("${{{KEY}}}"), "baseURL": base, "defaultModel": model } },
        })),
        Kind::Python => format!(
            "import os\nfrom openai import OpenAI\n\nclient = OpenAI(api_key=os.environ[\"{KEY}\"], base_url=\"{base}\")\n\
             response = client.responses.create(model=\"{model}\", input=\"Say hello\")\nprint(response.output_text)"
        ),
        Kind::Curl => format!(
            "curl {base}/responses \\\n  -H \"Authorization: Bearer ${KEY}\" \\\n  -H \"Content-Type: application/json\" \\\n  \
             -d '{{\"model\": \"{model}\", \"input\": \"Say hello\"}}'"
        ),
        Kind::Env => format!("{KEY}=cma_local_replace_me\nOPENAI_BASE_URL={base}\nOPENAI_API_KEY=${KEY}"),
    }
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}
