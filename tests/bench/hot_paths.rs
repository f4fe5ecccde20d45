//! The code that runs for every request, event and frame, alone: `cargo bench --bench hot_paths`.
//!
//! Times are for comparing two versions on one machine; what must hold is said as ratios in `ratios.rs`.

use std::sync::Arc;

use codex_multi_auth::base::Moment;
use codex_multi_auth::domain::account::Account;
use codex_multi_auth::domain::pool::Pool;
use codex_multi_auth::domain::roster::Roster;
use codex_multi_auth::domain::selection::{Ask, SessionKey};
use codex_multi_auth::domain::settings::Settings;
use codex_multi_auth::formats::intake::Stated;
use codex_multi_auth::formats::sse::{Scan, Want};
use divan::Bencher;
use divan::counter::BytesCount;

const NOW: Moment = Moment::from_secs(1_795_360_000);

fn main() {
    divan::main();
}

fn pool(accounts: usize) -> Pool {
    let accounts: Vec<_> = (0..accounts).map(|number| Account::sample(&format!("person{number}"))).collect();
    let active = accounts.first().map(|account| account.key.clone());
    let roster = Roster { accounts, active, ..Roster::default() };
    Pool::new(Arc::new(roster), Arc::new(Settings::default()), NOW)
}

#[divan::bench(args = [2, 20, 200])]
fn choose_for_a_new_session(bencher: Bencher<'_, '_>, accounts: usize) {
    let mut pool = pool(accounts);
    let mut rng = fastrand::Rng::with_seed(7);
    let ask = Ask::plain();
    bencher.bench_local(|| pool.choose(&ask, NOW, &mut rng));
}

#[divan::bench(args = [2, 20, 200])]
fn choose_for_a_known_session(bencher: Bencher<'_, '_>, accounts: usize) {
    let mut pool = pool(accounts);
    let mut rng = fastrand::Rng::with_seed(7);
    let ask = Ask::of(Some(SessionKey::of("session")), Some("gpt-5.5".to_owned()));
    bencher.bench_local(|| pool.choose(&ask, NOW, &mut rng));
}

/// Bytes of one delta event.
#[divan::bench(args = [250, 4096])]
fn read_events_of_a_stream(bencher: Bencher<'_, '_>, size: usize) {
    let filler = "x".repeat(size.saturating_sub(90));
    let event = format!(
        "event: response.output_text.delta\ndata: {{\"type\":\"response.output_text.delta\",\"delta\":\"{filler}\"}}\n\n"
    );
    let chunk = event.repeat(16 * 1024 / event.len() + 1);
    let mut scan = Scan::default();
    bencher.counter(BytesCount::of_str(&chunk)).bench_local(|| {
        let mut events = 0_u32;
        scan.feed(chunk.as_bytes(), |_| Want::Name, |_| events += 1);
        events
    });
}

/// Kilobytes of a request.
#[divan::bench(args = [4, 256, 4096])]
fn read_what_a_request_states(bencher: Bencher<'_, '_>, kilobytes: usize) {
    let text = "a line of the conversation, \\\"quoted\\\" here and there; ".repeat(kilobytes * 18);
    let body = format!(
        "{{\"model\":\"gpt-5.5\",\"input\":[{{\"type\":\"message\",\"role\":\"user\",\"content\":\"{text}\"}}],\
         \"stream\":true,\"store\":false,\"prompt_cache_key\":\"thread\"}}"
    );
    bencher.counter(BytesCount::of_str(&body)).bench_local(|| Stated::of(body.as_bytes()));
}
