//! Older formats into the current one, one step per version.

use std::borrow::Cow;

use crate::base::Moment;
use crate::domain::model::Family;
use crate::formats::lossless::Object;

/// The head of a V1 pool: every family follows the one active index.
pub fn top_from_v1(top: &mut Object<'_>) {
    top.set("version", 3);
    if top.has("activeIndexByFamily") {
        return;
    }
    let active = top.raw("activeIndex").unwrap_or("0").to_owned();
    let mut families = Object::default();
    for family in Family::ALL {
        families.set_raw(family.word(), active.clone());
    }
    top.set_object("activeIndexByFamily", &families);
}

/// A row of a V1 pool: its one reset time becomes one per family while it lies ahead; all else stays.
pub fn row_from_v1(text: &str, at: Moment) -> Cow<'_, str> {
    let Ok(mut row) = Object::parse(text) else { return Cow::Borrowed(text) };
    if !row.has("rateLimitResetTime") {
        return Cow::Borrowed(text);
    }
    if let Some(reset) = row.millis("rateLimitResetTime").filter(|reset| *reset > at.millis()) {
        let mut limits = Object::default();
        for family in Family::ALL {
            limits.set(family.word(), reset);
        }
        row.set_object("rateLimitResetTimes", &limits);
    }
    row.remove("rateLimitResetTime");
    Cow::Owned(row.to_text())
}
