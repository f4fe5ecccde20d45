//! The official CLI's `config.toml`, as far as a launch reads it; [`edit`] changes one key of it.

pub mod bind;
pub mod edit;
pub mod legacy;

use toml_edit::{DocumentMut, Item, TableLike};

use crate::domain::launch::config::ConfigFacts;

/// Reads one file. With `profile`, a table `[profiles.<name>]` of the same file (older versions) is laid over
/// its top level; the newer form, a file of its own, is read by a second call and laid over the answer.
///
/// # Errors
/// Where and why the text is not TOML.
pub fn facts(text: &str, profile: Option<&str>) -> Result<ConfigFacts, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let document: DocumentMut =
        text.parse().map_err(|error: toml_edit::TomlError| where_and_why(text, &error))?;
    let whole = of_table(document.as_table());
    let layer = profile
        .and_then(|name| document.get("profiles")?.as_table_like()?.get(name)?.as_table_like())
        .map(of_table)
        .unwrap_or_default();
    Ok(whole.under(layer))
}

fn of_table(table: &dyn TableLike) -> ConfigFacts {
    let text = |key: &str| table.get(key).and_then(Item::as_str).map(str::to_owned);
    ConfigFacts {
        model_provider: text("model_provider"),
        openai_base_url: text("openai_base_url"),
        chatgpt_base_url: text("chatgpt_base_url"),
        credentials_store: text("cli_auth_credentials_store"),
    }
}

fn where_and_why(text: &str, error: &toml_edit::TomlError) -> String {
    let line = error
        .span()
        .and_then(|span| text.get(..span.start))
        .map_or(1, |before| before.matches('\n').count() + 1);
    let why = error.message().lines().next().unwrap_or_default().to_owned();
    format!("line {line}: {why}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keys_of_a_launch_are_read_at_top_level_only() {
        let facts = facts(
            "\u{feff}model_provider = 'azure'\r\n# openai_base_url = \"x\"\r\n[features]\r\nopenai_base_url = \"y\"\r\n",
            None,
        )
        .unwrap();

        assert_eq!(facts.model_provider.as_deref(), Some("azure"));
        assert_eq!(facts.openai_base_url, None);
    }

    #[test]
    fn a_profile_lies_over_the_top_level() {
        let text = "model_provider = \"openai\"\nchatgpt_base_url = \"https://a\"\n\n[profiles.work]\nmodel_provider = \"azure\"\n";

        let plain = facts(text, None).unwrap();
        let work = facts(text, Some("work")).unwrap();

        assert_eq!(plain.model_provider.as_deref(), Some("openai"));
        assert_eq!(work.model_provider.as_deref(), Some("azure"));
        assert_eq!(work.chatgpt_base_url.as_deref(), Some("https://a"));
    }

    #[test]
    fn what_is_not_toml_is_refused_with_its_line() {
        let error = facts("a = 1\nb = [\n", None).unwrap_err();

        assert!(error.starts_with("line "), "{error}");
    }
}
