//! JSON objects as ordered members over raw text.
//!
//! The files we share with other programs carry members we do not know and numbers we must not reformat. So a
//! document is a list of (name, raw value) per level: only what is asked for is decoded, only what is set
//! changes, and everything else leaves as it came. Nothing is copied while reading; secrets are not even decoded
//! to list accounts.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// Why a text is not what was expected, with the place where it was noticed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct ParseJsonError {
    /// The parser's words; positions only, never content.
    pub detail: String,
}

impl ParseJsonError {
    /// The line where it was noticed, counted from one.
    pub fn line(&self) -> Option<usize> {
        let (_, place) = self.detail.split_once("(line ")?;
        place.split(',').next()?.parse().ok()
    }
}

impl From<serde_json::Error> for ParseJsonError {
    fn from(error: serde_json::Error) -> Self {
        let what = match error.classify() {
            serde_json::error::Category::Eof => "ends too early",
            serde_json::error::Category::Data => "is not a JSON object",
            serde_json::error::Category::Syntax | serde_json::error::Category::Io => "is not valid JSON",
        };
        Self { detail: format!("{what} (line {}, column {})", error.line(), error.column()) }
    }
}

/// One raw value: borrowed from the text it was read from, or set by us.
pub type Raw<'a> = Cow<'a, RawValue>;

/// An object whose members keep their order and text.
#[derive(Debug, Clone, Default)]
pub struct Object<'a> {
    members: Vec<(Cow<'a, str>, Raw<'a>)>,
}

impl<'a> Object<'a> {
    /// Reads an object; a byte order mark before it is skipped.
    ///
    /// # Errors
    /// When the text is not exactly one JSON object.
    pub fn parse(text: &'a str) -> Result<Self, ParseJsonError> {
        Ok(serde_json::from_str(without_mark(text))?)
    }

    /// The raw text of a member; the last of equal names counts, as everywhere in JavaScript.
    pub fn raw(&self, name: &str) -> Option<&str> {
        self.members.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.get())
    }

    /// The same, for as long as the text it was read from; `None` for members set since.
    pub fn borrowed(&self, name: &str) -> Option<&'a str> {
        match self.members.iter().rev().find(|(key, _)| key == name)?.1 {
            Cow::Borrowed(raw) => Some(raw.get()),
            Cow::Owned(_) => None,
        }
    }

    /// All members in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.members.iter().map(|(key, value)| (key.as_ref(), value.get()))
    }

    /// All members in order, for as long as the text they were read from.
    pub fn borrowed_members(&self) -> impl Iterator<Item = (&str, &'a str)> {
        self.members.iter().filter_map(|(key, value)| match value {
            Cow::Borrowed(raw) => Some((key.as_ref(), raw.get())),
            Cow::Owned(_) => None,
        })
    }

    /// A string member.
    pub fn text(&self, name: &str) -> Option<String> {
        self.raw(name).and_then(text)
    }

    /// A number member, as a float.
    pub fn number(&self, name: &str) -> Option<f64> {
        self.raw(name).and_then(number)
    }

    /// A whole, non-negative number member.
    pub fn count(&self, name: &str) -> Option<u64> {
        self.raw(name).and_then(count)
    }

    /// A number member in milliseconds, fractions cut off.
    pub fn millis(&self, name: &str) -> Option<i64> {
        self.raw(name).and_then(millis)
    }

    /// A boolean member.
    pub fn flag(&self, name: &str) -> Option<bool> {
        self.raw(name).and_then(flag)
    }

    /// An object member.
    pub fn object(&self, name: &str) -> Option<Object<'_>> {
        self.raw(name).and_then(|raw| Object::parse(raw).ok())
    }

    /// The elements of an array member, raw.
    pub fn list(&self, name: &str) -> Option<Vec<&str>> {
        self.raw(name).and_then(list)
    }

    /// The member at a path of names.
    pub fn text_at(&self, path: &[&str]) -> Option<String> {
        match path {
            [] => None,
            [name] => self.text(name),
            [name, rest @ ..] => self.object(name)?.text_at(rest),
        }
    }

    /// Whether the member is there, whatever its type.
    pub fn has(&self, name: &str) -> bool {
        self.members.iter().any(|(key, _)| key == name)
    }

    /// Whether there is no member at all.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Sets a member in its place, or appends it.
    pub fn set(&mut self, name: &str, value: impl Serialize) {
        if let Ok(raw) = serde_json::value::to_raw_value(&value) {
            self.put(name, raw);
        }
    }

    /// Sets a member to an object.
    pub fn set_object(&mut self, name: &str, value: &Object<'_>) {
        self.set_raw(name, value.to_text());
    }

    /// Sets a member to raw JSON text; text that is not JSON changes nothing.
    pub fn set_raw(&mut self, name: &str, text: String) {
        if let Ok(raw) = RawValue::from_string(text) {
            self.put(name, raw);
        }
    }

    /// The object on its own, independent of the text it was read from.
    pub fn into_owned(self) -> Object<'static> {
        let members = self
            .members
            .into_iter()
            .map(|(name, value)| (Cow::Owned(name.into_owned()), Cow::Owned(value.into_owned())))
            .collect();
        Object { members }
    }

    /// Removes a member.
    pub fn remove(&mut self, name: &str) {
        self.members.retain(|(key, _)| key != name);
    }

    /// Takes over the members of `other` that are missing here.
    pub fn fill_from(&mut self, other: &Object<'_>) {
        for (name, value) in &other.members {
            if !self.has(name) {
                self.members
                    .push((Cow::Owned(name.clone().into_owned()), Cow::Owned(value.clone().into_owned())));
            }
        }
    }

    /// The object without white space between its members.
    pub fn to_text(&self) -> String {
        let mut out =
            String::with_capacity(self.members.iter().map(|(k, v)| k.len() + v.get().len() + 4).sum());
        out.push('{');
        for (at, (name, value)) in self.members.iter().enumerate() {
            if at > 0 {
                out.push(',');
            }
            out.push_str(&quoted(name));
            out.push(':');
            out.push_str(value.get());
        }
        out.push('}');
        out
    }

    /// The object with two spaces of indentation, as the reference writes its files, without a final newline.
    pub fn to_pretty(&self) -> String {
        pretty(&self.to_text())
    }

    fn put(&mut self, name: &str, raw: Box<RawValue>) {
        if let Some((_, value)) = self.members.iter_mut().rev().find(|(key, _)| key == name) {
            *value = Cow::Owned(raw);
        } else {
            self.members.push((Cow::Owned(name.to_owned()), Cow::Owned(raw)));
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Object<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::with_capacity(map.size_hint().unwrap_or(16));
                while let Some(Name(key)) = map.next_key::<Name<'de>>()? {
                    members.push((key, Cow::Borrowed(map.next_value::<&'de RawValue>()?)));
                }
                Ok(Object { members })
            }
        }
        deserializer.deserialize_map(Members)
    }
}

