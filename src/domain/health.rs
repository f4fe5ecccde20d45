//! The health numbers of accounts: score, bucket, circuit, back-off.

pub mod backoff;
pub mod bucket;
pub mod circuit;
pub mod score;
