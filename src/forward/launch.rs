//! Deciding a launch before the proxy exists, and carrying it out when it does.

use std::ffi::OsString;

use crate::domain::account::AccountKey;
use crate::domain::launch::config::ConfigFacts;
use crate::domain::launch::environment::{FORCE_ACCOUNT, FORCE_FILE_STORE, FORCE_ID, FORCE_INDEX};
use crate::domain::launch::guard::{self, Guarded};
use crate::domain::launch::inject::{self, CredentialStore};
use crate::domain::launch::own::{self, Consent, Own, Show};
use crate::domain::launch::route::{self, Plain, Rotation, Way};
use crate::domain::launch::{LaunchPlan, Planned, Through};
use crate::domain::model::Family;
use crate::domain::official::{Aside, Login};
use crate::domain::problem::{Exit, Hint, Problem};
use crate::domain::recovery::Health;
use crate::domain::reference;
use crate::domain::roster::Roster;
use crate::domain::settings::{Injection, Settings};
use crate::forward::preflight::Writes;
use crate::forward::{Audience, Desk, closed, show};
use crate::ports::codex::Official;
use crate::ports::question::Choice;
use crate::ports::{Clock as _, Codex, Home, Ports, Question, Store as _};

/// The first version that knows `openai_base_url`; from public reports, verified with 0.169.
const MIN_BASE_URL_CLI: [u64; 3] = [0, 118, 0];

impl<P: Ports, H: Home, C: Codex, Q: Question> Desk<P, H, C, Q> {
    /// Decides about a launch; asks where the rules want an answer.
    ///
    /// # Errors
    /// Everything that ends the launch before it begins.
    pub async fn plan(&self, args: &[OsString]) -> Result<Planned, Problem> {
        if self.is_bypassed() {
            self.codex.find().await?;
            return Ok(Planned::Plain(Vec::new()));
        }
        let own = own::split(args)?;
        let official = self.codex.find().await?;
        let config = self.home.config(own.scan.profile.as_deref()).await;
        if own.show == Show::No
            && let Some(form) = guard::guarded(&own.scan)
        {
            self.agree(form, own.consent, config.as_ref().ok()).await?;
        }
        let settings = self.ports.store().settings().await?;
        let rotation = if settings.rotation { Rotation::On } else { Rotation::Off };
        let facts = config.as_ref().cloned().unwrap_or_default();
        let route = route::decide(&own.scan, &facts, &self.env, rotation);
        let mut notes = route.notes;
        if let Way::Plain(why) = route.way {
            self.not_forced(&own, why)?;
            return Ok(self.plain(&own, &official, notes));
        }
        if let Err(why) = config {
            return Err(closed(
                Problem::new(
                    "config-unparsable",
                    Exit::Failed,
                    "config.toml of the official CLI cannot be read",
                )
                .because(why),
            ));
        }
        is_new_enough(&official, settings.injection)?;
        let loaded = self.ports.store().load().await.map_err(|error| closed(error.into()))?;
        if loaded.health == Health::Corrupt {
            return Err(closed(Problem::new(
                "storage-corrupt",
                Exit::Failed,
                "the account pool cannot be read",
            )));
        }
        let roster = loaded.roster;
        let forced = self.forced(&own, &roster)?;
        if roster.accounts.is_empty() {
            if self.audience == Audience::Person {
                notes.push("No accounts are configured, so there is nothing to rotate".to_owned());
            }
            return Ok(self.plain(&own, &official, notes));
        }
        if !self.owns_login(&roster, &mut notes).await? {
            if forced.is_some() {
                return Err(not_active());
            }
            return Ok(self.plain(&own, &official, notes));
        }
        if own.show == Show::Yes {
            return self.describe(&own, &official, &settings, &facts, &roster, forced.as_ref(), &notes).await;
        }
        Ok(Planned::Rotated { forced, notes })
    }

    /// The finished argument list and environment, with lines for stderr.
    ///
    /// # Errors
    /// When the official CLI is gone or the arguments are not.
    pub async fn finish(
        &self,
        args: &[OsString],
        through: Option<&Through>,
    ) -> Result<(LaunchPlan, Vec<String>), Problem> {
        let official = self.codex.find().await?;
        if self.is_bypassed() {
            return Ok((assembled(&official, args.to_vec(), inject::Environment::default()), Vec::new()));
        }
        let own = own::split(args)?;
        let Some(through) = through else {
            let environment = inject::plain_environment(&self.env, self.version);
            return Ok((assembled(&official, own.rest, environment), Vec::new()));
        };
        let settings = self.ports.store().settings().await?;
        let config = self.home.config(own.scan.profile.as_deref()).await.unwrap_or_default();
        Ok(self.injected(&own, &official, &settings, &config, through))
    }

