//! Knows nothing of accounts: secrets, moments, text, shapes.

pub mod calendar;
pub mod moment;
pub mod percent;
pub mod redact;
pub mod secret;
pub mod seldom;
pub mod shape;
pub mod text;

pub use moment::{Moment, Span};
pub use percent::Percent;
pub use secret::Secret;
pub use seldom::Seldom;
