//! The quick way through a ledger line: members in the order in which this program and the reference write them, compact,
//! plain ASCII, nothing escaped. Whatever departs from that by a byte is left to the parser.
//!
//! A million rows are read for one report, so a row must not cost much more than finding its end. The whole line is looked
//! at all the same: a torn or altered line must not pass for a row here and be refused there.

use std::borrow::Cow;

use super::{HASH, ending, operation};
use crate::base::Moment;
use crate::domain::facts::TurnTokens;
use crate::domain::usage::entry::Glance;

/// See the module; `None` says nothing but that the line is not plain.
pub(super) fn glance(line: &[u8]) -> Option<Glance<'_>> {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let mut rest = Rest(line.strip_suffix(b"\r").unwrap_or(line));
    rest.literal(b"{\"version\":1,\"id\":\"")?;
    if rest.string()?.is_empty() {
        return None;
    }
    rest.literal(b",\"createdAt\":")?;
    let at = Moment::from_millis(i64::try_from(rest.whole()?).ok()?);
    rest.literal(b",\"source\":\"")?;
    rest.string()?;
    rest.literal(b",\"operation\":\"")?;
    let operation = operation(std::str::from_utf8(rest.string()?).ok()?);
    rest.literal(b",\"outcome\":\"")?;
    let ending = ending(std::str::from_utf8(rest.string()?).ok()?);
    rest.literal(b",\"model\":")?;
    let model = rest.string_or_null()?;
    rest.literal(b",\"projectKey\":")?;
    let project = rest.string_or_null()?;
    rest.literal(b",\"account\":")?;
    let (account_hash, email_hash) = rest.account()?;
    rest.literal(b",\"requestId\":")?;
    rest.string_or_null()?;
    rest.literal(b",\"statusCode\":")?;
    rest.number_or_null()?;
    rest.literal(b",\"errorCode\":")?;
    rest.string_or_null()?;
    rest.literal(b",\"durationMs\":")?;
    rest.number_or_null()?;
    rest.literal(b",\"tokens\":{\"inputTokens\":")?;
    let input = rest.whole()?;
    rest.literal(b",\"outputTokens\":")?;
    let output = rest.whole()?;
    rest.literal(b",\"cachedInputTokens\":")?;
    let cached = rest.whole()?;
    rest.literal(b",\"reasoningTokens\":")?;
    let reasoning = rest.whole()?;
    rest.literal(b",\"totalTokens\":")?;
    let total = rest.whole()?;
    rest.literal(b"},\"costUsd\":")?;
    rest.number_or_null()?;
    let token = rest.added()?;
    Some(Glance {
        at,
        operation,
        ending,
        model: text(model)?,
        project: text(project)?,
        account_hash,
        email_hash,
        token: text(token)?,
        tokens: TurnTokens { input, output, cached, reasoning, total },
    })
}

/// Bytes of a string as text; they are ASCII.
#[expect(clippy::option_option, reason = "no such bytes, and bytes that are no text, are two things")]
fn text(bytes: Option<&[u8]>) -> Option<Option<Cow<'_, str>>> {
    let Some(bytes) = bytes else { return Some(None) };
    Some(Some(Cow::Borrowed(std::str::from_utf8(bytes).ok()?)))
}

#[expect(clippy::option_option, reason = "as for text")]
fn hash(bytes: &[u8]) -> Option<Option<Cow<'_, str>>> {
    text(Some(bytes)).map(|text| text.filter(|text| text.starts_with(HASH)))
}

