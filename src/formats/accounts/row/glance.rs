//! A row read for a listing: texts are taken as the parser finds them, and an access token nobody asks for is passed over.
//!
//! It reads what [`Row`] reads or nothing at all: where the two could differ, it fails and the whole reading judges.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{Row, filled, tells_claim};
use crate::base::Moment;
use crate::formats::jwt;
use crate::formats::lossless;

/// Reads into a row that stands where it will be used: it is too wide to be handed around for each of thousands.
pub(in crate::formats::accounts) struct Glance<'r, 'a>(pub(in crate::formats::accounts) &'r mut Row<'a>);

impl<'de> DeserializeSeed<'de> for Glance<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Glance<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(member) = map.next_key::<Member>()? {
            self.0.glance(member, &mut map)?;
        }
        Ok(())
    }
}

/// Which member comes next.
enum Member {
    AccountId,
    IdSource,
    Email,
    Refresh,
    RecordId,
    Access,
    ExpiresAt,
    LastUsed,
    AddedAt,
    Other(String),
}

impl<'de> Deserialize<'de> for Member {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Name;
        impl Visitor<'_> for Name {
            type Value = Member;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }

            fn visit_bytes<E: Error>(self, name: &[u8]) -> Result<Member, E> {
                Ok(match name {
                    b"accountId" => Member::AccountId,
                    b"accountIdSource" => Member::IdSource,
                    b"email" => Member::Email,
                    b"refreshToken" => Member::Refresh,
                    b"recordId" => Member::RecordId,
                    b"accessToken" => Member::Access,
                    b"expiresAt" => Member::ExpiresAt,
                    b"lastUsed" => Member::LastUsed,
                    b"addedAt" => Member::AddedAt,
                    name => Member::Other(str::from_utf8(name).map_err(E::custom)?.to_owned()),
                })
            }
        }
        // As bytes: the names above need no check for UTF-8.
        deserializer.deserialize_bytes(Name)
    }
}

/// A text, borrowed unless it holds escapes.
#[derive(serde::Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de> Row<'de> {
    fn glance<A: MapAccess<'de>>(&mut self, member: Member, map: &mut A) -> Result<(), A::Error> {
        match member {
            // An access token may have been passed over because of what was said first.
            Member::AccountId if self.account_id.is_some() => {
                return Err(A::Error::duplicate_field("accountId"));
            }
            Member::IdSource if self.id_source.is_some() => {
                return Err(A::Error::duplicate_field("accountIdSource"));
            }
            Member::AccountId => self.account_id = text(map)?,
            Member::IdSource => self.id_source = text(map)?,
            Member::Email => self.email = text(map)?.and_then(jwt::email_key_of),
            Member::Refresh => self.refresh = text(map)?.unwrap_or_default(),
            Member::RecordId => self.record_id = text(map)?.and_then(filled),
            Member::Access if tells_claim(self.account_id.as_deref(), self.id_source.as_deref()) => {
                map.next_value::<IgnoredAny>()?;
            }
            Member::Access => self.access = text(map)?.and_then(filled),
            Member::ExpiresAt => self.expires_at = moment(map)?,
            Member::LastUsed => self.last_used = moment(map)?.unwrap_or_default().max(Moment::EPOCH),
            Member::AddedAt => self.take("addedAt", map.next_value::<&'de RawValue>()?.get()),
            Member::Other(name) => self.take(&name, map.next_value::<&'de RawValue>()?.get()),
        }
        Ok(())
    }
}

fn text<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Option<Cow<'de, str>>, A::Error> {
    Ok(map.next_value::<Option<Text<'de>>>()?.map(|Text(text)| text))
}

fn moment<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Option<Moment>, A::Error> {
    Ok(map.next_value::<Millis>()?.0.map(Moment::from_millis))
}

/// Milliseconds, fractions cut off.
struct Millis(Option<i64>);

impl<'de> Deserialize<'de> for Millis {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Number;
        impl Visitor<'_> for Number {
            type Value = Millis;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number")
            }

            fn visit_u64<E: Error>(self, value: u64) -> Result<Millis, E> {
                Ok(Millis(i64::try_from(value).ok()))
            }

            fn visit_i64<E: Error>(self, value: i64) -> Result<Millis, E> {
                Ok(Millis(Some(value)))
            }

            fn visit_f64<E: Error>(self, value: f64) -> Result<Millis, E> {
                Ok(Millis(lossless::whole(value)))
            }

            fn visit_unit<E: Error>(self) -> Result<Millis, E> {
                Ok(Millis(None))
            }
        }
        deserializer.deserialize_any(Number)
    }
}