/// An object of which one member is a long list: the list's elements are found in the same pass.
#[derive(Debug)]
pub struct Listing<'a> {
    /// All members; the listed one reads as an empty list.
    pub object: Object<'a>,
    /// The raw elements; `None` when the member is missing or no list.
    pub elements: Option<Vec<&'a str>>,
}

impl<'a> Listing<'a> {
    /// Reads an object and the elements of its member `name`.
    ///
    /// # Errors
    /// When the text is not exactly one JSON object.
    pub fn parse(text: &'a str, name: &str) -> Result<Self, ParseJsonError> {
        let mut reader = serde_json::Deserializer::from_str(without_mark(text));
        let listing = ListingSeed { name }.deserialize(&mut reader)?;
        reader.end()?;
        Ok(listing)
    }
}

struct ListingSeed<'n> {
    name: &'n str,
}

impl<'de> DeserializeSeed<'de> for ListingSeed<'_> {
    type Value = Listing<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for ListingSeed<'_> {
    type Value = Listing<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut listing = Listing { object: Object::default(), elements: None };
        while let Some(Name(key)) = map.next_key::<Name<'de>>()? {
            if key == self.name {
                listing.elements = map.next_value::<Elements<'de>>()?.0;
                listing.object.set_raw(self.name, "[]".to_owned());
            } else {
                listing.object.members.push((key, Cow::Borrowed(map.next_value::<&'de RawValue>()?)));
            }
        }
        Ok(listing)
    }
}

/// The elements of a list; whatever else stands there is read over.
struct Elements<'a>(Option<Vec<&'a str>>);

impl<'de: 'a, 'a> Deserialize<'de> for Elements<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Elements<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("any value")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut elements = Vec::new();
                while let Some(element) = list.next_element::<&'de RawValue>()? {
                    elements.push(element.get());
                }
                Ok(Elements(Some(elements)))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Elements(None))
            }

            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Elements(None))
            }

            fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
                Ok(Elements(None))
            }

            fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
                Ok(Elements(None))
            }

            fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
                Ok(Elements(None))
            }

            fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
                Ok(Elements(None))
            }

            fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
                Ok(Elements(None))
            }
        }
        deserializer.deserialize_any(Any)
    }
}

/// A member name, borrowed unless it holds escapes.
#[derive(Deserialize)]
pub(in crate::formats) struct Name<'a>(#[serde(borrow)] pub(in crate::formats) Cow<'a, str>);

/// The string a raw value is.
pub fn text(raw: &str) -> Option<String> {
    borrowed_text(raw).map(Cow::into_owned)
}

/// The string a raw value is, borrowed unless it holds escapes.
pub fn borrowed_text(raw: &str) -> Option<Cow<'_, str>> {
    let inside = raw.strip_prefix('"')?.strip_suffix('"')?;
    // Tokens are long and never escaped: a search is cheaper than a second parse.
    if inside.as_bytes().contains(&b'\\') {
        serde_json::from_str(raw).ok().map(Cow::Owned)
    } else {
        Some(Cow::Borrowed(inside))
    }
}

