//! What goes to the device-code endpoints and comes back (login.md §4).

use serde::Serialize;
use serde_json::Value;

use crate::base::calendar::{from_rfc3339, http_date};
use crate::base::{Moment, Secret, Span};
use crate::domain::login::device::{DeviceCode, INTERVAL};
use crate::formats::oauth_wire::CLIENT_ID;

/// Seconds and milliseconds since the epoch differ by more than any plausible date.
const MILLIS_FROM: i64 = 10_000_000_000;

#[derive(Serialize)]
struct AskWire<'a> {
    client_id: &'a str,
}

#[derive(Serialize)]
struct PollWire<'a> {
    device_auth_id: &'a str,
    user_code: &'a str,
}

/// Asks for a code.
pub fn ask_body() -> Vec<u8> {
    serde_json::to_vec(&AskWire { client_id: CLIENT_ID }).unwrap_or_default()
}

/// Asks whether the person has agreed.
pub fn poll_body(code: &DeviceCode) -> Vec<u8> {
    let wire = PollWire { device_auth_id: code.id.expose(), user_code: code.user_code.expose() };
    serde_json::to_vec(&wire).unwrap_or_default()
}

/// Reads a handed-out code; `page` is where it is typed. `None` when handle or code is missing.
pub fn parse_code(body: &[u8], page: String, now: Moment) -> Option<DeviceCode> {
    let value: Value = serde_json::from_slice(body).ok()?;
    let text = |name: &str| {
        value.get(name).and_then(Value::as_str).filter(|text| !text.trim().is_empty()).map(Secret::from)
    };
    let interval = value.get("interval").and_then(number).filter(|seconds| *seconds > 0);
    Some(DeviceCode {
        id: text("device_auth_id")?,
        user_code: text("user_code").or_else(|| text("usercode"))?,
        page,
        interval: interval.map_or(INTERVAL, Span::seconds),
        since: now,
        deadline: DeviceCode::deadline(now, expiry(&value, now)),
    })
}

/// What the person's consent is worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agreed {
    /// The authorization code.
    pub code: Secret,
    /// The verifier the server made up.
    pub verifier: Secret,
    /// Its challenge, when the server tells it.
    pub challenge: Option<String>,
}

/// Reads the answer of a poll that succeeded.
pub fn parse_agreed(body: &[u8]) -> Option<Agreed> {
    let value: Value = serde_json::from_slice(body).ok()?;
    let text = |name: &str| value.get(name).and_then(Value::as_str).filter(|text| !text.trim().is_empty());
    Some(Agreed {
        code: Secret::from(text("authorization_code")?),
        verifier: Secret::from(text("code_verifier")?),
        challenge: text("code_challenge").map(str::to_owned),
    })
}

fn expiry(value: &Value, now: Moment) -> Option<Moment> {
    let absolute = value.get("expires_at").and_then(moment);
    absolute.or_else(|| {
        let relative = value.get("expires_in")?;
        number(relative).map(|seconds| now + Span::seconds(seconds)).or_else(|| date(relative))
    })
}

fn moment(value: &Value) -> Option<Moment> {
    let Some(number) = number(value) else { return date(value) };
    Some(if number < MILLIS_FROM { Moment::from_secs(number) } else { Moment::from_millis(number) })
}

fn date(value: &Value) -> Option<Moment> {
    let text = value.as_str()?.trim();
    from_rfc3339(text).or_else(|| http_date(text))
}

fn number(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Moment = Moment::from_secs(1_700_000_000);

    fn read(more: &str) -> Option<DeviceCode> {
        let body = format!(r#"{{"device_auth_id":"d1","user_code":"AB-CD"{more}}}"#);
        parse_code(body.as_bytes(), "page".to_owned(), NOW)
    }

    #[test]
    fn pauses_and_ends_are_read_in_every_spelling() {
        let deadline = |more: &str| NOW.until(read(more).unwrap().deadline).as_secs();

        assert_eq!(read(r#","interval":"5""#).unwrap().interval, Span::seconds(5));
        assert_eq!(read(r#","interval":7"#).unwrap().interval, Span::seconds(7));
        for odd in ["", r#","interval":0"#, r#","interval":"soon""#, r#","interval":null"#] {
            assert_eq!(read(odd).unwrap().interval, INTERVAL, "{odd}");
        }
        assert_eq!(deadline(r#","expires_at":1700000100"#), 100);
        assert_eq!(deadline(r#","expires_at":1700000100000"#), 100);
        assert_eq!(deadline(r#","expires_at":"1700000100""#), 100);
        assert_eq!(deadline(r#","expires_at":"2023-11-14T22:15:00Z""#), 100);
        assert_eq!(deadline(r#","expires_in":60"#), 60);
        assert_eq!(deadline(r#","expires_in":"60""#), 60);
        assert_eq!(deadline(r#","expires_in":"2023-11-14T22:15:00Z""#), 100);
        assert_eq!(deadline(r#","expires_at":1700000100,"expires_in":5"#), 100);
        assert_eq!(deadline(""), 900);
        assert_eq!(deadline(r#","expires_in":99999"#), 900);
    }

    #[test]
    fn a_code_needs_its_handle_and_its_letters() {
        let of = |body: &str| parse_code(body.as_bytes(), String::new(), NOW);

        assert!(of(r#"{"device_auth_id":"d","usercode":"c"}"#).is_some());
        for body in ["", "[]", r#"{"device_auth_id":"d"}"#, r#"{"device_auth_id":" ","user_code":"c"}"#] {
            assert_eq!(of(body), None, "{body}");
        }
        assert_eq!(parse_agreed(br#"{"authorization_code":"c"}"#), None);
        let agreed = parse_agreed(br#"{"authorization_code":"c","code_verifier":"v","code_challenge":"x"}"#);
        assert_eq!(agreed.unwrap().challenge.as_deref(), Some("x"));
    }

    #[test]
    fn bodies_are_the_ones_the_official_client_sends() {
        let code = read("").unwrap();

        assert_eq!(ask_body(), br#"{"client_id":"app_EMoamEEZ73f0CkXaXp7hrann"}"#);
        assert_eq!(poll_body(&code), br#"{"device_auth_id":"d1","user_code":"AB-CD"}"#);
    }
}
