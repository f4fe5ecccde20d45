//! Text frames of the client on a socket.

use crate::formats::intake::Stated;

/// What a client's text frame asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// `response.create`.
    Create(Create),
    /// Anything else: relayed unchanged.
    Other,
}

/// The members of a `response.create` that matter here.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Create {
    /// `model`.
    pub model: Option<String>,
    /// `previous_response_id`.
    pub previous: Option<String>,
    /// `generate: false`.
    pub prewarm: bool,
}

/// Reads a client's text frame.
pub fn asked(data: &[u8]) -> Asked {
    let stated = Stated::of(data);
    if stated.kind.as_deref() != Some("response.create") {
        return Asked::Other;
    }
    Asked::Create(Create {
        model: stated.model,
        previous: stated.previous_response_id,
        prewarm: stated.generate == Some(false),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prewarm_and_turn_frames_are_told_apart() {
        let prewarm = br#"{"type":"response.create","model":"gpt-5.5","generate":false,"input":[]}"#;
        let turn =
            br#"{"type":"response.create","model":"gpt-5.5","previous_response_id":"resp_1","input":[]}"#;

        assert_eq!(
            asked(prewarm),
            Asked::Create(Create { model: Some("gpt-5.5".to_owned()), previous: None, prewarm: true })
        );
        assert_eq!(
            asked(turn),
            Asked::Create(Create {
                model: Some("gpt-5.5".to_owned()),
                previous: Some("resp_1".to_owned()),
                prewarm: false
            })
        );
        assert_eq!(asked(b"{\"type\":\"other\"}"), Asked::Other);
        assert_eq!(asked(b"not json"), Asked::Other);
    }
}