    /// Starts the child and waits for its end; `tell` gets lines for stderr before and after.
    ///
    /// To be polled on the main thread (see `ports::Codex::launch`).
    ///
    /// # Errors
    /// When the child cannot be started.
    pub async fn launch(
        &self,
        args: &[OsString],
        through: Option<&Through>,
        tell: impl Fn(String) + Send + Sync,
    ) -> Result<i32, Problem> {
        let (plan, notes) = self.finish(args, through).await?;
        notes.into_iter().for_each(&tell);
        let guarded = if self.is_bypassed() { None } else { guard::guarded(&own::split(args)?.scan) };
        let Some(form) = guarded else {
            return Ok(self.codex.launch(plan).await?.code());
        };
        let aside = self.set_aside(&tell).await?;
        let ended = self.codex.launch(plan).await.map(crate::ports::codex::Ended::code);
        self.settle(form, aside, ended.as_ref().ok().copied(), &tell).await;
        ended
    }

    /// Obtains the yes a guarded form needs.
    async fn agree(
        &self,
        form: Guarded,
        consent: Consent,
        config: Option<&ConfigFacts>,
    ) -> Result<(), Problem> {
        let store = config.and_then(|config| config.credentials_store.as_deref()).unwrap_or("file");
        let mut lines = guard::explanation(form).to_vec();
        if store == "file" {
            if consent == Consent::Given {
                return Ok(());
            }
        } else {
            lines.pop();
            lines.push(format!("The login is kept in the {store} store, which cannot be moved aside."));
        }
        let choices = if store == "file" {
            vec![Choice { letter: 'c', text: "cancel" }, Choice { letter: 's', text: "go on safely" }]
        } else {
            vec![Choice { letter: 'c', text: "cancel" }, Choice { letter: 's', text: "go on all the same" }]
        };
        match self.question.ask(lines, choices).await {
            Some('s') => Ok(()),
            Some(_) => Err(Problem::new("cancelled", Exit::Cancelled, "cancelled; nothing was changed")),
            None => Err(guard::refused(form)),
        }
    }

    /// Saves what `auth.json` knows better, then moves it away: there is nothing left to revoke.
    async fn set_aside(&self, tell: &(impl Fn(String) + Send + Sync)) -> Result<Option<Aside>, Problem> {
        let store = self.ports.store();
        let roster = store.load().await?.roster;
        let newer = self.home.newer(&roster).await;
        if !newer.is_empty() {
            store.commit(newer).await?;
        }
        let aside = self.home.set_aside(self.ports.clock().now()).await.map_err(|why| {
            Problem::new(
                "storage-unreadable",
                Exit::Failed,
                "auth.json could not be moved aside; nothing was started",
            )
            .because(why)
        })?;
        if let Some(aside) = &aside {
            tell(format!("auth.json was moved to {}", aside.to.display()));
        }
        Ok(aside)
    }

    async fn settle(
        &self,
        form: Guarded,
        aside: Option<Aside>,
        code: Option<i32>,
        tell: &(impl Fn(String) + Send + Sync),
    ) {
        if form == Guarded::Logout {
            return;
        }
        if code == Some(0) {
            tell("The new login is in auth.json; the pool keeps the accounts it has".to_owned());
            return;
        }
        let Some(aside) = aside else { return };
        match self.home.put_back(&aside).await {
            Ok(_) => tell("The login did not happen; auth.json is back as it was".to_owned()),
            Err(why) => tell(format!("auth.json could not be put back from {}: {why}", aside.to.display())),
        }
    }

    /// Whether `auth.json` is ours to keep alive; somebody's other login stays unless a person says otherwise.
    async fn owns_login(&self, roster: &Roster, notes: &mut Vec<String>) -> Result<bool, Problem> {
        let Login::Other { kind, stamp } = self.home.login().await else { return Ok(true) };
        let account = roster.active_of(Family::Codex).or_else(|| roster.accounts.first());
        let Some(account) = account else { return Ok(false) };
        let lines = vec![
            format!("auth.json holds {kind}; rotation needs a ChatGPT login there."),
            format!("{} of the pool can take its place; the old file is kept.", self.named(roster, account)),
        ];
        let choices = vec![
            Choice { letter: 'n', text: "no: run without rotation" },
            Choice { letter: 'y', text: "yes: put it in" },
        ];
        if self.question.ask(lines, choices).await == Some('y') {
            let written = self.home.replace(Some(&stamp), account, self.ports.clock().now()).await;
            return written.map(|_| true).map_err(|why| {
                Problem::new("storage-unreadable", Exit::Failed, "auth.json could not be written")
                    .because(why)
            });
        }
        notes.push(format!("No rotation for this launch: auth.json holds {kind}"));
        Ok(false)
    }

    /// `--account`, else the variables; resolved in the pool the proxy will load (FW-10).
    fn forced(&self, own: &Own, roster: &Roster) -> Result<Option<AccountKey>, Problem> {
        let index = self.env.filled(FORCE_INDEX).and_then(|index| index.parse::<usize>().ok());
        let wanted = own
            .account
            .clone()
            .or_else(|| self.env.filled(FORCE_ACCOUNT).map(str::to_owned))
            .or_else(|| self.env.filled(FORCE_ID).map(str::to_owned))
            .or_else(|| index.map(|index| index.saturating_add(1).to_string()));
        let Some(wanted) = wanted else { return Ok(None) };
        reference::resolve(&wanted, roster).map(Some).map_err(|mut problem| {
            for (index, account) in roster.accounts.iter().enumerate() {
                problem.because.push(format!("{}. {}", index + 1, self.named(roster, account)));
            }
            problem
        })
    }

