//! Masking of e-mails, ids, tokens and paths for logs, reports and bundles.
//!
//! [`text`] is for words of others (an upstream message, a system error) before they are shown or kept: it finds
//! what looks like an e-mail, a JSON web token, a refresh token or a key. It prefers masking too much.

/// `jo***@***.com`: two characters of the name and the last part of the domain.
pub fn email(email: &str) -> String {
    let (name, domain) = email.split_once('@').unwrap_or((email, ""));
    let head: String = name.chars().take(2).collect();
    let last = domain.rsplit('.').next().unwrap_or_default();
    format!("{head}***@***.{last}")
}

/// `acct***001`; short ids disappear whole.
pub fn id(id: &str) -> String {
    if id.chars().count() <= 8 {
        return "***".to_owned();
    }
    let head: String = id.chars().take(4).collect();
    let mut tail: Vec<char> = id.chars().rev().take(3).collect();
    tail.reverse();
    format!("{head}***{}", tail.into_iter().collect::<String>())
}

/// A path with the user's home as `~`.
pub fn path(path: &str, home: &str) -> String {
    if home.is_empty() {
        return path.to_owned();
    }
    match path.strip_prefix(home) {
        Some("") => "~".to_owned(),
        Some(rest) if rest.starts_with(['/', '\\']) => format!("~{rest}"),
        Some(_) | None => path.to_owned(),
    }
}

/// What stands for a token.
pub const TOKEN: &str = "***";

/// Prefixes by which tokens and keys are known.
const TELLTALES: [&str; 11] =
    ["eyJ", "rt_", "rt.", "RT_ch_", "AT_ch_", "ac_", "sk-", "sess-", "ey.", "cma_local_", "Bearer"];

/// Names whose values are secrets, however they look (login.md §7.3).
const NAMES: [&str; 9] = [
    "refresh_token",
    "refreshToken",
    "access_token",
    "accessToken",
    "id_token",
    "idToken",
    "code_verifier",
    "codeVerifier",
    "token",
];

/// Shortest value of such a name that is taken for a secret.
const SHORT: usize = 8;

/// Length from which an unbroken run of token characters counts as a secret, whatever it begins with. Record ids,
/// hashes and request ids are shorter or hold nothing worth masking.
const LONG: usize = 80;

/// Masks what looks like an identity or a secret inside running text.
pub fn text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut word = String::new();
    let mut owner = Owner::Nobody;
    for c in text.chars() {
        if is_token_char(c) {
            word.push(c);
            continue;
        }
        owner = owner.after(&word);
        flush(&mut word, &mut out, owner);
        owner = owner.across(c);
        out.push(c);
    }
    owner = owner.after(&word);
    flush(&mut word, &mut out, owner);
    out
}

/// Whose value the next word is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Owner {
    /// Nobody's.
    Nobody,
    /// The last word was the name of a secret.
    Named,
    /// And a sign of assignment followed: the next word is its value.
    Assigned,
    /// This word is its value.
    Value,
}

impl Owner {
    /// After a word (empty when two separators meet).
    fn after(self, word: &str) -> Self {
        if word.is_empty() {
            return self;
        }
        match self {
            Self::Assigned => Self::Value,
            Self::Nobody | Self::Named | Self::Value if NAMES.contains(&word) => Self::Named,
            Self::Nobody | Self::Named | Self::Value => Self::Nobody,
        }
    }

    /// After a separator.
    fn across(self, sign: char) -> Self {
        match (self, sign) {
            (Self::Named | Self::Assigned, '=' | ':') => Self::Assigned,
            (Self::Named | Self::Assigned, '"' | '\'') | (Self::Assigned, ' ') => self,
            (Self::Nobody | Self::Named | Self::Assigned | Self::Value, _) => Self::Nobody,
        }
    }
}

fn is_token_char(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '@' | '+' | '~')
}

fn flush(word: &mut String, out: &mut String, owner: Owner) {
    let bare = word.trim_end_matches('.');
    let telltale = TELLTALES.iter().any(|prefix| bare.len() > prefix.len() + 8 && bare.starts_with(prefix));
    // An opaque value has a digit somewhere; a word of a sentence behind a colon has none.
    let value = owner == Owner::Value && bare.len() >= SHORT && bare.chars().any(|c| c.is_ascii_digit());
    if telltale || value || bare.len() >= LONG {
        out.push_str(TOKEN);
    } else if bare.contains('@') && bare.rsplit('@').next().is_some_and(|domain| domain.contains('.')) {
        out.push_str(&email(bare));
    } else {
        out.push_str(bare);
    }
    out.push_str(word.get(bare.len()..).unwrap_or_default());
    word.clear();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e_mails_ids_and_paths_keep_their_outline() {
        assert_eq!(email("jane.doe@mail.example.com"), "ja***@***.com");
        assert_eq!(email("x@y.io"), "x***@***.io");
        assert_eq!(id("acct-fixture-0001"), "acct***001");
        assert_eq!(id("short"), "***");
        assert_eq!(path("/home/u/.codex/auth.json", "/home/u"), "~/.codex/auth.json");
        assert_eq!(path("/home/user2/x", "/home/u"), "/home/user2/x");
    }

    #[test]
    fn secrets_in_running_text_disappear_and_ordinary_words_stay() {
        for (given, shown) in [
            ("Your session for a.b@x.io ended.", "Your session for a.***@***.io ended."),
            ("token eyJhbGciOiJub25l.eyJzdWIi.sig, sorry", "token ***, sorry"),
            ("refresh_token=rt_abcdefghijkl&x=1", "refresh_token=***&x=1"),
            ("request req_1234 failed (code token_expired)", "request req_1234 failed (code token_expired)"),
            ("key sk-proj-aaaaaaaaaaaa.", "key ***."),
            (
                r#"{"error":{"code":"refresh_token_reused","refresh_token":"opaque12345"}}"#,
                r#"{"error":{"code":"refresh_token_reused","refresh_token":"***"}}"#,
            ),
            ("accessToken=opaque-value-1&state=s", "accessToken=***&state=s"),
            ("code ac_0123456789abcdef was spent", "code *** was spent"),
            ("RT_ch_0123456789abcdefghij", "***"),
            ("unknown token: unexpected end", "unknown token: unexpected end"),
            ("the refresh_token was revoked", "the refresh_token was revoked"),
        ] {
            assert_eq!(text(given), shown);
        }
        assert_eq!(text(&"a".repeat(100)), "***");
    }
}
