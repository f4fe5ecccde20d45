//! Status files of long-lived helpers, the reference's and ours (storage.md §9.10): read to see whether one is alive.

use crate::base::Moment;
use crate::formats::lossless::Object;

/// Readers ignore longer files.
pub const LONGEST: u64 = 1 << 20;

/// What a helper says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HelperStatus {
    /// `codex-app-runtime-rotation-helper`, `codex-app-runtime-rotation-router`.
    pub kind: String,
    /// `running`, `stopped`, ….
    pub state: Option<String>,
    /// Its process.
    pub pid: u32,
    /// The token its command line carries.
    pub identity: Option<String>,
    /// When it began.
    pub started_at: Option<Moment>,
    /// When it last wrote.
    pub updated_at: Option<Moment>,
}

/// Reads a status file; `None` when it names no process.
pub fn read(text: &str) -> Option<HelperStatus> {
    let object = Object::parse(text).ok()?;
    let moment = |name: &str| object.millis(name).map(Moment::from_millis);
    Some(HelperStatus {
        kind: object.text("kind").unwrap_or_default(),
        state: object.text("state"),
        pid: object.count("pid").and_then(|pid| u32::try_from(pid).ok()).filter(|pid| *pid > 0)?,
        identity: object.text("identityToken"),
        started_at: moment("startedAt"),
        updated_at: moment("updatedAt"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_helper_is_known_by_its_process() {
        let text = r#"{"version":1,"kind":"codex-app-runtime-rotation-helper","state":"running","pid":77,"startedAt":5,"baseUrl":"x"}"#;

        let status = read(text).unwrap();

        assert_eq!(
            (status.pid, status.started_at, status.updated_at),
            (77, Some(Moment::from_millis(5)), None)
        );
        for text in ["", "[]", "{}", "{\"pid\":0}", "{\"pid\":-4}", "{\"pid\":\"7\"}"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
