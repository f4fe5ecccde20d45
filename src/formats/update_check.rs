//! `cache/update-check-cache.json`: the newest published version as last heard, good for a day.

use crate::base::{Moment, Span};
use crate::formats::lossless::{Object, ParseJsonError};

/// How long an answer counts.
const GOOD: Span = Span::hours(24);

/// What was heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpdateCheck {
    /// When.
    pub at: Moment,
    /// The newest version; `None` when the index did not say.
    pub latest: Option<String>,
    /// Our own version then.
    pub current: String,
}

impl UpdateCheck {
    /// Whether it still counts for a program of this version.
    pub fn is_good(&self, version: &str, now: Moment) -> bool {
        self.current == version && now.since(self.at) < GOOD && self.at <= now
    }
}

/// Reads the cache.
///
/// # Errors
/// When it is no JSON object with a time.
pub fn read(text: &str) -> Result<UpdateCheck, ParseJsonError> {
    let object = Object::parse(text)?;
    let at = object.millis("lastCheck").map(Moment::from_millis);
    Ok(UpdateCheck {
        at: at.ok_or_else(|| ParseJsonError { detail: "has no time".to_owned() })?,
        latest: object.text("latestVersion"),
        current: object.text("currentVersion").unwrap_or_default(),
    })
}

/// The cache's text.
pub fn print(check: &UpdateCheck) -> String {
    let mut object = Object::default();
    object.set("lastCheck", check.at.millis());
    object.set("latestVersion", &check.latest);
    object.set("currentVersion", &check.current);
    object.to_pretty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_counts_for_a_day_and_for_its_version() {
        let check =
            UpdateCheck { at: Moment::from_secs(100), latest: Some("2.0.0".into()), current: "1.0.0".into() };

        assert_eq!(read(&print(&check)).unwrap(), check);
        assert!(check.is_good("1.0.0", check.at + Span::hours(23)));
        assert!(!check.is_good("1.0.0", check.at + Span::hours(24)));
        assert!(!check.is_good("1.0.1", check.at));
        assert!(!check.is_good("1.0.0", Moment::EPOCH), "a clock that was set back");
        assert!(read("{}").is_err());
    }
}
