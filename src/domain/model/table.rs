//! The models that are known, and the one a name stands for (commands.md §2.10).
//!
//! Names come from people, from the official CLI and from upstream; dated, effort-suffixed and older names stand for one
//! of the rows here. A name that resembles none is unknown: reports say so rather than guess.

use crate::domain::model::Family;

/// One model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Profile {
    /// Its name.
    pub name: &'static str,
    /// The family its limits are kept under.
    pub family: Family,
    /// Effort used when none is asked for.
    pub default_effort: &'static str,
    /// Efforts it knows.
    pub efforts: &'static [&'static str],
    /// Tool search.
    pub tool_search: bool,
    /// Computer use.
    pub computer_use: bool,
    /// Compaction.
    pub compaction: bool,
}

const LOW_TO_XHIGH: &[&str] = &["low", "medium", "high", "xhigh"];
const NONE_TO_XHIGH: &[&str] = &["none", "low", "medium", "high", "xhigh"];
const NONE_TO_HIGH: &[&str] = &["none", "low", "medium", "high"];
const PRO: &[&str] = &["medium", "high", "xhigh"];
const SMALL: &[&str] = &["medium"];
const LOW_TO_ULTRA: &[&str] = &["low", "medium", "high", "xhigh", "max", "ultra"];
const LOW_TO_MAX: &[&str] = &["low", "medium", "high", "xhigh", "max"];

const fn profile(
    name: &'static str,
    family: Family,
    default_effort: &'static str,
    efforts: &'static [&'static str],
    (tool_search, computer_use, compaction): (bool, bool, bool),
) -> Profile {
    Profile { name, family, default_effort, efforts, tool_search, computer_use, compaction }
}

/// All models, sorted by name.
pub const ALL: [Profile; 15] = [
    profile("gpt-5-mini", Family::Gpt52, "medium", SMALL, (false, false, true)),
    profile("gpt-5-nano", Family::Gpt52, "medium", SMALL, (false, false, true)),
    profile("gpt-5.1", Family::Gpt51, "none", NONE_TO_HIGH, (false, false, false)),
    profile("gpt-5.2", Family::Gpt52, "none", NONE_TO_XHIGH, (false, false, false)),
    profile("gpt-5.2-pro", Family::Gpt52, "high", PRO, (false, false, false)),
    profile("gpt-5.3-codex", Family::Gpt5Codex, "high", LOW_TO_XHIGH, (false, false, false)),
    profile("gpt-5.4", Family::Gpt52, "none", NONE_TO_XHIGH, (true, true, true)),
    profile("gpt-5.4-mini", Family::Gpt52, "medium", SMALL, (false, false, true)),
    profile("gpt-5.4-nano", Family::Gpt52, "medium", SMALL, (false, false, true)),
    profile("gpt-5.4-pro", Family::Gpt52, "high", PRO, (false, true, true)),
    profile("gpt-5.5", Family::Gpt52, "none", NONE_TO_XHIGH, (true, true, true)),
    profile("gpt-5.5-pro", Family::Gpt52, "high", PRO, (false, true, true)),
    profile("gpt-5.6-luna", Family::Gpt52, "medium", LOW_TO_MAX, (true, true, true)),
    profile("gpt-5.6-sol", Family::Gpt52, "low", LOW_TO_ULTRA, (true, true, true)),
    profile("gpt-5.6-terra", Family::Gpt52, "medium", LOW_TO_ULTRA, (true, true, true)),
];

/// What routing uses when a name says nothing.
pub const USUAL: &str = "gpt-5.5";

/// The model of exactly this name.
pub fn named(name: &str) -> Option<&'static Profile> {
    ALL.iter().find(|profile| profile.name == name)
}

/// The model a name stands for; `None` for a name that resembles no model of the table.
pub fn known(name: &str) -> Option<&'static Profile> {
    let lower = name.trim().to_ascii_lowercase();
    let slug = lower.rsplit('/').next().unwrap_or(&lower);
    named(slug).or_else(|| named(meaning(slug)?))
}

/// The name of the model that stands for any name: an unknown one counts as [`USUAL`].
pub fn normalised(name: &str) -> &'static str {
    known(name).map_or(USUAL, |profile| profile.name)
}

fn meaning(slug: &str) -> Option<&'static str> {
    if slug.contains("codex") {
        return Some("gpt-5.3-codex");
    }
    let rest = slug.strip_prefix("gpt-5").filter(|rest| rest.is_empty() || rest.starts_with(['.', '-']))?;
    let (minor, words) = match rest.strip_prefix('.') {
        Some(rest) => {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let (minor, words) = rest.split_at_checked(digits)?;
            (Some(minor), words)
        }
        None => (None, rest),
    };
    let has = |word: &str| words.split('-').any(|part| part == word);
    let variant = |pro, mini, nano, base| {
        if has("pro") {
            pro
        } else if has("mini") {
            mini
        } else if has("nano") {
            nano
        } else {
            base
        }
    };
    Some(match minor {
        Some("6") if has("terra") => "gpt-5.6-terra",
        Some("6") if has("luna") => "gpt-5.6-luna",
        Some("6") => "gpt-5.6-sol",
        Some("1") => "gpt-5.1",
        Some("2") => variant("gpt-5.2-pro", "gpt-5.2", "gpt-5.2", "gpt-5.2"),
        Some("4") => variant("gpt-5.4-pro", "gpt-5.4-mini", "gpt-5.4-nano", "gpt-5.5"),
        Some(_) | None => variant("gpt-5.5-pro", "gpt-5-mini", "gpt-5-nano", "gpt-5.5"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_every_default_is_an_effort_of_its_model() {
        assert!(ALL.is_sorted_by_key(|profile| profile.name));
        for profile in ALL {
            assert!(profile.efforts.contains(&profile.default_effort), "{}", profile.name);
        }
    }

    #[test]
    fn names_stand_for_their_model() {
        for (name, model) in [
            ("gpt-5.3-codex", "gpt-5.3-codex"),
            ("openai/GPT-5-Codex-mini", "gpt-5.3-codex"),
            ("gpt_5_codex", "gpt-5.3-codex"),
            ("codex-max", "gpt-5.3-codex"),
            ("gpt-5.6", "gpt-5.6-sol"),
            ("gpt-5.6-terra-high", "gpt-5.6-terra"),
            ("gpt-5.6-luna-max", "gpt-5.6-luna"),
            ("gpt-5", "gpt-5.5"),
            ("gpt-5-chat-latest", "gpt-5.5"),
            ("gpt-5-pro", "gpt-5.5-pro"),
            ("gpt-5-mini-medium", "gpt-5-mini"),
            ("gpt-5.1-chat-latest", "gpt-5.1"),
            ("gpt-5.2-pro-high", "gpt-5.2-pro"),
            ("gpt-5.4", "gpt-5.4"),
            ("gpt-5.4-low", "gpt-5.5"),
            ("gpt-5.4-nano", "gpt-5.4-nano"),
            ("gpt-5.5-pro-2026-04-23", "gpt-5.5-pro"),
            ("gpt-5.5-20260423", "gpt-5.5"),
            ("gpt-5.9-pro", "gpt-5.5-pro"),
        ] {
            assert_eq!(known(name).map(|profile| profile.name), Some(model), "{name}");
        }
    }

    #[test]
    fn a_name_that_resembles_nothing_is_unknown_and_counts_as_the_usual_model() {
        for name in ["o3", "gpt-50", "", "claude"] {
            assert_eq!((known(name), normalised(name)), (None, USUAL), "{name}");
        }
    }
}
