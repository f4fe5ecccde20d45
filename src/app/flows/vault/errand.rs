//! What a command asks for, and with which act, look or question it begins.

use std::path::PathBuf;

use super::{change_of, export_path, flagged_roster};
use crate::app::effect::Query;
use crate::app::outcome::vault::{Changed, Told};
use crate::app::world::World;
use crate::base::Moment;
use crate::base::text::clean;
use crate::domain::account::{Account, Switch};
use crate::domain::backup::{Backup, Comparison, Name, PinFate};
use crate::domain::change::Change;
use crate::domain::companion::{Synced, Target};
use crate::domain::problem::{Exit, Hint, Problem};
use crate::domain::reference;
use crate::domain::terms::Consent;
use crate::domain::vault::{Act, Answer, Choice, Copies, Existing, Run, Source};

/// The word that deletes everything.
const DELETE: &str = "DELETE";

/// The code of a pool that nothing can repair.
pub const CORRUPT: &str = "storage-corrupt";

/// What a command asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Errand {
    /// `backup list`
    Backups,
    /// `backup verify [NAME]`
    Verify(Option<String>),
    /// `backup create [NAME]`
    Create(Option<Name>),
    /// `backup restore NAME`
    Restore(String),
    /// `backup delete NAME`
    Delete(String),
    /// `export [PATH]`
    Export(Option<PathBuf>, Existing),
    /// `import PATH`
    Import(PathBuf, Run, Consent),
    /// `import --scan`
    Scan(Vec<PathBuf>, Run, Consent),
    /// `account remove <ref>`
    Remove(String),
    /// `account remove --all`
    Clear(Copies),
    /// `account enable <ref>`, `account disable <ref>`
    Turn(String, Switch),
    /// `account label <ref> [text]`; `None` takes the label away.
    Label(String, Option<String>),
    /// `flagged list`
    Flagged,
    /// `flagged remove <ref>…`
    Unflag(Vec<String>),
    /// `sync preview`, `sync apply`
    Sync(Run),
    /// Decided on a screen.
    Decided(Act),
}

/// How an errand begins.
pub(super) enum First {
    /// At once.
    Act(Box<Act>),
    /// With a question.
    Ask(Box<Act>, Query),
    /// With a look at what the question is about.
    Look(Box<Act>),
    /// With the acknowledgement, because it adds accounts.
    Gated(Box<Act>),
    /// With a change of the pool.
    Commit(Box<Change>, Box<Told>),
    /// It is done: nothing had to be changed.
    Done(Box<Told>),
}

