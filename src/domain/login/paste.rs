//! What a person pastes after signing in elsewhere (login.md §5.1, §5.2).
//!
//! The state is the proof that the answer belongs to this attempt, so a code without one is not enough, and it is
//! compared in constant time.

use crate::base::Secret;
use crate::domain::login::callback::Denial;
use crate::domain::login::query;

/// Who may type a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Typist {
    /// A person at a terminal.
    Person,
    /// A person at the full screen, who answers there.
    Screen,
    /// A pipe or file only.
    Script,
}

/// A line that was waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// A line without its end.
    Text(Secret),
    /// The input ended, or nothing came in time.
    End,
    /// A terminal, where only a script may answer.
    Terminal,
}

impl Line {
    /// The text, if there is one.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text.expose()),
            Self::End | Self::Terminal => None,
        }
    }
}

/// What a pasted text is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Paste {
    /// The person does not want to go on.
    Cancelled,
    /// Code or state is missing; which.
    Incomplete(Missing),
    /// It belongs to another attempt.
    OtherAttempt,
    /// The provider said no.
    Denied(Denial),
    /// The code of this attempt.
    Code(Secret),
}

/// What an incomplete paste lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// A bare code was pasted.
    State,
    /// No code is in it.
    Code,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Parsed {
    code: Option<Secret>,
    state: Option<Secret>,
    denial: Option<Denial>,
}

impl Parsed {
    fn of(text: &str) -> Self {
        Self {
            code: query::field(text, "code").map(Secret::new),
            state: query::field(text, "state").map(Secret::new),
            denial: Denial::of(text),
        }
    }

    fn or(self, other: Self) -> Self {
        Self {
            code: self.code.or(other.code),
            state: self.state.or(other.state),
            denial: self.denial.or(other.denial),
        }
    }

    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Judges a pasted text; `None` is the end of the input.
pub fn judge(text: Option<&str>, state: &Secret) -> Paste {
    let Some(text) = text.filter(|text| !text.contains('\u{1b}')) else { return Paste::Cancelled };
    let text = text.trim();
    if ["", "q", "quit", "cancel", "back"].contains(&text.to_lowercase().as_str()) {
        return Paste::Cancelled;
    }
    let parsed = parse(text);
    let own = parsed.state.as_ref().map(|given| state.matches(given.expose()));
    match (parsed.denial, parsed.code, own) {
        (Some(_), _, Some(false)) | (None, Some(_), Some(false)) => Paste::OtherAttempt,
        (Some(denial), ..) => Paste::Denied(denial),
        (None, None, _) => Paste::Incomplete(Missing::Code),
        (None, Some(_), None) => Paste::Incomplete(Missing::State),
        (None, Some(code), Some(true)) => Paste::Code(code),
    }
}

fn parse(text: &str) -> Parsed {
    if is_url(text) {
        let (address, fragment) = text.split_once('#').unwrap_or((text, ""));
        let query = address.split_once('?').map_or("", |(_, query)| query);
        let found = Parsed::of(query).or(Parsed::of(fragment));
        if !found.is_empty() {
            return found;
        }
    }
    if let Some((code, rest)) = text.split_once('#') {
        let state = rest.split('#').next().unwrap_or_default();
        return Parsed { code: filled(code), state: filled(state), denial: None };
    }
    if text.contains("code=") || text.contains("error=") {
        return Parsed::of(text.strip_prefix('?').unwrap_or(text));
    }
    Parsed { code: filled(text), ..Parsed::default() }
}

fn filled(text: &str) -> Option<Secret> {
    let text = text.trim();
    (!text.is_empty()).then(|| Secret::new(text))
}

fn is_url(text: &str) -> bool {
    text.split_once("://").is_some_and(|(scheme, _)| {
        scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> Paste {
        Paste::Code(Secret::new(text))
    }

    fn denied(code: &str) -> Paste {
        Paste::Denied(Denial { code: code.to_owned(), description: None })
    }

    #[test]
    fn every_form_of_a_paste_is_understood() {
        let state = Secret::new("st-1");
        for (text, expected) in [
            ("http://localhost:1455/auth/callback?code=c1&state=st-1", code("c1")),
            ("  http://127.0.0.1:1457/auth/callback?code=c1&state=st-1\n", code("c1")),
            ("https://elsewhere.test/cb?state=st-1&code=c%2F1", code("c/1")),
            ("http://localhost:1455/cb?code=c1#state=st-1", code("c1")),
            ("http://localhost:1455/cb#code=c1&state=st-1", code("c1")),
            ("http://localhost:1455/cb?code=query&state=st-1#code=fragment", code("query")),
            ("c1#st-1", code("c1")),
            ("c1#st-1#more", code("c1")),
            ("?code=c1&state=st-1", code("c1")),
            ("code=c1&state=st-1&scope=openid", code("c1")),
            ("c1", Paste::Incomplete(Missing::State)),
            ("?code=c1", Paste::Incomplete(Missing::State)),
            ("http://localhost:1455/auth/callback?state=st-1", Paste::Incomplete(Missing::Code)),
            ("#st-1", Paste::Incomplete(Missing::Code)),
            ("http://localhost:1455/cb?code=c1&state=st-2", Paste::OtherAttempt),
            ("c1#st-2", Paste::OtherAttempt),
            ("http://localhost:1455/cb?error=access_denied&state=st-1", denied("access_denied")),
            ("error=access_denied", denied("access_denied")),
            ("http://localhost:1455/cb?error=access_denied&state=st-2", Paste::OtherAttempt),
            ("", Paste::Cancelled),
            ("   ", Paste::Cancelled),
            ("Q", Paste::Cancelled),
            (" back ", Paste::Cancelled),
            ("c1#st-1\u{1b}", Paste::Cancelled),
        ] {
            assert_eq!(judge(Some(text), &state), expected, "{text:?}");
        }
        assert_eq!(judge(None, &state), Paste::Cancelled);
    }
}