/// What is left of a line.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn literal(&mut self, literal: &[u8]) -> Option<()> {
        self.0 = self.0.strip_prefix(literal)?;
        Some(())
    }

    fn has(&mut self, literal: &[u8]) -> bool {
        self.literal(literal).is_some()
    }

    /// A string behind its first quote, and over its last.
    fn string(&mut self) -> Option<&'a [u8]> {
        let end = plain_until_quote(self.0)?;
        let (inside, rest) = self.0.split_at_checked(end)?;
        self.0 = rest.get(1..)?;
        Some(inside)
    }

    #[expect(clippy::option_option, reason = "nothing, or not plain")]
    fn string_or_null(&mut self) -> Option<Option<&'a [u8]>> {
        if self.has(b"null") {
            return Some(None);
        }
        self.literal(b"\"")?;
        self.string().map(Some)
    }

    /// A whole number of at most 18 digits, without a leading zero.
    fn whole(&mut self) -> Option<u64> {
        const DIGITS: usize = 18;
        let mut value = 0;
        let mut count = 0;
        while let Some(digit) = self.0.get(count).filter(|byte| byte.is_ascii_digit()) {
            value = value * 10 + u64::from(digit - b'0');
            count += 1;
            if count > DIGITS {
                return None;
            }
        }
        if count == 0 || (count > 1 && self.0.first() == Some(&b'0')) {
            return None;
        }
        self.0 = self.0.get(count..)?;
        Some(value)
    }

    fn digits(&mut self) -> Option<()> {
        let count = self.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.0 = self.0.get(count..)?;
        (count > 0).then_some(())
    }

    fn number_or_null(&mut self) -> Option<()> {
        if self.has(b"null") {
            return Some(());
        }
        self.literal(b"-").unwrap_or(());
        self.whole()?;
        if self.has(b".") {
            self.digits()?;
        }
        if self.has(b"e") {
            if !self.has(b"-") {
                self.literal(b"+").unwrap_or(());
            }
            self.digits()?;
        }
        Some(())
    }

    /// `{accountHash?, emailHash?, index?}` or `null`.
    fn account(&mut self) -> Option<Hashes<'a>> {
        let (mut account, mut email) = (None, None);
        if self.has(b"null") {
            return Some((account, email));
        }
        self.literal(b"{")?;
        let mut comma: &[u8] = b"";
        if self.has(b"\"accountHash\":\"") {
            account = hash(self.string()?)?;
            comma = b",";
        }
        if self.has_after(comma, b"\"emailHash\":\"") {
            email = hash(self.string()?)?;
            comma = b",";
        }
        if self.has_after(comma, b"\"index\":") {
            self.whole()?;
        }
        self.literal(b"}")?;
        Some((account, email))
    }

    fn has_after(&mut self, comma: &[u8], name: &[u8]) -> bool {
        let Some(rest) = self.0.strip_prefix(comma).and_then(|rest| rest.strip_prefix(name)) else {
            return false;
        };
        self.0 = rest;
        true
    }

    /// What this program adds, to the end of the line; the id of the client's key, if there is one.
    #[expect(clippy::option_option, reason = "nothing, or not plain")]
    fn added(&mut self) -> Option<Option<&'a [u8]>> {
        if self.has(b",\"attempts\":") {
            self.whole()?;
        }
        if self.has(b",\"ttfbMs\":") {
            self.whole()?;
        }
        if self.has(b",\"bytesOut\":") {
            self.whole()?;
        }
        if self.has(b",\"sessionHash\":\"") {
            self.string()?;
        }
        if self.has(b",\"failoverClass\":\"") {
            self.string()?;
        }
        if self.has(b",\"rotatedFrom\":[\"") {
            self.string()?;
            while self.has(b",\"") {
                self.string()?;
            }
            self.literal(b"]")?;
        }
        if self.has(b",\"serviceTier\":\"") {
            self.string()?;
        }
        let token = if self.has(b",\"clientTokenId\":\"") { Some(self.string()?) } else { None };
        (self.0 == b"}").then_some(token)
    }
}

type Hashes<'a> = (Option<Cow<'a, str>>, Option<Cow<'a, str>>);

/// The place of the first quote, if nothing before it is escaped, a control character or beyond ASCII.
///
/// Eight bytes at a time: most of a line are the digits of hashes.
fn plain_until_quote(bytes: &[u8]) -> Option<usize> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const TOPS: u64 = 0x8080_8080_8080_8080;
    let zero = |word: u64| word.wrapping_sub(ONES) & !word & TOPS;
    let (words, tail) = bytes.as_chunks::<8>();
    for (place, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let control = word.wrapping_sub(ONES * 0x20) & !word & TOPS;
        let special = zero(word ^ (ONES * 0x22)) | zero(word ^ (ONES * 0x5c)) | control | (word & TOPS);
        if special != 0 {
            let at = place * 8 + usize::try_from(special.trailing_zeros() / 8).ok()?;
            return (bytes.get(at) == Some(&b'"')).then_some(at);
        }
    }
    let at = tail.iter().position(|byte| matches!(byte, b'"' | b'\\') || !(0x20..0x80).contains(byte))?;
    (tail.get(at) == Some(&b'"')).then_some(words.len() * 8 + at)
}
