//! `uninstall` over the real machine; every step goes on where another one failed.

use crate::adapters::codex::config::{Applied, ConfigFile};
use crate::adapters::launcher::Launcher;
use crate::adapters::startup::Service;
use crate::adapters::uninstall::Remover;
use crate::base::Secret;
use crate::domain::label;
use crate::domain::uninstall::{State, Step, Uninstalled, Wish};
use crate::ports::{Clock as _, Peers as _, Store as _};
use crate::runtime::host::Host;

/// The key that only `doctor --fix` sets.
const STORE: &str = "cli_auth_credentials_store";

/// Carries everything out, or looks.
pub async fn carry_out(host: &Host, wish: Wish) -> Uninstalled {
    let mut told = Uninstalled::default();
    let secrets = secrets(host).await;
    let running = host.peers.list().await.iter().filter(|peer| peer.kind != "router").count();
    if running > 0 {
        told.warnings.push(format!("{running} proxies run; their sessions go on until they end"));
    }
    told.steps.push(unbound(host, wish).await);
    told.steps.push(service(host, wish).await);
    told.steps.push(credential_store(host, wish).await);
    let is_ended = revoked(host, wish, &mut told.steps).await;
    let (places, env, at) = (host.places.clone(), host.env.clone(), host.clock.now());
    let launcher = Launcher::new(&places, &env, &std::env::current_exe().unwrap_or_default());
    let work = move || {
        let remover = Remover::new(&places, &env, wish.dry_run);
        let mut steps = launcher.remove(wish.dry_run);
        steps.extend(remover.shortcuts());
        steps.push(remover.config_entry());
        steps.extend(remover.cache());
        steps.extend(remover.helpers());
        steps.extend(remover.reference(at));
        let mut warnings = Vec::new();
        if !is_ended {
            // Without its token nobody could end the sign-in any more.
            let root = places.root().display().to_string();
            steps.push(
                Step::new("accounts", root, State::Failed)
                    .saying("sign-ins that were not ended stay; run it again, or leave out `--revoke`"),
            );
            return (steps, warnings);
        }
        if wish.clears() {
            steps.extend(remover.accounts());
        }
        if wish.purge {
            steps.extend(remover.purge());
        }
        if wish.clears() && !wish.dry_run {
            for path in remover.holding(&secrets) {
                steps.push(
                    Step::new("accounts", path.display().to_string(), State::Failed)
                        .saying("a sign-in still stands in it"),
                );
            }
            if holds_one(&places, &secrets) {
                warnings.push(format!(
                    "{} belongs to the official CLI and keeps its sign-in; `codex logout` ends that",
                    places.auth_json().display()
                ));
            }
        }
        (steps, warnings)
    };
    match tokio::task::spawn_blocking(work).await {
        Ok((steps, warnings)) => {
            told.steps.extend(steps);
            told.warnings.extend(warnings);
        }
        Err(error) => told.steps.push(
            Step::new("leftovers", host.places.root().display().to_string(), State::Failed)
                .saying(error.to_string()),
        ),
    }
    told
}

fn holds_one(places: &crate::domain::places::Places, secrets: &[Secret]) -> bool {
    let text = std::fs::read_to_string(places.auth_json()).unwrap_or_default();
    secrets.iter().any(|secret| !secret.is_blank() && text.contains(secret.expose()))
}

/// Ends every stored sign-in at the sign-in service, when asked to; `false` when one of them was not.
async fn revoked(host: &Host, wish: Wish, steps: &mut Vec<Step>) -> bool {
    const STEP: &str = "revoke";
    if !wish.revoke {
        return true;
    }
    let roster = match host.store.load().await {
        Ok(loaded) => loaded.roster,
        Err(error) => {
            let pool = host.places.pool().display().to_string();
            steps.push(Step::new(STEP, pool, State::Failed).saying(error.to_string()));
            return false;
        }
    };
    let mut is_whole = true;
    for (index, account) in roster.accounts.iter().enumerate() {
        let target = label::account_label(account, index + 1);
        let refresh = &account.credentials.refresh;
        let step = if refresh.is_blank() {
            Step::new(STEP, target, State::Absent)
        } else if wish.dry_run {
            Step::new(STEP, target, State::Removed)
        } else {
            match host.sign_in.revoke(refresh).await {
                Ok(()) => Step::new(STEP, target, State::Removed),
                Err(why) => {
                    is_whole = false;
                    Step::new(STEP, target, State::Failed).saying(why)
                }
            }
        };
        steps.push(step);
    }
    is_whole
}

/// Tokens that must not be found afterwards.
async fn secrets(host: &Host) -> Vec<Secret> {
    let Ok(loaded) = host.store.load().await else { return Vec::new() };
    loaded.roster.accounts.iter().map(|account| account.credentials.refresh.clone()).collect()
}

async fn unbound(host: &Host, wish: Wish) -> Step {
    const STEP: &str = "app-bind";
    let target = host.binder.config_path().display().to_string();
    match host.binder.unbind(wish.dry_run, host.clock.now()).await {
        Ok(freed) if freed.files.is_empty() => Step::new(STEP, target, State::Absent),
        Ok(freed) => {
            let step = Step::new(STEP, target, State::Restored);
            if freed.notes.is_empty() { step } else { step.saying(freed.notes.join("; ")) }
        }
        Err(problem) => Step::new(STEP, target, State::Failed)
            .saying(std::iter::once(problem.what).chain(problem.because).collect::<Vec<_>>().join(": ")),
    }
}

async fn service(host: &Host, wish: Wish) -> Step {
    const STEP: &str = "service";
    let startup = host.binder.startup().clone();
    let target = startup.entry(Service::Serve).display().to_string();
    if !startup.is_installed(Service::Serve) {
        return Step::new(STEP, target, State::Absent);
    }
    if wish.dry_run {
        return Step::new(STEP, target, State::Removed);
    }
    match tokio::task::spawn_blocking(move || startup.remove(Service::Serve)).await {
        Ok(Ok(_)) => Step::new(STEP, target, State::Removed),
        Ok(Err(error)) => Step::new(STEP, target, State::Failed).saying(error.to_string()),
        Err(error) => Step::new(STEP, target, State::Failed).saying(error.to_string()),
    }
}

/// Puts the credential store back, when `doctor --fix` set it and nobody changed it since.
async fn credential_store(host: &Host, wish: Wish) -> Step {
    const STEP: &str = "codex-auth-store";
    let target = host.places.config_toml().display().to_string();
    let config = ConfigFile::new(host.places.clone());
    match config.is_set_by_us(STORE) {
        Ok(false) => return Step::new(STEP, target, State::Absent),
        Ok(true) if wish.dry_run => return Step::new(STEP, target, State::Restored),
        Ok(true) => {}
        Err(error) => return Step::new(STEP, target, State::Failed).saying(error.to_string()),
    }
    match config.restore(STORE).await {
        Ok(Applied::Changed { .. }) => Step::new(STEP, target, State::Restored),
        Ok(Applied::Unchanged | Applied::NotOurs) => {
            Step::new(STEP, target, State::Skipped).saying("it was changed since")
        }
        Err(error) => Step::new(STEP, target, State::Failed).saying(error.to_string()),
    }
}