    fn not_forced(&self, own: &Own, why: Plain) -> Result<(), Problem> {
        let by_variable =
            [FORCE_ACCOUNT, FORCE_ID, FORCE_INDEX].into_iter().any(|name| self.env.filled(name).is_some());
        let would_rotate = matches!(why, Plain::Off | Plain::Skipped);
        if own.account.is_some() || (by_variable && would_rotate) { Err(not_active()) } else { Ok(()) }
    }

    fn plain(&self, own: &Own, official: &Official, notes: Vec<String>) -> Planned {
        if own.show == Show::No {
            return Planned::Plain(notes);
        }
        let environment = inject::plain_environment(&self.env, self.version);
        let plan = assembled(official, own.rest.clone(), environment);
        let text = show::text(&plan, "none", "as in auth.json", &notes, "not needed");
        Planned::Printed(text, Exit::Ok)
    }

    #[expect(clippy::too_many_arguments, reason = "everything a description shows, each once")]
    async fn describe(
        &self,
        own: &Own,
        official: &Official,
        settings: &Settings,
        config: &ConfigFacts,
        roster: &Roster,
        forced: Option<&AccountKey>,
        notes: &[String],
    ) -> Result<Planned, Problem> {
        let (plan, more) = self.injected(own, official, settings, config, &show::nobody());
        let account = forced.map_or_else(|| "any".to_owned(), |key| self.name(roster, key));
        let notes: Vec<String> = notes.iter().cloned().chain(more).collect();
        let preflight = show::preflight(&self.look(Writes::Forbidden).await);
        let text = show::text(&plan, "inline proxy of this launch", &account, &notes, &preflight);
        Ok(Planned::Printed(text, Exit::Ok))
    }

    fn injected(
        &self,
        own: &Own,
        official: &Official,
        settings: &Settings,
        config: &ConfigFacts,
        through: &Through,
    ) -> (LaunchPlan, Vec<String>) {
        let (store, note) = self.credential_store(own, config);
        let args = inject::arguments(through, settings.injection, store, &own.rest);
        let mut environment = inject::environment(through, &self.env, self.pid, self.version);
        let notes = note.into_iter().chain(std::mem::take(&mut environment.notes)).collect();
        (assembled(official, args, environment), notes)
    }

    /// The proxy can follow the login only in the file (forwarder.md §7.5).
    fn credential_store(&self, own: &Own, config: &ConfigFacts) -> (CredentialStore, Option<String>) {
        let given = own.scan.setting("cli_auth_credentials_store");
        let store = given.or(config.credentials_store.as_deref()).unwrap_or("file");
        if store == "file" {
            return (CredentialStore::Configured, None);
        }
        if given.is_some() || self.env.denies(FORCE_FILE_STORE) {
            let note = format!(
                "The login is kept in the {store} store, so it could not be checked before the launch"
            );
            return (CredentialStore::Configured, Some(note));
        }
        let note = format!("The login is read from auth.json for this launch (configured: {store})");
        (CredentialStore::File, Some(note))
    }
}

fn not_active() -> Problem {
    Problem::new("bad-argument", Exit::Usage, "an account is forced, but this launch is not rotated").hint(
        Hint::Say("Leave out `--account`, or run it with rotation on and no provider of your own".to_owned()),
    )
}

fn assembled(official: &Official, args: Vec<OsString>, environment: inject::Environment) -> LaunchPlan {
    let environment = show::join(environment, official.set_env.clone(), official.unset_env.clone());
    let (program, args) = match &official.through {
        Some(interpreter) => {
            let script = official.path.clone().into_os_string();
            (interpreter.clone(), std::iter::once(script).chain(args).collect())
        }
        None => (official.path.clone(), args),
    };
    LaunchPlan { program, args, set_env: environment.set, unset_env: environment.unset }
}

fn is_new_enough(official: &Official, injection: Injection) -> Result<(), Problem> {
    let Some(version) = official.version.as_deref().filter(|_| injection == Injection::BaseUrl) else {
        return Ok(());
    };
    let mut parts = version.split(['.', '-']).map(|part| part.parse::<u64>().unwrap_or(0));
    let numbers = [parts.next().unwrap_or(0), parts.next().unwrap_or(0), parts.next().unwrap_or(0)];
    if numbers >= MIN_BASE_URL_CLI {
        return Ok(());
    }
    let [major, minor, patch] = MIN_BASE_URL_CLI;
    Err(closed(
        Problem::new(
            "official-cli-too-old",
            Exit::Failed,
            format!("Codex {version} is too old for rotation"),
        )
        .because(format!("`openai_base_url` is known from {major}.{minor}.{patch} on"))
        .hint(Hint::Say("Update it, or set `injection` to `provider`".to_owned())),
    ))
}