impl Errand {
    /// The command's words, the JSON's `command`.
    pub const fn command(&self) -> &'static str {
        match self {
            Self::Backups => "backup list",
            Self::Verify(_) => "backup verify",
            Self::Create(_) => "backup create",
            Self::Restore(_) => "backup restore",
            Self::Delete(_) => "backup delete",
            Self::Export(..) => "export",
            Self::Import(..) | Self::Scan(..) => "import",
            Self::Remove(_) | Self::Clear(_) => "account remove",
            Self::Turn(_, Switch::On) => "account enable",
            Self::Turn(_, Switch::Off) => "account disable",
            Self::Label(..) => "account label",
            Self::Flagged => "flagged list",
            Self::Unflag(_) => "flagged remove",
            Self::Sync(run) => sync_command(*run),
            Self::Decided(act) => command_of(act),
        }
    }

    /// Whether it does something, rather than showing something.
    pub const fn is_act(&self) -> bool {
        !matches!(
            self,
            Self::Backups
                | Self::Verify(_)
                | Self::Flagged
                | Self::Import(_, Run::Dry, _)
                | Self::Scan(_, Run::Dry, _)
                | Self::Sync(Run::Dry)
        )
    }

    /// How it begins. A pool that cannot be read stands in nobody's way who brings another one.
    pub(super) fn first(&self, world: &World, at: Moment) -> Result<First, Problem> {
        let act = |act| Ok(First::Act(Box::new(act)));
        let look = |act| Ok(First::Look(Box::new(act)));
        match self {
            Self::Backups => act(Act::List),
            Self::Verify(name) => act(Act::Verify(name.clone().map(Source::Named))),
            Self::Create(name) => act(Act::Create(name.clone())),
            Self::Restore(name) => look(Act::Compare(Source::Named(name.clone()))),
            Self::Delete(name) => look(Act::Verify(Some(Source::Named(name.clone())))),
            Self::Export(path, existing) => {
                act(Act::Export(path.clone().unwrap_or_else(|| export_path(at)), *existing))
            }
            Self::Import(path, run, _) => {
                let import = Act::Import(Source::File(path.clone()), *run);
                let gated = *run == Run::Real && world.setting.demo.is_none();
                if gated { Ok(First::Gated(Box::new(import))) } else { act(import) }
            }
            Self::Scan(from, run, _) => {
                let scan = Act::Scan(from.clone(), Choice::All, *run);
                let gated = *run == Run::Real && world.setting.demo.is_none();
                if gated { Ok(First::Gated(Box::new(scan))) } else { act(scan) }
            }
            Self::Flagged => act(Act::Flagged),
            Self::Unflag(_) => look(Act::Flagged),
            Self::Sync(Run::Dry) => act(Act::Sync(Run::Dry)),
            Self::Sync(Run::Real) => look(Act::Sync(Run::Dry)),
            Self::Decided(decided) => act(decided.clone()),
            Self::Clear(copies) => clear(*copies, world),
            Self::Remove(word) => {
                let key = resolve(word, world)?;
                let named = world.named(&key).map(|named| clean(&named.label).into_owned());
                let name = named.unwrap_or_default();
                let mut lines = vec![format!("Delete {name} from the pool?")];
                if world.in_use(at) == Some(&key) {
                    lines.push("It is in use now; its sessions move to the next account.".to_owned());
                }
                lines.push("A backup of the pool is made first.".to_owned());
                Ok(First::Ask(Box::new(Act::Remove(key)), Query::YesNo { lines, act: "delete" }))
            }
            Self::Turn(word, to) => {
                let key = resolve(word, world)?;
                let is = world.roster.get(&key).map(|account| account.switch);
                let news = if is == Some(*to) { Changed::No } else { Changed::Yes };
                let to = *to;
                change_of(
                    key,
                    world,
                    news,
                    |key| Change::Switched { key, switch: to },
                    |named, news| Told::Switched(named, to, news),
                )
            }
            Self::Label(word, label) => {
                let key = resolve(word, world)?;
                let account = world.roster.get(&key);
                let is = account.and_then(|account| account.label.as_deref());
                // A name that came with the tokens is not one of the user's own, so it is nobody's to take away.
                let kept = label.is_none() && is.is_some_and(crate::domain::label::is_built_in);
                let news = if kept || is == label.as_deref() { Changed::No } else { Changed::Yes };
                let unnamed = account.filter(|_| !kept).cloned();
                change_of(
                    key,
                    world,
                    news,
                    |key| Change::Relabelled { key, label: label.clone() },
                    |mut named, news| {
                        match (label, unnamed) {
                            (Some(label), _) => named.label.clone_from(label),
                            (None, Some(account)) => {
                                let bare = Account { label: None, ..account };
                                named.label = reference::name(&bare, named.number);
                            }
                            (None, None) => {}
                        }
                        Told::Labelled(named, news)
                    },
                )
            }
        }
    }

    /// The question about what was looked up.
    pub(super) fn second(&self, answer: &Answer, world: &World) -> Result<(Act, Query), Problem> {
        match (self, answer) {
            (Self::Restore(_), Answer::Compared(pair)) => {
                let (backup, comparison) = pair.as_ref();
                let act = Act::Restore(Source::File(backup.path.clone()));
                Ok((
                    act,
                    Query::YesNo { lines: difference(backup, comparison, world), act: "replace the pool" },
                ))
            }
            (Self::Delete(_), Answer::Listed(found)) => {
                let backup = found.first().ok_or_else(lost)?;
                let lines = vec![format!(
                    "Delete the backup {} with {}? This cannot be undone.",
                    backup.name,
                    counted(backup.accounts)
                )];
                let act = Act::Delete(Source::File(backup.path.clone()));
                Ok((act, Query::YesNo { lines, act: "delete" }))
            }
            (Self::Sync(_), Answer::Synced(synced)) => {
                let lines = offer(synced);
                Ok((Act::Sync(Run::Real), Query::YesNo { lines, act: "write" }))
            }
            (Self::Unflag(words), Answer::Flagged(all)) => {
                let roster = flagged_roster(all);
                if roster.accounts.is_empty() {
                    return Err(Problem::new("unknown-account", Exit::Usage, "no account is flagged"));
                }
                let mut keys = Vec::new();
                for word in words {
                    let key = reference::resolve(word, &roster)?;
                    if !keys.contains(&key) {
                        keys.push(key);
                    }
                }
                let names: Vec<String> = keys
                    .iter()
                    .filter_map(|key| {
                        let number = roster.index_of(key)? + 1;
                        Some(clean(&reference::name(roster.get(key)?, number)).into_owned())
                    })
                    .collect();
                let lines = vec![format!("Delete from the flagged pool: {}?", names.join(", "))];
                Ok((Act::Unflag(keys), Query::YesNo { lines, act: "delete" }))
            }
            _ => Err(lost()),
        }
    }
}

fn lost() -> Problem {
    Problem::new("internal", Exit::Failed, "the answer was for another question")
}

fn resolve(word: &str, world: &World) -> Result<crate::domain::account::AccountKey, Problem> {
    match &world.trouble {
        Some(problem) => Err(problem.clone()),
        None => world.meant(word),
    }
}

