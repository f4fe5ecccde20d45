//! Starting the rehearsal back end, and what its record must and must not hold.

use codex_multi_auth::base::Moment;
use codex_multi_auth::formats::scenario::Scenario;
use codex_multi_auth::rehearsal::backend::{Backend, Options};

/// The moment at which rehearsals of tests begin unless the real time matters.
pub(crate) const BEGIN: Moment = Moment::from_secs(1_795_360_000);

/// Starts a back end at [`BEGIN`].
pub(crate) async fn start(scenario: Scenario) -> Backend {
    start_at(scenario, BEGIN).await
}

/// Starts a back end at a given moment: the real one where the product reads its own clock.
pub(crate) async fn start_at(scenario: Scenario, now: Moment) -> Backend {
    Backend::start(Options::new(scenario, now)).await.unwrap()
}

/// Fails with the offending requests when something came that must never come.
#[track_caller]
pub(crate) fn assert_clean(backend: &Backend) {
    let violations = backend.record().violations();
    let offending: Vec<_> = backend
        .record()
        .entries()
        .into_iter()
        .filter(|entry| violations.iter().any(|(number, _)| *number == entry.number))
        .map(|entry| format!("{} {} {:?}", entry.method, entry.path, entry.violations))
        .collect();
    assert!(violations.is_empty(), "{offending:#?}");
}

/// The account and status of each turn, in order, as one line each.
pub(crate) fn order(backend: &Backend) -> Vec<String> {
    backend.record().order().into_iter().map(|(account, status)| format!("{account} {status}")).collect()
}
