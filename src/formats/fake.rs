//! Every byte shape of the made-up OpenAI that a rehearsal talks to: tokens, events, errors, quota, files.
//!
//! The shapes follow what the official client was seen to send and to read (`tests/fixtures/codex-client`).
//! Nothing here decides anything: what to answer is the matter of `rehearsal`, how it looks stands here.

use std::fmt::Write as _;

pub mod catalogue;
pub mod client;
pub mod events;
pub mod pool;
pub mod quota;
pub mod record;
pub mod refusal;
pub mod token;
pub mod turn;

/// A hexadecimal id of `digits` digits that is different for every `number`.
pub fn hex_id(number: u64, digits: usize) -> String {
    let mut text = String::with_capacity(digits + 16);
    let mut state = number;
    while text.len() < digits {
        state = mixed(state.wrapping_add(0x9e37_79b9_7f4a_7c15));
        let _ = write!(text, "{state:016x}");
    }
    text.truncate(digits);
    text
}

/// A version 7 style UUID that is different for every `number`.
pub fn uuid(number: u64) -> String {
    let hex = hex_id(number, 32);
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    format!("{}-{}-7{}-8{}-{}", part(0, 8), part(8, 12), part(13, 16), part(17, 20), part(20, 32))
}

/// The finaliser of splitmix64: close numbers get unlike ids.
fn mixed(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}