/// The finite number a raw value is.
pub fn number(raw: &str) -> Option<f64> {
    raw.starts_with(|c: char| c == '-' || c.is_ascii_digit())
        .then(|| raw.parse().ok())
        .flatten()
        .filter(|value: &f64| value.is_finite())
}

/// The whole non-negative number a raw value is.
pub fn count(raw: &str) -> Option<u64> {
    raw.parse().ok().or_else(|| {
        let value = number(raw)?;
        (value >= 0.0 && value.fract() == 0.0).then(|| format!("{value:.0}").parse().ok()).flatten()
    })
}

/// The number a raw value is, in milliseconds, fractions cut off.
pub fn millis(raw: &str) -> Option<i64> {
    raw.parse().ok().or_else(|| whole(number(raw)?))
}

/// A number without its fraction, when it is not too large.
pub(in crate::formats) fn whole(number: f64) -> Option<i64> {
    format!("{:.0}", number.trunc()).parse().ok()
}

/// The boolean a raw value is.
pub fn flag(raw: &str) -> Option<bool> {
    match raw {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

/// The raw elements of an array.
pub fn list(raw: &str) -> Option<Vec<&str>> {
    if !raw.starts_with('[') {
        return None;
    }
    let elements: Vec<&RawValue> = serde_json::from_str(raw).ok()?;
    Some(elements.into_iter().map(RawValue::get).collect())
}

/// A JSON array of raw elements.
pub fn joined<'a>(elements: impl IntoIterator<Item = &'a str>) -> String {
    let mut out = String::from("[");
    for element in elements {
        if out.len() > 1 {
            out.push(',');
        }
        out.push_str(element);
    }
    out.push(']');
    out
}

/// A JSON string literal.
pub fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}

/// The text without a leading byte order mark.
pub fn without_mark(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

/// Lays JSON text out with two spaces per level; strings and numbers are copied untouched.
pub fn pretty(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 4);
    let mut depth = 0_usize;
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let (token, tail) = rest.split_at(token_len(rest, c));
        rest = tail;
        match c {
            '{' | '[' => {
                let inner = rest.trim_start();
                out.push(c);
                if inner.starts_with(['}', ']']) {
                    out.push_str(inner.get(..1).unwrap_or_default());
                    rest = inner.get(1..).unwrap_or_default();
                } else {
                    depth += 1;
                    line(&mut out, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                line(&mut out, depth);
                out.push(c);
            }
            ',' => {
                out.push(c);
                line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            ' ' | '\t' | '\r' | '\n' => {}
            _ => out.push_str(token),
        }
    }
    out
}

fn line(out: &mut String, depth: usize) {
    out.push('\n');
    for _ in 0..depth {
        out.push_str("  ");
    }
}

/// Length in bytes of the token that starts `text` with `first`.
fn token_len(text: &str, first: char) -> usize {
    if first != '"' {
        return match text.find(['{', '}', '[', ']', ',', ':', '"', ' ', '\t', '\r', '\n']) {
            Some(0) | None => first.len_utf8(),
            Some(end) => end,
        };
    }
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn number_text_and_unknown_members_survive_an_edit() {
        let mut object = Object::parse(r#"{"a":1.50,"b":{"x":[ ]},"c":1e3}"#).unwrap();

        object.set("c", "new");

        assert_eq!(object.to_text(), r#"{"a":1.50,"b":{"x":[ ]},"c":"new"}"#);
        assert_eq!(
            object.to_pretty(),
            "{\n  \"a\": 1.50,\n  \"b\": {\n    \"x\": []\n  },\n  \"c\": \"new\"\n}"
        );
    }

    #[test]
    fn pretty_text_is_a_fixed_point_and_strings_are_left_alone() {
        for text in [r#"{"k":"a,{\"b\": [1]}","n":-1.0e-7,"l":[1,true,null,"x"]}"#, "[]", "3", "\"a\""] {
            let once = pretty(text);

            assert_eq!(pretty(&once), once);
            assert_eq!(
                serde_json::from_str::<serde_json::Value>(&once).unwrap(),
                serde_json::from_str::<serde_json::Value>(text).unwrap()
            );
        }
    }

    #[test]
    fn members_of_the_wrong_type_read_as_absent() {
        let object = Object::parse(r#"{"t":1,"n":"1","f":0,"o":[],"l":{}}"#).unwrap();

        assert_eq!(object.text("t"), None);
        assert_eq!(object.number("n"), None);
        assert_eq!(object.flag("f"), None);
        assert!(object.object("o").is_none());
        assert!(object.list("l").is_none());
    }

    #[test]
    fn whole_numbers_are_read_from_any_spelling() {
        assert_eq!(count("5"), Some(5));
        assert_eq!(count("5.0"), Some(5));
        assert_eq!(count("5.5"), None);
        assert_eq!(count("-1"), None);
        assert_eq!(millis("1.7e12"), Some(1_700_000_000_000));
        assert_eq!(millis("12.9"), Some(12));
    }
}
