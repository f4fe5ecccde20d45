//! Civil dates, clocks and durations for people; the zone is a value, never the system's.

/// A time zone given as a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone(jiff::tz::TimeZone);

impl Zone {
    /// UTC.
    pub fn utc() -> Self {
        Self(jiff::tz::TimeZone::UTC)
    }

    /// Wraps a zone that the clock adapter read.
    pub fn new(zone: jiff::tz::TimeZone) -> Self {
        Self(zone)
    }

    /// The zone for jiff.
    pub fn inner(&self) -> &jiff::tz::TimeZone {
        &self.0
    }
}
