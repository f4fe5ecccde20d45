//! `config.toml` of the official CLI: the one edit `doctor --fix` makes, and that nothing else makes any.

use std::sync::Arc;

use codex_multi_auth::adapters::checkup::Examiner;
use codex_multi_auth::adapters::codex::home::CodexHome;
use codex_multi_auth::domain::account::Account;
use codex_multi_auth::domain::checkup::repair::{Mended, Repair};
use codex_multi_auth::domain::checkup::{findings, plan};
use codex_multi_auth::ports::Checkup as _;
use codex_multi_auth::ports::home::Home as _;
use serde_json::Map;

use super::{Ask, Found};
use crate::support::staged::{Staged, Still};

pub(super) async fn perform(staged: &Staged, ask: Ask<'_>) -> Found {
    let places = Arc::new(staged.places());
    let store = staged.store();
    let home = CodexHome::new(store.clone(), Arc::clone(&places), Still(staged.now()));
    if let Ask::Act(word) = ask {
        let account = Account::sample("other");
        // Whatever writes official files does it through this one writer; a launch reads the configuration, too.
        home.replace(None, &account, staged.now()).await.expect("a selection");
        if word == "launch" {
            home.config(None).await.expect("a readable configuration");
            home.write_back(&account, staged.now()).await.expect("tokens of the same account");
        }
        return Found { outcome: "unchanged".to_owned(), facts: Map::new() };
    }
    let examiner = Examiner::new(store, home, &places, &staged.env(), Still(staged.now()));
    let findings = findings(&examiner.examine().await);
    let edit = plan(&findings).into_iter().find(|repair| matches!(repair, Repair::CredentialStore { .. }));
    let mended = match &edit {
        Some(edit) => examiner.mend(edit).await.expect("an edit"),
        None => Mended::Nothing,
    };
    let outcome = if mended == Mended::Done { "rewritten" } else { "unchanged" };
    let facts = [("operation".to_owned(), "doctor-fix".into())].into_iter().collect();
    Found { outcome: outcome.to_owned(), facts }
}
