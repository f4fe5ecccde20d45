//! Settings files: which document counts, and how its members, the variables and the defaults become values.
//!
//! The sources of runtime settings are alternatives, not layers (settings.md §1.2). A bad member is passed over
//! and named; it never spoils its neighbours and is never removed from the file.

use std::collections::BTreeMap;

use crate::domain::settings::Settings;
use crate::domain::settings::schema::{Kind, ROWS, Row, Section, Value, Zero};
use crate::formats::lossless::{self, Object};

/// The texts of the files there are; `None` = the file is missing or could not be read.
#[derive(Debug, Clone, Default)]
pub struct Sources<'a> {
    /// `CODEX_MULTI_AUTH_CONFIG_PATH`.
    pub config_path: Option<&'a str>,
    /// `settings.json`.
    pub unified: Option<&'a str>,
    /// `settings.json.bak`; used when the former is damaged.
    pub backup: Option<&'a str>,
    /// The first legacy file that exists.
    pub legacy: Option<&'a str>,
    /// Variables of the settings table that are set.
    pub env: Option<&'a BTreeMap<&'static str, String>>,
}

/// The reference's panel writes its defaults; its old stall timeout is far too short for long thinking.
const OLD_STALL: f64 = 45_000.0;

/// Returns effective settings: file, then variables; notes say what was passed over.
pub fn resolve(sources: &Sources<'_>) -> Settings {
    let mut settings = Settings::default();
    let mut notes = Vec::new();
    let unified = unified(sources, &mut notes);
    let display = unified.object("dashboardDisplaySettings").unwrap_or_default();
    let nested = unified.object("pluginConfig");
    let flat = |text: Option<&'_ str>| text.map(str::to_owned);
    let document = flat(sources.config_path)
        .or_else(|| nested.as_ref().map(Object::to_text))
        .or_else(|| flat(sources.legacy))
        .unwrap_or_else(|| "{}".to_owned());
    let plugin = Object::parse(&document).unwrap_or_else(|error| {
        notes.push(format!("The settings file is not used: it {error}"));
        Object::default()
    });

    for row in ROWS {
        let stored = match row.section {
            Section::Display => display.raw(row.key),
            Section::Shared | Section::Ours => plugin.raw(row.key),
        };
        let from_file = stored.and_then(|raw| read(row, raw, &mut notes));
        let value = variable(row, sources.env, &mut notes).or(from_file);
        if let Some(value) = value {
            (row.put)(&mut settings, &value);
        }
    }
    settings.notes = notes;
    settings
}

fn unified<'a>(sources: &Sources<'a>, notes: &mut Vec<String>) -> Object<'a> {
    let Some(text) = sources.unified else { return Object::default() };
    match Object::parse(text) {
        Ok(object) => object,
        Err(error) => {
            let backup = sources.backup.and_then(|text| Object::parse(text).ok());
            let instead = if backup.is_some() { "settings.json.bak is used" } else { "defaults are used" };
            notes.push(format!("settings.json {error}; {instead}"));
            backup.unwrap_or_default()
        }
    }
}

/// A stored member; `None` (with a note) when it is invalid.
fn read(row: &Row, raw: &str, notes: &mut Vec<String>) -> Option<Value> {
    let value = match row.kind {
        Kind::Flag(_) => lossless::flag(raw).map(Value::Flag),
        Kind::Number { .. } => lossless::number(raw).map(Value::Number),
        Kind::Word(words) => lossless::text(raw)
            .filter(|text| !text.is_empty() && words.contains(&text.as_str()))
            .map(Value::Text),
        Kind::Text(_) => lossless::text(raw).map(Value::Text),
    };
    let Some(value) = value else {
        notes.push(format!("{} is ignored: {}", row.key, expectation(row.kind)));
        return None;
    };
    let Value::Number(given) = value else { return Some(value) };
    if row.key == "streamStallTimeoutMs" && given.total_cmp(&OLD_STALL).is_eq() {
        return None;
    }
    let bounded = bounded(row.kind, given);
    if bounded.total_cmp(&given).is_eq() {
        return Some(Value::Number(given));
    }
    if row.section == Section::Shared {
        notes.push(format!("{} is ignored: {}", row.key, expectation(row.kind)));
        return None;
    }
    notes.push(format!("{} is taken as {bounded}: {}", row.key, expectation(row.kind)));
    Some(Value::Number(bounded))
}

fn variable(
    row: &Row,
    env: Option<&BTreeMap<&'static str, String>>,
    notes: &mut Vec<String>,
) -> Option<Value> {
    let env = env?;
    for name in row.env {
        let Some(text) = env.get(name).map(|text| text.trim()).filter(|text| !text.is_empty()) else {
            continue;
        };
        let lower = text.to_ascii_lowercase();
        let value = match row.kind {
            Kind::Flag(_) => match lower.as_str() {
                "1" | "true" | "yes" => Some(Value::Flag(true)),
                "0" | "false" | "no" => Some(Value::Flag(false)),
                _ => None,
            },
            Kind::Number { .. } => {
                text.parse().ok().filter(|number: &f64| number.is_finite()).map(Value::Number)
            }
            Kind::Word(words) => words.contains(&lower.as_str()).then_some(Value::Text(lower)),
            Kind::Text(_) => Some(Value::Text(text.to_owned())),
        };
        match value {
            Some(Value::Number(given)) => {
                let bounded = bounded(row.kind, given);
                if !bounded.total_cmp(&given).is_eq() {
                    notes.push(format!("{name} is taken as {bounded}: {}", expectation(row.kind)));
                }
                return Some(Value::Number(bounded));
            }
            Some(value) => return Some(value),
            None => notes.push(format!("{name} is ignored: {}", expectation(row.kind))),
        }
    }
    None
}

