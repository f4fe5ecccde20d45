//! What becomes of a granted session: whether it is the one that was wanted, then one commit.

use super::{Ending, Flow, LoginEffect, SignedIn, Stage, wait, words};
use crate::app::effect::{CodexEffect, Effect, Effects, PeersEffect, StoreEffect};
use crate::app::flows::Step;
use crate::app::msg::Mirrored;
use crate::app::world::World;
use crate::domain::account::Account;
use crate::domain::change::Change;
use crate::domain::login::admission::{Admitted, Place, SignIn};
use crate::domain::login::failure::Failure;
use crate::domain::login::paste::Typist;
use crate::domain::problem::{Exit, Problem};
use crate::domain::recovery::Loaded;

impl Flow {
    pub(super) fn granted(&mut self, sign_in: &SignIn, world: &World) -> Step {
        let is_wanted = self.wanted(sign_in);
        self.sign_in = Some(Box::new(sign_in.clone()));
        if is_wanted {
            return self.identify(world);
        }
        if self.request.typist == Typist::Script {
            return self.set_aside();
        }
        let got = sign_in.credentials.claims.workspace_id.as_deref();
        let mut words = vec![Effect::Cancel(self.ticket)];
        words.extend(words::other_workspace(self.request.workspace.as_deref(), got));
        self.ask(Stage::AskWorkspace, words)
    }

    /// Whether it is the account that was to sign in again.
    pub(super) fn identify(&mut self, world: &World) -> Step {
        let came = self.sign_in.as_deref().map(|sign_in| world.roster.key_for(sign_in));
        let expected = self.request.again.clone();
        let is_other = expected.is_some_and(|expected| came.is_some_and(|came| came != expected));
        if !is_other {
            return self.store(world);
        }
        if self.request.typist == Typist::Script {
            return self.set_aside();
        }
        let words = words::other_account(&self.expected(world), &self.came());
        self.ask(Stage::AskOther, words)
    }

    /// The account that was to sign in, by name.
    pub(super) fn expected(&self, world: &World) -> String {
        let named = self.request.again.as_ref().and_then(|key| world.named(key));
        named.map(|named| named.label).unwrap_or_default()
    }

    /// Who signed in, by name.
    pub(super) fn came(&self) -> String {
        let claims = self.sign_in.as_ref().map(|sign_in| &sign_in.credentials.claims);
        claims.and_then(|claims| claims.email.clone()).unwrap_or_else(|| "another account".to_owned())
    }

    fn wanted(&self, sign_in: &SignIn) -> bool {
        let required = self
            .attempt
            .as_ref()
            .and_then(|attempt| attempt.workspace.as_ref())
            .or(self.request.workspace.as_ref());
        required.is_none_or(|required| sign_in.credentials.claims.workspace_id.as_ref() == Some(required))
    }

    pub(super) fn set_aside(&mut self) -> Step {
        match self.sign_in.clone() {
            Some(sign_in) => self.go(Stage::SetAside, LoginEffect::SetAside(sign_in)),
            None => self.fail(&Failure::Cancelled),
        }
    }

    pub(super) fn refuse_workspace(&mut self, path: String) -> Step {
        let got = self.sign_in.as_ref().and_then(|sign_in| sign_in.credentials.claims.workspace_id.clone());
        let wanted = self.attempt.as_ref().and_then(|attempt| attempt.workspace.clone());
        let wanted = wanted.or_else(|| self.request.workspace.clone());
        let Some(wanted) = wanted else {
            return self.fail(&Failure::WrongAccount { came: self.came(), kept: Some(path) });
        };
        self.fail(&Failure::WrongWorkspace { wanted, got, kept: Some(path) })
    }

    pub(super) fn store(&mut self, world: &World) -> Step {
        let Some(sign_in) = &mut self.sign_in else { return self.fail(&Failure::Cancelled) };
        let key = world.roster.key_for(sign_in);
        let is_active = world.roster.active.is_none() || world.roster.active.as_ref() == Some(&key);
        sign_in.place = if is_active { Place::Active } else { Place::Behind };
        self.stage = Stage::Commit;
        let change = Change::SignedIn(sign_in.clone());
        let before = world.roster.foresee(sign_in);
        self.report = Some(Box::new(SignedIn {
            how: before,
            account: crate::app::outcome::Named { key, number: 0, label: String::new() },
            workspace: sign_in.credentials.claims.workspace_id.clone(),
            total: 0,
            place: sign_in.place,
            mirrored: None,
            warnings: Vec::new(),
        }));
        Step::Wait(vec![
            Effect::Cancel(self.ticket),
            Effect::Store(StoreEffect::Commit(self.ticket, vec![change])),
        ])
    }

    pub(super) fn committed(&mut self, loaded: &Loaded, world: &World) -> Step {
        let (Some(sign_in), Some(report)) = (&self.sign_in, &mut self.report) else { return wait() };
        let mine = |account: &&Account| account.credentials.refresh == sign_in.credentials.refresh;
        let Some(key) = loaded.roster.accounts.iter().find(mine).map(|account| account.key.clone()) else {
            let problem = Problem::new("pool-changed", Exit::Failed, "the pool did not take the new session");
            return self.fail(&Failure::Ours(Box::new(problem)));
        };
        if key == sign_in.new_key() {
            report.how = Admitted::Inserted;
        } else if report.how == Admitted::Inserted {
            // Another process added the same account a moment before.
            report.how = Admitted::Updated;
        }
        if let Some(named) = world.named(&key) {
            report.account = named;
        }
        report.total = loaded.roster.accounts.len();
        let is_active = report.place == Place::Active;
        self.stage = Stage::Mirror;
        let follow = if is_active {
            Effect::Codex(CodexEffect::Mirror(self.ticket, key))
        } else {
            self.effect(LoginEffect::WriteBack(key))
        };
        Step::Wait(vec![Effect::Peers(PeersEffect::Reload), follow])
    }

    pub(super) fn finish(&mut self, mirrored: Option<Mirrored>) -> Step {
        let Some(mut report) = self.report.take() else { return self.fail(&Failure::Cancelled) };
        report.mirrored = mirrored;
        self.end(Effects::new(), Ending::Done(report))
    }
}
