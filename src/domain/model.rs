//! Model names and their families: the buckets in which limits and cursors are kept (runtime.md §4).

pub mod table;

/// A rate-limit family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// `gpt-5-codex`
    Gpt5Codex,
    /// `codex-max`
    CodexMax,
    /// `codex`; the family of key-less questions
    Codex,
    /// `gpt-5.2`
    Gpt52,
    /// `gpt-5.1`
    Gpt51,
}

impl Family {
    /// All families in file order.
    pub const ALL: [Self; 5] = [Self::Gpt5Codex, Self::CodexMax, Self::Codex, Self::Gpt52, Self::Gpt51];

    /// The name in files and JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Gpt5Codex => "gpt-5-codex",
            Self::CodexMax => "codex-max",
            Self::Codex => "codex",
            Self::Gpt52 => "gpt-5.2",
            Self::Gpt51 => "gpt-5.1",
        }
    }

    /// The family behind a stored name.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|family| family.word() == word)
    }

    /// The key under which a limit is stored: the family, or the family and one model.
    pub fn key(self, model: Option<&str>) -> String {
        model.map_or_else(|| self.word().to_owned(), |model| format!("{}:{model}", self.word()))
    }

    /// The family of a model; a request without one counts as `gpt-5.3-codex`.
    pub fn of(model: Option<&str>) -> Self {
        let Some(model) = model.map(|name| name.trim().to_ascii_lowercase()).filter(|name| !name.is_empty())
        else {
            return Self::Gpt5Codex;
        };
        let name = model.rsplit('/').next().unwrap_or(&model);
        if name.contains("codex") {
            return Self::Gpt5Codex;
        }
        if name == "gpt-5.1" || name.starts_with("gpt-5.1-") {
            return Self::Gpt51;
        }
        Self::Gpt52
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_model_name_falls_into_its_family() {
        for (model, family) in [
            (None, Family::Gpt5Codex),
            (Some("gpt-5.3-codex"), Family::Gpt5Codex),
            (Some("codex-max"), Family::Gpt5Codex),
            (Some("gpt-5.1"), Family::Gpt51),
            (Some("gpt-5.6-sol"), Family::Gpt52),
            (Some("o3"), Family::Gpt52),
        ] {
            assert_eq!(Family::of(model), family, "{model:?}");
        }
    }
}
