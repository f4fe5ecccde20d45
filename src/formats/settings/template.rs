//! Configurations for a JavaScript plugin host (commands.md 4.24); the official CLI does not read them.

use serde_json::{Map, Value, json};

use crate::domain::settings::act::Template;

/// A model of the templates.
struct Model {
    id: &'static str,
    /// As people read it.
    title: &'static str,
    efforts: &'static [&'static str],
}

const SIX: &[&str] = &["low", "medium", "high", "xhigh", "max", "ultra"];
const PLAIN: &[&str] = &["none", "low", "medium", "high", "xhigh"];
const PRO: &[&str] = &["medium", "high", "xhigh"];
const SMALL: &[&str] = &["medium"];

const MODELS: [Model; 10] = [
    Model { id: "gpt-5.6-sol", title: "GPT 5.6 Sol", efforts: SIX },
    Model { id: "gpt-5.6-terra", title: "GPT 5.6 Terra", efforts: SIX },
    Model { id: "gpt-5.6-luna", title: "GPT 5.6 Luna", efforts: &["low", "medium", "high", "xhigh", "max"] },
    Model { id: "gpt-5.5", title: "GPT 5.5", efforts: PLAIN },
    Model { id: "gpt-5.5-pro", title: "GPT 5.5 Pro", efforts: PRO },
    Model { id: "gpt-5.4", title: "GPT 5.4", efforts: PLAIN },
    Model { id: "gpt-5.4-pro", title: "GPT 5.4 Pro", efforts: PRO },
    Model { id: "gpt-5.4-mini", title: "GPT 5.4 Mini", efforts: SMALL },
    Model { id: "gpt-5.4-nano", title: "GPT 5.4 Nano", efforts: SMALL },
    Model { id: "gpt-5.3-codex", title: "GPT 5.3 Codex", efforts: &["low", "medium", "high", "xhigh"] },
];

/// The word of a template on the command line.
pub const fn word(template: Template) -> &'static str {
    match template {
        Template::Modern => "modern",
        Template::Legacy => "legacy",
        Template::Minimal => "minimal",
    }
}

/// A template as text with a final line end.
pub fn text(template: Template) -> String {
    let mut text = serde_json::to_string_pretty(&value(template)).unwrap_or_default();
    text.push('\n');
    text
}

/// A template as a document.
pub fn value(template: Template) -> Value {
    let mut document = json!({ "$schema": "./schema/config.schema.json", "plugin": ["codex-multi-auth"] });
    let provider = match template {
        Template::Modern => json!({ "options": common(), "models": modern() }),
        Template::Legacy => json!({ "options": common(), "models": legacy() }),
        Template::Minimal => json!({ "options": { "store": false } }),
    };
    if let Some(members) = document.as_object_mut() {
        members.insert("provider".to_owned(), json!({ "openai": provider }));
        if template == Template::Minimal {
            members.insert("model".to_owned(), json!("openai/gpt-5.3-codex"));
        }
    }
    document
}

fn common() -> Value {
    json!({
        "reasoningEffort": "medium",
        "reasoningSummary": "auto",
        "textVerbosity": "medium",
        "include": ["reasoning.encrypted_content"],
        "store": false,
    })
}

fn modern() -> Value {
    let models: Map<String, Value> = MODELS
        .iter()
        .map(|model| {
            let mut entry = shape(model, &format!("{} (OAuth)", model.title));
            // One effort is no choice.
            if model.efforts.len() > 1 {
                let variants: Map<String, Value> = model
                    .efforts
                    .iter()
                    .map(|effort| ((*effort).to_owned(), variant(model, effort)))
                    .collect();
                insert(&mut entry, "variants", Value::Object(variants));
            }
            (model.id.to_owned(), entry)
        })
        .collect();
    Value::Object(models)
}

fn legacy() -> Value {
    let mut models = Map::new();
    for model in &MODELS {
        for effort in model.efforts {
            let mut entry = shape(model, &format!("{} {} (OAuth)", model.title, titled(effort)));
            let mut options = variant(model, effort);
            insert(&mut options, "include", json!(["reasoning.encrypted_content"]));
            insert(&mut options, "store", json!(false));
            insert(&mut entry, "options", options);
            models.insert(format!("{}-{effort}", model.id), entry);
        }
    }
    Value::Object(models)
}

fn shape(model: &Model, name: &str) -> Value {
    let context = if model.id.starts_with("gpt-5.6") { 372_000 } else { 272_000 };
    json!({
        "name": name,
        "limit": { "context": context, "output": 128_000 },
        "modalities": { "input": ["text", "image"], "output": ["text"] },
    })
}

fn variant(model: &Model, effort: &str) -> Value {
    let short = matches!(effort, "none" | "low" | "medium") && !model.id.ends_with("-pro");
    json!({
        "reasoningEffort": effort,
        "reasoningSummary": if short { "auto" } else { "detailed" },
        "textVerbosity": "medium",
    })
}

fn titled(effort: &str) -> String {
    if effort == "xhigh" {
        return "Extra High".to_owned();
    }
    let mut letters = effort.chars();
    letters.next().map(|first| first.to_ascii_uppercase().to_string() + letters.as_str()).unwrap_or_default()
}

fn insert(object: &mut Value, name: &str, value: Value) {
    if let Some(members) = object.as_object_mut() {
        members.insert(name.to_owned(), value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_templates_have_the_models_of_the_original() {
        let modern = value(Template::Modern);
        let legacy = value(Template::Legacy);
        let models = |document: &Value| document["provider"]["openai"]["models"].as_object().unwrap().len();

        assert_eq!((models(&modern), models(&legacy)), (10, 39));
        let sol = &modern["provider"]["openai"]["models"]["gpt-5.6-sol"];
        assert_eq!(sol["name"], "GPT 5.6 Sol (OAuth)");
        assert_eq!(sol["limit"]["context"], 372_000);
        assert_eq!(sol["variants"]["ultra"]["reasoningSummary"], "detailed");
        assert_eq!(sol["variants"]["medium"]["reasoningSummary"], "auto");
        assert!(modern["provider"]["openai"]["models"]["gpt-5.4-mini"].get("variants").is_none());
        let pro = &legacy["provider"]["openai"]["models"]["gpt-5.5-pro-xhigh"];
        assert_eq!(pro["name"], "GPT 5.5 Pro Extra High (OAuth)");
        assert_eq!(pro["options"]["store"], false);
        assert_eq!(
            legacy["provider"]["openai"]["models"]["gpt-5.5-pro-medium"]["options"]["reasoningSummary"],
            "detailed"
        );
    }

    #[test]
    fn the_minimal_template_is_only_options_and_a_model() {
        let minimal = value(Template::Minimal);

        assert_eq!(minimal["provider"]["openai"], json!({ "options": { "store": false } }));
        assert_eq!(minimal["model"], "openai/gpt-5.3-codex");
    }
}
