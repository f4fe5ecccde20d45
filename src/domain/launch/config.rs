//! The few facts of the official CLI's `config.toml` that decide a launch.

/// Effective values: `config.toml` with the selected profile laid over it. `-c` pairs of the command line
/// come on top and are asked from the scan.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ConfigFacts {
    /// `model_provider`
    pub model_provider: Option<String>,
    /// `openai_base_url`
    pub openai_base_url: Option<String>,
    /// `chatgpt_base_url`
    pub chatgpt_base_url: Option<String>,
    /// `cli_auth_credentials_store`
    pub credentials_store: Option<String>,
}

impl ConfigFacts {
    /// `upper` where it says something, else `self`.
    #[must_use]
    pub fn under(self, upper: Self) -> Self {
        Self {
            model_provider: upper.model_provider.or(self.model_provider),
            openai_base_url: upper.openai_base_url.or(self.openai_base_url),
            chatgpt_base_url: upper.chatgpt_base_url.or(self.chatgpt_base_url),
            credentials_store: upper.credentials_store.or(self.credentials_store),
        }
    }
}
