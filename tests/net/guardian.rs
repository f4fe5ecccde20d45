//! The guardian beside a proxy: who is refreshed ahead of time, and when it keeps still.

use std::time::Duration;

use codex_multi_auth::adapters::clock::SystemClock;
use codex_multi_auth::adapters::disk::lock::FileLock;
use codex_multi_auth::base::{Moment, Span};
use codex_multi_auth::domain::settings::{BackgroundNetwork, Settings};
use codex_multi_auth::formats::scenario::Scenario;
use codex_multi_auth::ports::Clock as _;
use codex_multi_auth::runtime::guardian::{Activity, Post, watch};
use tokio_util::sync::CancellationToken;

use crate::support::stand::Stand;

/// Long enough for many looks.
const MANY_LOOKS: Duration = Duration::from_millis(400);

async fn stand(change: impl FnOnce(&mut Settings)) -> Stand {
    let scenario = Scenario::pool(["one", "two"]).with("one", |one| one.token_left = Some(Span::minutes(4)));
    Stand::with(scenario, |settings| {
        settings.refresh_interval = Span::millis(20);
        change(settings);
    })
    .await
}

/// Whom a guardian refreshes in the time of many looks.
async fn refreshed(stand: &Stand, post: Post) -> Vec<String> {
    let stop = CancellationToken::new();
    let lock = stand.dir.path().join("locks/guardian.lock");
    let guardian = tokio::spawn(watch(stand.ports.clone(), lock, post, stop.clone()));
    tokio::time::sleep(MANY_LOOKS).await;
    stop.cancel();
    guardian.await.unwrap();
    stand.ports.kept().refreshed.iter().map(|key| key.as_str().to_owned()).collect()
}

fn busy() -> Post {
    Post::Proxy(Activity::since(SystemClock::new().now()))
}

#[tokio::test]
async fn an_account_that_ends_soon_is_refreshed_once() {
    assert_eq!(refreshed(&stand(|_| {}).await, busy()).await, ["record:one"]);
}

#[tokio::test]
async fn nothing_is_refreshed_when_it_is_off_or_nobody_works_or_nobody_allowed_it() {
    let idle = Post::Proxy(Activity::since(Moment::EPOCH));

    assert!(refreshed(&stand(|settings| settings.refresh_guardian = false).await, busy()).await.is_empty());
    assert!(refreshed(&stand(|_| {}).await, idle).await.is_empty());
    assert!(refreshed(&stand(|_| {}).await, Post::Dashboard).await.is_empty());
    let allowed = stand(|settings| settings.background_network = BackgroundNetwork::On).await;
    assert_eq!(refreshed(&allowed, Post::Dashboard).await, ["record:one"]);
}

#[tokio::test]
async fn one_guardian_at_a_time_looks() {
    let stand = stand(|_| {}).await;
    let lock = FileLock::try_now(&stand.dir.path().join("locks/guardian.lock")).unwrap();

    assert!(refreshed(&stand, busy()).await.is_empty());
    drop(lock);
    assert_eq!(refreshed(&stand, busy()).await, ["record:one"]);
}
