//! `ext/login-attempt.json` (login.md §5.3): what `login --print-url` leaves for `login --complete`.

use serde::{Deserialize, Serialize};

use crate::base::{Moment, Secret};
use crate::domain::login::attempt::Attempt;

#[derive(Serialize, Deserialize)]
struct Wire {
    state: String,
    verifier: String,
    redirect_uri: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    org: Option<String>,
    created_at: i64,
}

/// Reads a kept attempt; its link is not kept.
pub fn parse(text: &str) -> Option<Attempt> {
    let wire: Wire = serde_json::from_str(text).ok()?;
    let filled = |text: String| Some(Secret::new(text)).filter(|text| !text.is_blank());
    Some(Attempt {
        state: filled(wire.state)?,
        verifier: filled(wire.verifier)?,
        redirect_uri: wire.redirect_uri,
        url: Secret::default(),
        workspace: wire.org,
        started_at: Moment::from_millis(wire.created_at),
    })
}

/// The file's text.
pub fn print(attempt: &Attempt) -> Secret {
    let wire = Wire {
        state: attempt.state.expose().to_owned(),
        verifier: attempt.verifier.expose().to_owned(),
        redirect_uri: attempt.redirect_uri.clone(),
        org: attempt.workspace.clone(),
        created_at: attempt.started_at.millis(),
    };
    let mut text = serde_json::to_string_pretty(&wire).unwrap_or_default();
    text.push('\n');
    Secret::new(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kept_attempt_survives_a_round_trip_without_its_link() {
        let attempt = Attempt {
            state: Secret::new("s"),
            verifier: Secret::new("v"),
            redirect_uri: "http://127.0.0.1:1455/auth/callback".to_owned(),
            url: Secret::new("https://auth.openai.com/oauth/authorize?state=s"),
            workspace: Some("ws-1".to_owned()),
            started_at: Moment::from_millis(1_234),
        };

        let read = parse(print(&attempt).expose()).unwrap();

        assert_eq!(read, Attempt { url: Secret::default(), ..attempt });
        for none in ["", "{}", r#"{"state":" ","verifier":"v","redirect_uri":"u","created_at":1}"#] {
            assert_eq!(parse(none), None, "{none}");
        }
    }
}
