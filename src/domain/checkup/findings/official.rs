//! The official CLI's files.

use crate::base::redact;
use crate::domain::checkup::Finding;
use crate::domain::checkup::facts::{Config, Facts};
use crate::domain::checkup::repair::Repair;
use crate::domain::official::Login;

pub(super) fn findings(facts: &Facts, all: &mut Vec<Finding>) {
    let official = &facts.official;
    let auth = facts.paths.auth.display().to_string();
    if official.has_auth {
        all.push(Finding::ok("codex-auth-file", "auth.json of the official CLI exists").details(auth));
        all.push(readable(&official.login));
    } else {
        all.push(Finding::warn("codex-auth-file", "The official CLI has no auth.json").details(auth));
    }
    let config = facts.paths.config.display().to_string();
    all.push(
        match &official.config {
            Config::Absent => Finding::warn("codex-config-file", "The official CLI has no config.toml"),
            Config::Unreadable(_) | Config::Read { .. } => {
                Finding::ok("codex-config-file", "config.toml of the official CLI exists")
            }
        }
        .details(config),
    );
    all.push(store(facts));
    all.push(match &official.login {
        Login::ChatGpt(_) | Login::Other { .. } => {
            Finding::ok("codex-cli-state", "The official CLI is signed in")
        }
        Login::Absent => Finding::warn("codex-cli-state", "The official CLI is not signed in"),
        Login::Unreadable { .. } => Finding::warn("codex-cli-state", "The official CLI's state is unknown"),
    });
    if let Config::Read { base_url: Some(url), .. } = &official.config {
        all.push(
            Finding::info("codex-base-url", "config.toml sends the official CLI to another address")
                .details(format!("openai_base_url = {}", redact::text(url))),
        );
    }
    match &official.program {
        Some(Ok(program)) => all.push(Finding::ok("official-cli", format!("Official CLI: {program}"))),
        Some(Err(why)) => all.push(
            Finding::warn("official-cli", "The official CLI cannot be used")
                .details(why.clone())
                .hint("Install it with `npm install -g @openai/codex`"),
        ),
        None => {}
    }
}

fn readable(login: &Login) -> Finding {
    const KEY: &str = "codex-auth-readable";
    match login {
        Login::Unreadable { detail, .. } => {
            Finding::error(KEY, format!("auth.json cannot be read: {detail}")).hint(
                "Sign in to the official CLI again, or put a copy in its place; it is never written over",
            )
        }
        Login::Absent => Finding::ok(KEY, "auth.json can be read and holds no login"),
        Login::Other { kind, .. } => Finding::ok(KEY, format!("auth.json holds {kind}")),
        Login::ChatGpt(login) => {
            let email = login.claims.email.as_deref().map(redact::email);
            let id = login.claims.workspace_id.as_deref().or(login.account_id.as_deref()).map(redact::id);
            let details: Vec<String> = email
                .map(|email| format!("email={email}"))
                .into_iter()
                .chain(id.map(|id| format!("id={id}")))
                .collect();
            let finding = if login.is_sound() {
                Finding::ok(KEY, "auth.json can be read")
            } else {
                Finding::warn(KEY, "auth.json lacks what the official CLI needs")
                    .hint("The next launch through `codex-multi-auth codex` puts it right")
            };
            finding.details(details.join(" "))
        }
    }
}

fn store(facts: &Facts) -> Finding {
    const KEY: &str = "codex-auth-store";
    let official = &facts.official;
    let mode = match &official.config {
        Config::Unreadable(why) => {
            return Finding::warn(KEY, format!("config.toml cannot be read: {why}"))
                .hint("Mend the file; it is never rewritten while it cannot be read");
        }
        Config::Absent => None,
        Config::Read { store, .. } => store.as_deref(),
    };
    if mode == Some("file") {
        return Finding::ok(KEY, "The official CLI keeps its login in auth.json").details("mode=file");
    }
    let mut details = format!("mode={}", mode.unwrap_or("unset"));
    if facts.machine.has_keychain {
        details.push_str("; on macOS the login may be in the keychain");
    }
    let finding =
        Finding::warn(KEY, "The official CLI may keep its login outside auth.json").details(details);
    if !official.may_set_store || !official.may_write {
        return finding.hint("A launch through `codex-multi-auth codex` uses the file anyway");
    }
    finding.hint("`codex-multi-auth doctor --fix` sets cli_auth_credentials_store to \"file\"").repaired_by(
        Repair::CredentialStore { path: facts.paths.config.clone(), from: mode.map(str::to_owned) },
    )
}
