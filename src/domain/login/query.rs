//! Query strings, as browsers and people hand them over.

/// The first value of `name`, decoded; blank values count as missing.
pub fn field(query: &str, name: &str) -> Option<String> {
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .find(|(key, _)| decoded(key) == name)
        .map(|(_, value)| decoded(value))
        .filter(|value| !value.trim().is_empty())
}

/// `%XX` and `+` resolved; what is no escape stays as it is.
pub fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        let escape = tail.get(..2).filter(|_| *first == b'%').and_then(hex);
        match (first, escape) {
            (_, Some(byte)) => {
                bytes.push(byte);
                rest = tail.get(2..).unwrap_or_default();
            }
            (b'+', None) => bytes.push(b' '),
            (byte, None) => bytes.push(*byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Percent-encoded but for the unreserved characters, so that a space is `%20`.
pub fn encoded(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::with_capacity(text.len()), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

fn hex(pair: &[u8]) -> Option<u8> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let [high, low] = pair else { return None };
    Some(digit(high)? * 16 + digit(low)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_decoded_and_the_first_one_counts() {
        let query = "code=a%2Fb+c&state=s&code=other&empty=&odd=%zz%4";

        assert_eq!(field(query, "code").as_deref(), Some("a/b c"));
        assert_eq!(field(query, "state").as_deref(), Some("s"));
        assert_eq!(field(query, "empty"), None);
        assert_eq!(field(query, "odd").as_deref(), Some("%zz%4"));
        assert_eq!(field("", "code"), None);
    }

    #[test]
    fn encoding_and_decoding_are_inverse() {
        for text in ["openid profile", "http://127.0.0.1:1455/auth/callback", "ä&=+%"] {
            assert_eq!(decoded(&encoded(text)), text);
        }
        assert_eq!(encoded("a b/é"), "a%20b%2F%C3%A9");
    }
}
