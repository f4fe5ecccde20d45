//! What every start of any of our programs does about a bind: one small read, and usually nothing more.

use std::path::{Path, PathBuf};

use super::router::{Raised, is_recent};
use super::{Binder, RESTARTED, answers, owner_life};
use crate::adapters::disk::atomic;
use crate::adapters::disk::lock::FileLock;
use crate::adapters::startup::Service;
use crate::base::{Moment, Span};
use crate::domain::bind::heal::{Found, Life, Remedy, Rotation, remedy};
use crate::domain::bind::{Address, Bind, Mode, Phase, address};
use crate::domain::launch::route::LEGACY_PROVIDER;
use crate::formats::codex_config::bind as key;

/// What a file may hold.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Glance {
    /// Nothing that concerns us, and no state is there: a closer look is not worth its cost.
    Clean,
    /// An address of ours, or there is a state.
    Ours,
    /// The reference's provider, and nobody's state.
    Theirs,
}

/// Longer files are not read at every start.
const LONGEST: u64 = 1 << 20;

impl Binder {
    /// What one read of a file gives away.
    fn glance(&self, config: &Path) -> Glance {
        let is_short = std::fs::metadata(config).is_ok_and(|meta| meta.len() <= LONGEST);
        let text = if is_short { atomic::read_text(config).ok().flatten() } else { None };
        let text = text.unwrap_or_default();
        let has_state = self.state_path().exists();
        if text.contains(LEGACY_PROVIDER) && !has_state {
            Glance::Theirs
        } else if key::may_hold(&text) || has_state {
            Glance::Ours
        } else {
            Glance::Clean
        }
    }

    /// Heals what is broken in the bound home and in `other`; lines for stderr. Gives way to whoever is at it.
    pub async fn heal(&self, other: &Path, rotation: Rotation, at: Moment) -> Vec<String> {
        let mut files: Vec<PathBuf> = vec![self.config_path(), other.to_owned()];
        files.dedup();
        let mut lines = Vec::new();
        for file in files {
            let glance = self.glance(&file);
            if glance == Glance::Theirs {
                let Ok(_lock) = FileLock::acquire(&self.lock_path(), Span::ZERO).await else { continue };
                lines.extend(self.heal_legacy(&file, at).await);
            }
            if glance == Glance::Clean || self.judge(&file, rotation, at).await.1 == Remedy::Nothing {
                continue;
            }
            let Ok(_lock) = FileLock::acquire(&self.lock_path(), Span::ZERO).await else { continue };
            // Somebody may have changed everything meanwhile.
            let (bind, what) = self.judge(&file, rotation, at).await;
            lines.extend(self.carry_out(what, &file, bind.as_ref(), at).await);
        }
        lines
    }

    async fn judge(&self, file: &Path, rotation: Rotation, at: Moment) -> (Option<Bind>, Remedy) {
        let bind = self.bind_of(file);
        let there = self.current(file).ok().and_then(|current| current.value).as_deref().and_then(address);
        let router = match (&there, &bind) {
            (Some(address), _) => answers(address).await,
            (None, Some(bind)) => answers(&Address { port: bind.port, secret: bind.secret.clone() }).await,
            (None, None) => Life::Gone,
        };
        let owner = bind.as_ref().map_or(Life::Gone, |bind| owner_life(bind.owner));
        let found = Found { key: there.is_some(), bind: bind.as_ref(), router, owner, rotation, at };
        let what = remedy(found);
        (bind, what)
    }

    async fn carry_out(&self, what: Remedy, file: &Path, bind: Option<&Bind>, at: Moment) -> Option<String> {
        match (what, bind) {
            (Remedy::Restart, Some(bind)) => self.restart(bind, at).await,
            (Remedy::Restore | Remedy::Restart, _) => self.restore(file, bind, at).await,
            (Remedy::RemoveOrphan, _) => match self.free(file, None, at).await {
                Ok((_, copy)) => Some(format!(
                    "An address of a proxy that is gone was removed from {}{}",
                    file.display(),
                    copy.map(|copy| format!(" (copy: {})", copy.display())).unwrap_or_default()
                )),
                Err(problem) => Some(format!("{}: {}", problem.what, problem.because.join(": "))),
            },
            (Remedy::Nothing, _) => None,
        }
    }

    async fn restore(&self, file: &Path, bind: Option<&Bind>, at: Moment) -> Option<String> {
        if let Some(bind) = bind {
            self.stop(&bind.identity).await;
        }
        if let Err(problem) = self.free(file, bind, at).await {
            return Some(format!("{}: {}", problem.what, problem.because.join(": ")));
        }
        let _ = self.startup().remove(Service::Router);
        let _ = self.forget();
        let was = match bind {
            Some(Bind { phase: Phase::Binding, .. }) => "A bind that was cut short was taken back",
            Some(Bind { mode: Mode::Leased, .. }) => "A leased bind whose router is gone was taken back",
            Some(_) | None => "The bind was taken back, because its router does not run",
        };
        Some(format!("{was}: {} is as it was", file.display()))
    }

    /// Starts the router again, at most once a minute; when it does not come up, the bind goes.
    async fn restart(&self, bind: &Bind, at: Moment) -> Option<String> {
        let mark = self.places.app_bind(RESTARTED);
        if is_recent(atomic::modified(&mark), at) {
            return None;
        }
        let _ = atomic::write(&mark, b"");
        let mut wanted = bind.clone();
        match self.raise(&mut wanted).await {
            Ok(Raised::Found | Raised::Started(_)) => {
                if self.write_key(&wanted, at).await.is_err() {
                    return self.restore(&bind.config, Some(&wanted), at).await;
                }
                Some(if wanted.port == bind.port {
                    format!("The router of the bind runs again on port {}", bind.port)
                } else {
                    format!(
                        "The router of the bind runs on port {} now: port {} is taken. Restart the desktop app",
                        wanted.port, bind.port
                    )
                })
            }
            Err(_) => self.restore(&bind.config, Some(bind), at).await,
        }
    }
}