fn counted(accounts: usize) -> String {
    if accounts == 1 { "1 account".to_owned() } else { format!("{accounts} accounts") }
}

fn clear(copies: Copies, world: &World) -> Result<First, Problem> {
    let accounts = world.roster.accounts.len();
    if accounts == 0 && world.trouble.is_none() {
        return Err(reference::no_accounts());
    }
    // Only a ruin may go unread: a newer version's pool, or one behind a closed door, is whole.
    let ruined = match &world.trouble {
        Some(problem) if problem.code == CORRUPT => true,
        Some(problem) => return Err(problem.clone()),
        None => false,
    };
    let mut lines = vec![if ruined {
        "Delete the pool file, which cannot be read, and all automatic copies?".to_owned()
    } else {
        format!("Delete all {}?", counted(accounts))
    }];
    lines.push(match copies {
        Copies::Kept if ruined => "The files are kept in quarantine.".to_owned(),
        Copies::Kept => "A named backup is made first.".to_owned(),
        Copies::Purged => "No backup is made, and snapshots go, too. This cannot be undone.".to_owned(),
    });
    Ok(First::Ask(Box::new(Act::Clear(copies)), Query::Word { lines, word: DELETE }))
}

/// The difference a restore makes, as a person has to know it.
fn difference(backup: &Backup, comparison: &Comparison, world: &World) -> Vec<String> {
    let list =
        |names: &[String]| names.iter().map(|name| clean(name).into_owned()).collect::<Vec<_>>().join(", ");
    let here = match &world.trouble {
        Some(_) => "the pool file, which cannot be read,".to_owned(),
        None => format!("the pool ({})", counted(world.roster.accounts.len())),
    };
    let mut lines = vec![format!("Replace {here} by {} ({})?", backup.name, counted(backup.accounts))];
    if !comparison.same.is_empty() {
        lines.push(format!("  same        {}", list(&comparison.same)));
    }
    if !comparison.only_here.is_empty() {
        lines.push(format!("  would go    {}", list(&comparison.only_here)));
    }
    if !comparison.only_there.is_empty() {
        lines.push(format!("  would come  {}", list(&comparison.only_there)));
    }
    if comparison.older_tokens > 0 {
        let older = comparison.older_tokens;
        lines.push(format!("  tokens      {older} older than the pool's: the newer ones stay"));
    }
    match &comparison.pin {
        PinFate::None => {}
        PinFate::Stays(name) => lines.push(format!("  pin         {} stays pinned", clean(name))),
        PinFate::Lost(name) => lines.push(format!("  pin         {} is not in it: unpinned", clean(name))),
    }
    match &world.trouble {
        Some(_) => lines.push("The file as it is now is kept in quarantine.".to_owned()),
        None if world.roster.accounts.is_empty() => {}
        None => lines.push("The pool as it is now is backed up first.".to_owned()),
    }
    lines
}

const fn command_of(act: &Act) -> &'static str {
    match act {
        Act::List => "backup list",
        Act::Verify(_) => "backup verify",
        Act::Compare(_) => "backup compare",
        Act::Create(_) => "backup create",
        Act::Delete(_) => "backup delete",
        Act::Restore(_) => "backup restore",
        Act::Export(..) => "export",
        Act::Import(..) | Act::Scan(..) => "import",
        Act::Remove(_) | Act::Clear(_) => "account remove",
        Act::PutBack(_) | Act::Refill(_) => "undo",
        Act::Flagged => "flagged list",
        Act::Unflag(_) => "flagged remove",
        Act::Flag(_) | Act::Reclaim(_) => "fix",
        Act::Sync(run) => sync_command(*run),
    }
}

const fn sync_command(run: Run) -> &'static str {
    match run {
        Run::Dry => "sync preview",
        Run::Real => "sync apply",
    }
}

/// What writing to the companion's pool does, as a person has to know it before.
pub fn offer(synced: &Synced) -> Vec<String> {
    let mut lines = vec![format!(
        "Write {} new and {} newer accounts into the companion's pool?",
        synced.count("add"),
        synced.count("update")
    )];
    if let Target::Found(folder) = &synced.target {
        lines.push(format!("  {}", folder.display()));
    }
    lines.push("Its other accounts and its selection stay; it is copied first.".to_owned());
    lines.push("Both programs then hold these sign-ins: who refreshes one second signs in again.".to_owned());
    lines
}

/// A label as it is kept: one line, at most 80 letters; `None` when nothing is left of it.
///
/// # Errors
/// `bad-argument` when it is too long.
pub fn label(text: &str) -> Result<Option<String>, Problem> {
    let one_line = clean(text).split_whitespace().collect::<Vec<_>>().join(" ");
    if one_line.chars().count() > 80 {
        return Err(Problem::new("bad-argument", Exit::Usage, "a label has at most 80 letters")
            .hint(Hint::Say("Choose a shorter one".to_owned())));
    }
    Ok((!one_line.is_empty()).then_some(one_line))
}