fn bounded(kind: Kind, given: f64) -> f64 {
    match kind {
        Kind::Number { zero: Zero::TurnsOff, .. } if given <= 0.0 => 0.0,
        Kind::Number { least, most, .. } => given.clamp(least, most),
        Kind::Flag(_) | Kind::Word(_) | Kind::Text(_) => given,
    }
}

fn expectation(kind: Kind) -> String {
    match kind {
        Kind::Flag(_) => "expected true or false".to_owned(),
        Kind::Number { least, most, zero, .. } => {
            let off = if zero == Zero::TurnsOff { "0 or " } else { "" };
            format!("expected {off}a number from {least} to {most}")
        }
        Kind::Word(words) => {
            let words: Vec<&str> = words.iter().copied().filter(|word| !word.is_empty()).collect();
            format!("expected {}", words.join(", "))
        }
        Kind::Text(_) => "expected text".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Span;
    use crate::domain::selection::Strategy;

    fn from_file(text: &str) -> Settings {
        resolve(&Sources { unified: Some(text), ..Sources::default() })
    }

    fn from_env(pairs: &[(&'static str, &str)]) -> Settings {
        let env = pairs.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        resolve(&Sources { env: Some(&env), ..Sources::default() })
    }

    #[test]
    fn nothing_stored_means_defaults() {
        assert_eq!(resolve(&Sources::default()), Settings::default());
    }

    #[test]
    fn a_bad_member_is_named_and_its_neighbours_count() {
        let settings = from_file(
            r#"{"version":1,"pluginConfig":{"fetchTimeoutMs":5,"codexTuiGlyphMode":"emoji",
               "connectTimeoutMs":1,"sessionAffinity":"no","toastDurationMs":7000}}"#,
        );

        assert_eq!(settings.fetch_timeout, Span::seconds(60));
        assert_eq!(settings.glyphs, "auto");
        assert_eq!(settings.connect_timeout, Span::millis(500));
        assert!(settings.session_affinity);
        assert_eq!(settings.toast_duration, Span::seconds(7));
        assert_eq!(settings.notes.len(), 4);
    }

    #[test]
    fn variables_win_are_clamped_and_bad_ones_are_named() {
        let settings = from_env(&[
            ("CODEX_AUTH_FETCH_TIMEOUT_MS", "10"),
            ("CODEX_AUTH_SCHEDULING_STRATEGY", "SEQUENTIAL"),
            ("CODEX_AUTH_PREEMPTIVE_QUOTA_5H_REMAINING_PCT", "250"),
            ("CODEX_AUTH_MIN_ROTATION_INTERVAL_MS", "1e3"),
            ("CODEX_AUTH_SESSION_AFFINITY", "No"),
            ("CODEX_TUI_V2", "maybe"),
        ]);

        assert_eq!(settings.fetch_timeout, Span::seconds(1));
        assert_eq!(settings.strategy, Strategy::Sequential);
        assert!((settings.preemptive_primary - 100.0).abs() < f64::EPSILON);
        assert_eq!(settings.min_rotation_interval, Span::seconds(1));
        assert!(!settings.session_affinity);
        assert!(!settings.plain);
        assert_eq!(settings.notes.len(), 3);
    }

    #[test]
    fn the_legacy_switch_is_read_only_when_the_new_one_says_nothing() {
        let both = |new, old| {
            from_env(&[("CODEX_MULTI_AUTH_SYNC_CODEX_CLI", new), ("CODEX_AUTH_SYNC_CODEX_CLI", old)])
                .codex_cli_sync
        };

        assert!(both("1", "0"));
        assert!(!both("maybe", "0"));
    }

    #[test]
    fn the_old_stall_timeout_counts_as_unset_only_in_a_file() {
        let stored = from_file(r#"{"pluginConfig":{"streamStallTimeoutMs":45000}}"#);
        let given = from_env(&[("CODEX_AUTH_STREAM_STALL_TIMEOUT_MS", "45000")]);

        assert_eq!(stored.stream_stall, Span::seconds(300));
        assert_eq!(given.stream_stall, Span::seconds(45));
    }

    #[test]
    fn sources_are_alternatives_and_damage_falls_back_to_the_backup() {
        let unified = r#"{"pluginConfig":{"toastDurationMs":2000}}"#;
        let config = resolve(&Sources {
            config_path: Some(r#"{"maxClientSockets":9}"#),
            unified: Some(unified),
            ..Sources::default()
        });
        let damaged =
            resolve(&Sources { unified: Some("{\"x"), backup: Some(unified), ..Sources::default() });
        let marked = from_file(&format!("\u{feff}{unified}"));

        assert_eq!((config.max_client_sockets, config.toast_duration), (9, Span::seconds(5)));
        assert_eq!(damaged.toast_duration, Span::seconds(2));
        assert_eq!(damaged.notes.len(), 1);
        assert_eq!(marked.toast_duration, Span::seconds(2));
    }

    #[test]
    fn the_new_theme_and_strategy_win_over_the_old_keys() {
        let settings = from_file(
            r#"{"dashboardDisplaySettings":{"uiThemePreset":"blue","menuQuotaTtlMs":1},
                "pluginConfig":{"tuiTheme":"mono","schedulingStrategy":"hybrid","selectionStrategy":"sequential"}}"#,
        );

        assert_eq!(settings.theme, "mono");
        assert_eq!(settings.strategy, Strategy::Sequential);
        assert_eq!(settings.quota_ttl, Span::minutes(1));
    }
}
