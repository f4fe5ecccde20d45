//! Gathers the facts that decide where the root is.

use std::path::Path;

use crate::adapters::env::Env;
use crate::domain::places::{PlaceFacts, Places, RootEvidence};

/// Settles root and Codex home for this process.
pub fn resolve(env: &Env) -> Places {
    let facts = PlaceFacts {
        user_home: env.user_home(),
        current_dir: std::env::current_dir().unwrap_or_default(),
        multi_auth_dir: env.multi_auth_dir.clone(),
        codex_home: env.codex_home.clone(),
        cli_auth: env.cli_auth_path.clone(),
        cli_accounts: env.cli_accounts_path.clone(),
        cli_config: env.cli_config_path.clone(),
        config_path: env.config_path.clone(),
        lease_dir: env.refresh_lease_dir.clone(),
    };
    let root = facts.root_choice().settle(look);
    facts.places(root)
}

fn look(directory: &Path) -> RootEvidence {
    let Ok(entries) = std::fs::read_dir(directory) else { return RootEvidence::default() };
    let names: Vec<String> =
        entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    RootEvidence::of(names.iter().map(String::as_str))
}
